"""Turn a look at a project into a snapshot, and a snapshot into rows again."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from assetmake.code.parts import Change, Place
from assetmake.errors import SourceError
from assetmake.globs import find
from assetmake.snapshot import Draft
from assetmake.status import Reason, State, Status

if TYPE_CHECKING:
    from assetmake.assets import Source
    from assetmake.stores.base import Store
    from assetmake.view import Defined, View


@dataclass(frozen=True, slots=True)
class Remembered:
    """The rows of the last look, which are those of today.

    Attributes:
        statuses: Every row; the manifests are not among what is kept.
        graph: What each asset reads.
        groups: Group of each asset that has one.
        unmanaged: Places in the store that hold files without a manifest.
    """

    statuses: dict[str, Status]
    graph: dict[str, tuple[str, ...]]
    groups: dict[str, str]
    unmanaged: list[str]

    @property
    def sources(self) -> list[str]:
        """Names of all sources."""
        return [n for n, row in self.statuses.items() if row.state is State.SOURCE]

    @property
    def others(self) -> list[str]:
        """Names of all rows that are not assets: sources and orphans."""
        return [name for name in self.statuses if name not in self.graph]


def remembered(view: View) -> Remembered:
    """Return the rows of a look that was just taken."""
    assets = view.defined.assets
    return Remembered(
        view.statuses,
        view.defined.graph,
        {name: asset.group for name, asset in assets.items() if asset.group},
        view.unmanaged,
    )


def draft_of(view: View, root: Path, store: Store, began_ns: int) -> Draft:
    """Collect all that the rows of a view hang on.

    Args:
        view: A whole look, at data too.
        root: The project's directory.
        store: Its store.
        began_ns: When the look began.
    """
    from assetmake.code.doubts import doubts

    draft = Draft(str(root), began_ns)
    defined = view.defined
    places = [asset.registered for asset in defined.assets.values()]
    places += [check.registered for check in defined.loaded.checks]
    places += [source.place for source in defined.sources.values()]
    uncertain = doubts(defined.code, {(place.file, place.line) for place in places})
    if uncertain:
        draft.problem = f"another load may define other assets: {min(uncertain)}"
        return draft
    _draft_code(draft, defined, root)
    for name, asset in defined.assets.items():
        definition = view.definitions[name]
        draft.variables(dict(definition.variables))
        draft.packages(dict(definition.packages))
        for pattern in asset.reads:
            _draft_pattern(draft, pattern, root)
        for path in view.records[name].observed:
            _draft_path(draft, str(root / path))
    for source in defined.sources.values():
        _draft_source(draft, source, root)
    store.draft(draft)
    return draft


def _draft_code(draft: Draft, defined: Defined, root: Path) -> None:
    from assetmake.fingerprint import digest_bytes

    for file, data in defined.loaded.files.items():
        draft.digest(str(file), digest_bytes(data))
    for path, digest in defined.code.files.items():
        draft.digest(path, digest)
    for path in (*defined.code.looked_for, *map(str, defined.seen.absent)):
        draft.absent(path)
    for path in map(str, (*defined.seen.files, *defined.seen.directories)):
        _draft_path(draft, path)
    for top in defined.code.listed:
        draft.directories(top)
    own = str(root) + os.sep
    for entry in sys.path:
        # An install elsewhere can shadow a module; within the project, what
        # was looked for and not found is watched name by name.
        if entry and not f"{entry}{os.sep}".startswith(own):
            _draft_path(draft, os.path.abspath(entry))


def _draft_path(draft: Draft, path: str) -> None:
    if os.path.lexists(path):
        draft.stamp(path)
    else:
        draft.absent(path)


def _draft_pattern(draft: Draft, pattern: str, root: Path) -> None:
    """Let rows hang on the files that a path, directory or glob names."""
    found = find(pattern, root)
    for path in (*found.looked_at, *found.files):
        draft.stamp(path)
    for path in found.absent:
        draft.absent(path)
    for path in found.unreadable:
        draft.problem = draft.problem or f"{path} cannot be read"


def _draft_source(draft: Draft, source: Source, root: Path) -> None:
    if source.project is not None:
        from assetmake.observe import neighbour

        try:
            store, manifest = neighbour(source, root)
        except SourceError as error:
            draft.problem = str(error)
            return
        store.draft_table(draft, manifest.name)
        _draft_path(draft, os.path.join(root, source.project, "pyproject.toml"))
        return
    if source.path is None or "://" in source.path:
        draft.problem = f"source `{source.name}` is no file"
        return
    _draft_pattern(draft, source.path, root)


# Rows ---------------------------------------------------------------------------


def dump_rows(view: View) -> str:
    """Return the rows of a view, with what a selection needs, as text."""
    assets = view.defined.assets
    return json.dumps(
        [
            [_row(status) for status in view.statuses.values()],
            {name: list(reads) for name, reads in view.defined.graph.items()},
            {name: asset.group for name, asset in assets.items() if asset.group},
            view.unmanaged,
        ],
        ensure_ascii=False,
        separators=(",", ":"),
    )


def _row(status: Status) -> list[Any]:
    place = status.place
    return [
        status.name,
        status.state,
        [place.file, place.line] if place else None,
        [_reason(reason) for reason in status.reasons],
        status.description,
        status.rows,
        status.warnings,
    ]


def _reason(reason: Reason) -> list[Any]:
    change = reason.change
    return [
        reason.code,
        reason.text,
        reason.subject,
        None
        if change is None
        else [
            change.kind,
            change.name,
            change.what,
            [change.place.file, change.place.line],
            change.via,
            change.before,
            change.after,
        ],
    ]


def parse_rows(text: str) -> Remembered | None:
    """Return what `dump_rows` made text of; None if it is something else."""
    try:
        rows, graph, groups, unmanaged = json.loads(text)
        statuses = {row[0]: _status(row) for row in rows}
        return Remembered(
            statuses,
            {name: tuple(reads) for name, reads in graph.items()},
            dict(groups),
            list(unmanaged),
        )
    except (ValueError, TypeError, KeyError, IndexError, AttributeError):
        return None


def _status(row: Sequence[Any]) -> Status:
    name, state, place, reasons, description, rows, warnings = row
    return Status(
        name,
        State(state),
        Place(*place) if place else None,
        tuple(
            Reason(code, text, subject, _change(change))
            for code, text, subject, change in reasons
        ),
        description=description,
        rows=rows,
        warnings=tuple(warnings),
    )


def _change(change: Sequence[Any] | None) -> Change | None:
    if change is None:
        return None
    kind, name, what, place, via, before, after = change
    return Change(kind, name, what, Place(*place), via, before, after)


def tally(statuses: Mapping[str, Status]) -> tuple[int, int, int]:
    """Return the numbers of fresh assets, of rows that a check names, and of rows."""
    fresh = sum(row.state is State.FRESH for row in statuses.values())
    named = sum(
        row.state not in (State.FRESH, State.SOURCE) or bool(row.reasons)
        for row in statuses.values()
    )
    return fresh, named, len(statuses)
