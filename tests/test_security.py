"""The threat model: a test for each line of `docs/explanation/security.md`."""

from __future__ import annotations

import json
import marshal
import os
import pickle
import re
import socket
import sys
from pathlib import Path
from unittest import mock

import pytest
from space import TEXTS, TestSpace

from assetmake.assetfile.find import find_assetfile
from assetmake.errors import LoadError
from assetmake.fingerprint import digest_file
from assetmake.frames import is_open
from assetmake.names import is_name
from assetmake.stores.fields import ManifestError
from assetmake.stores.manifest import parse_manifest

PAGE = Path(__file__).parents[1] / "docs" / "explanation" / "security.md"
AS_ROOT = pytest.mark.skipif(
    not hasattr(os, "geteuid") or os.geteuid() != 0,
    reason="only root can give a file to another user",
)
NOBODY = 65534

TABLES = """
    import pandas as pd
    from assetmake import asset

    @asset
    def table() -> pd.DataFrame:
        return pd.DataFrame({"x": [1, 2]})

    @asset
    def size(table) -> str:
        return str(len(table))
"""


class Bomb:
    """An object whose unpickling leaves a file behind."""

    def __init__(self, mark):
        self.mark = str(mark)

    def __reduce__(self):
        return (os.mkdir, (self.mark,))


@pytest.fixture
def space(tmp_path):
    """A project of texts, built."""
    made = TestSpace(tmp_path)
    made.write({"Assetfile.py": TEXTS, "raw.txt": "abc"})
    made.built()
    return made


def manifest_of(space, name):
    """Return a manifest to forge: without the fingerprint that would tell."""
    tree = json.loads((space.root / "data" / name / "_manifest.json").read_text())
    del tree["fingerprint"]
    return tree


def put_manifest(space, name, tree):
    (space.root / "data" / name / "_manifest.json").write_text(json.dumps(tree))


def listing(root):
    """Return the bytes of every file below a directory."""
    return {
        str(path.relative_to(root)): path.read_bytes()
        for path in root.rglob("*")
        if path.is_file()
    }


#: How a process ends that did what a test's hook looks for.
CAUGHT = 99


def hooked(folder, condition):
    """Return a search path with which what fulfils a condition ends a process.

    The condition is one about `event` and `arguments` of an audit hook, and
    holds where the variable HOOKED is set.
    """
    (folder / "sitecustomize.py").write_text(
        "import os, sys\n"
        "def hook(event, arguments):\n"
        f"    if {condition}:\n"
        f"        os._exit({CAUGHT})\n"
        "if 'HOOKED' in os.environ:\n"
        "    sys.addaudithook(hook)\n"
    )
    return os.pathsep.join([str(folder), os.environ.get("PYTHONPATH", "")])


def test_every_test_that_the_page_names_exists():
    """A line without a test would be a promise that nothing holds."""
    text = PAGE.read_text("utf-8")
    here = globals()

    named = re.findall(r"`(test_\w+)`", text)
    files = re.findall(r"`(tests/\w+\.py)`", text)

    assert len(named) > 10
    assert [name for name in named if name not in here] == []
    assert [file for file in files if not (PAGE.parents[2] / file).is_file()] == []


# Somebody else's Assetfile ------------------------------------------------------


@AS_ROOT
def test_another_users_assetfile_above_is_not_run(tmp_path):
    """Nobody gets theirs run by leaving it above the directories of others."""
    mine = tmp_path / "shared" / "mine"
    mine.mkdir(parents=True)
    theirs = tmp_path / "shared" / "Assetfile.py"
    theirs.write_text("open('ran', 'w')\n")
    os.chown(theirs, NOBODY, NOBODY)

    with pytest.raises(LoadError, match="belongs to another user") as caught:
        find_assetfile(mine)

    assert caught.value.hints == (
        f"if you trust whoever wrote it, name it: `-f {theirs}`",
    )
    assert find_assetfile(mine, "../Assetfile.py") == theirs
    assert find_assetfile(theirs.parent) == theirs


