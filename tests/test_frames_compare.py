"""In what two tables differ, whatever is in them and however they are split."""

from __future__ import annotations

import datetime as dt
import decimal
import math

import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from assetmake.builds.checking import staged_table
from assetmake.frames import Frames, compare
from assetmake.frames.base import Stored
from assetmake.frames.compare import Deviation, compare_files, compare_tables


@pytest.fixture
def keep(tmp_path):
    """Return a function that stores a frame and tells its rows."""
    frames = Frames({})

    def keep(frame, format="parquet"):
        directory = tmp_path / str(len(list(tmp_path.iterdir())))
        directory.mkdir()
        handler = frames.for_value(frame)
        written = handler.save(frame, directory, format=format, asset="t")
        return staged_table("t", directory, format, written), written.rows

    yield keep
    frames.close()


def deviations(keep, before, after, *, ordered=True, format="parquet"):
    (stored, rows), (again, more) = keep(before, format), keep(after, format)
    return compare_tables(stored, again, (rows, more), ordered=ordered)


BASE = {"n": [1, 2, 3], "s": ["x", None, "z"]}


@pytest.mark.parametrize(
    ("after", "expected"),
    [
        ({**BASE, "more": [0, 0, 0]}, [Deviation("extra", "more", again="int64")]),
        ({"n": BASE["n"]}, [Deviation("lacks", "s", stored="string")]),
        (
            {"s": BASE["s"], "n": BASE["n"]},
            [Deviation("columns", stored="n, s", again="s, n")],
        ),
        (
            {**BASE, "n": [1.0, 2.0, 3.0]},
            [Deviation("dtype", "n", stored="int64", again="double")],
        ),
        (
            {"n": [1, 2], "s": ["x", None]},
            [Deviation("rows", stored="3", again="2")],
        ),
        (
            {**BASE, "n": [1, 7, 8]},
            [Deviation("values", "n", 2, 1, "2", "7")],
        ),
        (
            {**BASE, "s": ["x", "", "z"]},
            [Deviation("values", "s", 1, 1, "null", "''")],
        ),
        (
            {"n": [1, 2, 4], "s": ["x", None, "y"]},
            [Deviation("values", "n", 1, 2, "3", "4"),
             Deviation("values", "s", 1, 2, "'z'", "'y'")],
        ),
    ],
)  # fmt: skip
def test_one_change_is_one_deviation(keep, after, expected):
    assert list(deviations(keep, pa.table(BASE), pa.table(after))) == expected


def test_rows_in_another_order_are_no_deviation(keep):
    moved = {"n": [3, 1, 2], "s": ["z", "x", None]}

    assert deviations(keep, pa.table(BASE), pa.table(moved)) == ()


def test_values_that_changed_rows_are_no_reordering(keep):
    """Each column has its values, and no row is as it was."""
    crossed = {"n": [3, 1, 2], "s": ["x", None, "z"]}

    found = deviations(keep, pa.table(BASE), pa.table(crossed))

    assert found == (Deviation("values", "n", 3, 0, "1", "3"),)


def test_without_an_order_columns_are_compared_as_wholes(keep):
    base = pa.table(BASE)
    other = pa.table({**BASE, "n": [3, 2, 9]})
    crossed = pa.table({"n": [3, 1, 2], "s": ["x", None, "z"]})

    assert deviations(keep, base, other, ordered=False) == (Deviation("values", "n"),)
    assert deviations(keep, base, crossed, ordered=False) == (Deviation("combined"),)


def test_what_only_the_notes_tell_apart(keep):
    one = pd.DataFrame({"c": pd.Categorical(["a"], categories=["a", "b"])})
    other = pd.DataFrame({"c": pd.Categorical(["a"], categories=["b", "a"])})

    assert deviations(keep, one, other) == (Deviation("notes"),)


MOMENT = dt.datetime(2010, 4, 1, tzinfo=dt.UTC)
VALUES = [
    (pa.bool_(), [True, False]),
    (pa.int8(), [1, -1]),
    (pa.uint64(), [2**64 - 1, 0]),
    (pa.float32(), [0.5, -0.5]),
    (pa.float64(), [0.0, -0.0]),
    (pa.float64(), [math.nan, 1.0]),
    (pa.string(), ["a", "b"]),
    (pa.large_string(), ["a", "ä"]),
    (pa.binary(), [b"a", b"\xff"]),
    (pa.date32(), [dt.date(2010, 4, 1), dt.date(2010, 4, 2)]),
    (pa.timestamp("us", "UTC"), [MOMENT, MOMENT + dt.timedelta(microseconds=1)]),
    (pa.time64("us"), [dt.time(1), dt.time(2)]),
    (pa.duration("us"), [dt.timedelta(1), dt.timedelta(2)]),
    (pa.decimal128(10, 2), [decimal.Decimal("1.10"), decimal.Decimal("1.11")]),
    (pa.list_(pa.int64()), [[1], [1, 2]]),
    (pa.struct([("a", pa.int64())]), [{"a": 1}, {"a": None}]),
    (pa.map_(pa.string(), pa.int64()), [[("k", 1)], [("k", 2)]]),
    (pa.dictionary(pa.int32(), pa.string()), ["a", "b"]),
]


