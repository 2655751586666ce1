"""Two projects may have one store; neither removes what the other built."""

from __future__ import annotations

import json
import shutil

import pytest
from space import Ran, TestSpace

from assetmake.config import load_config
from assetmake.project import open_project
from assetmake.status.rows import Owner

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
    assert {name: bool(owner.problem(name)) for name in problems} == problems
