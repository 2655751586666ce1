"""The fingerprint of a table's content; it reads no file, and knows only Arrow.

Scheme ``arrow-1``: for each buffer of each column one xxh3-128 digest, and a
digest over those together with names, types and the number of rows. What is
hashed is what the values are, not how they lie in memory: positions of nulls
(so that nothing under a null counts), lengths of texts and lists, values in
Arrow's little-endian form with all NaNs as one. So chunks, slices, offsets,
large and small layouts, dictionary and run-end encodings make no difference;
names, order of columns, order of rows, types, zones, NaN against null and 0.0
against -0.0 do. A dictionary counts as a type of its own (pandas' category),
and its categories only where the writer says that they are content.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from xxhash import xxh3_128

from assetmake.errors import FrameError
from assetmake.fingerprint import Encodable, digest
from assetmake.frames.types import is_any_list, is_binary, is_nested, is_text

SCHEME = "arrow-1"

#: Types whose values are hashed as they lie in memory, when none is null.
_AS_IT_LIES = frozenset(
    kind.id
    for kind in (
        *(pa.int8(), pa.int16(), pa.int32(), pa.int64()),
        *(pa.uint8(), pa.uint16(), pa.uint32(), pa.uint64()),
        *(pa.date32(), pa.date64(), pa.time32("s"), pa.time64("us")),
        *(pa.timestamp("us"), pa.duration("us")),
    )
)

Path = tuple[int | str, ...]


class TableHash:
    """Take in a table batch by batch, and give its fingerprint at the end.

    Args:
        schema: Of every batch.
        fixed: Categories of those dictionary columns where they are content,
            unused ones and their order included (pandas' category).
        notes: What else counts: index and dtypes that Arrow does not have.
    """

    def __init__(
        self,
        schema: pa.Schema,
        *,
        fixed: Mapping[str, pa.Array] | None = None,
        notes: str = "",
    ) -> None:
        self._columns = tuple((field.name, _tag(field)) for field in schema)
        self._leaves: dict[Path, _Leaf] = {}
        self._counts: dict[Path, int] = {}
        self._notes = notes
        self.rows = 0
        for name, categories in (fixed or {}).items():
            self._feed(("categories", name), categories)

    def update(self, table: pa.Table) -> None:
        """Take in the next rows."""
        self.rows += table.num_rows
        for index, column in enumerate(table.columns):
            for chunk in column.chunks:
                self._feed((index,), chunk)

    def fingerprint(self) -> str:
        """Return the fingerprint of all rows so far, with its scheme."""
        leaves: list[Encodable] = [
            (path, leaf.size, leaf.state.hexdigest())
            for path, leaf in sorted(self._leaves.items(), key=_text_of_path)
            if leaf.size
        ]
        whole = digest(self.rows, self._columns, tuple(leaves), self._notes)
        return f"{SCHEME}:{whole}"

    def _feed(self, path: Path, array: pa.Array) -> None:
        if array.type.id not in _AS_IT_LIES:
            array = plain(array)
        kind = array.type
        if not len(array) or pa.types.is_null(kind):
            return
        start = self._counts.get(path, 0)
        self._counts[path] = start + len(array)
        if array.null_count:
            nulls = pc.indices_nonzero(array.is_null()).to_numpy()
            self._write(path, "nulls", nulls + np.uint64(start))
            array = array.drop_null()
            if not len(array):
                return
        if kind.id in _AS_IT_LIES:
            self._write(path, "values", _bytes(array))
        elif is_text(kind) or is_binary(kind):
            first, last, lengths = _extent(array)
            self._write(path, "lengths", lengths)
            if last > first:
                self._write(path, "data", memoryview(array.buffers()[2])[first:last])
        elif is_nested(kind):
            self._feed_nested(path, array)
        else:
            self._write(path, "values", _values(array))

    def _feed_nested(self, path: Path, array: pa.Array) -> None:
        """Take in lists, maps and structs, of which none is null."""
        kind = array.type
        if pa.types.is_struct(kind):
            children = array.flatten()
        elif pa.types.is_fixed_size_list(kind):
            size = kind.list_size
            children = [array.values.slice(array.offset * size, len(array) * size)]
        elif is_any_list(kind) or pa.types.is_map(kind):
            first, last, lengths = _extent(array)
            self._write(path, "lengths", lengths)
            whole = [array.values]
            if pa.types.is_map(kind):
                whole = [array.keys, array.items]
            children = [child.slice(first, last - first) for child in whole]
        else:
            raise FrameError(f"a column of type {kind} has no fingerprint")
        for index, child in enumerate(children):
            self._feed((*path, index), child)

    def _write(self, path: Path, part: str, data: Any) -> None:
        key = (*path, part)
        leaf = self._leaves.get(key)
        if leaf is None:
            leaf = self._leaves[key] = _Leaf()
        leaf.state.update(data)
        leaf.size += data.nbytes


def _text_of_path(item: tuple[Path, _Leaf]) -> str:
    return repr(item[0])


class _Leaf:
    """What was written of one buffer so far."""

    __slots__ = ("size", "state")

    def __init__(self) -> None:
        self.state = xxh3_128()
        self.size = 0


def plain(array: pa.Array) -> pa.Array:
    """Return an array without what is layout only: encodings, views, wrappers."""
    kind = array.type
    while True:
        if isinstance(kind, pa.BaseExtensionType):
            array = array.storage
        elif pa.types.is_dictionary(kind):
            array = array.dictionary_decode()
        elif pa.types.is_run_end_encoded(kind):
            array = pc.run_end_decode(array)
        elif pa.types.is_string_view(kind):
            array = array.cast(pa.large_string())
        elif pa.types.is_binary_view(kind):
            array = array.cast(pa.large_binary())
        elif pa.types.is_list_view(kind) or pa.types.is_large_list_view(kind):
            array = array.cast(pa.large_list(kind.value_field))
        else:
            return array
        kind = array.type


def _extent(array: pa.Array) -> tuple[int, int, np.ndarray]:
    """Return where an array's data begin and end, and the length of each value."""
    wide = (
        pa.types.is_large_string(array.type)
        or pa.types.is_large_binary(array.type)
        or pa.types.is_large_list(array.type)
    )
    dtype = np.dtype(np.int64 if wide else np.int32)
    offsets = np.frombuffer(
        array.buffers()[1],
        dtype,
        count=len(array) + 1,
        offset=array.offset * dtype.itemsize,
    )
    lengths = np.diff(offsets).astype(np.int64, copy=False)
    return int(offsets[0]), int(offsets[-1]), lengths


def _values(array: pa.Array) -> Any:
    """Return the bytes of fixed-width values, of which none is null."""
    kind = array.type
    if pa.types.is_boolean(kind):
        array = array.cast(pa.uint8())
    view = _bytes(array)
    if not pa.types.is_floating(kind):
        return view
    values = np.frombuffer(view, f"<f{kind.bit_width // 8}")
    # min() is NaN if any value is, and far cheaper than isnan() of all.
    with np.errstate(invalid="ignore"):
        clean = not np.isnan(values.min())
    return values if clean else np.where(np.isnan(values), np.nan, values)


def _bytes(array: pa.Array) -> memoryview:
    """Return the bytes of fixed-width values as they lie in memory."""
    width = array.type.bit_width // 8
    view = memoryview(array.buffers()[1]).cast("B")
    return view[array.offset * width : (array.offset + len(array)) * width]


def _tag(field: pa.Field) -> Encodable:
    """Return what a type is, layout apart, so that no two types agree."""
    kind = field.type
    if isinstance(kind, pa.BaseExtensionType):
        written = getattr(kind, "__arrow_ext_serialize__", None)
        inner = written() if written else str(kind).encode()
        return ("extension", kind.extension_name, inner, _bare_tag(kind.storage_type))
    metadata = field.metadata or {}
    if b"ARROW:extension:name" in metadata:
        # Written as an extension type that is not registered in this process.
        name = metadata[b"ARROW:extension:name"].decode()
        inner = metadata.get(b"ARROW:extension:metadata", b"")
        return ("extension", name, inner, _bare_tag(kind))
    return _bare_tag(kind)


def _bare_tag(kind: pa.DataType) -> Encodable:
    if kind.id in _AS_IT_LIES:
        return ("plain", str(kind))
    if is_text(kind):
        return ("string",)
    if is_binary(kind):
        return ("binary",)
    if is_any_list(kind):
        return ("list", _tag(kind.value_field))
    if pa.types.is_fixed_size_list(kind):
        return ("fixed_size_list", kind.list_size, _tag(kind.value_field))
    if pa.types.is_map(kind):
        return ("map", _tag(kind.key_field), _tag(kind.item_field))
    if pa.types.is_struct(kind):
        return ("struct", tuple((inner.name, _tag(inner)) for inner in kind))
    if pa.types.is_run_end_encoded(kind):
        return _bare_tag(kind.value_type)
    if pa.types.is_dictionary(kind):
        values = _tag(pa.field("", kind.value_type))
        return ("dictionary", values, bool(kind.ordered))
    return ("plain", str(kind))
