"""Selection of rows that can be compared: one data set, and one name per method and settings."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import pyarrow as pa

_SETTINGS: Final = (
    "replace(regexp_replace(hyperparameters, '[{}\"]', '', 'g'), ': ', '=')",
    "'init_scheme=' || init_scheme",
)


def variant(*others: str) -> str:
    """Return SQL for the name of a method with its settings, such as "snip (batches=4)".

    Args:
        others: SQL for settings beside the hyperparameters and `init_scheme`; NULL leaves one out.
    """
    listed = ", ".join([*_SETTINGS, *others])
    return f"method || coalesce(' (' || nullif(concat_ws(', ', {listed}), '') || ')', '')"


VARIANT: Final = variant()
"""SQL for the name of a method with its hyperparameters and `init_scheme`."""

NETWORK: Final = "coalesce(structure, concat_ws('x', width, width, width))"
"""SQL for the hidden layers of the network that was trained or that pruning started from."""

MASK_WEIGHTS: Final = """list_sum([
    CASE WHEN layer <= len(masks) THEN len(replace(replace(masks[layer], '0', ''), '|', ''))
         ELSE layers[layer] * layers[layer + 1] END
    FOR layer IN range(1, len(layers)) IF masks IS NOT NULL])"""
"""SQL for the number of weights that an experiment's listed masks keep; NULL without masks."""


def choose_dataset(sql: Callable[[str], pa.Table], dataset: str | None, *, option: str) -> str:
    """Return the data set whose rows to use.

    Args:
        sql: runs a query over the view `results`.
        dataset: name of the data set; None if the results have only one.
        option: option that selects a data set, such as `--dataset NAME`, for the message.

    Raises:
        ValueError: there are several data sets and none is chosen, none has this name, or there
            are no rows.
    """
    table = sql("SELECT DISTINCT dataset FROM results ORDER BY dataset")
    names: list[str] = table.column("dataset").to_pylist()
    if not names:
        raise ValueError("there are no rows yet")
    if dataset is None and len(names) > 1:
        raise ValueError(
            f"the rows are of several data sets, {', '.join(names)}, whose accuracies cannot be "
            f"compared: choose one ({option})"
        )
    if dataset is not None and dataset not in names:
        raise ValueError(f"there are no rows of {dataset}; there are rows of {', '.join(names)}")
    return dataset or names[0]
