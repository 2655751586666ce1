"""New files whose bytes are hashed on their way to the disk.

So none has to be read again to know its digest. It knows bytes only.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO

from xxhash import xxh3_128

from assetmake.fingerprint import digest_bytes
from assetmake.frames.base import FileRecord


class HashedFile:
    """A file open for writing, from its begin to its end, that hashes as it goes.

    Arrow, pickle and `shutil.copyfileobj` write to it as to any other.
    """

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._state = xxh3_128()
        self._bytes = 0

    @property
    def closed(self) -> bool:
        """Whether it takes no more bytes."""
        return self._file.closed

    @property
    def record(self) -> FileRecord:
        """Number and digest of the bytes so far."""
        return FileRecord(self._bytes, self._state.hexdigest())

    def write(self, data: Any) -> int:
        """Write and hash bytes, or what has a buffer of them."""
        self._state.update(data)
        written = int(self._file.write(data))
        self._bytes += written
        return written

    def tell(self) -> int:
        """Return how many bytes were written."""
        return self._bytes

    def flush(self) -> None:
        """Hand what is buffered to the operating system."""
        self._file.flush()

    def close(self) -> None:
        """Close the file."""
        self._file.close()


@contextmanager
def hashed_file(path: Path) -> Iterator[HashedFile]:
    """Open a new file for writing.

    Raises:
        OSError: it cannot be opened, written or closed.
    """
    with path.open("wb") as file:
        yield HashedFile(file)


def write_hashed(path: Path, data: Any) -> FileRecord:
    """Write a small file in one call; return number and digest of its bytes."""
    with path.open("wb", buffering=0) as file:
        rest = memoryview(data)
        while rest:  # a call may write less than it got
            rest = rest[file.write(rest) :]
    return FileRecord(memoryview(data).nbytes, digest_bytes(data))
