"""The report's folder: complete, consistent with the store, and replaced as a whole."""

from __future__ import annotations

import csv
import json
import re
from pathlib import Path
from typing import Any

import pytest

import sparsest
from analysis.figures.chart import MIN_REST, Axis
from analysis.methods import name_of, styles_for
from analysis.report.answers import ask
from analysis.report.build import Built, Options, build_report
from analysis.report.claims import Claim, Finding, above, with_interval
from analysis.report.drawing_pool import draw_networks
from analysis.report.networks import MIN_ACCURACY, PlottedNetwork, plotted_networks
from analysis.report.page import as_script, check_folder
from analysis.report.sections import (
    frontier,
    ledger,
    needed,
    prunable,
    starting_network,
    tasks,
)
from analysis.report.source import Source
from analysis.selection import best_row
from search.intervals import Interval
from search.methods import METHODS
from search.paper_sizes import PAPER_SIZES
from storage.reading.reader import StoreReader

Report = tuple[Path, Built, list[str]]


def silent(step: str, done: int, total: int) -> None:
    """Ignore progress."""


def data_of(folder: Path) -> Any:
    text = (folder / "data.js").read_text()
    return json.loads(re.fullmatch(r"window\.REPORT = (.*);\n", text, re.DOTALL)[1])  # type: ignore[index]


def test_page_refers_only_to_existing_files(report: Report) -> None:
    folder, built, _ = report
    page = (folder / "index.html").read_text()
    named = re.findall(r'(?:href|src)="([^"#:]+)"', page)
    named += [one["file"] for one in data_of(folder)["networks"] if one["file"]]
    assert [name for name in named if not (folder / name).is_file()] == []
    assert {"report.js", "report.css", "data.js", "plotly.min.js"} <= set(named)
    assert len(list((folder / "networks").iterdir())) == built.drawings > 0
    assert not re.search(r'(?:src|href)="https?:', page)


def test_every_figure_shows_its_sql(report: Report, report_store: Path) -> None:
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


def test_table_has_the_rows_of_its_sql(report: Report, report_store: Path) -> None:
    folder, _, _ = report
    with StoreReader(report_store) as reader:
        answer = frontier.section(Source(reader)).answers[0]
        with (folder / "tables" / "front.csv").open() as file:
            written = list(csv.DictReader(file))
        assert [row["experiment_id"] for row in written] == [
            row["experiment_id"] for row in reader.sql(answer.sql).to_pylist()
        ]
    assert len(written) > 3


def test_front_networks_beat_every_sparser_one(report_store: Path) -> None:
    with StoreReader(report_store) as reader:
        front = frontier.section(Source(reader)).answers[0].rows
        for method in ("gmp", "snip", "search"):
            accuracies = [
                row["accuracy"] for row in front if row["method"] == method and row["width"] is None
            ]
            assert accuracies == sorted(set(accuracies))
            (best,) = reader.sql(
                f"SELECT max(accuracy) AS best FROM results WHERE method = '{method}'"
            ).to_pylist()
            assert accuracies[-1] == best["best"]


def test_weights_needed_are_those_of_the_sparsest_network(report_store: Path) -> None:
    with StoreReader(report_store) as reader:
        table = {row["method"]: row for row in needed.section(Source(reader)).answers[0].rows}
        for method in ("search", "gmp"):
            row = best_row(reader, method, 0.95)
            assert table[name_of(method)]["weights at 95 %"] == row["weight_nnz"]
        assert [table[name]["trainings"] for name in ("search", "GMP", "SNIP")] == [2, 12, 12]


