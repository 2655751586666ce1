"""pyarrow in the store, and how tables stand in Parquet files."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from trips import save, source

from assetmake.errors import FrameError
from assetmake.frames import Frames
from assetmake.frames.base import Column, Shape
from assetmake.frames.content import fingerprint_stored, fingerprint_table

ARRAYS = {
    str(array.type): array
    for array in (
        pa.array([1, None], pa.uint64()),
        pa.array(np.array([1.5, np.nan]), pa.float16()),
        pa.array([0, None], pa.date64()),
        pa.array([1, None], pa.decimal128(38, 0)),
        pa.array([1, None], pa.decimal256(50, 2)),
        *(
            [pa.array([1, None], pa.decimal32(5, 2))]
            if hasattr(pa, "decimal32")
            else ()
        ),
        pa.array([1, None], pa.time32("s")),
        pa.array([1, None], pa.time64("ns")),
        pa.array([1, None], pa.timestamp("s", "Asia/Tokyo")),
        pa.array([1, None], pa.timestamp("ns")),
        pa.array([1000, None], pa.timestamp("ns")),
        pa.array([2**62, None], pa.timestamp("ms")),
        pa.array([1, None], pa.duration("s")),
        pa.array(["a", None], pa.large_string()),
        pa.array([b"a", None], pa.binary(1)),
        pa.array([[1], None], pa.large_list(pa.int8())),
        pa.array([[1, 2], None], pa.list_(pa.int8(), 2)),
        pa.array([[0], None], pa.list_(pa.timestamp("s"))),
        pa.array(
            [[{"a": [0]}], None], pa.list_(pa.struct({"a": pa.list_(pa.date64())}))
        ),
        pa.array([[("a", 1)], None], pa.map_(pa.string(), pa.float32())),
        pa.nulls(2),
        pa.array(["a", None]).dictionary_encode(),
        pa.array([1, None]).dictionary_encode(),
        pa.array([1, None], pa.timestamp("us")).dictionary_encode(),
        pa.array([b"x" * 16, None], pa.binary(16)).cast(pa.uuid()),
    )
}


@pytest.mark.parametrize("kind", ARRAYS)
def test_types_come_back(tmp_path, kind):
    """Whatever stands in the file: notes beside it tell its own type."""
    table = pa.table({"a": ARRAYS[kind], "b": [1, 2]})

    saved = save(table, tmp_path)

    back = saved.load(pa.Table)
    assert fingerprint_table(back) == fingerprint_table(table)
    assert saved.written.fingerprint == fingerprint_table(table)
    assert fingerprint_stored(saved.stored) == saved.written
    if pa.types.is_dictionary(ARRAYS[kind].type):
        assert back.to_pydict() == table.to_pydict()
    elif kind != "halffloat":  # NaN is not equal to itself
        assert back.equals(table)


@pytest.mark.parametrize(
    "array",
    [
        pa.array(["a", None], pa.string_view()),
        pa.array([b"a", None], pa.binary_view()),
        pa.RunEndEncodedArray.from_arrays([2], [1]),
        pa.array([[1], None], pa.list_view(pa.int8())),
    ],
    ids=lambda array: str(array.type),
)
def test_layouts_come_back_as_plain_ones(tmp_path, array):
    """Views and run ends are ways to hold values, not types of their own."""
    table = pa.table({"a": array})

    saved = save(table, tmp_path)

    assert saved.written.fingerprint == fingerprint_table(table)
    back = saved.load(pa.Table)
    assert fingerprint_table(back) == fingerprint_table(table)
    assert back.to_pydict() == table.to_pydict()


@pytest.mark.parametrize(
    "array",
    [
        pa.array([(1, 2, 3)], pa.month_day_nano_interval()),
        pa.UnionArray.from_dense(
            pa.array([0], pa.int8()), pa.array([0], pa.int32()), [pa.array([1])]
        ),
    ],
    ids=["interval", "union"],
)
def test_types_that_no_format_keeps_are_refused(tmp_path, array):
    """The message names the column and its type."""
    with pytest.raises(FrameError, match="column `a` is "):
        save(pa.table({"a": array}), tmp_path)


def test_a_type_that_its_text_does_not_tell_is_refused(tmp_path):
    """A note could not give it back."""
    kind = pa.struct([("a, b", pa.date64())])

    with pytest.raises(FrameError, match="column `a` is struct<a, b: date64"):
        save(pa.table({"a": pa.array([None], kind)}), tmp_path)


def test_a_stream_of_moments_without_microseconds_is_refused(tmp_path):
    """A table in memory may be kept in milliseconds; of a stream nobody knows."""
    table = pa.table({"a": pa.array([2**62], pa.timestamp("ms"))})

    with pytest.raises(FrameError, match=r"column `a`: .* out of bounds"):
        save(table.to_reader(), tmp_path)


def test_a_struct_of_nothing_is_refused(tmp_path):
    """Parquet has no place for it."""
    with pytest.raises(FrameError, match="cannot be kept as Parquet"):
        save(pa.table({"a": pa.array([{}], pa.struct([]))}), tmp_path)


def test_duplicate_names_are_refused(tmp_path):
    """A table of ours can be read by name."""
    table = pa.Table.from_arrays([pa.array([1]), pa.array([2])], names=["a", "a"])

    with pytest.raises(FrameError, match="more than one column called `a`"):
        save(table, tmp_path)


def test_notes_of_pandas_are_left_out(tmp_path):
    """A table of Arrow is its columns; metadata of one's own is kept in the file."""
    frame = pd.DataFrame({"a": [1]}, index=pd.Index([2], name="k"))
    table = pa.Table.from_pandas(frame)
    table = table.replace_schema_metadata({**table.schema.metadata, b"by": b"me"})

    saved = save(table, tmp_path)

    assert list(saved.load(pd.DataFrame)) == ["a", "k"]
    assert saved.load(pa.Table).schema.metadata == {b"by": b"me"}
    indexed = save(frame, tmp_path / "pandas")
    assert indexed.load(pa.Table).schema.metadata is None


