"""Problems that a user of assetmake can mend; nothing here prints or exits."""

from __future__ import annotations

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


def did_you_mean(name: str, known: Iterable[str]) -> str | None:
    """Return the known name that is closest to `name`, if one is close.

    >>> did_you_mean("hotest_dates", ["hottest_dates", "daily_highs"])
    'hottest_dates'
    """
    close = get_close_matches(name, list(known), n=1)
    return close[0] if close else None
