"""What Spark can read of a Parquet file, decided from its footer.

Spark would say so in a Java stack, or not at all: durations would come as plain
numbers. The footer also gives the schema, so that no job is needed for it.
Nothing here reads a row.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from assetmake.errors import FrameError
from assetmake.frames.base import Column, Stored
from assetmake.frames.spark_rows import in_order
from assetmake.frames.spark_types import schema_of, spark_json
from assetmake.frames.types import arrow_type

#: Spark's own schema, in the files that it writes: it has what Arrow's lacks,
#: such as user-defined types and the attributes of MLlib's columns.
_ROW_METADATA = b"org.apache.spark.sql.parquet.row.metadata"

#: In a manifest's dtypes, what Spark lacks, or would take for plain numbers.
_FOREIGN = re.compile(r"\b(?:time(?:32|64)\[|duration\[|extension<|month_day_nano)")

_AS_TEXT = "store it as a number or as text, or read it as a pandas.DataFrame"
_ROUND = "round it to microseconds, with `.dt.as_unit('us')`, where it is made"


def parquet(session: Any, stored: Stored, paths: Sequence[str]) -> Any:
    """Return a frame over parts in Parquet.

    Spark reads unsigned integers as the next wider type, categories as text,
    and instants of any zone as those of UTC. Directories of a source such as
    ``year=2010`` give columns, and then the order of rows is Spark's own.

    Args:
        session: Of the frame.
        stored: At least one file.
        paths: Its files as Spark names them.

    Raises:
        FrameError: a column is of a type that Spark does not have, the files
            of a source differ in their columns, or one is damaged.
    """
    footer = _footer(stored, stored.files[0])
    for column, dtype, hint in (
        *_foreign_dtypes(stored.columns or ()),
        *_foreign_leaves(footer),
    ):
        raise FrameError(
            f"column `{column}` of `{stored.name}` is {dtype}, which Spark cannot read",
            hints=hint,
        )
    if stored.is_source:
        _check_alike(stored, footer)
        if stored.files[0].parent != stored.directory:
            base = f"file://{stored.directory.absolute()}"
            return session.read.option("basePath", base).parquet(*paths)
    schema = _schema(stored, footer)
    reader = session.read if schema is None else session.read.schema(schema)
    return in_order(lambda some: reader.parquet(*some), paths)


def schema_of_columns(columns: Sequence[Column]) -> Any:
    """Return the Spark schema of a table that has no file to look into."""
    return schema_of(
        [column.name for column in columns],
        [spark_json(arrow_type(column.dtype)) for column in columns],
    )


def _footer(stored: Stored, path: Path) -> Any:
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        with pq.ParquetFile(path) as file:
            return file.metadata
    except (pa.ArrowInvalid, pa.ArrowIOError) as error:
        raise FrameError(
            f"{path.name} of `{stored.name}` is no whole Parquet file: {error}",
            hints="mend the source" if stored.is_source else "build the asset again",
        ) from error


def _foreign_dtypes(columns: Sequence[Column]) -> Iterator[tuple[str, str, str]]:
    for column in columns:
        if _FOREIGN.search(column.dtype):
            yield column.name, column.dtype, _AS_TEXT


def _foreign_leaves(footer: Any) -> Iterator[tuple[str, str, str]]:
    names = footer.schema.to_arrow_schema().names
    for place in range(len(footer.schema)):
        leaf = footer.schema.column(place)
        kind = leaf.logical_type.type
        # A name may have dots in it; the path does not tell them from its own.
        name = next(
            (name for name in names if f"{leaf.path}.".startswith(f"{name}.")),
            leaf.path,
        )
        if kind in {"TIME", "FLOAT16", "INTERVAL"}:
            yield name, kind.lower(), _AS_TEXT
        elif kind == "TIMESTAMP" and '"nanoseconds"' in leaf.logical_type.to_json():
            yield name, "timestamp[ns]", _ROUND


def _check_alike(stored: Stored, footer: Any) -> None:
    """Refuse files of which Spark would take one's columns for all of them's."""
    first = _types(footer)
    for path in stored.files[1:]:
        other = _types(_footer(stored, path))
        for name in (*first, *other):
            if first.get(name) != other.get(name):
                raise FrameError(
                    f"the files of source `{stored.name}` differ in column `{name}`\n"
                    f"  {stored.files[0].name} has {first.get(name, 'none')}\n"
                    f"  {path.name} has {other.get(name, 'none')}",
                    hints="give the files the same columns, or make two sources",
                )


def _types(footer: Any) -> dict[str, str]:
    return {field.name: str(field.type) for field in footer.schema.to_arrow_schema()}


def _schema(stored: Stored, footer: Any) -> Any:
    """Return the schema of the file; None if Spark has to infer it."""
    from pyspark.sql.types import StructType

    if text := (footer.metadata or {}).get(_ROW_METADATA):
        return StructType.fromJson(json.loads(text))
    if stored.is_source:
        # Other writers mark timestamps in ways that Arrow's types do not tell.
        return None
    schema = footer.schema.to_arrow_schema()
    types = [spark_json(field.type) for field in schema]
    return None if None in types else schema_of(schema.names, types)
