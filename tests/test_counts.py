"""How often the disk is asked: exact numbers, and so linear growth.

Counts, unlike times, are the same on every machine.
"""

from __future__ import annotations

import json
import subprocess
import sys
import time

import pytest
from space import TestSpace

#: Runs a command line, and prints how often it asked for what in the project.
RUN = """
import json, os, sys
from assetmake import quick
from assetmake.cli import main as cli  # the imports of both are not what is counted
import assetmake.fingerprint, assetmake.saved.fileindex

root = os.getcwd()
opened, listed, stats, hashed = [], [], [0], [0]

def inside(path):
    path = os.fsdecode(path)
    if os.path.isabs(path) and not f"{path}/".startswith(root + "/"):
        return None
    return os.path.relpath(path, root) if os.path.isabs(path) else path

ASKS = ("open", "os.scandir", "os.listdir")

def hook(event, args):
    if event in ASKS and isinstance(args[0], str | bytes):
        path = inside(args[0])
        if path is not None:
            flags = args[2] if event == "open" else 0
            directory = isinstance(flags, int) and flags & os.O_DIRECTORY
            if not directory:
                (opened if event == "open" else listed).append(path)

def counting(function):
    def count(path, *args, **rest):
        if not isinstance(path, int) and inside(path) is not None:
            stats[0] += 1
        return function(path, *args, **rest)
    return count

def hashing(path):
    hashed[0] += 1
    return digest_file(path)

digest_file = assetmake.fingerprint.digest_file
assetmake.saved.fileindex.digest_file = hashing
os.stat, os.lstat = counting(os.stat), counting(os.lstat)
sys.addaudithook(hook)
told = sys.__stdout__
sys.stdout = sys.stderr = open(os.devnull, "w")
opened.clear()
status = quick._answer(sys.argv[1:])
is_quick = status is not None
if status is None:
    status = cli.run(cli.main, sys.argv[1:])
print(json.dumps([status, is_quick, stats[0], opened, listed, hashed[0]]), file=told)
"""

ASSETFILE = """
    from assetmake import asset, source

    raw = source("raw", path="raw.txt", format="text")
"""


def project(folder, size):
    space = TestSpace(folder)
    assets = [
        f"    @asset\n    def a{number}(raw: str) -> str:\n        return raw\n"
        for number in range(size)
    ]
    space.write({"Assetfile.py": "\n".join([ASSETFILE, *assets]), "raw.txt": "1"})
    time.sleep(0.03)
    ask(space, "-B")  # with the import path that is asked with later
    assert ask(space)[:2] == [0, True]
    return space


def ask(space, *words):
    done = subprocess.run(
        [sys.executable, "-P", "-c", RUN, *words],
        cwd=space.root,
        env=space.environ(),
        check=True,
        capture_output=True,
        text=True,
    )
    return json.loads(done.stdout)


def ask_again(space, *words):
    """Ask as long as others change a directory of the import path meanwhile."""
    for _ in range(5):
        if ask(space, "-q")[1]:
            break
    return ask(space, *words)


def ask_quickly(space, *words):
    """Do the same with words that are themselves answered without a load."""
    for _ in range(5):
        answer = ask(space, *words)
        if answer[1]:
            break
    return answer


SIZES = (3, 8)
#: What a no-op opens; the first to see that it is not there.
OPENED = ["pyproject.toml", "data/.assetmake/snapshot", "Assetfile.py"]


@pytest.fixture(scope="module")
def projects(tmp_path_factory):
    return {size: project(tmp_path_factory.mktemp("p"), size) for size in SIZES}


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize(
    "words", [(), ("-s",), ("-q",), ("--check",), ("--status", "-s")]
)
def test_a_no_op_asks_for_each_file_once(projects, words, size):
    """An asset has a directory, a manifest and a data file: three stats, no open.

    The other seven are the Assetfile and the snapshot, to find them; the store,
    its record of failures and the source; and places of two modules.
    """
    status, is_quick, stats, opened, listed, hashed = ask_quickly(
        projects[size], *words
    )

    assert (status, is_quick) == (0, True)
    assert (opened, listed, hashed) == (OPENED, [], 0)
    assert stats == 3 * size + 7


@pytest.mark.slow
@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("words", [("--status",), ("-n",), ("--list",), ("a1",)])
def test_what_shows_rows_asks_no_more(projects, words, size):
    """Rows come from the snapshot; but the configuration is read to be parsed.

    And one stat more tells that the store is a directory.
    """
    status, is_quick, stats, opened, listed, hashed = ask_again(projects[size], *words)

    assert (status, is_quick) == (0, False)
    assert (opened, listed, hashed) == ([OPENED[0], *OPENED], [], 0)
    assert stats == 3 * size + 8


def test_a_look_after_an_edit_opens_no_manifest_and_lists_no_table(projects):
    """Each table is asked for thrice: for its record, its name and the snapshot."""
    answers = []
    for size in SIZES:
        space = projects[size]
        with (space.root / "Assetfile.py").open("a") as file:
            file.write("# a comment\n")
        time.sleep(0.03)
        answers.append(ask(space, "--check"))

    for status, is_quick, _, opened, listed, hashed in answers:
        assert (status, is_quick, hashed) == (0, False, 0)
        assert not [path for path in opened if "_manifest" in path]
        # Tables lie beside the private directory, which may hold leftovers.
        tables = [path for path in listed if not path.startswith("data/.assetmake")]
        assert not [path for path in tables if path.startswith("data/")]
    few, many = (stats for _, _, stats, *_ in answers)
    # Directory, manifest and file for the record, and for the snapshot; the
    # directory, to know that it need not be listed, for names and snapshot; and
    # whether a failure is noted; and which directory it is, for one may be
    # exchanged with another while it is looked at.
    assert many - few == (SIZES[1] - SIZES[0]) * (3 + 3 + 2 + 1 + 1)