@AS_ROOT
def test_a_whole_project_of_another_user_is_entered_on_purpose(tmp_path):
    """Who works below a directory of that user has gone there: a mount, say."""
    below = tmp_path / "theirs" / "sub"
    below.mkdir(parents=True)
    (tmp_path / "theirs" / "Assetfile.py").write_text("")
    for path in (below, below.parent, below.parent / "Assetfile.py"):
        os.chown(path, NOBODY, NOBODY)

    assert find_assetfile(below) == tmp_path / "theirs" / "Assetfile.py"


def test_a_no_op_runs_no_code_of_the_project(space, tmp_path_factory):
    """With nothing changed, the Assetfile is not even compiled."""
    path = hooked(
        tmp_path_factory.mktemp("hook"),
        "event == 'exec' and 'Assetfile' in arguments[0].co_filename",
    )
    space.shell(PYTHONPATH=path)  # another path: this look leaves a new snapshot

    ran = space.shell("--check", PYTHONPATH=path, HOOKED="1")

    assert (ran.status, ran.err) == (0, "3 tables, all fresh\n")
    assert space.shell("-B", PYTHONPATH=path, HOOKED="1").status == CAUGHT


# A hostile store ----------------------------------------------------------------


@pytest.mark.parametrize(
    "name", ["../raw.txt", "/etc/passwd", "a/b", "..", ".", "", "a\\b", "a\0b"]
)
def test_no_manifest_names_a_file_elsewhere(space, name):
    """A path in place of a plain name makes the whole manifest unreadable."""
    tree = manifest_of(space, "upper")
    tree["output"]["files"][0][0] = name

    with pytest.raises(ManifestError, match="without a usable list of files"):
        parse_manifest(json.dumps(tree).encode())


@pytest.mark.parametrize("name", ["../../raw", "/raw", "a//b", "", "..", "a b", "-x"])
def test_no_manifest_names_a_table_elsewhere(space, name):
    """It is that of the asset in whose place it stands, or of none."""
    put_manifest(space, "upper", manifest_of(space, "upper") | {"asset": name})
    before = listing(space.root)

    status = space.run("--status", "--json")
    pruned = space.run("--prune", "-y")

    rows = {row["name"]: row for row in json.loads(status.out)["tables"]}
    assert rows["upper"]["reasons"][0]["code"] == "manifest-unreadable"
    assert pruned.status == 0
    after = listing(space.root)
    assert before.keys() <= after.keys()
    # A look may leave a snapshot and records of its own.
    assert {name for name in before if before[name] != after[name]} <= {
        "data/.assetmake/records",
        "data/.assetmake/snapshot",
    }


def test_a_pickle_in_a_tables_place_is_never_loaded(tmp_path):
    """A forged manifest, right in each digest, gets the table built anew."""
    space = TestSpace(tmp_path / "project")
    space.write({"Assetfile.py": TABLES})
    space.built()
    table = space.root / "data" / "table"
    mark = tmp_path / "mark"
    (table / "part-00000.parquet").unlink()
    bomb = table / "table.pickle"
    bomb.write_bytes(pickle.dumps(Bomb(mark)))
    tree = manifest_of(space, "table")
    tree["output"] |= {
        "files": [["table.pickle", bomb.stat().st_size, digest_file(str(bomb))]],
        "format": "pickle",
        "type": "object",
        "columns": None,
    }
    put_manifest(space, "table", tree)

    status = space.run("--status")
    predicted = space.run("--why", "--predict", "size")
    built = space.run("-B", "size")

    assert "stored as a pickle, which it never returns" in " ".join(status.out.split())
    assert "stored as a pickle, and is none" in " ".join(predicted.out.split())
    assert built.status == 0, built.err
    assert not mark.exists()
    assert (space.root / "data" / "size" / "size.txt").read_text() == "2"


def test_only_open_annotations_allow_for_a_pickle():
    """Types that are kept as tables or reports never come from one."""
    import pandas as pd

    assert [is_open(kind) for kind in (None, dict, "Model", Bomb)] == [True] * 4
    closed = (pd.DataFrame, "pd.DataFrame", "SparkDF | None", str, bytes, Path)
    assert [is_open(kind) for kind in closed] == [False, False, True, *[False] * 3]


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"{",
        b"[" * 100_000,
        b"\xff\xfe",
        b'{"format": 1e999}',
        b"null",
        b"9" * 9999,
    ],
    ids=["empty", "cut", "deep", "bytes", "infinite", "null", "long"],
)
def test_a_garbled_manifest_is_a_reason_and_no_crash(space, data):
    """Whatever stands in it, the row says so and the next build mends it."""
    (space.root / "data" / "upper" / "_manifest.json").write_bytes(data)

    status = space.run("--status", "--json")
    built = space.run()

    rows = {row["name"]: row for row in json.loads(status.out)["tables"]}
    codes = [reason["code"] for reason in rows["upper"]["reasons"]]
    assert codes == ["manifest-unreadable"]
    assert built.status == 0, built.err
    assert space.run("-q").status == 0


