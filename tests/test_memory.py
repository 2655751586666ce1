"""What is free, what sizes mean, and what a run took."""

from __future__ import annotations

import sys

import pytest

from assetmake.errors import ConfigError
from assetmake.system import memory

MIB = 1 << 20


@pytest.mark.parametrize(
    ("text", "size"),
    [
        ("8G", 8 << 30),
        ("512m", 512 << 20),
        ("1.5GiB", 3 << 29),
        ("2 TB", 2 << 40),
        ("1000", 1000),
        ("64KB", 64 << 10),
        ("7b", 7),
        (" 50% ", -0.5),
        ("100%", -1),
        ("", None),
        ("0", None),
        ("0%", None),
        ("101%", None),
        ("-1G", None),
        ("8 G B", None),
        ("8X", None),
        ("G", None),
    ],
)
def test_sizes_are_read_as_people_write_them(text, size):
    assert memory.parse_size(text) == size


def test_a_bound_is_a_size_a_share_or_most_of_what_is_free(monkeypatch):
    monkeypatch.setattr(memory, "free", lambda: 1000)
    monkeypatch.setattr(memory, "total", lambda: 4000)

    assert memory.bound("3K") == 3072
    assert memory.bound("25%") == 1000
    assert memory.bound() == 800


def test_where_nobody_can_tell_there_is_no_bound(monkeypatch):
    monkeypatch.setattr(memory, "free", lambda: None)
    monkeypatch.setattr(memory, "total", lambda: None)

    assert memory.bound() is None
    assert memory.bound("50%") is None
    assert memory.bound("1K") == 1024


def test_a_bound_that_is_no_size_is_refused():
    with pytest.raises(ConfigError, match="'much' is neither a size nor a share"):
        memory.bound("much")


def test_something_is_free_and_not_more_than_there_is():
    free, total = memory.free(), memory.total()

    assert free is not None
    assert total is not None
    assert 0 < free <= total


def group(top, path, limit, used, cached, *, version):
    """Write the files of a control group as the kernel shows them."""
    place = top / path
    place.mkdir(parents=True, exist_ok=True)
    names = {
        1: ("memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file"),
        2: ("memory.max", "memory.current", "inactive_file"),
    }[version]
    (place / names[0]).write_text(f"{limit}\n")
    (place / names[1]).write_text(f"{used}\n")
    (place / "memory.stat").write_text(f"anon 1\n{names[2]} {cached}\n")


@pytest.mark.parametrize("version", [1, 2])
def test_a_group_is_bounded_by_those_around_it(tmp_path, version):
    """What its files take in memory is given back, so it is not used up."""
    names = {
        1: ("memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file"),
        2: ("memory.max", "memory.current", "inactive_file"),
    }[version]
    none = "9223372036854771712" if version == 1 else "max"
    group(tmp_path, "a", 5000, 3000, 1000, version=version)
    group(tmp_path, "a/b", none, 700, 0, version=version)
    group(tmp_path, "a/b/c", 900, 600, 800, version=version)

    found = list(memory._bounds(str(tmp_path), "/a/b/c", names))

    assert found == [(900, 0), (5000, 2000)]


def test_a_container_sees_its_own_group_at_the_top(tmp_path):
    """Its path is the one outside, which is not there inside."""
    names = ("memory.max", "memory.current", "inactive_file")
    group(tmp_path, ".", 900, 600, 100, version=2)

    found = list(memory._bounds(str(tmp_path), "/outer/pod", names))

    assert found == [(900, 500)]


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere peaks never fall")
def test_a_peak_is_that_of_the_run():
    """Not that of what the process did before."""
    before = memory.Peak()
    large = bytearray(300 * MIB)
    del large
    first = before.read()
    now = memory.Peak()
    smaller = bytearray(100 * MIB)
    del smaller
    second = now.read()

    assert first is not None
    assert second is not None
    assert first - second > 150 * MIB


def test_where_peaks_cannot_be_forgotten_a_lower_one_is_not_known(monkeypatch):
    monkeypatch.setattr(memory, "_forget_peak", lambda: False)
    so_far = iter([500, 500, 500, 600])
    monkeypatch.setattr(memory, "_largest", lambda: next(so_far))

    assert memory.Peak().read() is None
    assert memory.Peak().read() == 600
