"""Gather what a load of the Assetfile told, for looks without one.

What that means after an edit is decided in `static`; how it is kept, in `facts`.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from assetmake.assetfile.defined import OPTIONS, Defined, Shape
from assetmake.assets import Asset, Source
from assetmake.code.closure import Model
from assetmake.code.listing import Lines
from assetmake.code.live import Site
from assetmake.code.loading import Loading
from assetmake.code.modules import Module
from assetmake.code.outline import Outline, Outliner
from assetmake.code.parts import Place
from assetmake.code.watcher import Seen
from assetmake.fingerprint import digest
from assetmake.look.facts import AssetFacts, CheckFacts, Recorded, SourceFacts, Spot
from assetmake.saved.clocks import tick_of
from assetmake.words.functions import NO_DEFAULT

#: Options of a source.
SOURCE_OPTIONS = (
    "path",
    "table",
    "project",
    "format",
    "version",
    "options",
    "description",
)


def record_of(defined: Defined, root: Path, began_ns: int) -> Recorded:
    """Return what a load told.

    Args:
        defined: By a real load.
        root: The project's directory.
        began_ns: When the load began.
    """
    model = defined.code.model()
    spots = _Spots(defined)
    assets = tuple(_asset_facts(defined, spots))
    sources = tuple(
        SourceFacts(
            source.name, spots.spot(source.place), _options(source, SOURCE_OPTIONS)
        )
        for source in defined.sources.values()
    )
    modules = [model.modules.at(path) for path in defined.imported]
    problems = set(defined.doubts)
    for path, module in zip(defined.imported, modules, strict=True):
        if module is None or module.path != path:
            problems.add(f"{path} is imported by a link, or from elsewhere")
    stamps, young = _stamps(defined, root, began_ns)
    return Recorded(
        tuple(sorted(problems | young)),
        defined.imported,
        entered_by(model.loading),
        _outlines(model, modules, assets),
        assets,
        sources,
        tuple(_check_facts(defined, spots)),
        _are_ordered(defined, spots, assets, sources),
        stamps,
        _plain_paths(defined.seen),
        os.getcwd() if defined.seen.is_relative else "",
    )


def _asset_facts(defined: Defined, spots: _Spots) -> Iterator[AssetFacts]:
    for asset in [defined.assets[name] for name in defined.live]:
        live, shape = defined.live[asset.name], defined.shapes[asset.name]
        yield AssetFacts(
            asset.name,
            spots.spot(asset.place, live.site, asset.plain.__code__.co_name),
            live,
            tuple((p.name, p.default is not NO_DEFAULT) for p in asset.parameters),
            _options(asset, OPTIONS),
            shape.is_open,
            _schema(shape),
        )


def _outlines(
    model: Model, modules: Iterable[Module | None], assets: Iterable[AssetFacts]
) -> tuple[Outline, ...]:
    """Return what executing each module did."""
    outliner = Outliner(model)
    returned = _returned(outliner, assets)
    return tuple(
        outliner.outline(module)._replace(returned=returned.get(module.path, {}))
        for module in modules
        if module is not None
    )


def _are_ordered(
    defined: Defined,
    spots: _Spots,
    assets: Iterable[AssetFacts],
    sources: Iterable[SourceFacts],
) -> bool:
    """Return whether what was declared is in the order of its statements."""
    return (
        spots.is_ordered(asset.live.where for asset in assets)
        and spots.is_ordered(source.place.site for source in sources)
        and all(
            spots.is_ordered(item.live.where for item in items)
            for items in defined.checks.values()
        )
    )


def _plain_paths(
    seen: Seen,
) -> tuple[tuple[str, ...], tuple[str, ...], tuple[str, ...]]:
    """Return `Recorded.seen`."""
    return (
        tuple(sorted(map(str, seen.files))),
        tuple(sorted(map(str, seen.absent))),
        tuple(sorted(map(str, seen.directories))),
    )


def entered_by(loading: Loading) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return `Recorded.entered`."""
    both = (loading.imported, loading.added)
    imported, added = (tuple(module.path for module in items) for items in both)
    return imported, added


def _check_facts(defined: Defined, spots: _Spots) -> Iterator[CheckFacts]:
    for asset, checks in defined.checks.items():
        for item in checks:
            check = item.bound.check
            name = check.plain.__code__.co_name
            yield CheckFacts(
                asset,
                asset in [t for t in check.targets if isinstance(t, str)],
                check.name,
                spots.spot(check.place, item.live.site, name),
                item.live,
                tuple((p.name, p.default is not NO_DEFAULT) for p in check.parameters),
                tuple(getattr(t, "__name__", t) for t in check.targets),
                check.severity,
                check.description,
            )


