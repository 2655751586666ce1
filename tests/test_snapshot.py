"""A snapshot answers for rows only while all they hang on is as it was."""

from __future__ import annotations

import os
import shutil
import sys
import time
from types import SimpleNamespace
from unittest import mock

import pytest
from space import TEXTS, TestSpace

from assetmake.look.looks import Looks
from assetmake.project import open_project
from assetmake.saved import boot
from assetmake.saved.draft import Draft
from assetmake.saved.snapshot import key_of
from assetmake.status.rows import Failure, State

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
    kept = text.partition(b"\n")[2].partition(b"\0")[0].split(b"\n")
    fresh = key_of("Assetfile.py", "", config, "data", str(root)).split(b"\n")
    project._looks._key = lambda: b"\n".join([*fresh[:5], *kept[5:]])
    return project._looks.remember()


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


@pytest.mark.slow
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


@pytest.mark.slow
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


@pytest.mark.slow
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


@pytest.mark.slow
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


@pytest.mark.slow
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
            assert found in (None, truth)


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

    assert (open_project(tmp_path)._looks.remember() is not None) == is_kept
    assert bool(project._looks.doubt) != is_kept
    assert space.root == tmp_path


# What a row could hang on, one by one ------------------------------------------


def built(tmp_path, assetfile, **files):
    """Return a project, built and old enough to be believed."""
    space = TestSpace(tmp_path / "project")
    space.write({"Assetfile.py": assetfile, **files})
    time.sleep(0.03)
    space.built()
    assert open_project(space.root)._looks.remember() is not None
    return space


#: An asset that reads whatever its source names.
READER = """
    from pathlib import Path
    from assetmake import asset, source

    raw = source("raw", path={path!r}, format="text")

    @asset
    def lengths(raw: Path) -> str:
        return "x"
"""


@pytest.mark.parametrize(
    ("path", "new"),
    [
        ("raw/*/x.txt", "away/x.txt"),
        ("raw/**/x.txt", "away/below/x.txt"),
        ("raw/**/*.txt", "away/new.txt"),
        ("raw/.h*/x.txt", "raw/.hid/x.txt"),
        ("[r]aw/*.txt", "raw/new.txt"),
        ("raw", "raw/new.txt"),
        ("../beside/*.txt", "../beside/new.txt"),
        ("../beside/t", "../beside/t/new.txt"),
    ],
)
def test_a_new_file_of_a_source_ends_it(tmp_path, path, new):
    """Behind links too, in hidden directories, and in other projects' tables."""
    root = tmp_path / "project"
    for directory in ("raw/2023", "raw/.hid", "raw/.hide", "away/below"):
        (root / directory).mkdir(parents=True)
    (root / "raw/2024").symlink_to("../away")
    (tmp_path / "beside/t").mkdir(parents=True)
    for file in ("raw/a", "raw/2023/x", "raw/.hide/x", "../beside/a", "../beside/t/a"):
        (root / f"{file}.txt").write_text("x")
    (root / "../beside/t/_manifest.json").write_text("{}")
    space = built(tmp_path, READER.format(path=path))

    (space.root / new).write_text("new")

    assert open_project(space.root)._looks.remember() is None


def test_a_file_that_a_run_was_seen_to_open_ends_it(tmp_path):
    """Nothing but the manifest names it, and its directory stays as it is."""
    text = """
        from pathlib import Path
        from assetmake import asset

        @asset
        def told() -> str:
            return Path("notes/told.txt").read_text()
        """
    space = built(tmp_path, text, **{"notes/told.txt": "one"})

    (space.root / "notes/told.txt").write_text("two")

    assert open_project(space.root)._looks.remember() is None


def note_failure(space, name):
    store = open_project(space.root).store
    with store.lock(lambda owner: None):
        store.note_failure(name, Failure("recipe", "KeyError: 'x'"))
        store.clean()


