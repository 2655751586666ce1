"""Two projects may have one store; neither removes what the other built."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace

import pytest
from space import Ran, TestSpace
from test_manifest import MANIFEST

from assetmake.assetfile.beside import defining
from assetmake.config import load_config
from assetmake.project import open_project
from assetmake.status.rows import Owner
from assetmake.stores.manifest import dump_manifest, parse_manifest

ONE = """
from assetmake import asset

@asset
def {name}() -> str:
    return "text"

@asset
def other_{name}() -> str:
    return "other"
"""

NAMED = """
[project]
name = "{name}"
[tool.assetmake]
root = "{root}"
"""


@pytest.fixture
def space(tmp_path):
    """Two projects, each built: `hills` with a store, `rivers` in the same one."""
    space = TestSpace(tmp_path)
    space.write(
        {
            "hills/Assetfile.py": ONE.format(name="hill"),
            "hills/pyproject.toml": NAMED.format(name="of hills", root="data"),
            "rivers/Assetfile.py": ONE.format(name="river"),
            "rivers/pyproject.toml": NAMED.format(
                name="of rivers", root="../hills/data"
            ),
        }
    )
    for name in ("hills", "rivers"):
        assert space.run(cwd=name).status == 0
    return space


def stored(space, place="hills/data"):
    """Return the names of the tables that are stored."""
    return {path.parent.name for path in (space.root / place).glob("*/_manifest.json")}


def removed_from(space, name):
    """Take the second asset out of a project, so that its table is an orphan."""
    text = (space.root / name / "Assetfile.py").read_text()
    space.write({f"{name}/Assetfile.py": text.rpartition("\n@asset")[0]})


# In a store of two ------------------------------------------------------------------


def test_prune_leaves_tables_of_another_project(space):
    """It says of each that it stays, and why; its own orphans go."""
    removed_from(space, "hills")

    ran = space.run("--prune", "-y", cwd="hills")

    assert ran.status == 0
    assert ran.out == "removed data/other_hill\n"
    assert ran.err.splitlines() == [
        f"data/{name} stays: of the project `of rivers`; remove it by its name"
        for name in ("other_river", "river")
    ]
    assert stored(space) == {"hill", "river", "other_river"}
    assert space.run("--prune", "-y", cwd="hills") == Ran(0, "", ran.err)


def test_prune_removes_a_named_table_of_another_project(space):
    """That is asked for; nobody else's goes with it."""
    ran = space.run("--prune", "-y", "river", cwd="hills")

    assert (ran.status, ran.out, ran.err) == (0, "removed data/river\n", "")
    assert stored(space) == {"hill", "other_hill", "other_river"}


def test_the_api_prunes_as_the_command_does(space):
    """Without names just this project's, with them those."""
    removed_from(space, "rivers")
    project = open_project(space.root / "rivers")
    assert project.prune() == ["../hills/data/other_river"]
    assert project.prune(["hill"]) == ["../hills/data/hill"]


def test_rows_tell_the_other_project(space):
    """Nothing else is said to be removable, by a status or by a build."""
    status = space.run("--status", cwd="rivers")
    built = space.run(cwd="rivers")
    check = space.run("--check", cwd="rivers")
    why = space.run("--why", "hill", cwd="rivers")
    rows = json.loads(space.run("--status", "--json", cwd="rivers").out)["tables"]

    assert status.out.count("  of the project of hills\n") == 2
    assert "--prune" not in status.out + built.out + built.err
    assert "assetmake --prune hill removes it" in why.out
    assert check.status == 1
    assert "hill: orphaned: of the project `of hills`" in check.out
    orphans = [row for row in rows if row["state"] == "orphaned"]
    assert [row["reasons"][0]["code"] for row in orphans] == ["other-project"] * 2


def test_a_store_outside_keeps_tables_of_projects_without_a_name(space):
    """A manifest that names none does not prove that a table there is this one's."""
    (space.root / "hills/pyproject.toml").unlink()
    space.edit("hills/Assetfile.py", '"text"', '"new text"')
    assert space.run(cwd="hills").status == 0

    ran = space.run("--prune", "-y", cwd="rivers")

    assert "hills/data/hill stays: of an unnamed project; " in ran.err
    assert stored(space) == {"hill", "other_hill", "river", "other_river"}


# In a store of its own --------------------------------------------------------------


def test_a_moved_project_has_its_orphans(space):
    """With a store in it, by its name; and without any."""
    (space.root / "hills/data").rename(space.root / "rivers/data")
    (space.root / "rivers/pyproject.toml").unlink()
    shutil.rmtree(space.root / "rivers/data")
    assert space.run(cwd="rivers").status == 0
    (space.root / "rivers").rename(space.root / "streams")
    removed_from(space, "streams")

    ran = space.run("--prune", "-y", cwd="streams")

    assert ran.out == "removed data/other_river\n"


