"""The simulated shop: one exporter page per pod, traffic over ready pods, faults by image tag, exact ground truth.

It runs as a process of its own (`python -m lab.shop`), so that a busy test does not distort the traffic.
"""
