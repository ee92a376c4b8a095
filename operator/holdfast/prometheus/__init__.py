"""How it is measured: sources, batched queries per metric family, the poller, and the refill of the past."""
