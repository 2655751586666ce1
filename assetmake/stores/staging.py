"""What killed builds left in staging, and how new tables come to stay on a disk.

A killed process leaves files as it wrote them. After a power loss they may have
lost bytes, even those of a table that was published, so the tables that builds
replaced are removed only when the new ones are on the disk (`make_durable`), and
put back where the new ones did not survive.
"""

from __future__ import annotations

import ctypes
import os
import shutil
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import suppress
from functools import cache
from pathlib import Path

from assetmake.fingerprint import digest_bytes, digest_file
from assetmake.names import is_name, path_of
from assetmake.saved.boot import boot_id
from assetmake.stores.fields import ManifestError
from assetmake.stores.manifest import FILE_NAME, Manifest, parse_manifest
from assetmake.stores.swap import SWAP_FILE, recover, swap, sync
from assetmake.system.plain import read_plain

#: From so many files on, the whole file system is flushed by one call, which
#: has to wait for what other programs have written, too.
_MANY = 64


@cache
def token_of_boot() -> str:
    """Return what names of staged directories begin with in this boot."""
    boot = boot_id()
    return digest_bytes(boot.encode())[:8] if boot else "any"


def clear_leftovers(staging: Path, root: Path) -> bool:
    """Finish what was cut off, then drop all that is staged.

    Returns:
        Whether a table was put in its place.
    """
    changed = False
    found = sorted(staging.iterdir())
    # What is dropped may be the only whole table until the new one is on the disk.
    tables = [path / name for path in found for name in ("new", "old")]
    replaced = [name for table in tables if (name := _name_in(table))]
    if replaced:
        make_durable([root / path_of(name) for name in replaced], root)
    for leftover in found:
        if os.path.lexists(leftover / SWAP_FILE):
            changed |= recover(leftover, root, root_kept(root))
        if _is_of_another_boot(leftover):
            changed |= _restore(leftover / "new", root)
            changed |= _restore(leftover / "old", root)
        drop(leftover)
    return changed


def drop(path: Path) -> None:
    """Remove a staged directory or file, as far as that is possible."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path, ignore_errors=True)
        return
    with suppress(OSError):
        path.unlink(missing_ok=True)


def root_kept(root: Path) -> Path:
    """Return where what nobody may lose is moved aside to."""
    return root / ".assetmake" / "kept"


def set_aside(directory: Path, kept: Path, flat: str) -> Path:
    """Move a directory to those that are kept; return where it is now."""
    kept.mkdir(parents=True, exist_ok=True)
    stamp = f"{flat}-{time.strftime('%Y%m%d-%H%M%S')}"
    to, number = kept / stamp, 1
    while to.exists():
        number += 1
        to = kept / f"{stamp}-{number}"
    directory.rename(to)
    return to


def _is_of_another_boot(leftover: Path) -> bool:
    token = token_of_boot()
    return token == "any" or not leftover.name.startswith(f"{token}-")  # noqa: S105


def _restore(old: Path, root: Path) -> bool:
    """Put a replaced table back if the one that replaced it did not survive."""
    manifest = _whole(old)
    if manifest is None or not is_name(manifest.name):
        return False
    place = root / path_of(manifest.name)
    now = _whole(place)
    if now is not None and now.name == manifest.name:
        return False
    place.parent.mkdir(parents=True, exist_ok=True)
    swap(old, place, root)
    if old.exists():
        # Most likely lost bytes; but nothing proves that nobody edited it.
        set_aside(old, root_kept(root), manifest.name.replace("/", "."))
    return True


def _name_in(table: Path) -> str | None:
    """Return the name that a staged or replaced table has; None if it is no table."""
    try:
        name = parse_manifest(read_plain(table / FILE_NAME)).name
    except (OSError, ManifestError):
        return None
    return name if is_name(name) else None


def _whole(table: Path) -> Manifest | None:
    """Return the manifest of a table whose files are those that it names."""
    try:
        manifest = parse_manifest(read_plain(table / FILE_NAME))
        for file, record in manifest.output.files.items():
            if digest_file(table / file) != record.digest:
                return None
    except (OSError, ManifestError):
        return None
    return manifest


# On the disk ---------------------------------------------------------------------


def make_durable(places: Sequence[Path], root: Path) -> None:
    """Return when new tables are on the disk, with their names.

    Args:
        places: Directories of the tables.
        root: Of the store.

    Raises:
        OSError: the disk did not take them.
    """
    paths = list(_written(places, root))
    if len(paths) < _MANY or not _sync_file_system(root):
        for path in paths:
            sync(path)
    if sys.platform == "darwin":
        _flush_drive(root)


def _written(places: Sequence[Path], root: Path) -> Iterator[str]:
    """Yield files, then the directories that name them."""
    above = {os.fspath(root)}
    for place in places:
        with suppress(FileNotFoundError, NotADirectoryError):
            for entry in os.scandir(place):
                if entry.is_file(follow_symlinks=False):
                    yield entry.path
            yield os.fspath(place)
        above.add(os.fspath(place.parent))
    yield from above


def _sync_file_system(root: Path) -> bool:
    """Flush the file system of the store; False where that cannot be asked for."""
    function = _syncfs()
    if function is None:
        return False
    handle = os.open(root, os.O_RDONLY | os.O_CLOEXEC)
    try:
        if function(handle) != 0:
            code = ctypes.get_errno()
            raise OSError(code, os.strerror(code), str(root))
    finally:
        os.close(handle)
    return True


@cache
def _syncfs():  # type: ignore[no-untyped-def]  # noqa: ANN202
    if sys.platform != "linux":
        return None
    return getattr(ctypes.CDLL(None, use_errno=True), "syncfs", None)


def _flush_drive(root: Path) -> None:
    """Let a drive of macOS write what its cache holds, which fsync(2) does not."""
    import fcntl

    handle = os.open(root, os.O_RDONLY | os.O_CLOEXEC)
    try:
        with suppress(OSError):  # a network file system has no such drive
            fcntl.fcntl(handle, getattr(fcntl, "F_FULLFSYNC", 51))
    finally:
        os.close(handle)
