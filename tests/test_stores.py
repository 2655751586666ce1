"""The store of local files: what it says, publishes, keeps and removes."""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from dataclasses import replace
from pathlib import Path

import pytest

from assetmake import fingerprint
from assetmake.errors import StoreError
from assetmake.fingerprint import digest_bytes
from assetmake.frames.base import FileRecord
from assetmake.saved import fileindex
from assetmake.status.rows import Condition, Failure
from assetmake.stores import local, staging, tables
from assetmake.stores import swap as swapping
from assetmake.stores.local import LocalStore
from assetmake.stores.manifest import Manifest, Output, dump_manifest, parse_manifest
from assetmake.stores.memory import MemoryStore
from assetmake.stores.staging import token_of_boot


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


def test_a_manifest_that_was_just_published_is_not_parsed(store, monkeypatch):
    """As long as the file has its bytes, and it is what others parse."""
    manifest = publish(store, "hot", part_0="a")
    assert LocalStore(store.root, store.root.parent).record("hot").manifest == manifest
    parsed = []

    def counting(data):
        parsed.append(data)
        return parse_manifest(data)

    monkeypatch.setattr(tables, "parse_manifest", counting)
    assert store.record("hot").manifest is manifest
    assert parsed == []

    file = store.root / "hot" / "_manifest.json"
    later = replace(manifest, built_at="2026-11-24T06:41:02Z")
    file.write_bytes(dump_manifest(later))

    assert store.record("hot").manifest == later
    assert len(parsed) == 1

    file.write_bytes(file.read_bytes().replace(b"2026-11-24", b"2026-11-25"))

    assert "not as it was written" in store.record("hot").problem
    assert len(parsed) == 2


def test_a_build_does_not_look_whether_another_one_renames(store, monkeypatch):
    """It would go through all that it has staged, for each asset that is not there."""
    listed = []
    real = os.listdir
    monkeypatch.setattr("os.listdir", lambda path: listed.append(path) or real(path))

    with store.lock(waiting):
        store.stage("hot")
        listed.clear()
        assert store.record("cold").condition is Condition.ABSENT

    assert listed == []
    store.record("cold")
    assert listed == [store._staging]


def test_a_first_build_leaves_nothing_staged(store, monkeypatch):
    """Others look through it for each asset that is not there yet."""
    monkeypatch.setattr(store, "clean", lambda: None)

    publish(store, "hot", part_0="a")

    assert list(store._staging.iterdir()) == []


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


def test_keep_follows_no_link(store, tmp_path):
    """What one leads to may be large, or lead back to the store."""
    publish(store, "hot", part_0="a")
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine/large").write_text("x")
    links = {
        "directory": tmp_path / "mine",
        "file": tmp_path / "mine/large",
        "nowhere": tmp_path / "none",
        "round": Path("../.assetmake"),
    }
    for name, target in links.items():
        (store.root / "hot" / name).symlink_to(target)

    kept = store.keep("hot")

    assert {name: (kept / name).readlink() for name in links} == links
    publish(store, "hot", part_0="b")
    with store.lock(waiting):
        store.clean()
    assert (tmp_path / "mine/large").read_text() == "x"


def test_a_failure_is_kept_until_it_is_forgotten(store):
    publish(store, "hot", part_0="a")
    failure = Failure("recipe", "KeyError: 'x'")

    store.note_failure("hot", failure)
    assert store.record("hot").failure == failure
    store.note_failure("hot", None)

    assert store.record("hot").failure is None


