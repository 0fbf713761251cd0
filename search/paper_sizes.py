"""Facts about the paper's studies that need no grids, which take 50 ms to import and build.

`search.paper` has the studies themselves.
"""

TARGETS = (0.95, 0.995)
"""Accuracies for which the paper looks for the sparsest network."""

PAPER_SIZES = {
    "overparam": 18_954,
    "phase1": 24_576,
    "phase2-95": 155_952,
    "phase2-995": 189_624,
    "fixed95-prune": 9_720,
    "fixed95-phase1": 558,
    "fixed95-phase2": 2_496,
    "fixed995-prune": 11_340,
    "fixed995-phase1": 2_034,
    "fixed995-phase2": 70_584,
}
"""Name of each study -> number of its experiments."""
