"""`--verify`: what it says of an asset, and that it leaves nothing behind."""

from __future__ import annotations

import json
import os
import signal
import time

import pytest
from space import TestSpace
from test_cli import lines

import assetmake
from assetmake import MemoryStore
from assetmake.builds.verify import Verdict
from assetmake.errors import UnknownNameError

ASSETFILE = """
    from pathlib import Path

    import pandas as pd
    from assetmake import asset, check, source

    MODE = Path(__file__).parent.parent / "mode"
    raw = source("raw", path="raw.txt", format="text")


    def mode():
        return MODE.read_text() if MODE.exists() else ""


    @asset
    def table() -> pd.DataFrame:
        frame = pd.DataFrame({"n": [1, 2, 3], "s": ["a", "b", "c"]})
        if mode() == "order":
            return frame.iloc[::-1].reset_index(drop=True)
        if mode() == "values":
            frame.loc[1, "n"] = 9
        return frame


    @asset
    def report(table: pd.DataFrame, raw: str) -> str:
        if mode() == "fail":
            print("about to fail")
            raise ValueError("bad day")
        if mode() == "source":
            (Path(__file__).parent / "raw.txt").write_text("later")
            return "other"
        return f"{raw}{mode()}" + chr(10)


    @asset
    def model(table: pd.DataFrame) -> dict:
        return {"mode": mode()}


    @check(table)
    def counted(table: pd.DataFrame):
        with (MODE.parent / "checked").open("a") as log:
            log.write("x")
"""


@pytest.fixture
def space(tmp_path):
    space = TestSpace(tmp_path / "project")
    space.write({"Assetfile.py": ASSETFILE, "raw.txt": "word"})
    space.built()
    return space


def change(space, mode):
    (space.root.parent / "mode").write_text(mode)


def stored(space):
    """Return every file of the store but what is disposable, with its stamp."""
    private = space.root / "data" / ".assetmake"
    kept = {private / name for name in ("failures", "kept", "logs")}
    return {
        path: (path.stat().st_mtime_ns, path.stat().st_ino, path.read_bytes())
        for path in (space.root / "data").rglob("*")
        if path.is_file() and (private not in path.parents or kept & {*path.parents})
    }


def test_the_same_again_is_deterministic(space):
    before = stored(space)

    ran = space.run("--verify")

    assert ran.status == 0
    assert lines(ran.out) == [
        "deterministic  table  #s",
        "deterministic  report  #s",
        "deterministic  model  #s",
    ]
    assert lines(ran.err) == [
        "",
        "assetmake: 3 of 3 assets deterministic in #s; nothing was stored",
    ]
    assert stored(space) == before
    assert (space.root.parent / "checked").read_text() == "x"


@pytest.mark.parametrize(
    ("mode", "name", "verdict", "told"),
    [
        ("order", "table", "reordered", ["  same rows in another order"]),
        (
            "values",
            "table",
            "differs",
            ["  column n differs in 1 row, first in row 1: 2, then 9"],
        ),
        ("other", "report", "differs", ["  line 1 is 'word', then 'wordother'"]),
        (
            "other",
            "model",
            "unknown",
            ["  its pickle has other bytes, which may stand for the same value"],
        ),
        ("source", "report", "unknown", ["  source `raw` changed meanwhile"]),
    ],
)
def test_what_does_not_come_out_the_same(space, mode, name, verdict, told):
    before = stored(space)
    change(space, mode)

    ran = space.run("--verify", name)

    assert ran.status == 1
    assert lines(ran.out) == [f"{verdict:13}  {name}  #s", *told]
    assert "assetmake: 0 of 1 asset deterministic, 1 " in ran.err
    assert stored(space) == before
    staging = space.root / "data" / ".assetmake" / "staging"
    assert list(staging.iterdir()) == []


def test_an_asset_that_fails_is_shown_and_not_recorded(space):
    before = stored(space)
    change(space, "fail")

    ran = space.run("--verify", "report", "table")

    assert ran.status == 1
    assert lines(ran.out) == ["deterministic  table  #s", "failed         report"]
    assert "error: report failed: ValueError: bad day" in ran.err
    assert "  it printed:\n  | about to fail\n" in ran.err
    assert "--pdb" not in ran.err
    assert "1 of 2 assets deterministic, 1 failed in" in ran.err
    assert stored(space) == before
    assert space.run("--check").status == 0


