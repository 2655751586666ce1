"""The screens of `--status`, `--check`, `-n` and `--why`, from plain values."""

from __future__ import annotations

from dataclasses import replace

import pytest

from assetmake.builds.plan import Plan, Step
from assetmake.code.parts import Change, Note, Place
from assetmake.frames.base import Column
from assetmake.look.whys import Difference, Prediction, Why
from assetmake.messages.cells import cells
from assetmake.render.layout import Look
from assetmake.render.text import (
    check_line,
    not_fresh,
    render_check_closing,
    render_counts,
    render_plan,
    render_plan_closing,
    render_short,
    render_status,
    seconds_since,
    short_reason,
)
from assetmake.render.why import render_why
from assetmake.status.rows import Reason, State, Status
from assetmake.stores.manifest import FileRecord, Manifest, Output

BUILT = "2026-11-23T06:41:00Z"
NOW = 1795416060.0 + 2 * 3600  # two hours later
LOOK = Look()
NEVER = Reason("never-built", "never built")
CODE = Reason("code-changed", "code changed", "hot")
HELPER = Reason("helper-changed", "helper `clean` changed (weather.py:8)", "clean")
ABOVE = Reason("upstream-outdated", "upstream `highs` is outdated", "highs")


def manifest(name="highs", rows=91, *, built_at=BUILT, accepted=False):
    columns = (Column("day", "string"),)
    output = Output(
        "pandas.DataFrame",
        "parquet",
        "",
        "arrow-1:0",
        {"part-00000.parquet": FileRecord(2100, "d")},
        rows,
        columns,
    )
    return Manifest(
        name, "code-1:0", (), {}, (), {}, {}, {}, {}, output, built_at, 0.4,
        accepted=accepted,
    )  # fmt: skip


def row(name, state, *reasons, line=14, stored=True, rows=91):
    held = manifest(name, rows) if stored else None
    return Status(
        name,
        state,
        Place("Assetfile.py", line),
        tuple(reasons),
        held,
        rows=rows if stored else None,
        built_at=BUILT if stored else None,
    )


SOURCE = Status("sfo_q2_weather_sample", State.SOURCE, Place("Assetfile.py", 5))
ORPHAN = Status(
    "daily_max",
    State.ORPHANED,
    Place("data/daily_max/_manifest.json", 0),
    (Reason("undefined", "no longer defined", "daily_max"),),
    manifest("daily_max"),
    rows=91,
    built_at=BUILT,
)
ROWS = [
    SOURCE,
    row("heat_index", State.FRESH),
    row("highs", State.OUTDATED, HELPER, CODE),
    row("hot", State.OUTDATED, ABOVE, rows=1_234_567),
    row("daily_temperature_high_diffs", State.MISSING, NEVER, stored=False),
    ORPHAN,
]


def test_the_built_time_of_these_tests_is_what_it_says():
    assert seconds_since(BUILT, NOW) == 7200


def test_status_is_a_table_of_aligned_columns():
    assert render_status(ROWS, NOW, LOOK).splitlines() == [
        "ASSET                         STATE     BUILT        ROWS  WHY",
        "sfo_q2_weather_sample         source    -               -",
        "heat_index                    fresh     2h ago         91",
        "highs                         outdated  2h ago         91  helper changed +1",
        "hot                           outdated  2h ago  1,234,567  upstream outdated",
        "daily_temperature_high_diffs  missing   -               -  never built",
        "daily_max                     orphaned  2h ago         91  no longer defined",
    ]


def test_a_wide_screen_shows_a_reason_whole():
    lines = render_status(ROWS, NOW, Look(120)).splitlines()

    assert lines[3].endswith("91  helper clean changed (weather.py:8) +1")
    assert lines[4].endswith("upstream highs is outdated")


FAILED = Reason("last-build-failed", "last build failed: KeyError: 'a' is no column")


def test_a_failed_build_says_more_than_that_there_was_none():
    rows = [row("a", State.MISSING, NEVER, FAILED, stored=False)]

    text = render_status(rows, NOW, Look(90))

    assert text.endswith("last build failed: KeyError: 'a' is no column")


@pytest.mark.parametrize(
    ("width", "text"),
    [
        (46, "last build failed: KeyError: 'a' is no column"),
        (44, "last build failed: KeyError: 'a' is no colu…"),
        (37, "last build failed: KeyError: 'a' is …"),
        (36, "last build failed"),
    ],
)
def test_how_a_build_failed_is_told_as_far_as_there_is_room(width, text):
    assert short_reason([FAILED], width, LOOK) == text


