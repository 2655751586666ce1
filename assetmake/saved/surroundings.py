"""What of its process's surroundings an asset declares: variables and packages."""

from __future__ import annotations

import os
from collections.abc import Iterable


def variables(names: Iterable[str]) -> dict[str, str | None]:
    """Return a fingerprint of each environment variable; None if it is not set.

    The value itself may be a secret and is kept nowhere; a cryptographic hash
    stands for it, salted with the variable's name.
    """
    found: dict[str, str | None] = {}
    for name in names:
        value = os.environ.get(name)
        if value is None:
            found[name] = None
            continue
        found[name] = salted(name, value)
    return found


def salted(name: str, value: str) -> str:
    """Return a hash that stands for a value which may be a secret."""
    from hashlib import blake2b

    key = name.encode("utf-8", "surrogateescape")[:64]
    data = value.encode("utf-8", "surrogateescape")
    return "blake2b-1:" + blake2b(data, key=key, digest_size=16).hexdigest()


def packages(names: Iterable[str]) -> dict[str, str | None]:
    """Return the installed version of each distribution; None if not there."""
    found: dict[str, str | None] = {}
    for name in names:
        from importlib.metadata import PackageNotFoundError, version

        try:
            found[name] = version(name)
        except PackageNotFoundError:
            found[name] = None
    return found
