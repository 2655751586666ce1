"""A store for people's own tests: it goes when the object goes."""

from __future__ import annotations

import shutil
import tempfile
import weakref
from pathlib import Path

from assetmake.stores.local import LocalStore


class MemoryStore(LocalStore):
    """A store that starts empty and leaves nothing behind.

    Spark and Arrow write files, so there is a directory: a temporary one, on
    a file system in memory where the machine has one, removed with the object.
    Everything else is as in the store that a build uses, so that what passes
    here passes there.
    """

    def __init__(self) -> None:
        """Start empty."""
        shared = Path("/dev/shm")  # noqa: S108 - mkdtemp makes a private place in it
        made = tempfile.mkdtemp(
            prefix="assetmake-", dir=shared if shared.is_dir() else None
        )
        root = Path(made).resolve()
        super().__init__(root, root)
        weakref.finalize(self, shutil.rmtree, root, ignore_errors=True)

    def place(self, name: str) -> str:
        """Return the name itself: the directory is nobody's business."""
        return name
