"""The numbered log of a store: its entries, and what they add up to."""
