"""A snapshot answers for rows only while all they hang on is as it was."""

from __future__ import annotations

import os
import shutil
import time

import pytest
from space import TestSpace

from assetmake import boot
from assetmake.project import open_project
from assetmake.snapshot import key_of

ASSETFILE = """
    import os
    from pathlib import Path
    from assetmake import asset, source
    from helpers import shout

    HERE = Path(__file__).parent
    with open(HERE.parent / "loads.log", "a") as log:
        log.write("load\\n")
    TITLE = (HERE / "title.txt").read_text()
    raw = source("raw", path="raw/*.txt", format="text")


    @asset(env=["REGION"], reads=["notes/*.md"])
    def upper(raw: Path) -> str:
        extra = HERE / "extra.txt"
        try:
            more = open(extra).read()
        except OSError:
            more = ""
        return shout(TITLE) + more + os.environ.get("REGION", "")


    @asset
    def length(upper: str) -> str:
        return str(len(upper))
"""


@pytest.fixture
def space(tmp_path):
    space = TestSpace(tmp_path / "project")
    space.write(
        {
            "Assetfile.py": ASSETFILE,
            "helpers.py": "def shout(text):\n    return text.upper()\n",
            "title.txt": "title",
            "raw/a.txt": "a",
            "notes/n.md": "n",
            "pyproject.toml": "[tool.assetmake]\nroot = 'data'\n",
        }
    )
    time.sleep(0.03)  # what is younger than a tick of the clock is not believed
    assert space.shell().status == 0
    (tmp_path / "loads.log").unlink()
    return space


def remember(root, snapshot=None):
    """Return what the command would be answered, whatever this process imports."""
    project = open_project(root)
    text = (snapshot or root / "data/.assetmake/snapshot").read_bytes()
    config = (root / "pyproject.toml").read_bytes()
    kept = text.split(b"\0")[1].decode()
    fresh = key_of("Assetfile.py", "", config).split("\n")[:4]
    project._key = lambda: "\n".join([*fresh, *kept.split("\n")[4:]])
    return project._remember()


def loads(space):
    log = space.root.parent / "loads.log"
    number = len(log.read_text().splitlines()) if log.exists() else 0
    log.unlink(missing_ok=True)
    return number


def test_a_no_op_loads_no_user_code_and_writes_no_byte(space):
    before = picture(space.root)

    answers = [space.shell(*words) for words in ((), ("--check",), ("-q",), ("-s",))]

    assert [ran.status for ran in answers] == [0, 0, 0, 0]
    assert loads(space) == 0
    assert picture(space.root) == before


def picture(folder):
    return {
        str(path): (path.stat().st_mtime_ns, path.stat().st_ino)
        for path in sorted(folder.rglob("*"))
    }


@pytest.mark.parametrize("words", [(), ("--check",), ("-q",), ("-s",)])
def test_the_quick_answer_is_that_of_the_whole_command(space, words):
    """Without a snapshot, and so through every module, the words are the same."""
    quick = space.shell(*words)
    whole = space.shell(*words, ASSETMAKE_INDEX="0")

    def untimed(text):
        return text.partition("(")[0]

    assert (quick.status, quick.out, untimed(quick.err)) == (
        whole.status,
        whole.out,
        untimed(whole.err),
    )
    assert loads(space) == 1


@pytest.mark.parametrize(
    "words", [("--status",), ("-n",), ("--list",), ("--graph",), ("length",)]
)
def test_looking_loads_no_user_code(space, words):
    quick = space.shell(*words)
    assert loads(space) == 0

    whole = space.shell(*words, ASSETMAKE_INDEX="0")

    assert quick.out == whole.out
    assert loads(space) == 1


def edit(path):
    def change(root):
        (root / path).write_text((root / path).read_text() + " ")

    return change


def keep_stat(path):
    """Change a byte, and set back what can be set back."""

    def change(root):
        file = root / path
        stat = file.stat()
        text = file.read_text()
        file.write_text("z" + text[1:])
        os.utime(file, ns=(stat.st_atime_ns, stat.st_mtime_ns))

    return change


def add(path):
    def change(root):
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text("x")

    return change


