"""Experiments as lines of tab-separated text, the form of `sparsest list --tsv`."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from search.paper import ROUNDS
from search.study import Study

ABSENT = "-"
"""Where an experiment has no value: a target, a structure, a mask."""

_LEAST_MASK_COLUMNS = 3


def tsv_lines(
    study: Study, indices: Iterable[int], rounds: Mapping[str, int] = ROUNDS
) -> Iterator[str]:
    r"""One line an experiment, without its newline.

    LABEL \\t method \\t width \\t lr \\t schedule \\t epochs \\t target_nnz \\t structure \\t
    mask1 \\t mask2 \\t mask3, with more masks where the study has deeper structures. Learning rates
    are written as Python does, what is absent as "-", and epochs are those of all rounds.

    Args:
        study: the study that the experiments belong to.
        indices: their places, in the order to print.
        rounds: rounds of training of the methods that have more than one.
    """
    depths = [len(structure) for structure in study.values("structure") if structure]
    mask_columns = max(_LEAST_MASK_COLUMNS, *depths, 0)
    for index in indices:
        experiment = study[index]
        target = experiment.target_nnz
        structure = experiment.structure
        masks = experiment.masks + (ABSENT,) * (mask_columns - len(experiment.masks))
        yield "\t".join(
            (
                study.label(index),
                experiment.method,
                str(experiment.width),
                repr(experiment.lr),
                experiment.schedule,
                str(experiment.epochs * rounds.get(experiment.method, 1)),
                ABSENT if target is None else str(target),
                ABSENT if structure is None else "x".join(map(str, structure)),
                *masks,
            )
        )
