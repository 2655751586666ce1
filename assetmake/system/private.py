"""The user's own directory: what lies there, nobody else can have written or read."""

from __future__ import annotations

import os
import stat
import sys
from contextlib import suppress
from functools import cache

from assetmake.system.plain import read_plain

#: Bytes of a secret.
_SECRET_BYTES = 32


def cache_directory() -> str | None:
    """Return the user's own cache of assetmake, made if it has to be.

    None when there is no home directory, or it cannot be written. The
    directory belongs to the user and nobody else can write to it: what lies
    there may be executed.
    """
    base = os.environ.get("XDG_CACHE_HOME", "")
    if not base:
        home = os.path.expanduser("~")
        # Accounts of services have none, and root could make it.
        if not os.path.isdir(home):
            return None
        at = ("Library", "Caches") if sys.platform == "darwin" else (".cache",)
        base = os.path.join(home, *at)
    place = os.path.join(base, "assetmake")
    try:
        if not os.path.isabs(place):
            return None
        os.makedirs(place, mode=0o700, exist_ok=True)
        return place if is_private(place) and os.access(place, os.W_OK) else None
    except OSError:
        return None


def is_private(path: str | os.PathLike[str]) -> bool:
    """Return whether only this user can change what `path` itself names.

    Raises:
        OSError: there is nothing.
    """
    return _is_own(path, stat.S_IWGRP | stat.S_IWOTH)


def secret() -> bytes:
    """Return what only processes of this user know, made if it has to be.

    It lies in the user's cache: who deletes it ends all that was sealed with it.
    Empty where there is no place for it.
    """
    place = cache_directory()
    return _secret(place) if place is not None else b""


@cache
def _secret(place: str) -> bytes:
    path = os.path.join(place, "secret")
    found = _read(path)
    if not found:
        with suppress(OSError):
            _make(path)
        found = _read(path)  # of two processes that make one, the last wins
    return found


def _read(path: str) -> bytes:
    try:
        found = read_plain(path)
        is_own = _is_own(path, stat.S_IRWXG | stat.S_IRWXO)
    except OSError:
        return b""
    return found if is_own and len(found) == _SECRET_BYTES else b""


def _make(path: str) -> None:
    """Write a secret whole or not at all, in place of one that cannot be used."""
    staged = f"{path}-{os.getpid()}"
    with suppress(FileNotFoundError):
        os.unlink(staged)  # by a process that was killed
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC
    try:
        with open(os.open(staged, flags, 0o600), "wb") as file:
            file.write(os.urandom(_SECRET_BYTES))
        os.replace(staged, path)
    except OSError:
        with suppress(OSError):
            os.unlink(staged)
        raise


def _is_own(path: str | os.PathLike[str], others: int) -> bool:
    """Return whether this user has a thing, and others have none of these rights."""
    found = os.lstat(path)
    is_link = stat.S_ISLNK(found.st_mode)
    return found.st_uid == os.getuid() and not is_link and not found.st_mode & others