def test_a_stream_is_written_in_groups_of_batches(tmp_path, monkeypatch):
    """It is one table with one fingerprint, whole or in batches."""
    monkeypatch.setattr("assetmake.frames.tables._GROUP", 5)
    table = pa.table({"a": range(10), "t": pa.array(range(10), pa.timestamp("us"))})
    reader = pa.RecordBatchReader.from_batches(
        table.schema, table.to_batches(max_chunksize=3)
    )

    saved = save(reader, tmp_path)

    assert saved.written == save(table, tmp_path / "whole").written
    assert saved.load(pa.Table).equals(table)
    assert saved.load(pa.RecordBatchReader).read_all().equals(table)
    assert pq.read_metadata(saved.stored.files[0]).num_row_groups == 2


def test_a_stream_is_read_batch_by_batch(tmp_path):
    """In its own types, from one part after the other, and none ahead."""
    table = pa.table(
        {
            "t": pa.array(range(6), pa.timestamp("s", "Europe/Vienna")),
            "c": pa.array(list("abcabc")).dictionary_encode(),
            "h": pa.array(range(6), pa.float16()),
        }
    )
    saved = save(table, tmp_path)
    second = saved.stored.files[0].with_name("part-00001.parquet")
    second.write_bytes(saved.stored.files[0].read_bytes())
    both = replace(saved.stored, files=(*saved.stored.files, second))
    handler = Frames({}).for_annotation(pa.RecordBatchReader, reading=True)

    reader = handler.load(both, pa.RecordBatchReader)
    first = reader.read_next_batch()
    second.unlink()

    assert reader.schema == table.schema
    assert pa.Table.from_batches([first]).equals(table)
    with pytest.raises(FrameError, match="cannot be read as parquet"):
        reader.read_all()


def test_parts_of_a_stream_are_of_one_table(tmp_path):
    saved = save(pa.table({"a": [1]}), tmp_path)
    second = saved.stored.files[0].with_name("part-00001.parquet")
    pq.write_table(pa.table({"b": [1]}), second)
    both = replace(saved.stored, files=(*saved.stored.files, second))
    handler = Frames({}).for_annotation(pa.RecordBatchReader, reading=True)

    reader = handler.load(both, pa.RecordBatchReader)

    with pytest.raises(FrameError, match=r"part-00001.parquet has columns b \(int64\)"):
        reader.read_all()


def test_a_stream_without_batches_has_columns(tmp_path):
    """An empty table is a table."""
    schema = pa.schema([("a", pa.int64())])

    saved = save(pa.RecordBatchReader.from_batches(schema, []), tmp_path)

    assert saved.written.rows == 0
    assert saved.load(pa.Table).schema == schema


