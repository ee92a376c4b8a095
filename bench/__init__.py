"""Benchmarks: what Holdfast promises in numbers, measured on this machine and compared with something it can be held to.

Rule: a group is one file of this package with a `GROUP`; it is found by being there. Less is better, unless
a figure says `at_least`.
"""
