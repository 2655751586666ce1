"""Reports and other objects in the store."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pytest
from trips import save, source

from assetmake.errors import FrameError
from assetmake.frames import Frames
from assetmake.frames.base import Written
from assetmake.frames.content import fingerprint_stored


class Model:
    """A thing that people fit."""

    def __init__(self, **parts):
        self.__dict__.update(parts)

    def __eq__(self, other):
        return self.__dict__ == other.__dict__

    __hash__ = None


@pytest.mark.parametrize(
    ("value", "format", "file"),
    [
        ("hello", None, "t.txt"),
        ("<h1>déjà\r\n</h1>", "html", "t.html"),
        ("{}", "json", "t.json"),
        (b"\x00\xff", None, "t.bin"),
        (b"\x89PNG", "png", "t.png"),
    ],
)
def test_a_report_is_one_file_that_opens(tmp_path, value, format, file):
    """Called like the asset `weather/t`, with the suffix of its format."""
    saved = save(value, tmp_path, format)

    assert [path.name for path in saved.stored.files] == [file]
    assert saved.load(type(value)) == value
    assert saved.load(None) == value
    assert saved.load(Path) == tmp_path / file
    assert saved.load(bytes) == (value if isinstance(value, bytes) else value.encode())
    assert fingerprint_stored(saved.stored) == saved.written


def test_text_and_its_bytes_have_one_fingerprint(tmp_path):
    """What counts is what the file holds."""
    text, data = save("é", tmp_path / "1"), save("é".encode(), tmp_path / "2")

    assert text.written.fingerprint == data.written.fingerprint
    other = save("è", tmp_path / "3")
    assert other.written.fingerprint != text.written.fingerprint


def test_bytes_that_are_no_text_are_not_loaded_as_text(tmp_path):
    """Never with replacement characters."""
    saved = save(b"\xff", tmp_path)

    with pytest.raises(FrameError, match="is no text in UTF-8") as refused:
        saved.load(str)

    assert refused.value.hints == ("annotate the parameter with bytes",)


def test_text_that_has_no_utf8_is_refused(tmp_path):
    """A lone surrogate has no bytes."""
    with pytest.raises(FrameError, match="cannot be kept as text"):
        save("\ud800", tmp_path)


@pytest.mark.parametrize(
    ("name", "kept"),
    [
        ("report v1.2.pdf", "report v1.2.pdf"),
        ("_hidden.pdf", "t.pdf"),
        (".hidden", "t"),
        ("a:b.html", "t.html"),
    ],
)
def test_a_file_is_copied_under_its_name(tmp_path, name, kept):
    """If it is a safe one that readers of tables do not hide."""
    path = tmp_path / name
    path.write_bytes(b"x")

    saved = save(path, tmp_path / "store")

    assert saved.stored.files == (tmp_path / "store" / kept,)
    assert saved.load(Path).read_bytes() == b"x"
    assert path.exists()
    assert fingerprint_stored(saved.stored) == saved.written


def test_the_name_of_a_file_counts(tmp_path):
    """A reader may go by its suffix."""
    prints = set()
    for name in ("a.txt", "a.csv"):
        (tmp_path / name).write_bytes(b"x")
        saved = save(tmp_path / name, tmp_path / f"store {name}")
        prints.add(saved.written.fingerprint)

    assert len(prints) == 2


@pytest.mark.parametrize(("name", "text"), [("", "a directory"), ("no", "not there")])
def test_a_path_leads_to_one_file(tmp_path, name, text):
    """A directory, or nothing, is refused."""
    with pytest.raises(FrameError, match=f"which is {text}"):
        save(tmp_path / name, tmp_path / "store")


@pytest.mark.parametrize(
    "value",
    [Model(weights=[1.5, 2]), {"a": [1, (2, None)]}, 1.5, (1, "x"), ["text"]],
    ids=lambda value: type(value).__name__,
)
def test_any_object_is_pickled(tmp_path, value):
    """Loaded without annotation, or with its class."""
    saved = save(value, tmp_path)

    assert [path.name for path in saved.stored.files] == ["t.pickle"]
    assert saved.load(None) == value
    assert saved.load(type(value)) == value
    assert saved.written.fingerprint.startswith("pickle-1:")
    assert fingerprint_stored(saved.stored) == saved.written


@pytest.mark.parametrize(
    ("value", "place"),
    [
        (Model(name="x", callback=lambda: 1), r"\.callback: "),
        (Model(parts={"a": [1, (i for i in ())]}), r"\.parts\['a'\]\[1\]: "),
        (lambda: 1, "function: "),
    ],
    ids=["attribute", "deep", "itself"],
)
def test_what_cannot_be_pickled_is_named(tmp_path, value, place):
    """The innermost part, by its path from the object."""
    with pytest.raises(FrameError, match=f"`weather/t` cannot be pickled: {place}"):
        save(value, tmp_path)


def test_an_object_whose_class_has_gone_is_told(tmp_path):
    """With the command that makes it anew."""
    saved = save(Model(), tmp_path)
    saved.stored.files[0].write_bytes(b"cno_such_module\nModel\n.")

    with pytest.raises(FrameError, match="ModuleNotFoundError") as refused:
        saved.load(None)

    assert "assetmake -B weather/t" in refused.value.hints[0]


@pytest.mark.parametrize(
    ("value", "wanted", "text"),
    [
        ("x", pd.DataFrame, "is stored as text, not as a table"),
        ({"a": 1}, pa.Table, "is stored as pickle, not as a table"),
        ({"a": 1}, "polars.LazyFrame", "is stored as pickle, not as a table"),
        ({"a": 1}, "duckdb", "is stored as pickle, not as a table"),
        ({"a": 1}, pd.DataFrame, "holds a dict, not a pandas.DataFrame"),
        (pd.DataFrame({"a": [1]}), dict, "is stored as parquet, not as a dict"),
        ("x", dict, "is stored as text, not as a dict"),
    ],
)
def test_a_value_is_not_loaded_as_something_else(tmp_path, value, wanted, text):
    """Asking for another type is a mistake in the Assetfile, told as one."""
    saved = save(value, tmp_path)

    with pytest.raises(FrameError, match=text) as refused:
        saved.load(wanted)

    assert refused.value.hints


def test_any_table_can_be_had_as_a_path(tmp_path):
    """For tools that read files themselves."""
    saved = save(pd.DataFrame({"a": [1]}), tmp_path)

    assert saved.load(Path) == tmp_path / "part-00000.parquet"
    two = replace(saved.stored, files=saved.stored.files * 2)
    assert replace(saved, stored=two).load(Path) == tmp_path


def test_several_files_are_no_report(tmp_path):
    """Which of them would it be."""
    stored = source(tmp_path, "text", a_txt="x", b_txt="y")

    with pytest.raises(FrameError, match="`raw` is 2 files, not one"):
        Frames({}).for_annotation(str, reading=True).load(stored, str)


def test_sources_of_text_need_no_annotation(tmp_path):
    """Notes as text, anything unknown as the path of its file."""
    frames = Frames({})
    load = frames.for_annotation(None, reading=True).load

    assert load(source(tmp_path, "text", a_md="# hi"), None) == "# hi"
    assert load(source(tmp_path, "file", a_xls="?"), None) == tmp_path / "a.xls"
    assert load(source(tmp_path, "csv", a_csv="a\n1\n"), str) is not None


def test_a_lost_file_is_told(tmp_path):
    """As a problem of the store, with its name."""
    saved = save("x", tmp_path)
    saved.stored.files[0].unlink()

    with pytest.raises(FrameError, match=r"has lost its file t\.txt"):
        saved.load(str)


def test_the_fingerprint_of_a_report_is_stable(tmp_path):
    """A change of it would make every report of every user stale."""
    saved = save("hello", tmp_path)

    assert saved.written == Written("bytes-1:b5e9c1ad071b3e7fc779cfaa5e523818")
