"""Projects in odd places, with odd names: paths, links, owners and clocks."""

from __future__ import annotations

import os
import shutil
import tempfile
import time
from pathlib import Path
from textwrap import dedent
from unittest import mock

import pytest
from space import TEXTS, Ran, TestSpace

TABLES = """
    from pathlib import Path

    import duckdb
    import pandas as pd
    import polars as pl
    import pyarrow as pa
    from assetmake import asset, source

    source("some", path="in/*.csv")
    source("every", path="in/**/*.csv")
    source("folder", path="in")
    source("one", path="in/a[1].csv")


    @asset(reads=["conf/*.json", "conf/[b].json"])
    def joined(some: pd.DataFrame, every, folder, one) -> pd.DataFrame:
        return pd.concat([some, every, folder, one])


    @asset(format="csv")
    def lazy(joined: pl.LazyFrame) -> pl.LazyFrame:
        return joined


    @asset
    def relation(
        lazy: duckdb.DuckDBPyRelation, joined: duckdb.DuckDBPyRelation
    ) -> duckdb.DuckDBPyRelation:
        return lazy


    @asset
    def arrow(relation: pa.Table, some: Path) -> pa.Table:
        return relation
"""
#: Names that a directory may have.
PLACES = [
    "with space",
    'it\'s "q"',
    "new\nline",
    "-lead",
    "[a-z]*?{x}",
    "a%20b#c?d",
    "Zürich",
    "$HOME:~",
    os.fsdecode(b"lat\xe9in"),
]


def tables(root):
    """Return a project of tables of every library but Spark."""
    space = TestSpace(root)
    data = dict.fromkeys(("in/a.csv", "in/a[1].csv", "in/sub/b.csv"), "n\n1\n")
    conf = {"conf/a.json": "1", "conf/[b].json": "1"}
    space.write({"Assetfile.py": TABLES, **data, **conf})
    return space


@pytest.mark.slow
@pytest.mark.parametrize("place", PLACES, ids=ascii)
def test_a_project_may_lie_anywhere(tmp_path, place):
    """Whatever stands in its path is no pattern, and no matter."""
    space = tables(tmp_path / place)

    first, second = space.run("-k"), space.run("--check")

    assert (first.status, second.status) == (0, 0), first.err + second.out
    for file, changed in {
        "in/a[1].csv": ["source `some`", "source `every`", "source `folder`",
                        "source `one`"],
        "in/sub/b.csv": ["source `every`", "source `folder`"],
        "conf/a.json": ["file `conf/a.json`"],
        "conf/[b].json": ["file `conf/[b].json`"],
    }.items():  # fmt: skip
        reason = "; ".join(f"{what} changed" for what in changed)
        path = space.root / file
        before = path.read_bytes()
        path.write_bytes(b"n\n2\n")
        checked = space.run("--check", "joined")
        path.write_bytes(before)
        assert f"joined: outdated: {reason}\n" in checked.out
    (space.root / "in/new.csv").write_text("n\n3\n")
    assert space.run("--check", "joined").status == 1
    assert space.run("-j2", "-k").status == 0
    assert space.run("--check").status == 0


def test_a_directory_that_cannot_be_listed_is_no_empty_one(tmp_path, monkeypatch):
    """A source must not lose rows in silence."""
    space = tables(tmp_path / "project")
    space.built()
    scandir = os.scandir

    def refuse(path="."):
        if str(path).endswith("in/sub"):
            raise PermissionError(13, "Permission denied", str(path))
        return scandir(path)

    monkeypatch.setattr(os, "scandir", refuse)
    ran = space.run("--check", "joined", ASSETMAKE_INDEX="0")

    problem = "in/sub/ cannot be read: Permission denied"
    assert f"every: source: {problem}" in ran.out
    assert f"folder: source: {problem}" in ran.out
    assert "source `every` is missing" in ran.out


# Names ------------------------------------------------------------------------

LONG = [
    "b" * 199 + "1",
    "b" * 199 + "2",
    "/".join(["c" * 150] * 4) + "/x",
    "/".join(["c" * 150] * 4) + "/y",
    "/".join(["\N{HIRAGANA LETTER A}" * 66] * 3),
]


