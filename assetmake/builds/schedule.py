"""Carry out a plan with several assets at once; what each step means is `steps`'s.

What is ready runs in the order of the longest path below it, by the seconds
that each asset took last time, so that the last to end is not the longest; and
as long as memory suffices for what each took last time.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Protocol

from assetmake.builds.listen import Listener, Outcome
from assetmake.builds.orders import Died
from assetmake.builds.plan import Plan, Step
from assetmake.builds.run import Ran
from assetmake.builds.steps import (
    BuildState,
    Started,
    World,
    begin_step,
    failed_outcome,
    finish_step,
)
from assetmake.errors import AssetmakeError
from assetmake.graph import Graph
from assetmake.stores.base import Store

#: Steps that are tried in place of one for which memory does not suffice.
_MOST_TRIED = 8


class ParallelWorld(World, Protocol):
    """A world that can run several assets at once."""

    def submit(self, name: str, staged: Path, *, checks_only: bool = False) -> None:
        """Start to run an asset into a staged directory."""
        ...

    def finished(self) -> Sequence[tuple[str, Ran | Died]]:
        """Return what has ended since the last call; wait until something has."""
        ...

    def kill(self) -> None:
        """End all that runs at once."""
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
    memory: Memory,
    keep_going: bool = False,
) -> list[Outcome]:
    """Carry out a plan with up to `jobs` assets at once; see `steps.build`."""
    building = _Building(
        plan, state, store, world, listener, graph=graph, memory=memory
    )
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


@dataclass(slots=True)
class Memory:
    """How much of it assets may take together, and how much each takes.

    Attributes:
        limit: Bytes; None for no bound.
        needs: Bytes by name, as recorded; what is not known is not here.
        free: Returns the bytes that are free now; None if nobody can tell.
        reserve: Bytes that have to be free for what is not known to start.
    """

    limit: int | None
    needs: Mapping[str, int] = field(default_factory=dict)
    free: Callable[[], int | None] = lambda: None
    reserve: int = 0

    def fits(self, name: str, running: Sequence[str], reserved: int = 0) -> bool:
        """Return whether an asset may start beside those that run.

        One always may, whatever it takes.
        """
        if self.limit is None or not running:
            return True
        if name not in self.needs and self.reserve:
            left = self.free()
            if left is not None and left < self.reserve:
                return False
        return self.sum((name, *running)) + reserved <= self.limit

    def sum(self, names: Sequence[str]) -> int:
        """Return what assets take together, as far as that is known."""
        return sum(self.needs.get(name, 0) for name in names)


class Ready:
    """What can start: the longest path first, where memory suffices for it."""

    def __init__(self, memory: Memory) -> None:
        self._memory = memory
        self._heap: list[tuple[float, int, str]] = []
        #: The first one that memory did not suffice for, and what began since.
        self._blocked = ""
        self._beside: set[str] = set()

    def __bool__(self) -> bool:
        return bool(self._heap)

    def push(self, rank: float, place: int, name: str) -> None:
        """Add a step; of equal ranks the one whose place is lower comes first."""
        heapq.heappush(self._heap, (-rank, place, name))

    def pop(self, running: Sequence[str]) -> str | None:
        """Return what is to start beside what runs; None if that has to wait.

        In place of a step for which memory does not suffice, another starts
        that leaves it the memory that it waits for.
        """
        passed: list[tuple[float, int, str]] = []
        chosen = None
        while self._heap and len(passed) < _MOST_TRIED and chosen is None:
            item = heapq.heappop(self._heap)
            if self._may_start(item[2], running, is_first=not passed):
                chosen = item[2]
            else:
                passed.append(item)
        for item in passed:
            heapq.heappush(self._heap, item)
        return chosen

    def _may_start(self, name: str, running: Sequence[str], *, is_first: bool) -> bool:
        memory = self._memory
        if is_first:
            if memory.fits(name, running):
                if name == self._blocked:
                    self._blocked = ""
                return True
            if name != self._blocked:
                self._blocked, self._beside = name, set()
            return False
        beside = [other for other in running if other in self._beside]
        kept = memory.sum((self._blocked, *beside)) + memory.needs.get(name, 0)
        if memory.limit is not None and kept > memory.limit:
            return False
        if not memory.fits(name, running):
            return False
        self._beside.add(name)
        return True


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
        memory: Memory,
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
        self._ready = Ready(memory)
        self._running: dict[str, Started] = {}
        #: What came of steps that ended, to be looked at.
        self._came: list[tuple[Started, Ran | Died]] = []
        #: Maybe killed for the memory that others took: they run again, alone.
        self._again: list[Started] = []
        self._alone = ""
        for name, others in self._waits_for.items():
            if not others:
                self._make_ready(name)

    def _make_ready(self, name: str) -> None:
        self._ready.push(self._rank[name], self._place[name], name)

    def go(self, jobs: int, *, keep_going: bool) -> None:
        """Run until nothing is left, or until something failed."""
        while True:
            # What can start now does so before the results are looked at:
            # that takes a while, and workers would wait for it.
            failed = any(_is_failure(ran) for _, ran in self._came)
            if keep_going or not (failed or self._state.failed):
                self._fill(jobs)
            while self._came:
                self._take(*self._came[-1])
                self._came.pop()
            if keep_going or not self._state.failed:
                self._fill(jobs)
            if not self._running:
                return
            for name, ran in self._world.finished():
                self._came.insert(0, (self._running.pop(name), ran))

    def _fill(self, jobs: int) -> None:
        """Start what is ready, as long as a worker is idle and memory suffices."""
        if self._again and not self._running:
            begun = self._again.pop()
            self._alone = begun.step.name
            self._submit(begun)
        if self._again or self._alone in self._running:
            return
        while self._ready and len(self._running) < jobs:
            name = self._ready.pop(list(self._running))
            if name is None:
                return
            self._begin(self._steps[name])

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
        name = begun.step.name
        self._running[name] = begun
        self._world.submit(name, begun.staged, checks_only=begun.checks_only)

    def _take(self, begun: Started, ran: Ran | Died) -> None:
        name = begun.step.name
        try:
            if isinstance(ran, Died):
                if ran.may_be_memory:
                    fresh = self._store.stage(name)
                    self._again.append(replace(begun, staged=fresh))
                    return
                ran = Ran(0.0, None, "", failed=ran.failed)
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
        came = [begun for begun, _ in self._came if begun.step.name not in self.ended]
        for begun in [*came, *self._running.values(), *self._again]:
            outcome = Outcome(begun.step.name, "stopped")
            self.outcomes.append(outcome)
            self.ended.add(outcome.name)
            self._listener.finished(outcome)


def _is_failure(ran: Ran | Died) -> bool:
    return not ran.may_be_memory if isinstance(ran, Died) else ran.failed is not None


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
