"""Reports (text, bytes, files) and any other object in the store.

A report is one file that opens with a double click: it is called like the asset,
and its suffix is what ``format=`` says (``html``, ``md``, ``svg``, ``png``, ...), or
``.txt`` and ``.bin``. An asset that reads one gets it as str (UTF-8), as bytes, or
as the Path of the file in the store. Everything else is pickled.
"""

from __future__ import annotations

import os
import pickle
import re
import shutil
from pathlib import Path
from typing import Any

from assetmake.errors import FrameError
from assetmake.fingerprint import digest, digest_file
from assetmake.frames.base import FileRecord, Shape, Stored, Written
from assetmake.frames.writing import hashed_file, write_hashed

_SUFFIXES = {"text": "txt", "bytes": "bin"}
_KINDS = {"text": "str", "bytes": "bytes"}
_WORD = re.compile(r"[a-z][a-z0-9]{0,15}")
#: Bytes of a file that are copied at once.
_CHUNK = 1 << 18
_SAFE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._+ -]{0,199}")

#: Formats of tables and objects, which no report can be kept in.
_NOT_REPORTS = frozenset({"parquet", "csv", "pickle", "file"})


class _Plain:
    """What handlers of single files have in common."""

    def shape(self, value: Any) -> Shape | None:  # noqa: ARG002 - protocol
        """Return None: what is no table has no shape."""
        return None

    def close(self) -> None:
        """Do nothing: it holds nothing."""


class TextHandler(_Plain):
    """Keeps a str as a file in UTF-8."""

    name = "str"
    formats: tuple[str, ...] = ("text",)

    def accepts(self, format: str) -> bool:
        """Whether `format` can be the suffix of a report's file."""
        return _WORD.fullmatch(format) is not None and format not in _NOT_REPORTS

    def save(self, value: Any, directory: Path, *, format: str, asset: str) -> Written:
        """Write a report as one file; line ends stay as they are."""
        try:
            data = value.encode()
        except UnicodeEncodeError as error:
            msg = f"`{asset}` cannot be kept as text: {error}"
            raise FrameError(
                msg, hints="return bytes in an encoding that has it"
            ) from error
        return _save_bytes(data, directory, format, asset, "str")

    def load(self, stored: Stored, annotation: Any) -> Any:  # noqa: ARG002 - protocol
        """Return the text of a report, or of a source of one file."""
        data = _only_file(stored).read_bytes()
        try:
            return data.decode()
        except UnicodeDecodeError as error:
            msg = f"`{stored.name}` is no text in UTF-8: {error}"
            raise FrameError(msg, hints="annotate the parameter with bytes") from error


class BytesHandler(TextHandler):
    """Keeps bytes as a file."""

    name = "bytes"
    formats = ("bytes",)

    def save(self, value: Any, directory: Path, *, format: str, asset: str) -> Written:
        """Write a report as one file."""
        return _save_bytes(value, directory, format, asset, "bytes")

    def load(self, stored: Stored, annotation: Any) -> Any:  # noqa: ARG002 - protocol
        """Return the bytes of a report, or of a source of one file."""
        return _only_file(stored).read_bytes()


class PathHandler(_Plain):
    """Keeps a copy of the file at a returned Path, under its own name."""

    name = "pathlib.Path"
    formats = ("file",)

    def save(
        self,
        value: Any,
        directory: Path,
        *,
        format: str,  # noqa: ARG002 - protocol
        asset: str,
    ) -> Written:
        """Copy the file into the store; the original stays where it is."""
        path = Path(value)
        if not path.is_file():
            what = "a directory" if path.is_dir() else "not there"
            msg = f"`{asset}` returned the path {path}, which is {what}"
            raise FrameError(msg, hints="write one file, and return its path")
        name = path.name
        if not _SAFE.fullmatch(name):
            suffix = path.suffix if _SAFE.fullmatch(path.suffix[1:]) else ""
            name = _leaf(asset) + suffix
        with path.open("rb") as original, hashed_file(directory / name) as file:
            shutil.copyfileobj(original, file, _CHUNK)
        return _written_file(name, file.record)

    def load(self, stored: Stored, annotation: Any) -> Any:  # noqa: ARG002 - protocol
        """Return the path of the stored file, or of the directory of several.

        It is the file in the store itself: read it, and write elsewhere.
        """
        if len(stored.files) == 1:
            return stored.files[0]
        return stored.directory


class ObjectHandler(_Plain):
    """Keeps any object by pickle, protocol 5."""

    name = "object"
    formats = ("pickle",)

    def save(
        self,
        value: Any,
        directory: Path,
        *,
        format: str,  # noqa: ARG002 - protocol
        asset: str,
    ) -> Written:
        """Write a pickle; see `save_pickle`."""
        return save_pickle(value, directory, asset)

    def load(self, stored: Stored, annotation: Any) -> Any:
        """Return the object of a pickle.

        Raises:
            FrameError: it was not stored as an object, or cannot be unpickled.
        """
        if stored.format == "pickle":
            return load_pickle(stored)
        wanted = getattr(annotation, "__qualname__", annotation)
        msg = f"`{stored.name}` is stored as {stored.format}, not as a {wanted}"
        raise FrameError(msg, hints="annotate the parameter with what is stored")


