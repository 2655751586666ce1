"""Random edits and builds of a project with checks, against a model of it.

After each build the model says exactly which functions ran, what is stored and
what is fresh. ``ASSETMAKE_TRIALS=2000`` makes a campaign of it.
"""

from __future__ import annotations

import os
import tempfile
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

import assetmake
from assetmake.status.rows import State

TRIALS = int(os.environ.get("ASSETMAKE_TRIALS", "15"))

TEXT = """
from pathlib import Path
from assetmake import asset, check, source

source("raw", path="raw.txt", format="text")
TIMES = {times}
LONGEST = {longest}


def ran(name):
    with Path({log!r}).open("a") as log:
        log.write(name + chr(10))


@asset
def upper(raw: str) -> str:
    ran("upper")
    return raw.upper() * TIMES


@asset
def lower(upper: str) -> str:
    ran("lower")
    return upper.lower()


{decorator}
def short(upper: str, raw: str):
    ran("short")
    return len(upper) <= LONGEST
"""


@dataclass(frozen=True)
class Check:
    """The check as it is written: None of it counts but these."""

    longest: int = 6
    severity: str = "error"


@dataclass(frozen=True)
class Stored:
    """What is stored of `upper`: from what, and by which check it went."""

    value: str
    recipe: tuple[str, int]
    check: Check | None


class Model:
    """What ought to be, without any of the engine."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.raw, self.times = "ab", 1
        self.check: Check | None = Check()
        self.longest = 6
        self.upper: Stored | None = None
        self.lower: tuple[str, str] | None = None
        self.failed: tuple[object, bool] | None = None
        self.log = root / "log"

    def write(self) -> None:
        """Write the project as it is now."""
        decorator = ""
        if self.check is not None:
            decorator = f"@check(upper, severity={self.check.severity!r})"
            self.longest = self.check.longest
        text = TEXT.format(
            times=self.times,
            longest=self.longest,
            decorator=decorator,
            log=str(self.log),
        )
        project = self.root / "project"
        project.mkdir(exist_ok=True)
        (project / "Assetfile.py").write_text(text)
        (project / "raw.txt").write_text(self.raw)

    @property
    def tried(self) -> object:
        """All that a build of `upper` depends on."""
        return self.raw, self.times, self.check

    def is_changed(self) -> bool:
        """Whether the result of the check does not stand."""
        return (
            self.upper is not None
            and self.check is not None
            and self.check != self.upper.check
        )

    def is_fresh(self) -> bool:
        """Whether `upper` is fresh."""
        return (
            self.upper is not None
            and self.upper.recipe == (self.raw, self.times)
            and not self.is_changed()
            and not (self.failed and self.failed[0] == self.tried)
        )

    def build(self, *, always: bool) -> tuple[list[str], bool]:
        """Return which functions run, and whether all goes well."""
        ran: list[str] = []
        just_checks = (
            self.upper is not None
            and self.upper.recipe == (self.raw, self.times)
            and self.is_changed()
            and self.failed != (self.tried, False)
        )
        if always or not self.is_fresh():
            full = always or not just_checks
            value = self.raw.upper() * self.times if full else self.upper.value
            ran += ["upper"] * full
            ran += ["short"] * (self.check is not None)
            check = self.check
            if check and check.severity == "error" and len(value) > check.longest:
                self.failed = (self.tried, not full)
                return ran, False
            recipe = (self.raw, self.times)
            self.upper, self.failed = Stored(value, recipe, check), None
        if always or self.lower is None or self.lower[0] != self.upper.value:
            ran.append("lower")
            self.lower = (self.upper.value, self.upper.value.lower())
        return ran, True

    def accept(self) -> None:
        """Take what is stored as right; nothing runs."""
        if self.upper is not None:
            check = self.check
            recipe = (self.raw, self.times)
            self.upper = replace(self.upper, recipe=recipe, check=check)
            self.failed = None


ACTIONS = st.one_of(
    st.tuples(st.just("raw"), st.sampled_from(["ab", "AB", "abcd", "abcdefg"])),
    st.tuples(st.just("times"), st.sampled_from([1, 2])),
    st.tuples(st.just("longest"), st.sampled_from([1, 6])),
    st.tuples(st.just("severity"), st.sampled_from(["error", "warn"])),
    st.tuples(st.just("remove"), st.none()),
    st.tuples(st.just("build"), st.booleans()),
    st.tuples(st.just("build"), st.just(False)),
    st.tuples(st.just("accept"), st.none()),
)


BUILD = ("build", False)


def edit(model: Model, what: str, value: object) -> None:
    """Change the project in one way."""
    check = model.check or Check(model.longest)
    if what == "remove":
        model.check = None
    elif what in ("longest", "severity"):
        model.check = replace(check, **{what: value})
    else:
        setattr(model, what, value)
    model.write()


def look(model: Model) -> None:
    """Compare what is stored and fresh with the model."""
    project = assetmake.open(model.root / "project")
    rows = {row.name: row for row in project.status()}
    upper, lower = rows["upper"], rows["lower"]
    assert (upper.state is State.FRESH) == model.is_fresh(), upper.reasons
    if model.upper is None:
        assert upper.state is State.MISSING
    else:
        assert project.load("upper") == model.upper.value
    if model.lower is not None:
        assert project.load("lower") == model.lower[1]
        settled = model.is_fresh() and model.lower[0] == model.upper.value
        assert (lower.state is State.FRESH) == settled, lower.reasons
    if model.is_fresh() and model.check and model.upper.check == model.check:
        accepted = upper.manifest.checks[0].passed is None
        good = len(model.upper.value) <= model.check.longest
        assert bool(upper.warnings) == (accepted or not good)
        assert good or accepted or model.check.severity == "warn"


def carry_out(model: Model, *, always: bool) -> None:
    """Build, and compare what ran with the model."""
    expected, well = model.build(always=always)
    model.log.unlink(missing_ok=True)
    result = assetmake.open(model.root / "project").build(always=always)
    ran = model.log.read_text().split() if model.log.exists() else []
    assert (ran, result.ok) == (expected, well)
    if well:
        model.log.unlink(missing_ok=True)
        assert assetmake.open(model.root / "project").build().outcomes == ()
        assert not model.log.exists()


@pytest.mark.slow
@settings(
    max_examples=TRIALS,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
    print_blob=True,
)
@example([BUILD, ("longest", 1), BUILD, ("longest", 6), BUILD])
@example([BUILD, ("longest", 1), BUILD, ("severity", "warn"), BUILD, BUILD])
@example([BUILD, ("longest", 1), ("build", True), BUILD, ("raw", "AB"), BUILD])
@example([BUILD, ("longest", 1), ("accept", None), BUILD, ("build", True)])
@example([BUILD, ("remove", None), BUILD, ("raw", "AB"), BUILD, ("longest", 6), BUILD])
@given(st.lists(ACTIONS, min_size=4, max_size=12))
def test_checks_keep_their_promises(actions):
    with tempfile.TemporaryDirectory() as root:
        model = Model(Path(root).resolve())
        model.write()
        for what, value in actions:
            if what == "build":
                carry_out(model, always=bool(value))
            elif what == "accept":
                if model.upper is None:
                    continue
                model.accept()
                assetmake.open(model.root / "project").accept("upper")
            else:
                edit(model, what, value)
            look(model)
