"""The encoder gives no two values the same bytes."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

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
