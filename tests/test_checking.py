"""What the result of a check means."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import polars as pl
import pytest

from assetmake.assets import Registry, Resolved, collecting
from assetmake.builds.checking import Checking, run_checks, staged_table
from assetmake.checks import bind, check
from assetmake.frames import Frames
from assetmake.frames.base import Stored

ROOT = Path(__file__).parent


@pytest.fixture
def frames():
    found = Frames({})
    yield found
    found.close()


@pytest.fixture
def table(tmp_path, frames):
    """A stored table of three rows."""
    frame = pd.DataFrame({"n": [1, 2, 3]})
    handler = frames.for_value(frame)
    written = handler.save(frame, tmp_path, format="parquet", asset="t")
    (tmp_path / "_SUCCESS").touch()
    return staged_table("t", tmp_path, "parquet", written)


def judge(function, table, frames, severity="error", **checking):
    """Run a function as the only check of a table."""
    with collecting(Registry(ROOT, load=print)) as registry:
        check("t", severity=severity)(function)
    bound = bind(registry.checks[0], "t", Resolved((), {}), {"t"}, ROOT)
    (ran,) = run_checks([bound], table, {}, Checking(frames, ROOT, **checking))
    return ran


def test_a_staged_table_is_its_data_files(table):
    assert [file.name for file in table.files] == ["part-00000.parquet"]
    assert [column.name for column in table.columns] == ["n"]


@pytest.mark.parametrize(
    "result",
    [None, True, np.True_, [], (), pd.DataFrame({"n": []}), pl.LazyFrame({"n": []})],
    ids=lambda result: type(result).__name__,
)
def test_what_passes(result, table, frames):
    ran = judge(lambda_of(result), table, frames)

    assert ran.passed
    assert (ran.message, ran.head, ran.trace) == ("", None, "")


def lambda_of(result):
    def look(table):
        return result

    return look


@pytest.mark.parametrize(
    ("result", "message", "failing"),
    [
        (False, "it returned False", None),
        (np.False_, "it returned False", None),
        (["one", "two"], "one\ntwo", None),
        (("one",), "one", None),
        (pd.DataFrame({"n": [1]}), "1 row is wrong", 1),
        (pl.DataFrame({"n": range(2000)}), "2,000 rows are wrong", 2000),
    ],
    ids=["False", "numpy", "list", "tuple", "pandas", "polars"],
)
def test_what_fails(result, message, failing, table, frames):
    ran = judge(lambda_of(result), table, frames)

    assert not ran.passed
    assert ran.is_wrong
    assert (ran.message, ran.failing, ran.trace) == (message, failing, "")


@pytest.mark.parametrize("result", ["text", 1, 0, {}, {"a": 1}, [1], [None], object()])
def test_other_results_are_an_error_with_a_way_out(result, table, frames):
    ran = judge(lambda_of(result), table, frames)

    assert not ran.passed
    assert "which says nothing of the table" in ran.message
    assert ran.hints[0].startswith("return None or True if all is well, else False")
    assert ran.trace == ""


def test_a_mask_is_an_error_and_not_three_rows(table, frames):
    def mask(table):
        return table.n > 9

    ran = judge(mask, table, frames)
    assert not ran.passed
    assert "column of booleans" in ran.message
    assert ran.failing is None


def test_an_assertion_says_what_it_says(table, frames):
    def look(table):
        msg = f"only {len(table)} rows"
        raise AssertionError(msg)

    ran = judge(look, table, frames)

    assert ran.message == "only 3 rows"
    assert "in look\n" in ran.trace


def test_an_assertion_without_a_message_is_shown(table, frames):
    def look(table):
        raise AssertionError

    ran = judge(look, table, frames)

    assert ran.message == "raise AssertionError"


def test_another_exception_is_the_check_s_own(table, frames):
    caught = []

    def look(table):
        return table["m"]

    ran = judge(look, table, frames, failed=caught.append)

    assert ran.message == "KeyError: 'm'"
    assert "in look\n" in ran.trace
    assert "pandas" in ran.full_trace
    assert [type(error) for error in caught] == [KeyError]


def test_a_debugger_opens_for_errors_and_not_for_warnings(table, frames):
    caught = []

    def look(table):
        raise OSError

    assert not judge(look, table, frames, "warn", failed=caught.append).passed
    assert caught == []
    assert not judge(look, table, frames, "error", failed=caught.append).passed
    assert [type(error) for error in caught] == [OSError]


def test_an_exit_is_a_failure(table, frames):
    def look(table):
        raise SystemExit(3)

    assert judge(look, table, frames).message == "SystemExit: 3"


@pytest.mark.parametrize(
    ("annotation", "kind"),
    [
        (pd.DataFrame, "pandas"),
        (pl.DataFrame, "polars"),
        ("pyarrow.Table", "pyarrow"),
        ("duckdb.DuckDBPyRelation", "duckdb"),
        (None, "pandas"),
    ],
)
def test_the_table_comes_as_the_annotation_says(annotation, kind, table, frames):
    def look(table):
        return [type(table).__module__.partition(".")[0].lstrip("_")]

    if annotation is not None:
        look.__annotations__["table"] = annotation

    assert judge(look, table, frames).message == kind


def test_a_lazy_result_that_fails_is_caught(table, frames):
    def look(table):
        return table.filter(pl.col("nothing") > 1)

    look.__annotations__["table"] = pl.LazyFrame

    ran = judge(look, table, frames)

    assert not ran.passed
    assert ran.message.startswith("ColumnNotFoundError: ")


def test_a_table_that_cannot_come_as_a_type_is_a_failure(table, frames):
    def look(table: str):
        return True

    look.__annotations__["table"] = str
    report = Stored("t", table.directory, table.files, "parquet", table.columns)

    ran = judge(look, report, frames)

    assert not ran.passed
    assert ran.message


def test_a_check_cannot_change_the_table(table, frames):
    def spoil(table):
        table.loc[:, "n"] = 0
        return True

    def look(table):
        return [str(table.n.sum())]

    judge(spoil, table, frames)

    assert judge(look, table, frames).message == "6"


def test_long_messages_are_cut(table, frames):
    ran = judge(lambda_of([f"line {number}" for number in range(100)]), table, frames)

    assert ran.message.count("\n") == 19
    assert judge(lambda_of(["x" * 9999]), table, frames).summary == "x" * 197 + "..."


def test_the_summary_has_all_messages_and_of_an_exception_the_first_line(table, frames):
    """Further lines of an exception often show values, and manifests keep summaries."""

    def raises(table):
        msg = "differs\n1 secret\n2 secret"
        raise AssertionError(msg)

    told = judge(lambda_of(["no day is lost", "but an hour is"]), table, frames)

    assert told.summary == "no day is lost; but an hour is"
    assert judge(raises, table, frames).summary == "differs"
