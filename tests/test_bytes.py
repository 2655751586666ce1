"""What is read from a store may be cut, flipped, copied in or made up."""

from __future__ import annotations

import contextlib
import json
import os
import socket
import sys
from pathlib import Path

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from space import TEXTS, TestSpace

from assetmake.errors import AssetmakeError
from assetmake.project import open_project
from assetmake.saved.fileindex import FileIndex
from assetmake.status.rows import State
from assetmake.stores.fields import ManifestError
from assetmake.stores.manifest import parse_manifest
from assetmake.system import plain

#: A table whose manifest alone tells rows, dtypes, and which column is the index.
TABLE = """
    import pandas as pd

    @asset(format="csv")
    def table(raw: str) -> pd.DataFrame:
        made = {"code": ["001", "002"], "day": pd.to_datetime(["2026-01-01"] * 2)}
        return pd.DataFrame(made).set_index("code")
"""


@pytest.fixture(scope="module")
def space(tmp_path_factory):
    space = TestSpace(tmp_path_factory.mktemp("project") / "in" / "deep")
    space.root.mkdir(parents=True)
    (space.root.parent / "outside").write_text("precious")
    space.write({"Assetfile.py": TEXTS + TABLE, "raw.txt": "some words\n"})
    space.built()
    return space


@pytest.fixture(scope="module")
def manifest(space):
    return (space.root / "data/upper/_manifest.json").read_bytes()


@pytest.fixture(scope="module", params=["upper", "table"])
def recorded(request, space):
    """The name of an asset, and the bytes of its manifest."""
    file = space.root / "data" / request.param / "_manifest.json"
    return request.param, file.read_bytes()


@contextlib.contextmanager
def seen_files():
    """Yield the paths that are opened meanwhile."""
    if not _seen:
        sys.addaudithook(_see)
    _seen.append([])
    try:
        yield _seen[-1]
    finally:
        _seen.append([])


_seen: list[list[str]] = []


def _see(event, arguments):
    if event in ("open", "os.listdir", "os.scandir") and _seen:
        path = arguments[0]
        if isinstance(path, str | bytes):
            _seen[-1].append(os.path.abspath(os.fsdecode(path)))


def looked_at(space):
    """Look at the project, and check that it was done without going elsewhere."""
    outside = str(space.root.parent / "outside")
    with seen_files() as seen:
        rows = {row.name: row for row in open_project(space.root).status()}
        space.run("--status")
        space.run("--why", "upper")
    assert outside not in seen
    assert "/etc/passwd" not in seen
    return rows


def garbled(space, data, name="upper"):
    """Put bytes in the place of a manifest, look, and put it back."""
    file = space.root / "data" / name / "_manifest.json"
    whole = file.read_bytes()
    (space.root / "data/.assetmake/snapshot").unlink(missing_ok=True)
    file.write_bytes(data)
    try:
        return looked_at(space)[name]
    finally:
        file.write_bytes(whole)


# Cut and flipped ----------------------------------------------------------------


def test_a_manifest_cut_anywhere_is_none(manifest):
    for at in range(len(manifest) - 2):
        with pytest.raises(ManifestError):
            parse_manifest(manifest[:at])


@pytest.mark.slow
def test_a_manifest_flipped_anywhere_is_refused_or_says_the_same(recorded):
    """Rows, a dtype or what readers need beside could change, and nothing told."""
    _, manifest = recorded
    whole = parse_manifest(manifest)
    parsed = 0
    for at in range(len(manifest)):
        for mask in (1, 2, 4, 8, 16, 32, 64, 128, 255):
            data = bytearray(manifest)
            data[at] ^= mask
            with contextlib.suppress(ManifestError):
                assert parse_manifest(bytes(data)) == whole
                parsed += 1
    assert parsed  # a newline became a blank, say


def test_two_lines_of_a_manifest_that_became_one_are_refused(recorded):
    """As are two that changed places, one that is gone, and one that is twice."""
    _, manifest = recorded
    whole = parse_manifest(manifest)
    lines = manifest.splitlines(keepends=True)
    for at in range(len(lines) - 1):
        one, two = lines[at : at + 2]
        for new in ([one[:-1] + two[1:]], [two, one], [two], [one, one, two]):
            data = b"".join([*lines[:at], *new, *lines[at + 2 :]])
            with contextlib.suppress(ManifestError):
                assert parse_manifest(data) == whole


