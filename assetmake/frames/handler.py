"""What handlers of tables have in common; it imports no library of frames."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from assetmake.errors import ExtraError
from assetmake.frames.base import Column, Shape, Stored, Written
from assetmake.frames.reading import load_form
from assetmake.frames.tables import Form, planned_columns, save


def check_version(library: Any, least: str) -> None:
    """Refuse a version of an extra's library that is known to lose data or fail.

    Args:
        library: The module; its extra has the same name.
        least: The oldest version that works, as ``major.minor``.

    Raises:
        ExtraError: it is older.
    """
    found = [int(part) for part in library.__version__.split(".")[:2]]
    if found < [int(part) for part in least.split(".")]:
        name = library.__name__
        msg = f"{name} {library.__version__} is too old: {least} or newer is needed"
        raise ExtraError(msg, hints=f"pip install --upgrade 'assetmake[{name}]'")


class TableHandler:
    """A handler whose values become a `Form` and come from one."""

    name: str
    formats = ("parquet", "csv")
    is_lazy = False

    def to_form(self, value: Any, asset: str) -> Form:
        """Return the form of a value."""
        raise NotImplementedError

    def from_form(self, form: Form) -> Any:
        """Return a value of the handler's type."""
        raise NotImplementedError

    def save(self, value: Any, directory: Path, *, format: str, asset: str) -> Written:
        """Write a table; see `Handler.save`."""
        return save(self.to_form(value, asset), directory, format=format, asset=asset)

    def columns(self, value: Any, asset: str) -> tuple[Column, ...]:
        """Return the columns that a file of `value` would have; see `Planning`."""
        return planned_columns(self.to_form(value, asset), asset)

    def load(self, stored: Stored, annotation: Any) -> Any:  # noqa: ARG002 - protocol
        """Return a stored table; see `Handler.load`."""
        return self.from_form(load_form(stored, self.name))

    def shape(self, value: Any) -> Shape | None:
        """Return columns, and rows if they are known."""
        raise NotImplementedError

    def close(self) -> None:
        """Do nothing: it holds nothing."""
