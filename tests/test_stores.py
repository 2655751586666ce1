"""The store of local files: what it says, publishes, keeps and removes."""

from __future__ import annotations

import os

import pytest

from assetmake import fileindex, fingerprint
from assetmake.errors import StoreError
from assetmake.fingerprint import digest_bytes
from assetmake.frames.base import FileRecord
from assetmake.manifest import Manifest, Output
from assetmake.status import Condition, Failure
from assetmake.stores import local
from assetmake.stores import swap as swapping
from assetmake.stores.local import LocalStore
from assetmake.stores.memory import MemoryStore


@pytest.fixture
def store(tmp_path):
    return LocalStore(tmp_path / "data", tmp_path)


def waiting(owner):
    raise AssertionError(owner)


def publish(store, name, **parts):
    """Publish a table of files; a part is named part_0 for part-0."""
    with store.lock(waiting):
        staged = store.stage(name)
        for part, text in parts.items():
            (staged / part.replace("_", "-")).write_text(text)
        files = store.files(staged)
        manifest = Manifest(
            name=name,
            code="code-1:c",
            parts=(),
            code_files={},
            inputs=(),
            reads={},
            observed={},
            variables={},
            packages={},
            output=Output("t", "csv", "", f"arrow-1:{parts}", files),
            built_at="2026-11-23T06:41:02Z",
            seconds=0.1,
        )
        store.publish(name, staged, manifest)
        store.clean()
    return manifest


@pytest.fixture
def reads(monkeypatch):
    """Names of the files that are read to be hashed."""
    found = []

    def counting(path):
        found.append(os.path.basename(path))
        return fingerprint.digest_file(path)

    monkeypatch.setattr(local, "digest_file", counting)
    monkeypatch.setattr(fileindex, "digest_file", counting)
    return found


def tree(folder):
    return sorted(
        path.relative_to(folder).as_posix()
        for path in folder.rglob("*")
        if path.is_file() and ".assetmake" not in path.parts
    )


def test_what_was_published_is_intact(store):
    manifest = publish(store, "hot", part_0="a", part_1="b")

    record = store.record("hot")

    assert record.condition is Condition.INTACT
    assert record.manifest == manifest
    assert store.record("cold").condition is Condition.ABSENT
    assert tree(store.root) == [
        "hot/_SUCCESS",
        "hot/_manifest.json",
        "hot/part-0",
        "hot/part-1",
    ]


def test_a_file_is_read_once_if_it_was_not_hashed_as_it_was_written(store, reads):
    """That once is enough for the next run too, as for what Spark writes."""
    publish(store, "hot", part_0="a", part_1="b")
    publish(store, "cold", part_0="c")

    again = LocalStore(store.root, store.root.parent)

    assert again.record("hot").condition is Condition.INTACT
    assert again.record("cold").condition is Condition.INTACT
    assert reads == ["part-0", "part-1", "part-0"]


def test_what_was_hashed_as_it_was_written_is_not_read(store, reads):
    """But for what is not of the size that was written."""
    with store.lock(waiting):
        staged = store.stage("hot")
        for part in ("a", "b", "c"):
            (staged / part).write_text(part)
        told = {"a": FileRecord(1, "as told"), "b": FileRecord(2, "a lie")}

        files = store.files(staged, told)

    own = {name: FileRecord(1, digest_bytes(name.encode())) for name in "bc"}
    assert files == {"a": FileRecord(1, "as told"), **own}
    assert reads == ["b", "c"]


@pytest.mark.parametrize("atomic", [True, False])
def test_a_second_publication_replaces_every_part(store, atomic, monkeypatch):
    """Nothing of the former table stays, and nothing is doubled."""
    if not atomic:
        monkeypatch.setattr(swapping, "_exchange", lambda one, other: False)
    publish(store, "weather/hot", part_0="a", part_1="b")
    publish(store, "weather/hot", part_0="c")

    assert tree(store.root) == [
        "weather/hot/_SUCCESS",
        "weather/hot/_manifest.json",
        "weather/hot/part-0",
    ]
    assert (store.root / "weather/hot/part-0").read_text() == "c"
    assert os.listdir(store.root / ".assetmake" / "staging") == []


def edit(path):
    path.write_text("z")


def add(path):
    path.with_name("part-9").write_text("z")


def touch(path):
    os.utime(path, (1, 1))


def rewrite(path):
    path.write_text(path.read_text())


def drop(path):
    path.unlink()


def hide(path):
    path.with_name("_temporary").write_text("x")
    path.with_name(".part-0.crc").write_text("x")


@pytest.mark.parametrize(
    ("change", "condition", "detail"),
    [
        (edit, Condition.MODIFIED, "part-0 has other bytes"),
        (add, Condition.MODIFIED, "part-9 was added"),
        (drop, Condition.MODIFIED, "part-0 is gone"),
        (touch, Condition.INTACT, ""),
        (rewrite, Condition.INTACT, ""),
        (hide, Condition.INTACT, ""),
    ],
)
def test_content_decides_whether_a_table_is_intact(store, change, condition, detail):
    publish(store, "hot", part_0="a", part_1="b")
    change(store.root / "hot" / "part-0")

    record = store.record("hot")

    assert (record.condition, record.detail) == (condition, detail)


