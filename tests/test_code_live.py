"""How values that a generated function closes over are told apart."""

from __future__ import annotations

import datetime as dt
import decimal
import enum
import functools
import operator
import re
import threading
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest

from assetmake.code.live import NoPlainValueError, closed_over, describe, shown


@dataclass
class Region:
    """A value with fields."""

    name: str
    factor: object


class Colour(enum.Enum):
    """A value with a name."""

    RED = 1
    BLUE = 2


class Point(NamedTuple):
    """A tuple with names."""

    x: int
    y: int


def outside(_value):
    """Take everything for what is not the project's."""
    return False


def test_different_values_differ():
    """Types count, and so does the order of what is ordered."""
    values = [
        None,
        0,
        0.0,
        -0.0,
        False,
        "0",
        b"0",
        0j,
        (),
        [],
        {},
        set(),
        frozenset(),
        ("a", "b"),
        ("ab",),
        ["a", "b"],
        [["a"], "b"],
        {"a": 1, "b": 2},
        {"b": 2, "a": 1},
        {1, 2},
        frozenset({1, 2}),
        {1: {2: 3}},
        dt.date(2024, 1, 1),
        dt.datetime(2024, 1, 1, tzinfo=dt.UTC),
        dt.timedelta(1),
        decimal.Decimal("1.0"),
        decimal.Decimal("1.00"),
        range(3),
        slice(3),
        re.compile("a"),
        re.compile("a", re.IGNORECASE),
        Colour.RED,
        Colour.BLUE,
        Region("a", 1),
        Region("a", 2),
        Point(1, 2),
        (1, 2),
        np.float64(1.5),
        np.float32(1.5),
        1.5,
        Path("a"),
        "a",
        len,
        max,
        dict,
        operator,
        functools.partial(max, 1),
        functools.partial(max, 2),
    ]

    digests = [describe(value, "/project", outside) for value in values]

    assert len(set(digests)) == len(values)


def test_sets_have_no_order():
    """It depends on how they were filled, and on the hash seed."""
    one, other = set(), set()
    one.update([0, 8])  # both want the same slot
    other.update([8, 0])

    assert list(one) != list(other)
    assert describe(one, "/p", outside) == describe(other, "/p", outside)


def test_the_project_can_be_moved():
    """Its directory is left out of texts and paths."""
    here = describe([Path("/here/data"), "/here/data"], "/here", outside)
    there = describe([Path("/there/data"), "/there/data"], "/there", outside)

    assert here == there


def recursive():
    """Return a list that holds itself."""
    value = []
    value.append(value)
    return value


class Odd:
    """An object whose methods fail."""

    def __getattr__(self, name):
        raise RuntimeError(name)


@pytest.mark.parametrize(
    "value",
    [
        object(),
        threading.Lock(),
        recursive(),
        list(range(20_000)),
        np.zeros(3),
        iter([1]),
        Odd(),
        Region("a", object()),
        [1, {"a": object()}],
        type("Dict", (dict,), {})(),
    ],
    ids=lambda value: type(value).__name__,
)
def test_what_has_no_plain_value_is_refused(value):
    """The statement that made it counts instead."""
    with pytest.raises(NoPlainValueError):
        describe(value, "/project", outside)


def test_a_function_closes_over_variables_and_defaults():
    """Global names are no part of it."""

    def make(k, unused):
        def inner(raw, a=1, *, b=2):
            return raw, k, a, b, Point

        return inner

    assert closed_over(make(5, 6)) == [("k", 5), ("a", 1), ("b", 2)]


def test_a_recursive_function_is_described_once():
    """It holds itself in its closure."""

    def outer():
        def f(x):
            return f(x)

        return f

    assert describe(outer(), "/p", lambda _: True) == describe(
        outer(), "/p", lambda _: True
    )


def test_shown_values_are_short_and_the_same_everywhere():
    """Neither addresses nor the project's directory are shown."""
    assert shown(object(), "/p") == "<object object>"
    assert shown(Path("/p/x"), "/p") == repr(Path("<project>/x"))
    assert shown(make_list := ["x" * 1000], "/p") == repr(make_list)[:500] + "..."
    assert shown(Region, "/p") == "Region"
