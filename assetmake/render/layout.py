"""Fit text into the columns of a terminal; nothing here knows what it is about."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import NamedTuple

from assetmake.messages.cells import cells

#: Select Graphic Rendition codes, ECMA-48 section 8.3.117.
_CODES = {
    "bold": "1",
    "dim": "2",
    "red": "31",
    "green": "32",
    "yellow": "33",
    "blue": "34",
    "magenta": "35",
    "cyan": "36",
    "failed": "1;31",
}


#: What `Look.paint` puts around text.
PAINT = re.compile("\x1b\\[(?:0|" + "|".join(_CODES.values()) + ")m")


class Look(NamedTuple):
    """What a stream can show.

    Attributes:
        width: In columns.
        color: Whether it shows colours.
        unicode: Whether it shows more than ASCII.
    """

    width: int = 80
    color: bool = False
    unicode: bool = True

    @property
    def dots(self) -> str:
        """What stands for text that was left out."""
        return "\N{HORIZONTAL ELLIPSIS}" if self.unicode else "..."

    def paint(self, text: str, style: str) -> str:
        """Return `text` in a style, if there are colours."""
        if not self.color or not style:
            return text
        return f"\x1b[{_CODES[style]}m{text}\x1b[0m"


def safe(text: str) -> str:
    r"""Return `text` without anything that a terminal would obey.

    Names, paths and messages come from files: an escape sequence in them must
    not move the cursor or hide what follows.

    >>> safe("a\x1b[2Jb\nc")
    'a\\x1b[2Jb\\nc'
    """
    if text.isprintable():
        return text
    return "".join(
        char
        if char.isprintable() or char == "\xa0"
        else char.encode("unicode_escape", "surrogatepass").decode()
        for char in text
    )


def safe_lines(text: str) -> list[str]:
    """Return the lines of `text`, each made safe, tabs as spaces.

    A carriage return takes a progress bar back to the start of its line; what
    stood there last is what is kept.
    """
    lines = text.replace("\r\n", "\n").expandtabs(4).split("\n")
    return [safe(line.rstrip("\r").rpartition("\r")[2]) for line in lines]


def cut(text: str, width: int, look: Look) -> str:
    """Return `text`, or its beginning and dots, in at most `width` columns."""
    if cells(text) <= width:
        return text
    return _head(text, width - cells(look.dots)) + look.dots


def cut_middle(text: str, width: int, look: Look) -> str:
    """Return `text`, or both its ends around dots, in at most `width` columns.

    Names of assets often differ at the end.
    """
    if cells(text) <= width:
        return text
    room = max(width - cells(look.dots), 0)
    tail = _head(text[::-1], room // 2)[::-1]
    return _head(text, room - cells(tail)) + look.dots + tail


def _head(text: str, width: int) -> str:
    end = len(text)
    while end and cells(text[:end]) > width:
        end -= 1
    return text[:end]


def pad(text: str, width: int, *, right: bool = False) -> str:
    """Return `text` filled up to `width` columns; `right` puts it at the end."""
    fill = " " * (width - cells(text))
    return fill + text if right else text + fill


def wrap(text: str, width: int, *, indent: str = "") -> list[str]:
    """Return `text` in lines of at most `width` columns, broken at spaces.

    A word that is longer has a line of its own and stands out.

    Args:
        text: Of one paragraph; runs of spaces are kept within a line.
        width: In columns.
        indent: What lines behind the first begin with.
    """
    lines: list[str] = []
    line = text[: len(text) - len(text.lstrip(" "))]
    is_bare = True  # nothing but indentation so far: no place to break
    for word in text.lstrip(" ").split(" "):
        longer = line + word if is_bare else f"{line} {word}"
        if not is_bare and cells(longer) > width:
            lines.append(line)
            longer = indent + word
        line, is_bare = longer, False
    return [*lines, line]


def count(number: int, noun: str) -> str:
    """Return a number with its noun.

    >>> count(1, "table"), count(2184, "asset")
    ('1 table', '2,184 assets')
    """
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"


def listed(words: Sequence[str]) -> str:
    """Return words as a clause.

    >>> listed(["a", "b", "c"])
    'a, b and c'
    """
    if len(words) < 2:
        return "".join(words)
    return f"{', '.join(words[:-1])} and {words[-1]}"


def size(number: int) -> str:
    """Return a number of bytes in powers of 1000, as disks are sold.

    >>> size(412), size(2_100), size(999_960), size(12_345_678)
    ('412 B', '2.1 kB', '1.0 MB', '12.3 MB')
    """
    if number < 1000:
        return f"{number} B"
    value = float(number)
    for unit in ("kB", "MB", "GB"):
        value /= 1000
        if value < 999.95:
            return f"{value:.1f} {unit}"
    return f"{value / 1000:.1f} TB"


def seconds(number: float, digits: int = 2) -> str:
    """Return a time as people say it; `digits` behind the point below a minute.

    >>> seconds(0.412), seconds(7.26, 1), seconds(83), seconds(3_725)
    ('0.41s', '7.3s', '1m 23s', '1h 02m')
    """
    if number < 59.95:
        return f"{number:.{digits}f}s"
    whole = round(number)
    if whole < 3600:
        return f"{whole // 60}m {whole % 60:02}s"
    return f"{whole // 3600}h {whole % 3600 // 60:02}m"


def age(number: float) -> str:
    """Return how long ago something was, in the largest fitting unit.

    >>> age(20), age(7300), age(3 * 86400), age(-5), age(4e8)
    ('just now', '2h ago', '3d ago', 'just now', '12y ago')
    """
    if number < 60:
        return "just now"
    if number < 3600:
        return f"{number // 60:.0f}m ago"
    if number < 2 * 86400:
        return f"{number // 3600:.0f}h ago"
    days = number // 86400
    return f"{days:.0f}d ago" if days < 1000 else f"{days // 365:.0f}y ago"
