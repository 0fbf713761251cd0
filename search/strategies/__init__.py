"""Strategies that search for sparse networks by proposing experiments."""
