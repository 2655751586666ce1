"""What starts when: order, and memory; plain values only."""

from __future__ import annotations

import random

import pytest

from assetmake.builds.plan import Step
from assetmake.builds.schedule import Memory, Ready, ranks


def ready(memory: Memory, *names: str) -> Ready:
    """Return steps of equal rank that are ready, in the order of their names."""
    found = Ready(memory)
    for place, name in enumerate(names):
        found.push(1, place, name)
    return found


def test_the_longest_path_comes_first():
    """Of equal ones that which the plan has first."""
    found = Ready(Memory(None))
    for place, (name, rank) in enumerate({"a": 1, "b": 5, "c": 5, "d": 9}.items()):
        found.push(rank, place, name)

    assert [found.pop([]) for _ in range(4)] == ["d", "b", "c", "a"]
    assert not found
    assert found.pop([]) is None


def test_a_path_is_as_long_as_what_has_to_follow():
    steps = [Step(name, True, False, ()) for name in "abcd"]
    readers = {"a": ["c", "d"], "b": ["d"], "c": [], "d": []}

    found = ranks(steps, readers, {"a": 1, "b": 4, "c": 7, "d": 2})

    assert found == {"a": 8, "b": 6, "c": 7, "d": 2}


@pytest.mark.parametrize(
    ("limit", "running", "name", "starts"),
    [
        (10, [], "large", True),  # one always may
        (10, ["small"], "large", False),
        (22, ["small"], "large", True),
        (21, ["small"], "large", False),
        (None, ["large", "large"], "large", True),
        (0, [], "small", True),
        (0, ["small"], "small", False),
        (3, ["small"], "new", True),  # nobody knows what it takes
    ],
)
def test_memory_bounds_what_runs_beside_others(limit, running, name, starts):
    memory = Memory(limit, {"small": 2, "large": 20})

    assert memory.fits(name, running) is starts


@pytest.mark.parametrize(("free", "starts"), [(100, True), (99, False), (None, True)])
def test_what_is_not_known_starts_while_memory_is_left(free, starts):
    memory = Memory(1000, {"known": 1}, lambda: free, reserve=100)

    assert memory.fits("new", ["known"]) is starts
    assert memory.fits("new", [])
    assert memory.fits("known", ["new"])


def test_another_starts_in_place_of_what_does_not_fit():
    memory = Memory(10, {"large": 8, "small": 2, "running": 5})
    found = ready(memory, "large", "small")

    assert found.pop(["running"]) == "small"
    assert found.pop(["running", "small"]) is None
    assert found.pop(["small"]) == "large"


def test_what_starts_in_its_place_leaves_it_its_memory():
    """Else small ones could keep a large one waiting for ever."""
    memory = Memory(10, {"large": 8, "small": 3, "tiny": 1, "running": 5})
    found = ready(memory, "large", "small", "tiny")

    assert found.pop(["running"]) == "tiny"
    assert found.pop(["running", "tiny"]) is None
    assert found.pop(["tiny"]) == "large"
    assert found.pop([]) == "small"


def test_everything_runs_within_the_bound():
    """Whatever the needs are, and one at a time if nothing else fits."""
    chance = random.Random(4)
    for _ in range(300):
        names = [f"a{number}" for number in range(chance.randrange(1, 12))]
        needs = {name: chance.randrange(15) for name in names if chance.random() < 0.9}
        memory = Memory(10, needs)
        found = Ready(memory)
        for place, name in enumerate(names):
            found.push(chance.random(), place, name)
        running: list[str] = []
        ended: list[str] = []
        while found or running:
            while len(running) < 4 and (name := found.pop(running)) is not None:
                running.append(name)
            assert running, "nothing runs, and nothing starts"
            assert len(running) == 1 or memory.sum(running) <= 10
            ended.append(running.pop(chance.randrange(len(running))))
        assert sorted(ended) == sorted(names)
