"""CSV and JSON sources, whose types nobody wrote down, as pandas reads them.

Every engine gets the columns and dtypes that pandas infers, so that a column is
not text in one of them and a number in another. Nothing here is written.
"""

from __future__ import annotations

import inspect
import io
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, BinaryIO

import pandas as pd

from assetmake.errors import FrameError, did_you_mean
from assetmake.frames.base import Stored

#: Bytes that are looked at to tell a list of records from lines of them.
_HEAD = 1 << 10
#: How Python begins what it says of an argument that a function does not take.
_UNKNOWN = re.compile(r"^read_\w+\(\) got an unexpected keyword argument '(\w+)'")


def read(stored: Stored, options: Mapping[str, Any]) -> pd.DataFrame:
    """Return the rows of all files of a source, in their order.

    dtypes are inferred over all files at once. In JSON, a list of records or
    one on each line, values keep their JSON types.

    Args:
        stored: The source, in format ``csv`` or ``json``.
        options: Of ``pandas.read_csv`` (`sep`, `dtype`, `encoding`, ...), or of
            ``pandas.read_json``.

    Raises:
        FrameError: the headers differ, an option is unknown, or a file cannot
            be read.
    """
    if not stored.files:
        raise FrameError(f"`{stored.name}` has no data files in {stored.directory}")
    read = _read_csv if stored.format == "csv" else _read_json
    try:
        return read(stored, options)
    except (ValueError, TypeError, LookupError, OSError) as error:
        # UnicodeDecodeError and pandas' ParserError are ValueErrors, an unknown
        # encoding is a LookupError.
        reader = f"pandas.read_{stored.format}"
        if unknown := _UNKNOWN.search(str(error)):
            raise _unknown_option(stored.name, unknown[1], reader) from error
        files = ", ".join(file.name for file in stored.files[:3])
        msg = f"`{stored.name}` cannot be read as {stored.format} ({files}): {error}"
        hint = (
            f"mend the file, or say how to read it: `options=` of the source takes "
            f"those of {reader}, such as encoding"
        )
        raise FrameError(msg, hints=hint) from error


def _unknown_option(name: str, option: str, reader: str) -> FrameError:
    """Return what to say of an option that a function of pandas does not take."""
    function = getattr(pd, reader.rpartition(".")[2])
    close = did_you_mean(option, inspect.signature(function).parameters)
    msg = f"`{name}` cannot be read: {reader} takes no option `{option}`"
    hint = "take it out of the `options=` of the source"
    if close:
        hint = f"write `{close}` in the `options=` of the source"
    return FrameError(msg, hints=hint)


def _read_csv(stored: Stored, options: Mapping[str, Any]) -> pd.DataFrame:
    files = stored.files
    # low_memory infers dtypes piece by piece, and may mix them in one column.
    options = {"low_memory": False, **options}
    if len(files) == 1:
        return _frame(pd.read_csv(files[0], **options))
    names = [list(pd.read_csv(file, **{**options, "nrows": 0})) for file in files]
    for file, found in zip(files, names, strict=True):
        if found != names[0]:
            msg = (
                f"`{stored.name}`: {file.name} has columns {', '.join(found)}, "
                f"and {files[0].name} has {', '.join(names[0])}"
            )
            raise FrameError(msg, hints="give all parts of a source one header")
    whole = io.BytesIO()
    for position, file in enumerate(files):
        _append(whole, file, header=position == 0)
    whole.seek(0)
    return _frame(pd.read_csv(whole, **options))


def _frame(read: Any) -> pd.DataFrame:
    """Refuse what `chunksize` and the like make of a frame."""
    if isinstance(read, pd.DataFrame):
        return read
    raise TypeError("an option asks for pieces of a table")


def _append(whole: BinaryIO, file: Path, *, header: bool) -> None:
    """Write a part behind the others, its header only if asked for."""
    with _opened(file) as part:
        first = part.readline()
        # A header may hold line ends, in quotes.
        while first.count(b'"') % 2 and (more := part.readline()):
            first += more
        if header:
            whole.write(first)
        body = part.read()
        whole.write(body)
        if (body or header) and not (body or first).endswith((b"\n", b"\r")):
            whole.write(b"\n")


def _opened(file: Path) -> BinaryIO:
    """Return a file for reading, unpacked where its name says that it is packed."""
    import bz2
    import gzip
    import lzma

    packed: Any = {".gz": gzip, ".bz2": bz2, ".xz": lzma}.get(file.suffix)
    opened: BinaryIO = packed.open(file) if packed else file.open("rb")
    return opened


def _read_json(stored: Stored, options: Mapping[str, Any]) -> pd.DataFrame:
    # Without it, text such as "001" and columns named "date" are changed.
    typed: dict[str, Any] = {"dtype": False}
    if tuple(map(int, pd.__version__.split(".")[:2])) < (3, 1):
        typed["convert_dates"] = False  # told apart until pandas 3.1
    options = {**typed, **options}
    frames: list[pd.DataFrame] = []
    for file in stored.files:
        with _opened(file) as opened:
            lines = not opened.read(_HEAD).lstrip().startswith(b"[")
        frames.append(_frame(pd.read_json(file, **{"lines": lines, **options})))
    return pd.concat(frames, ignore_index=True) if len(frames) > 1 else frames[0]
