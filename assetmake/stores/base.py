"""The protocol of a store, and what its methods exchange; no store itself."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Protocol

from assetmake.errors import StoreError
from assetmake.frames.base import FileRecord, Stored
from assetmake.saved.draft import Draft
from assetmake.saved.fileindex import FileIndex
from assetmake.status.rows import Failure, Record
from assetmake.stores.manifest import Manifest


class Store(Protocol):
    """Where assets are kept.

    What inspects (`names`, `record`, `load`) takes no lock and changes
    nothing. What builds runs inside of `lock`.
    """

    @property
    def index(self) -> FileIndex:
        """Digests of files that were taken before."""
        ...

    @property
    def snapshot(self) -> Path | None:
        """Where the snapshot of this store is kept; None for nowhere."""
        ...

    def draft(self, draft: Draft) -> None:
        """Let a snapshot hang on every table, and on which tables there are."""
        ...

    def names(self) -> Iterable[str]:
        """Yield the name of everything stored: managed or not."""
        ...

    def record(self, name: str, *, data: bool = True) -> Record:
        """Return what is known of one name; `data=False` trusts the manifest."""
        ...

    def is_intact(self, manifest: Manifest) -> bool:
        """Return whether the files of an asset are still those of a manifest."""
        ...

    def is_ours(self, name: str, record: Record) -> bool:
        """Return whether all that stands in an asset's place can be written anew.

        That is nothing, or just what its manifest proves that a build wrote.
        """
        ...

    def stored(self, manifest: Manifest) -> Stored:
        """Return what a handler needs to load an asset."""
        ...

    def is_one_place(self, name: str, other: str) -> bool:
        """Return whether two names lead to one table, as where case is ignored."""
        ...

    def lock(
        self, waiting: Waiting, since: int | None = None
    ) -> AbstractContextManager[bool]:
        """Return a context in which no other process builds in this store.

        `waiting` is told whom it waits for, once. On entry, leftovers of
        builds that were killed are cleared away. Its value is whether what was
        looked at before may have changed: another build had to end, or has
        ended since the moment given, or a leftover was put in its place.
        """
        ...

    def moment(self) -> int:
        """Return what is another after each build, for `lock` to compare."""
        ...

    def has_leftovers(self) -> bool:
        """Return whether a build that was killed left something to clear away."""
        ...

    def stage(self, name: str) -> Path:
        """Return a new empty directory to write an asset into."""
        ...

    def files(
        self, staged: Path, written: Mapping[str, FileRecord]
    ) -> Mapping[str, FileRecord]:
        """Return size and digest of each data file in a staged directory.

        `written` holds those that were hashed as they were written; only the
        others are read.
        """
        ...

    def publish(self, name: str, staged: Path, manifest: Manifest) -> None:
        """Make a staged directory the asset, with its manifest, in one step.

        What stood there before stays readable through open files and is
        removed by `clean`.
        """
        ...

    def stamp(self, manifest: Manifest) -> None:
        """Replace just the manifest of a stored asset."""
        ...

    def adopt(self, name: str) -> tuple[Path, Mapping[str, FileRecord]]:
        """Return the directory of an asset and the files in it, whoever wrote them."""
        ...

    def keep(self, name: str) -> Path:
        """Copy what stands in an asset's place aside; return where to."""
        ...

    def obstacle(self, name: str) -> StoreError | None:
        """Return why `remove` would refuse a table; None if it would not."""
        ...

    def remove(self, name: str) -> None:
        """Remove an asset: just the files that its manifest names as written."""
        ...

    def note_failure(self, name: str, failure: Failure | None) -> None:
        """Keep how a build of an asset failed; None forgets it."""
        ...

    def log(self, name: str, text: str) -> Path | None:
        """Keep what an asset printed; return the file, if there is one."""
        ...

    def save(self) -> None:
        """Save what saves the next look work, if that is worth it."""
        ...

    def clean(self) -> None:
        """Remove what publishing left behind; save what saves the next run work."""
        ...

    def place(self, name: str) -> str:
        """Return where an asset is kept, as a message names it."""
        ...


class Waiting(Protocol):
    """Is told for whom a build waits."""

    def __call__(self, owner: str) -> None:
        """Take whose build holds the store."""
        ...
