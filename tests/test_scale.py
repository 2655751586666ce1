"""What is done grows with the project, not with its square: by counts, not by time."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from assetmake.assets import Source
from assetmake.builds.plan import Plan, Step, is_chain, make_plan
from assetmake.builds.schedule import Memory, Ready, ranks
from assetmake.code.parts import Place
from assetmake.graph import downstream_of, find_circle, order, select, upstream_of
from assetmake.look.observe import Observer, source_stored
from assetmake.render import graphs
from assetmake.render.layout import Look
from assetmake.saved.fileindex import FileIndex
from assetmake.status.rows import Condition, Reason, State, Status
from assetmake.stores.local import LocalStore
from assetmake.stores.manifest import Manifest, Output

# Graphs ---------------------------------------------------------------------------


class Name(str):
    """Text that counts how often it is hashed and compared."""

    __slots__ = ()
    count = 0

    def __hash__(self) -> int:
        Name.count += 1
        return super().__hash__()

    def __eq__(self, other: object) -> bool:
        Name.count += 1
        return super().__eq__(other)


def layered(size: int) -> dict[str, tuple[str, ...]]:
    """Return a graph of layers of 50, each asset reading two of the one above."""
    names = [Name(f"a{number}") for number in range(size)]
    return {
        name: ()
        if number < 50
        else (names[number - 50], names[number - 50 + (1 if number % 50 < 49 else -49)])
        for number, name in enumerate(names)
    }


def chain(size: int) -> dict[str, tuple[str, ...]]:
    """Return a graph in which each asset reads the one before."""
    names = [Name(f"a{number}") for number in range(size)]
    return {name: tuple(names[i - 1 : i]) if i else () for i, name in enumerate(names)}


def statuses(graph: dict[str, tuple[str, ...]], state: State) -> dict[str, Status]:
    reasons = () if state is State.FRESH else (Reason("never-built", "never built"),)
    return {name: Status(name, state, None, reasons) for name in graph}


def scheduled(graph: dict[str, tuple[str, ...]]) -> int:
    """Take every step in the order of a build of four at once."""
    steps = [Step(name, True, False, ()) for name in graph]
    readers: dict[str, list[str]] = {name: [] for name in graph}
    for name, reads in graph.items():
        for other in reads:
            readers[other].append(name)
    rank = ranks(steps, readers, dict.fromkeys(graph, 1.0))
    found = Ready(Memory(10, dict.fromkeys(graph, 4)))
    for place, name in enumerate(graph):
        found.push(rank[name], place, name)
    running: list[str] = []
    taken = 0
    while found or running:
        while len(running) < 4 and (name := found.pop(running)) is not None:
            running.append(name)
        running.pop(0)
        taken += 1
    return taken


GRAPHS: dict[str, Callable[[dict[str, tuple[str, ...]]], object]] = {
    "order": order,
    "find_circle": find_circle,
    "upstream_of": lambda graph: upstream_of(graph, list(graph)[-50:]),
    "downstream_of": lambda graph: downstream_of(graph, list(graph)[:50]),
    "select": lambda graph: select(["*"], graph, (), {}),
    "plan of all": lambda graph: make_plan(
        statuses(graph, State.MISSING), graph, list(graph)
    ),
    "plan of what follows": lambda graph: make_plan(
        statuses(graph, State.FRESH), graph, list(graph), pretend=[next(iter(graph))]
    ),
    "plan of some only": lambda graph: make_plan(
        statuses(graph, State.MISSING), graph, list(graph), only=True
    ),
    "is_chain": lambda graph: is_chain(
        Plan(tuple(Step(name, True, False, ()) for name in graph), (), ()), graph
    ),
    "schedule": scheduled,
    "mermaid": lambda graph: graphs.render_mermaid(graph, set()),
    "dot": lambda graph: graphs.render_dot(graph, set()),
}


@pytest.mark.slow
@pytest.mark.parametrize("shape", [layered, chain])
@pytest.mark.parametrize("function", GRAPHS.values(), ids=GRAPHS)
def test_work_on_graphs_grows_with_their_size(function, shape):
    """Twice the assets, twice the names that are hashed and compared."""
    counts = []
    for size in (1000, 2000):
        graph = shape(size)
        Name.count = 0
        function(graph)
        counts.append(Name.count)

    assert counts[1] < 2.3 * counts[0] + 50


@pytest.mark.slow
@pytest.mark.parametrize("function", GRAPHS.values(), ids=GRAPHS)
def test_a_chain_may_be_longer_than_pythons_stack(function):
    function(chain(5_000))


def test_a_lineage_may_be_deeper_than_pythons_stack():
    graph = chain(5_000)

    text = graphs.render_tree(graph, set(), Look())

    assert len(text.splitlines()) >= len(graph)


# Files ----------------------------------------------------------------------------


@contextmanager
def counted(monkeypatch: pytest.MonkeyPatch) -> Iterator[Counter[str]]:
    """Count system calls that look at files, as far as they go through `os`."""
    counts: Counter[str] = Counter()
    with monkeypatch.context() as patch:
        for name in ("stat", "lstat", "scandir", "listdir", "open", "read", "readv"):
            real = getattr(os, name)

            def call(*args, _name=name, _real=real, **kwargs):
                counts[_name] += 1
                return _real(*args, **kwargs)

            patch.setattr(os, name, call)
        yield counts


def make_files(root: Path, directories: int, files: int) -> None:
    for number in range(directories):
        directory = root / "raw" / f"day={number:03}"
        directory.mkdir(parents=True)
        for part in range(files):
            file = directory / f"part-{part:03}.csv"
            file.write_text(f"n\n{number}{part}\n")
            os.utime(file, ns=(10**18, 10**18))


def raw(path: str) -> Source:
    """Return a source as an Assetfile would declare it."""
    place = Place("Assetfile.py", 1)
    return Source(name="raw", path=path, place=place)


@pytest.fixture
def settled(monkeypatch):
    """Let files be taken for old, so that their digests are believed."""
    monkeypatch.setattr("assetmake.saved.fileindex._is_settled", lambda *_: True)


@pytest.mark.parametrize("path", ["raw", "raw/*/*.csv", "raw/**/part-*.csv"])
@pytest.mark.parametrize("files", [20, 40])
def test_a_source_of_many_files_costs_a_stat_each(
    tmp_path, monkeypatch, settled, path, files
):
    """And one listing of each directory; a file is read once, then no more."""
    make_files(tmp_path, 10, files)
    source = raw(path)
    index = FileIndex(None, tmp_path)
    observer = Observer(tmp_path, index)
    known = observer.source(source, source.place)

    with counted(monkeypatch) as first:
        Observer(tmp_path, FileIndex(None, tmp_path)).source(source, source.place)
    with counted(monkeypatch) as again:
        found = observer.source(source, source.place)

    total = 10 * files
    assert found == known
    # The second read of a file finds its end.
    assert (first["open"], first["readv"], first["read"]) == (total, 2 * total, 0)
    assert again["open"] == again["read"] == again["readv"] == 0
    for counts in (first, again):
        assert counts["scandir"] <= 12
        # Beyond the files': what the path itself is, and each directory.
        assert total <= counts["stat"] + counts["lstat"] <= total + 40


def test_the_order_of_files_is_that_of_their_parts(tmp_path):
    """Not that of their text, in which `-` comes before `/`."""
    for name in ("a/x.csv", "a-b/x.csv", "a.csv"):
        file = tmp_path / "raw" / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text("n\n1\n")
    source = raw("raw")

    stored = source_stored(source, tmp_path)

    names = [file.relative_to(stored.directory).as_posix() for file in stored.files]
    assert names == ["a/x.csv", "a-b/x.csv", "a.csv"]


def table(store: LocalStore, name: str, parts: int) -> Manifest:
    """Publish a table of so many parts, and return its manifest."""
    staged = store.stage(name)
    for number in range(parts):
        file = staged / f"part-{number:05}.csv"
        file.write_text(f"n\n{number}\n")
        os.utime(file, ns=(10**18, 10**18))
    found = store.files(staged, {})
    manifest = Manifest(
        name=name,
        code="code-1:0",
        parts=(),
        code_files={},
        inputs=(),
        reads={},
        observed={},
        variables={},
        packages={},
        output=Output("pandas.DataFrame", "csv", "", "arrow-1:0", found, parts),
        built_at="2026-11-23T06:41:02Z",
        seconds=0.1,
    )
    store.publish(name, staged, manifest)
    return manifest


@pytest.mark.parametrize("parts", [100, 200])
def test_a_table_of_many_parts_costs_a_stat_each(tmp_path, monkeypatch, settled, parts):
    """One listing, no part opened; its manifest is read once."""
    store = LocalStore(tmp_path / "data", tmp_path)
    with store.lock(lambda _: None):
        manifest = table(store, "many", parts)

    with counted(monkeypatch) as looked:
        record = store.record("many")
    with counted(monkeypatch) as checked:
        intact = store.is_intact(manifest)

    assert record.condition is Condition.INTACT
    assert intact
    assert looked["scandir"] == 1
    assert parts <= looked["stat"] <= parts + 4
    assert looked["read"] == looked["readv"] == 0
    assert checked == Counter(stat=parts)
