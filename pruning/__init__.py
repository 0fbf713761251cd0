"""How a mask is chosen, and what it does to a network."""
