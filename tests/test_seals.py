"""Files that only this user's processes wrote are believed."""

from __future__ import annotations

import os
import stat
from unittest import mock

import pytest
from space import TestSpace

from assetmake.saved.seals import can_seal, sealed, unsealed
from assetmake.system import private
from assetmake.system.private import secret

MAGIC = b"tests 1\n"
ASSETFILE = """
    from assetmake import asset

    @asset
    def a() -> str:
        return 'a'
"""
VALUE = (1, "two", b"3", {"four": (5.0, None)}, frozenset({True}))


@pytest.fixture
def cache(tmp_path, monkeypatch):
    """The place of a new user's cache; nothing is there yet."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return tmp_path / "cache" / "assetmake"


def again():
    """Return the secret as another process would find it."""
    private._secret.cache_clear()
    return secret()


# Seals ----------------------------------------------------------------------------


@pytest.mark.usefixtures("cache")
def test_values_come_back():
    """Of whichever plain types they are."""
    assert unsealed(MAGIC, sealed(MAGIC, VALUE)) == VALUE


@pytest.mark.usefixtures("cache")
@pytest.mark.parametrize("value", [object(), (1, object())], ids=["alone", "within"])
def test_what_is_not_plain_is_refused(value):
    """Rather than written so that it cannot be read."""
    with pytest.raises(ValueError, match="unmarshallable"):
        sealed(MAGIC, value)


@pytest.mark.usefixtures("cache")
def test_no_bit_can_change():
    """Nor can any byte be missing; `marshal` is never asked."""
    whole = sealed(MAGIC, VALUE)
    others = [whole[:at] for at in range(len(whole))] + [whole + b"\0"]
    for at in range(len(whole)):
        for bit in range(8):
            data = bytearray(whole)
            data[at] ^= 1 << bit
            others.append(bytes(data))

    with mock.patch("assetmake.saved.seals.marshal"):
        assert {unsealed(MAGIC, data) for data in others} == {None}


@pytest.mark.usefixtures("cache")
def test_a_seal_holds_for_its_magic_alone():
    """Nor does a byte that moves from the one to the other give the same seal."""
    whole = sealed(b"ab", VALUE)
    assert unsealed(b"ac", b"ac" + whole[2:]) is None
    assert unsealed(b"a", whole[:1] + whole[2:]) is None


def test_another_users_seal_is_none(cache, monkeypatch):
    """However right the rest is."""
    whole = sealed(MAGIC, VALUE)
    monkeypatch.setenv("XDG_CACHE_HOME", str(cache.parent.parent / "other"))

    assert unsealed(MAGIC, whole) is None


# The secret -----------------------------------------------------------------------


def test_a_secret_is_made_once_and_for_one_user(cache):
    """Nobody else can read or change it, and the next process finds the same."""
    made = again()

    assert len(made) == 32
    assert stat.S_IMODE((cache / "secret").stat().st_mode) == 0o600
    assert stat.S_IMODE(cache.stat().st_mode) == 0o700
    assert again() == made
    assert os.listdir(cache) == ["secret"]


def _shown(path):
    path.chmod(0o640)


def _cut(path):
    path.write_bytes(path.read_bytes()[:31])


def _linked(path):
    path.rename(path.with_name("elsewhere"))
    path.symlink_to("elsewhere")


@pytest.mark.parametrize("spoil", [_shown, _cut, _linked])
def test_a_secret_that_others_may_know_is_replaced(cache, spoil):
    """As is one that is none; what was sealed with it is believed no more."""
    first = again()
    whole = sealed(MAGIC, VALUE)
    spoil(cache / "secret")

    assert again() not in {first, b""}
    assert unsealed(MAGIC, whole) is None
    assert not (cache / "secret").is_symlink()


def test_what_a_killed_process_left_is_in_nobodys_way(cache):
    """Process numbers come again."""
    cache.mkdir(mode=0o700, parents=True)
    (cache / f"secret-{os.getpid()}").touch()

    assert again()
    assert os.listdir(cache) == ["secret"]


@pytest.mark.parametrize("place", ["file/cache", "open"])
def test_without_a_private_place_nothing_is_sealed(cache, monkeypatch, place):
    """No home, or one that others can write to: then nothing is believed either."""
    whole = sealed(MAGIC, VALUE)
    top = cache.parent.parent
    (top / "file").touch()
    (top / "open" / "assetmake").mkdir(parents=True)
    (top / "open" / "assetmake").chmod(0o777)
    monkeypatch.setenv("XDG_CACHE_HOME", str(top / place))

    assert not can_seal()
    assert sealed(MAGIC, VALUE) == b""
    assert unsealed(MAGIC, whole) is None


def test_no_home_is_made(tmp_path, monkeypatch):
    """Accounts of services have a home that is not there."""
    monkeypatch.delenv("XDG_CACHE_HOME")
    monkeypatch.setenv("HOME", str(tmp_path / "nobody"))

    assert not can_seal()
    assert os.listdir(tmp_path) == []

    (tmp_path / "nobody").mkdir()
    assert can_seal()


def test_a_full_disk_leaves_no_half_secret(cache):
    """The next process makes a whole one."""
    with mock.patch("os.replace", side_effect=OSError):
        assert again() == b""
    assert os.listdir(cache) == []
    assert again()


def test_no_secret_is_looked_for_where_nothing_is_kept(tmp_path):
    """Nor is it named as the reason that nothing is."""
    space = TestSpace(tmp_path / "space")
    space.write({"Assetfile.py": ASSETFILE})
    assert space.run().status == 0
    (tmp_path / "cache").mkdir()
    space.edit("Assetfile.py", "return 'a'", "return 'b'")

    options = {"ASSETMAKE_INDEX": "0", "XDG_CACHE_HOME": str(tmp_path / "cache")}
    ran = space.run("--status", "-v", **options)
    assert "XDG_CACHE_HOME" not in ran.err
    assert os.listdir(tmp_path / "cache") == []
