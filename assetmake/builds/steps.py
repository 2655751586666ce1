"""Carry out a plan: run what is stale, in order, and publish what comes out.

Before each asset the same pure comparison as in a status decides again, now
that everything above it is up to date: data that came out the same spares it.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Protocol

from assetmake.builds.checking import CheckRan
from assetmake.builds.listen import Listener, Outcome
from assetmake.builds.plan import Plan, Step
from assetmake.builds.run import Failed, Ran
from assetmake.code.audit import Seen
from assetmake.code.parts import Closure
from assetmake.errors import AssetmakeError, StoreError, hint_of, told
from assetmake.fingerprint import digest
from assetmake.frames.base import FileRecord
from assetmake.status.compare import Explain, asset_status, current_fingerprint, recipe
from assetmake.status.rows import (
    ABSENT,
    Condition,
    Definition,
    Failure,
    Record,
    SourceData,
    Status,
)
from assetmake.stores.base import Store
from assetmake.stores.manifest import (
    CheckRecord,
    InputRecord,
    Manifest,
    Output,
    dump_manifest,
    present,
)


class World(Protocol):
    """What a build asks of its project: fingerprints of now, and tasks."""

    def source_now(self, name: str) -> str | None:
        """Return the fingerprint that a source has at this moment."""
        ...

    def closure(self, name: str) -> Closure:
        """Return the code of an asset, as it was loaded."""
        ...

    def run(self, name: str, staged: Path, *, checks_only: bool = False) -> Ran:
        """Run an asset into a staged directory, or its checks on what is stored."""
        ...

    def ended(self, name: str) -> None:
        """Take it that a step is done with, whatever became of it."""
        ...

    def observed(
        self, name: str, seen: Seen | None, check: str = ""
    ) -> Mapping[str, str]:
        """Return fingerprints of the project files that a run was seen to use."""
        ...

    def versions(self, name: str) -> Mapping[str, str]:
        """Return versions of Python, assetmake and packages used."""
        ...

    def changed(self, name: str) -> None:
        """Take it that the data of an asset came out different."""
        ...


@dataclass(slots=True)
class BuildState:
    """What a build knows of every row, and keeps up to date as it goes."""

    definitions: Mapping[str, Definition]
    sources: dict[str, SourceData]
    records: dict[str, Record]
    statuses: dict[str, Status]
    explain: Explain
    failed: dict[str, str] = field(default_factory=dict)

    def refresh(self, name: str) -> Status:
        """Judge an asset again, by the rows above it as they are now."""
        self.statuses[name] = asset_status(
            self.definitions[name],
            self.records.get(name, ABSENT),
            self.sources,
            self.statuses,
            self.explain,
        )
        return self.statuses[name]


@dataclass(frozen=True, slots=True)
class Started:
    """A step that runs: judged, its inputs fingerprinted, its staging made.

    With `checks_only` just the checks run, on the table that is stored.
    """

    step: Step
    status: Status
    inputs: tuple[InputRecord, ...]
    staged: Path
    checks_only: bool = False


def begin_step(
    step: Step, state: BuildState, store: Store, world: World
) -> Started | Outcome:
    """Judge a step whose upstream is settled; an outcome if it does not run."""
    definition = state.definitions[step.name]
    for read in definition.inputs:
        if read.name in state.failed:
            needs = state.failed[read.name]
            state.failed[step.name] = needs
            return Outcome(step.name, "skipped", needs=needs)
    status = state.refresh(step.name)
    if not status.is_stale and not step.is_forced:
        return Outcome(step.name, "fresh")
    inputs = _inputs(definition, state, world)
    failure = state.records.get(step.name, ABSENT).failure
    checks_only = not step.is_forced and (
        {reason.code for reason in status.reasons} == {"check-changed"}
        or (failure is not None and failure.checks_only and _is_just_checks(status))
    )
    return Started(step, status, inputs, store.stage(step.name), checks_only)


def _is_just_checks(status: Status) -> bool:
    """Whether a stored table is as it should be, but for what its checks say."""
    codes = {reason.code for reason in status.reasons}
    return codes <= {"check-changed", "last-build-failed"}


def finish_step(
    started: Started, ran: Ran, state: BuildState, store: Store, world: World
) -> Outcome:
    """Publish what a step left, or keep how it failed."""
    name = started.step.name
    definition = state.definitions[name]
    store.log(name, ran.printed)
    if started.checks_only and ran.failed is None:
        return _stamp(started, ran, state, store, world)
    if ran.failed is not None or ran.written is None:
        return _note_failure(started, definition, state, store, ran)
    before = state.records.get(name, ABSENT)
    inputs = _checked_again(started.inputs, ran.from_memory, state, store, world)
    files = store.files(started.staged, ran.written.files)
    manifest = _manifest(
        definition, started.status, ran, world, inputs=inputs, files=files
    )
    manifest = _as_recorded(manifest, started.status) or manifest
    kept = ""
    # As it is now: somebody may have edited it while the asset ran.
    if not store.is_ours(name, store.record(name)):
        kept = str(store.keep(name))
    # Not after: a build that is killed in between would leave a new table and the
    # failure of an older run.
    if before.failure:
        store.note_failure(name, None)
    store.publish(name, started.staged, manifest)
    state.records[name] = _as_stored(manifest)
    state.refresh(name)
    output = manifest.output
    same = before.manifest is not None and (
        before.manifest.output.fingerprint == output.fingerprint
    )
    if not same:
        world.changed(name)
    return Outcome(
        name,
        "built",
        ran.seconds,
        output.rows,
        output.bytes,
        same_data=same,
        kept=kept,
        printed=ran.printed,
        checks=_told(ran),
    )


def _as_recorded(manifest: Manifest, status: Status) -> Manifest | None:
    """Return the record of a table whose data alone was gone, if that came back.

    Manifests may be in git, without the data: a checkout in which it is made again,
    byte for byte and with the same versions, has nothing to commit.
    """
    before = status.manifest
    codes = {reason.code for reason in status.reasons}
    if before is None or codes != {"data-missing"}:
        return None
    same_run = replace(
        manifest,
        built_at=before.built_at,
        seconds=before.seconds,
        peak_memory=before.peak_memory,
        why=before.why,
    )
    return before if dump_manifest(same_run) == dump_manifest(before) else None


def _told(ran: Ran) -> tuple[CheckRan, ...]:
    """Return what checks said, without what the audit saw."""
    return tuple(replace(check, seen=None) for check in ran.checks)


def _as_stored(manifest: Manifest) -> Record:
    """Return the record of an asset that was just stored under a manifest."""
    observed = dict(manifest.observed)
    for check in manifest.checks:
        observed.update(check.observed)
    return Record(Condition.INTACT, manifest, observed=observed)


def _stamp(
    started: Started, ran: Ran, state: BuildState, store: Store, world: World
) -> Outcome:
    """Record what checks said of the table that is stored, which stays as it is.

    Raises:
        StoreError: the table was changed while they ran.
    """
    name = started.step.name
    before = state.records[name]
    if before.manifest is None or not store.is_intact(before.manifest):
        msg = f"{store.place(name)} was changed while its checks ran"
        raise StoreError(msg, hints=f"run `assetmake {name}` again")
    checks = _check_records(state.definitions[name], ran, world)
    manifest = replace(before.manifest, checks=checks)
    store.stamp(manifest)
    if before.failure:
        store.note_failure(name, None)
    state.records[name] = _as_stored(manifest)
    state.refresh(name)
    output = manifest.output
    return Outcome(
        name,
        "checked",
        ran.seconds,
        output.rows,
        output.bytes,
        same_data=True,
        printed=ran.printed,
        checks=_told(ran),
    )


def _check_records(
    definition: Definition, ran: Ran, world: World
) -> tuple[CheckRecord, ...]:
    """Return what the manifest keeps of each check: no rows."""
    said = {check.name: check for check in ran.checks}
    return tuple(
        CheckRecord(
            name=check.name,
            place=check.place,
            severity=check.severity,
            passed=said[check.name].passed,
            fingerprint=check.code,
            failing=said[check.name].failing,
            message=said[check.name].summary,
            parts=check.parts,
            observed=world.observed(definition.name, said[check.name].seen, check.name),
        )
        for check in definition.checks
    )


def _inputs(
    definition: Definition, state: BuildState, world: World
) -> tuple[InputRecord, ...]:
    """Return what the asset is about to read, fingerprinted before it does."""
    found = []
    for read in definition.inputs:
        read_as: Mapping[str, str] = {}
        if read.name in state.sources:
            read_as = state.sources[read.name].read_as
            fingerprint = world.source_now(read.name)
            state.sources[read.name] = replace(
                state.sources[read.name], fingerprint=fingerprint
            )
        else:
            fingerprint = current_fingerprint(read.name, state.sources, state.statuses)
        fingerprint = fingerprint or "missing"
        found.append(InputRecord(read.parameter, read.name, fingerprint, read_as))
    return tuple(found)


def _checked_again(
    inputs: tuple[InputRecord, ...],
    from_memory: Collection[str],
    state: BuildState,
    store: Store,
    world: World,
) -> tuple[InputRecord, ...]:
    """Return the inputs, those marked that changed while they were read.

    What was read then is neither the old nor the new data; recorded under a
    fingerprint that no data has, the asset is not fresh until built again. What
    was read from memory is what has the fingerprint, whatever becomes of files.
    """
    checked = []
    for record in inputs:
        if record.name in from_memory:
            same = True
        elif record.name in state.sources:
            same = world.source_now(record.name) == record.fingerprint
        else:
            manifest = state.records[record.name].manifest
            same = manifest is not None and store.is_intact(manifest)
        if not same:
            moved = "changed-while-read:" + digest(record.fingerprint)
            record = replace(record, fingerprint=moved)  # noqa: PLW2901
        checked.append(record)
    return tuple(checked)


def _note_failure(
    started: Started, definition: Definition, state: BuildState, store: Store, ran: Ran
) -> Outcome:
    step = started.step
    failed = ran.failed or Failed("RuntimeError", "it left nothing")
    tried = recipe(definition, state.sources, state.statuses)
    if tried is not None:
        failure = Failure(tried, failed.summary, started.checks_only)
        store.note_failure(step.name, failure)
        record = state.records.get(step.name, ABSENT)
        state.records[step.name] = replace(record, failure=failure)
    state.failed[step.name] = step.name
    return Outcome(
        step.name,
        "failed",
        ran.seconds,
        failed=failed,
        printed=ran.printed,
        checks=_told(ran),
        is_stored=state.records.get(step.name, ABSENT).manifest is not None,
    )


def _manifest(
    definition: Definition,
    status: Status,
    ran: Ran,
    world: World,
    *,
    inputs: tuple[InputRecord, ...],
    files: Mapping[str, FileRecord],
) -> Manifest:
    written = ran.written
    if written is None:
        raise AssertionError
    closure = world.closure(definition.name)
    now = dt.datetime.now(dt.UTC)
    return Manifest(
        name=definition.name,
        code=definition.code,
        parts=definition.parts,
        code_files=closure.files,
        inputs=inputs,
        reads=present(definition.reads),
        observed=world.observed(definition.name, ran.seen),
        variables=present(definition.variables),
        packages=present(definition.packages),
        output=Output(
            ran.type,
            ran.format,
            definition.format,
            written.fingerprint,
            files,
            written.rows,
            written.columns,
            written.extra,
        ),
        built_at=now.strftime("%Y-%m-%dT%H:%M:%SZ"),
        seconds=round(ran.seconds, 3),
        peak_memory=ran.peak_memory,
        why=tuple(dict.fromkeys(reason.code for reason in status.reasons)),
        versions=world.versions(definition.name),
        checks=_check_records(definition, ran, world),
        project=definition.project,
        assetfile=definition.assetfile,
    )


def build(
    plan: Plan,
    state: BuildState,
    store: Store,
    world: World,
    listener: Listener,
    *,
    keep_going: bool = False,
) -> list[Outcome]:
    """Carry out a plan, one step after the other.

    Args:
        plan: What to do; upstream before downstream.
        state: Of every row; kept up to date.
        store: Locked by the caller.
        world: The project.
        listener: Is told of each step.
        keep_going: Whether to go on with what does not need a failed asset.

    Returns:
        One outcome a step. After Ctrl-C the step that ran is ``stopped`` and
        the rest ``not started``; so is the rest after a failure unless
        `keep_going`.
    """
    outcomes: list[Outcome] = []
    for position, step in enumerate(plan.steps):
        listener.started(step.name)
        try:
            outcome = _whole_step(step, state, store, world)
        except KeyboardInterrupt:
            outcome = Outcome(step.name, "stopped")
        world.ended(step.name)
        outcomes.append(outcome)
        listener.finished(outcome)
        if outcome.kind == "stopped" or (outcome.kind == "failed" and not keep_going):
            rest = plan.steps[position + 1 :]
            outcomes += [Outcome(step.name, "not started") for step in rest]
            break
    return outcomes


def _whole_step(step: Step, state: BuildState, store: Store, world: World) -> Outcome:
    try:
        begun = begin_step(step, state, store, world)
        if isinstance(begun, Outcome):
            return begun
        ran = world.run(step.name, begun.staged, checks_only=begun.checks_only)
        return finish_step(begun, ran, state, store, world)
    except (OSError, AssetmakeError) as error:
        return failed_outcome(step.name, error, state)


def failed_outcome(name: str, error: Exception, state: BuildState) -> Outcome:
    """Return the outcome of a step that the store would not take.

    A full disk, say, fails the one asset that met it.
    """
    state.failed[name] = name
    if isinstance(error, OSError):
        failed = Failed(type(error).__name__, told(error), hints=hint_of(error))
    else:
        hints = tuple(getattr(error, "hints", ()))
        failed = Failed(type(error).__name__, str(error), hints=hints)
    return Outcome(name, "failed", failed=failed)
