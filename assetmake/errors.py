"""Problems that a user of assetmake can mend; nothing here prints or exits."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterable
from difflib import get_close_matches


class AssetmakeError(Exception):
    """A problem in the user's project, with a way out of it.

    `str(error)` says what is wrong and where; each of `hints` says what to do
    about it. The command line prints both without a traceback and exits with
    `exit_code`. An exception of any other class is a bug in assetmake, and
    keeps its traceback.
    """

    exit_code = 2

    def __init__(self, message: str, *, hints: Iterable[str] = ()) -> None:
        super().__init__(message)
        self.hints = (hints,) if isinstance(hints, str) else tuple(hints)


class ConfigError(AssetmakeError):
    """`[tool.assetmake]` in `pyproject.toml` cannot be used as it stands."""


class LoadError(AssetmakeError):
    """The Assetfile, or a module that it imports, cannot be loaded."""


class DefinitionError(AssetmakeError):
    """What the Assetfile defines contradicts itself: names, places, cycles."""


class UnknownNameError(AssetmakeError):
    """A name on the command line or in a call matches no asset."""


class SourceError(AssetmakeError):
    """A source is not there, or cannot be read as what it is declared to be."""


class FrameError(AssetmakeError):
    """A value would not survive its format, or cannot be loaded as asked."""


class StoreError(AssetmakeError):
    """The store refuses to be read or written."""


class WorkerError(AssetmakeError):
    """A worker process ended before the asset that it built."""


class JavaError(AssetmakeError):
    """No Java runtime that can start Spark was found."""


class ExtraError(AssetmakeError):
    """A package of an optional extra is needed and not installed."""


#: What to do about errors of the operating system.
_HINTS = {
    errno.ENOSPC: "make room on that disk, then run the same command again",
    errno.EDQUOT: "make room within the quota, then run the same command again",
    errno.EROFS: "mount it for writing, or choose another `root`",
    errno.EACCES: "let this user read and write there",
    errno.EPERM: "let this user read and write there",
    errno.EIO: "look after that disk: it fails",
    errno.EMFILE: "raise the limit of open files: `ulimit -n 4096`",
    errno.ENFILE: "let other programs close files: the machine's limit is reached",
    errno.EFBIG: "raise the limit of file sizes: `ulimit -f unlimited`",
}


def told(error: OSError) -> str:
    """Return what an error of the operating system says, and of which file."""
    what = error.strerror or str(error) or type(error).__name__
    where = f" ({os.fsdecode(error.filename)})" if error.filename else ""
    return f"{what[:1].lower()}{what[1:]}{where}"


def hint_of(error: OSError) -> tuple[str, ...]:
    """Return what to do about an error of the operating system, if that is known."""
    hint = _HINTS.get(error.errno or 0)
    return (hint,) if hint else ()


def did_you_mean(name: str, known: Iterable[str]) -> str | None:
    """Return the known name that is closest to `name`, if one is close.

    >>> did_you_mean("hotest_dates", ["hottest_dates", "daily_highs"])
    'hottest_dates'
    """
    close = get_close_matches(name, list(known), n=1)
    return close[0] if close else None
