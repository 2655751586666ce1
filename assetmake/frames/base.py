"""What every kind of value that an asset can return or read has in common.

A handler saves values of its type into a staging directory and loads stored
ones; it imports its library only when it is used. Nothing here imports one.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

#: Scheme of fingerprints in which the order of rows does not count.
ROWS_SCHEME = "rows-1"


@dataclass(frozen=True, slots=True)
class Column:
    """One column of a table: its name, and its dtype in Arrow's words.

    `dtype` is what ``str()`` of the Arrow type gives, such as ``"int64"``,
    ``"string"``, ``"timestamp[us, tz=UTC]"`` or ``"decimal128(10, 2)"``,
    whichever library wrote the table.
    """

    name: str
    dtype: str


@dataclass(frozen=True, slots=True)
class FileRecord:
    """A data file: its size in bytes and the digest of its bytes."""

    bytes: int
    digest: str


@dataclass(frozen=True, slots=True)
class Written:
    """What a handler left in a directory, beside the files themselves.

    Attributes:
        fingerprint: Of the content, with its scheme (``"arrow-1:..."``); equal
            for equal tables however they are split, compressed or encoded.
        rows: Number of rows; None for what is not a table.
        columns: In order; None for what is not a table.
        extra: What a reader needs beside the columns, as JSON values: for CSV
            the index columns and categories, say. Empty when files say it all.
        files: Of those files, by name, whose bytes were hashed as they were
            written; each other one is read for it.
        again: Returns from memory what loading the files would take from them,
            for `Lent`, with its size in bytes; None if it has more than those it
            is called with, or only the files tell. To be asked at once, as
            what was saved may be changed by others.
    """

    fingerprint: str
    rows: int | None = None
    columns: tuple[Column, ...] | None = None
    extra: Mapping[str, Any] = field(default_factory=dict)
    files: Mapping[str, FileRecord] = field(default_factory=dict, compare=False)
    again: Callable[[int], tuple[Any, int] | None] | None = field(
        default=None, compare=False, repr=False
    )


class Lent:
    """What loading a table's files would take from them, in memory, for one reader.

    Attributes:
        was_taken: Whether the last who loaded the table took it from here.
    """

    __slots__ = ("_rows", "was_taken")

    def __init__(self, rows: Any) -> None:
        """Lend what `Written.again` gave."""
        self._rows = rows
        self.was_taken = False

    def take(self) -> Any:
        """Return it; None if the reader has had it: the files have the same."""
        self.was_taken = self._rows is not None
        return self._rows

    def drop(self) -> None:
        """Let go of it."""
        self._rows = None


@dataclass(frozen=True, slots=True)
class Stored:
    """A stored value, as a handler needs it to load it.

    Attributes:
        name: The asset's or source's, for messages.
        directory: Where the files lie (a source of one file: its folder).
        files: The data files, in the order that their rows have.
        format: ``parquet``, ``csv``, ``json``, ``text``, ``bytes``, ``file``,
            ``pickle``, or the suffix of a report such as ``html``.
        columns: As written; None for a source, whose files say it, or do not.
        extra: As written.
        is_source: Whether somebody else wrote it.
        lent: The rows in memory; handlers need not take them.
    """

    name: str
    directory: Path
    files: tuple[Path, ...]
    format: str
    columns: tuple[Column, ...] | None = None
    extra: Mapping[str, Any] = field(default_factory=dict)
    is_source: bool = False
    lent: Lent | None = field(default=None, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Shape:
    """What a failing asset's message tells of an input: rows and columns."""

    rows: int | None
    columns: tuple[str, ...]


class Handler(Protocol):
    """How values of one type are saved and loaded.

    Attributes:
        name: Of the type, as an annotation spells it (``"pandas.DataFrame"``).
        formats: In which the type can be kept, the default one first. Tables
            have ``("parquet", "csv")``, frames of pandas ``"pickle"``, too.
    """

    name: str
    formats: tuple[str, ...]

    def save(self, value: Any, directory: Path, *, format: str, asset: str) -> Written:
        """Write `value` as files into `directory`, which exists and is empty.

        Part files are named ``part-00000.parquet`` and so on. Neither the
        ``_SUCCESS`` marker nor the manifest is the handler's to write. `value`
        is not changed.

        Raises:
            FrameError: the value would not come back as it is.
        """
        ...

    def load(self, stored: Stored, annotation: Any) -> Any:
        """Return the stored value as `annotation` asks for it.

        The value is the caller's own: changing it changes nothing else.

        Raises:
            FrameError: it cannot be loaded as that type, or a file is damaged.
        """
        ...

    def shape(self, value: Any) -> Shape | None:
        """Return rows and columns of a value in memory; None if it has none."""
        ...

    def close(self) -> None:
        """Give back what the handler holds: a session that it started."""
        ...


@runtime_checkable
class Planning(Protocol):
    """What a handler of tables can do as well: say what it would write.

    A handler of another package may go without it.

    Attributes:
        is_lazy: Whether a value is a plan, whose columns are known before its
            rows are.
    """

    is_lazy: bool

    def columns(self, value: Any, asset: str) -> tuple[Column, ...]:
        """Return the columns that `save` would write, without writing.

        Of a lazy value no row is computed.

        Raises:
            FrameError: the value would not come back as it is.
        """
        ...


def is_utf8(path: Path) -> bool:
    r"""Whether a path is text: Linux takes any bytes, libraries in Rust or C++ do not.

    >>> is_utf8(Path("Zürich")), is_utf8(Path("Z\udcfcrich"))
    (True, False)
    """
    try:
        os.fspath(path).encode()
    except UnicodeEncodeError:
        return False
    return True


def dotted_names(annotation: Any) -> Sequence[str]:
    """Return ``module.qualname`` of a class and its bases, nearest first.

    An annotation that is text, or an instance, or no class at all, gives what
    can be said of it: the text itself, or an empty list.
    """
    if isinstance(annotation, str):
        return [annotation]
    if not isinstance(annotation, type):
        return []
    return [f"{cls.__module__}.{cls.__qualname__}" for cls in annotation.__mro__]
