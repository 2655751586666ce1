"""Arrow types as text and back."""

from __future__ import annotations

import pyarrow as pa
import pytest

from assetmake.frames.types import arrow_type, dtype_text

SIMPLE = [
    *(pa.int8(), pa.int16(), pa.int32(), pa.int64()),
    *(pa.uint8(), pa.uint16(), pa.uint32(), pa.uint64()),
    *(pa.float16(), pa.float32(), pa.float64(), pa.bool_(), pa.null()),
    *(pa.string(), pa.large_string(), pa.string_view()),
    *(pa.binary(), pa.large_binary(), pa.binary_view(), pa.binary(16)),
    *(pa.date32(), pa.date64(), pa.time32("s"), pa.time32("ms"), pa.time64("ns")),
    *(pa.timestamp("s"), pa.timestamp("ns", "Europe/Berlin"), pa.duration("ms")),
    *(pa.timestamp("us", "+05:30"), pa.decimal128(10, 2), pa.decimal256(50, -2)),
    pa.dictionary(pa.int8(), pa.string()),
    pa.dictionary(pa.uint32(), pa.timestamp("us", "UTC"), ordered=True),
]

NESTED = [
    pa.list_(pa.int64()),
    pa.large_list(pa.list_(pa.string())),
    pa.list_(pa.field("item", pa.int64(), nullable=False)),
    pa.list_(pa.int8(), 3),
    pa.struct([("a", pa.decimal128(10, 2)), ("b c", pa.list_(pa.int32()))]),
    pa.map_(pa.string(), pa.list_(pa.struct([("x", pa.float64())]))),
]


@pytest.mark.parametrize("kind", [*SIMPLE, *NESTED], ids=str)
def test_a_type_comes_back_from_its_text(kind):
    """Also with zones, digits, and other types inside."""
    assert arrow_type(str(kind)) == kind


@pytest.mark.parametrize(
    "text",
    ["", "integer", "list<>", "timestamp[days]", "struct<a, b: int64>", "map<string>"],
)
def test_what_is_no_type_is_refused(text):
    """Text that is not Arrow's spelling of a type is no type."""
    with pytest.raises(ValueError, match=r"no Arrow type|unpack"):
        arrow_type(text)


@pytest.mark.parametrize(
    ("kind", "text"),
    [
        (pa.large_string(), "string"),
        (pa.string_view(), "string"),
        (pa.large_binary(), "binary"),
        (pa.large_list(pa.large_string()), "list<item: string>"),
        (pa.list_(pa.field("element", pa.int8())), "list<item: int8>"),
        (pa.list_(pa.large_string(), 2), "fixed_size_list<item: string>[2]"),
        (pa.struct([("a", pa.large_string())]), "struct<a: string>"),
        (pa.map_(pa.large_string(), pa.int8()), "map<string, int8>"),
        (
            pa.dictionary(pa.uint8(), pa.large_string()),
            "dictionary<values=string, indices=int32, ordered=0>",
        ),
        (pa.run_end_encoded(pa.int32(), pa.int64()), "int64"),
        (pa.timestamp("us", "UTC"), "timestamp[us, tz=UTC]"),
    ],
    ids=str,
)
def test_layout_has_no_part_in_the_text(kind, text):
    """The manifest reads alike, whichever library wrote the table."""
    assert dtype_text(kind) == text
