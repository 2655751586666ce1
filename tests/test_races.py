"""What happens when two things happen at once."""

from __future__ import annotations

import errno
import os
import threading
import time
from dataclasses import replace

import pandas as pd
import pyarrow.parquet as pq
import pytest
from space import TEXTS, TestSpace

from assetmake.project import Project, open_project
from assetmake.status.rows import Condition, State
from assetmake.stores import swap
from assetmake.stores.local import LocalStore


@pytest.fixture
def space(tmp_path):
    space = TestSpace(tmp_path)
    space.write({"Assetfile.py": TEXTS, "raw.txt": "some words\n"})
    return space


def test_an_edit_while_the_asset_runs_is_kept(space):
    """The table was replaced as if it still were what the last build had left."""
    space.built()
    space.edit(
        "Assetfile.py",
        "    return raw.upper()",
        "    from pathlib import Path\n"
        "    for file in Path('data/upper').glob('*.txt'):\n"
        "        file.write_text('mine')\n"
        "    return raw.title()",
    )

    space.built()

    (kept,) = (space.root / "data/.assetmake/kept").iterdir()
    assert (kept / "upper.txt").read_text() == "mine"
    assert (space.root / "data/upper/upper.txt").read_text() == "Some Words\n"


def holding(space, seconds, do=lambda: None):
    """Hold the lock for a while in another thread; then do something and let go."""
    held = threading.Event()

    def hold():
        with LocalStore(space.root / "data", space.root).lock(print):
            held.set()
            time.sleep(seconds)
            do()

    thread = threading.Thread(target=hold)
    thread.start()
    held.wait()
    return thread


def test_prune_leaves_what_was_defined_while_it_waited(space):
    """It removed what had been an orphan before it waited."""
    space.built()
    whole = (space.root / "Assetfile.py").read_text()
    space.edit("Assetfile.py", "@asset\ndef length", "def length")
    assert "length" in space.run("--prune", "-n").out

    thread = holding(
        space, 0.2, lambda: (space.root / "Assetfile.py").write_text(whole)
    )
    ran = space.run("--prune", "-y")
    thread.join()

    assert (ran.status, ran.out) == (0, "")
    assert "waiting for another build (process " in ran.err
    assert open_project(space.root).status(["length"])[-1].state is State.FRESH


def test_a_build_looks_again_after_one_that_ended_while_it_looked(space):
    """It had looked before, did not have to wait, and built all of it once more."""
    space.built()
    space.edit("raw.txt", "some", "other")
    project = open_project(space.root)
    look, looks = project._looks.look, []

    def looked(**options):
        view = look(**options)
        looks.append(1)
        if len(looks) == 1:
            space.built()
        return view

    project._looks.look = looked

    assert project.build().outcomes == ()
    assert len(looks) == 2


def test_a_build_that_nobody_disturbs_looks_twice(space):
    """Before it begins, and for the snapshot of the next run."""
    for _ in range(2):
        project = open_project(space.root)
        look, looks = project._looks.look, []

        def looked(look=look, looks=looks, **options):
            looks.append(1)
            return look(**options)

        project._looks.look = looked
        assert len(project.build().outcomes) == 2
        assert len(looks) == 2
        space.edit("raw.txt", "some", "some other")


def test_accept_says_for_whom_it_waits(space):
    space.built()
    space.edit("Assetfile.py", "raw.upper()", "str.upper(raw)")

    thread = holding(space, 0.2)
    ran = space.run("--accept", "upper")
    thread.join()

    assert (ran.status, ran.out) == (0, "accepted upper\n")
    assert "waiting for another build (process " in ran.err


def test_a_build_with_nothing_to_do_clears_up_after_a_killed_one(space):
    """It only did when there was something to build."""
    space.built()
    staged = space.root / "data/.assetmake/staging"
    (staged / "1-1-upper" / "new").mkdir(parents=True)
    (space.root / "data/.assetmake/snapshot").unlink()
    space.run("--status")

    ran = space.run()

    assert "nothing to do" in ran.err
    assert list(staged.iterdir()) == []


