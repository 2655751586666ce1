"""Tracebacks cut to the user's own project."""

from __future__ import annotations

import json
import sys
import textwrap
from pathlib import Path

import pytest

import assetmake
from assetmake.fingerprint import encode
from assetmake.messages.tracebacks import cut_traceback, full_traceback


def raised(tmp_path, text, *, file="Assetfile.py"):
    """Return the exception that `go()` of a project's module raises."""
    path = tmp_path / file
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(textwrap.dedent(text), encoding="utf-8")
    names = {}
    exec(compile(path.read_text(encoding="utf-8"), path, "exec"), names)
    with pytest.raises(Exception) as caught:  # noqa: PT011 - whatever the text raises
        names["go"]()
    return caught.value


def cut(tmp_path, text, **rest):
    return cut_traceback(raised(tmp_path, text, **rest), tmp_path).splitlines()


def test_frames_before_the_project_are_left_out(tmp_path):
    """Those of this test, and of whatever calls an asset."""
    lines = cut(
        tmp_path,
        """
        def clean(text):
            return int(text) + 1

        def go():
            return clean("x") * 2
        """,
    )

    assert lines == [
        '  File "Assetfile.py", line 6, in go',
        '    return clean("x") * 2',
        "           ^^^^^^^^^^",
        '  File "Assetfile.py", line 3, in clean',
        "    return int(text) + 1",
        "           ^^^^^^^^^",
    ]


def test_frames_of_libraries_are_counted_and_named(tmp_path):
    lines = cut(
        tmp_path,
        """
        import json

        def go():
            json.loads("{")
        """,
    )

    assert lines[:2] == [
        '  File "Assetfile.py", line 5, in go',
        '    json.loads("{")',
    ]
    assert lines[2:] == ["    ... 3 frames in json (--full-trace shows them)"]


def test_frames_of_the_project_called_by_a_library_are_shown(tmp_path):
    lines = cut(
        tmp_path,
        """
        import json

        def pairs(found):
            return found[0][9]

        def go():
            json.loads('{"a": 1}', object_pairs_hook=pairs)
        """,
    )

    assert [line for line in lines if line.startswith(("  File", "    ..."))] == [
        '  File "Assetfile.py", line 8, in go',
        "    ... 3 frames in json (--full-trace shows them)",
        '  File "Assetfile.py", line 5, in pairs',
    ]


def test_a_virtual_environment_in_the_project_is_no_project(tmp_path):
    package = tmp_path / ".venv/lib/python3/site-packages/tidy"
    package.mkdir(parents=True)
    (package / "__init__.py").write_text("def tidy():\n    1 / 0\n")

    lines = cut(
        tmp_path,
        f"""
        import sys
        sys.path.insert(0, {str(package.parent)!r})
        import tidy
        sys.path.pop(0)

        def go():
            tidy.tidy()
        """,
    )
    sys.modules.pop("tidy")

    assert lines[-1] == "    ... 1 frame in tidy (--full-trace shows them)"


def test_files_are_named_from_the_project(tmp_path):
    lines = cut(tmp_path, "def go():\n    raise ValueError\n", file="a/b.py")

    assert lines == ['  File "a/b.py", line 2, in go', "    raise ValueError"]


def test_carets_stand_below_wide_characters(tmp_path):
    lines = cut(tmp_path, "def go():\n    return '東京' + int('ä')\n")

    assert lines[1:] == [
        "    return '東京' + int('ä')",
        "                    ^^^^^^^^",
    ]


def test_endless_recursion_is_told_once(tmp_path):
    lines = cut(tmp_path, "def go(n=0):\n    return go(n + 1)\n")

    assert lines[:3] == [
        '  File "Assetfile.py", line 2, in go',
        "    return go(n + 1)",
        "           ^^^^^^^^^",
    ]
    assert lines[3].endswith("more times the same")
    assert len(lines) < 8


def test_a_call_within_itself_is_told_as_one_more(tmp_path):
    text = "def go(n=1):\n    return go(n - 1) if n else 1 / 0\n"

    assert "    ... once more the same" in cut(tmp_path, text)


