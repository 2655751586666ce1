"""The one lock of a store, which the operating system drops with its process.

It is an flock(2) of a file that stays where it is. What the file says, while it
is held, is who holds it.
"""

from __future__ import annotations

import errno
import os
import stat
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from assetmake.stores.base import Waiting

#: Seconds between two tries while another build holds the lock.
_POLL = 0.05
#: How often a holder is looked for who has not said yet who it is.
_LOOKS = 10


class HeldHereError(RuntimeError):
    """This very thread holds the lock: it would wait for itself."""


def moment_of(file: Path) -> int:
    """Return what is another whenever somebody has held a lock meanwhile."""
    try:
        return os.stat(file).st_mtime_ns  # who holds it writes to it
    except OSError:
        return 0


@contextmanager
def hold(file: Path, waiting: Waiting, since: int | None = None) -> Iterator[bool]:
    """Hold the lock of a file; yield whether somebody else had it meanwhile.

    Args:
        file: Made if it is not there; its directory exists.
        waiting: Is told once whom it waits for.
        since: A moment from which on nobody else should have had it.

    Raises:
        OSError: it cannot be locked, or is no plain file.
        HeldHereError: this thread holds it already.
    """
    process = os.getpid()
    is_new = not os.path.lexists(file)
    handle = _open(file)
    try:
        waited = _take(handle, waiting)
        # Whoever held it may have removed the file: then it locks nothing.
        while _identity(handle) != _identity(file):
            os.close(handle)
            handle = _open(file)
            waited |= _take(handle, waiting)
        now = 0 if is_new else os.fstat(handle).st_mtime_ns
        waited |= since is not None and since != now
        _held[handle] = (_identity(handle), threading.get_ident())
        _write(handle, f"process {process}, started {time.strftime('%H:%M:%S')}")
        yield waited
    finally:
        # A process that was forked meanwhile has let go of it, see `_forget`.
        if os.getpid() == process:
            if _held.pop(handle, None):
                _write(handle, "")
                _unlock(handle)
            os.close(handle)


#: Locks that this process holds: descriptor, file, thread.
_held: dict[int, tuple[tuple[int, int] | None, int]] = {}


def _forget() -> None:
    """Let go, in a forked process, of what the other one holds.

    Else a process that an asset started would hold the lock when the build has
    been killed, for as long as it lives.
    """
    for handle in _held:
        with suppress(OSError):
            os.close(handle)
    _held.clear()


os.register_at_fork(after_in_child=_forget)


def _open(file: Path) -> int:
    # Neither a link nor a named pipe in its place leads or holds up anybody.
    flags = os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK
    # Who may write in the directory may take the lock, of a group's too.
    mode = os.stat(file.parent).st_mode & 0o666
    is_new = not os.path.lexists(file)
    handle = os.open(file, flags, mode)
    if is_new:
        with suppress(OSError):
            os.fchmod(handle, mode)  # whatever the umask
    if not stat.S_ISREG(os.fstat(handle).st_mode):
        os.close(handle)
        raise OSError(errno.EINVAL, "no plain file", str(file))
    return handle


def _identity(file: int | Path) -> tuple[int, int] | None:
    try:
        found = os.stat(file)
    except FileNotFoundError:
        return None
    return found.st_dev, found.st_ino


def _take(handle: int, waiting: Waiting) -> bool:
    """Wait until the lock is this process's; return whether there was a wait."""
    if _try(handle):
        return False
    if (_identity(handle), threading.get_ident()) in _held.values():
        raise HeldHereError
    waiting(_owner(handle))
    while not _try(handle):
        time.sleep(_POLL)
    return True


def _try(handle: int) -> bool:
    import fcntl

    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _unlock(handle: int) -> None:
    import fcntl

    # Closing alone would not do where a forked process has the descriptor, too.
    with suppress(OSError):
        fcntl.flock(handle, fcntl.LOCK_UN)


def _owner(handle: int) -> str:
    for _ in range(_LOOKS):
        with suppress(OSError):
            text = os.pread(handle, 200, 0).decode("utf-8", "replace")
            if text:
                return text
        time.sleep(_POLL / _LOOKS)
    return "another build"


def _write(handle: int, text: str) -> None:
    """Say who holds the lock; a full disk keeps nobody from holding it."""
    with suppress(OSError):
        if os.fstat(handle).st_nlink > 1:
            return  # it is some other file, too
        os.ftruncate(handle, 0)
        os.pwrite(handle, text.encode(), 0)
