"""Spark's types in Arrow's words, and back; no session is needed for either.

Only types are mapped here: no file is read and no value converted. Both ways
follow what a Parquet file holds: Spark has no unsigned integers, and every
timestamp with a zone is an instant, kept in microseconds of UTC.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from assetmake.errors import FrameError
from assetmake.fingerprint import Encodable
from assetmake.frames.base import Column

#: Spark's name of a type without parameters, and Arrow's.
_ARROW = {
    "binary": "binary",
    "boolean": "bool",
    "byte": "int8",
    "date": "date32[day]",
    "double": "double",
    "float": "float",
    "integer": "int32",
    "long": "int64",
    "short": "int16",
    "string": "string",
    "timestamp": "timestamp[us, tz=UTC]",
    "timestamp_ntz": "timestamp[us]",
    "void": "null",
}

#: What Spark makes of an Arrow type: unsigned integers in the next wider type.
_SPARK = {arrow: spark for spark, arrow in _ARROW.items()} | {
    "large_binary": "binary",
    "large_string": "string",
    "string_view": "string",
    "uint8": "short",
    "uint16": "integer",
    "uint32": "long",
    "uint64": "decimal(20,0)",
}


#: Of a decimal, in Spark.
_MOST_DIGITS = 38


def columns_of(schema: Any, asset: str) -> tuple[Column, ...]:
    """Return the columns of a Spark schema, in order.

    Raises:
        FrameError: there is none, two names are equal but for case, or a column
            has a type that only Spark can read.
    """
    if not len(schema):
        raise FrameError(
            f"asset `{asset}` returns a table without columns",
            hints="return at least one column",
        )
    check_names([field.name for field in schema], f"asset `{asset}` returns a table")
    columns = []
    for field in schema:
        dtype = arrow_name(field.dataType)
        if dtype is None:
            kind = field.dataType.simpleString()
            raise FrameError(
                f"asset `{asset}` returns a table whose column `{field.name}` is of "
                f"Spark's type {kind}, which other readers do not have",
                hints=f"cast `{field.name}` to a string or a number",
            )
        columns.append(Column(field.name, dtype))
    return tuple(columns)


def check_names(names: Sequence[str], what: str) -> None:
    """Raise FrameError if two names are one to Spark, which ignores case."""
    seen: dict[str, str] = {}
    for name in names:
        if (other := seen.get(name.lower())) is not None:
            raise FrameError(
                f"{what} with the columns `{other}` and `{name}`, "
                "which are one name to Spark",
                hints=f"rename `{name}`",
            )
        seen[name.lower()] = name


def arrow_name(dtype: Any) -> str | None:
    """Return the Arrow spelling of a Spark type; None if Arrow has none."""
    kind = dtype.typeName()
    if kind == "decimal":
        return f"decimal128({dtype.precision}, {dtype.scale})"
    if kind == "array":
        element = arrow_name(dtype.elementType)
        return element and f"list<item: {element}>"
    if kind == "map":
        key, value = arrow_name(dtype.keyType), arrow_name(dtype.valueType)
        return key and value and f"map<{key}, {value}>"
    if kind == "struct":
        fields = [(field.name, arrow_name(field.dataType)) for field in dtype]
        if not all(inner for _, inner in fields):
            return None
        return f"struct<{', '.join(f'{name}: {inner}' for name, inner in fields)}>"
    if hasattr(dtype, "sqlType"):
        # A user-defined type, as MLlib's vectors: files hold what is beneath.
        return arrow_name(dtype.sqlType())
    if getattr(dtype, "isUTF8BinaryCollation", lambda: True)():
        return _ARROW.get(kind)
    return None


def type_tree(dtype: Any) -> Encodable:
    """Return a value that stands for a Spark type, without its nullability."""
    kind: str = dtype.typeName()
    if kind == "array":
        return (kind, type_tree(dtype.elementType))
    if kind == "map":
        return (kind, type_tree(dtype.keyType), type_tree(dtype.valueType))
    if kind == "struct":
        return (kind, *((field.name, type_tree(field.dataType)) for field in dtype))
    return str(dtype.simpleString())


def schema_of(names: Iterable[str], types: Iterable[Any]) -> Any:
    """Return a Spark schema of nullable columns.

    Args:
        names: of the columns, in order.
        types: of the columns, as `spark_json` gives them.
    """
    from pyspark.sql.types import StructType

    fields = [
        {"name": name, "type": dtype, "nullable": True, "metadata": {}}
        for name, dtype in zip(names, types, strict=True)
    ]
    return StructType.fromJson({"type": "struct", "fields": fields})


def spark_json(dtype: Any) -> Any:
    """Return Spark's name, or JSON, of a ``pyarrow.DataType``; None if it has none.

    >>> import pyarrow as pa
    >>> spark_json(pa.timestamp("us", "Europe/Rome")), spark_json(pa.uint8())
    ('timestamp', 'short')
    >>> spark_json(pa.duration("us")), spark_json(pa.timestamp("ns"))
    (None, None)
    """
    import pyarrow as pa

    if pa.types.is_map(dtype):
        key, value = spark_json(dtype.key_type), spark_json(dtype.item_type)
        if key is None or value is None:
            return None
        inner = {"keyType": key, "valueType": value, "valueContainsNull": True}
        return {"type": "map", **inner}
    if pa.types.is_struct(dtype):
        fields = [
            {"name": field.name, "type": spark_json(field.type), "nullable": True}
            for field in dtype
        ]
        known = all(field["type"] is not None for field in fields)
        return {"type": "struct", "fields": fields} if known else None
    if pa.types.is_nested(dtype):
        element = spark_json(dtype.value_type)
        inner = {"elementType": element, "containsNull": True}
        return None if element is None else {"type": "array", **inner}
    if pa.types.is_dictionary(dtype):
        return spark_json(dtype.value_type)
    if pa.types.is_decimal(dtype) and dtype.precision <= _MOST_DIGITS:
        return f"decimal({dtype.precision},{dtype.scale})"
    if pa.types.is_timestamp(dtype) and dtype.unit != "ns":
        return "timestamp_ntz" if dtype.tz is None else "timestamp"
    return _SPARK.get(str(dtype))
