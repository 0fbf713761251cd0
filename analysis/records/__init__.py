"""Records: the sparsest known networks, their evaluation, and the proven lower bounds."""
