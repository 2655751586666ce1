"""What a build asks of its project: fingerprints of now, and runs of assets."""

from __future__ import annotations

import sys
import time
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from types import FunctionType, ModuleType
from typing import TYPE_CHECKING, Any

from assetmake.assetfile.defined import needed_load, relative_path, used
from assetmake.builds.early import EarlySpark
from assetmake.builds.held import Held
from assetmake.builds.orders import Died, Order, Origin, task_of
from assetmake.builds.plan import Plan
from assetmake.builds.run import Ran, Task, run_asset
from assetmake.builds.schedule import Memory
from assetmake.code.audit import Seen
from assetmake.code.parts import Closure
from assetmake.code.watcher import Stamp, stamp_of
from assetmake.errors import AssetmakeError
from assetmake.frames import Frames
from assetmake.graph import Graph
from assetmake.look.observe import Observer, source_stored
from assetmake.look.view import View
from assetmake.saved.snapshot import PRIVATE
from assetmake.status.rows import SourceData
from assetmake.stores.local import LocalStore
from assetmake.system.memory import bound, free, parse_size
from assetmake.versions import versions_of

if TYPE_CHECKING:
    from assetmake.builds.workers import Workers
    from assetmake.project import Project

#: Stands for the content of a file that changed since it was read: no file has it.
_MOVED = "changed-while-read:"


