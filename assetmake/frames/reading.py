"""Any stored table as a `Form`, whoever wrote it and in which format."""

from __future__ import annotations

from typing import TYPE_CHECKING

from assetmake.errors import FrameError
from assetmake.frames import tables
from assetmake.frames.base import Stored

if TYPE_CHECKING:
    import pandas as pd

#: Formats that hold a table.
TABLES = frozenset({"parquet", "csv", "json"})


#: Key in `Stored.extra` of an adopted table: its columns are what was inferred.
UNTYPED = "untyped"


def is_untyped(stored: Stored) -> bool:
    """Whether a table's types have to be inferred, because nobody wrote them down."""
    if stored.format not in ("csv", "json"):
        return False
    return stored.columns is None or UNTYPED in stored.extra


def read_untyped(stored: Stored) -> pd.DataFrame:
    """Return a table whose types have to be inferred, as pandas infers them.

    Raises:
        FrameError: it cannot be read.
    """
    from assetmake.frames import untyped

    options = {key: value for key, value in stored.extra.items() if key != UNTYPED}
    return untyped.read(stored, options)


def load_form(stored: Stored, wanted: str) -> tables.Form:
    """Return a stored table.

    Args:
        stored: Of any format.
        wanted: The type that is asked for, for messages.

    Raises:
        FrameError: it is no table, or cannot be read.
    """
    check_table(stored, wanted)
    if is_untyped(stored):
        from assetmake.frames import pandas_form

        return pandas_form.to_form(read_untyped(stored), stored.name)
    return tables.load(stored)


def check_table(stored: Stored, wanted: str) -> None:
    """Refuse what is no table.

    Raises:
        FrameError: it is a report or an object.
    """
    if stored.format not in TABLES:
        msg = f"`{stored.name}` is stored as {stored.format}, not as a table"
        hint = f"annotate the parameter with its own type, not with {wanted}"
        raise FrameError(msg, hints=hint)
