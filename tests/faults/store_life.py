"""The life of a store: processes that make, fill, change, repair, merge, compact and publish it.

Each process does only what is not done yet, so that it can be resumed after a kill.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from search.indices import IndexSet
from search.paper import paper_study
from storage.checking.repair import repair_log
from storage.data.parts import part_bytes
from storage.errors import DataFileDamaged, EntryDamaged, NotAStore
from storage.log.init_entries import FoundNetwork, SearchChoice
from storage.merging.merge import merge_stores
from storage.paths import StorePaths
from storage.published.publish import publish_study
from storage.reading.reader import StoreReader
from storage.writing.compact import compact_store
from storage.writing.writer import StoreWriter
from tests.faults.disk import Recorder
from tests.storage.made_rows import Rows

STUDY = paper_study("phase1")
TRAINED = 4
"""Number of experiments of the first processes: indices 0 to 3."""

MERGED = 6
"""Number of experiments after another store with indices 3 to 5 was merged into this one."""

FORGOTTEN, RETRIED = 1, 2

Facts = set[tuple[Any, ...]]
"""Facts of a store that must survive: ("row", index, status, sweep), ("sweep", id), ...,
("kept", NAME) for the bytes of a damaged file, ("damaged", FILE) while it is part of the store."""

UNREADABLE = ("unreadable",)
"""The fact that a log entry is damaged, so that nothing else can be read."""

BESIDE_THE_LOG = ("kept", "published")
"""Kinds of facts that do not come from the log."""


def made_rows() -> Rows:
    """Return rows of the paper's phase 1, which can be published."""
    rows = Rows()
    rows.digest = STUDY.digest
    return rows


def facts(home: Path) -> Facts:
    """Return what a reader finds in the store below a folder; nothing if there is no store yet.

    Raises:
        StoreDamaged: the log or the size of a data file is not what was written.
    """
    found: Facts = set()
    store = home / "on" / "the" / "way" / "store"
    for folder in ("data", "quarantine"):
        if (store / folder).is_dir():
            # A damaged entry 7 is kept as 00000007-<uuid>.json.
            names = [file.name.partition("-")[0] for file in (store / folder).iterdir()]
            found |= {("kept", name) for name in names}
    published = home / "results" / "phase1.parquet"
    if published.exists():
        indices = _rows_in(published.read_bytes(), ("study_index",))
        found |= {("published", index) for _, index in indices}
    try:
        reader = StoreReader(store)
    except NotAStore:
        return found
    except EntryDamaged as damage:
        return found | {UNREADABLE, ("kept", damage.file.stem)}
    for part in reader.state.parts:
        try:
            content = part_bytes(reader.paths, part)
        except DataFileDamaged:
            found.add(("damaged", part.file))
            continue
        rows_of_part = _rows_in(content, ("study_index", "status", "sweep_id"))
        assert found.isdisjoint(rows_of_part), "a row is stored twice"
        found.update(rows_of_part)
    for sweep in reader.state.sweeps.values():
        found.add(("sweep", sweep.begin.sweep_id))
        if sweep.end is not None:
            found.add(("end", sweep.begin.sweep_id))
    found |= {("init", name) for name in reader.state.inits}
    found |= {("search", *key) for key in reader.state.searches}
    return found


@cache
def _rows_in(content: bytes, columns: tuple[str, ...]) -> tuple[tuple[Any, ...], ...]:
    """Return some columns of a Parquet file as facts; equal files are read once."""
    rows = pq.read_table(pa.BufferReader(content), columns=[*columns])
    return tuple(("row", *row.values()) for row in rows.to_pylist())


