"""Declared columns against those that a table has; it imports no library."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from assetmake.frames.base import Column

#: Spellings of dtypes, in lower case, and the families that each allows. Python,
#: numpy, pandas, polars, Arrow and Spark do not agree on some ("float", "int",
#: "timestamp", "interval"): such a word allows each of its meanings.
_SPELLINGS: Mapping[str, frozenset[str]] = {
    word: frozenset(allowed.split())
    for words, allowed in {
        "int8 i1 byte tinyint": "int8",
        "int16 i2 short smallint": "int16",
        "int32 i4 integer": "int32",
        "int64 i8 long bigint": "int64",
        "int": "int32 int64",
        "uint8 u1 utinyint": "uint8",
        "uint16 u2 usmallint": "uint16",
        "uint32 u4 uinteger": "uint32",
        "uint64 u8 ubigint": "uint64",
        "uint": "uint32 uint64",
        "float16 f2 halffloat": "halffloat float",  # kept as float
        "float32 f4 real": "float",
        "float64 f8 double": "double",
        "float": "float double",
        "bool boolean bool_": "bool",
        "str string utf8 varchar char text large_string string_view": "string",
        "bytes binary blob large_binary binary_view fixed_size_binary": "binary",
        "date date32 date64": "date",
        "time time32 time64": "time",
        "datetime datetime64 timestamp": "timestamp zoned",
        "timestamp_ntz timestampntz timestamp_s timestamp_ms timestamp_ns": "timestamp",
        "timestamp_ltz timestamptz datetimetz": "zoned",
        "timedelta timedelta64 duration": "duration",
        "m8": "timestamp zoned duration",  # numpy's M8 and m8
        "interval": "duration extension",
        "period extension": "extension",
        "uuid": "extension string",
        "decimal decimal32 decimal64 decimal128 decimal256 numeric": "decimal",
        "list array large_list fixed_size_list": "list",
        "struct row": "struct",
        "map": "map",
        "dict": "struct map",
        "null void none": "null",
    }.items()
    for word in words.split()
}

#: Words that allow every dtype. Categories of other than text are kept as their
#: values, so that the stored dtype does not tell that they were categories.
_ANYTHING = frozenset(
    {"object", "o", "any", "category", "categorical", "enum", "dictionary"}
)

#: What libraries append to a word when a class is named, and not its value.
_SUFFIXES = ("dtype", "type", "_")

#: A word, and what stands in the brackets behind it.
_PARTS = re.compile(r"\s*([^\[(<]*?)\s*(?:[\[(<](.*)[\])>])?\s*", re.DOTALL)
_STORAGE = re.compile(r"\[(pyarrow|python)\]$")
_FIELD = re.compile(r"['\"]?(\w+)['\"]?(?:\s*:\s*|\s+)(.+)", re.DOTALL)
_SEQUENCE = re.compile(r"\[\d*\]$")
_UNITS = frozenset({"s", "ms", "us", "μs", "ns", "none"})
_UTC = frozenset({"UTC", "Etc/UTC", "+00:00"})


@dataclass(frozen=True, slots=True)
class Declared:
    """What is declared of the columns of a table.

    Attributes:
        dtypes: Of each column; None allows every dtype.
        optional: Columns that may be missing.
        is_open: Whether there may be other columns.
    """

    dtypes: Mapping[str, str | None]
    optional: frozenset[str] = frozenset()
    is_open: bool = False


def check_columns(
    declared: Declared | Mapping[str, str | None] | Sequence[str],
    actual: Sequence[Column],
) -> list[str]:
    """Return a text for each way in which a table differs from what is declared.

    Order does not count. dtypes are spelled as in pandas, numpy, Python, polars,
    Arrow or Spark. Units of time are not compared; zones, the digits of
    decimals, and what lists, maps and structs hold are, where declared. None,
    ``"object"`` and ``"category"`` allow every dtype.

    Args:
        declared: Names with dtypes, or names alone; each has to be there, and
            no other.
        actual: Columns of the table.

    >>> check_columns({"day": "date", "high": "float64"}, [Column("high", "int64")])
    ['lacks column day', 'column high is int64, declared float64']
    """
    if not isinstance(declared, Declared):
        if not isinstance(declared, Mapping):
            declared = dict.fromkeys(declared)
        declared = Declared(declared)
    dtypes, optional = declared.dtypes, declared.optional
    found = {column.name: column.dtype for column in actual}
    problems = [
        f"lacks column {name}"
        for name in dtypes
        if name not in found and name not in optional
    ]
    if not declared.is_open:
        problems += [f"has extra column {name}" for name in found if name not in dtypes]
    problems += [
        f"column {name} is {found[name]}, declared {dtype}"
        for name, dtype in dtypes.items()
        if dtype is not None and name in found and not allows(dtype, found[name])
    ]
    return problems


def is_dtype(declared: str) -> bool:
    """Return whether a text spells a dtype in the words of some library.

    >>> is_dtype("Int64"), is_dtype("LongType()"), is_dtype("flaot64")
    (True, True, False)
    """
    word, _ = _declared_parts(declared)
    return word in _ANYTHING or word in _SPELLINGS


def known_words() -> list[str]:
    """Return all words that spell a dtype, to find the one that was meant."""
    return [*_SPELLINGS, *_ANYTHING]


def allows(declared: str, dtype: str) -> bool:
    """Return whether a declared dtype allows one in Arrow's words.

    >>> allows("datetime64[ns, UTC]", "timestamp[us, tz=UTC]"), allows("Int8", "int16")
    (True, False)
    """
    if declared == dtype:
        return True
    word, inside = _declared_parts(declared)
    if word in _ANYTHING:
        return True
    allowed = _SPELLINGS.get(word, frozenset())
    family, own = _family(dtype)
    if family not in allowed:
        return False
    if family == "decimal":
        wanted = re.findall(r"\d+", inside)
        return re.findall(r"\d+", own)[: len(wanted)] == wanted
    if family in ("timestamp", "zoned") and len(allowed) > 1:
        return _moment_allows(inside, family, own)
    if family in ("list", "map", "struct"):
        return _inner_allow(family, inside, own)
    return True


def _inner_allow(family: str, declared: str, own: str) -> bool:
    """Return whether what a list, map or struct holds is what is declared of it.

    What is not declared, or in words that are not known, is let pass.
    """
    if family == "struct":
        wanted, found = _fields(declared), _fields(own)
        if not wanted or not found:
            return True
        if wanted.keys() != found.keys():
            return False
        pairs = [(wanted[name], found[name]) for name in wanted]
    else:
        size = 2 if family == "map" else 1
        pairs = list(zip(_items(declared)[:size], _items(own)[:size], strict=False))
    return all(not is_dtype(one) or allows(one, other) for one, other in pairs)


def _items(inside: str) -> list[str]:
    """Return the dtypes between commas, without a name such as Arrow's ``item``."""
    return [re.sub(r"^\w+:\s+", "", part) for part in _split(inside)]


