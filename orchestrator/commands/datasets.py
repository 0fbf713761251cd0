"""The command `datasets`: the tasks that networks can be trained on."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

from orchestrator.commands.options import AsJson, Dark, Overwrite, option, output_option
from orchestrator.display.terminal import print_line, print_table, text_table
from orchestrator.errors import UserError, user_errors
from search.datasets import DatasetSpec, dataset_named, dataset_names, plugin_datasets

MAX_NAMES = 8
"""Maximum number of features that are named."""


def datasets(
    show: Annotated[
        str | None,
        option("NAME", "Describe one data set, or file:PATH, and draw it if it has two features."),
    ] = None,
    output: Annotated[
        Path | None, output_option("File for the drawing: .svg, .png or .pdf [default: NAME.svg]")
    ] = None,
    overwrite: Overwrite = False,
    dark: Dark = False,
    as_json: AsJson = False,
) -> None:
    """List the data sets: the tasks that networks can be trained on.

    The accuracy of a linear model on the points to train on tells what no hidden neuron is needed
    for. Those of plug-ins are computed only with --show.
    """
    if show is not None:
        _show(show, output, overwrite=overwrite, dark=dark, as_json=as_json)
        return
    if output is not None:
        raise UserError("--output needs --show NAME")
    specs = []
    problems = [str(plugin) for plugin in plugin_datasets().plugins if plugin.problem]
    for name in dataset_names():
        try:
            specs.append(dataset_named(name))
        except ValueError as error:
            problems.append(str(error))
    if as_json:
        print(json.dumps([_record(spec) for spec in specs]))
    else:
        _print_specs(specs)
    print_line(*problems, err=True)


def _record(spec: DatasetSpec) -> dict[str, Any]:
    """Return what `datasets --json` prints about a data set."""
    hidden = ("function", "arguments")
    return {name: value for name, value in asdict(spec).items() if name not in hidden}


def _print_specs(specs: Sequence[DatasetSpec]) -> None:
    rows = []
    for spec in specs:
        test = f"{spec.test_points:,}" if spec.test_points else "-"
        linear = "-" if spec.linear_accuracy is None else f"{spec.linear_accuracy:.1%}"
        counts = (f"{spec.points:,}", test, str(spec.features), str(spec.classes))
        rows.append((spec.name, *counts, linear))
    titles = ("data set", "points", "test points", "features", "classes", "linear")
    print_table(text_table(titles, rows))


def _show(name: str, output: Path | None, *, overwrite: bool, dark: bool, as_json: bool) -> None:
    import numpy as np

    from workers.datasets import load_dataset
    from workers.linear_model import linear_accuracy

    with user_errors(f"--show {name}: "):
        spec, dataset = dataset_named(name), load_dataset(name)
    if output is not None and dataset.features != 2:
        raise UserError(
            f"--output {output}: {name} has {dataset.features} features; only data sets with two "
            "are drawn"
        )
    linear = spec.linear_accuracy
    record = _record(spec) | {
        "digest": dataset.digest,
        "linear_accuracy": linear_accuracy(dataset) if linear is None else linear,
        "image_shape": dataset.image_shape,
        "feature_names": dataset.feature_names,
        "class_names": dataset.class_names,
        "points_of_class": np.bincount(dataset.labels.astype(int)).tolist(),
    }
    if dataset.features == 2:
        from analysis.drawing.data import draw_dataset
        from analysis.drawing.files import check_drawing_path, save_drawing

        path = output or Path(re.sub(r"[^\w.-]", "-", dataset.name) + ".svg")
        with user_errors(writing=path):
            check_drawing_path(path)
            save_drawing(draw_dataset(dataset, dark=dark), path, overwrite=overwrite)
        record["drawing"] = str(path)
    if as_json:
        print(json.dumps(record))
    else:
        _print_record(record)


def _print_record(record: Mapping[str, Any]) -> None:
    """Print one data set as lines of a name and a value."""
    counts = zip(record["class_names"], record["points_of_class"], strict=True)
    shape, names = record["image_shape"], record["feature_names"]
    named = ", ".join([*names[:MAX_NAMES], *["..."] * (len(names) > MAX_NAMES)])
    lines = {
        "data set": record["name"],
        "points": f"{record['points']:,}",
        "test points": f"{record['test_points']:,}" if record["test_points"] else "none",
        "features": f"{record['features']}: "
        + (f"{shape[0]} x {shape[1]} pixels" if shape else named),
        "classes": f"{record['classes']}: "
        + ", ".join(f"{name} ({count:,} points)" for name, count in counts),
        "linear model": f"{record['linear_accuracy']:.1%} of the points to train on",
        "digest": record["digest"],
        "package": record["package"],
        "drawing": record.get("drawing"),
    }
    print_line(*(f"{name:<14}{value}" for name, value in lines.items() if value))
