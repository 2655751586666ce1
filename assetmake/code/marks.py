"""Tell statements apart by all that their summaries depend on, and move them.

A statement's summary follows from its text, and from what the module's own names
in it stand for in the file. Where both are as before, so is the summary, but
for the lines: so the statements of a file that an edit left alone need not be
gone through again.
"""

from __future__ import annotations

import re
from unicodedata import normalize

from assetmake.code.bound import Bound
from assetmake.code.records import Act, Call, Located, Piece, Unit
from assetmake.fingerprint import digest_bytes

_WORD = re.compile(r"\w+")
_Extent = tuple[int, int, int, int]

#: What reads a text as code: lines in it are counted from its own first.
_READS_CODE = (b"exec", b"eval")


class Marker:
    """Marks the statements of one file."""

    def __init__(self, data: bytes, bound: Bound, *, walrus: bool) -> None:
        """Take a file.

        Args:
            data: Its bytes.
            bound: What the module binds.
            walrus: Whether ``:=`` stands in it.
        """
        head = b"".join(data.split(b"\n", 2)[:2])
        usual = b"\r" not in data and b"coding" not in head
        self._lines = data.removeprefix(b"\xef\xbb\xbf").split(b"\n") if usual else []
        self._bound = bound
        self._walrus = walrus

    def mark(self, at: _Extent) -> str:
        """Return the mark of the statement at a place; empty if it gets none."""
        first, column, last, end = at
        lines = self._lines[first - 1 : last]
        if not lines:
            return ""
        lines[-1] = lines[-1][:end]
        lines[0] = lines[0][column:]
        data = b"\n".join(lines)
        if any(word in data for word in _READS_CODE):
            return ""
        text = data.decode("utf-8", "surrogateescape")
        if not data.isascii():
            text = normalize("NFKC", text)  # as Python reads identifiers
        bound = self._bound
        known = [
            (word, word in bound.names, bound.imports.get(word))
            for word in sorted(set(_WORD.findall(text)))
            if word in bound
        ]
        context = f"{column} {self._walrus} {known}\n"
        return digest_bytes(context.encode("utf-8", "surrogateescape") + data)


def moved(unit: Unit, lines: int) -> Unit:
    """Return a statement so many lines further below."""
    if not lines:
        return unit

    def refs(found: tuple[Located, ...]) -> tuple[Located, ...]:
        return tuple((ref, line and line + lines) for ref, line in found)

    def extent(at: _Extent) -> _Extent:
        return at[0] + lines, at[1], at[2] + lines, at[3]

    def piece(found: Piece) -> Piece:
        name, code, inner, literal, bare, at = found
        return Piece(name, code, refs(inner), literal, bare, extent(at))

    def call(found: Call) -> Call:
        callee, code, inner, keywords, others, other_refs = found
        words = tuple(map(piece, keywords))
        return Call(callee, code, refs(inner), words, others, refs(other_refs))

    def act(found: Act) -> Act:
        return found._replace(line=found.line and found.line + lines)

    return unit._replace(
        at=extent(unit.at),
        line=unit.line + lines,
        now=refs(unit.now),
        later=refs(unit.later),
        note_refs=refs(unit.note_refs),
        decorators=tuple(map(call, unit.decorators)),
        defaults=tuple(map(piece, unit.defaults)),
        annotations=tuple(map(piece, unit.annotations)),
        acts=tuple(map(act, unit.acts)),
        partial=unit.partial and call(unit.partial),
        registrations=tuple(map(call, unit.registrations)),
        nested=tuple(moved(inner, lines) for inner in unit.nested),
        silent=tuple((a + lines, b + lines) for a, b in unit.silent),
    )
