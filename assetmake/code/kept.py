"""Keep summaries of source files on disk, by the digest of the bytes they are of.

They save the parsing of files that did not change. What is garbled, or of
another version, or another user's, is passed over; only what the last analysis
used is kept.
"""

from __future__ import annotations

import marshal
import os
import sys
from collections.abc import Iterator, Mapping, MutableMapping
from contextlib import suppress
from typing import Any

from assetmake.code.edits import Held, edited, held
from assetmake.code.marks import moved
from assetmake.code.records import Act, Binding, Call, Piece, Summary, Unit
from assetmake.code.summary import summarise
from assetmake.saved.asides import aside_of
from assetmake.saved.seals import sealed, unsealed
from assetmake.system.plain import read_plain

#: Changes with what a summary holds or means.
_MAGIC = f"assetmake code 5 {sys.version}\n".encode()


def plain(value: Any) -> Any:
    """Return nested tuples, named or not, as tuples that marshal takes."""
    if isinstance(value, tuple):
        return tuple(map(plain, value))
    if type(value) is dict:
        return {key: plain(inner) for key, inner in value.items()}
    return value


def read(path: str) -> bytes:
    """Return the bytes of a file; none if it cannot be read."""
    try:
        return read_plain(path)
    except OSError:
        return b""


def write(path: str, data: bytes) -> bool:
    """Write a file whole or not at all; return whether that could be done."""
    staged = aside_of(path)
    try:
        with open(staged, "wb") as file:
            file.write(data)
        os.replace(staged, path)
    except OSError:
        with suppress(OSError):
            os.unlink(staged)
        return False
    return True


class Units(MutableMapping[str, Unit]):
    """Statements by mark, read from disk one by one as they are asked for."""

    def __init__(self, kept: Mapping[str, bytes]) -> None:
        """Begin with what was kept."""
        self._kept = kept
        self._found: dict[str, Unit] = {}

    def __getitem__(self, mark: str) -> Unit:
        found = self._found.get(mark)
        if found is None:
            try:
                found = _unit(marshal.loads(self._kept[mark]))  # noqa: S302 - of sealed bytes
            except (EOFError, ValueError, TypeError) as error:
                raise KeyError(mark) from error
            self._found[mark] = found
        return found

    def __setitem__(self, mark: str, unit: Unit) -> None:
        self._found[mark] = unit

    def __delitem__(self, mark: str) -> None:
        del self._found[mark]

    def __iter__(self) -> Iterator[str]:
        return iter({**self._kept, **self._found})

    def __len__(self) -> int:
        return len({**self._kept, **self._found})

    def dumped(self) -> dict[str, bytes]:
        """Return what was asked for or added, as bytes."""
        kept = self._kept
        return {
            mark: kept.get(mark) or marshal.dumps(plain(unit))
            for mark, unit in self._found.items()
        }


class Summaries(MutableMapping[str, Summary]):
    """Summaries by digest, read from disk one by one as they are asked for.

    Attributes:
        units: The statements that they consist of.
    """

    def __init__(self, path: str) -> None:
        """Read the file; what is none holds nothing.

        Args:
            path: Where they are kept; empty for nowhere.
        """
        self._path = path
        tree = unsealed(_MAGIC, read(path)) if path else None
        units, files, texts = (
            tree if type(tree) is tuple and len(tree) == 3 else ({}, {}, {})
        )
        self._kept: dict[str, bytes] = files
        self._before: dict[str, tuple[str, Any]] = texts
        self._texts: dict[str, tuple[str, bytes]] = {}
        self.units = Units(units)
        self._found: dict[str, Summary] = {}
        self._is_new = False

    def __getitem__(self, digest: str) -> Summary:
        found = self._found.get(digest)
        if found is None:
            found = self._found[digest] = self._revived(self._kept[digest])
        return found

    def __setitem__(self, digest: str, summary: Summary) -> None:
        self._found[digest] = summary
        self._is_new = True

    def __delitem__(self, digest: str) -> None:
        del self._found[digest]

    def __iter__(self) -> Iterator[str]:
        return iter({**self._kept, **self._found})

    def __len__(self) -> int:
        return len({**self._kept, **self._found})

    def summary(self, path: str, digest: str, data: bytes) -> Summary:
        """Return the summary of a file, of which no more is read than is new.

        Args:
            path: Of the file.
            digest: Of its bytes.
            data: Its bytes.

        Raises:
            SyntaxError, ValueError, RecursionError, MemoryError: see `summarise`.
        """
        self._texts[path] = digest, data
        found = self.get(digest)
        if found is None:
            known, text = self._before.get(path, ("", ()))
            before = self.get(known)
            if before is not None:
                found = edited(Held(*text), before, data, self.units)
                if known not in (mark for mark, _ in self._texts.values()):
                    del self[known]
            self[digest] = found = found or summarise(data, self.units)
        return found

    def save(self, path: str) -> None:
        """Keep what was used since the start, if something in it is new."""
        if not self._is_new and path == self._path:
            return
        files = {
            digest: self._kept.get(digest) or _dumped(summary)
            for digest, summary in self._found.items()
        }
        self._is_new, self._path = False, path
        texts = {
            file: (digest, plain(held(data)))
            for file, (digest, data) in self._texts.items()
        }
        write(path, sealed(_MAGIC, (self.units.dumped(), files, texts)))

    def _revived(self, data: bytes) -> Summary:
        try:
            units, bindings, stars, *rest = marshal.loads(data)  # noqa: S302 - of sealed bytes
            return Summary(
                tuple(map(self._placed, units)),
                {
                    name: tuple(Binding(*one) for one in found)
                    for name, found in bindings.items()
                },
                tuple(Binding(*star) for star in stars),
                *rest,
            )
        except (EOFError, ValueError, TypeError) as error:
            raise KeyError from error

    def _placed(self, tree: Any) -> Unit:
        mark, first, guards, main = tree
        if not mark:
            return _unit(first)
        found = moved(self.units[mark], first - 1)
        return found._replace(guards=guards, main=main)


def _dumped(summary: Summary) -> bytes:
    """Return a summary as bytes, that name its statements by their marks."""
    units = tuple(
        (unit.mark, unit.at[0], unit.guards, unit.main)
        if unit.mark
        else ("", plain(unit), (), False)
        for unit in summary.units
    )
    return marshal.dumps((units, *map(plain, summary[1:])))


_FIELDS = {name: number for number, name in enumerate(Unit._fields)}
_NESTED = _FIELDS["nested"]
_MANY = tuple(
    (_FIELDS[name], kind)
    for name, kind in (
        ("decorators", Call),
        ("defaults", Piece),
        ("annotations", Piece),
        ("acts", Act),
        ("registrations", Call),
    )
)
_PARTIAL = _FIELDS["partial"]


def _unit(tree: tuple[Any, ...]) -> Unit:
    fields = list(tree)
    for number, kind in _MANY:
        if fields[number]:
            make = _call if kind is Call else kind._make
            fields[number] = tuple(map(make, fields[number]))
    if fields[_PARTIAL] is not None:
        fields[_PARTIAL] = _call(fields[_PARTIAL])
    if fields[_NESTED]:
        fields[_NESTED] = tuple(map(_unit, fields[_NESTED]))
    return Unit(*fields)


def _call(tree: tuple[Any, ...]) -> Call:
    call = Call(*tree)
    return call._replace(keywords=tuple(map(Piece._make, call.keywords)))
