"""What is declared to count, and is not there."""

from __future__ import annotations

import json

import pytest
from space import TestSpace

ASSETFILE = """
    from assetmake import asset


    @asset(OPTIONS)
    def word() -> str:
        return "a"


    @asset
    def other() -> str:
        return "b"
"""


@pytest.fixture
def space(tmp_path):
    """A project with some files to read."""
    space = TestSpace(tmp_path)
    space.write({"conf/list.txt": "a", "conf/a.json": "{}"})
    return space


def notes(space, options, **variables):
    """Return the notes of a build of an asset with these options, and of `--why`."""
    space.write({"Assetfile.py": ASSETFILE.replace("OPTIONS", options)})
    built = json.loads(space.run("--json", "-s", "-B", **variables).out)["notes"]
    why = json.loads(space.run("--why", "word", "--json", **variables).out)
    assert why["tables"][0]["notes"] == built
    return [note["text"] for note in built]


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ('reads=["no.txt"]', ["`reads=` names `no.txt`, which is not there"]),
        (
            'reads=["conf/lst.txt"]',
            ["`reads=` names `conf/lst.txt`, which is not there; `conf/list.txt` is"],
        ),
        (
            'reads=["conf/*.yml", "nowhere/*"]',
            [
                "`reads=` names `conf/*.yml`, which matches no file now",
                "`reads=` names `nowhere/*`, which is not there",
            ],
        ),
        (
            'packages=["pandsa"]',
            ["`packages=` names `pandsa`, which is not installed; `pandas` is"],
        ),
        ('packages=["qqxzw"]', ["`packages=` names `qqxzw`, which is not installed"]),
        (
            'env=["MY_REGOIN"]',
            ["`env=` names `MY_REGOIN`, which is not set; `MY_REGION` is"],
        ),
        ('reads=["conf/list.txt", "conf/*.json", "conf"]', []),
        ('packages=["pandas", "PyArrow"]', []),
        ('env=["MY_REGION", "QQXZW"]', []),
    ],
)
def test_what_is_not_there_is_noted(space, options, told):
    """With what is there under a similar name; a variable may well not be set."""
    assert notes(space, options, MY_REGION="x") == told


def test_a_note_is_told_by_the_build_that_runs_the_asset_and_makes_nothing_stale(space):
    options = 'reads=["no.txt"]'
    space.write({"Assetfile.py": ASSETFILE.replace("OPTIONS", options)})

    built = space.built()

    note = "note: `reads=` names `no.txt`, which is not there (Assetfile.py:5)"
    assert f"\n\n{note}\n\nassetmake: 2 built" in built.err
    assert space.run("--check").status == 0
    again = space.built()
    assert again.err.startswith("assetmake: nothing to do, 2 assets fresh")
    assert f"  {note}\n" in space.run("--why", "word").out
    space.write({"no.txt": "now it is there"})
    assert "note:" not in space.built().err


def test_a_package_of_the_configuration_is_noted_once(space):
    """With its line there, not for each asset."""
    space.write(
        {
            "Assetfile.py": ASSETFILE.replace("(OPTIONS)", ""),
            "pyproject.toml": '[tool.assetmake]\npackages = [\n  "pandsa",\n]\n',
        }
    )

    built = space.built()

    note = "note: `packages` names `pandsa`, which is not installed; `pandas` is"
    assert built.err.count("note:") == 1
    assert f"{note}\n  (pyproject.toml:3)\n" in built.err
