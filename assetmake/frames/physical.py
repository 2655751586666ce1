"""Which type a column has in a file, and what to note so that its own comes back.

Works on Arrow columns in memory; reads and writes nothing. Every type chosen
here is one that Parquet gives back exactly, and that Spark, DuckDB and polars
read wherever they have a like type:

- timestamps are microseconds, unless nanoseconds would be lost;
- dictionaries of other than text are their values;
- float16 is float, date64 is date32, times in seconds are in milliseconds,
  decimal32 and decimal64 are decimal128.
"""

from __future__ import annotations

import base64
from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from assetmake.errors import FrameError
from assetmake.frames.types import (
    arrow_type,
    dtype_text,
    is_any_list,
    is_binary,
    is_text,
)

#: Types that are themselves in a file.
_PLAIN = frozenset(
    kind.id
    for kind in (
        *(pa.int8(), pa.int16(), pa.int32(), pa.int64()),
        *(pa.uint8(), pa.uint16(), pa.uint32(), pa.uint64()),
        *(pa.bool_(), pa.float32(), pa.float64(), pa.date32(), pa.null()),
        *(pa.string(), pa.large_string(), pa.binary(), pa.large_binary()),
        *(pa.decimal128(1, 0), pa.decimal256(1, 0), pa.binary(1)),
        *(pa.time64("us"), pa.duration("us")),
    )
)

#: Types that are another one in a file.
_REPLACED = {
    pa.float16().id: pa.float32(),
    pa.date64().id: pa.date32(),
    pa.string_view().id: pa.large_string(),
    pa.binary_view().id: pa.large_binary(),
}

_US = "us"


def check_names(names: Iterable[str], asset: str) -> None:
    """Refuse names that occur more than once.

    Raises:
        FrameError: naming them.
    """
    twice = [name for name, count in Counter(names).items() if count > 1]
    if twice:
        listed = ", ".join(f"`{name}`" for name in twice)
        msg = f"`{asset}` has more than one column called {listed}"
        raise FrameError(msg, hints="rename the columns so that each name is one's own")


def stored_type(kind: pa.DataType) -> pa.DataType:
    """Return the type that a file has for `kind`, whatever the values are.

    Raises:
        ValueError: no format keeps it.
    """
    if kind.id in _PLAIN or isinstance(kind, pa.BaseExtensionType):
        return kind
    if kind.id in _REPLACED:
        return _REPLACED[kind.id]
    if pa.types.is_timestamp(kind):
        return kind if kind.unit in ("us", "ns") else pa.timestamp(_US, kind.tz)
    if pa.types.is_time32(kind):
        return pa.time32("ms")
    if pa.types.is_decimal(kind):
        return pa.decimal128(kind.precision, kind.scale)
    if pa.types.is_run_end_encoded(kind):
        return stored_type(kind.value_type)
    if pa.types.is_dictionary(kind):
        values = stored_type(kind.value_type)
        if is_text(values) or is_binary(values):
            return pa.dictionary(kind.index_type, values, ordered=kind.ordered)
        return values
    return _stored_nested(kind)


def _stored_nested(kind: pa.DataType) -> pa.DataType:
    if is_any_list(kind):
        make = pa.list_ if pa.types.is_list(kind) else pa.large_list
        return make(_stored_field(kind.value_field))
    if pa.types.is_fixed_size_list(kind):
        return pa.list_(_stored_field(kind.value_field), kind.list_size)
    if pa.types.is_map(kind):
        return pa.map_(_stored_field(kind.key_field), _stored_field(kind.item_field))
    if pa.types.is_struct(kind):
        return pa.struct([_stored_field(field) for field in kind])
    msg = f"{dtype_text(kind)} is not kept"
    raise ValueError(msg)


def _stored_field(field: pa.Field) -> pa.Field:
    return field.with_type(stored_type(field.type))


