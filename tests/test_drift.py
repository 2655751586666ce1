"""Declared columns against stored tables and new ones, from end to end.

The old promise: you deployed code that adds a column, and the stored table
still lacks it.
"""

from __future__ import annotations

from textwrap import dedent

import pytest
from space import TestSpace

RAW = """
    import datetime as dt

    import pandas as pd
    from assetmake import asset


    @asset
    def raw() -> pd.DataFrame:
        return pd.DataFrame(
            {
                "at": pd.to_datetime(["2020-01-01", "2020-01-02"], utc=True),
                "high": [1.5, 2.5],
                "n": pd.array([1, None], dtype="Int64"),
                "name": ["a", "b"],
            }
        )
"""

PANDAS = """
    @asset(COLUMNS)
    def table(raw: pd.DataFrame) -> pd.DataFrame:
        return raw
"""
POLARS = """
    import polars as pl


    @asset(COLUMNS)
    def table(raw: pl.DataFrame) -> pl.DataFrame:
        return raw
"""
LAZY = """
    import polars as pl


    @asset(COLUMNS)
    def table(raw: pl.LazyFrame) -> pl.LazyFrame:
        return raw
"""
ARROW = """
    import pyarrow as pa


    @asset(COLUMNS)
    def table(raw: pa.Table) -> pa.Table:
        return raw
"""
READER = """
    import pyarrow as pa


    @asset(COLUMNS)
    def table(raw: pa.Table) -> pa.RecordBatchReader:
        return raw.to_reader()
"""
DUCKDB = """
    import duckdb


    @asset(COLUMNS)
    def table(raw: duckdb.DuckDBPyRelation) -> duckdb.DuckDBPyRelation:
        return raw
"""
SPARK = """
    from pyspark.sql import DataFrame
    from pyspark.sql.types import *


    @asset(COLUMNS)
    def table(raw: DataFrame) -> DataFrame:
        return raw
"""

#: How each library's users declare the same table.
DECLARED = [
    pytest.param(
        PANDAS,
        'columns={"at": "datetime64[ns, UTC]", "high": float, "n": "Int64", '
        '"name": str}',
        id="pandas",
    ),
    pytest.param(
        PANDAS,
        'columns={"at": pd.DatetimeTZDtype("us", "UTC"), "high": "float64", '
        '"n": pd.Int64Dtype(), "name": "category"}',
        id="pandas-dtypes",
    ),
    pytest.param(
        POLARS,
        'columns={"at": pl.Datetime("us", "UTC"), "high": pl.Float64, '
        '"n": pl.Int64, "name": pl.String}',
        id="polars",
    ),
    pytest.param(
        LAZY,
        'schema=pl.Schema({"at": pl.Datetime("us", "UTC"), "high": pl.Float64, '
        '"n": pl.Int64, "name": pl.String})',
        id="lazy",
    ),
    pytest.param(
        ARROW,
        'schema=pa.schema([("at", pa.timestamp("us", "UTC")), '
        '("high", pa.float64()), ("n", pa.int64()), ("name", pa.string())])',
        id="arrow",
    ),
    pytest.param(READER, 'columns=["at", "high", "n", "name"]', id="reader"),
    pytest.param(
        DUCKDB,
        'columns={"at": "TIMESTAMP WITH TIME ZONE", "high": "DOUBLE", '
        '"n": "BIGINT", "name": "VARCHAR"}',
        id="duckdb",
    ),
    pytest.param(
        SPARK,
        'schema=StructType().add("at", "timestamp").add("high", DoubleType())'
        '.add("n", LongType()).add("name", "string")',
        id="spark",
        marks=[pytest.mark.spark, pytest.mark.slow],
    ),
]


@pytest.fixture
def space(tmp_path):
    """An empty project."""
    return TestSpace(tmp_path / "project")


def write(space, table, columns):
    """Write an Assetfile with a table that declares columns."""
    text = table.replace("COLUMNS", columns)
    space.write({"Assetfile.py": dedent(RAW) + dedent(text)})


