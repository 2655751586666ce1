"""The quick answer is, to the letter, that of the whole command; and it is quick."""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import subprocess
import sys
import time
from unittest import mock

import pytest
from space import TEXTS, Ran, TestSpace, _stream, _text

from assetmake import quick

#: What a run may write down; nothing here is younger than a tick of the clock.
PAUSE = 0.03


def answer(space, *words, cwd=".", **variables):
    """Return what is answered quickly; None if the whole command has to."""
    out, err = _stream(), _stream()
    with (
        mock.patch.dict(os.environ, space.environ(**variables), clear=True),
        contextlib.chdir(space.root / cwd),
        contextlib.redirect_stdout(out),
        contextlib.redirect_stderr(err),
    ):
        status = quick._answer(words)
        assert os.getcwd() == os.path.realpath(space.root / cwd)
    return None if status is None else Ran(status, _text(out), _text(err))


def untimed(ran):
    return Ran(ran.status, ran.out, re.sub(r"\d+\.\ds", "0.0s", ran.err))


def fresh(space):
    """Leave everything as it was built."""


def edited(space):
    space.edit("Assetfile.py", "raw.upper()", "raw.lower()")


def renamed(space):
    """Leave an orphan, and an asset that was never built."""
    space.edit("Assetfile.py", "def length", "def size")


def without_data(space):
    (space.root / "data/upper/upper.txt").unlink()
    (space.root / "raw.txt").unlink()


def failed(space):
    """Leave a message that a terminal would obey."""
    space.edit("Assetfile.py", "return str(len(upper))", "raise OSError('a\\x1b[2J')")
    assert space.run().status == 1


def empty(space):
    space.write({"Assetfile.py": "import assetmake\n"})
    shutil.rmtree(space.root / "data/upper")
    shutil.rmtree(space.root / "data/length")


CHANGES = [fresh, edited, renamed, without_data, failed, empty]

#: Words, and whether they are answered quickly where all is fresh.
LINES = [
    ((), True),
    (("-s",), True),
    (("--silent",), True),
    (("-q",), True),
    (("--question",), True),
    (("--check",), True),
    (("--status", "-s"), True),
    (("-s", "--status"), True),
    (("--check", "--color", "never"), True),
    (("-C", "sub", "--check"), True),
    (("-C", "nowhere", "-q"), False),
    (("-C",), False),
    (("--env",), False),
    (("--color", "blue"), False),
    (("--env", "nowhere"), False),
    (("-q", "--check"), False),
    (("--check", "-s"), False),
    (("-q", "-s"), False),
    (("--status",), False),
    (("--status", "--no-data"), False),
    (("--chekc",), False),
    (("length",), False),
    (("-j", "2"), False),
    (("--json",), False),
]


@pytest.fixture(params=CHANGES, ids=lambda change: change.__name__, scope="module")
def changed(request, tmp_path_factory):
    """A project that was looked at after a change, and the name of the change."""
    space = TestSpace(tmp_path_factory.mktemp("project"))
    space.write({"Assetfile.py": TEXTS, "raw.txt": "a", "sub/x.txt": "x"})
    space.built()
    request.param(space)
    time.sleep(PAUSE)
    space.run("--status")
    return space, request.param.__name__


@pytest.mark.parametrize(("words", "is_quick"), LINES, ids=str)
def test_quick_or_not_the_answer_is_the_same(changed, words, is_quick):
    """Whatever is answered here is what the whole command prints."""
    space, change = changed

    found = answer(space, *words)

    if change == "fresh":
        if found is None and is_quick:  # a directory of the import path changed
            space.run("--status")
            found = answer(space, *words)
        assert (found is not None) == is_quick
    if found is not None:
        assert untimed(found) == untimed(space.run(*words))


def test_what_is_not_fresh_is_told_quickly_too(changed):
    """A hook asks again and again while an asset is not fresh."""
    space, change = changed

    found = answer(space, "--check")

    # What a terminal would obey is for the whole command to make safe.
    assert (found is None) == (change == "failed")
    assert answer(space, "-q").status == (0 if change in ("fresh", "empty") else 1)


@pytest.fixture(scope="module")
def space(tmp_path_factory):
    space = TestSpace(tmp_path_factory.mktemp("project"))
    space.write({"Assetfile.py": TEXTS, "raw.txt": "a", "sub/x.txt": "x"})
    time.sleep(PAUSE)
    space.built()
    return space


