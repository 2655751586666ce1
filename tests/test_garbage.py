"""When Python's collector looks for circles, and that it is left as it was."""

from __future__ import annotations

import gc

import pytest
from space import TestSpace

from assetmake.project import open_project
from assetmake.system.garbage import seldom_collected, set_apart, uncollected

ASSETFILE = """
    import gc
    from assetmake import asset

    during = gc.get_threshold()[0]

    @asset
    def seen() -> str:
        return f"{during} {gc.get_freeze_count() > 0}"
"""


@pytest.fixture(autouse=True)
def _as_it_was():
    """Give the other tests the collector that they had."""
    before = gc.get_threshold()
    yield
    gc.set_threshold(*before)
    gc.unfreeze()


def test_the_collector_has_its_thresholds_again():
    """Also where what ran meanwhile raised an error."""
    gc.set_threshold(500, 5, 7)

    with pytest.raises(ZeroDivisionError), seldom_collected():
        1 / (gc.get_threshold()[0] - 300_000)

    assert gc.get_threshold() == (500, 5, 7)


def test_thresholds_that_an_assetfile_chose_stay():
    """They are the user's."""
    with seldom_collected():
        gc.set_threshold(4_321, 5, 6)

    assert gc.get_threshold() == (4_321, 5, 6)


def test_a_collector_that_is_off_stays_off():
    """A threshold of 0 means that nothing is collected."""
    gc.set_threshold(0)

    with seldom_collected():
        assert gc.get_threshold()[0] == 0

    assert gc.get_threshold()[0] == 0


def test_what_was_set_apart_is_collected_afterwards():
    """Circles, too, that came to be nobody's meanwhile."""
    circle = []
    circle.append(circle)

    with set_apart():
        assert gc.get_freeze_count() > 0
        assert not gc.get_objects(generation=2)

        before = gc.get_freeze_count()
        with uncollected():
            made = [[] for _ in range(2_000)]
        assert gc.get_freeze_count() >= before + len(made)

    assert gc.get_freeze_count() == 0
    del circle
    assert gc.collect() > 0


def test_what_somebody_else_froze_stays_so():
    """As a server does before it forks."""
    gc.freeze()
    before = gc.get_freeze_count()

    with set_apart():
        pass

    assert gc.get_freeze_count() >= before - 1_000


def test_a_build_leaves_the_collector_as_it_was(tmp_path):
    """Its caller may be a long-lived program."""
    space = TestSpace(tmp_path)
    space.write({"Assetfile.py": ASSETFILE})
    before = gc.get_threshold()
    project = open_project(space.root)

    project.build()

    assert project.load("seen") == "300000 True"
    assert (gc.get_threshold(), gc.get_freeze_count()) == (before, 0)
