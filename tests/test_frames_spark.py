"""Spark frames in the store, and to and from other libraries through its files."""

from __future__ import annotations

import datetime as dt
import random
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from assetmake.errors import FrameError
from assetmake.frames import csv
from assetmake.frames.base import Column, Shape, Stored
from assetmake.frames.types import arrow_type, dtype_text

pytestmark = [
    pytest.mark.spark,
    pytest.mark.filterwarnings("ignore:PySpark does not yet:FutureWarning"),
]

#: One column of each type that CSV keeps, in SQL: three values and a null.
FLAT = """
select * from values
 (tinyint(-128), smallint(300), 70000, bigint(9223372036854775807),
  float(0.1), double(0.1), true, 'a', date'2020-02-29',
  timestamp'2020-02-29 01:02:03.000004', timestamp_ntz'2020-02-29 01:02:03',
  cast(1.50 as decimal(10,2))),
 (127Y, 1S, -1, bigint(-9223372036854775808),
  float('NaN'), double('-Infinity'), false, '', date'0001-01-01',
  timestamp'9999-12-31 23:59:59.999999', timestamp_ntz'0001-01-01 00:00:00.1',
  cast(-99999999.99 as decimal(10,2))),
 (0Y, 0S, 0, 0L,
  float('Infinity'), double('-0.0'), false, ' NA, "q"\\n\\r\\\\', date'1969-12-31',
  timestamp'1969-12-31 23:59:59', timestamp_ntz'1969-12-31 23:59:59.999999',
  cast(0 as decimal(10,2))),
 (null, null, null, null, null, null, null, null, null, null, null, null)
 as t(i8, i16, i32, i64, f, d, b, s, day, at, local, price)
"""

#: What only Parquet keeps, in SQL.
NESTED = """
select * from values
 (binary('x'), array(1, null), map('k', 1.5D), named_struct('a b', 1, 'c', null),
  array(named_struct('m', map('x', array(date'2020-01-01'))))),
 (binary(''), array(), map(), named_struct('a b', null, 'c', null), array()),
 (null, null, null, null, null)
 as t(bytes, list, map, struct, deep)
"""


@pytest.fixture
def spark(spark_handler):
    """The session, active in this thread."""
    return spark_handler.prepare()


@pytest.fixture
def kept(spark_handler, tmp_path):
    """A function that saves a frame, and returns how it is stored."""

    def keep(frame, name="table", format="parquet"):
        directory = tmp_path / name
        directory.mkdir()
        written = spark_handler.save(frame, directory, format=format, asset=name)
        files = tuple(sorted(directory.iterdir()))
        return written, Stored(name, directory, files, format, written.columns)

    return keep


def rows_of(frame):
    """Return the rows as text, sorted: NaN equals NaN there, and 0.0 not -0.0."""
    return sorted(map(str, frame.collect()))


def write_arrow_csv(table: pa.Table, path: Path) -> Stored:
    """Write a table as assetmake's other handlers do."""
    with path.open("wb") as file:
        csv.write_header(file, table.column_names)
        csv.write_rows(file, table, "x")
    columns = tuple(Column(one.name, dtype_text(one.type)) for one in table.schema)
    return Stored("x", path.parent, (path,), "csv", columns)


@pytest.mark.parametrize("format", ["parquet", "csv"])
def test_what_spark_saved_it_loads(spark, spark_handler, kept, format):
    """Types, values, nulls, zeros, NaN and awkward text are the same again."""
    frame = spark.sql(FLAT)

    written, stored = kept(frame, format=format)
    back = spark_handler.load(stored, None)

    assert back.dtypes == frame.dtypes
    assert rows_of(back) == rows_of(frame)
    assert written.rows == 4
    assert written.columns == (
        Column("i8", "int8"),
        Column("i16", "int16"),
        Column("i32", "int32"),
        Column("i64", "int64"),
        Column("f", "float"),
        Column("d", "double"),
        Column("b", "bool"),
        Column("s", "string"),
        Column("day", "date32[day]"),
        Column("at", "timestamp[us, tz=UTC]"),
        Column("local", "timestamp[us]"),
        Column("price", "decimal128(10, 2)"),
    )


