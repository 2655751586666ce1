"""`-j N` does what `-j 1` does: same tables, records, messages and exit status."""

from __future__ import annotations

import json
import os
import re
import signal
from pathlib import Path

import pytest
from space import TestSpace
from test_workers import read_pids, text_in, wait_until_gone

from assetmake.builds.listen import Listener
from assetmake.project import open_project

pytestmark = pytest.mark.slow

PROJECT = """
    import os
    from pathlib import Path

    import pandas as pd

    from assetmake import asset, source

    raw = source("raw", path="raw.csv")


    @asset
    def doubled(raw: pd.DataFrame) -> pd.DataFrame:
        print("doubling", len(raw))
        return raw.assign(n=raw["n"] * 2)


    @asset
    def parity(raw: pd.DataFrame) -> pd.DataFrame:
        return raw.assign(n=raw["n"] % 2)


    @asset(format="csv")
    def odd(parity: pd.DataFrame, doubled: pd.DataFrame) -> pd.DataFrame:
        return doubled[parity["n"] == 1].reset_index(drop=True)


    @asset
    def model(doubled: pd.DataFrame):
        return {"mean": float(doubled["n"].mean())}


    @asset
    def noted(model) -> str:
        extra = Path(__file__).with_name("note.txt").read_text()
        return f"{model['mean']} {extra}"


    @asset(retries=1)
    def flaky(raw: pd.DataFrame) -> str:
        tries = Path(os.environ["TRIES"])
        if not tries.exists():
            tries.touch()
            raise RuntimeError("the first time")
        return "the second time"


    @asset
    def wrong(doubled: pd.DataFrame) -> pd.DataFrame:
        return doubled[["m"]]


    @asset
    def none(parity: pd.DataFrame) -> pd.DataFrame:
        pass


    @asset
    def needs_wrong(wrong: pd.DataFrame) -> pd.DataFrame:
        return wrong


    for letter in "abcd":

        @asset(name=f"many/{letter}")
        def many(raw: pd.DataFrame, letter=letter) -> pd.DataFrame:
            return raw.assign(letter=letter)
"""
#: What two runs of the same differ in: times, counters, sizes of what they print.
_VARIES = re.compile(r"\[\d+/\d+\]|\d+\.\d+s|\bin \d+\.\d+s")


@pytest.fixture
def space(tmp_path):
    found = TestSpace(tmp_path / "project")
    found.root.mkdir()
    found.write(
        {"Assetfile.py": PROJECT, "raw.csv": "n\n1\n2\n3\n", "note.txt": "noted"}
    )
    return found


def manifests(root: Path) -> dict[str, object]:
    """Return each manifest, but for when it was built and what that took."""
    found = {}
    for file in sorted((root / "data").rglob("_manifest.json")):
        tree = json.loads(file.read_text())
        for key in ("at", "seconds", "peak_memory"):
            del tree["built"][key]
        del tree["fingerprint"]  # of these, too
        found[str(file.relative_to(root))] = tree
    return found


def kept(root: Path) -> dict[str, bytes]:
    """Return what builds keep beside tables: logs and failures."""
    private = root / "data" / ".assetmake"
    files = [*(private / "logs").glob("*"), *(private / "failures").glob("*")]
    return {str(file.relative_to(private)): file.read_bytes() for file in files}


def said(text: str) -> list[str]:
    return sorted(_VARIES.sub("", line).strip() for line in text.splitlines())


def test_several_at_once_give_what_one_at_a_time_gives(space, tmp_path):
    """Manifests, logs, failures, messages, and what an edit spares."""
    found = {}
    for jobs in ("1", "3"):
        tries = tmp_path / f"tries-{jobs}"
        first = space.shell("-k", "-j", jobs, TRIES=str(tries))
        seen = [manifests(space.root), kept(space.root)]
        space.edit("Assetfile.py", 'raw["n"] % 2', 'raw["n"] % 2 + 0')
        space.edit("raw.csv", "3\n", "5\n")
        second = space.shell("-k", "-j", jobs, TRIES=str(tries))
        seen += [manifests(space.root), kept(space.root)]
        third = space.shell("-k", "-j", jobs, "odd", "noted", TRIES=str(tries))
        for ran in (first, second, third):
            seen += [ran.status, said(ran.err), ran.out]
        found[jobs] = seen
        space.edit("Assetfile.py", 'raw["n"] % 2 + 0', 'raw["n"] % 2')
        space.edit("raw.csv", "5\n", "3\n")
        (space.root / "data").rename(tmp_path / f"data-{jobs}")

    assert found["1"] == found["3"]
    statuses = [entry for entry in found["3"] if isinstance(entry, int)]
    assert statuses == [1, 1, 0]
    assert len(found["3"][0]) == 10
    assert b"doubling 3" in found["3"][1]["logs/doubled.log"]


def test_a_failure_ends_a_build_that_does_not_keep_going(space, tmp_path):
    """What runs beside it comes to its end, and the rest is not started."""
    ran = space.shell("-j", "2", TRIES=str(tmp_path / "tries"))

    assert ran.status == 1
    assert "not started" in ran.err
    assert "-k goes on with the rest" in ran.err


class Impatient(Listener):
    """Presses Ctrl-C as soon as two assets are done."""

    def __init__(self):
        self.done = []

    def finished(self, outcome):
        self.done.append(outcome.name)
        if len(self.done) == 2:
            raise KeyboardInterrupt


