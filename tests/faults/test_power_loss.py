"""A power loss at any moment breaks no store and loses no row that was reported as stored.

Every fsync of the store is needed for that: without it, the same checks fail.
"""

from __future__ import annotations

import ast
import random
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path

import pyarrow as pa
import pytest

from storage import durable
from storage.checking.verify import verify_store
from storage.errors import StoreError
from tests.faults.disk import (
    STORAGE,
    Disk,
    Event,
    Killed,
    Recorder,
    Remains,
    Site,
    Synced,
    Tree,
)
from tests.faults.store_life import BESIDE_THE_LOG, MERGED, Facts, Life, facts

MAKING = 20
"""Approximate number of calls that make an empty store."""


@dataclass(frozen=True)
class History:
    """The calls that changed a store.

    Attributes:
        name: name of this history in messages.
        events: all events.
        since: number of initial events that other histories share.
    """

    name: str
    events: list[Event]
    since: int = 0


def _run(recorder: Recorder, process: Callable[[], None]) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(durable, "os", recorder)
        process()


class Histories:
    """The life of a store, undisturbed and with each process killed once."""

    def __init__(self, folder: Path) -> None:
        self._home = folder / "home"
        self._source = Life.make_source(folder / "source")
        self._before = folder / "before"

    def undisturbed(self) -> History:
        """Return the undisturbed history."""
        self._home.mkdir()
        life = Life(self._home, self._source, Recorder(self._home))
        for process in life.processes:
            _run(life.recorder, process)
        shutil.rmtree(self._home)
        return History("nothing killed", life.recorder.events)

    def killed(self, every: int) -> Iterator[History]:
        """Yield histories in which a process is killed before a call.

        Args:
            every: stride of the calls at which processes are killed, after the store was made.
        """
        self._home.mkdir()
        life = Life(self._home, self._source, Recorder(self._home))
        for number in range(len(life.processes)):
            shutil.copytree(self._home, self._before)
            start = len(life.recorder.events)
            for at in range(10_000):
                if at % every and (number > 0 or at > MAKING):
                    continue
                again = replace(
                    life, recorder=life.recorder.next_process(at), certain={*life.certain}
                )
                process = again.processes[number]
                try:
                    _run(again.recorder, process)
                except Killed:
                    again.recorder = again.recorder.next_process()
                    _run(again.recorder, again.processes[number])
                    name = f"{process.__name__} killed at {at}"
                    yield History(name, again.recorder.events, start)
                    shutil.rmtree(self._home)
                    shutil.copytree(self._before, self._home)
                else:
                    life = again
                    life.recorder = again.recorder.next_process()
                    break
            shutil.rmtree(self._before)
        shutil.rmtree(self._home)


class Inspector:
    """Checks what power losses leave; equal remains are checked once.

    Args:
        folder: folder in which the remains are written.
    """

    def __init__(self, folder: Path) -> None:
        self._home = folder
        self._remains = Remains(folder)
        self._seen: dict[frozenset[tuple[str, bytes | None]], Facts | str] = {}
        self._resumed: set[frozenset[tuple[str, bytes | None]]] = set()
        self.states = 0

    def complaint(self, disk: Disk, tree: Tree, *, resume: bool = False) -> str | None:
        """Return what is wrong with a store after a power loss, None if nothing is.

        Args:
            disk: disk that knows what was promised.
            tree: remaining files.
            resume: whether to also run the remaining processes on them.
        """
        self.states += 1
        key = frozenset(tree.items())
        if key not in self._seen or (resume and key not in self._resumed):
            self._seen[key] = self._look(tree, resume)
            if resume:
                self._resumed.add(key)
        found = self._seen[key]
        if isinstance(found, str):
            return found
        lost = disk.promised.certain - found
        if lost:
            return f"lost: {sorted(lost, key=str)}"
        more = {fact for fact in found if fact[0] not in BESIDE_THE_LOG}
        more -= disk.promised.certain | disk.promised.possible
        return f"came back: {sorted(more, key=str)}" if more else None

    def _look(self, tree: Tree, resume: bool) -> Facts | str:
        self._remains.lay_out(tree)
        try:
            found = facts(self._home)
            if resume:
                self._resume()
        except (StoreError, pa.ArrowException) as error:
            return f"broken: {error}"
        return found

    def _resume(self) -> None:
        """Continue to the end, and assert that everything is there then, and nothing else."""
        recorder = Recorder(self._home)
        for path in sorted(self._home.rglob("*")):
            recorder.find(path)
        life = Life(self._home, self._home, recorder)
        _run(recorder, life.finish)
        rows = {fact[1:3] for fact in facts(self._home) if fact[0] == "row"}
        assert rows == {(index, "ok") for index in range(MERGED)}
        assert verify_store(life.store) == []
        assert list((life.store / "tmp").iterdir()) == []
        self._remains.clear()


