"""What makes a no-op fast: the rows of the last look, and all they hang on.

A snapshot is a certificate. It lists every file, directory and setting that
went into the rows of a status; while each is as it was, so are the rows, and
neither user code nor a manifest has to be read. It can be deleted at any time.

This module reads snapshots, and every run pays for it: nothing is imported but
what the interpreter has loaded anyhow. `draft` writes them.

A file of one line and four blobs, so that a look at it parses little:

- the line: format, a digest of the first three blobs and one of the last, the
  length of each;
- fields between NULs: the key, digests, variables and so on;
- what was stamped, as unsigned numbers of 64 bits: all sizes, all change times,
  all inodes;
- their paths between NULs: first those relative to the project, then those
  relative to the store;
- the rows; they are read only to be shown.
"""

from __future__ import annotations

import os
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

FILE_NAME = "snapshot"
#: The same by a look that did not load the Assetfile; no build goes by it.
UNLOADED = "snapshot-unloaded"
#: Where a store keeps what is not precious: staging, lock, index, logs.
PRIVATE = ".assetmake"
#: Changes with what a snapshot holds or means.
_FORMAT = "assetmake-snapshot-2"
#: Bytes of the first line.
_LINE = len(_FORMAT) + 2 * 33 + 4 * 13 + 1


class Recalled:
    """What a valid snapshot says.

    Attributes:
        fresh: Number of fresh assets.
        total: Number of all rows.
        named: Of each row that a check names: file, line, and its text; the
            text is empty where a terminal would obey something in it.
        rows: All rows, as they were given to `Draft.save`; empty unless asked
            for.
    """

    __slots__ = ("fresh", "named", "rows", "total")

    def __init__(
        self, fresh: int, total: int, named: list[tuple[str, str, str]], rows: bytes
    ) -> None:
        self.fresh = fresh
        self.total = total
        self.named = named
        self.rows = rows


def assemble(blobs: tuple[bytes, bytes, bytes], rows: bytes) -> bytes:
    """Return the bytes of a snapshot; the blobs are fields, numbers and paths."""
    from xxhash import xxh3_128

    front = b"".join(blobs)
    digests = (xxh3_128(front).hexdigest(), xxh3_128(rows).hexdigest())
    lengths = [f"{len(blob):012}" for blob in (*blobs, rows)]
    line = " ".join((_FORMAT, *digests, *lengths)) + "\n"
    return line.encode() + front + rows


def key_of(
    assetfile: str, environment: str, config: bytes, store: str, root: str
) -> bytes:
    """Return what has to be the same for a snapshot to be looked at.

    Args:
        assetfile: Its name, in the project's directory.
        environment: Name of the chosen environment.
        config: Bytes of ``pyproject.toml``; empty without one.
        store: The store's place, as the configuration names it.
        root: The project's directory.

    Returns:
        Empty where nothing names the boot: after a power loss stamps may lie.
    """
    from xxhash import xxh3_128

    from assetmake.saved.boot import boot_id

    boot = boot_id()
    if not boot:
        return b""
    # The command's own directory imports nothing, and the project's is first. An
    # empty entry stands for the working directory.
    scripts = (os.path.dirname(sys.executable), os.path.join(sys.prefix, "bin"))
    path = [entry or os.getcwd() for entry in sys.path]
    path = [entry for entry in path if entry not in (root, *scripts)]
    items = (
        boot,
        assetfile,
        environment,
        xxh3_128(config).hexdigest(),
        store,
        sys.version,
        sys.prefix,
        str(sys.flags.optimize),
        os.environ.get("SPARK_HOME", ""),  # what lies there is not the project's code
        *path,
    )
    text = "\n".join(items).replace("\0", " ")
    return text.encode("utf-8", "surrogateescape")


def recall(
    file: str, key: bytes, root: str, *, rows: bool = False, alone: bool = False
) -> Recalled | None:
    """Return what a snapshot says, if all that it hangs on is as it was.

    Args:
        file: Of the snapshot, in the private directory of its store.
        key: See `key_of`.
        root: The project's directory.
        rows: Whether to read the rows.
        alone: Whether no other thread minds another working directory for a
            moment, which makes short paths of long ones.
    """
    project = store = here = -1
    try:
        fields, numbers, paths, text = _read(file, rows=rows)
        if not key or next(fields) != key:
            return None
        flags = os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC
        project = os.open(root, flags)
        store = os.open(os.path.dirname(os.path.dirname(file)), flags)
        if alone:
            here = os.open(".", flags)
        if not (
            _is_here(next(fields))
            and _are_digested(fields, project)
            and _are_importable(fields)
            and _are_as_recorded(fields, "variables")
            and _are_as_recorded(fields, "packages")
            and _are_absent(fields, project)
            and _are_stamped(
                numbers, paths, int(next(fields)), (project, store), alone=alone
            )
        ):
            return None
        fresh, total, named = int(next(fields)), int(next(fields)), int(next(fields))
        return Recalled(fresh, total, [_named(fields) for _ in range(named)], text)
    except (OSError, ValueError, StopIteration):
        return None
    finally:
        if here >= 0:
            os.fchdir(here)
        for descriptor in (project, store, here):
            if descriptor >= 0:
                os.close(descriptor)