def test_bar_compares_equal_numbers_of_trainings(report_store: Path) -> None:
    # One of 1,000 networks of the search is sparse; SNIP has one network at all.
    rows = """
        SELECT * REPLACE (
            'search' AS method, if(n = 0, 20, 40) AS weight_nnz, 0.96 AS accuracy)
        FROM (SELECT * FROM results LIMIT 1), range(1000) AS numbers(n)
        UNION ALL
        SELECT * REPLACE ('snip' AS method, 30 AS weight_nnz, if(n = 0, 0.96, 0.5) AS accuracy)
        FROM (SELECT * FROM results LIMIT 1), range(20) AS numbers(n)
    """
    reader: Any = OtherRows(report_store, rows)
    section = needed.section(Source(reader))
    by_name: dict[str, dict[str, Any]] = {}
    for series in section.charts[0].views["95 %", "weights"].series:
        by_name.setdefault(series.name, {})[series.kind] = series
    assert by_name["search"]["points"].x == [20]
    # 20 trainings of the search hardly ever contain the sparse one.
    assert by_name["search"]["range"].x == [40, 40]
    # One success has a bar, to the right edge.
    low, high = by_name["SNIP"]["range"].x
    assert low == 30
    assert high > 40


def test_point_opens_the_network_of_its_numbers(report: Report, report_store: Path) -> None:
    folder, _, _ = report
    data = data_of(folder)
    view = data["charts"]["weights-needed"]["views"]["95 %|weights"]
    with StoreReader(report_store) as reader:
        markers = [trace for trace in view["data"] if trace["mode"] == "markers"]
        assert markers
        for trace in markers:
            network = data["networks"][trace["customdata"][0][0]]
            facts = dict(zip(data["facts"], network["facts"], strict=True))
            row = reader.row(facts["experiment"])
            assert trace["x"] == [row["weight_nnz"]]
            assert trace["name"] == name_of(row["method"])
            assert network["title"].startswith(f"{trace['name']}, ")
    assert data["storeOption"] == "--store runs/paper"


NO_NETWORKS = {"disconnected", "random-masks"}
"""Figures of shares, whose points are means over trainings or masks without any."""


def test_every_point_of_a_network_opens_one(report: Report, report_store: Path) -> None:
    data = data_of(report[0])
    for name, chart in data["charts"].items():
        for view in chart["views"].values():
            for trace in view["data"]:
                if trace["mode"] == "lines" or "median" in trace["name"]:
                    continue  # no markers, or checked below
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
                assert ("best of them" in note) == (statistic != "best")


def test_every_network_is_drawn_or_has_a_reason(report: Report) -> None:
    folder, built, _ = report
    networks = data_of(folder)["networks"]
    assert all(bool(one["file"]) != bool(one["reason"]) for one in networks)
    assert sum(bool(one["file"]) for one in networks) == built.drawings
    assert sum(bool(one["reason"]) for one in networks) == built.left_out


def test_every_figure_has_files(report: Report) -> None:
    folder, built, steps = report
    page = (folder / "index.html").read_text()
    shown = re.findall(r'<div class="plot" id="plot-([\w-]+)"', page)
    assert len(shown) == built.plots > 5
    for name in shown:
        assert (folder / "figures" / f"{name}.svg").read_text().startswith("<?xml")
        png = (folder / "figures" / f"{name}.png").read_bytes()
        assert int.from_bytes(png[16:20], "big") > 2_000  # pixels
    assert {"running queries", "drawing figures", "drawing networks"} == set(steps)


def test_figure_without_rows_names_the_studies_it_needs(report: Report) -> None:
    # The small store has no training from a stored initialisation.
    page = (report[0] / "index.html").read_text()
    figure = re.search(r'<figure data-chart="best-initialisation">.*?</figure>', page, re.DOTALL)
    assert figure is not None
    assert 'class="nothing"' in figure[0]
    assert "fixed95-prune" in figure[0]


