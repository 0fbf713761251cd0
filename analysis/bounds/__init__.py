"""Certified lower bounds on the number of weights (docs/lower-bound.md)."""