def _open(path: str) -> int:
    """Open a file; what is a named pipe in its place is not waited for."""
    return os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)


def _read(
    file: str, *, rows: bool
) -> tuple[Iterator[bytes], memoryview, list[bytes], bytes]:
    """Return fields, numbers, paths, and the rows if they are asked for.

    Raises:
        OSError: it cannot be read.
        ValueError: it is not what `assemble` made.
    """
    from xxhash import xxh3_128

    with open(_open(file), "rb", buffering=0) as stream:
        words = stream.read(_LINE).decode("ascii").split()
        name, digest, digest_of_rows, *lengths = words
        fields, numbers, paths, _ = map(int, lengths)
        front = stream.read(fields + numbers + paths)
        text = stream.read() if rows else b""
    if (
        name != _FORMAT
        or xxh3_128(front).hexdigest() != digest
        or (rows and xxh3_128(text).hexdigest() != digest_of_rows)
    ):
        raise ValueError(file)
    return (
        iter(front[:fields].split(b"\0")),
        memoryview(front)[fields : fields + numbers],
        front[fields + numbers :].split(b"\0"),
        text,
    )


def _are_stamped(
    numbers: memoryview,
    paths: list[bytes],
    ours: int,
    tops: tuple[int, int],
    *,
    alone: bool,
) -> bool:
    """Whether files and directories are as they were when they were stamped.

    A restored mtime has a new ctime, and a file renamed over it another inode.

    Args:
        numbers: All sizes, all change times, all inodes.
        paths: In the same order.
        ours: How many of them are relative to the project.
        tops: Descriptors of the directories of project and store.
        alone: See `recall`.
    """
    end = 8 * len(paths)
    sizes, changed, inodes = (
        iter(numbers[i * end : (i + 1) * end].cast("Q").tolist()) for i in range(3)
    )
    stat = os.stat
    for top, part in zip(tops, (paths[:ours], paths[ours:]), strict=True):
        if alone:
            # A loop of its own: naming a directory costs a tenth of the call.
            os.fchdir(top)
            for path, size, time, inode in zip(
                part, sizes, changed, inodes, strict=False
            ):
                now = stat(path)
                if (
                    now.st_ctime_ns != time
                    or now.st_ino != inode
                    or now.st_size != size
                ):
                    return False
            continue
        for path, size, time, inode in zip(part, sizes, changed, inodes, strict=False):
            now = stat(path, dir_fd=top)
            if now.st_ctime_ns != time or now.st_ino != inode or now.st_size != size:
                return False
    return len(numbers) == 3 * end


def _is_here(directory: bytes) -> bool:
    """Whether a load that used relative paths would use them from here."""
    return not directory or os.getcwdb() == directory


def _are_digested(fields: Iterator[bytes], project: int) -> bool:
    from xxhash import xxh3_128

    flags = os.O_RDONLY | os.O_CLOEXEC
    for _ in range(int(next(fields))):
        descriptor = os.open(next(fields), flags, dir_fd=project)
        with open(descriptor, "rb", buffering=0) as stream:
            if xxh3_128(stream.read()).hexdigest().encode() != next(fields):
                return False
    return True


def importable(directory: str) -> str:
    """Return a digest of the names in a directory that an import could find.

    What else is there comes and goes: notes, locks, an editor's own files.
    """
    from xxhash import xxh3_128

    names = [
        name
        for name in os.listdir(directory)
        if "." not in name or name.endswith(_IMPORTABLE)
    ]
    text = "\0".join(sorted(names))
    return xxh3_128(text.encode("utf-8", "surrogateescape")).hexdigest()


#: Modules and packages without a dot, archives, and what tells of installs.
_IMPORTABLE = (".py", ".pyc", ".so", ".pyd", ".pth", ".dist-info", ".egg-info", ".egg")


def _are_importable(fields: Iterator[bytes]) -> bool:
    """Whether an import finds what it found in directories of the import path."""
    for _ in range(int(next(fields))):
        path, stamp, names = _text(next(fields)), next(fields), next(fields)
        now = os.stat(path)
        numbers = f"{now.st_size} {now.st_ctime_ns} {now.st_ino}"
        if numbers.encode() != stamp and importable(path).encode() != names:
            return False
    return True


def _are_as_recorded(fields: Iterator[bytes], kind: str) -> bool:
    number = int(next(fields))
    if not number:
        return True
    from assetmake.saved import surroundings

    table = {_text(next(fields)): _text(next(fields)) for _ in range(number)}
    now = getattr(surroundings, kind)(table)
    return all(
        value == ("-" if now[name] is None else now[name])
        for name, value in table.items()
    )


def _are_absent(fields: Iterator[bytes], project: int) -> bool:
    for _ in range(int(next(fields))):
        try:
            os.stat(next(fields), dir_fd=project, follow_symlinks=False)
        except OSError:
            continue
        return False
    return True


def _named(fields: Iterator[bytes]) -> tuple[str, str, str]:
    return _text(next(fields)), _text(next(fields)), _text(next(fields))


def _text(field: bytes) -> str:
    return field.decode("utf-8", "surrogateescape")
