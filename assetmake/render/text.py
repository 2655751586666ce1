"""Statuses, checks and plans as text for people; `why` and builds are elsewhere."""

from __future__ import annotations

import os
from collections.abc import Callable, Collection, Sequence
from datetime import datetime

from assetmake.builds.plan import Plan, Step
from assetmake.code.parts import Place
from assetmake.messages.cells import cells
from assetmake.render.layout import (
    Look,
    age,
    count,
    cut,
    cut_middle,
    listed,
    pad,
    safe,
    wrap,
)
from assetmake.status.rows import Reason, State, Status

STYLES = {
    State.FRESH: "green",
    State.MISSING: "yellow",
    State.MODIFIED: "magenta",
    State.DRIFTED: "red",
    State.OUTDATED: "yellow",
    State.SOURCE: "dim",
    State.ORPHANED: "magenta",
}
#: The column of names is never narrower than this, nor the room for a warning.
_NAME, _WARNED = 12, 20
#: Columns that the beginning of a message needs, to be worth its place.
_MESSAGE = 20


def seconds_since(built_at: str, now: float) -> float | None:
    """Return the age of a manifest's time; None if it is no time.

    Args:
        built_at: As in a manifest.
        now: Seconds since the epoch.
    """
    try:
        return now - datetime.fromisoformat(built_at).timestamp()
    except (ValueError, OverflowError):  # a manifest is data: it may hold anything
        return None


def render_status(rows: Sequence[Status], now: float, look: Look) -> str:
    """Return the table of `assetmake --status`, with its heading."""
    built = [_built(row, now) for row in rows]
    sizes = ["-" if row.rows is None else f"{row.rows:,}" for row in rows]
    state_width = max(cells(row.state) for row in rows)
    built_width = max(5, *map(cells, built))
    rows_width = max(4, *map(cells, sizes))
    fixed = state_width + built_width + rows_width + 4 * 2
    names = [safe(row.name) for row in rows]
    name_width = max(5, *map(cells, names))
    least_why = max(_least_width(row.reasons) for row in rows)
    least_why = max(least_why, *(_WARNED for row in rows if row.warnings), 0)
    name_width = min(name_width, max(look.width - fixed - least_why, _NAME))
    why_width = max(look.width - fixed - name_width, 0)

    heading = (
        f"{pad('ASSET', name_width)}  {pad('STATE', state_width)}  "
        f"{pad('BUILT', built_width)}  {pad('ROWS', rows_width, right=True)}  WHY"
    )
    lines = [look.paint(heading, "bold")]
    for row, name, when, number in zip(rows, names, built, sizes, strict=True):
        state = look.paint(pad(row.state, state_width), STYLES[row.state])
        line = (
            f"{pad(cut_middle(name, name_width, look), name_width)}  {state}  "
            f"{pad(when, built_width)}  {pad(number, rows_width, right=True)}  "
            f"{_why(row, why_width, look)}"
        )
        lines.append(line.rstrip())
    return "\n".join(lines)


def _why(row: Status, width: int, look: Look) -> str:
    """Return why a row is not fresh, else what its checks warn of."""
    if row.reasons or not row.warnings:
        return short_reason(row.reasons, width, look)
    more = f" +{len(row.warnings) - 1}" if len(row.warnings) > 1 else ""
    text = safe(row.warnings[0]).replace("`", "")
    return look.paint(cut(text, max(width - len(more), 1), look) + more, "yellow")


def render_short(rows: Sequence[Status], look: Look) -> list[str]:
    """Return a line for each row that is not fresh: its state, name and reason."""
    shown = not_fresh(rows)
    state_width = max((cells(row.state) for row in shown), default=0)
    name_width = max((cells(safe(row.name)) for row in shown), default=0)
    width = max(look.width - state_width - name_width - 4, 0)
    return [
        f"{look.paint(pad(row.state, state_width), STYLES[row.state])}  "
        f"{pad(safe(row.name), name_width)}  "
        f"{short_reason(row.reasons, width, look)}".rstrip()
        for row in shown
    ]


def _built(row: Status, now: float) -> str:
    if row.built_at is None or row.state is State.MISSING:
        return "-"
    since = seconds_since(row.built_at, now)
    return "?" if since is None else age(since)


def _telling(reasons: Sequence[Reason]) -> Sequence[Reason]:
    """Return the reasons that say more than the state of the row does."""
    return [reason for reason in reasons if reason.code != "never-built"] or reasons


def _least_width(reasons: Sequence[Reason]) -> int:
    """Return how many columns the shortest form of a reason fills."""
    if not reasons:
        return 0
    told = _telling(reasons)
    return len(told[0].code) + (3 if len(told) > 1 else 0)


def short_reason(reasons: Sequence[Reason], width: int, look: Look) -> str:
    """Return the first reason in at most `width` columns, and how many follow.

    What does not fit is told without its place, then by its code alone. A text that
    begins as its code does is cut, where that says more.
    """
    if not reasons:
        return ""
    told = _telling(reasons)
    more = f" +{len(told) - 1}" if len(told) > 1 else ""
    text = safe(told[0].text).replace("`", "")
    for shorter in (text, text.rpartition(" (")[0], told[0].code.replace("-", " ")):
        if shorter and cells(shorter + more) <= width:
            break
    else:
        return cut(text, max(width - len(more), 1), look) + more
    room = width - len(more)
    if text.startswith(f"{shorter}: ") and room >= len(shorter) + _MESSAGE:
        return cut(text, room, look) + more
    return shorter + more


