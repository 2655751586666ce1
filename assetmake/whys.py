"""Gather all that is known of why a row is as it is; `status` decided it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from assetmake.status import Definition, Status

if TYPE_CHECKING:
    from assetmake.code.parts import Note
    from assetmake.view import View


@dataclass(frozen=True, slots=True)
class Why:
    """All that is known of why a row is as it is.

    Attributes:
        status: The row, with its reasons.
        definition: None for a source or an orphan.
        notes: What could not be followed in the asset's code.
        ruled_out: What was compared and is not the cause, in words.
        package_changes: Versions that differ from those of the build; they
            make nothing stale unless declared.
    """

    status: Status
    definition: Definition | None = None
    notes: tuple[Note, ...] = ()
    ruled_out: tuple[str, ...] = ()
    package_changes: tuple[str, ...] = ()


def why_of(view: View, name: str) -> Why:
    """Return all that is known of one row of a view."""
    status = view.statuses[name]
    if name not in view.definitions:
        return Why(status)
    closure = view.defined.closures[name]
    return Why(
        status,
        view.definitions[name],
        closure.notes,
        _ruled_out(status),
        _package_changes(status, closure.packages),
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
    return tuple(words for words, of in _RULED_OUT.items() if codes.isdisjoint(of))
