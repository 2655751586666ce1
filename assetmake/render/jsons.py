"""What `--json` prints, for programs: documented, versioned, with stable keys.

Every document is an object with ``version`` (1; it rises when a key is removed
or changes its meaning, not when one is added), ``mode`` (the mode's long
option without dashes, or ``build``) and ``project`` (absolute path). Paths in
it are relative to the project, with ``/``. A value that is not known is null;
keys are never left out. Where nothing could begin (exit status 2), nothing is
printed but the error, as text on standard error.

========== ==================================================================
mode       keys beside those
========== ==================================================================
status     ``tables``: rows, sources first, assets upstream before downstream,
           orphans last; ``unmanaged``: places without a manifest;
           ``elsewhere``: rows of tables that other Assetfiles have
check      ``ok``; ``tables``: the rows that are not fresh, tolerated ones
           left out
why        ``tables``: rows that have ``notes`` (``file``, ``line``, ``text``),
           ``ruled_out`` and ``package_changes`` (texts) and ``predicted`` as
           well: null without `--predict`, or ``columns``, ``differences``
           (``column``, and the dtypes ``stored`` and ``predicted``, null where
           the column lacks), ``from_plan``, ``rows`` (of each input that were
           tried at most, null for all), ``as_stored`` (stale inputs that were
           not predicted), ``problem`` (why nothing is predicted)
dry-run    ``steps``, upstream first: ``name``, ``certain`` (else only if data
           above it comes out different), ``forced``, ``reasons``; ``fresh``
           and ``orphans``: names
list       ``names``: upstream before downstream
graph      ``tables``: ``name``, ``kind`` (``asset`` or ``source``) and
           ``upstream`` (names)
verify     ``ok``; ``tables``, of assets: ``name``, ``file``, ``line``,
           ``verdict`` (``deterministic``, ``reordered``, ``differs``,
           ``unknown``, ``failed``, ``not fresh``), ``seconds``,
           ``deviations``: ``kind``, ``column``, ``rows`` (how many differ),
           ``row`` (the first, from 0; of a report the line, from 1),
           ``stored`` and ``again`` (texts), ``problem``, ``error``
build      ``ok``; ``interrupted``; ``seconds``; ``fresh``: number of assets
           that needed nothing; ``outcomes``, in the order they ended:
           ``name``, ``outcome`` (``built``, ``checked``, ``fresh``,
           ``failed``, ``skipped``, ``stopped``, ``not started``), ``seconds``,
           ``rows``, ``bytes``, ``same_data``, ``needs`` (the failed asset that
           a skipped one needs), ``kept`` (where a table changed by hand is
           now), ``error`` (``kind``, ``message``, ``trace``, ``inputs``,
           ``hints``), ``checks``: as those of a row, with ``trace`` and
           ``head`` (``count``, ``columns``, ``rows``: the first, as text);
           ``notes``: ``file``, ``line``, ``text``
========== ==================================================================

A row has ``name``, ``state``, ``file``, ``line``, ``reasons``, ``description``,
``rows``, ``bytes``, ``columns`` (``name`` and ``dtype``), ``fingerprint``,
``format``, ``built_at`` (ISO 8601, UTC), ``seconds``, ``accepted`` and ``adopted``,
the last nine as the manifest has them, ``warnings`` (texts) and ``checks``: ``name``,
``file``, ``line``, ``severity``, ``passed`` (null if it was not run),
``failing`` (number of rows) and ``message``, as the manifest has them. A reason
has ``code``, ``text``, ``subject`` and ``change``: null, or ``kind``, ``name``,
``what``, ``file``, ``line``, ``via``, and ``before`` and ``after``, the
normalised source.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from assetmake.builds.listen import Outcome, Result
from assetmake.builds.plan import Plan
from assetmake.builds.run import Failed
from assetmake.code.parts import Change, Note, Place
from assetmake.frames.base import Column
from assetmake.look.whys import Prediction, Why
from assetmake.status.rows import Reason, Status

if TYPE_CHECKING:
    from assetmake.builds.checking import CheckRan
    from assetmake.builds.verify import Verified
    from assetmake.stores.manifest import CheckRecord

#: See the module's docstring for when it rises.
VERSION = 1


def render_json(mode: str, project: str, keys: Mapping[str, Any]) -> str:
    """Return one document, in ASCII: no stream can spoil it."""
    document = {"version": VERSION, "mode": mode, "project": project, **keys}
    return json.dumps(document, indent=2)


def status_keys(
    rows: Sequence[Status], unmanaged: Sequence[str], elsewhere: Sequence[Status]
) -> dict[str, Any]:
    """Return what `--status --json` tells."""
    return {
        "tables": [_row(row) for row in rows],
        "unmanaged": list(unmanaged),
        "elsewhere": [_row(row) for row in elsewhere],
    }


def check_keys(reported: Sequence[Status]) -> dict[str, Any]:
    """Return what `--check --json` tells."""
    return {"ok": not reported, "tables": [_row(row) for row in reported]}


def why_keys(found: Sequence[Why]) -> dict[str, Any]:
    """Return what `--why --json` tells."""
    return {
        "tables": [
            {
                **_row(why.status),
                "notes": [_note(note) for note in why.notes],
                "ruled_out": list(why.ruled_out),
                "package_changes": list(why.package_changes),
                "predicted": _predicted(why.predicted),
            }
            for why in found
        ]
    }


def _predicted(predicted: Prediction | None) -> dict[str, Any] | None:
    if predicted is None:
        return None
    return {
        "columns": _columns(predicted.columns),
        "differences": [
            {
                "column": difference.column,
                "stored": difference.stored,
                "predicted": difference.predicted,
            }
            for difference in predicted.differences
        ],
        "from_plan": predicted.from_plan,
        "rows": predicted.rows,
        "as_stored": list(predicted.as_stored),
        "problem": predicted.problem or None,
    }


def _columns(columns: Sequence[Column] | None) -> list[dict[str, str]] | None:
    if columns is None:
        return None
    return [{"name": column.name, "dtype": column.dtype} for column in columns]


def plan_keys(plan: Plan) -> dict[str, Any]:
    """Return what `-n --json` tells."""
    return {
        "steps": [
            {
                "name": step.name,
                "certain": step.is_certain,
                "forced": step.is_forced,
                "reasons": [_reason(reason) for reason in step.reasons],
            }
            for step in plan.steps
        ],
        "fresh": list(plan.fresh),
        "orphans": list(plan.orphans),
    }


def graph_keys(
    graph: Mapping[str, Sequence[str]], sources: Collection[str]
) -> dict[str, Any]:
    """Return what `--graph --json` tells."""
    return {
        "tables": [
            {
                "name": name,
                "kind": "source" if name in sources else "asset",
                "upstream": list(upstream),
            }
            for name, upstream in graph.items()
        ]
    }


def build_keys(result: Result, seconds: float) -> dict[str, Any]:
    """Return what a build with `--json` tells."""
    return {
        "ok": result.ok,
        "interrupted": result.interrupted,
        "seconds": round(seconds, 3),
        "fresh": result.fresh,
        "outcomes": [_outcome(outcome) for outcome in result.outcomes],
        "notes": [_note(note) for note in result.notes],
    }


def _note(note: Note) -> dict[str, Any]:
    return {**_place(note.place), "text": note.text}


def verify_keys(found: Sequence[Verified]) -> dict[str, Any]:
    """Return what `--verify --json` tells."""
    return {
        "ok": all(result.ok for result in found),
        "tables": [
            {
                "name": result.name,
                **_place(result.place),
                "verdict": str(result.verdict),
                "seconds": round(result.seconds, 3),
                "deviations": [
                    {
                        "kind": one.kind,
                        "column": one.column or None,
                        "rows": one.rows,
                        "row": one.row,
                        "stored": one.stored,
                        "again": one.again,
                    }
                    for one in result.deviations
                ],
                "problem": result.problem or None,
                "error": _error(result.failed) if result.failed else None,
            }
            for result in found
        ],
    }


def _row(row: Status) -> dict[str, Any]:
    manifest = row.manifest
    output = manifest.output if manifest else None
    return {
        "name": row.name,
        "state": str(row.state),
        **_place(row.place),
        "reasons": [_reason(reason) for reason in row.reasons],
        "description": row.description,
        "rows": row.rows,
        "bytes": output.bytes if output else None,
        "columns": _columns(output.columns if output else None),
        "fingerprint": output.fingerprint if output else None,
        "format": output.format if output else None,
        "built_at": manifest.built_at if manifest else None,
        "seconds": manifest.seconds if manifest else None,
        "accepted": manifest.accepted if manifest else None,
        "adopted": manifest.adopted if manifest else None,
        "warnings": list(row.warnings),
        "checks": [_check(check) for check in (manifest.checks if manifest else ())],
    }


def _check(check: CheckRecord | CheckRan) -> dict[str, Any]:
    return {
        "name": check.name,
        **_place(check.place),
        "severity": check.severity,
        "passed": check.passed,
        "failing": check.failing,
        "message": check.message or None,
    }


def _check_ran(check: CheckRan) -> dict[str, Any]:
    found = check.head
    return {
        **_check(check),
        "trace": check.trace or None,
        "head": None
        if found is None
        else {
            "count": found.count,
            "columns": list(found.columns),
            "rows": [list(row) for row in found.rows],
        },
    }


def _place(place: Place | None) -> dict[str, Any]:
    if place is None:
        return {"file": None, "line": None}
    return {"file": place.file, "line": place.line or None}


def _reason(reason: Reason) -> dict[str, Any]:
    return {
        "code": reason.code,
        "text": reason.text,
        "subject": reason.subject or None,
        "change": _change(reason.change) if reason.change else None,
    }


def _change(change: Change) -> dict[str, Any]:
    return {
        "kind": change.kind,
        "name": change.name,
        "what": change.what,
        **_place(change.place),
        "via": change.via or None,
        "before": change.before,
        "after": change.after,
    }


def _outcome(outcome: Outcome) -> dict[str, Any]:
    return {
        "name": outcome.name,
        "outcome": outcome.kind,
        "seconds": round(outcome.seconds, 3),
        "rows": outcome.rows,
        "bytes": outcome.bytes,
        "same_data": outcome.same_data,
        "needs": outcome.needs or None,
        "kept": outcome.kept or None,
        "error": _error(outcome.failed) if outcome.failed else None,
        "checks": [_check_ran(check) for check in outcome.checks],
    }


def _error(failed: Failed) -> dict[str, Any]:
    return {
        "kind": failed.kind,
        "message": failed.message,
        "trace": failed.trace or None,
        "inputs": list(failed.inputs),
        "hints": list(failed.hints),
    }
