"""Experiments as lines of tab-separated text, the form of `sparsest list --tsv`."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from search.methods import training_epochs
from search.structure import Structure
from search.study import Study

ABSENT = "-"
"""Where an experiment has no value: a target, a structure, a mask, another hyperparameter."""

_LEAST_MASK_COLUMNS = 3


def tsv_lines(study: Study, indices: Iterable[int]) -> Iterator[str]:
    r"""One line an experiment, without its newline.

    LABEL \\t method \\t width \\t lr \\t schedule \\t epochs \\t target_nnz \\t structure \\t
    mask1 \\t mask2 \\t mask3, with more masks where the study has deeper structures. A study with
    other hyperparameters than the authors' has them in one more column, such as
    drop_fraction=0.5,interval=50. Learning rates are written as Python does, what is absent as "-",
    and epochs are those of all rounds.

    Args:
        study: the study that the experiments belong to.
        indices: their places, in the order to print.
    """
    depths = [len(structure) for structure in study.values("structure") if structure]
    with_hyperparameters = any(study.values("hyperparameters"))
    mask_columns = max(_LEAST_MASK_COLUMNS, *depths, 0)
    for index in indices:
        experiment = study[index]
        target = experiment.target_nnz
        structure = experiment.structure
        masks = experiment.masks + (ABSENT,) * (mask_columns - len(experiment.masks))
        given = ",".join(f"{name}={value!r}" for name, value in experiment.hyperparameters)
        yield "\t".join(
            (
                study.label(index),
                experiment.method,
                str(experiment.width),
                repr(experiment.lr),
                experiment.schedule,
                str(training_epochs(experiment)),
                ABSENT if target is None else str(target),
                ABSENT if structure is None else str(Structure(structure)),
                *masks,
                *((given or ABSENT,) if with_hyperparameters else ()),
            )
        )
