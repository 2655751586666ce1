"""Tell what the code of one asset begins with.

For a plain ``@asset`` that is its own ``def``. For an asset made in a loop or
by a factory it is the factory and the values that the function closes over;
only where those cannot be written down does the whole statement count.
"""

from __future__ import annotations

import functools
import inspect
import sys
import types
from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

from assetmake.code.asking import asks_anything
from assetmake.code.draft import Draft, NodeKey
from assetmake.code.graph import Graph
from assetmake.code.live import (
    Live,
    NoPlainValueError,
    Referred,
    Site,
    Told,
    closed_over,
    describe,
    shown,
)
from assetmake.code.loading import Loading
from assetmake.code.modules import Module, Modules
from assetmake.code.parts import Place
from assetmake.code.records import Piece, Unit
from assetmake.code.reflection import COUNTED
from assetmake.code.resolve import Key, Resolver

#: What the module of an Assetfile is called when it is loaded.
_ASSETFILE = "Assetfile"

_ROOT: NodeKey = ("root", -1, -1)


@dataclass(slots=True)
class Root:
    """One part that an asset's code begins with.

    Attributes:
        name: What a reader would call it.
        kind: ``asset``, ``setting`` or ``value``.
        place: Where it stands.
        draft: What it says and refers to.
        flags: See `records`.
        source: (module, unit, extent) of its text; the extent is empty for all
            of the unit.
        text: What is shown instead of that; empty if nothing is.
    """

    name: str
    kind: str
    place: Place
    draft: Draft
    flags: int = 0
    source: tuple[Module, Unit, tuple[int, int, int, int] | None] | None = None
    text: str = ""


@dataclass(frozen=True, slots=True)
class _Wanted:
    """What is asked for: see `RootFinder.find`."""

    graph: Graph
    live: Live
    settings: Collection[str]


@dataclass(frozen=True, slots=True)
class _Site:
    """Where a function is defined: in a unit, or in a function within one."""

    module: Module
    index: int
    unit: Unit
    nested: Unit | None
    direct: bool

    @property
    def key(self) -> Key:
        return self.module.index, self.index

    @property
    def site(self) -> Site:
        """The same without the model."""
        nested = -1 if self.nested is None else self.unit.nested.index(self.nested)
        return Site(self.module.path, self.index, nested, self.direct)


