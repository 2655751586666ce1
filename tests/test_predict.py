"""Which columns today's code would give, as `--why --predict` tells."""

from __future__ import annotations

import json
import os

import pytest
from space import TestSpace

import assetmake
from assetmake.builds import predict
from assetmake.frames.base import Column
from assetmake.look.whys import Difference, Prediction

ASSETS = """
    import pandas as pd
    import polars as pl
    from assetmake import asset, source

    source("raw", path="raw.csv")


    @asset
    def clean(raw: pd.DataFrame) -> pd.DataFrame:
        return raw


    @asset
    def doubled(clean: pl.LazyFrame) -> pl.LazyFrame:
        return clean.with_columns(pl.col("high") * 2)


    @asset
    def report(doubled: pd.DataFrame) -> str:
        return str(len(doubled))
"""
RAW = "day,high\na,1.5\nb,2.5\nc,3.5\n"
COLUMNS = (Column("day", "string"), Column("high", "double"))
LOW = Column("low", "int64")


@pytest.fixture
def space(tmp_path):
    """A project that is built."""
    space = TestSpace(tmp_path / "project")
    space.write({"Assetfile.py": ASSETS, "raw.csv": RAW})
    space.built()
    return space


def predicted(space, *names):
    """Return predictions of assets, by name."""
    whys = assetmake.open(space.root).why(names, predict=True)
    return {why.status.name: why.predicted for why in whys}


def files(space):
    """Return all files of a project but the disposable ones, with their times."""
    return {
        path: (path.stat().st_mtime_ns, path.read_bytes())
        for path in space.root.rglob("*")
        if path.is_file() and ".assetmake" not in path.parts
    }


def test_a_fresh_asset_gives_what_is_stored(space):
    """Its columns are predicted all the same."""
    assert predicted(space, "clean", "doubled", "report") == {
        "clean": Prediction(COLUMNS),
        "doubled": Prediction(COLUMNS, from_plan=True),
        "report": Prediction(),
    }


def test_columns_that_a_build_would_give_are_told_of_all_below(space):
    """What the code upstream adds is there for what reads it."""
    space.edit("Assetfile.py", "return raw", "return raw.assign(low=0)")

    assert predicted(space) == {
        "clean": Prediction((*COLUMNS, LOW), (Difference("low", None, "int64"),)),
        "doubled": Prediction(
            (*COLUMNS, LOW), (Difference("low", None, "int64"),), from_plan=True
        ),
        "report": Prediction(),
    }
    assert predicted(space, "doubled")["doubled"].columns == (*COLUMNS, LOW)


def test_each_way_to_differ_is_told(space):
    """Lacks, extra, and another dtype."""
    space.edit(
        "Assetfile.py",
        "return raw",
        'return raw.rename(columns={"day": "date"}).astype({"high": int})',
    )

    assert predicted(space, "clean")["clean"].differences == (
        Difference("date", None, "string"),
        Difference("high", "double", "int64"),
        Difference("day", "string", None),
    )


def test_nothing_is_written_nor_printed_nor_decided(space):
    """Not a manifest, not a log; what the function prints is kept in."""
    space.edit(
        "Assetfile.py", "return raw", 'print("PRIN" + "TED")\n    return raw[["day"]]'
    )
    before, status = files(space), space.run("--status").out

    ran = space.run("--why", "--predict")

    assert "has extra column high (double)" in ran.out
    assert "PRINTED" not in ran.out + ran.err
    assert files(space) == before
    assert space.run("--status").out == status


@pytest.mark.parametrize(
    ("body", "problem"),
    [
        ('return raw["low"]', "it failed: KeyError: 'low'"),
        ('raise SystemExit("enough")', "it failed: SystemExit: enough"),
        ("return None", "it failed: it returned None"),
        ("return raw.assign(x=1j)", "it failed: `clean` cannot be kept"),
    ],
)
def test_what_goes_wrong_is_told(space, body, problem):
    """And what reads the asset takes it as it is stored."""
    space.edit("Assetfile.py", "return raw", body)

    found = predicted(space, "clean", "doubled")

    assert found["clean"].problem.startswith(problem)
    assert found["doubled"] == Prediction(COLUMNS, from_plan=True, as_stored=("clean",))


