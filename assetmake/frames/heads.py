"""The first rows of a stored table, as a small table of their own.

What is sampled has the same types and notes as the whole, so that each handler
loads it alike; nothing but the given directory is written.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from assetmake.frames import csv, tables
from assetmake.frames.base import Column, Stored
from assetmake.frames.physical import fit, stored_schema, to_stored
from assetmake.frames.reading import TABLES, is_untyped, read_untyped
from assetmake.frames.types import arrow_type


def head(stored: Stored, directory: Path, rows: int) -> tuple[Stored, bool]:
    """Return the first rows of a table, and whether those are all.

    What is no table is returned as it is. A source in CSV or JSON is read as
    far as that needs, and has the types of those rows.

    Args:
        stored: Of any format.
        directory: Empty; the sample is written there.
        rows: The most that are taken.

    Raises:
        FrameError: it cannot be read.
    """
    if stored.format not in TABLES or not stored.files:
        return stored, True
    if is_untyped(stored):
        return _untyped(stored, directory, rows)
    if stored.format == "csv":
        return _csv(stored, directory, rows)
    table = _first_rows(stored, rows + 1)
    return _written(table, stored, directory, rows)


def empty(name: str, columns: tuple[Column, ...], directory: Path) -> Stored:
    """Return a table of these columns without rows.

    Raises:
        ValueError: a dtype is one that its text does not tell.
    """
    fields = [(column.name, arrow_type(column.dtype)) for column in columns]
    file = directory / "part-00000.parquet"
    _write(pa.schema(fields).empty_table(), file)
    return Stored(name, directory, (file,), "parquet", columns)


def _written(
    table: pa.Table, stored: Stored, directory: Path, rows: int
) -> tuple[Stored, bool]:
    file = directory / "part-00000.parquet"
    small = table.slice(0, rows)
    if tables.NOTES not in (small.schema.metadata or {}):
        # Of somebody else: in types that every reader knows, as an asset's.
        kept = fit(small, stored_schema(small.schema, stored.name))
        small = to_stored(small, kept, stored.name)
    _write(small, file)
    columns = tables.columns_of(small.schema)
    result = Stored(stored.name, directory, (file,), "parquet", columns, stored.extra)
    return result, table.num_rows <= rows


def _write(table: pa.Table, file: Path) -> None:
    with pa.OSFile(os.fsencode(file), "wb") as sink:
        pq.write_table(table, sink)


def _first_rows(stored: Stored, rows: int) -> pa.Table:
    """Return the first rows of Parquet files, with what stands in their metadata."""
    if tables.is_partitioned(stored):
        return tables.partitions(stored).head(rows)
    batches: list[pa.RecordBatch] = []
    schema, left = None, rows
    for file in stored.files:
        with tables.opened(file) as part:
            schema = schema or part.schema_arrow
            for batch in part.iter_batches(batch_size=rows):
                batches.append(batch.slice(0, left))
                left -= batches[-1].num_rows
                if left <= 0:
                    break
        if left <= 0:
            break
    return pa.Table.from_batches(batches, schema)


def _csv(stored: Stored, directory: Path, rows: int) -> tuple[Stored, bool]:
    """Return the first records of typed CSV, byte for byte."""
    files, left = [], rows
    for number, file in enumerate(stored.files):
        records = csv.records(file)
        taken = list(_taken(records, left + 1))  # the header, too
        left -= max(len(taken) - 1, 0)
        files.append(directory / f"part-{number:05d}.csv")
        files[-1].write_bytes(b"".join(taken))
        if left <= 0:
            is_whole = number + 1 == len(stored.files) and not next(records, b"")
            break
    else:
        is_whole = True
    small = Stored(
        stored.name, directory, tuple(files), "csv", stored.columns, stored.extra
    )
    return small, is_whole


def _taken(records: Iterator[bytes], number: int) -> Iterator[bytes]:
    for _ in range(number):
        record = next(records, None)
        if record is None:
            return
        yield record


def _untyped(stored: Stored, directory: Path, rows: int) -> tuple[Stored, bool]:
    from dataclasses import replace

    from assetmake.frames import pandas_form

    first = replace(stored, files=stored.files[:1])
    if stored.format == "csv":
        asked = stored.extra.get("nrows")
        most = rows + 1 if asked is None else min(asked, rows + 1)
        first = replace(first, extra={**stored.extra, "nrows": most})
    frame = read_untyped(first)
    is_whole = len(frame) <= rows and len(stored.files) == 1
    form = pandas_form.to_form(frame.iloc[:rows], stored.name)
    written = tables.save(form, directory, format="parquet", asset=stored.name)
    files = tuple(sorted(directory.iterdir()))
    return Stored(stored.name, directory, files, "parquet", written.columns), is_whole