@pytest.mark.slow
def test_a_table_with_a_flipped_manifest_is_not_fresh_with_other_values(
    space, recorded
):
    """At each byte, in the store, as `--status` finds it."""
    name, manifest = recorded
    whole = parse_manifest(manifest)
    for at in range(len(manifest)):
        data = bytearray(manifest)
        data[at] ^= 1 << at % 8

        row = garbled(space, bytes(data), name)

        if row.state is State.FRESH:
            assert row.manifest == whole
        else:
            assert [reason.code for reason in row.reasons] == ["manifest-unreadable"]


@pytest.mark.slow
@pytest.mark.parametrize("name", ["index", "records", "snapshot", "load", "code"])
def test_what_saves_work_is_whole_or_not_believed(space, name):
    """Cut or flipped, it changes no answer, and ends nothing in a crash."""
    file = space.root / "data/.assetmake" / name
    if not file.exists():
        pytest.skip(f"no {name} is kept for a project like this")
    whole = file.read_bytes()
    expected = {name: row.state for name, row in looked_at(space).items()}
    steps = range(0, len(whole), max(1, len(whole) // 12))
    for at in steps:
        flipped = bytearray(whole)
        flipped[at] ^= 1 << at % 8
        for data in (whole[:at], bytes(flipped)):
            file.write_bytes(data)
            found = {name: row.state for name, row in looked_at(space).items()}
            assert found == expected
    file.write_bytes(whole)


def test_a_bit_of_the_index_makes_no_other_digest(tmp_path):
    """A digest that had flipped was believed, and a whole table called modified."""
    (tmp_path / "data").write_text("some bytes")
    os.utime(tmp_path / "data", (1, 1))
    index = FileIndex(tmp_path / "index", tmp_path)
    digest = index.digest(tmp_path / "data")
    index.save(always=True)
    whole = (tmp_path / "index").read_bytes()

    for at in range(len(whole)):
        for bit in range(8):
            data = bytearray(whole)
            data[at] ^= 1 << bit
            (tmp_path / "index").write_bytes(bytes(data))
            assert FileIndex(tmp_path / "index", tmp_path)._records == {}
    assert FileIndex(tmp_path / "index", tmp_path).digest(tmp_path / "data") == digest


# Made up ------------------------------------------------------------------------


def edited(manifest, change):
    """Return another manifest: what forges one leaves no fingerprint in it."""
    tree = json.loads(manifest)
    del tree["fingerprint"]
    change(tree)
    return json.dumps(tree).encode("utf-8", "surrogatepass")


def put(*path_and_value):
    *path, last, value = path_and_value

    def change(tree):
        for key in path:
            tree = tree[key]
        tree[last] = value

    return change


DEEP = "[" * 100_000 + "]" * 100_000


@pytest.mark.parametrize(
    "change",
    [
        put("observed", {"/etc/passwd": "bytes-1:x"}),
        put("observed", {"../outside": "bytes-1:x"}),
        put("observed", {"a/../../outside": "bytes-1:x"}),
        put("observed", {"../": "names-1:x"}),
        put("observed", {"a\0b": "bytes-1:x"}),
        put("observed", {"\ud800": "bytes-1:x"}),
        put("observed", {"": "bytes-1:x"}),
        put("output", "files", [["../../../outside", 8, "x"]]),
        put("output", "files", [["\ud800", 8, "x"]]),
        put("output", "files", [["a", 10**4000, "x"]]),
        put("output", "files", [["a", -1, "x"]]),
        put("output", "rows", 10**4000),
        put("output", "rows", -1),
        put("output", "rows", True),
        put("output", "columns", [["a", "list<" * 5000 + "int64" + ">" * 5000]]),
        put("built", "seconds", 10**400),
        put("built", "seconds", float("inf")),
        put("built", "seconds", float("nan")),
        put("built", "peak_memory", 1 << 70),
        put("asset", "../upper"),
        put("asset", "/etc"),
        put("asset", "upper\0"),
        put("format", 0),
        put("format", 2),
        put("format", "1"),
    ],
)
def test_a_made_up_manifest_is_unreadable(space, manifest, change):
    row = garbled(space, edited(manifest, change))

    assert row.reasons[0].code == "manifest-unreadable"
    assert row.state is State.OUTDATED


@pytest.mark.parametrize(
    "data",
    [
        b'{"format": 1, "format": ' + b"9" * 5000 + b"}",
        DEEP.encode(),
        b'{"a":' * 100_000,
        b'{"format": 1e400}',
        b"\xff\xfe",
        b"\0" * 1000,
        b"null",
        b"[]",
    ],
)
def test_no_bytes_end_a_look(space, data):
    row = garbled(space, data)

    assert row.reasons[0].code == "manifest-unreadable"


def test_a_manifest_that_is_too_large_is_not_read(space, manifest, monkeypatch):
    monkeypatch.setattr(plain, "MOST_BYTES", len(manifest) - 1)

    row = garbled(space, manifest)

    assert "larger than 64 MiB" in row.reasons[0].text


def test_a_manifest_of_another_project_proves_nothing(space, tmp_path, manifest):
    other = TestSpace(tmp_path)
    other.write({"Assetfile.py": TEXTS, "raw.txt": "words of another\n"})
    other.built()

    row = garbled(space, (tmp_path / "data/upper/_manifest.json").read_bytes())

    assert row.state is State.MODIFIED


JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(st.characters())
    | st.sampled_from(["../x", "/etc/passwd", "\0", "upper", "pickle", "1" * 5000]),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.text(max_size=5), inner, max_size=4)
    ),
    max_leaves=8,
)


