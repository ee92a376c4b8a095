"""How the cluster is seen and changed: connection, watch, store, reading workloads, requests, Events.

Rule: everything that talks to the API server is here, and nothing here decides. Errors of the server leave this package
as `ClusterError`; a request that found the world changed leaves it as a value.
"""
