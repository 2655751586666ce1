"""Collect all that the rows of a look at a project hang on, for a snapshot.

Whatever could change a row, and is not noted here, would go unnoticed: so
rather too much than too little. How it is kept is for `draft` to know.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from assetmake.errors import SourceError
from assetmake.fingerprint import digest_bytes
from assetmake.saved.draft import Draft
from assetmake.stores.listing import is_hidden
from assetmake.system.globs import find

if TYPE_CHECKING:
    from assetmake.assetfile.defined import Defined
    from assetmake.assets import Source
    from assetmake.look.view import View
    from assetmake.stores.base import Store

#: Directories that never hold the project's modules, as `code.sources` has it.
_NO_CODE = frozenset({"__pycache__", "node_modules", "site-packages"})
_MANIFEST = "_manifest.json"


def draft_of(view: View, root: Path, store: Store, began_ns: int) -> Draft:
    """Return all that the rows of a view hang on.

    Args:
        view: A whole look, at data too.
        root: The project's directory.
        store: Its store.
        began_ns: When the look began.
    """
    draft = Draft(str(root), began_ns)
    defined = view.defined
    if defined.doubts:
        draft.doubt(min(defined.doubts))
        return draft
    _add_code(draft, defined, root)
    for name, asset in defined.assets.items():
        definition = view.definitions[name]
        draft.variables(definition.variables)
        draft.packages(definition.packages)
        for pattern in asset.reads:
            _add_pattern(draft, root, pattern)
        for path in view.records[name].observed:
            _add_observed(draft, os.path.join(root, path))
    for source in defined.sources.values():
        _add_source(draft, source, root)
    for file in view.assetfiles:
        draft.path(os.path.join(root, file))
    store.draft(draft)
    return draft


def _add_code(draft: Draft, defined: Defined, root: Path) -> None:
    """Let rows hang on the code, and on what loading it looked at."""
    seen = defined.seen
    for file, data in (defined.loaded.files if defined.loaded else {}).items():
        draft.digest(str(file), digest_bytes(data))
    for path, digest in defined.code.files.items():
        draft.digest(path, digest)
    for path in (*defined.code.looked_for, *map(str, seen.absent)):
        draft.absent(path)
    # A load may be older than the look: it is kept as long as the code is.
    for path in map(str, (*seen.files, *seen.directories)):
        draft.path(path, since_ns=seen.began_ns)
    if seen.is_relative:
        draft.here()
    for top in defined.code.listed:
        for directory in _code_directories(top):
            draft.stamp(directory)
    own = str(root) + os.sep
    entries = [entry for entry in sys.path if entry]
    for entry in entries:
        # An install elsewhere can shadow a module; within the project, what
        # was looked for and not found is watched name by name.
        if not f"{entry}{os.sep}".startswith(own):
            draft.importable(os.path.abspath(entry), since_ns=seen.began_ns)


def _code_directories(top: str) -> Iterator[str]:
    """Yield each directory in which a new file could be code of the project."""
    for directory, inner, files in os.walk(top):
        yield directory
        if not {_MANIFEST, "_SUCCESS", "pyvenv.cfg"}.isdisjoint(files):
            inner.clear()
        inner[:] = [n for n in inner if not n.startswith(".") and n not in _NO_CODE]


def _add_observed(draft: Draft, path: str) -> None:
    """Let rows hang on a file or directory that a run was seen to look at."""
    draft.path(path)
    if not path.endswith("/"):
        return
    # A directory stands for the names in it but those of tables: one that
    # becomes a table, or is none any more, is another name.
    try:
        names = os.listdir(path)
    except OSError:
        return
    for name in names:
        if not is_hidden(name) and os.path.isdir(path + name):
            draft.path(os.path.join(path, name, _MANIFEST))


def _add_source(draft: Draft, source: Source, root: Path) -> None:
    if source.project is not None:
        _add_neighbour(draft, source, root)
    elif source.path is None or "://" in source.path:
        draft.doubt(f"source `{source.name}` is no file")
    else:
        _add_pattern(draft, root, source.path)


def _add_neighbour(draft: Draft, source: Source, root: Path) -> None:
    """Let rows hang on another project's table, and on where that project is."""
    from assetmake.look.observe import neighbour

    try:
        store, manifest = neighbour(source, root)
    except SourceError as error:
        draft.doubt(str(error))
        return
    store.draft_table(draft, manifest.name)
    other = os.path.join(root, source.project or "")
    draft.path(os.path.join(other, "pyproject.toml"))
    # The way there may lead through links.
    draft.path(os.path.join(other, store.place(manifest.name)))


def _add_pattern(draft: Draft, root: Path, pattern: str) -> None:
    """Let rows hang on the files that a path, directory or glob names."""
    found = find(pattern, root)
    for path in (*found.looked_at, *found.files):
        draft.stamp(path)
    for path in found.absent:
        draft.absent(path)
    for path in found.unreadable:
        draft.doubt(f"{path} cannot be read")
