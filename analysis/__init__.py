"""Analysis of results: networks, tables, figures, drawings and the report."""
