"""Carry out a plan with several assets at once; what each step means is `build`'s.

What is ready runs in the order of the longest path below it, by the seconds
that each asset took last time, so that the last to end is not the longest.
"""

from __future__ import annotations

import heapq
from collections.abc import Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, wait
from concurrent.futures.process import BrokenProcessPool
from pathlib import Path
from typing import Protocol

from assetmake.build import (
    BuildState,
    Started,
    World,
    begin_step,
    failed_outcome,
    finish_step,
)
from assetmake.errors import AssetmakeError
from assetmake.graph import Graph
from assetmake.listen import Listener, Outcome
from assetmake.plan import Plan, Step
from assetmake.run import Failed, Ran
from assetmake.stores.base import Store


class ParallelWorld(World, Protocol):
    """A world that can run several assets at once."""

    def submit(self, name: str, staged: Path) -> Future[Ran]:
        """Start to run an asset into a staged directory."""
        ...

    def restart(self) -> None:
        """Make new workers after one died."""
        ...

    def kill(self) -> None:
        """End all workers at once."""
        ...


def build_parallel(
    plan: Plan,
    state: BuildState,
    store: Store,
    world: ParallelWorld,
    listener: Listener,
    *,
    graph: Graph,
    jobs: int,
    keep_going: bool = False,
) -> list[Outcome]:
    """Carry out a plan with up to `jobs` assets at once; see `build.build`."""
    building = _Building(plan, state, store, world, listener, graph=graph)
    try:
        building.go(jobs, keep_going=keep_going)
    except KeyboardInterrupt:
        world.kill()
        building.stop()
    return building.outcomes + [
        Outcome(step.name, "not started")
        for step in plan.steps
        if step.name not in building.ended
    ]


class _Building:
    def __init__(
        self,
        plan: Plan,
        state: BuildState,
        store: Store,
        world: ParallelWorld,
        listener: Listener,
        *,
        graph: Graph,
    ) -> None:
        self.outcomes: list[Outcome] = []
        self.ended: set[str] = set()
        self._state = state
        self._store = store
        self._world = world
        self._listener = listener
        self._steps = {step.name: step for step in plan.steps}
        self._waits_for = {
            name: {other for other in graph[name] if other in self._steps}
            for name in self._steps
        }
        self._readers: dict[str, list[str]] = {name: [] for name in self._steps}
        for name, others in self._waits_for.items():
            for other in others:
                self._readers[other].append(name)
        self._place = {step.name: i for i, step in enumerate(plan.steps)}
        self._rank = ranks(plan.steps, self._readers, _last_seconds(state))
        self._ready: list[tuple[float, int, str]] = []
        self._running: dict[Future[Ran], Started] = {}
        #: Ran when a worker died; each is tried again alone to find the guilty.
        self._suspects: list[Started] = []
        for name, others in self._waits_for.items():
            if not others:
                self._make_ready(name)

    def _make_ready(self, name: str) -> None:
        heapq.heappush(self._ready, (-self._rank[name], self._place[name], name))

    def go(self, jobs: int, *, keep_going: bool) -> None:
        """Run until nothing is left, or until something failed."""
        going = True
        while self._running or (going and (self._ready or self._suspects)):
            while going and self._ready and len(self._running) < jobs:
                if self._suspects:
                    break
                self._begin(self._steps[heapq.heappop(self._ready)[2]])
                going = keep_going or not self._state.failed
            if self._suspects and not self._running:
                self._submit(self._suspects.pop())
            if self._running:
                done, _ = wait(self._running, return_when=FIRST_COMPLETED)
                self._take(done, alone=len(self._running) == 1)
                going = keep_going or not self._state.failed

    def _begin(self, step: Step) -> None:
        self._listener.started(step.name)
        try:
            begun = begin_step(step, self._state, self._store, self._world)
        except (OSError, AssetmakeError) as error:
            begun = failed_outcome(step.name, error, self._state)
        if isinstance(begun, Outcome):
            self._end(begun)
        else:
            self._submit(begun)

    def _submit(self, begun: Started) -> None:
        try:
            future = self._world.submit(begun.step.name, begun.staged)
        except BrokenProcessPool:
            self._world.restart()
            future = self._world.submit(begun.step.name, begun.staged)
        self._running[future] = begun

    def _take(self, done: set[Future[Ran]], *, alone: bool) -> None:
        for future in done:
            begun = self._running.pop(future)
            name = begun.step.name
            try:
                ran = future.result()
            except BrokenProcessPool:
                self._world.restart()
                if not alone:
                    self._suspects.append(begun)
                    continue
                message = "its worker process died (killed, or out of memory)"
                ran = Ran(0.0, None, "", failed=Failed("WorkerDied", message))
            try:
                outcome = finish_step(begun, ran, self._state, self._store, self._world)
            except (OSError, AssetmakeError) as error:
                outcome = failed_outcome(name, error, self._state)
            self._end(outcome)

    def _end(self, outcome: Outcome) -> None:
        self.outcomes.append(outcome)
        self.ended.add(outcome.name)
        self._listener.finished(outcome)
        for reader in self._readers[outcome.name]:
            self._waits_for[reader].discard(outcome.name)
            if not self._waits_for[reader]:
                self._make_ready(reader)

    def stop(self) -> None:
        """Count what runs as stopped."""
        for begun in [*self._running.values(), *self._suspects]:
            outcome = Outcome(begun.step.name, "stopped")
            self.outcomes.append(outcome)
            self.ended.add(outcome.name)
            self._listener.finished(outcome)


def ranks(
    steps: Sequence[Step],
    readers: Mapping[str, Sequence[str]],
    seconds: Mapping[str, float],
) -> dict[str, float]:
    """Return for each step the seconds of the longest path from it downward.

    >>> a, b, c = (Step(name, True, False, ()) for name in "abc")
    >>> ranks([a, b, c], {"a": ["c"], "b": [], "c": []}, {"a": 1, "b": 2, "c": 3})
    {'c': 3, 'b': 2, 'a': 4}
    """
    found: dict[str, float] = {}
    for step in reversed(steps):
        below = max((found[name] for name in readers[step.name]), default=0)
        found[step.name] = seconds.get(step.name, 0) + below
    return found


def _last_seconds(state: BuildState) -> dict[str, float]:
    """Return how long each asset took last; one never built takes 1 ms."""
    found = {}
    for name, status in state.statuses.items():
        manifest = status.manifest
        found[name] = max(manifest.seconds, 0.001) if manifest else 0.001
    return found
