"""Which parts of changed code are named, and what is said of them."""

from __future__ import annotations

import pytest

from assetmake.code.explain import explain_change
from assetmake.code.parts import Change, Part, Place


def part(
    name, text="a", *, leaves="0", deep="0", kind="helper", file="m.py", via="hot"
):
    """Return a part whose fingerprint is made of the given digests."""
    fingerprint = f"code-1:{text * 32}{leaves * 16}{deep * 16}"
    return Part(name, kind, Place(file, 1), fingerprint, f"{name} = {text}", via)


HOT = part("hot", kind="asset", via="")
DEEP_HOT = part("hot", kind="asset", deep="1", via="")
CLEAN = part("clean")
LIMIT = part("LIMIT", kind="value", via="clean")


def named(changes):
    """Return what a reader is told of each change."""
    return [(change.kind, change.name, change.what) for change in changes]


@pytest.mark.parametrize(
    ("before", "after", "told"),
    [
        ([HOT, CLEAN], [HOT, CLEAN], []),
        (
            [HOT, CLEAN],
            [part("hot", "b", kind="asset", via=""), CLEAN],
            [("code", "hot", "changed")],
        ),
        (
            [HOT, CLEAN],
            [DEEP_HOT, part("clean", "b")],
            [("helper", "clean", "changed")],
        ),
        (
            [HOT, part("k", kind="setting")],
            [DEEP_HOT, part("k", "b", kind="setting")],
            [("setting", "k", "changed")],
        ),
        (
            [HOT, CLEAN, LIMIT],
            [DEEP_HOT, part("clean", deep="1"), part("LIMIT", "b", kind="value")],
            [("helper", "LIMIT", "changed")],
        ),
        ([HOT], [DEEP_HOT, CLEAN], [("helper", "clean", "is new")]),
        ([HOT, CLEAN], [DEEP_HOT], [("helper", "clean", "is no longer used")]),
        (
            [HOT, CLEAN],
            [DEEP_HOT, part("clean", "b", file="n.py")],
            [("helper", "clean", "now resolves to n.py")],
        ),
        (
            [HOT, CLEAN],
            [part("hot", kind="asset", leaves="1", deep="1", via=""), CLEAN],
            [("code", "hot", "now refers to other code")],
        ),
        # A name that a new definition shadows is told by that definition.
        (
            [HOT],
            [
                part("hot", kind="asset", leaves="1", deep="1", via=""),
                part("len", via="hot"),
            ],
            [("helper", "len", "is new")],
        ),
        # Equal texts that lead elsewhere: the innermost part is named.
        (
            [HOT, CLEAN, part("c", via="hot"), part("d", via="c")],
            [DEEP_HOT, CLEAN, part("c", deep="1", via="hot"), part("d", via="c")],
            [("helper", "c", "now refers to other code")],
        ),
        # Two of one name are told apart by their texts, not by their order.
        (
            [HOT, part("f", "a"), part("f", "b")],
            [DEEP_HOT, part("f", "b"), part("f", "c")],
            [("helper", "f", "changed")],
        ),
        # A function is renamed, or another takes over an asset's name.
        (
            [HOT],
            [part("warm", "b", kind="asset", via="")],
            [("code", "warm", "changed")],
        ),
        ([], [HOT], [("code", "hot", "is new")]),
        ([HOT], [], [("code", "hot", "is no longer used")]),
        ([HOT, part("x", "a"), part("y")], [HOT, part("y"), part("x", "a")], []),
    ],
)
def test_changes_are_told_by_the_parts_that_made_them(before, after, told):
    """A part is never blamed for what it refers to, and something is always told."""
    assert named(explain_change(before, after)) == told


def test_a_change_carries_its_place_and_both_texts():
    """The place is that of today; of what is gone, the one it had."""
    gone = part("gone")

    changes = explain_change([HOT, CLEAN, gone], [DEEP_HOT, part("clean", "b")])

    assert changes == [
        Change(
            "helper",
            "clean",
            "changed",
            Place("m.py", 1),
            "hot",
            "clean = a",
            "clean = b",
        ),
        Change(
            "helper",
            "gone",
            "is no longer used",
            Place("m.py", 1),
            "hot",
            "gone = a",
            None,
        ),
    ]


def test_fingerprints_of_another_scheme_are_all_changed():
    """Nothing is known of how other schemes compare."""
    other = Part("hot", "asset", HOT.place, HOT.fingerprint.replace("-1", "-2"), "", "")

    assert named(explain_change([HOT], [other])) == [("code", "hot", "changed")]
