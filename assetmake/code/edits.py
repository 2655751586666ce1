"""Summarise a source file anew after an edit, by what it was before.

An edit leaves most lines alone, those above it and those below. Where it stays
within whole statements at the left margin, and these bind what they bound, all
other statements are what they were, further below maybe: then just those lines
are parsed. Whatever is not sure to be so is for `summary`, which reads the file
as a whole.
"""

from __future__ import annotations

import ast
from collections.abc import MutableMapping, Sequence
from typing import NamedTuple

from xxhash import xxh3_128_digest

from assetmake.code.bound import Bound, bound_by
from assetmake.code.canonical import is_void, parse
from assetmake.code.marks import moved
from assetmake.code.records import Summary, Unit
from assetmake.code.summary import computes_paths, walked

#: What the summary of a whole file hangs on, wherever it stands.
_WHOLE = (b"\r", b"\f", b"__all__", b"overload")
#: Statements that are no unit, or more than one.
_OTHERS = (ast.Import, ast.ImportFrom, ast.If, ast.Global)


class Held(NamedTuple):
    """What is kept of the text of a file: none of it can be read there.

    Attributes:
        lines: Digest of each line.
        usual: Whether an edit of it can be told from its lines.
        walrus: Whether ``:=`` stands in it.
    """

    lines: tuple[bytes, ...]
    usual: bool
    walrus: bool


def held(data: bytes) -> Held:
    """Return what is kept of the bytes of a file."""
    head = b"".join(data.split(b"\n", 2)[:2])
    usual = (
        not any(word in data for word in _WHOLE)
        and b"coding" not in head
        and not data.startswith(b"\xef\xbb\xbf")
        and not computes_paths(data)
    )
    return Held(tuple(map(xxh3_128_digest, data.split(b"\n"))), usual, b":=" in data)


def edited(
    before: Held, summary: Summary, data: bytes, known: MutableMapping[str, Unit]
) -> Summary | None:
    """Return the summary of a file that was edited; None if it has to be read whole.

    Args:
        before: What was kept of it.
        summary: Of what it held.
        data: What it holds.
        known: See `summarise`.
    """
    now = held(data)
    if before.walrus != now.walrus or not (before.usual and now.usual):
        return None
    touched = _touched(summary, before.lines, now.lines)
    if touched is None:
        return None
    start, end = touched
    units, shift = summary.units, len(now.lines) - len(before.lines)
    first = units[start].at[0]
    last = units[end].at[0] if end < len(units) else len(before.lines) + 1
    lines = data.split(b"\n")
    if any(
        lines[line - 1].startswith(b"@") != bool(units[index].decorators)
        for index, line in ((start, first), (end, last + shift))
        if index < len(units)
    ):
        return None  # its `@` stands in the line above
    part = lines[first - 1 : last - 1 + shift]
    nodes = _parsed([*part, b""] if end < len(units) else part, first)
    names = [summary.alone[index][1] for index in range(start, end)]
    if [_bound(node, walrus=now.walrus) for node in nodes] != names:
        return None
    bound = Bound.unpacked(summary.bound)
    return summary._replace(
        units=(
            *units[:start],
            *walked(nodes, data, bound, known, walrus=now.walrus),
            *(moved(unit, shift) for unit in units[end:]),
        )
    )


def _touched(
    summary: Summary, old: Sequence[bytes], new: Sequence[bytes]
) -> tuple[int, int] | None:
    """Return the first unit that an edit touched, and the one behind the last.

    The one above the edit counts, as lines may have been added to it. What is
    returned begins, and what is behind it, too, at the margin of a line; all
    statements in it are units that bind nothing but names.
    """
    units, alone = summary.units, summary.alone
    most = min(len(old), len(new))
    above = _alike(old, new, most)
    below = _alike(old[::-1], new[::-1], most - above)
    start = max((i for i, u in enumerate(units) if u.at[0] <= above), default=-1)
    while start >= 0 and not _is_apart(summary, start):
        start -= 1
    if start < 0:
        return None
    end = start + 1
    while end < len(units) and not (
        units[end].at[0] > len(old) - below and _is_apart(summary, end)
    ):
        end += 1
    behind = alone[end][0] if end < len(units) else summary.size
    if behind - alone[start][0] != end - start:
        return None  # something else stands between them
    return (start, end) if all(i in alone for i in range(start, end)) else None


def _alike(one: Sequence[bytes], other: Sequence[bytes], most: int) -> int:
    """Return how many lines are the same from the first on."""
    pairs = zip(one[:most], other[:most], strict=True)
    return next((i for i, (a, b) in enumerate(pairs) if a != b), most)


def _is_apart(summary: Summary, index: int) -> bool:
    """Whether a unit is a statement of its own that begins its line."""
    units = summary.units
    if index not in summary.alone or units[index].at[1]:
        return False
    return index == 0 or units[index - 1].at[2] < units[index].at[0]


def _parsed(lines: Sequence[bytes], first: int) -> list[ast.stmt]:
    """Return the statements in lines, placed where they stand; none if unsure."""
    try:
        return parse(b"\n" * (first - 1) + b"\n".join(lines)).body
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return []


def _bound(node: ast.stmt, *, walrus: bool) -> tuple[str, ...] | None:
    """Return the names that a unit binds; None for what is none, or does more."""
    if isinstance(node, _OTHERS) or is_void(node):
        return None
    return bound_by([node], walrus=walrus).alone