def stored_schema(schema: pa.Schema, asset: str) -> pa.Schema:
    """Return the types that a file has for a stream of this schema.

    Raises:
        FrameError: a column is of a type that no format keeps.
    """
    fields = []
    for field in schema:
        try:
            fields.append(_stored_field(field))
        except ValueError:
            msg = f"`{asset}` cannot be kept: column `{field.name}` is "
            raise FrameError(
                msg + dtype_text(field.type),
                hints="convert the column to numbers, text, dates or lists of those",
            ) from None
    return pa.schema(fields, schema.metadata)


def to_stored(table: pa.Table, schema: pa.Schema, asset: str) -> pa.Table:
    """Return the rows with the types of `schema`, which `stored_schema` gave.

    Raises:
        FrameError: a value has no place in them.
    """
    if table.schema.equals(schema):
        return table
    columns = []
    for column, field in zip(table.columns, schema, strict=True):
        try:
            columns.append(_cast(column, field.type))
        except (pa.ArrowInvalid, pa.ArrowNotImplementedError) as error:
            msg = f"`{asset}` cannot be kept: column `{field.name}`: {error}"
            raise FrameError(msg) from error
    return pa.Table.from_arrays(columns, schema=schema)


def fit(table: pa.Table, schema: pa.Schema) -> pa.Schema:
    """Return `schema` with the units of timestamps that suit the values best.

    Microseconds, which every reader knows, wherever they lose nothing.
    """
    for index, field in enumerate(table.schema):
        kind = field.type
        if pa.types.is_timestamp(kind) and kind.unit != _US:
            for unit in (_US, "ms", "ns"):
                stored = pa.timestamp(unit, kind.tz)
                try:
                    table.column(index).cast(stored)
                except pa.ArrowInvalid:
                    continue
                schema = schema.set(index, schema.field(index).with_type(stored))
                break
    return schema


def notes_of(
    schema: pa.Schema, stored: pa.Schema, fixed: Mapping[str, pa.Array], asset: str
) -> dict[str, Any]:
    """Return as JSON what `restore` needs to give `schema` back from `stored`.

    Raises:
        FrameError: a type would not come back.
    """
    types = {}
    for own, kept in zip(schema, stored, strict=True):
        if own.type.equals(kept.type) or dtype_text(own.type) == dtype_text(kept.type):
            continue
        text = str(own.type)
        try:
            back = arrow_type(text)
        except ValueError:
            back = None
        if back != own.type:
            msg = f"`{asset}` cannot be kept: column `{own.name}` is {text}"
            raise FrameError(msg, hints="cast the column to a simpler type")
        types[own.name] = text
    categories = {name: _as_json(values) for name, values in fixed.items()}
    notes = {"types": types, "categories": categories}
    return {key: value for key, value in notes.items() if value}


#: Types that a Parquet file gives back as they are, layout included, beside
#: timestamps and decimals.
_SAME = frozenset(
    {
        *(pa.int8(), pa.int16(), pa.int32(), pa.int64(), pa.bool_()),
        *(pa.uint8(), pa.uint16(), pa.uint32(), pa.uint64()),
        *(pa.float32(), pa.float64(), pa.null(), pa.date32()),
        *(pa.string(), pa.large_string(), pa.binary(), pa.large_binary()),
        *(pa.time32("ms"), pa.time64("us"), pa.duration("us")),
    }
)


def comes_back(schema: pa.Schema) -> bool:
    """Return whether reading a Parquet file gives the very table that was written.

    That is one chunk a column, for `restore` to make of it what it was. Nested
    types, dictionaries and extensions are left out: they may come in another
    layout, or with another order of their categories.
    """
    return all(
        field.nullable
        and not field.metadata
        and (
            field.type in _SAME
            or pa.types.is_timestamp(field.type)
            or pa.types.is_decimal128(field.type)
        )
        for field in schema
    )


def owned(table: pa.Table) -> pa.Table:
    """Return a copy of a table, in memory that nothing else refers to or changes."""
    if not table.num_rows:
        return table.schema.empty_table()
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, table.schema) as writer:
        writer.write_table(table)
    with pa.ipc.open_stream(sink.getvalue()) as reader:
        return reader.read_all()