def test_parquet_keeps_nested_columns(spark, spark_handler, kept):
    """Lists, maps, structs and bytes, and their nulls, at any depth."""
    frame = spark.sql(NESTED)

    _, stored = kept(frame)
    back = spark_handler.load(stored, None)

    assert back.dtypes == frame.dtypes
    assert rows_of(back) == rows_of(frame)


@pytest.mark.parametrize("query", [FLAT, NESTED])
def test_arrow_finds_the_columns_that_are_recorded(spark, kept, query):
    """The dtypes in the manifest are those that pyarrow reads from the files."""
    written, stored = kept(spark.sql(query))

    schema = pq.read_schema(stored.files[0])

    assert written.columns == tuple(
        Column(field.name, dtype_text(field.type)) for field in schema
    )


def test_arrow_reads_what_spark_wrote_as_csv(spark, kept):
    """The other handlers' reader gives the values that Parquet gives."""
    frame = spark.sql(FLAT).coalesce(1)
    written, stored = kept(frame, format="csv")
    _, as_parquet = kept(frame, name="parquet")

    schema = pa.schema([(one.name, arrow_type(one.dtype)) for one in written.columns])
    read = csv.read_part(stored.files[0], schema)

    expected = pq.read_table(as_parquet.files[0])
    assert str(read.to_pylist()) == str(expected.to_pylist())


def at(unit, zone=None):
    """Return instants with more and less digits, and a null."""
    digits = {"ms": ".004", "us": ".000005"}[unit]
    texts = [f"2020-07-01 02:03:04{digits}", None, "1969-12-31 23:59:59"]
    return pa.array(texts).cast(pa.timestamp(unit)).cast(pa.timestamp(unit, zone))


#: Columns as the other handlers store them.
ARROW = {
    "int8": pa.array([1, None, -1], pa.int8()),
    "uint8": pa.array([1, None, 255], pa.uint8()),
    "uint32": pa.array([1, None, 2**32 - 1], pa.uint32()),
    "uint64": pa.array([1, None, 2**64 - 1], pa.uint64()),
    "double": pa.array([0.1, None, -1e-300, float("inf"), -0.0]),
    "float": pa.array([1.0, None, 3e20], pa.float32()),
    "bool": pa.array([True, None, False]),
    "string": pa.array(["001", None, "", "NA", " x ", 'a,"b"\r\nc', "\x00"]),
    "large_string": pa.array(["a", None, "b", "a"], pa.large_string()),
    "category": pa.array(["a", None, "b", "a"]).dictionary_encode(),
    "date": pa.array([dt.date(1500, 1, 1), None, dt.date(9999, 12, 31)]),
    "timestamp of seconds": pa.array(["2020-01-01", None]).cast(pa.timestamp("us")),
    "timestamp": at("us"),
    "timestamp of milliseconds": at("ms"),
    "timestamp in UTC": at("us", "UTC"),
    "timestamp in Rome": at("us", "Europe/Rome"),
    "decimal": pa.array(
        [Decimal("1.50"), None, Decimal("-0.01")], pa.decimal128(12, 2)
    ),
    "small decimal": pa.array([Decimal("1E-10"), None], pa.decimal128(38, 10)),
}


@pytest.mark.parametrize("format", ["parquet", "csv"])
@pytest.mark.parametrize("kind", ARROW)
def test_spark_loads_what_other_handlers_stored(spark_handler, tmp_path, format, kind):
    """Values are equal; unsigned integers are wider, categories are text."""
    array = ARROW[kind]
    table = pa.table({"x": array, "row": range(len(array))})
    if format == "csv":
        stored = write_arrow_csv(table, tmp_path / "part-00000.csv")
    else:
        pq.write_table(table, tmp_path / "part-00000.parquet")
        columns = tuple(Column(one.name, dtype_text(one.type)) for one in table.schema)
        files = (tmp_path / "part-00000.parquet",)
        stored = Stored("x", tmp_path, files, "parquet", columns)

    frame = spark_handler.load(stored, None)

    assert str(frame.toArrow()["x"].cast(array.type).to_pylist()) == str(
        array.to_pylist()
    )


