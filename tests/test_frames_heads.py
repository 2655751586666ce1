"""The first rows of stored tables, in the types of the whole."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from assetmake.frames import Frames
from assetmake.frames.base import Stored
from assetmake.frames.heads import empty, head

FRAME = pd.DataFrame(
    {
        "n": pd.array([None, 1, 2, 3], dtype="Int64"),
        "text": ['a\n"b",\'c', "", None, "d"],
        "kind": pd.Categorical(["x", "y", "x", None], ["y", "x", "z"]),
        "at": pd.to_datetime(["2020-01-01"] * 4, utc=True),
    }
)


def saved(tmp_path, format_, frame=FRAME, kind="pandas.DataFrame"):
    """Return a frame as an asset would be stored."""
    directory = tmp_path / "whole"
    directory.mkdir()
    handler = Frames({}).for_annotation(kind, reading=True)
    written = handler.save(frame, directory, format=format_, asset="t")
    files = tuple(directory.iterdir())
    return Stored("t", directory, files, format_, written.columns, written.extra)


def sampled(tmp_path, stored, rows):
    """Return a sample, and whether it is the whole."""
    directory = tmp_path / f"small{rows}"
    directory.mkdir()
    return head(stored, directory, rows)


def loaded(stored, kind="pandas.DataFrame"):
    """Return what an asset would read."""
    return Frames({}).for_annotation(kind, reading=True).load(stored, kind)


@pytest.mark.parametrize("format_", ["parquet", "csv"])
@pytest.mark.parametrize(("rows", "is_whole"), [(1, False), (3, False), (4, True)])
def test_a_sample_is_the_first_rows_as_they_are(tmp_path, format_, rows, is_whole):
    """Nulls, quotes, line ends, categories and zones are those of the whole."""
    stored = saved(tmp_path, format_)

    small, whole = sampled(tmp_path, stored, rows)

    assert whole is is_whole
    assert small.columns == stored.columns
    pd.testing.assert_frame_equal(loaded(small), FRAME.iloc[:rows])


@pytest.mark.parametrize("format_", ["parquet", "csv"])
def test_parts_follow_each_other(tmp_path, format_):
    """An empty one does not end the table."""
    stored = saved(tmp_path, format_)
    (first,) = stored.files
    parts = [first.with_name(f"part-0000{n}.{format_}") for n in range(3)]
    parts[2].write_bytes(first.read_bytes())
    if format_ == "csv":
        parts[1].write_bytes(b"")
    else:
        pq.write_table(pq.read_table(first).slice(0, 0), parts[1])
    stored = Stored("t", stored.directory, tuple(parts), format_, stored.columns,
                    stored.extra)  # fmt: skip

    small, whole = sampled(tmp_path, stored, 6)
    everything, all_of_it = sampled(tmp_path, stored, 8)

    assert (whole, all_of_it) == (False, True)
    twice = pd.concat([FRAME, FRAME], ignore_index=True)
    pd.testing.assert_frame_equal(loaded(small), twice.iloc[:6])
    pd.testing.assert_frame_equal(loaded(everything), twice)


def source(tmp_path, name, data):
    """Return a source of one file."""
    file = tmp_path / name
    file.write_bytes(data)
    format_ = name.rpartition(".")[2]
    return Stored("raw", tmp_path, (file,), format_, is_source=True)


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("raw.csv", b"day,high\na,1.5\nb,2.5\nc,3.5\n"),
        ("raw.json", b'{"day":"a","high":1.5}\n' + b'{"day":"b","high":2.5}\n' * 2),
    ],
)
@pytest.mark.parametrize("kind", ["pandas.DataFrame", "polars.LazyFrame"])
def test_sources_without_types_get_those_of_the_sample(tmp_path, name, data, kind):
    """For every library."""
    stored = source(tmp_path, name, data)

    small, whole = sampled(tmp_path, stored, 2)

    assert not whole
    assert [(c.name, c.dtype) for c in small.columns] == [
        ("day", "string"),
        ("high", "double"),
    ]
    assert sampled(tmp_path, stored, 3)[1]
    found = loaded(small, kind)
    assert len(found.collect() if kind == "polars.LazyFrame" else found) == 2


def test_rows_that_a_source_asks_for_stay_the_most(tmp_path):
    """A sample takes no more than the source would."""
    stored = source(tmp_path, "raw.csv", b"a\n1\n2\n3\n")
    stored = Stored("raw", tmp_path, stored.files, "csv", None, {"nrows": 1}, True)

    small, whole = sampled(tmp_path, stored, 2)

    assert (whole, len(loaded(small))) == (True, 1)


def test_values_in_names_of_directories_are_columns(tmp_path):
    """As they are for the whole source."""
    for year in (2019, 2020):
        file = tmp_path / f"raw/year={year}/a.parquet"
        file.parent.mkdir(parents=True)
        pq.write_table(pa.table({"n": [year]}), file)
    files = tuple(sorted((tmp_path / "raw").rglob("*.parquet")))
    stored = Stored("raw", tmp_path / "raw", files, "parquet", is_source=True)

    small, whole = sampled(tmp_path, stored, 1)

    assert not whole
    assert loaded(small).to_dict("list") == {"n": [2019], "year": [2019]}


def test_nanoseconds_of_others_are_what_every_reader_knows(tmp_path):
    """Spark reads microseconds only."""
    file = tmp_path / "raw.parquet"
    pq.write_table(pa.table({"at": pa.array([1000], pa.timestamp("ns"))}), file)
    stored = Stored("raw", tmp_path, (file,), "parquet", is_source=True)

    small, _ = sampled(tmp_path, stored, 5)

    assert [column.dtype for column in small.columns] == ["timestamp[us]"]


def test_what_is_no_table_is_left_as_it_is(tmp_path):
    """There is no first row of a text."""
    stored = Stored("t", tmp_path, (Path("t.txt"),), "text")

    assert sampled(tmp_path, stored, 1) == (stored, True)


def test_an_empty_table_has_the_columns_alone(tmp_path):
    """For what reads a plan."""
    columns = saved(tmp_path, "parquet").columns

    small = empty("t", columns, tmp_path)

    assert small.columns == columns
    assert loaded(small).to_dict("list") == {"n": [], "text": [], "kind": [], "at": []}