@pytest.mark.parametrize("format_", ["parquet", "csv"])
@pytest.mark.parametrize(("table", "columns"), DECLARED)
def test_drift_is_told_and_a_violation_publishes_nothing(
    space, table, columns, format_
):
    """Whichever library, spelling and format."""
    space.write({"pyproject.toml": f'[tool.assetmake]\nformat = "{format_}"\n'})
    write(space, table, columns)
    space.built()
    assert space.run("--check").status == 0
    stored = {file: file.read_bytes() for file in (space.root / "data/table").iterdir()}

    write(space, table, 'columns={"high": "int64", "n": None, "low": None, "at": None}')
    checked = space.run("--check", "table")
    built = space.run()

    problems = (
        "lacks column low",
        "has extra column name",
        "column high is double, declared int64",
    )
    assert "table: drifted: " + "; ".join(problems) in checked.out
    assert built.status == 1
    assert "returned other columns than it declares: " + "; ".join(problems) in (
        built.err
    )
    left = {file: file.read_bytes() for file in (space.root / "data/table").iterdir()}
    assert left == stored
    # Its own errors are told by their text, without the name of a class.
    assert "; last build failed: asset `table` returned other" in (
        space.run("--check").out
    )


def test_a_format_that_its_table_has_not_got_is_told_before_anything_runs(space):
    """It was told when the function had run."""
    write(space, PANDAS, 'format="parqet"')
    place = "error: Assetfile.py:"

    for words in ([], ["--status"], ["--check"], ["-n"]):
        ran = space.run(*words)

        assert (ran.status, ran.out) == (2, "")
        assert ran.err.startswith(place)
        assert ran.err.endswith(
            "asset `table`: a pandas.DataFrame cannot be kept in format `parqet`\n"
            'hint: write `format="parquet"`\n'
        )


def test_a_violation_of_a_plan_is_told_before_it_runs(space):
    """Not after an hour."""
    table = """
        import polars as pl


        def slow(frame):
            raise AssertionError("it ran")


        @asset(COLUMNS)
        def table(raw: pl.LazyFrame) -> pl.LazyFrame:
            return raw.map_batches(slow)
    """
    write(space, table, 'columns=["day"]')

    ran = space.run()

    assert "lacks column day; has extra column at" in ran.err
    assert "it ran" not in ran.err


@pytest.mark.filterwarnings("ignore:PySpark does not yet:FutureWarning")
@pytest.mark.slow
def test_a_schema_of_pandera_is_told_by_the_status(space):
    """A column that it asks for is drift, one that it only allows is none."""
    pandera = """
        import warnings

        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            import pandera.pandas as pa


        SCHEMA = pa.DataFrameSchema({"high": pa.Column(float)})


        @asset(schema=SCHEMA)
        def table(raw) -> pd.DataFrame:
            return raw
    """
    write(space, pandera, "")
    space.built()

    space.edit("Assetfile.py", "pa.Column(float)", 'pa.Column(int), "low": pa.Column()')
    checked = space.run("--check", "table")
    built = space.run()

    assert (
        "table: drifted: lacks column low; column high is double, declared int64"
    ) in checked.out
    assert "other columns than its `schema=` says: lacks column low" in built.err


def test_another_schema_is_judged_before_publishing_alone(space):
    """Nobody knows its columns."""
    table = """
        class Schema:
            def validate(self, frame):
                return len(frame) < LIMIT


        LIMIT = 3


        @asset(schema=Schema())
        def table(raw) -> pd.DataFrame:
            return raw
    """
    write(space, table, "")
    space.built()

    space.edit("Assetfile.py", "LIMIT = 3", "LIMIT = 1")
    checked = space.run("--check", "table")
    built = space.run()

    assert "table: outdated: helper `LIMIT` changed" in checked.out
    assert "`table` returned what its `schema=` refuses" in built.err


@pytest.mark.parametrize(
    "option", ['columns=["a"]', 'schema=pa.schema([("a", pa.int8())])']
)
def test_what_declares_columns_has_to_be_a_table(space, option):
    """A report has none that could be checked."""
    table = """
        import pyarrow as pa


        @asset(COLUMNS)
        def table() -> str:
            return "a"
    """
    write(space, table, option)

    ran = space.run("table")

    assert ran.status == 1
    assert "declares columns, and returned a str in format text, which has" in ran.err
