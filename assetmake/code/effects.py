"""Find the statements that change what other statements defined.

Importing a module can patch another one, fill a registry, set an option of a
library. Whoever uses what was changed then depends on the statement that
changes it. Calls are followed into functions of the project; of others, a call
for its effect alone is taken to change what it is given.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from assetmake.code.aliases import OUTSIDE, Aliases
from assetmake.code.loading import Loading
from assetmake.code.modules import Module
from assetmake.code.records import HOOKS, Act, Ref, Unit
from assetmake.code.reflection import MUTATORS
from assetmake.code.resolve import Effects, Key, Resolver, Slot, Target

#: Libraries whose state decides what is told, or where modules are, not data.
_HARMLESS = re.compile(
    r"ext:(logging|warnings|atexit|faulthandler|tracemalloc|sys\.path|site|typing"
    r"|dataclasses|functools|abc|enum|assetmake|runpy|importlib)\b"
    r"|builtin:|special:|doc:|missing:"
)

#: Stands for a call, within a function, that may change what is outside. It
#: counts where a statement does nothing but call that function.
PERHAPS: Slot = (-2, "")

#: Methods that only tell.
_TELLING = frozenset(
    {"critical", "debug", "error", "exception", "info", "log", "warn", "warning"}
)

#: Functions of libraries that change them, even where the result is used.
_SETTING = re.compile(r"seed|set_\w+|register\w*|\w*_accessor|use|setlocale|chdir")

#: Decorators of libraries that keep what they decorate for others to find.
_REGISTERING = re.compile(r"regist|accessor|hook|implements|listens|dispatch")

#: Methods that decorate, and keep nothing that another user would notice.
_WRAPPING = re.compile(r"cache|memo|wrap|trac|tim|retr|jit|log|profil|lock|limit")

_CONSTRUCTORS = frozenset({"__init__", "__new__", "__post_init__", "__call__"})

#: Methods that run when a class is made: of a base, or of its metaclass.
_HOOKING = frozenset({"__init__", "__init_subclass__", "__new__", "__prepare__"})

#: Calls within calls that arguments are followed through.
_DEEPEST = 12


def find_effects(resolver: Resolver, loading: Loading) -> Effects:
    """Return what the statements of all loaded modules change.

    Args:
        resolver: Without effects yet.
        loading: Which statements run, in which order.
    """
    found = Effects({}, {}, {}, set())
    finder = _Finder(resolver)
    for key in loading.executed:
        module = resolver.modules.found[key[0]]
        unit = module.summary.units[key[1]]
        for act in unit.acts:
            if act.owner:
                continue
            slots = set(finder.act(module, act, now=True))
            if PERHAPS in slots and act.kind == "call" and act.bare:
                slots.add(OUTSIDE)
            _record(found, finder, key, slots, decorating=act.kind == "decorate")
        if unit.kind == "class":
            slots = set(finder.hooks(module, unit))
            _record(found, finder, key, slots, decorating=False)
    return found


def _record(
    found: Effects, finder: _Finder, key: Key, slots: set[Slot], *, decorating: bool
) -> None:
    """Enter what one statement changes, and what that is the same object as."""
    table = found.decorating if decorating else found.by_slot
    for slot in sorted(finder.aliases.spread(slots - {PERHAPS})):
        if slot == OUTSIDE:
            found.outside.add(key)
        elif slot == (key[0], "*"):
            units = found.computed.setdefault(key[0], [])
            if key not in units:
                units.append(key)
        elif not finder.binds(key, slot):
            units = table.setdefault(slot, [])
            if key not in units:
                units.append(key)


class _Finder:
    """Follows acts into the functions that carry them out."""

    def __init__(self, resolver: Resolver) -> None:
        self.resolver = resolver
        self.aliases = Aliases(resolver)
        self._reached: dict[tuple[Key, bool], frozenset[Slot]] = {}
        self._own_slots: dict[tuple[Key, bool], frozenset[Slot]] = {}
        self._params: dict[Key, frozenset[str]] = {}

    def binds(self, key: Key, slot: Slot) -> bool:
        """Return whether a unit binds a name itself, and so counts anyway."""
        module = self.resolver.modules.found[slot[0]]
        if key[0] != slot[0]:
            return False
        found = module.summary.bindings.get(slot[1], ())
        return any(binding.unit == key[1] for binding in found)

    # What one act changes ------------------------------------------------------

    def act(self, module: Module, act: Act, *, now: bool) -> Iterator[Slot]:
        """Yield what an act changes.

        Args:
            module: Where it stands.
            act: What is done.
            now: Whether it stands at module level, so that what it calls is
                to be followed; else the functions around it are.
        """
        if act.kind == "global":
            yield (module.index, act.ref[1])
        elif act.kind == "set":
            yield from self._set(module, act)
        elif act.kind == "decorate":
            for target in self.aliases.targets(module, act.ref):
                yield from self._decorate(act, target, now=now)
        else:
            changed_args = act.ref[0] in ("param", "unknown") and act.bare
            for target in self.aliases.targets(module, act.ref):
                slots, all_args = self._call(act, target, now=now)
                yield from slots
                if now and target.kind == "leaf":
                    yield from self._called_back(module, act, target.name)
                changed_args = changed_args or all_args
            yield from self._arguments(module, act, every=changed_args)

    def _set(self, module: Module, act: Act) -> Iterator[Slot]:
        if act.ref == ("self", "", ()) and act.name:
            yield (module.index, act.name)
            return
        for target in self.aliases.targets(module, act.ref):
            if target.kind == "module":
                yield (target.module, act.name or "*")
            elif target.kind == "unit":
                yield (target.module, target.name)
                if not act.name:  # `get()[key] = value`
                    yield from self.aliases.returned((target.module, target.position))
            elif not _HARMLESS.match(target.name):
                yield OUTSIDE

    def _decorate(self, act: Act, target: Target, *, now: bool) -> Iterator[Slot]:
        """Yield what a decorator changes by what it is given."""
        if target.kind == "leaf":
            last = target.name.rpartition(".")[2]
            harmless = _HARMLESS.match(target.name)
            if _REGISTERING.search(last) and not harmless:
                yield OUTSIDE
            return
        if target.kind != "unit":
            return
        key = (target.module, target.position)
        unit = self.resolver.unit(key)
        if now:
            yield from self.reached(key, deep=True)
        own = (target.module, target.name)
        if unit.kind == "def":
            if target.rest:  # `clean.register`, of functools.singledispatch
                yield own
        elif unit.kind == "class":
            if target.rest and self._keeps(key, target.rest[-1]):
                yield own
        elif unit.partial is None and self._is_kept_by(key, target, act):
            yield own

    def _is_kept_by(self, key: Key, target: Target, act: Act) -> bool:
        """Return whether an object may keep what it decorates."""
        method = target.rest[-1] if target.rest else "__call__"
        classes = [
            (other.module, other.position)
            for other in self.aliases.made_from(key)
            if self.resolver.unit((other.module, other.position)).kind == "class"
        ]
        if classes:
            return any(self._keeps(other, method) for other in classes)
        return bool(target.rest) and not _WRAPPING.search(act.name)

    def _keeps(self, key: Key, method: str) -> bool:
        """Return whether a method of a class changes its object or class."""
        unit = self.resolver.unit(key)
        prefix = f"{unit.name}.{method}"
        acts = [
            act
            for act in unit.acts
            if act.owner == prefix or act.owner.startswith(f"{prefix}.")
        ]
        if not acts and unit.bases and method not in _CONSTRUCTORS:
            return True  # may be inherited
        return any(act.ref[0] == "param" for act in acts)

    def _call(self, act: Act, target: Target, *, now: bool) -> tuple[set[Slot], bool]:
        """Return what a call changes, and whether also all that it is given."""
        if target.kind == "module":
            return set(), False
        if target.kind == "leaf":
            return self._call_outside(act, target.name, now=now)
        key = (target.module, target.position)
        unit = self.resolver.unit(key)
        own = (target.module, target.name)
        slots: set[Slot] = set()
        acting = act.name in MUTATORS or (act.bare and act.name not in _TELLING)
        if now:
            parts = unit.kind == "def" or (unit.kind == "class" and not target.rest)
            slots |= self.reached(key, deep=act.depth > 1 or not parts)
        if unit.kind == "def":
            if target.rest and acting:
                slots.add(own)
            elif act.name and act.depth > 1 and acting:  # `get().update(...)`
                slots.update(self.aliases.returned(key))
            return slots, False
        if unit.kind == "class":
            part = len(target.rest) > 1 and acting  # `P.known.append(...)`
            if part or (target.rest and self._keeps(key, target.rest[-1])):
                slots.add(own)
        elif acting:
            slots.add(own)
        return slots, act.bare

    def _call_outside(
        self, act: Act, text: str, *, now: bool
    ) -> tuple[set[Slot], bool]:
        if _HARMLESS.match(text):
            # `list.append(a, b)`, but neither `print(a)` nor `logging.info(a)`
            method = text.startswith("builtin:") and "." in text
            return set(), act.bare and method
        if _SETTING.fullmatch(text.rpartition(".")[2]) or (now and act.bare):
            return {OUTSIDE}, act.bare
        return ({PERHAPS} if act.bare else set()), act.bare

    def _called_back(self, module: Module, act: Act, text: str) -> Iterator[Slot]:
        """Yield what functions change that are given to one outside: `map(f, x)`."""
        if _HARMLESS.match(text) and not text.startswith("builtin:"):
            return
        for _, ref in act.args:
            for target in self.aliases.targets(module, ref):
                key = (target.module, target.position)
                if target.kind == "unit" and self.resolver.unit(key).kind == "def":
                    yield from self.reached(key, deep=False) - {PERHAPS}

    def _arguments(self, module: Module, act: Act, *, every: bool) -> Iterator[Slot]:
        """Yield what a call changes of what it is given."""
        changed = self._changed_parameters(module, act)
        for position, ref in act.args:
            if not every and position not in changed and "*" not in changed:
                continue
            for target in self.aliases.targets(module, ref):
                if target.kind == "module":
                    yield (target.module, "*")
                elif target.kind == "unit":
                    unit = self.resolver.unit((target.module, target.position))
                    if unit.kind != "def" or position in changed:
                        yield (target.module, target.name)

    def _changed_parameters(self, module: Module, act: Act) -> set[str]:
        """Return positions and keywords that the called function changes."""
        changed: set[str] = set()
        if not act.args:
            return changed
        for target in self.aliases.targets(module, act.ref):
            if target.kind != "unit" or target.rest:
                continue
            key = (target.module, target.position)
            unit = self.resolver.unit(key)
            names = self.changed_by(key) if unit.kind == "def" else ()
            for name in names:
                changed.add(name)
                if name in unit.params:
                    changed.add(str(unit.params.index(name)))
                else:
                    changed.add("*")
        return changed

    # What functions change -------------------------------------------------------

    def reached(self, key: Key, *, deep: bool) -> frozenset[Slot]:
        """Return what calling a unit changes, in all that it calls.

        Args:
            key: A function, a class, or a value such as a partial.
            deep: Whether functions within it are called, too.
        """
        known = self._reached.get((key, deep))
        if known is not None:
            return known
        slots: set[Slot] = set()
        seen = {(key, deep)}
        todo = [(key, deep)]
        while todo:
            current, inner = todo.pop()
            module = self.resolver.modules.found[current[0]]
            unit = self.resolver.unit(current)
            slots |= self._own(current, deep=inner)
            for ref in _calls(unit, deep=inner):
                for target in self.aliases.targets(module, ref):
                    step = ((target.module, target.position), True)
                    if target.kind == "unit" and step not in seen:
                        seen.add(step)
                        todo.append(step)
        found = self._reached[key, deep] = frozenset(slots)
        return found

    def _own(self, key: Key, *, deep: bool) -> frozenset[Slot]:
        """Return what a unit changes itself when it is called."""
        known = self._own_slots.get((key, deep))
        if known is None:
            module = self.resolver.modules.found[key[0]]
            acts = _acts_when_called(self.resolver.unit(key), deep=deep)
            known = self._own_slots[key, deep] = frozenset(
                slot for act in acts for slot in self.act(module, act, now=False)
            )
        return known

    def changed_by(self, key: Key, depth: int = 0) -> frozenset[str]:
        """Return the parameters of a function whose objects it changes."""
        known = self._params.get(key)
        if known is not None:
            return known
        self._params[key] = frozenset()  # of a function that calls itself
        module = self.resolver.modules.found[key[0]]
        unit = self.resolver.unit(key)
        changed: set[str] = set()
        for act in unit.acts:
            if act.ref[0] == "param":
                changed.add(act.ref[1])
            if act.kind != "call":
                continue
            given = [(at, ref[1]) for at, ref in act.args if ref[0] == "param"]
            if not given or depth > _DEEPEST:
                continue
            inner = self._given_changes(module, act, depth)
            changed |= {name for at, name in given if inner & {at, "*"}}
        found = frozenset(changed & set(unit.params))
        if depth == 0 or found:
            self._params[key] = found
        else:
            del self._params[key]
        return found

    def _given_changes(self, module: Module, act: Act, depth: int) -> set[str]:
        """Return which arguments of a call within a function are changed."""
        found: set[str] = set()
        for target in self.aliases.targets(module, act.ref):
            if target.kind != "unit":
                if act.bare and not _HARMLESS.match(target.name):
                    found.add("*")
                continue
            key = (target.module, target.position)
            unit = self.resolver.unit(key)
            if unit.kind != "def":
                continue
            for name in self.changed_by(key, depth + 1):
                found |= {name, str(unit.params.index(name))}
        return found

    # Classes and aliases -----------------------------------------------------------

    def hooks(self, module: Module, unit: Unit) -> Iterator[Slot]:
        """Yield what defining a class changes by way of its bases."""
        hooking = bool(unit.flags & HOOKS)
        found: dict[Key, Slot] = {}
        todo = [(module, ref) for ref in unit.bases]
        while todo:
            where, ref = todo.pop()
            for target in self.aliases.targets(where, ref):
                key = (target.module, target.position)
                if target.kind != "unit" or key in found:
                    continue
                found[key] = (target.module, target.name)
                base = self.resolver.unit(key)
                hooking = hooking or bool(base.flags & HOOKS)
                home = self.resolver.modules.found[key[0]]
                todo += [(home, inner) for inner in base.bases]
        if hooking:
            for key, slot in found.items():
                yield from self._hook(key, slot)

    def _hook(self, key: Key, own: Slot) -> Iterator[Slot]:
        """Yield what a class changes when a subclass or instance of it is made."""
        module = self.resolver.modules.found[key[0]]
        unit = self.resolver.unit(key)
        for act in unit.acts:
            if not _HOOKING.isdisjoint(act.owner.split(".")):
                yield from self.act(module, act, now=False)
                # `cls.k = 1` concerns the new class, `cls.known[k] = cls` not only.
                if act.ref[0] == "param" and (act.kind == "call" or act.ref[2]):
                    yield own


def _acts_when_called(unit: Unit, *, deep: bool) -> Iterator[Act]:
    """Yield what a unit does when it is called."""
    for act in unit.acts:
        if not act.owner:
            continue
        if unit.kind == "def" and not deep and act.owner != unit.name:
            continue
        if unit.kind == "class" and not deep:
            method = act.owner.split(".")[1:2]
            if method and method[0] not in _CONSTRUCTORS:
                continue
        yield act


def _calls(unit: Unit, *, deep: bool) -> Iterator[Ref]:
    """Yield what a unit may call when it is called."""
    passed_over = frozenset(() if deep else unit.deep)
    for ref, _ in unit.later:
        if ref not in passed_over:
            yield ref
    if unit.kind not in ("def", "class"):
        for ref, _ in unit.now:
            yield ref
