"""CSV parts as assetmake writes them: Arrow tables to text and back, exactly.

One dialect that pandas, Spark (``header=True, escape='"', multiLine=True``),
DuckDB, polars and Excel read: UTF-8 without a byte order mark, commas, lines
that end in a newline, the header in each part, quotes where a value needs them
and doubled inside. A null is an empty field, an empty text is ``""``; truth
values are ``true`` and ``false``, floats the shortest text that reads back as
the same value, ``NaN``, ``Infinity`` and ``-Infinity``; dates and times are
ISO 8601 with a space, with zone in UTC with ``+00:00``. Types come back from
the manifest; CSV made by others is the business of `untyped`.
"""

from __future__ import annotations

import contextlib
import csv
import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
from pyarrow import csv as arrow_csv

from assetmake.errors import FrameError
from assetmake.frames.types import dtype_text, is_text
from assetmake.frames.writing import HashedFile

_TEXT = pa.large_string()

#: Rows that are made text at once: bounds the memory that writing takes.
_SLICE = 1 << 16

#: What has to stand in quotes: separators, quotes, line ends; an empty text,
#: which would be null; spaces at an end, which some readers strip; and what a
#: reader would take for a byte order mark.
_SPECIAL = r'^$|[",\r\n]|^\s|\s$|^\x{FEFF}'

#: Bytes that Arrow parses at once; a row must fit into it.
_BLOCK = 1 << 20


def check(schema: pa.Schema, asset: str) -> None:
    """Refuse a table that CSV cannot keep.

    Raises:
        FrameError: a column is nested, bytes or of another type that has no
            text, or there is no column at all.
    """
    if not len(schema):
        msg = f"`{asset}` has no columns: CSV keeps the rows of columns only"
        raise FrameError(msg, hints='keep it with `format="parquet"`')
    for field in schema:
        if not _has_text(field.type):
            msg = f"`{asset}` cannot be kept as CSV: column `{field.name}` is "
            raise FrameError(
                msg + dtype_text(field.type),
                hints=('keep it with `format="parquet"`', "or make the column text"),
            )


def _has_text(kind: pa.DataType) -> bool:
    if pa.types.is_dictionary(kind):
        kind = kind.value_type
    return (
        is_text(kind)
        or pa.types.is_boolean(kind)
        or pa.types.is_integer(kind)
        or pa.types.is_floating(kind)
        or pa.types.is_decimal(kind)
        or pa.types.is_temporal(kind)
        or pa.types.is_null(kind)
    ) and not pa.types.is_interval(kind)


def write_header(file: HashedFile, names: Sequence[str]) -> None:
    """Write the first line of a part."""
    header = pa.array(names, _TEXT)
    file.write(",".join(_quoted(header).to_pylist()).encode() + b"\n")


def write_rows(file: HashedFile, table: pa.Table, asset: str) -> None:
    """Write the rows of a table whose types `check` has let through.

    Raises:
        FrameError: the only column holds a null, which would be an empty line.
    """
    if table.num_columns == 1 and table.column(0).null_count:
        name = table.column_names[0]
        msg = f"`{asset}` cannot be kept as CSV: its only column `{name}` holds nulls"
        hints = ('keep it with `format="parquet"`', "or add a column without nulls")
        raise FrameError(f"{msg}, which would be empty lines", hints=hints)
    for batch in _in_seconds(table).to_batches(max_chunksize=_SLICE):
        fields = [_rendered(column) for column in batch.columns]
        for field, column, name in zip(
            fields, batch.columns, batch.schema.names, strict=True
        ):
            _check_years(field, column.type, f"`{asset}`: column `{name}`")
        fields = [pc.fill_null(field, "") for field in fields]
        # The last join puts a newline behind each row, so that the data of
        # the array are the bytes of the file.
        lines = _joined(_joined(*fields, by=","), "", by="\n")
        data = lines.buffers()[2]
        if data is not None:
            file.write(data)


def _joined(*parts: Any, by: str = "") -> pa.Array:
    """Return each row's texts, glued together by `by`."""
    texts = [
        pa.scalar(part, _TEXT) if isinstance(part, str) else part for part in parts
    ]
    return pc.binary_join_element_wise(*texts, pa.scalar(by, _TEXT))


def _in_seconds(table: pa.Table) -> pa.Table:
    """Return a table whose moments without fractions are written without them."""
    for index, field in enumerate(table.schema):
        if pa.types.is_timestamp(field.type):
            with contextlib.suppress(pa.ArrowInvalid):
                column = table.column(index).cast(pa.timestamp("s", field.type.tz))
                table = table.set_column(index, field.name, column)
    return table


def _check_years(text: pa.Array, kind: pa.DataType, where: str) -> None:
    """Refuse years before 1 and after 9999: readers agree on no text for them."""
    if pa.types.is_date(kind) or pa.types.is_timestamp(kind):
        strange = pc.invert(pc.match_substring_regex(text, r"^\d{4}-"))
        if pc.any(strange).as_py():
            bad = text.filter(strange)[0].as_py()
            msg = f"{where} holds the date {bad}, which CSV cannot keep"
            raise FrameError(msg, hints='keep it with `format="parquet"`')


