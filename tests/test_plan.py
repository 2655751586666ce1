"""Which assets a build runs, in which order."""

from __future__ import annotations

import pytest

from assetmake.builds.plan import make_plan
from assetmake.errors import DefinitionError
from assetmake.status.rows import Reason, State, Status

GRAPH = {"a": ["src"], "b": ["a"], "c": ["b"], "d": ["src"]}
CODE = Reason("code-changed", "code changed")
ABOVE = Reason("upstream-outdated", "upstream `a` is outdated", "a")


def row(name, *reasons):
    return Status(
        name, State.OUTDATED if reasons else State.FRESH, reasons=tuple(reasons)
    )


def rows(**reasons):
    statuses = {"src": Status("src", State.SOURCE)}
    for name in GRAPH:
        statuses[name] = row(name, *reasons.get(name, ()))
    return statuses


def names(steps):
    return [step.name for step in steps]


def test_certain_and_possible_steps_are_told_apart():
    plan = make_plan(rows(a=[CODE], b=[ABOVE], c=[ABOVE]), GRAPH, list(GRAPH))

    assert names(plan.certain) == ["a"]
    assert names(plan.possible) == ["b", "c"]
    assert plan.fresh == ("d",)


def test_what_is_not_needed_is_left_alone():
    plan = make_plan(rows(a=[CODE], b=[ABOVE], d=[CODE]), GRAPH, ["b"])

    assert names(plan.steps) == ["a", "b"]
    assert plan.fresh == ()


def test_upstream_of_what_is_selected_is_included():
    plan = make_plan(rows(a=[CODE], b=[ABOVE], c=[ABOVE]), GRAPH, ["c"])

    assert names(plan.steps) == ["a", "b", "c"]


def test_always_runs_the_named_and_what_may_follow():
    plan = make_plan(rows(), GRAPH, ["a", "b", "c"], always=["b"])

    assert names(plan.certain) == ["b"]
    assert names(plan.possible) == ["c"]
    assert plan.fresh == ("a",)


def test_pretend_runs_the_readers():
    plan = make_plan(rows(), GRAPH, list(GRAPH), pretend=["src"])

    assert names(plan.certain) == ["a", "d"]
    assert names(plan.possible) == ["b", "c"]


def test_only_refuses_stale_upstream():
    statuses = rows(a=[CODE], b=[ABOVE])

    with pytest.raises(DefinitionError, match=r"not fresh upstream: `a`"):
        make_plan(statuses, GRAPH, ["b"], only=True)


def test_only_with_fresh_upstream_builds_the_named():
    plan = make_plan(rows(b=[CODE], c=[ABOVE]), GRAPH, ["b"], only=True)

    assert names(plan.steps) == ["b"]


def test_orphans_are_told_and_not_built():
    statuses = rows() | {"old": Status("old", State.ORPHANED)}

    plan = make_plan(statuses, GRAPH, list(GRAPH))

    assert plan.steps == ()
    assert plan.orphans == ("old",)
