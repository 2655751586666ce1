"""Relations of DuckDB in the store: the rows of a query, and files to query."""

from __future__ import annotations

import glob
import threading
from collections.abc import Iterator
from typing import Any

import duckdb
import pyarrow as pa

from assetmake.frames import tables
from assetmake.frames.base import Column, Shape, Stored, is_utf8
from assetmake.frames.handler import TableHandler, check_version
from assetmake.frames.physical import simplified
from assetmake.frames.reading import check_table, is_untyped, load_form
from assetmake.frames.tables import Form, form_of

# Before that, a relation died with the object of its connection.
check_version(duckdb, "1.5")


class DuckDBHandler(TableHandler):
    """Keeps the result of a relation; loads a relation over the stored files.

    What an asset loads lies on one connection of its thread, in UTC, so that
    its inputs can be joined; DuckDB's types are the nearest to those in the
    file (text for categories, microseconds where they lose nothing).
    """

    name = "duckdb.DuckDBPyRelation"
    is_lazy = True

    def __init__(self) -> None:
        self._local = threading.local()

    def to_form(self, value: Any, asset: str) -> Form:  # noqa: ARG002 - protocol
        """Return the form of a relation, which is run when it is written."""
        reader = pa.RecordBatchReader.from_stream(value)
        if any(getattr(field.type, "unit", "") == "ns" for field in reader.schema):
            # Whether microseconds will do, only all values can tell.
            with reader:
                return form_of(reader.read_all())
        return Form(reader.schema, _batches(reader))

    def columns(self, value: Any, asset: str) -> tuple[Column, ...]:
        """Return the columns that a file would have, computing no row."""
        with pa.RecordBatchReader.from_stream(value.limit(0)) as reader:
            return tables.planned_columns(form_of(reader.read_all()), asset)

    def load(self, stored: Stored, annotation: Any) -> Any:  # noqa: ARG002 - protocol
        """Return a relation over the files, which are read when it is run."""
        check_table(stored, self.name)
        if _is_for_duckdb(stored):
            return self._connection().read_parquet(
                [str(file) for file in stored.files], hive_partitioning=False
            )
        if is_untyped(stored):
            form = load_form(stored, self.name)
        else:
            form = tables.load(stored, own_types=False)
        return self._connection().from_arrow(simplified(form.table))

    def _connection(self) -> duckdb.DuckDBPyConnection:
        connection: duckdb.DuckDBPyConnection | None
        connection = getattr(self._local, "connection", None)
        if connection is None:
            connection = self._local.connection = duckdb.connect()
            connection.execute("SET TimeZone = 'UTC'")
        return connection

    def shape(self, value: Any) -> Shape | None:
        """Return the columns of a relation; its rows are not known."""
        return Shape(None, tuple(value.columns))

    def close(self) -> None:
        """Forget the connections; a relation in use keeps its own open."""
        self._local = threading.local()


def _batches(reader: pa.RecordBatchReader) -> Iterator[pa.Table]:
    # Closed in any case: an open result blocks its connection.
    with reader:
        for batch in reader:
            yield pa.Table.from_batches([batch])


def _is_for_duckdb(stored: Stored) -> bool:
    """Whether DuckDB itself reads the files as what they are."""
    if stored.format != "parquet" or tables.is_partitioned(stored):
        return False
    if any(glob.has_magic(str(file)) for file in stored.files):
        return False  # DuckDB would take the name for a pattern
    if not all(map(is_utf8, stored.files)):
        return False
    kinds = [field.type for field in tables.load_head(stored).schema]
    return not any(
        pa.types.is_duration(kind)
        or pa.types.is_decimal256(kind)
        or isinstance(kind, pa.BaseExtensionType)
        for kind in kinds
    )
