"""Files that libraries open past Python's `open` are seen like all others."""

from __future__ import annotations

import contextlib
import importlib
import inspect
import os
import pickle
import sqlite3
import sys
import traceback
from pathlib import Path

import duckdb
import pandas as pd
import polars as pl
import pyarrow as pa
import pyarrow.csv
import pyarrow.dataset
import pyarrow.feather
import pyarrow.ipc
import pyarrow.json
import pyarrow.orc
import pyarrow.parquet as pq
import pytest

from assetmake.code import audit, readers
from assetmake.code.audit import unwatched, watch
from assetmake.code.readers import READERS, paths_in

audit.prepare()


@pytest.fixture
def root(tmp_path, monkeypatch):
    """A project with one table in several formats; it is the working directory."""
    project = tmp_path / "project"
    (project / "raw/many").mkdir(parents=True)
    frame = pd.DataFrame({"a": [1, 2]})
    frame.to_csv(project / "raw/t.csv", index=False)
    frame.to_json(project / "raw/t.json", orient="records", lines=True)
    frame.to_parquet(project / "raw/t.parquet")
    frame.to_parquet(project / "raw/many/p0.parquet")
    frame.to_parquet(project / "raw/many/p1.parquet")
    frame.to_feather(project / "raw/t.arrow", compression="uncompressed")
    table = pa.Table.from_pandas(frame)
    with pa.ipc.new_stream(str(project / "raw/t.stream"), table.schema) as stream:
        stream.write_table(table)
    frame.to_orc(project / "raw/t.orc")
    with duckdb.connect(str(project / "raw/t.duckdb")) as connection:
        connection.execute("create table t as select 1 as a")
    monkeypatch.chdir(project)
    return project


def names(paths, root):
    """Return paths as text, relative to the project."""
    return sorted(path.relative_to(root).as_posix() for path in paths)


def attached(path):
    with duckdb.connect() as connection:
        connection.execute(f"attach '{path}' as other (read_only)")


READS = {
    "polars.read_csv": (pl.read_csv, "raw/t.csv"),
    "polars.read_parquet": (pl.read_parquet, "raw/t.parquet"),
    "polars.read_ndjson": (pl.read_ndjson, "raw/t.json"),
    "polars.read_ipc": (pl.read_ipc, "raw/t.arrow"),
    "polars.read_parquet_schema": (pl.read_parquet_schema, "raw/t.parquet"),
    "polars.scan_csv": (lambda p: pl.scan_csv(p).collect(), "raw/t.csv"),
    "polars.scan_csv source=": (lambda p: pl.scan_csv(source=p), "raw/t.csv"),
    "polars.sql": (
        lambda p: pl.sql(f"select * from read_csv('{p}')", eager=True),
        "raw/t.csv",
    ),
    "polars.io.parquet": (
        lambda p: importlib.import_module("polars.io.parquet").scan_parquet(p),
        "raw/t.parquet",
    ),
    "polars.io": (
        lambda p: importlib.import_module("polars.io").read_csv(p),
        "raw/t.csv",
    ),
    "pandas.read_parquet": (pd.read_parquet, "raw/t.parquet"),
    "pandas.read_feather": (pd.read_feather, "raw/t.arrow"),
    "pandas.read_orc": (pd.read_orc, "raw/t.orc"),
    "pyarrow.csv": (pa.csv.read_csv, "raw/t.csv"),
    "pyarrow.csv.open_csv": (pa.csv.open_csv, "raw/t.csv"),
    "pyarrow.json": (pa.json.read_json, "raw/t.json"),
    "pyarrow.feather": (pa.feather.read_table, "raw/t.arrow"),
    "pyarrow.ipc.open_file": (pa.ipc.open_file, "raw/t.arrow"),
    "pyarrow.ipc.open_stream": (pa.ipc.open_stream, "raw/t.stream"),
    "pyarrow.orc": (pa.orc.ORCFile, "raw/t.orc"),
    "pyarrow.dataset": (pa.dataset.dataset, "raw/t.parquet"),
    "pyarrow.parquet": (pq.read_table, "raw/t.parquet"),
    "pyarrow.parquet.ParquetFile": (pq.ParquetFile, "raw/t.parquet"),
    "pyarrow.parquet.read_schema": (pq.read_schema, "raw/t.parquet"),
    "pyarrow.memory_map": (pa.memory_map, "raw/t.csv"),
    "pyarrow.input_stream": (pa.input_stream, "raw/t.csv"),
    "duckdb.sql": (lambda p: duckdb.sql(f"from '{p}'"), "raw/t.csv"),
    "duckdb.query": (lambda p: duckdb.query(f'from "{p}"'), "raw/t.csv"),
    "duckdb.read_parquet": (duckdb.read_parquet, "raw/t.parquet"),
    "duckdb connection": (
        lambda p: duckdb.connect().execute(f"from read_csv('{p}')").fetchall(),
        "raw/t.csv",
    ),
    "duckdb parameter": (
        lambda p: duckdb.connect().execute("from read_csv(?)", [p]),
        "raw/t.csv",
    ),
    "duckdb named parameter": (
        lambda p: duckdb.connect().execute("from read_csv($p)", {"p": p}),
        "raw/t.csv",
    ),
    "duckdb named parameters in a list": (
        lambda p: duckdb.sql("from read_csv($p)", params={"p": [p]}),
        "raw/t.csv",
    ),
    "duckdb apostrophe": (
        lambda p: duckdb.sql(f"/* don't */ select * from '{p}'"),
        "raw/t.csv",
    ),
    "duckdb.table_function": (
        lambda p: duckdb.table_function("read_csv", [p]),
        "raw/t.csv",
    ),
    "duckdb connection table_function": (
        lambda p: duckdb.connect().table_function("read_csv", [p]),
        "raw/t.csv",
    ),
    "duckdb relation": (
        lambda p: duckdb.sql("select 1 as a").query("r", f"from r join '{p}' using(a)"),
        "raw/t.csv",
    ),
    "duckdb.connect": (lambda p: duckdb.connect(p, read_only=True), "raw/t.duckdb"),
    "duckdb attach": (attached, "raw/t.duckdb"),
}


