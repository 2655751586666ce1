"""One look at a project: what is defined, what is stored, and what that means.

The effects of a status meet here: the Assetfile is loaded, code, sources and
tables are fingerprinted, and the pure comparison in `status` judges them.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from assetmake.assets import Asset, Resolved, Source, resolve
from assetmake.checks import BoundCheck, bind, checks_by_asset
from assetmake.code.audit import Seen, watch
from assetmake.code.closure import Code
from assetmake.code.explain import explain_change
from assetmake.code.parts import Closure, Place
from assetmake.config import Config
from assetmake.errors import DefinitionError
from assetmake.excerpts import source_line
from assetmake.frames import is_open
from assetmake.frames.base import dotted_names
from assetmake.graph import find_circle, order
from assetmake.load import Loaded, load
from assetmake.names import folded
from assetmake.observe import Observer
from assetmake.status import (
    Condition,
    Definition,
    Read,
    Record,
    SourceData,
    Status,
    compare,
)
from assetmake.stores.base import Store
from assetmake.surroundings import packages, variables
from assetmake.verdicts import CheckDefinition

if TYPE_CHECKING:
    from assetmake.frames.columns import Declared


@dataclass(frozen=True, slots=True)
class Checked:
    """A check of one asset, and the code of it."""

    bound: BoundCheck
    closure: Closure


@dataclass(slots=True)
class Defined:
    """What the Assetfile defines, loaded and analysed.

    Attributes:
        loaded: The load itself: assets, sources, and the bytes of the code.
        code: The static model of the project's sources.
        assets: By name, upstream before downstream.
        sources: By name.
        resolved: What each asset's parameters mean.
        closures: The code of each asset.
        graph: What each asset reads, in the order of `assets`.
        seen: What the load itself read of the project; it counts for every
            asset.
        checks: Of each asset that has any, with their code.
    """

    loaded: Loaded
    code: Code
    assets: dict[str, Asset]
    sources: dict[str, Source]
    resolved: dict[str, Resolved]
    closures: dict[str, Closure]
    graph: dict[str, tuple[str, ...]]
    seen: Seen
    checks: dict[str, tuple[Checked, ...]]

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


@dataclass(slots=True)
class View:
    """What is defined and stored at one moment, and the row of each name."""

    defined: Defined
    observer: Observer
    definitions: dict[str, Definition]
    sources: dict[str, SourceData]
    records: dict[str, Record]
    statuses: dict[str, Status]
    unmanaged: list[str]


def define(assetfile: Path, project: Path) -> Defined:
    """Load an Assetfile and analyse the code of its assets.

    Raises:
        LoadError: it cannot be loaded.
        DefinitionError: what it defines contradicts itself.
    """
    with watch(project) as seen:
        loaded = load(assetfile, project)
    assets = {asset.name: asset for asset in loaded.assets}
    sources = {source.name: source for source in loaded.sources}
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
    code = Code(project, assetfile, loaded.files)
    closures = {
        name: code.closure(
            assets[name].plain,
            (assets[name].registered.file, assets[name].registered.line),
            settings=resolved[name].settings,
        )
        for name in ordered
    }
    checks = _checks(loaded, assets, resolved, known, code)
    for file, data in code.texts.items():
        # A module that is imported only while an asset runs is run as analysed.
        loaded.session.files.setdefault(Path(file), data)
    return Defined(
        loaded,
        code,
        {name: assets[name] for name in ordered},
        sources,
        resolved,
        closures,
        {name: graph[name] for name in ordered},
        seen,
        checks,
    )


def _checks(
    loaded: Loaded,
    assets: Mapping[str, Asset],
    resolved: Mapping[str, Resolved],
    known: Collection[str],
    code: Code,
) -> dict[str, tuple[Checked, ...]]:
    """Return the checks of each asset, bound to it and analysed."""
    found = {}
    of_assets = checks_by_asset(loaded.checks, assets, known, loaded.root)
    for name, items in of_assets.items():
        analysed = []
        for item in items:
            bound = bind(item, name, resolved[name], known, loaded.root)
            place = item.registered
            closure = code.closure(
                item.plain, (place.file, place.line), settings=bound.settings
            )
            analysed.append(Checked(bound, closure))
        found[name] = tuple(analysed)
    return found


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
    for source in sources.values():
        place = relative_place(source.place, project)
        if source.table is not None or "://" in (source.path or ""):
            msg = f"{place}: source `{source.name}` is not a local file"
            hint = "this version reads files, directories, globs and other projects"
            raise DefinitionError(msg, hints=hint)


def look(
    defined: Defined, project: Path, config: Config, store: Store, *, data: bool = True
) -> View:
    """Compare what is defined with what is stored; nothing is changed.

    Args:
        defined: See `define`.
        project: The project's directory.
        config: Its settings.
        store: Its store.
        data: Whether data is looked at; else manifests are believed.
    """
    observer = Observer(project, store.index)
    definitions = {
        name: _definition(asset, defined, project, config, observer)
        for name, asset in defined.assets.items()
    }
    records, unmanaged = _records(defined, store, observer, project, data=data)
    sources = {
        name: observer.source(source, relative_place(source.place, project))
        if data
        else _recorded_source(source, records, project)
        for name, source in defined.sources.items()
    }
    statuses = compare(list(definitions.values()), sources, records, explain_change)
    return View(defined, observer, definitions, sources, records, statuses, unmanaged)


def relative_place(place: Place, project: Path) -> Place:
    """Return a place whose file is relative to the project, if it lies there."""
    try:
        file = Path(place.file).relative_to(project).as_posix()
    except ValueError:
        return place
    return Place(file, place.line)


def relative_path(path: Path, project: Path) -> str:
    """Return a path relative to the project, with ``/``."""
    return path.relative_to(project).as_posix()


def _definition(
    asset: Asset, defined: Defined, project: Path, config: Config, observer: Observer
) -> Definition:
    closure = defined.closures[asset.name]
    return Definition(
        name=asset.name,
        place=relative_place(asset.place, project),
        code=closure.fingerprint,
        parts=closure.parts,
        inputs=tuple(
            Read(item.parameter, item.name)
            for item in defined.resolved[asset.name].inputs
        ),
        reads=observer.reads(asset.reads),
        variables=variables(asset.env),
        packages=packages((*config.packages, *asset.packages)),
        format=asset.format or "",
        table_format=config.format,
        is_open=is_open(asset.returns),
        columns=asset.columns,
        schema=_declared_by(asset.schema),
        group=asset.group or "",
        description=asset.description or "",
        owner=asset.owner or "",
        checks=tuple(
            _check_definition(item, project) for item in defined.checks[asset.name]
        )
        if asset.name in defined.checks
        else (),
    )


def _check_definition(checked: Checked, project: Path) -> CheckDefinition:
    check = checked.bound.check
    return CheckDefinition(
        check.name,
        relative_place(check.place, project),
        check.severity,
        checked.closure.fingerprint,
        checked.closure.parts,
        check.description,
    )


def _declared_by(schema: Any) -> Declared | None:
    if schema is None:
        return None
    from assetmake.frames.schemas import declared_by

    return declared_by(schema)


def _records(
    defined: Defined, store: Store, observer: Observer, project: Path, *, data: bool
) -> tuple[dict[str, Record], list[str]]:
    """Return the record of each stored or defined name, and unmanaged places."""
    records = {}
    for name in defined.assets:
        record = store.record(name, data=data)
        if record.manifest and (record.manifest.observed or record.manifest.checks):
            record = _with_observed(record, observer)
        records[name] = record
    defined_places = {store.place(name) for name in defined.assets}
    source_places = [
        (project / source.path).as_posix()
        for source in defined.sources.values()
        if source.path
    ]
    unmanaged = []
    twins: dict[str, str] = {}
    for name in store.names():
        place = store.place(name)
        if place in defined_places:
            continue
        twins = twins or {folded(asset): asset for asset in defined.assets}
        twin = twins.get(folded(name))
        if twin is not None and store.is_one_place(name, twin):
            continue
        record = store.record(name, data=data)
        if record.condition is Condition.UNMANAGED:
            above = f"{(project / place).as_posix()}/"
            if not any(f"{path}/".startswith(above) for path in source_places):
                unmanaged.append(place)
            continue
        stored_as = record.manifest.name if record.manifest else name
        records[stored_as] = record
    return records, sorted(unmanaged)


def _with_observed(record: Record, observer: Observer) -> Record:
    from dataclasses import replace

    if record.manifest is None:
        return record
    paths = dict.fromkeys(record.manifest.observed)
    for check in record.manifest.checks:
        paths.update(dict.fromkeys(check.observed))
    return replace(record, observed={path: observer.seen(path) for path in paths})


def _recorded_source(
    source: Source, records: Mapping[str, Record], project: Path
) -> SourceData:
    """Return a source as the newest build that read it recorded it.

    Manifests that read an older one then say so of each other, without data.
    """
    newest, fingerprint = "", "unknown:"
    for record in records.values():
        if record.manifest is None or record.manifest.built_at <= newest:
            continue
        for item in record.manifest.inputs:
            if item.name == source.name:
                newest, fingerprint = record.manifest.built_at, item.fingerprint
    place = relative_place(source.place, project)
    return SourceData(
        source.name, place, fingerprint, description=source.description or ""
    )


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
