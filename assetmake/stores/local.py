"""A store of local files: one directory an asset, published by one rename."""

from __future__ import annotations

import errno
import os
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

from assetmake.errors import StoreError, hint_of, told
from assetmake.fingerprint import digest_bytes, digest_file
from assetmake.frames.base import FileRecord
from assetmake.names import path_of
from assetmake.saved.clocks import FINE_TICK
from assetmake.saved.fileindex import set_back
from assetmake.status.rows import Condition, Failure, Record
from assetmake.stores.base import Waiting
from assetmake.stores.listing import SUCCESS, data_files, flat, is_hidden
from assetmake.stores.manifest import (
    FILE_NAME,
    Manifest,
    dump_manifest,
)
from assetmake.stores.tables import Tables
from assetmake.system.plain import MOST_BYTES

_LET_WRITE = "let this user write there, or choose another `root`"

#: A file's name, its stat, when it was hashed (ns), and its digest.
_Hashed = tuple[str, os.stat_result, int, str]
_NONE: Mapping[str, FileRecord] = {}


class LocalStore(Tables):
    """Assets as directories below `root`; see the protocol `Store`.

    What looks at them is of `Tables`; here is what builds.
    """

    def __init__(self, root: Path, project: Path) -> None:
        """Open the store; nothing is made or changed.

        Args:
            root: Absolute path of the store's directory; need not exist.
            project: The project's directory, for messages and the index.
        """
        super().__init__(root, project)
        self._staged = 0
        self._published_ns = 0
        self._published: list[Path] = []
        self._hashed: dict[Path, list[_Hashed]] = {}

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
            self.notes.forget_logs()
            self._is_locked = True
            try:
                yield waited or restored
            finally:
                self._is_locked = False

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
        token = f"{self._mine()}{self._staged}-{flat(name)}"
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
        for name, path in data_files(staged):
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
            for name, path in data_files(place)
        }
        return place, found

    def keep(self, name: str) -> Path:
        """Copy the asset's directory to ``.assetmake/kept/``; it stays in place.

        Hard links where the file system has them: the bytes stay, and the
        table that is published next is made of other files. A link in it stays
        the link that it is: what it leads to is not the table's, and may be large,
        or lead back.
        """
        import shutil

        from assetmake.stores.staging import root_kept, set_aside

        copy = self.stage(name).with_name("copy")
        try:
            shutil.copytree(
                self.root / path_of(name),
                copy,
                symlinks=True,
                copy_function=_link_or_copy,
            )
            return set_aside(copy, root_kept(self.root), flat(name))
        except (OSError, shutil.Error) as error:
            msg = f"cannot keep {self.place(name)}, which no build wrote as it is"
            why = told(error) if error.errno else "not all of it can be copied"
            hint = hint_of(error) or "move it away by hand"
            raise StoreError(f"{msg}: {why}", hints=hint) from error

    def remove(self, name: str) -> None:
        """Remove a table's files, manifest and marker; other files stay.

        Raises:
            StoreError: see `obstacle`, or it cannot be removed.
        """
        record = self.record(name)
        obstacle = self._obstacle(name, record)
        if obstacle is not None or record.manifest is None:
            raise obstacle or AssertionError
        try:
            self._remove(self.root / path_of(name), name, record.manifest)
        except OSError as error:
            msg = f"cannot remove {self.place(name)}: {told(error)}"
            raise StoreError(msg, hints=hint_of(error)) from error

    def obstacle(self, name: str) -> StoreError | None:
        """Return why a table would not be removed; None if it would."""
        return self._obstacle(name, self.record(name))

    def _obstacle(self, name: str, record: Record) -> StoreError | None:
        place = self.root / path_of(name)
        link = self._link_above(place)
        if link is not None:
            # Another store's table, maybe, or one that somebody keeps elsewhere.
            at = link.relative_to(self.root)
            msg = f"{self.place(name)} is not removed: `{at}` in the store is a link"
            hint = "remove the link by hand, and what it leads to if nobody needs it"
            return StoreError(msg, hints=hint)
        why = ""
        if record.problem:
            why = f"its manifest is {record.problem}"
        elif record.manifest is None:
            why = "it has no manifest"
        elif self._foreign(place, record.manifest):
            why = record.detail or "it was changed"
        elif record.manifest.adopted and record.condition is not Condition.LOST:
            why = "--accept took it as it was, and no build has replaced it since"
        if not why:
            return None
        msg = f"cannot prove that assetmake wrote {self.place(name)}: {why}"
        shown = _quoted(self.place(name))
        return StoreError(msg, hints=f"if nobody needs it, remove it: rm -r {shown}")

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
                if not is_hidden(name)
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
        self.notes.note_failure(name, failure, self.stage)

    def log(self, name: str, text: str) -> Path | None:
        """Keep what an asset printed in its last run."""
        return self.notes.log(name, text)

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