def test_why_of_a_failed_build_says_what_to_type():
    status = row("a", State.MISSING, NEVER, FAILED, stored=False)

    text = render_why(Why(status), {}, NOW, LOOK)

    assert text.splitlines()[1:] == [
        "  1. never built",
        "  2. its last build failed: KeyError: 'a' is no column",
        "     assetmake a tries again, and shows all of it",
    ]


LONG = [
    row("a" * 70, State.FRESH),
    row(
        "b" * 200, State.OUTDATED, Reason("columns-differ", "lacks column " + "x" * 90)
    ),
    row("表" * 60, State.OUTDATED, HELPER),
]


@pytest.mark.parametrize("width", [40, 60, 80, 100])
@pytest.mark.parametrize("unicode", [True, False])
def test_a_table_fits_its_screen(width, unicode):
    """Names lose their middle, reasons their end."""
    text = render_status([*ROWS, *LONG], NOW, Look(width, unicode=unicode))

    assert max(map(cells, text.splitlines())) <= max(width, 60)
    assert text.count("\n") == len(ROWS) + len(LONG)


def test_colours_move_no_column():
    import re

    coloured = render_status(ROWS, NOW, Look(color=True))

    assert "\x1b[33moutdated" in coloured
    assert re.sub(r"\x1b\[[\d;]*m", "", coloured) == render_status(ROWS, NOW, LOOK)


def test_the_short_form_has_only_what_is_not_fresh():
    """As `git status -s`: no heading, no counts, no line for what is well."""
    assert render_short(ROWS, LOOK) == [
        (
            "outdated  highs                         helper clean changed"
            " (weather.py:8) +1"
        ),
        "outdated  hot                           upstream highs is outdated",
        "missing   daily_temperature_high_diffs  never built",
        "orphaned  daily_max                     no longer defined",
    ]
    assert render_short(ROWS[:2], LOOK) == []


@pytest.mark.parametrize("built_at", ["", "yesterday", "9999-99-99T00:00:00Z"])
def test_a_time_that_is_none_is_a_question_mark(built_at):
    """A manifest is data from a store."""
    row = Status("a", State.FRESH, built_at=built_at)
    text = render_status([row], NOW, LOOK)

    assert text.splitlines()[1].split() == ["a", "fresh", "?", "-"]


def test_a_name_in_a_table_cannot_clear_the_screen():
    text = render_status([Status("a\x1b[2J", State.ORPHANED)], NOW, LOOK)

    assert "\x1b" not in text


def test_counts_name_what_there_is_and_what_helps():
    assert render_counts(ROWS, (), (), LOOK) == [
        "6 tables: 1 source, 1 fresh, 2 outdated, 1 missing, 1 orphaned.",
        "assetmake --why NAME explains; assetmake builds; --prune removes orphans.",
    ]
    assert render_counts(ROWS[:2], (), (), LOOK) == ["2 tables: 1 source, 1 fresh."]
    assert render_counts([ORPHAN], (), (), LOOK) == [
        "1 table: 1 orphaned.",
        "assetmake --prune removes orphans.",
    ]


def test_counts_mention_unmanaged_places():
    lines = render_counts(ROWS[:1], ["data/a", "data/b", "data/c", "data/d"], (), LOOK)

    assert lines[1] == (
        "without a manifest, left alone: data/a, data/b and data/c and 1 more"
    )


def test_a_check_reports_every_row_that_has_a_reason():
    """Orphans count; a source counts where its data is missing."""
    gone = Status(
        "raw", State.SOURCE, reasons=(Reason("source-missing", "no file raw.csv"),)
    )

    reported = not_fresh([*ROWS, gone])

    assert [item.name for item in reported] == [
        "highs",
        "hot",
        "daily_temperature_high_diffs",
        "daily_max",
        "raw",
    ]


def test_a_check_tolerates_what_is_allowed():
    reported = not_fresh(ROWS, ["outdated", "orphaned"])

    assert [item.name for item in reported] == ["daily_temperature_high_diffs"]


@pytest.mark.parametrize(
    ("status", "line"),
    [
        (
            row("a", State.OUTDATED, HELPER, CODE),
            f"Assetfile.py:14: a: outdated: {HELPER.text}; code changed",
        ),
        (
            ORPHAN,
            f"{ORPHAN.place}: daily_max: orphaned: no longer defined",
        ),
        (
            row("a", State.OUTDATED, Reason("last-build-failed", "failed:\n\x1b[2J")),
            "Assetfile.py:14: a: outdated: failed:\\n\\x1b[2J",
        ),
    ],
)  # fmt: skip
def test_a_check_line_is_one_line_whole(status, line):
    assert check_line(status, str) == line


