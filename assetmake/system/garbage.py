"""Keep Python's collector from going through what stays anyway.

It looks for circles of objects that nobody refers to, again and again through
all there are. What a look makes is many small objects that stay to the end.
"""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager

#: Objects that imports make between two collections, more than there are in them.
_MANY = 300_000


@contextmanager
def uncollected() -> Iterator[None]:
    """Make many small objects that stay, without looking for circles meanwhile."""
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if _is_apart:
            gc.freeze()
        if enabled:
            gc.enable()


@contextmanager
def seldom_collected() -> Iterator[None]:
    """Run code of others that mostly makes what stays: modules, with all in them."""
    before = gc.get_threshold()
    mine = (_MANY, *before[1:])
    if before[0]:  # else nothing is collected at all
        gc.set_threshold(*mine)
    try:
        yield
    finally:
        # Unless that code has chosen its own.
        if before[0] and gc.get_threshold() == mine:
            gc.set_threshold(*before)


#: Whether what is made uncollected is set apart.
_is_apart = False


@contextmanager
def set_apart() -> Iterator[None]:
    """Collect as usual, but go through nothing that is there, or made uncollected."""
    global _is_apart  # noqa: PLW0603 - there is one collector a process
    if gc.get_freeze_count():  # somebody else's, who would lose it
        yield
        return
    _is_apart = True
    gc.freeze()
    try:
        yield
    finally:
        _is_apart = False
        gc.unfreeze()
