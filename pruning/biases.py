"""Import path of `bias_masks` for plug-ins."""

from pruning.masks import bias_masks

__all__ = ["bias_masks"]
