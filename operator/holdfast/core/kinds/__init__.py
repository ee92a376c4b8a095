"""One pure module per kind of workload: what is seen of it, and the next request that brings it where it is wanted."""
