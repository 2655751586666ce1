"""The fingerprint of what Spark writes: equal for equal rows in any order."""

from __future__ import annotations

import random

import pytest

from assetmake.errors import FrameError
from assetmake.frames import spark_rows
from assetmake.frames.spark_rows import observe_rows

pytestmark = pytest.mark.spark


@pytest.fixture
def spark(spark_handler):
    """The session, active in this thread."""
    return spark_handler.prepare()


@pytest.fixture
def saved(spark_handler, tmp_path):
    """A function that saves a frame, and returns what was written."""
    numbers = iter(range(1000))

    def save(frame, format="parquet"):
        directory = tmp_path / str(next(numbers))
        directory.mkdir()
        return spark_handler.save(frame, directory, format=format, asset="x")

    return save


def fingerprint_of(frame):
    """Return the fingerprint without writing a file."""
    observed, result = observe_rows(frame)
    observed.write.format("noop").mode("overwrite").save()
    return result().fingerprint


ROWS = """
select id, string(id) s, if(id % 3 = 0, null, id / 7) d, id % 2 = 0 b,
  array(id, null, id * 2) a, map('k', id, 'l', null) m,
  named_struct('x', id, 'y', array(map(id, float(id)))) st
from range(500)
"""


def test_order_and_partitions_do_not_count(spark):
    """The same rows give one fingerprint, wherever and in whatever order."""
    frame = spark.sql(ROWS)

    fingerprints = {
        fingerprint_of(one)
        for one in (
            frame,
            frame.repartition(7),
            frame.coalesce(1),
            frame.orderBy(frame.id.desc()),
            frame.repartition(3, "s").sortWithinPartitions("d"),
            frame.limit(1000),
            frame.cache(),
        )
    }
    frame.unpersist()

    assert len(fingerprints) == 1
    assert fingerprints.pop().startswith("rows-1:")


def test_the_format_does_not_count(spark, saved):
    """Parquet and CSV of one frame have one fingerprint."""
    frame = spark.sql(ROWS).select("id", "s", "d", "b")

    assert saved(frame).fingerprint == saved(frame, "csv").fingerprint


@pytest.mark.slow
def test_retried_tasks_count_once(spark, spark_handler, tmp_path):
    """A task that fails after its rows were seen is run again, and seen again.

    The session has `local[2]`, which does not retry, so that one of its own is
    started beside: in another process, as Python holds one context.
    """
    import subprocess
    import sys

    program = """
import sys, pathlib
from pyspark import TaskContext
from assetmake.frames.spark import SparkHandler
def fail_at_first(batches):
    yield from batches
    task = TaskContext.get()
    if task.attemptNumber() < 2 and task.partitionId() == 1:
        raise RuntimeError("again")
handler = SparkHandler({"spark.master": "local[2,4]"})
spark = handler.prepare()
frame = spark.range(1000).repartition(4)
if sys.argv[2] == "failing":
    frame = frame.mapInArrow(fail_at_first, "id long")
place = pathlib.Path(sys.argv[1])
place.mkdir()
print(handler.save(frame, place, format="parquet", asset="x").fingerprint)
handler.close()
"""
    done = subprocess.run(
        [sys.executable, "-c", program, str(tmp_path / "x"), "failing"],
        check=True,
        capture_output=True,
        text=True,
    )

    assert done.stdout.strip() == fingerprint_of(spark.range(1000))