@pytest.mark.parametrize(("read", "path"), READS.values(), ids=READS)
def test_file_that_a_library_opens_is_seen(root, read, path):
    with watch(root) as seen:
        read(path)

    assert names(seen.files, root) == [path]
    assert not seen.absent
    assert not seen.directories
    assert seen.is_relative


def test_absolute_path_is_not_that_of_the_moment(root):
    with watch(root) as seen:
        pl.read_csv(str(root / "raw/t.csv"))

    assert names(seen.files, root) == ["raw/t.csv"]
    assert not seen.is_relative


@pytest.mark.parametrize(
    "read",
    [
        lambda: pl.scan_parquet("raw/many/*.parquet"),
        lambda: pl.scan_parquet(Path("raw/many")),
        lambda: pl.read_parquet(["raw/many/p0.parquet", "raw/many/p1.parquet"]),
        lambda: pa.dataset.dataset("raw/many"),
        lambda: pq.read_table("raw/many"),
        lambda: pd.read_parquet("raw/many"),
        lambda: duckdb.sql("select count(*) from 'raw/many/*.parquet'"),
        lambda: duckdb.read_parquet("raw/**/p?.parquet"),
    ],
)
def test_directories_and_globs_are_all_their_files(root, read):
    with watch(root) as seen:
        read()

    assert names(seen.files, root) == ["raw/many/p0.parquet", "raw/many/p1.parquet"]


@pytest.mark.parametrize("path", ["raw/many", "raw/many/*.parquet"])
def test_a_new_file_in_a_directory_that_was_read_counts(root, path):
    with watch(root) as seen:
        pl.scan_parquet(path)

    assert "raw/many" in names(seen.directories, root)


@pytest.mark.parametrize("read", [pl.read_csv, pa.csv.read_csv, duckdb.read_csv])
def test_file_that_is_not_there_was_looked_for(root, read):
    with watch(root) as seen, pytest.raises(Exception, match="nix"):
        read("raw/nix.csv")

    assert names(seen.absent, root) == ["raw/nix.csv"]


def test_words_that_are_no_paths_are_not_looked_for(root):
    """Though the project has a file and a directory of that name."""
    (root / "a").mkdir()
    (root / "a/x.csv").write_text("x")
    (root / "b").write_text("x")
    with watch(root) as seen:
        pl.read_csv("raw/t.csv", columns=["a"], separator=",")
        duckdb.sql("select a as \"b\" from 'raw/t.csv' where a <> 3 and 'a' <> 'b'")
        duckdb.connect(":memory:").execute("checkpoint")

    assert names(seen.files, root) == ["raw/t.csv"]
    assert not seen.absent
    assert not seen.directories