def long_names(tmp_path, body):
    """Return a project whose assets have long names."""
    space = TestSpace(tmp_path / "project")
    text = "from assetmake import asset\n"
    for number, name in enumerate(LONG):
        text += f"\n@asset(name={name!r})\ndef f{number}() -> str:\n    {body}\n"
    space.write({"Assetfile.py": text})
    return space


def test_long_names_are_kept_apart_and_fail_nowhere(tmp_path):
    """Their logs, their failures, and copies of what was changed by hand."""
    space = long_names(tmp_path, "print('p'); raise ValueError('no')")

    failed = space.run("-k")
    status = space.run("--check")

    assert failed.err.count("ValueError: no") == len(LONG)
    assert status.out.count("last build failed: ValueError: no") == len(LONG)
    assert len(list((space.root / "data/.assetmake/logs").iterdir())) == len(LONG)

    space = long_names(tmp_path, "return 'x'")
    space.built()
    for file in (space.root / "data").rglob("*.txt"):
        file.write_text("by hand")
    rebuilt = space.built()

    assert rebuilt.err.count("kept in") == len(LONG)
    assert {
        file.read_text()
        for file in (space.root / "data/.assetmake/kept").rglob("*.txt")
    } == {"by hand"}
    assert space.run("--check").status == 0


def test_a_name_that_fits_no_path_is_refused_at_once(tmp_path):
    """Not after the function ran."""
    space = TestSpace(tmp_path / "project")
    name = "/".join(["c" * 150] * 6)
    space.write(
        {
            "Assetfile.py": f"""
                from assetmake import asset


                @asset(name={name!r})
                def f() -> str:
                    return ""
            """
        }
    )

    ran = space.run("--status")

    assert ran.status == 2
    assert "is too long to name a path" in ran.err
    assert "choose a name of at most 800 bytes" in ran.err


@pytest.mark.parametrize(
    ("stored", "defined"),
    [("Daily", "daily"), ("cafe\N{COMBINING ACUTE ACCENT}", "caf\xe9")],
)
def test_two_spellings_of_one_directory_are_one_row(tmp_path, stored, defined):
    """As on macOS, where a link stands here; elsewhere they are two."""
    space = TestSpace(tmp_path / "project")
    text = f"""
        from assetmake import asset


        @asset
        def {defined}() -> str:
            return "x"
    """
    space.write({"Assetfile.py": text})
    space.built()
    (space.root / "data" / defined).rename(space.root / "data" / stored)

    apart = space.run("--check")
    (space.root / "data" / defined).symlink_to(stored, target_is_directory=True)
    one = space.run("--check")

    assert f"{defined}: missing: never built" in apart.out
    assert f"{stored}: orphaned" in apart.out
    assert (one.status, one.err) == (0, "1 table, all fresh\n")


def test_names_that_some_file_system_takes_for_one_collide(tmp_path):
    """Before one overwrites the other."""
    space = TestSpace(tmp_path / "project")
    names = ["Stra\xdfe", "strasse"]
    text = "from assetmake import asset\n"
    for number, name in enumerate(names):
        text += f"\n@asset(name={name!r})\ndef f{number}() -> str: ...\n"
    space.write({"Assetfile.py": text})

    ran = space.run("--list")

    assert ran.status == 2
    assert f"`{names[0]}` and `{names[1]}` would be stored in one place" in ran.err


# Links ------------------------------------------------------------------------


@pytest.fixture
def texts(tmp_path):
    """A small project that is built."""
    space = TestSpace(tmp_path / "project")
    space.write({"Assetfile.py": TEXTS, "raw.txt": "words\n"})
    space.built()
    return space


def test_a_table_behind_a_link_is_not_pruned(texts):
    """It may be another store's, and its manifest proves nothing of that."""
    elsewhere = texts.root.parent / "elsewhere"
    (texts.root / "data/length").rename(elsewhere)
    (texts.root / "data/length").symlink_to(elsewhere, target_is_directory=True)
    before = sorted(elsewhere.iterdir())
    text = (texts.root / "Assetfile.py").read_text()
    texts.write({"Assetfile.py": text[: text.index("@asset\ndef length")]})

    ran = texts.run("--prune", "-y")

    assert (ran.status, ran.out) == (2, "")
    assert ran.err.startswith(
        "error: data/length is not removed: `length` in the store is a link\n"
    )
    assert sorted(elsewhere.iterdir()) == before