@pytest.mark.parametrize(
    ("array", "dtype", "hint"),
    [
        (pa.array([1], pa.timestamp("ns")), "timestamp[ns]", "round it to microsec"),
        (pa.array([1], pa.time64("us")), "time64[us]", "store it as a number"),
        (pa.array([1], pa.duration("us")), "duration[us]", "store it as a number"),
        (
            pa.array([[1]], pa.list_(pa.duration("us"))),
            "list<item: duration[us]>",
            "store it as a number",
        ),
        (
            pa.array([[1]], pa.list_(pa.timestamp("ns"))),
            "timestamp[ns]",
            "round it to microsec",
        ),
        (pa.array([1], pa.float16()), "float16", "store it as a number"),
    ],
)
def test_a_parquet_column_that_spark_lacks_is_named(
    spark_handler, tmp_path, array, dtype, hint
):
    """The error comes before Spark's own, which names Java classes."""
    table = pa.table({"ok": [1], "took.x": array})
    path = tmp_path / "part-00000.parquet"
    pq.write_table(table, path)
    columns = tuple(Column(one.name, dtype_text(one.type)) for one in table.schema)
    stored = Stored("trips", tmp_path, (path,), "parquet", columns)

    with pytest.raises(FrameError) as caught:
        spark_handler.load(stored, None)

    assert str(caught.value) == (
        f"column `took.x` of `trips` is {dtype}, which Spark cannot read"
    )
    assert caught.value.hints[0].startswith(hint)


@pytest.mark.parametrize("zone", [None, "UTC"])
@pytest.mark.parametrize("lost", [False, True])
def test_nanoseconds_in_csv_are_read_unless_digits_get_lost(
    spark_handler, tmp_path, zone, lost
):
    """With pandas 2 all timestamps are ns, and hold microseconds as a rule."""
    values = [1_577_836_800_000_001_000 + lost, None, 1_577_836_800_000_000_000]
    table = pa.table({"t": pa.array(values, pa.timestamp("ns", zone)), "x": [1, 2, 3]})
    stored = write_arrow_csv(table, tmp_path / "part-00000.csv")

    frame = spark_handler.load(stored, None)

    assert frame.dtypes[0] == ("t", "timestamp" if zone else "timestamp_ntz")
    if lost:
        with pytest.raises(Exception, match="column `t` holds nanoseconds"):
            frame.collect()
    else:
        frame = frame.selectExpr("string(t) t")
        assert [row.t for row in frame.collect()] == [
            "2020-01-01 00:00:00.000001",
            None,
            "2020-01-01 00:00:00",
        ]


def test_csv_keeps_any_text(spark, spark_handler, kept):
    """Random text of everything that CSV gives a meaning to, and NUL."""
    signs = ['"', ",", "\n", "\r", "\r\n", " ", "\t", "\\", "a", "é", "😀", "#", "\x00"]
    chance = random.Random(7)

    def text():
        if chance.random() < 0.15:
            return None
        return "".join(chance.choices(signs, k=chance.randint(0, 5)))

    data = [(text(), text(), text()) for _ in range(2000)]
    frame = spark.createDataFrame(data, "a string, b string, c string").coalesce(1)

    written, stored = kept(frame, format="csv")
    by_spark = [tuple(row) for row in spark_handler.load(stored, None).collect()]
    schema = pa.schema([(one.name, arrow_type(one.dtype)) for one in written.columns])
    by_arrow = csv.read_part(stored.files[0], schema).to_pylist()

    assert by_spark == data
    assert [tuple(row.values()) for row in by_arrow] == data


def test_spark_reads_any_text_of_the_other_handlers(spark_handler, tmp_path):
    """The other way round."""
    signs = ['"', ",", "\n", "\r", "\r\n", " ", "\t", "\\", "a", "é", "😀", "#", "\x00"]
    chance = random.Random(8)
    columns = {
        name: [
            "".join(chance.choices(signs, k=chance.randint(0, 5)))
            if chance.random() > 0.15
            else None
            for _ in range(2000)
        ]
        for name in "ab"
    }
    stored = write_arrow_csv(pa.table(columns), tmp_path / "part-00000.csv")

    rows = spark_handler.load(stored, None).collect()

    assert [row.a for row in rows] == columns["a"]
    assert [row.b for row in rows] == columns["b"]


def test_a_column_of_nulls_alone_is_refused_by_csv(spark, kept):
    """Its rows would be empty lines, which every reader goes over."""
    frame = spark.sql("select * from values ('a'), (null) as t(x)")

    with pytest.raises(FrameError, match="whose only column `x` holds nulls"):
        kept(frame, format="csv")


