"""Arrow types as text and back; it knows no values, no files and no dtypes of pandas.

The text is what ``str()`` of an Arrow type gives, so that manifests read alike
whichever library wrote the table.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from functools import lru_cache

import pyarrow as pa

_TEXTS = frozenset(
    kind.id for kind in (pa.string(), pa.large_string(), pa.string_view())
)
_BINARIES = frozenset(
    kind.id for kind in (pa.binary(), pa.large_binary(), pa.binary_view())
)
_LISTS = frozenset(
    make(pa.null()).id
    for make in (pa.list_, pa.large_list, pa.list_view, pa.large_list_view)
)


def is_text(kind: pa.DataType) -> bool:
    """Whether a type is one of Arrow's layouts of text."""
    return kind.id in _TEXTS


def is_binary(kind: pa.DataType) -> bool:
    """Whether a type is one of Arrow's layouts of bytes of any length."""
    return kind.id in _BINARIES


def is_any_list(kind: pa.DataType) -> bool:
    """Whether a type is one of Arrow's layouts of lists of any length."""
    return kind.id in _LISTS


def is_nested(kind: pa.DataType) -> bool:
    """Whether a type holds values of other types; a dictionary does not."""
    return bool(pa.types.is_nested(kind)) and not pa.types.is_dictionary(kind)


@lru_cache(maxsize=1024)
def dtype_text(kind: pa.DataType) -> str:
    """Return a type in Arrow's words, without what is layout only.

    ``string`` stands for large_string and string_view, too, and likewise
    ``binary`` and ``list``; the indices of a dictionary are always int32, and
    the items of a list are always called ``item``.

    >>> dtype_text(pa.large_list(pa.field("element", pa.large_string())))
    'list<item: string>'
    """
    if is_text(kind):
        return "string"
    if is_binary(kind):
        return "binary"
    if isinstance(kind, pa.BaseExtensionType):
        return f"extension<{kind.extension_name}>"
    if pa.types.is_dictionary(kind):
        values = dtype_text(kind.value_type)
        return f"dictionary<values={values}, indices=int32, ordered={kind.ordered:d}>"
    if pa.types.is_run_end_encoded(kind):
        return dtype_text(kind.value_type)
    if is_any_list(kind):
        return f"list<item: {dtype_text(kind.value_type)}>"
    if pa.types.is_fixed_size_list(kind):
        item = dtype_text(kind.value_type)
        return f"fixed_size_list<item: {item}>[{kind.list_size}]"
    if pa.types.is_map(kind):
        return f"map<{dtype_text(kind.key_type)}, {dtype_text(kind.item_type)}>"
    if pa.types.is_struct(kind):
        fields = (f"{field.name}: {dtype_text(field.type)}" for field in kind)
        return f"struct<{', '.join(fields)}>"
    return str(kind)


_SIMPLE: Mapping[str, Callable[[], pa.DataType]] = {
    "null": pa.null,
    "bool": pa.bool_,
    **{
        f"{sign}int{bits}": getattr(pa, f"{sign}int{bits}")
        for sign in ("", "u")
        for bits in (8, 16, 32, 64)
    },
    "halffloat": pa.float16,
    "float": pa.float32,
    "double": pa.float64,
    "string": pa.string,
    "large_string": pa.large_string,
    "string_view": pa.string_view,
    "binary": pa.binary,
    "large_binary": pa.large_binary,
    "binary_view": pa.binary_view,
    "date32[day]": pa.date32,
    "date64[ms]": pa.date64,
    "month_day_nano_interval": pa.month_day_nano_interval,
}

_TIMED = re.compile(r"(timestamp|duration|time32|time64)\[(s|ms|us|ns)(?:, tz=(.+))?\]")
_DECIMAL = re.compile(r"(decimal(?:32|64|128|256))\((\d+), (-?\d+)\)")
_DICTIONARY = re.compile(r"dictionary<values=(.+), indices=(\w+), ordered=([01])>")
_SIZED = re.compile(r"fixed_size_(binary|list<\w+: (.+)>)\[(\d+)\]")
_GENERIC = re.compile(r"(list|large_list|map|struct)<(.*)>", re.DOTALL)


def arrow_type(text: str) -> pa.DataType:
    """Return the Arrow type that a text stands for.

    Raises:
        ValueError: it is no type, or one that its text does not tell: a struct
            with a comma in a field's name, or an extension type.

    >>> arrow_type("timestamp[us, tz=UTC]")
    TimestampType(timestamp[us, tz=UTC])
    """
    simple = _SIMPLE.get(text)
    if simple is not None:
        return simple()
    if found := _TIMED.fullmatch(text):
        kind, unit, zone = found.groups()
        return getattr(pa, kind)(unit, zone) if zone else getattr(pa, kind)(unit)
    if found := _DECIMAL.fullmatch(text):
        return getattr(pa, found[1])(int(found[2]), int(found[3]))
    if found := _DICTIONARY.fullmatch(text):
        return pa.dictionary(
            arrow_type(found[2]), arrow_type(found[1]), ordered=found[3] == "1"
        )
    if found := _SIZED.fullmatch(text):
        size = int(found[3])
        if found[1] == "binary":
            return pa.binary(size)
        return pa.list_(arrow_type(found[2]), size)
    if found := _GENERIC.fullmatch(text):
        return _generic(found[1], list(_split(found[2])))
    msg = f"{text} is no Arrow type"
    raise ValueError(msg)


def _generic(kind: str, parts: list[str]) -> pa.DataType:
    if kind == "map":
        key, value = parts
        return pa.map_(arrow_type(key), arrow_type(value))
    fields = []
    for part in parts:
        name, _, inner = part.partition(": ")
        nullable = not inner.endswith(" not null")
        kind_of = arrow_type(inner.removesuffix(" not null"))
        fields.append(pa.field(name, kind_of, nullable=nullable))
    if kind == "struct":
        return pa.struct(fields)
    (item,) = fields
    return pa.list_(item) if kind == "list" else pa.large_list(item)


def _split(text: str) -> Iterator[str]:
    """Yield the parts between commas that stand outside of all brackets."""
    depth = start = 0
    for position, sign in enumerate(text):
        if sign in "<([":
            depth += 1
        elif sign in ">)]":
            depth -= 1
        elif sign == "," and depth == 0:
            yield text[start:position].strip()
            start = position + 1
    if text[start:].strip():
        yield text[start:].strip()