@pytest.mark.parametrize(
    ("text", "name"),
    [
        (None, ""),
        ('[project]\nname = "wind"\n', ""),
        ('[project]\nname = "wind"\ndependencies = ["assetmake"]\n', "wind"),
        ('[tool.assetmake]\nroot = "tables"\n', ""),
        ('[tool.assetmake]\nroot = "a/../tables"\n', ""),
        ('[tool.assetmake]\nroot = "../tables"\n', "here"),
        ('[tool.assetmake]\nroot = "/srv/tables"\n', "here"),
        ('[tool.assetmake.env.prod]\nroot = "/srv/tables"\n', ""),
        ('[project]\nname = 3\n[tool.assetmake]\nroot = "../tables"\n', "here"),
        ('project = 3\n[tool.assetmake]\nroot = "../tables"\n', "here"),
    ],
)
def test_the_name_of_a_project(tmp_path, text, name):
    """That in `[project]`; of its directory where the store is outside of it."""
    here = tmp_path / "here"
    here.mkdir()
    if text is not None:
        (here / "pyproject.toml").write_text(text)

    assert load_config(here).project == name


def test_an_environment_with_a_store_outside_names_the_project(tmp_path):
    """As that store may be another project's, too."""
    text = '[tool.assetmake.env.prod]\nroot = "/srv/tables"\n'
    (tmp_path / "pyproject.toml").write_text(text)

    assert load_config(tmp_path, "prod").project == tmp_path.name


@pytest.mark.parametrize(
    ("owner", "problems"),
    [
        (Owner("", is_alone=True), {"": False, "a": True}),
        (Owner("a", is_alone=True), {"": False, "a": False, "b": True}),
        (Owner("a", is_alone=False), {"": True, "a": False, "b": True}),
    ],
)
def test_whose_a_table_is(owner, problems):
    """Of nobody's it is taken for one's own only where nobody else is expected."""
    found = {
        name: bool(owner.problem(replace(MANIFEST, project=name))) for name in problems
    }
    assert found == problems


# Of two Assetfiles in one directory --------------------------------------------------


@pytest.fixture
def beside(tmp_path):
    """A project with two Assetfiles, both built."""
    space = TestSpace(tmp_path)
    space.write(
        {"Assetfile.py": ONE.format(name="hill"), "run.py": ONE.format(name="river")}
    )
    space.built()
    assert space.run("-f", "run.py").status == 0
    return space


def test_prune_leaves_tables_of_another_assetfile(beside):
    """All that the other one had built went."""
    (beside.root / "run.py").write_text(ONE.format(name="brook"))
    assert beside.run("-f", "run.py").status == 0

    looked = beside.run("-f", "run.py", "--prune", "-n")
    ran = beside.run("-f", "run.py", "--prune", "-y")

    assert ran == Ran(
        0,
        "removed data/other_river\nremoved data/river\n",
        "data/hill stays: of `Assetfile.py`; remove it by its name\n"
        "data/other_hill stays: of `Assetfile.py`; remove it by its name\n",
    )
    assert looked.out == ran.out.replace("removed", "would remove")
    assert looked.err == ran.err
    assert stored(beside, "data") == {"hill", "other_hill", "brook", "other_brook"}
    assert open_project(beside.root, file="run.py").prune() == []


def test_prune_removes_a_named_table_of_another_assetfile(beside):
    ran = beside.run("--prune", "-y", "river")

    assert (ran.status, ran.out) == (0, "removed data/river\n")
    assert open_project(beside.root).prune(["other_river"]) == ["data/other_river"]
    assert stored(beside, "data") == {"hill", "other_hill"}


def test_each_assetfile_is_told_of_its_own_tables(beside):
    """A check failed for ever, by tables that are well; each judges what it built."""
    for words in ([], ["-f", "run.py"]):
        for _ in range(2):  # looked up, and remembered
            assert beside.run(*words, "--check").err == "2 tables, all fresh\n"
            assert beside.run(*words, "-q").status == 0
    status = beside.run("--status")
    told = json.loads(beside.run("--status", "--json").out)

    assert "river" not in status.out
    assert status.err.splitlines()[1:] == [
        "2 tables: 2 fresh.",
        "of run.py, left alone: data/other_river and data/river",
    ]
    assert [row["name"] for row in told["elsewhere"]] == ["other_river", "river"]
    assert told["elsewhere"][0]["reasons"][0]["text"] == "of `run.py`"
    assert told["elsewhere"][0]["format"] == "text"
    assert len(told["tables"]) == 2
    project = open_project(beside.root)
    assert [row.name for row in project.elsewhere()] == ["other_river", "river"]
    assert project.orphans() == []


