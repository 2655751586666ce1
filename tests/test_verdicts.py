"""When a recorded result of a check stands."""

from __future__ import annotations

from dataclasses import replace

import pytest

from assetmake.code.explain import explain_change
from assetmake.code.parts import Part, Place
from assetmake.status.verdicts import CheckDefinition, changed_checks, warnings_of
from assetmake.stores.manifest import CheckRecord

PLACE = Place("Assetfile.py", 9)
LIMIT = Part("LIMIT", "value", Place("Assetfile.py", 3), "code-1:" + "b" * 64, "1", "c")
OWN = Part("c", "asset", PLACE, "code-1:" + "a" * 64, "def c(t): ...")
OTHER, HIGHER = (replace(part, fingerprint="code-1:x") for part in (OWN, LIMIT))
NOW = CheckDefinition("c", PLACE, "warn", "code-1:now", (OWN, LIMIT))
BEFORE = CheckRecord(
    "c", PLACE, "warn", True, "code-1:now", parts=(OWN, LIMIT),
    observed={"l.json": "bytes-1:l"},
)  # fmt: skip
SEEN = {"l.json": "bytes-1:l", "other.json": None}


def texts(now, before, observed=SEEN):
    found = changed_checks(now, before, observed, explain_change)
    return [(one.name, one.text) for one in found]


def test_what_is_the_same_stands():
    assert texts([NOW], [BEFORE]) == []


def test_the_place_of_a_check_does_not_count():
    moved = replace(NOW, place=Place("other.py", 1), description="new")

    assert texts([moved], [BEFORE]) == []


@pytest.mark.parametrize(
    ("now", "before", "observed", "text"),
    [
        ([NOW], [], SEEN, "check `c` is new (Assetfile.py:9)"),
        (
            [replace(NOW, severity="error")],
            [BEFORE],
            SEEN,
            "check `c` is of severity error now (Assetfile.py:9)",
        ),
        (
            [
                replace(
                    NOW, code="x", parts=(replace(OWN, fingerprint="code-1:x"), LIMIT)
                )
            ],
            [BEFORE],
            SEEN,
            "check `c` changed (Assetfile.py:9)",
        ),
        (
            [
                replace(
                    NOW, code="x", parts=(OWN, replace(LIMIT, fingerprint="code-1:x"))
                )
            ],
            [BEFORE],
            SEEN,
            "check `c` changed: helper `LIMIT` changed (Assetfile.py:3)",
        ),
        (
            [replace(NOW, code="x")],
            [BEFORE],
            SEEN,
            "check `c` changed (Assetfile.py:9)",
        ),
        ([NOW], [BEFORE], {}, "file `l.json` changed, which check `c` reads"),
        (
            [NOW],
            [BEFORE],
            {"l.json": "bytes-1:m"},
            "file `l.json` changed, which check `c` reads",
        ),
    ],
)
def test_one_change_is_one_reason(now, before, observed, text):
    assert texts(now, before, observed) == [("c", text)]


def test_a_check_that_is_gone_is_no_reason():
    assert texts([], [BEFORE]) == []


def test_warnings_are_of_results_that_stand():
    failed = replace(BEFORE, passed=False, message="3 rows are wrong")

    assert warnings_of([NOW], [failed]) == ("check `c`: 3 rows are wrong",)
    assert warnings_of([replace(NOW, code="x")], [failed]) == ()
    assert warnings_of([], [failed]) == ()
    assert warnings_of([NOW], [BEFORE]) == ()
    assert warnings_of([NOW], []) == ()


def test_a_check_that_was_not_run_is_a_warning():
    skipped = replace(BEFORE, passed=None)

    assert warnings_of([NOW], [skipped]) == ("check `c` was not run: accepted",)