def test_a_build_replaces_a_link_and_leaves_what_it_led_to(texts):
    """Those files are not its own any more."""
    elsewhere = texts.root.parent / "elsewhere"
    (texts.root / "data/length").rename(elsewhere)
    (texts.root / "data/length").symlink_to(elsewhere, target_is_directory=True)
    assert texts.run("--check").status == 0
    before = {file: file.read_bytes() for file in elsewhere.iterdir()}

    texts.edit("Assetfile.py", "len(upper)", "len(upper) + 1")
    texts.built()

    assert {file: file.read_bytes() for file in elsewhere.iterdir()} == before
    assert not (texts.root / "data/length").is_symlink()
    assert texts.run("--check").status == 0


def test_a_source_is_what_its_link_leads_to(texts):
    """Its bytes count, wherever they are, and a link to nothing is told."""
    raw = texts.root / "raw.txt"
    raw.rename(texts.root / "one.txt")
    (texts.root / "two.txt").write_text("other\n")

    raw.symlink_to("one.txt")
    same = texts.run("--check")
    raw.unlink()
    raw.symlink_to("two.txt")
    other = texts.run("--check", "raw", "upper")
    raw.unlink()
    raw.symlink_to("nowhere")
    dangling = texts.run("--check", "raw")

    assert same.status == 0
    assert "upper: outdated: source `raw` changed" in other.out
    assert "raw: source: raw.txt is a link to what is not there" in dangling.out


def test_files_that_come_into_a_linked_directory_are_seen(tmp_path):
    """By the quick answer, too, which lists what the glob listed."""
    space = tables(tmp_path / "project")
    far = tmp_path / "far"
    far.mkdir()
    (space.root / "in/link").symlink_to(far, target_is_directory=True)
    (far / "a.csv").write_text("n\n7\n")
    space.built()
    assert space.run("-q").status == 0

    (far / "b.csv").write_text("n\n8\n")

    changed = "joined: outdated: source `every` changed; source `folder` changed"
    assert changed in space.run("--check", "joined").out


@pytest.mark.parametrize(
    ("link", "words", "message"),
    [
        ("data", (), "is a link to what is not there\nhint: make "),
        (
            "Assetfile.py",
            ("--status",),
            "is a link to what is not there\nhint: mend the link",
        ),
        ("data/upper", (), "hint: it is no directory: move data/upper away by hand"),
    ],
)
def test_links_to_nothing_are_named(tmp_path, link, words, message):
    """Instead of what the system says of them."""
    space = TestSpace(tmp_path / "project")
    space.write({"Assetfile.py": TEXTS, "raw.txt": "words\n"})
    path = space.root / link
    path.unlink(missing_ok=True)
    path.parent.mkdir(exist_ok=True)
    path.symlink_to("nowhere")

    ran = space.run(*words)

    assert (ran.status, message in ran.err) == (2, True), ran.err


def test_a_project_that_moved_is_fresh(texts):
    """So is a copy; no table and no manifest names the old place."""
    moved = texts.root.with_name("moved")
    texts.root.rename(moved)
    shutil.copytree(moved, texts.root)

    assert TestSpace(moved).run("--check").status == 0
    assert texts.run("--check").status == 0
    for file in texts.root.rglob("data/**/*"):
        if file.is_file() and ".assetmake" not in file.parts:
            assert str(moved.parent).encode() not in file.read_bytes(), file


# Clocks -----------------------------------------------------------------------

FUTURE = 4_000_000_000  # seconds: the year 2096


def test_times_in_the_future_hide_nothing(tmp_path):
    """As an archive or another machine's clock leaves them."""
    space = TestSpace(tmp_path / "project")
    own = 'from pathlib import Path\n    return raw + Path("conf.txt").read_text()'
    text = dedent(TEXTS).replace("return raw.upper()", own)
    space.write({"Assetfile.py": text, "raw.txt": "words\n", "conf.txt": "a"})
    for name in ("raw.txt", "conf.txt", "Assetfile.py"):
        os.utime(space.root / name, (FUTURE, FUTURE))
    space.built()
    fresh = space.run("--check")

    for name in ("raw.txt", "conf.txt"):
        (space.root / name).write_text("b")
        os.utime(space.root / name, (FUTURE, FUTURE))
    checked = space.run("--check", "upper")

    assert fresh.status == 0, fresh.out
    assert "source `raw` changed; file `conf.txt` changed" in checked.out


