"""Build the nodes of the graph from the summaries of modules.

A node is a statement, a module of which anything may be used, or what
importing a module does. How nodes are joined to fingerprints is for `graph`.
"""

from __future__ import annotations

from typing import Protocol

from assetmake.code.draft import ASSET, PROJECT, Draft, Node, NodeKey
from assetmake.code.loading import Loading
from assetmake.code.modules import Module
from assetmake.code.records import Summary
from assetmake.code.resolve import Key, Resolver
from assetmake.fingerprint import digest

__all__ = ["ASSET", "PROJECT", "Node", "NodeBuilder", "NodeKey", "summary_digest"]


class Numbers(Protocol):
    """Gives each node its number."""

    def number(self, key: NodeKey) -> int:
        """Return the number of a node."""


class NodeBuilder:
    """Builds nodes from the summaries of modules."""

    def __init__(
        self,
        resolver: Resolver,
        loading: Loading,
        numbers: Numbers,
        *,
        docs: bool,
        notes: bool,
    ) -> None:
        self.resolver = resolver
        self.loading = loading
        self.modules = resolver.modules
        self._numbers = numbers
        self.docs = docs
        self.notes = notes
        self._changing: dict[int, list[Key]] | None = None
        self._outside: dict[int, list[Key]] | None = None
        self._loads: dict[int, list[Key]] = {}

    def module(self, key: NodeKey) -> Module | None:
        """Return the module that a node stands in."""
        return self.modules.found[key[1]] if key[1] >= 0 else None

    def build(self, key: NodeKey) -> Node:
        """Return a node.

        Raises:
            LoadError: a module that it refers to is not Python.
        """
        if key[0] == "unit":
            return self._unit(key)
        if key[0] == "module":
            return self._whole(key, main=False)
        if key[0] == "script":
            return self._whole(key, main=True)
        if key[0] == "load":
            return self._load(key)
        return self._all(key)

    # Units --------------------------------------------------------------------

    def _unit(self, key: NodeKey) -> Node:
        module = self.modules.found[key[1]]
        unit = module.summary.units[key[2]]
        draft = Draft(self, key, module)
        draft.whole(unit)
        return draft.node(unit.flags)

    # Modules ------------------------------------------------------------------

    def _whole(self, key: NodeKey, *, main: bool) -> Node:
        """Return a node for a module of which anything may be used.

        Definitions can be reordered, so they go by their names.
        """
        module = self.modules.found[key[1]]
        module.check()
        draft = Draft(self, key, module)
        summary = module.summary
        names = sorted(summary.bindings)
        for name in names:
            draft.say(name)
            draft.resolved(("name", name, ()), 0, used=False)
        for star in summary.stars:
            draft.refs([(("import", star.source.removesuffix(":*"), ()), 0)])
        bound = {
            binding.unit for found in summary.bindings.values() for binding in found
        }
        for index, unit in enumerate(summary.units):
            if index not in bound and (main or not unit.main):
                draft.edge(("unit", module.index, index))
        for changing in self._changes_in(module.index):
            draft.edge(("unit", *changing))
        return draft.node(0)

    def _changes_in(self, index: int) -> list[Key]:
        """Return the units that change anything in a module."""
        if self._changing is None:
            self._changing = {}
            for (module, _), keys in self.resolver.effects.by_slot.items():
                self._changing.setdefault(module, []).extend(keys)
        return self._changing.get(index, [])

    def _load(self, key: NodeKey) -> Node:
        """Return a node for what importing a module does outside of the project."""
        module = self.modules.found[key[1]]
        draft = Draft(self, key, module)
        for other in self.outside_of(module):
            draft.edge(("unit", *other))
        return draft.node(0)

    def outside_of(self, module: Module) -> list[Key]:
        """Return what importing a module runs that changes things outside."""
        if self._outside is None:
            self._outside = {}
            for key in sorted(self.resolver.effects.outside):
                self._outside.setdefault(key[0], []).append(key)
        if not self._outside:
            return []
        found = self._loads.get(module.index)
        if found is None:
            found = self._loads[module.index] = [
                key
                for index in self.loading.loaded_by(module)
                for key in self._outside.get(index, ())
            ]
        return found

    def _all(self, key: NodeKey) -> Node:
        """Return a node for all files of the project, or of one package."""
        module = self.module(key)
        draft = Draft(self, key, module)
        if module is not None:
            for other in self._package_modules(module):
                draft.say(other.name)
                draft.edge(("module", other.index, -1))
            return draft.node(0)
        for path in self.modules.sources.python_files(self.modules.root):
            found = self.modules.at(path)
            if found is not None:
                whole = (
                    self.modules.sources.digests.get(path, "")
                    if found.broken
                    else summary_digest(found.summary)
                )
                draft.say((found.file, whole))
                draft.through.add(found.index)
        return draft.node(0)

    def _package_modules(self, module: Module) -> list[Module]:
        found = []
        for top in module.directories:
            for path in self.modules.sources.python_files(top):
                other = self.modules.at(path)
                if other is not None and not other.broken:
                    found.append(other)
        return found

    def subclasses(self, bases: set[Key]) -> list[Key]:
        """Return the classes that derive from some class; from any if none given."""
        found = []
        for key in self.loading.executed:
            unit = self.resolver.unit(key)
            if unit.kind == "class" and unit.bases:
                above = self._ancestors(key)
                if above and (not bases or not bases.isdisjoint(above)):
                    found.append(key)
        return found

    def _ancestors(self, key: Key) -> set[Key]:
        found: set[Key] = set()
        todo = [key]
        while todo:
            current = todo.pop()
            module = self.modules.found[current[0]]
            for ref in self.resolver.unit(current).bases:
                for target in self.resolver.resolve(module, ref):
                    other = (target.module, target.position)
                    if target.kind == "unit" and other not in found:
                        found.add(other)
                        todo.append(other)
        return found

    def number(self, key: NodeKey) -> int:
        """Return the number of a node."""
        return self._numbers.number(key)


def summary_digest(summary: Summary) -> str:
    """Return the digest of all code of a file: of statements and imports."""
    units = [
        digest(
            unit.code,
            unit.main,
            *(call.code for call in unit.decorators),
            *(piece.code for piece in (*unit.defaults, *unit.annotations)),
        )
        for unit in summary.units
    ]
    imports = [
        digest(name, *(binding.source for binding in found))
        for name, found in sorted(summary.bindings.items())
    ]
    stars = [star.source for star in summary.stars]
    return digest(*units, "imports", *imports, "stars", *stars)
