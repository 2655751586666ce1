"""Write a snapshot: collect what the rows of a look hang on, and keep it.

What that is for a project, `certify` knows; how it is checked, `snapshot`.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterable, Mapping
from struct import pack

from assetmake.saved.asides import aside_of
from assetmake.saved.clocks import lag_of, tick_of
from assetmake.saved.snapshot import assemble, importable

#: Numbers of a stamp are kept in 64 bits.
_LIMIT = 1 << 64


class Draft:
    """Collects what rows hang on.

    Attributes:
        problem: Why there can be no snapshot; empty if there can.
    """

    def __init__(self, root: str, now_ns: int) -> None:
        """Start with nothing.

        Args:
            root: The project's directory; paths below it are kept relative, so
                that the project can move.
            now_ns: When the look at it all began.
        """
        self._root = root
        self._now = now_ns
        self._margin = _LIMIT
        self._stamps: dict[str, tuple[int, int, int]] = {}
        self._importable: dict[str, str] = {}
        self._absent: dict[str, None] = {}
        self._digests: dict[str, str] = {}
        self._variables: dict[str, str | None] = {}
        self._packages: dict[str, str | None] = {}
        self._here = b""
        self.problem = ""

    def stamp(self, path: str, *, since_ns: int | None = None) -> None:
        """Let the rows hang on a file's bytes, or on a directory's names.

        What changed after it was looked at, or a tick of the clock before, may
        not be what was looked at: then there is no snapshot.

        Args:
            path: Absolute.
            since_ns: When it was first looked at; the begin of the look if None.
        """
        try:
            stat = os.stat(path)
        except OSError:
            self.doubt(f"{path} is gone")
            return
        looked = self._now if since_ns is None else min(since_ns, self._now)
        margin = looked - stat.st_ctime_ns - tick_of(stat.st_mtime_ns, stat.st_ctime_ns)
        if margin <= 0:
            self.doubt(f"{path} is too young")
        self._margin = min(self._margin, margin)
        numbers = (stat.st_size, stat.st_ctime_ns, stat.st_ino)
        if not all(0 <= number < _LIMIT for number in numbers):
            self.doubt(f"{path} has times or numbers that cannot be kept")
        self._stamps[path] = numbers

    def absent(self, path: str) -> None:
        """Let the rows hang on there being nothing at an absolute path."""
        self._absent[path] = None

    def path(self, path: str, *, since_ns: int | None = None) -> None:
        """Let the rows hang on what is at an absolute path, or on its absence."""
        if os.path.lexists(path):
            self.stamp(path, since_ns=since_ns)
        else:
            self.absent(path)

    def importable(self, path: str, *, since_ns: int) -> None:
        """Let the rows hang on what an import can find in a directory.

        Args:
            path: Absolute; of an entry of the import path.
            since_ns: When an import first looked there.
        """
        self.path(path, since_ns=since_ns)
        if os.path.isdir(path):
            self._importable[path] = importable(path)

    def digest(self, path: str, digest: str) -> None:
        """Let the rows hang on the bytes of a small file, whatever its stamp."""
        self._digests[path] = digest

    def variables(self, found: Mapping[str, str | None]) -> None:
        """Let the rows hang on fingerprints of environment variables."""
        self._variables.update(found)

    def packages(self, found: Mapping[str, str | None]) -> None:
        """Let the rows hang on versions of distributions."""
        self._packages.update(found)

    def here(self) -> None:
        """Let the rows hang on the working directory."""
        self._here = os.getcwdb()

    def doubt(self, problem: str) -> None:
        """Say why there can be no snapshot; the first such reason counts."""
        self.problem = self.problem or problem

    def save(
        self,
        file: str,
        key: bytes,
        tally: tuple[int, int],
        named: Iterable[tuple[str, int, str]],
        rows: Callable[[], bytes],
    ) -> bool:
        """Write the snapshot, unless something in it cannot be believed.

        Args:
            file: Where to: in the private directory of the store.
            key: See `snapshot.key_of`; empty if nothing can be kept.
            tally: Numbers of fresh assets, and of all rows.
            named: Of each row that a check would name: file, line, and what a
                check says of it.
            rows: Returns all rows; called if they are kept.
        """
        if self.problem or not key:
            return False
        staged, began = aside_of(file), time.time_ns()
        try:
            data = assemble(self._blobs(file, key, tally, named), rows())
            with open(staged, "wb") as stream:
                stream.write(data)
            if lag_of(staged, began) >= self._margin:
                self.doubt("the clock of the file system is behind")
                os.unlink(staged)
                return False
            os.replace(staged, file)
        except (OSError, UnicodeError):
            _remove(staged)
            return False
        return True

    def _blobs(
        self,
        file: str,
        key: bytes,
        tally: tuple[int, int],
        named: Iterable[tuple[str, int, str]],
    ) -> tuple[bytes, bytes, bytes]:
        """Return fields, numbers and paths, as `snapshot` describes them."""
        project = self._root.rstrip(os.sep) + os.sep
        store = os.path.dirname(os.path.dirname(file)) + os.sep
        stamped = [path for path in self._stamps if path not in self._importable]
        stored = [path for path in stamped if path.startswith(store)]
        ours = [path for path in stamped if not path.startswith(store)]
        columns = zip(*(self._stamps[path] for path in (*ours, *stored)), strict=True)
        numbers = b"".join(pack(f"={len(column)}Q", *column) for column in columns)
        paths = [
            *(os.fsencode(_below(path, project)) for path in ours),
            *(os.fsencode(path.removeprefix(store)) for path in stored),
        ]
        digests = {_below(p, project): d for p, d in self._digests.items()}
        absent = [_below(path, project) for path in self._absent]
        rows = [(file, str(line), _plain(file, text)) for file, line, text in named]
        listed = [
            (path, " ".join(map(str, self._stamps[path])), names)
            for path, names in self._importable.items()
        ]
        fields = [
            *_table(digests),
            *(str(len(listed)), *(text for item in listed for text in item)),
            *_table(self._variables),
            *_table(self._packages),
            *(str(len(absent)), *absent),
            *(str(len(ours)), *map(str, tally)),
            *(str(len(rows)), *(text for row in rows for text in row)),
        ]
        coded = [field.encode("utf-8", "surrogateescape") for field in fields]
        return b"\0".join([key, self._here, *coded]), numbers, b"\0".join(paths)


def _below(path: str, top: str) -> str:
    """Return a path relative to a directory, if it lies there."""
    return path.removeprefix(top) if path != top[:-1] else "."


def _table(table: Mapping[str, str | None]) -> list[str]:
    fields = [str(len(table))]
    for name, value in table.items():
        fields += (name, "-" if value is None else value)
    return fields


def _plain(place: str, text: str) -> str:
    """Return a text if it and its place can be shown as they are; else nothing."""
    return text if f"{place}{text}".isprintable() else ""


def _remove(path: str) -> None:
    try:
        os.unlink(path)
    except OSError:
        return