@dataclass
class Life:
    """The processes, and what they promise.

    Args:
        home: folder that has everything; it exists.
        source: another store, with experiments 3 to 5.
        recorder: records what happens.
        rows: maker of the rows.
        certain: facts that are promised so far.
        readable: facts of the log before it was damaged; none until then.
    """

    home: Path
    source: Path
    recorder: Recorder
    rows: Rows = field(default_factory=made_rows)
    certain: Facts = field(default_factory=set)
    readable: Facts = field(default_factory=set)

    @property
    def store(self) -> Path:
        """Folder of the store, which has to be made with those above it."""
        return self.home / "on" / "the" / "way" / "store"

    @property
    def processes(self) -> list[Callable[[], None]]:
        """All processes, in order."""
        return [
            self.fill,
            self.rewrite,
            self.quarantine,
            self.repair,
            self.merge,
            self.compact,
            self.publish,
        ]

    @contextmanager
    def changing(self, come: Facts, go: Facts | None = None) -> Iterator[None]:
        """Facts that come and go are uncertain inside the block, and certain after it."""
        go = set() if go is None else go
        self.recorder.promise(self.certain - go, come | go)
        yield
        self.certain = (self.certain - go) | come
        self.recorder.promise(self.certain, set())

    def fill(self) -> None:
        """Make the store, store an initialisation, train, and record a choice."""
        with self._writer() as writer:
            with self.changing({("init", "bench-95")}):
                writer.record_init("bench-95", "abc", [(np.zeros((1, 2), "f4"), np.zeros(1, "f4"))])
            self._train(writer, "first", TRAINED)
            choice = _choice()
            with self.changing({("search", choice.settings, choice.phase)}):
                writer.publish(choice)

    def rewrite(self) -> None:
        """Forget a row, and retry one that failed."""
        with self._writer() as writer:
            row = self.rows.row(FORGOTTEN)
            with self.changing(set(), self._rows({FORGOTTEN})):
                writer.forget([row["experiment_id"]])
            writer.retry(["failed"])
            self._train(writer, "second", TRAINED, leaving_out={FORGOTTEN})

    def damage(self) -> None:
        """Flip a bit of the newest data file."""
        with StoreReader(self.store) as reader:
            part = reader.state.parts[-1]
        file = self.store / "data" / part.file
        content = file.read_bytes()
        lost = self._rows(set(IndexSet.of(part.indices[STUDY.digest])))
        kept: Facts = {("kept", part.file)}
        self.recorder.promise(self.certain - lost, lost | {("damaged", part.file)})
        self.certain = (self.certain - lost) | kept | {("damaged", part.file)}
        self.recorder.damage(file, bytes([content[0] ^ 1]) + content[1:])
        self.recorder.promise(self.certain, set())

    def quarantine(self) -> None:
        """Quarantine the damaged file, and train its experiments again."""
        if self.certain and not any(fact[0] == "kept" for fact in self.certain):
            self.damage()
        with self._writer() as writer:
            with self.changing(set(), {fact for fact in self.certain if fact[0] == "damaged"}):
                writer.quarantine_damaged()
            self._train(writer, "third", TRAINED, leaving_out={FORGOTTEN})

    def damage_log(self) -> None:
        """Flip a bit of the newest log entry of a data file, so that the log is unreadable."""
        log = sorted((self.store / "log").iterdir())
        (*_, entry) = [file for file in log if b'"kind":"rows"' in file.read_bytes()]
        content = entry.read_bytes()
        named = json.loads(content)["record"]["entry"]["file"]
        self.readable = self.certain
        beside = {fact for fact in self.certain if fact[0] in BESIDE_THE_LOG}
        self.certain = beside | {("kept", named)}
        self.recorder.promise(self.certain, self.readable | {UNREADABLE})
        self.recorder.damage(entry, bytes([content[0] ^ 1]) + content[1:])
        self.certain |= {("kept", entry.stem)}
        self.recorder.promise(self.certain, self.readable | {UNREADABLE})

    def repair(self) -> None:
        """Quarantine the damaged entry, and train what only it named."""
        if self.certain and not self.readable:
            self.damage_log()
        if self.readable:
            repair_log(StorePaths(self.store), "repair")
        with self._writer() as writer:
            self._train(writer, "fourth", TRAINED, leaving_out={FORGOTTEN})

    def merge(self) -> None:
        """Merge another store into this one."""
        come: Facts = {("row", index, "ok", "elsewhere") for index in range(TRAINED, MERGED)}
        with self.changing(come | {("sweep", "elsewhere"), ("end", "elsewhere")}):
            merge_stores([self.source], self.store, command="merge")

    def compact(self) -> None:
        """Compact the data files, which changes no row."""
        compact_store(self.store, command="compact")

    def publish(self) -> None:
        """Publish the rows twice; the second time replaces a file."""
        with StoreReader(self.store) as reader:
            stored = reader.stored(STUDY.digest)
            for _ in range(2):
                with self.changing({("published", index) for index in stored}):
                    publish_study(reader, STUDY, self.home / "results", {})

    @staticmethod
    def make_source(store: Path) -> Path:
        """Make the other store."""
        rows = made_rows()
        with StoreWriter(store) as writer:
            writer.begin_sweep(rows.begin("elsewhere"))
            rows.append(writer, TRAINED - 1, MERGED, sweep_id="elsewhere")
            writer.end_sweep("finished")
        return store

    def finish(self) -> None:
        """Train whatever is not stored, in one more sweep."""
        with suppress(NotAStore):
            repair_log(StorePaths(self.store), "finish")
        with self._writer() as writer:
            writer.quarantine_damaged()
            writer.retry(["failed"])
            self._train(writer, "last", MERGED)

    @contextmanager
    def _writer(self) -> Iterator[StoreWriter]:
        with StoreWriter(self.store) as writer:
            # It resumes from what it found in the log, which must be durable by now.
            beside = {fact for fact in self.certain if fact[0] in BESIDE_THE_LOG}
            found = {fact for fact in facts(self.home) if fact[0] not in BESIDE_THE_LOG}
            self.certain = found | beside
            self.recorder.promise(self.certain, set())
            yield writer

    def _train(
        self, writer: StoreWriter, sweep: str, stop: int, leaving_out: set[int] | None = None
    ) -> None:
        """Store what is missing, two experiments per commit; RETRIED fails at first."""
        wanted = IndexSet.of([(0, stop)]) - writer.stored(STUDY.digest)
        wanted = wanted - IndexSet.from_indices(sorted(leaving_out or ()))
        if ("sweep", sweep) in self.certain:
            sweep += "-again"
        with self.changing({("sweep", sweep)}):
            writer.begin_sweep(self.rows.begin(sweep))
        while wanted:
            task, wanted = wanted.take(2)
            made = [self._row(index, sweep) for index in task]
            come = {("row", row["study_index"], row["status"], sweep) for row in made}
            writer.append(self.rows.batch(made), STUDY.digest, STUDY.name, task)
            with self.changing(come, self._rows(set(task))):
                writer.commit()
        with self.changing({("end", sweep)}):
            writer.end_sweep("finished")

    def _row(self, index: int, sweep: str) -> dict[str, Any]:
        if index == RETRIED and sweep.startswith("first"):
            return self.rows.diverged(index, status="failed", reason="x", sweep_id=sweep)
        return self.rows.row(index, sweep_id=sweep)

    def _rows(self, indices: set[int]) -> Facts:
        return {fact for fact in self.certain if fact[0] == "row" and fact[1] in indices}


def _choice() -> SearchChoice:
    network = FoundNetwork(
        experiment_id="0" * 32,
        label="random:1",
        study=STUDY.name,
        root_seed=0,
        structure="1x1x1",
        masks=[],
        accuracy=0.5,
        weight_nnz=1,
        model_nnz=2,
        target=0.5,
        reached=1,
        trained=1,
    )
    return SearchChoice(
        settings="all", phase=1, trained=1, reached=1, networks=[network], chosen="today"
    )
