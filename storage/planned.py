"""Number of experiments of each study that runs asked for, for `status`.

The log says what is stored, but not what was asked for; this file does. No decision depends on it:
it is not flushed to disk, is not copied to S3, and the next run writes what is lost.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Collection, Mapping

from pydantic import ValidationError

from storage.log.strict import Count, Name, Strict
from storage.paths import StorePaths
from storage.safe_open import read_regular

logger = logging.getLogger(__name__)


class _Planned(Strict):
    """Content of the file.

    Attributes:
        studies: digest of a study -> the largest number of its experiments that a run asked for.
    """

    studies: dict[Name, Count]


def record_planned(
    paths: StorePaths, studies: Mapping[str, int], superseded: Collection[str]
) -> None:
    """Record how many experiments a run asks for, unless an earlier run asked for more.

    If the file cannot be written, a warning is logged; nothing else depends on it.

    Args:
        paths: paths of the store, whose lock is held.
        studies: digest of a study -> number of wanted experiments, stored or not. Experiments
            stored under another digest do not count.
        superseded: digests of earlier versions of the studies; nothing is wanted of them any more.
    """
    recorded = read_planned(paths)
    before = {digest: count for digest, count in recorded.items() if digest not in superseded}
    most = {digest: max(count, before.get(digest, 0)) for digest, count in studies.items()}
    if {**before, **most} == recorded:
        return
    temporary = paths.new_temporary()
    try:
        temporary.write_text(_Planned(studies={**before, **most}).model_dump_json())
        os.replace(temporary, paths.planned)
    except OSError as error:
        logger.warning("%s cannot be written: %s", paths.planned, error.strerror)


def read_planned(paths: StorePaths) -> dict[str, int]:
    """Return digest of a study -> number of its experiments that runs asked for, where known."""
    try:
        return _Planned.model_validate_json(read_regular(paths.planned)).studies
    except (OSError, ValidationError):
        # Not written yet, or by another version of the software.
        return {}
