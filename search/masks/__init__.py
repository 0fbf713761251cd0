"""Masks of the search: text, order, numbers, and renaming of neurons."""
