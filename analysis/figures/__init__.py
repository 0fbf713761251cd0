"""Figures: one description (`chart`), drawn by plotly for pages and by matplotlib for files."""