def test_what_a_renamed_assetfile_built_is_its_own(beside):
    """Its tables are fresh, and its orphans can be removed."""
    (beside.root / "run.py").rename(beside.root / "rivers.py")
    assert "nothing to do" in beside.run("-f", "rivers.py").err
    text = ONE.format(name="river").rpartition("\n@asset")[0]
    (beside.root / "rivers.py").write_text(text)
    assert beside.run("-f", "rivers.py", "--check").out == (
        "data/other_river/_manifest.json:1: other_river: orphaned: no longer defined\n"
    )

    ran = beside.run("-f", "rivers.py", "--prune", "-y")

    assert ran.out == "removed data/other_river\n"
    assert stored(beside, "data") == {"hill", "other_hill", "river"}


@pytest.mark.parametrize("comes", [True, False])
def test_whether_the_other_assetfile_is_there_is_not_remembered_too_long(beside, comes):
    """Rows hang on it, as on all else that a look looked at."""
    if comes:
        (beside.root / "run.py").rename(beside.root / "aside")
        assert beside.run().status == 0
        assert beside.run("--check").out.count(": orphaned: no longer defined") == 2
        (beside.root / "aside").rename(beside.root / "run.py")
        assert beside.run("--check").status == 0
    else:
        assert beside.run("--check").status == 0
        (beside.root / "run.py").unlink()
        assert beside.run("--check").out.count(": orphaned: no longer defined") == 2


def test_an_orphan_of_ones_own_is_one_with_another_assetfile_beside(beside):
    removed = ONE.format(name="hill").rpartition("\n@asset")[0]
    (beside.root / "Assetfile.py").write_text(removed)

    assert beside.run("--check").status == 1
    assert beside.run("--prune", "-y").out == "removed data/other_hill\n"


def test_what_both_define_is_a_row_of_both(beside):
    """Whichever built it last."""
    beside.write({"run.py": ONE.format(name="hill")})
    assert "removed data/river" in beside.run("-f", "run.py", "--prune", "-y").out
    assert beside.run("-f", "run.py", "--check").err == "2 tables, all fresh\n"
    assert beside.run("-f", "run.py", "-B").status == 0
    assert beside.run("--check").status == 0


@pytest.mark.parametrize("name", ["../run.py", "/etc/passwd", "a/b", "..", ".", "\0"])
def test_a_manifest_names_no_assetfile_elsewhere(beside, name):
    """It is data: the table is taken for an orphan, as that of no Assetfile is."""
    for file in (beside.root / "data").glob("*river/_manifest.json"):
        text = dump_manifest(replace(parse_manifest(file.read_bytes()), assetfile=name))
        file.write_bytes(text)

    assert beside.run("--check").out.count("no longer defined") == 2


def test_manifests_without_an_assetfile_are_read(beside):
    """Those of before name none: any Assetfile of the project may have them."""
    for file in (beside.root / "data").glob("*/_manifest.json"):
        tree = json.loads(file.read_text())
        del tree["assetfile"], tree["fingerprint"]
        file.write_text(json.dumps(tree))

    assert beside.run("--check").out.count("no longer defined") == 2
    ran = beside.run("--prune", "-y")
    assert (ran.out, ran.err.count("`run.py` seems to define it")) == ("", 2)
    (beside.root / "run.py").unlink()

    ran = beside.run("--prune", "-y")

    assert ran.out == "removed data/other_river\nremoved data/river\n"
    assert beside.run("--check").status == 0


def split_in_two(space):
    """Copy an Assetfile and trim both: nothing is built, as all of it is fresh."""
    text = (space.root / "Assetfile.py").read_text()
    first, _, second = text.rpartition("\n@asset")
    head = text.partition("\n@asset")[0]
    space.write({"Assetfile.py": first, "run.py": f"{head}\n@asset{second}"})


def test_prune_leaves_what_another_assetfile_seems_to_define(beside):
    """Who splits an Assetfile has built the tables of both with the first."""
    assert beside.run("--prune", "-y", "river").status == 0
    assert beside.run("--prune", "-y", "other_river").status == 0
    split_in_two(beside)
    assert "nothing to do, 1 asset fresh" in beside.run("-f", "run.py").err

    looked, ran = beside.run("--prune", "-n"), beside.run("--prune", "-y")

    stays = "data/other_hill stays: `run.py` seems to define it; remove it by its name"
    assert looked == ran == Ran(0, "", f"{stays}\n")
    assert open_project(beside.root).prune() == []
    assert beside.run("-f", "run.py", "--check").err == "1 table, all fresh\n"
    # For this one it is an orphan all the same: nobody knows what the other does.
    assert "other_hill: orphaned: no longer" in beside.run("--check").out
    assert beside.run("--prune", "-y", "other_hill").out == "removed data/other_hill\n"


