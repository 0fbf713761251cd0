"""Pruning algorithms: how masks are chosen, and what they do to a network."""