def test_an_input_that_is_not_there_is_told(space):
    """Nothing to try the function on."""
    (space.root / "raw.csv").unlink()
    space.run("--prune", "-y")
    for part in (space.root / "data/doubled").iterdir():
        part.unlink()

    found = predicted(space, "clean", "report")

    assert found["clean"].problem == "source `raw` has no data: no file raw.csv"
    assert found["report"].as_stored == ()

    for part in (space.root / "data/clean").iterdir():
        part.unlink()
    found = predicted(space, "doubled", "report")

    assert found["doubled"].problem == "its input `clean` is not stored, nor predicted"
    assert found["report"].problem == "its input `doubled` is not stored, nor predicted"


def test_a_damaged_input_is_told(space):
    """As what it is."""
    (part,) = (space.root / "data/clean").glob("*.parquet")
    os.truncate(part, 20)
    space.edit("Assetfile.py", "return raw", "return 1 / 0")

    assert "magic bytes" in predicted(space, "doubled")["doubled"].problem


def test_an_asset_that_reads_nothing_is_not_tried(space):
    """That would be to build it, with all its effects."""
    space.write(
        {
            "Assetfile.py": """
                from assetmake import asset


                @asset
                def loads():
                    open("LOADED", "w")
            """
        }
    )

    found = predicted(space, "loads")["loads"]

    assert found.problem == "it reads no table, and to try it would be to build it"
    assert not (space.root / "LOADED").exists()


def test_only_some_rows_are_tried(space, monkeypatch):
    """And that is said."""
    monkeypatch.setattr(predict, "ROWS", 2)
    space.edit("Assetfile.py", "return raw", "return raw.assign(n=len(raw) + 0.5)")

    ran = space.run("--why", "--predict", "clean")

    assert ran.out.endswith(
        "  predicted, from the first 2 rows of its inputs: the stored table\n"
        "    lacks column n (double)\n"
    )


def test_a_schema_may_add_and_coerce(space):
    """The columns are those that would be stored."""
    space.edit("Assetfile.py", "@asset\ndef clean", SCHEMA)

    assert predicted(space, "clean")["clean"].differences == (
        Difference("high", "double", "string"),
    )


SCHEMA = """
class Schema:
    def validate(self, frame):
        return frame.astype({"high": str})


@asset(schema=Schema())
def clean"""


def test_json_has_all_of_a_prediction(space):
    """And null where none was asked for, or of a source."""
    space.edit("Assetfile.py", "return raw", "return raw.assign(low=0)")

    def told(*words):
        tables = json.loads(space.run("--why", "--json", *words).out)["tables"]
        return [table["predicted"] for table in tables]

    assert told("clean") == [None]
    assert told("--predict", "raw", "clean") == [
        {
            "columns": [
                {"name": "day", "dtype": "string"},
                {"name": "high", "dtype": "double"},
                {"name": "low", "dtype": "int64"},
            ],
            "differences": [{"column": "low", "stored": None, "predicted": "int64"}],
            "from_plan": False,
            "rows": None,
            "as_stored": [],
            "problem": None,
        },
        None,
    ]


def test_predict_goes_with_why_alone(space):
    """Nothing else runs functions to look."""
    ran = space.run("--status", "--predict")

    assert (ran.status, ran.err) == (
        2,
        "error: --predict does not go with --status\nhint: use it with --why\n",
    )


@pytest.mark.spark
@pytest.mark.slow
def test_a_plan_of_spark_is_predicted_without_a_row(space):
    """A function of it that fails on every row is never called."""
    space.write(
        {
            "Assetfile.py": """
                import pandas as pd
                from assetmake import asset, source
                from pyspark.sql import DataFrame
                from pyspark.sql import functions as F

                source("raw", path="raw.csv")


                def fail(value):
                    raise AssertionError("a row was computed")


                @asset
                def clean(raw: DataFrame) -> DataFrame:
                    boom = F.udf(fail, "timestamp")
                    return raw.withColumn("at", boom("day"))


                @asset
                def below(clean: DataFrame) -> DataFrame:
                    return clean.groupBy("at").count()


                @asset
                def narrow(clean: pd.DataFrame) -> pd.DataFrame:
                    return clean[["at"]]
            """
        }
    )

    assert predicted(space, "clean", "below", "narrow") == {
        "clean": Prediction(
            (*COLUMNS, Column("at", "timestamp[us, tz=UTC]")),
            (Difference("at", None, "timestamp[us, tz=UTC]"),),
            from_plan=True,
        ),
        "below": Prediction(
            (Column("at", "timestamp[us, tz=UTC]"), Column("count", "int64")),
            from_plan=True,
        ),
        "narrow": Prediction((Column("at", "timestamp[us, tz=UTC]"),)),
    }
