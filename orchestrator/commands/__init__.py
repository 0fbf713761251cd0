"""The commands of `sparsest`, a file for each purpose.

Functions import what takes long to import (torch, numba, scipy, plotly, matplotlib), so that help,
wrong options and other outputs do not wait for it.
"""