def render_counts(
    rows: Sequence[Status],
    unmanaged: Sequence[str],
    elsewhere: Sequence[Status],
    look: Look,
) -> list[str]:
    """Return the lines below a status: how many of each state, and what helps.

    Args:
        rows: All that are shown.
        unmanaged: Places without a manifest.
        elsewhere: Tables of other Assetfiles.
        look: Of the stream.
    """
    counts = [
        f"{number:,} {state}"
        for state in _COUNTED
        if (number := sum(row.state is state for row in rows))
    ]
    text = f"{count(len(rows), 'table')}: {', '.join(counts)}."
    hints = []
    if any(row.is_stale for row in rows):
        hints.append("assetmake --why NAME explains")
        stuck = {reason.code for row in rows for reason in row.reasons} & _STUCK
        if not stuck:
            hints.append("assetmake builds")
        elif "manifest-missing" in stuck:
            hints.append("--accept NAME adopts what has no manifest")
    if any(row.is_removable for row in rows):
        command = "--prune" if hints else "assetmake --prune"
        hints.append(f"{command} removes orphans")
    lines = wrap(text, look.width)
    if hints:
        lines += wrap(f"{'; '.join(hints)}.", look.width)
    warned = [row for row in rows if row.warnings]
    if warned:
        warnings = count(sum(len(row.warnings) for row in warned), "check")
        name = safe(warned[0].name) if len(warned) == 1 else "NAME"
        lines += wrap(f"{warnings} to look at: assetmake --why {name}", look.width)
    lines += _left_alone("without a manifest", unmanaged, look)
    places: dict[str, list[str]] = {}
    for row in elsewhere:
        place = os.path.dirname(row.place.file) if row.place else row.name
        whose = row.reasons[0].text.replace("`", "")
        places.setdefault(whose, []).append(place)
    for whose, found in places.items():
        lines += _left_alone(safe(whose), found, look)
    return lines


def _left_alone(why: str, places: Sequence[str], look: Look) -> list[str]:
    """Return the line for places that no build and no prune touches."""
    if not places:
        return []
    shown = listed([safe(place) for place in places[:3]])
    more = f" and {len(places) - 3} more" if len(places) > 3 else ""
    return wrap(f"{why}, left alone: {shown}{more}", look.width)


#: Reasons for which a build does not begin.
_STUCK = {"manifest-missing", "source-missing"}

#: The order in which states are counted: first what is well.
_COUNTED = (
    State.SOURCE,
    State.FRESH,
    State.OUTDATED,
    State.MISSING,
    State.DRIFTED,
    State.MODIFIED,
    State.ORPHANED,
)


def not_fresh(rows: Sequence[Status], allowed: Collection[str] = ()) -> list[Status]:
    """Return the rows that a check reports: all with reasons, but for `allowed`."""
    return [row for row in rows if row.reasons and row.state not in allowed]


def check_line(row: Status, show: Callable[[Place], str]) -> str:
    """Return a row as ``path:line: asset: state: reason``, on one line, uncut.

    Args:
        row: With reasons; several are set apart by semicolons.
        show: Returns a place as the reader is to see it.
    """
    place = show(row.place) if row.place else "?:1"
    return safe(f"{place}: {row.clause}")


def render_check_closing(reported: int, rows: Sequence[Status]) -> str:
    """Return the line below a check: how much is not fresh, and what helps."""
    tables = count(len(rows), "table")
    if reported:
        are = "is" if reported == 1 else "are"
        return (
            f"{reported:,} of {tables} {are} not fresh: "
            "run assetmake, or assetmake --why"
        )
    allowed = len(not_fresh(rows))
    return (
        f"{tables}: {allowed:,} not fresh, as allowed"
        if allowed
        else (f"{tables}, all fresh")
    )


def render_plan(plan: Plan, forced: str, look: Look) -> str:
    """Return the plan of `assetmake -n`: what runs, and apart what may follow.

    Args:
        plan: With at least one step.
        forced: What to say of a step that runs without a reason.
        look: Of the stream.
    """
    number_width = len(str(len(plan.steps)))
    name_width = max(cells(safe(step.name)) for step in plan.steps)
    room = look.width - number_width - 7
    least_why = max(_least_width(step.reasons) for step in plan.steps)
    name_width = min(name_width, max(room - max(least_why, cells(forced)), _NAME))
    width = room - name_width
    lines = []

    def add(heading: str, steps: Sequence[Step], first: int) -> None:
        if steps:
            lines.append(look.paint(heading, "bold"))
        for number, step in enumerate(steps, first):
            name = cut_middle(safe(step.name), name_width, look)
            why = short_reason(step.reasons, width, look) or cut(forced, width, look)
            lines.append(f"  {number:>{number_width}}  {pad(name, name_width)}   {why}")

    add("would build, in this order:", plan.certain, 1)
    add(
        "would follow only if the data above comes out different:",
        plan.possible,
        len(plan.certain) + 1,
    )
    return "\n".join(lines)


def render_plan_closing(plan: Plan) -> str:
    """Return the line below a plan: what stays as it is."""
    if not plan.steps:
        line = f"nothing to do, {count(len(plan.fresh), 'asset')} fresh"
    else:
        line = f"would leave {len(plan.fresh):,} fresh"
    return line + orphans_clause(len(plan.orphans))


def orphans_clause(number: int) -> str:
    """Return what to append to a line when orphaned tables stay."""
    if not number:
        return ""
    stays = "stays" if number == 1 else "stay"
    return f"; {count(number, 'orphaned table')} {stays} (assetmake --prune)"
