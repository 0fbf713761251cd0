"""The report's folder: complete, true to the store, and never half there."""

from __future__ import annotations

import csv
import json
import re
from pathlib import Path
from typing import Any

import pytest

import sparsest
from analysis.best_row import best_row
from analysis.intervals import Interval
from analysis.methods import PRUNING, name_of
from analysis.report.asking import ask
from analysis.report.build import Built, Options, build_report
from analysis.report.chart import SMALLEST_REST, Axis
from analysis.report.claims import Claim, Finding, above, in_words
from analysis.report.drawing_pool import draw_networks
from analysis.report.folders import check_folder
from analysis.report.networks import LEAST_ACCURACY, PlottedNetwork, plotted_networks
from analysis.report.one_dataset import OneDataset
from analysis.report.sections import frontier, ledger, needed, prunable
from analysis.report.styles import style_of
from search.methods import METHODS
from storage.reading.reader import StoreReader

Report = tuple[Path, Built, list[str]]


def silent(step: str, done: int, of: int) -> None:
    """Tells nobody."""


def data_of(folder: Path) -> Any:
    text = (folder / "data.js").read_text()
    return json.loads(re.fullmatch(r"window\.REPORT = (.*);\n", text, re.DOTALL)[1])  # type: ignore[index]


def test_page_names_a_file_that_is_not_there(report: Report) -> None:
    folder, built, _ = report
    page = (folder / "index.html").read_text()
    named = re.findall(r'(?:href|src)="([^"#:]+)"', page)
    named += [one["file"] for one in data_of(folder)["networks"] if one["file"]]
    assert [name for name in named if not (folder / name).is_file()] == []
    assert {"report.js", "report.css", "data.js", "plotly.min.js"} <= set(named)
    assert len(list((folder / "networks").iterdir())) == built.drawings > 0
    assert not re.search(r'(?:src|href)="https?:', page)


def test_plot_is_shown_without_its_sql_or_its_table(report: Report, report_store: Path) -> None:
    folder, _, _ = report
    page = (folder / "index.html").read_text()
    with sparsest.open(report_store) as store:
        for part in re.findall(r'<section role="tabpanel".*?</section>', page, re.DOTALL):
            if "<figure" in part:
                assert '<pre class="sql"' in part
        asked = re.findall(r'<pre class="sql"[^>]*><code>(.*?)</code></pre>', page, re.DOTALL)
        assert len(asked) > 10
        for sql in set(asked):
            text = sql.replace("&lt;", "<").replace("&gt;", ">").replace("&#39;", "'")
            store.sql(text)


def test_table_holds_other_rows_than_its_sql_gives(report: Report, report_store: Path) -> None:
    folder, _, _ = report
    with StoreReader(report_store) as reader:
        answer = frontier.section(OneDataset(reader)).answers[0]
        with (folder / "tables" / "front.csv").open() as file:
            written = list(csv.DictReader(file))
        assert [row["experiment_id"] for row in written] == [
            row["experiment_id"] for row in reader.sql(answer.sql).to_pylist()
        ]
    assert len(written) > 3


def test_front_holds_a_network_that_a_sparser_one_beats(report_store: Path) -> None:
    with StoreReader(report_store) as reader:
        front = frontier.section(OneDataset(reader)).answers[0].rows
        for method in ("gmp", "snip", "search"):
            ours = [row for row in front if row["method"] == method and row["width"] is None]
            accuracies = [row["accuracy"] for row in ours]
            assert accuracies == sorted(set(accuracies))
            (best,) = reader.sql(
                f"SELECT max(accuracy) AS best FROM results WHERE method = '{method}'"
            ).to_pylist()
            assert accuracies[-1] == best["best"]


def test_weights_needed_are_not_those_of_the_sparsest_network(report_store: Path) -> None:
    with StoreReader(report_store) as reader:
        table = {row["method"]: row for row in needed.section(OneDataset(reader)).answers[0].rows}
        for method in ("search", "gmp"):
            row = best_row(reader, method, 0.95)
            assert table[name_of(method)]["weights at 95 %"] == row["weight_nnz"]
        gap = table["GMP"]["weights at 95 %"] - table["search"]["weights at 95 %"]
        assert table["GMP"]["weights at 95 %, more than search"] == gap


