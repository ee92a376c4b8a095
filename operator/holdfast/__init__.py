"""Holdfast: ship fast; hold when the budget is gone."""

__version__ = "0.1.0"
