"""Import path of `Method` for plug-ins."""

from search.method import TO_TARGET, Method

__all__ = ["TO_TARGET", "Method"]