def test_no_record_of_somebody_else_is_read(space, tmp_path):
    """Another user's records in a store are not even parsed: marshal could crash."""
    space.edit("Assetfile.py", "raw.upper()", "raw.lower()")
    theirs = space.run("--status", "-v", XDG_CACHE_HOME=str(tmp_path / "theirs"))
    files = [space.root / "data/.assetmake" / name for name in ("load", "code")]
    assert all(file.stat().st_size for file in files)
    space.edit("Assetfile.py", "raw.lower()", "raw.title()")

    with mock.patch("assetmake.saved.seals.marshal", mock.Mock(wraps=marshal)) as used:
        used.loads.side_effect = AssertionError
        own = space.run("--status", "-v", XDG_CACHE_HOME=str(tmp_path / "own"))

    note = "note: loaded the Assetfile: no earlier load is on record\n"
    assert (own.out, own.err) == (theirs.out, theirs.err)
    assert note in own.err


def test_prune_leaves_what_no_manifest_proves(space):
    """An orphan that was edited, and a file beside its own, stay."""
    space.write({"Assetfile.py": TEXTS.partition("@asset\n    def length")[0]})
    length = space.root / "data" / "length"
    (length / "notes.txt").write_text("mine")

    pruned = space.run("--prune", "-y")

    assert pruned.status == 2
    assert "cannot prove that assetmake wrote data/length" in pruned.err
    assert (length / "notes.txt").read_text() == "mine"


def test_a_build_overwrites_nothing_unmanaged(space):
    """A file without a manifest in an asset's place ends the build."""
    upper = space.root / "data" / "upper"
    (upper / "_manifest.json").unlink()
    before = (upper / "upper.txt").read_bytes()

    built = space.run()

    assert built.status == 2
    assert (upper / "upper.txt").read_bytes() == before
    # assetmake wrote it, but who is to know that.
    assert built.err == (
        "error: data/upper has no manifest to prove that assetmake wrote it, and "
        "`upper` would overwrite it\n"
        "hint: `assetmake --accept upper` adopts it; else move it away by hand\n"
    )
    status = space.run("--status")
    assert status.err.splitlines()[-1] == (
        "assetmake --why NAME explains; --accept NAME adopts what has no manifest."
    )


# Names of files, and values in data ---------------------------------------------


def test_control_characters_do_not_reach_the_terminal(tmp_path):
    """Not from an exception's text, nor from a column, a print or a path."""
    space = TestSpace(tmp_path / "a\x1b[2Jb")
    space.write(
        {
            "Assetfile.py": r"""
            import pandas as pd
            from assetmake import asset

            @asset
            def table() -> pd.DataFrame:
                return pd.DataFrame({"x\x1b]0;title\x07": [1]})

            @asset
            def broken(table: pd.DataFrame) -> pd.DataFrame:
                print("\x1b[31mred")
                raise ValueError("\x1b[2J" + table.columns[0])
            """
        }
    )

    ran = space.run("-k")

    assert ran.status == 1
    assert [char for char in ran.out + ran.err if char in "\x1b\x07"] == []
    assert "\\x1b[2J" in ran.err


def test_names_are_identifiers():
    """So no name is a path, an option, or a word that a shell takes apart."""
    bad = ["../a", "/a", "a/../b", "-rf", "a b", "a;b", "$(a)", "a\n", "", ".a", "a/"]

    assert [name for name in bad if is_name(name)] == []
    assert is_name("weather/daily")


# Secrets ------------------------------------------------------------------------

