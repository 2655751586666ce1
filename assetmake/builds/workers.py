"""Where assets run that are built at the same time: worker processes and threads.

Workers are forked from a server that has imported pandas, Arrow and what the
project imports, and load the Assetfile from the very bytes that the parent
fingerprinted. What waits for another program (Spark) runs in a thread.
"""

from __future__ import annotations

import contextlib
import os
import queue
import signal
import socket
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from multiprocessing.connection import Connection, wait
from typing import Any

from assetmake.assetfile.load import importing, load
from assetmake.assets import resolve
from assetmake.builds.orders import Died, Order, Origin, task_of
from assetmake.builds.run import Failed, Ran, run_asset
from assetmake.checks import bind, checks_by_asset
from assetmake.errors import AssetmakeError
from assetmake.frames import Frames
from assetmake.system.forks import Server, Start
from assetmake.system.memory import give_back

#: Imported once, by the server that workers are forked from.
_PRELOAD = (
    "assetmake.builds.workers",
    "pandas",
    "pyarrow.parquet",
    "assetmake.frames.pandas",
)

#: Bytes that a run took from which on a worker gives back what it holds.
_LARGE = 256 << 20

#: How often the server is started again after it was killed.
_MOST_SERVERS = 3


@dataclass(slots=True, eq=False)
class _Worker:
    """The parent's side of a worker process.

    Attributes:
        number: The server's for it.
        connection: Takes orders and gives what came of them.
        end: The other end of it, until the worker has it for sure.
        pid: Of the process; 0 as long as it has not said so.
        order: What it runs; None while it waits for one.
        was_alone: Whether nothing else ran since that began.
        is_gone: Whether the other end of the connection is closed.
    """

    number: int
    connection: Connection
    end: socket.socket | None
    pid: int = 0
    order: Order | None = None
    was_alone: bool = True
    is_gone: bool = False


class Workers:
    """Up to `jobs` worker processes, made as orders come, and as many threads."""

    def __init__(self, origin: Origin, jobs: int) -> None:
        self._origin = origin
        self._jobs = jobs
        self._server: Server | None = None
        self._servers = 0
        self._workers: dict[int, _Worker] = {}
        self._threads: ThreadPoolExecutor | None = None
        self._in_threads = 0
        self._ended: queue.SimpleQueue[tuple[str, Future[Ran]]] = queue.SimpleQueue()
        self._wake: socket.socket | None = None

    # What runs ----------------------------------------------------------------

    def start(self) -> Server:
        """Start the server; it imports what workers need while others go on."""
        if self._server is None:
            extra = () if self._servers else self._origin.imports
            self._servers += 1
            target = f"{__name__}:work"
            self._server = Server(Start(_PRELOAD, extra, target, self._origin))
        return self._server

    def submit(self, order: Order) -> None:
        """Run an order in a worker process; at most `jobs` at a time."""
        idle = [w for w in self._workers.values() if not w.order and not w.is_gone]
        worker = idle[0] if idle else self._made()
        worker.order = order
        worker.was_alone = not self._company()
        self._send(worker)

    def submit_here(self, name: str, run: Callable[[], Ran]) -> None:
        """Run something in a thread of this process."""
        if self._threads is None:
            self._threads = ThreadPoolExecutor(self._jobs, "assetmake")
            self._wake, self._waker = socket.socketpair()
        self._company()
        self._in_threads += 1
        self._threads.submit(run).add_done_callback(
            lambda future: self._end_here(name, future)
        )

    def _end_here(self, name: str, future: Future[Ran]) -> None:
        self._ended.put((name, future))
        with contextlib.suppress(OSError):  # nobody waits any more
            self._waker.send(b"x")

    def _company(self) -> bool:
        """Note that what runs is not alone from now on; return whether any does."""
        running = [worker for worker in self._workers.values() if worker.order]
        if len(running) + self._in_threads > 1:
            for worker in running:
                worker.was_alone = False
        return len(running) + self._in_threads > 1

    def _made(self) -> _Worker:
        number, connection, end = self.start().fork()
        worker = self._workers[number] = _Worker(number, connection, end)
        return worker

    def _send(self, worker: _Worker) -> None:
        try:
            worker.connection.send(worker.order)
        except OSError:  # how it ended, the server is going to say
            worker.is_gone = True

    # What has ended -------------------------------------------------------------

    def finished(self) -> list[tuple[str, Ran | Died]]:
        """Return what has ended since the last call; wait until something has."""
        found: list[tuple[str, Ran | Died]] = []
        while not found:
            watched = {
                worker.connection: worker
                for worker in self._workers.values()
                if not worker.is_gone
            }
            sources: list[Any] = [*watched]
            if self._server is not None:
                sources.append(self._server.control)
            if self._wake is not None:
                sources.append(self._wake)
            for ready in wait(sources):
                if ready is self._wake:
                    found += self._from_thread()
                elif ready in watched:
                    found += self._from_worker(watched[ready])
                else:
                    found += self._from_server()
        return found

    def _from_thread(self) -> Iterator[tuple[str, Ran | Died]]:
        assert self._wake is not None
        self._wake.recv(1)
        name, future = self._ended.get()
        self._in_threads -= 1
        yield name, future.result()

    def _from_worker(self, worker: _Worker) -> Iterator[tuple[str, Ran | Died]]:
        try:
            while worker.connection.poll():
                told = worker.connection.recv()
                if worker.end is not None:
                    worker.end.close()
                    worker.end = None
                if isinstance(told, Ran) and worker.order is not None:
                    name, worker.order = worker.order.name, None
                    yield name, told
                else:
                    worker.pid = told
        except (EOFError, OSError):
            worker.is_gone = True

    def _from_server(self) -> Iterator[tuple[str, Ran | Died]]:
        assert self._server is not None
        news = self._server.news()
        if news is None:
            yield from self._after_server()
            return
        word, number, status = news
        if word == "unfit":
            self._start_without_extra()
        elif word == "died" and number in self._workers:
            yield from self._bury(self._workers.pop(number), status)

    def _bury(self, worker: _Worker, status: int) -> Iterator[tuple[str, Ran | Died]]:
        """Take what a worker left behind: a result, or an order without one."""
        yield from self._from_worker(worker)
        if worker.order is not None:
            yield worker.order.name, Died(status, worker.was_alone)
        worker.connection.close()
        if worker.end is not None:
            worker.end.close()

    def _start_without_extra(self) -> None:
        """Begin again with a server that can be forked; nothing has run yet."""
        lost = [worker.order for worker in self._workers.values() if worker.order]
        self._drop_server(kill=True)
        for order in lost:
            self.submit(order)

    def _after_server(self) -> Iterator[tuple[str, Ran | Died]]:
        """End what is left of a server that was killed itself."""
        left = list(self._workers.values())
        for worker in left:
            yield from self._from_worker(worker)
            if worker.pid and not worker.is_gone:
                with contextlib.suppress(OSError):
                    os.killpg(worker.pid, signal.SIGKILL)
        if self._servers >= _MOST_SERVERS:
            for worker in left:
                worker.was_alone = True
        for worker in left:
            yield from self._bury(worker, -signal.SIGKILL)
        self._drop_server(kill=True)

    def _drop_server(self, *, kill: bool) -> None:
        for worker in self._workers.values():
            worker.connection.close()
            if worker.end is not None:
                worker.end.close()
        self._workers.clear()
        if self._server is not None:
            self._server.close(kill=kill)
            self._server = None

    def close(self, *, kill: bool = False) -> None:
        """End the workers; `kill` does not wait for what they run."""
        kill = kill or any(worker.order for worker in self._workers.values())
        self._drop_server(kill=kill)
        if self._threads is not None:
            self._threads.shutdown(wait=not kill, cancel_futures=True)
            self._threads = None


