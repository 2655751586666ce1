"""Tables in the store: what of them is kept how, in Parquet and CSV, by way of Arrow.

A handler turns its own frames into a `Form` and back; here a form is
fingerprinted, written and read. It knows no library of frames. Arrow's types
are kept as they are, with help where a format has not got them: the file holds
the nearest type that every reader knows (microseconds, not nanoseconds where
none are lost; values, not codes), and notes beside it say what to make of it.
In Parquet the notes stand in the file's metadata under ``assetmake``, in CSV in
the manifest.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.parquet as pq

from assetmake.errors import FrameError
from assetmake.frames import csv
from assetmake.frames.base import Column, FileRecord, Stored, Written
from assetmake.frames.hashing import TableHash
from assetmake.frames.physical import (
    check_names,
    comes_back,
    fit,
    notes_of,
    owned,
    restore,
    stored_schema,
    to_stored,
)
from assetmake.frames.types import arrow_type, dtype_text
from assetmake.frames.writing import hashed_file, write_hashed

if TYPE_CHECKING:
    from pyarrow import dataset

#: Key of the notes in a Parquet file's metadata.
NOTES = b"assetmake"

#: Rows up to which threads cost more than they save.
_SMALL = 1 << 16

#: Rows that a row group of a stream has at least, but for the last.
_GROUP = 1 << 17

#: Bytes of a table up to which making a frame takes longer than copying one.
_COPIED = 1 << 20

#: Bytes up to which a file is read in one call.
_WHOLE = 1 << 20

_Rows = tuple[pa.Table, Mapping[str, Any]]
_Read = Callable[[Stored], _Rows]


@dataclass(frozen=True, slots=True)
class Form:
    """A table on its way to or from the store.

    Attributes:
        schema: Of all batches.
        batches: The rows. A list holds one table in memory; anything else is a
            stream, iterated once and never held as a whole.
        fixed: Categories of the dictionary columns where they are content, in
            order, unused ones included.
        pandas: What pandas needs beyond Arrow's types, as JSON values; see
            `pandas_form`.
        metadata: Of the file: pandas' own notes for its ``read_parquet``.
        columns: As they stand in the file; None for what is not stored yet.
        made: What handlers make of it, to give each reader a copy; None where
            that is not worth its memory.
    """

    schema: pa.Schema
    batches: Iterable[pa.Table]
    fixed: Mapping[str, pa.Array] = field(default_factory=dict)
    pandas: Mapping[str, Any] = field(default_factory=dict)
    metadata: Mapping[bytes, bytes] = field(default_factory=dict)
    columns: tuple[Column, ...] | None = None
    made: dict[str, Any] | None = None

    @property
    def notes(self) -> str:
        """What of `pandas` counts as content, as one text."""
        counted = {k: v for k, v in self.pandas.items() if k != "categories"}
        return json.dumps(counted, sort_keys=True) if counted else ""

    @property
    def table(self) -> pa.Table:
        """The rows of a form in memory."""
        (table,) = self.batches
        return table


def form_of(table: pa.Table, **more: Any) -> Form:
    """Return the form of a table in memory; `more` as `Form` has it."""
    return Form(table.schema, [table], **more)


def save(form: Form, directory: Path, *, format: str, asset: str) -> Written:
    """Write a table as one part file, and return what it holds.

    Args:
        form: Of the table.
        directory: Where ``part-00000.parquet`` or ``part-00000.csv`` goes.
        format: ``parquet`` or ``csv``.
        asset: For messages.

    Raises:
        FrameError: the table would not come back as it is.
    """
    kept = _kept(form, asset)
    notes = notes_of(form.schema, kept, form.fixed, asset)
    if form.pandas:
        notes["pandas"] = dict(form.pandas)
    content = TableHash(form.schema, fixed=form.fixed, notes=form.notes)
    rows = _stored_rows(form, kept, content, asset)
    if format == "csv":
        csv.check(kept, asset)
        files = _write_csv(rows, kept.names, directory, asset)
    else:
        schema = _described(kept, form, notes)
        small = isinstance(form.batches, list) and form.table.num_rows <= _SMALL
        try:
            files = _write_parquet(rows, schema, directory, whole=small)
        except (pa.ArrowInvalid, pa.ArrowNotImplementedError) as error:
            msg = f"`{asset}` cannot be kept as Parquet: {error}"
            hint = "convert that column to a simpler type"
            raise FrameError(msg, hints=hint) from error
    columns = columns_of(kept)
    print_, count = content.fingerprint(), content.rows
    if format == "csv":
        return Written(print_, count, columns, notes, files)
    again = None
    if isinstance(form.batches, list) and comes_back(kept):
        again = partial(_as_read, form, schema, asset)
    return Written(print_, count, columns, {}, files, again)


def _as_read(
    form: Form, schema: pa.Schema, asset: str, most: int
) -> tuple[Form, int] | None:
    """Return what `load` would give, and its size in bytes; see `Written.again`.

    It shares no memory with the value that was saved, whose owner may change it.

    Args:
        form: As it was saved.
        schema: Of the file.
        asset: For messages.
        most: Bytes that it may take.
    """
    table = form.table
    if table.nbytes > most:
        return None
    try:
        kept = to_stored(table, schema.remove_metadata(), asset).combine_chunks()
        copied = owned(kept).replace_schema_metadata(schema.metadata)
    except (pa.ArrowException, MemoryError):
        return None  # the files have it
    made = _restored(*_without_notes(copied))
    size = made.table.get_total_buffer_size()
    if size <= _COPIED:
        made, size = replace(made, made={}), 2 * size
    return (made, size) if size <= most else None


def planned_columns(form: Form, asset: str) -> tuple[Column, ...]:
    """Return the columns that `save` would write; a stream is not read.

    Raises:
        FrameError: the table would not come back as it is.
    """
    return columns_of(_kept(form, asset))


def _kept(form: Form, asset: str) -> pa.Schema:
    """Return the schema of a file of this form."""
    check_names(form.schema.names, asset)
    kept = stored_schema(form.schema, asset)
    return fit(form.table, kept) if isinstance(form.batches, list) else kept


def columns_of(schema: pa.Schema) -> tuple[Column, ...]:
    """Return names and dtypes as the manifest has them."""
    return tuple(Column(field.name, dtype_text(field.type)) for field in schema)


def _stored_rows(
    form: Form, kept: pa.Schema, content: TableHash, asset: str
) -> Iterator[pa.Table]:
    """Yield the rows with the types of the file, hashed on the way."""
    for batch in form.batches:
        content.update(batch)
        yield to_stored(batch, kept, asset)


def _described(kept: pa.Schema, form: Form, notes: Mapping[str, Any]) -> pa.Schema:
    """Return the schema of a Parquet file, with the notes in its metadata."""
    metadata = {**(kept.metadata or {}), **form.metadata}
    if notes:
        metadata[NOTES] = json.dumps(notes, sort_keys=True).encode()
    return kept.with_metadata(metadata or None)


def _write_parquet(
    rows: Iterable[pa.Table], schema: pa.Schema, directory: Path, *, whole: bool
) -> dict[str, FileRecord]:
    path = directory / "part-00000.parquet"
    if whole:  # a small file is written in one call: many short ones cost more
        sink = pa.BufferOutputStream()
        _write_rows(rows, schema, sink)
        return {path.name: write_hashed(path, sink.getvalue())}
    with hashed_file(path) as file:
        with pa.PythonFile(file, "w") as sink:
            _write_rows(rows, schema, sink)
        return {path.name: file.record}


def _write_rows(rows: Iterable[pa.Table], schema: pa.Schema, sink: Any) -> None:
    with pq.ParquetWriter(sink, schema) as writer:
        for group in _grouped(rows):
            writer.write_table(group)


def _grouped(rows: Iterable[pa.Table]) -> Iterator[pa.Table]:
    """Yield the rows of a stream in groups that are worth their own statistics."""
    waiting: list[pa.Table] = []
    count = 0
    for batch in rows:
        waiting.append(batch)
        count += batch.num_rows
        if count >= _GROUP:
            yield waiting[0] if len(waiting) == 1 else pa.concat_tables(waiting)
            waiting, count = [], 0
    if waiting:
        yield waiting[0] if len(waiting) == 1 else pa.concat_tables(waiting)


def _write_csv(
    rows: Iterable[pa.Table], names: Sequence[str], directory: Path, asset: str
) -> dict[str, FileRecord]:
    path = directory / "part-00000.csv"
    with hashed_file(path) as file:
        csv.write_header(file, names)
        for batch in rows:
            csv.write_rows(file, batch, asset)
        return {path.name: file.record}


def load(stored: Stored, *, own_types: bool = True) -> Form:
    """Return a stored table that carries its types: Parquet, or CSV of ours.

    Args:
        stored: In format ``parquet``, or ``csv`` with columns.
        own_types: Whether columns get the types that they were saved from;
            else those that the file has, which more engines know.

    Raises:
        FrameError: a file is damaged, or the parts are not of one table.
    """
    if own_types and stored.lent is not None:
        lent: Form | None = stored.lent.take()
        if lent is not None:
            return lent
    return _load(
        stored, _read_csv if stored.format == "csv" else _read_parquet, own_types
    )


def load_head(stored: Stored) -> Form:
    """Return a stored table in Parquet without its rows.

    Raises:
        FrameError: the first file is damaged.
    """
    return _load(stored, _read_head, own_types=True)


def stream(stored: Stored) -> tuple[pa.Schema, Iterator[pa.RecordBatch]]:
    """Return the schema and the rows of a table in Parquet, never held as a whole.

    Raises:
        FrameError: a file is damaged, or the parts are not of one table; for all
            but the first part, when it comes to their rows.
    """
    schema = load_head(stored).schema
    return schema, _stream(stored, schema)


def _stream(stored: Stored, schema: pa.Schema) -> Iterator[pa.RecordBatch]:
    first = columns_of(_read_head(stored)[0].schema)
    for file in stored.files:
        try:
            with opened(file, ahead=False) as part:
                _check_alike(stored, file, columns_of(part.schema_arrow), first)
                _, notes = _without_notes(part.schema_arrow.empty_table())
                for batch in part.iter_batches(_SMALL):
                    rows = pa.Table.from_batches([batch]).replace_schema_metadata()
                    made, _ = restore(rows, notes)
                    yield from made.replace_schema_metadata(
                        schema.metadata
                    ).to_batches()
        except (pa.ArrowException, OSError, UnicodeError) as error:
            raise _unreadable(stored, error) from error


def _load(stored: Stored, read: _Read, own_types: bool) -> Form:
    if not stored.files:
        raise FrameError(f"`{stored.name}` has no data files in {stored.directory}")
    try:
        table, notes = read(stored)
        if not own_types:
            return form_of(table, columns=columns_of(table.schema))
        return _restored(table, notes)
    except (pa.ArrowException, OSError, UnicodeError) as error:
        raise _unreadable(stored, error) from error


def _unreadable(stored: Stored, error: Exception) -> FrameError:
    msg = f"`{stored.name}` cannot be read as {stored.format}: {error}"
    return FrameError(msg, hints=_way_out(stored))


def _restored(table: pa.Table, notes: Mapping[str, Any]) -> Form:
    """Return the form of a table with the types of a file, and the notes beside it."""
    columns = columns_of(table.schema)
    table, fixed = restore(table, notes)
    return form_of(table, fixed=fixed, pandas=notes.get("pandas", {}), columns=columns)


def _way_out(stored: Stored) -> str:
    if stored.is_source:
        return f"replace the files of `{stored.name}`, or give `format=`"
    return f"run `assetmake -B {stored.name}` to build it again"


def _read_csv(stored: Stored) -> _Rows:
    schema = pa.schema(
        [(column.name, arrow_type(column.dtype)) for column in stored.columns or ()]
    )
    parts = [csv.read_part(file, schema) for file in stored.files]
    return pa.concat_tables(parts), stored.extra


def _read_parquet(stored: Stored) -> _Rows:
    if is_partitioned(stored):
        return partitions(stored).to_table(), {}
    parts = [_read_part(file) for file in stored.files]
    first = columns_of(parts[0].schema)
    for file, part in zip(stored.files, parts, strict=True):
        _check_alike(stored, file, columns_of(part.schema), first)
    whole = parts[0] if len(parts) == 1 else pa.concat_tables(parts)
    return _without_notes(whole)


def _read_head(stored: Stored) -> _Rows:
    with opened(stored.files[0]) as part:
        return _without_notes(part.schema_arrow.empty_table())


def _without_notes(table: pa.Table) -> _Rows:
    metadata = dict(table.schema.metadata or {})
    notes = metadata.pop(NOTES, None)
    if notes is None:
        return table, {}
    return table.replace_schema_metadata(metadata or None), json.loads(notes)


def _check_alike(
    stored: Stored, file: Path, columns: Sequence[Column], first: Sequence[Column]
) -> None:
    """Refuse a part that has other columns than the first."""
    if columns != first:
        msg = (
            f"`{stored.name}`: {file.name} has columns {_listed(columns)}, "
            f"and {stored.files[0].name} has {_listed(first)}"
        )
        raise FrameError(msg, hints=_way_out(stored))


def _listed(columns: Sequence[Column]) -> str:
    return ", ".join(f"{column.name} ({column.dtype})" for column in columns)


@contextmanager
def opened(file: Path, *, ahead: bool = True) -> Iterator[pq.ParquetFile]:
    """Open a Parquet file for reading, whatever its path.

    Args:
        file: Its path.
        ahead: Whether what is asked for is read at once; else bit by bit.
    """
    # Not read_table(): it goes by way of datasets and file systems, which costs
    # four times as much for a small file. Nor many short reads, for the same
    # reason: a small file is read whole, a large one by ranges.
    if file.stat().st_size <= _WHOLE:
        with pq.ParquetFile(pa.BufferReader(file.read_bytes())) as part:
            yield part
    else:
        with (
            pa.OSFile(os.fsencode(file)) as bytes_,
            pq.ParquetFile(
                bytes_, pre_buffer=ahead, buffer_size=0 if ahead else _WHOLE
            ) as part,
        ):
            yield part


def _read_part(file: Path) -> pa.Table:
    with opened(file) as part:
        return part.read(use_threads=part.metadata.num_rows > _SMALL)


def is_partitioned(stored: Stored) -> bool:
    """Whether a source's directories hold values, as ``year=2010/`` does."""
    if not stored.is_source or not stored.files:
        return False
    inner = os.path.relpath(stored.files[0].parent, stored.directory)
    return any("=" in part for part in Path(inner).parts)


def partitions(stored: Stored) -> dataset.Dataset:
    """Return a source whose directories hold values, which become columns."""
    from pyarrow import dataset

    return dataset.dataset(
        [str(file) for file in stored.files],
        format="parquet",
        partitioning="hive",
        partition_base_dir=str(stored.directory),
    )
