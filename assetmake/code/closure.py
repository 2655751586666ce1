"""Fingerprint the code of assets: all of the project that they refer to.

Sources are read and compared as text and syntax trees. Only functions made by
loops and factories are also looked at live, for the values they close over.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Collection, Iterable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from assetmake.code.effects import find_effects
from assetmake.code.graph import Graph
from assetmake.code.kept import Summaries
from assetmake.code.listing import Lines
from assetmake.code.live import Live
from assetmake.code.loading import Loading
from assetmake.code.modules import Module, Modules
from assetmake.code.nodes import PROJECT, Node
from assetmake.code.parts import Closure, Note, Part, Place
from assetmake.code.records import READS_DOCS, READS_NOTES
from assetmake.code.resolve import NO_EFFECTS, Resolver
from assetmake.code.roots import Root, RootFinder
from assetmake.code.sources import Sources
from assetmake.errors import LoadError
from assetmake.fingerprint import digest

#: Names the way in which code is fingerprinted; only equal ones are compared.
SCHEME = "code-1"


class _Shown(NamedTuple):
    """What the parts of all assets that reach a node have in common."""

    name: str
    kind: str
    place: Place
    fingerprint: str
    source: str


class Code:
    """The static model of one project's sources; each file is read once."""

    def __init__(
        self,
        root: Path,
        entry: Path,
        files: Mapping[Path, bytes] | None = None,
        *,
        search_path: Iterable[str] | None = None,
        summaries: Summaries | None = None,
    ) -> None:
        """Read nothing yet.

        Args:
            root: The project's directory.
            entry: Its Assetfile.
            files: The modules that loading the Assetfile imported, in order:
                their bytes by absolute path, which count instead of what the
                files hold now.
            search_path: As ``sys.path``, which it is if None.
            summaries: Those of files analysed before; new ones are added.
        """
        self.root = os.path.abspath(root)
        self._entry = os.path.abspath(entry)
        self._files = files if files is not None else {}
        self._search_path = search_path
        self._summaries = Summaries("") if summaries is None else summaries
        self._model: Model | None = None

    @property
    def files(self) -> dict[str, str]:
        """Digest of every project file read so far, by absolute path."""
        return dict(self._model.sources.digests) if self._model else {}

    @property
    def texts(self) -> dict[str, bytes]:
        """Bytes of every project file read so far, by absolute path."""
        return self._model.sources.texts if self._model else {}

    @property
    def looked_for(self) -> frozenset[str]:
        """Absolute paths that were looked for and not there."""
        found = self._model.sources.looked_for if self._model else ()
        return frozenset(found)

    @property
    def listed(self) -> tuple[str, ...]:
        """Absolute directories of which every Python file counts."""
        return self._model.sources.listed if self._model else ()

    def is_current(self) -> bool:
        """Return whether files and directories are still as they were read."""
        return self._model is None or self._model.sources.is_current()

    def closure(
        self,
        function: Any,
        registered: tuple[str, int],
        *,
        settings: Collection[str] = (),
    ) -> Closure:
        """Return all code that an asset depends on.

        Args:
            function: What `asset` was given; best the very function that was
                written, but wrappers are seen through.
            registered: Absolute path and line of the module-level statement
                during which `asset` was called.
            settings: Names of parameters whose defaults are settings.

        Raises:
            LoadError: a file that the asset refers to is not Python.
        """
        return self.trace(self.observe(function, registered), settings=settings)

    def observe(self, function: Any, registered: tuple[str, int]) -> Live:
        """Return what only a live function tells of an asset's code; see `closure`."""
        return self.model().observe(function, registered)

    def trace(self, live: Live, *, settings: Collection[str] = ()) -> Closure:
        """Return all code that an asset depends on, by what `observe` told."""
        return self.model().closure(live, settings)

    def model(self) -> Model:
        """Return the model of all modules, made when first asked for."""
        if self._model is None:
            sources = Sources(self._files, self._summaries)
            loaded = [str(path) for path in self._files]
            self._model = Model(
                sources, self.root, self._entry, self._search_path, loaded
            )
        return self._model


