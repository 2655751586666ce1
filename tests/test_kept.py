"""Kept records of tables: the same as from the tables themselves, and quicker."""

from __future__ import annotations

import dataclasses
import os
import time

import pytest
from space import TEXTS, TestSpace

from assetmake.code.parts import Part, Place
from assetmake.frames.base import Column, FileRecord
from assetmake.stores import kept as kept_module
from assetmake.stores.kept import Kept, pack, unpack
from assetmake.stores.local import LocalStore
from assetmake.stores.manifest import (
    CheckRecord,
    InputRecord,
    Manifest,
    Output,
    dump_manifest,
    parse_manifest,
)

PARTS = (Part("upper", "asset", Place("Assetfile.py", 7), "p", "def upper", "x"),)
FULL = Manifest(
    name="weather/upper",
    code="code-1:0",
    parts=PARTS,
    code_files={"Assetfile.py": "d"},
    inputs=(InputRecord("raw", "raw", "bytes-1:0", {"format": "j"}),),
    reads={"a": "b"},
    observed={"c": "d"},
    variables={"e": "f"},
    packages={"g": "1"},
    output=Output(
        "pandas.DataFrame",
        "parquet",
        "parquet",
        "arrow-1:0",
        {"part-00000.parquet": FileRecord(3, "d")},
        3,
        (Column("day", "string"),),
        {"index": ["day"]},
    ),
    built_at="2026-11-23T06:41:02Z",
    seconds=0.4,
    peak_memory=7,
    why=("never-built",),
    versions={"python": "3.11.7"},
    accepted=True,
    adopted=True,
    checks=(
        CheckRecord(
            "no_gaps", Place("Assetfile.py", 9), "warn", False, "c", 2, "2 gaps",
            PARTS, {"h": "i"},
        ),
    ),
    project="weather",
    assetfile="weather.py",
)  # fmt: skip


def fields_of(record):
    for field in dataclasses.fields(record):
        value = getattr(record, field.name)
        yield field, value
        for item in value if isinstance(value, tuple) else [value]:
            if dataclasses.is_dataclass(item):
                yield from fields_of(item)


def test_every_field_of_a_manifest_is_kept(tmp_path):
    """Also one that is new: it has to be in the example above."""
    file = tmp_path / "_manifest.json"
    file.write_bytes(dump_manifest(FULL))
    for field, value in fields_of(FULL):
        assert value != field.default
        assert value or field.name == "passed", field.name

    assert unpack(pack(FULL), str(file)) == FULL == parse_manifest(file.read_bytes())


def test_parts_of_a_manifest_that_was_replaced_are_none(tmp_path):
    """So that a diff shows nothing, and never what another build recorded."""
    file = tmp_path / "_manifest.json"
    assert list(unpack(pack(FULL), str(file)).parts) == []
    file.write_bytes(dump_manifest(dataclasses.replace(FULL, name="other")))
    assert list(unpack(pack(FULL), str(file)).parts) == []
    file.write_bytes(b"{")
    assert list(unpack(pack(FULL), str(file)).parts) == []


@pytest.fixture
def space(tmp_path):
    space = TestSpace(tmp_path)
    space.write({"Assetfile.py": TEXTS, "raw.txt": "a"})
    time.sleep(0.03)
    space.built()
    return space


def opened(store):
    return LocalStore(store.root / "data", store.root)


def is_kept(space, name="upper"):
    return opened(space)._kept.manifest(name) is not None


def test_a_look_keeps_what_it_found(space, monkeypatch):
    """The next one opens no manifest, hashes nothing and lists no table."""
    plain = opened(space)
    plain._kept._tables.clear()
    expected = [plain.record(name) for name in ("upper", "length")]
    for name in ("LocalStore._read_manifest", "digest_file"):
        monkeypatch.setattr(f"assetmake.stores.local.{name}", None)
    monkeypatch.setattr("assetmake.saved.fileindex.digest_file", None)
    real = os.scandir
    listed = []
    monkeypatch.setattr("os.scandir", lambda path: listed.append(path) or real(path))
    store = opened(space)

    found = [store.record(name) for name in ("upper", "length")]

    monkeypatch.undo()
    assert found == expected
    assert listed == []
    assert list(store.names()) == list(plain.names())