def test_what_is_not_fresh_is_not_run(space):
    space.edit("Assetfile.py", '"c"]', '"d"]')

    ran = space.run("--verify")

    assert ran.status == 1
    assert lines(ran.out) == [
        "not fresh      table",
        "  code changed: build it first",
        "not fresh      report",
        "  upstream `table` is outdated: build it first",
        "not fresh      model",
        "  upstream `table` is outdated: build it first",
    ]
    assert "assetmake: 0 of 3 assets deterministic, 3 not fresh in" in ran.err


def test_only_what_is_named_is_built_again(space):
    change(space, "order")

    ran = space.run("--verify", "rep*")

    assert ran.out.startswith("differs        report")
    assert "table" not in ran.out
    assert space.run("--verify", "zzz").status == 2
    ran = space.run("--verify", "raw")
    assert ran.status == 2
    assert "error: `raw` names no asset\n" in ran.err


def test_json_has_every_deviation(space):
    change(space, "values")

    ran = space.run("--verify", "table", "model", "--json")

    assert ran.status == 1
    found = json.loads(ran.out)
    assert (found["mode"], found["ok"]) == ("verify", False)
    table, model = found["tables"]
    assert (table["verdict"], table["file"], table["line"]) == (
        "differs",
        "Assetfile.py",
        15,
    )
    assert table["deviations"] == [
        {
            "kind": "values",
            "column": "n",
            "rows": 1,
            "row": 1,
            "stored": "2",
            "again": "9",
        }
    ]
    assert (model["verdict"], model["deviations"]) == ("unknown", [])


@pytest.mark.parametrize("option", ["-j2", "-k", "-B", "--pdb", "--no-data"])
def test_options_of_a_build_are_refused(space, option):
    ran = space.run("--verify", option)

    assert ran.status == 2
    assert "does not go with --verify" in ran.err


def test_a_project_without_assets_is_deterministic(tmp_path):
    space = TestSpace(tmp_path)
    space.write({"Assetfile.py": "x = 1\n"})

    ran = space.run("--verify")

    assert ran.status == 0
    assert "0 of 0 assets deterministic" in ran.err


def test_from_python(space):
    project = assetmake.open(space.root)
    told = []
    change(space, "order")

    found = project.verify(["table", "report"], told=told.append)

    assert told == found
    assert [one.verdict for one in found] == [Verdict.REORDERED, Verdict.DIFFERS]
    assert not any(one.ok for one in found)
    with pytest.raises(UnknownNameError, match="names no asset"):
        project.verify("raw")


def test_a_store_in_memory_is_verified(space):
    project = assetmake.open(space.root, store=MemoryStore())
    project.build()

    assert [one.ok for one in project.verify()] == [True] * 3


WAITING = """
    import time
    from pathlib import Path
    from assetmake import asset


    @asset
    def slow() -> str:
        Path(__file__).with_name("began").touch()
        while not Path(__file__).with_name("go").exists():
            time.sleep(0.01)
        return "done"
"""


def until(path):
    for _ in range(3000):
        if path.exists():
            return
        time.sleep(0.01)
    msg = f"{path} did not come"
    raise AssertionError(msg)


@pytest.fixture
def slow(tmp_path):
    space = TestSpace(tmp_path)
    space.write({"Assetfile.py": WAITING, "go": ""})
    space.built()
    (space.root / "go").unlink()
    (space.root / "began").unlink()
    return space


@pytest.mark.slow
def test_a_build_waits_for_a_verification(slow):
    with slow.popen("--verify") as verifying:
        until(slow.root / "began")
        with slow.popen("-B") as building:
            line = building.stderr.readline()
            (slow.root / "go").touch()
            building.communicate(timeout=60)
        out, _ = verifying.communicate(timeout=60)

    assert line.startswith("assetmake: waiting for another build (process ")
    assert out.startswith("deterministic  slow")
    assert (verifying.returncode, building.returncode) == (0, 0)


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGINT])
def test_what_a_killed_verification_left_is_cleared(slow, number):
    before = stored(slow)
    with slow.popen("--verify") as verifying:
        until(slow.root / "began")
        staging = slow.root / "data" / ".assetmake" / "staging"
        assert len(list(staging.iterdir())) == 1
        os.kill(verifying.pid, number)
        verifying.communicate(timeout=60)
    (slow.root / "go").touch()

    assert verifying.returncode == -number
    if number == signal.SIGINT:
        assert list(staging.iterdir()) == []
    assert stored(slow) == before
    assert slow.run("--check").status == 0
    assert slow.run("--verify").status == 0
    assert list(staging.iterdir()) == []
