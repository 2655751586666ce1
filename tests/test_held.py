"""Tables are held until their last reader has them, and what a build reads for it."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from space import TestSpace

import assetmake
from assetmake import fingerprint
from assetmake.builds import held
from assetmake.builds.held import Held
from assetmake.builds.listen import Listener
from assetmake.frames import tables
from assetmake.frames.base import Written
from assetmake.saved import fileindex
from assetmake.status.rows import State
from assetmake.stores import local


def written(size=10):
    """What a handler wrote, whose rows are the text "rows"."""
    return Written("x:y", again=lambda most: ("rows", size) if size <= most else None)


def hold(readers, limit=100, takes=lambda reader, name: True):
    return Held(readers, takes, limit)


def test_a_table_is_held_until_its_last_reader_has_it():
    held = hold({"a": ["b", "c"]})
    held.keep("a", written())
    seen = [held.names]

    for reader in ("b", "c"):
        assert held.lend("a", reader).take() == "rows"
        held.done(reader)
        held.done(reader)
        seen.append(held.names)

    assert seen == [["a"], ["a"], []]


def test_what_was_lent_is_let_go_with_it():
    """So that nothing of it is left while the reader's own function runs."""
    held = hold({"a": ["b"]})
    held.keep("a", written())
    lent = held.lend("a", "b")
    assert (lent.take(), lent.was_taken) == ("rows", True)

    held.done("b")

    assert (lent.take(), lent.was_taken) == (None, False)


def test_what_nobody_reads_or_takes_is_not_held():
    held = hold({"a": ["spark"], "b": ["spark", "top"]}, takes=lambda r, n: r == "top")

    for name in ("a", "b", "c"):
        held.keep(name, written())

    assert held.names == ["b"]
    assert held.lend("a", "spark") is None


def test_what_only_files_tell_is_not_held():
    held = hold({"a": ["b"]})

    held.keep("a", Written("x:y"))

    assert held.names == []


def test_no_more_is_held_than_there_is_room_for():
    """What is too large is read from its files; room that was given back counts."""
    held = hold({"a": ["x"], "b": ["y"], "c": ["z"]}, limit=25)
    for name in ("a", "b"):
        held.keep(name, written(15))
    assert held.names == ["a"]

    held.done("x")
    held.keep("c", written(25))

    assert held.names == ["c"]


def test_there_is_a_bound_whatever_the_machine_has(monkeypatch):
    limits = []
    for memory in (None, 1 << 30, 1 << 50):
        monkeypatch.setattr(held, "total", lambda memory=memory: memory)
        limits.append(held._limit())

    assert limits == [0, 1 << 26, 1 << 30]


# Builds ---------------------------------------------------------------------------

ASSETFILE = """
    import pandas as pd
    import pyarrow as pa
    from assetmake import asset, source

    raw = source("raw", path="raw.csv")


    @asset
    def a(raw):
        return raw.assign(n=1)


    @asset
    def b(a):
        return a.assign(n=2)


    @asset
    def c(a: pa.Table, b):
        return b.assign(n=a.num_rows)


    @asset(upstream={"left": "c", "right": "c"})
    def d(left, right: "polars.DataFrame"):
        return left.assign(m=right.height)
"""


@pytest.fixture
def space(tmp_path):
    space = TestSpace(tmp_path)
    space.write({"Assetfile.py": ASSETFILE, "raw.csv": "v\n1\n2\n"})
    return space


@pytest.fixture
def counts(monkeypatch):
    """How often which table is read, and how many files are hashed by reading."""
    found = Counter()
    read, intact = tables._read_part, local.LocalStore.is_intact

    def counted_read(file):
        found[f"read {file.parent.name}"] += 1
        return read(file)

    def counted_digest(path):
        if "data" in Path(path).parts:  # not the source, which is too young yet
            found[f"hashed {Path(path).parent.name}"] += 1
        return fingerprint.digest_file(path)

    def counted_intact(store, manifest):
        found[f"checked {manifest.name}"] += 1
        return intact(store, manifest)

    monkeypatch.setattr(tables, "_read_part", counted_read)
    monkeypatch.setattr(fileindex, "digest_file", counted_digest)
    monkeypatch.setattr(local, "digest_file", counted_digest)
    monkeypatch.setattr(local.LocalStore, "is_intact", counted_intact)
    return found


