"""Every distinct network of a structure as a lazily indexed grid: one of each, none twice.

Networks are distinct if no renaming of hidden neurons turns one into the other; each is given by
its representative (`search.renaming`), in the order in which `masks = "all"` has it. What is held
is not the networks but a tree: for each way in which the names of a layer's neurons are still open,
the list of that layer's masks, each with the number of networks that begin with it. 7x3x3 has
8,338,343 networks and lists of 153,800 masks.
"""
