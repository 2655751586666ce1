"""Find, load and hold one project; each mode of the command is one method."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, overload

from assetmake.assetfile.find import find_assetfile
from assetmake.builds.plan import Plan, make_plan
from assetmake.config import Config, load_config, store_directory
from assetmake.errors import AssetmakeError, LoadError, UnknownNameError
from assetmake.graph import select, upstream_of
from assetmake.look.looks import Looks
from assetmake.look.whys import Prediction, Why, why_of
from assetmake.status.rows import Reason, State, Status
from assetmake.stores.base import Store, Waiting
from assetmake.stores.local import LocalStore

if TYPE_CHECKING:
    from assetmake.builds.accept import Accepted
    from assetmake.builds.listen import Listener, Result
    from assetmake.builds.verify import Verified
    from assetmake.frames.base import Handler, Stored
    from assetmake.look.remember import Remembered
    from assetmake.look.view import View


def open_project(
    start: str | Path | None = None,
    *,
    directory: str | Path | None = None,
    file: str | Path | None = None,
    environment: str = "",
    named_by: str = "",
    store: Store | None = None,
) -> Project:
    """Return the project that a directory belongs to.

    Args:
        start: Where to look for an Assetfile, upward from; the working
            directory if None.
        directory: Change to it first, as ``make -C``: `file` is relative to it.
        file: The Assetfile itself, whatever its name; no search then.
        environment: One of ``[tool.assetmake.env]``; empty for none.
        named_by: The variable that names it; empty where the caller does.
        store: Use this one instead of the configured one.

    Raises:
        LoadError: there is no Assetfile.
        ConfigError: the settings cannot be used.
    """
    base = Path.cwd() if start is None else Path(start)
    if directory is not None:
        base = base / directory
    if not os.path.isdir(base):
        raise LoadError(f"no directory {base}", hints="give that of a project")
    assetfile = find_assetfile(base.absolute(), file)
    root = assetfile.parent
    config = load_config(root, environment, named_by)
    if store is None:
        store = LocalStore(store_directory(root, config), root)
    return Project(root, assetfile, config, store)


class Project:
    """One Assetfile, its settings and its store.

    Attributes:
        root: The project's directory, absolute.
        assetfile: Path of the Assetfile, absolute.
        config: Settings of the chosen environment.
        store: Where its assets are kept.
    """

    def __init__(
        self, root: Path, assetfile: Path, config: Config, store: Store
    ) -> None:
        self.root = root
        self.assetfile = assetfile
        self.config = config
        self.store = store
        self._looks = Looks(root, assetfile, config, store)
        self._planned: tuple[Plan, Remembered] | None = None

    def __iter__(self) -> Iterator[str]:
        return iter(self.names())

    def __contains__(self, name: object) -> bool:
        known = self._looks.known()
        return name in known.graph or name in known.sources

    def __repr__(self) -> str:
        return f"Project({str(self.root)!r})"

    # Looking ------------------------------------------------------------------

    @property
    def differences(self) -> list[str]:
        """Names of which a look without a load told something else than the load."""
        return self._looks.differences

    def notes(self) -> list[str]:
        """Return what kept this project's last look from being quick, in words."""
        return self._looks.notes()

    def names(self) -> list[str]:
        """Return the names of all assets, upstream before downstream."""
        return list(self._looks.known().graph)

    def select(self, words: Words) -> list[str]:
        """Return the assets and sources that words of a command line name.

        Raises:
            UnknownNameError: a word matches nothing.
        """
        known = self._looks.known()
        return select(_words(words), known.graph, known.sources, known.groups)

    def graph(self) -> dict[str, tuple[str, ...]]:
        """Return what each asset reads, upstream first; a source reads nothing."""
        known = self._looks.known()
        return {**dict.fromkeys(known.sources, ()), **known.graph}

    def status(
        self, names: Words = (), *, data: bool = True, manifests: bool = True
    ) -> list[Status]:
        """Return a row for each source, each asset, and each orphan.

        Args:
            names: Limit the rows to these and what they need; see `select`.
            data: Whether data is looked at; else manifests are believed.
            manifests: Whether the rows have to have theirs; without, a look at
                what did not change opens none.
        """
        return self.overview(names, data=data, manifests=manifests)[0]

    def overview(
        self, names: Words = (), *, data: bool = True, manifests: bool = True
    ) -> tuple[list[Status], list[str], list[Status]]:
        """Return what `status`, `unmanaged` and `elsewhere` give, of one look.

        The last two are empty where `names` limit the rows.
        """
        from assetmake.look.remember import remembered

        known = self._looks.remember() if data else None
        if known is None:
            known = remembered(self._looks.look(data=data))
        rows, unmanaged = list(known.statuses.values()), known.unmanaged
        elsewhere = known.elsewhere
        if names:
            words = _words(names)
            chosen = select(words, known.graph, known.others, known.groups)
            needed = upstream_of(known.graph, chosen)
            rows = [row for row in rows if row.name in needed]
            unmanaged, elsewhere = [], []
        if manifests:
            rows = [self._with_manifest(row) for row in rows]
            elsewhere = [self._with_manifest(row) for row in elsewhere]
        return rows, unmanaged, elsewhere

    def _with_manifest(self, row: Status) -> Status:
        if row.manifest is not None or row.state is State.SOURCE:
            return row
        return replace(row, manifest=self.store.record(row.name, data=False).manifest)

    def unmanaged(self) -> list[str]:
        """Return places in the store that hold files without a manifest."""
        return self._looks.known().unmanaged

    def elsewhere(self) -> list[Status]:
        """Return rows of stored tables that another Assetfile beside this one has.

        A look with this one has no rows of them: they are for that one to judge.
        """
        return self._looks.known().elsewhere

    def orphans(self) -> list[Status]:
        """Return the rows of stored tables that nothing defines.

        The reasons tell if another Assetfile in the directory, which is not executed
        for it, seems to define one.
        """
        return self._undefined(self._looks.known().statuses.values())

    def _undefined(self, rows: Iterable[Status]) -> list[Status]:
        orphans = [row for row in rows if row.state is State.ORPHANED]
        ours = [row.name for row in orphans if row.is_removable]
        if not ours:
            return orphans
        from assetmake.assetfile.beside import defining

        defined = self._looks.define(load=False)
        known = {str(self.assetfile), *defined.imported, *defined.code.files}
        others = defining(str(self.root), ours, known)
        return [
            replace(row, reasons=(_seems_defined(row.name, others[row.name]),))
            if row.name in others
            else row
            for row in orphans
        ]

    def plan(
        self,
        names: Words = (),
        *,
        always: bool = False,
        pretend: Words = (),
        only: bool = False,
    ) -> Plan:
        """Return what a build of `names` would do; see `build`."""
        known = self._looks.known()
        plan = _plan(known, _words(names), always, _words(pretend), only)
        self._planned = (plan, known)
        return plan

    def obstacle(self, plan: Plan) -> AssetmakeError | None:
        """Return why a build of a plan could not begin; None if it could."""
        from assetmake.builds.refusals import refuse

        if not plan.steps:
            return None
        planned = self._planned
        known = planned[1] if planned and planned[0] is plan else self._looks.known()
        try:
            refuse(known, plan, self.store)
        except AssetmakeError as error:
            return error
        return None

    @overload  # text is a sequence of text, too; it is one name here
    def why(  # type: ignore[overload-overlap]
        self, names: str, *, predict: bool = False
    ) -> Why: ...

    @overload
    def why(self, names: Sequence[str] = (), *, predict: bool = False) -> list[Why]: ...

    def why(self, names: Words = (), *, predict: bool = False) -> Why | list[Why]:
        """Return all that is known of a name, of names, or of each row to look at.

        Args:
            names: Words as on the command line, or one name as text; without any,
                what is not fresh, and what checks warn of.
            predict: Whether to tell which columns today's code would give, too.
                Functions of assets are run for that, on the first rows of their
                inputs; nothing is stored, and no failure is raised.

        Raises:
            UnknownNameError: a name is unknown.
        """
        from assetmake.look.remember import remembered

        view = self._looks.look(load=predict)
        if isinstance(names, str):
            if names not in view.statuses:
                known = remembered(view)
                select([names], known.graph, known.others, known.groups)
                msg = f"'{names}' stands for several names"
                raise UnknownNameError(msg, hints="give a list of them")
            return self._whys(view, [names], predict)[0]
        if names:
            known = remembered(view)
            chosen = select(names, known.graph, known.others, known.groups)
        else:
            chosen = [n for n, s in view.statuses.items() if s.reasons or s.warnings]
        return self._whys(view, chosen, predict)

    def _whys(self, view: View, names: Sequence[str], predicts: bool) -> list[Why]:
        predicted: dict[str, Prediction] = {}
        if predicts:
            from assetmake.builds.predict import predict

            predicted = predict(self, view, names)
        return [why_of(view, name, self.root, predicted.get(name)) for name in names]

    # Loading ------------------------------------------------------------------

    def load(self, name: str, as_: Any = None) -> Any:
        """Return a stored asset, or a source.

        Args:
            name: Of the asset or source.
            as_: As which type (``"pandas"``, ``polars.DataFrame``, ...); as it
                was returned, if None, and a source of a table as pandas.

        Raises:
            UnknownNameError: nothing of that name is stored or defined.
            FrameError: it cannot be loaded as that type.
        """
        from assetmake.stores.reading import read_whole

        return read_whole(self.store, name, partial(self._load, as_=as_))

    def _load(self, name: str, *, as_: Any) -> Any:
        from assetmake.frames import Frames

        record = self.store.record(name, data=False)
        if record.manifest is not None:
            stored = self.store.stored(record.manifest)
            annotation = record.manifest.output.type if as_ is None else as_
        else:
            stored, annotation = self._stored(name), as_
        frames = Frames({"spark": self.config.spark})
        handler = frames.for_word(annotation)
        return handler.load(stored, annotation)

    def __getitem__(self, name: str) -> Any:
        return self.load(name)

    def _stored(self, name: str) -> Stored:
        from assetmake.look.observe import source_stored

        defined = self._looks.define()
        if name in defined.sources:
            return source_stored(defined.sources[name], self.root)
        self.select([name])  # an unknown name ends here
        record = self.store.record(name, data=False)
        if record.manifest is None:
            msg = f"`{name}` is not stored: {record.problem or 'never built'}"
            raise UnknownNameError(msg, hints=f"run `assetmake {name}`")
        return self.store.stored(record.manifest)

    def inputs(self, name: str) -> dict[str, Any]:
        """Return what an asset's function would be called with, by parameter.

        Raises:
            UnknownNameError: there is no such asset, or an input is not stored.
        """
        from assetmake.frames import Frames
        from assetmake.stores.reading import read_whole

        defined = self._looks.define()
        if name not in defined.assets:
            self.select([name])
            msg = f"`{name}` is a source: it reads nothing"
            raise UnknownNameError(msg)
        frames = Frames({"spark": self.config.spark})
        values = {}
        for item in defined.resolved[name].inputs:
            handler = frames.for_annotation(item.annotation, reading=True)
            read = partial(self._load_as, handler=handler, annotation=item.annotation)
            values[item.parameter] = read_whole(self.store, item.name, read)
        return values

    def _load_as(self, name: str, *, handler: Handler, annotation: Any) -> Any:
        return handler.load(self._stored(name), annotation)

    # Building -----------------------------------------------------------------

    def build(
        self,
        names: Words = (),
        *,
        jobs: int | None = None,
        memory: str | None = None,
        keep_going: bool = False,
        always: bool = False,
        pretend: Words = (),
        only: bool = False,
        listener: Listener | None = None,
        debug: bool = False,
        echo: bool = False,
    ) -> Result:
        """Build what is not fresh of `names` and of what they need.

        Args:
            names: Words as on the command line; none for all.
            jobs: How many assets at once, 0 for one a core; as configured, if
                None.
            memory: How much assets built at once may take together by what
                each took last, such as ``8G`` or ``50%``; as configured, if
                None.
            keep_going: Go on with what does not need a failed asset.
            always: Build the named assets although they are fresh.
            pretend: Names taken as if their data had changed.
            only: Do not build what is upstream of `names`.
            listener: Is told of each step.
            debug: Open a debugger where an asset fails.
            echo: Show what assets print at once.

        Raises:
            SourceError: a source that is needed is not there.
            StoreError: the store cannot be written, or a table that assetmake
                did not write is in an asset's place.
            ConfigError: `memory` is no size.
        """
        started = time.perf_counter()
        from assetmake.builds.listen import Listener, Result

        listener = listener or Listener()
        names, pretend = _words(names), _words(pretend)
        known = self._looks.remember(load=True)
        if known is not None:
            plan = _plan(known, names, always, pretend, only)
            if not plan.steps:
                listener.planned(plan)
                return Result((), len(plan.fresh), time.perf_counter() - started)
        from assetmake.builds.whole import Manner, build_whole
        from assetmake.system.garbage import set_apart

        with set_apart():
            return build_whole(
                self,
                self._looks,
                lambda view: _plan_of(view, names, always, pretend, only),
                listener,
                Manner(
                    jobs=1 if debug else jobs,
                    memory=self.config.memory if memory is None else memory,
                    keep_going=keep_going,
                    debug=debug,
                    echo=echo,
                ),
                started=started,
            )

    # Housekeeping -------------------------------------------------------------

    def prune(
        self, names: Words | None = None, *, listener: Listener | None = None
    ) -> list[str]:
        """Remove stored tables that nothing defines; return their places.

        Args:
            names: Just these orphans; if None, all but those that may be another
                project's. Tables of another Assetfile have to be named, too.
            listener: Is told if another build has to end first.

        Raises:
            StoreError: a table is not what its manifest says, so that nothing
                proves that assetmake wrote it.
        """
        removed: list[str] = []
        if not self._orphans(names):
            return removed
        with self.store.lock(_waiting(listener)):
            # What was an orphan may have been defined and built meanwhile.
            for name in self._orphans(names, look=True):
                self.store.remove(name)
                removed.append(self.store.place(name))
            self.store.clean()
        return removed

    def _orphans(self, names: Words | None, *, look: bool = False) -> list[str]:
        if look:  # it has to be certain before anything is removed
            view = self._looks.look(load=True)
            rows = [*self._undefined(view.statuses.values()), *view.elsewhere]
        else:
            rows = [*self.orphans(), *self.elsewhere()]
        if names is None:
            return [row.name for row in rows if row.is_removable]
        wanted = set(_words(names))
        return [row.name for row in rows if row.name in wanted]

    def verify(
        self,
        names: Words = (),
        *,
        told: Callable[[Verified], None] | None = None,
        waiting: Waiting | None = None,
    ) -> list[Verified]:
        """Build assets again from what is stored, and compare; nothing is stored.

        A build of the same store waits meanwhile, and is waited for. Checks do
        not run. What is not fresh is not run either: its inputs or its code
        are not those of the stored table.

        Args:
            names: Words as on the command line; none for all. What is upstream
                of them is read, not built.
            told: Is given each result as soon as it is there.
            waiting: Is given whose build holds the store, if one does.

        Raises:
            UnknownNameError: a name is unknown, or none is that of an asset.
            StoreError: the store cannot be written.
        """
        from assetmake.builds.verify import verify

        names = _words(names)
        with self.store.lock(waiting or _waiting(None)):
            view = self._looks.look(load=True)
            chosen = [n for n in _selected(view, names) if n in view.definitions]
            if names and not chosen:
                msg = f"{', '.join(f'`{name}`' for name in names)} names no asset"
                raise UnknownNameError(msg, hints="only what is built is verified")
            return verify(self, view, chosen, told or _tell_nobody)

    def accept(
        self,
        names: Words,
        *,
        told: Callable[[Accepted], None] | None = None,
        listener: Listener | None = None,
    ) -> list[str]:
        """Record stored data as right for today's code; return the assets.

        What is upstream is taken as it is stored now. A table that assetmake
        did not write, or that was changed by hand, is fingerprinted anew. What is
        fresh already is left as it is.

        Args:
            names: Words as on the command line.
            told: Is given what became of each, once all are recorded.
            listener: Is told if another build has to end first.

        Raises:
            UnknownNameError: a name is unknown, or nothing is stored under it.
            StoreError: what is stored is not what its asset says that it is; no
                asset is accepted then.
        """
        from assetmake.builds.accept import accept_all
        from assetmake.frames import Frames

        names = _words(names)
        if not names:
            msg = "accepting needs the names of assets"
            raise UnknownNameError(msg, hints="name each of them")
        with self.store.lock(_waiting(listener)):
            view = self._looks.look(load=True)
            chosen = [
                name for name in _selected(view, names) if name in view.definitions
            ]
            if not chosen:
                msg = f"{', '.join(f'`{name}`' for name in names)} names no asset"
                raise UnknownNameError(msg, hints="only what is built is accepted")
            frames = Frames({"spark": self.config.spark})
            found = accept_all(view, chosen, self.store, frames)
            frames.close()
            self.store.clean()
        if told is not None:
            for one in found:
                told(one)
        return [one.name for one in found]