def test_closing_line_of_a_check_says_how_many():
    assert render_check_closing(3, ROWS) == (
        "3 of 6 tables are not fresh: run assetmake, or assetmake --why"
    )
    assert render_check_closing(1, ROWS).startswith("1 of 6 tables is not fresh")
    assert render_check_closing(0, ROWS) == "6 tables: 4 not fresh, as allowed"
    assert render_check_closing(0, ROWS[:2]) == "2 tables, all fresh"


PLAN = Plan(
    (
        Step("highs", True, False, (HELPER,)),
        Step("hot", True, False, (CODE, ABOVE)),
        Step("forced", True, True, ()),
        Step("daily_temperature_high_diffs", False, False, (ABOVE,)),
    ),
    fresh=("a", "b"),
    orphans=("old",),
)


def test_a_plan_lists_apart_what_may_follow():
    assert render_plan(PLAN, "because of --what-if", LOOK).splitlines() == [
        "would build, in this order:",
        "  1  highs                          helper clean changed (weather.py:8)",
        "  2  hot                            code changed +1",
        "  3  forced                         because of --what-if",
        "would follow only if the data above comes out different:",
        "  4  daily_temperature_high_diffs   upstream highs is outdated",
    ]
    assert render_plan_closing(PLAN) == (
        "would leave 2 fresh; 1 orphaned table stays (assetmake --prune)"
    )


def test_a_plan_without_steps_says_so():
    assert render_plan_closing(Plan((), ("a",), ())) == "nothing to do, 1 asset fresh"


@pytest.mark.parametrize("width", [40, 80])
def test_a_plan_fits_its_screen(width):
    step = Step("n" * 90, True, False, (Reason("columns-differ", "lacks " + "x" * 99),))
    text = render_plan(Plan((step, *PLAN.steps), (), ()), "", Look(width))

    assert max(map(len, text.splitlines())) <= max(width, 56)


CHANGE = Change(
    "code",
    "hot",
    "changed",
    Place("Assetfile.py", 21),
    "",
    "def hot(highs):\n    return highs.nlargest(10, 'max_tmpf')\n",
    "def hot(highs):\n    return highs.nlargest(20, 'max_tmpf')\n",
)


def test_why_shows_reasons_the_change_and_what_it_is_not():
    changed = Reason("code-changed", "code changed", "hot", CHANGE)
    hot = row("hot", State.OUTDATED, changed, ABOVE, line=21)
    why = Why(
        hot,
        notes=(Note(Place("Assetfile.py", 23), "`exec` cannot be followed"),),
        ruled_out=("storage format", "data on disk"),
        package_changes=("pandas 2.3.0 -> 3.1.1",),
    )
    statuses = {item.name: item for item in ROWS}

    text = render_why(why, statuses, NOW, LOOK)

    assert text.splitlines() == [
        "hot is outdated (Assetfile.py:21, built 2026-11-23 06:41, 2h ago)",
        "  1. its code changed",
        "     --- as built",
        "     +++ Assetfile.py:21",
        "      def hot(highs):",
        "     -    return highs.nlargest(10, 'max_tmpf')",
        "     +    return highs.nlargest(20, 'max_tmpf')",
        "  2. upstream `highs` is outdated",
        "       because helper `clean` changed (weather.py:8)",
        "       because its code changed (Assetfile.py:14)",
        "  note: `exec` cannot be followed (Assetfile.py:23)",
        "  note: pandas 2.3.0 -> 3.1.1 since it was built; `packages=` counts it",
        "  not the cause: storage format, data on disk",
    ]


def test_why_goes_up_to_where_the_cause_is():
    low = row("low", State.OUTDATED, Reason("upstream-outdated", "upstream `hot` is "
              "outdated", "hot"))  # fmt: skip
    statuses = {item.name: item for item in (*ROWS, low)}

    text = render_why(Why(low), statuses, NOW, LOOK)

    assert text.splitlines()[1:] == [
        "  1. upstream `hot` is outdated",
        "       because of `highs`: helper `clean` changed (weather.py:8)",
        "       because of `highs`: its code changed (Assetfile.py:14)",
    ]


def test_why_names_the_way_to_a_helper():
    change = Change(
        "helper", "clean", "changed", Place("weather.py", 8), "scale", "a = 1", "a = 2"
    )
    reason = Reason("helper-changed", HELPER.text, "clean", change)

    text = render_why(Why(row("hot", State.OUTDATED, reason)), {}, NOW, LOOK)

    assert text.splitlines()[1:] == [
        "  1. helper `clean` changed (weather.py:8), which `scale` uses",
        "     --- as built",
        "     +++ weather.py:8",
        "     -a = 1",
        "     +a = 2",
    ]


def test_why_does_not_name_the_asset_as_the_way():
    change = Change("helper", "clean", "changed", Place("w.py", 8), "hot", "a", "b")
    reason = Reason("helper-changed", HELPER.text, "clean", change)

    text = render_why(Why(row("hot", State.OUTDATED, reason)), {}, NOW, LOOK)

    assert "uses" not in text


