"""Tables that a build has in memory, for the assets that read them next.

It counts who is still to read what, and how much is held; what a table is, and
how one comes to be there, is the business of `frames`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from assetmake.frames.base import Lent, Written
from assetmake.system.memory import total

#: Most that is held: this share of the machine's memory, and no more than that.
_SHARE, _MOST = 16, 1 << 30


class Held:
    """Tables by the asset that made them, each until its last reader has it.

    What does not fit is not held, and read from its files instead.
    """

    def __init__(
        self,
        readers: Mapping[str, Iterable[str]],
        takes: Callable[[str, str], bool],
        limit: int | None = None,
    ) -> None:
        """Begin with nothing.

        Args:
            readers: Of each asset that is built, those built after it that read
                it.
            takes: Tells whether a reader (the first) takes an asset's table
                (the second) from memory.
            limit: Most bytes to hold; None for a share of the machine's.
        """
        self._waiting = {name: set(found) for name, found in readers.items()}
        self._reads: dict[str, list[str]] = {}
        for name, found in self._waiting.items():
            for reader in found:
                self._reads.setdefault(reader, []).append(name)
        self._takes = takes
        self._room = _limit() if limit is None else limit
        self._tables: dict[str, tuple[Any, int]] = {}
        self._lent: dict[str, list[Lent]] = {}

    @property
    def names(self) -> list[str]:
        """Names of the assets whose tables are held."""
        return list(self._tables)

    def keep(self, name: str, written: Written) -> None:
        """Hold what was just written, if somebody waits for it and it fits."""
        waiting = self._waiting.get(name)
        if not waiting or written.again is None:
            return
        if any(self._takes(reader, name) for reader in waiting):
            made = written.again(self._room)
            if made is not None:
                self._tables[name] = made
                self._room -= made[1]

    def lend(self, name: str, reader: str) -> Lent | None:
        """Return the table of an asset for one reader; None if it is not held."""
        if name not in self._tables:
            return None
        lent = Lent(self._tables[name][0])
        self._lent.setdefault(reader, []).append(lent)
        return lent

    def done(self, reader: str) -> None:
        """Take it that an asset has all that it reads, or will not read it."""
        for lent in self._lent.pop(reader, ()):
            lent.drop()
        for name in self._reads.pop(reader, ()):
            self._waiting[name].discard(reader)
            if not self._waiting[name] and name in self._tables:
                self._room += self._tables.pop(name)[1]


def _limit() -> int:
    memory = total()
    return 0 if memory is None else min(memory // _SHARE, _MOST)
