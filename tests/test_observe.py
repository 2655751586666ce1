"""Sources and files as they are found around a project."""

from __future__ import annotations

import errno
import os

import pytest
from space import TestSpace

from assetmake.assets import Source
from assetmake.code.parts import Place
from assetmake.errors import DefinitionError, SourceError
from assetmake.look.observe import Observer, source_files
from assetmake.project import open_project
from assetmake.saved.fileindex import FileIndex

INGEST = """
    from assetmake import asset

    @asset
    def raw() -> str:
        return "1"
"""
READER = """
    from assetmake import asset, source

    raw = source("raw", project="../ingest")

    @asset
    def twice(raw: str) -> str:
        return raw * 2
"""


@pytest.fixture
def projects(tmp_path):
    spaces = TestSpace(tmp_path / "ingest"), TestSpace(tmp_path / "reader")
    spaces[0].write({"Assetfile.py": INGEST})
    spaces[1].write({"Assetfile.py": READER})
    return spaces


def reasons(space, name):
    rows = {row.name: row for row in open_project(space.root).status()}
    return [(reason.code, reason.text) for reason in rows[name].reasons]


def test_another_project_is_read_through_its_manifest(projects):
    """Its data counts, not when or how it was built."""
    ingest, reader = projects
    ingest.built()
    reader.built()
    assert open_project(reader.root).load("twice") == "11"

    ingest.edit("Assetfile.py", 'return "1"', 'return "" + "1"')
    ingest.built()
    assert reasons(reader, "twice") == []

    ingest.edit("Assetfile.py", '"" + "1"', '"2"')
    ingest.built()
    assert reasons(reader, "twice") == [("source-changed", "source `raw` changed")]
    reader.built()
    assert open_project(reader.root).load("twice") == "22"


def test_another_project_that_has_nothing_is_a_missing_source(projects):
    ingest, reader = projects

    assert reasons(reader, "raw") == [
        ("source-missing", "../ingest/data/raw: never built, or no asset any more")
    ]
    assert reader.run().status == 2
    ingest.built()
    (ingest.root / "data/raw/raw.txt").write_text("by hand")

    assert reasons(reader, "raw") == [
        (
            "source-missing",
            "../ingest/data/raw: changed by hand: raw.txt has other bytes",
        )
    ]
    assert ("source-missing", "source `raw` was changed by hand") in reasons(
        reader, "twice"
    )


def edited(ingest):
    (ingest.root / "data/raw/raw.txt").write_text("by hand")


def emptied(ingest):
    (ingest.root / "data/raw/raw.txt").unlink()


def renamed(ingest):
    ingest.edit("Assetfile.py", "def raw(", "def raws(")
    ingest.built()
    ingest.run("--prune", "--yes")


def without_manifest(ingest):
    (ingest.root / "data/raw/_manifest.json").unlink()


def moved(ingest):
    ingest.root.rename(ingest.root.with_name("moved"))


@pytest.mark.parametrize(
    ("change", "message", "hint"),
    [
        (
            edited,
            "source `raw` is not read: ../ingest/data/raw: changed by hand: raw.txt",
            "see `assetmake -C ../ingest --status`",
        ),
        (
            emptied,
            "source `raw` has no data: ../ingest/data/raw: its data is missing",
            "run `assetmake -C ../ingest raw` first",
        ),
        (
            renamed,
            "or no asset any more; a similar table is stored there: 'raws'",
            "if there is no such asset any more, change the name at Assetfile.py:3",
        ),
        (
            without_manifest,
            "source `raw` is not read: ../ingest/data/raw: no build wrote it, as",
            "see `assetmake -C ../ingest --status`",
        ),
        (moved, "no directory ../ingest", "change `project=` at Assetfile.py:3"),
    ],
)
def test_build_says_what_is_wrong_with_a_table_of_another_project(
    projects, change, message, hint
):
    """A build there is not what mends each."""
    ingest, reader = projects
    ingest.built()
    change(ingest)

    ran = reader.run()

    assert ran.status == 2
    assert message in ran.err
    assert hint in ran.err


def test_another_project_that_is_not_there_is_a_missing_source(projects):
    _, reader = projects
    reader.edit("Assetfile.py", "../ingest", "../nowhere")

    assert reasons(reader, "raw") == [("source-missing", "no directory ../nowhere")]


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("project=", "table=", "source `raw` is not a local file"),
        ('project="../ingest"', 'path="s3://x/y.csv"', "is not a local file"),
        ("@asset", '@asset(store="s3")', "asset `twice` names a store of its own"),
    ],
)
def test_what_this_version_cannot_do_is_said_at_once(projects, old, new, message):
    """Nothing is built that would not be what the Assetfile says."""
    _, reader = projects
    reader.edit("Assetfile.py", old, new)

    with pytest.raises(DefinitionError, match=message):
        open_project(reader.root).status()


@pytest.mark.parametrize(
    ("path", "beside", "problem"),
    [
        ("Raw.csv", "raw.csv", "no file Raw.csv, but 'raw.csv'"),
        ("caf\xe9.csv", "cafe\u0301.csv", "no file caf\xe9.csv, but 'cafe\\u0301.csv'"),
        ("raw.csv", "other.csv", "no file raw.csv"),
        ("none/raw.csv", "raw.csv", "no file none/raw.csv"),
    ],
)
def test_a_file_of_nearly_that_name_is_told(tmp_path, path, beside, problem):
    """What macOS takes for one is two elsewhere."""
    (tmp_path / beside).touch()
    source = Source(name="raw", path=path, place=Place("Assetfile.py", 1))

    with pytest.raises(SourceError) as caught:
        source_files(source, tmp_path)

    assert str(caught.value) == problem


def test_a_pipe_is_not_read(tmp_path):
    """That would wait for ever."""
    os.mkfifo(tmp_path / "raw.csv")
    source = Source(name="raw", path="raw.csv", place=Place("Assetfile.py", 1))

    with pytest.raises(SourceError, match=r"raw\.csv is neither a file nor a dir"):
        source_files(source, tmp_path)
    assert Observer(tmp_path, FileIndex(None, tmp_path)).reads(["raw.csv"]) == {}


def test_files_that_reads_names_are_gone_where_they_cannot_be_listed(
    tmp_path, monkeypatch
):
    """Nothing is taken for an empty directory."""
    (tmp_path / "conf").mkdir()
    (tmp_path / "conf/a.json").touch()
    observer = Observer(tmp_path, FileIndex(None, tmp_path))

    def refuse(path):
        raise PermissionError(13, "Permission denied", str(path))

    monkeypatch.setattr(os, "scandir", refuse)

    assert observer.reads(["conf", "conf/*.json"]) == {"conf": None}


def test_a_source_that_a_disk_cannot_read_is_named(tmp_path, monkeypatch):
    """An error of a read, unlike one of an open, does not say of which file."""

    def fail(descriptor, buffers):
        raise OSError(errno.EIO, "Input/output error")

    (tmp_path / "raw.txt").write_text("abc")
    monkeypatch.setattr(os, "readv", fail)
    observer = Observer(tmp_path, FileIndex(None, tmp_path))
    source = Source(name="raw", path="raw.txt", place=Place("Assetfile.py", 1))

    seen = observer.source(source, source.place)

    assert seen.fingerprint is None
    assert seen.problem == "raw.txt cannot be read: Input/output error"
