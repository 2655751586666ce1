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


def is_distribution(text: str) -> bool:
    """Whether `text` can name a distribution, as `pip install` takes it.

    https://packaging.python.org/en/latest/specifications/name-normalization/

    >>> is_distribution("scikit-learn"), is_distribution("pandas>=2")
    (True, False)
    """
    return re.fullmatch(r"[A-Za-z0-9]([\w.-]*[A-Za-z0-9])?", text, re.ASCII) is not None


def folded(name: str) -> str:
    """Return what names share whose tables some file system puts in one place.

    >>> folded("Daily/Highs") == folded("daily.highs")
    True
    """
    return _folded(path_of(name))


def alike(one: str, other: str) -> bool:
    r"""Whether two names of files are one where case and accents do not count.

    So it is on macOS, as a rule.

    >>> alike("Caf\u00e9.csv", "cafe\u0301.csv")
    True
    """
    return _folded(one) == _folded(other)


def _folded(text: str) -> str:
    if text.isascii():
        return text.lower()
    from unicodedata import normalize

    return normalize("NFKC", normalize("NFKC", text).casefold())


def path_of(name: str) -> str:
    """Return the directory of an asset's table, relative to its store.

    >>> path_of("weather.daily")
    'weather/daily'
    """
    return name.replace(".", "/")
