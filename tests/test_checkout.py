"""Manifests in git, without the data: what a checkout builds, and what it changes."""

from __future__ import annotations

import shutil
from dataclasses import replace

import pytest
from space import TestSpace

from assetmake.stores.manifest import dump_manifest, parse_manifest

ASSETFILE = """
    import pandas as pd
    from assetmake import asset, check, source

    source("raw", path="raw.csv")


    @asset
    def table(raw: pd.DataFrame) -> pd.DataFrame:
        return raw


    @asset
    def report(table: pd.DataFrame) -> str:
        return f"{len(table)} rows"


    @check(table, severity="warn")
    def full(table):
        return table[table.n < 2]
"""


THEN = "2026-01-02T03:04:05Z"


@pytest.fixture
def space(tmp_path):
    """A project whose data was built, and is not there any more."""
    space = TestSpace(tmp_path / "project")
    space.write({"Assetfile.py": ASSETFILE, "raw.csv": "n\n1\n2\n"})
    space.built()
    for name in ("table", "report"):
        record(space, name, built_at=THEN, seconds=7.0, peak_memory=8, why=("x",))
        for file in (space.root / "data" / name).glob("[!_]*"):
            file.unlink()
    shutil.rmtree(space.root / "data/.assetmake")
    return space


def file_of(space, name):
    """Return the manifest of an asset."""
    return space.root / "data" / name / "_manifest.json"


def record(space, name, **changes):
    """Change what the manifest of an asset says."""
    file = file_of(space, name)
    file.write_bytes(
        dump_manifest(replace(parse_manifest(file.read_bytes()), **changes))
    )


def built_at(space, name):
    """Return when a manifest says that its asset was built."""
    return parse_manifest(file_of(space, name).read_bytes()).built_at


@pytest.mark.parametrize("jobs", ["1", "2"])
def test_data_that_comes_back_as_it_was_changes_no_manifest(space, jobs):
    """Each had another time, and git showed all of them as changed."""
    names = ("table", "report")
    before = [file_of(space, name).read_bytes() for name in names]

    ran = space.run("-j", jobs)

    assert "2 built" in ran.err
    assert [file_of(space, name).read_bytes() for name in names] == before
    assert space.run("--check").status == 0
    assert space.built().err.startswith("assetmake: nothing to do")


@pytest.mark.parametrize(
    ("name", "changes"),
    [
        ("raw.csv", {"raw.csv": "n\n3\n"}),
        ("code", {"Assetfile.py": ASSETFILE.replace("return raw", "return raw * 1")}),
    ],
)
def test_what_is_made_otherwise_is_recorded_anew(space, name, changes):
    space.write(changes)

    space.built()

    assert built_at(space, "table") != THEN


@pytest.mark.parametrize(
    "built", [{"versions": {"python": "2.7"}}, {"accepted": True}], ids=str
)
def test_other_versions_and_what_a_hand_made_are_recorded_anew(space, built):
    """The record is of this build then, or else it would not be true."""
    record(space, "table", **built)

    space.built()

    assert built_at(space, "table") != THEN
    assert not parse_manifest(file_of(space, "table").read_bytes()).accepted
    assert built_at(space, "report") == THEN


def test_what_is_built_by_force_is_built_now(space):
    space.built()

    space.run("-B")

    assert built_at(space, "table") != THEN
