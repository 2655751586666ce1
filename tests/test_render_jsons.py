"""What `--json` prints, from plain values: the keys that programs rely on."""

from __future__ import annotations

import json
import re
from dataclasses import replace

from assetmake.builds.listen import Outcome, Result
from assetmake.builds.plan import Plan, Step
from assetmake.builds.run import Failed
from assetmake.code.parts import Change, Note, Place
from assetmake.frames.base import Column
from assetmake.look.whys import Difference, Prediction, Why
from assetmake.render import jsons
from assetmake.status.rows import Reason, State, Status
from assetmake.stores.manifest import FileRecord, Manifest, Output

PLACE = Place("Assetfile.py", 21)
CHANGE = Change("helper", "clean", "changed", Place("w.py", 8), "", "a", None)
HELPER = Reason("helper-changed", "helper `clean` changed (w.py:8)", "clean", CHANGE)
HELPER_JSON = {
    "code": "helper-changed",
    "text": "helper `clean` changed (w.py:8)",
    "subject": "clean",
    "change": {
        "kind": "helper",
        "name": "clean",
        "what": "changed",
        "file": "w.py",
        "line": 8,
        "via": None,
        "before": "a",
        "after": None,
    },
}
OUTPUT = Output(
    "pandas.DataFrame",
    "parquet",
    "",
    "arrow-1:0",
    {"part-00000.parquet": FileRecord(412, "d")},
    10,
    (Column("day", "string"),),
)
MANIFEST = Manifest(
    "hot", "code-1:0", (), {}, (), {}, {}, {}, {}, OUTPUT, "2026-11-23T06:41:00Z", 0.06
)
HOT = Status("hot", State.OUTDATED, PLACE, (HELPER,), MANIFEST, "The hottest.", 10)
HOT_JSON = {
    "name": "hot",
    "state": "outdated",
    "file": "Assetfile.py",
    "line": 21,
    "reasons": [HELPER_JSON],
    "description": "The hottest.",
    "rows": 10,
    "bytes": 412,
    "columns": [{"name": "day", "dtype": "string"}],
    "fingerprint": "arrow-1:0",
    "format": "parquet",
    "built_at": "2026-11-23T06:41:00Z",
    "seconds": 0.06,
    "accepted": False,
    "adopted": False,
    "warnings": [],
    "checks": [],
}
BARE = Status("raw", State.SOURCE)
BARE_JSON = {
    **dict.fromkeys(HOT_JSON),
    "name": "raw",
    "state": "source",
    "reasons": [],
    "description": "",
    "warnings": [],
    "checks": [],
}


def test_a_document_has_its_version_its_mode_and_its_project():
    text = jsons.render_json("list", "/p", {"names": ["Zürich\ud800"]})

    assert text.isascii()
    assert json.loads(text) == {
        "version": 1,
        "mode": "list",
        "project": "/p",
        "names": ["Zürich\ud800"],
    }


def test_status_has_a_row_a_table_with_every_key():
    assert jsons.status_keys([BARE, HOT], ["data/x"], [BARE]) == {
        "tables": [BARE_JSON, HOT_JSON],
        "unmanaged": ["data/x"],
        "elsewhere": [BARE_JSON],
    }


def test_check_says_whether_all_is_well():
    assert jsons.check_keys([]) == {"ok": True, "tables": []}
    assert jsons.check_keys([HOT]) == {"ok": False, "tables": [HOT_JSON]}


def test_why_adds_notes_and_what_was_ruled_out():
    why = Why(HOT, None, (Note(PLACE, "`exec`"),), ("settings",), ("pandas 1 -> 2",))
    predicted = Prediction(
        (Column("low", "int64"),), (Difference("low", None, "int64"),), as_stored=("a",)
    )

    assert jsons.why_keys([replace(why, predicted=predicted)])["tables"][0][
        "predicted"
    ] == {
        "columns": [{"name": "low", "dtype": "int64"}],
        "differences": [{"column": "low", "stored": None, "predicted": "int64"}],
        "from_plan": False,
        "rows": None,
        "as_stored": ["a"],
        "problem": None,
    }
    assert jsons.why_keys([why]) == {
        "tables": [
            {
                **HOT_JSON,
                "notes": [{"file": "Assetfile.py", "line": 21, "text": "`exec`"}],
                "ruled_out": ["settings"],
                "package_changes": ["pandas 1 -> 2"],
                "predicted": None,
            }
        ]
    }


def test_plan_tells_what_is_certain():
    plan = Plan((Step("hot", True, False, (HELPER,)),), ("a",), ("old",))

    assert jsons.plan_keys(plan) == {
        "steps": [
            {"name": "hot", "certain": True, "forced": False, "reasons": [HELPER_JSON]}
        ],
        "fresh": ["a"],
        "orphans": ["old"],
    }


def test_graph_tells_sources_from_assets():
    assert jsons.graph_keys({"raw": (), "hot": ("raw",)}, {"raw"}) == {
        "tables": [
            {"name": "raw", "kind": "source", "upstream": []},
            {"name": "hot", "kind": "asset", "upstream": ["raw"]},
        ]
    }


def test_build_has_an_outcome_a_step():
    failed = Failed("KeyError", "'a'", "", "full", ("raw: 1 row; b",), ("look",))
    outcomes = (
        Outcome("a", "built", 0.41234, 91, 2100, same_data=True, kept="data/k"),
        Outcome("b", "failed", 0.1, failed=failed),
        Outcome("c", "skipped", needs="b"),
    )

    found = jsons.build_keys(
        Result(outcomes, 2, 0.1, notes=(Note(Place("Assetfile.py", 4), "look"),)),
        1.23456,
    )

    bare = {
        "seconds": 0.0,
        "rows": None,
        "bytes": 0,
        "same_data": False,
        "needs": None,
        "kept": None,
        "error": None,
        "checks": [],
    }
    assert found == {
        "ok": False,
        "interrupted": False,
        "seconds": 1.235,
        "fresh": 2,
        "outcomes": [
            {**bare, "name": "a", "outcome": "built", "seconds": 0.412, "rows": 91,
             "bytes": 2100, "same_data": True, "kept": "data/k"},
            {**bare, "name": "b", "outcome": "failed", "seconds": 0.1, "error": {
                "kind": "KeyError", "message": "'a'", "trace": None,
                "inputs": ["raw: 1 row; b"], "hints": ["look"]}},
            {**bare, "name": "c", "outcome": "skipped", "needs": "b"},
        ],
        "notes": [{"file": "Assetfile.py", "line": 4, "text": "look"}],
    }  # fmt: skip


def keys(value):
    """Return every key of nested objects."""
    if isinstance(value, dict):
        return set(value).union(*map(keys, value.values()))
    if isinstance(value, list):
        return set().union(*map(keys, value))
    return set()


def test_every_key_is_documented():
    """In the docstring of the module, from which the reference is made."""
    failed = Failed("E", "m")
    plan = Plan((Step("hot", True, False, ()),), (), ())
    documents = [
        jsons.status_keys([HOT], (), ()),
        jsons.check_keys([]),
        jsons.why_keys([Why(HOT, None, (Note(PLACE, ""),))]),
        jsons.plan_keys(plan),
        jsons.graph_keys({"a": ()}, ()),
        jsons.build_keys(Result((Outcome("b", "failed", failed=failed),), 0, 0), 0),
        json.loads(jsons.render_json("list", "", {"names": []})),
    ]

    documented = set(re.findall(r"``([\w-]+)``", jsons.__doc__))

    assert set().union(*map(keys, documents)) <= documented
