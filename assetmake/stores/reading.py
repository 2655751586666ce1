"""Read stored tables while builds may put others in their place; builds hold a lock."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from assetmake.errors import AssetmakeError, StoreError
from assetmake.stores.base import Store

_Value = TypeVar("_Value")
#: How often a table is read before it is given up.
READS = 10


def read_whole(store: Store, name: str, read: Callable[[str], _Value]) -> _Value:
    """Return what is read of a table, all of it from one build.

    Its parts are opened one after the other, and parts of two tables in turn can
    have the same names. What is lazy opens them later, when nobody looks.

    Args:
        store: Where it is kept.
        name: Of an asset, or of a source, which no build replaces.
        read: Reads it once, by its name.

    Raises:
        StoreError: another one came each time, before it was read.
    """
    before = store.record(name, data=False).manifest
    for _ in range(READS):
        failure = None
        try:
            value = read(name)
        except (OSError, AssetmakeError) as error:
            failure = error
        after = store.record(name, data=False).manifest
        if after == before:
            if failure is not None:
                raise failure
            return value
        before = after
    msg = f"`{name}` was built anew each of {READS} times that it was read"
    raise StoreError(msg, hints="read it when no build runs")
