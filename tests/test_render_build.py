"""What a build shows: its lines, its live line, its errors and its closing line."""

from __future__ import annotations

import pytest

from assetmake.builds.listen import Outcome, Result
from assetmake.builds.plan import Plan, Step
from assetmake.builds.run import Failed
from assetmake.messages.cells import cells
from assetmake.render.layout import Look
from assetmake.render.progress import Progress
from assetmake.render.result import render_failure, render_result
from assetmake.status.rows import Reason

LOOK = Look()
NEVER = (Reason("never-built", "never built"),)


def step(name, *, certain=True):
    return Step(name, certain, False, NEVER)


PLAN = Plan((step("highs"), step("hot"), step("diffs", certain=False)), ("x",), ())
HIGHS = Outcome("highs", "built", 0.41, 91, 2100)
HOT = Outcome("hot", "built", 0.06, 10, 412)


class Screen:
    """What a progress wrote, and a clock to turn."""

    def __init__(self, *, live=False, width=80, keep_going=False):
        self.text = ""
        self.now = 100.0
        self.progress = Progress(
            self._write,
            lambda: Look(width),
            live=live,
            keep_going=keep_going,
            clock=lambda: self.now,
        )

    def _write(self, text):
        self.text += text

    def lines(self):
        """Return what has been written since the last call."""
        text, self.text = self.text, ""
        return text.split("\n")

    def visible(self):
        """Return what a terminal would show of all that was written."""
        shown = [""]
        for char in self.text.replace("\r\x1b[K", "\r"):
            if char == "\r":
                shown[-1] = ""
            elif char == "\n":
                shown.append("")
            else:
                shown[-1] += char
        return shown


@pytest.fixture
def screen():
    screen = Screen()
    yield screen
    screen.progress.close()


@pytest.fixture
def live():
    screen = Screen(live=True)
    yield screen
    screen.progress.close()


def test_a_log_gets_one_line_an_asset(screen):
    progress = screen.progress
    progress.planned(PLAN)
    for outcome in (HIGHS, HOT):
        progress.started(outcome.name)
        progress.finished(outcome)

    assert screen.lines() == [
        "assetmake: 2 of 4 assets to build, 1 more if their data changes",
        f"[1/2] built      highs {' ' * 26} 0.41s       91 rows   2.1 kB",
        f"[2/2] built      hot {' ' * 28} 0.06s       10 rows    412 B",
        "",
    ]


def test_an_asset_that_follows_is_counted_when_it_was_built(screen):
    """Until then nobody knows whether it will be."""
    screen.progress.planned(PLAN)
    screen.lines()

    screen.progress.finished(HIGHS)
    screen.progress.finished(HOT)
    screen.progress.finished(Outcome("diffs", "built", 1, 1, 1))

    assert [line[:6] for line in screen.lines()] == ["[1/2] ", "[2/2] ", "[3/3] ", ""]


def reads(name, *upstream):
    """Return a step that is built if the data above it changes."""
    reasons = [Reason("upstream-outdated", "upstream", above) for above in upstream]
    return Step(name, False, False, tuple(reasons))


CHAIN = Plan(
    (step("a"), reads("b", "a"), reads("c", "b"), reads("d", "a", "b")), (), ()
)


@pytest.mark.parametrize(
    ("outcomes", "counters"),
    [
        (
            [("a", "built", False), ("b", "built", False), ("c", "built", False)],
            ["[1/3]", "[2/4]", "[3/4]"],
        ),
        (
            [("a", "built", False), ("b", "built", True), ("d", "built", False)],
            ["[1/3]", "[2/3]", "[3/3]"],
        ),
        ([("a", "built", True)], ["[1/1]"]),
        ([("a", "checked", True)], ["[1/1]"]),
        ([("a", "failed", False)], ["[1/1]"]),
        # Its data is again what `b` read: that had been built from other code.
        (
            [("a", "built", False), ("b", "fresh", False), ("d", "built", False)],
            ["[1/3]", "[2/2]"],
        ),
    ],
)
def test_what_is_sure_to_follow_is_counted_at_once(screen, outcomes, counters):
    """Lines went `[1/1]`, `[2/2]`, `[3/3]`."""
    screen.progress.planned(CHAIN)
    screen.lines()

    for name, kind, same_data in outcomes:
        screen.progress.finished(Outcome(name, kind, 1, 1, 1, same_data=same_data))

    assert [line.split()[0] for line in screen.lines()[:-1]] == counters


def test_what_is_sure_to_be_skipped_is_counted_at_once():
    screen = Screen(keep_going=True)
    screen.progress.planned(CHAIN)
    screen.lines()

    screen.progress.finished(Outcome("a", "failed", 1))
    screen.progress.finished(Outcome("b", "skipped", needs="a"))
    screen.progress.close()

    assert [line.split()[0] for line in screen.lines()[:-1]] == ["[1/3]", "[2/4]"]


