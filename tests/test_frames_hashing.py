"""What counts in the fingerprint of a table, and what does not."""

from __future__ import annotations

import datetime as dt
import itertools

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from assetmake.frames.content import fingerprint_table
from assetmake.frames.hashing import TableHash
from assetmake.frames.same import same

NAN = float("nan")
#: A NaN with another payload, as computations on other machines may leave.
OTHER_NAN = np.frombuffer(np.uint64(0xFFF8_0000_0000_0001).tobytes())[0]


def table(**columns):
    return pa.table(columns)


#: Tables that look alike and are not the same.
DIFFERENT = {
    "a": table(a=[1, 2, 3]),
    "another name": table(b=[1, 2, 3]),
    "another order of rows": table(a=[1, 3, 2]),
    "a row less": table(a=[1, 2]),
    "a row twice": table(a=[1, 2, 3, 3]),
    "int32": table(a=pa.array([1, 2, 3], pa.int32())),
    "uint64": table(a=pa.array([1, 2, 3], pa.uint64())),
    "floats": table(a=[1.0, 2.0, 3.0]),
    "text": table(a=["1", "2", "3"]),
    "bytes": table(a=[b"1", b"2", b"3"]),
    "texts cut elsewhere": table(a=["12", "", "3"]),
    "a null": table(a=[1, None, 3]),
    "a null elsewhere": table(a=[None, 1, 3]),
    "zero for the null": table(a=[1, 0, 3]),
    "an empty text": table(a=["1", "", "3"]),
    "a null for the empty text": table(a=["1", None, "3"]),
    "NaN": table(a=[1.0, NAN, 3.0]),
    "null for NaN": table(a=[1.0, None, 3.0]),
    "0.0": table(a=[1.0, 0.0, 3.0]),
    "-0.0": table(a=[1.0, -0.0, 3.0]),
    "two columns": table(a=[1, 2, 3], b=[4, 5, 6]),
    "the columns swapped": table(b=[4, 5, 6], a=[1, 2, 3]),
    "the values swapped": table(a=[4, 5, 6], b=[1, 2, 3]),
    "no rows": table(a=pa.array([], pa.int64())),
    "no rows, other type": table(a=pa.array([], pa.int32())),
    "no rows, other name": table(b=pa.array([], pa.int64())),
    "no columns": table(),
    "only nulls": table(a=pa.nulls(3)),
    "only nulls, typed": table(a=pa.nulls(3, pa.int64())),
    "a moment": table(a=pa.array([0], pa.timestamp("us"))),
    "in milliseconds": table(a=pa.array([0], pa.timestamp("ms"))),
    "in UTC": table(a=pa.array([0], pa.timestamp("us", "UTC"))),
    "in Berlin": table(a=pa.array([0], pa.timestamp("us", "Europe/Berlin"))),
    "a span": table(a=pa.array([0], pa.duration("us"))),
    "a day": table(a=pa.array([0], pa.date32())),
    "decimal": table(a=pa.array([0], pa.decimal128(10, 2))),
    "decimal, other scale": table(a=pa.array([0], pa.decimal128(10, 3))),
    "category": table(a=pa.array(["1", "2", "3"]).dictionary_encode()),
    "lists": table(a=[[1], [2, 3], []]),
    "lists cut elsewhere": table(a=[[1, 2], [3], []]),
    "null for the empty list": table(a=[[1], [2, 3], None]),
    "null in a list": table(a=[[1], [2, None], []]),
    "fixed lists": table(a=pa.array([[1, 2]], pa.list_(pa.int64(), 2))),
    "a list of two": table(a=[[1, 2]]),
    "structs": table(a=[{"x": 1, "y": 2}]),
    "structs, other names": table(a=[{"x": 1, "z": 2}]),
    "null struct": table(a=pa.array([None], pa.struct([("x", pa.int64())]))),
    "struct of null": table(a=[{"x": None}]).cast(
        pa.schema([("a", pa.struct([("x", pa.int64())]))])
    ),
    "map": table(a=pa.array([[("k", 1)]], pa.map_(pa.string(), pa.int64()))),
    "truth": table(a=[True, False, True]),
    "other truth": table(a=[True, False, False]),
}


def test_tables_that_differ_have_different_fingerprints():
    """Names, order, types, nulls and values all count."""
    names = {}
    for name, content in DIFFERENT.items():
        names.setdefault(fingerprint_table(content), []).append(name)

    assert [same_ones for same_ones in names.values() if len(same_ones) > 1] == []