def test_point_has_no_network_or_another_one(report: Report, report_store: Path) -> None:
    folder, _, _ = report
    data = data_of(folder)
    view = data["charts"]["weights-needed"]["views"]["95 %|weights"]
    with StoreReader(report_store) as reader:
        for trace in view["data"]:
            network = data["networks"][trace["customdata"][0][0]]
            facts = dict(zip(data["facts"], network["facts"], strict=True))
            row = reader.row(facts["experiment"])
            assert trace["x"] == [row["weight_nnz"]]
            assert trace["name"] == name_of(row["method"])
            assert network["title"].startswith(f"{trace['name']}, ")
    assert data["asking"] == "--store runs/paper"


NO_NETWORKS = {"disconnected", "random-masks"}
"""Plots of shares: a point is a mean over many trainings, or of masks without any training."""


def test_point_of_a_network_opens_nothing(report: Report, report_store: Path) -> None:
    data = data_of(report[0])
    for name, chart in data["charts"].items():
        for view in chart["views"].values():
            for trace in view["data"]:
                if trace["mode"] == "lines" or "median" in trace["name"]:
                    continue  # no markers; medians are looked at below
                numbers = [number for number, _ in trace["customdata"]]
                assert all((number is None) == (name in NO_NETWORKS) for number in numbers), name
    with StoreReader(report_store) as reader:
        for statistic in ("best", "mean", "median"):
            (trace, *_) = data["charts"]["accuracy-by-width"]["views"][f"60|{statistic}"]["data"]
            for width, (number, note) in zip(trace["x"], trace["customdata"], strict=True):
                facts = dict(zip(data["facts"], data["networks"][number]["facts"], strict=True))
                (best,) = reader.sql(
                    "SELECT max(accuracy) AS accuracy FROM results WHERE method = 'gmp' "
                    f"AND target_nnz = 60 AND width = {width}"
                ).to_pylist()
                assert facts["accuracy"] == f"{100 * best['accuracy']:.2f} %"
                assert ("the network is the best" in note) == (statistic != "best")


def test_network_is_neither_drawn_nor_is_it_said_why(report: Report) -> None:
    folder, built, _ = report
    networks = data_of(folder)["networks"]
    assert all(bool(one["file"]) != bool(one["reason"]) for one in networks)
    assert sum(bool(one["file"]) for one in networks) == built.drawings
    assert sum(bool(one["reason"]) for one in networks) == built.left_out
    assert built.left_out == built.for_draw_all


def test_figure_is_missing(report: Report) -> None:
    folder, built, told = report
    page = (folder / "index.html").read_text()
    shown = re.findall(r'<div class="plot" id="plot-([\w-]+)"', page)
    assert len(shown) == built.plots > 5
    for name in shown:
        assert (folder / "figures" / f"{name}.svg").read_text().startswith("<?xml")
        assert (folder / "figures" / f"{name}.png").stat().st_size > 5_000
    assert {"asking", "drawing figures", "drawing networks"} == set(told)


def test_plot_without_points_says_nothing(report: Report) -> None:
    # The small store has no training from a stored initialisation.
    page = (report[0] / "index.html").read_text()
    figure = re.search(r'<figure data-chart="best-initialisation">.*?</figure>', page, re.DOTALL)
    assert figure is not None
    assert "Nothing is stored for this plot yet" in figure[0]
    assert "fixed95-prune" in figure[0]


