"""Where the command begins: the answer "nothing changed", before anything else.

Most runs in a prompt, a hook or an editor find a valid snapshot in which every
row is fresh. Those are answered here, without click and without a look at the
user's code; every other command line, and every doubt, goes to `cli`. What is
printed is, to the letter, what `cli` would print.
"""

from __future__ import annotations

import os
import sys
import time

_STARTED = time.perf_counter()

#: Command lines that are answered here, and what they ask.
_ASKED = {
    (): "build",
    ("-s",): "silent",
    ("--silent",): "silent",
    ("-q",): "silent",
    ("--question",): "silent",
    ("--check",): "check",
}
#: What makes `cli` do something else than usual.
_VARIABLES = ("ASSETMAKE_ENV", "ASSETMAKE_INDEX", "_ASSETMAKE_COMPLETE")


def main() -> None:
    """Carry out the command line of this process, and exit."""
    asked = _ASKED.get(tuple(sys.argv[1:]))
    if asked and not any(map(os.environ.get, _VARIABLES)):
        line = _answer(asked)
        if line is not None:
            if line:
                sys.stderr.write(line + "\n")
            sys.exit(0)
    from assetmake.cli import main as run

    run()


def _answer(asked: str) -> str | None:
    """Return what to say if all is fresh; None if `cli` has to look."""
    root = _project()
    if root is None:
        return None
    config = _bytes(os.path.join(root, "pyproject.toml"))
    store = os.path.join(root, "data")
    if b"assetmake" in config:
        from pathlib import Path

        from assetmake.config import load_config
        from assetmake.errors import AssetmakeError

        try:
            store = os.path.abspath(os.path.join(root, load_config(Path(root)).root))
        except AssetmakeError:
            return None
    from assetmake.snapshot import FILE_NAME, PRIVATE, key_of, recall

    file = os.path.join(store, PRIVATE, FILE_NAME)
    found = recall(file, key_of("Assetfile.py", "", config), root)
    if found is None or found.stale:
        return None
    if asked == "check":
        return f"{_count(found.total, 'table')}, all fresh"
    if asked == "build":
        spent = time.perf_counter() - _STARTED
        fresh = _count(found.fresh, "asset")
        return f"assetmake: nothing to do, {fresh} fresh ({spent:.1f}s)"
    return ""


def _project() -> str | None:
    """Return the directory of the Assetfile, from the working directory upward."""
    try:
        directory = os.getcwd()
    except OSError:
        return None
    while not os.path.isfile(os.path.join(directory, "Assetfile.py")):
        above = os.path.dirname(directory)
        if above == directory:
            return None
        directory = above
    return directory


def _bytes(path: str) -> bytes:
    try:
        with open(path, "rb", buffering=0) as file:
            return file.read()
    except OSError:
        return b""


def _count(number: int, noun: str) -> str:
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"
