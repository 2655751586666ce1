"""Resolve references across the modules of a project.

A reference leads to units (top-level statements), to whole modules, or to
leaves: texts for what is not the project's. All branches count: what an ``if``
or a ``try`` chooses between is not decided here.
"""

from __future__ import annotations

import builtins
from collections.abc import Iterable
from typing import NamedTuple

from assetmake.code.modules import Leaf, Module, Modules
from assetmake.code.records import REBINDS, Binding, Ref, Unit
from assetmake.fingerprint import digest

_BUILTINS = frozenset(dir(builtins))

#: Names that every module has, and that say nothing of its code.
_SPECIAL = frozenset(
    {
        "__annotations__",
        "__builtins__",
        "__cached__",
        "__file__",
        "__loader__",
        "__name__",
        "__package__",
        "__path__",
        "__spec__",
    }
)

#: How many attributes of what is not the project's a leaf tells of.
_SHOWN = 4


class Target(NamedTuple):
    """What a reference leads to.

    Attributes:
        kind: ``unit``, ``module`` or ``leaf``.
        module: Index of the module; -1 for a leaf.
        position: Of the unit in its module; -1 for others.
        name: The global name under which a unit was found; the text of a leaf.
        rest: Attributes that are left: those of a unit's value.
    """

    kind: str
    module: int
    position: int
    name: str
    rest: tuple[str, ...]


#: A global name: (module, name); the name is ``*`` for all of a module.
Slot = tuple[int, str]

#: A unit: (module, index).
Key = tuple[int, int]


class Effects(NamedTuple):
    """Which units change what others defined.

    Attributes:
        by_slot: Units that change what a name refers to, in order.
        decorating: Those of them that only register what they decorate.
        computed: Units that bind names of their own module that are computed.
        outside: Units that change what is not the project's.
    """

    by_slot: dict[Slot, list[Key]]
    decorating: dict[Slot, list[Key]]
    computed: dict[int, list[Key]]
    outside: set[Key]


NO_EFFECTS = Effects({}, {}, {}, set())


class Resolver:
    """Looks names up; each name of a module once."""

    def __init__(self, modules: Modules) -> None:
        self.modules = modules
        self.effects = NO_EFFECTS
        self._globals: dict[int, dict[str, list[int]]] = {}
        self._rebinding: dict[int, tuple[int, ...]] = {}
        self._known: dict[tuple[int, Ref, bool], tuple[Target, ...]] = {}
        self._led: dict[tuple[int, Ref, bool], frozenset[int]] = {}

    def unit(self, key: Key) -> Unit:
        """Return a unit by its module and index."""
        return self.modules.found[key[0]].summary.units[key[1]]

    def set_effects(self, effects: Effects) -> None:
        """Take effects into account from now on."""
        self.effects = effects
        self._known.clear()
        self._led.clear()

    def resolve(
        self, module: Module, ref: Ref, *, decorating: bool = False
    ) -> tuple[Target, ...]:
        """Return what a reference in a module leads to, in order.

        Args:
            module: Where it stands.
            ref: See `records`; not of the kinds param and unknown.
            decorating: Whether it stands in a decorator, which registers what
                it decorates and does not read what others registered.
        """
        key = (module.index, ref, decorating)
        found = self._known.get(key)
        if found is None:
            lookup = _Lookup(self, decorating=decorating)
            found = self._known[key] = self._resolve(module, ref, lookup)
            self._led[key] = frozenset(lookup.led)
        return found

    def led_through(
        self, module: Module, ref: Ref, *, decorating: bool = False
    ) -> frozenset[int]:
        """Return the modules by way of which a reference was resolved."""
        return self._led.get((module.index, ref, decorating), frozenset())

    def _resolve(self, module: Module, ref: Ref, lookup: _Lookup) -> tuple[Target, ...]:
        kind, base, attrs = ref
        found: list[Target] = []
        if kind == "name":
            found = lookup.own(module, base, attrs)
        elif kind == "import":
            found = lookup.imported(module, base, attrs)
        elif kind == "self":
            if attrs and attrs[0] != "__dict__":
                found = lookup.own(module, attrs[0], attrs[1:])
            else:
                found = [_module(module)]
        elif kind == "mention":
            found = lookup.name(module, base, ())
        elif kind == "dotted":
            found = self._dotted(base, lookup)
        return tuple(dict.fromkeys(found))

    def _dotted(self, text: str, lookup: _Lookup) -> list[Target]:
        """Return what ``"pkg.units.clean"`` names in the project, if anything."""
        parts = text.split(".")
        for cut in range(len(parts) - 1, 0, -1):
            found = self.modules.find_quickly(".".join(parts[:cut]))
            if found is not None:
                if found.broken:
                    return []
                return lookup.name(found, parts[cut], tuple(parts[cut + 1 :]))
        return []

    def global_binders(self, module: Module, name: str) -> list[int]:
        """Return units with functions that declare a name global and set it."""
        table = self._globals.get(module.index)
        if table is None:
            table = self._globals[module.index] = {}
            for index, unit in enumerate(module.summary.units):
                for act in unit.acts:
                    if act.kind == "global":
                        table.setdefault(act.ref[1], []).append(index)
        return table.get(name, [])

    def rebinding(self, module: Module) -> tuple[int, ...]:
        """Return units that run texts which may bind any name of the module."""
        found = self._rebinding.get(module.index)
        if found is None:
            found = self._rebinding[module.index] = tuple(
                index
                for index, unit in enumerate(module.summary.units)
                if unit.flags & REBINDS and not unit.main
            )
        return found


