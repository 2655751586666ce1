"""How the source of a part is shown."""

from __future__ import annotations

import pytest

from assetmake.code.listing import Lines
from assetmake.code.summary import summarise


def shown(data, index=0):
    """Return the normalised source of one statement of a file."""
    data = data.encode() if isinstance(data, str) else data
    return Lines(data).unit(summarise(data).units[index])


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("x = 1  # one", "x = 1"),
        ("x = '# no comment'", "x = '# no comment'"),
        ("x = f'{y} # no comment'  # one", "x = f'{y} # no comment'"),
        ("# above\nx = 1\n# below", "x = 1"),
        ("@d  # why\n# and\ndef f(x):\n    return x\n", "@d\ndef f(x):\n    return x"),
        (
            'def f():\n    """Say.\n\n    More.\n    """\n    return 1',
            "def f():\n    return 1",
        ),
        (
            "def f():\n\n    # a\n    x = 1\n\n    return x",
            "def f():\n    x = 1\n    return x",
        ),
        ('x = """a\n\nb"""', 'x = """a\n\nb"""'),
        ('x = """# a\n# b"""', 'x = """# a\n# b"""'),
        ("if a:\n    def f(x):\n        return x\n", "def f(x):\n    return x"),
        ("class P:\n    'doc'\n    k = 1  # one\n", "class P:\n    k = 1"),
        ("x = [\n    1,  # one\n    2,\n]", "x = [\n    1,\n    2,\n]"),
        ("x = 1\r\n", "x = 1"),
        ("x = 'é'  # é", "x = 'é'"),
    ],
)
def test_source_is_shown_without_what_never_counts(source, expected):
    """As its author wrote it, but for comments, docstrings and empty lines."""
    index = 1 if source.startswith("if") else 0

    assert shown(source, index) == expected


def test_statements_of_one_line_are_told_apart():
    """By columns, which are counted in bytes."""
    assert [shown("é = 'é'; y = 2; z = 3", i) for i in range(3)] == [
        "é = 'é'",
        "y = 2",
        "z = 3",
    ]


def test_encodings_are_those_of_the_file():
    """A cookie or a byte order mark says which."""
    assert shown("# coding: latin-1\nx = 'é'\n".encode("latin-1")) == "x = 'é'"
    assert shown(b"\xef\xbb\xbfx = '\xc3\xa9'\n") == "x = 'é'"