def test_table_that_the_run_made_is_no_input(root):
    with watch(root) as seen:
        pl.DataFrame({"a": [1]}).write_csv("raw/new.csv")
        with duckdb.connect("raw/new.duckdb") as connection:
            connection.execute("create table t as select 1 as a")

    assert not seen.files
    assert not seen.absent


WRITES = {
    "pandas": lambda p: pd.DataFrame({"a": [1]}).to_parquet(p),
    "pandas by orc": lambda p: pd.DataFrame({"a": [1]}).to_orc(p),
    "polars": lambda p: pl.DataFrame({"a": [1]}).write_parquet(p),
    "polars sink": lambda p: pl.LazyFrame({"a": [1]}).sink_parquet(p),
    "pyarrow": lambda p: pq.write_table(pa.table({"a": [1]}), p),
    "pyarrow writer": lambda p: pq.ParquetWriter(p, pa.schema([("a", "int8")])).close(),
    "pyarrow csv": lambda p: pa.csv.write_csv(pa.table({"a": [1]}), p),
    "pyarrow feather": lambda p: pa.feather.write_feather(pa.table({"a": [1]}), p),
    "duckdb": lambda p: duckdb.sql("select 1 as a").write_parquet(str(p)),
    "duckdb copy": lambda p: duckdb.execute(f"copy (select 1 as a) to '{p}'"),
    "duckdb database": lambda p: duckdb.connect(str(p)).close(),
    "sqlite": lambda p: sqlite3.connect(p).close(),
}


@pytest.mark.parametrize("write", WRITES.values(), ids=WRITES)
def test_file_that_a_library_writes_itself_is_no_input(root, write):
    """Neither one that was looked for before, nor one that is there already."""
    path = root / "made"
    with watch(root) as first:
        with contextlib.suppress(Exception):
            pd.read_parquet(path)
        write(path)
    path.touch()
    os.utime(path, (1, 1))
    with watch(root) as again, contextlib.suppress(Exception):
        write(path)

    assert path not in first.absent
    assert path not in again.stamps


def test_nothing_is_noticed_where_nobody_watches(root):
    with watch(root) as seen, unwatched():
        pl.read_csv("raw/t.csv")
    pl.read_csv("raw/t.csv")

    assert not seen.files


@pytest.mark.parametrize("call", ["sql", "query", "execute"])
@pytest.mark.parametrize("owner", [duckdb, duckdb.connect()], ids=["module", "own"])
def test_duckdb_finds_the_variables_of_its_caller(owner, call):
    here = pd.DataFrame({"a": [1, 2]})

    assert len(here) == 2
    assert getattr(owner, call)("select sum(a) from here").fetchall() == [(3,)]


SOME = {
    "polars": pl.read_csv,
    "polars scan": pl.scan_parquet,
    "duckdb": duckdb.sql,
    "pyarrow": pq.read_table,
    "pyarrow in C": pa.csv.read_csv,
}


@pytest.mark.parametrize("function", SOME.values(), ids=SOME)
def test_reader_looks_as_before(function):
    """It can be pickled by its name, and its signature is its own."""
    assert hasattr(function, "__wrapped__")
    assert pickle.loads(pickle.dumps(function)) is function
    assert inspect.signature(function) == inspect.signature(function.__wrapped__)


def test_one_function_with_several_names_stays_one():
    assert duckdb.sql is duckdb.query


def test_classes_stay_what_they_are(root):
    found = pq.ParquetFile("raw/t.parquet")

    assert type(found) is pq.ParquetFile
    assert isinstance(duckdb.connect(), duckdb.DuckDBPyConnection)


def test_error_shows_no_frame_of_ours(root):
    try:
        pl.read_csv("raw/nix.csv")
    except FileNotFoundError as error:
        files = [frame.filename for frame in traceback.extract_tb(error.__traceback__)]

    assert readers.__file__ not in files
    assert files[0] == __file__


