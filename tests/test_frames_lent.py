"""What is lent from memory cannot be told from what the files give.

`trips.Saved.load` compares the two for every table that any test of frames
saves; here is what those do not reach.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import replace
from decimal import Decimal

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from trips import check_alike, save

from assetmake.fingerprint import digest_file
from assetmake.frames import Frames
from assetmake.frames.base import Lent
from assetmake.frames.physical import _SAME

MOST = 1 << 40


def lent(saved):
    """Return a table as a build lends it."""
    return replace(saved.stored, lent=Lent(saved.written.again(MOST)[0]))


def blocks(frame):
    """Return the arrays that a frame consists of."""
    return [block.values for block in frame._mgr.blocks]  # noqa: PD011


def load(stored, annotation=None):
    return Frames({}).for_annotation(annotation, reading=True).load(stored, annotation)


MOMENTS = [-62_135_596_800_000_000, None, 1_795_416_062_000_005]
VALUES = {
    pa.bool_(): [True, None, False],
    pa.null(): [None, None, None],
    pa.string(): ["", None, "é,\n\0"],
    pa.binary(): [b"", None, b"\xff\0"],
    pa.date32(): [dt.date(1, 1, 1), None, dt.date(9999, 12, 31)],
    pa.time32("ms"): [dt.time(), None, dt.time(23, 59, 59, 999_000)],
    pa.time64("us"): [dt.time(), None, dt.time(23, 59, 59, 999_999)],
    pa.duration("us"): [dt.timedelta(-1), None, dt.timedelta(9, 5, 7)],
    pa.large_string(): ["", None, "x" * 1000],
    pa.large_binary(): [b"", None, b"x" * 1000],
    pa.decimal128(38, 2): [Decimal("1.25"), None, Decimal("-9" + "9" * 35 + ".99")],
    pa.float32(): [float("nan"), None, -0.0],
    pa.float64(): [float("inf"), None, 5e-324],
    pa.timestamp("us"): MOMENTS,
    pa.timestamp("us", "UTC"): MOMENTS,
    pa.timestamp("us", "+05:30"): MOMENTS,
    pa.timestamp("us", "Europe/Berlin"): MOMENTS,
    # These are another type in the file, and their own again behind it.
    pa.timestamp("s"): [0, None, 9_214_646_400],
    pa.timestamp("ns"): [0, None, 1],
    pa.float16(): [np.float16(0.5), None, np.float16(-0.0)],
    pa.date64(): [dt.date(1, 1, 1), None, dt.date(2026, 11, 23)],
    **{
        kind: [0, None, 2 ** (kind.bit_width - (str(kind)[0] != "u")) - 1]
        for kind in sorted(_SAME, key=str)
        if pa.types.is_integer(kind)
    },
}


def test_every_type_that_is_the_same_is_tried():
    assert set(VALUES) >= _SAME


@pytest.mark.slow
@pytest.mark.parametrize("kind", VALUES, ids=str)
@pytest.mark.parametrize("cut", ["whole", "slice", "chunks", "no rows", "no nulls"])
def test_a_column_of_any_type_is_as_in_the_file(tmp_path, kind, cut):
    """`load` of trips compares schema, chunks, content and notes."""
    array = pa.array(VALUES[kind], kind)
    column = {
        "whole": pa.chunked_array([array]),
        "slice": pa.chunked_array([array.slice(1, 2)]),
        "chunks": pa.chunked_array([array, array.slice(0, 0), array]),
        "no rows": pa.chunked_array([], kind),
        "no nulls": pa.chunked_array([array.drop_null()]),
    }[cut]
    saved = save(pa.table({"a": column, "b": range(len(column))}), tmp_path)

    assert saved.lent is not None
    saved.load(pa.Table)
    saved.load(pd.DataFrame)
    if getattr(kind, "tz", "") != "+05:30":  # which polars does not know
        saved.load("polars")


NOT_LENT = {
    "categories": pa.array(["x", "y"]).dictionary_encode(),
    "list": pa.array([[1], None]),
    "struct": pa.array([{"x": 1}, None]),
    "map": pa.array([[("x", 1)], None], pa.map_(pa.string(), pa.int64())),
    "fixed bytes": pa.array([b"x", b"y"], pa.binary(1)),
}


@pytest.mark.parametrize("name", NOT_LENT)
def test_what_may_come_in_another_layout_is_read(tmp_path, name):
    saved = save(pa.table({"a": NOT_LENT[name]}), tmp_path)

    assert saved.written.again is None


def test_what_is_no_parquet_or_no_table_is_read(tmp_path):
    """Objects above all: a pickle of one is no copy of it in every respect."""
    values = {"csv": pa.table({"a": [1]}), "pickle": {"a": 1}, "text": "t"}

    for format, value in values.items():
        assert save(value, tmp_path / format, format).written.again is None


def test_a_stream_is_read(tmp_path):
    """It was never whole in memory, and shall not be."""
    reader = pa.table({"a": [1]}).to_reader()

    assert save(reader, tmp_path).written.again is None


def test_several_row_groups_come_as_one_chunk(tmp_path):
    rows = (1 << 20) + 1
    table = pa.table({"a": np.arange(rows), "b": pa.array(["k"] * rows)})

    assert save(table, tmp_path).lent is not None


def test_more_than_there_is_room_for_is_not_lent(tmp_path):
    saved = save(pa.table({"a": range(100)}), tmp_path)

    assert saved.written.again(799) is None
    form, size = saved.written.again(4_000)
    assert form.table.num_rows == 100
    assert 800 <= size <= 4_000


# Nobody shares memory ------------------------------------------------------------


def frame():
    return pd.DataFrame(
        {
            "i": [1, 2, 3],
            "f": [0.5, np.nan, 2.5],
            "b": [True, False, True],
            "s": ["x", None, "z"],
            "n": pd.array([1, None, 3], "Int64"),
            "t": pd.to_datetime(["2026-01-01", "2026-01-02", "2026-01-03"]),
            "z": pd.to_datetime(["2026-01-01", "2026-01-02", None], utc=True),
            "d": pd.Series([dt.date(2026, 1, 1), None, dt.date(2026, 1, 3)]),
            "o": pd.Series(["x", None, "z"], dtype=object),
            "arrow": pd.array([1, 2, 3], "int64[pyarrow]"),
        }
    ).set_index(pd.Index([7, 8, 9], name="key"))


def force(array):
    """Write into an array, whatever it says about itself."""
    array.flags.writeable = True
    array[:] = array[::-1].copy()


def change_cells(f):
    f.iloc[0, 0] = 99
    f.loc[8, "f"] = 99.0
    f.loc[9, "s"] = "changed"
    f["i"] += 1
    f.loc[:, "n"] = 0


def change_in_place(f):
    del f["i"]
    f.insert(0, "j", f.pop("f"))
    f.update(pd.DataFrame({"j": [9.0]}, index=[7]))
    f["b"].to_numpy().setflags(write=True)
    f.isetitem(1, 0)


def change_arrays(f):
    for name in ("i", "f", "b", "t", "d", "o"):
        force(f[name].to_numpy())
        force(f[name].values)


def change_extension_arrays(f):
    f["n"].array[0] = 99
    f["s"].array[0] = "changed"
    f["arrow"].array[0] = 99
    f["z"].array[0] = pd.Timestamp("2000-01-01", tz="UTC")
    force(f["n"].array._data)
    force(f["n"].array._mask)
    force(f["z"].array._ndarray)


def change_blocks(f):
    for block in f._mgr.blocks:
        if isinstance(block.values, np.ndarray):
            force(block.values)


def change_axes(f):
    f.columns.name = "changed"
    f.index.name = "changed"
    force(f.index.values)
    f.columns = [name.upper() for name in f.columns]


def change_the_rest(f):
    f.attrs["changed"] = True
    f.flags.allows_duplicate_labels = False
    f["new"] = 1


def change_names(f):
    names = f.columns.to_numpy()
    if names.dtype == object:
        force(names)


CHANGES = [
    change_cells,
    change_in_place,
    change_arrays,
    change_extension_arrays,
    change_blocks,
    change_axes,
    change_names,
    change_the_rest,
]


@pytest.mark.parametrize("change", CHANGES)
def test_a_reader_that_changes_its_frame_changes_nobody_elses(tmp_path, change):
    """Neither the next reader's, nor one's that has it, nor the file."""
    saved = save(frame(), tmp_path)
    stored = lent(saved)
    before, digest = load(saved.stored), digest_file(saved.stored.files[0])
    first, second = load(stored), load(stored)

    change(first)

    check_alike(second, before)
    check_alike(load(stored), before)
    assert digest_file(saved.stored.files[0]) == digest


def test_who_saved_a_frame_may_change_it(tmp_path):
    """A frame that a function returned and keeps in a global, say."""
    own = frame()
    values = {name: own[name].to_numpy() for name in ("i", "f", "b", "t")}
    saved = save(own, tmp_path)
    before = load(saved.stored)
    stored = lent(saved)

    for array in values.values():
        force(array)
    change_blocks(own)
    change_extension_arrays(own)

    check_alike(load(stored), before)


def test_the_rows_themselves_cannot_be_written_to(tmp_path):
    """Who digs for the buffers of a table finds them closed, as Arrow has them."""
    stored = lent(save(pa.table({"a": [1, None], "b": ["x", "y"]}), tmp_path))

    table = load(stored, pa.Table)

    buffers = [b for c in table.columns for b in c.chunk(0).buffers() if b]
    assert buffers
    for buffer in buffers:
        assert not buffer.is_mutable
        with pytest.raises(ValueError, match=r"read-only|WRITEABLE"):
            force(np.frombuffer(buffer, np.uint8))


def test_who_has_had_it_reads_the_files(tmp_path):
    """A second attempt, say, for which nothing is kept."""
    saved = save(pa.table({"a": [1]}), tmp_path)
    stored = lent(saved)
    taken = []

    for _ in range(2):
        load(stored, pa.Table)
        taken.append(stored.lent.was_taken)
        stored.lent.drop()

    assert taken == [True, False]


def test_the_names_of_one_frame_are_its_own(tmp_path):
    """What a reader calls its columns, no other reader sees."""
    saved = save(pd.DataFrame({"a": [1, 2], "b": ["x", "y"], "c": [3, 4]}), tmp_path)
    rows = saved.written.again(MOST)[0]
    stored = [replace(saved.stored, lent=Lent(rows)) for _ in range(3)]
    first, second = load(stored[0]), load(stored[1])

    first.columns.name = "mine"
    first.index.name = "rows"
    first.attrs["a"] = 1
    first.loc[0, "b"] = "y"
    blocks(first)[0][:] = 7  # as libraries in C may
    first["e"] = 1

    assert list(second.columns) == ["a", "b", "c"]
    assert second.columns.name is None
    third = load(stored[2])
    for frame in (second, third):
        read = load(saved.stored)
        check_alike(frame, read)
        assert [
            (type(v), v.shape, getattr(v, "strides", 0)) for v in blocks(frame)
        ] == [(type(v), v.shape, getattr(v, "strides", 0)) for v in blocks(read)]
        assert (frame.index.name, frame.attrs) == (None, {})
