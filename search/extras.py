"""Optional dependencies, and the extras of this project that install them."""

from __future__ import annotations

_EXTRAS = {
    "boto3": "s3",
    "jinja2": "report",
    "matplotlib": "report",
    "mlxtend": "tasks",
    "mnist1d": "tasks",
    "pandas": "notebook",
    "plotly": "report",
    "sklearn": "tasks",
}
"""Package -> extra."""


def extra_message(error: ModuleNotFoundError) -> str | None:
    """Return how to install a missing optional package; None if it is not an optional one."""
    package = (error.name or "").partition(".")[0]
    if package not in _EXTRAS:
        return None
    return (
        f"the package {package} is missing; install it with: "
        f"pip install 'sparsest[{_EXTRAS[package]}]'"
    )