def _fields(inside: str) -> dict[str, str]:
    """Return dtypes by name, of ``a: int``, ``'a': Int64`` or ``a INTEGER``."""
    parts = [_FIELD.fullmatch(part) for part in _split(inside.strip("{}"))]
    return {part[1]: part[2] for part in parts if part} if all(parts) else {}


def _split(text: str) -> list[str]:
    """Return the parts between commas that stand outside of all brackets."""
    parts, depth = [""], 0
    for sign in re.sub(r">\[\d+$", "", text):  # a list of fixed size
        depth += (sign in "<([{") - (sign in ">)]}")
        if sign == "," and not depth:
            parts.append("")
        else:
            parts[-1] += sign
    return [part.strip().removesuffix(" not null") for part in parts if part.strip()]


def _declared_parts(text: str) -> tuple[str, str]:
    """Return the word that spells a dtype, and what its brackets hold."""
    text = text.strip().removesuffix("| None").lstrip("<>=|")
    if _SEQUENCE.search(text) and not text.startswith("fixed_size_binary"):
        # DuckDB's INTEGER[] and INTEGER[2]
        return "list", _SEQUENCE.sub("", text)
    word, inside = _parts(_STORAGE.sub("", text))
    if word.endswith("with time zone"):
        return "timestamptz", inside
    if word.startswith("interval "):  # the fields of SQL's
        return "interval", inside
    for suffix in _SUFFIXES:
        if word not in _SPELLINGS and word not in _ANYTHING:
            word = word.removesuffix(suffix)
    return word, inside


def _parts(text: str) -> tuple[str, str]:
    found = _PARTS.fullmatch(text)
    return (found[1].lower(), found[2] or "") if found else (text.lower(), "")


def _family(dtype: str) -> tuple[str, str]:
    """Return the family of a dtype in Arrow's words, and what its brackets hold."""
    word, inside = _parts(dtype)
    if word == "timestamp":
        return ("zoned" if "tz=" in inside else "timestamp"), inside
    if word in ("int8", "int16", "int32", "int64"):
        return word, ""
    allowed = _SPELLINGS.get(word, frozenset())
    # In Arrow's words "float" is float32, and no other word has two meanings.
    return ("float" if word == "float" else min(allowed, default=word)), inside


def _moment_allows(inside: str, family: str, own: str) -> bool:
    """Return whether ``[us, UTC]`` and the like allow a moment with or without zone."""
    parts = [re.sub(r"^\s*\w+\s*=", "", part) for part in inside.split(",")]
    parts = [part.strip(" '\"") for part in parts]
    zones = [part for part in parts if part and part.lower() not in _UNITS]
    # timestamp(6) is SQL's; pandas calls a fixed offset UTC+05:30.
    zones = [
        re.sub(r"^UTC(?=[+-])", "", zone) for zone in zones if not zone.isdecimal()
    ]
    if not zones:
        told = any(part.lower() in _UNITS for part in parts)
        return family == "timestamp" or not told
    if family != "zoned":
        return False
    zone = own.partition("tz=")[2]
    return zone == zones[0] or {zone, zones[0]} <= _UTC