def test_text_of_the_page_is_not_markup(
    report_store: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("analysis.report.build._write_figures", lambda *arguments: None)
    source = "The store <script>alert(1)</script>"
    options = Options(source=source, store_option=f"--store {source}", draw=False)
    with StoreReader(report_store) as reader:
        build_report(reader, tmp_path / "report", options, silent)
    assert "<script>alert" not in (tmp_path / "report" / "index.html").read_text()
    assert "<script>" not in (tmp_path / "report" / "data.js").read_text()


def test_other_folder_is_kept(tmp_path: Path) -> None:
    (tmp_path / "thesis").mkdir()
    (tmp_path / "thesis" / "chapter-1.tex").write_text("precious")
    for overwrite in (False, True):
        with pytest.raises(FileExistsError, match="thesis"):
            check_folder(tmp_path / "thesis", overwrite=overwrite)
    with pytest.raises(FileNotFoundError, match="no"):
        check_folder(tmp_path / "no" / "report", overwrite=False)
    (tmp_path / "empty").mkdir()
    check_folder(tmp_path / "empty", overwrite=False)
    (tmp_path / "empty" / "report.json").write_text("{}")
    with pytest.raises(FileExistsError, match="--overwrite"):
        check_folder(tmp_path / "empty", overwrite=False)
    check_folder(tmp_path / "empty", overwrite=True)


def test_failed_report_keeps_the_old_one(
    report_store: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    old = tmp_path / "report"
    old.mkdir()
    (old / "report.json").write_text("old")

    def full(*arguments: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("analysis.report.build._write_figures", full)
    options = Options(source="", store_option="", overwrite=True)
    with StoreReader(report_store) as reader, pytest.raises(OSError, match="No space"):
        build_report(reader, old, options, silent)
    assert [path.name for path in tmp_path.iterdir()] == ["report"]
    assert (old / "report.json").read_text() == "old"


def test_drawing_that_fails_is_reported_with_its_reason(report_store: Path, tmp_path: Path) -> None:
    with StoreReader(report_store) as reader:
        row = best_row(reader, "gmp", 0.5)
        # Without weights, as after `publish`, and with the id of another experiment.
        damaged = {**row, "weights": None, "experiment_id": "0" * 32}
        network = PlottedNetwork(damaged, "GMP", "small:1", "net.svg", "")
        failed = draw_networks([network], reader.init, tmp_path, 1, lambda done, total: None)
    assert "version" in failed["0" * 32]
    assert list(tmp_path.iterdir()) == []


def test_networks_of_low_accuracy_are_drawn_only_on_request(report_store: Path) -> None:
    with StoreReader(report_store) as reader:
        charts = frontier.section(Source(reader)).charts
        some = plotted_networks(Source(reader), charts)
        every = plotted_networks(Source(reader), charts, draw_all=True)
    assert [one.label for one in some] == [one.label for one in every]
    assert not any(one.not_drawn for one in every)
    for one in some:
        assert bool(one.not_drawn) == (one.row["accuracy"] < MIN_ACCURACY)


class OtherRows:
    """A reader of a store whose rows are replaced by others."""

    rows = StoreReader.rows

    def __init__(self, store: Path, rows: str) -> None:
        self._store = store
        self._rows = rows

    def sql(self, query: str) -> Any:
        with StoreReader(self._store) as reader:
            return reader.sql(query.replace("FROM results", f"FROM ({self._rows}) AS results"))

    def init(self, token: str) -> None:
        raise AssertionError(f"no row of these tests starts from {token}")


def test_store_without_rows_is_refused(tmp_path: Path, report_store: Path) -> None:
    nothing: Any = OtherRows(report_store, "SELECT * FROM results WHERE false")
    with pytest.raises(ValueError, match="no rows"):
        build_report(nothing, tmp_path / "r", Options("", ""), silent)
    assert list(tmp_path.iterdir()) == []


def test_data_sets_are_not_mixed(report_store: Path) -> None:
    mixed = "SELECT * REPLACE (if(method = 'gmp', 'moons', dataset) AS dataset) FROM results"
    reader: Any = OtherRows(report_store, mixed)
    with pytest.raises(ValueError, match=r"cubist-spiral, moons.*--dataset"):
        Source(reader)
    with pytest.raises(ValueError, match=r"rings.*cubist-spiral, moons"):
        Source(reader, "rings")
    moons = Source(reader, "moons")
    assert moons.sql("SELECT DISTINCT method FROM results").to_pylist() == [{"method": "gmp"}]
    answer = ask(moons, "trainings", "N")
    assert "dataset = 'moons'" in answer.sql
    assert answer.rows == [{"method": "gmp", "trainings": 12}]


def test_settings_are_part_of_the_method(report_store: Path) -> None:
    settings = "if(method = 'gmp' AND width = 8, '{\"batches\": 4, \"x\": 0.5}', hyperparameters)"
    reader: Any = OtherRows(
        report_store, f"SELECT * REPLACE ({settings} AS hyperparameters) FROM results"
    )
    source = Source(reader)
    assert source.methods == ["gmp", "gmp (batches=4, x=0.5)", "search", "snip"]
    counts = {row["method"]: row["trainings"] for row in ask(source, "trainings", "N").rows}
    assert counts == {"gmp": 6, "gmp (batches=4, x=0.5)": 6, "search": 2, "snip": 12}
    charts = frontier.section(source).charts
    names = {series.name for series in charts[0].views[("any",)].series}
    assert {"GMP", "GMP (batches=4, x=0.5)"} <= names
    # Rows of networks keep the method's own name, which their ids depend on.
    assert {one.row["method"] for one in plotted_networks(source, charts)} <= set(METHODS)


def test_depths_are_compared_within_studies_and_kept_apart_from_widths(report_store: Path) -> None:
    rows = """
        SELECT * EXCLUDE (deep) REPLACE (
            if(deep = 3, NULL, concat_ws('x', 8, 8)) AS structure, 8 AS width, 30 AS target_nnz,
            if(deep = 3, layers, [2, 8, 8, 1]) AS layers, if(deep = 2, 0.9, 0.8) AS accuracy)
        FROM (SELECT * FROM results WHERE method = 'snip' LIMIT 1), unnest([2, 3]) AS t(deep)
        UNION ALL SELECT * REPLACE ('other' AS study) FROM results WHERE method = 'gmp'"""
    reader: Any = OtherRows(report_store, rows)
    source = Source(reader)
    by_depth = ask(source, "accuracy_by_depth", "N").rows
    assert [(row["target_nnz"], row["method"], row["depth"], row["best"]) for row in by_depth] == [
        (None, "snip", 2, 0.9),
        (None, "snip", 3, 0.8),
        (30, "snip", 2, 0.9),
        (30, "snip", 3, 0.8),
    ]
    (chart,) = starting_network.depth_section(source).charts
    assert not chart.is_empty
    by_width = ask(source, "accuracy_by_width", "N").rows
    assert [row["best"] for row in by_width if row["method"] == "snip"] == [0.8]
    front = ask(source, "front", "N").rows
    assert {row["width"] for row in front if row["accuracy"] == 0.9} == {None}


def test_tasks_compare_every_dataset_whichever_the_report_is_about(report_store: Path) -> None:
    rows = """
        SELECT * FROM results
        UNION ALL SELECT * REPLACE ('xor' AS dataset, 7 AS weight_nnz, 0.96 AS accuracy)
        FROM (SELECT * FROM results WHERE method = 'gmp' LIMIT 1)"""
    reader: Any = OtherRows(report_store, rows)
    for dataset in ("cubist-spiral", "xor"):
        (chart,) = tasks.section(Source(reader, dataset)).charts
        (series,) = chart.views[("xor",)].series
        assert (series.x, series.y) == ([7, 7, 7], [0.8, 0.9, 0.95])
        assert ("cubist-spiral",) in chart.views


def test_report_of_diverged_trainings_has_no_figures_of_them(
    report_store: Path, tmp_path: Path
) -> None:
    counts = ", ".join(
        f"NULL AS {name}"
        for name in ("accuracy", "loss", "weight_nnz", "model_nnz", "effective_nnz")
    )
    rows = f"SELECT * REPLACE ('diverged' AS status, {counts}) FROM results"
    reader: Any = OtherRows(report_store, rows)
    built = build_report(reader, tmp_path / "report", Options("", ""), silent)
    assert built.rows == 26
    assert built.drawings == 0
    assert (
        "there are no rows for this figure" in (tmp_path / "report/index.html").read_text().lower()
    )


def test_method_without_a_budget_is_not_judged_by_one(report_store: Path) -> None:
    rows = """SELECT * REPLACE (
        if(method = 'snip', 3 * target_nnz, weight_nnz) AS weight_nnz) FROM results"""
    reader: Any = OtherRows(report_store, rows)
    source = Source(reader)
    assert {row["method"] for row in ask(source, "accuracy_by_width", "N").rows} == {"gmp"}


def test_axis_of_weights_follows_the_rows(report_store: Path) -> None:
    rows = """SELECT * REPLACE (
        10 * target_nnz AS target_nnz, 10 * weight_nnz AS weight_nnz) FROM results"""
    reader: Any = OtherRows(report_store, rows)
    (front, spread) = frontier.section(Source(reader)).charts
    for chart in (front, spread):
        assert chart.x.limits is not None
        assert chart.x.limits[1] > 1200


def claims_of(reader: Any) -> dict[str, Claim]:
    names = ("sparsest", "width", "disconnected", "best-initialisation", "prunable", "theorem")
    return dict(zip(names, ledger.claims(Source(reader)), strict=True))


def ledger_of(report_store: Path, rows: str) -> dict[str, Claim]:
    return claims_of(OtherRows(report_store, rows))


_COPIES = """
    SELECT * REPLACE ({columns}) FROM (SELECT * FROM results WHERE method = '{method}' LIMIT 1),
    range({count}) AS numbers(n)
"""


def copies(method: str, count: int, columns: str) -> str:
    """Return SQL for rows of a method with other values, which may depend on n = 0, 1, ..."""
    return _COPIES.format(method=method, count=count, columns=columns)


def test_few_trainings_decide_no_claim(report_store: Path) -> None:
    snip = copies("snip", 20, "0.5 AS accuracy")
    search = copies("search", 5000, "20 AS weight_nnz, 0.96 AS accuracy")
    claims = ledger_of(report_store, f"{snip} UNION ALL {search}")
    assert claims["sparsest"].verdict == "not measured"
    assert claims["width"].verdict == "not measured"
    assert claims["disconnected"].verdict == "not measured"
    assert claims["prunable"].verdict == "not measured"


@pytest.mark.parametrize("columns", ["'phase1' AS study", "'phase2-95' AS study"])
def test_incomplete_search_decides_no_claim(columns: str, report_store: Path) -> None:
    snip = copies("snip", 500, "20 AS weight_nnz, 0.96 AS accuracy")
    search = copies("search", 5000, f"20 AS weight_nnz, 0.96 AS accuracy, {columns}")
    claims = ledger_of(report_store, f"{snip} UNION ALL {search}")
    assert claims["sparsest"].verdict == "not measured"


def test_absence_is_open_and_one_network_refutes(report_store: Path) -> None:
    columns = "20 AS weight_nnz, 0.96 AS accuracy, 'phase2-95' AS study"
    search = copies("search", PAPER_SIZES["phase2-95"], columns)
    for sparse, verdict in ((0, "open"), (1, "disagrees")):
        columns = f"if(n < {sparse}, 20, 30) AS weight_nnz, 0.96 AS accuracy"
        rows = f"{copies('snip', 500, columns)} UNION ALL {search}"
        claim = ledger_of(report_store, rows)["sparsest"]
        assert claim.verdict == verdict
        findings = {finding.subject: finding.value for finding in claim.findings}
        assert findings["SNIP, 95 %, at most 20 weights"].startswith(f"{sparse} of 500: ")


@pytest.mark.parametrize(
    ("widths", "accuracy", "verdict"),
    [
        ("[8, 256]", "1 - width / 300", "not measured"),
        ("[8, 16, 32, 64]", "0.9 - 0.1 * log2(width / 8) + 0.01 * (n % 3)", "agrees"),
        ("[8, 16, 32, 64]", "0.5 + 0.1 * (width = 16)::INT + 0.01 * (n % 3)", "disagrees"),
        ("[8, 16, 32, 64]", "0.5 + 0.01 * (hash(n, width) % 30)", "open"),
    ],
)
def test_claim_about_width_needs_most_of_several_steps(
    report_store: Path, widths: str, accuracy: str, verdict: str
) -> None:
    rows = f"""
        SELECT * EXCLUDE (wide) REPLACE (
            wide AS width, ({accuracy.replace("width", "wide")})::DOUBLE AS accuracy,
            30 AS target_nnz, 30 AS weight_nnz)
        FROM (SELECT * FROM results WHERE method = 'snip' LIMIT 1),
        range(60) AS numbers(n), unnest({widths}) AS all_widths(wide)
    """
    assert ledger_of(report_store, rows)["width"].verdict == verdict


def test_nan_is_null_in_the_data_of_the_page() -> None:
    script = as_script("DATA", {"x": [1.5, float("nan"), float("inf")], "text": "</script>"})
    assert script == 'window.DATA = {"x":[1.5,null,null],"text":"\\u003c/script>"};\n'


@pytest.mark.parametrize(
    ("interval", "verdict"),
    [
        (Interval(3, 1, 5), "agrees"),
        (Interval(3, 0, 5), "open"),
        (Interval(-3, -5, 0), "open"),
        (Interval(-3, -5, -1), "disagrees"),
    ],
)
def test_interval_that_contains_the_bound_is_open(interval: Interval, verdict: str) -> None:
    assert above(interval, 0) == verdict


def test_summary_of_verdicts_counts_all_of_them() -> None:
    def claim(*verdicts: Any) -> str:
        return Claim("", "", "", [Finding("", "", one) for one in verdicts], ()).verdict

    assert claim("agrees", "agrees") == "agrees"
    mixed = claim("agrees", "disagrees", "open", "open", "not measured", None)
    assert mixed == "agrees: 1, disagrees: 1, open: 2, not measured: 1"
    assert claim("disagrees", None) == "disagrees"
    assert claim("open") == "open"
    assert claim() == "not measured"
    assert with_interval(Interval(0.05, -0.0004, 0.1), digits=1) == "5.0 % (0.0 to 10.0 %)"


def test_claims_come_from_the_rows_of_the_report(report_store: Path) -> None:
    with StoreReader(report_store) as reader:
        claims = claims_of(reader)
        rows = prunable.section(Source(reader)).answers[0].rows
    assert claims["theorem"].verdict == "agrees"
    assert claims["best-initialisation"].findings == []
    values = {finding.subject: finding.value for finding in claims["prunable"].findings}
    for row in rows:
        if row["accuracy_that"] == "stays at 95 %":
            expected = f"{100 * row['networks_with_any'] / row['networks']:.0f} %"
            if row["method"] != "search":  # which does not prune
                assert values[f"{name_of(row['method'])}, 95 %"].startswith(expected)


def test_methods_have_different_styles() -> None:
    styles = [styles_for(METHODS)[method] for method in METHODS]
    # There are more methods than markers, so colours tell methods with the same marker apart.
    for attribute in ("light", "dark"):
        assert len({getattr(style, attribute) for style in styles}) == len(styles)
    assert len({name_of(method) for method in METHODS}) == len(METHODS)
    assert name_of("my-own") == "my-own"
    assert name_of("snip (batches=4)") == "SNIP (batches=4)"
    others = [f"my-own-{number}" for number in range(12)]
    styles = [styles_for([*METHODS, *others])[method] for method in (*METHODS, *others)]
    looks = {(style.light, style.symbol) for style in styles}
    assert len(looks) == len(styles)


def test_full_accuracy_is_on_the_axis() -> None:
    axis = Axis("accuracy", "nines", limits=(0.5, 1.0))
    assert axis.position(0.99) == pytest.approx(2)
    assert axis.position(1.0) == axis.position(1 - MIN_REST / 2)
    assert axis.ends is not None
    assert axis.position(1.0) < axis.ends[1]