@pytest.mark.parametrize(("kind", "values"), VALUES, ids=lambda value: str(value)[:30])
def test_values_of_every_type_are_told_apart(keep, kind, values):
    one, other = values

    def table(*items):
        if pa.types.is_dictionary(kind):
            return pa.table({"v": pa.array(items).dictionary_encode()})
        return pa.table({"v": pa.array(items, kind)})

    assert deviations(keep, table(one, None, one), table(one, one, None)) == ()
    (found,) = deviations(keep, table(one, None), table(other, None))
    assert (found.kind, found.column, found.rows, found.row) == ("values", "v", 1, 0)
    (found,) = deviations(keep, table(one, one), table(one, None))
    assert (found.rows, found.row, found.again) == (1, 1, "null")
    moved = deviations(keep, table(one, other, None), table(None, one, other))
    assert moved == ()


def test_nan_is_no_null_and_all_nans_are_one(keep):
    one = pa.table({"v": pa.array([math.nan, 1.0])})
    null = pa.table({"v": pa.array([None, 1.0])})
    negative = pa.table({"v": pa.array([-math.nan, 1.0])})

    (found,) = deviations(keep, one, null)
    assert (found.stored, found.again) == ("nan", "null")
    assert deviations(keep, one, negative) == (Deviation("notes"),)


def test_a_column_of_nulls_alone_and_a_table_of_no_rows(keep):
    nothing = pa.table({"v": pa.nulls(3)})

    assert deviations(keep, nothing, nothing) == (Deviation("notes"),)
    assert deviations(keep, nothing.slice(0, 0), nothing.slice(0, 0)) == (
        Deviation("notes"),
    )


def test_csv_is_compared_as_well(keep):
    changed = pa.table({**BASE, "n": [1, 2, 5]})

    found = deviations(keep, pa.table(BASE), changed, format="csv")

    assert found == (Deviation("values", "n", 1, 2, "3", "5"),)


def test_long_values_are_cut(keep):
    one, other = pa.table({"v": ["x" * 1000]}), pa.table({"v": ["y" * 1000]})

    (found,) = deviations(keep, one, other)

    assert len(found.stored) == len(found.again) == 60


@pytest.mark.parametrize("size", [1, 2, 3, 100])
def test_files_may_be_split_otherwise(keep, tmp_path, size, monkeypatch):
    """As Spark and other versions of a library split them."""
    monkeypatch.setattr(compare, "_ROWS", size)
    whole = pa.table({"n": range(10)})
    stored, _ = keep(whole)
    parts = []
    for start in range(0, 10, 4):
        part, _ = keep(whole.slice(start, 4))
        parts += part.files
    again = Stored("t", tmp_path, tuple(parts), "parquet", stored.columns)

    assert compare_tables(stored, again, (10, 10), ordered=True) == (
        Deviation("notes"),
    )
    swapped = Stored("t", tmp_path, tuple(parts[::-1]), "parquet", stored.columns)
    assert compare_tables(stored, swapped, (10, 10), ordered=True) == ()
    other, _ = keep(with_nine(whole))
    (found,) = compare_tables(stored, other, (10, 10), ordered=True)
    assert (found.rows, found.row) == (1, 9)


def with_nine(table):
    return pa.table({"n": [*table["n"].to_pylist()[:9], 99]})


@settings(deadline=None)
@given(
    st.lists(st.tuples(st.integers(0, 2), st.sampled_from("ab")), max_size=6),
    st.randoms(use_true_random=False),
)
def test_a_shuffle_is_a_shuffle_and_a_change_is_none(rows, random):
    """Held against Python's own lists."""
    shuffled = rows[:]
    random.shuffle(shuffled)
    changed = [(n + 1, s) if random.random() < 0.3 else (n, s) for n, s in rows]
    for other in (shuffled, changed):
        pairs = [
            tuple(compare._hashes(pa.chunked_array([array])) for array in pair)
            for pair in zip(columns(rows), columns(other), strict=True)
        ]
        whole = compare._Whole()
        whole.update(pairs, len(rows))
        assert whole.is_equal() == (sorted(rows) == sorted(other))


def columns(rows):
    return (
        pa.array([n for n, _ in rows], pa.int64()),
        pa.array([s for _, s in rows], pa.string()),
    )


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        (b"a\nb\n", b"a\nb\n", (Deviation("file", stored="a", again="b"),)),
        (b"a\nb\n", b"a\nc\n", (Deviation("line", "", None, 2, "'b'", "'c'"),)),
        (b"a\n", b"a\nb\n", (Deviation("line", "", None, 2, "nothing", "'b'"),)),
        (b"a\n", b"a", (Deviation("line", "", None, 1, "'a'", "'a'"),)),
        (b"\xff", b"\xfe", (Deviation("line", "", None, 1, "'\\\\xff'", "'\\\\xfe'"),)),
    ],
)
def test_reports_differ_in_a_line(tmp_path, before, after, expected):
    (tmp_path / "a").write_bytes(before)
    (tmp_path / "b").write_bytes(after)

    assert compare_files(tmp_path / "a", tmp_path / "b") == expected