@pytest.mark.parametrize(
    "text",
    [
        "from assetmake import asset\n@asset\ndef other_hill(): ...\n",
        "from assetmake import asset\nasset(name='other_hill')(print)\n",
        "import assetmake as am\n\n@am.asset\nasync def other_hill(): ...\n",
        "from assetmake import asset\n@asset\ndef other_hill(: half edited\n",
    ],
)
def test_what_seems_to_define_a_table(tmp_path, text):
    (tmp_path / "run.py").write_text(text)

    assert defining(str(tmp_path), ["other_hill", "b"], ()) == {"other_hill": "run.py"}
    assert defining(str(tmp_path), ["n/other_hill"], ()) == {"n/other_hill": "run.py"}
    assert defining(str(tmp_path), ["other_hill"], {str(tmp_path / "run.py")}) == {}


@pytest.mark.parametrize(
    "text",
    [
        "from assetmake import asset\n# other_hill went\nother_hill = 1\n",
        "def other_hill(): ...\n",
        "import assetmake\nassetmake.open()['other_hill']\n",
    ],
)
def test_what_does_not_define_a_table(tmp_path, text):
    (tmp_path / "run.py").write_text(text)
    (tmp_path / "gone.py").symlink_to(tmp_path / "nowhere")

    assert defining(str(tmp_path), ["other_hill"], ()) == {}


def test_what_the_assetfile_imports_is_known(tmp_path):
    """A module of it does not hold an orphan that was an asset of it."""
    space = TestSpace(tmp_path)
    space.write({"Assetfile.py": "import parts\n", "parts.py": ONE.format(name="hill")})
    space.built()
    space.edit("parts.py", "\n@asset\ndef other_hill", "\ndef other_hill")

    for words in (["-n"], ["-y"]):
        assert "data/other_hill" in space.run("--prune", *words).out
    assert stored(space, "data") == {"hill"}


# Of a project in another one's store ----------------------------------------------


@pytest.fixture
def nested(tmp_path):
    """A project that keeps its tables beside its code, and one below it."""
    space = TestSpace(tmp_path)
    space.write(
        {
            "Assetfile.py": ONE.format(name="hill"),
            "pyproject.toml": '[tool.assetmake]\nroot = "."\n',
            "sub/Assetfile.py": ONE.format(name="river"),
        }
    )
    space.built()
    assert space.run(cwd="sub").status == 0
    return space


@pytest.mark.parametrize("lacks", [None, "sub/Assetfile.py", "sub/data/.assetmake"])
def test_a_project_below_is_no_part_of_a_store(nested, lacks):
    """Its tables were orphans, to be removed by hand as the hint had it."""
    if lacks is not None:  # either tells
        path = nested.root / lacks
        path.unlink() if path.is_file() else shutil.rmtree(path)

    for _ in range(2):
        assert nested.run("--check") == Ran(0, "", "2 tables, all fresh\n")
    for words in (["-n"], ["-y"]):
        ran = nested.run("--prune", *words)
        assert ran == Ran(0, "", "no orphaned tables\n")
    assert nested.run("--status").err.splitlines()[1:] == ["2 tables: 2 fresh."]
    assert stored(nested, "sub/data") == {"river", "other_river"}


def test_a_project_that_comes_into_a_store_takes_its_place_there(nested):
    """And one that goes leaves it: a look does not remember too long."""
    assert nested.run("--check").status == 0
    private = nested.root / "sub/data/.assetmake"
    (nested.root / "sub/Assetfile.py").unlink()
    shutil.rmtree(private)
    assert nested.run("--check").status == 1
    private.mkdir()
    assert nested.run("--check").status == 0


def test_tables_of_another_place_are_no_orphans_to_remove(nested):
    """Somebody moved them: `-n` says what `-y` does, in whole sentences."""
    table = nested.root / "sub/data/river"
    table.rename(nested.root / "creek")

    looked, ran = nested.run("--prune", "-n"), nested.run("--prune", "-y")

    assert looked == ran
    assert (ran.status, ran.out) == (2, "")
    assert ran.err == (
        "error: cannot prove that assetmake wrote creek: its manifest is that of "
        "another asset, `river`\nhint: if nobody needs it, remove it: rm -r creek\n"
    )


def test_what_can_be_removed_is_when_something_else_cannot(nested):
    nested.edit("Assetfile.py", "def other_hill", "def last")
    nested.edit("Assetfile.py", "def hill", "def first")
    (nested.root / "hill/hill.txt").write_text("MINE")

    looked = nested.run("--prune", "-n")
    ran = nested.run("--prune", "-y")

    assert (looked.status, looked.out) == (2, "would remove other_hill\n")
    assert (ran.status, ran.out) == (2, "removed other_hill\n")
    assert ran.err == looked.err
    assert (nested.root / "hill/hill.txt").read_text() == "MINE"