def test_parts_are_read_in_their_order(tmp_path):
    """Regression: the part order was the directory's."""
    saved = save(pa.table({"a": [1]}), tmp_path)
    other = tmp_path / "a.parquet"
    pq.write_table(pa.table({"a": [2]}), other)

    stored = replace(saved.stored, files=(*saved.stored.files, other))

    assert replace(saved, stored=stored).load(pa.Table).to_pydict() == {"a": [1, 2]}


def test_parts_of_two_tables_are_refused(tmp_path):
    """Never one table with columns missing here and there."""
    saved = save(pa.table({"a": [1]}), tmp_path)
    other = tmp_path / "other.parquet"
    pq.write_table(pa.table({"a": ["x"]}), other)
    stored = replace(saved.stored, files=(*saved.stored.files, other))

    with pytest.raises(FrameError) as refused:
        replace(saved, stored=stored).load(pa.Table)

    assert str(refused.value) == (
        "`weather/t`: other.parquet has columns a (string), "
        "and part-00000.parquet has a (int64)"
    )


def test_a_damaged_file_is_named(tmp_path):
    """With the command that makes it anew."""
    saved = save(pa.table({"a": [1]}), tmp_path)
    saved.stored.files[0].write_bytes(b"PAR1 and nothing more")

    with pytest.raises(FrameError, match="`weather/t` cannot be read") as refused:
        saved.load(pa.Table)

    assert refused.value.hints == ("run `assetmake -B weather/t` to build it again",)


def test_a_table_without_files_is_refused(tmp_path):
    """It would otherwise be one without columns."""
    saved = save(pa.table({"a": [1]}), tmp_path)
    stored = replace(saved.stored, files=())

    with pytest.raises(FrameError, match="has no data files in"):
        replace(saved, stored=stored).load(pa.Table)


def test_values_in_the_names_of_directories_are_columns(tmp_path):
    """A source that Spark or Hive partitioned loses nothing."""
    data = {}
    for year in (2010, 2011):
        sink = pa.BufferOutputStream()
        pq.write_table(pa.table({"a": [year % 10]}), sink)
        data[f"year={year}/x_parquet"] = sink.getvalue().to_pybytes()
    stored = source(tmp_path, "parquet", **data)

    loaded = Frames({}).for_annotation(pa.Table, reading=True).load(stored, pa.Table)

    assert loaded.to_pydict() == {"a": [0, 1], "year": [2010, 2011]}


def test_an_asset_below_such_a_directory_gets_no_columns(tmp_path):
    """Where the project lies has no part in its tables."""
    frames = Frames({})

    saved = save(pa.table({"a": [1]}), tmp_path / "year=2010")

    for wanted in ("pyarrow", "pandas", "polars", "polars.LazyFrame", "duckdb"):
        handler = frames.for_annotation(wanted, reading=True)
        shape = handler.shape(handler.load(saved.stored, None))
        assert shape is not None
        assert shape.columns == ("a",)


def test_a_large_table_is_the_same_as_a_small_one(tmp_path):
    """Beyond some size files are read and written in other ways."""
    table = pa.table({"a": np.random.default_rng(1).normal(size=300_000)})

    saved = save(table, tmp_path)

    assert saved.stored.files[0].stat().st_size > 1 << 20
    assert saved.load(pa.Table).equals(table)
    assert saved.written.fingerprint == fingerprint_table(table)


def test_the_shape_of_a_stream_has_no_rows():
    """They are known only when it has been read."""
    frames = Frames({})
    table = pa.table({"a": [1, 2]})

    assert frames.for_value(table).shape(table) == Shape(2, ("a",))
    reader = table.to_reader()
    assert frames.for_value(reader).shape(reader) == Shape(None, ("a",))


def test_columns_are_those_of_the_file(tmp_path):
    """Engines that know no notes go by them."""
    table = pa.table(
        {
            "c": pa.array([1]).dictionary_encode(),
            "h": pa.array([1], pa.float16()),
            "t": pa.array([0], pa.timestamp("ns")),
            "s": pa.array(["x"], pa.large_string()),
        }
    )

    saved = save(table, tmp_path)

    assert saved.written.columns == (
        Column("c", "int64"),
        Column("h", "float"),
        Column("t", "timestamp[us]"),
        Column("s", "string"),
    )
    assert saved.written.extra == {}
