"""Stores crafted by an attacker: links, pipes, huge files, invalid entries."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from search.indices import IndexSet
from search.study import Study
from storage.data.new_parts import make_part
from storage.data.parts import read_part
from storage.errors import NotAStore
from storage.log.files import read_log
from storage.log.seal import seal, unseal
from storage.paths import StorePaths
from storage.reading.reader import StoreReader
from storage.writing.editor import StoreEditor
from tests.faults.watching import contents, watching
from tests.orchestrator.running import INLINE, refused, sparsest, train, write_sweep

COMMANDS: list[tuple[str, ...]] = [
    ("status",),
    ("verify",),
    ("query", "SELECT count(*) FROM results"),
    ("compact",),
    ("forget", "--where", "true", "--yes"),
]


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("made")
    sweep = write_sweep(folder / "two.toml", 'structure = ["1x1x1"]\nlr = [0.01, 0.02]')
    train([sweep], folder / "store")
    return folder / "store"


@pytest.fixture
def store(made: Path, tmp_path: Path) -> Path:
    shutil.copytree(made, tmp_path / "inside" / "store")
    return tmp_path / "inside" / "store"


@pytest.fixture
def outside(tmp_path: Path) -> Path:
    """A folder outside the store, whose files look like leftovers of a writer."""
    folder = tmp_path / "outside"
    folder.mkdir()
    for name in ("diary.txt", "0" * 32, "0" * 32 + ".parquet", "00000009.json"):
        (folder / name).write_text("secret")
    return folder


def linked(name: str) -> Callable[[Path, Path], None]:
    def craft(store: Path, outside: Path) -> None:
        shutil.rmtree(store / name)
        (store / name).symlink_to(outside)

    return craft


def link_lock(store: Path, outside: Path) -> None:
    (store / "lock").unlink(missing_ok=True)
    (store / "lock").symlink_to(outside / "diary.txt")


def link_entry(store: Path, outside: Path) -> None:
    (store / "log" / "00000004.json").symlink_to(outside / "diary.txt")


def link_marker(store: Path, outside: Path) -> None:
    (store / "store.json").unlink()
    (store / "store.json").symlink_to(outside / "diary.txt")


def link_part(store: Path, outside: Path) -> None:
    (part,) = (store / "data").iterdir()
    part.unlink()
    part.symlink_to(outside / "diary.txt")


def pipe(name: str) -> Callable[[Path, Path], None]:
    def craft(store: Path, outside: Path) -> None:
        (store / name).unlink(missing_ok=True)
        os.mkfifo(store / name)

    return craft


def pipe_for_part(store: Path, outside: Path) -> None:
    (part,) = (store / "data").iterdir()
    part.unlink()
    os.mkfifo(part)


def sparse(name: str) -> Callable[[Path, Path], None]:
    """Make a sparse file of a terabyte."""

    def craft(store: Path, outside: Path) -> None:
        (store / name).unlink(missing_ok=True)
        with (store / name).open("wb") as file:
            file.truncate(1 << 40)

    return craft


def sparse_part(store: Path, outside: Path) -> None:
    (part,) = (store / "data").iterdir()
    sparse(f"data/{part.name}")(store, outside)
    entry(bytes=1 << 40)(store, outside)


def stray(name: str) -> Callable[[Path, Path], None]:
    def craft(store: Path, outside: Path) -> None:
        shutil.copy(store / "log" / "00000001.json", store / "log" / name)

    return craft


def search(**changes: Any) -> Callable[[Path, Path], None]:
    """Add a search whose chosen network is impossible."""

    def craft(store: Path, outside: Path) -> None:
        network = {
            "experiment_id": ONE,
            "label": "two:1",
            "study": "two",
            "root_seed": 0,
            "structure": "1x1x1",
            "masks": [],
            "accuracy": 0.5,
            "weight_nnz": 1,
            "model_nnz": 1,
            "target": 0.5,
            "reached": 1,
            "trained": 1,
        }
        chosen = {
            "kind": "search",
            "settings": "all",
            "phase": 1,
            "trained": 1,
            "reached": 1,
            "networks": [network | changes],
            "chosen": "today",
        }
        record = json.dumps({"format": 4, "number": 4, "entry": chosen})
        (store / "log" / "00000004.json").write_bytes(seal(record))

    return craft


def entry(**changes: Any) -> Callable[[Path, Path], None]:
    """Change fields in the entry of the data file, with a valid checksum."""

    def craft(store: Path, outside: Path) -> None:
        number = 1 + [e.kind for e in read_log(StorePaths(store))].index("rows")
        file = StorePaths(store).entry(number)
        record = json.loads(unseal(file.read_bytes()))
        record["entry"] |= changes
        overwrite(file, json.dumps(record))

    return craft


def begin(**changes: Any) -> Callable[[Path, Path], None]:
    def craft(store: Path, outside: Path) -> None:
        file = StorePaths(store).entry(1)
        record = json.loads(unseal(file.read_bytes()))
        record["entry"] |= changes
        overwrite(file, json.dumps(record))

    return craft


def text(record: str) -> Callable[[Path, Path], None]:
    return lambda store, outside: overwrite(StorePaths(store).entry(1), record)


def removes(*names: str) -> Callable[[Path, Path], None]:
    def craft(store: Path, outside: Path) -> None:
        replaced = {"kind": "replaced", "command": "", "removed": list(names), "parts": []}
        record = json.dumps({"format": 4, "number": 4, "entry": replaced})
        (store / "log" / "00000004.json").write_bytes(seal(record))

    return craft


def overwrite(file: Path, record: str) -> None:
    file.chmod(0o644)
    file.write_bytes(seal(record))


ONE = "0" * 32
CRAFTED: dict[str, Callable[[Path, Path], None]] = {
    "folder tmp is a link": linked("tmp"),
    "folder data is a link": linked("data"),
    "folder log is a link": linked("log"),
    "marker is a link": link_marker,
    "log entry is a link": link_entry,
    "data file is a link": link_part,
    "marker is a pipe": pipe("store.json"),
    "log entry is a pipe": pipe("log/00000002.json"),
    "data file is a pipe": pipe_for_part,
    "marker is a terabyte": sparse("store.json"),
    "log entry is a terabyte": sparse("log/00000002.json"),
    "data file is a terabyte": sparse_part,
    "stray entry with a large number": stray("00003000.json"),
    "stray entry named by a date": stray("20261128.json"),
    "search with a structure of letters": search(structure="abc"),
    "search with a structure of 10^9 neurons": search(structure="1000000000x1"),
    "search with a mask of letters": search(masks=["ab|cd"]),
    "rows of 2^62": entry(rows=1 << 62, indices={ONE: [[0, 1 << 62]]}, studies={ONE: "two"}),
    "seconds of 10^300": entry(
        sweeps={"x": {"rows": 2, "by_status": {"ok": 2}, "train_seconds": 1e300}}
    ),
    "file above the store": entry(file="../../outside/" + ONE + ".parquet"),
    "file with an absolute path": entry(file="/etc/passwd"),
    "file with a NUL": entry(file=ONE + ".parquet\0"),
    "file with a line": entry(file=ONE + ".parquet\n"),
    "file that is a pattern": entry(file="*.parquet"),
    "file with a quote": entry(file="x') UNION SELECT 1 --.parquet"),
    "file of another kind": entry(file=["a"]),
    "10^30 rows": entry(rows=10**30, indices={ONE: [[0, 10**30]]}, studies={ONE: "two"}),
    "10^18 rows": entry(rows=10**18, indices={ONE: [[0, 10**18]]}, studies={ONE: "two"}),
    "negative size": entry(bytes=-1),
    "rows that are no number": entry(rows="2"),
    "no rows": entry(rows=0, indices={}, studies={}),
    "indices of another kind": entry(indices={ONE: [["a", "b"]]}, studies={ONE: "two"}),
    "surplus field": entry(run="rm -rf /"),
    "sweeps of another kind": entry(sweeps=[1, 2]),
    "version of the columns": entry(schema_version=10**30),
    "root seed of 10^30": begin(root_seed=10**30),
    "workers of 10^12": begin(workers=10**12),
    "command of the wrong kind": begin(command={"$ne": 1}),
    "removes above the store": removes("../../outside/diary.txt"),
    "removes a file that is not there": removes(ONE + ".parquet"),
    "removes nothing": removes(),
    "deep entry": text("[" * 100_000 + "]" * 100_000),
    "deep entry of an earlier format": text(
        '{"format":1,"number":1,"entry":{"kind":' + "[" * 50_000 + "]" * 50_000 + "}}"
    ),
    "list for an entry": text("[]"),
    "number for an entry": text("7"),
    "earlier format without its fields": text(
        '{"format":3,"number":1,"entry":{"kind":"rows","file":"x"}}'
    ),
    "earlier format with a list": text('{"format":3,"number":1,"entry":[]}'),
    "not JSON": text("{'a': 1}"),
    "infinite number": text('{"format":4,"number":1,"entry":{"kind":"rows","train":1e999}}'),
}


UNREAD = ("data file is a link", "data file is a pipe", "data file is a terabyte")
"""Crafted data files that `compact` does not open, because there is only one."""


@pytest.mark.parametrize("name", CRAFTED)
def test_crafted_store_is_refused_without_harm(name: str, store: Path, outside: Path) -> None:
    CRAFTED[name](store, outside)
    before = contents(outside)
    for command in COMMANDS:
        with watching(store):
            ended = sparsest(*command, "--store", store)
        if command == ("compact",) and name in UNREAD and ended.code == 0:
            continue
        assert ended.code == 1, (command, ended)
        assert "Traceback" not in ended.err
        assert "secret" not in ended.out + ended.err
        assert (ended.err or ended.out).startswith(("error: ", "problem "))
    assert contents(outside) == before


def lock_with(text: str) -> Callable[[Path, Path], None]:
    return lambda store, outside: write_lock(store, text)


def write_lock(store: Path, text: str) -> None:
    (store / "lock").unlink(missing_ok=True)
    (store / "lock").write_text(text)


HOLDER = '{"pid": %s, "host": "%s", "command": "x", "since": "y"}'


@pytest.mark.parametrize(
    "craft",
    [
        pytest.param(link_lock, id="link"),
        pytest.param(pipe("lock"), id="pipe"),
        pytest.param(sparse("lock"), id="terabyte"),
        pytest.param(lock_with("[" * 100_000), id="deep"),
        pytest.param(lock_with(HOLDER % (10**30, os.uname().nodename)), id="10^30"),
        pytest.param(lock_with(HOLDER % (-1, os.uname().nodename)), id="-1"),
        pytest.param(lock_with(HOLDER % ("1e400", os.uname().nodename)), id="infinite"),
    ],
)
def test_crafted_lock_does_no_harm(
    craft: Callable[[Path, Path], None], store: Path, outside: Path
) -> None:
    craft(store, outside)
    before = contents(outside)
    for reading in (["status"], ["verify"], ["query", "SELECT 1"]):
        assert sparsest(*reading, "--store", store).code == 0
    regular = (store / "lock").is_file() and not (store / "lock").is_symlink()
    for writing in (["compact"], ["forget", "--where", "true", "--yes"]):
        ended = sparsest(*writing, "--store", store)
        assert ended.code == (0 if regular else 1)
        assert regular or str(store / "lock") in ended.err
    assert contents(outside) == before


def test_quarantine_that_is_a_link_is_refused(store: Path, outside: Path) -> None:
    before = contents(outside)
    (store / "quarantine").symlink_to(outside)
    (part,) = (store / "data").iterdir()
    part.unlink()
    ended = sparsest("forget", "--where", "true", "--yes", "--store", store)
    assert ended.code == 1
    assert str(store / "quarantine") in ended.err
    assert contents(outside) == before


@pytest.mark.parametrize("layers", [[2, 200_000, 200_000, 1], [2, -1, 1, 1], [2, 1, 1]])
def test_row_of_an_impossible_network_is_reported(layers: list[int], store: Path) -> None:
    paths = StorePaths(store)
    with StoreReader(store) as reader:
        (part,) = reader.state.parts
    rows = read_part(paths, part)
    field = rows.schema.field("layers")
    wrong = pa.array([layers] * len(rows), field.type)
    number = rows.schema.get_field_index("layers")
    indices = {digest: IndexSet.of(intervals) for digest, intervals in part.indices.items()}
    data, new = make_part(paths, rows.set_column(number, field, wrong), indices, part.studies)
    paths.part(part.file).unlink()
    paths.part(new.file).write_bytes(data)
    entry(**new.model_dump(mode="json"))(store, store)

    ended = sparsest("verify", "--store", store)
    assert ended.code == 1
    assert str(paths.part(new.file)) in ended.out
    experiment = rows["experiment_id"][0].as_py()
    refused("show", experiment, "--store", store)


def test_text_log_that_is_a_link_is_not_followed(
    store: Path, outside: Path, tmp_path: Path
) -> None:
    sweep = write_sweep(tmp_path / "two.toml", 'structure = ["1x1x1"]\nlr = [0.01, 0.02, 0.03]')
    store.with_name("store.log").symlink_to(outside / "diary.txt")
    before = contents(outside)
    assert str(store.with_name("store.log")) in refused("run", sweep, "--store", store, *INLINE)
    assert contents(outside) == before


@pytest.mark.parametrize("name", ["live.json", "planned.json"])
def test_progress_files_that_are_no_files_are_ignored(name: str, store: Path) -> None:
    for craft in (pipe(name), sparse(name)):
        craft(store, store)
        assert sparsest("status", "--store", store).code == 0


def test_thousands_of_started_sweeps_do_not_slow_verify(store: Path) -> None:
    first = json.loads(unseal((store / "log" / "00000001.json").read_bytes()))
    for number in range(4, 2_004):
        started = first["entry"] | {"sweep_id": f"x{number}", "root_seed": number}
        record = json.dumps({"format": 4, "number": number, "entry": started})
        (store / "log" / f"{number:08d}.json").write_bytes(seal(record))
    calls = 0

    def counted(self: Study, root_seed: int) -> Study:
        nonlocal calls
        calls += 1
        return with_root_seed(self, root_seed)

    with_root_seed = Study.with_root_seed
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Study, "with_root_seed", counted)
        assert sparsest("verify", "--store", store).code == 0
    assert calls < 100


@pytest.mark.parametrize("name", ["notes.txt", os.fsdecode(b"caf\xe9"), "00003000.json"])
def test_stray_file_in_the_log_is_to_be_moved_away(name: str, store: Path) -> None:
    stray = store / "log" / name
    stray.write_text("x")
    (problem,) = json.loads(sparsest("verify", "--store", store, "--json").out)["problems"]
    assert problem["file"] == str(stray)
    assert problem["advice"] == "move it away"
    stray.unlink()
    assert sparsest("verify", "--store", store).code == 0


@pytest.mark.parametrize("name", [".DS_Store", "._00000001.json", ".nfs000123", "lost+found"])
def test_files_of_the_system_are_ignored(name: str, store: Path) -> None:
    for folder in (store, store / "log", store / "data"):
        (folder / name).write_text("x")
    for command in COMMANDS:
        assert sparsest(*command, "--store", store).code == 0
    ended = sparsest("verify", "--store", store)
    assert str(store / "log" / name) in ended.out
    assert (store / "log" / name).exists()


def test_new_store_on_a_volume_with_system_files(tmp_path: Path) -> None:
    volume = tmp_path / "volume"
    (volume / "lost+found").mkdir(parents=True)
    (volume / ".Trash-1000").mkdir()
    StoreEditor(volume).close()
    assert sparsest("verify", "--store", volume).code == 0


def test_path_that_is_not_utf_8_is_refused(store: Path) -> None:
    path = Path(os.fsdecode(os.fsencode(store.parent) + b"/caf\xe9"))
    store.rename(path)
    for command in COMMANDS:
        ended = sparsest(*command, "--store", path)
        assert ended.code == 1, (command, ended)
        assert "UTF-8" in ended.err
    with pytest.raises(NotAStore):
        StorePaths(path)


@pytest.mark.parametrize("folder", [".", "data", "tmp"])
def test_foreign_file_name_that_is_not_utf_8_is_no_problem(folder: str, store: Path) -> None:
    stray = store / folder / os.fsdecode(b"caf\xe9")
    stray.write_text("x")
    for options in ([], ["--json"]):
        ended = sparsest("verify", "--store", store, *options)
        assert ended.code == 0, ended
        assert "caf" in ended.out
    assert sparsest("query", "SELECT 1", "--store", store).code == 0


def test_invalid_date_reads_as_null(store: Path) -> None:
    begin(started="yesterday")(store, store)
    ended = sparsest("query", "SELECT started FROM sweeps", "--store", store, "--format", "jsonl")
    assert (ended.code, ended.out) == (0, '{"started":null}\n')


def test_folder_in_tmp_is_ignored(store: Path) -> None:
    (store / "tmp" / "folder").mkdir()
    assert sparsest("forget", "--where", "lr < 0.015", "--yes", "--store", store).code == 0
    assert (store / "tmp" / "folder").is_dir()


OUTPUTS = ["", "/", "/dev/full", "/proc/version", "{store}", "{store}/x/y.csv", "x\0y", "a" * 300]


@pytest.mark.parametrize("output", OUTPUTS)
def test_unwritable_output_is_an_error(output: str, store: Path) -> None:
    where = output.format(store=store)
    ended = sparsest("query", "SELECT 1", "--store", store, "--format", "csv", "--output", where)
    assert ended.code == (2 if "\0" in where else 1)
    assert "rror: " in ended.err


EXPERIMENTS = [
    "random:1' OR '1'='1",
    "random:1; DROP VIEW results",
    "../../etc/passwd",
    "%",
    "*",
    "",
    "\0",
    "two:" + "9" * 30,
    "f" * 33,
    "' UNION SELECT * FROM read_text('/etc/passwd') --",
]


@pytest.mark.parametrize("name", EXPERIMENTS)
def test_name_of_an_experiment_is_not_sql(name: str, store: Path) -> None:
    for command in ("show", "replay"):
        ended = sparsest(command, "--store", store, "--", name)
        assert ended.code == 1
        assert "experiment" in ended.err


CONDITIONS = [
    "true); DROP VIEW results; --",
    "true) OR (SELECT count(*) FROM read_text('/etc/passwd')) > 0 --",
    "(SELECT content FROM read_text('/etc/passwd')) IS NOT NULL",
    "getenv('HOME') IS NOT NULL",
    "true; DELETE FROM sweeps",
    "true UNION SELECT 1",
    "]; COPY (SELECT 1) TO '/tmp/x'; [",
    "EXISTS (WITH x AS (COPY (SELECT 1) TO '/tmp/x') FROM x)",
]


@pytest.mark.parametrize("condition", CONDITIONS)
def test_condition_can_only_select(condition: str, store: Path) -> None:
    before = contents(store)
    ended = sparsest("forget", "--where", condition, "--yes", "--store", store)
    assert ended.code == 1, ended
    assert ended.err.startswith("error: ")
    before.pop(str(store / "lock"), None)
    after = contents(store)
    after.pop(str(store / "lock"), None)
    assert after == before
