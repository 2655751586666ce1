"""What a build did, as text: errors of failed assets, and the closing lines."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from assetmake.builds.checking import CheckRan
from assetmake.builds.listen import Outcome, Result
from assetmake.builds.plan import Plan
from assetmake.builds.run import CHECK_FAILED, Failed
from assetmake.code.parts import Note
from assetmake.frames.head import Head
from assetmake.messages.cells import cells
from assetmake.render.layout import (
    Look,
    count,
    cut,
    listed,
    pad,
    safe,
    safe_lines,
    seconds,
    wrap,
)
from assetmake.render.text import orphans_clause

#: Lines of a message and of what an asset printed that are shown.
_MOST_LINES = 20
#: Columns of the terminal that a column of a table may fill, and what is kept
#: free to say how many more there are.
_WIDEST, _ROOM_FOR_COUNT = 24, 12


def render_failure(
    outcome: Outcome,
    look: Look,
    *,
    full_trace: bool = False,
    debugger: bool = True,
    printed: bool = True,
) -> str:
    """Return what went wrong in one asset, with its hints.

    Args:
        outcome: Of an asset that failed.
        look: Of the stream.
        full_trace: Whether the traceback is shown whole.
        debugger: Whether a hint tells of `--pdb`.
        printed: Whether what the asset printed is shown.
    """
    failed = outcome.failed or Failed("RuntimeError", "it left nothing")
    if failed.kind == CHECK_FAILED:
        wrong = [check for check in outcome.checks if check.is_wrong]
        lines = [*_found_wrong(outcome, wrong, look, full_trace=full_trace)]
        hints = list(dict.fromkeys(hint for check in wrong for hint in check.hints))
        raised = any(check.trace for check in wrong)
    else:
        lines = [*_raised(outcome.name, failed, look, full_trace=full_trace)]
        hints, raised = list(failed.hints), not failed.is_ours
    lines += _printed(outcome, look) if printed else ()
    if debugger and raised:
        hints.append(f"assetmake --pdb {outcome.name} opens a debugger there")
    label = look.paint("hint", "cyan")
    lines += [f"  {label}: {safe(hint)}" for hint in hints]
    return "\n".join(lines)


def _raised(
    name: str, failed: Failed, look: Look, *, full_trace: bool
) -> Iterator[str]:
    """Yield what an asset raised: its message, its traceback and what it was given."""
    first, *others = safe_lines(failed.message.strip())
    kind = "" if failed.is_ours else safe(failed.kind)
    text = ": ".join(part for part in (kind, first) if part)
    label = look.paint("error", "failed")
    yield f"{label}: {look.paint(safe(name), 'bold')} failed: {text}"
    for line in _most(others, "--full-trace shows them", look):
        yield f"  {line}"
    trace = failed.full_trace if full_trace else failed.trace
    if trace.strip():
        for line in _dedented(trace):
            yield f"  {line}".rstrip()
    for given in failed.inputs:
        yield from wrap(f"  input {safe(given)}", look.width, indent="    ")


def _found_wrong(
    outcome: Outcome, wrong: Sequence[CheckRan], look: Look, *, full_trace: bool
) -> Iterator[str]:
    """Yield what the checks of one asset found, so that it was not published."""
    label, name = look.paint("error", "failed"), look.paint(safe(outcome.name), "bold")
    stored = "its stored table is as before"
    if not outcome.is_stored:
        stored = "nothing of it is stored"
    number = "a check" if len(wrong) == 1 else f"{len(wrong)} checks"
    yield f"{label}: {name} failed {number}; {stored}"
    for check in wrong:
        yield from _check(check, look, full_trace=full_trace)


def _printed(outcome: Outcome, look: Look) -> Iterator[str]:
    if outcome.printed.strip():
        yield "  it printed:"
        told = safe_lines(outcome.printed.strip("\n"))
        yield from (f"  | {line}" for line in _last(told, look))


def render_warnings(outcome: Outcome, look: Look, *, full_trace: bool = False) -> str:
    """Return what checks of severity `warn` found; empty if that is nothing."""
    told = [c for c in outcome.checks if not c.passed and not c.is_wrong]
    if not told:
        return ""
    label, name = (
        look.paint("warning", "yellow"),
        look.paint(safe(outcome.name), "bold"),
    )
    lines = [f"{label}: {name}"]
    for check in told:
        lines += _check(check, look, full_trace=full_trace)
    return "\n".join(lines)


def render_notes(notes: Sequence[Note], look: Look) -> list[str]:
    """Return the lines of notes, which tell what is probably not meant."""
    lines = []
    for note in notes:
        text = safe(f"note: {note.text} ({note.place})")
        first, *others = wrap(text, look.width, indent="  ")
        lines += [look.paint("note", "cyan") + first.removeprefix("note"), *others]
    return lines


def _check(check: CheckRan, look: Look, *, full_trace: bool) -> Iterator[str]:
    """Yield what a check found: its message, its traceback or the first rows."""
    first, *others = safe_lines(check.message)
    head = f"  check {safe(check.name)} ({safe(str(check.place))}): {first}"
    yield from wrap(head, look.width, indent="    ")
    yield from (f"    {line}" for line in _most(others, "see the log", look))
    trace = check.full_trace if full_trace else check.trace
    if trace.strip():
        yield from (f"    {line}".rstrip() for line in _dedented(trace))
    if check.head is not None:
        yield from (f"    {line}" for line in render_head(check.head, look))


def render_head(head: Head, look: Look) -> list[str]:
    """Return the first rows of a frame as a table that fits, 4 columns indented.

    Columns for which there is no room are counted, not shown.
    """
    room = look.width - 4
    columns: list[list[str]] = []
    for position, name in enumerate(head.columns):
        cells_ = [safe(name), *(safe(row[position]) for row in head.rows)]
        width = min(max(map(cells, cells_)), _WIDEST)
        left = len(head.columns) - position - 1
        needed = width + 2 + (_ROOM_FOR_COUNT if left else 0)
        if columns and needed > room:
            columns.append([f"+{count(left + 1, 'column')}", *("" for _ in head.rows)])
            break
        width = min(width, max(room, 1))
        columns.append([pad(cut(cell, width, look), width) for cell in cells_])
        room -= width + 2
    lines = ["  ".join(row).rstrip() for row in zip(*columns, strict=True)]
    more = head.count - len(head.rows)
    return [*lines, f"{look.dots} {count(more, 'more row')}"] if more > 0 else lines


def _dedented(trace: str) -> list[str]:
    """Return the lines of a traceback, those of frames without indentation."""
    lines = safe_lines(trace.strip("\n"))
    if all(line.startswith("  ") or not line for line in lines):
        return [line[2:] for line in lines]
    return lines


def _most(lines: Sequence[str], where: str, look: Look) -> Iterator[str]:
    yield from lines[:_MOST_LINES]
    if len(lines) > _MOST_LINES:
        yield f"{look.dots} {count(len(lines) - _MOST_LINES, 'more line')} ({where})"


def _last(lines: Sequence[str], look: Look) -> Iterator[str]:
    if len(lines) > _MOST_LINES:
        yield f"{look.dots} {count(len(lines) - _MOST_LINES, 'line')} (-v shows them)"
    yield from lines[-_MOST_LINES:]


def render_result(
    result: Result, plan: Plan | None, spent: float, look: Look
) -> list[str]:
    """Return the closing lines of a build.

    Args:
        result: Of the build.
        plan: That was carried out, if it was made.
        spent: Seconds, from start to end.
        look: Of the stream.
    """
    if not result.outcomes:
        fresh = count(result.fresh, "asset")
        line = f"assetmake: nothing to do, {fresh} fresh ({seconds(spent, 1)})"
        line += orphans_clause(len(plan.orphans) if plan else 0)
        return wrap(line, look.width, indent="  ")
    lines = list(_interrupted(result, plan)) if result.interrupted else []
    left = result.count("not started") or result.count("stopped")
    closing = f"assetmake: {listed_counts(result)} in {seconds(spent, 1)}"
    if result.interrupted:
        closing += "; run it again to go on"
    elif left:
        closing += "; -k goes on with the rest"
    return [
        part
        for line in (*lines, closing)
        for part in wrap(line, look.width, indent="  ")
    ]


def listed_counts(result: Result) -> str:
    """Return how many outcomes there are of each kind, without those of none."""
    built, same = result.count("built"), 0
    told = []
    if built:
        same = sum(o.same_data for o in result.outcomes if o.kind == "built")
        told.append(f"{built:,} built")
        if same == built:
            told[0] += " (same data as before)"
        elif same:
            told[0] += f" ({same:,} with the same data as before)"
    checked = result.count("checked")
    if checked:
        told.append(f"{checked:,} checked")
    told += [
        f"{number:,} {kind}"
        for kind in ("failed", "skipped", "stopped", "not started")
        if (number := result.count(kind))
    ]
    spared = result.count("fresh")
    fresh = result.fresh + spared
    if fresh:
        told.append(f"{fresh:,} still fresh" if spared else f"{fresh:,} fresh")
    warned = sum(
        not check.passed and not check.is_wrong
        for outcome in result.outcomes
        for check in outcome.checks
    )
    if warned:
        told.append(count(warned, "warning"))
    return ", ".join(told)


def _interrupted(result: Result, plan: Plan | None) -> Iterator[str]:
    stopped = [o.name for o in result.outcomes if o.kind == "stopped"]
    if not stopped:
        yield "assetmake: interrupted between two assets"
        return
    new = {
        step.name
        for step in (plan.steps if plan else ())
        if any(reason.code == "never-built" for reason in step.reasons)
    }
    what = "what is stored is as before"
    if len(stopped) == 1:
        is_new = stopped[0] in new
        what = "nothing of it is stored" if is_new else "its stored table is as before"
    told = listed([safe(name) for name in stopped])
    yield f"assetmake: interrupted: {told} stopped, {what}"