def restore(
    table: pa.Table, notes: Mapping[str, Any]
) -> tuple[pa.Table, dict[str, pa.Array]]:
    """Return a table with its own types, and the categories that are content."""
    for name, text in notes.get("types", {}).items():
        index = table.schema.get_field_index(name)
        column = _cast(table.column(index), arrow_type(text))
        table = _replace(table, index, column)
    fixed = {}
    for name, written in notes.get("categories", {}).items():
        index = table.schema.get_field_index(name)
        column = table.column(index)
        fixed[name] = _from_json(written, column.type.value_type)
        table = _replace(table, index, _recoded(column, fixed[name]))
    return table, fixed


def simplified(table: pa.Table, asset: str = "the table") -> pa.Table:
    """Return a table for engines that know neither extensions nor wide decimals.

    Raises:
        FrameError: a decimal has more than 38 digits.
    """
    for index, field in enumerate(table.schema):
        kind = field.type
        if isinstance(kind, pa.BaseExtensionType):
            column = table.column(index)
            storage = pa.chunked_array(
                [chunk.storage for chunk in column.chunks], kind.storage_type
            )
            table = table.set_column(index, field.name, storage)
        elif pa.types.is_decimal256(kind):
            msg = f"column `{field.name}` of {asset} is {kind}, of more than 38 digits"
            raise FrameError(msg, hints="read it as pyarrow.Table or pandas.DataFrame")
    return table


def _replace(table: pa.Table, index: int, column: pa.ChunkedArray) -> pa.Table:
    field = table.schema.field(index).with_type(column.type)
    return table.set_column(index, field, column)


def _cast(column: pa.ChunkedArray, kind: pa.DataType) -> pa.ChunkedArray:
    own = column.type
    if own.equals(kind):
        return column
    if pa.types.is_run_end_encoded(own):
        return _cast(_each(column, pc.run_end_decode), kind)
    if pa.types.is_dictionary(own) and not pa.types.is_dictionary(kind):
        return _cast(_each(column, pa.DictionaryArray.dictionary_decode), kind)
    if pa.types.is_dictionary(kind):
        if not pa.types.is_dictionary(own):
            column = _cast(column, kind.value_type).dictionary_encode()
        return _each(column, lambda chunk: _as_dictionary(chunk, kind), kind)
    return column.cast(kind)


def _each(column: pa.ChunkedArray, change: Any, kind: Any = None) -> pa.ChunkedArray:
    if not column.num_chunks:
        kind = kind or column.type.value_type
    return pa.chunked_array([change(chunk) for chunk in column.chunks], kind)


def _as_dictionary(array: pa.Array, kind: pa.DataType) -> pa.Array:
    return pa.DictionaryArray.from_arrays(
        array.indices.cast(kind.index_type),
        array.dictionary.cast(kind.value_type),
        ordered=kind.ordered,
    )


def _recoded(column: pa.ChunkedArray, categories: pa.Array) -> pa.ChunkedArray:
    """Return a dictionary column whose dictionary is `categories`, as a whole."""
    kind = column.type

    def change(chunk: pa.Array) -> pa.Array:
        if chunk.dictionary.equals(categories):
            return chunk
        places = pc.index_in(chunk.dictionary, value_set=categories)
        indices = places.take(chunk.indices).cast(kind.index_type)
        return pa.DictionaryArray.from_arrays(indices, categories, ordered=kind.ordered)

    return _each(column, change, kind)


def _as_json(values: pa.Array) -> list[Any] | str:
    """Return categories as a list, or what JSON lacks as base64 of Arrow's IPC."""
    kind = values.type
    if is_text(kind) or pa.types.is_integer(kind) or pa.types.is_boolean(kind):
        listed: list[Any] = values.to_pylist()
        return listed
    sink = pa.BufferOutputStream()
    batch = pa.record_batch([values], names=[""])
    with pa.ipc.new_stream(sink, batch.schema) as writer:
        writer.write_batch(batch)
    return base64.b64encode(sink.getvalue()).decode()


def _from_json(written: list[Any] | str, kind: pa.DataType) -> pa.Array:
    if isinstance(written, list):
        return pa.array(written, kind)
    with pa.ipc.open_stream(base64.b64decode(written)) as reader:
        return reader.read_all().column(0).combine_chunks().cast(kind)
