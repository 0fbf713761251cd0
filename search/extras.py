"""Optional dependencies, and the extras of this project that install them."""

from __future__ import annotations

from importlib import import_module
from types import ModuleType

_EXTRAS = {
    "boto3": "s3",
    "jinja2": "report",
    "matplotlib": "report",
    "mlxtend": "tasks",
    "mnist1d": "tasks",
    "networkx": "export",
    "onnx": "export",
    "pandas": "notebook",
    "plotly": "report",
    "polars": "export",
    "sklearn": "tasks",
}
"""Package -> extra."""


def optional(package: str, use: str) -> ModuleType:
    """Import an optional package; an ImportError names the extra that installs it."""
    try:
        return import_module(package)
    except ModuleNotFoundError as error:
        message = extra_message(error)
        if message is None:
            raise
        raise ImportError(f"{use}: {message}") from error


def extra_message(error: ModuleNotFoundError) -> str | None:
    """Return how to install a missing optional package; None if it is not an optional one."""
    package = (error.name or "").partition(".")[0]
    if package not in _EXTRAS:
        return None
    return (
        f"the package {package} is missing; install it with: "
        f"pip install 'sparsest[{_EXTRAS[package]}]'"
    )
