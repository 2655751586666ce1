"""Run the checks of one asset on a table, and tell what their results mean.

It knows files of a table and functions, nothing of a store or of staleness.
"""

from __future__ import annotations

import os
import traceback
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from assetmake.checks import BoundCheck
from assetmake.code.audit import Seen, watch
from assetmake.code.imports import forget_cached
from assetmake.code.parts import Place
from assetmake.errors import AssetmakeError, FrameError
from assetmake.frames import Frames
from assetmake.frames.base import Stored, Written
from assetmake.frames.head import Head, head_of
from assetmake.messages.excerpts import line_of, shown_path
from assetmake.messages.tracebacks import cut_traceback, full_traceback, text_of
from assetmake.system.masks import masked

#: Characters and lines of a message that are kept.
_LONGEST, _MOST_LINES = 2000, 20

#: Whose results are neither rows nor messages.
_HINT = (
    "return None or True if all is well, else False, the rows that are wrong, "
    "or a list of messages"
)


@dataclass(frozen=True, slots=True)
class CheckRan:
    """What a check said of a table, as text, so that it can cross processes.

    Attributes:
        name: The check's.
        place: Of its function.
        severity: ``error`` or ``warn``.
        passed: Whether nothing is wrong.
        failing: Number of rows that are wrong; None where it is not known.
        message: What is wrong, in lines; empty if it passed.
        head: The first rows that are wrong, if it returned them.
        trace: Lines of the traceback, cut to the project's frames.
        full_trace: The whole traceback.
        hints: What to do.
        seen: Files and code that the audit saw.
        is_listed: Whether each line of the message is one that it returned.
    """

    name: str
    place: Place
    severity: str
    passed: bool
    failing: int | None = None
    message: str = ""
    head: Head | None = None
    trace: str = ""
    full_trace: str = ""
    hints: tuple[str, ...] = ()
    seen: Seen | None = None
    is_listed: bool = False

    @property
    def is_wrong(self) -> bool:
        """Whether the table must not be published."""
        return not self.passed and self.severity == "error"

    @property
    def summary(self) -> str:
        """What it said, in one line: all its messages, or how an exception begins."""
        lines = self.message.split("\n")
        text = "; ".join(lines if self.is_listed else lines[:1])
        return text if len(text) <= _LONGEST_LINE else f"{text[: _LONGEST_LINE - 3]}..."


#: Characters of a message in a manifest and in a status.
_LONGEST_LINE = 200


@dataclass(frozen=True, slots=True)
class Checking:
    """What running checks needs to know beside them.

    Attributes:
        frames: Handlers of the build.
        project: The project's directory, for messages and the audit.
        ignored: Files and directories whose reading is no news to the audit.
        explain: Returns the text of an exception.
        failed: Is given the exception of a check of severity `error` that
            raised one.
    """

    frames: Frames
    project: Path
    ignored: Sequence[Path] = ()
    explain: Callable[[BaseException], str] = text_of
    failed: Callable[[BaseException], None] | None = None


def staged_table(name: str, staged: Path, format_: str, written: Written) -> Stored:
    """Return what was just saved into a directory, as it can be loaded again."""
    names = sorted(name for name in os.listdir(staged) if name[0] not in "_.")
    files = tuple(staged / name for name in names)
    return Stored(name, staged, files, format_, written.columns, written.extra)


def run_checks(
    checks: Iterable[BoundCheck],
    table: Stored,
    inputs: Mapping[str, Stored],
    checking: Checking,
) -> tuple[CheckRan, ...]:
    """Run every check on a table, also behind one that fails.

    Args:
        checks: Of the asset.
        table: Its new table; each check loads it anew, as what it asks for.
        inputs: What the asset reads, by name.
        checking: The rest.
    """
    return tuple(_run(check, table, inputs, checking) for check in checks)


def _run(
    bound: BoundCheck, table: Stored, inputs: Mapping[str, Stored], checking: Checking
) -> CheckRan:
    check = bound.check
    place = Place(shown_path(check.place.file, checking.project), check.place.line)
    ran = CheckRan(check.name, place, check.severity, passed=False)
    values: dict[str, Any] = {}
    seen = Seen()
    try:
        for item in (bound.table, *bound.inputs):
            stored = table if item is bound.table else inputs[item.name]
            handler = checking.frames.for_annotation(item.annotation, reading=True)
            values[item.parameter] = handler.load(stored, item.annotation)
        ignored = [*checking.ignored, table.directory]
        forget_cached()
        with watch(checking.project, ignore=ignored) as seen:
            # Lazy frames, too, are run here.
            ran = _judged(ran, check.function(**values))
    except (Exception, SystemExit) as error:  # noqa: BLE001 - the user's own
        if checking.failed is not None and check.severity == "error":
            checking.failed(error)
        ran = _raised(ran, error, checking)
    return replace(ran, seen=seen)


def _judged(ran: CheckRan, result: Any) -> CheckRan:
    """Return a run with what the result of the function means.

    Raises:
        FrameError: it is nothing that a check returns.
    """
    kind = type(result)
    if kind.__name__ in ("bool_", "bool") and kind.__module__ in ("numpy", "builtins"):
        message = "" if result else "it returned False"
        return replace(ran, passed=bool(result), message=message)
    if result is None:
        return replace(ran, passed=True)
    if isinstance(result, list | tuple) and all(isinstance(m, str) for m in result):
        text = masked("\n".join(result))
        return replace(ran, passed=not result, message=_cut(text), is_listed=True)
    found = head_of(result)
    if found is None:
        what = f"{kind.__module__}.{kind.__qualname__}".removeprefix("builtins.")
        msg = f"it returned a {what}, which says nothing of the table"
        raise FrameError(msg, hints=_HINT)
    if not found.count:
        return replace(ran, passed=True, failing=0)
    rows = "1 row is" if found.count == 1 else f"{found.count:,} rows are"
    return replace(ran, failing=found.count, message=f"{rows} wrong", head=found)


def _raised(ran: CheckRan, error: BaseException, checking: Checking) -> CheckRan:
    """Return a run with what an exception means."""
    ours = isinstance(error, AssetmakeError)
    text = checking.explain(error).strip()
    if isinstance(error, AssertionError):
        message = text or _assertion(error)
    elif ours:
        message = text
    else:
        name = type(error).__name__
        message = f"{name}: {text}" if text else name
    return replace(
        ran,
        message=_cut(masked(message)),
        trace="" if ours else masked(cut_traceback(error, checking.project)),
        full_trace=masked(full_traceback(error)),
        hints=tuple(getattr(error, "hints", ())),
    )


def _assertion(error: AssertionError) -> str:
    """Return the source of an `assert` without a message."""
    frames = traceback.extract_tb(error.__traceback__)
    line = line_of(frames[-1].filename, frames[-1].lineno or 1) if frames else ""
    return line.strip() or "an assertion failed"


def _cut(text: str) -> str:
    return "\n".join(text[:_LONGEST].split("\n")[:_MOST_LINES])
