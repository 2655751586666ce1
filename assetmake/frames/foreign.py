"""Files that somebody else wrote, held against the format that an asset has.

Just their begin and end is looked at, of text all of it, before anything is read as a
table. Nothing is unpickled.
"""

from __future__ import annotations

import codecs
import io
import os
import pickletools
from collections.abc import Callable, Mapping
from itertools import islice
from pathlib import Path

import pyarrow as pa

from assetmake.frames import tables
from assetmake.frames.base import Stored
from assetmake.frames.objects import is_report

#: Bytes that tell what a file is, and that are decoded at once.
_HEAD = 1 << 12
_CHUNK = 1 << 20
#: Steps of a pickle that are looked at.
_STEPS = 1 << 16

_PARQUET, _CSV, _TEXT, _PICKLE = "Parquet", "CSV", "text", "a pickle"
#: How the names of files of a format end, where bytes do not tell.
_SUFFIXES: Mapping[str, tuple[str, ...]] = {
    _CSV: (".csv", ".csv.gz", ".csv.bz2", ".csv.xz"),
    _PICKLE: (".pickle", ".pkl"),
    "JSON": (".json", ".jsonl", ".ndjson"),
}

#: Formats of any number of files; each other one has just one.
_OF_PARTS = frozenset({"parquet", "csv"})

#: What each format expects, in words.
_EXPECTED: Mapping[str, str] = {
    "parquet": "Parquet files",
    "csv": "CSV files, `*.csv`",
    "pickle": "one pickle",
    "text": "one file of text in UTF-8",
}


def expected(format: str, kind: str) -> str:
    """Return in words which files a format has.

    Args:
        format: Of an asset.
        kind: ``str`` or ``bytes`` for a report; else empty.
    """
    return _EXPECTED.get("text" if kind == "str" else format, "one file")


def misfit(stored: Stored) -> str:
    """Return how files are not what their format says; empty if they seem to be.

    Raises:
        OSError: one cannot be read.
    """
    names = [file.name for file in stored.files]
    if stored.format not in _OF_PARTS and len(names) != 1:
        more = f" and {len(names) - 3} more" if len(names) > 3 else ""
        return f"{len(names)} files ({', '.join(names[:3])}{more})"
    kind = "text" if stored.extra.get("report") == "str" else stored.format
    fits = None if kind != "text" and is_report(stored) else _FITS.get(kind)
    for file in stored.files if fits else ():
        if fits is not None and not fits(file):
            return f"{file.name}, which is {_told(file, kind)}"
    return ""


def format_of(files: tuple[Path, ...]) -> str:
    """Return the format that files have, where nobody says which."""
    kinds = {kind_of(file) for file in files}
    if kinds == {_PARQUET}:
        return "parquet"
    if kinds == {_CSV}:
        return "csv"
    if kinds == {_PICKLE}:
        return "pickle"
    return "text" if len(files) == 1 and _is_text(files[0]) else "file"


def kind_of(file: Path) -> str:
    """Return in words what a file is, by its first bytes and its name."""
    with file.open("rb") as opened:
        head = opened.read(_HEAD)
    if head.startswith(b"PAR1"):
        return _PARQUET
    if head[:1] == b"\x80" and head[1:2] in b"\2\3\4\5":
        return _PICKLE
    is_text = _decodes(head)
    for kind, suffixes in _SUFFIXES.items():
        if file.name.endswith(suffixes) and (is_text or file.name.endswith("z")):
            return kind
    if not head:
        return "empty"
    return _TEXT if is_text else "binary data"


def _decodes(head: bytes) -> bool:
    try:
        codecs.getincrementaldecoder("utf-8")().decode(head)
    except UnicodeDecodeError:
        return False
    return b"\0" not in head


def _told(file: Path, kind: str) -> str:
    """Return what a file is that does not fit."""
    found = kind_of(file)
    if kind == "text" and found in (_TEXT, _CSV, "JSON"):
        return "not in UTF-8"
    if (kind, found) == ("parquet", _PARQUET):
        return "damaged Parquet"
    return "no whole pickle" if (kind, found) == ("pickle", _PICKLE) else found


def _is_parquet(file: Path) -> bool:
    if kind_of(file) != _PARQUET:
        return False
    try:
        with tables.opened(file):
            return True
    except (pa.ArrowException, OSError):
        return False


def _is_csv(file: Path) -> bool:
    return kind_of(file) == _CSV


def _is_text(file: Path) -> bool:
    if kind_of(file) in (_PARQUET, _PICKLE):
        return False  # whatever its bytes may be
    decoder = codecs.getincrementaldecoder("utf-8")()
    with file.open("rb") as opened:
        try:
            while chunk := opened.read(_CHUNK):
                decoder.decode(chunk)
            decoder.decode(b"", final=True)
        except UnicodeDecodeError:
            return False
    return True


def _is_pickle(file: Path) -> bool:
    """Whether a file can be a pickle, by its steps, none of which is taken."""
    with file.open("rb") as opened:
        head = opened.read(2)
        if len(head) < 2:
            return False
        opened.seek(-1, os.SEEK_END)
        if opened.read() != b".":
            return False
        opened.seek(0)
        try:
            if head[:1] == b"\x80":
                for _ in islice(pickletools.genops(opened), _STEPS):
                    pass
            else:  # of an old protocol: text can look like one
                pickletools.dis(opened, out=io.StringIO())
        except Exception:  # noqa: BLE001 - the bytes may be anything
            return False
    return True


_FITS: Mapping[str, Callable[[Path], bool]] = {
    "parquet": _is_parquet,
    "csv": _is_csv,
    "text": _is_text,
    "pickle": _is_pickle,
}
