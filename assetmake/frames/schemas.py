"""What a `schema=` declares, and its verdict on a value; whatever library it is of.

Columns are told from the object alone, for schemas of pandera and those of
pyarrow, polars and Spark. A class is known by its name and package, so that no
library is imported for it.
"""

from __future__ import annotations

import contextlib
import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, TypeAlias

from assetmake.errors import FrameError
from assetmake.frames.base import Column, Handler, Planning, dotted_names
from assetmake.frames.columns import Declared, check_columns, is_dtype

_Declared: TypeAlias = list[Mapping[str, str | None] | Declared]

#: Schemas that are names and dtypes, and cannot validate a frame themselves.
_ARROW = "pyarrow.lib.Schema"
_POLARS = "polars.schema.Schema"
_SPARK = "pyspark.sql.types.StructType"


def is_plain(schema: Any) -> bool:
    """Return whether a schema is just names and dtypes, without ``validate``."""
    return not {_ARROW, _POLARS, _SPARK}.isdisjoint(dotted_names(type(schema)))


def declared_by(schema: Any) -> Declared | None:
    """Return the columns that a schema declares; None if it does not tell.

    What it demands beyond names and dtypes, such as ranges, only its
    ``validate`` can judge.
    """
    names = dotted_names(type(schema))
    if _ARROW in names:
        return _closed({field.name: str(field.type) for field in schema})
    if _SPARK in names:
        fields = {field.name: field.dataType.simpleString() for field in schema}
        return _closed(fields)
    if _POLARS in names:
        return _closed({name: str(dtype) for name, dtype in schema.items()})
    try:
        return _of_pandera(schema)
    except Exception:  # noqa: BLE001 - another library's object, or another version
        return None


def declarations(columns: Mapping[str, str | None] | None, schema: Any) -> _Declared:
    """Return what an asset declares of its columns, each way in which it does."""
    both = (columns, None if schema is None else declared_by(schema))
    return [item for item in both if item is not None]


def check_declared(
    declared: _Declared, actual: Sequence[Column], asset: str, place: str
) -> None:
    """Raise FrameError if a table has other columns than its asset declares.

    Args:
        declared: See `declarations`.
        actual: Columns of the table.
        asset: For the message.
        place: Where the asset is defined.
    """
    found = [text for item in declared for text in check_columns(item, actual)]
    if found:
        problems = "; ".join(dict.fromkeys(found))
        msg = f"asset `{asset}` returned other columns than it declares: {problems}"
        raise FrameError(msg, hints=f"mend the function, or what {place} declares")


def validated(
    schema: Any, value: Any, asset: str, handler_of: Callable[[Any], Handler]
) -> Any:
    """Return a value as the ``validate`` of a schema gives it back.

    What it raises is passed on, unless it is about columns: then all of them
    are told, where many a ``validate`` stops at the first.

    Args:
        schema: As ``schema=`` was given.
        value: What the asset's function returned.
        asset: For messages.
        handler_of: Returns the handler of a value.

    Raises:
        FrameError: it refuses the value without an exception, or the columns
            are others.
    """
    if is_plain(schema):
        return value
    try:
        return _verdict(schema, schema.validate(value), value, asset)
    except Exception as error:
        problems = []
        # Nothing that goes wrong here may hide what the schema said.
        with contextlib.suppress(Exception):
            declared, handler = declared_by(schema), handler_of(value)
            if declared and isinstance(handler, Planning):
                problems = check_columns(declared, handler.columns(value, asset))
        if not problems:
            raise
        msg = f"asset `{asset}` returned other columns than its `schema=` says: "
        raise FrameError(msg + "; ".join(problems)) from error


def _verdict(schema: Any, result: Any, value: Any, asset: str) -> Any:
    """Return the value that a ``validate`` lets pass: most return it themselves.

    Raises:
        FrameError: it returned False, or what is wrong.
    """
    if result is None or result is True:
        return value
    # Of a Spark frame pandera collects what is wrong, and raises nothing.
    wrong = getattr(getattr(result, "pandera", None), "errors", None)
    if isinstance(result, list | tuple):
        wrong, result = list(result), value
    if result is False or wrong:
        msg = f"asset `{asset}` returned what its `schema=` refuses"
        raise FrameError(f"{msg}: {_listed(wrong)}" if wrong else msg)
    if _library(result) != _library(value):
        msg = (
            f"asset `{asset}`: `validate` of its `schema=`, a {_name(schema)}, "
            f"returned a {_name(result)} for a {_name(value)}"
        )
        raise FrameError(msg, hints="let it return the frame, or raise")
    return result


def _listed(wrong: Any) -> str:
    if isinstance(wrong, list):
        return "; ".join(map(str, wrong))
    try:
        return json.dumps(wrong, default=str)
    except (TypeError, ValueError):
        return str(wrong)


def _library(value: Any) -> str:
    return type(value).__module__.partition(".")[0]


def _name(value: Any) -> str:
    return f"{type(value).__module__}.{type(value).__qualname__}"


def _closed(dtypes: Mapping[str, str]) -> Declared:
    return Declared({name: _known(dtype) for name, dtype in dtypes.items()})


def _known(dtype: Any) -> str | None:
    """Return a dtype as text; None for one that has no spelling here."""
    text = str(dtype)
    return text if dtype is not None and is_dtype(text) else None


def _of_pandera(schema: Any) -> Declared | None:
    if isinstance(schema, type) and hasattr(schema, "to_schema"):
        schema = schema.to_schema()  # a DataFrameModel
    home = type(schema).__module__
    if not home.startswith("pandera.") or not hasattr(schema, "columns"):
        return None
    dtypes: dict[str, str | None] = {}
    optional = set()
    is_open = not schema.strict
    for name, dtype in _levels(getattr(schema, "index", None)):
        dtypes[name] = _known(dtype)
    for name, column in schema.columns.items():
        if column.regex:  # any number of columns
            is_open = True
            continue
        dtypes[name] = _known(column.dtype)
        if not column.required:
            optional.add(name)
    if ".pandas." in home:
        # A named index, which becomes columns, is let pass by `strict`, too.
        is_open = is_open or schema.index is None
    return Declared(dtypes, frozenset(optional), is_open)


def _levels(index: Any) -> Iterable[tuple[str, Any]]:
    """Yield name and dtype of each level of an index, which is kept as a column."""
    for level in getattr(index, "indexes", [index] if index is not None else []):
        if level.name is not None:
            yield level.name, level.dtype
