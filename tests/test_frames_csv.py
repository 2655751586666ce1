"""CSV as assetmake writes it, and as others read it."""

# ruff: noqa: DTZ001, DTZ901 - moments without zone are what tables hold, too

from __future__ import annotations

import csv
import datetime as dt
import io
from dataclasses import replace

import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from trips import save

from assetmake.errors import FrameError
from assetmake.frames import csv as ours

NAN, INF = float("nan"), float("inf")

TABLE = pa.table(
    {
        "s": ["001", None, "", "a,b", 'say "x"', "two\nlines", " padded ", "NA", "\r"],
        "i": [1, None, -3, 4, 5, 6, 7, 8, 9],
        "f": [0.1, None, NAN, INF, -INF, 1.0, 1e20, 5e-324, -0.0],
        "b": [True, None, False, True, True, True, True, True, True],
        "d": [dt.date(2020, 2, 29), None, *[dt.date(1, 1, 1)] * 7],
        "t": [dt.datetime(2020, 1, 1, 1, 2, 3, 4), None, *[dt.datetime.max] * 7],
        "z": pa.array([0, None, *range(7)], pa.timestamp("us", "Europe/Berlin")),
    }
)

TEXT = """\
s,i,f,b,d,t,z
001,1,0.1,true,2020-02-29,2020-01-01 01:02:03.000004,1970-01-01 00:00:00.000000+00:00
,,,,,,
"",-3,NaN,false,0001-01-01,9999-12-31 23:59:59.999999,1970-01-01 00:00:00.000000+00:00
"""


def test_the_dialect(tmp_path):
    """Null is nothing, an empty text is `""`, quotes stand where they must."""
    saved = save(TABLE, tmp_path, "csv")

    assert saved.text.startswith(TEXT)
    assert '\n"a,b",' in saved.text
    assert '\n"say ""x""",' in saved.text
    assert '\n"two\nlines",' in saved.text
    assert '\n" padded ",' in saved.text
    assert [row[2] for row in list(csv.reader(io.StringIO(saved.text)))[4:]] == [
        *("Infinity", "-Infinity", "1.0", "1e+20", "5e-324", "-0.0")
    ]


def test_all_of_it_comes_back(tmp_path):
    """Each value and type, NaN apart from null."""
    saved = save(TABLE, tmp_path, "csv")

    back = saved.load(pa.Table)

    assert back.schema == TABLE.schema
    assert str(back.to_pydict()) == str(TABLE.to_pydict())


def test_pandas_reads_it(tmp_path):
    """Also text with quotes and line ends; only what CSV cannot say is lost."""
    saved = save(TABLE.select(["s", "i"]), tmp_path, "csv")

    read = pd.read_csv(
        saved.stored.files[0], dtype={"s": str}, keep_default_na=False, na_values=[]
    )

    assert read["s"].to_list() == [v or "" for v in TABLE["s"].to_pylist()]


def test_whole_seconds_are_written_without_a_fraction(tmp_path):
    """Daily data read well: `2020-01-01 00:00:00`."""
    table = pa.table({"t": pa.array([0], pa.timestamp("us")), "i": [1]})

    saved = save(table, tmp_path, "csv")

    assert saved.text == "t,i\n1970-01-01 00:00:00,1\n"


def test_several_parts_are_read_in_their_order(tmp_path):
    """That of `Stored.files`, whatever the directory says."""
    saved = save(pa.table({"a": [1, 2]}), tmp_path, "csv")
    (first,) = saved.stored.files
    second = tmp_path / "a-part.csv"
    second.write_text("a\n3\n")
    empty = tmp_path / "b-part.csv"
    empty.write_text("")
    header = tmp_path / "c-part.csv"
    header.write_text("a\n")

    stored = replace(saved.stored, files=(first, second, empty, header))

    assert replace(saved, stored=stored).load(pa.Table).to_pydict() == {"a": [1, 2, 3]}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("b\n1\n", "has columns b, and the manifest says a"),
        ("a,b\n1,2\n", "has columns a, b, and the manifest says a"),
        ("a\nx\n", "is not what was written"),
        ("a\n1,2\n", "is not what was written"),
        ("a\n\xff\n", "cannot be read as csv"),
    ],
)
def test_a_part_that_was_changed_is_refused(tmp_path, text, message):
    """Its values are not guessed."""
    saved = save(pa.table({"a": [1, 2]}), tmp_path, "csv")
    saved.stored.files[0].write_bytes(text.encode("latin-1"))

    with pytest.raises(FrameError, match=message):
        saved.load(pa.Table)


REFUSED = {
    "bytes": (pa.table({"a": [b"x"]}), "column `a` is binary"),
    "lists": (pa.table({"a": [[1]]}), "column `a` is list<item: int64>"),
    "structs": (pa.table({"a": [{"x": 1}]}), "column `a` is struct"),
    "nothing": (pa.table({}), "no columns"),
    "nulls alone": (pa.table({"a": [1, None]}), "its only column `a` holds nulls"),
    "the year 10000": (
        pa.table({"a": pa.array([253402300800], pa.timestamp("s")), "b": [1]}),
        "column `a` holds the date 10000-01-01 00:00:00",
    ),
    "before the year 1": (
        pa.table({"a": pa.array([-800000], pa.date32()), "b": [1]}),
        "column `a` holds the date -0221-09-04",
    ),
}


@pytest.mark.parametrize(("table", "message"), REFUSED.values(), ids=REFUSED)
def test_what_csv_cannot_keep_is_refused(tmp_path, table, message):
    """With the way out: Parquet keeps it."""
    with pytest.raises(FrameError, match=message) as refused:
        save(table, tmp_path, "csv")

    assert 'format="parquet"' in refused.value.hints[0]


def test_a_row_may_be_larger_than_a_block(tmp_path):
    """Arrow parses by blocks of a megabyte; a text may be longer."""
    table = pa.table({"a": ["x" * (3 << 20), "y"], "b": [1, 2]})

    saved = save(table, tmp_path, "csv")

    assert saved.load(pa.Table).equals(table)


def test_rows_are_written_in_slices(tmp_path, monkeypatch):
    """However many slices there are, the file is the same."""
    whole = save(TABLE, tmp_path / "whole", "csv")
    monkeypatch.setattr(ours, "_SLICE", 2)

    sliced = save(TABLE, tmp_path / "sliced", "csv")

    assert sliced.written == whole.written
    assert sliced.text == whole.text


TEXTS = st.text(
    st.sampled_from("ab ,\"\n\r\t\\'#;|\x00é\u2028\ufeff")
    | st.characters(codec="utf-8")
)


@settings(
    max_examples=150,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@example([], "\ufeff")
@given(
    st.lists(
        st.tuples(st.none() | TEXTS, st.none() | st.floats(), st.none() | TEXTS),
        max_size=4,
    ),
    TEXTS,
)
def test_any_text_and_float_comes_back(tmp_path_factory, rows, name):
    """Whatever people put into their tables and their column names."""
    columns = [list(column) for column in zip(*rows, strict=True)] or [[], [], []]
    names = [name, "f" + name, name + "x"]
    kinds = [pa.string(), pa.float64(), pa.string()]
    table = pa.table(
        [pa.array(c, k) for c, k in zip(columns, kinds, strict=True)], names=names
    )

    saved = save(table, tmp_path_factory.mktemp("csv"), "csv")

    back = saved.load(pa.Table)
    assert back.column_names == names
    assert str(back.to_pydict()) == str(table.to_pydict())
