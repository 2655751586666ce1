"""Looks at one project, as few as can be: what is kept of one serves the next."""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import TYPE_CHECKING

from assetmake.config import Config, config_bytes
from assetmake.saved.fileindex import index_is_wanted
from assetmake.stores.base import Store

if TYPE_CHECKING:
    from assetmake.assetfile.defined import Defined
    from assetmake.look.loads import Loads
    from assetmake.look.remember import Remembered
    from assetmake.look.view import View


class Looks:
    """Looks at what an Assetfile defines and what a store holds.

    Attributes:
        doubt: Why the last look left no snapshot; empty if it did.
    """

    def __init__(
        self, root: Path, assetfile: Path, config: Config, store: Store
    ) -> None:
        self.root = root
        self.assetfile = assetfile
        self.config = config
        self.store = store
        self.doubt = ""
        self._defined: Defined | None = None
        self._loads: Loads | None = None

    def _made_loads(self) -> Loads:
        """Return what loads, made when it is first needed, as it imports much."""
        if self._loads is None:
            from assetmake.look.loads import Loads

            file = self.store.snapshot
            directory = file.parent if file else None
            self._loads = Loads(self.assetfile, self.root, directory)
        return self._loads

    def define(self, *, load: bool = True) -> Defined:
        """Return what the Assetfile defines, anew if its code changed.

        Args:
            load: Whether it is loaded in any case, as what is defined will run.
        """
        known = self._defined
        if (
            known is None
            or (load and known.loaded is None)
            or not known.code.is_current()
            or not known.is_current()
        ):
            known = self._defined = self._made_loads().define(load=load)
        return known

    def look(self, *, data: bool = True, load: bool = False, snap: bool = True) -> View:
        """Look at everything, and keep what makes the next look quick.

        Args:
            data: Whether data is looked at; else manifests are believed.
            load: See `define`.
            snap: Whether a snapshot is left, too.
        """
        from assetmake.look.view import look
        from assetmake.system.garbage import uncollected

        began = time.time_ns()
        defined = self.define(load=load)
        with uncollected():
            view = look(defined, self.assetfile, self.config, self.store, data=data)
            self._made_loads().keep()
            if data and index_is_wanted():
                self.store.save()
                if snap:
                    self.snap(view, began)
        return view

    def snap(self, view: View, began_ns: int) -> None:
        """Save a snapshot, where a build has made a place for it."""
        from assetmake.look.certify import draft_of
        from assetmake.look.remember import dump_rows, named, remembered, tally
        from assetmake.saved.snapshot import UNLOADED

        file = self.store.snapshot
        if file is None or not os.path.isdir(file.parent):
            return
        if self.store.has_leftovers():
            return  # a build has to look closer, to clear up
        draft = draft_of(view, self.root, self.store, began_ns)
        known = remembered(view)
        if view.defined.loaded is None:
            file = file.with_name(UNLOADED)
        draft.save(
            str(file),
            self._key(),
            tally(known),
            named(known),
            lambda: dump_rows(known),
        )
        self.doubt = draft.problem

    def _key(self) -> bytes:
        from assetmake.saved.snapshot import key_of

        return key_of(
            self.assetfile.name,
            self.config.environment,
            config_bytes(self.root),
            self.config.root,
            str(self.root),
        )

    def remember(self, *, load: bool = False) -> Remembered | None:
        """Return the rows of the last look, if nothing has changed since.

        Args:
            load: Whether just a look counts that loaded the Assetfile.
        """
        from assetmake.look.remember import parse_rows
        from assetmake.saved.snapshot import UNLOADED, recall

        file = self.store.snapshot
        if file is None or not index_is_wanted():
            return None
        key, root = self._key(), str(self.root)
        found = recall(str(file), key, root, rows=True)
        if found is None and not load:
            found = recall(str(file.with_name(UNLOADED)), key, root, rows=True)
        return parse_rows(found.rows) if found else None

    def known(self) -> Remembered:
        """Return rows and graph, remembered or looked up."""
        from assetmake.look.remember import remembered

        return self.remember() or remembered(self.look())

    @property
    def differences(self) -> list[str]:
        """Names of which a look without a load told something else than the load."""
        return self._loads.differences if self._loads else []

    def notes(self) -> list[str]:
        """Return what kept the last look from being quick, in words."""
        because = self._loads.because if self._loads else ""
        doubts = self._loads.doubts if self._loads else ()
        found = [f"loaded the Assetfile: {because}"] if because else []
        found += [f"each run has to load it: {doubt}" for doubt in doubts]
        if self.doubt and self.doubt not in doubts:
            found.append(f"the next run has to look again: {self.doubt}")
        return found
