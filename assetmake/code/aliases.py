"""Find what may be the same object: names of one value, and what holds it.

Whoever changes an object changes it for all its names. What an expression
gives is followed through assignments, loops and calls of the project; that of
other calls is taken to be new.
"""

from __future__ import annotations

from collections.abc import Iterator

from assetmake.code.modules import Module
from assetmake.code.records import Ref
from assetmake.code.resolve import Key, Resolver, Slot, Target

#: Stands among slots for what is not the project's.
OUTSIDE: Slot = (-1, "")


class Aliases:
    """Follows names to what they may stand for."""

    def __init__(self, resolver: Resolver) -> None:
        self.resolver = resolver

    def targets(self, module: Module, ref: Ref) -> tuple[Target, ...]:
        """Return what a reference leads to; nothing for what is local."""
        if ref[0] in ("param", "unknown", "computed", "exec", "load", "script"):
            return ()
        return self.resolver.resolve(module, ref)

    def spread(self, slots: set[Slot]) -> set[Slot]:
        """Return names with all others that may stand for the same objects."""
        found = set(slots)
        todo = list(slots)
        while todo:
            slot = todo.pop()
            if slot[0] < 0 or slot[1] == "*":
                continue
            module = self.resolver.modules.found[slot[0]]
            for binding in module.summary.bindings.get(slot[1], ()):
                if binding.unit < 0:
                    continue
                for other in self._aliases_of((slot[0], binding.unit)):
                    if other not in found:
                        found.add(other)
                        todo.append(other)
        return found

    def _aliases_of(self, key: Key) -> Iterator[Slot]:
        module = self.resolver.modules.found[key[0]]
        for ref, through in self.resolver.unit(key).aliases:
            if through is not None and not self._is_project(module, through):
                continue
            for target in self.targets(module, ref):
                if target.kind == "module":
                    yield (target.module, "*")
                elif target.kind == "unit":
                    key = (target.module, target.position)
                    called = ref[2][-1:] == ("()",)
                    kind = self.resolver.unit(key).kind
                    if kind == "def" and called:
                        yield from self.returned(key)
                    elif kind != "def" and not (kind == "class" and called):
                        yield (target.module, target.name)

    def returned(self, key: Key) -> Iterator[Slot]:
        """Yield the values that a function refers to, and so may return."""
        if self.resolver.unit(key).kind != "def":
            return
        module = self.resolver.modules.found[key[0]]
        for ref, _ in self.resolver.unit(key).later:
            for target in self.targets(module, ref):
                if target.kind == "unit":
                    unit = self.resolver.unit((target.module, target.position))
                    if unit.kind in ("assign", "other"):
                        yield (target.module, target.name)

    def _is_project(self, module: Module, ref: Ref) -> bool:
        return any(target.kind == "unit" for target in self.targets(module, ref))

    def made_from(self, key: Key) -> list[Target]:
        """Return the units that a value is made from."""
        module = self.resolver.modules.found[key[0]]
        return [
            target
            for ref, _ in self.resolver.unit(key).now
            for target in self.targets(module, ref)
            if target.kind == "unit"
        ]
