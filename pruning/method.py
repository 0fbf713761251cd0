"""The specification of a method: the import path that plug-ins use, kept for them."""

from search.method import TO_TARGET, Method

__all__ = ["TO_TARGET", "Method"]
