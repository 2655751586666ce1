"""The rules that make an asset stale."""

from __future__ import annotations

from dataclasses import replace

import pytest

from assetmake.code.parts import Change, Part, Place
from assetmake.frames.base import Column
from assetmake.status.compare import asset_status, compare, recipe
from assetmake.status.rows import (
    REASONS,
    Condition,
    Definition,
    Failure,
    Read,
    Record,
    SourceData,
    State,
)
from assetmake.stores.manifest import InputRecord, Manifest, Output

PLACE = Place("Assetfile.py", 3)
HOT = Definition(
    "hot",
    PLACE,
    code="code-1:now",
    inputs=(Read("raw", "raw"), Read("mid", "mid")),
    reads={"q.sql": "bytes-1:q"},
    variables={"REGION": "v"},
    packages={"tidy": "1.0"},
)
MID = Definition("mid", PLACE, code="code-1:mid", inputs=(Read("raw", "raw"),))
RAW = SourceData("raw", PLACE, "bytes-1:raw")


def manifest(definition, fingerprint, **inputs):
    return Manifest(
        name=definition.name,
        code=definition.code,
        parts=(),
        code_files={},
        inputs=tuple(InputRecord(key, key, value) for key, value in inputs.items()),
        reads=dict(definition.reads),
        observed={},
        variables=dict(definition.variables),
        packages=dict(definition.packages),
        output=Output(
            "pandas.DataFrame",
            "parquet",
            "",
            fingerprint,
            {},
            rows=3,
            columns=(Column("a", "int64"),),
        ),
        built_at="2026-11-23T06:41:02Z",
        seconds=0.1,
    )


RECORDS = {
    "mid": Record(Condition.INTACT, manifest(MID, "arrow-1:mid", raw="bytes-1:raw")),
    "hot": Record(
        Condition.INTACT,
        manifest(HOT, "arrow-1:hot", raw="bytes-1:raw", mid="arrow-1:mid"),
    ),
}


def explain(before, after):
    return []


def statuses(hot=HOT, mid=MID, raw=RAW, records=RECORDS, explain=explain):
    return compare([mid, hot], {"raw": raw}, records, explain)


def hot_record(**changes):
    record = RECORDS["hot"]
    return RECORDS | {"hot": replace(record, **changes)}


def hot_manifest(**changes):
    return hot_record(manifest=replace(RECORDS["hot"].manifest, **changes))


def test_nothing_changed_is_fresh():
    """What was built from today's code and inputs has no reason to be built."""
    rows = statuses()

    assert [(row.name, row.state) for row in rows.values()] == [
        ("raw", State.SOURCE),
        ("mid", State.FRESH),
        ("hot", State.FRESH),
    ]
    assert not rows["hot"].reasons


