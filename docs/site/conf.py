"""Settings of Sphinx for the manual."""

from __future__ import annotations

import sys
from importlib import metadata
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

project = "sparsest"
author = "The sparsest authors"
try:
    release = metadata.version("sparsest")
except metadata.PackageNotFoundError:  # a checkout that is on the path but not installed
    release = ""

extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.napoleon"]
exclude_patterns = ["examples"]
highlight_language = "none"  # indented lines are typed into a shell

smartquotes = False  # it would make one dash of the two of an option

# The anchors that the repository's own pages use.
myst_heading_anchors = 4

# Docstrings are Google's, and mark code with single quotes as Markdown does.
default_role = "code"
napoleon_google_docstring = True
napoleon_numpy_docstring = False
autodoc_member_order = "bysource"
autodoc_typehints_format = "short"
python_use_unqualified_type_names = True
maximum_signature_line_length = 80

# docs/sweep-files.md shows files that are not TOML, and what is said of them.
suppress_warnings = ["misc.highlighting_failure"]

html_theme = "furo"
html_title = "sparsest"
html_copy_source = False
html_show_copyright = False
html_show_sphinx = False
