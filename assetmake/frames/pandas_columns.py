"""One column of pandas to Arrow and back, exactly or not at all.

A column's dtype is noted only where Arrow's type does not tell it. Without a
note a column comes as pandas users expect it: numpy dtypes; integers and truth
values with nulls as the nullable ``Int64`` and ``boolean``, which lose nothing,
where numpy would make floats and objects of them; text as pandas' default text;
dates, times, decimals, bytes and structs as Python objects, lists as arrays.
"""

from __future__ import annotations

import base64
import datetime as dt
from collections import Counter
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa

from assetmake.frames.same import same
from assetmake.frames.types import arrow_type, is_text

#: Kinds of objects, in the words of pandas' `infer_dtype`, that are kept as
#: they are; True where the dtype object has to be noted.
_UNIFORM = {
    "string": True,
    "integer": True,
    "floating": True,
    "boolean": True,
    "bytes": False,
    "decimal": False,
}
#: Those that may be kept: each value is compared with what would come back.
_COMPARED = frozenset(
    {"mixed", "datetime", "datetime64", "date", "time", "timedelta", "timedelta64"}
)


#: Types whose values numpy has as they are, with NaN for null.
_NUMBERS = frozenset(
    {
        *(pa.int8(), pa.int16(), pa.int32(), pa.int64(), pa.bool_()),
        *(pa.uint8(), pa.uint16(), pa.uint32(), pa.uint64()),
        *(pa.float32(), pa.float64()),
    }
)

_NESTED = "use lists, and dicts of one set of keys, of numbers, text and dates"
_ALIKE = "make all values of one type and zone, with `pd.to_datetime` for example"


class Refused(Exception):  # noqa: N818 - never leaves this package as it is
    """A column would not come back as it is; the text says why."""

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.hint = hint


def to_arrow(column: Any) -> tuple[Any, Any]:
    """Return a Series or Index as Arrow array, and the note of its dtype or None.

    Raises:
        Refused: it would not come back as it is.
    """
    dtype = column.dtype
    try:
        if _is_object(dtype):
            return _objects(column.to_numpy())
        if isinstance(dtype, pd.CategoricalDtype):
            return _from_category(pd.Categorical(column))
        if isinstance(dtype, pd.SparseDtype):
            raise Refused(f"is sparse ({dtype})", "make it dense: `.sparse.to_dense()`")
        if isinstance(dtype, np.dtype):
            if dtype.kind == "c":
                hint = "store the real and the imaginary parts as two columns"
                raise Refused(f"has dtype {dtype}, which no format keeps", hint)
            return pa.array(column.to_numpy(), from_pandas=True), None
        array = pa.array(column.array, from_pandas=True)
    except (pa.ArrowException, TypeError, ValueError, OverflowError) as error:
        raise Refused(f"cannot be kept: {error}") from error
    return array, _note(dtype, array)


def _is_object(dtype: Any) -> bool:
    return isinstance(dtype, np.dtype) and dtype.kind == "O"


def _note(dtype: Any, array: Any) -> Any:
    """Return the note of an extension dtype; None if the Arrow type tells it."""
    if isinstance(dtype, pd.ArrowDtype):
        return ["arrow", str(dtype.pyarrow_dtype)]
    if isinstance(dtype, pd.StringDtype):
        # pandas 2 has no na_value: its StringDtype has NA.
        missing = getattr(dtype, "na_value", pd.NA) is pd.NA
        if not missing and dtype.storage == "pyarrow":
            return None
        return f"{'string' if missing else 'str'}[{dtype.storage}]"
    if isinstance(dtype, pd.DatetimeTZDtype | pd.PeriodDtype | pd.IntervalDtype):
        return None
    text = str(dtype)
    if _nullable(array) == text:
        return None
    known = _extension(text)
    if known != dtype or not hasattr(known, "__from_arrow__"):
        raise Refused(f"has dtype {text}, which cannot be read back")
    return text


def _nullable(array: Any) -> str | None:
    """Return the dtype of integers and truth values with nulls, without a note."""
    if not array.null_count:
        return None
    if pa.types.is_boolean(array.type):
        return "boolean"
    if pa.types.is_integer(array.type):
        return str(array.type).replace("int", "Int").replace("uI", "UI")
    return None


def _objects(values: Any) -> tuple[Any, Any]:
    """Return an object column as Arrow array, with its note."""
    missing = pd.isna(values)
    nulls = values[missing]
    nan = "/nan" if len(nulls) and all(type(value) is float for value in nulls) else ""
    if len(nulls) == len(values):
        return pa.nulls(len(values)), f"object{nan}" if nan else None
    kind = pd.api.types.infer_dtype(values[~missing], skipna=False)
    if kind not in _UNIFORM and kind not in _COMPARED:
        raise _mixed(values[~missing])
    try:
        array = pa.array(values, mask=missing, from_pandas=False)
    except OverflowError as error:
        hint = "make them text, or decimal.Decimal"
        raise Refused("holds integers of more than 64 bits", hint) from error
    except (pa.ArrowException, TypeError, ValueError) as error:
        raise _mixed(values[~missing], error) from error
    if kind in _UNIFORM:
        return array, f"object{nan}" if nan or _UNIFORM[kind] else None
    note = _compared(array, values, ~missing)
    return array, f"object{nan}" if nan else note


def _mixed(values: Any, error: Exception | None = None) -> Refused:
    counts = Counter(type(value).__name__ for value in values).most_common(3)
    names = " and ".join(name for name, _ in counts)
    if len(counts) > 1:
        hint = "make it one type, with `.astype(str)` for example"
        return Refused(f"mixes {names}", hint)
    because = f": {error}" if error else ", which no format keeps"
    return Refused(f"holds objects of type {names}{because}")


