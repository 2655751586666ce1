"""Spark starts ahead: once, only when it is sure to be needed, never for others."""

from __future__ import annotations

import logging
import subprocess
import sys
import threading

import pytest
from space import TestSpace

from assetmake.builds.early import EarlySpark

LOG = logging.getLogger("assetmake.spark")


class Session:
    """Stands for a session: counts, and lets the test say when it is there."""

    def __init__(self) -> None:
        self.started = threading.Event()
        self.may_end = threading.Event()
        self.closed = threading.Event()
        self.starts = 0

    def prepare(self) -> None:
        self.starts += 1
        LOG.warning("Java says a word")
        self.started.set()
        assert self.may_end.wait(20)

    def early(self) -> EarlySpark:
        return EarlySpark(self.prepare, self.closed.set)


def test_a_certain_step_starts_it_once():
    session = Session()
    early = session.early()

    early.expect(True, {"a": ["b"]})
    assert session.started.wait(20)
    early.changed("a")
    session.may_end.set()
    early._thread.join(20)
    early.close()

    assert session.starts == 1
    assert session.closed.is_set()


@pytest.mark.parametrize(("changed", "starts"), [("a", 1), ("other", 0)])
def test_a_possible_step_starts_it_when_data_above_it_changed(changed, starts):
    session = Session()
    session.may_end.set()
    early = session.early()

    early.expect(False, {"a": ["b"]})
    assert early._thread is None
    early.changed(changed)

    if starts:
        early._thread.join(20)
    assert session.starts == starts
    early.close()


def test_what_java_says_is_kept_for_the_first_that_asks(capsys):
    """It is no business of the command's own stderr."""
    session = Session()
    session.may_end.set()
    early = session.early()

    early.begin()
    early._thread.join(20)

    assert early.words() == "Java says a word\n"
    assert early.words() == ""
    assert capsys.readouterr() == ("", "")


def test_nobody_waits_for_a_session_that_is_not_needed_any_more():
    """It is closed by the thread that started it."""
    session = Session()
    early = session.early()
    early.begin()
    assert session.started.wait(20)

    early.close()

    assert not session.closed.is_set()
    session.may_end.set()
    assert session.closed.wait(20)
    early.begin()
    assert session.starts == 1


def test_a_failure_is_left_to_the_asset(capsys):
    def fail() -> None:
        raise RuntimeError

    early = EarlySpark(fail, lambda: None)

    early.begin()
    early._thread.join(20)
    early.close()

    assert capsys.readouterr() == ("", "")


PROJECT = """
    import os
    import time
    from pathlib import Path

    from assetmake import asset


    @asset
    def first() -> str:
        flag = Path(os.environ["FLAG"])
        end = time.monotonic() + 20
        while os.environ.get("WAIT") and not flag.exists():
            assert time.monotonic() < end, "nothing started Spark"
            time.sleep(0.01)
        return "a"


    @asset
    def second(first: str) -> str:
        import pyspark

        return first + pyspark.__version__
"""


@pytest.fixture
def space(tmp_path):
    found = TestSpace(tmp_path / "project")
    found.write({"Assetfile.py": PROJECT})
    return found


@pytest.fixture
def starts(tmp_path, monkeypatch):
    """Names of the threads that asked for a session; none is started."""
    pytest.importorskip("pyspark")
    from assetmake.frames import spark

    found: list[str] = []

    def prepare(_self) -> None:
        found.append(threading.current_thread().name)
        (tmp_path / "flag").touch()

    monkeypatch.setattr(spark.SparkHandler, "prepare", prepare)
    return found


def test_it_starts_while_other_assets_are_built(space, tmp_path, starts):
    """The first asset waits for that."""
    ran = space.run(FLAG=str(tmp_path / "flag"), WAIT="1")

    assert ran.status == 0, ran.err
    assert starts == ["assetmake-spark-start", "MainThread"]


def test_it_starts_only_if_data_change(space, tmp_path, starts):
    """A first asset whose data come out the same spares the second."""
    assert space.run(FLAG=str(tmp_path / "flag")).status == 0
    starts.clear()
    space.edit("Assetfile.py", 'return "a"', 'return "" + "a"')
    assert space.run(FLAG=str(tmp_path / "flag")).status == 0
    assert starts == []
    space.edit("Assetfile.py", 'return "" + "a"', 'return "b"')
    (tmp_path / "flag").unlink()
    ran = space.run(FLAG=str(tmp_path / "flag"))

    assert ran.status == 0
    assert sorted(starts) == ["MainThread", "assetmake-spark-start"]


@pytest.mark.slow
@pytest.mark.parametrize("words", [["first"], ["-j2", "first", "third"], ["--status"]])
def test_what_needs_no_spark_imports_nothing_of_it(space, tmp_path, words):
    """Nor does a build of the other assets of the project."""
    text = (space.root / "Assetfile.py").read_text()
    third = '\n\n@asset\ndef third() -> str:\n    return "c"\n'
    (space.root / "Assetfile.py").write_text(text + third)
    code = (
        "import sys\nfrom assetmake.cli.main import main\n"
        "try:\n    main(sys.argv[1:])\n"
        "except SystemExit as ended:\n    assert not ended.code\n"
        "found = {name.partition('.')[0] for name in sys.modules}\n"
        "print(sorted(found & {'pyspark', 'py4j'}))"
    )
    ended = subprocess.run(
        [sys.executable, "-c", code, *words],
        cwd=space.root,
        env=space.environ(FLAG=str(tmp_path / "flag")),
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )

    assert ended.stdout.splitlines()[-1] == "[]", ended.stderr
