"""The same as the command, from Python."""

from __future__ import annotations

import pandas as pd
import pytest
from space import TestSpace

import assetmake
from assetmake import MemoryStore
from assetmake.builds.listen import Listener
from assetmake.errors import (
    FrameError,
    LoadError,
    SourceError,
    StoreError,
    UnknownNameError,
)
from assetmake.look.whys import Why
from assetmake.status.rows import State

ASSETFILE = """
    import pandas as pd
    from assetmake import asset, source

    raw = source("raw", path="raw.csv")


    @asset
    def mid(raw: pd.DataFrame, factor=10) -> pd.DataFrame:
        import late

        return raw.assign(b=late.scaled(raw.a, factor))


    @asset(group="ends")
    def top(mid: pd.DataFrame) -> pd.DataFrame:
        return mid[["b"]]
"""


@pytest.fixture
def space(tmp_path):
    space = TestSpace(tmp_path)
    late = "def scaled(column, factor):\n    return column * factor\n"
    space.write({"Assetfile.py": ASSETFILE, "raw.csv": "a\n1\n2\n", "late.py": late})
    return space


def test_what_a_notebook_shows_fits_on_it(space):
    """Manifests, definitions and code are there, and not in what is shown."""
    project = assetmake.open(space.root)
    project.build()

    why = project.why("top")

    assert why.status.manifest
    assert why.definition
    assert len(repr(why)) < 1_000
    assert "State.FRESH" in repr(why)


def test_one_name_is_a_name_and_not_its_letters(space):
    project = assetmake.open(space.root)

    result = project.build("top")

    assert [outcome.name for outcome in result.outcomes] == ["mid", "top"]
    assert [row.name for row in project.status("mid")] == ["raw", "mid"]
    assert project.plan("top").fresh == ("mid", "top")
    assert isinstance(project.why("top"), Why)
    assert [why.status.name for why in project.why(["top"])] == ["top"]
    assert project.why() == []
    assert project.accept("top") == ["top"]


@pytest.mark.parametrize("name", ["tpo", "t*"])
def test_a_name_that_is_none_is_told(space, name):
    with pytest.raises(UnknownNameError):
        assetmake.open(space.root).why(name)


def test_stored_tables_and_sources_are_loaded(space):
    project = assetmake.open(space.root)
    project.build()

    assert list(project["top"].b) == [10, 20]
    assert list(project.load("raw").a) == [1, 2]
    assert project.load("top", "pyarrow").column_names == ["b"]
    assert project.load("top", as_=pd.DataFrame).equals(project["top"])
    with pytest.raises(FrameError, match="no type of tables or objects"):
        project.load("top", as_="polar")
    inputs = project.inputs("top")
    assert list(inputs) == ["mid"]
    assert list(inputs["mid"].columns) == ["a", "b"]


def test_what_is_not_stored_is_told(space):
    project = assetmake.open(space.root)

    with pytest.raises(UnknownNameError, match="`top` is not stored: never built"):
        project.load("top")
    with pytest.raises(UnknownNameError, match="Did you mean 'top'"):
        project.load("topp")
    with pytest.raises(UnknownNameError, match="`raw` is a source"):
        project.inputs("raw")


def test_a_memory_store_leaves_the_project_as_it_is(space):
    project = assetmake.open(space.root, store=MemoryStore())
    project.build()

    assert list(project["top"].b) == [10, 20]
    assert not (space.root / "data").exists()


def test_edits_are_seen_by_a_project_that_is_open(space):
    """A notebook stays open while the Assetfile is edited."""
    project = assetmake.open(space.root)
    project.build()
    space.edit("Assetfile.py", "factor=10", "factor=20")

    (row,) = [row for row in project.status() if row.name == "mid"]
    assert [reason.code for reason in row.reasons] == ["setting-changed"]
    project.build()

    assert list(project["top"].b) == [20, 40]


def test_a_module_imported_late_runs_as_it_was_analysed(space):
    """It is edited between the look and the run: the next status says so."""
    project = assetmake.open(space.root)

    class Edit(Listener):
        def started(self, name):
            if name == "mid":
                space.edit("late.py", "column * factor", "column * factor + 1")

    project.build(listener=Edit())

    assert list(project["top"].b) == [10, 20]
    rows = {row.name: row for row in assetmake.open(space.root).status()}
    assert rows["mid"].state is State.OUTDATED
    assert [reason.code for reason in rows["mid"].reasons] == ["helper-changed"]


def test_a_project_holds_its_names(space):
    project = assetmake.open(space.root)

    assert list(project) == ["mid", "top"]
    assert "raw" in project
    assert "zzz" not in project
    assert project.select("top+") == ["top"]


def test_accepting_needs_names(space):
    project = assetmake.open(space.root)
    project.build()

    with pytest.raises(UnknownNameError, match="needs the names"):
        project.accept([])


def test_a_directory_that_is_not_there_is_no_project(space):
    """The search upward would have found the one around it."""
    with pytest.raises(LoadError, match="no directory"):
        assetmake.open(space.root / "nowhere")


def test_a_source_is_not_accepted(space):
    project = assetmake.open(space.root)
    project.build()

    with pytest.raises(UnknownNameError, match="`raw` names no asset"):
        project.accept("raw")


def test_what_cannot_be_read_is_not_adopted(space):
    """The hint does not lead back to where it came from."""
    project = assetmake.open(space.root)
    project.build()
    table = space.root / "data" / "mid"
    (table / "_manifest.json").unlink()
    (table / "part-00000.parquet").write_text("junk")

    with pytest.raises(StoreError, match="data/mid cannot be accepted") as caught:
        project.accept("mid")

    (hint,) = caught.value.hints
    assert "move data/mid away by hand and run `assetmake mid`" in hint


def test_a_plan_that_cannot_begin_says_so(space):
    """It was promised, and the build then ended before its first asset."""
    (space.root / "raw.csv").unlink()
    project = assetmake.open(space.root)

    obstacle = project.obstacle(project.plan())

    assert isinstance(obstacle, SourceError)
    ran = space.run("-n")
    assert ran.status == 0
    assert "a build could not begin with that:\nerror: source `raw` has no" in ran.err


def test_a_build_within_a_build_is_refused(space):
    """It would wait for itself, for ever."""
    space.edit(
        "Assetfile.py",
        'return mid[["b"]]',
        "import assetmake, pathlib\n"
        "    assetmake.open(pathlib.Path(__file__).parent).build()\n"
        '    return mid[["b"]]',
    )

    result = assetmake.open(space.root).build()

    (failed,) = [outcome.failed for outcome in result.outcomes if outcome.failed]
    assert failed.message.endswith("is running this very code")
