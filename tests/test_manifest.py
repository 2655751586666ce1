"""Manifests survive their JSON, and nothing else passes for one."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from assetmake.code.parts import Part, Place
from assetmake.frames.base import Column
from assetmake.stores.fields import ManifestError
from assetmake.stores.manifest import (
    CheckRecord,
    FileRecord,
    InputRecord,
    Manifest,
    Output,
    dump_manifest,
    parse_manifest,
)

MANIFEST = Manifest(
    name="weather/hottest",
    code="code-1:c",
    parts=(
        Part(
            "hot",
            "asset",
            Place("Assetfile.py", 3),
            "code-1:p",
            "def hot():\n    return 'é\ud800'",
        ),
        Part("clean", "helper", Place("w.py", 12), "code-1:q", "def clean(): 1", "hot"),
    ),
    code_files={"Assetfile.py": "d1", "w.py": "d2"},
    inputs=(
        InputRecord("raw", "raw", "bytes-1:r", {"options.sep": "blake2b-1:s"}),
        InputRecord("m", "mid", "x"),
    ),
    reads={"q.sql": "bytes-1:q"},
    observed={"cfg.json": "bytes-1:o"},
    variables={"REGION": "blake2b-1:v"},
    packages={"tidy": "1.0"},
    output=Output(
        "pandas.DataFrame",
        "csv",
        "csv",
        "arrow-1:o",
        {"part-00000.csv": FileRecord(10, "d"), "part-00001.csv": FileRecord(3, "e")},
        rows=91,
        columns=(Column("a", "int64"), Column("b", "timestamp[us, tz=UTC]")),
        extra={"index": ["a"]},
    ),
    built_at="2026-11-23T06:41:02Z",
    seconds=0.41,
    peak_memory=123,
    why=("never-built",),
    versions={"python": "3.11.7"},
    checks=(
        CheckRecord(
            "plausible",
            Place("Assetfile.py", 9),
            "warn",
            passed=False,
            fingerprint="code-1:k",
            failing=3,
            message="3 rows are wrong",
            parts=(Part("plausible", "asset", Place("a.py", 9), "code-1:r", "x"),),
            observed={"limits.json": "bytes-1:l"},
        ),
        CheckRecord("new", Place("Assetfile.py", 19), "error", None, "code-1:n"),
    ),
)


def test_manifest_survives_its_json():
    assert parse_manifest(dump_manifest(MANIFEST)) == MANIFEST


def test_json_is_sorted_and_ends_in_a_newline():
    """So that a diff of two manifests in git shows what changed, and no more."""
    text = dump_manifest(MANIFEST).decode("utf-8", "surrogatepass")

    assert text.endswith("}\n")
    assert list(json.loads(text)) == sorted(json.loads(text))


def cut(data, path):
    """Return the tree of a manifest, without a fingerprint of its own."""
    tree = json.loads(data.decode("utf-8", "surrogatepass"))
    del tree["fingerprint"]
    *way, last = path
    inner = tree
    for key in way:
        inner = inner[key]
    return tree, inner, last


PATHS = [
    ("format",),
    ("asset",),
    ("code",),
    ("code", "fingerprint"),
    ("code", "parts"),
    ("code", "parts", 0, "place"),
    ("inputs",),
    ("inputs", 0, "fingerprint"),
    ("reads",),
    ("observed",),
    ("variables",),
    ("packages",),
    ("output",),
    ("output", "files"),
    ("output", "columns"),
    ("output", "fingerprint"),
    ("built",),
    ("built", "at"),
    ("checks",),
    ("checks", 0),
    ("checks", 0, "name"),
    ("checks", 0, "place"),
    ("checks", 0, "passed"),
    ("checks", 0, "failing"),
    ("checks", 0, "parts"),
    ("checks", 0, "observed"),
]


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("value", [None, [1], {"x": 1}, 1.5, True, "text", -1])
def test_a_field_of_another_type_makes_it_unreadable(path, value):
    """Nothing crashes later for what should have been refused here."""
    tree, inner, last = cut(dump_manifest(MANIFEST), path)
    allowed = {
        ("output", "columns"): (type(None),),
        ("asset",): (str,),
        ("code", "fingerprint"): (str,),
        ("inputs", 0, "fingerprint"): (str,),
        ("output", "fingerprint"): (str,),
        ("built", "at"): (str,),
        ("checks", 0, "name"): (str,),
        ("checks", 0, "passed"): (bool, type(None)),
        ("checks", 0, "failing"): (int, type(None)),
    }
    if type(value) in allowed.get(path, ()):
        pytest.skip("that is a value of the right type")
    inner[last] = value

    with pytest.raises(ManifestError):
        parse_manifest(json.dumps(tree).encode())


@pytest.mark.parametrize(
    "path", [path for path in PATHS if path[-1] not in ("checks", 0)]
)
def test_a_field_that_lacks_makes_it_unreadable(path):
    tree, inner, last = cut(dump_manifest(MANIFEST), path)
    del inner[last]

    if path == ("code", "parts", 0, "place"):
        assert "place" not in inner
    with pytest.raises(ManifestError):
        parse_manifest(json.dumps(tree).encode())


def test_a_manifest_of_before_there_were_checks_has_none():
    tree, inner, last = cut(dump_manifest(MANIFEST), ("checks",))
    del inner[last]

    assert parse_manifest(json.dumps(tree).encode()) == replace(MANIFEST, checks=())


def test_a_manifest_without_a_fingerprint_is_read():
    """Those of older versions have none, nor has one that was made by hand."""
    tree, _, _ = cut(dump_manifest(MANIFEST), ("format",))

    assert parse_manifest(json.dumps(tree).encode()) == MANIFEST


@pytest.mark.parametrize("layout", [{}, {"indent": 4}, {"separators": (",", ":")}])
def test_a_manifest_that_was_laid_out_anew_is_as_it_was_written(layout):
    tree = json.loads(dump_manifest(MANIFEST).decode("utf-8", "surrogatepass"))
    turned = dict(reversed(tree.items()))

    assert parse_manifest(json.dumps(turned, **layout).encode()) == MANIFEST


def test_a_manifest_with_other_line_ends_is_as_it_was_written():
    """Git makes them so on request."""
    data = dump_manifest(MANIFEST).replace(b"\n", b"\r\n")

    assert parse_manifest(data) == MANIFEST


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b'"rows": 91', b'"rows": 90'),
        (b'"int64"', b'"int32"'),
        (b'"index": [', b'"iodex": ['),
        (b'"at": "2026', b'"at": "2027'),
        (b'"severity": "warn"', b'"severity": "wasn"'),
        (b'"rows": 91,\n  "type"', b'"Rows": 91, "rows": 9,\n  "type"'),
        (b'{\n "asset"', b'{\n "added": 1,\n "asset"'),
        (b'"fingerprint": "manifest-1:', b'"fingerprint": "manifest-2:'),
        (b'"fingerprint": "manifest-1:', b'"fingerprint": "\\ud800'),
    ],
)
def test_a_manifest_that_was_edited_is_unreadable(old, new):
    data = dump_manifest(MANIFEST)
    assert data.count(old) == 1

    with pytest.raises(ManifestError, match="not as it was written"):
        parse_manifest(data.replace(old, new))


@pytest.mark.parametrize("value", [None, 1, ["manifest-1:"], {}, True])
def test_a_fingerprint_of_another_type_makes_it_unreadable(value):
    tree, _, _ = cut(dump_manifest(MANIFEST), ("format",))

    with pytest.raises(ManifestError, match="without a usable `fingerprint`"):
        parse_manifest(json.dumps({**tree, "fingerprint": value}).encode())


def test_a_fingerprint_in_another_place_is_none_of_the_manifest():
    """Moved into an object, the line is just a field that nobody knows."""
    data = dump_manifest(MANIFEST)
    at = data.index(b'\n "fingerprint": ')
    end = data.index(b"\n", at + 1)
    line = data[at:end]
    twice = data.replace(b'\n "built": {', b'\n "built": {' + line)

    with pytest.raises(ManifestError, match="not as it was written"):
        parse_manifest(twice)


def test_deep_nesting_in_a_manifest_with_a_fingerprint_is_unreadable():
    """What lays it out anew goes less deep than what reads it."""
    data = dump_manifest(MANIFEST)
    for depth in (100, 900, 2000, 100_000):
        deep = b"[" * depth + b"]" * depth
        with pytest.raises(ManifestError):
            parse_manifest(
                data.replace(b'"index": [', b'"deep": ' + deep + b', "index": [', 1)
            )


@pytest.mark.parametrize(
    "name", ["../part", "/etc/passwd", "a/b", "a\\b", "", ".", "..", "a\0b"]
)
def test_a_file_elsewhere_makes_it_unreadable(name):
    """A manifest is data: no path in it leads out of its directory."""
    tree, inner, last = cut(dump_manifest(MANIFEST), ("output", "files"))
    inner[last] = [[name, 1, "d"]]

    with pytest.raises(ManifestError, match="list of files"):
        parse_manifest(json.dumps(tree).encode())


def test_a_newer_format_is_named():
    tree, inner, last = cut(dump_manifest(MANIFEST), ("format",))
    inner[last] = 99

    with pytest.raises(ManifestError, match="of format 99, and this assetmake reads 1"):
        parse_manifest(json.dumps(tree).encode())


def test_every_cut_is_unreadable():
    """A torn write never passes for a manifest."""
    data = dump_manifest(MANIFEST)
    for end in range(len(data) - 2):
        with pytest.raises(ManifestError):
            parse_manifest(data[:end])


@given(
    st.binary(max_size=200)
    | st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(),
        lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    ).map(lambda tree: json.dumps(tree).encode())
)
def test_no_bytes_crash_the_reader(data):
    with pytest.raises(ManifestError):
        parse_manifest(data)


def test_deep_nesting_is_unreadable():
    with pytest.raises(ManifestError):
        parse_manifest(b"[" * 200_000)
