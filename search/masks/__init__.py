"""Masks of the search: their text and order, how many there are, which are the same network."""