def test_a_table_without_any_part_is_lost(store):
    publish(store, "hot", part_0="a", part_1="b")
    for part in (store.root / "hot").glob("part-*"):
        part.unlink()

    assert store.record("hot").condition is Condition.LOST
    assert store.record("hot", data=False).condition is Condition.INTACT


def test_a_directory_without_manifest_is_unmanaged(store):
    (store.root / "hot").mkdir(parents=True)
    assert store.record("hot").condition is Condition.ABSENT
    (store.root / "hot" / "part-0").write_text("a")

    assert store.record("hot").condition is Condition.UNMANAGED
    assert list(store.names()) == ["hot"]


def test_a_file_in_the_place_is_unmanaged(store):
    store.root.mkdir()
    (store.root / "hot").write_text("a")

    assert store.record("hot").condition is Condition.UNMANAGED


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        (b"", "empty"),
        (b"{", "no valid JSON"),
        (b'{"format": 7}', "of format 7, and this assetmake reads 1"),
    ],
)
def test_an_unreadable_manifest_is_told(store, text, problem):
    publish(store, "hot", part_0="a")
    (store.root / "hot" / "_manifest.json").write_bytes(text)

    record = store.record("hot")

    assert record.problem == problem
    assert record.manifest is None


def test_a_manifest_copied_from_another_asset_is_not_believed(store):
    publish(store, "hot", part_0="a")
    publish(store, "cold", part_0="a")
    data = (store.root / "cold" / "_manifest.json").read_bytes()
    (store.root / "hot" / "_manifest.json").write_bytes(data)

    assert store.record("hot").problem == "that of another asset, `cold`"


def test_names_are_those_of_tables_at_any_depth(store):
    publish(store, "weather/hot", part_0="a")
    publish(store, "cold", part_0="a")
    (store.root / "raw" / "deep").mkdir(parents=True)
    (store.root / "raw" / "deep" / "x.csv").write_text("x")
    (store.root / "not-a-name").mkdir()
    (store.root / "not-a-name" / "x.csv").write_text("x")

    assert sorted(store.names()) == ["cold", "raw/deep", "weather/hot"]


def test_remove_takes_what_the_manifest_names_and_no_more(store):
    publish(store, "weather/hot", part_0="a")
    (store.root / "weather/hot" / "_notes").write_text("mine")

    store.remove("weather/hot")

    assert tree(store.root) == ["weather/hot/_notes"]


def test_remove_takes_empty_directories_along(store):
    publish(store, "weather/hot", part_0="a")

    store.remove("weather/hot")

    assert os.listdir(store.root) == [".assetmake"]


def test_remove_refuses_what_was_changed(store):
    publish(store, "hot", part_0="a")
    (store.root / "hot" / "part-0").write_text("my edit")

    with pytest.raises(StoreError, match="cannot prove that assetmake wrote data/hot"):
        store.remove("hot")

    assert (store.root / "hot" / "part-0").read_text() == "my edit"


def test_keep_saves_a_copy_that_outlives_the_next_publication(store):
    publish(store, "hot", part_0="a")
    (store.root / "hot" / "part-0").write_text("my edit")
    kept = [store.keep("hot"), store.keep("hot")]
    publish(store, "hot", part_0="b")

    assert [(path / "part-0").read_text() for path in kept] == ["my edit"] * 2
    assert (store.root / "hot" / "part-0").read_text() == "b"


def test_a_failure_is_kept_until_it_is_forgotten(store):
    publish(store, "hot", part_0="a")
    failure = Failure("recipe", "KeyError: 'x'")

    store.note_failure("hot", failure)
    assert store.record("hot").failure == failure
    store.note_failure("hot", None)

    assert store.record("hot").failure is None


@pytest.mark.parametrize("have", ["new", "old", "both"])
def test_two_renames_that_were_cut_off_are_finished(store, have):
    """Whichever rename was the last, the next build finds a whole table."""
    publish(store, "hot", part_0="old")
    leftover = store.root / ".assetmake" / "staging" / "1-1-hot"
    leftover.mkdir()
    (leftover / "swap").write_text("hot")
    if have != "new":
        (store.root / "hot").rename(leftover / "old")
    if have != "old":
        (leftover / "new").mkdir()
        (leftover / "new" / "part-0").write_text("new")

    with store.lock(waiting):
        pass

    expected = {"new": "old", "old": "old", "both": "new"}[have]
    assert (store.root / "hot" / "part-0").read_text() == expected
    assert os.listdir(store.root / ".assetmake" / "staging") == []


@pytest.mark.parametrize("name", ["../outside", "/tmp/outside", "", "a b"])
def test_a_note_of_a_swap_never_leads_out_of_the_store(store, name, tmp_path):
    publish(store, "hot", part_0="a")
    leftover = store.root / ".assetmake" / "staging" / "1-1-hot"
    (leftover / "new").mkdir(parents=True)
    (leftover / "swap").write_text(name)

    with store.lock(waiting):
        pass

    assert sorted(os.listdir(tmp_path)) == ["data"]


def test_the_private_directory_ignores_itself(store):
    publish(store, "hot", part_0="a")

    assert (store.root / ".assetmake" / ".gitignore").read_text().endswith("*\n")


def test_a_memory_store_leaves_nothing():
    store = MemoryStore()
    publish(store, "hot", part_0="a")
    root = store.root
    assert store.record("hot").condition is Condition.INTACT

    del store

    assert not root.exists()
