"""Explain a row: all its reasons, the change of its code, what was ruled out."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime

from assetmake.code.parts import Change
from assetmake.look.whys import Difference, Prediction, Why
from assetmake.render.layout import (
    Look,
    age,
    count,
    listed,
    safe,
    safe_lines,
    wrap,
)
from assetmake.render.text import STYLES, seconds_since
from assetmake.status.rows import Reason, State, Status
from assetmake.status.verdicts import results_of, warnings_of

#: Lines of one change that are shown; a table of constants may have thousands.
_MOST_LINES = 60
#: Causes upstream that are told of one reason.
_MOST_CAUSES = 3


def render_why(why: Why, statuses: Mapping[str, Status], now: float, look: Look) -> str:
    """Return the paragraph of `assetmake --why` about one row.

    Args:
        why: What is known of it.
        statuses: Of every row, to tell why something upstream is not fresh.
        now: Seconds since the epoch.
        look: Of the stream.
    """
    status = why.status
    lines = _heading(status, now, look)
    for number, reason in enumerate(status.reasons, 1):
        lines += _reason(number, reason, status, statuses, look)
    if status.state is State.ORPHANED and not (
        status.manifest is None or status.manifest.adopted
    ):
        named = "" if status.is_removable else f" {safe(status.name)}"
        lines.append(f"  assetmake --prune{named} removes it")
    lines += _checks(why, look)
    for note in why.notes:
        lines += _paragraph(f"note: {note.text} ({note.place})", look)
    for change in why.package_changes:
        text = f"note: {change} since it was built; `packages=` counts it"
        lines += _paragraph(text, look)
    if status.reasons and why.ruled_out:
        text = f"not the cause: {', '.join(why.ruled_out)}"
        lines += _paragraph(text, look)
    if why.predicted is not None:
        lines += _prediction(why.predicted, status, look)
    return "\n".join(lines)


def _prediction(predicted: Prediction, status: Status, look: Look) -> list[str]:
    """Return what today's code would give, told as the guess that it is."""
    if predicted.problem:
        return _paragraph(f"not predicted: {predicted.problem}", look)
    if predicted.columns is None:
        return _paragraph("predicted: no table, so no columns", look)
    basis = "from all rows of its inputs"
    if predicted.from_plan:
        basis = "from its plan"
    elif predicted.rows is not None:
        basis = f"from the first {count(predicted.rows, 'row')} of its inputs"
    if predicted.as_stored:
        as_stored = listed([f"`{name}`" for name in predicted.as_stored])
        basis += f", with {as_stored} as stored"
    head = f"predicted, {basis}:"
    columns = [f"{column.name} ({column.dtype})" for column in predicted.columns]
    if status.manifest is None or status.manifest.output.columns is None:
        return _paragraph(f"{head} columns {', '.join(columns)}", look)
    if not predicted.differences:
        return _paragraph(f"{head} the columns that are stored", look)
    lines = _paragraph(f"{head} the stored table", look)
    for difference in predicted.differences:
        text = f"    {safe(_difference(difference))}"
        lines += wrap(text, look.width, indent=" " * 6)
    return lines


def _difference(difference: Difference) -> str:
    name, stored, predicted = difference.column, difference.stored, difference.predicted
    if stored is None:
        return f"lacks column {name} ({predicted})"
    if predicted is None:
        return f"has extra column {name} ({stored})"
    return f"has column {name} as {stored}, not as {predicted}"


def _checks(why: Why, look: Look) -> Iterator[str]:
    """Yield what the checks of today said of the table that is stored."""
    status, manifest = why.status, why.status.manifest
    if manifest is None or why.definition is None:
        return
    checks = why.definition.checks
    warnings = warnings_of(checks, manifest.checks, with_place=True)
    for text in warnings:
        yield from _paragraph(f"warning: {text}", look)
    if warnings and not status.reasons:
        again = f"assetmake -B {status.name} builds it again, and shows what they find"
        yield from _paragraph(again, look)
    results = results_of(checks, manifest.checks)
    if passed := [check.name for check, record in results if record.passed]:
        # Not of what a build gave since, or would give.
        of = " (stored table)" if status.reasons else ""
        yield from _paragraph(f"checks passed{of}: {', '.join(passed)}", look)


