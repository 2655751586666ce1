"""What lies in the directories of a store: files, tables, links."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from assetmake.errors import StoreError
from assetmake.fingerprint import digest
from assetmake.saved.draft import Draft
from assetmake.saved.snapshot import PRIVATE
from assetmake.stores.manifest import (
    FILE_NAME,
)

#: Written behind the data, as Hadoop does, for readers that wait for it.
SUCCESS = "_SUCCESS"

#: What says that a directory is a project, or a store.
_OF_PROJECTS = frozenset({"Assetfile.py", PRIVATE})

#: Bytes that a name may fill where file systems allow 255.
_LONGEST_FLAT = 120


def inside(directory: str, *, is_root: bool) -> tuple[list[str], bool, bool]:
    """Return subdirectories, whether there is a manifest, whether there are files.

    Nothing of a directory that is another project's, or its store.

    Args:
        directory: To look into.
        is_root: Whether it is the store's own, which may be that of its project.
    """
    inner, has_manifest, has_files = [], False, False
    try:
        with os.scandir(directory) as entries:
            for entry in entries:
                if entry.name in _OF_PROJECTS and not is_root:
                    return [], False, False
                if entry.name == FILE_NAME:
                    has_manifest = True
                elif is_hidden(entry.name):
                    continue
                elif _is_directory(entry):
                    # A link may lead anywhere, also back: it is gone through
                    # only where a table stands right behind it.
                    if not entry.is_symlink() or _has_manifest(entry.path):
                        inner.append(entry.name)
                else:
                    has_files = True
    except OSError:
        return [], False, False
    return inner, has_manifest, has_files


def _is_directory(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_dir()
    except OSError:  # a link that leads to itself
        return False


def _has_manifest(directory: str) -> bool:
    return os.path.exists(os.path.join(directory, FILE_NAME))


def links(directory: str) -> Iterator[str]:
    """Yield the links in a directory that lead to directories."""
    try:
        with os.scandir(directory) as entries:
            every = list(entries)
    except OSError:  # not this user's; its manifest is told to be unreadable
        return
    for entry in every:
        if entry.is_symlink() and _is_directory(entry) and not is_hidden(entry.name):
            yield entry.path


def draft_files(draft: Draft, directory: str) -> None:
    """Let a snapshot hang on each file of a table, whoever put it there.

    The marker alone says nothing, but that it is there.
    """
    with os.scandir(directory) as entries:
        for entry in entries:
            if entry.name != SUCCESS:
                draft.path(entry.path)


def data_files(directory: Path) -> list[tuple[str, str]]:
    """Return name and path of each data file of a table, sorted by name."""
    found = []
    with os.scandir(directory) as entries:
        for entry in entries:
            if is_hidden(entry.name):
                continue
            if not entry.is_file():
                msg = f"`{entry.name}` in {directory.name}/ is no file"
                hint = "keep all files of an asset right in its directory"
                raise StoreError(msg, hints=hint)
            found.append((entry.name, entry.path))
    return sorted(found)


def is_hidden(name: str) -> bool:
    """Whether Spark, Arrow and Hadoop skip a file of that name."""
    return name.startswith(("_", "."))


def flat(name: str) -> str:
    """Return a name as one part of a path, with room for what is put around it.

    A long one is cut, and stays apart from others by its digest.
    """
    one = name.replace("/", ".")
    data = one.encode()
    if len(data) <= _LONGEST_FLAT:
        return one
    head = data[: _LONGEST_FLAT - 17].decode(errors="ignore")
    return f"{head}-{digest(name)[:16]}"
