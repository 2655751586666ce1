"""Match the statements of a module, as it was executed, with those of today.

What is sure to be executed as it says is for `certain`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from itertools import zip_longest

from assetmake.code.closure import Model
from assetmake.code.modules import Module
from assetmake.code.outline import Outline, Outliner, Step
from assetmake.look.literal import Undecided


@dataclass(frozen=True)
class Pair:
    """One module as it was executed, and as it is."""

    module: Module
    before: Outline
    after: Outline
    #: Index of each unit of today, by that of the same step of the record.
    units: Mapping[int, int]
    #: Steps of today that are new, or otherwise than recorded.
    fresh: tuple[Step, ...]
    #: Recorded indices of units that are gone.
    gone: frozenset[int]

    @cached_property
    def steps_before(self) -> Mapping[int, Step]:
        """Recorded steps by the index of their unit."""
        return {step.unit: step for step in self.before.steps}

    @cached_property
    def steps_after(self) -> Mapping[int, Step]:
        """Today's steps by the index of their unit."""
        return {step.unit: step for step in self.after.steps}

    @cached_property
    def named(self) -> Mapping[tuple[str, str], Step]:
        """Recorded steps by what tells them apart."""
        return {step.name: step for step in self.before.steps}

    @cached_property
    def changed(self) -> Mapping[int, Step]:
        """What `fresh` holds, by the index of its unit."""
        return {step.unit: step for step in self.fresh}

    def shown(self, step: Step) -> str:
        """Return a step of today as a message names it."""
        unit = self.module.summary.units[step.unit]
        return f"`{unit.name}` ({self.module.file}:{unit.line})"


def pair_of(outliner: Outliner, before: Outline) -> Pair:
    """Return a module of the record, and as it is today.

    Raises:
        Undecided: it is not imported, or executes something else.
    """
    module = outliner.model.modules.at(before.path)
    if module is None or module.path != before.path:
        raise Undecided(f"{before.path} is not imported")
    after = outliner.outline(module)
    units = _matched(before, after, module)
    steps = {step.unit: step for step in after.steps if step.unit >= 0}
    fresh = set(steps) - set(units.values())
    gone = set()
    for step in before.steps:
        if step.unit < 0:
            continue
        now = steps.get(units.get(step.unit, -1))
        if now is None:
            gone.add(step.unit)
        elif (step.around, step.head) != (now.around, now.head):
            fresh.add(now.unit)
    return Pair(
        module,
        before,
        after,
        units,
        tuple(steps[index] for index in sorted(fresh)),
        frozenset(gone),
    )


def _matched(before: Outline, after: Outline, module: Module) -> dict[int, int]:
    """Return the index of each unit of today by that of the same one before.

    Raises:
        Undecided: what is executed is not the same, in the same order.
    """
    common = {step.name for step in before.steps} & {step.name for step in after.steps}
    old = [step for step in before.steps if step.kind == "run" or step.name in common]
    new = [step for step in after.steps if step.kind == "run" or step.name in common]
    for one, other in zip_longest(old, new):
        if (
            one is None
            or other is None
            or one.name != other.name
            or (
                one.kind == "run"
                and (one.around, one.head) != (other.around, other.head)
            )
        ):
            step = other or one
            where = module.file
            if step.unit >= 0 and other is not None:
                where = f"{where}:{module.summary.units[step.unit].line}"
            raise Undecided(f"`{step.key}` ({where}) is executed, and is new or other")
    return {one.unit: other.unit for one, other in zip(old, new, strict=True)}


def text_of(model: Model, module: Module, index: int) -> str:
    """Return the text of a statement at module level."""
    first, column, last, end = module.summary.units[index].at
    return model.lines(module).part((first, column, last, end))