#: One name, or several, each as on the command line.
Words = str | Sequence[str]


def _words(names: Words) -> Sequence[str]:
    return [names] if isinstance(names, str) else names


def _seems_defined(name: str, file: str) -> Reason:
    return Reason("other-project", f"`{file}` seems to define it", name)


def _plan_of(
    view: View,
    names: Sequence[str],
    always: bool,
    pretend: Sequence[str],
    only: bool,
) -> Plan:
    from assetmake.look.remember import remembered

    return _plan(remembered(view), names, always, pretend, only)


def _plan(
    known: Remembered,
    names: Sequence[str],
    always: bool,
    pretend: Sequence[str],
    only: bool,
) -> Plan:
    def chosen(words: Sequence[str]) -> list[str]:
        return select(words, known.graph, known.sources, known.groups)

    selected = [name for name in chosen(names) if name in known.graph]
    return make_plan(
        known.statuses,
        known.graph,
        selected,
        always=selected if always else (),
        pretend=chosen(pretend) if pretend else (),
        only=only,
    )


def _selected(view: View, names: Sequence[str]) -> list[str]:
    from assetmake.look.remember import remembered

    known = remembered(view)
    return select(names, known.graph, known.sources, known.groups)


def _tell_nobody(result: Verified) -> None:
    """Keep a result for the end."""


def _waiting(listener: Listener | None) -> Waiting:
    """Return what is told for whom there is a wait; it may keep it to itself."""
    from assetmake.builds.listen import Listener

    return (listener or Listener()).waiting
