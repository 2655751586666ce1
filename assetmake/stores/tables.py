"""Tables as directories of a store, looked at; nothing here changes one."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator, Mapping
from dataclasses import replace
from functools import cached_property
from pathlib import Path

from assetmake.fingerprint import digest_bytes
from assetmake.frames.base import Stored
from assetmake.names import is_name, path_of
from assetmake.saved.clocks import tick_of
from assetmake.saved.draft import Draft
from assetmake.saved.fileindex import FileIndex
from assetmake.saved.snapshot import FILE_NAME as SNAPSHOT
from assetmake.saved.snapshot import PRIVATE
from assetmake.status.rows import Condition, Record
from assetmake.stores.fields import ManifestError
from assetmake.stores.kept import Kept
from assetmake.stores.listing import (
    SUCCESS,
    draft_files,
    inside,
    is_hidden,
    links,
)
from assetmake.stores.manifest import FILE_NAME, Manifest, parse_manifest
from assetmake.stores.notes import Notes
from assetmake.system.plain import read_plain

#: Size, change time in ns, inode.
_Stamp = tuple[int, int, int]
#: How often a table is looked at that is exchanged meanwhile.
_LOOKS = 50


class Tables:
    """Assets as directories below `root`; what inspects of the protocol `Store`."""

    def __init__(self, root: Path, project: Path) -> None:
        """Nothing is opened.

        Args:
            root: Absolute path of the store's directory; need not exist.
            project: The project's directory, for messages and the index.
        """
        self.root = root
        self._project = project
        self._private = root / PRIVATE
        self.index = FileIndex(self._private / "index", project)
        self.notes = Notes(self._private)
        self._is_locked = False
        #: What this process published, by the file, with the digest of its bytes.
        self._written: dict[str, tuple[str, Manifest]] = {}
        self._manifests: dict[str, tuple[_Stamp | None, Manifest]] = {}
        self._kept = Kept(str(self._private / "records"), str(root))

    def names(self) -> Iterator[str]:
        """Yield the name of each directory below the root that holds files."""
        todo = [(str(self.root), "")]
        while todo:
            directory, prefix = todo.pop()
            if self._table_files(directory, prefix) is not None:
                yield prefix
                continue
            inner, has_manifest, has_files = inside(directory, is_root=not prefix)
            if prefix and (has_manifest or has_files):
                yield prefix
            if has_manifest:
                continue  # what lies in a table is the table's
            for name in sorted(inner, reverse=True):
                below = f"{prefix}/{name}" if prefix else name
                if is_name(below):
                    todo.append((f"{directory}{os.sep}{name}", below))

    def _table_files(self, directory: str, path: str) -> tuple[str, ...] | None:
        """Return the names in a table's directory, if they are those of last time."""
        if not path:
            return None
        try:
            return self._kept.files(path, os.stat(directory))
        except OSError:
            return None

    def record(self, name: str, *, data: bool = True) -> Record:
        """Return what the directory of one name holds.

        One that a build exchanges meanwhile is looked at again: half of the old
        and half of the new table would look as if somebody had edited it.
        """
        directory = f"{self.root}{os.sep}{path_of(name)}"
        for _ in range(_LOOKS):
            before = _inode(directory)
            found = self._record(name, data=data)
            if found.condition is Condition.INTACT and not found.problem:
                break
            if found.condition is Condition.ABSENT and self._is_swapping():
                continue
            # Asked last: a swap that ended just now has changed it.
            if before == _inode(directory):
                break
        return found

    def _is_swapping(self) -> bool:
        """Whether a table may be away just between two renames; wait if so."""
        if self._is_locked:  # nobody renames but this process, which asks now
            return False
        try:
            staged = os.listdir(self._staging)
        except OSError:
            return False
        if not any(os.path.exists(self._staging / name / "swap") for name in staged):
            return False
        time.sleep(0.01)
        return True

    def _record(self, name: str, *, data: bool) -> Record:
        began, path = time.time_ns(), path_of(name)
        directory = f"{self.root}{os.sep}{path}"
        failure = self.notes.failure(name)
        manifest = self._kept.manifest(path)
        if manifest is not None and path_of(manifest.name) == path:
            place = f"{self.place(name)}/{FILE_NAME}"
            return Record(Condition.INTACT, manifest, failure=failure, place=place)
        try:
            entries = {entry.name: entry for entry in os.scandir(directory)}
        except (FileNotFoundError, NotADirectoryError):
            if os.path.lexists(directory):
                detail = f"{self.place(name)} is no directory, and it"
                return Record(Condition.UNMANAGED, detail=detail, failure=failure)
            return Record(Condition.ABSENT, failure=failure)
        except OSError as error:
            problem = f"not to be reached: {error.strerror}"
            return Record(Condition.INTACT, problem=problem, failure=failure)
        if FILE_NAME not in entries:
            if any(not is_hidden(entry) for entry in entries):
                detail = f"{self.place(name)}/"
                return Record(Condition.UNMANAGED, detail=detail, failure=failure)
            return Record(Condition.ABSENT, failure=failure)
        place = f"{self.place(name)}/{FILE_NAME}"
        try:
            manifest = self._manifest(entries[FILE_NAME].path, name)
        except ManifestError as error:
            return Record(
                Condition.INTACT, problem=str(error), failure=failure, place=place
            )
        found = Record(Condition.INTACT, manifest, failure=failure, place=place)
        if not data:
            return found
        condition, detail = self._compare(manifest, entries)
        if condition is Condition.INTACT:
            shown = [entry for entry in entries if entry != SUCCESS]
            self._kept.keep(path, manifest, shown, began)
        return replace(found, condition=condition, detail=detail)

    def _manifest(self, file: str, name: str) -> Manifest:
        """Return a manifest, parsed once as long as its file is the same.

        Raises:
            ManifestError: it cannot be read, or is another asset's.
        """
        try:
            stat = os.stat(file)
        except OSError as error:
            msg = f"not to be read: {error.strerror}"
            raise ManifestError(msg) from error
        known = self._manifests.get(file)
        # What is younger than a tick of the clock may change without a trace.
        tick = tick_of(stat.st_mtime_ns, stat.st_ctime_ns)
        is_old = stat.st_ctime_ns + tick < time.time_ns()
        stamp = (stat.st_size, stat.st_ctime_ns, stat.st_ino) if is_old else None
        if known and stamp and known[0] == stamp:
            return known[1]
        manifest = self._read_manifest(file, name)
        self._manifests[file] = (stamp, manifest)
        return manifest

    def _read_manifest(self, file: str, name: str) -> Manifest:
        try:
            data = read_plain(file)
        except OSError as error:
            msg = f"not to be read: {error.strerror}"
            raise ManifestError(msg) from error
        written = self._written.get(file)
        if written is not None and written[0] == digest_bytes(data):
            return written[1]
        manifest = parse_manifest(data)
        if path_of(manifest.name) != path_of(name):
            msg = f"that of another asset, `{manifest.name}`"
            raise ManifestError(msg)
        return manifest

    def _compare(
        self, manifest: Manifest, entries: Mapping[str, os.DirEntry[str]]
    ) -> tuple[Condition, str]:
        """Compare the files of a table with those that its manifest names."""
        recorded = manifest.output.files
        lacking = [name for name in recorded if name not in entries]
        if lacking and len(lacking) == len(recorded):
            return Condition.LOST, ""
        if lacking:
            return Condition.MODIFIED, f"{lacking[0]} is gone"
        for name in entries:
            if name not in recorded and not is_hidden(name):
                return Condition.MODIFIED, f"{name} was added"
        for name, record in recorded.items():
            try:
                # Not the entry's own stat(): a link to a file is that file.
                stat = os.stat(entries[name].path)
                if (
                    stat.st_size != record.bytes
                    or self.index.digest(entries[name].path, stat) != record.digest
                ):
                    return Condition.MODIFIED, f"{name} has other bytes"
            except OSError as error:
                detail = f"{name} cannot be read: {error.strerror}"
                return Condition.MODIFIED, detail
        return Condition.INTACT, ""

    def is_intact(self, manifest: Manifest) -> bool:
        """Return whether each file of an asset has the bytes that it had."""
        directory = f"{self.root}{os.sep}{path_of(manifest.name)}{os.sep}"
        try:
            return all(
                self.index.digest(directory + file) == record.digest
                for file, record in manifest.output.files.items()
            )
        except OSError:
            return False

    def is_ours(self, name: str, record: Record) -> bool:
        """Return whether a directory holds nothing but what a build wrote.

        What was adopted is somebody's own: no build can write that anew.
        """
        if record.condition is Condition.MODIFIED:
            return False
        try:
            found = os.listdir(f"{self.root}{os.sep}{path_of(name)}")
        except FileNotFoundError:
            return True
        manifest = record.manifest
        files = manifest.output.files if manifest and not manifest.adopted else ()
        return {*found} <= {FILE_NAME, SUCCESS, *files}

    def stored(self, manifest: Manifest) -> Stored:
        """Return what a handler needs to load an asset."""
        directory = self.root / path_of(manifest.name)
        output = manifest.output
        return Stored(
            manifest.name,
            directory,
            tuple(directory / file for file in output.files),
            output.format,
            output.columns,
            output.extra,
        )

    def place(self, name: str) -> str:
        """Return the directory of an asset, relative to the project."""
        return f"{self._shown}{path_of(name)}"

    @cached_property
    def _shown(self) -> str:
        """How places in the store begin: relative to the project, if it is there."""
        try:
            root = self.root.relative_to(self._project).as_posix()
        except ValueError:
            root = self.root.as_posix()
        return "" if root == "." else f"{root}/"

    def is_one_place(self, name: str, other: str) -> bool:
        """Return whether a file system takes two names for one directory."""
        try:
            return (self.root / path_of(name)).samefile(self.root / path_of(other))
        except OSError:
            return False

    def draft(self, draft: Draft) -> None:
        """Let a snapshot hang on every table, and on which tables there are."""
        top = str(self.root)
        todo = [top]
        while todo:
            directory = todo.pop()
            known = self._table_files(directory, directory[len(top) + 1 :])
            if known is None and not os.path.isdir(directory):
                draft.absent(directory)
                continue
            draft.stamp(directory)
            if known is not None:
                for name in known:
                    draft.stamp(f"{directory}{os.sep}{name}")
                continue
            inner, has_manifest, _ = inside(directory, is_root=directory == top)
            if has_manifest:
                draft_files(draft, directory)
                continue
            todo += [f"{directory}{os.sep}{name}" for name in inner]
            for link in links(directory):
                # A table may come to stand behind it.
                draft.path(os.path.join(link, FILE_NAME))
        failures = str(self._private / "failures")
        if os.path.isdir(failures):
            draft.stamp(failures)
        else:
            draft.absent(failures)

    def draft_table(self, draft: Draft, name: str) -> None:
        """Let a snapshot hang on one table."""
        directory = str(self.root / path_of(name))
        draft.stamp(directory)
        draft_files(draft, directory)

    @property
    def snapshot(self) -> Path | None:
        """Where the snapshot of this store is kept."""
        return self._private / SNAPSHOT

    @property
    def _staging(self) -> Path:
        return self._private / "staging"


def _inode(directory: str) -> int | None:
    try:
        return os.stat(directory).st_ino
    except (OSError, ValueError):
        return None
