"""A pandas DataFrame to a `Form` and back: index, column names and dtypes.

The notes under ``pandas``, all left out where they say nothing:

- ``index``: the columns that are levels of the index, in order;
- ``freq``: of a DatetimeIndex;
- ``axis``: the name of the column index;
- ``dtypes``: of columns whose dtype Arrow's type does not tell;
- ``series``: the name of a Series, whose only column it is.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Any, cast

import numpy as np
import pandas as pd
import pyarrow as pa
from pandas import _config

from assetmake.errors import FrameError
from assetmake.frames.pandas_columns import Refused, from_arrow, to_arrow
from assetmake.frames.physical import check_names
from assetmake.frames.tables import Form, form_of

#: Whether names become `str`, not objects; pandas 4 leaves no choice, nor this.
_is_str = getattr(_config, "using_string_dtype", lambda: True)

_PICKLE = 'or keep it with `format="pickle"`'


def to_form(frame: pd.DataFrame, asset: str) -> Form:
    """Return the form of a frame; a named index becomes its first columns.

    Nothing is copied that Arrow can share, and `frame` is not changed.

    Raises:
        FrameError: the frame would not come back as it is.
    """
    _check_axes(frame, asset)
    notes: dict[str, Any] = {}
    columns: list[tuple[str, Any]] = [*_index_columns(frame, notes)]
    columns += [(cast(str, name), column) for name, column in frame.items()]
    check_names((name for name, _ in columns), asset)
    arrays, dtypes, fixed = [], {}, {}
    for name, column in columns:
        try:
            array, note = to_arrow(column)
        except Refused as error:
            msg = f"`{asset}` cannot be kept: column `{name}` {error}"
            hints = (error.hint, _PICKLE) if error.hint else (_convert(name), _PICKLE)
            raise FrameError(msg, hints=hints) from error
        if pa.types.is_dictionary(array.type) and _is_categorical(column):
            fixed[name] = array.dictionary
        if note is not None:
            dtypes[name] = note
        arrays.append(array)
    if dtypes:
        notes["dtypes"] = dtypes
    if frame.columns.name is not None:
        notes["axis"] = frame.columns.name
    table = pa.Table.from_arrays(arrays, names=[name for name, _ in columns])
    return form_of(table, fixed=fixed, pandas=notes, metadata=_metadata(frame, notes))


def _convert(name: str) -> str:
    return f"convert column `{name}` to numbers, text or dates"


def _is_categorical(column: Any) -> bool:
    return isinstance(column.dtype, pd.CategoricalDtype)


def _check_axes(frame: pd.DataFrame, asset: str) -> None:
    """Refuse what has no place in a table: see the messages."""
    names = frame.columns
    if isinstance(names, pd.MultiIndex):
        msg = f"`{asset}` cannot be kept: its columns are a MultiIndex"
        hint = 'join the levels: `frame.columns = ["_".join(c) for c in frame.columns]`'
        raise FrameError(msg, hints=(hint, _PICKLE))
    other = [name for name in names if not isinstance(name, str)]
    if other:
        listed = ", ".join(repr(name) for name in other[:3])
        msg = f"`{asset}` cannot be kept: column names must be text, not {listed}"
        hint = "rename them: `frame.columns = frame.columns.astype(str)`"
        raise FrameError(msg, hints=(hint, _PICKLE))
    if names.name is not None and not isinstance(names.name, str):
        msg = f"`{asset}` cannot be kept: its columns are called {names.name!r}"
        raise FrameError(msg, hints="take the name off: `frame.columns.name = None`")
    index = frame.index
    if not len(names) and index.names == [None]:
        if len(frame):
            rows = "1 row" if len(frame) == 1 else f"{len(frame):,} rows"
            msg = f"`{asset}` cannot be kept: it has {rows} and no columns"
            raise FrameError(msg, hints=("return a frame with columns", _PICKLE))
        return
    if index.names == [None] and _counts_rows(index):
        return
    wrong = [name for name in index.names if not isinstance(name, str)]
    if wrong:
        which = (
            "an unnamed index" if wrong[0] is None else f"an index named {wrong[0]!r}"
        )
        kind = f"{type(index).__name__} of {index.dtype}"
        msg = f"`{asset}` cannot be kept: it has {which} ({kind})"
        hints = (
            "drop it: `.reset_index(drop=True)`",
            'name it, and it is kept as a column: `.rename_axis("name")`',
        )
        raise FrameError(msg, hints=hints)


def _counts_rows(index: pd.Index[Any]) -> bool:
    """Whether an index is row numbers, or what a filter or a sort left of them.

    An unnamed index with integers in it says where rows once stood, not what
    they are: it is not kept, and a range comes back. Labels of any other kind
    are data without a name.
    """
    if isinstance(index, pd.RangeIndex):
        return True
    kinds = ("integer", "mixed-integer", "empty")
    return index.nlevels == 1 and pd.api.types.infer_dtype(index) in kinds


def _index_columns(frame: pd.DataFrame, notes: dict[str, Any]) -> list[tuple[str, Any]]:
    """Return the levels of a named index as columns; write down the notes."""
    index = frame.index
    if index.names == [None]:
        return []
    freq = getattr(index, "freqstr", None)
    if freq is not None and not isinstance(index, pd.PeriodIndex):
        notes["freq"] = freq
    names = notes["index"] = [str(name) for name in index.names]
    if isinstance(index, pd.MultiIndex):
        return [(name, index.get_level_values(i)) for i, name in enumerate(names)]
    return [(names[0], index)]


def _metadata(frame: pd.DataFrame, notes: Mapping[str, Any]) -> dict[bytes, bytes]:
    """Return pandas' own notes, so that its `read_parquet` restores the frame.

    A frame without notes of ours comes right without them.
    """
    if not notes or notes.keys() == {"series"}:
        return {}
    head = frame.iloc[:0]
    head.attrs = {}
    arrow_backed = {
        name: object
        for name, note in notes.get("dtypes", {}).items()
        if isinstance(note, list) and name in head.columns
    }
    # pyarrow stumbles over dtypes such as "list<item: int64>[pyarrow]".
    head = head.astype(arrow_backed) if arrow_backed else head
    table = pa.Table.from_pandas(head, preserve_index="index" in notes)
    return {b"pandas": table.schema.metadata[b"pandas"]}


def from_form(form: Form) -> pd.DataFrame:
    """Return a new frame, index and dtypes as they were when it was saved."""
    if form.made is None or form.pandas or not form.schema.names:
        return _frame(form)
    # Nothing of it is shared: its only index counts rows.
    known = form.made.get("pandas")
    if known is None:
        known = form.made["pandas"] = _frame(form)
    frame: pd.DataFrame = known.copy()
    frame.columns = known.columns.copy(deep=True)
    return frame


def _frame(form: Form) -> pd.DataFrame:
    table, notes = form.table, form.pandas
    dtypes = notes.get("dtypes", {})
    data = {
        name: from_arrow(column, dtypes.get(name), fixed=name in form.fixed)
        for name, column in zip(table.column_names, table.columns, strict=True)
    }
    names = notes.get("index", ())
    levels = [_as_index(data.pop(name)) for name in names]
    # The frame gets memory of its own: pandas copies what stands in a dict.
    columns = {name: _bare(column) for name, column in data.items()}
    frame = pd.DataFrame(
        dict(enumerate(columns.values())), index=pd.RangeIndex(table.num_rows)
    )
    if columns:
        # Of its own, as somebody may name it, or put other text into it.
        frame.columns = _column_index(tuple(columns), *_text_options()).copy(deep=True)
    if len(levels) > 1:
        frame.index = pd.MultiIndex.from_arrays(levels, names=names)
    elif levels:
        index: Any = levels[0].rename(names[0])
        if "freq" in notes:
            index.freq = notes["freq"]
        frame.index = index
    if "axis" in notes:
        frame.columns.name = notes["axis"]
    return frame


@lru_cache(maxsize=64)
def _column_index(
    names: tuple[str, ...],
    *_options: object,
) -> pd.Index[Any]:
    """Return names as pandas has them; to make it takes as long as a small frame."""
    return pd.Index(list(names))


def _text_options() -> tuple[object, object]:
    """Return what of pandas' options decides how text is kept."""
    return _is_str(), pd.get_option("mode.string_storage")


def _bare(column: Any) -> Any:
    """Return the array of a Series, which costs a frame much less to take."""
    if not isinstance(column, pd.Series) or _is_object(column):
        return column  # pandas would take objects of an array for what they look like
    if isinstance(column.dtype, np.dtype):
        return column.to_numpy()
    return column.array


def _is_object(column: Any) -> bool:
    return isinstance(column.dtype, np.dtype) and column.dtype.kind == "O"


def _as_index(values: Any) -> pd.Index[Any]:
    column = pd.Series(values)
    return pd.Index(column, dtype=column.dtype)