def test_ctrl_c_between_two_assets_interrupts_a_build(space):
    """Though nothing ran that it could stop."""
    result = open_project(space.root).build(["odd"], jobs=2, listener=Impatient())

    assert [o.kind for o in result.outcomes] == ["built", "built", "not started"]
    assert result.interrupted


def test_prints_are_shown_at_once_if_asked_for(space, tmp_path):
    """As with `-j 1`."""
    ran = space.shell("-v", "-j", "2", "odd", TRIES=str(tmp_path / "tries"))

    assert ran.status == 0
    assert "doubling 3\n" in ran.err
    assert ran.out == ""


CRASHES = """
    import os
    import signal
    import time
    from pathlib import Path

    from assetmake import asset

    RUNS = Path(os.environ["RUNS"])


    def note(name):
        with RUNS.open("a") as file:
            file.write(f"{name}\\n")


    @asset
    def killed() -> str:
        note("killed")
        os.kill(os.getpid(), signal.SIGKILL)


    @asset
    def hungry() -> str:
        note("hungry")
        if RUNS.read_text().split().count("hungry") == 1:
            os.kill(os.getpid(), signal.SIGKILL)
        return "fed"


    @asset
    def exits() -> str:
        note("exits")
        os._exit(3)


    for number in range(6):

        @asset(name=f"innocent_{number}")
        def innocent(number=number) -> str:
            note(f"innocent_{number}")
            time.sleep(0.05)
            return f"right {number}"
"""


def test_a_crash_fails_its_asset_alone(tmp_path):
    """A kill may be for want of memory: that runs once more, by itself."""
    space = TestSpace(tmp_path / "project")
    space.write({"Assetfile.py": CRASHES})
    runs = tmp_path / "runs"

    ran = space.shell("-k", "-j", "3", RUNS=str(runs))

    assert ran.status == 1
    assert runs.read_text().split().count("exits") == 1
    for number in range(6):
        directory = space.root / "data" / f"innocent_{number}"
        assert text_in(directory) == f"right {number}"
        assert runs.read_text().split().count(f"innocent_{number}") == 1
    assert text_in(space.root / "data" / "hungry") == "fed"
    assert runs.read_text().split().count("killed") == 2
    assert "killed failed: its worker process was ended by SIGKILL" in ran.err
    assert "exits failed: its worker process ended with exit status 3" in ran.err
    assert "--pdb" not in ran.err
    assert "2 failed" in ran.err


SLEEPS = """
    import os
    import subprocess
    import time
    from pathlib import Path

    from assetmake import asset


    @asset
    def sleeps() -> str:
        child = subprocess.Popen(["sleep", "600"])
        Path(os.environ["PIDS"]).write_text(f"{os.getpid()} {child.pid}")
        time.sleep(600)


    @asset
    def other() -> str:
        time.sleep(600)
"""


@pytest.mark.parametrize(
    "number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGKILL]
)
def test_whatever_ends_the_command_no_worker_is_left(tmp_path, number):
    """Nor what an asset started."""
    space = TestSpace(tmp_path / "project")
    space.write({"Assetfile.py": SLEEPS})
    pids = tmp_path / "pids"
    with space.popen("-j", "2", PIDS=str(pids)) as process:
        found = read_pids(pids)
        process.send_signal(number)
        _, err = process.communicate(timeout=30)

    assert process.returncode == -number
    wait_until_gone(found)
    if number != signal.SIGKILL:
        assert "2 stopped" in err


EXCLUSIVE = """
    import os
    import time
    from pathlib import Path

    from assetmake import asset

    for number in range(6):

        @asset(name=f"a{number}")
        def a() -> str:
            if "EXCLUSIVE" in os.environ:
                lock = Path(os.environ["EXCLUSIVE"])
                lock.touch(exist_ok=False)
                time.sleep(0.02)
                lock.unlink()
            return "a"
"""


def test_memory_bounds_how_many_run_at_once(tmp_path):
    """By the peaks of the last build; one always runs."""
    space = TestSpace(tmp_path / "project")
    space.write({"Assetfile.py": EXCLUSIVE})
    assert space.shell("-j", "4").status == 0

    ran = space.shell(
        "-B", "-j", "4", "--memory", "1M", EXCLUSIVE=str(tmp_path / "lock")
    )

    assert ran.status == 0, ran.err


def test_peaks_are_recorded_by_asset(space, tmp_path):
    space.shell("-k", "-j", "2", TRIES=str(tmp_path / "tries"))
    file = space.root / "data" / "doubled" / "_manifest.json"

    peak = json.loads(file.read_text())["built"]["peak_memory"]

    assert 10 << 20 < peak < 2 << 30


def test_a_chain_starts_no_worker(tmp_path):
    """Two that wait for each other are not quicker than one."""
    space = TestSpace(tmp_path / "project")
    space.write(
        {
            "Assetfile.py": """
                import os

                from assetmake import asset


                @asset
                def first() -> str:
                    return str(os.getppid())


                @asset
                def second(first: str) -> str:
                    return first + " " + str(os.getppid())
            """
        }
    )
    ran = space.shell("-j", "4")

    text = text_in(space.root / "data" / "second")
    assert ran.status == 0
    assert set(text.split()) == {str(os.getpid())}
