"""The encoder gives no two values the same bytes."""

from __future__ import annotations

import math
import mmap
import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from assetmake import fingerprint
from assetmake.fingerprint import digest, digest_bytes, digest_file, encode

SCALARS = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text()
    | st.binary()
    | st.complex_numbers()
)
VALUES = st.recursive(SCALARS, lambda inner: st.lists(inner, max_size=4).map(tuple))


def same(a, b):
    """Equal, of the same types all through, and NaN is NaN."""
    if type(a) is not type(b):
        return False
    if isinstance(a, tuple):
        return len(a) == len(b) and all(map(same, a, b))
    if isinstance(a, float):
        if math.isnan(a) or math.isnan(b):
            return math.isnan(a) and math.isnan(b)
        return a == b and math.copysign(1, a) == math.copysign(1, b)
    if isinstance(a, complex):
        return same(a.real, b.real) and same(a.imag, b.imag)
    return a == b


@given(VALUES, VALUES)
def test_encoding_is_injective(a, b):
    """Two values have the same bytes exactly when they are the same value."""
    assert (encode(a) == encode(b)) == same(a, b)


@given(st.lists(st.text(), max_size=5))
def test_joining_texts_elsewhere_gives_other_bytes(texts):
    """("1", "23") and ("12", "3") differ: every part carries its length."""
    joined = ("".join(texts),)

    assert (encode(tuple(texts)) == encode(joined)) == (len(texts) == 1)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (1, 1.0),
        (1, True),
        (1, "1"),
        ("a", b"a"),
        (0.0, -0.0),
        ((), None),
        (("1", "23"), ("12", "3")),
        (("1", "23"), ("1s23",)),
        ((b"", b"b"), (b"bb",)),
        ((("a",), "b"), ("a", ("b",))),
        ("", ()),
        ("\ud800", "\ud801"),
    ],
)
def test_alike_values_have_other_digests(one, other):
    assert digest(one) != digest(other)


def test_integers_that_str_refuses_have_digests():
    """Python's str() and repr() stop at 4,300 digits."""
    assert digest(10**5000) != digest(10**5000 + 1)


def test_what_cannot_be_encoded_is_refused():
    with pytest.raises(TypeError, match="cannot encode list"):
        encode([1])


@pytest.mark.parametrize("size", [0, 1, 1 << 20, (1 << 20) + 1, 3 << 20])
def test_file_has_the_digest_of_its_bytes(tmp_path, size):
    """Small files are read and large ones mapped; nobody can tell which."""
    data = bytes(range(256)) * (size // 256) + b"x" * (size % 256)
    file = tmp_path / "data"
    file.write_bytes(data)

    assert digest_file(file) == digest_bytes(data)


MIB = 1 << 20


@pytest.fixture
def mapped(monkeypatch):
    """Offset and length of each mapping."""
    found = []
    original = mmap.mmap

    def noted(descriptor, length, **options):
        found.append((options["offset"], length))
        return original(descriptor, length, **options)

    monkeypatch.setattr(fingerprint.mmap, "mmap", noted)
    return found


linux = pytest.mark.skipif(sys.platform != "linux", reason="it has leases")


@linux
@pytest.mark.parametrize("size", [0, 1, 4096, MIB, MIB + 1, 3 * MIB + 5, 4 * MIB])
def test_a_file_of_any_size_has_the_digest_of_its_bytes(
    tmp_path, monkeypatch, mapped, size
):
    """What is above 1 MiB is mapped, a window at a time."""
    monkeypatch.setattr(fingerprint, "_WINDOW", 2 * MIB)
    data = bytes(range(251)) * (size // 251 + 1)
    (tmp_path / "f").write_bytes(data[:size])

    assert digest_file(tmp_path / "f") == digest_bytes(data[:size])
    assert sum(length for _, length in mapped) == (size if size > MIB else 0)
    assert all(length <= 2 * MIB for _, length in mapped)


@linux
def test_a_file_that_somebody_writes_to_is_read(tmp_path, mapped):
    """There is no lease for it, so that it might shrink while it is mapped."""
    data = bytes(3 * MIB)
    (tmp_path / "f").write_bytes(data)

    with (tmp_path / "f").open("r+b"):
        assert digest_file(tmp_path / "f") == digest_bytes(data)

    assert mapped == []


@linux
def test_for_a_writer_who_waits_the_rest_is_read(tmp_path, monkeypatch, mapped):
    """He waits for one window, not for all of a large file."""
    data = bytes(range(256)) * (4 * MIB // 256)
    (tmp_path / "f").write_bytes(data)
    monkeypatch.setattr(fingerprint, "_WINDOW", MIB)
    monkeypatch.setattr(fingerprint, "_is_leased", lambda descriptor: False)

    assert digest_file(tmp_path / "f") == digest_bytes(data)
    assert mapped == [(0, MIB)]


def test_where_there_are_no_leases_files_are_read(tmp_path, monkeypatch, mapped):
    data = bytes(2 * MIB)
    (tmp_path / "f").write_bytes(data)
    monkeypatch.setattr(sys, "platform", "darwin")

    assert digest_file(tmp_path / "f") == digest_bytes(data)
    assert mapped == []


HASHING = """
import mmap, os, sys, threading
from assetmake import fingerprint

original, waited, writers = mmap.mmap, [], []


def mapped(descriptor, length, **options):
    window = original(descriptor, length, **options)
    writer = threading.Thread(target=os.truncate, args=(sys.argv[1], 4096))
    writer.start()
    writer.join(0.3)
    writers.append(writer)
    waited.append(writer.is_alive())
    return window


mmap.mmap = mapped
fingerprint.digest_file(sys.argv[1])
for writer in writers:
    writer.join()
print(waited, os.path.getsize(sys.argv[1]))
"""


@linux
def test_a_file_that_shrinks_while_it_is_hashed_kills_nobody(tmp_path):
    """Reading mapped memory behind the end of its file is SIGBUS: it has to wait."""
    file = tmp_path / "f"
    file.write_bytes(bytes(8 * MIB))

    ran = subprocess.run(
        [sys.executable, "-c", HASHING, str(file)],
        capture_output=True,
        text=True,
        check=False,
    )

    assert (ran.returncode, ran.stdout) == (0, "[True] 4096\n")
