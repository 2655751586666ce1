"""Build what is stale of a project: from the look before to the look after."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from assetmake.builds.listen import Listener, Outcome, Result
from assetmake.builds.plan import Plan, is_chain
from assetmake.builds.refusals import refuse
from assetmake.look.looks import Looks
from assetmake.look.remember import remembered
from assetmake.saved.fileindex import index_is_wanted

if TYPE_CHECKING:
    from assetmake.code.parts import Note
    from assetmake.look.view import View
    from assetmake.project import Project

#: macOS has none.
_HAS_AFFINITY = hasattr(os, "sched_getaffinity")


@dataclass(frozen=True, slots=True)
class Manner:
    """How a plan is to be carried out; see `Project.build`."""

    jobs: int | None
    memory: str
    keep_going: bool
    debug: bool
    echo: bool


def build_whole(
    project: Project,
    looks: Looks,
    plan_of: Callable[[View], Plan],
    listener: Listener,
    manner: Manner,
    *,
    started: float,
) -> Result:
    """Look, plan, carry out, and look again; see `Project.build`.

    Args:
        project: What is built.
        looks: Of that project.
        plan_of: Tells what is to do, by a look.
        listener: Is told of each step.
        manner: How it is to be carried out.
        started: When the build began, by `time.perf_counter`.
    """
    store = project.store
    since, began = store.moment(), time.time_ns()
    view = looks.look(load=True, snap=False)
    plan = plan_of(view)
    outcomes: list[Outcome] = []
    if not plan.steps and not store.has_leftovers():
        if index_is_wanted():
            looks.snap(view, began)
        listener.planned(plan)
        return Result((), len(plan.fresh), time.perf_counter() - started)
    with store.lock(listener.waiting, since) as has_changed:
        if has_changed:  # another build may have done our work
            view = looks.look(load=True, snap=False)
            plan = plan_of(view)
        refuse(remembered(view), plan, store)
        listener.planned(plan)
        outcomes = _carry_out(project, view, plan, listener, manner)
        if plan.steps:
            looks.look(load=True)  # so that the next run finds a snapshot
    seconds = time.perf_counter() - started
    interrupted = _was_interrupted(outcomes, keep_going=manner.keep_going)
    notes = _absent(project, view, outcomes)
    return Result(tuple(outcomes), len(plan.fresh), seconds, interrupted, notes)


def _was_interrupted(outcomes: Sequence[Outcome], *, keep_going: bool) -> bool:
    """Whether Ctrl-C ended a build: maybe between two assets, of which none stopped."""
    kinds = {outcome.kind for outcome in outcomes}
    left_by_a_failure = "failed" in kinds and not keep_going
    return "stopped" in kinds or ("not started" in kinds and not left_by_a_failure)


def _absent(project: Project, view: View, outcomes: list[Outcome]) -> tuple[Note, ...]:
    """Return notes on what the assets that ran declare, and is not there."""
    from assetmake.look.absent import absent

    notes: dict[Note, None] = {}
    for outcome in outcomes:
        if outcome.kind in ("built", "failed"):
            asset = view.defined.assets[outcome.name]
            found = absent(asset, view.definitions[outcome.name], project.root)
            notes.update(dict.fromkeys(found))
    return tuple(notes)


def _carry_out(
    project: Project, view: View, plan: Plan, listener: Listener, manner: Manner
) -> list[Outcome]:
    from assetmake.assetfile.defined import needed_load
    from assetmake.assetfile.load import importing
    from assetmake.builds.steps import BuildState, build
    from assetmake.builds.world import ProjectWorld
    from assetmake.code.audit import unwatched
    from assetmake.code.explain import explain_change

    state = BuildState(
        view.definitions, view.sources, view.records, view.statuses, explain_change
    )
    store, graph, keep_going = project.store, view.defined.graph, manner.keep_going
    jobs = _jobs(project.config.jobs if manner.jobs is None else manner.jobs)
    # Workers that would wait for each other are not worth their start.
    jobs = 1 if is_chain(plan, graph) else min(jobs, len(plan.steps))
    with importing(needed_load(view.defined)), unwatched():
        world = ProjectWorld(
            project, view, plan=plan, jobs=jobs, debug=manner.debug, echo=manner.echo
        )
        try:
            world.expect(plan)
            if jobs == 1:
                return build(plan, state, store, world, listener, keep_going=keep_going)
            from assetmake.builds.schedule import build_parallel

            return build_parallel(
                plan,
                state,
                store,
                world,
                listener,
                graph=graph,
                jobs=jobs,
                memory=world.memory(plan, manner.memory),
                keep_going=keep_going,
            )
        finally:
            world.close()
            store.clean()


def _jobs(asked: int) -> int:
    """Return how many assets to build at once; 0 asks for one a core."""
    if asked == 0:
        return len(os.sched_getaffinity(0)) if _HAS_AFFINITY else os.cpu_count() or 1
    return asked
