"""Sphinx configuration of the manual."""

from __future__ import annotations

import sys
from importlib import metadata
from pathlib import Path
from typing import Any

from sphinx.application import Sphinx
from sphinx.pycode import ModuleAnalyzer

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


def setup(app: Sphinx) -> None:
    """Describe public constants by the text below their definition."""
    # Before napoleon, whose priority is 500.
    app.connect("autodoc-process-docstring", _describe_constant, priority=100)


def _describe_constant(
    app: Sphinx, what: str, name: str, value: Any, options: Any, lines: list[str]
) -> None:
    if what != "data":
        return
    import sparsest

    attribute = name.removeprefix("sparsest.")
    module, _, original = sparsest._exports()[attribute].partition(":")
    found = ModuleAnalyzer.for_module(module).find_attr_docs()
    lines[:] = found["", original]
