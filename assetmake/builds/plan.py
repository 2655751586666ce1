"""Which stale assets a build runs, in which order; pure."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from assetmake.errors import DefinitionError
from assetmake.graph import Graph, downstream_of, upstream_of
from assetmake.status.rows import Reason, Status


@dataclass(frozen=True, slots=True)
class Step:
    """One asset that a build has to look at.

    Attributes:
        name: The asset's.
        is_certain: Whether it runs in any case; else only if data above it
            comes out different.
        is_forced: Whether it runs although nothing makes it stale.
        reasons: Why; empty when it is only forced.
    """

    name: str
    is_certain: bool
    is_forced: bool
    reasons: tuple[Reason, ...]


@dataclass(frozen=True, slots=True)
class Plan:
    """What a build does.

    Attributes:
        steps: Upstream before downstream.
        fresh: Names of selected assets, and of what they need, that are fresh.
        orphans: Names of stored tables that nothing defines.
    """

    steps: tuple[Step, ...]
    fresh: tuple[str, ...]
    orphans: tuple[str, ...]

    @property
    def certain(self) -> tuple[Step, ...]:
        """The steps that run in any case."""
        return tuple(step for step in self.steps if step.is_certain)

    @property
    def possible(self) -> tuple[Step, ...]:
        """The steps that run only if data above them comes out different."""
        return tuple(step for step in self.steps if not step.is_certain)


def make_plan(
    statuses: Mapping[str, Status],
    graph: Graph,
    selected: Sequence[str],
    *,
    always: Collection[str] = (),
    pretend: Collection[str] = (),
    only: bool = False,
) -> Plan:
    """Return what has to be built so that `selected` is fresh.

    Args:
        statuses: Of every row; assets upstream before downstream.
        graph: What each asset reads.
        selected: Assets asked for; what they need is included.
        always: Assets to run although they are fresh.
        pretend: Assets and sources taken as if their data had changed.
        only: Whether nothing but `selected` may be built.

    Raises:
        DefinitionError: `only`, and something that is needed is not fresh.
    """
    needed = upstream_of(graph, selected)
    forced = set(always)
    for name, upstream in graph.items():
        if not set(upstream).isdisjoint(pretend):
            forced.add(name)
    may_follow = downstream_of(graph, forced) - forced
    steps: list[Step] = []
    fresh: list[str] = []
    planned: set[str] = set()
    for name, status in statuses.items():
        if name not in needed or name not in graph:
            continue
        is_forced = name in forced
        if status.is_stale or is_forced:
            is_certain = is_forced or status.is_certain
            steps.append(Step(name, is_certain, is_forced, status.reasons))
        elif name in may_follow:
            steps.append(Step(name, False, False, _follows(name, graph, planned)))
        else:
            fresh.append(name)
            continue
        planned.add(name)
    if only:
        _refuse_upstream(steps, selected)
    orphans = [n for n, status in statuses.items() if status.is_removable]
    return Plan(tuple(steps), tuple(fresh), tuple(orphans))


def is_chain(plan: Plan, graph: Graph) -> bool:
    """Return whether each step needs the one before, so that none run at once.

    >>> plan = Plan((Step("a", True, False, ()), Step("b", True, False, ())), (), ())
    >>> is_chain(plan, {"a": [], "b": ["a"]}), is_chain(plan, {"a": [], "b": []})
    (True, False)
    """
    # Not pairwise(): one import less for what only looks.
    return all(
        upper.name in graph[lower.name]
        for upper, lower in zip(plan.steps, plan.steps[1:], strict=False)
    )


def _follows(name: str, graph: Graph, planned: Collection[str]) -> tuple[Reason, ...]:
    return tuple(
        Reason("upstream-outdated", f"upstream `{other}` is rebuilt", other)
        for other in graph[name]
        if other in planned
    )


def _refuse_upstream(steps: Sequence[Step], selected: Sequence[str]) -> None:
    asked = set(selected)
    lacking = [step.name for step in steps if step.name not in asked]
    if lacking:
        names = ", ".join(f"`{name}`" for name in lacking)
        msg = f"--only leaves out what is not fresh upstream: {names}"
        hint = "build that first, or leave out `--only`"
        raise DefinitionError(msg, hints=hint)