def _compared(array: Any, values: Any, present: Any) -> str | None:
    """Return the note under which each value comes back as it is."""
    column = pa.chunked_array([array])
    places = np.flatnonzero(present)
    own, wrong = None, ""
    for note in (None, "object"):
        back = pd.Series(from_arrow(column, note))
        if back.dtype != object:
            continue
        got = back.to_numpy()
        bad = next((i for i in places if not same(values[i], got[i])), None)
        if bad is None:
            return note
        own, other = values[bad], got[bad]
        wrong = (
            f"would not come back as it is: row {bad} holds "
            f"{own!r} ({type(own).__name__}), and would be {other!r}"
        )
    raise Refused(wrong, _ALIKE if _is_dated(own) else _NESTED)


def _is_dated(value: Any) -> bool:
    return isinstance(value, dt.date | dt.time | dt.timedelta)


def _from_category(values: pd.Categorical) -> tuple[Any, Any]:
    categories = values.categories
    note: Any = None
    if isinstance(categories.dtype, pd.PeriodDtype | pd.IntervalDtype):
        # Other readers get the text, "(50, 60]"; pandas gets the intervals.
        inner = pa.array([str(category) for category in categories], pa.string())
        payload = _packed(pa.array(categories.array))
        note = ["category", str(categories.dtype), payload]
    else:
        inner, own = to_arrow(categories)
        note = None if own is None else ["category", own]
    if isinstance(inner, pa.ChunkedArray):
        inner = inner.combine_chunks()
    codes = values.codes
    array = pa.DictionaryArray.from_arrays(
        pa.array(codes, mask=codes < 0), inner, ordered=bool(values.ordered)
    )
    return array, note


def _packed(array: Any) -> str:
    sink = pa.BufferOutputStream()
    batch = pa.record_batch([array], names=[""])
    with pa.ipc.new_stream(sink, batch.schema) as writer:
        writer.write_batch(batch)
    return base64.b64encode(sink.getvalue()).decode()


def _unpacked(payload: str) -> Any:
    with pa.ipc.open_stream(base64.b64decode(payload)) as reader:
        return reader.read_all().column(0)


def from_arrow(column: Any, note: Any, *, fixed: bool = False) -> Any:
    """Return a chunked Arrow array as what a DataFrame takes for a column.

    Args:
        column: As stored, with its own Arrow type.
        note: As `to_arrow` gave it.
        fixed: Whether a dictionary's categories are content; else they are the
            values that occur, in the order of their first row.
    """
    if pa.types.is_dictionary(column.type) and _is_category(note):
        return _to_category(column, note, fixed=fixed)
    if note is None:
        return _default(column)
    if isinstance(note, list):
        column = column if str(column.type) == note[1] else _retyped(column, note[1])
        return pd.arrays.ArrowExtensionArray(column)
    kind, _, null = note.partition("/")
    if kind == "object":
        return _to_objects(column, np.nan if null else None)
    if kind.startswith("str"):
        return _string_dtype(kind).__from_arrow__(column)
    return _extension(kind).__from_arrow__(column)


def _extension(text: str) -> Any:
    return pd.api.types.pandas_dtype(text)


def _is_category(note: Any) -> bool:
    return note is None or (isinstance(note, list) and note[0] == "category")


def _retyped(column: Any, text: str) -> Any:
    try:
        return column.cast(arrow_type(text))
    except (ValueError, pa.ArrowException):
        return column  # a layout that text does not tell; the values are the same


def _string_dtype(text: str) -> Any:
    kind, _, storage = text.rstrip("]").partition("[")
    if kind == "string":
        return pd.StringDtype(storage)
    return pd.StringDtype(storage, na_value=np.nan)


def _default(column: Any) -> Any:
    kind = column.type
    if isinstance(kind, pa.BaseExtensionType):
        dtype = _extension_dtype(kind)
        return (
            _to_objects(column, None) if dtype is None else dtype.__from_arrow__(column)
        )
    nullable = _nullable(column)
    if nullable is not None:
        return _extension(nullable).__from_arrow__(column)
    if kind in _NUMBERS:
        return column.to_numpy()
    return column.to_pandas()


def _extension_dtype(kind: Any) -> Any:
    try:
        dtype = kind.to_pandas_dtype()
    except NotImplementedError:
        return None
    return dtype if hasattr(dtype, "__from_arrow__") else None


def _to_objects(column: Any, missing: Any) -> Any:
    if is_text(column.type):
        values = column.to_numpy(zero_copy_only=False)
    else:
        values = np.empty(len(column), dtype=object)
        values[:] = column.to_pylist()
    if missing is not None:
        values = np.array(values)  # what Arrow gives may be read-only
        values[[value is None for value in values]] = missing
    return pd.Series(values, dtype=object)


def _to_category(column: Any, note: Any, *, fixed: bool) -> pd.Categorical:
    kind = column.type
    if not fixed:
        column = column.cast(kind.value_type).dictionary_encode()
    whole = column.combine_chunks()
    if note is not None and len(note) > 2:
        held = _default(_unpacked(note[2]))
    else:
        inner = None if note is None else note[1]
        held = from_arrow(pa.chunked_array([whole.dictionary]), inner)
    values = pd.Series(held)
    categories = pd.Index(values, dtype=values.dtype)
    # Indices may be unsigned, and pandas marks a null by -1.
    codes = whole.indices.cast(pa.int64()).fill_null(-1).to_numpy()
    return pd.Categorical.from_codes(codes, categories=categories, ordered=kind.ordered)
