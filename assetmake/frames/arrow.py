"""Tables and streams of pyarrow in the store: their columns, as they are."""

from __future__ import annotations

from typing import Any

import pyarrow as pa

from assetmake.frames.base import Shape, Stored
from assetmake.frames.handler import TableHandler
from assetmake.frames.reading import check_table
from assetmake.frames.tables import Form, form_of, is_partitioned, stream


class ArrowHandler(TableHandler):
    """Keeps a Table; pandas' notes in its metadata are left out, both ways.

    An index that pandas kept is a column here. Types are the same when they
    come back, but for layout: a view may come as large_string, say.
    """

    name = "pyarrow.Table"

    def to_form(self, value: Any, asset: str) -> Form:  # noqa: ARG002 - protocol
        """Return the form of a table."""
        return form_of(_bare(value))

    def from_form(self, form: Form) -> Any:
        """Return a table."""
        return _bare(form.table)

    def shape(self, value: Any) -> Shape | None:
        """Return rows and columns of a table."""
        return Shape(value.num_rows, tuple(value.column_names))


class ReaderHandler(ArrowHandler):
    """Keeps what a RecordBatchReader yields, batch by batch."""

    name = "pyarrow.RecordBatchReader"
    is_lazy = True

    def to_form(self, value: Any, asset: str) -> Form:  # noqa: ARG002 - protocol
        """Return the form of a stream, which is read when it is written."""
        return Form(value.schema, (pa.Table.from_batches([batch]) for batch in value))

    def from_form(self, form: Form) -> Any:
        """Return a reader of a table in memory."""
        return _bare(form.table).to_reader()

    def load(self, stored: Stored, annotation: Any) -> Any:
        """Return a reader of the files, batch by batch; of CSV, of a whole table."""
        check_table(stored, self.name)
        if stored.format != "parquet" or is_partitioned(stored):
            return super().load(stored, annotation)
        schema, batches = stream(stored)
        bare = _bare(schema.empty_table()).schema
        return pa.RecordBatchReader.from_batches(
            bare, (batch.replace_schema_metadata(bare.metadata) for batch in batches)
        )

    def shape(self, value: Any) -> Shape | None:
        """Return the columns of a stream; its rows are not known."""
        return Shape(None, tuple(value.schema.names))


def _bare(table: pa.Table) -> pa.Table:
    metadata = dict(table.schema.metadata or {})
    if metadata.pop(b"pandas", None) is None:
        return table
    return table.replace_schema_metadata(metadata or None)
