"""Decide which assets are stale, and say why.

A pure comparison of what the Assetfile defines with what the store holds.
Nothing here reads a file, calls an asset or prints, so each rule is tested
with plain values, and a build, `--status` and `--check` cannot disagree.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

from assetmake.code.parts import Change, Part, Place
from assetmake.fingerprint import digest

if TYPE_CHECKING:
    from assetmake.stores.manifest import InputRecord, Manifest
from assetmake.status.rows import (
    ABSENT,
    CHANGED_BY_HAND,
    PICKLE,
    PRECEDENCE,
    REASONS,
    STATE_OF,
    Condition,
    Definition,
    Owner,
    Reason,
    Record,
    SourceData,
    State,
    Status,
)

#: How changed parts of code are told apart; injected, so that this module
#: needs nothing of the code analysis.
Explain = Callable[[Sequence[Part], Sequence[Part]], Sequence[Change]]


def compare(
    definitions: Sequence[Definition],
    sources: Mapping[str, SourceData],
    records: Mapping[str, Record],
    explain: Explain,
    owner: Owner = Owner(),  # noqa: B008 - it is frozen
) -> dict[str, Status]:
    """Return a status for each source, each asset in order, then each orphan.

    Args:
        definitions: Every asset, upstream before downstream.
        sources: Every source, by name.
        records: What the store knows, by name; orphans among them.
        explain: Tells changed parts of code apart.
        owner: Whose store it is.
    """
    statuses: dict[str, Status] = {}
    for source in sources.values():
        statuses[source.name] = source_status(source)
    for definition in definitions:
        statuses[definition.name] = asset_status(
            definition, records.get(definition.name, ABSENT), sources, statuses, explain
        )
    for name in sorted(records.keys() - statuses.keys()):
        if records[name].condition is not Condition.UNMANAGED:
            statuses[name] = orphan_status(
                name, records[name], owner.problem(records[name].manifest)
            )
    return statuses


def source_status(source: SourceData) -> Status:
    """Return the row of a source."""
    reasons: tuple[Reason, ...] = ()
    if source.fingerprint is None:
        reasons = (Reason("source-missing", source.problem, source.name),)
    return Status(
        source.name,
        State.SOURCE,
        source.place,
        reasons,
        description=source.description,
        rows=source.rows,
    )


def orphan_status(name: str, record: Record, problem: str) -> Status:
    """Return the row of a stored table that nothing defines here.

    Args:
        name: The table's.
        record: Of it.
        problem: Why somebody else may have it; empty if nobody has.
    """
    manifest = record.manifest
    reason = (
        Reason("other-project", problem, name)
        if problem
        else Reason("undefined", "no longer defined", name)
    )
    place = Place(record.place, 0) if record.place else None
    return Status(
        name,
        State.ORPHANED,
        place,
        (reason,),
        manifest=manifest,
        rows=manifest.output.rows if manifest else None,
        built_at=manifest.built_at if manifest else None,
    )


def asset_status(
    definition: Definition,
    record: Record,
    sources: Mapping[str, SourceData],
    upstream: Mapping[str, Status],
    explain: Explain,
) -> Status:
    """Return the row of one asset; `upstream` holds the rows it reads."""
    found = [
        *_why_not_stored(record),
        *_why_drifted(definition, record),
        *_why_failed(definition, record, sources, upstream),
        *_why_outdated(definition, record, sources, upstream, explain),
        *_why_checks(definition, record, explain),
    ]
    found.sort(key=lambda reason: REASONS.index(reason.code))
    states = {STATE_OF.get(reason.code, State.OUTDATED) for reason in found}
    manifest = record.manifest
    return Status(
        definition.name,
        next((state for state in PRECEDENCE if state in states), State.FRESH),
        definition.place,
        tuple(found),
        manifest=manifest,
        description=definition.description,
        rows=manifest.output.rows if manifest else None,
        warnings=_warnings(definition, manifest) if definition.checks else (),
        built_at=manifest.built_at if manifest else None,
    )


def _warnings(definition: Definition, manifest: Manifest | None) -> tuple[str, ...]:
    from assetmake.status.verdicts import warnings_of

    return warnings_of(definition.checks, manifest.checks) if manifest else ()


def recipe(
    definition: Definition,
    sources: Mapping[str, SourceData],
    upstream: Mapping[str, Status],
) -> str | None:
    """Return one digest of all that a run depends on; None while it is open.

    It is open while something upstream is stale. Only failures are kept under
    it: a manifest keeps the parts, so that a reason can name what changed.
    """
    inputs = []
    for read in definition.inputs:
        fingerprint = current_fingerprint(read.name, sources, upstream)
        if fingerprint is None:
            return None
        inputs.append((read.parameter, read.name, fingerprint))
    return digest(
        definition.code,
        tuple(inputs),
        tuple(sorted(definition.reads.items())),
        tuple(sorted(definition.variables.items())),
        tuple(sorted(definition.packages.items())),
        definition.format or definition.table_format,
        tuple((one.name, one.severity, one.code) for one in definition.checks),
    )


def current_fingerprint(
    name: str, sources: Mapping[str, SourceData], upstream: Mapping[str, Status]
) -> str | None:
    """Return the fingerprint of a source's or a fresh asset's data, or None."""
    if name in sources:
        return sources[name].fingerprint
    status = upstream[name]
    if status.is_stale or status.manifest is None:
        return None
    return status.manifest.output.fingerprint


def _why_not_stored(record: Record) -> Iterator[Reason]:
    match record.condition:
        case Condition.ABSENT:
            yield Reason("never-built", "never built")
        case Condition.UNMANAGED:
            yield Reason(
                "manifest-missing", f"{record.detail or 'its place'} has no manifest"
            )
        case Condition.LOST:
            yield Reason("data-missing", "data missing")
        case Condition.MODIFIED:
            is_hidden = "cannot be read" in record.detail
            text = "data cannot be read" if is_hidden else "data changed by hand"
            yield Reason("data-modified", text, record.detail)
    if record.problem:
        text = f"its manifest is {record.problem}"
        yield Reason("manifest-unreadable", text)


def _why_drifted(definition: Definition, record: Record) -> Iterator[Reason]:
    stored = record.manifest.output.columns if record.manifest else None
    both = (definition.columns, definition.schema)
    declared = [item for item in both if item is not None]
    if stored is None or not declared:
        return
    # Only projects that declare columns pay for the table of dtypes.
    from assetmake.frames.columns import check_columns

    texts = [text for item in declared for text in check_columns(item, stored)]
    for text in dict.fromkeys(texts):
        yield Reason("columns-differ", text)


def _why_failed(
    definition: Definition,
    record: Record,
    sources: Mapping[str, SourceData],
    upstream: Mapping[str, Status],
) -> Iterator[Reason]:
    failure = record.failure
    if failure and failure.recipe == recipe(definition, sources, upstream):
        text = f"last build failed: {failure.message}"
        yield Reason("last-build-failed", text)


def _why_outdated(
    definition: Definition,
    record: Record,
    sources: Mapping[str, SourceData],
    upstream: Mapping[str, Status],
    explain: Explain,
) -> Iterator[Reason]:
    manifest = record.manifest
    if manifest is None:
        # Nothing to compare with; what is missing above is still worth a word.
        for read in definition.inputs:
            if read.name in sources and sources[read.name].fingerprint is None:
                yield _source_missing(sources[read.name])
        return
    if manifest.code != definition.code:
        yield from _why_code(definition, manifest, explain)
    yield from _why_inputs(definition, manifest, sources, upstream)
    yield from _why_declared(definition, manifest, record)
    yield from _why_format(definition, manifest)


def _why_code(
    definition: Definition, manifest: Manifest, explain: Explain
) -> Iterator[Reason]:
    changes = explain(manifest.parts, definition.parts)
    if not changes:  # the whole differs, so this must not stay silent
        yield Reason("code-changed", "code changed")
    for change in changes:
        if change.kind == "code":
            yield Reason("code-changed", "code changed", change.name, change)
            continue
        place = "" if change.what == "is no longer used" else f" ({change.place})"
        text = f"{change.kind} `{change.name}` {change.what}{place}"
        yield Reason(f"{change.kind}-changed", text, change.name, change)


def _why_inputs(
    definition: Definition,
    manifest: Manifest,
    sources: Mapping[str, SourceData],
    upstream: Mapping[str, Status],
) -> Iterator[Reason]:
    before = [(item.parameter, item.name) for item in manifest.inputs]
    now = [(read.parameter, read.name) for read in definition.inputs]
    gone, new = set(before).difference(now), set(now).difference(before)
    for parameter, name in now:
        if (parameter, name) in new:
            yield Reason("input-added", f"input `{name}` is new", name)
    for parameter, name in before:
        if (parameter, name) in gone:
            text = f"input `{name}` is no longer read"
            yield Reason("input-removed", text, name)
    if now != before and not gone and not new:
        yield Reason("input-reordered", "its inputs are in another order")
    recorded: dict[str, list[InputRecord]] = {}
    for item in manifest.inputs:
        recorded.setdefault(item.name, []).append(item)
    for name in dict.fromkeys(read.name for read in definition.inputs):
        yield from _why_input(name, recorded.get(name, []), sources, upstream)


def _why_input(
    name: str,
    records: Sequence[InputRecord],
    sources: Mapping[str, SourceData],
    upstream: Mapping[str, Status],
) -> Iterator[Reason]:
    recorded = {record.fingerprint for record in records}
    if name in sources:
        source = sources[name]
        if source.fingerprint is None:
            yield _source_missing(source)
        elif recorded and recorded != {source.fingerprint}:
            how = ", ".join(_read_otherwise(records[0].read_as, source.read_as))
            text = f"source `{name}` changed" + (f": {how}" if how else "")
            yield Reason("source-changed", text, name)
        return
    status = upstream[name]
    if status.is_stale:
        # Early cutoff may still spare this asset: only building `name` can
        # tell whether its data changes, even where the stored data differs.
        text = f"upstream `{name}` is {status.state}"
        yield Reason("upstream-outdated", text, name)
    elif status.manifest and recorded - {status.manifest.output.fingerprint}:
        yield Reason("upstream-changed", f"upstream `{name}` changed", name)


def _read_otherwise(before: Mapping[str, str], now: Mapping[str, str]) -> Iterator[str]:
    """Yield how a source is read otherwise; its data may have changed, too."""
    for key, old, new in _differences(before, now):
        option = key.removeprefix("options.")
        what = f"its {key}" if option == key else f"option `{option}`"
        done = "is new" if old is None else "is gone" if new is None else "changed"
        yield f"{what} {done}"


def _source_missing(source: SourceData) -> Reason:
    is_edited = CHANGED_BY_HAND in source.problem
    what = f"was {CHANGED_BY_HAND}" if is_edited else "is missing"
    text = f"source `{source.name}` {what}"
    return Reason("source-missing", text, source.name)


def _why_declared(
    definition: Definition, manifest: Manifest, record: Record
) -> Iterator[Reason]:
    files = {}
    for path, _, _ in _differences(manifest.observed, _observed(manifest, record)):
        # Of a directory just the names are looked at.
        files[path] = "came or went" if path.endswith("/") else "changed"
        if path in definition.loading:
            files[path] += " (read when the Assetfile is loaded)"
    for path, old, new in _differences(manifest.reads, definition.reads):
        files[path] = "changed"
        if path not in definition.reads:
            files[path] = "is no longer named by `reads=`"
        elif old is None and new is not None:
            files[path] = "is new among those that `reads=` names"
    for path in sorted(files):
        what = "files in" if path.endswith("/") else "file"
        yield Reason("file-read-changed", f"{what} `{path}` {files[path]}", path)
    for name, _, _ in _differences(manifest.variables, definition.variables):
        yield Reason("variable-changed", f"variable `{name}` changed", name)
    for name, old, new in _differences(manifest.packages, definition.packages):
        text = f"package {name} changed from {old or 'absent'} to {new or 'absent'}"
        yield Reason("package-changed", text, name)


def _why_checks(
    definition: Definition, record: Record, explain: Explain
) -> Iterator[Reason]:
    if record.manifest is None or not definition.checks:
        return
    # Only projects that check pay for it.
    from assetmake.status.verdicts import changed_checks

    recorded = record.manifest.checks
    for found in changed_checks(definition.checks, recorded, record.observed, explain):
        yield Reason("check-changed", found.text, found.name, found.change)


def _observed(manifest: Manifest, record: Record) -> Mapping[str, str | None]:
    """Return today's fingerprints of what the asset itself was seen to use."""
    if record.observed.keys() == manifest.observed.keys():
        return record.observed
    return {path: record.observed.get(path) for path in manifest.observed}


def _differences(
    before: Mapping[str, str], now: Mapping[str, str | None]
) -> Iterator[tuple[str, str | None, str | None]]:
    for key in sorted(before.keys() | now.keys()):
        if before.get(key) != now.get(key):
            yield key, before.get(key), now.get(key)


def _why_format(definition: Definition, manifest: Manifest) -> Iterator[Reason]:
    output = manifest.output
    if output.format == PICKLE and not definition.is_open:
        # No build of this code left it: to load it could execute anything.
        yield Reason("format-changed", "stored as a pickle, which it never returns")
        return
    was, now = output.asked, definition.format
    if output.columns is not None:  # a table: the project's default counts too
        was, now = output.format, definition.format or definition.table_format
    if was != now:
        text = f"format changed from {was or 'default'} to {now or 'default'}"
        yield Reason("format-changed", text)