class ProjectWorld:
    """The effects of a build, for one view of one project."""

    def __init__(
        self,
        project: Project,
        view: View,
        *,
        plan: Plan | None = None,
        jobs: int = 1,
        debug: bool = False,
        echo: bool = False,
        checks: bool = True,
    ) -> None:
        self._project = project
        self._checks = view.defined.checks if checks else {}
        self._view = view
        self._defined = view.defined
        self._debug = debug
        self._echo = echo
        settings = {"spark": project.config.spark}
        self._frames = Frames(settings)
        loaded, store = needed_load(view.defined), project.store
        self._origin = Origin(
            project.assetfile,
            project.root,
            dict(loaded.files),
            settings,
            table_format=project.config.format,
            private=(store.root / PRIVATE,) if isinstance(store, LocalStore) else (),
            echo=echo,
        )
        self._jobs = jobs
        self._workers: Workers | None = None
        self._spark = EarlySpark(self._start_spark, self._frames.close)
        self._started_ns: dict[str, int] = {}
        self._index = store.index
        self._used = used(view.defined.seen, project.root)
        # Worker processes have no memory in common.
        self._held = Held(_readers(plan, view.defined.graph, jobs), self._takes)

    def close(self) -> None:
        """Give back what handlers hold, such as a Spark session."""
        if self._workers is not None:
            self._workers.close()
        self._spark.close()

    def expect(self, plan: Plan) -> None:
        """Start what the steps of a plan need, and what takes long to come."""
        uses_spark = {s.name for s in plan.steps if self.uses_spark(s.name)}
        if not uses_spark:
            return
        readers: dict[str, list[str]] = {}
        for name in uses_spark:
            for other in self._defined.graph[name]:
                readers.setdefault(other, []).append(name)
        certain = any(step.name in uses_spark for step in plan.certain)
        self._spark.expect(certain, readers)

    def changed(self, name: str) -> None:
        """Take it that the data of an asset came out different."""
        self._spark.changed(name)

    def _start_spark(self) -> None:
        handler: Any = self._frames.for_annotation(
            "pyspark.sql.DataFrame", reading=True
        )
        handler.prepare()

    def source_now(self, name: str) -> str | None:
        """Return the fingerprint that a source has at this moment."""
        known: SourceData = self._view.sources[name]
        observer = Observer(self._project.root, self._index)
        return observer.source(self._defined.sources[name], known.place).fingerprint

    def closure(self, name: str) -> Closure:
        """Return the code of an asset, as it was loaded."""
        return self._defined.closures[name]

    def run(self, name: str, staged: Path, *, checks_only: bool = False) -> Ran:
        """Run an asset into a staged directory, and wait for it."""
        self._started_ns[name] = time.time_ns()
        task = replace(
            self._task(self._order(name, staged, checks_only=checks_only)),
            loaded=lambda: self._held.done(name),
            keep=lambda written: self._held.keep(name, written),
        )
        return self._run(task, debug=self._debug)

    def _run(self, task: Task, *, debug: bool = False) -> Ran:
        """Run a task in this process."""
        said = self._spark.words() if task.uses_spark else ""
        ran = run_asset(task, self._frames, echo=self._echo, debug=debug)
        return replace(ran, printed=said + ran.printed) if said else ran

    def _working(self) -> Workers:
        if self._workers is None:
            from assetmake.builds.workers import Workers

            imports = _installed(needed_load(self._defined).modules.values())
            self._workers = Workers(replace(self._origin, imports=imports), self._jobs)
        return self._workers

    def ended(self, name: str) -> None:
        """Let go of what was held for an asset that is done with."""
        self._held.done(name)

    def _takes(self, reader: str, name: str) -> bool:
        """Whether an asset takes a table from memory that it reads."""
        if self.uses_spark(reader):
            return False
        for item in self._defined.resolved[reader].inputs:
            if item.name == name:
                try:
                    handler = self._frames.for_annotation(item.annotation, reading=True)
                except AssetmakeError:  # it will be told when the reader is run
                    continue
                if not getattr(handler, "is_lazy", True):
                    return True
        return False

    def submit(self, name: str, staged: Path, *, checks_only: bool = False) -> None:
        """Start to run an asset: in a worker, or in a thread if it uses Spark."""
        self._started_ns[name] = time.time_ns()
        order = self._order(name, staged, checks_only=checks_only)
        if self.uses_spark(name):
            task = self._task(order)
            self._working().submit_here(name, lambda: self._run(task))
        else:
            self._working().submit(order)

    def finished(self) -> Sequence[tuple[str, Ran | Died]]:
        """Return what has ended since the last call; wait until something has."""
        return self._working().finished()

    def kill(self) -> None:
        """End all workers at once."""
        self._working().close(kill=True)

    def memory(self, plan: Plan, size: str) -> Memory:
        """Return how much memory the steps of a plan take, and may take.

        Args:
            plan: Of the build.
            size: As `assetmake.system.memory.bound` takes it.
        """
        limit = bound(size)
        if limit is None:
            return Memory(None)
        needs = {}
        for step in plan.steps:
            manifest = self._view.statuses[step.name].manifest
            if manifest is not None and manifest.peak_memory is not None:
                needs[step.name] = manifest.peak_memory
        reserve = min(limit, free() or limit) // 4
        if any(self.uses_spark(step.name) for step in plan.steps):
            told = str(self._origin.settings["spark"].get("spark.driver.memory", "1g"))
            limit = max(limit - int(parse_size(told) or 0), 0)
        return Memory(limit, needs, free, reserve)

    def uses_spark(self, name: str) -> bool:
        """Return whether the code or the types of an asset name pyspark."""
        return self._defined.uses_spark(name)

    def _task(self, order: Order) -> Task:
        name = order.name
        return task_of(
            order,
            self._defined.assets[name],
            self._defined.resolved[name],
            self._origin,
            checks=[item.bound for item in self._checks.get(name, ())],
            uses_spark=self.uses_spark(name),
        )

    def _order(self, name: str, staged: Path, *, checks_only: bool = False) -> Order:
        found = []
        for item in self._defined.resolved[name].inputs:
            if item.name in self._defined.sources:
                source = self._defined.sources[item.name]
                found.append(source_stored(source, self._project.root))
            else:
                manifest = self._view.statuses[item.name].manifest
                if manifest is None:
                    raise AssertionError(item.name)
                stored = self._project.store.stored(manifest)
                found.append(replace(stored, lent=self._held.lend(item.name, name)))
        table = None
        if checks_only:
            manifest = self._view.records[name].manifest
            if manifest is None:
                raise AssertionError(name)
            table = self._project.store.stored(manifest)
        return Order(name, tuple(found), staged, table)

    def observed(self, name: str, seen: Seen | None, check: str = "") -> dict[str, str]:
        """Return fingerprints of the project files that a run was seen to use.

        Like a compiler's list of headers: what the static closure could not
        know of. Declared files and the code that the closure covers stand
        elsewhere in the manifest; what was written while the asset ran is its
        own. With a name in `check`, it is that of the asset which was running.
        """
        root = self._project.root
        closure = self._defined.closures[name]
        looked_at = set() if check else set(self._used)
        for item in self._defined.checks.get(name, ()) if check else ():
            if item.bound.check.name == check:
                closure = item.closure
        # A declared file that is not there leaves no trace among those declared.
        declared = self._view.definitions[name].reads.items()
        covered = {path for path, digest in declared if digest is not None}
        covered |= closure.files.keys()
        if seen is not None:
            looked_at |= used(seen, root) | _code_outside(seen, closure, root)
        observer = Observer(root, self._index)
        stamps = _stamps(self._view.defined.seen if not check else None, seen)
        found = {}
        for path in sorted(looked_at - covered):
            if root / path in stamps:
                moved = _has_moved(root / path, stamps[root / path])
                found[path] = _MOVED if moved else observer.seen(path)
            elif not self._wrote(name, root / path):
                found[path] = observer.seen(path)
        return found

    def _wrote(self, name: str, path: Path) -> bool:
        """Whether a file was written since an asset's run began."""
        try:
            stat = path.stat()
        except OSError:
            return False
        # An archive, or another machine's clock, may date a file in the future:
        # then when it was last changed, which nobody can set, still tells.
        return min(stat.st_mtime_ns, stat.st_ctime_ns) >= self._started_ns[name]

    def versions(self, name: str) -> Mapping[str, str]:
        """Return versions of Python, assetmake and packages used."""
        return versions_of(self._defined.closures[name].packages)


