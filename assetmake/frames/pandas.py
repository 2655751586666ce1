"""DataFrames and Series of pandas in the store, and what a parameter gets unasked."""

from __future__ import annotations

import importlib
from dataclasses import replace
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa

from assetmake.errors import FrameError
from assetmake.frames import objects, tables
from assetmake.frames.base import Column, Shape, Stored, Written
from assetmake.frames.pandas_form import from_form, to_form
from assetmake.frames.reading import TABLES, check_table, is_untyped, read_untyped

#: Column of a Series that has no name.
_UNNAMED = "value"


class PandasHandler:
    """Keeps a DataFrame with its named index, its dtypes and its column names.

    What has no place in a table is refused: unnamed labels, MultiIndex
    columns, columns of mixed types; ``pickle`` keeps those, for pandas alone.
    Neither `attrs` and `flags` are kept, nor row numbers that a filter or a sort
    has left in an unnamed index.
    """

    name = "pandas.DataFrame"
    formats = ("parquet", "csv", "pickle")
    is_lazy = False

    def save(self, value: Any, directory: Path, *, format: str, asset: str) -> Written:
        """Write a frame or Series; see `Handler.save`."""
        if format == "pickle":
            return objects.save_pickle(value, directory, asset)
        form = self.to_form(value, asset)
        return tables.save(form, directory, format=format, asset=asset)

    def to_form(self, value: Any, asset: str) -> tables.Form:
        """Return the form of a frame."""
        return to_form(value, asset)

    def columns(self, value: Any, asset: str) -> tuple[Column, ...]:
        """Return the columns that a file would have."""
        return tables.planned_columns(self.to_form(value, asset), asset)

    def load(self, stored: Stored, annotation: Any) -> Any:  # noqa: ARG002 - protocol
        """Return a new frame; see `Handler.load`."""
        if stored.format == "pickle":
            return _unpickled(stored, pd.DataFrame, self.name)
        return _load(stored, self.name)[0]

    def shape(self, value: Any) -> Shape | None:
        """Return rows and columns of a frame."""
        return Shape(len(value), tuple(map(str, value.columns)))

    def close(self) -> None:
        """Do nothing: it holds nothing."""


class SeriesHandler(PandasHandler):
    """Keeps a Series as a table of one column, ``value`` if it has no name."""

    name = "pandas.Series"

    def to_form(self, value: Any, asset: str) -> tables.Form:
        """Return the form of a Series."""
        if value.name is not None and not isinstance(value.name, str):
            msg = f"`{asset}` cannot be kept: its name must be text, not {value.name!r}"
            raise FrameError(msg, hints='name it: `.rename("name")`')
        column = _UNNAMED if value.name is None else value.name
        form = to_form(value.to_frame(column), asset)
        return replace(form, pandas={**form.pandas, "series": value.name})

    def load(self, stored: Stored, annotation: Any) -> Any:  # noqa: ARG002 - protocol
        """Return the only column of a table as a new Series."""
        if stored.format == "pickle":
            return _unpickled(stored, pd.Series, self.name)
        frame, notes = _load(stored, self.name)
        if len(frame.columns) != 1:
            columns = ", ".join(map(str, frame.columns))
            msg = f"`{stored.name}` is no Series: it has columns {columns}"
            raise FrameError(msg, hints="annotate the parameter with pandas.DataFrame")
        return _as_series(frame, notes)

    def shape(self, value: Any) -> Shape | None:
        """Return rows and the one column of a Series."""
        return Shape(len(value), () if value.name is None else (str(value.name),))


class DefaultHandler(PandasHandler):
    """Loads for a parameter without annotation: tables as pandas, others as written."""

    def load(self, stored: Stored, annotation: Any) -> Any:  # noqa: ARG002 - protocol
        """Return a table as DataFrame, or as the Series that it was."""
        if stored.format not in TABLES or objects.is_report(stored):
            return objects.load_as_written(stored)
        frame, notes = _load(stored, self.name)
        return _as_series(frame, notes) if "series" in notes else frame

    def shape(self, value: Any) -> Shape | None:
        """Return rows and columns of a table; None for anything else."""
        if isinstance(value, pd.DataFrame):
            return super().shape(value)
        return SeriesHandler().shape(value) if isinstance(value, pd.Series) else None


def _unpickled(stored: Stored, kind: type, wanted: str) -> Any:
    value = objects.load_pickle(stored)
    if isinstance(value, kind):
        return value
    msg = f"`{stored.name}` holds a {type(value).__qualname__}, not a {wanted}"
    raise FrameError(msg, hints="annotate the parameter with what is stored")


def _as_series(frame: pd.DataFrame, notes: Any) -> Any:
    series = frame.iloc[:, 0]
    return series.rename(notes["series"]) if "series" in notes else series


def _load(stored: Stored, wanted: str) -> tuple[pd.DataFrame, Any]:
    """Return a stored table, and the notes of pandas that came with it."""
    check_table(stored, wanted)
    if is_untyped(stored):
        return read_untyped(stored), {}
    # Periods and intervals are extension types, which this import registers.
    importlib.import_module("pandas.core.arrays.arrow.extension_types")
    form = tables.load(stored)
    if b"pandas" in (form.schema.metadata or {}) and not form.pandas:
        # Written by `DataFrame.to_parquet`, whose notes pyarrow knows best.
        try:
            return form.table.to_pandas(), {}
        except (pa.ArrowException, TypeError, ValueError) as error:
            msg = f"`{stored.name}` cannot be read as pandas: {error}"
            raise FrameError(msg, hints="read it as pyarrow.Table") from error
    return from_form(form), form.pandas
