"""Random projects under random actions; see `random_project`.

A failing trial is shrunk by Hypothesis. Saved as a file in
`tests/random_failures/`, it is replayed for ever. `ASSETMAKE_TRIALS=100000`
runs that many trials.
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

#: By variable, for a campaign; else few, and more where time is.
TRIALS = int(os.environ.get("ASSETMAKE_TRIALS", "300"))
SAVED = sorted((Path(__file__).parent / "random_failures").glob("*.json"))
#: On a file system in memory where there is one: a trial writes much.
FOLDER = "/dev/shm" if Path("/dev/shm").is_dir() else None

NAMES = sorted(random_project.ACTIONS)
ACTION = st.tuples(
    # Builds are what gives the other actions something to break.
    st.sampled_from(["build_all", "build_all", "build_some", *NAMES]),
    st.integers(0, 2**20),
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
        shape=st.integers(0, 4095), actions=st.lists(ACTION, min_size=1, max_size=14)
    )
    return lambda test: setting(given_(test))


def run(shape, actions):
    note(random_project.dump(shape, actions))
    with tempfile.TemporaryDirectory(dir=FOLDER) as folder:
        random_project.run(Path(folder), shape, actions)


@trials(20)
def test_promises_hold_after_a_few_actions(shape, actions):
    """Fresh is true, a build is right and minimal, a second one writes nothing."""
    run(shape, actions)


@pytest.mark.slow
@trials(TRIALS)
def test_every_promise_holds_after_every_action(shape, actions):
    """The same, many times."""
    run(shape, actions)


@pytest.mark.parametrize("file", SAVED, ids=[file.stem for file in SAVED])
def test_what_once_failed_holds(file, tmp_path):
    saved = json.loads(file.read_text())

    random_project.run(tmp_path, saved["shape"], [tuple(a) for a in saved["actions"]])
