"""Record stored data as right for today's code, without running it."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from assetmake.errors import FrameError, StoreError, UnknownNameError
from assetmake.frames.base import Stored
from assetmake.look.view import View
from assetmake.status.rows import Condition, Definition, Record
from assetmake.stores.base import Store
from assetmake.stores.manifest import (
    CheckRecord,
    InputRecord,
    Manifest,
    Output,
    present,
)
from assetmake.versions import versions_of


def accept(view: View, name: str, store: Store) -> Manifest:
    """Return the manifest under which what is stored of an asset is fresh.

    Args:
        view: The project as it is now.
        name: Of an asset.
        store: Where it is stored.

    Raises:
        UnknownNameError: nothing is stored under the name, or under that of
            something that it reads.
        StoreError: what is stored cannot be read as a table or report.
    """
    definition = view.definitions[name]
    record = view.records[name]
    if record.condition in (Condition.ABSENT, Condition.LOST):
        msg = f"`{name}` has no stored data to accept"
        raise UnknownNameError(msg, hints=f"run `assetmake {name}`")
    before = record.manifest
    if before is not None and record.condition is Condition.INTACT:
        output = before.output
        asked = output.asked if output.columns is None else definition.format
        output = replace(output, asked=asked)
    else:
        output = _adopted(definition, record, store)
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
        checks=_checks(definition, record),
        project=definition.project,
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
        if read.name in view.sources:
            fingerprint = view.sources[read.name].fingerprint
        else:
            manifest = view.records[read.name].manifest
            fingerprint = manifest.output.fingerprint if manifest else None
        if fingerprint is None:
            msg = f"`{definition.name}` reads `{read.name}`, which is not stored"
            raise UnknownNameError(msg, hints=f"build or accept `{read.name}` first")
        found.append(InputRecord(read.parameter, read.name, fingerprint))
    return tuple(found)


def _adopted(definition: Definition, record: Record, store: Store) -> Output:
    """Describe files that assetmake did not write, or not in this form."""
    from assetmake.frames.content import fingerprint_stored

    directory, files = store.adopt(definition.name)
    if not files:
        msg = f"{store.place(definition.name)} holds no files to adopt"
        raise StoreError(msg)
    suffixes = {Path(file).suffix for file in files}
    format_ = definition.format or _FORMAT_OF.get(min(suffixes), "file")
    before = record.manifest.output if record.manifest else None
    stored = Stored(
        definition.name,
        directory,
        tuple(directory / file for file in files),
        before.format if before else format_,
        before.columns if before else None,
        before.extra if before else {},
    )
    try:
        written = fingerprint_stored(stored)
    except FrameError as error:
        msg = f"{store.place(definition.name)} cannot be adopted: {error}"
        hint = f"move it away by hand, then run `assetmake {definition.name}`"
        raise StoreError(msg, hints=hint) from error
    return Output(
        before.type if before else "pandas.DataFrame",
        stored.format,
        definition.format,
        written.fingerprint,
        files,
        written.rows,
        written.columns,
        written.extra,
    )


_FORMAT_OF: Mapping[str, str] = {
    ".parquet": "parquet",
    ".csv": "csv",
    ".txt": "text",
    ".html": "text",
    ".pkl": "pickle",
    ".pickle": "pickle",
}
