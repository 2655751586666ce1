"""Where in the user's code a word of the Assetfile is being used.

It looks at running frames and makes the errors that show them; what may be
written there is decided elsewhere.
"""

from __future__ import annotations

import os
import sys
from bisect import bisect_right
from pathlib import Path
from types import CodeType, FrameType

from assetmake.code.parts import Place
from assetmake.errors import DefinitionError
from assetmake.messages.excerpts import call_span, excerpt, line_of, shown_path

#: Packages between a word and who uses it: `assets` and `checks`, and this one.
_OURS = ("assetmake", "assetmake.words")


def caller() -> FrameType:
    """Return the innermost frame that is not of the words themselves."""
    frame = sys._getframe(1)  # noqa: SLF001 - the documented way to a frame
    while frame.f_globals.get("__package__") in _OURS:
        if frame.f_back is None:
            break
        frame = frame.f_back
    return frame


def module_level_place() -> Place:
    """Return the innermost module-level line that is running, else the caller's.

    Innermost, because a module that the Assetfile imports registers by a
    statement of its own. Text run by `exec` is no file, so not looked at.
    """
    nearest = caller()
    frame: FrameType | None = nearest
    while frame is not None:
        code = frame.f_code
        if code.co_name == "<module>" and os.path.isabs(code.co_filename):
            return Place(code.co_filename, line_number(frame))
        frame = frame.f_back
    return Place(nearest.f_code.co_filename, line_number(nearest))


def line_number(frame: FrameType) -> int:
    """Return the line that a frame is at.

    Python itself goes through the code from its start for it: of many statements
    of one module, each would take longer than the one before.
    """
    global _lines  # noqa: PLW0603 - of the one module that is being loaded
    code = frame.f_code
    if len(code.co_linetable) < _SHORT:
        return frame.f_lineno
    known = _lines
    if known[0] is not code:
        starts, _, lines = map(list, zip(*code.co_lines(), strict=True))
        known = _lines = code, starts, lines
    _, starts, lines = known
    line = lines[bisect_right(starts, frame.f_lasti) - 1]
    return frame.f_lineno if line is None else line


#: Bytes of a table of lines that is gone through at once.
_SHORT = 1000
#: Code, where the instructions of its lines begin, and those lines.
_lines: tuple[CodeType | None, list[int], list[int | None]] = None, [], []


def call_error(problem: str, *hints: str, root: Path | None = None) -> DefinitionError:
    """Return an error that shows the running call of a word of the Assetfile."""
    frame = caller()
    file = frame.f_code.co_filename
    line, span = call_span(frame.f_code, frame.f_lasti) or (frame.f_lineno, None)
    where = excerpt(shown_path(file, root), line, line_of(file, line), span)
    return DefinitionError(f"{problem}\n{where}", hints=hints)