class _Here:
    """The project as one worker process has loaded it."""

    def __init__(self, origin: Origin) -> None:
        self._origin = origin
        self._loaded = load(origin.assetfile, origin.root, files=origin.files)
        self._assets = {asset.name: asset for asset in self._loaded.assets}
        sources = (source.name for source in self._loaded.sources)
        self._known = {*self._assets, *sources}
        self._checks = checks_by_asset(
            self._loaded.checks, self._assets, self._known, origin.root
        )
        self._frames = Frames(origin.settings)

    def work(self, connection: Connection) -> None:
        with importing(self._loaded):
            for order in _orders(connection):
                ran = self._run(order)
                connection.send(ran)
                if (ran.peak_memory or 0) > _LARGE:
                    give_back()
        self._frames.close()

    def _run(self, order: Order) -> Ran:
        asset = self._assets.get(order.name)
        if asset is None:
            message = f"a worker process does not define `{order.name}`"
            return _not_loaded(message)
        resolved = resolve(asset, self._known)
        checks = [
            bind(check, order.name, resolved, self._known, self._origin.root)
            for check in self._checks.get(order.name, ())
        ]
        task = task_of(order, asset, resolved, self._origin, checks=checks)
        return run_asset(task, self._frames, echo=self._origin.echo)


def work(connection: Connection, origin: Origin) -> None:
    """Be a worker: run orders until the parent closes the connection."""
    with contextlib.suppress(OSError):  # the parent has gone
        connection.send(os.getpid())
        try:
            here = _Here(origin)
        except AssetmakeError as error:
            for _ in _orders(connection):
                message = f"a worker process cannot load the Assetfile: {error}"
                connection.send(_not_loaded(message))
            return
        here.work(connection)


def _orders(connection: Connection) -> Iterator[Order]:
    with contextlib.suppress(EOFError):
        while True:
            yield connection.recv()


def _not_loaded(message: str) -> Ran:
    hint = "do not let definitions hang on the process: a clock, a random number"
    return Ran(0.0, None, "", failed=Failed("LoadError", message, hints=(hint,)))
