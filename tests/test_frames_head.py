"""The first rows of a frame as text, whichever library it is of."""

from __future__ import annotations

import duckdb
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

from assetmake.errors import FrameError
from assetmake.frames.head import Head, head_of

DATA = {"day": ["a", "b", "c"], "tmpf": [1, None, 3]}
ROWS = (("a", "1"), ("b", "None"), ("c", "3"))


def relation(table):
    return duckdb.connect().from_arrow(table)


@pytest.mark.parametrize(
    "frame",
    [
        pl.DataFrame(DATA),
        pl.LazyFrame(DATA),
        pa.table(DATA),
        pa.table(DATA).to_reader(),
        relation(pa.table(DATA)),
    ],
    ids=lambda frame: type(frame).__name__,
)
def test_a_frame_gives_its_rows_and_their_number(frame):
    assert head_of(frame) == Head(3, ("day", "tmpf"), ROWS)


@pytest.mark.parametrize("rows", [0, 4, 5, 6, 1000])
def test_five_rows_are_taken_of_any_number(rows):
    table = pa.table({"n": range(rows)})
    frames = [
        pl.from_arrow(table),
        pl.from_arrow(table).lazy(),
        table,
        relation(table),
        table.to_pandas(),
    ]

    found = [head_of(frame) for frame in frames]

    assert [one.count for one in found] == [rows] * 5
    assert [len(one.rows) for one in found] == [min(rows, 5)] * 5


def test_frames_of_pandas_have_their_row_labels():
    frame = pd.DataFrame({"n": [1, 2, 3]})

    assert head_of(frame[frame.n > 1]).rows == (("1", "2"), ("2", "3"))
    named = frame.set_axis(pd.Index(["x", "y", "z"], name="key"))
    assert head_of(named).columns == ("key", "n")
    twice = frame.set_index([pd.Index(["a", "b", "c"]), pd.Index([7, 8, 9], name="k")])
    assert head_of(twice).columns == ("", "k", "n")
    assert head_of(twice).rows[0] == ("a", "7", "1")


@pytest.mark.parametrize(
    "series",
    [pd.Series([5, 6], name="n"), pl.Series("n", [5, 6])],
    ids=["pandas", "polars"],
)
def test_a_series_is_a_frame_of_one_column(series):
    found = head_of(series)

    assert found.count == 2
    assert [row[-1] for row in found.rows] == ["5", "6"]


@pytest.mark.parametrize(
    "series",
    [
        pd.Series([True, False]),
        pd.Series([True, None], dtype="boolean"),
        pl.Series([False]),
    ],
)
def test_a_series_of_booleans_says_nothing_by_its_length(series):
    with pytest.raises(FrameError, match="column of booleans"):
        head_of(series)


def test_a_subclass_of_a_frame_is_one():
    class Mine(pd.DataFrame):
        pass

    assert head_of(Mine({"n": [1]})).count == 1


def test_wide_frames_and_long_values_are_cut():
    frame = pa.table({f"c{number}": ["x" * 1000] for number in range(50)})

    found = head_of(frame)

    assert len(found.columns) == len(found.rows[0]) == 20
    assert {len(value) for value in found.rows[0]} == {200}


def test_a_frame_without_columns_has_rows():
    assert head_of(pd.DataFrame(index=[1, 2])).count == 2
    assert head_of(pa.table({})) == Head(0)


@pytest.mark.parametrize("value", [3, "text", [1], {"a": 1}, object(), pd.DataFrame])
def test_what_is_no_frame_has_no_rows(value):
    assert head_of(value) is None