@pytest.mark.parametrize(
    ("given", "state", "reasons"),
    [
        (dict(records={}), State.MISSING, [("never-built", "never built")]),
        (
            dict(records=hot_record(condition=Condition.LOST)),
            State.MISSING,
            [("data-missing", "data missing")],
        ),
        (
            dict(
                records=RECORDS
                | {"hot": Record(Condition.UNMANAGED, detail="data/hot/")}
            ),
            State.MISSING,
            [("manifest-missing", "data/hot/ has no manifest")],
        ),
        (
            dict(records=hot_record(condition=Condition.MODIFIED, detail="x")),
            State.MODIFIED,
            [("data-modified", "data changed by hand")],
        ),
        (
            dict(records=RECORDS | {"hot": Record(Condition.INTACT, problem="empty")}),
            State.OUTDATED,
            [("manifest-unreadable", "its manifest is empty")],
        ),
        (
            dict(hot=replace(HOT, code="code-1:new")),
            State.OUTDATED,
            [("code-changed", "code changed")],
        ),
        (
            dict(hot=replace(HOT, inputs=HOT.inputs[:1])),
            State.OUTDATED,
            [("input-removed", "input `mid` is no longer read")],
        ),
        (
            dict(records=hot_manifest(inputs=RECORDS["hot"].manifest.inputs[1:])),
            State.OUTDATED,
            [("input-added", "input `raw` is new")],
        ),
        (
            dict(hot=replace(HOT, inputs=HOT.inputs[::-1])),
            State.OUTDATED,
            [("input-reordered", "its inputs are in another order")],
        ),
        (
            dict(hot=replace(HOT, reads={"q.sql": "bytes-1:r"})),
            State.OUTDATED,
            [("file-read-changed", "file `q.sql` changed")],
        ),
        (
            dict(hot=replace(HOT, reads={"q.sql": None})),
            State.OUTDATED,
            [("file-read-changed", "file `q.sql` changed")],
        ),
        (
            dict(
                records=hot_record(
                    manifest=replace(
                        RECORDS["hot"].manifest, observed={"cfg.json": "bytes-1:c"}
                    ),
                    observed={"cfg.json": "bytes-1:d"},
                )
            ),
            State.OUTDATED,
            [("file-read-changed", "file `cfg.json` changed")],
        ),
        (
            dict(hot=replace(HOT, variables={"REGION": None})),
            State.OUTDATED,
            [("variable-changed", "variable `REGION` changed")],
        ),
        (
            dict(hot=replace(HOT, packages={"tidy": "1.1"})),
            State.OUTDATED,
            [("package-changed", "package tidy changed from 1.0 to 1.1")],
        ),
        (
            dict(hot=replace(HOT, packages={})),
            State.OUTDATED,
            [("package-changed", "package tidy changed from 1.0 to absent")],
        ),
        (
            dict(hot=replace(HOT, format="csv")),
            State.OUTDATED,
            [("format-changed", "format changed from parquet to csv")],
        ),
        (
            dict(hot=replace(HOT, table_format="csv")),
            State.OUTDATED,
            [("format-changed", "format changed from parquet to csv")],
        ),
        (
            dict(
                hot=replace(HOT, is_open=False),
                records=hot_manifest(
                    output=replace(
                        RECORDS["hot"].manifest.output, format="pickle", columns=None
                    )
                ),
            ),
            State.OUTDATED,
            [("format-changed", "stored as a pickle, which it never returns")],
        ),
        (
            dict(hot=replace(HOT, columns={"a": "int64", "b": None})),
            State.DRIFTED,
            [("columns-differ", "lacks column b")],
        ),
    ],
)
def test_one_change_gives_one_reason(given, state, reasons):
    """The row carries the reason that made it stale, and no other."""
    row = statuses(**given)["hot"]
    if "records" in given and not given["records"]:
        row = statuses(**given)["mid"]

    assert row.state == state
    assert [(reason.code, reason.text) for reason in row.reasons] == reasons


def test_source_changed_reaches_its_readers_only():
    """An asset that reads the source says so; one further down is unsure."""
    rows = statuses(raw=replace(RAW, fingerprint="bytes-1:new"))

    assert [reason.code for reason in rows["mid"].reasons] == ["source-changed"]
    assert [reason.code for reason in rows["hot"].reasons] == [
        "source-changed",
        "upstream-outdated",
    ]


@pytest.mark.parametrize(
    ("before", "now", "text"),
    [
        ({}, {}, "source `raw` changed"),
        ({"options.sep": "a"}, {"options.sep": "a"}, "source `raw` changed"),
        ({}, {"options.sep": "a"}, "source `raw` changed: option `sep` is new"),
        (
            {"options.sep": "a", "options.dtype": "a"},
            {"options.sep": "b"},
            "source `raw` changed: option `dtype` is gone, option `sep` changed",
        ),
        (
            {"format": "a", "version": "1"},
            {"version": "2"},
            "source `raw` changed: its format is gone, its version changed",
        ),
    ],
)
def test_how_a_source_is_read_otherwise_is_told(before, now, text):
    """It was told as a change of its data."""
    records = {
        **RECORDS,
        "mid": Record(
            Condition.INTACT,
            replace(
                manifest(MID, "arrow-1:mid"),
                inputs=(InputRecord("raw", "raw", "bytes-1:raw", before),),
            ),
        ),
    }

    raw = replace(RAW, fingerprint="bytes-1:new", read_as=now)

    reasons = statuses(raw=raw, records=records)["mid"].reasons
    assert [(reason.code, reason.text) for reason in reasons] == [
        ("source-changed", text)
    ]


def test_missing_source_is_told_on_its_row_and_its_readers():
    """Nothing can be built without it, and nothing downstream is fresh."""
    rows = statuses(raw=SourceData("raw", PLACE, None, "no file raw.csv"))

    assert rows["raw"].state is State.SOURCE
    assert rows["raw"].reasons[0].text == "no file raw.csv"
    assert rows["mid"].reasons[0].code == "source-missing"


def test_stale_upstream_makes_downstream_uncertain():
    """Until `mid` is rebuilt, nobody knows whether `hot` has to be."""
    row = statuses(mid=replace(MID, code="code-1:new"))["hot"]

    assert [(r.code, r.text, r.subject) for r in row.reasons] == [
        ("upstream-outdated", "upstream `mid` is outdated", "mid")
    ]
    assert not row.is_certain