@pytest.mark.parametrize("before", [False, True])
def test_a_failure_that_is_noted_ends_it(tmp_path, before):
    """A build that is killed then leaves no snapshot of its own."""
    space = built(tmp_path, DAILY.format(text="x"))
    if before:
        note_failure(space, "other")
    space.edit("Assetfile.py", "'x'", "1 / 0")
    time.sleep(0.03)
    open_project(space.root).status()
    assert open_project(space.root)._looks.remember() is not None

    note_failure(space, "daily")

    assert open_project(space.root)._looks.remember() is None


def test_what_a_glob_does_not_look_at_is_not_watched(tmp_path):
    """A project may hold a virtual environment, and another ten thousand files."""
    (tmp_path / "project/venv/lib").mkdir(parents=True)
    (tmp_path / "project/a.txt").parent.mkdir(exist_ok=True)
    space = built(tmp_path, READER.format(path="*.txt"), **{"a.txt": "a"})

    (space.root / "venv/lib/new.txt").write_text("new")

    assert open_project(space.root)._looks.remember() is not None


NEIGHBOUR = """
    from assetmake import asset, source

    daily = source("daily", project="../other")

    @asset
    def total(daily: str) -> str:
        return daily
"""
DAILY = """
    from assetmake import asset

    @asset
    def daily() -> str:
        return {text!r}
"""


def test_a_link_to_another_project_that_moves_ends_it(tmp_path):
    """Neither of the two has a pyproject.toml to tell them apart."""
    for name in ("first", "second"):
        other = TestSpace(tmp_path / name)
        other.write({"Assetfile.py": DAILY.format(text=name)})
        other.built()
    (tmp_path / "other").symlink_to("first")
    space = built(tmp_path, NEIGHBOUR)

    (tmp_path / "other").unlink()
    (tmp_path / "other").symlink_to("second")

    assert open_project(space.root)._looks.remember() is None


def test_a_table_behind_a_link_ends_it(tmp_path):
    """The link was there before, and so was what it leads to."""
    elsewhere = TestSpace(tmp_path / "elsewhere")
    elsewhere.write({"Assetfile.py": DAILY.format(text="x")})
    elsewhere.built()
    table = tmp_path / "elsewhere/data/daily"
    manifest = (table / "_manifest.json").read_bytes()
    (table / "_manifest.json").unlink()
    root = tmp_path / "project"
    (root / "data").mkdir(parents=True)
    (root / "data/daily").symlink_to(table)
    space = built(tmp_path, DAILY.format(text="x").replace("daily", "other"))
    assert open_project(space.root).orphans() == []

    (table / "_manifest.json").write_bytes(manifest)

    assert [row.name for row in open_project(space.root).orphans()] == ["daily"]


def test_a_file_that_changed_between_load_and_look_leaves_no_snapshot(tmp_path):
    """A project that is held open keeps what it loaded as long as its code is."""
    space = built(
        tmp_path,
        """
        from pathlib import Path
        from assetmake import asset

        for name in (Path(__file__).parent / "names.txt").read_text().split():
            @asset(name=name)
            def made() -> str:
                return "x"
        """,
        **{"names.txt": "a"},
    )
    held = open_project(space.root)
    held._looks.look()
    (space.root / "names.txt").write_text("a b")
    time.sleep(0.03)

    held._looks.look()

    assert open_project(space.root).names() == ["a", "b"]


def test_a_load_that_read_from_the_working_directory_holds_for_it(tmp_path):
    """Elsewhere it would have read another file."""
    space = TestSpace(tmp_path)
    space.write(
        {
            "Assetfile.py": """
                from assetmake import asset

                with open("names.txt") as file:
                    names = file.read().split()
                for name in names:
                    @asset(name=name)
                    def made() -> str:
                        return "x"
                """,
            "names.txt": "a",
            "sub/names.txt": "b",
        }
    )
    time.sleep(0.03)
    assert space.run("--list").out == "a\n"
    space.built()

    assert space.run("--list", cwd="sub").out == "b\n"
    assert space.run("--list").out == "a\n"


