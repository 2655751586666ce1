"""Fingerprints of stored content, for what is in place already; it writes nothing."""

from __future__ import annotations

import pyarrow as pa

from assetmake.errors import FrameError
from assetmake.frames import objects, tables
from assetmake.frames.base import Stored, Written
from assetmake.frames.hashing import TableHash
from assetmake.frames.reading import TABLES, UNTYPED, is_untyped, load_form


def fingerprint_table(table: pa.Table) -> str:
    """Return the fingerprint of an Arrow table, scheme ``arrow-1``.

    Raises:
        FrameError: a column is of a type that has no fingerprint (a union).
    """
    content = TableHash(table.schema)
    content.update(table)
    return content.fingerprint()


def fingerprint_stored(stored: Stored) -> Written:
    """Describe what is stored as if it had just been saved.

    A table that assetmake wrote from Python has the fingerprint of then; one
    of pandas' own ``to_parquet`` has that of the frame it holds. CSV without
    types gets the columns that pandas infers, and a note to infer them again.

    Raises:
        FrameError: it cannot be read as its format.
    """
    if stored.format not in TABLES or objects.is_report(stored):
        return objects.fingerprint_report(stored)
    untyped = is_untyped(stored)
    form = load_form(stored, "a table")
    columns = form.columns or tables.columns_of(form.schema)
    if not untyped:
        form = _as_pandas_saves(form, stored)
    content = TableHash(form.schema, fixed=form.fixed, notes=form.notes)
    content.update(form.table)
    extra = {**stored.extra, UNTYPED: True} if untyped else stored.extra
    return Written(content.fingerprint(), content.rows, columns, extra)


def _as_pandas_saves(form: tables.Form, stored: Stored) -> tables.Form:
    """Return the form of the frame that pandas' own notes in a file describe."""
    if form.pandas or b"pandas" not in (form.schema.metadata or {}):
        return form
    from assetmake.frames import pandas_form

    try:
        saved = pandas_form.to_form(form.table.to_pandas(), stored.name)
    except (FrameError, pa.ArrowException, TypeError, ValueError):
        return form
    # An unnamed index would be left out, but in that file it is a column.
    return saved if set(saved.schema.names) == set(form.schema.names) else form