class RootFinder:
    """Finds what each asset begins with."""

    def __init__(self, modules: Modules, resolver: Resolver, loading: Loading) -> None:
        self.modules = modules
        self.resolver = resolver
        self.loading = loading
        self._starts: dict[int, list[int]] = {}

    def observe(self, function: Any, registered: tuple[str, int]) -> Live:
        """Return what only a function that was made tells of an asset's code.

        Args:
            function: What `asset` was given, decorated or not.
            registered: File and line of the statement that called `asset`.
        """
        plain = _plain(function)
        where = self._statement(*registered)
        site = self._site(plain) if plain is not None else None
        live = Live(_plain_site(where), _plain_site(site), own=False)
        if where is not None and self._is_own(where, site, function):
            defaults = self._defaults(plain, where.unit)
            return live._replace(own=True, values=defaults)
        around = None if plain is function else self._told("", function)
        if plain is None or (site is not None and site.direct):
            defaults = self._defaults(plain, site.unit) if site is not None else ()
            return live._replace(around=around, values=defaults)
        values: list[Told] = []
        for name, value in closed_over(plain):
            values.append(self._told(name, value))
            if not values[-1].digest:
                break
        return live._replace(around=around, values=tuple(values))

    def find(
        self, graph: Graph, live: Live, settings: Collection[str] = ()
    ) -> list[Root]:
        """Return the parts that an asset begins with, its own first.

        Args:
            graph: Where the parts refer to.
            live: See `observe`.
            settings: Parameters whose defaults are settings.
        """
        wanted = _Wanted(graph, live, settings)
        where, site = self._at(live.where), self._at(live.site)
        if live.own and where is not None:
            return self._direct(wanted, where, None)
        if site is not None and site.direct:
            roots = self._direct(wanted, site, where)
            self._wrapped(wanted, roots[0].draft, where)
            return roots
        return self._made(wanted, site, where)

    def _defaults(
        self, plain: types.FunctionType | None, unit: Unit
    ) -> tuple[Told, ...]:
        """Return the values of the defaults whose text is not their value."""
        computed = {piece.name for piece in unit.defaults if not piece.literal}
        if not computed or plain is None:
            return ()
        found = [item for item in closed_over(plain) if item[0] in computed]
        return tuple(self._told(name, value) for name, value in found)

    def _told(self, name: str, value: Any) -> Told:
        """Return what can be told of a live value."""
        referred: list[Referred] = []

        def refer(item: Any) -> bool:
            found = self._referred(item)
            if found is not None:
                referred.append(found)
            return found is not None

        try:
            found = describe(value, self.modules.root, refer)
        except NoPlainValueError:
            return Told(name, "", "", tuple(referred))
        text = f"{name} = {shown(value, self.modules.root)}" if name else ""
        return Told(name, found, text, tuple(referred))

    def _is_own(self, where: _Site, site: _Site | None, function: Any) -> bool:
        """Return whether an asset is the very ``def`` that registers it."""
        if where.unit.kind != "def":
            return False
        if site is not None and site.key == where.key:
            return site.direct
        # A decorator without functools.wraps: the function is in its closure.
        inner = [function]
        for item in inner:
            if not isinstance(item, types.FunctionType) or len(inner) > 99:
                continue
            found = self._site(item)
            if found is not None and found.key == where.key and found.direct:
                return True
            inner += [value for _, value in closed_over(item) if callable(value)]
        return False

    # The kinds of assets -------------------------------------------------------

    def _direct(self, wanted: _Wanted, site: _Site, where: _Site | None) -> list[Root]:
        """Return the parts of an asset that is a ``def`` at module level."""
        graph, settings = wanted.graph, wanted.settings
        unit = site.unit
        draft = self._draft(graph, site.module)
        draft.decorators(unit)
        draft.pieces("annotation", unit.annotations)
        others = [piece for piece in unit.defaults if piece.name not in settings]
        draft.pieces("default", others)
        for piece in others:
            self._value(wanted, site.module, piece, draft)
        draft.code(unit)
        if graph.docs:
            draft.say(unit.docs)
        if where is not None and where.key != site.key:
            self._registration(draft, where)
        self._load(draft)
        place = Place(site.module.file, unit.line)
        roots = [
            Root(
                unit.name,
                "asset",
                place,
                draft,
                unit.flags,
                (site.module, unit, None),
            )
        ]
        for piece in unit.defaults:
            if piece.name in settings:
                inner = self._draft(graph, site.module)
                inner.pieces("setting", [piece])
                text = self._value(wanted, site.module, piece, inner)
                if text:
                    inner.forget_notes()
                roots.append(
                    Root(
                        piece.name,
                        "setting",
                        Place(site.module.file, piece.at[0]),
                        inner,
                        source=(site.module, unit, piece.at),
                        text=text,
                    )
                )
        return roots

    def _value(
        self, wanted: _Wanted, module: Module, piece: Piece, draft: Draft
    ) -> str:
        """Add the value of a default that no text tells, and return it as text.

        It is what the load found: in the environment, say, or on a clock.
        """
        told = next((t for t in wanted.live.values if t.name == piece.name), None)
        if told is None or not told.digest:
            return ""
        inner = self._draft(wanted.graph, module)
        inner.pieces("default", [piece])
        if not asks_anything(wanted.graph, inner):
            return ""
        draft.say(("value", told.name, told.digest))
        return told.text

    def _made(
        self, wanted: _Wanted, site: _Site | None, where: _Site | None
    ) -> list[Root]:
        """Return the parts of an asset that a loop or factory makes."""
        module = site.module if site else where.module if where else None
        draft = self._draft(wanted.graph, module)
        root = Root("asset", "asset", Place("", 1), draft)
        if site is not None:
            self._factory(draft, site)
            self._show(root, site.module, site.nested or site.unit)
        elif where is not None:
            draft.whole(where.unit)
            self._show(root, where.module, where.unit)
        values = self._values(wanted, draft, root.place)
        if values is None:
            if where is not None and (site is None or where.key != site.key):
                draft.edge(("unit", *where.key))
            elif site is not None and site.nested is not None:
                draft.edge(("unit", *site.key))
            values = []
        elif where is not None and (site is None or where.key != site.key):
            self._registration(draft, where)
        if module is not None:
            self._load(draft)
        return [root, *values]

    def _wrapped(self, wanted: _Wanted, draft: Draft, where: _Site | None) -> None:
        """Add the functions that were put around one at module level."""
        if wanted.live.around is None:
            return
        if not self._say(draft, wanted.live.around) and where is not None:
            draft.edge(("unit", *where.key))

    def _factory(self, draft: Draft, site: _Site) -> None:
        """Add the code of a function that is not at module level.

        Where a loop defines it, the values that its defaults had are told by
        `closed_over`, so that other rounds of the loop do not count.
        """
        if site.nested is None:
            draft.whole(site.unit)
            return
        draft.decorators(site.nested)
        draft.pieces("annotation", site.nested.annotations)
        draft.code(site.nested)

    def _show(self, root: Root, module: Module, unit: Unit) -> None:
        root.name = unit.name
        root.place = Place(module.file, unit.line)
        root.source = (module, unit, None)
        root.flags = unit.flags

    def _values(self, wanted: _Wanted, draft: Draft, place: Place) -> list[Root] | None:
        """Return what a function closes over; None if that cannot be told."""
        live = wanted.live
        if live.around is not None and not self._say(draft, live.around):
            return None
        roots = []
        for told in live.values:
            inner = self._draft(wanted.graph, draft.module)
            if not self._say(inner, told):
                return None
            kind = "setting" if told.name in wanted.settings else "value"
            roots.append(Root(told.name, kind, place, inner, text=told.text))
        return roots

    def _say(self, draft: Draft, told: Told) -> bool:
        """Add a live value; return whether it could be told."""
        for item in told.referred:
            self._refer(draft, item)
        if told.digest:
            draft.say((told.name, told.digest) if told.name else told.digest)
        return bool(told.digest)

    def _referred(self, value: Any) -> Referred | None:
        """Return what a live function, class or module of the project is."""
        if isinstance(value, types.FunctionType):
            site = self._site(value)
            found = _plain_site(site)
            return found and Referred("function", "", "", "", found)
        kind = "module" if isinstance(value, types.ModuleType) else "class"
        name = value.__name__ if kind == "module" else value.__module__
        file = getattr(sys.modules.get(name or ""), "__file__", None)
        file = file if isinstance(file, str) else ""
        if self._module(name, file) is None:
            return None
        qualified = "" if kind == "module" else value.__qualname__
        return Referred(kind, name, file, qualified, None)

    def _refer(self, draft: Draft, item: Referred) -> None:
        """Add a function, class or module of the project."""
        if item.kind == "function":
            site = self._at(item.site)
            if site is not None and site.nested is None:
                draft.edge(("unit", *site.key))
            elif site is not None:
                self._factory(draft, site)
            return
        module = self._module(item.module, item.file)
        if module is None:
            return
        if item.kind == "module":
            draft.edge(("module", module.index, -1))
            return
        for binding in module.summary.bindings.get(item.name.partition(".")[0], ()):
            if binding.unit >= 0:
                draft.edge(("unit", module.index, binding.unit))

    def _registration(self, draft: Draft, where: _Site) -> None:
        """Add what counts of a statement that only registers.

        That is what it gives as version, columns, schema and the like. Where
        those are computed, their values cannot be told from the text.
        """
        inner = self._draft_of(draft, where.module)
        for call in where.unit.registrations:
            if not inner.asset_call(call):
                continue
            counted = [piece for piece in call.keywords if piece.name in COUNTED]
            if any(not piece.literal for piece in counted):
                draft.edge(("unit", *where.key))
                return
        draft.take(inner)

    def _load(self, draft: Draft) -> None:
        """Add what loading the Assetfile does outside of the project."""
        draft.loads(self.loading.entry)

    def statement(self, file: str, line: int) -> Site | None:
        """Return the statement that holds a line of a file of the project."""
        return _plain_site(self._statement(file, line))

    # Finding places ------------------------------------------------------------

    def _draft(self, graph: Graph, module: Module | None) -> Draft:
        return Draft(graph.builder, _ROOT, module)

    def _draft_of(self, draft: Draft, module: Module) -> Draft:
        return Draft(draft.builder, _ROOT, module)

    def _site(self, function: types.FunctionType) -> _Site | None:
        """Return where a function of the project is defined."""
        code = function.__code__
        found = self._statement(code.co_filename, code.co_firstlineno)
        if found is None:
            return None
        for nested in found.unit.nested:
            if nested.at[0] == code.co_firstlineno and nested.name == code.co_name:
                return _Site(found.module, found.index, found.unit, nested, False)
        direct = (
            found.unit.kind == "def"
            and found.unit.name == code.co_name
            and found.unit.at[0] == code.co_firstlineno
        )
        return _Site(found.module, found.index, found.unit, None, direct)

    def _statement(self, file: str, line: int) -> _Site | None:
        """Return the unit that holds a line of a file of the project."""
        module = self.modules.at(file) if file and file[0] != "<" else None
        if module is None:
            return None
        starts = self._starts.get(module.index)
        if starts is None:
            starts = [unit.at[0] for unit in module.summary.units]
            self._starts[module.index] = starts
        index = _last_not_above(starts, line)
        units = module.summary.units
        while index >= 0 and units[index].kind == "guard":
            index -= 1
        if index < 0 or line > units[index].at[2]:
            return None
        return _Site(module, index, units[index], None, False)

    def _at(self, site: Site | None) -> _Site | None:
        """Return a place in the model."""
        module = self.modules.at(site.path) if site is not None else None
        if site is None or module is None:
            return None
        unit = module.summary.units[site.unit]
        nested = unit.nested[site.nested] if site.nested >= 0 else None
        return _Site(module, site.unit, unit, nested, site.direct)

    def _module(self, name: str | None, file: str) -> Module | None:
        """Return the module that a live object names as its own."""
        if not name:
            return None
        if name in (_ASSETFILE, "__main__"):
            return self.loading.entry
        found = self.modules.find(name)
        if isinstance(found, Module):
            return found
        return self.modules.at(file) if file else None


def _plain_site(site: _Site | None) -> Site | None:
    return None if site is None else site.site


def _plain(function: Any) -> types.FunctionType | None:
    """Return the function that its author wrote, beneath what wraps it."""
    while isinstance(function, functools.partial):
        function = function.func
    try:
        found = inspect.unwrap(function)
    except ValueError:  # wrappers in a circle
        return None
    return found if isinstance(found, types.FunctionType) else None


def _last_not_above(starts: list[int], line: int) -> int:
    """Return the index of the last start that is not behind a line."""
    from bisect import bisect_right

    return bisect_right(starts, line) - 1
