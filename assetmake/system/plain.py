"""Read small files of a store, whoever put them there: plain ones, and no more."""

from __future__ import annotations

import errno
import os
import stat

#: Bytes of the largest record that is read; a manifest of 500,000 files has less.
MOST_BYTES = 64 << 20

_FLAGS = os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK


def open_plain(path: str | os.PathLike[str]) -> int:
    """Return the descriptor of a plain file, opened for reading.

    Raises:
        OSError: it is none (a named pipe would let its reader wait for ever, and
            a device never end), is not there, or cannot be read.
    """
    descriptor = os.open(path, _FLAGS)
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise OSError(errno.EINVAL, "no plain file", os.fspath(path))
    return descriptor


def read_plain(path: str | os.PathLike[str]) -> bytes:
    """Return the bytes of a plain file of at most `MOST_BYTES`.

    Raises:
        OSError: as `open_plain`, or it is larger.
    """
    with open(open_plain(path), "rb", buffering=0) as file:
        if os.fstat(file.fileno()).st_size > MOST_BYTES:
            raise OSError(errno.EFBIG, "larger than 64 MiB", os.fspath(path))
        return file.read()
