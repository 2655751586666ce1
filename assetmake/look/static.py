"""Tell what the Assetfile defines without executing it, where that is certain.

The sources of today are compared with the record of the last load: what is
executed when the Assetfile is loaded has to be the same, down to all that it
leads to. Only plain definitions, of functions, of assets, of checks, of literals
and of sources, may be new, other or gone; what those say is read off their text.
In any doubt nothing is told, and the Assetfile is loaded.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from types import FunctionType
from typing import Any, NamedTuple, cast

from assetmake.assetfile.defined import Defined, Shape, settle
from assetmake.assets import Asset, Source
from assetmake.code.closure import Code
from assetmake.code.draft import ASSET
from assetmake.code.kept import Summaries
from assetmake.code.live import Live, Site
from assetmake.code.outline import Step
from assetmake.code.parts import Place
from assetmake.code.records import YIELDS
from assetmake.errors import AssetmakeError
from assetmake.look.facts import AssetFacts, Recorded, SourceFacts
from assetmake.look.literal import (
    Undecided,
    asset_said,
    parameters_said,
    source_said,
)
from assetmake.look.pairs import Pair, text_of
from assetmake.look.recorded import stamp
from assetmake.look.static_checks import checks_of
from assetmake.look.today import Today, parameters_of, unloaded
from assetmake.names import folded

__all__ = ["Undecided", "define_unloaded"]

#: Kinds of references that executing an expression follows at most by name.
_FOLLOWED = frozenset({"name", "mention", "dotted", "script"})

#: Stands for the default of a parameter.
_UNKNOWN = object()

_NOTHING_SAID: Mapping[str, Any] = {"upstream": {}, "columns": None}


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
        today = Today(code.model(), recorded)
        declared = _Declarations(today)
        assets = declared.assets()
        live = {item.asset.name: item.live for item in assets}
        found = settle(
            [item.asset for item in assets],
            declared.sources(),
            root,
            shapes={item.asset.name: item.shape for item in assets},
            imported=recorded.imported,
            seen=recorded.seen_again(),
            settle_code=lambda: (code, live),
        )
        found.checks = checks_of(today, found)
    except (AssetmakeError, OSError) as error:
        # What is wrong, a load tells in its own words.
        raise Undecided(f"it may be wrong: {error}") from error
    return found


class _Declared(NamedTuple):
    """An asset as the sources of today declare it."""

    asset: Asset
    live: Live
    shape: Shape


class _Declarations:
    """The assets and sources that the sources of today declare."""

    def __init__(self, today: Today) -> None:
        self.today = today

    def assets(self) -> list[_Declared]:
        """Return the assets of today, in the order of their declaration."""
        found: list[tuple[int, _Declared]] = []
        declared: set[tuple[str, int]] = set()
        for facts in self.today.recorded.assets:
            where = facts.live.where
            if where is not None:
                declared.add((where.path, where.unit))
                if self.today.is_gone(where):
                    continue
            found.append((self.today.number(where), self._asset(facts)))
        for pair, step, before in self.today.fresh("asset"):
            if before is None:
                item = self._new_asset(pair, step, None)
                found.append((self.today.order[pair.module.index, step.unit], item))
            elif (pair.module.path, before.unit) not in declared:
                raise Undecided(f"{pair.shown(step)} declared no asset")
        found = self.today.in_order(found)
        _refuse_neighbours([item.asset.name for _, item in found])
        return [item for _, item in found]

    def sources(self) -> list[Source]:
        """Return the sources of today, in the order of their declaration."""
        found = [
            (self.today.number(facts.place.site), self._source(facts))
            for facts in self.today.recorded.sources
            if not self.today.is_gone(facts.place.site)
        ]
        for pair, step, _ in self.today.fresh("source"):
            number = self.today.order[pair.module.index, step.unit]
            found.append((number, self._new_source(pair, step)))
        return [source for _, source in self.today.in_order(found)]

    def _asset(self, facts: AssetFacts) -> _Declared:
        """Return an asset that the last load declared, as it is today."""
        where = facts.live.where
        pair = self.today.pairs.get(where.path) if where is not None else None
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
            said = asset_said(
                text_of(self.today.model, pair.module, index), options_wanted=False
            )
            if "description" not in said.given:
                options = {**options, "description": said.description}
        asset = self._made(
            facts.name,
            self.today.place(facts.place),
            Place(facts.place.file, pair.module.summary.units[index].at[0]),
            facts.parameters,
            options,
        )
        return _Declared(asset, self.today.live(facts.live), facts.shape)

    def _new_asset(self, pair: Pair, step: Step, facts: AssetFacts | None) -> _Declared:
        """Return an asset that a plain definition declares, as its text says."""
        module = pair.module
        unit = module.summary.units[step.unit]
        callee = unit.decorators[0].callee
        targets = (
            self.today.model.resolver.resolve(module, callee, decorating=True)
            if callee is not None
            else ()
        )
        if [target.name in ASSET for target in targets] != [True]:
            raise Undecided(f"{pair.shown(step)} is declared indirectly")
        if unit.flags & YIELDS:
            raise Undecided(f"{pair.shown(step)} yields")
        parameters = parameters_said(unit.head)
        before = pair.named.get(step.name)
        kept = facts is not None and before is not None and before.around == step.around
        said = asset_said(
            text_of(self.today.model, module, step.unit), options_wanted=not kept
        )
        if kept and facts is not None:
            name, options = facts.name, dict(facts.options)
            if "description" not in said.given:
                options["description"] = said.description
        else:
            name, options = said.name, {**_NOTHING_SAID, **said.options}
            options.setdefault("description", said.description)
        if options.get("format"):
            raise Undecided(f"`{name}` has a format, which may not go with its type")
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

    def _is_open(self, pair: Pair, step: Step) -> bool:
        """Return whether an annotation leaves open that a result is pickled."""
        module = pair.module
        found = self.today.outliner.returned(module, module.summary.units[step.unit])
        if not found:
            return True
        if found not in pair.before.returned:
            raise Undecided(f"{pair.shown(step)} is annotated otherwise")
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
            function=unloaded,
            plain=cast("FunctionType", unloaded),
            place=place,
            registered=registered,
            parameters=parameters_of(parameters),
            **options,
        )

    def _source(self, facts: SourceFacts) -> Source:
        return Source(
            name=facts.name, place=self.today.place(facts.place), **facts.options
        )

    def _new_source(self, pair: Pair, step: Step) -> Source:
        """Return a source as the text of a plain call declares it."""
        line, values = source_said(text_of(self.today.model, pair.module, step.unit))
        first = pair.module.summary.units[step.unit].at[0]
        return Source(place=Place(pair.module.path, first + line - 1), **values)


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