def test_a_publication_that_was_cut_off_changes_nothing(store, monkeypatch):
    """Neither data nor manifest: until the swap nothing stands in their place."""
    publish(store, "hot", part_0="old")
    table = store.root / "hot"
    before = {path.name: path.read_bytes() for path in table.iterdir()}

    def cut(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(swapping, "swap", cut)
    with pytest.raises(KeyboardInterrupt):
        publish(store, "hot", part_0="new")

    assert {path.name: path.read_bytes() for path in table.iterdir()} == before


def test_tables_are_exchanged_and_not_by_two_renames(store, monkeypatch, tmp_path):
    """Between the two there was no table in its place."""
    one, other = tmp_path / "one", tmp_path / "other"
    one.mkdir()
    other.mkdir()
    if not swapping._exchange(one, other):
        pytest.skip("this system cannot exchange directories")
    publish(store, "hot", part_0="old")
    there = []

    def rename(path, target):
        os.rename(path, target)
        there.append((store.root / "hot").exists())
        return target

    monkeypatch.setattr(Path, "rename", rename)
    publish(store, "hot", part_0="new")

    assert all(there)
    assert (store.root / "hot" / "part-0").read_text() == "new"


@pytest.mark.parametrize("have", ["new", "old", "both"])
def test_two_renames_that_were_cut_off_are_finished(store, have):
    """Whichever rename was the last, the next build finds a whole table."""
    publish(store, "hot", part_0="old")
    leftover = store.root / ".assetmake" / "staging" / f"{token_of_boot()}-1-1-hot"
    leftover.mkdir()
    (leftover / "swap").write_text("hot\n")
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
    (leftover / "swap").write_text(name + "\n")

    with store.lock(waiting):
        pass

    assert sorted(os.listdir(tmp_path)) == ["data"]


def leftover(store, name, boot="other", **files):
    """Leave what a build of another boot left: the table that it replaced."""
    directory = store.root / ".assetmake" / "staging" / f"{boot}-1-1-{name}" / "new"
    publish(store, name, **files)
    old = store.root.with_name("old")
    shutil.copytree(store.root / name, old)
    publish(store, name, part_0="new")
    shutil.copytree(old, directory)


def test_a_table_that_a_power_loss_ate_is_replaced_by_the_one_before(store):
    """What was renamed had lost its bytes, and the next build dropped the old one."""
    leftover(store, "hot", part_0="old")
    os.truncate(store.root / "hot" / "part-0", 0)

    with store.lock(waiting) as has_changed:
        assert has_changed

    assert (store.root / "hot" / "part-0").read_text() == "old"
    assert store.record("hot").condition is Condition.INTACT
    (kept,) = (store.root / ".assetmake" / "kept").iterdir()
    assert (kept / "part-0").read_bytes() == b""


@pytest.mark.parametrize("boot", ["other", None])
def test_a_table_that_survived_is_not_replaced_by_the_one_before(store, boot):
    leftover(store, "hot", boot or token_of_boot(), part_0="old")
    if boot is None:  # edited by hand after a build was killed: no power loss
        (store.root / "hot" / "part-0").write_text("mine")

    with store.lock(waiting) as has_changed:
        assert not has_changed

    expected = "new" if boot else "mine"
    assert (store.root / "hot" / "part-0").read_text() == expected


@pytest.mark.parametrize("note", ["", "ho"])
def test_half_a_note_of_a_swap_loses_no_table(store, note):
    """The table was dropped with the leftover, or went to where half a name leads."""
    publish(store, "hot", part_0="a")
    staged = store.root / ".assetmake" / "staging" / "1-1-hot"
    staged.mkdir()
    (staged / "swap").write_text(note)
    (store.root / "hot").rename(staged / "old")

    with store.lock(waiting):
        pass

    kept = store.root / ".assetmake" / "kept" / "1-1-hot"
    assert (kept / "part-0").read_text() == "a"


@pytest.mark.parametrize("cut", range(5))
def test_a_removal_that_was_cut_off_can_be_ended(store, monkeypatch, cut):
    """The marker of a whole table goes first, and what proves it to be ours last."""
    publish(store, "hot", part_0="a", part_1="b")
    note = store.root / "hot" / "_notes"  # so that the directory has to stay
    note.write_text("mine")
    real, removed = Path.unlink, []

    def unlink(path, **options):
        if len(removed) == cut:
            raise KeyboardInterrupt
        real(path, **options)
        removed.append(path.name)

    monkeypatch.setattr(Path, "unlink", unlink)
    with contextlib.suppress(KeyboardInterrupt):
        store.remove("hot")
    monkeypatch.undo()

    assert removed == ["_SUCCESS", "part-0", "part-1", "_manifest.json"][:cut]
    if cut < 4:
        store.remove("hot")
    assert os.listdir(store.root / "hot") == ["_notes"]


def test_a_build_is_on_the_disk_before_what_it_replaced_is_removed(store, monkeypatch):
    synced = []

    def sync(path):
        synced.append(Path(path).relative_to(store.root).as_posix())
        assert (store.root / ".assetmake/staging").exists()
        assert len(os.listdir(store.root / ".assetmake/staging")) == 1

    publish(store, "hot", part_0="a")
    monkeypatch.setattr(staging, "sync", sync)
    publish(store, "hot", part_0="b")

    assert sorted(synced) == [
        ".", "hot", "hot/_SUCCESS", "hot/_manifest.json", "hot/part-0",
    ]  # fmt: skip
    assert os.listdir(store.root / ".assetmake/staging") == []


def test_a_disk_that_refuses_loses_no_table_that_was_replaced(store, monkeypatch):
    def sync(path):
        raise OSError(errno.EIO, os.strerror(errno.EIO))

    publish(store, "hot", part_0="a")
    monkeypatch.setattr(staging, "sync", sync)

    with pytest.raises(StoreError, match="did not take what was built: input/output"):
        publish(store, "hot", part_0="b")

    (staged,) = (store.root / ".assetmake/staging").iterdir()
    assert (staged / "new" / "part-0").read_text() == "a"


def test_a_removal_that_was_cut_off_is_finished(store):
    """A part was gone, so nothing proved that the rest was a build's."""
    publish(store, "hot", part_0="a", part_1="b")
    (store.root / "hot" / "part-0").unlink()

    store.remove("hot")

    assert not (store.root / "hot").exists()


def test_a_link_is_not_removed(store, tmp_path):
    publish(store, "hot", part_0="a")
    (store.root / "hot").rename(tmp_path / "elsewhere")
    (store.root / "hot").symlink_to(tmp_path / "elsewhere")

    with pytest.raises(StoreError, match="in the store is a link"):
        store.remove("hot")

    assert (tmp_path / "elsewhere" / "part-0").exists()


# The lock -----------------------------------------------------------------------


def test_a_build_within_a_build_is_refused(store):
    with (
        store.lock(waiting),
        pytest.raises(StoreError, match="running this very code"),
        store.lock(waiting),
    ):
        pass


def test_a_second_build_waits_and_is_told_for_whom(store):
    told, order = [], []

    def second():
        with LocalStore(store.root, store.root).lock(told.append) as has_changed:
            order.append(("second", has_changed))

    with store.lock(waiting) as has_changed:
        assert not has_changed
        thread = threading.Thread(target=second)
        thread.start()
        while not told:
            time.sleep(0.01)
        order.append("first")
    thread.join()

    assert order == ["first", ("second", True)]
    assert told[0].startswith(f"process {os.getpid()}, started ")


def test_a_process_that_an_asset_forked_does_not_hold_the_lock(tmp_path):
    """It did for as long as it lived, when the build had been killed."""
    code = f"""
import os, sys, time
from pathlib import Path
from assetmake.stores.local import LocalStore
root = Path({str(tmp_path)!r})
with LocalStore(root / "data", root).lock(print):
    if os.fork() == 0:
        print("forked", os.getpid(), flush=True)
        time.sleep(60)
    time.sleep(0.2)
    os._exit(9)
"""
    with subprocess.Popen(
        [sys.executable, "-c", code], stdout=subprocess.PIPE, text=True
    ) as process:
        forked = int(process.stdout.readline().split()[1])
        try:
            assert process.wait() == 9
            with LocalStore(tmp_path / "data", tmp_path).lock(waiting):
                pass
        finally:
            os.kill(forked, signal.SIGKILL)


def test_a_lock_that_was_removed_locks_nobody_out_and_nobody_in(store):
    """The second went on with the file that the first had, and a third with a new."""
    waited = []

    def second():
        with LocalStore(store.root, store.root).lock(waited.append):
            held.set()
            time.sleep(0.2)

    held = threading.Event()
    with store.lock(waiting):
        thread = threading.Thread(target=second)
        thread.start()
        while not waited:
            time.sleep(0.01)
        (store.root / ".assetmake/lock").unlink()
    held.wait()
    with store.lock(waited.append):
        pass
    thread.join()

    assert len(waited) == 2


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (os.mkfifo, "no plain file"),
        (os.mkdir, "Is a directory"),
        (lambda path: os.symlink("elsewhere", path), "symbolic links"),
    ],
)
def test_only_a_plain_file_is_a_lock(store, make, message):
    publish(store, "hot", part_0="a")
    (store.root / ".assetmake/lock").unlink()
    make(store.root / ".assetmake/lock")

    with pytest.raises(StoreError, match=message), store.lock(waiting):
        pass


@pytest.mark.parametrize("code", [errno.ENOLCK, errno.EOPNOTSUPP, errno.EIO])
def test_a_file_system_without_locks_is_told(store, code, monkeypatch):
    def refuse(handle, operation):
        raise OSError(code, os.strerror(code))

    monkeypatch.setattr(fcntl, "flock", refuse)

    with (
        pytest.raises(StoreError, match=f"cannot lock .*{os.strerror(code)}"),
        store.lock(waiting),
    ):
        pass


def test_a_lock_that_is_another_file_too_is_not_written_to(store, tmp_path):
    publish(store, "hot", part_0="a")
    (tmp_path / "precious").write_text("precious")
    (store.root / ".assetmake/lock").unlink()
    os.link(tmp_path / "precious", store.root / ".assetmake/lock")

    with store.lock(waiting):
        pass

    assert (tmp_path / "precious").read_text() == "precious"


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