def test_a_long_change_is_cut_and_says_so():
    after = "\n".join(f"x{number}" for number in range(200))
    change = Change("code", "hot", "is new", Place("a.py", 1), "", None, after)
    reason = Reason("code-changed", "code changed", "hot", change)

    text = render_why(Why(row("hot", State.OUTDATED, reason)), {}, NOW, LOOK)

    assert text.splitlines()[-1] == "     … 140 more lines (--json has all)"
    assert text.splitlines()[4] == "     +x0"


def test_why_of_a_fresh_row_and_of_an_orphan_is_short():
    accepted = Status(
        "a", State.FRESH, Place("Assetfile.py", 3), (), manifest(accepted=True)
    )

    assert render_why(Why(accepted), {}, NOW, LOOK) == (
        "a is fresh (Assetfile.py:3, accepted 2026-11-23 06:41, 2h ago)"
    )
    assert render_why(Why(ORPHAN), {}, NOW, LOOK).splitlines() == [
        "daily_max is orphaned (data/daily_max, built 2026-11-23 06:41, 2h ago)",
        "  1. no longer defined",
        "  assetmake --prune removes it",
    ]


DAY = Column("day", "string")


@pytest.mark.parametrize(
    ("predicted", "text"),
    [
        (Prediction(problem="it failed: \x1b"), r"not predicted: it failed: \x1b"),
        (Prediction(), "predicted: no table, so no columns"),
        (
            Prediction((DAY,)),
            "predicted, from all rows of its inputs: columns day (string)",
        ),
        (
            Prediction((DAY,), rows=1000, as_stored=("a", "b")),
            (
                "predicted, from the first 1,000 rows of its inputs, with `a` and `b` "
                "as stored: columns day (string)"
            ),
        ),
        (
            Prediction((DAY,), rows=1000, from_plan=True),
            "predicted, from its plan: columns day (string)",
        ),
    ],
)
def test_a_prediction_says_what_it_is_from(predicted, text):
    status = Status("a", State.MISSING, Place("Assetfile.py", 3))

    lines = render_why(Why(status, predicted=predicted), {}, NOW, LOOK).splitlines()

    assert " ".join(line.strip() for line in lines[1:]) == text


def test_a_prediction_is_told_as_what_the_stored_table_has():
    stored = replace(manifest().output, columns=(DAY, Column("high", "int64")))
    status = Status(
        "a",
        State.OUTDATED,
        Place("Assetfile.py", 3),
        manifest=replace(manifest(), output=stored),
    )
    differences = (
        Difference("low\n", None, "double"),
        Difference("day", "string", None),
        Difference("high", "int64", "double"),
    )

    def lines(*differences):
        predicted = Prediction((DAY,), differences, from_plan=True)
        text = render_why(Why(status, predicted=predicted), {}, NOW, LOOK)
        return text.splitlines()[1:]

    assert lines() == ["  predicted, from its plan: the columns that are stored"]
    assert lines(*differences) == [
        "  predicted, from its plan: the stored table",
        r"    lacks column low\n (double)",
        "    has extra column day (string)",
        "    has column high as int64, not as double",
    ]


def test_source_of_code_cannot_reach_the_terminal():
    change = Change("code", "a", "changed", Place("a.py", 1), "", "a", "b = '\x1b[2J'")
    reason = Reason("code-changed", "code changed", "a", change)

    text = render_why(Why(row("a", State.OUTDATED, reason)), {}, NOW, LOOK)

    assert "\x1b" not in text


def test_counts_do_not_say_that_a_build_helps_where_it_does_not():
    """It ends before it begins, while one row has no manifest or no source."""
    explains = "assetmake --why NAME explains"
    found = {
        "code-changed": f"{explains}; assetmake builds.",
        "source-missing": f"{explains}.",
        "manifest-missing": f"{explains}; --accept NAME adopts what has no manifest.",
    }
    for code, line in found.items():
        row = Status("a", State.OUTDATED, reasons=(Reason(code, "text"),))
        assert render_counts([row, row], (), (), LOOK)[1:] == [line]


def test_counts_mention_tables_of_other_assetfiles():
    def of(name, whose):
        place, reason = Place(f"data/{name}/_manifest.json", 0), f"of `{whose}`"
        reasons = (Reason("other-project", reason),)
        return Status(name, State.ORPHANED, place, reasons)

    others = [of("a", "run.py"), of("b", "run.py"), of("c", "old.py")]

    assert render_counts(ROWS[:1], (), others, LOOK)[1:] == [
        "of run.py, left alone: data/a and data/b",
        "of old.py, left alone: data/c",
    ]