def save_pickle(value: Any, directory: Path, asset: str) -> Written:
    """Stream a pickle of `value` to a file, and return its fingerprint.

    Raises:
        FrameError: something in it cannot be pickled.
    """
    path = directory / f"{_leaf(asset)}.pickle"
    with hashed_file(path) as file:
        try:
            pickle.dump(value, file, protocol=5)
        except Exception as error:
            place = _unpicklable(value)
            kind = type(value).__qualname__
            msg = f"`{asset}` cannot be pickled: {place or kind}: {error}"
            hint = "leave it out of the object, or give its class `__getstate__`"
            raise FrameError(msg, hints=hint) from error
    record = file.record
    return Written(f"pickle-1:{record.digest}", files={path.name: record})


def _unpicklable(value: Any, path: str = "", depth: int = 4) -> str:
    """Return the path to the innermost part that cannot be pickled."""
    if isinstance(value, dict):
        parts = [(f"{path}[{key!r}]", inner) for key, inner in value.items()]
    elif isinstance(value, list | tuple):
        parts = [(f"{path}[{i}]", inner) for i, inner in enumerate(value)]
    else:
        attributes = getattr(value, "__dict__", {})
        parts = [(f"{path}.{name}", inner) for name, inner in attributes.items()]
    for place, inner in parts if depth else ():
        try:
            pickle.dumps(inner, protocol=5)
        except Exception:  # noqa: BLE001 - any class may raise any
            return _unpicklable(inner, place, depth - 1) or place
    return path


def load_pickle(stored: Stored) -> Any:
    """Return the object of a stored pickle.

    Raises:
        FrameError: it cannot be unpickled: its class has gone, say.
    """
    path = _only_file(stored)
    try:
        with path.open("rb") as file:
            return pickle.load(file)
    except Exception as error:
        msg = f"`{stored.name}` cannot be unpickled: {type(error).__name__}: {error}"
        hint = f"run `assetmake -B {stored.name}` to build it again"
        raise FrameError(msg, hints=hint) from error


def is_report(stored: Stored) -> bool:
    """Whether what is stored was a str or bytes."""
    return "report" in stored.extra


def load_as_written(stored: Stored) -> Any:
    """Return a report or object as the type that it was stored from.

    Raises:
        FrameError: it is of a format that a package of its own has written.
    """
    if stored.format == "pickle":
        return load_pickle(stored)
    if stored.format == "file":
        return PathHandler().load(stored, Path)
    kind = stored.extra.get("report", _KINDS.get(stored.format))
    if kind is None:
        msg = f"`{stored.name}` is stored as {stored.format}, which is not known here"
        hint = "annotate the parameter with its type, or install what stored it"
        raise FrameError(msg, hints=hint)
    handler = BytesHandler() if kind == "bytes" else TextHandler()
    return handler.load(stored, None)


def fingerprint_report(stored: Stored) -> Written:
    """Describe a report or object that is in place already.

    Raises:
        FrameError: it is not one file.
    """
    path = _only_file(stored)
    if stored.format == "file":
        record = FileRecord(path.stat().st_size, digest_file(path))
        return _written_file(path.name, record)
    scheme = "pickle-1" if stored.format == "pickle" else "bytes-1"
    return Written(f"{scheme}:{digest_file(path)}", extra=stored.extra)


def _save_bytes(
    data: bytes, directory: Path, format: str, asset: str, kind: str
) -> Written:
    suffix = _SUFFIXES.get(format, format)
    path = directory / f"{_leaf(asset)}.{suffix}"
    record = write_hashed(path, data)
    extra = {} if format in _SUFFIXES else {"report": kind}
    return Written(f"bytes-1:{record.digest}", extra=extra, files={path.name: record})


def _written_file(name: str, record: FileRecord) -> Written:
    # The name is content: a reader may go by its suffix.
    fingerprint = f"file-1:{digest(name, record.digest)}"
    return Written(fingerprint, files={name: record})


def _leaf(asset: str) -> str:
    """Return the last part of an asset's name."""
    return re.split(r"[/.]", asset)[-1]


def _only_file(stored: Stored) -> Path:
    if len(stored.files) != 1:
        msg = f"`{stored.name}` is {len(stored.files)} files, not one"
        hint = "annotate the parameter with pathlib.Path to get their directory"
        raise FrameError(msg, hints=hint)
    if not os.path.isfile(stored.files[0]):
        raise FrameError(f"`{stored.name}` has lost its file {stored.files[0].name}")
    return stored.files[0]
