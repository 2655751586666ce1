"""Random projects under random actions; see `random_project`.

A failing trial is shrunk by Hypothesis. Saved as a file in
`tests/random_failures/`, as campaigns do, it is replayed for ever.
`ASSETMAKE_TRIALS=20000` runs that many trials.
"""

from __future__ import annotations

import json
import os
import tempfile
from pathlib import Path

import pytest
import random_project
from hypothesis import HealthCheck, given, note, settings
from hypothesis import strategies as st
from random_trial import EVENTS

#: By variable, for a campaign; else few, and more where time is.
TRIALS = int(os.environ.get("ASSETMAKE_TRIALS", "300"))
SAVED = sorted(random_project.FAILURES.glob("*.json"))

ACTION = st.tuples(
    # Builds are what gives the other actions something to break.
    st.sampled_from(
        [name for name, often in random_project.WEIGHTS.items() for _ in range(often)]
    ),
    st.integers(0, random_project.LARGEST_NUMBER - 1),
)


def trials(number):
    """Decorate a test of one trial so that it runs that many."""
    setting = settings(
        max_examples=number,
        deadline=None,
        suppress_health_check=list(HealthCheck),
        print_blob=True,
    )
    given_ = given(
        shape=st.integers(0, random_project.LARGEST_SHAPE - 1),
        actions=st.lists(ACTION, min_size=1, max_size=random_project.MOST_ACTIONS),
    )
    return lambda test: setting(given_(test))


def run(shape, actions):
    note(random_project.dump(shape, actions))
    with tempfile.TemporaryDirectory(dir=random_project.FOLDER) as folder:
        random_project.run(Path(folder), shape, actions)


@pytest.mark.slow
@trials(10)
def test_promises_hold_after_a_few_actions(shape, actions):
    """Fresh is true, a build is right and minimal, a second one writes nothing."""
    run(shape, actions)


@pytest.mark.slow
@trials(TRIALS)
def test_every_promise_holds_after_every_action(shape, actions):
    """The same, many times."""
    run(shape, actions)


@pytest.mark.slow
@pytest.mark.parametrize("file", SAVED, ids=[file.stem for file in SAVED])
def test_what_once_failed_holds(file, tmp_path):
    saved = json.loads(file.read_text())

    random_project.run(tmp_path, saved["shape"], [tuple(a) for a in saved["actions"]])


@pytest.mark.slow
def test_what_shows_a_seeded_bug_holds_without_it():
    """Else the bug would be taken for caught; see `seeded_bugs`."""
    folder = Path(__file__).parent / "seeded_trials"
    found = {}
    for file in sorted(folder.glob("*.json")):
        saved = json.loads(file.read_text())
        script = saved["shape"], [tuple(action) for action in saved["actions"]]
        found[file.stem], _ = random_project.finding_of(script)

    assert {name: finding for name, finding in found.items() if finding} == {}


#: What a trial may bring about, and how often at least in a hundred.
OFTEN = {
    "as from nothing": 300,
    "crash: killed": 5,
    "crash: something was published before": 1,
    "look: from the snapshot": 100,
    "look: from the sources": 30,
    "power loss: stamps that lie": 1,
    "reason: columns-differ": 3,
    "reason: package-changed": 3,
    "second build wrote nothing": 50,
    "signal: ended": 1,
    "state: drifted": 3,
    "step: built to the same data": 20,
    "step: failed": 5,
    "step: fresh": 20,
    "step: skipped": 2,
}


@pytest.mark.slow
def test_what_trials_are_for_does_happen():
    """Actions that never bite would hold every promise."""
    events, findings = random_project.campaign(7, range(100), print, 1)

    assert findings == []
    assert {n: events[n] for n in OFTEN if events[n] < OFTEN[n]} == {}
    assert events is EVENTS


def test_a_finding_is_made_small_and_saved(tmp_path, monkeypatch):
    """Of a long trial what is left is what makes it fail."""

    def run(folder, shape, actions):
        assert not [name for name, number in actions if name == "fail" and number > 9]

    monkeypatch.setattr(random_project, "run", run)
    monkeypatch.setattr(random_project, "FAILURES", tmp_path / "failures")
    told = []

    random_project.campaign(1, range(200), told.append, 1)

    (file,) = (tmp_path / "failures").iterdir()
    assert json.loads(file.read_text()) == {"shape": 0, "actions": [["fail", 10]]}
    assert str(file) in told[0]
