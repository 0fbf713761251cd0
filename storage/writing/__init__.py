"""Changing a store: its one writer, and what makes its files fewer."""
