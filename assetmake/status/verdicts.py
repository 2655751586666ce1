"""What today's checks make of the results that a manifest holds; pure.

A check is code: its result stands for as long as the check is what it was and
the table is what it looked at. Nothing here runs one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from assetmake.code.parts import Change, Part, Place

if TYPE_CHECKING:
    from assetmake.stores.manifest import CheckRecord

Explain = Callable[[Sequence[Part], Sequence[Part]], Sequence[Change]]


@dataclass(frozen=True, slots=True)
class CheckDefinition:
    """What a check of one asset is today, in plain values.

    Attributes:
        name: Among the checks of the asset.
        place: Of its function.
        severity: ``error`` or ``warn``.
        code: Fingerprint of its code.
        parts: Of the code, its own function first.
        description: For display.
    """

    name: str
    place: Place
    severity: str
    code: str
    parts: tuple[Part, ...] = ()
    description: str = ""


@dataclass(frozen=True, slots=True)
class ChangedCheck:
    """Why a check has to run again on the table that is stored."""

    name: str
    text: str
    change: Change | None = None


def changed_checks(
    definitions: Sequence[CheckDefinition],
    records: Sequence[CheckRecord],
    observed: Mapping[str, str | None],
    explain: Explain,
) -> Iterator[ChangedCheck]:
    """Yield why results do not stand; a check that is gone is no reason.

    Args:
        definitions: Of the asset, today.
        records: In its manifest.
        observed: Today's fingerprints of the files that the checks opened.
        explain: Tells changed parts of code apart.
    """
    before = {record.name: record for record in records}
    for now in definitions:
        record = before.get(now.name)
        if record is None:
            yield ChangedCheck(now.name, f"check `{now.name}` is new ({now.place})")
            continue
        if record.fingerprint != now.code:
            yield from _changed_code(now, record, explain)
        if record.severity != now.severity:
            text = f"check `{now.name}` is of severity {now.severity} now"
            yield ChangedCheck(now.name, f"{text} ({now.place})")
        for path in sorted(record.observed):
            if observed.get(path) != record.observed[path]:
                text = f"file `{path}` changed, which check `{now.name}` reads"
                yield ChangedCheck(now.name, text)


def _changed_code(
    now: CheckDefinition, record: CheckRecord, explain: Explain
) -> Iterator[ChangedCheck]:
    changes = explain(record.parts, now.parts)
    if not changes:  # the whole differs, so this must not stay silent
        yield ChangedCheck(now.name, f"check `{now.name}` changed ({now.place})")
    for change in changes:
        if change.kind == "code":
            text = f"check `{now.name}` changed ({change.place})"
        else:
            place = "" if change.what == "is no longer used" else f" ({change.place})"
            text = (
                f"check `{now.name}` changed: "
                f"{change.kind} `{change.name}` {change.what}{place}"
            )
        yield ChangedCheck(now.name, text, change)


def results_of(
    definitions: Sequence[CheckDefinition], records: Sequence[CheckRecord]
) -> Iterator[tuple[CheckDefinition, CheckRecord]]:
    """Yield the checks of today whose results stand: each is what it was."""
    before = {record.name: record for record in records}
    for now in definitions:
        record = before.get(now.name)
        if record is not None and record.fingerprint == now.code:
            yield now, record


def warnings_of(
    definitions: Sequence[CheckDefinition],
    records: Sequence[CheckRecord],
    *,
    with_place: bool = False,
) -> tuple[str, ...]:
    """Return what the checks of today said of the stored table that is not well."""
    found = []
    for now, record in results_of(definitions, records):
        if record.passed:
            continue
        what = f"check `{now.name}`" + (f" ({now.place})" if with_place else "")
        if record.passed is None:
            found.append(f"{what} was not run: accepted")
        else:
            found.append(f"{what}: {record.message}")
    return tuple(found)