@pytest.mark.parametrize("format", ["parquet", "csv"])
def test_a_table_without_rows_keeps_its_columns(spark, spark_handler, kept, format):
    """One part is written, which says what there would be."""
    frame = spark.sql(FLAT).where("i8 > 127")

    written, stored = kept(frame, format=format)
    back = spark_handler.load(stored, None)

    assert (written.rows, len(stored.files)) == (0, 1)
    assert back.dtypes == frame.dtypes
    assert back.collect() == []


def test_a_table_without_files_is_a_frame_without_rows(spark_handler):
    """Its columns come from the manifest."""
    columns = (Column("a", "int64"), Column("b", "list<item: struct<c: string>>"))
    stored = Stored("x", Path("/nowhere"), (), "parquet", columns)

    frame = spark_handler.load(stored, None)

    assert frame.dtypes == [("a", "bigint"), ("b", "array<struct<c:string>>")]
    assert frame.collect() == []


@pytest.mark.parametrize("format", ["parquet", "csv"])
def test_only_parts_are_left_in_row_order(spark, kept, format):
    """Neither `_SUCCESS` nor `.crc` files nor Spark's own directory."""
    frame = spark.range(100).repartition(3).orderBy("id").repartitionByRange(4, "id")

    _, stored = kept(frame, format=format)

    assert [file.name for file in stored.files] == [
        f"part-{number:05d}.{format}" for number in range(4)
    ]
    firsts = [
        pq.read_table(file)["id"][0].as_py()
        if format == "parquet"
        else int(file.read_text().split()[1])
        for file in stored.files
    ]
    assert firsts == sorted(firsts)


def test_empty_partitions_leave_no_gap(spark, kept):
    """Spark writes no file for an empty partition."""
    frame = spark.range(0, 8, 1, 4).where("id not in (2, 3)")

    _, stored = kept(frame)

    assert [file.name for file in stored.files] == [
        f"part-{number:05d}.parquet" for number in range(3)
    ]


def test_several_files_are_read_in_their_order(spark_handler, tmp_path):
    """Spark alone reads the largest first."""
    files, start = [], 0
    for number, rows in enumerate((10, 1000, 1, 100)):
        path = tmp_path / f"part-{number:05d}.parquet"
        pq.write_table(pa.table({"x": range(start, start + rows)}), path)
        files.append(path)
        start += rows
    stored = Stored("x", tmp_path, tuple(files), "parquet", (Column("x", "int64"),))

    assert [r.x for r in spark_handler.load(stored, None).collect()] == [*range(start)]


def test_a_directory_may_have_any_name(spark, spark_handler, tmp_path):
    """Paths are no patterns, and nothing in them is decoded."""
    for name in (
        "a b",
        "a%20b",
        "[x]{y}",
        "*?",
        "a#b",
        "é",
        "a:b",
        "_u",
        "x=1",
    ):
        directory = tmp_path / name
        directory.mkdir()
        written = spark_handler.save(
            spark.range(2), directory, format="parquet", asset="x"
        )
        files = tuple(sorted(directory.iterdir()))
        stored = Stored("x", directory, files, "parquet", written.columns)

        assert spark_handler.load(stored, None).count() == 2, name


def test_a_frame_is_lazy_over_the_files_that_were_named(spark_handler, tmp_path):
    """A file that is not among them is not read, whatever its name."""
    for name in ("part-00000", "part-00001"):
        pq.write_table(pa.table({"x": [name]}), tmp_path / f"{name}.parquet")
    files = (tmp_path / "part-00001.parquet",)
    stored = Stored("x", tmp_path, files, "parquet", (Column("x", "string"),))

    assert [row.x for row in spark_handler.load(stored, None).collect()] == [
        "part-00001"
    ]


