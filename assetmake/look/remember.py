"""The rows of a look, as they are remembered; how they are kept as text.

What they hang on is for `certify` to collect, and for `snapshot` to check.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from assetmake.code.parts import Change, Place
from assetmake.status.rows import Reason, State, Status

if TYPE_CHECKING:
    from assetmake.look.view import View


@dataclass(frozen=True, slots=True)
class Remembered:
    """The rows of the last look, which are those of today.

    Attributes:
        statuses: Every row; the manifests are not among what is kept.
        graph: What each asset reads.
        groups: Group of each asset that has one.
        projects: Project of each source that is another project's asset.
        unmanaged: Places in the store that hold files without a manifest.
        elsewhere: Stored tables of other Assetfiles beside this one; no rows here.
    """

    statuses: dict[str, Status]
    graph: dict[str, tuple[str, ...]]
    groups: dict[str, str]
    projects: dict[str, str]
    unmanaged: list[str]
    elsewhere: list[Status]

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
        {name: s.project for name, s in view.defined.sources.items() if s.project},
        view.unmanaged,
        view.elsewhere,
    )


# As text -----------------------------------------------------------------------


def dump_rows(known: Remembered) -> bytes:
    """Return all that is remembered, as JSON."""
    tree = [
        [_row(status) for status in known.statuses.values()],
        known.graph,
        known.groups,
        known.projects,
        known.unmanaged,
        [_row(status) for status in known.elsewhere],
    ]
    text = json.dumps(tree, ensure_ascii=False, separators=(",", ":"))
    return text.encode("utf-8", "surrogatepass")


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
        status.built_at,
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


def parse_rows(data: bytes) -> Remembered | None:
    """Return what `dump_rows` made JSON of; None if it is something else."""
    try:
        tree = json.loads(data.decode("utf-8", "surrogatepass"))
        rows, graph, groups, projects, unmanaged, elsewhere = tree
        statuses = {row[0]: _status(row) for row in rows}
        return Remembered(
            statuses,
            {name: tuple(reads) for name, reads in graph.items()},
            dict(groups),
            dict(projects),
            list(unmanaged),
            [_status(row) for row in elsewhere],
        )
    except (ValueError, TypeError, KeyError, IndexError, AttributeError):
        return None


def _status(row: Sequence[Any]) -> Status:
    name, state, place, reasons, description, rows, warnings, built_at = row
    return Status(
        name,
        State(state),
        Place(*place) if place else None,
        tuple(
            Reason(code, text, subject, _change(change))
            for code, text, subject, change in reasons
        ),
        None,
        description,
        rows,
        tuple(warnings),
        built_at,
    )


def _change(change: Sequence[Any] | None) -> Change | None:
    if change is None:
        return None
    kind, name, what, place, via, before, after = change
    return Change(kind, name, what, Place(*place), via, before, after)


# In short ----------------------------------------------------------------------


def tally(known: Remembered) -> tuple[int, int]:
    """Return the numbers of fresh assets, and of all rows."""
    rows = known.statuses.values()
    return sum(row.state is State.FRESH for row in rows), len(rows)


def named(known: Remembered) -> list[tuple[str, int, str]]:
    """Return file, line and text of each row that a check names."""
    rows = [row for row in known.statuses.values() if row.reasons]
    return [
        (row.place.file, row.place.line or 1, row.clause) if row.place else ("", 1, "")
        for row in rows
    ]