def _heading(status: Status, now: float, look: Look) -> list[str]:
    name, state = safe(status.name), str(status.state)
    told = []
    if status.place is not None:
        # Of an orphan only the directory is known, by its manifest.
        told.append(str(status.place).removesuffix("/_manifest.json:0"))
    if status.manifest is not None:
        told.append(_built(status, now))
    a = "a " if status.state is State.SOURCE else ""
    begin = f"{name} is {a}{state}"
    lines = wrap(f"{begin} ({safe(', '.join(told))})", look.width, indent="  ")
    if lines[0].startswith(begin):
        state = look.paint(state, STYLES[status.state])
        rest = lines[0].removeprefix(begin)
        lines[0] = f"{look.paint(name, 'bold')} is {a}{state}{rest}"
    return lines


def _built(status: Status, now: float) -> str:
    manifest = status.manifest
    if manifest is None:
        return ""
    since = seconds_since(manifest.built_at, now)
    verb = "accepted" if manifest.accepted else "built"
    if since is None:
        return f"{verb} at an unknown time"
    local = datetime.fromtimestamp(now - since, UTC).astimezone()
    return f"{verb} {local:%Y-%m-%d %H:%M}, {age(since)}"


def _reason(
    number: int,
    reason: Reason,
    status: Status,
    statuses: Mapping[str, Status],
    look: Look,
) -> Iterator[str]:
    text, change = _of_it(reason), reason.change
    if change and change.via and change.via not in (change.name, status.name):
        text += f", which `{change.via}` uses"
    if reason.code == "data-modified" and reason.subject:
        text += f": {reason.subject}"
    head = f"  {number}. "
    yield from wrap(head + safe(text), look.width, indent=" " * len(head))
    if change is not None:
        for line in _diff(change, look):
            yield f"     {line}"
    if reason.code == "upstream-outdated":
        for cause in _causes(reason.subject, statuses):
            yield from wrap(f"       {safe(cause)}", look.width, indent=" " * 9)
    if reason.code == "last-build-failed":
        again = f"     assetmake {status.name} tries again, and shows all of it"
        yield from wrap(safe(again), look.width, indent=" " * 5)


def _of_it(reason: Reason) -> str:
    """Return the text of a reason, in a sentence about its row."""
    its = reason.code in ("code-changed", "last-build-failed")
    return f"its {reason.text}" if its else reason.text


def _diff(change: Change, look: Look) -> Iterator[str]:
    """Yield a unified diff without line numbers: the source is normalised."""
    if change.before == change.after:
        return
    from difflib import unified_diff

    before = safe_lines(change.before.rstrip("\n")) if change.before else []
    after = safe_lines(change.after.rstrip("\n")) if change.after else []
    # Without the names of the files, and the place of the first difference.
    lines = list(unified_diff(before, after, lineterm=""))[3:]
    yield look.paint("--- as built", "bold")
    yield look.paint(f"+++ {safe(str(change.place))}", "bold")
    for position, line in enumerate(lines):
        if position == _MOST_LINES:
            more = count(len(lines) - position, "more line")
            yield f"{look.dots} {more} (--json has all)"
            break
        if line.startswith("@@"):
            yield look.dots
        else:
            yield look.paint(line, {"-": "red", "+": "green"}.get(line[0], ""))


def _causes(name: str, statuses: Mapping[str, Status]) -> Iterator[str]:
    """Yield why an upstream is not fresh, going up to where that begins."""
    seen = {name}
    todo = [name]
    told = 0
    for above in todo:  # grows while it is walked
        status = statuses.get(above)
        for reason in status.reasons if status else ():
            if reason.code == "upstream-outdated":
                if reason.subject not in seen:
                    seen.add(reason.subject)
                    todo.append(reason.subject)
                continue
            if told == _MOST_CAUSES:
                yield "and more"
                return
            told += 1
            of = "" if above == name else f" of `{above}`"
            text = _of_it(reason)
            if status and reason.code == "code-changed":
                text += f" ({status.place})"
            yield f"because{of}: {text}" if of else f"because {text}"


def _paragraph(text: str, look: Look) -> list[str]:
    return wrap(f"  {safe(text)}", look.width, indent="    ")
