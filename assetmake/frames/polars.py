"""DataFrames and LazyFrames of polars in the store."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, cast

import polars as pl
import pyarrow as pa

from assetmake.errors import FrameError
from assetmake.frames.base import Column, Shape, Stored, is_utf8
from assetmake.frames.handler import TableHandler, check_version
from assetmake.frames.physical import simplified
from assetmake.frames.reading import check_table
from assetmake.frames.tables import (
    Form,
    form_of,
    is_partitioned,
    load_head,
    planned_columns,
)
from assetmake.frames.types import is_text

# Before that, `collect_batches` swallowed errors, and the rows behind them.
check_version(pl, "1.38")

#: Rows that a LazyFrame is asked for at once, and of a row group then.
_ROWS = 1 << 18

#: The layout of text that every writer of Parquet knows.
_LEVEL = pl.CompatLevel.oldest()


class PolarsHandler(TableHandler):
    """Keeps a DataFrame; the categories of an Enum are part of its dtype."""

    name = "polars.DataFrame"

    def to_form(self, value: Any, asset: str) -> Form:
        """Return the form of a frame, which shares its memory."""
        table = _to_arrow(value, asset)
        return form_of(table, fixed=_enums(value.schema, table))

    def from_form(self, form: Form) -> Any:
        """Return a DataFrame."""
        table = simplified(form.table)
        frame = cast(pl.DataFrame, pl.from_arrow(table))
        return frame.cast(cast(Any, _ordered(form)))

    def shape(self, value: Any) -> Shape | None:
        """Return rows and columns of a frame."""
        return Shape(value.height, tuple(value.columns))


class LazyHandler(PolarsHandler):
    """Keeps what a LazyFrame yields, streaming; loads one that scans the files."""

    name = "polars.LazyFrame"
    is_lazy = True

    def to_form(self, value: Any, asset: str) -> Form:
        """Return the form of a frame, which is computed when it is written."""
        schema = value.collect_schema()
        if any(getattr(dtype, "time_unit", "") == "ns" for dtype in schema.values()):
            # Whether microseconds will do, only all values can tell.
            return super().to_form(value.collect(engine="streaming"), asset)
        empty = pl.DataFrame(schema=schema)
        table = _to_arrow(empty, asset)
        batches = _batches(value, table.schema, asset)
        return Form(table.schema, batches, fixed=_enums(schema, table))

    def columns(self, value: Any, asset: str) -> tuple[Column, ...]:
        """Return the columns that a file would have, computing no row."""
        empty = pl.DataFrame(schema=value.collect_schema())
        return planned_columns(super().to_form(empty, asset), asset)

    def from_form(self, form: Form) -> Any:
        """Return a LazyFrame of a table in memory."""
        return super().from_form(form).lazy()

    def load(self, stored: Stored, annotation: Any) -> Any:
        """Return a LazyFrame over the files, which are read when it is collected."""
        check_table(stored, self.name)
        if (
            stored.format != "parquet"
            or is_partitioned(stored)
            or not all(map(is_utf8, stored.files))
        ):
            return super().load(stored, annotation)
        wanted = PolarsHandler.from_form(self, load_head(stored)).schema
        frame = pl.scan_parquet(list(stored.files), glob=False, hive_partitioning=False)
        found = frame.collect_schema()
        changed = {
            name: dtype for name, dtype in wanted.items() if found[name] != dtype
        }
        return frame.cast(cast(Any, changed)) if changed else frame

    def shape(self, value: Any) -> Shape | None:
        """Return the columns of a frame; its rows are not known."""
        return Shape(None, tuple(value.collect_schema().names()))


def _to_arrow(frame: pl.DataFrame, asset: str) -> pa.Table:
    for name, dtype in frame.schema.items():
        # polars would export the addresses of objects, as bytes.
        if "Object" in str(dtype) or "128" in str(dtype):
            msg = f"`{asset}` cannot be kept: column `{name}` is {dtype}"
            hint = "cast the column to text or to 64-bit numbers"
            raise FrameError(msg, hints=hint)
    return frame.to_arrow(compat_level=_LEVEL)


def _batches(frame: pl.LazyFrame, schema: pa.Schema, asset: str) -> Iterator[pa.Table]:
    for batch in frame.collect_batches(chunk_size=_ROWS, maintain_order=True):
        yield _to_arrow(batch, asset).cast(schema)


def _enums(schema: Mapping[str, Any], table: pa.Table) -> dict[str, pa.Array]:
    """Return the categories of Enum columns, which are part of their dtype."""
    return {
        name: pa.array(
            dtype.categories.to_list(), table.schema.field(name).type.value_type
        )
        for name, dtype in schema.items()
        if isinstance(dtype, pl.Enum)
    }


def _ordered(form: Form) -> dict[str, Any]:
    """Return the Enums that ordered categories are in polars."""
    return {
        name: pl.Enum(categories.to_pylist())
        for name, categories in form.fixed.items()
        if form.schema.field(name).type.ordered and is_text(categories.type)
    }
