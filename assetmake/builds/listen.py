"""What a build tells: the outcome of each step, and the result of all."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from assetmake.builds.checking import CheckRan
    from assetmake.builds.plan import Plan
    from assetmake.builds.run import Failed
    from assetmake.code.parts import Note


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one step of a plan.

    Attributes:
        name: The asset's.
        kind: ``built``, ``checked`` (just its checks ran, on the stored table),
            ``fresh`` (spared, because data above came out the same),
            ``failed``, ``skipped`` (it needs what failed), ``stopped``
            (interrupted while it ran) or ``not started``.
        seconds: Wall time of the run.
        rows: Of the new table; None for what is no table.
        bytes: Of the new files.
        same_data: Whether the data came out as it was.
        failed: How it failed.
        needs: The failed asset that a skipped one needs.
        kept: Where a table changed by hand was copied to.
        printed: What the function wrote to stdout and stderr.
        checks: What each check of the asset said.
        is_stored: Of one that failed, whether a table of before is stored.
    """

    name: str
    kind: str
    seconds: float = 0.0
    rows: int | None = None
    bytes: int = 0
    same_data: bool = False
    failed: Failed | None = None
    needs: str = ""
    kept: str = ""
    printed: str = ""
    checks: tuple[CheckRan, ...] = ()
    is_stored: bool = True


@dataclass(frozen=True, slots=True)
class Result:
    """What a build did, step by step.

    Attributes:
        outcomes: One a step of the plan, in the order they ended.
        fresh: Number of selected assets that needed nothing.
        seconds: Wall time of the whole.
        interrupted: Whether Ctrl-C ended it.
        notes: What the assets that were built declare, and is not there.
    """

    outcomes: tuple[Outcome, ...]
    fresh: int
    seconds: float
    interrupted: bool = False
    notes: tuple[Note, ...] = ()

    @property
    def ok(self) -> bool:
        """Whether everything selected is fresh now."""
        return all(
            outcome.kind in ("built", "checked", "fresh") for outcome in self.outcomes
        )

    def count(self, kind: str) -> int:
        """Return the number of outcomes of one kind."""
        return sum(outcome.kind == kind for outcome in self.outcomes)


class Listener:
    """Is told how a build goes on; this one does nothing with it."""

    def planned(self, plan: Plan) -> None:
        """Take what will be done; called once, before the first step."""

    def waiting(self, owner: str) -> None:
        """Take whose build holds the store, before waiting for it."""

    def started(self, name: str) -> None:
        """Take the name of an asset that is looked at now."""

    def finished(self, outcome: Outcome) -> None:
        """Take what became of a step."""