def test_a_failing_frame_leaves_nothing(spark, spark_handler, tmp_path):
    """Its own error is raised, and explained in two lines."""
    from pyspark.sql.functions import udf

    frame = spark.range(3).select(udf(lambda value: 1 // value, "int")("id"))

    with pytest.raises(Exception, match="ZeroDivisionError") as caught:
        spark_handler.save(frame, tmp_path, format="parquet", asset="x")

    assert list(tmp_path.iterdir()) == []
    first, second = spark_handler.explain(caught.value).splitlines()
    assert first == "ZeroDivisionError: integer division or modulo by zero"
    assert f"{Path(__file__).name}:" in second


@pytest.mark.parametrize(
    ("query", "text"),
    [
        ("select nonsense from range(1)", "column, variable, or function parameter"),
        ("select 1 +", "Syntax error at or near end of input"),
        ("select * from nowhere", "The table or view `nowhere` cannot be found."),
    ],
)
def test_a_query_that_is_wrong_is_explained_without_its_plan(
    spark, spark_handler, query, text
):
    """Of pyspark's real errors, too, one line is left."""
    with pytest.raises(Exception, match=r"\[[A-Z_]+") as caught:
        spark.sql(query)

    assert text in spark_handler.explain(caught.value)
    assert "Project" not in spark_handler.explain(caught.value)
    assert "SQLSTATE" not in spark_handler.explain(caught.value)


def test_names_equal_but_for_case_are_refused(spark, spark_handler, kept):
    """On the way out, and on the way in, where pandas had both."""
    with pytest.raises(FrameError, match="the columns `a` and `A`"):
        kept(spark.sql("select 1 a, 2 A"))
    columns = (Column("a", "int64"), Column("A", "int64"))
    with pytest.raises(FrameError, match="the columns `a` and `A`"):
        spark_handler.load(Stored("x", Path(), (Path("p"),), "csv", columns), None)


@pytest.mark.parametrize("kind", ["interval day to second", "variant"])
def test_a_type_that_only_spark_reads_is_refused(spark, kept, kind):
    """Other readers would find a plain number there, or a struct of bytes."""
    with pytest.raises(FrameError, match="column `x` is of Spark's type"):
        kept(spark.sql(f"select cast(null as {kind}) x"))


def test_a_user_defined_type_comes_back(spark, spark_handler, kept):
    """MLlib's vectors; other readers find the struct beneath."""
    from pyspark.ml.linalg import Vectors

    data = [(Vectors.dense([1.0, 2.0]),), (Vectors.sparse(2, [0], [5.0]),)]
    frame = spark.createDataFrame(data, ["features"])

    written, stored = kept(frame)

    assert written.columns[0].dtype.startswith("struct<type: int8, size: int32")
    assert rows_of(spark_handler.load(stored, None)) == rows_of(frame)


def test_the_shape_costs_no_job(spark, spark_handler):
    """Counting rows would compute the frame, and here it cannot be."""
    frame = spark.sql("select raise_error('computed') as x, 1 as y")

    assert spark_handler.shape(frame) == Shape(None, ("x", "y"))


def test_a_report_is_refused(spark_handler):
    """It is no table."""
    stored = Stored("report", Path(), (Path("report.html"),), "text")

    with pytest.raises(FrameError, match="`report` is stored as text, not as a table"):
        spark_handler.load(stored, None)


def test_a_damaged_file_is_named(spark_handler, tmp_path):
    """Before Spark's stack, which names it somewhere."""
    path = tmp_path / "part-00000.parquet"
    path.write_bytes(b"PAR1 no")
    stored = Stored("x", tmp_path, (path,), "parquet", (Column("a", "int64"),))

    with pytest.raises(FrameError, match=r"part-00000.parquet of `x` is no whole Parq"):
        spark_handler.load(stored, None)


def test_saves_from_several_threads_do_not_meet(spark_handler, tmp_path):
    """Each frame gets its own files, count and fingerprint."""

    def save(number):
        frame = spark_handler.prepare().range(number).selectExpr("id", "id * 2 as b")
        directory = tmp_path / str(number)
        directory.mkdir()
        written = spark_handler.save(frame, directory, format="parquet", asset="x")
        files = tuple(sorted(directory.iterdir()))
        stored = Stored("x", directory, files, "parquet", written.columns)
        return written, spark_handler.load(stored, None).count()

    with ThreadPoolExecutor(4) as pool:
        saved = list(pool.map(save, range(1, 9)))

    assert [(written.rows, count) for written, count in saved] == [
        (number, number) for number in range(1, 9)
    ]
    assert len({written.fingerprint for written, _ in saved}) == 8


def test_parquet_by_pandas_is_read(spark_handler, tmp_path):
    """A named index is a column; what pandas notes beside the columns is no harm."""
    path = tmp_path / "one.parquet"
    frame = pd.DataFrame({"x": [1.5, None]}, index=pd.Index(["a", "b"], name="key"))
    frame.to_parquet(path)
    stored = Stored("x", tmp_path, (path,), "parquet", is_source=True)

    rows = spark_handler.load(stored, None).collect()

    assert [row.asDict() for row in rows] == [
        {"x": 1.5, "key": "a"},
        {"x": None, "key": "b"},
    ]


def test_files_of_a_source_with_other_columns_are_refused(spark_handler, tmp_path):
    """Spark alone takes the columns of one file, and drops the others'."""
    pq.write_table(pa.table({"a": [1], "b": ["x"]}), tmp_path / "1.parquet")
    pq.write_table(pa.table({"a": [1], "c": ["x"]}), tmp_path / "2.parquet")
    files = tuple(sorted(tmp_path.iterdir()))
    stored = Stored("x", tmp_path, files, "parquet", is_source=True)

    with pytest.raises(FrameError) as caught:
        spark_handler.load(stored, None)

    assert str(caught.value) == (
        "the files of source `x` differ in column `b`\n"
        "  1.parquet has string\n"
        "  2.parquet has none"
    )


#: Values of a column in a CSV source, and Spark's type for what pandas infers.
UNTYPED = [
    (["1", "-2"], "bigint"),
    (["001", "+2", " 3 "], "bigint"),
    (["9223372036854775808", "1"], "decimal(20,0)"),
    (["1", ""], "double"),
    (["1", "NA"], "double"),
    (["1.", ".5", "1e5", "-2E-3", "inf"], "double"),
    (["", "NA"], "double"),
    (["True", "false", "TRUE"], "boolean"),
    (["true", "1"], "string"),
    (["2020-01-01", "2020-01-02"], "string"),
    (["1_000", "2"], "string"),
    (["a", "None"], "string"),
]


def test_a_csv_sources_columns_are_what_pandas_infers(spark_handler, tmp_path):
    """A CSV's numbers once came to Spark as text, and its dates as dates."""
    columns = {}
    for number, (values, _) in enumerate(UNTYPED):
        path = tmp_path / f"{number}.csv"
        path.write_text("x,y\n" + "".join(f"{value},0\n" for value in values))
        stored = Stored("source", tmp_path, (path,), "csv", is_source=True)
        frame = spark_handler.load(stored, None)
        inferred = pd.read_csv(path)["x"]

        columns[number] = dict(frame.dtypes)["x"]

        got = [row.x for row in frame.collect()]
        assert [one is None for one in got] == list(inferred.isna()), values
        assert pd.Series(got).dropna().astype(str).tolist() == (
            inferred.dropna().astype(str).tolist()
        )
    assert columns == {number: dtype for number, (_, dtype) in enumerate(UNTYPED)}


def test_a_source_is_read_once(spark_handler, tmp_path):
    """Two assets of a build share the copy; a changed file gets another."""
    path = tmp_path / "a.csv"
    path.write_text("x\n1\n")
    stored = Stored("source", tmp_path, (path,), "csv", is_source=True)

    first = spark_handler.load(stored, None).inputFiles()
    second = spark_handler.load(stored, None).inputFiles()
    path.write_text("x\n1\n2\n")
    third = spark_handler.load(stored, None)

    assert first == second
    assert [row.x for row in third.collect()] == [1, 2]


def test_a_source_in_directories_has_their_columns(spark_handler, tmp_path):
    """Hive's layout, as pandas and pyarrow read it."""
    for year in (2010, 2011):
        place = tmp_path / f"year={year}"
        place.mkdir()
        pq.write_table(pa.table({"x": [str(year)]}), place / "part-0.parquet")
    files = tuple(sorted(tmp_path.glob("*/*")))
    stored = Stored("source", tmp_path, files, "parquet", is_source=True)

    frame = spark_handler.load(stored, None)

    assert frame.dtypes == [("x", "string"), ("year", "int")]
    assert sorted(map(tuple, frame.collect())) == [("2010", 2010), ("2011", 2011)]


def series(values, dtype):
    """Return a column of pandas with that dtype."""
    return pd.Series(values, dtype=dtype)


#: Columns of pandas, and the dtype they have after a way through Spark, if another.
PANDAS = {
    "int64": (series([1, -2, 3], "int64"), None),
    "int8": (series([1, -2, 3], "int8"), None),
    "uint8": (series([1, 2, 255], "uint8"), "int16"),
    "uint32": (series([1, 2, 2**32 - 1], "uint32"), "int64"),
    "float64": (series([0.1, -1e300, float("inf")], "float64"), None),
    "float64 with gaps": (series([0.1, None, 3.0], "float64"), None),
    "float32": (series([0.1, 2.0, 3.0], "float32"), None),
    "bool": (series([True, False, True], "bool"), None),
    "str": (series(["001", "", "NA"], "str"), None),
    "str with gaps": (series(["a", None, 'b,"\n'], "str"), None),
    "category": (series(["a", "b", "a"], "category"), "str"),
    "datetime": (series(["2020-01-01", None, "1969-12-31"], "datetime64[us]"), None),
    "datetime of ns": (
        series(["2020-01-01", None, "1969-12-31"], "datetime64[ns]"),
        "datetime64[us]",
    ),
    "datetime with zone": (
        series(["2020-01-01", None, "1969-12-31"], "datetime64[us, UTC]"),
        None,
    ),
    "datetime in Rome": (
        series(["2020-01-01", None, "1969-12-31"], "datetime64[us, Europe/Rome]"),
        "datetime64[us, UTC]",
    ),
    "date": (series([dt.date(2020, 1, 1), None, dt.date(1, 1, 1)], "object"), None),
    "decimal": (series([Decimal("1.50"), None, Decimal("-0.01")], "object"), None),
}


@pytest.mark.parametrize("format", ["parquet", "csv"])
def test_pandas_frames_come_back_through_spark(spark_handler, tmp_path, format):
    """Saved by pandas, loaded and saved by Spark, loaded by pandas: one table."""
    from assetmake.frames.pandas import PandasHandler

    frame = pd.DataFrame({name: column for name, (column, _) in PANDAS.items()})

    def through(handler, value, name):
        directory = tmp_path / name
        directory.mkdir()
        written = handler.save(value, directory, format=format, asset="x")
        files = tuple(sorted(directory.iterdir()))
        return Stored("x", directory, files, format, written.columns, written.extra)

    first = through(PandasHandler(), frame, "pandas")
    second = through(spark_handler, spark_handler.load(first, None), "spark")
    back = PandasHandler().load(second, None)

    changed = {name: dtype for name, (_, dtype) in PANDAS.items() if dtype}
    pd.testing.assert_frame_equal(back, frame.astype(changed))


def test_nested_pandas_columns_come_back_through_spark(spark_handler, tmp_path):
    """Lists and dicts, in Parquet."""
    from assetmake.frames.pandas import PandasHandler

    pandas_handler = PandasHandler()
    frame = pd.DataFrame(
        {
            "key": ["a", "b"],
            "list": [[1, None], []],
            "struct": [{"x": 1, "y": ["z"]}, {"x": None, "y": None}],
        }
    )
    directories = [tmp_path / "pandas", tmp_path / "spark"]
    for directory in directories:
        directory.mkdir()

    pandas_handler.save(frame, directories[0], format="parquet", asset="x")
    files = tuple(directories[0].iterdir())
    columns = (Column("key", "string"),)
    stored = Stored("x", directories[0], files, "parquet", columns)
    spark_handler.save(
        spark_handler.load(stored, None), directories[1], format="parquet", asset="x"
    )

    read = [pq.read_table(next(place.iterdir())).to_pylist() for place in directories]
    assert read[0] == read[1]


def test_a_named_index_is_a_column_for_spark(spark_handler, tmp_path):
    """A pandas reader makes it an index again; Spark has no such thing."""
    from assetmake.frames.pandas import PandasHandler

    frame = pd.DataFrame({"x": [1, 2]}, index=pd.Index(["a", "b"], name="key"))
    for format in ("parquet", "csv"):
        directory = tmp_path / format
        directory.mkdir()
        written = PandasHandler().save(frame, directory, format=format, asset="x")
        files = tuple(directory.iterdir())
        stored = Stored("x", directory, files, format, written.columns, written.extra)

        rows = spark_handler.load(stored, None).collect()

        assert sorted((row.key, row.x) for row in rows) == [("a", 1), ("b", 2)]
