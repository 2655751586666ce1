"""What of Spark frames needs no Spark: types, names, error texts."""

from __future__ import annotations

import pyarrow as pa
import pytest

from assetmake.errors import FrameError
from assetmake.frames.base import Column
from assetmake.frames.spark_csv import check_columns
from assetmake.frames.spark_errors import explain
from assetmake.frames.spark_types import check_names, spark_json


@pytest.mark.parametrize(
    ("arrow", "spark"),
    [
        (pa.int8(), "byte"),
        (pa.uint8(), "short"),
        (pa.uint16(), "integer"),
        (pa.uint32(), "long"),
        (pa.uint64(), "decimal(20,0)"),
        (pa.bool_(), "boolean"),
        (pa.float32(), "float"),
        (pa.large_string(), "string"),
        (pa.string_view(), "string"),
        (pa.large_binary(), "binary"),
        (pa.date32(), "date"),
        (pa.timestamp("us"), "timestamp_ntz"),
        (pa.timestamp("ms", "Europe/Rome"), "timestamp"),
        (pa.decimal128(38, 10), "decimal(38,10)"),
        (pa.dictionary(pa.int8(), pa.string()), "string"),
        (
            pa.list_(pa.int32()),
            {"type": "array", "elementType": "integer", "containsNull": True},
        ),
        (
            pa.map_(pa.string(), pa.float64()),
            {
                "type": "map",
                "keyType": "string",
                "valueType": "double",
                "valueContainsNull": True,
            },
        ),
        (
            pa.struct([("a: b, c", pa.date32())]),
            {
                "type": "struct",
                "fields": [{"name": "a: b, c", "type": "date", "nullable": True}],
            },
        ),
        (pa.timestamp("ns"), None),
        (pa.duration("us"), None),
        (pa.time64("us"), None),
        (pa.decimal256(50, 2), None),
        (pa.list_(pa.duration("s")), None),
        (pa.struct([("a", pa.time32("s"))]), None),
        (pa.map_(pa.string(), pa.float16()), None),
    ],
)
def test_an_arrow_type_has_one_spark_type_or_none(arrow, spark):
    """Unsigned integers widen; what Spark lacks has none, at any depth."""
    assert spark_json(arrow) == spark


@pytest.mark.parametrize("names", [["a", "A"], ["a", "b", "a"], ["Ä", "ä"]])
def test_names_equal_but_for_case_are_refused(names):
    """Spark would say AMBIGUOUS_REFERENCE, or read one of the two for both."""
    with pytest.raises(FrameError) as caught:
        check_names(names, "asset `x` returns a table")
    assert str(caught.value) == (
        f"asset `x` returns a table with the columns `{names[0]}` and `{names[-1]}`, "
        "which are one name to Spark"
    )
    assert caught.value.hints == (f"rename `{names[-1]}`",)


@pytest.mark.parametrize("dtype", ["binary", "null", "list<item: int64>", "struct<>"])
def test_csv_refuses_what_has_no_text(dtype):
    """The message names the column, and the hint the way out."""
    with pytest.raises(FrameError, match=r"column `b` is .*, which CSV cannot keep"):
        check_columns([Column("a", "int64"), Column("b", dtype)], "x")


class PySparkException(Exception):  # noqa: N818 - pyspark's own name
    """Stands for the base class of pyspark's errors."""


class AnalysisException(PySparkException):
    """Stands for pyspark's class of that name."""


class PythonException(PySparkException):
    """Stands for pyspark's class of that name."""


class Py4JError(Exception):
    """Stands for py4j's class of that name."""


class Py4JJavaError(Py4JError):
    """Stands for py4j's class of that name."""


MISSING_COLUMN = """\
[UNRESOLVED_COLUMN.WITH_SUGGESTION] A column, variable, or function parameter with \
name `max_tmpf` cannot be resolved. Did you mean one of the following? [`tmpf`]. \
SQLSTATE: 42703;
'Project ['max_tmpf]
+- Relation [tmpf#0] parquet
"""

SYNTAX = """\

[PARSE_SYNTAX_ERROR] Syntax error at or near 'selec'. SQLSTATE: 42601 (line 1, pos 0)

== SQL ==
selec 1
^^^
"""

UDF = """\
[PYTHON_EXCEPTION] An exception was thrown from the Python worker: Traceback (most \
recent call last):
  File "/project/Assetfile.py", line 12, in warmer
    return helper(x)
  File "/project/clean.py", line 3, in helper
    return 1 // x
           ~~^^~~
ZeroDivisionError: integer division or modulo by zero
 SQLSTATE: 38000
"""

JAVA = """\
An error occurred while calling o104.parquet.
: org.apache.spark.SparkException: Job aborted due to stage failure: Task 0 in stage \
3.0 failed 1 times, most recent failure: Lost task 0.0 in stage 3.0
\tat org.apache.spark.scheduler.DAGScheduler.failJobAndIndependentStages(X.scala:1)
Caused by: java.io.IOException: No space left on device
\tat java.base/java.io.FileOutputStream.writeBytes(Native Method)
\t... 1 more
"""


@pytest.mark.parametrize(
    ("error", "text"),
    [
        (
            AnalysisException(MISSING_COLUMN),
            (
                "A column, variable, or function parameter with name `max_tmpf` "
                "cannot be resolved. Did you mean one of the following? [`tmpf`]."
            ),
        ),
        (AnalysisException(SYNTAX), "Syntax error at or near 'selec'."),
        (
            PythonException(UDF),
            (
                "ZeroDivisionError: integer division or modulo by zero\n"
                "  /project/clean.py:3, in helper"
            ),
        ),
        (Py4JJavaError(JAVA), "IOException: No space left on device"),
        (ValueError("x is not y"), "ValueError: x is not y"),
        (ValueError(), "ValueError"),
        (
            Py4JError("An error occurred while calling o52.count"),
            "the Java process of Spark does not answer",
        ),
    ],
)
def test_an_error_is_explained_in_a_line_or_two(error, text):
    """Neither plan nor Java stack nor error code: what happened, and where."""
    assert explain(error) == text


def test_the_end_of_the_java_process_is_told_with_its_last_words():
    """Python sees a broken connection only; the process said why before."""
    error = Py4JError("An error occurred while calling o52.count")

    text = explain(error, "java.lang.OutOfMemoryError: Java heap space")

    assert text == (
        "the Java process of Spark has ended: "
        "java.lang.OutOfMemoryError: Java heap space"
    )