def places(tree, way=()):
    """Return the way to each value of a tree."""
    found = [way] if way else []
    inner = (
        tree.items()
        if isinstance(tree, dict)
        else enumerate(tree)
        if isinstance(tree, list)
        else ()
    )
    for key, value in inner:
        found += places(value, (*way, key))
    return found


@pytest.mark.slow
@settings(
    max_examples=int(os.environ.get("ASSETMAKE_TRIALS", "60")),
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(data=st.data())
def test_a_manifest_with_any_value_anywhere_ends_nothing(space, manifest, data):
    tree = json.loads(manifest)
    if data.draw(st.booleans()):
        del tree["fingerprint"]
    for _ in range(data.draw(st.integers(1, 3))):
        way = data.draw(st.sampled_from(places(tree)))
        inner = tree
        for key in way[:-1]:
            inner = inner[key]
        inner[way[-1]] = data.draw(JSON)
        if not places(tree):
            break

    try:
        text = json.dumps(tree).encode("utf-8", "surrogatepass")
    except ValueError:
        return
    row = garbled(space, text)

    assert row.state is State.FRESH or row.reasons
    for name in ("upper", "length"):
        with contextlib.suppress(AssetmakeError):
            open_project(space.root).load(name)
    assert (space.root.parent / "outside").read_text() == "precious"


# No plain files -----------------------------------------------------------------


def make_socket(path):
    with socket.socket(socket.AF_UNIX) as made, contextlib.chdir(Path(path).parent):
        made.bind(Path(path).name)


MAKERS = {
    "directory": os.mkdir,
    "pipe": os.mkfifo,
    "socket": make_socket,
    "loop": lambda path: os.symlink(path, path),
    "device": lambda path: os.symlink("/dev/zero", path),
}


@pytest.mark.slow
@pytest.mark.parametrize("kind", MAKERS)
@pytest.mark.parametrize(
    "place",
    [
        "data/upper/_manifest.json",
        "data/upper/upper.txt",
        "data/upper",
        "data/.assetmake/index",
        "data/.assetmake/records",
        "data/.assetmake/snapshot",
        "data/.assetmake/load",
        "data/.assetmake/failures/upper.json",
        "raw.txt",
    ],
)
def test_what_is_no_plain_file_is_not_waited_for(tmp_path, place, kind):
    """A look hung at a named pipe, and read a device without an end."""
    space = TestSpace(tmp_path)
    space.write({"Assetfile.py": TEXTS, "raw.txt": "some words\n"})
    space.built()
    path = space.root / place
    if path.is_dir():
        path.rename(tmp_path / "away")
    path.unlink(missing_ok=True)
    path.parent.mkdir(exist_ok=True)
    MAKERS[kind](path)

    looked = space.shell("--status")
    built = space.shell()

    assert looked.status == 0, looked
    assert built.status in (0, 1, 2), built
    assert "Traceback" not in built.err + looked.err
    if built.status:
        assert "error: " in built.err


@example(text="x")
@given(text=st.text())
def test_a_directory_of_the_store_is_named_by_names_alone(text):
    """No name of a manifest is a path, so none has to be taken apart."""
    from assetmake.names import is_name, path_of

    if is_name(text):
        assert not path_of(text).startswith("/")
        assert ".." not in path_of(text).split("/")