def edit(name):
    def change(table):
        text = (table / name).read_bytes()
        (table / name).write_bytes(text[:-1] + b" ")

    return change


def keep_times(name):
    def change(table):
        stat = (table / name).stat()
        edit(name)(table)
        os.utime(table / name, ns=(stat.st_atime_ns, stat.st_mtime_ns))

    return change


def add(name):
    return lambda table: (table / name).write_text("x")


def remove(name):
    return lambda table: (table / name).unlink()


@pytest.mark.parametrize(
    "change",
    [
        edit("upper.txt"),
        edit("_manifest.json"),
        keep_times("upper.txt"),
        keep_times("_manifest.json"),
        add("more.txt"),
        add("_hidden"),
        remove("upper.txt"),
        remove("_manifest.json"),
        lambda table: table.rename(table.with_name("elsewhere")),
    ],
)
def test_each_change_of_a_table_ends_its_record(space, change):
    """And of no other."""
    assert is_kept(space)

    change(space.root / "data/upper")

    assert not is_kept(space)
    assert is_kept(space, "length")
    store = opened(space)
    assert store.record("upper") == _without(space).record("upper")


def _without(space):
    store = opened(space)
    store._kept._tables.clear()
    return store


def test_what_is_young_is_not_kept(space):
    """It may change once more without a trace."""
    (space.root / "data/upper/more.txt").write_text("x")
    (space.root / "data/upper/more.txt").unlink()
    store = opened(space)

    store.record("upper")

    assert store._kept.manifest("upper") is None


def test_a_reboot_ends_all(space, monkeypatch):
    monkeypatch.setattr(kept_module, "boot_id", lambda: "another")

    assert not is_kept(space)


def test_without_an_index_nothing_is_kept_nor_written(space, monkeypatch):
    file = space.root / "data/.assetmake/records"
    before = file.read_bytes()
    monkeypatch.setenv("ASSETMAKE_INDEX", "0")

    assert not is_kept(space)
    assert space.run("-B", ASSETMAKE_INDEX="0").status == 0
    assert file.read_bytes() == before


def test_a_garbled_file_keeps_nothing(space):
    """Each cut and each flipped bit of it."""
    file = space.root / "data/.assetmake/records"
    data = file.read_bytes()
    for position in range(0, len(data), 7):
        for garbled in (
            data[:position],
            data[:position] + bytes([data[position] ^ 8]) + data[position + 1 :],
        ):
            file.write_bytes(garbled)
            assert not is_kept(space)


def test_a_look_that_changed_little_writes_nothing(tmp_path):
    """Writing costs as much as all records; reading a few manifests does not."""
    file = tmp_path / "data/.assetmake/records"
    file.parent.mkdir(parents=True)
    kept = Kept(str(file), str(tmp_path / "data"))
    tables = [f"t{number}" for number in range(130)]
    for name in tables:
        (tmp_path / "data" / name).mkdir()
    time.sleep(0.03)
    for name in tables:
        kept.keep(name, dataclasses.replace(FULL, name=name), (), time.time_ns())
    kept.save()
    before = file.stat().st_ino

    kept.keep("t0", dataclasses.replace(FULL, name="t0"), (), time.time_ns())
    kept.save()
    assert file.stat().st_ino == before
    kept.save(always=True)

    assert file.stat().st_ino != before


def test_tables_that_are_gone_are_forgotten(tmp_path):
    file = tmp_path / "data/.assetmake/records"
    file.parent.mkdir(parents=True)
    for name in ("here", "gone"):
        (tmp_path / "data" / name).mkdir()
    time.sleep(0.03)
    kept = Kept(str(file), str(tmp_path / "data"))
    for name in ("here", "gone"):
        kept.keep(name, FULL, (), time.time_ns())
    kept.save()
    (tmp_path / "data/gone").rmdir()

    again = Kept(str(file), str(tmp_path / "data"))
    again.keep("here", FULL, (), time.time_ns())
    again.save(always=True)

    assert set(Kept(str(file), str(tmp_path / "data"))._tables) == {"here"}


def test_a_diff_shows_the_parts_of_a_kept_manifest(space):
    """They are read when they are asked for."""
    space.edit("Assetfile.py", "raw.upper()", "raw.lower()")

    shown = space.run("--why", "upper").out

    assert "-    return raw.upper()" in shown