BIG = table(
    i=[1, None, 3, 4, None, 6],
    f=[1.5, NAN, None, -0.0, 0.0, float("inf")],
    b=[True, None, False, True, True, None],
    s=["a", None, "", "déjà", "b" * 100, "c"],
    l=[[1, None], None, [], [2], [3, 4, 5], None],
    d=[{"x": 1, "y": [None, "z"]}, None, {"x": None, "y": None}, None, None, None],
    m=pa.array(
        [[("a", 1)], None, [], [("b", None), ("c", 3)], None, []],
        pa.map_(pa.string(), pa.int64()),
    ),
    p=pa.array([[1, 2], None, [None, 4], [5, 6], None, [7, 8]], pa.list_(pa.int8(), 2)),
    t=pa.array([1, None, 3, 4, 5, 6], pa.timestamp("us", "UTC")),
    n=pa.nulls(6),
    c=pa.array(["x", None, "y", "x", "x", "y"]).dictionary_encode(),
)


def pieces(content, *cuts):
    """Return a table of the same rows, in other chunks and with offsets."""
    edges = itertools.pairwise([0, *cuts, content.num_rows])
    return pa.concat_tables([content.slice(a, b - a) for a, b in edges])


def rebuilt(content):
    """Return a table of the same rows in new memory."""
    arrays = [
        pa.array(column.to_pylist(), column.type)
        if not pa.types.is_dictionary(column.type)
        else pa.array(column.to_pylist(), column.type.value_type).dictionary_encode()
        for column in content.columns
    ]
    return pa.Table.from_arrays(arrays, names=content.column_names)


@pytest.mark.parametrize(
    "other",
    [
        pieces(BIG, 1),
        pieces(BIG, 1, 2, 3, 4, 5),
        pieces(BIG, 3, 3),
        pa.concat_tables([BIG.slice(0, 0), BIG]),
        BIG.combine_chunks(),
        rebuilt(BIG),
        BIG.replace_schema_metadata({"by": "somebody"}),
    ],
    ids=["two", "six", "empty chunk", "empty first", "combined", "rebuilt", "metadata"],
)
def test_chunks_and_offsets_do_not_count(other):
    """One table has one fingerprint, however it lies in memory."""
    assert fingerprint_table(other) == fingerprint_table(BIG)


def test_a_slice_is_the_rows_it_shows():
    """What lies before and behind a slice does not count."""
    part = BIG.slice(2, 3)

    assert fingerprint_table(part) == fingerprint_table(rebuilt(part))


def test_batches_give_the_fingerprint_of_the_whole():
    """A stream need not be held in memory to be known."""
    content = TableHash(BIG.schema)
    for start in range(6):
        content.update(BIG.slice(start, 1))

    assert content.fingerprint() == fingerprint_table(BIG)
    assert content.rows == 6


def buffered(values, mask):
    """Return an array with `values` also where the mask says null."""
    data = pa.py_buffer(np.array(values))
    bits = pa.array(mask).buffers()[1]
    return pa.Array.from_buffers(pa.int64(), len(values), [bits, data])


LAYOUTS = {
    "what lies under a null": (
        buffered([1, 77, 3], [True, False, True]),
        pa.array([1, None, 3]),
    ),
    "a null bitmap without nulls": (
        buffered([1, 2, 3], [True, True, True]),
        pa.array([1, 2, 3]),
    ),
    "large text": (pa.array(["a", None, "b"], pa.large_string()), ["a", None, "b"]),
    "views of text": (pa.array(["a", None, "b"], pa.string_view()), ["a", None, "b"]),
    "large lists": (pa.array([[1], None], pa.large_list(pa.int64())), [[1], None]),
    "names of items": (
        pa.array([[1]], pa.list_(pa.field("element", pa.int64()))),
        [[1]],
    ),
    "order of a dictionary": (
        pa.DictionaryArray.from_arrays([1, 0, None], ["b", "a"]),
        pa.DictionaryArray.from_arrays([0, 1, None], ["a", "b"]),
    ),
    "unused entries of a dictionary": (
        pa.DictionaryArray.from_arrays([0, 0], ["a", "b"]),
        pa.DictionaryArray.from_arrays([0, 0], ["a"]),
    ),
    "width of indices": (
        pa.DictionaryArray.from_arrays(pa.array([0, 0], pa.uint8()), ["a"]),
        pa.DictionaryArray.from_arrays([0, 0], ["a"]),
    ),
    "a null in the dictionary": (
        pa.DictionaryArray.from_arrays([0, 1], ["a", None]),
        pa.DictionaryArray.from_arrays([0, None], ["a"]),
    ),
    "run ends": (
        pa.RunEndEncodedArray.from_arrays([2, 3], [1, 2]),
        pa.array([1, 1, 2]),
    ),
    "payload of a NaN": (pa.array(np.array([OTHER_NAN, 1.0])), pa.array([NAN, 1.0])),
    "nullability of a field": (
        pa.array([[1]], pa.list_(pa.field("item", pa.int64(), nullable=False))),
        [[1]],
    ),
}


