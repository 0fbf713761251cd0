"""Experiments as tab-separated text for `sparsest list --tsv`."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from search.methods import training_epochs
from search.structure import Structure
from search.study import Study

ABSENT = "-"
"""Text of an absent target, structure, mask or hyperparameter."""

_LEAST_MASK_COLUMNS = 3


def tsv_lines(study: Study, indices: Iterable[int]) -> Iterator[str]:
    r"""Yield one line for each experiment, without a newline.

    LABEL \\t method \\t width \\t lr \\t schedule \\t epochs \\t target \\t structure \\t
    mask1 \\t mask2 \\t mask3, with more masks if the study has deeper structures or masks of the
    output layer. If the study has hyperparameters that differ from the authors', or an init_scheme,
    they are one more column, such as drop_fraction=0.5,interval=50. The target is target_nnz, or
    "accuracy=" and target_accuracy. Learning rates have Python's form, absent values are "-", and
    epochs are those of all rounds.
    """
    depths = [len(structure) for structure in study.values("structure") if structure]
    with_settings = any(study.values("hyperparameters")) or any(study.values("init_scheme"))
    mask_columns = max(_LEAST_MASK_COLUMNS, study.grid.mask_layers, *depths)
    for index in indices:
        experiment = study[index]
        target = experiment.target_nnz
        if experiment.target_accuracy is not None:
            aim = f"accuracy={experiment.target_accuracy!r}"
        else:
            aim = ABSENT if target is None else str(target)
        structure = experiment.structure
        masks = experiment.masks + (ABSENT,) * (mask_columns - len(experiment.masks))
        given = [f"{name}={value!r}" for name, value in experiment.hyperparameters]
        if experiment.init_scheme is not None:
            given.append(f"init_scheme={experiment.init_scheme}")
        yield "\t".join(
            (
                study.label(index),
                experiment.method,
                str(experiment.width),
                repr(experiment.lr),
                experiment.schedule,
                str(training_epochs(experiment)),
                aim,
                ABSENT if structure is None else str(Structure(structure)),
                *masks,
                *((",".join(given) or ABSENT,) if with_settings else ()),
            )
        )
