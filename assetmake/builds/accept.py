"""Record stored data as right for today's code, without running it."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from assetmake.builds.adopt import adopted, refuse_kind
from assetmake.code.explain import explain_change
from assetmake.errors import StoreError, UnknownNameError
from assetmake.frames import Frames
from assetmake.look.view import View
from assetmake.status.compare import asset_status
from assetmake.status.rows import ABSENT, Condition, Definition, Record, State, Status
from assetmake.stores.base import Store
from assetmake.stores.manifest import CheckRecord, InputRecord, Manifest, present
from assetmake.versions import versions_of


@dataclass(frozen=True, slots=True)
class Accepted:
    """What became of one asset.

    Attributes:
        name: The asset's.
        was_fresh: Whether there was nothing to accept; nothing is written then.
        status: Its row now; stale only by what is upstream.
    """

    name: str
    was_fresh: bool
    status: Status


def accept_all(
    view: View, names: Sequence[str], store: Store, frames: Frames
) -> list[Accepted]:
    """Record what is stored of assets; all of them, or none if one is refused.

    Args:
        view: The project as it is now. Its rows become those of afterwards.
        names: Of assets.
        store: Where they are stored, locked.
        frames: Handlers of types.

    Raises:
        UnknownNameError: nothing is stored under a name, or under that of
            something that it reads.
        StoreError: what is stored is not what the asset says it is, so that it would
            not be fresh afterwards, or cannot be read.
    """
    found: list[Accepted] = []
    manifests: list[Manifest] = []
    for name in view.definitions:  # upstream first
        status = _judged(view, name)
        if name not in names:
            continue
        if status.state is State.FRESH:
            found.append(Accepted(name, was_fresh=True, status=status))
            continue
        was = view.records[name].condition
        manifest = _accepted(view, name, store, frames)
        view.records[name] = replace(
            view.records[name],
            manifest=manifest,
            condition=Condition.INTACT,
            problem="",
            detail="",
            failure=None,
        )
        _refuse(_judged(view, name), store, is_ours=was is not Condition.UNMANAGED)
        manifests.append(manifest)
        found.append(Accepted(name, was_fresh=False, status=view.statuses[name]))
    for manifest in manifests:
        store.stamp(manifest)
        store.note_failure(manifest.name, None)
    return found


def _judged(view: View, name: str) -> Status:
    """Judge an asset again, by the rows above it as they are now."""
    view.statuses[name] = asset_status(
        view.definitions[name],
        view.records.get(name, ABSENT),
        view.sources,
        view.statuses,
        explain_change,
    )
    return view.statuses[name]


def _refuse(status: Status, store: Store, *, is_ours: bool) -> None:
    """Raise if data that was accepted would be stale all the same, by itself.

    The next build would replace it, and somebody has just said that it is right.

    Args:
        status: Of the asset, as it would be.
        store: Where it is stored.
        is_ours: Whether a build would not refuse to replace it.
    """
    left = [r for r in status.reasons if r.code != "upstream-outdated"]
    if not left:
        return
    place = store.place(status.name)
    why = "; ".join(reason.text for reason in left)
    msg = f"{place} cannot be accepted as `{status.name}`: {why}"
    first = "" if is_ours else f"move {place} away by hand and "
    hint = (
        f"change what {status.place} says to what is stored, or the data; or {first}"
        f"run `assetmake {status.name}`"
    )
    raise StoreError(msg, hints=hint)


def _accepted(view: View, name: str, store: Store, frames: Frames) -> Manifest:
    """Return the manifest under which what is stored of an asset is fresh."""
    definition = view.definitions[name]
    record = view.records[name]
    if record.condition is Condition.ABSENT:
        msg = f"`{name}` has no stored data to accept"
        raise UnknownNameError(msg, hints=f"run `assetmake {name}`")
    before = record.manifest
    if before is not None and record.condition is Condition.INTACT:
        output, is_adopted = before.output, before.adopted
        refuse_kind(view.defined.assets[name], definition, output, frames)
        asked = output.asked if output.columns is None else definition.format
        output = replace(output, asked=asked)
    else:
        asset, is_adopted = view.defined.assets[name], True
        readers = [
            (reader, item.annotation)
            for reader, resolved in view.defined.resolved.items()
            for item in resolved.inputs
            if item.name == name
        ]
        output = adopted(asset, definition, record, store, frames, readers=readers)
    closure = view.defined.closures[name]
    now = dt.datetime.now(dt.UTC)
    return Manifest(
        name=name,
        code=definition.code,
        parts=definition.parts,
        code_files=closure.files,
        inputs=_inputs(definition, view),
        reads=present(definition.reads),
        observed=present(record.observed),
        variables=present(definition.variables),
        packages=present(definition.packages),
        output=output,
        built_at=now.strftime("%Y-%m-%dT%H:%M:%SZ"),
        seconds=before.seconds if before else 0.0,
        peak_memory=before.peak_memory if before else None,
        why=("accepted",),
        versions=versions_of(closure.packages),
        accepted=True,
        adopted=is_adopted,
        checks=_checks(definition, record),
        project=definition.project,
        assetfile=definition.assetfile,
    )


def _checks(definition: Definition, record: Record) -> tuple[CheckRecord, ...]:
    """Return what checks said of the data, if it is this data and these checks.

    Others are recorded as not run: whoever accepts the table answers for it.
    """
    said = {}
    if record.manifest is not None and record.condition is Condition.INTACT:
        said = {check.name: check for check in record.manifest.checks}
    found = []
    for now in definition.checks:
        before = said.get(now.name)
        if (
            before is not None
            and (before.fingerprint, before.severity) == (now.code, now.severity)
            and all(record.observed.get(p) == f for p, f in before.observed.items())
        ):
            found.append(before)
        else:
            found.append(
                CheckRecord(
                    now.name, now.place, now.severity, None, now.code, parts=now.parts
                )
            )
    return tuple(found)


def _inputs(definition: Definition, view: View) -> tuple[InputRecord, ...]:
    found = []
    for read in definition.inputs:
        read_as: Mapping[str, str] = {}
        if read.name in view.sources:
            read_as = view.sources[read.name].read_as
            fingerprint = view.sources[read.name].fingerprint
        else:
            manifest = view.records[read.name].manifest
            fingerprint = manifest.output.fingerprint if manifest else None
        if fingerprint is None:
            msg = f"`{definition.name}` reads `{read.name}`, which is not stored"
            raise UnknownNameError(msg, hints=f"build or accept `{read.name}` first")
        found.append(InputRecord(read.parameter, read.name, fingerprint, read_as))
    return tuple(found)