def test_a_file_that_the_system_refuses_is_told_in_a_line(space):
    space.built()
    private = space.root / "data/.assetmake"
    (private / "staging").rmdir()
    (private / "staging").write_text("in the way")
    space.edit("raw.txt", "some", "other")

    ran = space.run()

    assert ran.status == 2
    assert "error: cannot write to the store" in ran.err
    assert "Traceback" not in ran.err


def test_a_compiled_module_that_the_system_opens_no_more_is_told_in_a_line(
    space, monkeypatch
):
    """The linker tells why in words, without a number."""
    why = "cannot open shared object file: " + os.strerror(errno.EMFILE)

    def build(*_, **__):
        raise ImportError(f"/lib/_one.so: {why}", name="_one", path="/lib/_one.so")

    monkeypatch.setattr(Project, "build", build)

    ran = space.run()

    assert ran.status == 2
    assert ran.err.startswith("error: ")
    assert "/lib/_one.so" in ran.err
    assert os.strerror(errno.EMFILE).lower() in ran.err.lower()
    assert "bug" not in ran.err
    assert "Traceback" not in ran.err


@pytest.mark.slow
@pytest.mark.parametrize("atomic", [True, False])
def test_a_look_beside_a_build_never_sees_half_a_table(space, atomic, monkeypatch):
    """It called a table modified, or gone, while it was being exchanged."""
    if not atomic:
        monkeypatch.setattr(swap, "_exchange", lambda one, other: False)
    space.built()
    store = LocalStore(space.root / "data", space.root)
    manifest = store.record("upper").manifest
    stop = threading.Event()

    def publish():
        with store.lock(print):
            for number in range(150):
                staged = store.stage("upper")
                # Each has files of other names, so that halves do not fit.
                (staged / f"part-{number}.txt").write_text(str(number))
                files = store.files(staged)
                output = replace(manifest.output, files=files)
                store.publish("upper", staged, replace(manifest, output=output))
            store.clean()
        stop.set()

    thread = threading.Thread(target=publish)
    thread.start()
    found = []
    while not stop.is_set():
        record = LocalStore(space.root / "data", space.root).record("upper")
        found.append((record.condition, record.problem))
    thread.join()

    assert {*found} == {(Condition.INTACT, "")}
    assert len(found) > 10


@pytest.mark.slow
def test_readers_beside_a_build_see_one_whole_table_or_the_other(tmp_path):
    """By the path of the directory, with libraries that know nothing of assetmake."""
    space = TestSpace(tmp_path)
    space.write(
        {
            "Assetfile.py": """
                import pandas as pd
                from assetmake import asset


                @asset
                def table() -> pd.DataFrame:
                    return pd.DataFrame({"a": [0] * 1000})
            """
        }
    )
    space.built()
    place = space.root / "data/table"
    store = LocalStore(space.root / "data", space.root)
    manifest = store.record("table").manifest
    stop = threading.Event()

    def publish():
        with store.lock(print):
            for number in range(1, 120):
                staged = store.stage("table")
                frame = pd.DataFrame({"a": [number] * (1000 + number)})
                frame.to_parquet(staged / "part-00000.parquet")
                output = replace(manifest.output, files=store.files(staged))
                store.publish("table", staged, replace(manifest, output=output))
            store.clean()
        stop.set()

    thread = threading.Thread(target=publish)
    thread.start()
    seen = []
    while not stop.is_set():
        seen.append(pd.read_parquet(place)["a"])
        seen.append(pq.read_table(place).to_pandas()["a"])
    thread.join()

    assert all(len(one) == 1000 + one[0] and (one == one[0]).all() for one in seen)
    assert len(seen) > 4


def test_an_upstream_that_is_edited_while_it_is_read_is_not_recorded(space):
    """Which of the two tables was read, nobody can tell."""
    space.write(
        {
            "Assetfile.py": """
                from pathlib import Path
                from assetmake import asset


                @asset
                def upper() -> str:
                    return "TEXT"


                @asset
                def length(upper: str) -> str:
                    stored = Path(__file__).parent / "data/upper/upper.txt"
                    stored.write_text("EDIT")
                    return str(len(upper))
                """
        }
    )
    assert space.run("upper").status == 0  # else it is handed on in memory
    assert space.run("length").status == 0
    assert space.run("upper").status == 0  # as it was

    row = space.run("--check")

    assert "length: outdated: upstream `upper` changed" in row.out