class _Spots:
    """Finds the statements that places stand in."""

    def __init__(self, defined: Defined) -> None:
        self._model = defined.code.model()
        self._texts: dict[Site, str] = {}
        self._order = {
            key: number for number, key in enumerate(self._model.loading.executed)
        }

    def spot(self, place: Place, site: Site | None = None, name: str = "") -> Spot:
        """Return a place in terms of a statement: of a function's, if given."""
        found = site or self._model.finder.statement(place.file, place.line)
        module = found and self._model.modules.at(found.path)
        if found is None or module is None:
            return Spot(place.file, None, place.line, 0, "")
        if line_of(module, found) == place.line:
            return Spot(place.file, found, place.line, -1, "")
        whole = Site(found.path, found.unit)
        if whole not in self._texts:
            lines = self._model.lines(module)
            self._texts[whole] = text_digest(lines, module, found.unit)
        first = module.summary.units[found.unit].at[0]
        offset = place.line - first
        return Spot(place.file, whole, place.line, offset, self._texts[whole], name)

    def is_ordered(self, sites: Iterable[Site | None]) -> bool:
        """Return whether statements are in the order in which they are executed."""
        numbers = [self._number(site) for site in sites]
        return numbers == sorted(numbers)

    def _number(self, site: Site | None) -> int:
        module = self._model.modules.at(site.path) if site is not None else None
        if module is None or site is None:
            return -1
        return self._order.get((module.index, site.unit), -1)


def line_of(module: Module, site: Site) -> int:
    """Return the line of the ``def`` of a function; 0 if it is in another one."""
    unit = module.summary.units[site.unit]
    if site.nested >= 0:
        return unit.nested[site.nested].line
    return unit.line if site.direct or unit.kind != "def" else 0


def text_digest(lines: Lines, module: Module, index: int) -> str:
    """Return the digest of a statement's text, with its comments and layout."""
    first, _, last, end = module.summary.units[index].at
    return digest(lines.part((first, 0, last, end)))


def _returned(
    outliner: Outliner, assets: Iterable[AssetFacts]
) -> dict[str, dict[str, bool]]:
    """Return what return annotations of assets leave open, by file."""
    found: dict[str, dict[str, bool]] = {}
    for facts in assets:
        where = facts.live.where
        module = outliner.model.modules.at(where.path) if where is not None else None
        if facts.live.own and where is not None and module is not None:
            mark = outliner.returned(module, module.summary.units[where.unit])
            found.setdefault(where.path, {})[mark] = facts.is_open
    return found


def _schema(
    shape: Shape,
) -> tuple[dict[str, str | None], frozenset[str], bool] | None:
    found = shape.schema
    if found is None:
        return None
    return dict(found.dtypes), frozenset(found.optional), found.is_open


def _options(item: Asset | Source, names: Iterable[str]) -> dict[str, Any]:
    found = {}
    for name in names:
        value = getattr(item, name)
        found[name] = dict(value) if isinstance(value, Mapping) else value
    return found


def _stamps(
    defined: Defined, root: Path, began_ns: int
) -> tuple[dict[str, str], set[str]]:
    """Return stamps of what a load hung on, and what of it cannot be believed."""
    seen = defined.seen
    paths = [*map(str, (*seen.files, *seen.directories)), *_places_of_packages(root)]
    stamps = dict.fromkeys(map(str, seen.absent), "")
    young = set()
    for path in paths:
        stamps[path] = stamp(path)
        try:
            stat = os.stat(path)
            tick = tick_of(stat.st_mtime_ns, stat.st_ctime_ns)
            if stat.st_ctime_ns + tick >= began_ns:
                young.add(f"{path} changed as it was loaded")
        except OSError:
            continue
    return stamps, young


def stamp(path: str) -> str:
    """Return what tells whether a file or directory changed; empty without one."""
    try:
        stat = os.stat(path)
    except OSError:
        return "broken" if os.path.lexists(path) else ""
    return f"{stat.st_size} {stat.st_ctime_ns} {stat.st_ino}"


def _places_of_packages(root: Path) -> list[str]:
    own = f"{root}{os.sep}"
    found = [os.path.abspath(entry) for entry in sys.path if entry]
    return [path for path in found if not f"{path}{os.sep}".startswith(own)]
