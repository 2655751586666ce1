"""What makes a no-op fast: the rows of the last look, and all they hang on.

A snapshot is a certificate. It lists every file, directory and setting that
went into the rows of a status; while each is as it was, so are the rows, and
neither user code nor a manifest has to be read. It can be deleted at any time.
Nothing but the standard library's quickest parts is imported here.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator

FILE_NAME = "snapshot"
#: Where a store keeps what is not precious: staging, lock, index, logs.
PRIVATE = ".assetmake"
#: Changes with what a snapshot holds or means.
_MAGIC = "assetmake snapshot 2"

#: As in `fileindex`: what changed within a tick of the clock may change again
#: without a new time.
_TICK = 20_000_000


class Draft:
    """Collects what rows hang on."""

    def __init__(self, root: str, now_ns: int) -> None:
        """Start with nothing.

        Args:
            root: The project's directory; paths below it are kept relative.
            now_ns: When the look at it all began.
        """
        self._prefix = root + os.sep
        self._now = now_ns
        self._stamps: dict[str, str] = {}
        self._absent: dict[str, None] = {}
        self._digests: dict[str, str] = {}
        self._variables: dict[str, str | None] = {}
        self._packages: dict[str, str | None] = {}
        self.problem = ""

    def stamp(self, path: str) -> None:
        """Let the rows hang on a file's bytes, or on a directory's names.

        What changed after the look began, or a tick before it, may not be what
        was looked at: then there is no snapshot.
        """
        try:
            stat = os.stat(path)
        except OSError:
            self.problem = self.problem or f"{path} is gone"
            return
        if stat.st_ctime_ns + _TICK >= self._now:
            self.problem = self.problem or f"{path} is too young"
        self._stamps[self._relative(path)] = stamp_of(stat)

    def directories(self, top: str) -> None:
        """Let the rows hang on the names in a directory and in all below it."""
        for directory, inner, files in os.walk(top):
            inner[:] = [name for name in inner if not name.startswith(".")]
            if "_manifest.json" not in files:  # the store answers for its tables
                self.stamp(directory)

    def absent(self, path: str) -> None:
        """Let the rows hang on there being nothing at a path."""
        self._absent[self._relative(path)] = None

    def digest(self, path: str, digest: str) -> None:
        """Let the rows hang on the bytes of a small file, whatever its stamp."""
        self._digests[self._relative(path)] = digest

    def _relative(self, path: str) -> str:
        """Return a path as it is kept, so that the project can move."""
        return path.removeprefix(self._prefix) if path != self._prefix[:-1] else "."

    def variables(self, found: dict[str, str | None]) -> None:
        """Let the rows hang on fingerprints of environment variables."""
        self._variables.update(found)

    def packages(self, found: dict[str, str | None]) -> None:
        """Let the rows hang on versions of distributions."""
        self._packages.update(found)

    def save(self, file: str, key: str, tally: tuple[int, int, int], rows: str) -> bool:
        """Write the snapshot, unless something in it cannot be believed.

        Args:
            file: Where to.
            key: See `key_of`; empty if nothing can be kept.
            tally: Numbers of fresh assets, of rows that a check would name,
                and of all rows.
            rows: All rows, as text.
        """
        if self.problem or not key:
            return False
        fields = [_MAGIC, key]
        for table in (self._digests, self._stamps, self._variables, self._packages):
            fields.append(str(len(table)))
            for name, value in table.items():
                fields += (name, "-" if value is None else value)
        fields += (str(len(self._absent)), *self._absent)
        fields += (*map(str, tally), rows)
        staged = f"{file}.{os.getpid()}"
        try:
            with open(staged, "wb") as stream:
                stream.write("\0".join(fields).encode("utf-8", "surrogatepass"))
            os.replace(staged, file)
        except OSError:
            _remove(staged)
            return False
        return True


class Recalled:
    """What a valid snapshot says.

    Attributes:
        fresh: Number of fresh assets.
        stale: Number of rows that a check would name.
        total: Number of all rows.
        rows: All rows, as they were given to `Draft.save`.
    """

    __slots__ = ("fresh", "rows", "stale", "total")

    def __init__(self, fresh: int, stale: int, total: int, rows: str) -> None:
        self.fresh = fresh
        self.stale = stale
        self.total = total
        self.rows = rows


def key_of(assetfile: str, environment: str, config: bytes) -> str:
    """Return what has to be the same for a snapshot to be looked at.

    Args:
        assetfile: Its name, in the project's directory.
        environment: Name of the chosen environment.
        config: Bytes of ``pyproject.toml``; empty without one.

    Returns:
        Empty where nothing names the boot: after a power loss stamps may lie.
    """
    from xxhash import xxh3_128

    from assetmake.boot import boot_id

    boot = boot_id()
    if not boot:
        return ""
    # The first entry is where the command itself lies, which imports nothing.
    python = "\n".join((sys.version, sys.prefix, *sys.path[1:]))
    digest = xxh3_128(config).hexdigest()
    return f"{boot}\n{assetfile}\n{environment}\n{digest}\n{python}".replace("\0", " ")


def recall(file: str, key: str, root: str) -> Recalled | None:
    """Return the rows of a snapshot, if all they hang on is as it was.

    Args:
        file: Of the snapshot.
        key: See `key_of`.
        root: The project's directory.
    """
    try:
        with open(file, "rb", buffering=0) as stream:
            fields = stream.read().decode("utf-8", "surrogatepass").split("\0")
        if fields[:2] != [_MAGIC, key] or not key:
            return None
        rest = iter(fields[2:])
        prefix = root + os.sep
        if not (
            _are_digested(rest, prefix)
            and _are_stamped(rest, prefix)
            and _are_as_recorded(rest, "variables")
            and _are_as_recorded(rest, "packages")
        ):
            return None
        for _ in range(int(next(rest))):
            if os.path.lexists(os.path.join(root, next(rest))):
                return None
        fresh, stale, total = int(next(rest)), int(next(rest)), int(next(rest))
        return Recalled(fresh, stale, total, next(rest))
    except (OSError, ValueError, StopIteration):
        return None


def stamp_of(stat: os.stat_result) -> str:
    """Return what no change of a file's bytes or a directory's names leaves as is.

    A restored mtime has a new ctime, and a file renamed over it another inode.
    """
    return f"{stat.st_size} {stat.st_ctime_ns} {stat.st_ino}"


def _are_stamped(fields: Iterator[str], prefix: str) -> bool:
    stat = os.stat
    for _ in range(int(next(fields))):
        path = next(fields)
        now = stat(path if path[:1] == "/" else prefix + path)
        if f"{now.st_size} {now.st_ctime_ns} {now.st_ino}" != next(fields):
            return False
    return True


def _are_digested(fields: Iterator[str], prefix: str) -> bool:
    from xxhash import xxh3_128

    for _ in range(int(next(fields))):
        path = next(fields)
        path = path if path[:1] == "/" else prefix + path
        with open(path, "rb", buffering=0) as stream:
            if xxh3_128(stream.read()).hexdigest() != next(fields):
                return False
    return True


def _are_as_recorded(fields: Iterator[str], kind: str) -> bool:
    table = {next(fields): next(fields) for _ in range(int(next(fields)))}
    if not table:
        return True
    from assetmake import surroundings

    now = getattr(surroundings, kind)(table)
    return all(
        value == ("-" if now[name] is None else now[name])
        for name, value in table.items()
    )


def _remove(path: str) -> None:
    try:
        os.unlink(path)
    except OSError:
        return