def remove(path):
    def change(root):
        if (root / path).is_dir():
            shutil.rmtree(root / path)
        else:
            (root / path).unlink()

    return change


@pytest.mark.parametrize(
    "change",
    [
        edit("Assetfile.py"),
        edit("helpers.py"),
        edit("pyproject.toml"),
        edit("title.txt"),
        edit("raw/a.txt"),
        edit("notes/n.md"),
        edit("data/upper/upper.txt"),
        edit("data/upper/_manifest.json"),
        keep_stat("helpers.py"),
        keep_stat("raw/a.txt"),
        keep_stat("data/upper/upper.txt"),
        keep_stat("data/length/_manifest.json"),
        add("raw/b.txt"),
        add("notes/m.md"),
        add("extra.txt"),
        add("data/upper/more.txt"),
        add("data/other/part-0.txt"),
        add("pathlib.py"),
        add("helpers/__init__.py"),
        remove("data/upper"),
        remove("data/upper/upper.txt"),
        remove("data/upper/_manifest.json"),
        remove("notes/n.md"),
        remove("raw/a.txt"),
        remove("title.txt"),
    ],
)
def test_each_change_ends_it(space, change):
    """Whatever a row could hang on; what it means is for a real look to say."""
    change(space.root)

    assert remember(space.root) is None


def test_nothing_ends_it(space):
    assert remember(space.root) is not None


def test_a_variable_ends_it_and_is_not_in_it(space):
    snapshot = space.root / "data/.assetmake/snapshot"
    assert space.shell("-q", REGION="secret").status == 1
    space.shell(REGION="secret")

    assert b"secret" not in snapshot.read_bytes()
    assert space.shell("-q", REGION="secret").status == 0
    assert space.shell("-q").status == 1


def test_a_reboot_ends_it(space, monkeypatch):
    """After a power loss a stamp may be older than the bytes below it."""
    monkeypatch.setattr(boot, "boot_id", lambda: "another")

    assert remember(space.root) is None


def test_every_cut_and_flip_is_harmless(space):
    """What is read from a garbled snapshot is nothing, or the truth."""
    file = space.root / "data/.assetmake/snapshot"
    data = file.read_bytes()
    truth = remember(space.root)
    assert truth is not None
    whole = space.root / "snapshot"
    whole.write_bytes(data)
    for position in range(0, len(data), 7):
        for garbled in (
            data[:position],
            data[:position] + bytes([data[position] ^ 8]) + data[position + 1 :],
        ):
            file.write_bytes(garbled)
            found = remember(space.root, whole)
            if found is not None:
                assert found.statuses.keys() == truth.statuses.keys() or position > (
                    len(data) - len(truth.statuses) * 400
                )


@pytest.mark.parametrize(
    ("definition", "is_kept"),
    [
        ("for name in ['a', 'b']:\n    asset(name=name)(make(name))", True),
        ("for name in sorted(REGIONS):\n    asset(name=name)(make(name))", True),
        (
            "for name in [time.strftime('x%S')]:\n    asset(name=name)(make(name))",
            False,
        ),
        (
            "for name in os.environ['NAMES']:\n    asset(name=name)(make(name))",
            False,
        ),
        ("if random.random() < 2:\n    asset(name='a')(make('a'))", False),
        ("asset(name='a' if os.getpid() else 'b')(make('a'))", False),
    ],
)
def test_assets_that_hang_on_the_world_are_loaded_for_real(
    tmp_path, monkeypatch, definition, is_kept
):
    """Loops over literals are as good as plain statements; a clock is not."""
    monkeypatch.setenv("NAMES", "ab")
    space = TestSpace(tmp_path)
    head = "import os, random, time\nfrom assetmake import asset\nREGIONS = {'eu': 1}\n"
    make = "def make(name):\n    def f() -> str:\n        return name\n    return f\n"
    (tmp_path / "Assetfile.py").write_text(head + make + definition + "\n")
    time.sleep(0.03)

    project = open_project(tmp_path)
    project.build()

    assert (open_project(tmp_path)._remember() is not None) == is_kept
    assert bool(project.doubt) != is_kept
    assert space.root == tmp_path
