"""Relations of DuckDB in the store."""

# ruff: noqa: DTZ001 - moments without zone are what tables hold, too

from __future__ import annotations

import datetime as dt
import gc
from concurrent.futures import ThreadPoolExecutor

import duckdb
import pandas as pd
import pyarrow as pa
import pytest
from trips import Saved, save, source

from assetmake.frames import Frames
from assetmake.frames.base import Shape
from assetmake.frames.content import fingerprint_stored

QUERY = """
select * from (values
  (1, 'a', 1.5::double, true, date '2020-02-29', timestamp '2020-02-29 01:02:03', [1]),
  (null, null, null, null, null, null, null),
  (3, '', -0.5::double, false, date '0001-01-01', timestamp '1969-12-31', [])
) t(i, s, f, b, d, t, l)
"""


@pytest.fixture
def connection():
    with duckdb.connect() as connection:
        yield connection


@pytest.mark.parametrize("format", ["parquet", "csv"])
def test_a_relation_comes_back_as_one(tmp_path, connection, format):
    """With the types and values that it had."""
    relation = connection.sql(QUERY)
    if format == "csv":
        relation = relation.project("i, s, f, b, d, t")

    saved = save(relation, tmp_path, format)

    back = saved.load(duckdb.DuckDBPyRelation)
    assert back.columns == relation.columns
    assert back.types == relation.types
    assert back.fetchall() == relation.fetchall()
    assert fingerprint_stored(saved.stored) == saved.written


def test_it_has_the_fingerprint_of_the_same_table_elsewhere(tmp_path, connection):
    """Whoever wrote it."""
    relation = connection.sql("select i::bigint i, i || 'x' s from range(3) t(i)")

    saved = save(relation, tmp_path)

    table = pa.table({"i": [0, 1, 2], "s": ["0x", "1x", "2x"]})
    assert saved.written == save(table, tmp_path / "arrow").written


FLAT = [
    (pd.Series([1, None], dtype="Int64"), "BIGINT"),
    (pd.Series(pd.Categorical(["x", None])), "VARCHAR"),
    (pd.Series(pd.to_datetime(["2020", None])).dt.as_unit("ns"), "TIMESTAMP"),
    (pd.Series(pd.to_datetime(["2020", None], utc=True)), "TIMESTAMP WITH TIME ZONE"),
    (pd.Series([1.5, 2.5], dtype="float16"), "FLOAT"),
    (pd.Series(pd.to_timedelta([1, None], unit="s")), "INTERVAL"),
]
DEEP = [
    (pd.Series([[1], None], dtype=object), "BIGINT[]"),
    (pd.Series(pd.period_range("2020", periods=2, freq="M")), "BIGINT"),
]


@pytest.mark.parametrize(
    ("format", "column", "kind"),
    [("parquet", *case) for case in (*FLAT, *DEEP)] + [("csv", *case) for case in FLAT],
    ids=lambda value: str(getattr(value, "dtype", value)),
)
def test_types_are_the_nearest_that_duckdb_has(tmp_path, format, column, kind):
    """Read from the files themselves, or through Arrow where it must be."""
    saved = save(pd.DataFrame({"x": column, "y": [1, 2]}), tmp_path, format)

    relation = saved.load(duckdb.DuckDBPyRelation)

    assert str(relation.types[0]) == kind
    assert relation.to_arrow_table().num_rows == 2


def test_two_inputs_can_be_joined(tmp_path):
    """What one asset loads lies on one connection."""
    one = save(pa.table({"k": [1, 2], "a": ["x", "y"]}), tmp_path / "one")
    two = save(pa.table({"k": [2, 3], "b": ["z", "w"]}), tmp_path / "two", "csv")
    handler = Frames({}).for_annotation("duckdb", reading=True)

    one, two = (handler.load(saved.stored, None) for saved in (one, two))

    assert one.join(two, "k").fetchall() == [(2, "y", "z")]
    queried = one.query("l", "select count(*) from l join two using (k)")
    assert queried.fetchall() == [(1,)]


def test_each_thread_has_a_connection(tmp_path):
    """Assets that run side by side do not wait for, or break, each other."""
    saved = save(pa.table({"a": range(1000)}), tmp_path)
    handler = Frames({}).for_annotation("duckdb", reading=True)

    def total(_):
        relation = handler.load(saved.stored, None)
        return int(relation.sum("a").fetchall()[0][0])

    with ThreadPoolExecutor(4) as pool:
        assert set(pool.map(total, range(20))) == {499_500}


def test_a_relation_outlives_the_handler(tmp_path):
    """A lazy result may be used after the build that loaded it."""
    saved = save(pa.table({"a": [1, 2]}), tmp_path)
    frames = Frames({})
    relation = frames.for_annotation("duckdb", reading=True).load(saved.stored, None)

    frames.close()
    del frames
    gc.collect()

    assert relation.fetchall() == [(1,), (2,)]


def test_a_failed_save_leaves_the_connection_free(tmp_path, connection):
    """An open result would block the next query on it."""
    bad = connection.sql("select interval 1 day x from range(10)")

    with pytest.raises(Exception, match="column `x` is"):
        save(bad, tmp_path)

    assert connection.sql("select 1").fetchall() == [(1,)]


def test_a_path_is_no_pattern(tmp_path):
    """Brackets in the name of a directory are just that."""
    saved = save(pa.table({"a": [1]}), tmp_path / "[1] data*")

    assert saved.load(duckdb.DuckDBPyRelation).fetchall() == [(1,)]


def test_a_csv_source_has_the_columns_that_pandas_infers(tmp_path):
    """As in every other engine."""
    stored = source(tmp_path, "csv", a_csv="i,s\n1,x\n2,y\n")
    saved = Saved(written=None, stored=stored)

    relation = saved.load(duckdb.DuckDBPyRelation)

    assert list(map(str, relation.types)) == ["BIGINT", "VARCHAR"]


def test_nanoseconds_are_microseconds_where_nothing_is_lost(tmp_path, connection):
    """As for every other library."""
    relation = connection.sql("select timestamp_ns '2020-01-01 00:00:00' t")

    saved = save(relation, tmp_path)

    assert saved.written.columns[0].dtype == "timestamp[us]"
    assert saved.load(duckdb.DuckDBPyRelation).fetchall() == [
        (dt.datetime(2020, 1, 1),)
    ]


def test_a_relation_is_known_by_its_class(connection):
    """Here, and not in the tables of test_frames_dispatch.

    DuckDB prints what it takes for leaks when classes of its own live as long as
    the interpreter, and parameters of tests do, once hypothesis has run.
    """
    frames = Frames({})
    handler = frames.for_annotation("duckdb.DuckDBPyRelation", reading=True)

    assert frames.for_value(connection.sql("select 1")) is handler
    assert frames.for_annotation(duckdb.DuckDBPyRelation, reading=True) is handler
    assert handler.name == "duckdb.DuckDBPyRelation"


def test_the_shape_has_no_rows(connection):
    """A relation is run when it is written, not for a message."""
    relation = connection.sql(QUERY)

    shape = Frames({}).for_value(relation).shape(relation)

    assert shape == Shape(None, ("i", "s", "f", "b", "d", "t", "l"))