@pytest.mark.parametrize("moved", [-86_400, 86_400, -1, 1])
def test_a_clock_that_jumps_hides_nothing(texts, monkeypatch, moved):
    """Between the builds, and between them and the edits."""
    time_ns = time.time_ns

    def jumped():
        return time_ns() + moved * 1_000_000_000

    monkeypatch.setattr(time, "time_ns", jumped)
    monkeypatch.setattr(time, "time", lambda: jumped() / 1e9)
    (texts.root / "raw.txt").write_text("other\n")
    first = texts.run("--check").status
    texts.built()
    fresh = texts.run("--check").status
    (texts.root / "raw.txt").write_text("third\n")
    second = texts.run("--check").status

    assert (first, fresh, second) == (1, 0, 1)


class Coarse:
    """A stat whose times are whole steps, as of vfat (2 s) or HFS+ (1 s)."""

    def __init__(self, stat, step):
        self._stat = stat
        for name in ("st_mtime_ns", "st_ctime_ns"):
            whole = getattr(stat, name) // step * step
            setattr(self, name, whole)
            setattr(self, name.removesuffix("_ns"), whole / 1e9)

    def __getattr__(self, name):
        return getattr(self._stat, name)


@pytest.mark.slow
@pytest.mark.parametrize("seconds", [1, 2])
def test_coarse_times_hide_nothing(texts, seconds):
    """Two edits of one size, in one tick, leave one stamp."""
    stat = os.stat

    def run(*words):
        def coarse(path, *args, **kwargs):
            found = stat(path, *args, **kwargs)
            is_ours = not isinstance(path, int) and str(texts.root) in os.fsdecode(path)
            return Coarse(found, seconds * 1_000_000_000) if is_ours else found

        with mock.patch("os.stat", coarse):
            return texts.run(*words)

    raw = texts.root / "raw.txt"
    for word in ("first\n", "other\n", "third\n", "fifth\n"):
        raw.write_text(word)
        assert run("--check").status == 1, word
        assert run().status == 0
        assert run("--check").status == 0, word
        assert (
            raw.read_text().upper() == (texts.root / "data/upper/upper.txt").read_text()
        )


# Other users ------------------------------------------------------------------

NOBODY = 65534


@pytest.fixture
def nobody():
    """A built project, and a way to run the command on it as another user."""
    if os.geteuid() != 0:
        pytest.skip("only root can become another user")
    # Not below the directory of pytest, which is this user's alone.
    base = Path(tempfile.mkdtemp(prefix="assetmake-test-"))
    base.chmod(0o755)
    umask = os.umask(0o022)
    texts = TestSpace(base / "project")
    texts.write({"Assetfile.py": TEXTS, "raw.txt": "words\n"})
    texts.built()

    def run(*words):
        # In a child of this process, which has the interpreter open already.
        read, write = os.pipe()
        child = os.fork()
        if not child:
            try:
                os.setgroups([])
                os.setgid(NOBODY)
                os.setuid(NOBODY)
                ran = texts.run(*words)
                os.write(write, f"{ran.status}\0{ran.out}\0{ran.err}".encode())
            finally:
                os._exit(0)
        os.close(write)
        with os.fdopen(read, encoding="utf-8") as answer:
            status, out, err = answer.read().split("\0")
        os.waitpid(child, 0)
        return Ran(int(status), out, err)

    yield texts, run
    os.umask(umask)
    shutil.rmtree(base)


def test_a_project_that_only_can_be_read_is_looked_at(nobody):
    """With nothing odd to say, and nothing left behind."""
    space, run = nobody
    before = {file: file.stat().st_mtime_ns for file in space.root.rglob("*")}

    assert (run("--check").status, run("-q").status) == (0, 0)
    assert run().err.startswith("assetmake: nothing to do, 2 assets fresh")
    space.edit("Assetfile.py", "raw.upper()", "raw.lower()")
    checked = run("--check")
    built = run()

    assert checked.out.startswith("Assetfile.py:7: upper: outdated: code changed\n")
    assert built.status == 2
    assert built.err == (
        f"error: cannot lock the store {space.root / 'data'}: Permission denied\n"
        "hint: let this user write there, or choose another `root`\n"
    )
    del before[space.root / "Assetfile.py"]
    assert (
        before.items()
        <= {file: file.stat().st_mtime_ns for file in space.root.rglob("*")}.items()
    )


