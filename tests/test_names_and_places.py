"""Projects in odd places, with odd names: paths, links, owners and clocks."""

from __future__ import annotations

import os

import pytest
from space import TestSpace

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