@pytest.mark.parametrize(("one", "other"), LAYOUTS.values(), ids=LAYOUTS)
def test_layout_does_not_count(one, other):
    """Values are compared, not the way in which Arrow lays them out."""
    assert fingerprint_table(table(a=one)) == fingerprint_table(table(a=other))


def test_categories_count_where_they_are_content():
    """Unused categories and their order are part of a pandas dtype."""
    content = table(a=pa.DictionaryArray.from_arrays([0, 0], ["a", "b"]))
    prints = set()
    for categories in (["a", "b"], ["b", "a"], ["a"]):
        hashed = TableHash(content.schema, fixed={"a": pa.array(categories)})
        hashed.update(content)
        prints.add(hashed.fingerprint())

    assert len(prints) == 3


def test_an_extension_type_need_not_be_registered():
    """A file reads alike in a process that has not imported its library."""
    storage = pa.array([1, None])

    class Degrees(pa.ExtensionType):
        def __init__(self, unit):
            self.unit = unit
            super().__init__(pa.int64(), "test.degrees")

        def __arrow_ext_serialize__(self):
            return self.unit

        @classmethod
        def __arrow_ext_deserialize__(cls, storage_type, serialized):
            return cls(serialized)

    known = {
        unit: table(a=pa.ExtensionArray.from_storage(Degrees(unit), storage))
        for unit in (b"F", b"C")
    }
    metadata = {"ARROW:extension:name": "test.degrees", "ARROW:extension:metadata": "F"}
    field = pa.field("a", pa.int64(), metadata=metadata)
    unknown = pa.table([storage], schema=pa.schema([field]))

    assert fingerprint_table(known[b"F"]) == fingerprint_table(unknown)
    assert fingerprint_table(known[b"C"]) != fingerprint_table(unknown)
    assert fingerprint_table(table(a=storage)) != fingerprint_table(unknown)


def test_a_union_has_no_fingerprint():
    """A type that no format keeps is refused, not ignored."""
    union = pa.UnionArray.from_dense(
        pa.array([0], pa.int8()), pa.array([0], pa.int32()), [pa.array([1])]
    )

    with pytest.raises(Exception, match="has no fingerprint"):
        fingerprint_table(table(a=union))


def test_the_fingerprint_is_stable():
    """A change of it would make every table of every user stale: name a new scheme."""
    moment = dt.datetime(2010, 4, 1, 12, tzinfo=dt.UTC)
    content = table(a=[1, None], s=["x", ""], t=[moment, None], l=[[1.5], None])

    assert fingerprint_table(content) == "arrow-1:c376baa7c8077176c906d2c0297c604b"


SCALARS = {
    pa.int64(): st.integers(-(2**63), 2**63 - 1),
    pa.float64(): st.floats(),
    pa.string(): st.text(st.characters(exclude_categories=["Cs"]), max_size=3),
    pa.binary(): st.binary(max_size=3),
    pa.bool_(): st.booleans(),
    pa.list_(pa.int8()): st.lists(st.none() | st.integers(-2, 2), max_size=2),
    pa.list_(pa.string()): st.lists(st.none() | st.text("ab", max_size=2), max_size=2),
    pa.struct([("x", pa.int8()), ("y", pa.string())]): st.fixed_dictionaries(
        {
            "x": st.none() | st.integers(-2, 2),
            "y": st.none() | st.text("ab", max_size=2),
        }
    ),
}


@st.composite
def tables(draw):
    names = draw(st.lists(st.text("ab", max_size=2), max_size=2, unique=True))
    rows = draw(st.integers(0, 3))
    columns = {}
    for name in names:
        kind = draw(st.sampled_from(list(SCALARS)))
        values = st.none() | SCALARS[kind]
        listed = draw(st.lists(values, min_size=rows, max_size=rows))
        columns[name] = pa.array(listed, kind)
    return pa.table(columns)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(tables(), tables(), st.integers(0, 3))
def test_equal_tables_and_only_those_have_equal_fingerprints(one, other, cut):
    """Neither two tables with one fingerprint, nor one table with two."""
    alike = (
        one.schema == other.schema
        and one.num_rows == other.num_rows
        and same(one.to_pydict(), other.to_pydict())
        and signs(one) == signs(other)
    )

    assert (fingerprint_table(one) == fingerprint_table(other)) == alike
    assert fingerprint_table(pieces(one, min(cut, one.num_rows))) == (
        fingerprint_table(one)
    )


def signs(content):
    """Return the signs of all zeros: 0.0 == -0.0, and they are not the same."""
    floats = [c for c in content.columns if pa.types.is_floating(c.type)]
    return [[str(v) for v in c.to_pylist() if v == 0] for c in floats]
