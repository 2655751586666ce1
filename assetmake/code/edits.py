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

from assetmake.code.bound import Bound, bound_by
from assetmake.code.canonical import is_void, parse
from assetmake.code.marks import moved
from assetmake.code.records import Summary, Unit
from assetmake.code.summary import computes_paths, extent, walked

#: Statements that are no unit, or more than one, or bind by other files.
_OTHERS = (ast.Import, ast.ImportFrom, ast.If, ast.Global)
#: What the summary of a whole file hangs on, wherever it stands.
_WHOLE = (b"\r", b"\f", b"__all__", b"overload")


def edited(
    before: bytes, summary: Summary, data: bytes, known: MutableMapping[str, Unit]
) -> Summary | None:
    """Return the summary of a file that was edited; None if it has to be read whole.

    Args:
        before: What it held.
        summary: Of that.
        data: What it holds.
        known: See `summarise`.
    """
    walrus = b":=" in data
    if walrus != (b":=" in before) or not (_is_usual(before) and _is_usual(data)):
        return None
    old, new = before.split(b"\n"), data.split(b"\n")
    found = _touched(summary.units, old, new)
    if found is None:
        return None
    start, end = found
    units, shift = summary.units, len(new) - len(old)
    first = units[start].at[0]
    last = units[end].at[0] if end < len(units) else len(old) + 1
    was = _parsed(old[first - 1 : last - 1], first)
    now = _parsed(new[first - 1 : last - 1 + shift], first)
    if [extent(node) for node in was] != [unit.at for unit in units[start:end]]:
        return None
    if len(was) != len(now) or not all(
        _binds_alike(one, other, walrus=walrus)
        for one, other in zip(was, now, strict=True)
    ):
        return None
    bound = Bound.unpacked(summary.bound)
    return summary._replace(
        units=(
            *units[:start],
            *walked(now, data, bound, known, walrus=walrus),
            *(moved(unit, shift) for unit in units[end:]),
        )
    )


def _is_usual(data: bytes) -> bool:
    head = b"".join(data.split(b"\n", 2)[:2])
    return (
        not any(word in data for word in _WHOLE)
        and b"coding" not in head
        and not data.startswith(b"\xef\xbb\xbf")
        and not computes_paths(data)
    )


def _touched(
    units: Sequence[Unit], old: list[bytes], new: list[bytes]
) -> tuple[int, int] | None:
    """Return the first unit that an edit touched, and the one behind the last.

    The one above the edit counts, as lines may have been added to it. What is
    returned begins, and what is behind it, too, at the margin of a line.
    """
    most = min(len(old), len(new))
    above = _alike(old, new, most)
    below = _alike(old[::-1], new[::-1], most - above)
    start = max((i for i, u in enumerate(units) if u.at[0] <= above), default=-1)
    while start >= 0 and not _is_apart(units, start):
        start -= 1
    end = start + 1
    while end < len(units) and not (
        units[end].at[0] > len(old) - below and _is_apart(units, end)
    ):
        end += 1
    return (start, end) if start >= 0 else None


def _alike(one: list[bytes], other: list[bytes], most: int) -> int:
    """Return how many lines are the same from the first on."""
    pairs = zip(one[:most], other[:most], strict=True)
    return next((i for i, (a, b) in enumerate(pairs) if a != b), most)


def _is_apart(units: Sequence[Unit], index: int) -> bool:
    """Whether a unit is a statement of its own that begins its line."""
    unit = units[index]
    is_plain = not (unit.guards or unit.main or unit.kind == "guard" or unit.at[1])
    return is_plain and (index == 0 or units[index - 1].at[2] < unit.at[0])


def _parsed(lines: list[bytes], first: int) -> list[ast.stmt]:
    """Return the statements in lines, placed where they stand; none if unsure."""
    try:
        # At the end of a file, too: lines are whole.
        return parse(b"\n" * (first - 1) + b"\n".join(lines) + b"\n").body
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return []


def _binds_alike(one: ast.stmt, other: ast.stmt, *, walrus: bool) -> bool:
    """Whether a statement can stand for another but for what it says itself."""
    if isinstance(one, _OTHERS) or isinstance(other, _OTHERS):
        return False
    if is_void(one) or is_void(other):
        return False
    was, now = (bound_by([node], walrus=walrus) for node in (one, other))
    return was == now and not (was.imports or was.stars or was.loads)
