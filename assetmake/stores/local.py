"""A store of local files: one directory an asset, published by one rename."""

from __future__ import annotations

import errno
import os
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import replace
from functools import cached_property
from pathlib import Path

from assetmake.errors import StoreError, hint_of, told
from assetmake.fingerprint import digest, digest_bytes, digest_file
from assetmake.frames.base import FileRecord, Stored
from assetmake.names import is_name, path_of
from assetmake.saved.clocks import FINE_TICK, tick_of
from assetmake.saved.draft import Draft
from assetmake.saved.fileindex import FileIndex, set_back
from assetmake.saved.snapshot import FILE_NAME as SNAPSHOT
from assetmake.saved.snapshot import PRIVATE
from assetmake.status.compare import Condition, Failure, Record
from assetmake.stores.base import Waiting
from assetmake.stores.kept import Kept
from assetmake.stores.manifest import (
    FILE_NAME,
    Manifest,
    ManifestError,
    dump_manifest,
    parse_manifest,
)
from assetmake.system.plain import MOST_BYTES, read_plain

#: Written behind the data, as Hadoop does, for readers that wait for it.
SUCCESS = "_SUCCESS"

#: Size, change time in ns, inode.
_Stamp = tuple[int, int, int]
#: How often a table is looked at that is exchanged meanwhile.
_LOOKS = 50
_LET_WRITE = "let this user write there, or choose another `root`"

#: Bytes that a name may fill where file systems allow 255.
_LONGEST_FLAT = 120

#: A file's name, its stat, when it was hashed (ns), and its digest.
_Hashed = tuple[str, os.stat_result, int, str]
_NONE: Mapping[str, FileRecord] = {}


