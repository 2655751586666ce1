"""Show a line of the user's source in a message, with carets under what matters.

It only makes text; what is wrong with the line is for the caller to say.
"""

from __future__ import annotations

import ast
import linecache
import os
import re
from pathlib import Path
from types import CodeType

from assetmake.code.parts import Place
from assetmake.messages.cells import cells

#: Columns that a message may fill; longer source lines are cut around the carets.
_WIDTH = 80


def shown_path(file: str, root: Path | None = None) -> str:
    """Return how messages name a file: relative to the project, with ``/``.

    A module outside of `root` is named from where it is imported, such as
    ``mylib/__init__.py``. Without a root, files below the working directory
    are relative to it, and others stand as they are.
    """
    base = os.getcwd() if root is None else str(root)
    if not os.path.isabs(file):
        return file
    relative = os.path.relpath(file, base)
    if relative.split(os.sep, 1)[0] != os.pardir:
        return Path(relative).as_posix()
    if root is None:
        return file
    top = os.path.dirname(file)
    while os.path.isfile(os.path.join(top, "__init__.py")):
        top = os.path.dirname(top)
    return Path(os.path.relpath(file, top)).as_posix()


def excerpt(
    path: str, line: int, text: str, span: tuple[int, int] | None = None
) -> str:
    r"""Return the lines that show one source line, without a newline at the end.

    Args:
        path: How the file is named, see `shown_path`.
        line: Its line, from 1.
        text: That line; without it, only the place is shown.
        span: First character to put carets under and the one behind the last.

    >>> print(excerpt("Assetfile.py", 9, "def highs(raww):\n", (10, 14)))
     --> Assetfile.py:9
      |
    9 | def highs(raww):
      |           ^^^^
    """
    head = f" --> {path}:{line}"
    text = text.rstrip()
    if not text:
        return head
    number = str(line)
    gutter = " " * len(number)
    room = _WIDTH - len(number) - 3
    before, marked, after = _parts(text, span)
    before, marked, after = _fit(before, marked, after, room)
    lines = [head, f"{gutter} |", f"{number} | {before}{marked}{after}".rstrip()]
    if marked:
        lines.append(f"{gutter} | {' ' * cells(before)}{'^' * cells(marked)}")
    return "\n".join(lines)


def line_of(file: str, line: int) -> str:
    """Return one line of a file as it was loaded; empty if there is none."""
    return linecache.getline(file, line)


def call_span(code: CodeType, instruction: int) -> tuple[int, tuple[int, int]] | None:
    """Return line and characters of what an instruction was compiled from.

    Args:
        code: Of a frame or a traceback.
        instruction: Its ``f_lasti`` or ``tb_lasti``.

    Returns:
        None if the code keeps no positions. What spans several lines ends
        with the first of them.
    """
    positions = list(code.co_positions())
    index = instruction // 2
    if not 0 <= index < len(positions):
        return None
    line, end_line, start, end = positions[index]
    if line is None or start is None or end is None:
        return None
    text = line_of(code.co_filename, line)
    stop = len(text.rstrip()) if end_line != line else characters(text, end)
    return line, (characters(text, start), stop)


def source_line(place: Place, word: str = "", root: Path | None = None) -> str:
    """Return the lines that show a definition, carets under one of its words.

    Args:
        place: Of the line with the ``def``.
        word: A parameter, wherever in the signature it stands, or the name of
            the function; without it there are no carets.
        root: The project's directory, see `shown_path`.
    """
    line = place.line
    text = line_of(place.file, line)
    found = _parameter_span(place, word) if word else None
    if found is not None:
        line, span = found
        return excerpt(
            shown_path(place.file, root), line, line_of(place.file, line), span
        )
    match = re.search(rf"\b{re.escape(word)}\b", text) if word else None
    return excerpt(
        shown_path(place.file, root), line, text, match.span() if match else None
    )


def _parameter_span(place: Place, name: str) -> tuple[int, tuple[int, int]] | None:
    """Return where a parameter of the function defined at a place stands."""
    try:
        tree = ast.parse("".join(linecache.getlines(place.file)))
    except (SyntaxError, ValueError, RecursionError):  # edited, or no source at all
        return None
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.Lambda) and node.lineno == place.line:
            every = (*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs)
            for arg in (*every, node.args.vararg, node.args.kwarg):
                if arg is not None and arg.arg == name:
                    text = line_of(place.file, arg.lineno)
                    start = characters(text, arg.col_offset)
                    return arg.lineno, (start, start + len(name))
    return None


def characters(text: str, offset: int) -> int:
    """Return a position in characters, from one in UTF-8 bytes as `ast` has it."""
    return len(text.encode()[:offset].decode(errors="ignore"))


def _parts(text: str, span: tuple[int, int] | None) -> tuple[str, str, str]:
    start, end = span or (0, 0)
    if end > len(text) == start:  # what is missing at the end of a line
        text += " "
    pieces = (text[:start], text[start:end], text[end:])
    before, marked, after = map(_printable, pieces)
    return before, marked, after


def _printable(text: str) -> str:
    text = text.replace("\t", "    ")
    return "".join(char if char.isprintable() else "\ufffd" for char in text)


def _fit(before: str, marked: str, after: str, room: int) -> tuple[str, str, str]:
    """Cut what does not fit, keeping the beginning of what is marked."""
    if cells(before) + cells(marked) + cells(after) <= room:
        return before, marked, after
    if cells(before) + cells(marked) + 3 > room and len(before) > 20:
        before = "..." + before[-17:]
    left = max(room - cells(before) - 3, 0)
    if cells(marked) > left:
        return before, marked[:left] + "...", ""
    left -= cells(marked)
    return before, marked, after[:left] + "..." if len(after) > left else after
