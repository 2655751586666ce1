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

from assetmake.code.draft import Draft, NodeKey
from assetmake.code.graph import Graph
from assetmake.code.live import NoPlainValueError, closed_over, describe, shown
from assetmake.code.loading import Loading
from assetmake.code.modules import Module, Modules
from assetmake.code.parts import Place
from assetmake.code.records import Unit
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
            of the unit, and the text stands in `text` if there is no module.
        text: See `source`.
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
    """What is asked for: see `RootFinder.find`; `plain` is beneath wrappers."""

    graph: Graph
    function: Any
    plain: types.FunctionType | None
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


class RootFinder:
    """Finds what each asset begins with."""

    def __init__(self, modules: Modules, resolver: Resolver, loading: Loading) -> None:
        self.modules = modules
        self.resolver = resolver
        self.loading = loading
        self._starts: dict[int, list[int]] = {}

    def find(
        self,
        graph: Graph,
        function: Any,
        registered: tuple[str, int],
        settings: Collection[str],
    ) -> list[Root]:
        """Return the parts that an asset begins with, its own first.

        Args:
            graph: Where the parts refer to.
            function: What `asset` was given, decorated or not.
            registered: File and line of the statement that called `asset`.
            settings: Parameters whose defaults are settings.
        """
        plain = _plain(function)
        wanted = _Wanted(graph, function, plain, settings)
        where = self._statement(*registered)
        site = self._site(plain) if plain is not None else None
        if where is not None and self._is_own(where, site, function):
            return self._direct(wanted, where, None)
        if site is not None and site.direct:
            roots = self._direct(wanted, site, where)
            self._wrapped(wanted, roots[0].draft, where)
            return roots
        return self._made(wanted, site, where)

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
        draft.pieces(
            "default", [piece for piece in unit.defaults if piece.name not in settings]
        )
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
                roots.append(
                    Root(
                        piece.name,
                        "setting",
                        Place(site.module.file, piece.at[0]),
                        inner,
                        source=(site.module, unit, piece.at),
                    )
                )
        return roots

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
        if wanted.plain is wanted.function:
            return
        refer = functools.partial(self._refer, draft)
        try:
            draft.say(describe(wanted.function, self.modules.root, refer))
        except NoPlainValueError:
            if where is not None:
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
        function, plain = wanted.function, wanted.plain
        refer = functools.partial(self._refer, draft)
        roots = []
        try:
            if plain is not function:
                draft.say(describe(function, self.modules.root, refer))
            for name, value in closed_over(plain) if plain is not None else ():
                inner = self._draft(wanted.graph, draft.module)
                refer = functools.partial(self._refer, inner)
                inner.say((name, describe(value, self.modules.root, refer)))
                kind = "setting" if name in wanted.settings else "value"
                text = f"{name} = {shown(value, self.modules.root)}"
                roots.append(Root(name, kind, place, inner, text=text))
        except NoPlainValueError:
            return None
        return roots

    def _refer(self, draft: Draft, value: Any) -> bool:
        """Add a live function, class or module; return whether it is the project's."""
        if isinstance(value, types.FunctionType):
            site = self._site(value)
            if site is None:
                return False
            if site.nested is None:
                draft.edge(("unit", *site.key))
            else:
                self._factory(draft, site)
            return True
        if isinstance(value, types.ModuleType):
            module = self._module(value.__name__)
            if module is not None:
                draft.edge(("module", module.index, -1))
            return module is not None
        module = self._module(value.__module__)
        if module is None:
            return False
        name = value.__qualname__.partition(".")[0]
        for binding in module.summary.bindings.get(name, ()):
            if binding.unit >= 0:
                draft.edge(("unit", module.index, binding.unit))
        return True

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

    def _module(self, name: str | None) -> Module | None:
        """Return the module that a live object names as its own."""
        if not name:
            return None
        if name in (_ASSETFILE, "__main__"):
            return self.loading.entry
        found = self.modules.find(name)
        if isinstance(found, Module):
            return found
        live = sys.modules.get(name)
        file = getattr(live, "__file__", None)
        return self.modules.at(file) if isinstance(file, str) else None


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
