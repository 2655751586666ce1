"""Read typed fields of the JSON of a manifest, which anybody may have written.

No path in it leads elsewhere, and no number is larger than anything counts.
"""

from __future__ import annotations

import os
from typing import Any

_ABSENT = object()
#: No number in a manifest is as large, in bytes, rows or seconds.
MOST = 1 << 63


class ManifestError(ValueError):
    """A manifest that cannot be read; its text says why, for the status."""


class Reader:
    """Reads typed fields of a JSON object; what is wrong is a ManifestError."""

    __slots__ = ("_tree", "_where")

    def __init__(self, tree: Any, where: str) -> None:
        if type(tree) is not dict:
            raise _unusable(where)
        self._tree: dict[str, Any] = tree
        self._where = where

    def has(self, key: str) -> bool:
        """Return whether there is such a field."""
        return key in self._tree

    def get(self, key: str, kind: type | tuple[type, ...]) -> Any:
        """Return a value that is of exactly one of the types given."""
        value = self._tree.get(key, _ABSENT)
        kinds = kind if isinstance(kind, tuple) else (kind,)
        # Exact: True is no int here. And nothing counts or measures more.
        if type(value) not in kinds or (
            type(value) in (int, float) and not 0 <= value < MOST
        ):
            raise _unusable(key)
        return value

    def at(self, key: str) -> Reader:
        """Return the object in a field."""
        return Reader(self._tree.get(key), key)

    def items(self, key: str) -> list[Reader]:
        """Return the objects of a list."""
        return [Reader(item, key) for item in self.get(key, list)]

    def list_of(self, key: str, kind: type) -> list[Any]:
        """Return a list of values of exactly one type."""
        value = self.get(key, list)
        if any(type(item) is not kind for item in value):
            raise _unusable(key)
        return list(value)

    def texts(self, key: str) -> dict[str, str]:
        """Return texts by text."""
        value = self.get(key, dict)
        if any(type(item) is not str for item in value.values()):
            raise _unusable(key)
        return dict(value)

    def paths(self, key: str) -> dict[str, str]:
        """Return texts by paths below the project: none leads out of it."""
        found = self.texts(key)
        if not all(map(_is_inside, found)):
            raise _unusable(key)
        return found

    def pair(self, key: str) -> tuple[str, int]:
        """Return a text and a number."""
        match self.get(key, list):
            case [str(first), int(second)]:
                return first, second
        raise _unusable(key)


def _unusable(key: str) -> ManifestError:
    return ManifestError(f"without a usable `{key}`")


def is_plain(name: str) -> bool:
    """Whether a name is that of a file right in the table's directory.

    A manifest is data from a store: no path in it may lead elsewhere.
    """
    return (
        bool(name)
        and name not in (".", "..")
        and not any(char in name for char in ("/", "\\", "\0"))
        and _is_encodable(name)
    )


def _is_inside(path: str) -> bool:
    """Whether a path, such as an audit notes it, lies below the project."""
    return (
        bool(path)
        and not path.startswith("/")
        and ".." not in path.split("/")
        and "\0" not in path
        and _is_encodable(path)
    )


def _is_encodable(name: str) -> bool:
    """Whether a file can have that name."""
    try:
        os.fsencode(name)
    except UnicodeError:
        return False
    return True
