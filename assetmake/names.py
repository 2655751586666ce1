"""Names of assets: identifiers, nested by ``/`` or ``.``; nothing else."""

from __future__ import annotations

import re

_SEPARATOR = re.compile(r"[/.]")


def is_name(text: str) -> bool:
    """Whether `text` can name an asset.

    Parts that begin with an underscore would be skipped by Spark and Arrow.

    >>> is_name("weather/daily"), is_name("../daily"), is_name("_tmp")
    (True, False, False)
    """
    return all(
        part.isidentifier() and not part.startswith("_")
        for part in _SEPARATOR.split(text)
    )


def folded(name: str) -> str:
    """Return what two names share that some file system takes for one.

    macOS ignores case, and how an accent is written.

    >>> folded("Daily/Caf\N{LATIN SMALL LETTER E WITH ACUTE}") == folded(
    ...     "daily.cafe\N{COMBINING ACUTE ACCENT}"
    ... )
    True
    """
    path = path_of(name)
    if path.isascii():
        return path.lower()
    from unicodedata import normalize

    return normalize("NFKC", normalize("NFKC", path).casefold())


def path_of(name: str) -> str:
    """Return the directory of an asset's table, relative to its store.

    >>> path_of("weather.daily")
    'weather/daily'
    """
    return name.replace(".", "/")