#: Pairs of tables that differ in one thing, as queries.
CHANGES = {
    "a value": ("values (1, 2), (3, 4)", "values (1, 2), (3, 5)"),
    "a name": ("select 1 a", "select 1 b"),
    "the case of a name": ("select 1 a", "select 1 A"),
    "the order of columns": ("select 1 a, 1 b", "select 1 b, 1 a"),
    "values swapped between columns": ("values (1, 2)", "values (2, 1)"),
    "values swapped between rows": ("values (1, 3), (2, 4)", "values (1, 4), (2, 3)"),
    "a row more": ("values (1), (2)", "values (1), (2), (3)"),
    "a row twice": ("values (1), (2)", "values (1), (2), (2)"),
    "two rows twice": ("values (1), (2)", "values (1), (2), (1), (2)"),
    "two rows that cancel": ("values (1), (5), (5)", "values (1), (6), (6)"),
    "the width of integers": ("select 1 a", "select 1L a"),
    "float and double": ("select float(1) a", "select double(1) a"),
    "number and text": ("select 1 a", "select '1' a"),
    "the scale of decimals": ("select 1.0BD a", "select 1.00BD a"),
    "with a zone and without": (
        "select timestamp'2020-01-01' a",
        "select timestamp_ntz'2020-01-01' a",
    ),
    "null and zero": ("select int(null) a", "select 0 a"),
    "null and empty text": ("select string(null) a", "select '' a"),
    "null moved to another column": (
        "values (1, int(null))",
        "values (int(null), 1)",
    ),
    "null and NaN": ("select double(null) a", "select double('NaN') a"),
    "zero and -0.0": ("select 0D a", "select -0D a"),
    "zero and -0.0 of floats": ("select 0F a", "select float('-0.0') a"),
    "-0.0 in a list": ("select array(0D) a", "select array(-0D) a"),
    "no rows, other columns": (
        "select 1 a where false",
        "select 1 b where false",
    ),
    "no rows, other types": (
        "select 1 a where false",
        "select 1L a where false",
    ),
    "no rows and one": ("select int(null) a where false", "select int(null) a"),
    "text cut elsewhere": ("values ('ab', 'c')", "values ('a', 'bc')"),
    "null list and empty list": ("select array(1) a where 1=2", "select array(1) a"),
    "null and empty list": (
        "select if(false, array(1), null) a",
        "select slice(array(1), 1, 0) a",
    ),
    "null moved in a list": ("select array(1, null) a", "select array(null, 1) a"),
    "null more in a list": ("select array(1) a", "select array(1, null) a"),
    "order in a list": ("select array(1, 2) a", "select array(2, 1) a"),
    "lists cut elsewhere": (
        "select array(array(1), array(2, 3)) a",
        "select array(array(1, 2), array(3)) a",
    ),
    "items moved between lists": (
        "select array(1) a, array(2, 3) b",
        "select array(1, 2) a, array(3) b",
    ),
    "null struct and struct of null": (
        "select if(true, null, named_struct('x', 1)) a",
        "select named_struct('x', int(null)) a",
    ),
    "null moved in a struct": (
        "select named_struct('x', 1, 'y', int(null)) a",
        "select named_struct('x', int(null), 'y', 1) a",
    ),
    "a name in a struct": (
        "select named_struct('x', 1) a",
        "select named_struct('y', 1) a",
    ),
    "names of a struct told apart": (
        "select named_struct('x: int, y', 1) a",
        "select named_struct('x', 1) a",
    ),
    "a value in a map": ("select map('k', 1) a", "select map('k', 2) a"),
    "a key in a map": ("select map('k', 1) a", "select map('l', 1) a"),
    "values swapped in a map": (
        "select map('k', 1, 'l', 2) a",
        "select map('k', 2, 'l', 1) a",
    ),
    "map and struct": ("select map('k', 1) a", "select named_struct('k', 1) a"),
    "null in a map": ("select map('k', 1) a", "select map('k', int(null)) a"),
    "bytes and text": ("select 'a' a", "select binary('a') a"),
    "a microsecond": (
        "select timestamp'2020-01-01 00:00:00' a",
        "select timestamp'2020-01-01 00:00:00.000001' a",
    ),
}


@pytest.mark.parametrize("change", CHANGES)
def test_one_change_changes_it(spark, change):
    """Each pair differs in the one thing that it is named after."""
    before, after = CHANGES[change]

    assert fingerprint_of(spark.sql(before)) != fingerprint_of(spark.sql(after))


#: Pairs of tables that are equal, as queries.
EQUALS = {
    "NaNs of another making": (
        "select double('NaN') a",
        "select double('Infinity') - double('Infinity') a",
    ),
    "maps filled in another order": (
        "select map('k', 1, 'l', 2) a",
        "select map('l', 2, 'k', 1) a",
    ),
    "columns that may be null or may not": (
        "select 1 a",
        "select if(id = 0, 1, null) a from range(1)",
    ),
    "no rows, in several ways": (
        "select 1 a where false",
        "select int(id) a from range(5) where id > 7",
    ),
    "decimals of one scale": (
        "select cast(1 as decimal(38, 2)) a",
        "select cast('1.00' as decimal(38, 2)) a",
    ),
}


@pytest.mark.parametrize("pair", EQUALS)
def test_equal_tables_have_one_fingerprint(spark, pair):
    """However their rows came to be."""
    one, other = EQUALS[pair]

    assert fingerprint_of(spark.sql(one)) == fingerprint_of(spark.sql(other))


def test_names_may_hold_anything(spark):
    """Dots and backticks are no paths, at the top or in a struct."""
    odd = spark.range(3).selectExpr("id as `a.b`", "named_struct('c.`d', id) as `e``f`")
    plain = odd.toDF("a.b", "other")
    helper = odd.toDF("_ROW_hash_0", "_row_hash_1")

    assert len({fingerprint_of(one) for one in (odd, plain, helper)}) == 3


def test_rows_are_counted(spark, saved):
    """The number of rows comes from the same pass."""
    assert saved(spark.range(1234)).rows == 1234
    assert saved(spark.range(0)).rows == 0


def test_a_lost_event_is_no_wait_for_ever(spark, monkeypatch):
    """The metrics come by an event of Spark's; of a frame never written none does."""
    monkeypatch.setattr(spark_rows, "_PATIENCE", 0.1)
    _, result = observe_rows(spark.range(3))

    with pytest.raises(FrameError, match="Spark has not told in"):
        result()


def test_random_tables_agree_only_when_they_are_equal(spark):
    """Small tables of few values, so that equal ones occur: an oracle by sorting."""
    chance = random.Random(3)
    seen = {}
    for _ in range(40):
        rows = [
            (chance.choice([None, 0, 1]), chance.choice([None, "", "a"]))
            for _ in range(chance.randint(0, 3))
        ]
        frame = spark.createDataFrame(rows, "a int, b string")
        seen.setdefault(fingerprint_of(frame), set()).add(str(sorted(map(str, rows))))

    assert all(len(tables) == 1 for tables in seen.values())
    assert len(seen) == len(set.union(*seen.values()))
