"""Follow imports from the Assetfile, in the order in which they would run.

The outcome is the set of the project's modules, and the order in which their
statements are executed; no code is run.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator

from assetmake.code.modules import Leaf, Module, Modules
from assetmake.code.records import Located, Ref, Unit
from assetmake.code.resolve import Key
from assetmake.code.syspath import evaluate, is_within

#: Files that no computed import of a project means, unless it names their package.
_TEST = re.compile(r"(/|^)(tests?/|test_[^/]*$|[^/]*_test\.py$|(conftest|setup)\.py$)")


class Loading:
    """The modules that the Assetfile leads to.

    Attributes:
        executed: Units in the order in which importing the Assetfile runs
            them; then those of modules that are imported later, if at all.
        imported: Modules in the order in which importing the Assetfile begins
            to run them.
        added: Those of them that no import was found for; see `add`.
    """

    def __init__(self, modules: Modules, entry: Module) -> None:
        self.modules = modules
        self.entry = entry
        self.executed: list[Key] = []
        self.imported: list[Module] = []
        self.added: list[Module] = []
        self._entered: set[int] = set()
        self._direct: dict[int, list[int]] = {}
        self._enter(entry)

    def add(self, module: Module) -> bool:
        """Take in a module that a load was seen to run; return if it is new."""
        if module.index in self._entered:
            return False
        self.added.append(module)
        self._direct[self.entry.index].append(module.index)
        self._enter(module)
        return True

    def loaded_by(self, module: Module) -> list[int]:
        """Return the modules that importing one runs, itself last, in order."""
        found: dict[int, None] = {}
        todo: list[tuple[int, bool]] = [(module.index, False)]
        seen: set[int] = set()
        while todo:
            index, done = todo.pop()
            if done:
                found[index] = None
            elif index not in seen:
                seen.add(index)
                todo.append((index, True))
                inner = self._direct.get(index, ())
                todo.extend((other, False) for other in reversed(inner))
        return list(found)

    def targets(self, module: Module, ref: Ref) -> list[Module]:
        """Return the modules that a reference loads, outermost first."""
        kind, base, _ = ref
        if kind == "computed":
            return self.computed(module, base)
        if kind == "script":
            found = self.script(module, base)
            return [found] if found else []
        if kind not in ("load", "import"):
            return []
        name, attribute = self.modules.absolute(module, base)
        if not name:
            return []
        loaded = self._packages(name, module.home)
        if attribute and attribute != "*" and loaded and loaded[-1].name == name:
            loaded += self._submodule(loaded[-1], attribute)
        elif attribute == "*" and loaded and loaded[-1].name == name:
            for export in loaded[-1].summary.exports or ():
                loaded += self._submodule(loaded[-1], export)
        return loaded

    def computed(self, module: Module, prefix: str) -> list[Module]:
        """Return the modules whose names begin with a text, sorted by path."""
        name, _ = self.modules.absolute(module, prefix.rstrip(".") or "")
        relative = prefix and not prefix.strip(".")
        if relative:
            name = module.package
        top = self.modules.root
        if name:
            package = self.modules.find(name)
            if isinstance(package, Leaf):
                return []
            top = package.directories[0] if package.directories else package.home
        found = [
            self.modules.at(path)
            for path in self.modules.sources.python_files(top)
            if name or not _TEST.search(path)
        ]
        return [item for item in found if item is not None and not item.broken]

    def script(self, module: Module, text: str) -> Module | None:
        """Return the file of the project that a text names, if there is one."""
        modules = self.modules
        if text.startswith("-m "):
            name = text[3:]
            found = modules.find(name)
            if isinstance(found, Module) and found.directories:
                found = modules.find(f"{name}.__main__")
            return found if isinstance(found, Module) and found.path else None
        if os.path.basename(text) == "__init__.py":
            return None  # names a package, if anything
        for base in dict.fromkeys((module.home, modules.root)):
            path = os.path.normpath(os.path.join(base, text))
            if is_within(path, modules.root) and os.path.isfile(path):
                return modules.at(path)
            modules.sources.looked_for.add(path)
        return None

    def _submodule(self, package: Module, name: str) -> list[Module]:
        if not package.directories or name in package.summary.bindings:
            return []
        found = self.modules.find(f"{package.name}.{name}")
        return [found] if isinstance(found, Module) else []

    def _packages(self, name: str, home: str) -> list[Module]:
        """Return a module after all the packages that it lies in."""
        parts = name.split(".")
        found = []
        for cut in range(1, len(parts) + 1):
            module = self.modules.find(".".join(parts[:cut]), home)
            if isinstance(module, Leaf):
                break
            found.append(module)
        return found

    def _enter(self, module: Module) -> None:
        """Run a module's statements, and those of the modules that it loads."""
        stack = [self._events(module)]
        while stack:
            inner = next(stack[-1], None)
            if inner is None:
                stack.pop()
            elif inner.index not in self._entered:
                stack.append(self._events(inner))

    def _events(self, module: Module) -> Iterator[Module]:
        """Go through a module; yield each module that has to be run before."""
        self._entered.add(module.index)
        self.imported.append(module)
        direct = self._direct.setdefault(module.index, [])
        for kind, value, index in module.summary.events:
            refs: Iterable[Ref] = ()
            if kind == "load":
                refs = [("load", str(value), ())]
            elif kind == "path":
                self._extend(module, value, front=bool(index))
            elif kind == "unit":
                unit = module.summary.units[index]
                includes = _includes(unit)
                refs = [r for r, _ in refs_now(unit) if includes or r[0] != "script"]
            for ref in refs:
                for other in self.targets(module, ref):
                    direct.append(other.index)
                    yield other
            if kind == "unit":
                self.executed.append((module.index, index))

    def _extend(self, module: Module, value: object, *, front: bool) -> None:
        assert isinstance(value, tuple)
        path = evaluate(value, module.path, self.modules.root, module.summary.paths)
        if path is not None:
            self.modules.extend(path, front=front)

    def follow_later(self) -> None:
        """Enter what functions import, and what those modules import."""
        known = len(self.imported)
        done: set[int] = set()
        while todo := self._entered - done:
            for index in sorted(todo):
                done.add(index)
                module = self.modules.found[index]
                for unit in module.summary.units:
                    for ref in refs_later(unit):
                        for other in self.targets(module, ref):
                            if other.index not in self._entered:
                                self._enter(other)
        del self.imported[known:]


def refs_now(unit: Unit) -> Iterator[Located]:
    """Return the references that are followed when a module is imported."""
    for call in unit.decorators:
        yield from call.refs
    for piece in (*unit.defaults, *unit.annotations):
        yield from piece.refs
    yield from unit.now


def refs_later(unit: Unit) -> Iterator[Ref]:
    """Return the references by which a function may import something."""
    for ref, _ in unit.later:
        if ref[0] in ("load", "import", "computed"):
            yield ref


def _includes(unit: Unit) -> bool:
    """Return whether a statement calls what may be `assetmake.include`."""
    return any(
        act.kind == "call" and "include" in (act.ref[1], *act.ref[2])
        for act in unit.acts
    )
