"""Statements that an edit left alone are summarised as if all were read anew."""

from __future__ import annotations

import ast
import random
from pathlib import Path

import pytest
from test_code_cases import CASES, files_of

import assetmake
from assetmake.code.canonical import parse
from assetmake.code.edits import edited, held
from assetmake.code.kept import Summaries, Units
from assetmake.code.summary import summarise
from assetmake.fingerprint import digest_bytes

OWN = sorted(Path(assetmake.__file__).parent.rglob("*.py"))


def encoded(text):
    return text.encode("utf-8", "surrogatepass")


def sources(text):
    """Return the files of a case before and after, those that are Python."""
    pairs = []
    before, after = files_of(text, 0), files_of(text, 1)
    for name in before.keys() & after.keys():
        pair = encoded(before[name]), encoded(after[name])
        try:
            for data in pair:
                ast.parse(data)
        except (SyntaxError, ValueError):
            continue
        pairs.append(pair)
    return pairs


@pytest.mark.slow
@pytest.mark.parametrize("text", [text for _, text in CASES.values()], ids=CASES)
def test_an_edited_file_is_summarised_as_a_new_one(text):
    """Also where lines were put in above, and after a way over the disk."""
    for before, after in sources(text):
        known = Units({})
        summarise(before, known)
        for data in (before, after, b"# above\n\n\n" + after, before):
            assert plain(summarise(data, known)) == plain(summarise(data))
            known = Units(known.dumped())


def plain(summary):
    """Return a summary without the marks of its statements."""
    return summary._replace(units=tuple(u._replace(mark="") for u in summary.units))


@pytest.mark.slow
@pytest.mark.parametrize("file", OWN, ids=lambda file: file.stem)
def test_moved_lines_and_new_names_make_no_difference(file):
    """In each file of assetmake itself."""
    data = file.read_bytes()
    known = Units({})
    summarise(data, known)
    edits = [
        data.replace(b"\nimport ", b"\n\n\nimport ", 1),
        data + b"\n\ndef Path(): return re\n",
        b"import re, typing\n" + data,
        data.replace(b"import os", b"import os as so"),
    ]
    for other in edits:
        assert plain(summarise(other, known)) == plain(summarise(other))


def test_a_name_that_stands_for_something_else_counts():
    """`asset` is another one although the statement that uses it is the same."""
    text = b"from a import f\n\ndef g():\n    return f.import_module('b')\n"
    other = text.replace(b"from a import f", b"import importlib as f")
    known = Units({})
    summarise(text, known)

    assert plain(summarise(other, known)) == plain(summarise(other))
    assert summarise(other).units[0].later != summarise(text).units[0].later


def test_only_statements_that_changed_are_gone_through(monkeypatch):
    text = b"A = 1\n\ndef f():\n    return A\n\ndef g():\n    return f()\n"
    known = Units({})
    summarise(text, known)
    seen = []
    builder = "assetmake.code.summary._Builder._walked"
    from assetmake.code.summary import _Builder

    walked = _Builder._walked
    monkeypatch.setattr(builder, lambda s, n: (seen.append(n.lineno), walked(s, n))[1])

    summarise(b"\n" + text.replace(b"return A", b"return A + 1"), known)

    assert seen == [4]


#: Lines that edits put in, at any place and any depth.
LINES = [
    *("x = 1", "x += f", "pass", "", "# note", "\\", "@f", "@", ")", "(", "]", "'''"),
    *("def f():", "class A(B):", "    return x", "if x:", "else:", "elif y: z = 2"),
    *("try:", "except E:", "finally:", "import os", "from a import *", "global x"),
    *("x = 1; y = 2", "if x: y = 1", "f(\\", "x = [", "'text'", "match x:", "x: int"),
    *("for i in x:", "while x: pass", "with a as b:", "async def f(): pass", '"""'),
    *("del x", "assert x", "__all__ = ['x']", "# coding: latin-1", "x = '''a", "b'''"),
    *("if __name__ == '__main__':", "@overload", "exec('x = 1')", "f'{x}'", "\tx = 1"),
]


def changed(rng, lines):
    """Return lines otherwise: a few next to each other, doubled, gone, or new."""
    lines = list(lines)
    for _ in range(rng.choice((1, 1, 1, 2, 3))):
        at = rng.randrange(len(lines) + 1)
        size = rng.choice((0, 0, 1, 1, 2, 5))
        part = lines[at : at + size]
        new = [" " * rng.choice((0, 0, 4, 8)) + rng.choice(LINES)]
        if part and rng.random() < 0.5:
            old, other = rng.choice((("x", "y"), ("1", "2"), (" ", "  "), (")", "):")))
            new = [part[0].replace(old, other), *part[1:]]
        lines[at : at + size] = rng.choice(([], new, new, new, new + part, part * 2))
    return lines


