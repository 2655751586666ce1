"""Find the Assetfile that a directory belongs to."""

from __future__ import annotations

import os
from pathlib import Path

from assetmake.errors import LoadError

#: What an Assetfile is called.
FILE_NAME = "Assetfile.py"


def find_assetfile(start: Path, file: str | Path | None = None) -> Path:
    """Return the absolute path of the Assetfile that a directory belongs to.

    Args:
        start: Where to look first; then in each directory above it.
        file: The Assetfile itself, relative to `start`, whatever its name.

    Raises:
        LoadError: there is none, or it is another user's and was not named.
    """
    here = os.path.abspath(start)
    if file is not None:
        path = os.path.join(here, file)
        if os.path.isfile(path):
            return Path(os.path.normpath(path))
        hint = f"give the path of an Assetfile: `-f {FILE_NAME}`"
        raise LoadError(f"there is no file {path}", hints=hint)
    for directory in (Path(here), *Path(here).parents):
        path = os.path.join(directory, FILE_NAME)
        if os.path.isfile(path):
            if str(directory) != here and _is_foreign(path, here):
                raise LoadError(
                    f"{path} belongs to another user, and {here} does not",
                    hints=f"if you trust whoever wrote it, name it: `-f {path}`",
                )
            return Path(path)
    if os.path.islink(os.path.join(here, FILE_NAME)):
        msg = f"{FILE_NAME} in {here} is a link to what is not there"
        raise LoadError(msg, hints="mend the link")
    raise LoadError(
        f"no {FILE_NAME} in {here}, nor in a directory above it",
        hints="`assetmake --init` writes one to start from",
    )


def _is_foreign(path: str, here: str) -> bool:
    """Whether a file that was found above `here` is of somebody else.

    To load an Assetfile is to run it: nobody gets to have theirs run by leaving
    it in ``/tmp``, above the directories of others. (git refuses repositories
    for this reason, CVE-2022-24765.) Who works in a directory of that user has
    gone there on purpose.
    """
    trusted = {0, os.geteuid(), os.stat(here).st_uid}
    return not {os.lstat(path).st_uid, os.stat(path).st_uid} <= trusted