def test_another_import_path_ends_it(space, monkeypatch):
    """Also its first entry, where it is not that of the command itself."""
    project = open_project(space.root)
    before = project._looks._key()
    monkeypatch.setattr("sys.path", ["/elsewhere", *sys.path])
    first = project._looks._key()
    monkeypatch.setattr("sys.path", [*sys.path[1:], "/elsewhere"])

    assert len({before, first, project._looks._key()}) == 3


def test_what_can_be_imported_from_elsewhere_ends_it(tmp_path, monkeypatch):
    """A module that appears there, but not the lock file of an editor."""
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    monkeypatch.syspath_prepend(str(elsewhere))
    space = built(tmp_path, DAILY.format(text="x"))
    (elsewhere / ".notes.md.swp").write_text("x")
    (elsewhere / "notes.md").write_text("x")
    assert open_project(space.root)._looks.remember() is not None

    (elsewhere / "pathlib").mkdir()

    assert open_project(space.root)._looks.remember() is None


def test_where_the_command_lies_changes_nothing(space, monkeypatch):
    """`python -m assetmake` in the project's directory is the same command."""
    project = open_project(space.root)
    monkeypatch.setattr("sys.path", ["", *sys.path])
    monkeypatch.chdir(space.root)
    before = project._looks._key()

    monkeypatch.setattr("sys.path", [f"{sys.prefix}/bin", *sys.path[1:]])

    assert project._looks._key() == before


def test_a_file_system_that_stamps_whole_seconds_needs_a_pause(tmp_path):
    """What changes within two seconds may have one time there, as on FAT or HFS."""
    file = tmp_path / "file"
    file.write_text("x")
    stat = file.stat()
    second = stat.st_ctime_ns // 1_000_000_000 * 1_000_000_000
    coarse = SimpleNamespace(
        st_size=1, st_ino=stat.st_ino, st_ctime_ns=second, st_mtime_ns=second
    )

    with mock.patch("os.stat", return_value=coarse):
        early = Draft(str(tmp_path), second + 2_000_000_000)
        early.stamp(str(file))
        late = Draft(str(tmp_path), second + 3_000_000_000)
        late.stamp(str(file))

    assert early.problem == f"{file} is too young"
    assert late.problem == ""


@pytest.mark.parametrize(("behind", "is_kept"), [(0, True), (5_000_000_000, False)])
def test_a_server_whose_clock_is_behind_leaves_no_snapshot(
    tmp_path, monkeypatch, behind, is_kept
):
    """What a server calls a second old may have been written this moment."""
    file, now = tmp_path / "file", time.time_ns() + behind
    (tmp_path / "data/.assetmake").mkdir(parents=True)
    file.write_text("x")
    monkeypatch.setattr("assetmake.saved.draft.time.time_ns", lambda: now + 10**9)
    draft = Draft(str(tmp_path), now + 10**9)
    draft.stamp(str(file))
    monkeypatch.setattr("os.stat", _later(os.stat, 0 if behind else 10**9))

    kept = draft.save(
        str(tmp_path / "data/.assetmake/snapshot"), b"key", (1, 1), [], lambda: b"[]"
    )

    assert kept == is_kept


def _later(stat, by):
    """Stand in for `os.stat`, with a clock that goes along."""

    def found(path, **rest):
        real = stat(path, **rest)
        return SimpleNamespace(
            **{name: getattr(real, name) for name in ("st_size", "st_ino")},
            st_mtime_ns=real.st_mtime_ns + by,
            st_ctime_ns=real.st_ctime_ns + by,
        )

    return found


def test_a_build_takes_one_snapshot(tmp_path, monkeypatch):
    """The one before it ran anything would hold for nobody."""
    space = TestSpace(tmp_path)
    space.write({"Assetfile.py": TEXTS, "raw.txt": "a"})
    taken = []
    monkeypatch.setattr(
        Looks, "snap", lambda self, view, began: taken.append(view.statuses)
    )

    open_project(space.root).build()
    (states,) = taken
    assert {row.state for row in states.values()} == {State.SOURCE, State.FRESH}

    taken.clear()
    open_project(space.root).build()
    assert len(taken) == 1