def _rendered(array: pa.Array) -> pa.Array:
    """Return the text of each value, in quotes where it needs them."""
    kind = array.type
    if pa.types.is_dictionary(kind):
        array = array.dictionary_decode()
        kind = array.type
    if is_text(kind):
        return _quoted(array.cast(_TEXT))
    if pa.types.is_floating(kind):
        return _floats(array)
    if pa.types.is_duration(kind):
        return array.cast(pa.int64()).cast(_TEXT)
    if pa.types.is_timestamp(kind):
        return _timestamps(array)
    if pa.types.is_decimal(kind):
        return _decimals(array)
    return array.cast(_TEXT)


def _decimals(array: pa.Array) -> pa.Array:
    text = array.cast(_TEXT)
    scientific = pc.match_substring(text, "E")
    if not pc.any(scientific).as_py():
        return text
    plain = [None if value is None else f"{value:f}" for value in array.to_pylist()]
    return pa.array(plain, _TEXT)


def _floats(array: pa.Array) -> pa.Array:
    text = array.cast(_TEXT)
    # Without a point, a reader that has no schema would take it for an integer.
    whole = pc.match_substring_regex(text, r"^-?\d+$")
    text = pc.if_else(whole, _joined(text, ".0"), text)
    special = pc.invert(pc.is_finite(array))
    if not pc.any(special).as_py():
        return text
    for short, long in (("nan", "NaN"), ("inf", "Infinity"), ("-inf", "-Infinity")):
        text = pc.if_else(pc.equal(text, short), pa.scalar(long, _TEXT), text)
    return text


def _timestamps(array: pa.Array) -> pa.Array:
    kind = array.type
    naive = array.cast(pa.timestamp(kind.unit, "UTC" if kind.tz else None))
    text = naive.cast(pa.timestamp(kind.unit)).cast(_TEXT)
    return _joined(text, "+00:00") if kind.tz else text


def _quoted(text: pa.Array) -> pa.Array:
    special = pc.match_substring_regex(text, _SPECIAL)
    if not pc.any(special).as_py():
        return text
    quoted = _joined('"', pc.replace_substring(text, '"', '""'), '"')
    return pc.if_else(special, quoted, text)


def records(path: Path) -> Iterator[bytes]:
    """Yield the records of a part as they stand there, the header first.

    A line end in quotes ends none.
    """
    record, quotes = [], 0
    with path.open("rb") as file:
        for line in file:
            record.append(line)
            quotes += line.count(b'"')
            if not quotes % 2:
                yield b"".join(record)
                record, quotes = [], 0
    if record:
        yield b"".join(record)


def read_part(path: Path, schema: pa.Schema) -> pa.Table:
    """Return the rows of one part, with the types of `schema`.

    Text comes as string, a dictionary as dictionary-encoded string. A part of
    no bytes at all has no rows (Spark leaves such parts).

    Raises:
        FrameError: its header has other columns, or a value is not of its type.
        OSError: it cannot be read.
    """
    size = path.stat().st_size
    if not size:
        return schema.empty_table()
    _check_header(path, schema.names)
    for block in (_BLOCK, min(max(size, _BLOCK), 2**31 - 1)):
        try:
            table = _parsed(path, schema, block)
        except pa.ArrowInvalid as error:
            if "straddling" in str(error) and block < size:
                continue  # a row longer than a block
            raise FrameError(
                f"{path.name} is not what was written: {error}",
                hints="build the asset again",
            ) from error
        break
    columns = [
        _restored(column, field.type)
        for column, field in zip(table.columns, schema, strict=True)
    ]
    return pa.Table.from_arrays(columns, schema=schema)


def _parsed(path: Path, schema: pa.Schema, block: int) -> pa.Table:
    with pa.OSFile(os.fsencode(path)) as file:
        return arrow_csv.read_csv(
            file,
            read_options=arrow_csv.ReadOptions(block_size=block),
            parse_options=arrow_csv.ParseOptions(newlines_in_values=True),
            convert_options=arrow_csv.ConvertOptions(
                column_types={field.name: _parsed_as(field.type) for field in schema},
                null_values=[""],
                strings_can_be_null=True,
                quoted_strings_can_be_null=False,
                true_values=["true"],
                false_values=["false"],
            ),
        )


def _parsed_as(kind: pa.DataType) -> pa.DataType:
    if pa.types.is_dictionary(kind):
        return _parsed_as(kind.value_type)
    return pa.int64() if pa.types.is_duration(kind) else kind


def _restored(column: pa.ChunkedArray, kind: pa.DataType) -> pa.ChunkedArray:
    if pa.types.is_dictionary(kind):
        column = column.dictionary_encode()
    return column.cast(kind)


def header_of(path: Path) -> list[str]:
    """Return the names in the first line of a part; [] if it has no line."""
    with path.open(encoding="utf-8-sig", newline="") as file:
        return next(csv.reader(file), [])


def _check_header(path: Path, expected: Sequence[str]) -> None:
    found = header_of(path)
    if found != list(expected):
        msg = (
            f"{path.name} has columns {', '.join(found)}, "
            f"and the manifest says {', '.join(expected)}"
        )
        raise FrameError(msg, hints="build the asset again")