class _Lookup:
    """One resolution; what it has asked for already is not asked again."""

    def __init__(self, resolver: Resolver, *, decorating: bool) -> None:
        self.led: set[int] = set()
        self.resolver = resolver
        self.modules = resolver.modules
        self.decorating = decorating
        self._asked: set[tuple[int, str, tuple[str, ...]]] = set()

    def own(self, module: Module, name: str, attrs: tuple[str, ...]) -> list[Target]:
        """Look up a global name where it is used: builtins come last."""
        found = self.name(module, name, attrs)
        if found:
            return found
        found = self._dynamic(module, name, attrs)
        stars = self._outside_stars(module)
        if name == "__doc__":
            return [leaf("doc:" + digest(module.summary.doc))]
        if name in _SPECIAL:
            return [leaf(f"special:{name}")]
        if name in _BUILTINS:
            text = ".".join([f"builtin:{name}", *attrs[:_SHOWN]])
            return [*found, *(leaf(f"{star}.{name}") for star in stars), leaf(text)]
        if stars:
            return [*found, *(leaf(f"{star}.{name}") for star in stars)]
        return found or [leaf(f"missing:{name}")]

    def name(self, module: Module, name: str, attrs: tuple[str, ...]) -> list[Target]:
        """Look up what a module binds a name to; nothing if it does not."""
        key = (module.index, name, attrs)
        if key in self._asked:
            return []
        self._asked.add(key)
        self.led.add(module.index)
        module.check()
        summary = module.summary
        bindings: Iterable[Binding] = summary.bindings.get(name, ())
        if summary.stars:
            bindings = sorted((*bindings, *summary.stars), key=lambda item: item.order)
        found: list[Target] = []
        for binding in bindings:
            if binding.unit >= 0:
                targets = [_unit(module, binding.unit, name, attrs)]
            elif binding.source.endswith(":*"):
                targets = self._starred(module, binding.source, name, attrs)
            else:
                targets = self.imported(module, binding.source, attrs)
            if targets and binding.unit < 0:
                # A statement carries its tests itself; an import cannot.
                for index, branch in binding.guards:
                    targets.append(_unit(module, index, name, ()))
                    targets.append(leaf(f"branch:{branch}"))
            found += targets
        found += self._changed(module, name, attrs)
        if found:
            found += [
                _unit(module, index, name, attrs)
                for index in self.resolver.rebinding(module)
            ]
        return found

    def _changed(
        self, module: Module, name: str, attrs: tuple[str, ...]
    ) -> list[Target]:
        """Return the units that change what a name refers to."""
        effects = self.resolver.effects
        keys: list[Key] = []
        for slot in ((module.index, name), (module.index, "*")):
            keys += effects.by_slot.get(slot, ())
            if not self.decorating:
                keys += effects.decorating.get(slot, ())
        found = self.modules.found
        return [_unit(found[key[0]], key[1], name, attrs) for key in keys]

    def _starred(
        self, module: Module, source: str, name: str, attrs: tuple[str, ...]
    ) -> list[Target]:
        """Look a name up in a module of which all names are imported."""
        other = self._module(module, source.removesuffix(":*"))
        if not isinstance(other, Module):
            return []
        exports = other.summary.exports
        if exports is None:
            hidden = name.startswith("_")
        else:
            hidden = name not in exports and exports != ("*",)
        if hidden:
            return []
        found = self.name(other, name, attrs)
        if not found and exports is not None and other.directories:
            found = self._submodule(other, name, attrs) or []
        return found

    def imported(
        self, module: Module, base: str, attrs: tuple[str, ...]
    ) -> list[Target]:
        """Look up what an import gives; see `records` for the base."""
        name, _, attribute = base.partition(":")
        found = self._module(module, name)
        if attribute:
            attrs = (attribute, *attrs)
        if isinstance(found, Module):
            return self.inside(found, attrs)
        text = ".".join([found, *attrs[: _SHOWN + 1]])
        return [leaf(text)]

    def _module(self, module: Module, name: str) -> Module | Leaf:
        absolute, _ = self.modules.absolute(module, name)
        if not absolute:
            return Leaf(f"missing:{name.lstrip('.')}")
        return self.modules.find(absolute, module.home)

    def inside(self, module: Module, attrs: tuple[str, ...]) -> list[Target]:
        """Look up an attribute of a module."""
        self.led.add(module.index)
        module.check()
        if not attrs or attrs[0] == "__dict__":
            return [_module(module)]
        name, rest = attrs[0], attrs[1:]
        found = self.name(module, name, rest)
        if found:
            return found
        if module.directories:
            submodule = self._submodule(module, name, rest)
            if submodule is not None:
                return submodule
        found = self._dynamic(module, name, rest)
        if not found:
            found = self.name(module, "__getattr__", attrs)
        if found:
            return found
        if name == "__doc__":
            return [leaf("doc:" + digest(module.summary.doc))]
        stars = self._outside_stars(module)
        if stars:
            return [leaf(f"{star}.{name}") for star in stars]
        return [leaf(f"special:{name}" if name in _SPECIAL else f"missing:{name}")]

    def _submodule(
        self, module: Module, name: str, attrs: tuple[str, ...]
    ) -> list[Target] | None:
        found = self.modules.find(f"{module.name}.{name}")
        if isinstance(found, Module):
            return self.inside(found, attrs)
        return None if found.startswith("missing:") else [leaf(found)]

    def _dynamic(
        self, module: Module, name: str, attrs: tuple[str, ...]
    ) -> list[Target]:
        """Return the units that may bind a name when they run."""
        resolver = self.resolver
        indices = [
            *resolver.global_binders(module, name),
            *(key[1] for key in resolver.effects.computed.get(module.index, ())),
            *resolver.rebinding(module),
        ]
        return [_unit(module, index, name, attrs) for index in dict.fromkeys(indices)]

    def _outside_stars(self, module: Module) -> list[str]:
        """Return the modules outside of the project that all names come from."""
        found = []
        for star in module.summary.stars:
            other = self._module(module, star.source.removesuffix(":*"))
            if isinstance(other, Leaf):
                found.append(str(other))
            elif (other.index, "*", ()) not in self._asked:
                self._asked.add((other.index, "*", ()))
                found += self._outside_stars(other)
        return found


def leaf(text: str) -> Target:
    """Return a target that stands for what is not the project's."""
    return Target("leaf", -1, -1, text, ())


def _unit(module: Module, index: int, name: str, rest: tuple[str, ...]) -> Target:
    return Target("unit", module.index, index, name, rest)


def _module(module: Module) -> Target:
    return Target("module", module.index, -1, "", ())