@pytest.fixture(scope="module")
def histories(tmp_path_factory: pytest.TempPathFactory) -> list[History]:
    """The undisturbed life, and a sample of kills."""
    source = Histories(tmp_path_factory.mktemp("lives"))
    return [source.undisturbed(), *source.killed(every=9)]


@pytest.fixture(scope="module")
def inspector(tmp_path_factory: pytest.TempPathFactory) -> Inspector:
    return Inspector(tmp_path_factory.mktemp("remains"))


def _complaints(
    history: History, inspector: Inspector, samples: int, *, resume_every: int = 0
) -> Iterator[str]:
    """Yield what is wrong after a power loss at each event, in the worst case and in others."""
    luck = random.Random(history.name)
    disk = Disk()
    for number, event in enumerate(history.events):
        disk.play(event)
        if number < history.since:
            continue
        resume = resume_every > 0 and number % resume_every == 0
        for chance in (None, *[luck] * samples):
            complaint = inspector.complaint(disk, disk.left(chance), resume=resume)
            if complaint is not None:
                yield f"{history.name}, after event {number} ({event}): {complaint}"


def test_power_loss_at_any_moment_keeps_every_stored_row(
    histories: list[History], inspector: Inspector
) -> None:
    undisturbed, *killed = histories
    assert list(_complaints(undisturbed, inspector, samples=2, resume_every=12)) == []
    for history in killed:
        assert list(_complaints(history, inspector, samples=0)) == []


@pytest.mark.campaign
def test_power_loss_after_any_kill_keeps_every_stored_row(
    tmp_path: Path, inspector: Inspector
) -> None:
    source = Histories(tmp_path)
    assert list(_complaints(source.undisturbed(), inspector, samples=10, resume_every=8)) == []
    before = inspector.states
    count = 0
    for history in source.killed(every=1):
        assert list(_complaints(history, inspector, samples=count % 2)) == []
        count += 1
    print(
        f"{count + 1} histories, {inspector.states} power losses, {before} of them without a kill"
    )


@cache
def sites() -> tuple[Site, ...]:
    """Return every call path from storage/ to an fsync, found in the source."""
    inside = _calls(STORAGE / "durable.py")
    ways: dict[str, list[Site]] = {"fsync": [()]}

    def of(function: str) -> list[Site]:
        """Return the call paths from a function of durable.py to an fsync."""
        if function not in ways:
            ways[function] = []
            ways[function] = [
                (*way, f"durable.py:{line}")
                for caller, called, line in inside
                if caller == function
                for way in of(called)
            ]
        return ways[function]

    return tuple(
        (*way, f"{file.relative_to(STORAGE)}:{line}")
        for file in sorted(STORAGE.rglob("*.py"))
        # For a store on S3 the service decides what is durable.
        if file.name != "durable.py" and STORAGE / "remote" not in file.parents
        for _, called, line in _calls(file)
        for way in of(called)
    )


def _calls(file: Path) -> list[tuple[str, str, int]]:
    """Return (calling function, called name, line) of each call in a file."""
    return [
        (function.name, name, call.lineno)
        for function in ast.walk(ast.parse(file.read_text()))
        if isinstance(function, ast.FunctionDef)
        for call in ast.walk(function)
        if isinstance(call, ast.Call)
        for name in [
            call.func.attr
            if isinstance(call.func, ast.Attribute)
            else call.func.id
            if isinstance(call.func, ast.Name)
            else ""
        ]
    ]


def test_store_life_reaches_every_fsync(histories: list[History]) -> None:
    reached = {event.site for event in histories[0].events if isinstance(event, Synced)}
    assert reached == set(sites())
    assert len(reached) >= 12


@pytest.mark.parametrize("site", sites(), ids=lambda site: " < ".join(site))
def test_every_fsync_is_needed(site: Site, histories: list[History], inspector: Inspector) -> None:
    mutated = [_without(site, history) for history in histories]
    complaints = (
        complaint
        # The worst case finds most, and there is one for each event.
        for samples in (0, 8)
        for history in mutated
        for complaint in _complaints(history, inspector, samples)
    )
    assert next(complaints, None) is not None, f"nothing goes wrong without the fsync at {site}"


def _without(site: Site, history: History) -> History:
    """Return a history without the fsync calls of one place."""
    places = [
        number
        for number, event in enumerate(history.events)
        if isinstance(event, Synced) and event.site == site
    ]
    events = [event for number, event in enumerate(history.events) if number not in places]
    # Before the first of them nothing differs.
    first = min(places, default=len(events))
    return replace(history, events=events, since=max(first, history.since - len(places)))
