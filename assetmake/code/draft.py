"""Collect what one node of the graph says and refers to.

Which parts of a statement count is decided here: of a call of
`assetmake.asset` only what changes the data, of annotations only those that
something evaluates.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from assetmake.code.hints import hint_about
from assetmake.code.modules import Module
from assetmake.code.records import (
    DECLARES,
    QUERIES,
    READS_SUBCLASSES,
    Call,
    Located,
    Piece,
    Ref,
    Unit,
)
from assetmake.code.reflection import OPAQUE, UNCOUNTED
from assetmake.code.resolve import Key
from assetmake.fingerprint import Encodable, digest, encode

if TYPE_CHECKING:  # nodes imports this module
    from assetmake.code.nodes import NodeBuilder

#: ("unit", module, index), ("module", module, -1), ("load", module, -1) for what
#: importing a module does outside of it, ("script", module, -1), and
#: ("package", module, -1) or ("project", -1, -1) for all modules of one.
NodeKey = tuple[str, int, int]

PROJECT: NodeKey = ("project", -1, -1)

_OPAQUE = frozenset(
    f"ext:{name}".replace("ext:builtins.", "builtin:") for name in OPAQUE
)

ASSET = frozenset({"ext:assetmake.asset", "ext:assetmake.assets.asset"})
#: Of which assets it is, and how severe, is compared apart from its code.
CHECK = frozenset({"ext:assetmake.check", "ext:assetmake.checks.check"})

_DECLARING = frozenset(
    f"ext:assetmake.{place}{word}"
    for place in ("", "assets.", "checks.")
    for word in ("asset", "check", "include", "source")
)


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
        self._units: list[Key] = []
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
        if unit.flags & QUERIES:
            self._queried()
        if unit.flags & READS_SUBCLASSES:
            for key in self.builder.subclasses(self._classes):
                self.edge(("unit", *key))

    def decorators(self, unit: Unit) -> bool:
        """Add decorators; return whether any is not assetmake's own."""
        others = False
        for call in unit.decorators:
            if self.asset_call(call) or self._is_check(call):
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

    def _is_check(self, call: Call) -> bool:
        """Return whether a decorator is `assetmake.check`, of which nothing counts."""
        if call.callee is None or self.module is None:
            return False
        resolver = self.builder.resolver
        found = resolver.resolve(self.module, call.callee, decorating=True)
        return len(found) == 1 and all(
            target.kind == "leaf" and target.name in CHECK for target in found
        )

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

    def forget_notes(self) -> None:
        """Take it that what could not be followed counts by its value."""
        self._notes.clear()

    def leads_to(self) -> tuple[tuple[str, ...], tuple[int, ...]]:
        """Return the names outside of the project, and the nodes, that were added."""
        return tuple(self._leaves), tuple(self._inner)

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
        elif kind == "exec":
            text = "`exec` or `eval` of a computed text: all project files count"
            self.note(line, text)
            self.edge(PROJECT)
        elif kind == "script":
            script = builder.loading.script(self.module, ref[1])
            if script is not None:
                self.note(line, f"`{script.file}` is run: all of it counts")
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
                self._units.append(key)
                self.edge(("unit", *key))
            else:
                other = self.builder.modules.found[target.module]
                if used:
                    text = f"`{other.name}` is used as a value: all of it counts"
                    self.note(line, text)
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
                self.note(
                    line, f"`{shown}` cannot be followed: all project files count"
                )
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
        for key in list(self._units):
            unit = resolver.unit(key)
            for ref, line in (*unit.now, *unit.later):
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
        if not _DECLARING.isdisjoint(self._leaves):
            flags |= DECLARES
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
