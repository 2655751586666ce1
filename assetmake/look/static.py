"""Tell what the Assetfile defines without executing it, where that is certain.

The sources of today are compared with the record of the last load: what is
executed when the Assetfile is loaded has to be the same, down to all that it
leads to. Only plain definitions, of functions, of assets, of checks, of literals
and of sources, may be new, other or gone; what those say is read off their text.
In any doubt nothing is told, and the Assetfile is loaded.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from itertools import zip_longest
from pathlib import Path
from types import FunctionType
from typing import Any, NamedTuple, TypeVar, cast

from assetmake.assetfile.defined import Checked, Defined, Shape, settle
from assetmake.assets import Asset, Source
from assetmake.checks import Check, bind
from assetmake.code.closure import Code, Model
from assetmake.code.draft import ASSET
from assetmake.code.kept import Summaries
from assetmake.code.live import Live, Site, Told
from assetmake.code.modules import Module
from assetmake.code.outline import Outline, Outliner, Step
from assetmake.code.parts import Place
from assetmake.code.records import YIELDS
from assetmake.errors import AssetmakeError
from assetmake.look.literal import (
    Undecided,
    asset_said,
    check_said,
    compiles,
    line_said,
    parameters_said,
    source_said,
)
from assetmake.look.recorded import (
    AssetFacts,
    CheckFacts,
    Recorded,
    SourceFacts,
    Spot,
    entered_by,
    line_of,
    stamp,
    text_digest,
)
from assetmake.names import folded
from assetmake.words.functions import NO_DEFAULT, Parameter

__all__ = ["Undecided", "define_unloaded"]

#: Kinds of references that executing an expression follows at most by name.
_FOLLOWED = frozenset({"name", "mention", "dotted", "script"})

#: Stands for the default of a parameter.
_UNKNOWN = object()

_NOTHING_SAID: Mapping[str, Any] = {"upstream": {}, "columns": None}

_Item = TypeVar("_Item")


def define_unloaded(
    assetfile: Path,
    root: Path,
    recorded: Recorded,
    summaries: Summaries | None = None,
) -> Defined:
    """Return what a load of today's sources would define.

    Args:
        assetfile: The Assetfile.
        root: The project's directory.
        recorded: What the last load told.
        summaries: Of files that were read before; see `Code`.

    Raises:
        Undecided: only a load can tell.
    """
    if recorded.doubts:
        raise Undecided(recorded.doubts[0])
    if recorded.here and os.getcwd() != recorded.here:
        raise Undecided("it looks at files by way of the working directory")
    for path, known in recorded.stamps.items():
        if stamp(path) != known:
            raise Undecided(f"{path} changed, which was looked at to load it")
    try:
        files = {Path(path): Path(path).read_bytes() for path in recorded.imported}
        code = Code(root, assetfile, files, summaries=summaries)
        today = _Today(code.model(), recorded)
        assets = today.assets()
        live = {item.asset.name: item.live for item in assets}
        found = settle(
            [item.asset for item in assets],
            today.sources(),
            root,
            shapes={item.asset.name: item.shape for item in assets},
            imported=recorded.imported,
            seen=recorded.seen_again(),
            settle_code=lambda: (code, live),
        )
        found.checks = today.checks(found)
    except (AssetmakeError, OSError) as error:
        # What is wrong, a load tells in its own words.
        raise Undecided(f"it may be wrong: {error}") from error
    return found


class _Declared(NamedTuple):
    """An asset as the sources of today declare it."""

    asset: Asset
    live: Live
    shape: Shape


@dataclass(frozen=True)
class _Pair:
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


class _Today:
    """The sources as they are, against the record of the last load."""

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
        self._imports_are_bound()

    def _pair(self, before: Outline) -> _Pair:
        module = self.model.modules.at(before.path)
        if module is None or module.path != before.path:
            raise Undecided(f"{before.path} is not imported")
        after = self.outliner.outline(module)
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
        found = _Pair(
            module,
            before,
            after,
            units,
            tuple(steps[index] for index in sorted(fresh)),
            frozenset(gone),
        )
        self._check(found)
        return found

    def _check(self, pair: _Pair) -> None:
        """Raise unless what is new in a module is sure to be executed as it says."""
        if pair.before.digest != pair.after.digest:
            self._compiles(pair)
        for step in pair.fresh:
            if step.kind == "source":
                self._calls(pair, step)
            elif step.kind in ("def", "asset", "check"):
                before = pair.named.get(step.name)
                around = before.around if before else ""
                if step.kind == "def" and step.around != around:
                    raise Undecided(f"{self._named(pair, step)} has other decorators")
                self._evaluates(pair, step)

    def _compiles(self, pair: _Pair) -> None:
        """Raise unless a file that changed is sure to be compiled."""
        module = pair.module
        data = self.model.sources.read(module.path)
        if b"overload" in data:  # what such functions evaluate is not outlined
            raise Undecided(f"{module.file} may have overloads")
        tested = any(step.key.startswith("test ") for step in pair.after.steps)
        if tested or b"__future__" in data or b"global" in data:
            compiles(data)
            return
        known = {(step.name, step.code, step.docs) for step in pair.before.steps}
        for step in pair.after.steps:
            if step.unit >= 0 and (step.name, step.code, step.docs) not in known:
                compiles(self._text(module, step.unit))

    def _text(self, module: Module, index: int) -> str:
        """Return the text of a statement at module level."""
        first, column, last, end = module.summary.units[index].at
        return self.model.lines(module).part((first, column, last, end))

    def _named(self, pair: _Pair, step: Step) -> str:
        unit = pair.module.summary.units[step.unit]
        return f"`{unit.name}` ({pair.module.file}:{unit.line})"

    def _evaluates(self, pair: _Pair, step: Step) -> None:
        """Raise unless annotations and default values are sure to be evaluated."""
        module = pair.module
        self._calls(pair, step)
        unit = module.summary.units[step.unit]
        for piece in self.outliner.pieces(module, unit):
            if piece.literal:
                continue
            names = [ref[1] for ref, _ in piece.refs if ref[0] == "name"]
            others = any(ref[0] not in _FOLLOWED for ref, _ in piece.refs)
            known = self.outliner.expression(module, piece) in pair.before.evaluated
            bound = all(self._is_bound(module, name, step.unit) for name in names)
            if others or not bound or not (known or piece.bare):
                raise Undecided(f"{self._named(pair, step)} evaluates other code")

    def _calls(self, pair: _Pair, step: Step) -> None:
        """Raise unless what a statement calls is bound before it."""
        unit = pair.module.summary.units[step.unit]
        around = [ref for call in unit.decorators for ref, _ in call.refs]
        refs = around if unit.kind == "def" else [ref for ref, _ in unit.now]
        names = [ref[1] for ref in refs if ref[0] == "name"]
        if not all(self._is_bound(pair.module, name, step.unit) for name in names):
            raise Undecided(f"{self._named(pair, step)} calls what is not there yet")

    def _is_bound(self, module: Module, name: str, index: int) -> bool:
        """Return whether a name has a value before a statement is executed."""
        found = module.summary.bindings.get(name, ())
        if not found:
            targets = self.model.resolver.resolve(module, ("name", name, ()))
            return all(target.name.startswith("builtin:") for target in targets)
        imported: set[str] = set()
        for kind, base, unit in module.summary.events:
            if kind == "unit" and unit == index:
                break
            if kind == "load":
                # `import a.b` loads `a.b`, and binds `a`.
                imported |= {str(base), str(base).partition(".")[0]}
        return any(
            not one.guards
            and (one.unit < index if one.unit >= 0 else one.source in imported)
            for one in found
        )

    def _imports_are_bound(self) -> None:
        """Raise if something may be imported by name that is no longer there."""
        lost = {
            pair.module.index
            for pair in self.pairs.values()
            if not pair.before.names <= pair.after.names
        }
        if not lost:
            return
        for pair in self.pairs.values():
            for found in pair.module.summary.bindings.values():
                for binding in found:
                    if binding.unit < 0 and ":" in binding.source:
                        ref = ("import", binding.source, ())
                        targets = self.model.resolver.resolve(pair.module, ref)
                        if any(t.name.startswith("missing:") for t in targets):
                            raise Undecided(f"{binding.source} is not there")
            if pair.module.index in lost and pair.module.summary.exports is not None:
                raise Undecided(f"{pair.module.file} binds other names")

    # What is declared ------------------------------------------------------------

    def assets(self) -> list[_Declared]:
        """Return the assets of today, in the order of their declaration."""
        found: list[tuple[int, _Declared]] = []
        declared: set[tuple[str, int]] = set()
        for facts in self.recorded.assets:
            where = facts.live.where
            if where is not None:
                declared.add((where.path, where.unit))
                if self._is_gone(where):
                    continue
            found.append((self._number(where), self._asset(facts)))
        for pair, step, before in self._fresh("asset"):
            if before is None:
                item = self._new_asset(pair, step, None)
                found.append((self.order[pair.module.index, step.unit], item))
            elif (pair.module.path, before.unit) not in declared:
                raise Undecided(f"{self._named(pair, step)} declared no asset")
        found = self._in_order(found)
        _refuse_neighbours([item.asset.name for _, item in found])
        return [item for _, item in found]

    def sources(self) -> list[Source]:
        """Return the sources of today, in the order of their declaration."""
        found = [
            (self._number(facts.place.site), self._source(facts))
            for facts in self.recorded.sources
            if not self._is_gone(facts.place.site)
        ]
        for pair, step, _ in self._fresh("source"):
            number = self.order[pair.module.index, step.unit]
            found.append((number, self._new_source(pair, step)))
        return [source for _, source in self._in_order(found)]

    def checks(self, defined: Defined) -> dict[str, tuple[Checked, ...]]:
        """Return the checks of today, by asset."""
        found: dict[str, list[tuple[int, Checked]]] = {}
        declared: set[tuple[str, int]] = set()
        for facts in self.recorded.checks:
            where = facts.live.where
            pair = self.pairs.get(where.path) if where is not None else None
            if where is None or pair is None:
                raise Undecided(f"check `{facts.name}` is declared elsewhere")
            declared.add((where.path, where.unit))
            step = pair.changed.get(pair.units.get(where.unit, -1))
            if self._is_gone(where) or (step is not None and step.kind == "check"):
                continue
            name, live = self._checked(facts, defined), self._live(facts.live)
            item = self._bound(self._check_of(facts, live), name, live, defined)
            found.setdefault(name, []).append((self._number(where), item))
        for pair, step, before in self._fresh("check"):
            if before and (pair.module.path, before.unit) not in declared:
                raise Undecided(f"{self._named(pair, step)} declared no check")
            check, live, names = self._new_check(pair, step, defined)
            number = self.order[pair.module.index, step.unit]
            for name in names:
                item = self._bound(check, name, live, defined)
                found.setdefault(name, []).append((number, item))
        return {name: self._of_one(name, items) for name, items in found.items()}

    def _of_one(
        self, asset: str, found: list[tuple[int, Checked]]
    ) -> tuple[Checked, ...]:
        items = tuple(item for _, item in self._in_order(found))
        names = {item.bound.check.name for item in items}
        if len(names) != len(items):
            raise Undecided(f"`{asset}` may have two checks of one name")
        return items

    def _checked(self, facts: CheckFacts, defined: Defined) -> str:
        """Return the name of today of the asset that a check was of."""
        if facts.is_named:
            if facts.asset not in defined.assets:
                raise Undecided(f"check `{facts.name}` is of `{facts.asset}`")
            return facts.asset
        before = self._live_before[facts.asset]
        where = before.where and self._site(before.where)
        for name, live in defined.live.items():
            renamed = before.own and live.own  # a plain statement declares one asset
            if live.where == where and (renamed or name == facts.asset):
                return name
        raise Undecided(f"`{facts.name}` checks another asset")

    @cached_property
    def _live_before(self) -> Mapping[str, Live]:
        return {facts.name: facts.live for facts in self.recorded.assets}

    def _bound(self, check: Check, name: str, live: Live, defined: Defined) -> Checked:
        known = {**defined.assets, **defined.sources}
        root = Path(self.model.modules.root)
        bound = bind(check, name, defined.resolved[name], known, root)
        closure = defined.code.trace(live, settings=bound.settings)
        return Checked(bound, closure, live)

    def _check_of(self, facts: CheckFacts, live: Live) -> Check:
        """Return a check that the last load declared, as it is today."""
        place = self._place(facts.place)
        where = live.where
        if where is None:
            raise Undecided(f"check `{facts.name}` is declared elsewhere")
        first = self.pairs[where.path].module.summary.units[where.unit].at[0]
        return Check(
            name=facts.name,
            function=_unloaded,
            plain=cast("FunctionType", _unloaded),
            place=place,
            registered=Place(where.path, first),
            parameters=_parameters(facts.parameters),
            targets=facts.targets,
            severity=facts.severity,
            description=facts.description,
        )

    def _new_check(
        self, pair: _Pair, step: Step, defined: Defined
    ) -> tuple[Check, Live, list[str]]:
        """Return a check that a plain definition declares, and of which assets."""
        module = pair.module
        unit = module.summary.units[step.unit]
        parameters = parameters_said(unit.head)
        if unit.flags & YIELDS or not parameters:
            raise Undecided(f"{self._named(pair, step)} is for a load to judge")
        said = check_said(self._text(module, step.unit))
        names = [
            name
            for target in said.targets
            for name in self._targeted(module, target, defined)
        ]
        site = Site(module.path, step.unit, -1, direct=True)
        live = Live(site._replace(direct=False), site, own=True)
        check = Check(
            name=said.name,
            function=_unloaded,
            plain=cast("FunctionType", _unloaded),
            place=Place(module.path, unit.line),
            registered=Place(module.path, unit.at[0]),
            parameters=_parameters(parameters),
            targets=tuple(
                target if isinstance(target, str) else self._function(module, target)[1]
                for target in said.targets
            ),
            severity=said.severity,
            description=said.description,
        )
        return check, live, list(dict.fromkeys(names))

    def _targeted(
        self, module: Module, target: str | tuple[str, ...], defined: Defined
    ) -> list[str]:
        """Return the assets that an argument of ``check`` stands for."""
        if isinstance(target, str):
            found = [target] if target in defined.assets else []
        else:
            site, _ = self._function(module, target)
            found = [name for name, live in defined.live.items() if live.site == site]
        if not found:
            raise Undecided(f"a check is of `{target}`")
        return found

    def _function(self, module: Module, target: tuple[str, ...]) -> tuple[Site, str]:
        """Return the function that a name stands for, and its own name."""
        ref = ("name", target[0], target[1:])
        found = self.model.resolver.resolve(module, ref, decorating=True)
        if len(found) != 1 or found[0].kind != "unit" or found[0].rest:
            raise Undecided(f"a check is of `{'.'.join(target)}`")
        other = self.model.modules.found[found[0].module]
        index = found[0].position
        name = other.summary.units[index].name
        return Site(other.path, index, -1, direct=True), name

    def _fresh(self, kind: str) -> Iterator[tuple[_Pair, Step, Step | None]]:
        for pair in self.pairs.values():
            for step in pair.fresh:
                if step.kind == kind:
                    yield pair, step, pair.named.get(step.name)

    def _in_order(self, found: list[tuple[int, _Item]]) -> list[tuple[int, _Item]]:
        """Return what is declared, by when its statement is executed."""
        if self.recorded.ordered:
            return sorted(found, key=lambda item: item[0])
        if any(pair.fresh for pair in self.pairs.values()):
            raise Undecided("assets are declared in another order than they stand")
        return found

    def _asset(self, facts: AssetFacts) -> _Declared:
        """Return an asset that the last load declared, as it is today."""
        where = facts.live.where
        pair = self.pairs.get(where.path) if where is not None else None
        if where is None or pair is None:
            raise Undecided(f"`{facts.name}` is declared elsewhere")
        index = pair.units[where.unit]
        step = pair.changed.get(index)
        if step is not None and step.kind == "asset":
            return self._new_asset(pair, step, facts)
        options = facts.options
        site = facts.live.site
        before = pair.steps_before[where.unit]
        after = pair.steps_after[index]
        if before.docs != after.docs and site is not None and site.direct:
            said = asset_said(self._text(pair.module, index), options_wanted=False)
            if "description" not in said.given:
                options = {**options, "description": said.description}
        asset = self._made(
            facts.name,
            self._place(facts.place),
            Place(facts.place.file, pair.module.summary.units[index].at[0]),
            facts.parameters,
            options,
        )
        return _Declared(asset, self._live(facts.live), facts.shape)

    def _new_asset(
        self, pair: _Pair, step: Step, facts: AssetFacts | None
    ) -> _Declared:
        """Return an asset that a plain definition declares, as its text says."""
        module = pair.module
        unit = module.summary.units[step.unit]
        callee = unit.decorators[0].callee
        targets = (
            self.model.resolver.resolve(module, callee, decorating=True)
            if callee is not None
            else ()
        )
        if [target.name in ASSET for target in targets] != [True]:
            raise Undecided(f"{self._named(pair, step)} is declared indirectly")
        if unit.flags & YIELDS:
            raise Undecided(f"{self._named(pair, step)} yields")
        parameters = parameters_said(unit.head)
        before = pair.named.get(step.name)
        kept = facts is not None and before is not None and before.around == step.around
        said = asset_said(self._text(module, step.unit), options_wanted=not kept)
        if kept and facts is not None:
            name, options = facts.name, dict(facts.options)
            if "description" not in said.given:
                options["description"] = said.description
        else:
            name, options = said.name, {**_NOTHING_SAID, **said.options}
            options.setdefault("description", said.description)
        for parameter in options["upstream"]:
            if parameter not in {other for other, _ in parameters}:
                raise Undecided(f"`{name}` renames what is no parameter")
        site = Site(module.path, step.unit, -1, direct=True)
        where = site._replace(direct=False)
        place = Place(module.path, unit.line)
        registered = Place(module.path, unit.at[0])
        asset = self._made(name, place, registered, parameters, options)
        schema = facts.shape.schema if kept and facts is not None else None
        shape = Shape(self._is_open(pair, step), schema)
        return _Declared(asset, Live(where, site, own=True), shape)

    def _is_open(self, pair: _Pair, step: Step) -> bool:
        """Return whether an annotation leaves open that a result is pickled."""
        module = pair.module
        found = self.outliner.returned(module, module.summary.units[step.unit])
        if not found:
            return True
        if found not in pair.before.returned:
            raise Undecided(f"{self._named(pair, step)} is annotated otherwise")
        return pair.before.returned[found]

    def _made(
        self,
        name: str,
        place: Place,
        registered: Place,
        parameters: tuple[tuple[str, bool], ...],
        options: Mapping[str, Any],
    ) -> Asset:
        return Asset(
            name=name,
            function=_unloaded,
            plain=cast("FunctionType", _unloaded),
            place=place,
            registered=registered,
            parameters=_parameters(parameters),
            **options,
        )

    def _source(self, facts: SourceFacts) -> Source:
        return Source(name=facts.name, place=self._place(facts.place), **facts.options)

    def _new_source(self, pair: _Pair, step: Step) -> Source:
        """Return a source as the text of a plain call declares it."""
        line, values = source_said(self._text(pair.module, step.unit))
        first = pair.module.summary.units[step.unit].at[0]
        return Source(place=Place(pair.module.path, first + line - 1), **values)

    # What moved ------------------------------------------------------------------

    def _is_gone(self, site: Site | None) -> bool:
        pair = self.pairs.get(site.path) if site is not None else None
        return pair is not None and site is not None and site.unit in pair.gone

    def _number(self, site: Site | None) -> int:
        """Return when a statement of the record is executed today."""
        if site is None:
            return -1
        now = self._site(site)
        module = self.pairs[site.path].module
        return self.order.get((module.index, now.unit), -1)

    def _site(self, site: Site) -> Site:
        """Return a place of the record as it is today."""
        pair = self.pairs.get(site.path)
        index = pair.units.get(site.unit) if pair is not None else None
        if index is None:
            raise Undecided(f"{site.path} holds another function")
        return site._replace(unit=index)

    def _place(self, spot: Spot) -> Place:
        if spot.site is None:
            return Place(spot.file, spot.line)
        site = self._site(spot.site)
        module = self.pairs[site.path].module
        if spot.offset < 0:
            return Place(spot.file, line_of(module, site))
        first, offset = module.summary.units[site.unit].at[0], spot.offset
        if text_digest(self.model.lines(module), module, site.unit) != spot.text:
            offset = line_said(self._text(module, site.unit), spot.name) - 1
        return Place(spot.file, first + offset)

    def _live(self, live: Live) -> Live:
        return Live(
            live.where and self._site(live.where),
            live.site and self._site(live.site),
            live.own,
            live.around and self._told(live.around),
            tuple(map(self._told, live.values)),
        )

    def _told(self, told: Told) -> Told:
        referred = (
            item if item.site is None else item._replace(site=self._site(item.site))
            for item in told.referred
        )
        return told._replace(referred=tuple(referred))


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


def _refuse_neighbours(names: list[str]) -> None:
    """Raise if two assets may be in each other's way; a load says how."""
    places = [folded(name) for name in names]
    known = set(places)
    above = {
        "/".join(parts[:depth])
        for parts in (place.split("/") for place in places)
        for depth in range(1, len(parts))
    }
    if len(known) != len(places) or not known.isdisjoint(above):
        raise Undecided("two assets are in each other's way")


def _parameters(found: tuple[tuple[str, bool], ...]) -> tuple[Parameter, ...]:
    return tuple(
        Parameter(name, None, _UNKNOWN if has_default else NO_DEFAULT)
        for name, has_default in found
    )


def _unloaded(*_given: Any, **_named: Any) -> None:
    """Stand for a function that was not loaded; a build loads before it calls."""
    msg = "the Assetfile was not loaded"
    raise AssertionError(msg)
