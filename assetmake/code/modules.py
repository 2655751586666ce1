"""Find the project's modules by Python's rules of import, without importing.

Names of modules become `Module` records, or leaves: texts for what is not the
project's, equal on every machine. What is in a module is for `resolve`.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Sequence
from importlib.machinery import BuiltinImporter, FrozenImporter, PathFinder
from pathlib import Path

from assetmake.code.imports import Bounds
from assetmake.code.records import Summary
from assetmake.code.sources import BrokenSource, Sources
from assetmake.errors import LoadError

_EMPTY = Summary((), {}, (), None, (), "", {}, ((), {}, (), (), (), ()), {}, 0)

#: Finders whose work is done here, or that find nothing of the project.
_OWN_FINDERS = (BuiltinImporter, FrozenImporter, PathFinder)


class Module:
    """One module or package of the project.

    Attributes:
        index: Its number; numbers count from 0 in the order of discovery.
        name: As it is imported.
        path: Absolute; empty for a namespace package.
        file: As messages show it.
        package: Name of the package that relative imports begin at.
        directories: Where its submodules are looked for; empty for a module.
        home: Its own directory.
        summary: What the file says; empty if it is not Python.
        broken: Why it is not, else None.
    """

    __slots__ = (
        "broken",
        "directories",
        "file",
        "home",
        "index",
        "name",
        "package",
        "path",
        "summary",
    )

    def __init__(
        self, index: int, name: str, path: str, file: str, directories: Sequence[str]
    ) -> None:
        self.index = index
        self.name = name
        self.path = path
        self.file = file
        self.directories = tuple(directories)
        self.package = name if directories else name.rpartition(".")[0]
        self.home = os.path.dirname(path)
        self.summary = _EMPTY
        self.broken: BrokenSource | None = None

    def check(self) -> None:
        """Raise if the file is not Python.

        Raises:
            LoadError: it is not.
        """
        if self.broken is None:
            return
        place = f"{self.file}:{self.broken.line}"
        text = f"\n  {self.broken.text}" if self.broken.text else ""
        raise LoadError(
            f"{place}: {self.broken.problem}{text}",
            hints=f"correct {place}, or do not import that file",
        ) from self.broken


class Leaf(str):
    """Stands for what is not code of the project: ``ext:pandas.DataFrame``."""

    __slots__ = ()


class Modules:
    """All modules of one project that were looked for, each found once.

    Attributes:
        found: The modules, by their index.
        roots: Directories where top-level modules are looked for, in order.
    """

    def __init__(
        self, sources: Sources, root: str, entry: str, search_path: Iterable[str] | None
    ) -> None:
        self.sources = sources
        self.root = root
        self.bounds = Bounds(Path(root))
        self.found: list[Module] = []
        self._by_path: dict[str, Module] = {}
        self._by_name: dict[str, Module | Leaf] = {}
        given = sys.path if search_path is None else search_path
        kept = [
            os.path.abspath(item)
            for item in given
            if item and self.bounds.owns(os.path.join(os.path.abspath(item), "_.py"))
        ]
        self.roots = list(dict.fromkeys([root, os.path.dirname(entry), *kept]))
        self._others = [
            item
            for item in sys.path
            if item and os.path.abspath(item) not in self.roots
        ]

    def at(self, path: str) -> Module | None:
        """Return the module whose file a path is, found as an import would."""
        known = self._by_path.get(path)
        if known is not None:
            return known
        path = os.path.abspath(path)
        known = self._by_path.get(path) or self._by_path.get(os.path.realpath(path))
        if known is not None:
            return known
        for top in self.roots:
            if path.startswith(top + os.sep) and path.endswith(".py"):
                parts = os.path.relpath(path, top)[:-3].split(os.sep)
                if parts[-1] == "__init__":
                    parts.pop()
                found = self.find(".".join(parts)) if parts else None
                if isinstance(found, Module) and found.path == path:
                    return found
        return self.open(os.path.basename(path).removesuffix(".py"), path)

    def open(self, name: str, path: str) -> Module | None:
        """Return a module that is loaded by its path, under any name."""
        path = os.path.abspath(path)
        if path in self._by_path:
            return self._by_path[path]
        if not self.bounds.owns(path) or not os.path.isfile(path):
            return None
        directory = os.path.dirname(path)
        return self._add(name, path, (), directory)

    def extend(self, directory: str, *, front: bool) -> None:
        """Look for top-level modules in one more directory, from now on."""
        if directory in self.roots or not os.path.isdir(directory):
            return
        if self.bounds.owns(os.path.join(directory, "_.py")):
            self.roots.insert(0 if front else len(self.roots), directory)
            self._by_name = {
                name: item
                for name, item in self._by_name.items()
                if isinstance(item, Module)
            }

    def find(self, name: str, home: str = "") -> Module | Leaf:
        """Return the module of an absolute name, or a leaf.

        Args:
            name: As it is imported: ``pkg.units``.
            home: A directory to look in when the roots do not have it.
        """
        known = self._by_name.get(name)
        if known is None:
            known = self._find(name)
            self._by_name[name] = known
        beside = home and home not in self.roots and "." not in name
        if isinstance(known, Leaf) and beside:
            return self._search((home,), name, name) or known
        return known

    def find_quickly(self, name: str) -> Module | None:
        """Return a module that lies where the project's usually do.

        For names that need not be those of modules: what is not found is not
        looked for among installed packages.
        """
        known = self._by_name.get(name)
        if known is None:
            above, _, last = name.rpartition(".")
            parent = self.find_quickly(above) if above else None
            if above and parent is None:
                return None
            directories = parent.directories if parent else self.roots
            known = self._search(directories, last, name)
            if isinstance(known, Module) and known.path:
                self._by_name[name] = known
        return known if isinstance(known, Module) and known.path else None

    def _find(self, name: str) -> Module | Leaf:
        above, _, last = name.rpartition(".")
        if not above:
            return self._top(last)
        parent = self.find(above)
        if isinstance(parent, Leaf):
            return Leaf(f"{parent}.{last}")
        found = self._search(parent.directories, last, name)
        return found or Leaf(f"missing:{last}")

    def _top(self, name: str) -> Module | Leaf:
        leaf = Leaf(f"ext:{name}")
        if name == "assetmake" or name in sys.builtin_module_names or not name:
            return leaf
        found = self._search(self.roots, name, name)
        if isinstance(found, Module) and not found.path and self._is_installed(name):
            return leaf  # a mere directory gives way to an installed package
        if found is not None:
            return found
        if name in sys.stdlib_module_names:
            return leaf
        return self._hooked(name) or self._anywhere(name) or leaf

    def _search(
        self, directories: Iterable[str], last: str, name: str
    ) -> Module | Leaf | None:
        """Return what a name stands for in directories, as Python looks it up."""
        portions = []
        for directory in directories:
            inner = os.path.join(directory, last)
            sources = self.sources
            if sources.has(directory, last) and os.path.isdir(inner):
                if sources.has(inner, "__init__.py"):
                    path = os.path.join(inner, "__init__.py")
                    return self._add(name, path, (inner,), directory)
                portions.append(inner)
            binary = self._binary(directory, last)
            if binary:
                return Leaf(f"binary:{name}:{self._digest(binary)}")
            if sources.has(directory, f"{last}.py"):
                path = os.path.join(directory, f"{last}.py")
                return self._add(name, path, (), directory)
        if portions:
            return self._add(name, "", portions, os.path.dirname(portions[0]))
        return None

    def _binary(self, directory: str, last: str) -> str:
        for name in self.sources.names(directory):
            if name.startswith(f"{last}.") and name.endswith((".so", ".pyd")):
                return os.path.join(directory, name)
        return ""

    def _digest(self, path: str) -> str:
        self.sources.read(path)
        return self.sources.digests[path]

    def _add(
        self, name: str, path: str, directories: Sequence[str], top: str
    ) -> Module:
        if path in self._by_path:
            return self._by_path[path]
        file = self._shown(path, top, name)
        module = Module(len(self.found), name, path, file, directories)
        self.found.append(module)
        if path:
            # The code object of an import through a link names the link.
            self._by_path[path] = module
            self._by_path.setdefault(os.path.realpath(path), module)
            try:
                module.summary = self.sources.summary(path)
            except BrokenSource as problem:
                module.broken = problem
            except OSError as error:
                module.broken = BrokenSource(str(error.strerror), 1, "")
        return module

    def _shown(self, path: str, top: str, name: str) -> str:
        if not path:
            return name.replace(".", "/")
        base = self.root if path.startswith(self.root + os.sep) else top
        while "." in name and base == top != self.root:
            # `top` is the package's directory: show it from where it is found.
            name = name.rpartition(".")[0]
            base = top = os.path.dirname(top)
        return os.path.relpath(path, base).replace(os.sep, "/")

    def _is_installed(self, name: str) -> bool:
        try:
            spec = PathFinder.find_spec(name, self._others)
        except Exception:  # noqa: BLE001 - whatever an entry of sys.path raises
            return False
        return spec is not None and spec.origin is not None

    def _hooked(self, name: str) -> Module | None:
        """Return a module that an editable install's own finder knows."""
        for finder in sys.meta_path:
            if finder in _OWN_FINDERS or not hasattr(finder, "find_spec"):
                continue
            try:
                spec = finder.find_spec(name, None)
            except Exception:  # noqa: BLE001, S112 - any library may hook imports
                continue
            origin = spec.origin if spec is not None else None
            if origin and origin.endswith(".py") and self.bounds.owns(origin):
                package = os.path.basename(origin) == "__init__.py"
                inner = os.path.dirname(origin)
                top = os.path.dirname(inner) if package else inner
                return self._add(name, origin, (inner,) if package else (), top)
        return None

    def _anywhere(self, name: str) -> Module | Leaf | None:
        """Return the one module of that name anywhere in the project.

        ``sys.path`` can be extended in ways that only a run shows, so what is
        not installed and there once is taken to be meant.
        """
        if self._is_installed(name):
            return None
        tails = (f"{os.sep}{name}.py", os.path.join("", name, "__init__.py"))
        hits = [
            path
            for path in self.sources.python_files(self.root)
            if path.endswith((tails[0], os.sep + tails[1]))
        ]
        if len(hits) != 1:
            return None
        directory = os.path.dirname(hits[0])
        if hits[0].endswith("__init__.py"):
            directory = os.path.dirname(directory)
        return self._search((directory,), name, name)

    def absolute(self, module: Module, base: str) -> tuple[str, str]:
        """Return (absolute name of a module, name in it) for an import.

        The name of the module is empty if a relative import leads nowhere.
        """
        name, _, attribute = base.partition(":")
        stem = name.lstrip(".")
        level = len(name) - len(stem)
        if level:
            above = module.package.split(".") if module.package else []
            if level > len(above):
                return "", attribute
            above = above[: len(above) - level + 1]
            name = ".".join([*above, stem] if stem else above)
        return name, attribute