def build(space, listener=None, **options):
    result = assetmake.open(space.root).build(listener=listener, **options)
    assert result.ok
    return [outcome.name for outcome in result.outcomes if outcome.kind == "built"]


def values(space):
    project = assetmake.open(space.root)
    return {name: project.load(name).to_dict("list") for name in project}


def test_a_first_build_reads_no_table_that_it_wrote(space, counts):
    """Neither for the asset below, nor to hash it, nor to see whether it changed."""
    assert build(space) == ["a", "b", "c", "d"]

    assert counts == {}


def test_a_build_from_memory_stores_what_one_from_files_does(space, monkeypatch):
    build(space)
    from_memory = values(space)
    manifests = {
        name: assetmake.open(space.root).store.record(name).manifest for name in "abcd"
    }
    monkeypatch.setattr(held, "_MOST", 0)

    assert build(space, always=True) == ["a", "b", "c", "d"]

    assert values(space) == from_memory
    for name, before in manifests.items():
        after = assetmake.open(space.root).store.record(name).manifest
        assert after.output == before.output
        assert after.inputs == before.inputs


def test_without_room_each_reader_reads(space, counts, monkeypatch):
    monkeypatch.setattr(held, "_MOST", 0)

    build(space)

    assert counts == {
        "read a": 2,
        "read b": 1,
        "read c": 2,
        "checked a": 2,
        "checked b": 1,
        "checked c": 2,
    }


def test_an_edit_reads_just_what_was_not_built(space, counts):
    build(space)
    counts.clear()
    space.edit("Assetfile.py", "b.assign(n=a", "b.assign(k=a")

    assert build(space) == ["c", "d"]

    assert counts == {"read a": 1, "read b": 1, "checked a": 1, "checked b": 1}


class Meddler(Listener):
    """Puts another file with the same rows in its place when a table was built."""

    def __init__(self, space):
        self._file = space.root / "data" / "a" / "part-00000.parquet"

    def finished(self, outcome):
        if outcome.name == "a":
            pq.write_table(pq.read_table(self._file), self._file, compression="gzip")


def test_what_was_read_from_memory_is_what_is_recorded(space, counts):
    """Whatever became of the file meanwhile: what is below is not of that."""
    assert build(space, Meddler(space)) == ["a", "b", "c", "d"]
    states = {row.name: row.state for row in assetmake.open(space.root).status()}
    assert states["a"] is State.MODIFIED

    assert build(space) == ["a"]  # to the same data, which spares the others


def test_what_was_read_from_files_that_changed_is_not_fresh(space, monkeypatch):
    """Nobody knows which bytes it got: those recorded, or others."""
    monkeypatch.setattr(held, "_MOST", 0)
    build(space, Meddler(space))

    assert build(space) == ["a", "b", "c", "d"]


def test_a_second_attempt_reads_the_files(space, counts):
    """Nothing is kept for it: what it got at first, it may have changed."""
    flaky = """
        from assetmake import asset, source

        raw = source("raw", path="raw.csv")
        tries = []


        @asset
        def a(raw):
            return raw.assign(n=1)


        @asset(retries=1)
        def b(a):
            tries.append(int(a.loc[0, "n"]))
            a.loc[0, "n"] = 99
            if len(tries) == 1:
                raise ValueError
            return a.assign(tries=str(tries))
    """
    space.write({"Assetfile.py": flaky})

    build(space)

    assert counts == {"read a": 1, "checked a": 1}
    assert values(space)["b"]["tries"] == ["[1, 1]"] * 2


def test_a_failure_lets_go_of_what_it_would_have_read(space, monkeypatch):
    space.edit("Assetfile.py", "b.assign(n=a.num_rows)", "1 / 0")
    made = []
    original = Held.__init__

    def noted(self, *args, **options):
        original(self, *args, **options)
        made.append(self)

    monkeypatch.setattr(Held, "__init__", noted)

    result = assetmake.open(space.root).build(keep_going=True)

    assert [o.kind for o in result.outcomes] == ["built", "built", "failed", "skipped"]
    assert [held.names for held in made] == [[]]