SOURCES = [
    "x = 1\ndef f(a=1):\n    return a\n\ny = f(2)\n# end",
    (
        "A = 1\n\n\n@f\ndef g(x):\n    '''Doc.'''\n    return x\n\n\nclass B(A):\n"
        "    c = 1\n\n    def d(self):\n        return f(\n            1,\n        )\n"
        "\nfor n in 'ab':\n    @asset\n    def h(x=n): return x\nz = f(\n  1)\n"
    ),
    (
        "x = 1\nif x: y = 1\nelse:\n    y = 2\nz = 3; w = 4\ntry:\n    q = 1\n"
        "except E: pass\nr = '''\na = 1\n'''\nif True: \\\nt = 1\n"
        "u = 2\ns = x + \\\n1\n"
    ),
    (
        "import os\nfrom a import b\n\ndef f():\n    global x\n    x = os\n\n'text'\n"
        "v = (w := 1)\nasync def k(): await f()\n@\\\nf\ndef l(): pass\nm = 1\n"
    ),
]


@pytest.mark.slow
@pytest.mark.parametrize("text", SOURCES, ids=range(len(SOURCES)))
def test_an_edit_gives_what_the_whole_file_gives(text):
    """Whatever was edited, into whatever: else it is read as a whole."""
    rng = random.Random(text)
    told = 0
    for _ in range(2_000):
        before = text.split("\n")
        if rng.random() < 0.3:
            before = changed(rng, before)
        old, new = (
            "\n".join(lines).encode() for lines in (before, changed(rng, before))
        )
        known = Units({})
        try:
            summary = summarise(old, known)
        except (SyntaxError, ValueError):
            continue
        found = edited(held(old), summary, new, known)
        if found is not None:
            told += 1
            assert plain(found) == plain(summarise(new)), (old, new)
    assert told > 100


@pytest.mark.parametrize(
    ("text", "old", "new"),
    [
        (b"x = 1\n__all__ = ['x']\ny = 2\n", b"['x']", b"['y']"),
        (b"x = 1\nf()\ny = 2\n", b"f()", b"'f'"),
        (
            b"from typing import overload\nx = 1\n@f\ndef g(): pass\n",
            b"@f",
            b"@overload",
        ),
        (b"# coding: latin-1\nx = 1\ny = '\xc3\xa9'\nz = 1\n", b"'\xc3", b"'b\xc3"),
        (b"x = 1\nimport a\ny = 2\n", b"import a", b"import b"),
        (b"x = 1\ny = 2\n", b"2\n", b"2\n\\\n"),
        (b"x = 1\n@\\\nf\ndef g(): pass\n", b"@\\", b"y = 1;\\"),
        (b"x = 1\nif x: y = 2\n", b"if x: ", b"if y: "),
        (b"x = 1\nf = g()\ny = f\n", b"f = g()", b"f = (h := g())"),
    ],
)
def test_what_counts_for_the_whole_file_is_not_passed_over(text, old, new):
    """Names that it exports, its coding, statements that are none."""
    known = Units({})
    after = text.replace(old, new)
    found = edited(held(text), summarise(text, known), after, known)
    if found is not None:  # else it is read whole, which may raise an error
        assert plain(found) == plain(summarise(after))


@pytest.mark.slow
@pytest.mark.parametrize("file", OWN, ids=lambda file: file.stem)
def test_edits_of_our_own_files_give_what_whole_files_give(file):
    """In real code, of which most edits leave the rest alone."""
    text = file.read_text(encoding="utf-8")
    rng = random.Random(text)
    known = Units({})
    summary = summarise(text.encode(), known)
    for _ in range(4):
        new = "\n".join(changed(rng, text.split("\n"))).encode()
        found = edited(held(text.encode()), summary, new, known)
        if found is not None:
            assert plain(found) == plain(summarise(new))


def test_just_the_lines_of_an_edit_are_parsed(monkeypatch, tmp_path):
    """Of a file that is known, and not where another name is bound."""
    text = b"".join(b"def f%d():\n    return %d\n\n" % (n, n) for n in range(100))
    file, sizes = str(tmp_path / "code"), []
    kept = Summaries("")
    kept.summary("a.py", "1", text)
    kept.save(file)

    def parsed(data):
        sizes.append(len(data.strip()))
        return parse(data)

    monkeypatch.setattr("assetmake.code.edits.parse", parsed)
    monkeypatch.setattr("assetmake.code.summary.parse", parsed)

    longer = text.replace(b"return 50", b"# note\n    return 5")
    found = Summaries(file).summary("a.py", "2", longer)
    assert 0 < max(sizes) < 80
    assert plain(found) == plain(summarise(longer))

    sizes.clear()
    Summaries(file).summary("a.py", "3", text.replace(b"def f50", b"def g50"))
    assert max(sizes) > 1_000


@pytest.mark.slow
def test_summaries_come_back_from_disk(tmp_path):
    """As they were; those that the last analysis did not use are gone."""
    file = str(tmp_path / "code")
    kept = Summaries("")
    digests = {}
    for path in OWN:
        data = path.read_bytes()
        digests[digest_bytes(data)] = summarise(data, kept.units)
    kept.update(digests)
    kept.save(file)

    again = Summaries(file)

    assert {digest: again[digest] for digest in digests} == digests
    first = next(iter(digests))
    fewer = Summaries(file)
    assert fewer[first] == digests[first]
    fewer["other"] = summarise(b"A = 1", fewer.units)
    fewer.save(file)
    assert set(Summaries(file)) == {first, "other"}
