"""The two streams of the command: what they can show, and writing to them.

What is written, and when, is for the command line to decide.
"""

from __future__ import annotations

import io
import os
import re
import sys
from collections.abc import Mapping
from typing import TextIO

from assetmake.errors import AssetmakeError
from assetmake.render.layout import PAINT, Look

#: Where a stream is no terminal, or does not tell its width.
_WIDTH = 80
#: Narrower than this, a table would lose what it is for.
_LEAST = 40


#: Takes the cursor to the beginning of an empty line; where a text begins with it.
_CLEAR = "\r\x1b[K"

#: Control characters, but for the end of a line and a tab; and those of Unicode that
#: are not seen, or change the direction of what follows.
_OBEYED = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff]"
)


class ClosedError(Exception):
    """Whoever read the stream has gone, as ``head`` does when it has enough."""


class Stream:
    """Standard output or standard error, and what it can show."""

    def __init__(
        self,
        stream: TextIO | None,
        environ: Mapping[str, str],
        when: str,
        *,
        may_fail: bool = False,
    ) -> None:
        """Wrap a stream.

        Args:
            stream: Of text; None, as Python has it for a stream that was closed
                before it started, takes everything and shows nothing.
            environ: The environment variables.
            when: ``always``, ``never`` or ``auto``: whether to use colours.
            may_fail: Whether what cannot be written is dropped: for the stream
                on which errors are told, there is no other to tell it.
        """
        stream = io.StringIO() if stream is None else stream
        self._stream = stream
        self._may_fail = may_fail
        self._environ = environ
        self.is_terminal = _is_terminal(stream)
        self._color = wants_color(when, environ, is_terminal=self.is_terminal)
        self._unicode = _shows(stream, "─…")
        if hasattr(stream, "reconfigure"):
            # A name that the encoding lacks must not end a build.
            stream.reconfigure(errors="backslashreplace")

    def look(self) -> Look:
        """Return what the stream can show now; a window may have changed."""
        return Look(self._width(), self._color, self._unicode)

    def write(self, text: str) -> None:
        """Show text at once, without anything else that a terminal would obey.

        What is shown was made safe where it was made text; should that be
        forgotten anywhere, a name or a value still cannot move the cursor,
        hide what follows or turn it round.

        Raises:
            ClosedError: nobody reads it any more.
            AssetmakeError: it cannot be written to: a disk is full, say.
        """
        try:
            self._stream.write(self._harmless(text))
            self._stream.flush()
        except BrokenPipeError as error:
            raise ClosedError from error
        except OSError as error:
            if self._may_fail:
                return
            msg = f"cannot write to {self._stream.name}: {error.strerror}"
            raise AssetmakeError(msg) from error

    def _harmless(self, text: str) -> str:
        if _OBEYED.search(text) is None:
            return text
        begin = _CLEAR if text.startswith(_CLEAR) else ""
        own = PAINT.findall(text) if self._color else []
        parts = PAINT.split(text[len(begin) :]) if own else [text[len(begin) :]]
        parts = [_OBEYED.sub(_escaped, part) for part in parts]
        painted = [part + code for part, code in zip(parts, [*own, ""], strict=True)]
        return begin + "".join(painted)

    def line(self, text: str) -> None:
        """Show a line."""
        self.write(text + "\n")

    def can_live(self) -> bool:
        """Whether a line may be overwritten: on a terminal that a person watches."""
        return (
            self.is_terminal
            and self._environ.get("TERM") != "dumb"
            and not self._environ.get("CI")
            and not self._environ.get("PRE_COMMIT")
        )

    def _width(self) -> int:
        told = self._environ.get("COLUMNS", "")
        if told.isdecimal() and int(told):
            return max(int(told), _LEAST)
        if not self.is_terminal:
            return _WIDTH
        try:
            # pre-commit gives hooks a terminal of 0 columns.
            columns = os.get_terminal_size(self._stream.fileno()).columns or _WIDTH
        except (OSError, ValueError):
            columns = _WIDTH
        return max(columns, _LEAST)


def _escaped(match: re.Match[str]) -> str:
    return match[0].encode("unicode_escape").decode()


def wants_color(when: str, environ: Mapping[str, str], *, is_terminal: bool) -> bool:
    """Return whether to use colours.

    An option goes before variables, ``NO_COLOR`` (https://no-color.org) before
    ``FORCE_COLOR`` (https://force-color.org), both before what the stream is.

    Args:
        when: ``always``, ``never`` or ``auto``.
        environ: The environment variables.
        is_terminal: Whether the stream is one.
    """
    if when != "auto":
        return when == "always"
    if environ.get("NO_COLOR"):
        return False
    if environ.get("FORCE_COLOR"):
        return True
    return is_terminal and environ.get("TERM") != "dumb"


def _is_terminal(stream: TextIO) -> bool:
    try:
        return stream.isatty()
    except ValueError:  # closed
        return False


def _shows(stream: TextIO, text: str) -> bool:
    try:
        text.encode(getattr(stream, "encoding", None) or "ascii")
    except (UnicodeError, LookupError):
        return False
    return True


def silence() -> None:
    """Let nothing more be written to either stream, nor fail when Python ends."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    for stream in (sys.stdout, sys.stderr):
        try:
            os.dup2(nowhere, stream.fileno())
        except (OSError, ValueError, AttributeError):
            continue
