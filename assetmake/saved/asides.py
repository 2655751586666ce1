"""Where a file that saves work is written before it takes the place of the old one."""

from __future__ import annotations

import os


def aside_of(file: str | os.PathLike[str]) -> str:
    """Return where to write a new version of a file of a store's private directory.

    In staging, where the next build clears up should this process be killed;
    beside the file where there is no staging.
    """
    directory, name = os.path.split(file)
    staging = os.path.join(directory, "staging")
    directory = staging if os.path.isdir(staging) else directory
    return os.path.join(directory, f"{name}-{os.getpid()}")