class Model:
    """Modules, effects and graphs as they are for certain bytes."""

    def __init__(
        self,
        sources: Sources,
        root: str,
        entry: str,
        search_path: Iterable[str] | None,
        loaded: Iterable[str] = (),
    ) -> None:
        self.sources = sources
        self.modules = Modules(sources, root, entry, search_path)
        first = self.modules.open("Assetfile", entry)
        if first is None:
            raise LoadError(f"{entry} is not a file of the project {root}")
        first.check()
        self.loading = Loading(self.modules, first)
        for path in loaded:
            module = self.modules.at(path)
            if module is not None:
                self.loading.add(module)
        self.resolver = Resolver(self.modules)
        self._refresh()

    def _refresh(self) -> None:
        """Start anew from the modules that are known to be loaded."""
        self.loading.follow_later()
        self.resolver.set_effects(NO_EFFECTS)
        self.resolver.set_effects(find_effects(self.resolver, self.loading))
        self.finder = RootFinder(self.modules, self.resolver, self.loading)
        self._graphs: dict[int, Graph] = {}
        self._shown: dict[tuple[int, int], _Shown | None] = {}
        self._lines: dict[int, Lines] = {}

    def graph(self, flags: int) -> Graph:
        """Return the graph in which docstrings or annotations count, or not."""
        flags &= READS_DOCS | READS_NOTES
        found = self._graphs.get(flags)
        if found is None:
            found = self._graphs[flags] = Graph(
                self.resolver,
                self.loading,
                docs=bool(flags & READS_DOCS),
                notes=bool(flags & READS_NOTES),
            )
        return found

    def observe(self, function: Any, registered: tuple[str, int]) -> Live:
        """See `Code.observe`."""
        module = self.modules.at(registered[0]) if registered[0] else None
        if module is not None and self.loading.add(module):
            self._refresh()
        return self.finder.observe(function, registered)

    def closure(self, live: Live, settings: Collection[str]) -> Closure:
        """See `Code.trace`."""
        flags = 0
        while True:
            graph = self.graph(flags)
            roots = self.finder.find(graph, live, settings)
            nodes = [root.draft.node(root.flags) for root in roots]
            seen = flags
            for node in nodes:
                flags |= node.flags
                for step in node.inner:
                    flags |= graph.flags(step)
            flags &= READS_DOCS | READS_NOTES
            if flags == seen:
                return _Assembly(self, graph, flags).closure(roots, nodes)

    def lines(self, module: Module) -> Lines:
        """Return the text of a module's file."""
        found = self._lines.get(module.index)
        if found is None:
            found = self._lines[module.index] = Lines(self.sources.read(module.path))
        return found

    def shown(self, graph: Graph, flags: int, number: int) -> _Shown | None:
        """Return how a node is shown as a part; None if it is none."""
        key = (flags, number)
        if key not in self._shown:
            self._shown[key] = self._show(graph, number)
        return self._shown[key]

    def _show(self, graph: Graph, number: int) -> _Shown | None:
        node = graph.node(number)
        mark = fingerprint_of(node, graph.deep(number))
        if node.key == PROJECT:
            modules = sorted(
                (self.modules.found[index] for index in node.through),
                key=lambda module: module.file,
            )
            text = "\n".join(
                f"{module.file} {self.sources.digests[module.path]}"
                for module in modules
            )
            place = Place(self.loading.entry.file, 1)
            return _Shown("all project files", "value", place, mark, text)
        if node.key[0] != "unit":
            return None
        module = self.modules.found[node.key[1]]
        unit = module.summary.units[node.key[2]]
        kind = "helper" if unit.kind in ("def", "class") else "value"
        place = Place(module.file, unit.line)
        return _Shown(unit.name, kind, place, mark, self.lines(module).unit(unit))


class _Assembly:
    """Puts one asset's closure together."""

    def __init__(self, model: Model, graph: Graph, flags: int) -> None:
        self.model = model
        self.graph = graph
        self.flags = flags
        self._parts: list[Part] = []
        self._files: dict[str, str] = {}
        self._packages: set[str] = set()
        self._notes: dict[Note, None] = {}

    def closure(self, roots: list[Root], nodes: list[Node]) -> Closure:
        """Return the closure of parts that an asset begins with."""
        graph = self.graph
        whole = []
        names: dict[int, str] = {}
        for root, node in zip(roots, nodes, strict=True):
            deep = digest(
                *(
                    step if isinstance(step, bytes) else graph.deep(step)
                    for step in node.recipe
                )
            )
            whole.append((root.kind, root.name, deep))
            self._root(root, node, deep)
            for step in node.inner:
                names.setdefault(step, root.name)
        for number, via in graph.reach(names):
            inner = graph.node(number)
            above = names[number] if via < 0 else names[via]
            shown = self.model.shown(graph, self.flags, number)
            names[number] = above if shown is None else shown.name
            if shown is not None:
                self._parts.append(Part(*shown, above))
            self._collect(inner, graph.module(number))
        # The asset's own name can change: what it is called is not its code.
        own = (whole[0][0], whole[0][2])
        return Closure(
            fingerprint=f"{SCHEME}:{digest(self.flags, own, *whole[1:])}",
            parts=tuple(self._parts),
            files=dict(sorted(self._files.items())),
            packages=tuple(sorted(self._packages)),
            notes=tuple(self._notes),
        )

    def _root(self, root: Root, node: Node, deep: str) -> None:
        text = root.text
        module = None
        if root.source is not None:
            module, unit, extent = root.source
            lines = self.model.lines(module)
            text = text or (lines.part(extent) if extent else lines.unit(unit))
        mark = fingerprint_of(node, deep.encode())
        via = self._parts[0].name if self._parts else ""
        self._parts.append(Part(root.name, root.kind, root.place, mark, text, via))
        self._collect(node, module)

    def _collect(self, node: Node, module: Module | None) -> None:
        """Add a node's files, packages and notes."""
        sources = self.model.sources
        found = self.model.modules.found
        reached = [found[index] for index in node.through]
        if module is not None:
            reached.append(module)
        for item in reached:
            if item.path and item.path in sources.digests:
                self._files[item.file] = sources.digests[item.path]
        for text in node.leaves:
            if text.startswith("ext:"):
                top = text[4:].partition(".")[0]
                if top not in sys.stdlib_module_names and top != "assetmake":
                    self._packages.add(top)
        file = module.file if module else self.model.loading.entry.file
        for line, text in node.notes:
            self._notes[Note(Place(file, line), text)] = None


def fingerprint_of(node: Node, deep: bytes) -> str:
    """Return the fingerprint of one part.

    It consists of three digests: of the part's own text, of the names outside
    of the project that it refers to, and of all that it leads to. So that a
    reason can name the part that changed, `explain` compares them one by one.
    """
    leaves = digest(*node.leaves)
    return f"{SCHEME}:{node.text}{leaves[:16]}{deep[:16].decode()}"
