"""Where assets run: in this process, in threads, or in worker processes.

Workers are forked from a server that has imported pandas and Arrow already,
and load the Assetfile from the very bytes that the parent fingerprinted. What
waits for another program (Spark) runs in a thread of the parent.
"""

from __future__ import annotations

import multiprocessing
import signal
from collections.abc import Mapping
from concurrent.futures import Future, ProcessPoolExecutor, ThreadPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from assetmake.assets import Asset, Resolved, resolve
from assetmake.frames import Frames
from assetmake.frames.base import Stored
from assetmake.load import importing, load
from assetmake.run import Failed, Ran, Reading, Task, run_asset

#: Imported once, by the server that workers are forked from.
PRELOAD = ["assetmake.workers", "pandas", "pyarrow.parquet"]


@dataclass(frozen=True, slots=True)
class Origin:
    """What a worker needs to load the project just as its parent did.

    Attributes:
        assetfile: Its path.
        root: The project's directory.
        files: Bytes of the project's modules, by path.
        settings: Of the handlers.
    """

    assetfile: Path
    root: Path
    files: Mapping[Path, bytes]
    settings: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Order:
    """One run of one asset, in plain values that cross processes.

    Attributes:
        name: The asset's.
        stored: What it reads, in the order of its inputs.
        staged: An empty directory to save into.
        table_format: In which format tables are kept by default.
        ignored: Files and directories whose reading is no news to the audit.
    """

    name: str
    stored: tuple[Stored, ...]
    staged: Path
    table_format: str
    ignored: tuple[Path, ...]


def task_of(
    order: Order,
    asset: Asset,
    resolved: Resolved,
    root: Path,
    *,
    uses_spark: bool = False,
) -> Task:
    """Return the task that an order stands for, in a process with its project."""
    readings = tuple(
        Reading(item.parameter, item.annotation, stored)
        for item, stored in zip(resolved.inputs, order.stored, strict=True)
    )
    return Task(
        asset,
        readings,
        order.staged,
        order.table_format,
        root,
        order.ignored,
        uses_spark,
    )


class Workers:
    """Up to `jobs` worker processes, made when the first order comes."""

    def __init__(self, origin: Origin, jobs: int) -> None:
        self._origin = origin
        self._jobs = jobs
        self._pool: ProcessPoolExecutor | None = None
        self._threads: ThreadPoolExecutor | None = None

    def submit(self, order: Order) -> Future[Ran]:
        """Run an order in a worker process.

        The future raises BrokenProcessPool if a worker died; `restart` then.
        """
        if self._pool is None:
            context = multiprocessing.get_context("forkserver")
            context.set_forkserver_preload(PRELOAD)
            self._pool = ProcessPoolExecutor(
                self._jobs, context, initializer=_begin, initargs=(self._origin,)
            )
        return self._pool.submit(_run, order)

    def submit_here(self, task: Task, frames: Frames) -> Future[Ran]:
        """Run a task in a thread of this process."""
        if self._threads is None:
            self._threads = ThreadPoolExecutor(self._jobs, "assetmake")
        return self._threads.submit(run_asset, task, frames)

    def restart(self) -> None:
        """Drop a pool that broke; the next order makes a new one."""
        if self._pool is not None:
            self._pool.shutdown(wait=False, cancel_futures=True)
            self._pool = None

    def close(self, *, kill: bool = False) -> None:
        """End the workers; `kill` does not wait for what they run."""
        if self._pool is not None:
            processes = list((self._pool._processes or {}).values())  # noqa: SLF001
            self._pool.shutdown(wait=not kill, cancel_futures=True)
            if kill:
                for process in processes:
                    process.kill()
                    process.join()
            self._pool = None
        if self._threads is not None:
            self._threads.shutdown(wait=not kill, cancel_futures=True)
            self._threads = None


class _Here:
    """The project as one worker process has loaded it."""

    def __init__(self, origin: Origin) -> None:
        self.root = origin.root
        self.loaded = load(origin.assetfile, origin.root, files=origin.files)
        self.assets = {asset.name: asset for asset in self.loaded.assets}
        self.known = {*self.assets, *(s.name for s in self.loaded.sources)}
        self.frames = Frames(origin.settings)

    def run(self, order: Order) -> Ran:
        asset = self.assets.get(order.name)
        if asset is None:
            message = f"a worker process does not define `{order.name}`"
            hint = "do not let definitions hang on the process: a clock, a random"
            return Ran(
                0.0, None, "", failed=Failed("LoadError", message, hints=(hint,))
            )
        task = task_of(order, asset, resolve(asset, self.known), self.root)
        with importing(self.loaded):
            return run_asset(task, self.frames)


_here: list[_Here] = []


def _begin(origin: Origin) -> None:
    # Ctrl-C reaches the whole group; the parent decides what ends.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    _here[:] = [_Here(origin)]


def _run(order: Order) -> Ran:
    return _here[0].run(order)


__all__ = ["BrokenProcessPool", "Order", "Origin", "Workers", "task_of"]
