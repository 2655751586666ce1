"""Show a statement's source as its author wrote it, without what never counts.

Comments, docstrings and empty lines are left out. Unlike a text made from the
syntax tree it is the same under every Python, and reads like the file.
"""

from __future__ import annotations

import io
import tokenize

from assetmake.code.records import Unit


class Lines:
    """The lines of one source file, decoded as Python decodes them."""

    def __init__(self, data: bytes) -> None:
        self._lines = _decoded(data).split("\n")

    def part(self, at: tuple[int, int, int, int]) -> str:
        """Return the text between two places; see `records.Piece.at`."""
        first, column, last, end = at
        lines = self._lines[first - 1 : last]
        if not lines:
            return ""
        # From the back, as both may be in one line.
        lines[-1] = _cut(lines[-1], 0, end)
        lines[0] = _cut(lines[0], column, None)
        return "\n".join(lines)

    def unit(self, unit: Unit) -> str:
        """Return the normalised source of a unit."""
        first, column, last, end = unit.at
        lines = self._lines[first - 1 : last]
        if not lines:
            return ""
        whole_line = not lines[0].encode("utf-8", "surrogatepass")[:column].strip()
        lines[-1] = _cut(lines[-1], 0, end)
        indent = column if whole_line else 0
        if not whole_line:
            lines[0] = _cut(lines[0], column, None)
        for start, stop in unit.silent:
            for number in range(start, stop + 1):
                if first < number <= last:
                    lines[number - first] = ""
        if any("#" in line for line in lines):
            lines = _without_comments(lines)
        # An empty line may be part of a text of several lines.
        keep = any('"""' in line or "'''" in line for line in lines)
        return "\n".join(
            line[indent:].rstrip() if line[:indent].isspace() else line.rstrip()
            for line in lines
            if keep or line.strip()
        )


def _decoded(data: bytes) -> str:
    try:
        encoding, _ = tokenize.detect_encoding(io.BytesIO(data).readline)
        text = data.decode(encoding, "replace")
    except (SyntaxError, LookupError):
        text = data.decode("utf-8", "replace")
    return text.removeprefix("\ufeff").replace("\r\n", "\n").replace("\r", "\n")


def _cut(line: str, start: int, stop: int | None) -> str:
    """Return part of a line by positions in its bytes of UTF-8."""
    if line.isascii():
        return line[start:stop]
    data = line.encode("utf-8", "surrogatepass")[start:stop]
    return data.decode("utf-8", "replace")


def _without_comments(lines: list[str]) -> list[str]:
    """Return lines without comments; unchanged if they are no tokens alone."""
    margin = len(lines[0]) - len(lines[0].lstrip())
    text = "\n".join(["if 1:", *lines] if margin else lines) + "\n"
    shift = 2 if margin else 1
    found = list(lines)
    try:
        for token in tokenize.generate_tokens(io.StringIO(text).readline):
            if token.type == tokenize.COMMENT:
                row, column = token.start
                found[row - shift] = found[row - shift][:column]
    except (tokenize.TokenError, SyntaxError, IndexError):
        return lines
    return found
