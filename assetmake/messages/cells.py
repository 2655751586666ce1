"""How many columns of a terminal text fills; nothing else."""

from __future__ import annotations


def cells(text: str) -> int:
    """Return how many columns `text` fills; East Asian wide characters fill two.

    >>> cells("abc"), cells("表")
    (3, 2)
    """
    if text.isascii():
        return len(text)
    from unicodedata import combining, east_asian_width

    return sum(
        0 if combining(char) else 2 if east_asian_width(char) in "WF" else 1
        for char in text
    )
