"""Publish a directory in one step, and mend a step that was cut off.

Linux and macOS exchange two directories atomically. Elsewhere two renames do
it, with a note beside the staged directory from which `recover` finishes them.
"""

from __future__ import annotations

import ctypes
import errno
import os
import sys
from contextlib import suppress
from functools import cache
from pathlib import Path

from assetmake.names import is_name

#: Names the place, relative to the store's root, while two renames are under way.
SWAP_FILE = "swap"

_AT_FDCWD = -100
_RENAME_EXCHANGE = 2  # linux/fs.h
_RENAME_SWAP = 2  # macOS, sys/stdio.h


def swap(staged: Path, place: Path, root: Path) -> None:
    """Make `staged` stand at `place`; what stood there stands at `staged` then.

    Args:
        staged: A directory named ``new`` in a staging directory of its own.
        place: Its place; need not exist.
        root: Of the store; `place` lies below it.

    Raises:
        FileNotFoundError: the directory that `place` lies in is not there.
        OSError: nothing was changed, or `recover` finishes it.
    """
    if not os.path.lexists(place):
        staged.rename(place)
    elif not _exchange(staged, place):
        _rename_twice(staged, place, root)


def _exchange(one: Path, other: Path) -> bool:
    """Exchange two directories atomically; False where that is not possible."""
    function = _exchange_function()
    if function is None:
        return False
    if function(os.fsencode(one), os.fsencode(other)) == 0:
        return True
    code = ctypes.get_errno()
    if code in (errno.ENOSYS, errno.EINVAL, errno.ENOTSUP, errno.EOPNOTSUPP):
        return False  # this file system cannot
    raise OSError(code, os.strerror(code), str(other))


@cache
def _exchange_function():  # type: ignore[no-untyped-def]  # noqa: ANN202
    libc = ctypes.CDLL(None, use_errno=True)
    if sys.platform == "linux" and hasattr(libc, "renameat2"):
        call = libc.renameat2
        return lambda a, b: call(_AT_FDCWD, a, _AT_FDCWD, b, _RENAME_EXCHANGE)
    if sys.platform == "darwin" and hasattr(libc, "renamex_np"):
        call = libc.renamex_np
        return lambda a, b: call(a, b, _RENAME_SWAP)
    return None


def _rename_twice(staged: Path, place: Path, root: Path) -> None:
    note = staged.parent / SWAP_FILE
    note.write_text(place.relative_to(root).as_posix() + "\n")
    sync(note)  # after a power loss an empty one would not tell whose table it was
    old = staged.parent / "old"
    place.rename(old)
    try:
        staged.rename(place)
    except BaseException:  # a signal may come here, too
        old.rename(place)
        note.unlink()
        raise
    note.unlink()
    old.rename(staged)


def recover(leftover: Path, root: Path, kept: Path) -> bool:
    """Finish or undo the two renames that `leftover` was made for.

    Args:
        leftover: A staging directory with a `SWAP_FILE` in it.
        root: Of the store.
        kept: Where a table is moved to if nothing says whose it is.

    Returns:
        Whether a table was put in its place.
    """
    name = _noted(leftover / SWAP_FILE)
    old = leftover / "old"
    if not is_name(name):  # a path out of the store, or no path at all
        if old.is_dir():
            kept.mkdir(parents=True, exist_ok=True)
            old.rename(kept / leftover.name)
        return False
    place = root / name
    if os.path.lexists(place):
        return False
    for candidate in (leftover / "new", old):
        if candidate.is_dir() and not candidate.is_symlink():
            place.parent.mkdir(parents=True, exist_ok=True)
            candidate.rename(place)
            return True
    return False


def _noted(note: Path) -> str:
    """Return the name in a note; empty if the note is not whole."""
    if not note.is_file():
        return ""
    with note.open("rb") as file:
        name, end, _ = file.read(4096).decode("utf-8", "replace").partition("\n")
    return name if end else ""


def sync(path: str | Path) -> None:
    """Return when a file, or the names in a directory, are on the disk."""
    with suppress(FileNotFoundError):
        handle = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
