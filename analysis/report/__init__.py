"""The report: interactive figures, tables and drawings about the paper's findings in one folder."""