def _stamps(load: Seen | None, run: Seen | None) -> dict[Path, Stamp | None]:
    """Return what files were when they were first read, by the load or by a run.

    Of what the run itself writes, nothing is known: it may be its input, or not.
    """
    found: dict[Path, Stamp | None] = {}
    if run is not None:
        found |= run.stamps
    if load is not None:
        found |= load.stamps
    if run is not None:
        found = {path: at for path, at in found.items() if path not in run.written}
    return found


def _has_moved(path: Path, read: Stamp | None) -> bool:
    """Whether what is there now is not what was read, or was not there then.

    What is gone again was the asset's own, most likely.
    """
    now = stamp_of(path)
    return now is not None and now != read


def _installed(modules: Collection[ModuleType]) -> tuple[str, ...]:
    """Return the modules of installed packages that these have names of.

    Those that were imported at the top; what a function imports when it runs,
    it may also do without.
    """
    found = set()
    for module in modules:
        for value in vars(module).values():
            if isinstance(value, ModuleType):
                found.add(value.__name__)
            elif isinstance(value, type | FunctionType):
                found.add(value.__module__)
    own = {module.__name__ for module in modules}
    return tuple(sorted(n for n in found - own if n in sys.modules and n != "__main__"))


def _readers(plan: Plan | None, graph: Graph, jobs: int) -> dict[str, list[str]]:
    """Return the steps of a plan that read what another one makes."""
    steps = {step.name for step in plan.steps} if plan and jobs == 1 else set()
    readers: dict[str, list[str]] = {}
    for reader in steps:
        for name in steps.intersection(graph[reader]):
            readers.setdefault(name, []).append(reader)
    return readers


def _code_outside(seen: Seen, closure: Closure, root: Path) -> set[str]:
    """Return files of project code that ran, and that the closure did not cover."""
    names = {(part.place.file, part.name.partition(".")[0]) for part in closure.parts}
    found = set()
    for file, qualified, _ in seen.code:
        path = Path(file)
        if not path.is_relative_to(root):
            continue
        relative = relative_path(path, root)
        # What has no name of its own, a lambda say, belongs to a statement.
        top = qualified.partition(".")[0]
        if relative not in closure.files or (
            not top.startswith("<") and (relative, top) not in names
        ):
            found.add(relative)
    return found
