"""The numbered log of a store: its entries, and the state that they describe."""
