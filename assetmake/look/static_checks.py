"""Tell what checks the Assetfile declares without executing it; see `static`."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from pathlib import Path
from types import FunctionType
from typing import cast

from assetmake.assetfile.defined import Checked, Defined
from assetmake.checks import Check, bind
from assetmake.code.live import Live, Site
from assetmake.code.modules import Module
from assetmake.code.outline import Step
from assetmake.code.parts import Place
from assetmake.code.records import YIELDS
from assetmake.look.facts import CheckFacts
from assetmake.look.literal import Undecided, check_said, parameters_said
from assetmake.look.pairs import Pair, text_of
from assetmake.look.today import Today, parameters_of, unloaded


def checks_of(today: Today, defined: Defined) -> dict[str, tuple[Checked, ...]]:
    """Return the checks of today, by asset.

    Raises:
        Undecided: only a load can tell.
    """
    return _Checks(today, defined).all()


class _Checks:
    """What the sources of today declare, of the assets that they define."""

    def __init__(self, today: Today, defined: Defined) -> None:
        self.today = today
        self.defined = defined

    def all(self) -> dict[str, tuple[Checked, ...]]:
        """Return the checks of today, by asset."""
        found: dict[str, list[tuple[int, Checked]]] = {}
        declared: set[tuple[str, int]] = set()
        for facts in self.today.recorded.checks:
            where = facts.live.where
            pair = self.today.pairs.get(where.path) if where is not None else None
            if where is None or pair is None:
                raise Undecided(f"check `{facts.name}` is declared elsewhere")
            declared.add((where.path, where.unit))
            step = pair.changed.get(pair.units.get(where.unit, -1))
            if self.today.is_gone(where) or (step is not None and step.kind == "check"):
                continue
            name, live = self._checked(facts), self.today.live(facts.live)
            item = self._bound(self._check_of(facts, live), name, live)
            found.setdefault(name, []).append((self.today.number(where), item))
        for pair, step, before in self.today.fresh("check"):
            if before and (pair.module.path, before.unit) not in declared:
                raise Undecided(f"{pair.shown(step)} declared no check")
            check, live, names = self._new_check(pair, step)
            number = self.today.order[pair.module.index, step.unit]
            for name in names:
                item = self._bound(check, name, live)
                found.setdefault(name, []).append((number, item))
        return {name: self._of_one(name, items) for name, items in found.items()}

    def _of_one(
        self, asset: str, found: list[tuple[int, Checked]]
    ) -> tuple[Checked, ...]:
        items = tuple(item for _, item in self.today.in_order(found))
        names = {item.bound.check.name for item in items}
        if len(names) != len(items):
            raise Undecided(f"`{asset}` may have two checks of one name")
        return items

    def _checked(self, facts: CheckFacts) -> str:
        """Return the name of today of the asset that a check was of."""
        if facts.is_named:
            if facts.asset not in self.defined.assets:
                raise Undecided(f"check `{facts.name}` is of `{facts.asset}`")
            return facts.asset
        before = self._live_before[facts.asset]
        where = before.where and self.today.site(before.where)
        for name, live in self.defined.live.items():
            renamed = before.own and live.own  # a plain statement declares one asset
            if live.where == where and (renamed or name == facts.asset):
                return name
        raise Undecided(f"`{facts.name}` checks another asset")

    @cached_property
    def _live_before(self) -> Mapping[str, Live]:
        return {facts.name: facts.live for facts in self.today.recorded.assets}

    def _bound(self, check: Check, name: str, live: Live) -> Checked:
        known = {**self.defined.assets, **self.defined.sources}
        root = Path(self.today.model.modules.root)
        bound = bind(check, name, self.defined.resolved[name], known, root)
        closure = self.defined.code.trace(live, settings=bound.settings)
        return Checked(bound, closure, live)

    def _check_of(self, facts: CheckFacts, live: Live) -> Check:
        """Return a check that the last load declared, as it is today."""
        place = self.today.place(facts.place)
        where = live.where
        if where is None:
            raise Undecided(f"check `{facts.name}` is declared elsewhere")
        first = self.today.pairs[where.path].module.summary.units[where.unit].at[0]
        return Check(
            name=facts.name,
            function=unloaded,
            plain=cast("FunctionType", unloaded),
            place=place,
            registered=Place(where.path, first),
            parameters=parameters_of(facts.parameters),
            targets=facts.targets,
            severity=facts.severity,
            description=facts.description,
        )

    def _new_check(self, pair: Pair, step: Step) -> tuple[Check, Live, list[str]]:
        """Return a check that a plain definition declares, and of which assets."""
        module = pair.module
        unit = module.summary.units[step.unit]
        parameters = parameters_said(unit.head)
        if unit.flags & YIELDS or not parameters:
            raise Undecided(f"{pair.shown(step)} is for a load to judge")
        said = check_said(text_of(self.today.model, module, step.unit))
        names = [
            name for target in said.targets for name in self._targeted(module, target)
        ]
        site = Site(module.path, step.unit, -1, direct=True)
        live = Live(site._replace(direct=False), site, own=True)
        check = Check(
            name=said.name,
            function=unloaded,
            plain=cast("FunctionType", unloaded),
            place=Place(module.path, unit.line),
            registered=Place(module.path, unit.at[0]),
            parameters=parameters_of(parameters),
            targets=tuple(
                target if isinstance(target, str) else self._function(module, target)[1]
                for target in said.targets
            ),
            severity=said.severity,
            description=said.description,
        )
        return check, live, list(dict.fromkeys(names))

    def _targeted(self, module: Module, target: str | tuple[str, ...]) -> list[str]:
        """Return the assets that an argument of ``check`` stands for."""
        if isinstance(target, str):
            found = [target] if target in self.defined.assets else []
        else:
            site, _ = self._function(module, target)
            found = [
                name for name, live in self.defined.live.items() if live.site == site
            ]
        if not found:
            raise Undecided(f"a check is of `{target}`")
        return found

    def _function(self, module: Module, target: tuple[str, ...]) -> tuple[Site, str]:
        """Return the function that a name stands for, and its own name."""
        ref = ("name", target[0], target[1:])
        found = self.today.model.resolver.resolve(module, ref, decorating=True)
        if len(found) != 1 or found[0].kind != "unit" or found[0].rest:
            raise Undecided(f"a check is of `{'.'.join(target)}`")
        other = self.today.model.modules.found[found[0].module]
        index = found[0].position
        name = other.summary.units[index].name
        return Site(other.path, index, -1, direct=True), name
