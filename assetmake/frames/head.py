"""How many rows a frame has, and the first of them as text, of whichever library."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from assetmake.errors import FrameError

#: Rows and columns that are taken, and characters of each value.
_ROWS, _COLUMNS, _LONGEST = 5, 20, 200


@dataclass(frozen=True, slots=True)
class Head:
    """The first rows of a frame.

    Attributes:
        count: Of all its rows.
        columns: Names, at most 20; pandas' own row labels come first.
        rows: Values as text, of at most 5 rows.
    """

    count: int
    columns: tuple[str, ...] = ()
    rows: tuple[tuple[str, ...], ...] = ()


def head_of(value: Any) -> Head | None:
    """Return how many rows a frame of a known library has, and the first of them.

    A lazy frame is run: for its first rows, and if there are any, for the
    number of all.

    Args:
        value: Any object.

    Returns:
        None for what is no frame.

    Raises:
        FrameError: it is a Series of booleans, which marks rows and has none.
    """
    for kind in type(value).__mro__:
        package = kind.__module__.partition(".")[0].lstrip("_")
        take = _TAKERS.get(f"{package}.{kind.__name__}")
        if take is not None:
            return take(value)
    return None


def _made(count: int, columns: Iterable[Any], rows: Iterable[Sequence[Any]]) -> Head:
    return Head(
        count,
        tuple(_text(name) for name in columns)[:_COLUMNS],
        tuple(tuple(_text(item) for item in row[:_COLUMNS]) for row in rows),
    )


def _text(value: Any) -> str:
    return str(value)[:_LONGEST]


def _pandas(value: Any) -> Head:
    head = value.head(_ROWS)
    labels = ["" if name is None else name for name in head.index.names]
    rows = [
        [*(label if len(labels) > 1 else [label]), *row]
        for label, row in zip(
            head.index, head.itertuples(index=False, name=None), strict=True
        )
    ]
    return _made(len(value), [*labels, *head.columns], rows)


def _series(value: Any) -> Head:
    _refuse_mask(value.dtype)
    return _pandas(value.to_frame())


def _refuse_mask(dtype: Any) -> None:
    if "bool" in str(dtype).lower():
        msg = "it returned a column of booleans, which says of each row whether"
        hint = "return the rows that are wrong: `return highs[highs.tmpf < 0]`"
        raise FrameError(f"{msg} it is meant", hints=hint)


def _polars(value: Any) -> Head:
    return _made(value.height, value.columns, value.head(_ROWS).rows())


def _polars_series(value: Any) -> Head:
    _refuse_mask(value.dtype)
    return _polars(value.to_frame())


def _lazy(value: Any) -> Head:
    head = value.head(_ROWS).collect()
    if head.height < _ROWS:
        return _polars(head)
    import polars as pl

    count = value.select(pl.len()).collect(engine="streaming").item()
    return _made(count, head.columns, head.rows())


def _arrow(value: Any) -> Head:
    head = value.slice(0, _ROWS)
    columns = [column.to_pylist() for column in head.columns]
    return _made(value.num_rows, value.column_names, list(zip(*columns, strict=True)))


def _reader(value: Any) -> Head:
    return _arrow(value.read_all())


def _duckdb(value: Any) -> Head:
    rows = value.limit(_ROWS).fetchall()
    count = len(rows)
    if count == _ROWS:
        count = value.count("*").fetchall()[0][0]
    return _made(count, value.columns, rows)


def _spark(value: Any) -> Head:
    rows = [tuple(row) for row in value.limit(_ROWS).collect()]
    count = value.count() if len(rows) == _ROWS else len(rows)
    return _made(count, value.columns, rows)


_TAKERS: Mapping[str, Callable[[Any], Head]] = {
    "pandas.DataFrame": _pandas,
    "pandas.Series": _series,
    "polars.DataFrame": _polars,
    "polars.LazyFrame": _lazy,
    "polars.Series": _polars_series,
    "pyarrow.Table": _arrow,
    "pyarrow.RecordBatchReader": _reader,
    "duckdb.DuckDBPyRelation": _duckdb,
    "pyspark.DataFrame": _spark,
}
