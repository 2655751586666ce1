"""Records of stored tables, kept by the stamps of their files.

A table that was found intact is so as long as its directory, its manifest and
its files are as they were: then neither is opened again, nor is the directory
listed. Like the index of digests it only saves work, and goes after a reboot.

A kept manifest has all but the parts of its code, which only a diff asks for;
those are read from the table's own manifest then.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterator, Sequence
from functools import cached_property
from typing import Any, overload

from assetmake.code.parts import Part, Place
from assetmake.frames.base import Column, FileRecord
from assetmake.saved.asides import aside_of
from assetmake.saved.boot import boot_id
from assetmake.saved.clocks import lag_of, tick_of
from assetmake.saved.fileindex import index_is_wanted
from assetmake.stores.fields import ManifestError
from assetmake.stores.manifest import (
    FILE_NAME,
    CheckRecord,
    InputRecord,
    Manifest,
    Output,
    parse_manifest,
)
from assetmake.system.plain import read_plain

#: Changes with what is kept of a manifest, and how.
_FORMAT = "assetmake-records-3"
#: An inspection writes if at least one of so many records is new.
_WORTH_SAVING = 64

#: Size, change time in ns, inode.
Stamp = tuple[int, int, int]


class KeptParts(Sequence[Part]):
    """The parts of the code of a manifest, read when they are asked for."""

    def __init__(self, file: str, name: str) -> None:
        """Read nothing yet.

        Args:
            file: Of the manifest.
            name: The asset's.
        """
        self._file = file
        self._name = name
        self._parts: tuple[Part, ...] | None = None

    def _read(self) -> tuple[Part, ...]:
        if self._parts is None:
            self._parts = ()
            try:
                manifest = parse_manifest(read_plain(self._file))
                if manifest.name == self._name:
                    self._parts = tuple(manifest.parts)
            except (OSError, ManifestError):
                pass  # it was fine a moment ago: a build has replaced it
        return self._parts

    def __len__(self) -> int:
        return len(self._read())

    @overload
    def __getitem__(self, index: int) -> Part: ...

    @overload
    def __getitem__(self, index: slice) -> tuple[Part, ...]: ...

    def __getitem__(self, index: int | slice) -> Part | tuple[Part, ...]:
        return self._read()[index]

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Sequence) and self._read() == tuple(other)

    def __hash__(self) -> int:
        return hash(self._read())


class Kept:
    """The records of one store, by the paths of the tables in it."""

    def __init__(self, file: str, top: str) -> None:
        """Read nothing yet.

        Args:
            file: Where the records are kept.
            top: Directory of the store.
        """
        self._file = file
        self._top = top
        # Without a name of the boot, or where nobody wants it, nothing is kept.
        self._boot = boot_id() if index_is_wanted() else ""
        self._changed = 0
        self._margin = 1 << 64
        self._found: dict[str, Manifest] = {}

    @cached_property
    def _tables(self) -> dict[str, Any]:
        """Read from the file when the first table is asked for.

        Each has its manifest, and name and stamp of each file in its directory;
        the empty name stands for the directory.
        """
        if not self._boot:
            return {}
        from xxhash import xxh3_128

        try:
            line, _, data = read_plain(self._file).partition(b"\n")
        except OSError:
            return {}
        if line != f"{_FORMAT} {self._boot} {xxh3_128(data).hexdigest()}".encode():
            return {}
        import json

        tables: dict[str, Any] = json.loads(data.decode("utf-8", "surrogatepass"))
        return tables

    def manifest(self, path: str) -> Manifest | None:
        """Return the manifest of a table that is intact; None if it has to be read.

        Args:
            path: Of its directory, relative to the store.
        """
        table = self._tables.get(path)
        if table is None:
            return None
        directory = f"{self._top}{os.sep}{path}"
        packed, stamps = table
        for name, stamp in stamps.items():
            try:
                stat = os.stat(f"{directory}{os.sep}{name}" if name else directory)
            except OSError:
                stat = None
            if stat is None or _stamp(stat) != tuple(stamp):
                del self._tables[path]
                self._found.pop(path, None)
                self._changed += 1
                return None
        found = self._found.get(path)
        if found is None:
            found = unpack(packed, f"{directory}{os.sep}{FILE_NAME}")
            self._found[path] = found
        return found

    def files(self, path: str, stat: os.stat_result) -> tuple[str, ...] | None:
        """Return the names in a table's directory; None if it has to be listed.

        Those that readers skip are among them, but for the marker.

        Args:
            path: Of the directory, relative to the store.
            stat: Of it, now.
        """
        table = self._tables.get(path)
        if table is None or _stamp(stat) != tuple(table[1][""]):
            return None
        return tuple(name for name in table[1] if name)

    def keep(
        self, path: str, manifest: Manifest, names: Sequence[str], began_ns: int
    ) -> None:
        """Keep the record of a table that was found intact.

        Args:
            path: Of its directory, relative to the store.
            manifest: As it was read.
            names: What is in the directory, but for the marker.
            began_ns: Before anything of it was looked at.
        """
        if not self._boot:
            return
        directory = f"{self._top}{os.sep}{path}"
        stamps: dict[str, Stamp] = {}
        for name in ("", *names):
            try:
                stat = os.stat(f"{directory}{os.sep}{name}" if name else directory)
            except OSError:
                return
            # What is younger may have changed since it was looked at.
            tick = tick_of(stat.st_mtime_ns, stat.st_ctime_ns)
            margin = began_ns - stat.st_ctime_ns - tick
            if margin <= 0:
                return
            self._margin = min(self._margin, margin)
            stamps[name] = _stamp(stat)
        self._tables[path] = (pack(manifest), stamps)
        self._found[path] = manifest
        self._changed += 1

    def save(self, *, always: bool = False) -> None:
        """Write the records if that is worth it; a store that refuses is let be."""
        few = self._changed * _WORTH_SAVING < len(self._tables)
        if not self._changed or (few and not always):
            return
        if not os.path.isdir(os.path.dirname(self._file)):
            return
        import json

        from xxhash import xxh3_128

        text = json.dumps(dict(self._living()), separators=(",", ":"))
        data = text.encode("utf-8", "surrogatepass")
        line = f"{_FORMAT} {self._boot} {xxh3_128(data).hexdigest()}\n".encode()
        staged, began = aside_of(self._file), time.time_ns()
        try:
            with open(staged, "wb") as stream:
                stream.write(line + data)
            if lag_of(staged, began) >= self._margin:
                os.unlink(staged)  # by the server's clock some are too young
            else:
                os.replace(staged, self._file)
        except OSError:
            if os.path.exists(staged):
                os.unlink(staged)
        self._changed = 0

    def _living(self) -> Iterator[tuple[str, Any]]:
        """Yield what is kept of each table that is still there."""
        for path, table in self._tables.items():
            if path in self._found or os.path.isdir(f"{self._top}{os.sep}{path}"):
                yield path, table


def _stamp(stat: os.stat_result) -> Stamp:
    return (stat.st_size, stat.st_ctime_ns, stat.st_ino)


# Manifests ----------------------------------------------------------------------


def pack(manifest: Manifest) -> list[Any]:
    """Return all of a manifest but the parts of its code, as plain values."""
    output = manifest.output
    columns = output.columns
    return [
        manifest.name,
        manifest.code,
        dict(manifest.code_files),
        [
            [item.parameter, item.name, item.fingerprint, dict(item.read_as)]
            for item in manifest.inputs
        ],
        dict(manifest.reads),
        dict(manifest.observed),
        dict(manifest.variables),
        dict(manifest.packages),
        [
            output.type,
            output.format,
            output.asked,
            output.fingerprint,
            {name: [file.bytes, file.digest] for name, file in output.files.items()},
            output.rows,
            None if columns is None else [[c.name, c.dtype] for c in columns],
            dict(output.extra),
        ],
        manifest.built_at,
        manifest.seconds,
        manifest.peak_memory,
        list(manifest.why),
        dict(manifest.versions),
        manifest.accepted,
        manifest.adopted,
        [_pack_check(record) for record in manifest.checks],
        manifest.project,
        manifest.assetfile,
    ]


def unpack(packed: Sequence[Any], file: str) -> Manifest:
    """Return what `pack` made plain values of.

    Args:
        packed: Those values.
        file: Of the manifest, for the parts of its code.
    """
    (
        name, code, code_files, inputs, reads, observed, variables, packages, output,
        built_at, seconds, peak_memory, why, versions, accepted, adopted, checks,
        project, assetfile,
    ) = packed  # fmt: skip
    kind, format_, asked, fingerprint, files, rows, columns, extra = output
    return Manifest(
        name,
        code,
        KeptParts(file, name),
        code_files,
        tuple(InputRecord(*item) for item in inputs),
        reads,
        observed,
        variables,
        packages,
        Output(
            kind,
            format_,
            asked,
            fingerprint,
            {name: FileRecord(*record) for name, record in files.items()},
            rows,
            None if columns is None else tuple(Column(*column) for column in columns),
            extra,
        ),
        built_at,
        seconds,
        peak_memory,
        tuple(why),
        versions,
        accepted,
        adopted,
        tuple(_unpack_check(item) for item in checks) if checks else (),
        project,
        assetfile,
    )


def _pack_check(record: CheckRecord) -> list[Any]:
    place = [record.place.file, record.place.line]
    return [
        record.name,
        place,
        record.severity,
        record.passed,
        record.fingerprint,
        record.failing,
        record.message,
        [
            [
                p.name,
                p.kind,
                [p.place.file, p.place.line],
                p.fingerprint,
                p.source,
                p.via,
            ]
            for p in record.parts
        ],
        dict(record.observed),
    ]


def _unpack_check(packed: Sequence[Any]) -> CheckRecord:
    name, place, severity, passed, fingerprint, failing, message, parts, seen = packed
    return CheckRecord(
        name,
        Place(*place),
        severity,
        passed,
        fingerprint,
        failing,
        message,
        tuple(
            Part(part, kind, Place(*at), digest, source, via)
            for part, kind, at, digest, source, via in parts
        ),
        seen,
    )
