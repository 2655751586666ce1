"""Files that paths, directories and globs name, and what that hangs on."""

from __future__ import annotations

import glob
import os
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from assetmake.system.globs import find, is_glob

FILES = (
    "a.csv",
    "b.txt",
    ".hidden.csv",
    "_marker",
    "in/a.csv",
    "in/a[1].csv",
    "in/sub/b.csv",
    "in/sub/_SUCCESS",
    "in/.dot/c.csv",
    "in/_tmp/d.csv",
)


@pytest.fixture
def root(tmp_path):
    """Files in a directory whose own name is full of patterns."""
    root = tmp_path / "[a-z]*?"
    for name in FILES:
        file = root / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.touch()
    return root


def names(pattern, root):
    """Return what a pattern names, relative to the root."""
    return [os.path.relpath(file, root) for file in find(pattern, root).files]


@pytest.mark.parametrize(
    ("pattern", "expected"),
    [
        ("a.csv", ["a.csv"]),
        ("in/a[1].csv", ["in/a[1].csv"]),
        ("none.csv", []),
        ("*.csv", ["a.csv"]),
        (".*.csv", [".hidden.csv"]),
        ("in/*.csv", ["in/a.csv", "in/a[1].csv"]),
        ("in/a[.]csv", ["in/a.csv"]),
        ("*/sub/*.csv", ["in/sub/b.csv"]),
        ("**/b.csv", ["in/sub/b.csv"]),
        ("in", ["in/a.csv", "in/a[1].csv", "in/sub/b.csv"]),
        ("in/", ["in/a.csv", "in/a[1].csv", "in/sub/b.csv"]),
        ("in/sub/..", ["in/a.csv", "in/a[1].csv", "in/sub/b.csv"]),
        ("in/../*.txt", ["b.txt"]),
        ("a.csv/*", []),
    ],
)
def test_patterns_name_files(root, pattern, expected):
    """In the order of their parts, whatever the project's path holds."""
    assert [Path(name) for name in names(pattern, root)] == [
        Path(os.path.relpath(root / name, root)) for name in expected
    ]


def test_an_absolute_pattern_is_taken_as_it_is(tmp_path):
    """Of files elsewhere."""
    (tmp_path / "a.csv").touch()

    assert find(f"{tmp_path}/*.csv", "/nowhere").files == [f"{tmp_path}/a.csv"]


PARTS = st.sampled_from(
    [
        "**",
        "*",
        "in",
        "sub",
        "*.csv",
        "[ab].*",
        "?.csv",
        "s*",
        "..",
        "_*",
        ".*",
        "b.csv",
    ]
)


@settings(max_examples=300, deadline=None)
@given(parts=st.lists(PARTS, min_size=1, max_size=4))
def test_globs_are_those_of_python(tmp_path_factory, parts):
    """Where there are no links, and the root is no pattern."""
    # Deep enough that no pattern leads up into what others do meanwhile.
    root = tmp_path_factory.getbasetemp() / "plain/1/2/3/4/inner"
    for name in FILES:
        file = root / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.touch()
    pattern = "/".join(parts)
    if not is_glob(pattern, root):
        return
    expected = glob.glob(str(root / pattern), recursive=True)

    found = find(pattern, root).files

    assert {os.path.normpath(file) for file in found} == {
        os.path.normpath(file) for file in expected if os.path.isfile(file)
    }


@pytest.mark.parametrize("pattern", ["in", "in/**", "**/*.csv", "in/**/*.csv"])
def test_links_are_followed_and_circles_are_not(root, pattern):
    """Each file once, however many links lead back."""
    outside = root.with_name("outside")
    outside.mkdir()
    (outside / "far.csv").touch()
    (outside / "back").symlink_to(root / "in", target_is_directory=True)
    (root / "in/link").symlink_to(outside, target_is_directory=True)
    for number in range(3):
        (root / f"in/sub/up{number}").symlink_to("..", target_is_directory=True)
        (root / f"in/self{number}").symlink_to(".", target_is_directory=True)

    found = [name for name in names(pattern, root) if name.endswith(".csv")]

    assert "in/link/far.csv" in found
    real = [os.path.realpath(root / name) for name in found]
    assert sorted(real) == sorted(set(real))


def test_what_could_name_other_files_is_told(root):
    """Directories that were listed, and what was not there."""
    (root / "in/gone.csv").symlink_to("nowhere")

    found = find("in/*.csv", root)
    nothing = find("none/*.csv", root)

    assert list(found.looked_at) == [f"{root}/in"]
    assert list(found.absent) == [f"{root}/in/gone.csv"]
    assert list(nothing.absent) == [f"{root}/none"]
    assert list(find("a.csv/*.csv", root).looked_at) == [f"{root}/a.csv"]


def test_what_is_no_file_is_left_out(root):
    """To read a pipe would wait for ever."""
    os.mkfifo(root / "in/pipe.csv")

    assert "in/pipe.csv" not in [*names("in", root), *names("in/*.csv", root)]