def test_what_was_spared_or_stopped_has_no_line(screen):
    screen.progress.planned(PLAN)
    screen.lines()

    screen.progress.finished(Outcome("diffs", "fresh"))
    screen.progress.finished(Outcome("hot", "stopped"))

    assert screen.lines() == [""]


def test_failed_and_skipped_assets_have_their_words(screen):
    screen.progress.planned(PLAN)
    screen.lines()

    screen.progress.finished(Outcome("highs", "failed", 0.06))
    screen.progress.finished(Outcome("hot", "skipped", needs="highs"))

    assert screen.lines() == [
        "[1/2] FAILED     highs                            0.06s",
        "[2/2] skipped    hot                              needs highs",
        "",
    ]


def test_a_report_has_no_rows(screen):
    screen.progress.planned(PLAN)
    screen.lines()

    screen.progress.finished(Outcome("hot", "built", 0.1, None, 5))

    assert screen.lines()[0].split() == ["[1/2]", "built", "hot", "0.10s", "5", "B"]


def test_where_a_changed_table_went_is_told(screen):
    screen.progress.planned(PLAN)
    screen.lines()

    screen.progress.finished(Outcome("hot", "built", 0.1, 1, 5, kept="data/k/hot-1"))

    assert (
        screen.lines()[1]
        == "      it was not as a build leaves it: kept in data/k/hot-1"
    )


@pytest.mark.parametrize("width", [60, 80])
@pytest.mark.parametrize("name", ["n" * 99, "表" * 50])
def test_lines_fit_their_screen(width, name):
    screen = Screen(width=width)
    screen.progress.planned(Plan((step(name),), (), ()))
    screen.lines()

    screen.progress.finished(Outcome(name, "built", 4000, 123_456_789, 10**12))
    screen.progress.finished(Outcome(name, "skipped", needs=name))
    screen.progress.close()

    assert max(map(cells, screen.lines())) <= width


def test_a_plan_of_nothing_says_nothing(screen):
    screen.progress.planned(Plan((), ("a",), ()))

    assert screen.lines() == [""]


def test_waiting_names_the_other_build(screen):
    screen.progress.waiting("process 7, started 12:00:00")

    assert screen.lines()[0] == (
        "assetmake: waiting for another build (process 7, started 12:00:00)"
    )


def test_a_log_is_told_each_minute_what_takes_long(screen):
    screen.progress.planned(PLAN)
    screen.progress.started("highs")
    screen.lines()

    told = []
    for passed in (59, 60, 61, 119, 120):
        screen.now = 100.0 + passed
        screen.progress.tick()
        told.append(screen.lines()[0])

    assert told == [
        "", "still building highs (60s)", "", "", "still building highs (120s)"
    ]  # fmt: skip


def test_the_live_line_names_what_runs_longest_first(live):
    live.progress.planned(PLAN)
    for name in ("a", "b", "c", "d"):
        live.progress.started(name)
        live.now += 1

    live.progress.tick()

    assert live.visible()[-1] == "[0/2] 4.0s  a 4s, b 3s, c 2s +1"


def test_the_live_line_is_below_the_others_and_goes_away(live):
    live.progress.planned(PLAN)
    live.progress.started("highs")
    live.progress.started("hot")
    live.progress.tick()
    live.progress.finished(HIGHS)

    assert live.visible()[1].startswith("[1/2] built      highs")
    assert live.visible()[2].startswith("[1/2] 0.0s  hot 0s")

    live.progress.close()

    assert live.visible()[2] == ""


def test_the_live_line_is_shorter_than_the_screen_is_wide():
    """A full line would break on some terminals, and could not be taken back."""
    screen = Screen(live=True, width=40)
    screen.progress.planned(PLAN)
    screen.progress.started("n" * 70)
    screen.progress.tick()

    shown = screen.visible()[-1]
    screen.progress.close()

    assert 30 < len(shown) < 40


def test_nothing_is_drawn_after_the_end(live):
    live.progress.planned(PLAN)
    live.progress.started("highs")
    live.progress.close()
    live.lines()

    live.progress.tick()

    assert live.text == ""


FAILED = Failed(
    "KeyError",
    "'max_temp'",
    '  File "Assetfile.py", line 23, in hot\n    return highs["max_temp"]\n'
    "    ... 6 frames in pandas (--full-trace shows them)",
    'Traceback (most recent call last):\n  File "/x/run.py"\nKeyError: 1',
    ("highs: 91 rows; valid_date, max_tmpf",),
    ("an input has a column with a similar name: 'max_tmpf'",),
)


def test_a_failure_shows_its_trace_its_inputs_and_its_hints():
    outcome = Outcome(
        "hot", "failed", failed=FAILED, printed="one\rtwo\n\x1b[2Jthree\n"
    )

    assert render_failure(outcome, LOOK).splitlines() == [
        "error: hot failed: KeyError: 'max_temp'",
        '  File "Assetfile.py", line 23, in hot',
        '    return highs["max_temp"]',
        "    ... 6 frames in pandas (--full-trace shows them)",
        "  input highs: 91 rows; valid_date, max_tmpf",
        "  it printed:",
        "  | two",
        "  | \\x1b[2Jthree",
        "  hint: an input has a column with a similar name: 'max_tmpf'",
        "  hint: assetmake --pdb hot opens a debugger there",
    ]