class LocalStore:
    """Assets as directories below `root`; see the protocol `Store`."""

    def __init__(self, root: Path, project: Path) -> None:
        """Open the store; nothing is made or changed.

        Args:
            root: Absolute path of the store's directory; need not exist.
            project: The project's directory, for messages and the index.
        """
        self.root = root
        self._project = project
        self._private = root / PRIVATE
        self.index = FileIndex(self._private / "index", project)
        self._staged = 0
        self._published_ns = 0
        self._is_locked = False
        self._logged: set[str] | None = None
        self._published: list[Path] = []
        #: What this process published, by the file, with the digest of its bytes.
        self._written: dict[str, tuple[str, Manifest]] = {}
        self._hashed: dict[Path, list[_Hashed]] = {}
        self._manifests: dict[str, tuple[_Stamp | None, Manifest]] = {}
        self._kept = Kept(str(self._private / "records"), str(root))

    # What inspects -----------------------------------------------------------

    def names(self) -> Iterator[str]:
        """Yield the name of each directory below the root that holds files."""
        todo = [(str(self.root), "")]
        while todo:
            directory, prefix = todo.pop()
            if self._table_files(directory, prefix) is not None:
                yield prefix
                continue
            inner, has_manifest, has_files = _list(directory)
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
        failure = self._failure(name)
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
            if any(not _is_hidden(entry) for entry in entries):
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
            if name not in recorded and not _is_hidden(name):
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
        """Return whether a directory holds nothing but what a build wrote."""
        if record.condition is Condition.MODIFIED:
            return False
        try:
            found = os.listdir(f"{self.root}{os.sep}{path_of(name)}")
        except FileNotFoundError:
            return True
        files = record.manifest.output.files if record.manifest else ()
        return {*found} <= {FILE_NAME, SUCCESS, *files}

    def _failure(self, name: str) -> Failure | None:
        file = self._failure_file(name)
        if not os.path.exists(file):
            return None
        import json

        try:
            tree = json.loads(read_plain(file))
            only = tree.get("checks_only") is True
            return Failure(str(tree["recipe"]), str(tree["message"]), only)
        except (OSError, ValueError, KeyError, TypeError, RecursionError):
            return None

    def _failure_file(self, name: str) -> str:
        # Text: each look asks for the file of each asset.
        return f"{self._private}{os.sep}failures{os.sep}{_flat(name)}.json"

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
            inner, has_manifest, _ = _list(directory)
            if has_manifest:
                _draft_files(draft, directory)
                continue
            todo += [f"{directory}{os.sep}{name}" for name in inner]
            for link in _links(directory):
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
        _draft_files(draft, directory)

    @property
    def snapshot(self) -> Path | None:
        """Where the snapshot of this store is kept."""
        return self._private / SNAPSHOT

    # What builds -------------------------------------------------------------

    @contextmanager
    def lock(self, waiting: Waiting, since: int | None = None) -> Iterator[bool]:
        """Hold the one lock of the store; a dead owner's is taken over."""
        from assetmake.stores.lock import HeldHereError, hold
        from assetmake.stores.staging import clear_leftovers

        self._make_private()
        with ExitStack() as stack:
            try:
                lock = hold(self._private / "lock", waiting, since)
                waited = stack.enter_context(lock)
            except HeldHereError as error:
                msg = f"a build of the store {self.root} is running this very code"
                hint = "let the asset read its inputs, not build them"
                raise StoreError(msg, hints=hint) from error
            except OSError as error:
                msg = f"cannot lock the store {self.root}: {error.strerror}"
                hint = "keep it on a file system that has locks: set `root`"
                if error.errno in (errno.EACCES, errno.EPERM, errno.EROFS):
                    hint = _LET_WRITE
                raise StoreError(msg, hints=hint) from error
            try:
                restored = clear_leftovers(self._staging, self.root)
            except OSError as error:
                msg = f"cannot clear up after a build of {self.root} that was killed"
                raise StoreError(
                    f"{msg}: {told(error)}", hints=hint_of(error)
                ) from error
            self._published.clear()
            self._logged = None
            self._is_locked = True
            try:
                yield waited or restored
            finally:
                self._is_locked = False

    @property
    def _staging(self) -> Path:
        return self._private / "staging"

    def moment(self) -> int:
        """Return what is another after each build."""
        from assetmake.stores.lock import moment_of

        return moment_of(self._private / "lock")

    def has_leftovers(self) -> bool:
        """Return whether a build that was killed left something to clear away."""
        try:
            with os.scandir(self._staging) as entries:
                return next(entries, None) is not None
        except OSError:
            return False

    def _make_private(self) -> None:
        try:
            self._staging.mkdir(parents=True, exist_ok=True)
            ignore = self._private / ".gitignore"
            if not ignore.exists():
                ignore.write_text("# made by assetmake; nothing here is precious\n*\n")
        except OSError as error:
            if self.root.is_symlink() and not self.root.exists():
                msg = f"the store {self.root} is a link to what is not there"
                hint = f"make {os.path.realpath(self.root)}, or remove the link"
                raise StoreError(msg, hints=hint) from error
            msg = f"cannot write to the store {self.root}: {error.strerror}"
            raise StoreError(msg, hints=_LET_WRITE) from error

    def stage(self, name: str) -> Path:
        """Return a new empty directory on the same file system as the asset's."""
        self._staged += 1
        token = f"{self._mine()}{self._staged}-{_flat(name)}"
        base = self._staging / token
        try:
            os.mkdir(base)
        except FileNotFoundError:  # its place, which the lock makes
            os.makedirs(base)
        new = base / "new"
        os.mkdir(new)
        return new

    @staticmethod
    def _mine() -> str:
        """Return what the names of this process's staged directories begin with."""
        from assetmake.stores.staging import token_of_boot

        return f"{token_of_boot()}-{os.getpid()}-"

    def files(
        self, staged: Path, written: Mapping[str, FileRecord] = _NONE
    ) -> dict[str, FileRecord]:
        """Return size and digest of each staged data file, sorted by name."""
        found: dict[str, FileRecord] = {}
        hashed: list[_Hashed] = []
        for name, path in _data_files(staged):
            stat, hashed_at = set_back(path, os.stat(path))
            record = written.get(name)
            if record is None or record.bytes != stat.st_size:
                record = FileRecord(stat.st_size, digest_file(path))
            found[name] = record
            hashed.append((name, stat, hashed_at, record.digest))
        self._hashed[staged] = hashed
        return found

    def publish(self, name: str, staged: Path, manifest: Manifest) -> None:
        """Exchange the staged directory with the asset's."""
        from assetmake.stores.swap import swap

        text = _dumped(manifest)
        place = self.root / path_of(name)
        try:
            for file, data in ((SUCCESS, b""), (FILE_NAME, text)):
                with open(f"{staged}{os.sep}{file}", "wb") as stream:
                    stream.write(data)
            try:
                swap(staged, place, self.root)
            except FileNotFoundError:
                if place.parent.is_dir():
                    raise
                # It is the first asset that is kept there.
                place.parent.mkdir(parents=True, exist_ok=True)
                swap(staged, place, self.root)
        except OSError as error:
            msg = f"cannot publish {self.place(name)}: {told(error)}"
            raise StoreError(msg, hints=hint_of(error)) from error
        with suppress(OSError):  # what was there before is kept until `clean`
            os.rmdir(staged.parent)
        self._published.append(place)
        self._published_ns = time.time_ns()
        if not manifest.output.extra:  # all else is the same when it was parsed
            self._written[f"{place}{os.sep}{FILE_NAME}"] = (
                digest_bytes(text),
                manifest,
            )
        for file, stat, hashed_at, found in self._hashed.pop(staged, ()):
            self.index.remember(f"{place}{os.sep}{file}", stat, hashed_at, found)

    def stamp(self, manifest: Manifest) -> None:
        """Replace the manifest of a stored asset by one rename."""
        from assetmake.stores.swap import sync

        place = self.root / path_of(manifest.name)
        try:
            staged = self.stage(manifest.name) / FILE_NAME
            staged.write_bytes(_dumped(manifest))
            sync(staged)  # it takes the place of the only one
            (place / SUCCESS).touch()
            staged.replace(place / FILE_NAME)
        except OSError as error:
            msg = f"cannot write the manifest of {self.place(manifest.name)}"
            raise StoreError(f"{msg}: {told(error)}", hints=hint_of(error)) from error
        self._published.append(place)

    def adopt(self, name: str) -> tuple[Path, Mapping[str, FileRecord]]:
        """Return the directory of an asset and the data files in it."""
        place = self.root / path_of(name)
        if not place.is_dir():
            msg = f"{self.place(name)} is no directory"
            raise StoreError(msg, hints="move it away by hand")
        found = {
            name: FileRecord(os.stat(path).st_size, self.index.digest(path))
            for name, path in _data_files(place)
        }
        return place, found

    def keep(self, name: str) -> Path:
        """Copy the asset's directory to ``.assetmake/kept/``; it stays in place.

        Hard links where the file system has them: the bytes stay, and the
        table that is published next is made of other files.
        """
        import shutil

        from assetmake.stores.staging import root_kept, set_aside

        copy = self.stage(name).with_name("copy")
        try:
            shutil.copytree(
                self.root / path_of(name), copy, copy_function=_link_or_copy
            )
            return set_aside(copy, root_kept(self.root), _flat(name))
        except (OSError, shutil.Error) as error:
            msg = f"cannot keep {self.place(name)}, which was changed by hand"
            why = told(error) if error.errno else "not all of it can be copied"
            hint = hint_of(error) or "move it away by hand"
            raise StoreError(f"{msg}: {why}", hints=hint) from error

    def remove(self, name: str) -> None:
        """Remove a table's files, manifest and marker; other files stay."""
        record = self.record(name)
        place = self.root / path_of(name)
        link = self._link_above(place)
        if link is not None:
            # Another store's table, maybe, or one that somebody keeps elsewhere.
            shown = link.relative_to(self.root)
            msg = f"{self.place(name)} is not removed: `{shown}` in the store is a link"
            hint = "remove the link by hand, and what it leads to if nobody needs it"
            raise StoreError(msg, hints=hint)
        problem = record.problem or ("" if record.manifest else "it has no manifest")
        if record.manifest is None or problem or self._foreign(place, record.manifest):
            what = problem or record.detail or "it was changed"
            msg = f"cannot prove that assetmake wrote {self.place(name)}: {what}"
            raise StoreError(
                msg, hints=f"remove it by hand: rm -r {_quoted(self.place(name))}"
            )
        try:
            self._remove(place, name, record.manifest)
        except OSError as error:
            msg = f"cannot remove {self.place(name)}: {told(error)}"
            raise StoreError(msg, hints=hint_of(error)) from error

    def _foreign(self, place: Path, manifest: Manifest) -> bool:
        """Whether there is data in a table that its manifest does not account for.

        What is lacking proves nothing: an earlier removal may have been cut off.
        """
        files = manifest.output.files
        try:
            return any(
                name not in files
                or self.index.digest(place / name) != files[name].digest
                for name in os.listdir(place)
                if not _is_hidden(name)
            )
        except OSError:
            return True

    def _remove(self, place: Path, name: str, manifest: Manifest) -> None:
        ours = {*manifest.output.files, SUCCESS, FILE_NAME}
        if ours.issuperset(os.listdir(place)):
            # By one rename, as it came.
            place.rename(self.stage(name).with_name("old"))
            place = place.parent
        else:
            # The marker goes first: without it no reader takes what is left for
            # the table. The manifest goes last: until then the next run knows
            # whose files these are.
            for file in (SUCCESS, *manifest.output.files, FILE_NAME):
                (place / file).unlink(missing_ok=True)
        while place != self.root:
            try:
                place.rmdir()
            except OSError as error:
                if error.errno not in (errno.ENOTEMPTY, errno.EEXIST):
                    msg = f"cannot remove {self.place(name)}: {error.strerror}"
                    raise StoreError(msg, hints=_LET_WRITE) from error
                break
            place = place.parent

    def _link_above(self, place: Path) -> Path | None:
        """Return the first link on the way from the root to an asset's place."""
        ways = (place, *place.parents)
        inside = ways[: ways.index(self.root)]
        return next((way for way in reversed(inside) if way.is_symlink()), None)

    def note_failure(self, name: str, failure: Failure | None) -> None:
        """Keep or forget a failure; where that fails, the next run is not told."""
        file = Path(self._failure_file(name))
        try:
            if failure is None:
                file.unlink(missing_ok=True)
                return
            import json

            file.parent.mkdir(parents=True, exist_ok=True)
            tree = {
                "checks_only": failure.checks_only,
                "message": failure.message,
                "recipe": failure.recipe,
            }
            staged = self.stage(name) / file.name
            staged.write_text(json.dumps(tree))
            staged.replace(file)
        except OSError:
            return

    def _logs(self) -> set[str]:
        """Return the names of the logs that were there when the lock was taken."""
        if self._logged is None:
            try:
                self._logged = set(os.listdir(self._private / "logs"))
            except OSError:
                self._logged = set()
        return self._logged

    def log(self, name: str, text: str) -> Path | None:
        """Keep what an asset printed in its last run."""
        flat = f"{_flat(name)}.log"
        if not text and flat.isascii() and flat not in self._logs():
            return None  # a file system may spell other names otherwise
        file = self._private / "logs" / flat
        try:
            if not text:
                os.unlink(file)
                return None
            self._logs().add(flat)
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text, encoding="utf-8", errors="backslashreplace")
        except OSError:
            return None
        return file

    def clean(self) -> None:
        """Remove the tables that were replaced, and save the index.

        Raises:
            StoreError: the disk did not take what was published.
        """
        from assetmake.stores.staging import drop, make_durable

        try:
            make_durable(self._published, self.root)
        except OSError as error:
            msg = f"the disk of {self.root} did not take what was built"
            raise StoreError(f"{msg}: {told(error)}", hints=hint_of(error)) from error
        self._published.clear()
        mine = self._mine()
        try:
            left = [old for old in self._staging.iterdir() if old.name.startswith(mine)]
        except OSError:
            left = []  # the next build clears it away
        for old in left:
            drop(old)
        # What changed within a tick before a look is not believed by its times.
        age = time.time_ns() - self._published_ns
        if 0 <= age < FINE_TICK:
            time.sleep((FINE_TICK - age) / 1e9)
        self.index.settle()
        self.save(always=True)

    def save(self, *, always: bool = False) -> None:
        """Save what saves the next look work, if that is worth it."""
        self.index.save(always=always)
        self._kept.save(always=always)


