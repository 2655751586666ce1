"""Digests of files, remembered by their stat so that few are read again.

The index only saves work: it can be deleted at any time, and what it says is
believed only where neither an edit nor a crash can have made it a lie.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterable
from contextlib import suppress
from functools import cached_property
from pathlib import Path

from assetmake.fingerprint import digest_bytes, digest_file
from assetmake.saved.asides import aside_of
from assetmake.saved.boot import boot_id
from assetmake.saved.clocks import FINE_TICK, tick_of
from assetmake.system.plain import read_plain

#: Bytes hashed anew from which on an inspection saves the index, so that a run
#: that changes nothing writes nothing.
_WORTH_SAVING = 32 << 20

#: Bytes of a file from which on it is hashed beside others, and how many are.
_LARGE = 8 << 20
_MOST_THREADS = 4

_Record = tuple[int, int, int, int, int, str]


class FileIndex:
    """Digests of files by path, with the stat and the time they were taken at.

    Attributes:
        hashed: How many files were read and hashed so far.
        hashed_bytes: How many bytes that were.
    """

    def __init__(self, file: Path | None, root: Path) -> None:
        """Read the index in `file`; None, or an unreadable one, is empty.

        Args:
            file: Where the index is kept.
            root: Paths below it are kept relative to it, so that a project
                that moved finds its records again.
        """
        self.hashed = 0
        self.hashed_bytes = 0
        self._file = file if index_is_wanted() else None
        self._prefix = str(root) + os.sep
        self._boot = boot_id()
        self._seen: set[str] = set()
        self._changed = False

    @cached_property
    def _records(self) -> dict[str, _Record]:
        """Read from the file when the first digest is asked for."""
        return {} if self._file is None else self._load(self._file)

    def _load(self, file: Path) -> dict[str, _Record]:
        try:
            mark, _, data = read_plain(file).partition(b"\n")
        except OSError:
            return {}
        if mark != digest_bytes(data).encode():  # cut off, or a bit of it flipped
            return {}
        import json

        try:
            tree = json.loads(data)
            if tree["format"] != 1 or tree["boot"] != self._boot or not self._boot:
                # After a power loss a file may hold other bytes than its stat
                # tells; so each is hashed once more after a reboot.
                return {}
            records = {}
            for path, record in tree["files"].items():
                *numbers, text = record
                if len(numbers) != 5 or not all(type(n) is int for n in numbers):
                    return {}
                records[path] = (*numbers, str(text))
        except (OSError, ValueError, KeyError, TypeError, AttributeError):
            return {}
        except RecursionError:
            return {}
        return records

    def digest(self, path: str | Path, stat: os.stat_result | None = None) -> str:
        """Return the digest of the bytes of a file, reading it only if need be.

        Raises:
            OSError: the file is not there, or cannot be read.
        """
        name = str(path)
        stat = stat or os.stat(name)
        return self._known(name, stat) or self._hash(name, stat, time.time_ns())

    def digests(self, paths: Iterable[str]) -> list[str]:
        """Return the digest of each file; see `digest`.

        Large ones are hashed several at once: that is bound by memory and by
        disks, not by Python. Small ones would only wait for each other.

        Raises:
            OSError: one is not there, or cannot be read.
        """
        found: dict[str, str] = {}
        unknown: dict[str, os.stat_result] = {}
        for name in paths:
            stat = os.stat(name)
            digest = self._known(name, stat)
            if digest is None:
                unknown[name] = stat
            found[name] = digest or ""
        large = [name for name, stat in unknown.items() if stat.st_size >= _LARGE]
        now, ready = time.time_ns(), {}
        if len(large) > 1:
            from concurrent.futures import ThreadPoolExecutor

            with ThreadPoolExecutor(min(_MOST_THREADS, len(large))) as threads:
                ready = dict(zip(large, threads.map(digest_file, large), strict=True))
        for name, stat in unknown.items():
            found[name] = self._hash(name, stat, now, ready.get(name))
        return list(found.values())

    def _known(self, name: str, stat: os.stat_result) -> str | None:
        """Return a digest that was taken before, if it can be believed."""
        key = name.removeprefix(self._prefix)
        record = self._records.get(key)
        self._seen.add(key)
        if record and record[:4] == _stamp(stat) and _is_settled(stat, record[4]):
            return record[5]
        return None

    def _hash(
        self, name: str, stat: os.stat_result, now: int, found: str | None = None
    ) -> str:
        """Read and hash a file, unless that was `found`; record it."""
        found = found or digest_file(name)
        self.hashed += 1
        self.hashed_bytes += stat.st_size
        # The stat was taken before the read: what changed meanwhile has
        # another stat, or is too young to be believed.
        self._records[name.removeprefix(self._prefix)] = (*_stamp(stat), now, found)
        self._changed = True
        return found

    def remember(
        self, path: str, stat: os.stat_result, hashed_at: int, digest: str
    ) -> None:
        """Record a file that the caller hashed, and may have renamed since.

        Args:
            path: Where the file stands now.
            stat: Taken before it was read, or by `set_back` after it was written.
            hashed_at: Before it was read, or as `set_back` says; in ns since
                the epoch.
            digest: Of its bytes.
        """
        key = path.removeprefix(self._prefix)
        self._records[key] = (*_stamp(stat), hashed_at, digest)
        self._seen.add(key)
        self._changed = True

    def settle(self) -> None:
        """Hash once more what was hashed too young, so that it can be believed.

        Waits until the newest of them is old enough, 20 ms at most, and lets those
        be whose file system stamps whole seconds: the next run hashes them again.
        """
        young = [key for key in self._seen if self._is_young(key)]
        if not young:
            return
        left = max(self._old_from(self._records[key]) for key in young) - time.time_ns()
        if 0 <= left <= FINE_TICK:
            time.sleep((left + 1) / 1e9)
        for key in young:
            try:
                self.digest(self._absolute(key))
            except OSError:
                del self._records[key]

    def _is_young(self, key: str) -> bool:
        record = self._records.get(key)
        if record is None:
            return False
        return 0 <= self._old_from(record) - record[4] <= FINE_TICK

    @staticmethod
    def _old_from(record: _Record) -> int:
        """Return until when a file could change without another stamp, in ns."""
        mtime_ns, ctime_ns = record[1:3]
        return max(mtime_ns, ctime_ns) + tick_of(mtime_ns, ctime_ns)

    def _absolute(self, key: str) -> str:
        return key if os.path.isabs(key) else self._prefix + key

    def save(self, *, always: bool = False) -> None:
        """Write the index if that is worth it; a store that refuses is let be."""
        if self._file is None or not self._changed or not self._boot:
            return
        if not (always or self.hashed_bytes >= _WORTH_SAVING):
            return
        if not os.path.isdir(self._file.parent):
            return
        import json

        tree = {"format": 1, "boot": self._boot, "files": self._records}
        staged = Path(aside_of(self._file))
        try:
            data = json.dumps(tree, separators=(",", ":")).encode()
            staged.write_bytes(digest_bytes(data).encode() + b"\n" + data)
            staged.replace(self._file)
        except OSError:
            with suppress(OSError):
                staged.unlink(missing_ok=True)
        self._changed = False


def index_is_wanted() -> bool:
    """Whether what only saves work may be used; ``ASSETMAKE_INDEX=0`` forbids it."""
    return os.environ.get("ASSETMAKE_INDEX", "") != "0"


def set_back(path: str, stat: os.stat_result) -> tuple[os.stat_result, int]:
    """Set back the mtime of a file that was just written, so that it can be believed.

    A write in the same tick of the clock would leave no trace in its times;
    now it would: the mtime, which it sets to the present, would jump forward.

    Args:
        path: Of the file, on which nobody else works.
        stat: Of it, after it was written.

    Returns:
        Its stat, and when a reader that believes it must have read it. Where
        its time cannot be set back that is now, so that it is read once more.
    """
    now = time.time_ns()
    try:
        os.utime(path, ns=(stat.st_atime_ns, stat.st_mtime_ns - FINE_TICK))
    except OSError:  # a file system that lets times be
        return stat, now
    after = os.stat(path)
    if after.st_mtime_ns >= stat.st_mtime_ns:
        return after, now
    tick = tick_of(after.st_mtime_ns, after.st_ctime_ns)
    return after, max(after.st_mtime_ns, after.st_ctime_ns) + tick + 1


def _stamp(stat: os.stat_result) -> tuple[int, int, int, int]:
    return (stat.st_size, stat.st_mtime_ns, stat.st_ctime_ns, stat.st_ino)


def _is_settled(stat: os.stat_result, hashed_at: int) -> bool:
    newest = max(stat.st_mtime_ns, stat.st_ctime_ns)
    return newest + tick_of(stat.st_mtime_ns, stat.st_ctime_ns) < hashed_at