def test_a_full_trace_is_shown_whole():
    outcome = Outcome("hot", "failed", failed=FAILED, printed="x")

    lines = render_failure(
        outcome, LOOK, full_trace=True, debugger=False, printed=False
    ).splitlines()

    assert lines[1:4] == [
        "  Traceback (most recent call last):",
        '    File "/x/run.py"',
        "  KeyError: 1",
    ]
    assert "it printed:" not in lines
    assert "--pdb" not in lines[-1]


def test_an_error_of_assetmake_s_own_stands_for_itself():
    """No class name, no debugger: its text says what to do."""
    failed = Failed(
        "FrameError", "asset `hot` returned None", hints=("return a table",)
    )

    assert render_failure(Outcome("hot", "failed", failed=failed), LOOK) == (
        "error: hot failed: asset `hot` returned None\n  hint: return a table"
    )


def test_long_texts_of_a_failure_are_cut_at_the_less_telling_end():
    """A message begins with what is wrong; what was printed ends with it."""
    many = "\n".join(f"line {number}" for number in range(50))
    outcome = Outcome("hot", "failed", failed=Failed("E", many), printed=many)

    lines = render_failure(outcome, LOOK, debugger=False).splitlines()

    assert lines[0] == "error: hot failed: E: line 0"
    assert lines[20:24] == [
        "  line 20",
        "  … 29 more lines (--full-trace shows them)",
        "  it printed:",
        "  | … 30 lines (-v shows them)",
    ]
    assert lines[-1] == "  | line 49"


def closing(*outcomes, fresh=0, interrupted=False, plan=PLAN, width=80):
    result = Result(tuple(outcomes), fresh, 0.1, interrupted)
    return render_result(result, plan, 7.31, Look(width))


SPARED = Outcome("diffs", "fresh")
LOST = Outcome("hot", "failed")
SKIPPED = Outcome("diffs", "skipped", needs="hot")
SAME = Outcome("highs", "built", same_data=True)


@pytest.mark.parametrize(
    ("outcomes", "fresh", "line"),
    [
        ((HIGHS, HOT), 0, "2 built in 7.3s"),
        ((HIGHS,), 2, "1 built, 2 fresh in 7.3s"),
        ((SAME, SPARED), 1, "1 built (same data as before), 2 still fresh in 7.3s"),
        ((SAME, HOT), 0, "2 built (1 with the same data as before) in 7.3s"),
        ((HIGHS, LOST, SKIPPED), 1, "1 built, 1 failed, 1 skipped, 1 fresh in 7.3s"),
        (
            (LOST, Outcome("b", "not started")),
            0,
            "1 failed, 1 not started in 7.3s; -k goes on with the rest",
        ),
    ],
)  # fmt: skip
def test_the_closing_line_says_what_was_done(outcomes, fresh, line):
    assert closing(*outcomes, fresh=fresh) == [f"assetmake: {line}"]


def test_the_closing_line_of_nothing_counts_what_is_fresh():
    assert closing(fresh=3) == ["assetmake: nothing to do, 3 assets fresh (7.3s)"]
    (line,) = closing(fresh=1, plan=Plan((), ("a",), ("old",)), width=100)
    assert line.endswith("fresh (7.3s); 1 orphaned table stays (assetmake --prune)")


@pytest.mark.parametrize(
    ("reasons", "what"),
    [
        (NEVER, "nothing of it is stored"),
        ((Reason("code-changed", "c"),), "its stored table is as before"),
    ],
)
def test_an_interrupted_build_says_what_is_stored(reasons, what):
    plan = Plan((Step("hot", True, False, reasons),), (), ())
    outcomes = (HIGHS, Outcome("hot", "stopped"), Outcome("b", "not started"))

    assert closing(*outcomes, interrupted=True, plan=plan) == [
        f"assetmake: interrupted: hot stopped, {what}",
        "assetmake: 1 built, 1 stopped, 1 not started in 7.3s; run it again to go on",
    ]


def test_a_build_that_ended_between_two_assets_says_so():
    """By `-j`, when none ran at that moment."""
    assert closing(HIGHS, Outcome("b", "not started"), interrupted=True) == [
        "assetmake: interrupted between two assets",
        "assetmake: 1 built, 1 not started in 7.3s; run it again to go on",
    ]


def test_several_stopped_assets_are_told_together():
    outcomes = (Outcome("a", "stopped"), Outcome("b", "stopped"))

    assert closing(*outcomes, interrupted=True)[0] == (
        "assetmake: interrupted: a and b stopped, what is stored is as before"
    )