LIBRARY = """
import sys, warnings

def open_file(path):
    level, frame = 1, sys._getframe()
    while frame.f_code.co_filename == __file__:
        level, frame = level + 1, frame.f_back
    warnings.warn(f"{path} is old", stacklevel=level)
"""


@pytest.fixture
def tables(tmp_path, monkeypatch):
    """A library that is imported only now, under the name of a known one."""
    (tmp_path / "tables.py").write_text(LIBRARY)
    monkeypatch.syspath_prepend(tmp_path)
    yield importlib.import_module("tables")
    del sys.modules["tables"]


def test_library_that_is_imported_later_is_noticed(root, tables):
    with watch(root) as seen, pytest.warns(UserWarning, match="is old"):
        tables.open_file("raw/t.csv")

    assert names(seen.files, root) == ["raw/t.csv"]


def test_warning_is_shown_at_the_line_of_the_caller(root, tables):
    """Libraries look for the innermost frame whose file is not their own."""
    with pytest.warns(UserWarning, match="is old") as caught:
        tables.open_file("raw/t.csv")

    assert caught[0].filename == __file__


@pytest.mark.filterwarnings("ignore:PySpark does not yet:FutureWarning")
@pytest.mark.parametrize("module", [m for m in READERS if m.startswith("py")])
def test_each_name_is_one_that_the_library_has(module):
    """Those of pyspark and pyarrow; a typing error would notice nothing."""
    if "connect" in module:
        pytest.importorskip("grpc")
    found = importlib.import_module(module)
    for name in READERS[module]:
        owner, _, function = name.rpartition(".")
        told = vars(vars(found)[owner] if owner else found)[function]
        assert hasattr(told, "__wrapped__"), name


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("file:///d/a.csv", [("/d/a.csv", True)]),
        ("file:/d/a.csv", [("/d/a.csv", True)]),
        ("s3://bucket/a.csv", []),
        ("https://host/a.csv", []),
        ("", []),
        ("a\0.csv", []),
        ("a.csv,b.csv", [("a.csv,b.csv", True), ("a.csv", False), ("b.csv", False)]),
        ("it's a.csv", [("it's a.csv", True)]),
    ],
)
def test_path_is_one_of_the_local_file_system(text, found):
    assert list(paths_in([text], {})) == found


@pytest.mark.parametrize(
    ("statement", "found"),
    [
        ("select 'a' from \"b\"", []),
        ("select * from 'a.csv' join \"d/b\" using (c)", ["a.csv", "d/b"]),
        ("select * from csv.`d/a.csv`", ["d/a.csv"]),
        ("select * from read_csv(['a.csv', '*.csv'])", ["a.csv", "*.csv"]),
        ("-- don't\nselect 'x' from 'a.csv'", ["a.csv"]),
        ("/* don't */ from '*.csv'", ["*.csv"]),
        ("select 'x' where a.b * 2 > c.d and e = 'y'", []),
        ("from 'https://host/a.csv'", []),
        ("select 1", []),
    ],
)
def test_paths_of_a_statement_stand_in_quotes(statement, found):
    assert list(paths_in([statement], {}, is_statement=True)) == [
        (text, False) for text in found
    ]


@pytest.mark.spark
@pytest.mark.parametrize(
    ("read", "files"),
    [
        (lambda s: s.read.csv("raw/t.csv", header=True), ["raw/t.csv"]),
        (
            lambda s: s.read.option("header", "true").csv(path="raw/*.csv"),
            ["raw/t.csv"],
        ),
        (lambda s: s.read.format("json").load("raw/t.json"), ["raw/t.json"]),
        (lambda s: s.read.parquet("raw/t.parquet", "raw/many"), None),
        (lambda s: s.sql("select * from csv.`raw/t.csv`"), ["raw/t.csv"]),
        (lambda s: s.sparkContext.textFile("raw/t.csv,raw/t.json"), None),
    ],
)
def test_files_that_spark_reads_are_seen(spark_handler, root, read, files):
    """The Java process has the working directory in which it was started."""
    session = spark_handler.prepare()
    with watch(root) as seen, contextlib.suppress(Exception):
        read(session)

    many = ["raw/many/p0.parquet", "raw/many/p1.parquet", "raw/t.parquet"]
    found = names(seen.files, root)
    assert found in ([files] if files else [many, ["raw/t.csv", "raw/t.json"]])
