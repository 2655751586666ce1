"""The one encoder of values and the digests of bytes and files.

Every fingerprint in assetmake comes from here. A fingerprint is text, its
scheme's name before a colon and an xxh3-128 digest of 32 hex digits behind it
(``"bytes-1:99aa06d3014798d86001c324468d497f"``); two fingerprints are only ever
compared as whole strings, so fingerprints of different schemes never agree.
Nothing here knows what a table or a piece of code is.
"""

from __future__ import annotations

import mmap
import os
import sys
from collections.abc import Iterable
from math import isnan
from struct import pack
from typing import Any

from xxhash import xxh3_128

from assetmake.system.plain import open_plain

Encodable = None | bool | int | float | complex | str | bytes | tuple["Encodable", ...]

#: Files up to this many bytes are read; larger ones are mapped, if that is safe.
_READ_WHOLE = 1 << 20
#: Bytes that are read at once: they fit a processor's cache.
_LEAST, _CHUNK = 1 << 12, 1 << 17
#: Bytes that are mapped at once, for which a writer may have to wait.
_WINDOW = 1 << 24


def encode(value: Encodable) -> bytes:
    """Return bytes that no other value has: type-tagged and length-prefixed.

    ``encode(a) == encode(b)`` only if `a` and `b` are of the same type and
    equal, for nested tuples too; ``1``, ``1.0``, ``True`` and ``"1"`` differ,
    and so do ``0.0`` and ``-0.0``. All NaNs are one value.

    Raises:
        TypeError: `value`, or something in it, is of another type.
    """
    return _encode(value)


def _encode(value: Any) -> bytes:  # Any: the checks below are on the exact class
    kind = type(value)
    if kind is str:
        # surrogatepass: a literal may hold a lone surrogate.
        return _tagged(b"s", value.encode("utf-8", "surrogatepass"))
    if kind is bytes:
        return _tagged(b"b", value)
    if value is None:
        return _tagged(b"n", b"")
    if kind is bool:
        return _tagged(b"t", b"1" if value else b"0")
    if kind is int:
        # hex, because str() refuses integers above 4,300 digits.
        return _tagged(b"i", b"%x" % value)
    if kind is float:
        return _tagged(b"f", b"nan" if isnan(value) else pack("<d", value))
    if kind is complex:
        return _tagged(b"c", _encode(value.real) + _encode(value.imag))
    if kind is tuple:
        return _tagged(b"(", b"".join(map(_encode, value)))
    msg = f"cannot encode {kind.__qualname__}"
    raise TypeError(msg)


def _tagged(tag: bytes, body: bytes) -> bytes:
    return b"%s%d:%s" % (tag, len(body), body)


def digest(*parts: Encodable) -> str:
    """Return the digest of `parts`: 32 hex digits, without a scheme."""
    return xxh3_128(encode(parts)).hexdigest()


def digest_bytes(data: bytes | memoryview) -> str:
    """Return the digest of plain bytes: 32 hex digits, without a scheme."""
    return xxh3_128(data).hexdigest()


def digest_file(path: str | os.PathLike[str]) -> str:
    """Return the digest of the bytes of a file, equal to `digest_bytes` of them.

    No more than a window of a large file is in memory. One that is changed
    meanwhile has some digest, of bytes before and after.

    Raises:
        OSError: the file cannot be opened or read; it names the file.
    """
    try:
        descriptor = open_plain(path)
        try:
            return _digest_open(descriptor)
        finally:
            os.close(descriptor)
    except OSError as error:
        # A read that fails, unlike an open, does not know of which file.
        error.filename = error.filename or os.fspath(path)
        raise


def _digest_open(descriptor: int) -> str:
    size = os.fstat(descriptor).st_size
    state = xxh3_128()
    if size > _READ_WHOLE:
        done = os.lseek(descriptor, _hash_mapped(descriptor, state), os.SEEK_SET)
        size = max(size - done, 0)
    buffer = bytearray(min(max(size + 1, _LEAST), _CHUNK))
    view = memoryview(buffer)
    while count := os.readv(descriptor, [buffer]):
        state.update(view[:count])
    return state.hexdigest()


def _hash_mapped(descriptor: int, state: xxh3_128) -> int:
    """Hash a file through memory, as far as that is safe; return how many bytes.

    It saves a copy of each byte. But who reads mapped memory of a file that is
    truncated meanwhile dies by SIGBUS. So Linux is asked for a lease: whoever
    wants to write waits then until it is given back (fcntl(2), "Leases"), and we
    look whether somebody waits after each window. There is no lease where the
    file is open for writing, is another user's or on a file system without:
    then nothing is mapped.
    """
    if not _lease(descriptor, taken=True):
        return 0
    try:
        done, size = 0, os.fstat(descriptor).st_size
        while done < size and (not done or _is_leased(descriptor)):
            length = min(size - done, _WINDOW)
            with mmap.mmap(
                descriptor, length, access=mmap.ACCESS_READ, offset=done
            ) as window:
                state.update(window)
            done += length
        return done
    finally:
        _lease(descriptor, taken=False)


def _lease(descriptor: int, *, taken: bool) -> bool:
    """Take or give back a lease; return whether that could be."""
    if sys.platform != "linux":
        return False
    import fcntl
    from signal import SIGURG

    try:
        if taken:
            # Who waits is announced by SIGIO, which would end the process; SIGURG
            # is ignored unless somebody asks for it.
            fcntl.fcntl(descriptor, fcntl.F_SETSIG, SIGURG)
        kind = fcntl.F_RDLCK if taken else fcntl.F_UNLCK
        fcntl.fcntl(descriptor, fcntl.F_SETLEASE, kind)
    except OSError:
        return False
    return True


def _is_leased(descriptor: int) -> bool:
    """Return whether nobody waits for the end of our lease."""
    if sys.platform != "linux":
        return False
    import fcntl

    return fcntl.fcntl(descriptor, fcntl.F_GETLEASE) == fcntl.F_RDLCK


def digest_many(parts: Iterable[tuple[str, str]]) -> str:
    """Return the digest of names with their digests, in the order given."""
    return digest(*(tuple(part) for part in parts))
