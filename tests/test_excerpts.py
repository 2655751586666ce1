"""Lines of the user's source in messages, with carets."""

from __future__ import annotations

import linecache
import os
from pathlib import Path

import pytest

from assetmake.code.parts import Place
from assetmake.messages.excerpts import excerpt, shown_path, source_line


def test_carets_stand_under_what_is_meant():
    """The gutter is as wide as the line number."""
    shown = excerpt("Assetfile.py", 21, "def f(raw): ...\n", (6, 9))

    assert shown == (" --> Assetfile.py:21\n   |\n21 | def f(raw): ...\n   |       ^^^")


@pytest.mark.parametrize(
    ("text", "span", "lines"),
    [
        ("", None, []),
        ("x = 1", None, ["x = 1"]),
        ("x = 1 +", (7, 8), ["x = 1 +", "       ^"]),
        ("\tx = y", (5, 6), ["    x = y", "        ^"]),
        ("名前 = bad", (5, 8), ["名前 = bad", "       ^^^"]),
        ("a = 'e\u0301' + b", (11, 12), ["a = 'e\u0301' + b", "          ^"]),
        ("a = '\0'", (5, 6), ["a = '\ufffd'", "     ^"]),
        ("x" * 100, None, ["x" * 73 + "..."]),
        ("f(" + "x" * 100, (0, 1), ["f(" + "x" * 71 + "...", "^"]),
        ("f(" + "x" * 100 + ")", (2, 102), ["f(" + "x" * 71 + "...", "  " + "^" * 74]),
        (
            "a" * 90 + "bad" + "c" * 40,
            (90, 93),
            ["..." + "a" * 17 + "bad" + "c" * 40, " " * 20 + "^^^"],
        ),
    ],
)
def test_lines_fit_the_terminal_and_carets_their_text(text, span, lines):
    """Tabs, wide and combining characters are counted as they are shown."""
    shown = excerpt("f.py", 1, text, span).splitlines()[2:]

    assert [line[4:] for line in shown] == lines
    assert all(len(line) <= 80 for line in shown)


def test_parameter_is_found_wherever_it_stands(tmp_path):
    """By the syntax, not by the letters."""
    file = tmp_path / "Assetfile.py"
    file.write_text("def raw_2(raw_1,\n          *, raw=('raw',)):\n    return raw\n")

    shown = source_line(Place(str(file), 1), "raw", tmp_path)

    assert shown == (
        " --> Assetfile.py:2\n"
        "  |\n"
        "2 |           *, raw=('raw',)):\n"
        "  |              ^^^"
    )


def test_function_itself_can_be_marked(tmp_path):
    """As a word of the line."""
    file = tmp_path / "Assetfile.py"
    file.write_text("def d(): ...\n")

    assert source_line(Place(str(file), 1), "d", tmp_path).endswith(
        "\n1 | def d(): ...\n  |     ^"
    )


def test_file_that_is_gone_leaves_the_place(tmp_path):
    """The message says what it can."""
    linecache.clearcache()

    shown = source_line(Place(str(tmp_path / "gone.py"), 3), "x", tmp_path)

    assert shown == " --> gone.py:3"


def test_files_are_named_from_the_project(tmp_path, monkeypatch):
    """A module elsewhere is named from where it is imported."""
    package = tmp_path / "lib" / "mylib" / "deep"
    package.mkdir(parents=True)
    (package / "__init__.py").touch()
    (package.parent / "__init__.py").touch()
    root = tmp_path / "project"
    monkeypatch.chdir(tmp_path)

    names = [
        shown_path(str(root / "pkg" / "a.py"), root),
        shown_path(str(package / "b.py"), root),
        shown_path("<string>", root),
        shown_path(str(root / "a.py")),
        shown_path(str(Path(os.sep, "other", "a.py"))),
    ]

    assert names == [
        "pkg/a.py",
        "mylib/deep/b.py",
        "<string>",
        "project/a.py",
        "/other/a.py",
    ]
