"""Tracebacks as text: whole, or cut to the frames of the user's own project.

Nothing here decides what failed; the class and the text of the exception are
for the caller to show.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from itertools import groupby
from pathlib import Path
from types import CodeType, TracebackType

from assetmake.messages.cells import cells

#: Frames of the project that are shown at each end of a long traceback.
_MOST_FRAMES = 8
#: Libraries that are named where their frames were left out.
_MOST_LIBRARIES = 3
#: Exceptions of a chain that are followed; a chain may have a circle.
_MOST_CAUSES = 5
#: Where the package is, of which this module is in a package.
_OURS = os.path.dirname(os.path.dirname(os.path.abspath(__file__))) + os.sep

#: A frame: its code, the offset of its instruction, and its line.
_Frame = tuple[CodeType, int, int]


def full_traceback(error: BaseException) -> str:
    """Return the traceback as Python prints it, without a newline at the end."""
    import traceback

    return "".join(traceback.format_exception(error)).rstrip("\n")


def cut_traceback(error: BaseException, project: Path) -> str:
    r"""Return the traceback from the first frame of the project on.

    Frames of libraries are counted and named, not shown. Paths are relative to
    the project. The exception's own line is left out; its notes, the members of
    a group, and causes that were raised in the project follow.

    Args:
        error: As caught.
        project: The project's directory, absolute.

    Returns:
        Lines joined by ``"\n"``, those of frames indented by two spaces as
        Python has them.
    """
    root = str(project).rstrip(os.sep) + os.sep
    lines = list(_frames(error, root))
    lines += [f"  note: {note}" for note in _notes(error)]
    if isinstance(error, BaseExceptionGroup):
        lines += [f"  one of them: {_title(inner)}" for inner in error.exceptions]
    seen = {id(error)}
    cause = _cause(error)
    while cause is not None and id(cause) not in seen and len(seen) < _MOST_CAUSES:
        seen.add(id(cause))
        # A library's own chain says nothing that its last exception does not.
        if any(_is_project(code, root) for code, _, _ in _walk(cause.__traceback__)):
            lines.append(f"  raised from {_title(cause)}")
            lines += _frames(cause, root)
        cause = _cause(cause)
    return "\n".join(lines)


def _cause(error: BaseException) -> BaseException | None:
    if error.__cause__ is not None:
        return error.__cause__
    return None if error.__suppress_context__ else error.__context__


def text_of(error: BaseException) -> str:
    """Return the text of an exception, also of one whose `__str__` fails."""
    try:
        return str(error)
    except Exception:  # noqa: BLE001 - the user's class may raise any
        return "its text cannot be shown"


def _title(error: BaseException) -> str:
    text = text_of(error).strip().partition("\n")[0]
    return f"{type(error).__name__}: {text}" if text else type(error).__name__


def _notes(error: BaseException) -> list[str]:
    notes = getattr(error, "__notes__", ())
    return [str(note) for note in notes] if isinstance(notes, list | tuple) else []


def _walk(trace: TracebackType | None) -> Iterator[_Frame]:
    while trace is not None:
        yield trace.tb_frame.f_code, trace.tb_lasti, trace.tb_lineno
        trace = trace.tb_next


def _is_project(code: CodeType, root: str) -> bool:
    """Whether code is the project's own; a virtual environment in it is not."""
    file = code.co_filename
    return (
        file.startswith(root)
        and not file.startswith(_OURS)
        and _after_packages(file) is None
    )


def _frames(error: BaseException, root: str) -> Iterator[str]:
    """Yield the lines of all frames from the project's first one on."""
    frames = list(_walk(error.__traceback__))
    first = next(
        (n for n, frame in enumerate(frames) if _is_project(frame[0], root)), 0
    )
    groups = groupby(frames[first:], lambda frame: _is_project(frame[0], root))
    blocks: list[list[str]] = []
    for is_project, group in groups:
        if not is_project:
            blocks.append([_left_out(list(group))])
            continue
        for _, same in groupby(group, lambda frame: (frame[0], frame[2])):
            run = list(same)
            block = list(_frame(run[0], root))
            if len(run) > 1:
                more = "once more" if len(run) == 2 else f"{len(run) - 1} more times"
                block.append(f"    ... {more} the same")
            blocks.append(block)
    if len(blocks) > 2 * _MOST_FRAMES:
        left = len(blocks) - 2 * _MOST_FRAMES
        middle = [f"    ... {left} more (--full-trace shows them)"]
        blocks = [*blocks[:_MOST_FRAMES], middle, *blocks[-_MOST_FRAMES:]]
    for block in blocks:
        yield from block


def _left_out(frames: Sequence[_Frame]) -> str:
    libraries = list(dict.fromkeys(_library(code) for code, _, _ in frames))
    named = ", ".join(libraries[:_MOST_LIBRARIES])
    if len(libraries) > _MOST_LIBRARIES:
        named += " and others"
    number = "1 frame" if len(frames) == 1 else f"{len(frames)} frames"
    return f"    ... {number} in {named} (--full-trace shows them)"


def _library(code: CodeType) -> str:
    """Return what a reader would call the library that code belongs to."""
    file = code.co_filename
    if file.startswith(_OURS):
        return "assetmake"
    inside = _after_packages(file)
    if inside is None:
        standard = os.path.dirname(os.__file__) + os.sep
        if not file.startswith(standard):
            # `<frozen runpy>`, `<string>`, `pandas/_libs/hashtable.pyx`
            inside = file.strip("<>").removeprefix("frozen ")
        else:
            inside = file.removeprefix(standard)
    top = inside.replace(os.sep, "/").lstrip("/").partition("/")[0]
    return top.rpartition(".")[0] or top if top.endswith(".py") else top.split(".")[0]


def _after_packages(file: str) -> str | None:
    """Return the part of a path inside of an environment's packages, if it is."""
    for folder in ("site-packages", "dist-packages"):
        _, found, inside = file.rpartition(f"{os.sep}{folder}{os.sep}")
        if found:
            return inside
    return None


def _frame(frame: _Frame, root: str) -> Iterator[str]:
    """Yield the lines of one frame: place, source and carets, as Python has them."""
    from assetmake.messages.excerpts import call_span, line_of, shown_path

    code, instruction, line = frame
    file = code.co_filename
    yield f'  File "{shown_path(file, Path(root))}", line {line}, in {code.co_name}'
    text = line_of(file, line)
    source = text.strip()
    if not source:
        return
    yield f"    {source}"
    span = call_span(code, instruction)
    if span is None or span[0] != line:
        return
    indent = len(text) - len(text.lstrip())
    start, end = (max(position - indent, 0) for position in span[1])
    marked = source[start:end]
    if marked and marked != source:  # the whole line needs no pointer
        yield f"    {' ' * cells(source[:start])}{'^' * cells(marked)}"
