"""Which variables of the environment code is noted to read."""

from __future__ import annotations

import pytest
from space import TestSpace

from assetmake.code.parts import Note, Place
from assetmake.look.variables import without_declared

DECLARED = {"T": None}


def told(tmp_path, code, *, declared=DECLARED, what="os.environ"):
    """Return the texts of what is left of one note, of the first line of code."""
    (tmp_path / "code.py").write_text(code)
    text = f"`{what}` is read: declare the variable with `env=[...]`"
    notes = [Note(Place("code.py", 1), text)]
    return [note.text for note in without_declared(notes, declared, tmp_path)]


READS = [
    ("os.environ", 'x = os.environ["T"]'),
    ("os.environ.get", 'x = os.environ.get("T")'),
    ("os.environ.get", 'x = os.environ.get("T", "no")'),
    ("os.environ.setdefault", 'x = os.environ.setdefault(key="T", value="")'),
    ("os.environ", 'x = "T" in os.environ'),
    ("os.environ", 'x = "T" not in os.environ'),
    ("os.getenv", 'x = os.getenv("T")'),
    ("os.getenvb", 'x = os.getenvb(b"T")'),
    ("os.environb", 'x = os.environb[b"T"]'),
    ("os.getenv", 'x = o.getenv(key="T", default="")'),
    ("os.environ", 'x = env["T"]; from os import environ as env'),
    ("os.getenv", 'x = getenv("T"); from os import getenv'),
    # Of another way there is another note.
    ("os.environ.get", 'x = os.environ.get("T"), os.environ["B"], os.getenv(b)'),
    ("os.getenv", 'x = os.environ.get("B"), dict(os.environ), os.getenv("T")'),
]
OTHERS = [
    ("os.environ", "x = os.environ[T]"),
    ("os.environ.get", "x = os.environ.get(T)"),
    ("os.environ.copy", "x = os.environ.copy()"),
    ("os.environ", "x = dict(os.environ)"),
    ("os.environ", "x = os.environ"),
    ("os.environ.get", "x = os.environ.get"),
    ("os.getenv", "x = os.getenv(*names)"),
    ("os.getenv", "x = os.getenv"),
    ("os.environ", 'x = os.environ["T"], dict(os.environ)'),
    ("os.environ", "x = env; from os import environ as env"),
    ("os.environ", "x = helper()"),
]


@pytest.mark.parametrize(("what", "code"), READS)
def test_a_declared_variable_is_no_note(tmp_path, what, code):
    """The note that says to declare it stayed when it was declared."""
    assert told(tmp_path, code, what=what) == []


@pytest.mark.parametrize(("what", "code"), READS)
def test_a_variable_that_is_not_declared_is_named(tmp_path, what, code):
    assert told(tmp_path, code, declared={}, what=what) == [
        f"`{what}` is read: declare it with `env=['T']`"
    ]


@pytest.mark.parametrize(("what", "code"), OTHERS)
def test_what_names_no_variable_stays_a_note(tmp_path, what, code):
    assert told(tmp_path, code, what=what) == [
        f"`{what}` is read: declare the variable with `env=[...]`"
    ]


def test_a_note_stands_for_its_whole_statement(tmp_path):
    """It has the line of the first read alone."""
    code = 'def f():\n    return os.getenv("T"), os.getenv("B")\nx = os.getenv("C")\n'

    assert told(tmp_path, code, what="os.getenv") == [
        "`os.getenv` is read: declare it with `env=['B']`"
    ]


def test_code_that_cannot_be_read_keeps_its_note_and_others_are_none_of_it(tmp_path):
    gone = Note(Place("gone.py", 1), "`os.getenv` is read: declare the variable")
    clock = Note(Place("gone.py", 1), "`time.time` differs from run to run")
    notes = [gone, clock]

    assert [*without_declared(notes, DECLARED, tmp_path)] == notes
    (tmp_path / "gone.py").write_text("def (")
    assert [*without_declared(notes, DECLARED, tmp_path)] == notes


def test_why_names_the_variable_until_it_is_declared(tmp_path):
    space = TestSpace(tmp_path)
    space.write(
        {
            "helper.py": """
                import os


                def where():
                    return os.environ["WHERE"]
            """,
            "Assetfile.py": """
                from assetmake import asset
                from helper import where


                @asset()
                def place() -> str:
                    return where()
            """,
        }
    )
    before = space.run("--why", "place").out
    space.edit("Assetfile.py", "asset()", 'asset(env=["WHERE"])')
    after = space.run("--why", "place").out

    assert "is read: declare it with `env=['WHERE']` (helper.py:5)" in before
    assert "note:" not in after
