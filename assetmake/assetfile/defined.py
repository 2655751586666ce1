"""What an Assetfile defines: its assets and sources, settled against each other.

It comes from a real load here, and without one in `static`; what it means for
the store is for `view`.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from assetmake.assets import Asset, Resolved, Source, resolve
from assetmake.checks import BoundCheck, bind, checks_by_asset
from assetmake.code.closure import Code
from assetmake.code.kept import Summaries
from assetmake.code.live import Live
from assetmake.code.parts import Closure, Place
from assetmake.code.watcher import Seen
from assetmake.errors import DefinitionError
from assetmake.fingerprint import digest
from assetmake.frames.base import dotted_names
from assetmake.graph import find_circle, order
from assetmake.messages.excerpts import source_line
from assetmake.system.garbage import seldom_collected, uncollected

if TYPE_CHECKING:
    from assetmake.assetfile.load import Loaded
    from assetmake.frames.columns import Declared


#: Options of an asset that are plain values.
OPTIONS = (
    "upstream",
    "columns",
    "format",
    "reads",
    "env",
    "packages",
    "version",
    "group",
    "description",
    "owner",
    "retries",
)


class Shape(NamedTuple):
    """What is known of the table of an asset before it is made.

    Attributes:
        is_open: Whether its annotation leaves open that the result is pickled.
        schema: Columns that its ``schema=`` declares; None if it tells none.
    """

    is_open: bool
    schema: Declared | None


@dataclass(frozen=True, slots=True)
class Checked:
    """A check of one asset, the code of it, and what its function tells."""

    bound: BoundCheck
    closure: Closure
    live: Live


@dataclass(slots=True)
class Defined:
    """What the Assetfile defines, loaded and analysed.

    Attributes:
        loaded: The load itself: assets, sources, and the bytes of the code;
            None if nothing was executed.
        code: The static model of the project's sources.
        assets: By name, upstream before downstream.
        sources: By name.
        resolved: What each asset's parameters mean.
        closures: The code of each asset.
        graph: What each asset reads, in the order of `assets`.
        live: What the function of each asset tells of itself, in the order in
            which they were declared.
        shapes: What is known of the table of each asset.
        imported: Files that the load executed, in order.
        seen: What the load itself read of the project; it counts for every
            asset.
        checks: Of each asset that has any, with their code.
    """

    loaded: Loaded | None
    code: Code
    assets: dict[str, Asset]
    sources: dict[str, Source]
    resolved: dict[str, Resolved]
    closures: dict[str, Closure]
    graph: dict[str, tuple[str, ...]]
    live: Mapping[str, Live]
    shapes: Mapping[str, Shape]
    imported: tuple[str, ...]
    seen: Seen
    checks: dict[str, tuple[Checked, ...]] = field(default_factory=dict)
    _doubts: frozenset[str] | None = None

    @property
    def doubts(self) -> frozenset[str]:
        """What could make another load define something else; see `code.doubts`."""
        if self._doubts is None:
            from assetmake.code.doubts import doubts

            found = [asset.registered for asset in self.assets.values()]
            for checks in self.checks.values():
                found += [item.bound.check.registered for item in checks]
            found += [source.place for source in self.sources.values()]
            places = {(place.file, place.line) for place in found}
            self._doubts = frozenset(doubts(self.code, places))
        return self._doubts

    def is_current(self) -> bool:
        """Whether the files that the load read are as they were then."""
        from assetmake.code.watcher import stamp_of

        return all(stamp_of(path) == at for path, at in self.seen.stamps.items())

    def uses_spark(self, name: str) -> bool:
        """Whether the code or types of an asset, or of a check, name pyspark."""
        annotations = [item.annotation for item in self.resolved[name].inputs]
        closures = [self.closures[name]]
        for item in self.checks.get(name, ()):
            closures.append(item.closure)
            annotations.append(item.bound.table.annotation)
            annotations += [given.annotation for given in item.bound.inputs]
        return any("pyspark" in closure.packages for closure in closures) or any(
            "pyspark" in word
            for annotation in (self.assets[name].returns, *annotations)
            for word in dotted_names(annotation)
        )


def needed_load(defined: Defined) -> Loaded:
    """Return the load of what is to be built; nothing is, that was not loaded."""
    if defined.loaded is None:
        msg = "the Assetfile was not loaded"
        raise AssertionError(msg)
    return defined.loaded


def define(
    assetfile: Path,
    project: Path,
    summaries: Summaries | None = None,
) -> Defined:
    """Load an Assetfile and analyse the code of its assets.

    Args:
        assetfile: Its path.
        project: The project's directory.
        summaries: Of files that were read before; see `Code`.

    Raises:
        LoadError: it cannot be loaded.
        DefinitionError: what it defines contradicts itself.
    """
    from assetmake.assetfile.load import load
    from assetmake.code.audit import watch

    with watch(project) as seen, seldom_collected():
        loaded = load(assetfile, project)
    imported = tuple(map(str, loaded.files))

    shapes = {asset.name: _shape(asset) for asset in loaded.assets}

    def settle_code() -> tuple[Code, Mapping[str, Live]]:
        code = Code(project, assetfile, loaded.files, summaries=summaries)
        return code, {
            asset.name: code.observe(
                asset.plain, (asset.registered.file, asset.registered.line)
            )
            for asset in loaded.assets
        }

    found = settle(
        loaded.assets,
        loaded.sources,
        project,
        shapes=shapes,
        imported=imported,
        seen=seen,
        settle_code=settle_code,
    )
    found.loaded = loaded
    with uncollected():
        found.checks = _checks(loaded, found)
    for file, data in found.code.texts.items():
        # A module that is imported only while an asset runs is run as analysed.
        loaded.session.files.setdefault(Path(file), data)
    return found


def settle(
    declared: Sequence[Asset],
    sources_declared: Sequence[Source],
    project: Path,
    *,
    shapes: Mapping[str, Shape],
    imported: tuple[str, ...],
    seen: Seen,
    settle_code: Callable[[], tuple[Code, Mapping[str, Live]]],
) -> Defined:
    """Return what assets and sources mean to each other, and their code.

    Args:
        declared: In the order of their declaration.
        sources_declared: Likewise.
        project: The project's directory.
        shapes: What is known of the table of each asset.
        imported: Files that were executed.
        seen: What that read.
        settle_code: Makes the model of the code; called only when all else is
            right, as it costs most.

    Raises:
        DefinitionError: something contradicts something else.
        LoadError: a file that an asset refers to is not Python.
    """
    assets = {asset.name: asset for asset in declared}
    sources = {source.name: source for source in sources_declared}
    _refuse_unsupported(assets, sources, project)
    known = {**assets, **sources}
    resolved = {
        name: resolve(asset, known, root=project) for name, asset in assets.items()
    }
    graph = {
        name: tuple(dict.fromkeys(item.name for item in found.inputs))
        for name, found in resolved.items()
    }
    circle = find_circle(graph)
    if circle:
        raise _circle_error(circle, assets, resolved, project)
    ordered = order(graph)
    with uncollected():
        code, live = settle_code()
        closures = {
            name: code.trace(live[name], settings=resolved[name].settings)
            for name in ordered
        }
    return Defined(
        None,
        code,
        {name: assets[name] for name in ordered},
        sources,
        resolved,
        closures,
        {name: graph[name] for name in ordered},
        live,
        shapes,
        imported,
        seen,
    )


def _shape(asset: Asset) -> Shape:
    from assetmake.frames import is_open

    if asset.schema is None:
        return Shape(is_open(asset.returns), None)
    from assetmake.frames.schemas import declared_by

    return Shape(is_open(asset.returns), declared_by(asset.schema))


def told(defined: Defined) -> dict[str, str]:
    """Return a digest of all that is told of each asset and source, by name.

    Equal ones make equal rows; the order of the names counts, too.
    """
    found = {
        name: digest("source", repr(source)) for name, source in defined.sources.items()
    }
    for name, asset in defined.assets.items():
        resolved, closure = defined.resolved[name], defined.closures[name]
        found[name] = digest(
            repr(asset.place),
            repr([(item.parameter, item.name) for item in resolved.inputs]),
            repr(list(resolved.settings)),
            repr(defined.shapes[name]),
            repr([getattr(asset, option) for option in OPTIONS]),
            repr(closure),
            repr([_told_of(item) for item in defined.checks.get(name, ())]),
        )
    return found


def _checks(loaded: Loaded, defined: Defined) -> dict[str, tuple[Checked, ...]]:
    """Return the checks of each asset, bound to it and analysed."""
    found = {}
    known = {**defined.assets, **defined.sources}
    of_assets = checks_by_asset(loaded.checks, defined.assets, known, loaded.root)
    for name, items in of_assets.items():
        analysed = []
        for item in items:
            bound = bind(item, name, defined.resolved[name], known, loaded.root)
            place = item.registered
            live = defined.code.observe(item.plain, (place.file, place.line))
            closure = defined.code.trace(live, settings=bound.settings)
            analysed.append(Checked(bound, closure, live))
        found[name] = tuple(analysed)
    return found


def _told_of(item: Checked) -> tuple[object, ...]:
    bound, check = item.bound, item.bound.check
    given = [(found.parameter, found.name) for found in (bound.table, *bound.inputs)]
    said = (check.name, check.place, check.severity, check.description)
    return (*said, given, list(bound.settings), item.closure)


def _refuse_unsupported(
    assets: Mapping[str, Asset], sources: Mapping[str, Source], project: Path
) -> None:
    """Raise for what an Assetfile may say and this version cannot do."""
    for asset in assets.values():
        if asset.store is not None:
            place = relative_place(asset.place, project)
            msg = f"{place}: asset `{asset.name}` names a store of its own"
            hint = "leave out `store=`: this version keeps all assets in one store"
            raise DefinitionError(msg, hints=hint)
        if asset.format:
            from assetmake.frames import refuses_format

            # Not when its function has run.
            refused = refuses_format(asset.returns, asset.format)
            if refused is not None:
                place = relative_place(asset.place, project)
                msg = f"{place}: asset `{asset.name}`: {refused[0]}"
                raise DefinitionError(msg, hints=refused[1])
    for source in sources.values():
        place = relative_place(source.place, project)
        if source.table is not None or "://" in (source.path or ""):
            msg = f"{place}: source `{source.name}` is not a local file"
            hint = "this version reads files, directories, globs and other projects"
            raise DefinitionError(msg, hints=hint)


def relative_place(place: Place, project: Path) -> Place:
    """Return a place whose file is relative to the project, if it lies there."""
    prefix = f"{project}{os.sep}"
    if not place.file.startswith(prefix):
        return place
    return Place(place.file[len(prefix) :].replace(os.sep, "/"), place.line)


def relative_path(path: Path, project: Path) -> str:
    """Return a path relative to the project, with ``/``."""
    return path.relative_to(project).as_posix()


def used(seen: Seen, project: Path) -> set[str]:
    """Return what was read, listed or looked for, relative to the project."""
    directories = {relative_path(path, project) + "/" for path in seen.directories}
    return directories | {
        relative_path(path, project) for path in (*seen.files, *seen.absent)
    }


def _circle_error(
    circle: list[str],
    assets: Mapping[str, Asset],
    resolved: Mapping[str, Resolved],
    project: Path,
) -> DefinitionError:
    first = assets[circle[0]]
    chain = " needs ".join([*circle, circle[0]])
    reads = next(item for item in resolved[circle[0]].inputs if item.name in circle)
    where = source_line(first.place, reads.parameter, project)
    return DefinitionError(
        f"assets need each other in a circle\n  {chain}\n{where}",
        hints="let one of them read a source instead",
    )
