"""Gather all that is known of why a row is as it is; `status` decided it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from assetmake.status.rows import Definition, Status

if TYPE_CHECKING:
    from pathlib import Path

    from assetmake.code.parts import Note
    from assetmake.frames.base import Column
    from assetmake.look.view import View


@dataclass(frozen=True, slots=True)
class Difference:
    """A column that a stored table would lack, have too much, or have otherwise.

    Attributes:
        column: Its name.
        stored: Its dtype in the stored table; None if it lacks the column.
        predicted: Its dtype in the predicted one; None if that lacks it.
    """

    column: str
    stored: str | None
    predicted: str | None


@dataclass(frozen=True, slots=True)
class Prediction:
    """Which columns today's code would give; a guess, by which nothing is decided.

    Attributes:
        columns: None if they could not be told, or it would give no table.
        differences: From the stored table; none where nothing is stored.
        rows: How many rows of each input were tried at most; None if all were.
        from_plan: Whether no row was computed, as for a Spark frame.
        as_stored: Inputs that are stale, and were taken as they are stored.
        problem: Why nothing could be told; empty if it could.
    """

    columns: tuple[Column, ...] | None = None
    differences: tuple[Difference, ...] = ()
    rows: int | None = None
    from_plan: bool = False
    as_stored: tuple[str, ...] = ()
    problem: str = ""


@dataclass(frozen=True, slots=True)
class Why:
    """All that is known of why a row is as it is.

    Attributes:
        status: The row, with its reasons.
        definition: None for a source or an orphan.
        notes: What could not be followed in the code of the asset and its checks,
            and what it declares that is not there.
        ruled_out: What was compared and is not the cause, in words.
        package_changes: Versions that differ from those of the build; they
            make nothing stale unless declared.
        predicted: Which columns today's code would give, where that was asked.
    """

    status: Status
    definition: Definition | None = field(default=None, repr=False)  # pages of it
    notes: tuple[Note, ...] = ()
    ruled_out: tuple[str, ...] = ()
    package_changes: tuple[str, ...] = ()
    predicted: Prediction | None = None


def why_of(
    view: View, name: str, root: Path, predicted: Prediction | None = None
) -> Why:
    """Return all that is known of one row of a view.

    Args:
        view: Of a look just now.
        name: Of the row.
        root: The project's directory.
        predicted: What its code would give, where that was asked.
    """
    status = view.statuses[name]
    if name not in view.definitions:
        return Why(status)
    closure = view.defined.closures[name]
    checks = view.defined.checks.get(name, ())
    notes = [*closure.notes, *(note for item in checks for note in item.closure.notes)]
    definition = view.definitions[name]
    if notes:
        from assetmake.look.variables import without_declared

        notes = [*without_declared(notes, definition.variables, root)]
    from assetmake.look.absent import absent

    notes += absent(view.defined.assets[name], definition, root)
    return Why(
        status,
        definition,
        tuple(dict.fromkeys(notes)),
        _ruled_out(status),
        _package_changes(status, closure.packages),
        predicted,
    )


def _package_changes(status: Status, packages: tuple[str, ...]) -> tuple[str, ...]:
    if status.manifest is None:
        return ()
    from assetmake.versions import versions_of

    now = versions_of(packages)
    return tuple(
        f"{package} {before} -> {now[package]}"
        for package, before in status.manifest.versions.items()
        if package in now and now[package] != before
    )


_RULED_OUT: Mapping[str, tuple[str, ...]] = {
    "its code": ("code-changed", "helper-changed"),
    "settings": ("setting-changed",),
    "inputs": (
        "input-added",
        "input-removed",
        "input-reordered",
        "upstream-changed",
        "upstream-outdated",
        "source-changed",
        "source-missing",
    ),
    "storage format": ("format-changed",),
    "declared columns": ("columns-differ",),
    "data on disk": ("data-modified", "data-missing"),
}


def _ruled_out(status: Status) -> tuple[str, ...]:
    if status.manifest is None:
        return ()
    codes = {reason.code for reason in status.reasons}
    checks = ("checks",) if status.manifest.checks else ()
    # A build that failed may have failed by one.
    of_checks = ("check-changed", "last-build-failed")
    known = {**_RULED_OUT, **dict.fromkeys(checks, of_checks)}
    return tuple(words for words, of in known.items() if codes.isdisjoint(of))
