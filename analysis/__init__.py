"""Looking at results: a stored row as a network, a store as a notebook sees it."""
