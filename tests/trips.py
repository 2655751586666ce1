"""Saving a value into a directory and loading it again, as a build would."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pandas as pd

from assetmake.frames import Frames, tables
from assetmake.frames.base import Lent, Stored, Written
from assetmake.frames.hashing import TableHash


@dataclass(frozen=True)
class Saved:
    """What one save left."""

    written: Written
    stored: Stored

    @property
    def text(self) -> str:
        """The only file, as text."""
        (file,) = self.stored.files
        return file.read_bytes().decode()

    def load(self, annotation: Any) -> Any:
        """Return the value, as a parameter with that annotation gets it."""
        handler = Frames({}).for_annotation(annotation, reading=True)
        value = handler.load(self.stored, annotation)
        lent = self.lent
        if lent is not None:
            stored = replace(self.stored, lent=lent)
            check_alike(handler.load(stored, annotation), value)
        return value

    @property
    def lent(self) -> Lent | None:
        """What can be had from memory, which is compared with what the files give."""
        if self.written is None or len(self.stored.files) != 1:
            return None
        made = self.written.again and self.written.again(1 << 40)
        if not made:
            return None
        form, read = made[0], tables.load(self.stored)
        assert form.schema.equals(read.schema, check_metadata=True)
        assert form.table.schema.equals(read.table.schema, check_metadata=True)
        assert chunks(form.table) == chunks(read.table)
        assert content(form) == content(read)
        assert form.columns == read.columns
        assert dict(form.pandas) == dict(read.pandas)
        assert not form.metadata
        assert not read.metadata
        return Lent(form)


def chunks(table: Any) -> list[list[int]]:
    """Return how the columns of a table are cut."""
    return [[len(chunk) for chunk in column.chunks] for column in table.columns]


def content(form: tables.Form) -> str:
    """Return the fingerprint of a form, for which all NaNs are one."""
    hashed = TableHash(form.schema, fixed=form.fixed, notes=form.notes)
    hashed.update(form.table)
    return hashed.fingerprint()


def check_alike(one: Any, other: Any) -> None:
    """Fail if two loaded values can be told apart."""
    assert type(one) is type(other)
    if isinstance(other, pd.DataFrame):
        pd.testing.assert_frame_equal(one, other, check_freq=True, check_flags=True)
    elif isinstance(other, pd.Series):
        pd.testing.assert_series_equal(one, other, check_freq=True, check_flags=True)


def save(value: Any, directory: Path, format: str | None = None) -> Saved:
    """Save a value as asset `weather/t`, in the default format of its type."""
    frames = Frames({})
    handler = frames.for_value(value)
    kept = frames.format_of(handler, format, "weather/t")
    directory.mkdir(parents=True, exist_ok=True)
    written = handler.save(value, directory, format=kept, asset="weather/t")
    files = tuple(sorted(directory.iterdir()))
    stored = Stored("weather/t", directory, files, kept, written.columns, written.extra)
    return Saved(written, stored)


def source(directory: Path, format: str, **files: str | bytes) -> Stored:
    """Write files (``a_csv`` is a.csv), and return them as a source."""
    paths = []
    for name, content in files.items():
        path = directory / name.replace("_", ".")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        paths.append(path)
    return Stored("raw", directory, tuple(paths), format, is_source=True)
