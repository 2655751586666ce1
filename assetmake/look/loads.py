"""Keep what loads told between processes, and load only where that is not enough.

Two files in the store's private directory hold the record of the last load and
the summaries of source files. Both save work and can be deleted at any time. A
third holds what was last told without a load, to be compared by the next one.
"""

from __future__ import annotations

import os
import time
from pathlib import Path

from assetmake.assetfile.defined import Defined, define, told
from assetmake.code.kept import Summaries, read, write
from assetmake.fingerprint import digest
from assetmake.saved.clocks import lag_of
from assetmake.saved.fileindex import index_is_wanted
from assetmake.saved.seals import can_seal, sealed, unsealed
from assetmake.saved.snapshot import key_of
from assetmake.system.garbage import uncollected
from assetmake.versions import VERSION

_TOLD = b"assetmake told 3\n"

_UNSEALED = (
    "no earlier load can be believed without a secret; set `XDG_CACHE_HOME` to a "
    "directory that only you can write to"
)


class Loads:
    """Defines one project, from a load or without one.

    Attributes:
        because: Why the Assetfile was loaded, where it need not have been;
            empty if it was not, or had to be.
        doubts: All that makes what a load tells doubtful.
        differences: Names of which something else was told without a load than
            the load then told.
    """

    def __init__(self, assetfile: Path, root: Path, directory: Path | None) -> None:
        """Read nothing yet.

        Args:
            assetfile: The Assetfile.
            root: The project's directory.
            directory: Where files are kept; None for nowhere. It is not made.
        """
        self._assetfile = assetfile
        self._root = root
        self._directory = directory
        self.because = ""
        self.doubts: tuple[str, ...] = ()
        self.differences: list[str] = []
        #: What is to be kept: what was defined, and when its load began.
        self._pending: tuple[Defined, int] | None = None
        #: What the record hangs on that told without a load, beside the sources.
        self._hung_on: tuple[dict[str, str], str] = ({}, "")
        self._summaries = Summaries("")

    def define(self, *, load: bool) -> Defined:
        """Return what the Assetfile defines.

        Args:
            load: Whether it has to be loaded, as what is defined is to be run.

        Raises:
            LoadError: it cannot be loaded.
            DefinitionError: what it defines contradicts itself.
        """
        place, began = self._place(), time.time_ns()
        self._summaries = Summaries(os.path.join(place, "code") if place else "")
        is_told = load or place or not index_is_wanted() or can_seal()
        self.because = "" if is_told else _UNSEALED
        found = None
        if place and not load:
            found = self._unloaded(os.path.join(place, "load"))
        if found is None:
            found = define(self._assetfile, self._root, self._summaries)
        self._pending = (found, began)
        return found

    def keep(self) -> None:
        """Keep what was told for later processes, where there is a place for it."""
        place = self._place()
        if self._pending is None or not place:
            return
        (defined, began), self._pending = self._pending, None
        told_file = os.path.join(place, "told")
        with uncollected():
            if defined.loaded is None:
                _renew(told_file, self._told(defined))
            else:
                self._compare(defined, told_file)
                self._record(defined, os.path.join(place, "load"), began)
            self._summaries.save(os.path.join(place, "code"))

    def _place(self) -> str:
        """Return where files are kept; empty for nowhere."""
        there = self._directory is not None and os.path.isdir(self._directory)
        can_keep = index_is_wanted() and there and can_seal() and self._key()
        return str(self._directory) if can_keep else ""

    def _key(self) -> str:
        """Return what has to be the same for a record to be looked at."""
        key = key_of(self._assetfile.name, "", b"", "", str(self._root))
        return digest(VERSION, str(self._root), key) if key else ""

    def _unloaded(self, file: str) -> Defined | None:
        from assetmake.look.facts import parse
        from assetmake.look.static import Undecided, define_unloaded

        with uncollected():
            recorded = parse(read(file), self._key())
            if recorded is None:
                self.because = "no earlier load is on record"
                return None
            self.doubts = recorded.doubts
            self._hung_on = (recorded.stamps, recorded.here)
            try:
                return define_unloaded(
                    self._assetfile, self._root, recorded, self._summaries
                )
            except Undecided as reason:
                self.because = str(reason)
                return None

    def _record(self, defined: Defined, file: str, began: int) -> None:
        """Keep what a load told."""
        from assetmake.look.facts import dump
        from assetmake.look.recorded import record_of

        recorded = record_of(defined, self._root, began)
        self.doubts = recorded.doubts
        wrote = time.time_ns()
        renewed = _renew(file, dump(recorded, self._key()))
        if renewed and lag_of(file, wrote):
            Path(file).unlink()  # what is called old there may be young

    def _told(self, defined: Defined) -> bytes:
        known = (self._key(), defined.code.files, *self._hung_on, told(defined))
        return sealed(_TOLD, known)

    def _compare(self, defined: Defined, file: str) -> None:
        """Compare a load with what was told of the same sources without one."""
        from assetmake.look.recorded import stamp

        found = unsealed(_TOLD, read(file))
        if type(found) is not tuple or found[:1] != (self._key(),):
            return
        _, files, stamps, here, before = found
        # A file that came meanwhile, and that a glob of the Assetfile finds, say.
        same = all(stamp(path) == known for path, known in stamps.items())
        if files == defined.code.files and same and here in ("", os.getcwd()):
            now = told(defined)
            names = [*now, *(name for name in before if name not in now)]
            self.differences = [n for n in names if now.get(n) != before.get(n)]
        Path(file).unlink(missing_ok=True)


def _renew(file: str, data: bytes) -> bool:
    """Write a file whose bytes change; return whether that was done."""
    return data != read(file) and write(file, data)
