"""The index saves reading, and is never believed where it may be a lie."""

from __future__ import annotations

import json
import os
import time

import pytest

from assetmake.fingerprint import digest_bytes
from assetmake.saved import fileindex
from assetmake.saved.fileindex import FileIndex, set_back


@pytest.fixture
def place(tmp_path):
    (tmp_path / "private").mkdir()
    (tmp_path / "data").write_bytes(b"old bytes")
    return tmp_path


def index(place):
    return FileIndex(place / "private" / "index", place)


def settled(place):
    """An index, saved, that believes what it knows of the file."""
    first = index(place)
    first.digest(place / "data")
    first.settle()
    first.save(always=True)
    return index(place)


def test_an_unchanged_file_is_not_read_again(place):
    again = settled(place)

    assert again.digest(place / "data") == digest_bytes(b"old bytes")
    assert again.hashed == 0


def test_a_file_hashed_right_after_it_was_written_is_read_again(place):
    """Within a tick of the clock it may have changed without a new mtime."""
    first = index(place)
    first.digest(place / "data")
    first.digest(place / "data")

    assert first.hashed == 2


@pytest.mark.parametrize("restore_mtime", [False, True])
def test_an_edit_of_the_same_size_is_seen(place, restore_mtime):
    """A restored mtime does not fool it: ctime cannot be set."""
    again = settled(place)
    before = os.stat(place / "data")
    (place / "data").write_bytes(b"new bytes")
    if restore_mtime:
        os.utime(place / "data", ns=(before.st_atime_ns, before.st_mtime_ns))

    assert again.digest(place / "data") == digest_bytes(b"new bytes")


def test_another_file_renamed_over_it_is_seen(place):
    again = settled(place)
    (place / "other").write_bytes(b"new bytes")
    (place / "other").replace(place / "data")

    assert again.digest(place / "data") == digest_bytes(b"new bytes")


def test_after_a_reboot_each_file_is_read_once_more(place, monkeypatch):
    """A power loss may have lost bytes whose stat was already on the disk."""
    settled(place)
    monkeypatch.setattr(fileindex, "boot_id", lambda: "another boot")
    again = index(place)

    again.digest(place / "data")

    assert again.hashed == 1


def test_without_aboot_id_nothing_is_kept(place, monkeypatch):
    monkeypatch.setattr(fileindex, "boot_id", lambda: "")
    again = settled(place)

    again.digest(place / "data")

    assert again.hashed == 1
    assert not (place / "private" / "index").exists()


def test_a_project_that_moved_keeps_its_records(place, tmp_path_factory):
    settled(place)
    moved = tmp_path_factory.mktemp("elsewhere") / "project"
    place.rename(moved)
    again = index(moved)

    assert again.digest(moved / "data") == digest_bytes(b"old bytes")
    assert again.hashed == 0


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{",
        "[]",
        "null",
        '{"format": 2, "boot": "", "files": {}}',
        '{"format": 1}',
        '{"format": 1, "boot": BOOT, "files": []}',
        '{"format": 1, "boot": BOOT, "files": {"data": []}}',
        '{"format": 1, "boot": BOOT, "files": {"data": 1}}',
        '{"format": 1, "boot": BOOT, "files": {"data": ["a", 1, 1, 1, 1, "x"]}}',
        "[" * 100_000,
    ],
)
def test_a_garbled_index_is_an_empty_one(place, text):
    settled(place)
    _, _, whole = (place / "private" / "index").read_text().partition("\n")
    data = text.replace("BOOT", json.dumps(json.loads(whole)["boot"])).encode()
    sealed = digest_bytes(data).encode() + b"\n" + data
    (place / "private" / "index").write_bytes(sealed)

    assert index(place).digest(place / "data") == digest_bytes(b"old bytes")


def test_every_cut_of_an_index_is_harmless(place):
    settled(place)
    data = (place / "private" / "index").read_bytes()
    for end in range(0, len(data), 3):
        (place / "private" / "index").write_bytes(data[:end])
        assert index(place).digest(place / "data") == digest_bytes(b"old bytes")


def test_an_inspection_that_learned_little_writes_nothing(place):
    first = index(place)
    first.digest(place / "data")
    first.save()

    assert not (place / "private" / "index").exists()


def test_a_folder_that_refuses_is_let_be(place, monkeypatch):
    first = index(place)
    first.digest(place / "data")

    def refuse(*args):
        raise PermissionError

    monkeypatch.setattr("pathlib.Path.write_bytes", refuse)
    first.save(always=True)

    assert os.listdir(place / "private") == []


def written(place, text="own bytes"):
    """An index that was told of a file by who wrote it."""
    file = place / "data"
    file.write_text(text)
    first = index(place)
    stat, hashed_at = set_back(str(file), os.stat(file))
    first.remember(str(file), stat, hashed_at, digest_bytes(text.encode()))
    return first


def test_a_file_that_was_hashed_as_it_was_written_is_not_read(place):
    """Neither at once nor when the index settles, nor in the next run."""
    first = written(place)

    first.settle()
    first.save(always=True)

    assert first.digest(place / "data") == digest_bytes(b"own bytes")
    assert index(place).digest(place / "data") == digest_bytes(b"own bytes")
    assert first.hashed == 0


def test_a_write_in_the_same_tick_is_seen(place, monkeypatch):
    """Its stat would be the same, had the time not been set back before."""
    file = place / "data"
    original = fileindex._stamp
    monkeypatch.setattr(
        fileindex, "_stamp", lambda stat: (*original(stat)[:2], 0, stat.st_ino)
    )
    monkeypatch.setattr(fileindex, "_is_settled", lambda stat, hashed_at: True)
    first = written(place)
    tick = os.stat(file).st_mtime_ns + fileindex.FINE_TICK
    file.write_text("new bytes")
    os.utime(file, ns=(tick, tick))  # what a coarse clock would say

    assert first.digest(file) == digest_bytes(b"new bytes")


def test_where_times_cannot_be_set_a_file_is_read_once_more(place, monkeypatch):
    """Some file systems refuse, and some say yes and do nothing."""

    def refuse(*args, **options):
        raise PermissionError

    for utime in (refuse, lambda *args, **options: None):
        monkeypatch.setattr(os, "utime", utime)
        first = written(place)
        first.settle()
        assert first.digest(place / "data") == digest_bytes(b"own bytes")
        assert first.hashed == 1


def test_settling_waits_no_longer_than_the_tick(place, monkeypatch):
    """Until the file is old enough, and not at all when nothing is young."""
    now = (place / "data").stat().st_ctime_ns
    naps = []
    first = index(place)
    monkeypatch.setattr(time, "sleep", naps.append)
    for age in (3, 15, 25):
        monkeypatch.setattr(time, "time_ns", lambda age=age: now + age * 1_000_000)
        first.digest(place / "data")
        monkeypatch.setattr(time, "time_ns", lambda age=age: now + age * 1_000_000 + 1)
        first.settle()

    assert naps == pytest.approx([0.017, 0.005])