def test_text_of_the_page_is_taken_for_markup(
    report_store: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("analysis.report.build.write_figures", lambda *arguments: None)
    source = "The store <script>alert(1)</script>"
    options = Options(source=source, asking=f"--store {source}", draw=False)
    with StoreReader(report_store) as reader:
        build_report(reader, tmp_path / "report", options, silent)
    assert "<script>alert" not in (tmp_path / "report" / "index.html").read_text()
    assert "<script>" not in (tmp_path / "report" / "data.js").read_text()


def test_other_folder_is_replaced(tmp_path: Path) -> None:
    (tmp_path / "thesis").mkdir()
    (tmp_path / "thesis" / "chapter-1.tex").write_text("precious")
    for overwrite in (False, True):
        with pytest.raises(FileExistsError, match="is no report"):
            check_folder(tmp_path / "thesis", overwrite=overwrite)
    with pytest.raises(FileNotFoundError, match="there is no folder"):
        check_folder(tmp_path / "no" / "report", overwrite=False)
    (tmp_path / "empty").mkdir()
    check_folder(tmp_path / "empty", overwrite=False)
    (tmp_path / "empty" / "report.json").write_text("{}")
    with pytest.raises(FileExistsError, match="--overwrite"):
        check_folder(tmp_path / "empty", overwrite=False)
    check_folder(tmp_path / "empty", overwrite=True)


def test_report_that_fails_replaces_the_old_one(
    report_store: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    old = tmp_path / "report"
    old.mkdir()
    (old / "report.json").write_text("old")

    def full(*arguments: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("analysis.report.build.write_figures", full)
    options = Options(source="", asking="", overwrite=True)
    with StoreReader(report_store) as reader, pytest.raises(OSError, match="No space"):
        build_report(reader, old, options, silent)
    assert [path.name for path in tmp_path.iterdir()] == ["report"]
    assert (old / "report.json").read_text() == "old"


def test_drawing_that_cannot_be_made_ends_the_report(report_store: Path, tmp_path: Path) -> None:
    with StoreReader(report_store) as reader:
        row = best_row(reader, "gmp", 0.5)
        # As after `publish`, but said to be another experiment's.
        damaged = {**row, "weights": None, "experiment_id": "0" * 32}
        network = PlottedNetwork(damaged, "GMP", "small:1", "net.svg", "")
        failed = draw_networks([network], reader, tmp_path, 1, lambda done, of: None)
    assert "use the version that trained it" in failed["0" * 32]
    assert list(tmp_path.iterdir()) == []


def test_network_that_learnt_little_is_drawn_unasked(report_store: Path) -> None:
    with StoreReader(report_store) as reader:
        charts = frontier.section(OneDataset(reader)).charts
        some = plotted_networks(OneDataset(reader), charts)
        every = plotted_networks(OneDataset(reader), charts, draw_all=True)
    assert [one.label for one in some] == [one.label for one in every]
    assert not any(one.not_drawn for one in every)
    for one in some:
        assert bool(one.not_drawn) == (one.row["accuracy"] < LEAST_ACCURACY)


def test_network_that_no_plane_can_show_is_left_to_draw_all(
    report_store: Path, tmp_path: Path
) -> None:
    in_space = "SELECT * REPLACE (if(method = 'snip', [3, 4, 1], layers) AS layers) FROM results"
    reader: Any = OtherRows(report_store, in_space)
    charts = frontier.section(OneDataset(reader)).charts
    every = plotted_networks(OneDataset(reader), charts, draw_all=True)
    undrawable = {one.row["experiment_id"] for one in every if not one.drawable}
    assert undrawable == {one.row["experiment_id"] for one in every if one.row["method"] == "snip"}
    assert undrawable
    for one in every:
        assert ("with 2 inputs can be drawn, and this one has 3" in one.not_drawn) == (
            one.row["experiment_id"] in undrawable
        )


class OtherRows:
    """A reader of a store, with other rows in the place of its own."""

    def __init__(self, store: Path, rows: str) -> None:
        self._store = store
        self._rows = rows

    def sql(self, query: str) -> Any:
        with StoreReader(self._store) as reader:
            return reader.sql(query.replace("FROM results", f"FROM ({self._rows}) AS results"))


def test_store_without_rows_gives_an_empty_report(tmp_path: Path, report_store: Path) -> None:
    nothing: Any = OtherRows(report_store, "SELECT * FROM results WHERE false")
    with pytest.raises(ValueError, match="there are no rows yet"):
        build_report(nothing, tmp_path / "r", Options("", ""), silent)
    assert list(tmp_path.iterdir()) == []


def test_accuracies_on_different_data_are_compared(report_store: Path) -> None:
    mixed = "SELECT * REPLACE (if(method = 'gmp', 'moons', dataset) AS dataset) FROM results"
    reader: Any = OtherRows(report_store, mixed)
    with pytest.raises(ValueError, match="several data sets, cubist-spiral, moons: say which"):
        OneDataset(reader)
    with pytest.raises(
        ValueError, match="no rows of rings; there are some of cubist-spiral, moons"
    ):
        OneDataset(reader, "rings")
    moons = OneDataset(reader, "moons")
    assert moons.sql("SELECT DISTINCT method FROM results").to_pylist() == [{"method": "gmp"}]
    answer = ask(moons, "trainings", "N")
    assert "dataset = 'moons'" in answer.sql
    assert answer.rows == [{"method": "gmp", "trainings": 12}]


@pytest.mark.parametrize(
    ("interval", "verdict"),
    [
        (Interval(3, 1, 5), "agrees"),
        (Interval(3, 0, 5), "open"),
        (Interval(-3, -5, 0), "open"),
        (Interval(-3, -5, -1), "disagrees"),
    ],
)
def test_interval_on_both_sides_decides_a_claim(interval: Interval, verdict: str) -> None:
    assert above(interval, 0) == verdict


def test_verdict_hides_what_disagrees() -> None:
    def claim(*verdicts: Any) -> str:
        return Claim("", "", "", "", [Finding("", "", one) for one in verdicts], ()).verdict

    assert claim("agrees", "agrees") == "agrees"
    assert claim("agrees", "disagrees", "open", "open") == "mixed: 1 agrees, 1 disagrees, 2 open"
    assert claim("disagrees") == "disagrees"
    assert claim("open") == "mixed: 1 open"
    assert claim() == "not measured: nothing is stored for it"
    assert in_words(Interval(-0.04, float("-inf"), float("inf"))) == "0 (-∞ to ∞)"


def test_claim_is_decided_from_other_rows(report_store: Path) -> None:
    with StoreReader(report_store) as reader:
        claims = {claim.name: claim for claim in ledger.claims(OneDataset(reader))}
        rows = prunable.section(OneDataset(reader)).answers[0].rows
    assert set(claims) == {
        *("sparsest", "width", "disconnected", "best-initialisation", "prunable", "theorem"),
    }
    assert claims["theorem"].verdict == "agrees"
    assert claims["best-initialisation"].findings == []
    said = {finding.subject: finding.value for finding in claims["prunable"].findings}
    for row in rows:
        if row["accuracy_that"] == "stays at 95 %":
            expected = f"{100 * row['networks_with_any'] / row['networks']:.0f} %"
            if row["method"] != "search":  # whose networks were not pruned
                assert said[f"{name_of(row['method'])}, 95 %"].startswith(expected)


def test_two_methods_look_the_same() -> None:
    styles = [style_of(method) for method in METHODS]
    assert set(PRUNING) | {"search"} == set(METHODS)
    for attribute in ("light", "dark", "symbol", "marker"):
        assert len({getattr(style, attribute) for style in styles}) == len(styles)
    assert len({name_of(method) for method in METHODS}) == len(METHODS)
    assert name_of("my-own") == "my-own"
    assert style_of("my-own") == style_of("my-own")


def test_full_accuracy_has_no_place() -> None:
    axis = Axis("accuracy", "nines", limits=(0.5, 1.0))
    assert axis.place(0.99) == pytest.approx(2)
    assert axis.place(1.0) == axis.place(1 - SMALLEST_REST / 2)
    assert axis.ends is not None
    assert axis.place(1.0) < axis.ends[1]