def test_recursion_of_two_is_cut_in_the_middle(tmp_path):
    text = """
        def even(n):
            return odd(n + 1)

        def odd(n):
            return even(n + 1)

        def go():
            even(0)
        """

    lines = cut(tmp_path, text)

    assert len(lines) < 60
    assert any("more (--full-trace shows them)" in line for line in lines)


def test_a_cause_in_the_project_is_followed(tmp_path):
    lines = cut(
        tmp_path,
        """
        def go():
            try:
                int("x")
            except ValueError as error:
                raise KeyError("b") from error
        """,
    )

    assert lines == [
        '  File "Assetfile.py", line 6, in go',
        '    raise KeyError("b") from error',
        "  raised from ValueError: invalid literal for int() with base 10: 'x'",
        '  File "Assetfile.py", line 4, in go',
        '    int("x")',
    ]


def test_a_cause_inside_a_library_is_not(tmp_path):
    """It says nothing that the library's last exception does not."""
    lines = cut(
        tmp_path,
        """
        import configparser

        def go():
            configparser.ConfigParser().get("nothing", "here")
        """,
    )

    assert len(lines) == 3
    assert "raised from" not in "\n".join(lines)


def test_a_suppressed_cause_stays_hidden(tmp_path):
    lines = cut(
        tmp_path,
        """
        def go():
            try:
                int("x")
            except ValueError:
                raise KeyError("b") from None
        """,
    )

    assert len(lines) == 2


def test_frames_of_assetmake_are_those_of_a_library():
    """Also where its own sources lie in the project, as in its repository."""
    with pytest.raises(TypeError) as caught:
        encode(object())

    text = cut_traceback(caught.value, Path(assetmake.__file__).parents[1])

    assert "fingerprint.py" not in text
    assert "frames in " in text
    assert "assetmake (--full-trace" in text


def test_a_long_chain_is_not_followed_to_its_end(tmp_path):
    lines = cut(
        tmp_path,
        """
        def go(n=30):
            try:
                if n:
                    go(n - 1)
                raise KeyError(n)
            except LookupError as error:
                raise IndexError(n) from error
        """,
    )

    assert 2 < sum("raised from" in line for line in lines) < 6


def test_a_chain_with_a_circle_ends(tmp_path):
    error = raised(tmp_path, "def go():\n    raise ValueError\n")
    other = KeyError("a")
    error.__cause__, other.__cause__ = other, error

    assert cut_traceback(error, tmp_path)


def test_notes_and_members_of_a_group_are_told(tmp_path):
    lines = cut(
        tmp_path,
        """
        def go():
            error = ExceptionGroup("two", [ValueError("a"), KeyError("b")])
            error.add_note("look at the docs")
            raise error
        """,
    )

    assert lines[2:] == [
        "  note: look at the docs",
        "  one of them: ValueError: a",
        "  one of them: KeyError: 'b'",
    ]


def test_an_exception_that_cannot_be_shown_is_no_obstacle(tmp_path):
    lines = cut(
        tmp_path,
        """
        class Bad(Exception):
            def __str__(self):
                raise RuntimeError

        def go():
            try:
                raise Bad
            except Bad as error:
                raise KeyError from error
        """,
    )

    assert "  raised from Bad: its text cannot be shown" in lines


def test_source_that_is_gone_leaves_the_place(tmp_path):
    error = raised(tmp_path, "def go():\n    raise ValueError\n")
    (tmp_path / "Assetfile.py").unlink()

    assert cut_traceback(error, tmp_path).splitlines() == [
        '  File "Assetfile.py", line 2, in go'
    ]


def test_without_a_project_frame_the_libraries_are_named(tmp_path):
    with pytest.raises(json.JSONDecodeError) as caught:
        json.loads("{")

    text = cut_traceback(caught.value, tmp_path)

    assert "json" in text
    assert "--full-trace" in text


def test_the_full_traceback_is_python_s_own(tmp_path):
    text = full_traceback(raised(tmp_path, "def go():\n    raise ValueError('x')\n"))

    assert text.startswith("Traceback (most recent call last):")
    assert text.endswith("ValueError: x")
    assert __file__ in text
