"""How many experiments of each study a store is to have, for whoever looks how far it is.

The log says what is stored; what runs have asked for, it does not say. This file does. Nothing is
decided by it: it is not flushed to disk, is not copied to S3, and a run writes anew what is lost.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Mapping

from pydantic import ValidationError

from storage.log.strict import Count, Name, Strict
from storage.paths import StorePaths
from storage.safe_open import read_regular

logger = logging.getLogger(__name__)


class _Planned(Strict):
    """The file.

    Attributes:
        studies: digest of a study -> experiments of it, the most that a run has asked for.
    """

    studies: dict[Name, Count]


def record_planned(paths: StorePaths, studies: Mapping[str, int]) -> None:
    """Notes how much of some studies a run asks for; a run that asks for a part takes nothing back.

    Where the file cannot be written, only those who look lack it: the text log says so.

    Args:
        paths: of the store, whose lock is held.
        studies: digest of a study -> experiments that are wanted, stored or not.
    """
    before = read_planned(paths)
    most = {digest: max(count, before.get(digest, 0)) for digest, count in studies.items()}
    if most.items() <= before.items():
        return
    aside = paths.new_temporary()
    try:
        aside.write_text(_Planned(studies={**before, **most}).model_dump_json())
        os.replace(aside, paths.planned)
    except OSError as error:
        logger.warning("%s cannot be written: %s", paths.planned, error.strerror)


def read_planned(paths: StorePaths) -> dict[str, int]:
    """Digest of a study -> experiments that runs have asked for, of those for which it is known."""
    try:
        return _Planned.model_validate_json(read_regular(paths.planned)).studies
    except (OSError, ValidationError):
        # None yet, or of another version of the software: it is not known then.
        return {}
