"""The data files of a store, and the rows in them."""
