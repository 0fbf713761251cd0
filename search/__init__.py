"""Experiments, methods, data sets, studies and the columns of results."""
