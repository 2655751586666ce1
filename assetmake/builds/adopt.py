"""Describe what stands in an asset's place and no build wrote, if it is its own kind.

The asset's annotation and `format=` say which kind that is, as they do for a build.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from assetmake.assets import Asset
from assetmake.errors import (
    FrameError,
    StoreError,
    UnknownNameError,
    hint_of,
    told,
)
from assetmake.frames import Frames
from assetmake.frames.annotations import alternatives
from assetmake.frames.base import FileRecord, Handler, Stored
from assetmake.frames.content import fingerprint_stored
from assetmake.frames.foreign import expected, format_of, misfit
from assetmake.status.rows import PICKLE, Condition, Definition, Record
from assetmake.stores.base import Store
from assetmake.stores.manifest import Output

#: Types of what was stored, by format, where no annotation says one.
_TYPES: Mapping[str, str] = {
    "parquet": "pandas.DataFrame",
    "csv": "pandas.DataFrame",
    "file": "pathlib.Path",
    PICKLE: "object",
}
_TABLES = frozenset({"parquet", "csv"})
#: Formats of reports and objects whose files say nothing but by their one name.
_PLAIN = frozenset({"text", "bytes", "file", PICKLE})


@dataclass(frozen=True, slots=True)
class _Found:
    """What stands in an asset's place.

    Attributes:
        asset: The asset.
        definition: Of it.
        handler: Of its type; None if that is open.
        stored: What stands there.
        place: Where that is.
        is_ours: Whether a build may replace it: it would keep a copy.
    """

    asset: Asset
    definition: Definition
    handler: Handler | None
    stored: Stored
    place: str
    is_ours: bool

    @property
    def hint(self) -> str:
        """What to do about data that is not accepted."""
        name = self.definition.name
        first = "" if self.is_ours else f"move {self.place} away by hand and "
        return f"put the data of `{name}` there; or {first}run `assetmake {name}`"


def refuse_kind(
    asset: Asset, definition: Definition, output: Output, frames: Frames
) -> None:
    """Raise if what a build left is not of the kind that the asset has today.

    Raises:
        StoreError: it is kept in another format than a value of its type would be.
        FrameError: the asset's type cannot be kept in its format.
    """
    handler = frames.for_annotation(asset.returns, reading=False)
    if handler is None:
        return
    format_ = _format(definition, "", frames, handler, ())
    if format_ != output.format:
        name = definition.name
        msg = (
            f"`{name}` cannot be accepted: it is stored as {output.format}, and "
            f"{_whose(definition, handler)} is kept as {format_}"
        )
        raise StoreError(msg, hints=f"run `assetmake {name}`")


def adopted(
    asset: Asset,
    definition: Definition,
    record: Record,
    store: Store,
    frames: Frames,
    *,
    readers: Sequence[tuple[str, Any]],
) -> Output:
    """Describe files that assetmake did not write, or not in this form.

    Args:
        asset: Of whose kind they have to be.
        definition: Of the asset.
        record: What is known of its place.
        store: Where they are.
        frames: Handlers of types.
        readers: Assets that read it, each with the annotation by which it does.

    Raises:
        UnknownNameError: there are none.
        StoreError: they are of another kind, or cannot be read.
        FrameError: the asset's type cannot be kept in its format.
    """
    place = store.place(definition.name)
    try:
        directory, files = store.adopt(definition.name)
        if not files:
            msg = f"`{definition.name}` has no stored data to accept"
            raise UnknownNameError(msg, hints=f"run `assetmake {definition.name}`")
        paths = tuple(directory / file for file in files)
        handler = frames.for_annotation(asset.returns, reading=False)
        before = record.manifest.output if record.manifest else None
        was = before.format if before else ""
        format_ = _format(definition, was, frames, handler, paths)
        if before is not None and before.format == format_:
            columns, extra = before.columns, before.extra
        else:
            columns, extra = None, _extra(format_, handler, paths)
        stored = Stored(definition.name, directory, paths, format_, columns, extra)
        problem = misfit(stored)
    except OSError as error:
        msg = f"{place} cannot be accepted: {told(error)}"
        raise StoreError(msg, hints=hint_of(error)) from error
    is_ours = record.condition is not Condition.UNMANAGED
    found = _Found(asset, definition, handler, stored, place, is_ours)
    if problem:
        raise _refused(found, problem)
    if handler is None:
        _refuse_report(found, readers, frames)
    return _described(found, files)


def _refuse_report(
    found: _Found, readers: Sequence[tuple[str, Any]], frames: Frames
) -> None:
    """Raise if what is no table is read as one: that tells where nothing else does."""
    for reader, annotation in readers if found.stored.format not in _TABLES else ():
        if not alternatives(annotation):
            continue
        wanted = frames.for_annotation(annotation, reading=True)
        if "csv" in wanted.formats and found.stored.format not in wanted.formats:
            name = found.definition.name
            msg = (
                f"{found.place} cannot be accepted as `{name}`: it holds "
                f"{found.stored.files[0].name}, and `{reader}` reads `{name}` as a "
                f"{wanted.name}"
            )
            raise StoreError(msg, hints=found.hint)


def _format(
    definition: Definition,
    was: str,
    frames: Frames,
    handler: Handler | None,
    files: tuple[Path, ...],
) -> str:
    """Return the format that a build would choose; by the files, if that is open."""
    if handler is not None:
        wanted = definition.format or None
        if wanted is None and "csv" in handler.formats:
            wanted = definition.table_format
        return frames.format_of(handler, wanted, definition.name)
    return definition.format or was or format_of(files)


def _whose(definition: Definition, handler: Handler | None) -> str:
    if handler is None:
        return f"`{definition.name}`"
    return f"{'an' if handler.name == 'object' else 'a'} {handler.name}"


def _extra(
    format_: str, handler: Handler | None, files: tuple[Path, ...]
) -> Mapping[str, Any]:
    """Return what a manifest notes of a report beside its format."""
    if format_ in _TABLES or format_ in _PLAIN:
        return {}
    if handler is None:
        return {"report": "str" if format_of(files) == "text" else "bytes"}
    return {"report": handler.name} if handler.name in ("str", "bytes") else {}


def _described(found: _Found, files: Mapping[str, FileRecord]) -> Output:
    definition, stored, handler = found.definition, found.stored, found.handler
    kind = stored.extra.get("report", "bytes" if stored.format == "bytes" else "str")
    try:
        written = fingerprint_stored(stored)
        if handler is not None and stored.format != PICKLE and _demands(handler):
            handler.load(stored, found.asset.returns)
    except Exception as error:
        if not isinstance(error, FrameError | OSError) and not _demands(handler):
            raise
        msg = f"{found.place} cannot be accepted as `{definition.name}`: {error}"
        raise StoreError(msg, hints=found.hint) from error
    if written.columns is None and definition.columns is not None:
        msg = f"{found.place} cannot be accepted as `{definition.name}`, which "
        msg += f"declares columns: it is kept as {stored.format}, which has none"
        raise StoreError(msg, hints=found.hint)
    return Output(
        handler.name if handler is not None else _TYPES.get(stored.format, kind),
        stored.format,
        definition.format,
        written.fingerprint,
        files,
        written.rows,
        written.columns,
        written.extra,
    )


def _demands(handler: Handler | None) -> bool:
    """Whether a handler can refuse what is well in its format.

    So does one that a package adds, for all that is known here.
    """
    if handler is None:
        return False
    home = type(handler).__module__.partition(".")[0]
    return home != "assetmake" or handler.name == "pandas.Series"


def _refused(found: _Found, problem: str) -> StoreError:
    definition, stored, handler = found.definition, found.stored, found.handler
    wanted = expected(stored.format, stored.extra.get("report", ""))
    whose = _whose(definition, handler)
    msg = (
        f"{found.place} cannot be accepted as `{definition.name}`: it holds {problem}, "
        f"and {whose} is kept as {wanted}"
    )
    hints = [found.hint]
    if handler is not None and not definition.format:
        other = format_of(stored.files)
        if other != stored.format and other in _TABLES.intersection(handler.formats):
            hints.insert(0, f'to keep it so, write `@asset(format="{other}")`')
    return StoreError(msg, hints=hints)
