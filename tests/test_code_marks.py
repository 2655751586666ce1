"""Statements that an edit left alone are summarised as if all were read anew."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest
from test_code_cases import CASES, files_of

import assetmake
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
    for edited in edits:
        assert plain(summarise(edited, known)) == plain(summarise(edited))


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