@pytest.mark.slow
@pytest.mark.parametrize(
    ("path", "mode", "told"),
    [
        ("data/upper/upper.txt", 0o600, "upper: modified: data cannot be read"),
        (
            "data/upper/_manifest.json",
            0o600,
            "upper: outdated: its manifest is not to be read: Permission denied",
        ),
        (
            "data/upper",
            0o700,
            "upper: outdated: its manifest is not to be reached: Permission denied",
        ),
        (
            "data",
            0o700,
            "upper: outdated: its manifest is not to be reached: Permission denied",
        ),
        ("raw.txt", 0o600, "raw: source: raw.txt cannot be read: Permission denied"),
        ("in", 0o700, "more: source: in/more.txt cannot be read: Permission denied"),
    ],
)
def test_what_may_not_be_read_is_told(nobody, path, mode, told):
    """As a row's reason: a status never fails."""
    space, run = nobody
    space.write({"in/more.txt": ""})
    with (space.root / "Assetfile.py").open("a") as file:
        file.write('\nsource("more", path="in/more.txt", format="text")\n')
    (space.root / path).chmod(mode)

    ran = run("--check")

    assert (ran.status, told in ran.out) == (1, True), ran


def test_a_group_can_share_a_store(tmp_path):
    """Who may write in its directory may take its lock."""
    umask = os.umask(0o002)
    try:
        space = TestSpace(tmp_path / "project")
        space.write({"Assetfile.py": TEXTS, "raw.txt": "words\n"})
        space.built()
    finally:
        os.umask(umask)

    private = space.root / "data/.assetmake"
    modes = {file.name: file.stat().st_mode & 0o060 for file in private.iterdir()}

    assert set(modes.values()) == {0o060}, modes


# Terminals --------------------------------------------------------------------

EVIL = """
    from pathlib import Path

    import pandas as pd
    from assetmake import asset, source

    E = "\\x1b[2J\\x1b]0;t\\x07\\r\\x9b31m\\u202e\\u200b"
    source("raw", path=f"raw{E}.csv", description=E)
    source("gone", path=f"gone{E}")


    @asset(columns={f"a{E}": None}, description=E, group=f"g{E}", reads=[f"r{E}"])
    def one(raw: pd.DataFrame) -> pd.DataFrame:
        print(E)
        return raw


    class Evil(Exception):
        pass


    Evil.__name__ = Evil.__qualname__ = f"Evil{E}"


    @asset
    def fails(one: pd.DataFrame) -> str:
        print(E)
        raise Evil(E)


    @asset(format=f"f{E}")
    def another(one: pd.DataFrame) -> pd.DataFrame:
        return one.assign(**{E: 1})


    @asset
    def reads_gone(gone: str) -> str:
        return gone
"""
WORD = "\x1b[2J\r\u202e"


@pytest.mark.parametrize("color", ["always", "never"])
@pytest.mark.parametrize(
    "words",
    [
        ("-k", "one", "fails", "another"),
        ("-k", "--full-trace", "fails"),
        ("--status",),
        ("--check",),
        ("-n",),
        ("--why",),
        ("--why", "--predict", "one", "another"),
        ("--list",),
        ("--graph",),
        ("--graph", "--format", "dot"),
        (WORD,),
        (f"--{WORD}",),
        ("-C", WORD),
        ("-f", WORD),
        ("--env", WORD),
        ("--accept", WORD),
    ],
)
def test_no_name_path_or_value_reaches_a_terminal_raw(tmp_path, words, color):
    """Whatever holds it: a file's name, a column, an exception, a word."""
    evil = "\x1b[2J\x1b]0;t\x07\r\x9b31m\u202e\u200b"
    space = TestSpace(tmp_path / f"project{evil}")
    space.write({"Assetfile.py": EVIL, f"raw{evil}.csv": f'"a{evil}"\n1\n'})

    ran = space.run(*words, "--color", color)

    left = ran.out + ran.err
    assert "this is a bug in assetmake" not in left
    for code in ("0", "1", "2", "31", "32", "33", "34", "35", "36", "1;31"):
        left = left.replace(f"\x1b[{code}m", "")
    assert not {char for char in left if not char.isprintable()} - {"\n"}, left
