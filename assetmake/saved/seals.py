"""Keep plain values in files of a store, and believe only those that this user wrote.

`marshal` is quick, and what it reads must not be made up: that can crash the process.
So a file has a keyed digest (BLAKE2b, RFC 7693) with a secret that lies outside of the
store. A store that came from elsewhere brings values that nobody looks at.
"""

from __future__ import annotations

import marshal
from typing import Any

from assetmake.system.private import secret

try:  # as hashlib does; that would import OpenSSL first, which takes 3 ms
    from _blake2 import blake2b
except ImportError:
    from hashlib import blake2b

#: Bytes of a digest.
_SIZE = 32


def can_seal() -> bool:
    """Return whether there is a secret: without one, nothing is kept or believed."""
    return bool(secret())


def sealed(magic: bytes, value: Any) -> bytes:
    """Return plain values as bytes that `unsealed` believes; none without a secret.

    Args:
        magic: What the bytes are, and in which version; it may hold anything.
        value: Numbers, text, bytes, None, and tuples, lists, sets and dicts of them.

    Raises:
        ValueError: a value is not plain.
    """
    key = secret()
    body = marshal.dumps(value)
    return magic + _mark(key, magic, body) + body if key else b""


def unsealed(magic: bytes, data: bytes) -> Any:
    """Return what `sealed` made bytes of; None if this user's did not."""
    key = secret()
    start = len(magic)
    body = memoryview(data)[start + _SIZE :]
    if not key or not data.startswith(magic):
        return None
    if data[start : start + _SIZE] != _mark(key, magic, body):
        return None
    try:
        return marshal.loads(body)  # noqa: S302 - this user wrote it
    except (EOFError, ValueError, TypeError):
        return None


def _mark(key: bytes, magic: bytes, body: bytes | memoryview) -> bytes:
    state = blake2b(len(magic).to_bytes(8, "little"), digest_size=_SIZE, key=key)
    state.update(magic)
    state.update(body)
    return state.digest()
