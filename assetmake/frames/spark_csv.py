"""The CSV dialect of `csv` in Spark's options, and reading it with known types.

Spark's own defaults lose empty text, spaces, NUL and line ends, and take a
value that they cannot parse for null; these options keep them, and fail.
Sources, whose types nobody wrote down, are the business of `untyped`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from assetmake.errors import FrameError
from assetmake.frames.base import Column, Stored
from assetmake.frames.spark_rows import in_order, quoted
from assetmake.frames.spark_types import schema_of, spark_json
from assetmake.frames.types import arrow_type

_DIALECT: Mapping[str, Any] = {
    "encoding": "UTF-8",
    "header": True,
    "quote": '"',
    # A quote inside quotes is doubled; the second option is needed to read a
    # NUL beside one, which is Spark's own sign for "no such character".
    "escape": '"',
    "charToEscapeQuoteEscaping": '"',
    "ignoreLeadingWhiteSpace": False,
    "ignoreTrailingWhiteSpace": False,
    "lineSep": "\n",
    "timeZone": "UTC",
    "dateFormat": "yyyy-MM-dd",
    "nanValue": "NaN",
    "positiveInf": "Infinity",
    "negativeInf": "-Infinity",
}

WRITE_OPTIONS: Mapping[str, Any] = {
    **_DIALECT,
    "nullValue": "",
    "emptyValue": '""',
    "timestampFormat": "yyyy-MM-dd HH:mm:ss.SSSSSSxxx",
    "timestampNTZFormat": "yyyy-MM-dd HH:mm:ss.SSSSSS",
}

_READ_OPTIONS: Mapping[str, Any] = {
    **_DIALECT,
    "multiLine": True,
    # An unquoted empty field is null whatever this says; a quoted one would be,
    # too, if it were equal to it.
    "nullValue": "\x00null\x00",
    "emptyValue": "",
    # In parsing, S stands for as many digits as there are, up to that number.
    "timestampFormat": "yyyy-MM-dd HH:mm:ss[.SSSSSS]xxx",
    "timestampNTZFormat": "yyyy-MM-dd HH:mm:ss[.SSSSSS]",
}


def check_columns(columns: Sequence[Column], asset: str) -> None:
    """Refuse columns that CSV cannot keep.

    Raises:
        FrameError: one is nested, bytes or without a type.
    """
    for column in columns:
        if column.dtype in {"binary", "null"} or "<" in column.dtype:
            raise FrameError(
                f"asset `{asset}` returns a table whose column `{column.name}` is "
                f"{column.dtype}, which CSV cannot keep",
                hints=(
                    'keep the asset with `format="parquet"`',
                    f"or make `{column.name}` text",
                ),
            )


def typed_csv(session: Any, stored: Stored, paths: Sequence[str]) -> Any:
    """Return a frame over parts whose types are known from the manifest.

    A header that is not the manifest's, or a value that is not of its type,
    fails the job that comes upon it.

    Args:
        session: Of the frame.
        stored: Its `columns` are known.
        paths: Its files as Spark names them.

    Raises:
        FrameError: a column is of a type that Spark does not have.
    """
    columns = stored.columns or ()
    types = [spark_json(arrow_type(column.dtype)) for column in columns]
    for column, dtype in zip(columns, types, strict=True):
        if dtype is None and not _is_nanoseconds(column):
            raise FrameError(
                f"column `{column.name}` of `{stored.name}` is {column.dtype}, "
                "which Spark cannot read",
                hints="read it as a pandas.DataFrame, or store it as a number",
            )
    schema = schema_of(
        [column.name for column in columns],
        # Nanoseconds are looked at as text before any are cut off; a column
        # of nulls alone has no type in Spark's CSV.
        ["string" if one in {None, "void"} else one for one in types],
    )
    options = {**_READ_OPTIONS, "mode": "FAILFAST", "enforceSchema": False}
    reader = session.read.schema(schema).options(**options)
    frame = in_order(reader.csv, paths)
    for column in filter(_is_nanoseconds, columns):
        frame = frame.withColumn(column.name, _microseconds(column))
    return frame


def _is_nanoseconds(column: Column) -> bool:
    return column.dtype.startswith("timestamp[ns")


def _microseconds(column: Column) -> Any:
    """Return text with nanoseconds as timestamps; fail where digits get lost."""
    from pyspark.sql import functions as F  # noqa: N812

    text = F.col(quoted(column.name))
    has_zone = "tz=" in column.dtype
    parse = F.to_timestamp_ltz if has_zone else F.to_timestamp_ntz
    pattern = "timestampFormat" if has_zone else "timestampNTZFormat"
    short = F.regexp_replace(text, r"(\.\d{6})000", "$1")
    return F.when(
        text.rlike(r"\.\d{6}(?!000)\d{3}"),
        F.raise_error(F.lit(f"column `{column.name}` holds nanoseconds")),
    ).otherwise(parse(short, F.lit(_READ_OPTIONS[pattern])))
