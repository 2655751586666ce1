"""The sources as they are, against the record of the last load: what is where.

What they declare is for `static` and `static_checks`.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, TypeVar

from assetmake.code.closure import Model
from assetmake.code.live import Live, Site, Told
from assetmake.code.outline import Outline, Outliner, Step
from assetmake.code.parts import Place
from assetmake.look.certain import check_executed, check_imported
from assetmake.look.facts import Recorded, Spot
from assetmake.look.literal import Undecided, line_said
from assetmake.look.pairs import Pair, pair_of, text_of
from assetmake.look.recorded import entered_by, line_of, text_digest
from assetmake.words.functions import NO_DEFAULT, Parameter

#: Stands for the default of a parameter.
_UNKNOWN = object()

_Item = TypeVar("_Item")


class Today:
    """The modules of the record, each as it was executed and as it is.

    Raises:
        Undecided: they are not sure to be executed as they say.
    """

    def __init__(self, model: Model, recorded: Recorded) -> None:
        self.model = model
        self.recorded = recorded
        self.outliner = Outliner(model)
        if entered_by(model.loading) != recorded.entered:
            raise Undecided("other modules are imported")
        self.order = {key: number for number, key in enumerate(model.loading.executed)}
        self.pairs = {
            outline.path: self._pair(outline) for outline in recorded.outlines
        }
        check_imported(model, self.pairs.values())

    def _pair(self, before: Outline) -> Pair:
        found = pair_of(self.outliner, before)
        check_executed(self.outliner, found)
        return found

    def fresh(self, kind: str) -> Iterator[tuple[Pair, Step, Step | None]]:
        """Yield what is new of a kind: its module, it, and the same one before."""
        for pair in self.pairs.values():
            for step in pair.fresh:
                if step.kind == kind:
                    yield pair, step, pair.named.get(step.name)

    def in_order(self, found: list[tuple[int, _Item]]) -> list[tuple[int, _Item]]:
        """Return what is declared, by when its statement is executed."""
        if self.recorded.ordered:
            return sorted(found, key=lambda item: item[0])
        if any(pair.fresh for pair in self.pairs.values()):
            raise Undecided("assets are declared in another order than they stand")
        return found

    def is_gone(self, site: Site | None) -> bool:
        """Return whether a statement of the record is no longer there."""
        pair = self.pairs.get(site.path) if site is not None else None
        return pair is not None and site is not None and site.unit in pair.gone

    def number(self, site: Site | None) -> int:
        """Return when a statement of the record is executed today."""
        if site is None:
            return -1
        now = self.site(site)
        module = self.pairs[site.path].module
        return self.order.get((module.index, now.unit), -1)

    def site(self, site: Site) -> Site:
        """Return a statement of the record as it is today."""
        pair = self.pairs.get(site.path)
        index = pair.units.get(site.unit) if pair is not None else None
        if index is None:
            raise Undecided(f"{site.path} holds another function")
        return site._replace(unit=index)

    def place(self, spot: Spot) -> Place:
        """Return a place of the record as it is today."""
        if spot.site is None:
            return Place(spot.file, spot.line)
        site = self.site(spot.site)
        module = self.pairs[site.path].module
        if spot.offset < 0:
            return Place(spot.file, line_of(module, site))
        first, offset = module.summary.units[site.unit].at[0], spot.offset
        if text_digest(self.model.lines(module), module, site.unit) != spot.text:
            offset = line_said(text_of(self.model, module, site.unit), spot.name) - 1
        return Place(spot.file, first + offset)

    def live(self, live: Live) -> Live:
        """Return what a function of the record is, as it is today."""
        return Live(
            live.where and self.site(live.where),
            live.site and self.site(live.site),
            live.own,
            live.around and self._told(live.around),
            tuple(map(self._told, live.values)),
        )

    def _told(self, told: Told) -> Told:
        referred = (
            item if item.site is None else item._replace(site=self.site(item.site))
            for item in told.referred
        )
        return told._replace(referred=tuple(referred))


def parameters_of(found: tuple[tuple[str, bool], ...]) -> tuple[Parameter, ...]:
    """Return parameters by their names, and whether they have a default."""
    return tuple(
        Parameter(name, None, _UNKNOWN if has_default else NO_DEFAULT)
        for name, has_default in found
    )


def unloaded(*_given: Any, **_named: Any) -> None:
    """Stand for a function that was not loaded; a build loads before it calls."""
    msg = "the Assetfile was not loaded"
    raise AssertionError(msg)