SECRET = "hunter2-hunter2"
LEAKY = """
    import os
    from assetmake import asset

    def made(token):
        def leaky() -> str:
            print("token:", token)
            return str(len(token))
        return asset(leaky, name="leaky", env=["API_TOKEN"])

    made(os.environ["API_TOKEN"])

    @asset
    def broken() -> str:
        address = "postgresql://me:" + os.environ["API_TOKEN"][:7] + "@db/x"
        raise RuntimeError("no: " + os.environ["API_TOKEN"] + ", " + address)
"""


def kept_and_shown(tmp_path):
    """Return all that a build with a secret leaves in the store, and prints."""
    space = TestSpace(tmp_path)
    space.write({"Assetfile.py": LEAKY})
    ran = space.shell("-k", "--full-trace", API_TOKEN=SECRET)
    assert ran.status == 1
    told = space.shell("--why", "--json", API_TOKEN=SECRET)
    table = listing(tmp_path / "data")
    assert {"leaky/_manifest.json", ".assetmake/logs/leaky.log"} <= table.keys()
    return ran.out + ran.err + told.out + told.err, table


@pytest.mark.slow
def test_no_value_of_a_variable_is_kept(tmp_path):
    """The manifest of an asset that declares one holds a hash of it."""
    _, kept = kept_and_shown(tmp_path)

    tree = json.loads(kept["leaky/_manifest.json"])
    assert tree["variables"]["API_TOKEN"].startswith("blake2b-1:")
    assert [name for name, data in kept.items() if SECRET.encode() in data] == []


@pytest.mark.slow
def test_secrets_are_masked(tmp_path):
    """Logs, errors and the values in manifests show the variable's name."""
    shown, kept = kept_and_shown(tmp_path)

    assert SECRET not in shown
    assert SECRET[:7] not in shown
    assert "RuntimeError: no: $API_TOKEN, postgresql://me:***@db/x" in shown
    assert b"token: $API_TOKEN" in kept[".assetmake/logs/leaky.log"]
    assert b"token = '$API_TOKEN'" in kept["leaky/_manifest.json"]


def test_an_assetfile_that_fails_shows_no_secret(tmp_path):
    """Its own error is masked as that of an asset is."""
    space = TestSpace(tmp_path)
    space.write({"Assetfile.py": "import os\nraise OSError(os.environ['DB_PASSWORD'])"})

    ran = space.shell("--status", DB_PASSWORD=SECRET)

    assert ran.status == 2
    assert "OSError: $DB_PASSWORD" in ran.err
    assert SECRET not in ran.err


def test_a_manifest_names_no_machine(space):
    """So that it can be committed, and is the same wherever it is made."""
    for file in space.root.glob("data/*/_manifest.json"):
        text = file.read_text()
        for told in (str(space.root), socket.gethostname(), str(Path.home()) + "/"):
            assert told not in text


# Other users, and the network ---------------------------------------------------


def test_temporary_files_are_made_private():
    """By `mkdtemp` and `mkstemp`, which give them to their user alone."""
    package = Path(sys.modules["assetmake"].__file__).parent
    used = {
        name
        for file in package.rglob("*.py")
        for name in re.findall(r"\btempfile\.(\w+)", file.read_text("utf-8"))
    }

    assert used == {"mkdtemp", "mkstemp"}


def test_local_spark_listens_on_loopback():
    """Its driver is bound to 127.0.0.1, and it serves no page."""
    from assetmake.frames import session

    settings = session._LOCAL_SETTINGS
    assert settings["spark.driver.bindAddress"] == "127.0.0.1"
    assert settings["spark.driver.host"] == "127.0.0.1"
    assert settings["spark.ui.enabled"] == "false"


@pytest.mark.slow
def test_nothing_is_sent(space, tmp_path_factory):
    """A build, a status and a check of plain files open no socket."""
    path = hooked(
        tmp_path_factory.mktemp("hook"),
        "event in ('socket.connect', 'socket.bind', 'socket.getaddrinfo')",
    )
    lines = (["-B"], ["--status"], ["--check"], ["--why"], [])

    ended = [space.shell(*words, PYTHONPATH=path, HOOKED="1").status for words in lines]

    assert ended == [0] * 5
    space.edit(
        "Assetfile.py", "str(len(upper))", "__import__('socket').getaddrinfo('::1', 1)"
    )
    assert space.shell(PYTHONPATH=path, HOOKED="1").status == CAUGHT
