"""The one encoder of values and the digests of bytes and files.

Every fingerprint in assetmake comes from here. A fingerprint is text, its
scheme's name before a colon and an xxh3-128 digest of 32 hex digits behind it
(``"bytes-1:99aa06d3014798d86001c324468d497f"``); two fingerprints are only ever
compared as whole strings, so fingerprints of different schemes never agree.
Nothing here knows what a table or a piece of code is.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from math import isnan
from struct import pack
from typing import Any

from xxhash import xxh3_128

from assetmake.plain import open_plain

Encodable = None | bool | int | float | complex | str | bytes | tuple["Encodable", ...]

#: Bytes of a file that are read at once.
_CHUNK = 1 << 20


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

    However large the file is, no more than 1 MiB of it is in memory.

    Raises:
        OSError: the file cannot be opened or read.
    """
    # Not mapped: that takes address space for the whole, its pages count as
    # this process's memory, and a file that is cut off meanwhile would end it
    # by SIGBUS. It is not quicker, either.
    descriptor = open_plain(path)
    try:
        size = os.fstat(descriptor).st_size
        data = os.read(descriptor, min(size, _CHUNK) + 1)
        if len(data) == size <= _CHUNK:  # one byte more was asked for: there is none
            return xxh3_128(data).hexdigest()
        state = xxh3_128(data)
        buffer = bytearray(_CHUNK)
        view = memoryview(buffer)
        while count := os.readv(descriptor, [buffer]):
            state.update(view[:count])
        return state.hexdigest()
    finally:
        os.close(descriptor)


def digest_many(parts: Iterable[tuple[str, str]]) -> str:
    """Return the digest of names with their digests, in the order given."""
    return digest(*(tuple(part) for part in parts))
