"""The report: the paper's findings as one folder of interactive plots, tables and drawings."""
