"""Build the nodes of the graph: what one unit or module says and refers to.

Which definitions a fingerprint covers, and which of their parts count, is
decided here. How nodes are joined to fingerprints is for `graph`.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from assetmake.code.hints import hint_about
from assetmake.code.loading import Loading
from assetmake.code.modules import Module
from assetmake.code.records import (
    EXECUTES,
    QUERIES,
    READS_SUBCLASSES,
    Call,
    Located,
    Piece,
    Ref,
    Summary,
    Unit,
)
from assetmake.code.reflection import COUNTED, OPAQUE, UNCOUNTED
from assetmake.code.resolve import Key, Resolver, Target
from assetmake.fingerprint import Encodable, digest, digest_bytes, encode

#: ("unit", module, index), ("module", module, -1), ("load", module, -1) for what
#: importing a module does outside of it, ("script", module, -1), and
#: ("package", module, -1) or ("project", -1, -1) for all modules of one.
NodeKey = tuple[str, int, int]

PROJECT: NodeKey = ("project", -1, -1)

_OPAQUE = frozenset(
    f"ext:{name}".replace("ext:builtins.", "builtin:") for name in OPAQUE
)

ASSET = frozenset({"ext:assetmake.asset", "ext:assetmake.assets.asset"})


@dataclass(slots=True)
class Node:
    """One node of the graph.

    Attributes:
        key: What it stands for.
        text: Digest of its own code.
        leaves: Texts of what it refers to outside of the project, in order.
        recipe: What its fingerprint is made of: bytes, and numbers of nodes.
        inner: Those numbers, each once.
        flags: What it reads about definitions; see `records`.
        notes: What cannot be followed: (line, text).
        through: Indices of modules that its references led through.
    """

    key: NodeKey
    text: str
    leaves: list[str] = field(default_factory=list)
    recipe: list[bytes | int] = field(default_factory=list)
    inner: tuple[int, ...] = ()
    flags: int = 0
    notes: list[tuple[int, str]] = field(default_factory=list)
    through: set[int] = field(default_factory=set)


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


class Draft:
    """Collects what one node says and refers to."""

    def __init__(
        self, builder: NodeBuilder, key: NodeKey, module: Module | None
    ) -> None:
        self.builder = builder
        self.key = key
        self.module = module
        self.through: set[int] = set()
        self._said: list[Encodable] = []
        self._leaves: list[str] = []
        self._recipe: list[bytes | int] = []
        self._inner: dict[int, None] = {}
        self._notes: dict[tuple[int, str], None] = {}
        self._seen: set[Ref] = set()
        self._values: list[Key] = []
        self._classes: set[Key] = set()

    def say(self, value: Encodable) -> None:
        """Add a part of the node's own text."""
        self._said.append(value)

    def whole(self, unit: Unit) -> None:
        """Add a statement with all that is part of it."""
        decorated = self.decorators(unit)
        self.pieces("default", unit.defaults)
        if decorated:
            self.pieces("annotation", unit.annotations)
        self.code(unit)
        if self.builder.docs:
            self.say(("docs", unit.docs))
        if self.builder.notes:
            self.say(("notes", unit.notes))
            self.refs(unit.note_refs)
            if not decorated:
                self.pieces("annotation", unit.annotations)

    def code(self, unit: Unit) -> None:
        """Add a statement without its decorators and pieces."""
        assert self.module is not None
        self.say((unit.kind, unit.code))
        for index, branch in unit.guards:
            self.say(("branch", branch))
            self.edge(("unit", self.module.index, index))
        self.refs(unit.now)
        self.refs(unit.later)
        if unit.flags & EXECUTES:
            text = "`exec` or `eval` of a computed text: all project files count"
            self.note(unit.line, text)
            self.edge(PROJECT)
        if unit.flags & QUERIES:
            self._queried()
        if unit.flags & READS_SUBCLASSES:
            for key in self.builder.subclasses(self._classes):
                self.edge(("unit", *key))

    def decorators(self, unit: Unit) -> bool:
        """Add decorators; return whether any is not assetmake's own."""
        others = False
        for call in unit.decorators:
            if self.asset_call(call):
                continue
            others = True
            self.say(("decorator", call.code))
            self.refs(call.refs, decorating=True)
        return others

    def asset_call(self, call: Call, depth: int = 0) -> bool:
        """Add what counts of a call of `assetmake.asset`; return whether it is one.

        A ``functools.partial`` of it is one, too.
        """
        if call.callee is None or self.module is None or depth > 9:
            return False
        resolver = self.builder.resolver
        found = resolver.resolve(self.module, call.callee, decorating=True)
        for target in found:
            if target.kind == "leaf" and target.name in ASSET and len(found) == 1:
                break
            if target.kind == "unit" and len(found) == 1 and not target.rest:
                partial = resolver.unit((target.module, target.position)).partial
                inner = self._within(target.module)
                if partial is not None and inner.asset_call(partial, depth + 1):
                    self.take(inner)
                    break
        else:
            return False
        for piece in call.keywords:
            if piece.name not in UNCOUNTED:
                self.pieces("asset", [piece])
        if call.others and depth:
            self.say(("asset", call.others))
            self.refs(call.other_refs)
        return True

    def _within(self, index: int) -> Draft:
        module = self.builder.modules.found[index]
        return Draft(self.builder, self.key, module)

    def take(self, other: Draft) -> None:
        """Add what another draft collected."""
        self._said += other._said
        self._leaves += other._leaves
        self._recipe += other._recipe
        self._inner.update(other._inner)
        self._notes.update(other._notes)
        self.through |= other.through

    def pieces(self, label: str, pieces: Iterable[Piece]) -> None:
        """Add parts of a statement, with what they refer to."""
        for piece in pieces:
            self.say((label, piece.name, piece.code))
            self.refs(piece.refs)

    def refs(self, refs: Iterable[Located], *, decorating: bool = False) -> None:
        """Add what references lead to, each once."""
        for ref, line in refs:
            if ref in self._seen:
                continue
            self._seen.add(ref)
            self._ref(ref, line, decorating=decorating)

    def _ref(self, ref: Ref, line: int, *, decorating: bool) -> None:
        assert self.module is not None
        builder = self.builder
        kind = ref[0]
        if kind == "load":
            self._loaded(ref)
        elif kind == "computed":
            self._computed(ref, line)
        elif kind == "script":
            script = builder.loading.script(self.module, ref[1])
            if script is not None:
                self.note(line, f"`{script.file}` is run: everything in it counts")
                self.edge(("script", script.index, -1))
        else:
            self.resolved(ref, line, decorating=decorating)

    def resolved(
        self, ref: Ref, line: int, *, decorating: bool = False, used: bool = True
    ) -> None:
        """Add what a reference leads to.

        Args:
            ref: Within this node's module.
            line: Where it stands.
            decorating: See `Resolver.resolve`.
            used: Whether it is certain that it is followed.
        """
        assert self.module is not None
        resolver = self.builder.resolver
        targets = resolver.resolve(self.module, ref, decorating=decorating)
        self.through |= resolver.led_through(self.module, ref, decorating=decorating)
        self._recipe.append(b"(")
        for target in targets:
            if target.kind == "leaf":
                self._leaf(target.name, line, used=used)
            elif target.kind == "unit":
                key = (target.module, target.position)
                kind = self.builder.resolver.unit(key).kind
                if kind == "class":
                    self._classes.add(key)
                elif kind in ("assign", "other"):
                    self._values.append(key)
                self.edge(("unit", *key))
            else:
                other = self.builder.modules.found[target.module]
                self.note(
                    line, f"`{other.name}` is used as a value: everything in it counts"
                )
                self.edge(("module", target.module, -1))
        self._recipe.append(b")")

    def _leaf(self, text: str, line: int, *, used: bool = True) -> None:
        self._leaves.append(text)
        self._recipe.append(encode(text))
        if not used:
            return
        hint = hint_about(text)
        if hint:
            self.note(line, hint)
        for name in _OPAQUE:
            if text == name or text.startswith(f"{name}."):
                shown = name.partition(":")[2]
                self.note(line, f"`{shown}` cannot be followed: all project files count")
                self.edge(PROJECT)

    def _loaded(self, ref: Ref) -> None:
        """Add what importing a module does."""
        assert self.module is not None
        modules = self.builder.loading.targets(self.module, ref)
        if not modules:
            name, attribute = self.builder.modules.absolute(self.module, ref[1])
            text = f"load:{name}.{attribute}" if attribute else f"load:{name}"
            self._leaf(text, 0)
            return
        self._leaf("load:project", 0)
        for module in modules:
            module.check()
            self.loads(module)

    def loads(self, module: Module) -> None:
        """Add what importing a module does outside of the project, if anything."""
        if self.builder.outside_of(module):
            self.edge(("load", module.index, -1))

    def _computed(self, ref: Ref, line: int) -> None:
        """Add all modules that a computed import may mean."""
        assert self.module is not None
        modules = self.builder.modules
        name = modules.absolute(self.module, ref[1].rstrip("."))[0]
        if ref[1] and not ref[1].strip("."):
            name = self.module.package
        package = modules.find(name) if name else None
        if isinstance(package, Module) and package.directories:
            self.note(line, f"an import is computed: all of `{name}` counts")
            self.edge(("package", package.index, -1))
        elif package is None:
            self.note(line, "an import is computed: all project files count")
            self.edge(PROJECT)

    def _queried(self) -> None:
        """Add names in texts that are defined elsewhere, and used here."""
        assert self.module is not None
        resolver = self.builder.resolver
        for key in list(self._values):
            for ref, line in resolver.unit(key).now:
                if ref[0] == "mention" and ref not in self._seen:
                    self._seen.add(ref)
                    self.resolved(ref, line)

    def edge(self, key: NodeKey) -> None:
        """Add a reference to a node."""
        if key == self.key:
            self._recipe.append(b"self")
            return
        number = self.builder.number(key)
        self._recipe.append(number)
        self._inner[number] = None

    def note(self, line: int, text: str) -> None:
        """Add what cannot be followed."""
        self._notes[line, text] = None

    def node(self, flags: int) -> Node:
        """Return the node."""
        text = digest(*self._said)
        recipe: list[bytes | int] = [text.encode()]
        for step in self._recipe:
            if isinstance(step, bytes) and isinstance(recipe[-1], bytes):
                recipe[-1] += step
            else:
                recipe.append(step)
        return Node(
            self.key,
            text,
            self._leaves,
            recipe,
            tuple(self._inner),
            flags,
            list(self._notes),
            self.through,
        )


def summary_digest(summary: Summary) -> str:
    """Return the digest of all code of a file: of statements and imports."""
    units = tuple(
        (unit.code, unit.main, *(call.code for call in unit.decorators))
        + tuple(piece.code for piece in (*unit.defaults, *unit.annotations))
        for unit in summary.units
    )
    imports = tuple(
        (name, *(binding.source for binding in found if binding.source))
        for name, found in sorted(summary.bindings.items())
    )
    stars = tuple(star.source for star in summary.stars)
    return digest_bytes(encode((units, imports, stars)))
