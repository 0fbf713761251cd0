"""Sphinx configuration of the manual."""

from __future__ import annotations

import sys
from importlib import metadata
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

project = "sparsest"
author = "The sparsest authors"
try:
    release = metadata.version("sparsest")
except metadata.PackageNotFoundError:  # a checkout that is importable but not installed
    release = ""

extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.napoleon"]
exclude_patterns = ["examples"]
highlight_language = "none"  # indented blocks are shell commands

smartquotes = False  # would turn the two dashes of an option into one

# Generate heading anchors, which the pages link to.
myst_heading_anchors = 4

# Docstrings follow the Google style; single backticks mark code, as in Markdown.
default_role = "code"
napoleon_google_docstring = True
napoleon_numpy_docstring = False
autodoc_member_order = "bysource"
autodoc_typehints_format = "short"
python_use_unqualified_type_names = True
maximum_signature_line_length = 80

# Some pages show files that are deliberately not valid TOML.
suppress_warnings = ["misc.highlighting_failure"]

html_theme = "furo"
html_title = "sparsest"
html_copy_source = False
html_show_copyright = False
html_show_sphinx = False
