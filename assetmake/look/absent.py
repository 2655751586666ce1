"""Tell what an asset declares to count, and is not there: likely slips of the pen.

It may come later, and then it counts; so this is a note, and nothing is stale for it.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path

from assetmake.assets import Asset
from assetmake.code.parts import Note, Place
from assetmake.config import config_bytes
from assetmake.errors import did_you_mean
from assetmake.status.rows import Definition
from assetmake.system.globs import find


def absent(asset: Asset, definition: Definition, root: Path) -> Iterator[Note]:
    """Yield a note on each declared file, glob and package that is not there.

    Args:
        asset: As it is declared.
        definition: The same, as it was looked at just now.
        root: The project's directory.
    """
    place = definition.place
    for pattern in asset.reads:
        if problem := _unread(pattern, definition.reads, root):
            yield Note(place, f"`reads=` names `{pattern}`, {problem}")
    for name in asset.env:
        # Not to be set is a state like others, unless it looks misspelt.
        is_unset = definition.variables.get(name, "") is None
        close = did_you_mean(name, os.environ) if is_unset else None
        if close:
            yield Note(place, f"`env=` names `{name}`, which is not set; `{close}` is")
    for name, version in definition.packages.items():
        if version is None:
            said = f"`{name}`, which is not installed{_installed_like(name)}"
            if name in asset.packages:
                yield Note(place, f"`packages=` names {said}")
            else:
                yield Note(_configured(name, root), f"`packages` names {said}")


def _unread(pattern: str, reads: Mapping[str, str | None], root: Path) -> str:
    """Return what is wrong with a path or glob; empty if it names a file."""
    if pattern in reads:
        if reads[pattern] is not None or os.path.lexists(root / pattern):
            return ""
        above, _, name = pattern.rpartition("/")
        try:
            close = did_you_mean(name, os.listdir(root / above))
        except OSError:
            close = None
        meant = f"; `{above and above + '/'}{close}` is" if close else ""
        return f"which is not there{meant}"
    found = find(pattern, root)
    return "" if found.files or found.unreadable else "which matches no file now"


@cache
def _installed_like(name: str) -> str:
    """Return which distribution may be meant, as a clause; empty if none is close."""
    # A slow import, and a slow question; nobody asks it who spells well.
    from importlib import metadata

    known = {str(found.name) for found in metadata.distributions()}
    close = did_you_mean(name, known)
    return f"; `{close}` is" if close else ""


def _configured(name: str, root: Path) -> Place:
    """Return where `pyproject.toml` names a package."""
    lines = config_bytes(root).decode("utf-8", "replace").splitlines()
    quoted = (f'"{name}"', f"'{name}'")
    numbers = (
        number
        for number, line in enumerate(lines, 1)
        if any(text in line for text in quoted)
    )
    return Place("pyproject.toml", next(numbers, 1))