def test_stale_upstream_hides_a_difference_of_its_data():
    """A rebuild of `mid` may give back the very data that `hot` read."""
    other = replace(
        RECORDS["mid"].manifest,
        code="code-1:other",
        output=replace(RECORDS["mid"].manifest.output, fingerprint="arrow-1:other"),
    )
    records = RECORDS | {"mid": Record(Condition.INTACT, other)}

    assert not statuses(records=records)["hot"].is_certain


def test_upstream_data_that_differs_is_certain():
    """`mid` is fresh, and its data is not what `hot` read."""
    other = replace(
        RECORDS["mid"].manifest,
        output=replace(RECORDS["mid"].manifest.output, fingerprint="arrow-1:other"),
    )
    records = RECORDS | {"mid": Record(Condition.INTACT, other)}

    row = statuses(records=records)["hot"]

    assert [reason.code for reason in row.reasons] == ["upstream-changed"]
    assert row.is_certain


def test_two_parameters_of_one_upstream_with_other_data_each():
    """A table that two parameters read must have been one and the same."""
    twice = replace(MID, inputs=(Read("a", "raw"), Read("b", "raw")))
    record = Record(
        Condition.INTACT,
        replace(
            manifest(MID, "arrow-1:mid"),
            inputs=(
                InputRecord("a", "raw", "bytes-1:raw"),
                InputRecord("b", "raw", "bytes-1:other"),
            ),
        ),
    )

    row = statuses(mid=twice, records=RECORDS | {"mid": record})["mid"]

    assert [reason.code for reason in row.reasons] == ["source-changed"]


def test_each_changed_part_of_the_code_is_a_reason():
    """The part, its place and its diff come from the comparison of the parts."""
    part = Part("hot", "asset", PLACE, "code-1:x", "def hot(): ...")
    changes = [
        Change("code", "hot", "changed", PLACE, "", "old", "new"),
        Change("helper", "clean", "changed", Place("w.py", 12), "hot", "old", "new"),
        Change("helper", "gone", "is no longer used", Place("w.py", 1), "", "x", None),
        Change("setting", "k", "changed", PLACE, "hot", "k=3", "k=4"),
    ]
    hot = replace(HOT, code="code-1:new", parts=(part,))

    row = statuses(hot=hot, explain=lambda before, after: changes)["hot"]

    assert [(reason.code, reason.text) for reason in row.reasons] == [
        ("code-changed", "code changed"),
        ("helper-changed", "helper `clean` changed (w.py:12)"),
        ("helper-changed", "helper `gone` is no longer used"),
        ("setting-changed", "setting `k` changed (Assetfile.py:3)"),
    ]
    assert row.reasons[1].change == changes[1]


@pytest.mark.parametrize(
    ("first", "second", "state"),
    [
        (Condition.MODIFIED, "code-1:new", State.MODIFIED),
        (Condition.LOST, "code-1:new", State.MISSING),
    ],
)
def test_first_state_wins_and_all_reasons_are_told(first, second, state):
    """Missing before modified before drifted before outdated."""
    row = statuses(
        hot=replace(HOT, code=second, columns={"b": None}),
        records=hot_record(condition=first),
    )["hot"]

    assert row.state is state
    assert {"columns-differ", "code-changed"} < {reason.code for reason in row.reasons}


def test_stored_table_without_definition_is_orphaned():
    """It stays in the status until it is pruned."""
    rows = compare([MID], {"raw": RAW}, RECORDS, explain)

    assert rows["hot"].state is State.ORPHANED
    assert [reason.code for reason in rows["hot"].reasons] == ["undefined"]
    assert not rows["hot"].is_stale


def test_unmanaged_directory_is_no_row():
    """Nothing proves that assetmake wrote it."""
    rows = compare([], {}, {"x": Record(Condition.UNMANAGED)}, explain)

    assert rows == {}


def test_failure_counts_while_code_and_inputs_are_those_that_failed():
    """Reverting the code that failed makes the last good table fresh again."""
    rows = statuses()
    tried = recipe(HOT, {"raw": RAW}, rows)
    failed = RECORDS["hot"]
    failed = replace(failed, failure=Failure(tried, "KeyError: 'x'"))

    again = asset_status(HOT, failed, {"raw": RAW}, rows, explain)
    reverted = asset_status(
        replace(HOT, code="code-1:old"), failed, {"raw": RAW}, rows, explain
    )

    assert [reason.code for reason in again.reasons] == ["last-build-failed"]
    assert [reason.code for reason in reverted.reasons] == ["code-changed"]


def test_every_reason_has_a_place_in_the_order():
    """Reasons are sorted by `REASONS`, so none may lack there."""
    assert len(set(REASONS)) == len(REASONS) == 24
