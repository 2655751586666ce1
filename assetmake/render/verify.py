"""What `--verify` found, as text."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from assetmake.builds.listen import Outcome
from assetmake.builds.verify import Verdict, Verified
from assetmake.render.layout import Look, count, pad, safe, seconds, wrap
from assetmake.render.result import render_failure

if TYPE_CHECKING:
    from assetmake.frames.compare import Deviation

_STYLES = {
    Verdict.DETERMINISTIC: "green",
    Verdict.REORDERED: "yellow",
    Verdict.DIFFERS: "red",
    Verdict.UNKNOWN: "yellow",
    Verdict.FAILED: "failed",
    Verdict.NOT_FRESH: "yellow",
}
_WIDTH = max(map(len, Verdict))
#: Differences of one asset that are shown.
_MOST = 10


def render_verified(result: Verified, look: Look) -> str:
    """Return the lines of one asset: the verdict, and in what its data differs."""
    word = look.paint(pad(result.verdict, _WIDTH), _STYLES[result.verdict])
    spent = f"  {seconds(result.seconds)}" if result.verdict in _RAN else ""
    lines = [f"{word}  {safe(result.name)}{spent}"]
    for text in _told(result):
        lines += wrap(f"  {safe(text)}", look.width, indent="    ")
    return "\n".join(lines)


_RAN = {Verdict.DETERMINISTIC, Verdict.REORDERED, Verdict.DIFFERS, Verdict.UNKNOWN}


def _told(result: Verified) -> Iterator[str]:
    if result.verdict is Verdict.REORDERED:
        yield "same rows in another order"
    if result.verdict is Verdict.NOT_FRESH:
        yield f"{result.problem}: build it first"
    elif result.problem:
        yield result.problem
    for deviation in result.deviations[:_MOST]:
        yield _deviation(deviation)
    left = len(result.deviations) - _MOST
    if left > 0:
        yield f"and {count(left, 'more deviation')} (--json has all)"


def _deviation(found: Deviation) -> str:
    """Return one deviation as a clause; what is stored comes first."""
    pair = f"{found.stored}, then {found.again}"
    if found.kind != "values":
        return _CLAUSES[found.kind].format(found, pair=pair)
    if found.rows is None:
        return f"column {found.column} has other values"
    rows = count(found.rows, "row")
    return f"column {found.column} differs in {rows}, first in row {found.row}: {pair}"


_CLAUSES = {
    "type": "its type is {pair}",
    "lacks": "column {0.column} ({0.stored}) is gone",
    "extra": "column {0.column} ({0.again}) is new",
    "dtype": "column {0.column} is {pair}",
    "columns": "its columns are in another order: {pair}",
    "rows": "its number of rows is {pair}",
    "combined": "each column has the same values, in other rows",
    "notes": "its values are the same; its index or its categories are not",
    "line": "line {0.row} is {pair}",
    "file": "its file is called {pair}",
}


def render_failures(
    found: Sequence[Verified], look: Look, *, full_trace: bool = False
) -> Iterator[str]:
    """Yield what went wrong in each asset that failed."""
    for result in found:
        if result.failed is not None:
            outcome = Outcome(
                result.name, "failed", failed=result.failed, printed=result.printed
            )
            yield render_failure(outcome, look, full_trace=full_trace, debugger=False)


def render_closing(found: Sequence[Verified], spent: float, look: Look) -> list[str]:
    """Return the closing lines: how many assets are deterministic."""
    good = sum(result.ok for result in found)
    line = f"assetmake: {good:,} of {count(len(found), 'asset')} deterministic"
    others = [
        f"{number:,} {_OTHERS[verdict]}"
        for verdict in _OTHERS
        if (number := sum(result.verdict is verdict for result in found))
    ]
    line = ", ".join([line, *others]) + f" in {seconds(spent, 1)}; nothing was stored"
    return wrap(line, look.width, indent="  ")


_OTHERS = {
    Verdict.REORDERED: "reordered",
    Verdict.DIFFERS: "different",
    Verdict.UNKNOWN: "unknown",
    Verdict.FAILED: "failed",
    Verdict.NOT_FRESH: "not fresh",
}
