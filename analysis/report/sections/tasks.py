"""The fewest weights at each accuracy, by data set."""

from __future__ import annotations

from analysis.figures.chart import Axis, Chart, Selector, View
from analysis.figures.series import Row, accuracy_from, method_series
from analysis.report.answers import Section, ask, grouped, percent_name
from analysis.report.source import Source

_WEIGHTS = [digit * 10**zeros for zeros in range(6) for digit in (1, 1.5, 2, 3, 5, 7)]


def section(source: Source) -> Section:
    """Return the section, with the data sets of all rows that the report is made from."""
    title = "Fewest weights by data set and accuracy"
    fewest = ask(source, "fewest_by_dataset", title, "all")
    least = min((row["target"] for row in fewest.rows), default=0.5)
    return Section(
        "tasks",
        "Tasks",
        "How many weights do other tasks need?",
        (
            "This tab shows every data set, whichever the other tabs are about, and in a report of "
            "the published results also this project's own studies. Accuracy is that on the "
            "training points; the table also has the fewest weights that reach the accuracy on the "
            "test points, where a data set has any.",
            "A marker is the sparsest network of all trainings of a method from fresh "
            "initialisations. Methods with more trainings find sparser ones by chance.",
        ),
        (
            Chart(
                "weights-by-task",
                "Fewest weights at each accuracy",
                "A method without a marker at an accuracy did not reach it.",
                Axis("nonzero weights", "doubling", ticks=_WEIGHTS),
                accuracy_from(least),
                {
                    dataset: View(method_series(rows, "weights", "target", _note))
                    for dataset, rows in grouped(fewest.rows, "dataset").items()
                },
                ("fewest-by-dataset",),
                (Selector("Data set"),),
            ),
        ),
        (fewest,),
    )


def _note(row: Row) -> str:
    return f"sparsest of {row['networks']:,} networks at {percent_name(row['target'])}"
