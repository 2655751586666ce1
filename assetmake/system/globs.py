"""Find the files that a path, a directory or a glob names, and what that hung on.

Unlike `glob`, it takes no character of the project's own path for a pattern,
goes round in no circle of links, and tells which directories it listed. Links
are followed. No file is opened.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from pathlib import Path

_MAGIC = frozenset("*?[")


@dataclass(slots=True)
class Found:
    """What a pattern names at one moment.

    Attributes:
        files: Absolute, in the order of their parts, each once.
        looked_at: Directories that were listed, and what is in a directory's
            place; absolute. Other names in them may be other files.
        absent: Paths at which there had to be nothing, or nothing behind a link.
        unreadable: Why a directory could not be listed, by its path.
    """

    files: list[str] = field(default_factory=list)
    looked_at: dict[str, None] = field(default_factory=dict)
    absent: dict[str, None] = field(default_factory=dict)
    unreadable: dict[str, str] = field(default_factory=dict)
    #: What is in each directory, which ``**`` comes to more than once.
    _listed: dict[str, list[tuple[str, bool]]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class _Directory:
    """A directory, and the real paths of those that it was reached through."""

    path: str
    chain: tuple[str, ...]  # ends with its own

    def inner(self, name: str) -> _Directory:
        path = os.path.join(self.path, name)
        if name == os.pardir:
            return _Directory(path, (os.path.realpath(path),))
        if os.path.islink(path):
            return _Directory(path, (*self.chain, os.path.realpath(path)))
        own = os.path.join(self.chain[-1], name)
        return _Directory(path, (*self.chain[:-1], own))

    @property
    def is_circle(self) -> bool:
        """Whether a link led back to where the way went through."""
        *above, own = self.chain
        return any(f"{real}{os.sep}".startswith(f"{own}{os.sep}") for real in above)


def is_glob(pattern: str, root: str | Path) -> bool:
    """Whether a text is a pattern, and not the name of what is there."""
    return not _MAGIC.isdisjoint(pattern) and not os.path.lexists(
        os.path.join(root, pattern)
    )


def find(pattern: str, root: str | Path) -> Found:
    """Return the files of a path, of a directory and all below it, or of a glob.

    Below a directory, what begins with ``.`` or ``_`` is left out, as readers
    of tables do. ``*`` matches no name that begins with ``.``; ``**`` stands
    for any directories, without those that a circle of links leads back to.

    Args:
        pattern: Relative to `root`, or absolute.
        root: An absolute path.
    """
    path = os.path.join(root, pattern)
    found = Found()
    if os.path.isdir(path):
        _all_below(_Directory(path, (os.path.realpath(path),)), found, _is_data)
    elif not is_glob(pattern, root):
        if os.path.isfile(path):
            found.files.append(path)
        elif os.path.exists(path):  # to read a pipe would wait for ever
            found.looked_at[path] = None
        else:
            found.absent[path] = None
    else:
        base = os.sep if os.path.isabs(pattern) else str(root)
        parts = [part for part in pattern.split("/") if part not in ("", ".")]
        _expand(_Directory(base, (os.path.realpath(base),)), parts, found)
    found.files = sorted(dict.fromkeys(found.files), key=lambda file: file.split("/"))
    return found


def _expand(directory: _Directory, parts: list[str], found: Found) -> None:
    """Add what the parts of a pattern, at least one, match in a directory."""
    part, rest = parts[0], parts[1:]
    if part == "**":
        if not rest:
            _all_below(directory, found, _is_shown)
            return
        _expand(directory, rest, found)
        for name, is_directory in _entries(directory, found):
            inner = directory.inner(name) if is_directory and _is_shown(name) else None
            if inner is not None and not inner.is_circle:
                _expand(inner, parts, found)
    elif _MAGIC.isdisjoint(part):
        path = os.path.join(directory.path, part)
        if not os.path.exists(path):
            found.absent[path] = None
        else:
            _step(directory, part, rest, found, is_directory=os.path.isdir(path))
    else:
        for name, is_directory in _entries(directory, found):
            if fnmatchcase(name, part) and (_is_shown(name) or part[0] == "."):
                _step(directory, name, rest, found, is_directory=is_directory)


def _step(
    directory: _Directory,
    name: str,
    rest: list[str],
    found: Found,
    *,
    is_directory: bool,
) -> None:
    if is_directory and rest:
        _expand(directory.inner(name), rest, found)
    elif not is_directory and not rest:
        found.files.append(os.path.join(directory.path, name))
    else:
        found.looked_at[os.path.join(directory.path, name)] = None


def _all_below(
    directory: _Directory, found: Found, is_wanted: Callable[[str], bool]
) -> None:
    for name, is_directory in _entries(directory, found):
        if not is_wanted(name):
            continue
        if not is_directory:
            found.files.append(os.path.join(directory.path, name))
            continue
        inner = directory.inner(name)
        if not inner.is_circle:
            _all_below(inner, found, is_wanted)


def _is_data(name: str) -> bool:
    return not name.startswith(("_", "."))


def _is_shown(name: str) -> bool:
    return not name.startswith(".")


def _entries(directory: _Directory, found: Found) -> list[tuple[str, bool]]:
    """Return the name of each file and directory, and whether it is a directory."""
    listed = found._listed.get(directory.path)  # noqa: SLF001 - of this module
    if listed is None:
        listed = found._listed[directory.path] = list(_list(directory, found))  # noqa: SLF001
    return listed


def _list(directory: _Directory, found: Found) -> Iterator[tuple[str, bool]]:
    found.looked_at[directory.path] = None
    try:
        with os.scandir(directory.path) as entries:
            every = list(entries)
    except OSError as error:
        found.unreadable[directory.path] = error.strerror or str(error)
        return
    for entry in every:
        if entry.is_dir():
            yield entry.name, True
        elif entry.is_file():
            yield entry.name, False
        elif entry.is_symlink():  # it may lead to something one day
            found.absent[entry.path] = None