def _inode(directory: str) -> int | None:
    try:
        return os.stat(directory).st_ino
    except (OSError, ValueError):
        return None


def _list(directory: str) -> tuple[list[str], bool, bool]:
    """Return subdirectories, whether there is a manifest, whether there are files."""
    inner, has_manifest, has_files = [], False, False
    try:
        with os.scandir(directory) as entries:
            for entry in entries:
                if entry.name == FILE_NAME:
                    has_manifest = True
                elif _is_hidden(entry.name):
                    continue
                elif _is_directory(entry):
                    # A link may lead anywhere, also back: it is gone through
                    # only where a table stands right behind it.
                    if not entry.is_symlink() or _has_manifest(entry.path):
                        inner.append(entry.name)
                else:
                    has_files = True
    except OSError:
        return [], False, False
    return inner, has_manifest, has_files


def _is_directory(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_dir()
    except OSError:  # a link that leads to itself
        return False


def _has_manifest(directory: str) -> bool:
    return os.path.exists(os.path.join(directory, FILE_NAME))


def _links(directory: str) -> Iterator[str]:
    """Yield the links in a directory that lead to directories."""
    try:
        with os.scandir(directory) as entries:
            every = list(entries)
    except OSError:  # not this user's; its manifest is told to be unreadable
        return
    for entry in every:
        if entry.is_symlink() and _is_directory(entry) and not _is_hidden(entry.name):
            yield entry.path


def _draft_files(draft: Draft, directory: str) -> None:
    """Let a snapshot hang on each file of a table, whoever put it there.

    The marker alone says nothing, but that it is there.
    """
    with os.scandir(directory) as entries:
        for entry in entries:
            if entry.name != SUCCESS:
                draft.path(entry.path)


def _data_files(directory: Path) -> list[tuple[str, str]]:
    """Return name and path of each data file of a table, sorted by name."""
    found = []
    with os.scandir(directory) as entries:
        for entry in entries:
            if _is_hidden(entry.name):
                continue
            if not entry.is_file():
                msg = f"{entry.name} in a staged table is no file"
                raise StoreError(msg)
            found.append((entry.name, entry.path))
    return sorted(found)


def _is_hidden(name: str) -> bool:
    """Whether Spark, Arrow and Hadoop skip a file of that name."""
    return name.startswith(("_", "."))


def _dumped(manifest: Manifest) -> bytes:
    """Return the bytes of a manifest that can be read again.

    Raises:
        StoreError: it would be larger than what is read.
    """
    data = dump_manifest(manifest)
    if len(data) > MOST_BYTES:
        msg = f"the manifest of `{manifest.name}` would be larger than 64 MiB"
        raise StoreError(msg, hints="write fewer, larger files")
    return data


def _flat(name: str) -> str:
    """Return a name as one part of a path, with room for what is put around it.

    A long one is cut, and stays apart from others by its digest.
    """
    flat = name.replace("/", ".")
    data = flat.encode()
    if len(data) <= _LONGEST_FLAT:
        return flat
    head = data[: _LONGEST_FLAT - 17].decode(errors="ignore")
    return f"{head}-{digest(name)[:16]}"


def _quoted(path: str) -> str:
    from shlex import quote

    return quote(path)


def _link_or_copy(source: str, to: str) -> None:
    try:
        os.link(source, to)
    except OSError:
        import shutil

        from assetmake.stores.swap import sync

        shutil.copy2(source, to)
        sync(to)
