"""What one watch makes of the events of a run: which of them count as inputs.

It is told of events by `audit`, and looks at paths, never at contents.
"""

from __future__ import annotations

import os
import stat
import tempfile
import time
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path

from assetmake.code.imports import Bounds, is_below

#: Directories whose files are nobody's input, wherever they lie.
_SKIPPED = frozenset(
    {
        ".assetmake",
        ".git",
        ".hg",
        ".ipynb_checkpoints",
        ".mypy_cache",
        ".pytest_cache",
        ".ruff_cache",
        ".svn",
        "__pycache__",
        "dist-packages",
        "site-packages",
    }
)


#: Size, times of content and of inode in nanoseconds, and number of the inode.
Stamp = tuple[int, int, int, int]


@dataclass(slots=True)
class Seen:
    """What a watch saw; complete once the watch is over.

    Attributes:
        files: Absolute paths of project files that were read, or handed to
            another program as an argument.
        absent: Absolute paths in the project that were to be read and are not
            there.
        directories: Absolute paths of project directories that were listed.
        code: Project code that ran: absolute file, qualified name, and first
            line as the code object has it. On Python 3.11 just the modules
            that were imported, as ``"<module>"``.
        is_relative: Whether paths were relative to the working directory.
        written: Absolute paths of project files that the run opened to write them.
        stamps: Of each of `files` what `stamp_of` gave when it was first opened, and
            None of each of `absent`; nothing of what may have been opened to be
            changed.
        began_ns: When the watch began.
    """

    files: set[Path] = field(default_factory=set)
    absent: set[Path] = field(default_factory=set)
    directories: set[Path] = field(default_factory=set)
    code: set[tuple[str, str, int]] = field(default_factory=set)
    is_relative: bool = False
    written: set[Path] = field(default_factory=set)
    stamps: dict[Path, Stamp | None] = field(default_factory=dict)
    began_ns: int = field(default_factory=time.time_ns)


def stamp_of(path: str | Path) -> Stamp | None:
    """Return what tells whether a file changed; None where there is none."""
    try:
        return _stamp(os.stat(path))
    except OSError:
        return None


def _stamp(found: os.stat_result) -> Stamp:
    return (found.st_size, found.st_mtime_ns, found.st_ctime_ns, found.st_ino)


def _absolute(path: str | Path) -> str:
    """Return an absolute path without ``..``; there may be 100,000 of them."""
    text = os.fspath(path)
    is_plain = text.startswith("/") and "/." not in text and "//" not in text
    return text if is_plain else os.path.abspath(text)


class Watcher:
    """One active watch: what its events add up to."""

    def __init__(self, root: Path, ignore: Iterable[str | Path]) -> None:
        self.root = os.path.abspath(root)
        self.real_root, self.bounds = _place(self.root, os.environ.get("SPARK_HOME"))
        self.ignore = frozenset(self.local(_absolute(path)) for path in ignore)
        self.is_over = False
        self.read: set[str] = set()
        self.written: set[str] = set()
        self.changing: set[str] = set()
        #: Like `written`, and those that were read before.
        self.made: set[str] = set()
        #: When first opened; of what may be changed by way of that, nothing.
        self.stamps: dict[str, Stamp | None] = {}
        self.absent: set[str] = set()
        self.listed: set[str] = set()
        self.code: set[tuple[str, str, int]] = set()
        #: An open file in which forked processes tell what they see.
        self.told: int | None = None
        self.is_forked = False
        self.sees_calls = False
        self.is_relative = False

    def local(self, path: str) -> str:
        """Return a path below the root as it was given, not with links resolved."""
        if self.real_root != self.root and is_below(path, self.real_root):
            return self.root + path[len(self.real_root) :]
        return path

    def counts(self, path: str) -> bool:
        """Whether a file or directory may be an input that nobody declared."""
        if not path.startswith(self.root + os.sep) or path in self.ignore:
            return False
        inner = os.path.dirname(path)
        while len(inner) > len(self.root):
            if inner in self.ignore or os.path.basename(inner) in _SKIPPED:
                return False
            inner = os.path.dirname(inner)
        return self.root not in self.ignore

    def note_read(self, path: str, *, may_change: bool = False) -> None:
        """Take it that an absolute path is opened for reading.

        Args:
            path: Of a file, maybe of one that is not there.
            may_change: Whether it may also be written by way of that.
        """
        path = self.local(path)
        if may_change:
            self.note_changing(path)
        if path in self.read or path in self.written or not self.counts(path):
            return
        try:
            found = os.stat(path)
        except OSError:
            stamp = None  # a link to nothing, too
        else:
            if not stat.S_ISREG(found.st_mode):
                return
            stamp = _stamp(found)
        (self.absent if stamp is None else self.read).add(path)
        if path not in self.changing:
            self.stamps[path] = stamp
        self._tell("absent" if stamp is None else "read", path)

    def note_changing(self, path: str) -> None:
        """Take it that the run may change a file itself: how it was tells nothing."""
        path = self.local(path)
        self.changing.add(path)
        self.stamps.pop(path, None)

    def note_written(self, path: str) -> None:
        """Take it that a file is made: read again, it is no input."""
        path = self.local(path)
        self.stamps.pop(path, None)
        self.made.add(path)
        if path not in self.read:
            self.written.add(path)

    def note_module(self, file: str) -> None:
        """Take it that a module is executed: all that tells, if calls are not seen.

        Python 3.11 has no cheap way to see them.
        """
        if not self.sees_calls and self.bounds.owns(file):
            self.code.add((file, "<module>", 1))

    def note_listed(self, path: str) -> None:
        """Take it that the entries of a directory are looked at."""
        path = self.local(path)
        if path not in self.listed and (path == self.root or self.counts(path)):
            self.listed.add(path)
            self._tell("listed", path)

    def before_fork(self) -> None:
        """Make ready to hear of a process that is about to be forked off."""
        if self.told is None:
            file, path = tempfile.mkstemp()
            os.close(file)
            self.told = os.open(path, os.O_RDWR | os.O_APPEND | os.O_CLOEXEC)
            os.unlink(path)

    def _tell(self, kind: str, path: str) -> None:
        """Tell the process that this one was forked from."""
        if self.is_forked and self.told is not None:
            os.write(self.told, os.fsencode(f"{kind} {path}\0"))

    def _hear(self) -> None:
        """Take in what forked processes told."""
        if self.told is None:
            return
        found = {"read": self.read, "absent": self.absent, "listed": self.listed}
        with open(self.told, "rb") as file:
            file.seek(0)  # they share the position
            for line in file.read().split(b"\0")[:-1]:
                kind, _, path = os.fsdecode(line).partition(" ")
                found[kind].add(path)
        self.told = None

    def report(self, seen: Seen) -> None:
        """Fill in what was seen."""
        self._hear()
        seen.files.update(map(Path, self.read))
        # What is there now was made meanwhile: by the asset, if it opened it so.
        seen.absent.update(
            Path(path)
            for path in self.absent
            if path in self.stamps or not os.path.exists(path)
        )
        seen.written.update(Path(path) for path in self.made if self.counts(path))
        seen.stamps.update((Path(path), at) for path, at in self.stamps.items())
        seen.directories.update(map(Path, self.listed))
        seen.code.update(self.code)
        seen.is_relative = self.is_relative


@lru_cache(maxsize=8)
def _place(root: str, spark: str | None) -> tuple[str, Bounds]:  # noqa: ARG001 - a key
    """Return the real path of a project's directory, and which code is its own.

    Kept, as a build asks for each of its assets; where Spark lies counts.
    """
    return os.path.realpath(root), Bounds(Path(root))
