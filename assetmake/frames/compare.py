"""In what a table or report that was made again differs from the stored one.

Files are read batch by batch. Rows are compared one by one, and as a whole
without their order, by 64-bit hashes of their values, which tell null, NaN and
the sign of zero apart as a fingerprint does. Decides nothing.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import zip_longest
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from assetmake.frames.base import Column, Stored
from assetmake.frames.hashing import plain
from assetmake.frames.reading import load_form
from assetmake.frames.types import is_binary, is_text

#: Rows that are compared at once.
_ROWS = 1 << 16
#: Bytes of a column that are read at once.
_BUFFER = 1 << 20
#: Characters of a value that are kept.
_LONGEST = 60
_BITS = 1 << 64
_NULL, _SEED = 0x9E3779B97F4A7C15, 0xC2B2AE3D27D4EB4F

#: The hashes of one column's next rows: of the stored table, and of the other.
_Pair = tuple[np.ndarray, np.ndarray]


@dataclass(frozen=True, slots=True)
class Deviation:
    """One way in which what came out again differs from what is stored.

    Attributes:
        kind: ``type`` (of the value), ``lacks`` or ``extra`` (a column),
            ``dtype`` (of a column), ``columns`` (their order), ``rows`` (their
            number), ``values`` (of a column), ``combined`` (each column has
            the same values, in other rows), ``notes`` (index, categories and
            the like), ``line`` (of a report) or ``file`` (its name).
        column: Its name, where it is about one.
        rows: How many rows differ; None where rows have no order.
        row: The first of them, from 0; of a report, the line, from 1.
        stored: What is stored, as text.
        again: What came out again.
    """

    kind: str
    column: str = ""
    rows: int | None = None
    row: int | None = None
    stored: str = ""
    again: str = ""


def compare_tables(
    stored: Stored, again: Stored, rows: tuple[int, int], *, ordered: bool
) -> tuple[Deviation, ...]:
    """Return in what two tables differ; nothing if just the rows' order does.

    Args:
        stored: As it was stored, with its columns.
        again: As it came out again.
        rows: How many each has.
        ordered: Whether the order of rows counts.
    """
    found = list(_schemas(stored.columns or (), again.columns or ()))
    if rows[0] != rows[1]:
        more = Deviation("rows", stored=f"{rows[0]:,}", again=f"{rows[1]:,}")
        return (*found, more)
    dtypes = {column.name: column.dtype for column in again.columns or ()}
    columns = {
        column.name: _Compared()
        for column in stored.columns or ()
        if dtypes.get(column.name) == column.dtype
    }
    whole = _Whole()
    for one, other in _aligned(stored, again):
        pairs = []
        for name, compared in columns.items():
            values = one.column(name), other.column(name)
            pairs.append((_hashes(values[0]), _hashes(values[1])))
            compared.update(values, pairs[-1])
        whole.update(pairs, one.num_rows)
    if not found and whole.is_equal():
        moved = ordered and any(compared.rows for compared in columns.values())
        return () if moved else (Deviation("notes"),)
    for name, compared in columns.items():
        found += compared.deviations(name, ordered=ordered)
    return tuple(found or [Deviation("combined")])


def compare_files(stored: Path, again: Path) -> tuple[Deviation, ...]:
    """Return the first line in which two files differ, else how their names do."""
    with stored.open("rb") as one, again.open("rb") as other:
        for number, (before, now) in enumerate(zip_longest(one, other), 1):
            if before != now:
                texts = (_line(before), _line(now))
                return (Deviation("line", "", None, number, *texts),)
    return (Deviation("file", stored=stored.name, again=again.name),)


def _line(data: bytes | None) -> str:
    if data is None:
        return "nothing"
    return repr(data.decode("utf-8", "backslashreplace").rstrip("\n"))[:_LONGEST]


def _schemas(stored: Sequence[Column], again: Sequence[Column]) -> Iterator[Deviation]:
    before = {column.name: column.dtype for column in stored}
    now = {column.name: column.dtype for column in again}
    for name, dtype in before.items():
        if name not in now:
            yield Deviation("lacks", name, stored=dtype)
        elif dtype != now[name]:
            yield Deviation("dtype", name, stored=dtype, again=now[name])
    for name, dtype in now.items():
        if name not in before:
            yield Deviation("extra", name, again=dtype)
    if before.keys() == now.keys() and list(before) != list(now):
        yield Deviation("columns", stored=", ".join(before), again=", ".join(now))


class _Compared:
    """What was seen of one column so far."""

    def __init__(self) -> None:
        self.rows = 0
        self._first: tuple[int, str, str] | None = None
        self._sums = [0, 0]
        self._seen = 0

    def update(
        self, values: tuple[pa.ChunkedArray, pa.ChunkedArray], hashes: _Pair
    ) -> None:
        """Take in the next rows of both tables."""
        places = np.flatnonzero(hashes[0] != hashes[1])
        if len(places) and self._first is None:
            place = int(places[0])
            texts = [_text(column[place].as_py()) for column in values]
            self._first = (self._seen + place, texts[0], texts[1])
        self.rows += len(places)
        self._seen += len(hashes[0])
        for side in (0, 1):
            self._sums[side] = (self._sums[side] + _total(_mixed(hashes[side]))) % _BITS

    def deviations(self, name: str, *, ordered: bool) -> Iterator[Deviation]:
        """Yield the deviation of the column, if there is one."""
        if ordered and self._first is not None:
            yield Deviation("values", name, self.rows, *self._first)
        elif self._sums[0] != self._sums[1]:
            yield Deviation("values", name)


class _Whole:
    """Sums over all rows, of two hashes each: equal whatever the order is."""

    def __init__(self) -> None:
        self._sums = [[0, 0], [0, 0]]

    def update(self, columns: Sequence[_Pair], rows: int) -> None:
        """Take in the hashes of the next rows, column by column."""
        for side in (0, 1):
            for number, seed in enumerate((_NULL, _SEED)):
                total = np.full(rows, seed, np.uint64)
                for pair in columns:
                    total = _mixed(total * np.uint64(31) + pair[side])
                self._sums[side][number] += _total(total)

    def is_equal(self) -> bool:
        """Return whether both tables have the same rows, in whatever order."""
        one, other = self._sums
        return all((a - b) % _BITS == 0 for a, b in zip(one, other, strict=True))


def _total(hashes: np.ndarray) -> int:
    return int(hashes.sum(dtype=np.uint64))


def _mixed(hashes: np.ndarray) -> np.ndarray:
    """Return hashes of which each bit hangs on all bits of the given ones.

    The finalizer of SplitMix64, https://prng.di.unimi.it/splitmix64.c.
    """
    hashes = (hashes ^ (hashes >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    hashes = (hashes ^ (hashes >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    mixed: np.ndarray = hashes ^ (hashes >> np.uint64(31))
    return mixed


def _hashes(column: pa.ChunkedArray) -> np.ndarray:
    """Return a hash of each value, nulls included."""
    if not len(column):
        return np.zeros(0, np.uint64)
    array = plain(pa.concat_arrays(column.chunks))
    valid = array.is_valid().to_numpy(zero_copy_only=False)
    if not valid.any():
        return np.full(len(array), _NULL, np.uint64)
    return np.where(valid, _values(array), np.uint64(_NULL))


def _values(array: pa.Array) -> np.ndarray:
    """Return a hash of each value; what stands under a null is any."""
    kind = array.type
    if is_text(kind) or is_binary(kind):
        objects = array.to_numpy(zero_copy_only=False)
        return pd.util.hash_array(objects, categorize=False)
    if pa.types.is_boolean(kind):
        array = array.cast(pa.uint8())
    width = 0 if kind.num_fields else getattr(array.type, "bit_width", 0) // 8
    if width not in (1, 2, 4, 8):  # decimals, lists, structs
        texts = np.array([repr(value) for value in array.to_pylist()], object)
        return pd.util.hash_array(texts, categorize=False)
    offset = array.offset * width
    bits = np.frombuffer(
        array.buffers()[1], f"<u{width}", count=len(array), offset=offset
    )
    if pa.types.is_floating(kind):
        floats = bits.view(f"<f{width}")
        bits = np.where(np.isnan(floats), np.full(1, np.nan, floats.dtype), floats)
        bits = bits.view(f"<u{width}")
    return _mixed(bits.astype(np.uint64) + np.uint64(_SEED))


def _aligned(stored: Stored, again: Stored) -> Iterator[tuple[pa.Table, pa.Table]]:
    """Yield the rows of two tables of as many rows, the same number of each."""
    one, other = _batches(stored), _batches(again)
    left = right = pa.table({})
    while True:
        if not left.num_rows:
            left = next(one, None)
        if not right.num_rows:
            right = next(other, None)
        if left is None or right is None:
            return
        rows = min(left.num_rows, right.num_rows)
        yield left.slice(0, rows), right.slice(0, rows)
        left, right = left.slice(rows), right.slice(rows)


def _batches(stored: Stored) -> Iterator[pa.Table]:
    """Yield the rows of a table, from whatever format; none of no rows."""
    if stored.format != "parquet":
        table = load_form(stored, "a table").table
        for start in range(0, table.num_rows, _ROWS):
            yield table.slice(start, _ROWS)
        return
    for file in stored.files:
        with pq.ParquetFile(file, buffer_size=_BUFFER) as part:
            # A group of rows at a time: a reader of all keeps what it has read.
            for group in range(part.num_row_groups):
                for batch in part.iter_batches(_ROWS, [group], use_threads=False):
                    if batch.num_rows:
                        yield pa.Table.from_batches([batch])


def _text(value: Any) -> str:
    if value is None:
        return "null"
    plainly = isinstance(value, str | bytes | float)
    return (repr(value) if plainly else str(value))[:_LONGEST]
