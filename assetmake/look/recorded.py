"""Keep what a load of the Assetfile told, in plain values, for looks without one.

A record holds what only executing the code can tell: which assets, sources and
checks it declared and with which options, what the functions that loops and factories
made close over, and what the load looked at. What that means after an edit is
decided in `static`. It can be deleted at any time.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from assetmake.assetfile.defined import OPTIONS, Defined, Shape
from assetmake.assets import Asset, Source
from assetmake.code.kept import plain
from assetmake.code.listing import Lines
from assetmake.code.live import Live, Referred, Site, Told
from assetmake.code.loading import Loading
from assetmake.code.modules import Module
from assetmake.code.outline import Outline, Outliner, Step
from assetmake.code.parts import Place
from assetmake.code.watcher import Seen
from assetmake.fingerprint import digest
from assetmake.saved.clocks import tick_of
from assetmake.saved.seals import sealed, unsealed
from assetmake.words.functions import NO_DEFAULT

#: Changes with what a record holds or means.
_MAGIC = b"assetmake load 4\n"

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


class Spot(NamedTuple):
    """A place in the code, in terms of the statement that it stands in.

    Attributes:
        file: As the place names it.
        site: The statement, or the function within it; None outside of the
            project.
        line: The place's own line.
        offset: Lines from the first of the statement to it; -1 where it is the
            line of the ``def`` itself.
        text: Digest of the statement's text, on which the offset hangs.
        name: Of the function within the statement that the place is; or empty.
    """

    file: str
    site: Site | None
    line: int
    offset: int
    text: str
    name: str = ""


class AssetFacts(NamedTuple):
    """What a load told of one asset; see `assets.Asset`."""

    name: str
    place: Spot
    live: Live
    parameters: tuple[tuple[str, bool], ...]
    options: dict[str, Any]
    is_open: bool
    schema: tuple[dict[str, str | None], frozenset[str], bool] | None

    @property
    def shape(self) -> Shape:
        """What is known of its table."""
        from assetmake.frames.columns import Declared

        return Shape(self.is_open, self.schema and Declared(*self.schema))


class SourceFacts(NamedTuple):
    """What a load told of one source; see `assets.Source`."""

    name: str
    place: Spot
    options: dict[str, Any]


class CheckFacts(NamedTuple):
    """What a load told of one check of one asset; see `checks.Check`.

    Attributes:
        asset: Of which it is.
        is_named: Whether it was given the name of that asset, not its function.
        targets: Names of all functions and assets that it was given.
    """

    asset: str
    is_named: bool
    name: str
    place: Spot
    live: Live
    parameters: tuple[tuple[str, bool], ...]
    targets: tuple[str, ...]
    severity: str
    description: str


class Recorded(NamedTuple):
    """What one load told, and what it hung on.

    Attributes:
        doubts: Why another load may tell something else; see `code.doubts`.
        imported: Files that were executed, in order.
        entered: Files in the order in which reading the code finds that they
            are executed, and those of them that no import was found for.
        outlines: What executing each of `imported` did.
        assets: In the order of their declaration.
        sources: Likewise.
        checks: Those of each asset in the order of their declaration.
        ordered: Whether these orders are those of their statements.
        stamps: Of each file and directory that the load looked at, and of the
            places that packages are imported from; empty for what is absent.
        seen: Files, absent paths and directories in `Defined.seen`.
        here: The working directory, if the load looked at files by way of it.
    """

    doubts: tuple[str, ...]
    imported: tuple[str, ...]
    entered: tuple[tuple[str, ...], tuple[str, ...]]
    outlines: tuple[Outline, ...]
    assets: tuple[AssetFacts, ...]
    sources: tuple[SourceFacts, ...]
    checks: tuple[CheckFacts, ...]
    ordered: bool
    stamps: dict[str, str]
    seen: tuple[tuple[str, ...], tuple[str, ...], tuple[str, ...]]
    here: str

    def seen_again(self) -> Seen:
        """Return what the load read, as `Defined.seen`."""
        files, absent, directories = (set(map(Path, paths)) for paths in self.seen)
        return Seen(files, absent, directories, is_relative=bool(self.here))


def record_of(defined: Defined, root: Path, began_ns: int) -> Recorded:
    """Return what a load told.

    Args:
        defined: By a real load.
        root: The project's directory.
        began_ns: When the load began.
    """
    model = defined.code.model()
    spots = _Spots(defined)
    declared = [defined.assets[name] for name in defined.live]
    assets = tuple(
        AssetFacts(
            asset.name,
            spots.spot(
                asset.place,
                defined.live[asset.name].site,
                asset.plain.__code__.co_name,
            ),
            defined.live[asset.name],
            tuple((p.name, p.default is not NO_DEFAULT) for p in asset.parameters),
            _options(asset, OPTIONS),
            defined.shapes[asset.name].is_open,
            _schema(defined.shapes[asset.name]),
        )
        for asset in declared
    )
    sources = tuple(
        SourceFacts(
            source.name, spots.spot(source.place), _options(source, SOURCE_OPTIONS)
        )
        for source in defined.sources.values()
    )
    outliner = Outliner(model)
    returned = _returned(outliner, assets)
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
        tuple(
            outliner.outline(module)._replace(returned=returned.get(module.path, {}))
            for module in modules
            if module is not None
        ),
        assets,
        sources,
        tuple(_check_facts(defined, spots)),
        spots.is_ordered(asset.live.where for asset in assets)
        and spots.is_ordered(source.place.site for source in sources)
        and all(
            spots.is_ordered(item.live.where for item in items)
            for items in defined.checks.values()
        ),
        stamps,
        (
            tuple(sorted(map(str, defined.seen.files))),
            tuple(sorted(map(str, defined.seen.absent))),
            tuple(sorted(map(str, defined.seen.directories))),
        ),
        os.getcwd() if defined.seen.is_relative else "",
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


# On disk ------------------------------------------------------------------------


def dump(recorded: Recorded, key: str) -> bytes:
    """Return a record as bytes; none if it holds what cannot be written down.

    Args:
        recorded: Any.
        key: What has to be the same when it is read again.
    """
    try:
        return sealed(_MAGIC, (key, plain(recorded)))
    except ValueError:
        return b""


def parse(data: bytes, key: str) -> Recorded | None:
    """Return the record in bytes; None if they are none, or were kept otherwise."""
    try:
        found = unsealed(_MAGIC, data)
        if found is None or found[0] != key:
            return None
        _, tree = found
        doubted, imported, entered, outlines, assets, sources, checks, *rest = tree
        return Recorded(
            doubted,
            imported,
            entered,
            tuple(map(_outline, outlines)),
            tuple(map(_asset, assets)),
            tuple(
                SourceFacts(name, _spot(place), options)
                for name, place, options in sources
            ),
            tuple(map(_check, checks)),
            *rest,
        )
    except (ValueError, TypeError, LookupError):
        return None


def _outline(tree: Any) -> Outline:
    path, mark, steps, *rest = tree
    return Outline(path, mark, tuple(Step(*step) for step in steps), *rest)


def _asset(tree: Any) -> AssetFacts:
    name, place, live, *rest = tree
    return AssetFacts(name, _spot(place), _live(live), *rest)


def _check(tree: Any) -> CheckFacts:
    asset, is_named, name, place, live, *rest = tree
    return CheckFacts(asset, is_named, name, _spot(place), _live(live), *rest)


def _spot(tree: Any) -> Spot:
    file, site, *rest = tree
    return Spot(file, _site(site), *rest)


def _site(tree: Any) -> Site | None:
    return None if tree is None else Site(*tree)


def _live(tree: Any) -> Live:
    where, site, own, around, values = tree
    return Live(
        _site(where),
        _site(site),
        own,
        None if around is None else _told(around),
        tuple(map(_told, values)),
    )


def _referred(tree: Any) -> Referred:
    kind, module, file, name, site = tree
    return Referred(kind, module, file, name, _site(site))


def _told(tree: Any) -> Told:
    name, mark, text, referred = tree
    return Told(name, mark, text, tuple(map(_referred, referred)))
