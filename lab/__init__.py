"""A real control plane, Prometheus and a simulated shop on this machine, for the demo, the tests and the benchmarks."""

from lab.cluster import Cluster, cluster
from lab.errors import LabError

__all__ = ["Cluster", "LabError", "cluster"]
