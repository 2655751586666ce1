"""One look at a project: what is defined, what is stored, and what that means.

The effects of a status meet here: sources and tables are fingerprinted, and the
pure comparison in `status` judges them. What is defined, `defined` and `static`
tell.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from assetmake.assetfile.defined import Checked, Defined, relative_place, used
from assetmake.assets import Asset, Source
from assetmake.code.explain import explain_change
from assetmake.config import Config, is_below
from assetmake.look.observe import Observer, read_as
from assetmake.names import folded
from assetmake.saved.surroundings import packages, variables
from assetmake.status.compare import compare, orphan_status
from assetmake.status.rows import (
    PICKLE,
    Condition,
    Definition,
    Owner,
    Read,
    Record,
    SourceData,
    Status,
)
from assetmake.status.verdicts import CheckDefinition
from assetmake.stores.base import Store
from assetmake.stores.fields import is_plain


@dataclass(slots=True)
class View:
    """What is defined and stored at one moment, and the row of each name.

    Attributes:
        unmanaged: Places in the store that hold files without a manifest.
        elsewhere: Stored tables of other Assetfiles beside this one; no rows here.
        assetfiles: Names of other Assetfiles that were looked for.
    """

    defined: Defined
    observer: Observer
    definitions: dict[str, Definition]
    sources: dict[str, SourceData]
    records: dict[str, Record]
    statuses: dict[str, Status]
    unmanaged: list[str]
    elsewhere: list[Status]
    assetfiles: set[str]


def look(
    defined: Defined,
    assetfile: Path,
    config: Config,
    store: Store,
    *,
    data: bool = True,
) -> View:
    """Compare what is defined with what is stored; nothing is changed.

    Args:
        defined: See `define`.
        assetfile: Path of the Assetfile, in the project's directory.
        config: Its settings.
        store: Its store.
        data: Whether data is looked at; else manifests are believed.
    """
    project = assetfile.parent
    observer = Observer(project, store.index)
    loading = frozenset(used(defined.seen, project))
    definitions = {
        name: _definition(asset, defined, assetfile, config, observer, loading=loading)
        for name, asset in defined.assets.items()
    }
    records, unmanaged = _records(defined, store, observer, project, data=data)
    recorded = {} if data else _recorded(records)
    sources = {
        name: observer.source(source, relative_place(source.place, project))
        if data
        else _recorded_source(source, recorded, project)
        for name, source in defined.sources.items()
    }
    owner = Owner(config.project, is_below(project, config.root), assetfile.name)
    elsewhere, assetfiles = _elsewhere(defined, records, owner, project)
    statuses = compare(
        list(definitions.values()), sources, records, explain_change, owner
    )
    return View(
        defined,
        observer,
        definitions,
        sources,
        records,
        statuses,
        unmanaged,
        elsewhere,
        assetfiles,
    )


def _definition(
    asset: Asset,
    defined: Defined,
    assetfile: Path,
    config: Config,
    observer: Observer,
    *,
    loading: frozenset[str],
) -> Definition:
    closure, project = defined.closures[asset.name], assetfile.parent
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
        project=config.project,
        assetfile=assetfile.name,
        is_open=defined.shapes[asset.name].is_open or asset.format == PICKLE,
        columns=asset.columns,
        schema=defined.shapes[asset.name].schema,
        group=asset.group or "",
        description=asset.description or "",
        owner=asset.owner or "",
        checks=tuple(
            _check_definition(item, project) for item in defined.checks[asset.name]
        )
        if asset.name in defined.checks
        else (),
        loading=loading,
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


def _elsewhere(
    defined: Defined, records: dict[str, Record], owner: Owner, project: Path
) -> tuple[list[Status], set[str]]:
    """Take out of the records the tables that another Assetfile beside this one has.

    They are for that one to judge. If it is not there any more, it was renamed, maybe
    to this one, and what it left is this one's.

    Returns:
        Rows of those tables, and the names of the Assetfiles that were looked for.
    """
    found, seen = [], {}
    for name in sorted(records.keys() - defined.assets.keys()):
        other = owner.beside(records[name].manifest)
        if not is_plain(other):  # anybody may have written it
            continue
        if other not in seen:
            seen[other] = (project / other).is_file()
        if seen[other]:
            found.append(orphan_status(name, records.pop(name), f"of `{other}`"))
    return found, {*seen}


def _with_observed(record: Record, observer: Observer) -> Record:
    from dataclasses import replace

    if record.manifest is None:
        return record
    paths = dict.fromkeys(record.manifest.observed)
    for check in record.manifest.checks:
        paths.update(dict.fromkeys(check.observed))
    return replace(record, observed={path: observer.seen(path) for path in paths})


def _recorded_source(
    source: Source, recorded: Mapping[str, str], project: Path
) -> SourceData:
    place = relative_place(source.place, project)
    fingerprint = recorded.get(source.name, "unknown:")
    return SourceData(
        source.name,
        place,
        fingerprint,
        description=source.description or "",
        read_as=read_as(source),
    )


def _recorded(records: Mapping[str, Record]) -> dict[str, str]:
    """Return the fingerprint of each name as the newest build that read it had it.

    Manifests that read an older one then say so of each other, without data.
    """
    newest: dict[str, tuple[str, str]] = {}
    for record in records.values():
        if record.manifest is None:
            continue
        built_at = record.manifest.built_at
        for item in record.manifest.inputs:
            if newest.get(item.name, ("", ""))[0] < built_at:
                newest[item.name] = (built_at, item.fingerprint)
    return {name: fingerprint for name, (_, fingerprint) in newest.items()}