@pytest.mark.parametrize(
    ("words", "variables"),
    [
        ((), {"COLUMNS": "40"}),
        ((), {"COLUMNS": "20"}),
        ((), {"COLUMNS": "0"}),
        (("--check",), {"FORCE_COLOR": "1"}),
        (("-q",), {"ASSETMAKE_ENV": "nowhere"}),
    ],
)
def test_variables_count_as_ever(space, words, variables):
    found = answer(space, *words, **variables)

    if found is not None:
        assert untimed(found) == untimed(space.run(*words, **variables))


def test_a_build_goes_by_no_look_without_a_load(tmp_path):
    """Such a look is enough for whoever just looks."""
    space = TestSpace(tmp_path)
    space.write({"Assetfile.py": TEXTS, "raw.txt": "a"})
    time.sleep(PAUSE)
    space.built()
    space.edit("Assetfile.py", "return raw", "# as it is\n    return raw")
    time.sleep(PAUSE)
    assert space.run("--check").status == 0

    assert answer(space, "--check").status == 0
    assert answer(space) is None
    space.built()
    assert answer(space).status == 0


@pytest.mark.parametrize("cwd", ["sub", "data/upper"])
def test_from_below_the_answer_is_the_same(space, cwd):
    found = answer(space, cwd=cwd)

    assert untimed(found) == untimed(space.run(cwd=cwd))


def test_without_the_index_there_is_no_quick_answer(space):
    assert answer(space, "-q", ASSETMAKE_INDEX="0") is None


@pytest.mark.parametrize(
    "config",
    [
        "[tool.assetmake]\nroot = 'kept/tables'\n",
        '[tool.assetmake]\nroot="kept"\n',
        "[tool.assetmake]\nroot = '../beside'\n",
        "[project]\nname = 'x'\nroot = 'data'\n[tool.assetmake]\nroot = 'kept' # no\n",
        "[tool.assetmake]\nformat = 'csv'\n",
        "[tool.assetmake.env.dev]\nroot = 'scratch'\n",
    ],
)
def test_a_configured_store_is_found_without_parsing(tmp_path, config):
    """The parser of the configuration would cost more than the whole answer."""
    space = TestSpace(tmp_path / "project")
    space.write({"Assetfile.py": TEXTS, "raw.txt": "a", "pyproject.toml": config})
    words = ("--env", "dev") if "env.dev" in config else ()
    time.sleep(PAUSE)
    assert space.run(*words).status == 0

    found = answer(space, *words)

    assert found is not None
    assert untimed(found) == untimed(space.run(*words))


def test_the_snapshot_of_another_store_does_not_answer(tmp_path):
    """A store that the configuration no longer names may hold anything."""
    space = TestSpace(tmp_path)
    space.write({"Assetfile.py": TEXTS, "raw.txt": "a"})
    time.sleep(PAUSE)
    space.built()
    assert answer(space, "-q") is not None

    space.write({"pyproject.toml": "[tool.assetmake]\nroot = 'kept'\n"})

    assert answer(space, "-q") is None
    assert space.run("-q").status == 1


#: Imports what the command does, and prints which modules that brought.
IMPORTED = """
import sys
before = set(sys.modules)
from assetmake.quick import main
import assetmake.quick as quick
assert quick._answer(sys.argv[1:]) == 0
print(*sorted(set(sys.modules) - before), file=sys.__stdout__)
"""


@pytest.mark.slow
@pytest.mark.parametrize("words", [(), ("-q",), ("--check",), ("--status", "-s")])
def test_nothing_is_imported_that_is_not_used(tmp_path, words):
    """Neither click nor `re`, which costs as much as all the rest."""
    space = TestSpace(tmp_path)
    space.write({
        "Assetfile.py": TEXTS,
        "raw.txt": "a",
        "pyproject.toml": "[tool.assetmake]\nroot = 'store'\n",
    })  # fmt: skip
    time.sleep(PAUSE)
    environ = {**space.environ(), "PYTHONSAFEPATH": "1"}
    # The same import path as below, so that the snapshot holds there.
    build = [sys.executable, "-c", "from assetmake.cli.main import main; main()"]
    for _ in range(2):
        subprocess.run(build, cwd=tmp_path, env=environ, check=True)

    done = subprocess.run(
        [sys.executable, "-c", IMPORTED, *words],
        cwd=tmp_path,
        env=environ,
        check=True,
        capture_output=True,
        text=True,
    )

    assert set(done.stdout.split()) - {"__future__"} == {
        "assetmake",
        "assetmake.quick",
        "assetmake.saved",
        "assetmake.saved.boot",
        "assetmake.saved.snapshot",
        "xxhash",
        "xxhash._xxhash",
        "xxhash.version",
    }
