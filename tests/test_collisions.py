"""Definitions that get in each other's way."""

from __future__ import annotations

import linecache
from pathlib import Path

import pytest

from assetmake.assetfile.collisions import merged
from assetmake.assets import Registry, Source, asset, collecting
from assetmake.code.parts import Place
from assetmake.errors import DefinitionError

ROOT = Path("/project")


def defined(text, file="Assetfile.py", module="Assetfile"):
    """Return the assets that a text defines, as if it were a file's."""
    path = str(ROOT / file)
    linecache.cache[path] = (len(text), None, text.splitlines(keepends=True), path)
    with collecting(Registry(ROOT, load=print)) as registry:
        exec(compile(text, path, "exec"), {"asset": asset, "__name__": module})
    return registry.assets


def a_source(name, path="raw.csv", line=1):
    return Source(name=name, path=path, place=Place(str(ROOT / "Assetfile.py"), line))


@pytest.mark.parametrize(
    "names",
    [
        ["daily", "daily2", "weather/daily", "weather/daily2"],
        ["weatherx", "weather/daily"],
        ["a/b/c", "a/c", "b.c"],
    ],
)
def test_names_beside_each_other_are_fine(names):
    """Nothing is lost and the order stays."""
    assets = [
        item for name in names for item in defined(f"asset(name={name!r})(lambda: 1)")
    ]

    found, _ = merged(assets, [], ROOT)

    assert [item.name for item in found] == names


@pytest.mark.parametrize(
    ("first", "second", "problem"),
    [
        ("daily", "daily", "two assets are named `daily`"),
        ("a/b", "a.b", "`a/b` and `a.b` would be stored in one place"),
        ("Daily", "daily", "`Daily` and `daily` would be stored in one place"),
        ("a", "a/b", "`a/b` would be stored inside of `a`"),
        ("a.b.c", "A", "`a.b.c` would be stored inside of `A`"),
    ],
)
def test_assets_in_one_place_are_an_error(first, second, problem):
    """With both places."""
    assets = defined(
        f"@asset(name={first!r})\ndef x(): ...\n\n"
        f"@asset(name={second!r})\ndef y(): ...\n"
    )

    with pytest.raises(DefinitionError) as caught:
        merged(assets, [], ROOT)

    message = str(caught.value)
    assert message.startswith(problem)
    assert {" --> Assetfile.py:2", " --> Assetfile.py:5"} <= set(message.splitlines())
    assert caught.value.hints == (
        "rename one of them, or give it a name: `@asset(name=...)`",
    )


def test_message_shows_both_definitions():
    """As a whole."""
    assets = defined("@asset\ndef a(): ...\n@asset\ndef a(b): ...\n")

    with pytest.raises(DefinitionError) as caught:
        merged(assets, [], ROOT)

    assert str(caught.value) == (
        "two assets are named `a`\n"
        " --> Assetfile.py:2\n"
        "  |\n"
        "2 | def a(): ...\n"
        "  |     ^\n"
        " --> Assetfile.py:4\n"
        "  |\n"
        "4 | def a(b): ...\n"
        "  |     ^"
    )


def test_all_problems_are_told_at_once():
    """One run is enough to mend them."""
    assets = defined("for n in ['a', 'b', 'a', 'b', 'B']: asset(name=n)(lambda: 1)\n")

    with pytest.raises(DefinitionError) as caught:
        merged(assets, [], ROOT)

    problems = [line for line in str(caught.value).splitlines() if "`" in line]
    assert problems == [
        "two assets are named `a`",
        "two assets are named `b`",
        "`b` and `B` would be stored in one place",
    ]


def test_loop_without_names_is_an_error_that_shows_the_loop():
    """The function stands in one place, and the statement says more."""
    assets = defined(
        "def make():\n    def f(): ...\n    return f\nfor _ in 'ab':\n"
        "    asset(make())\n"
    )

    with pytest.raises(DefinitionError) as caught:
        merged(assets, [], ROOT)

    assert str(caught.value) == (
        "two assets are named `f`\n --> Assetfile.py:5\n  |\n5 |     asset(make())"
    )
    assert caught.value.hints == (
        "give each asset of a loop a name: `asset(name=...)(function)`",
    )


def test_same_function_registered_twice_is_one_asset():
    """Through an import, or by hand."""
    assets = defined("@asset\ndef a(): ...\nasset(a)\n")

    found, _ = merged(assets, [], ROOT)

    assert found == [assets[0]]


def test_file_imported_under_two_names_defines_one_asset():
    """Python then runs it twice."""
    text = "@asset\ndef a(): ...\n"
    assets = [
        *defined(text, "pkg/daily.py", "pkg.daily"),
        *defined(text, "pkg/daily.py", "daily"),
    ]

    found, _ = merged(assets, [], ROOT)

    assert found == [assets[0]]


def test_sources_that_say_the_same_are_one():
    """A module that repeats what the Assetfile says contradicts nothing."""
    sources = [a_source("raw"), a_source("raw", line=9)]

    assert merged([], sources, ROOT) == ([], [sources[0]])


def test_sources_that_contradict_each_other_are_an_error():
    """Which one should an asset read?"""
    sources = [a_source("raw"), a_source("raw", "other.csv", line=2)]

    with pytest.raises(DefinitionError, match="two sources are named `raw`"):
        merged([], sources, ROOT)


def test_asset_and_source_of_one_name_are_an_error():
    """Neither may hide the other."""
    assets = defined("@asset(name='raw')\ndef a(): ...\n")

    with pytest.raises(DefinitionError, match="an asset and a source are named `raw`"):
        merged(assets, [a_source("raw", line=7)], ROOT)


def test_source_takes_no_place_in_the_store():
    """It lies elsewhere, so an asset may have a name below its."""
    assets = defined("@asset(name='raw/clean')\ndef a(): ...\n")

    found, sources = merged(assets, [a_source("raw"), a_source("Raw")], ROOT)

    assert [item.name for item in (*found, *sources)] == ["raw/clean", "raw", "Raw"]
