"""The numbered log of a store: what it says, and what that adds up to."""
