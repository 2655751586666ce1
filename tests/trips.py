"""Saving a value into a directory and loading it again, as a build would."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from assetmake.frames import Frames
from assetmake.frames.base import Stored, Written


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
        return handler.load(self.stored, annotation)


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
