"""How finely file systems stamp times, and when a stamp can be believed.

What changes twice within one tick of a file system's clock has one time: git
calls it "racily clean". So a file that was looked at within a tick of its last
change may differ from its record without a trace.
"""

from __future__ import annotations

import os

#: Linux stamps by a tick of at most 10 ms; in ns.
FINE_TICK = 20_000_000
#: A time in whole seconds shows a file system that stamps by 1 or 2 s.
_COARSE_TICK = 2_500_000_000
_SECOND = 1_000_000_000


def tick_of(mtime_ns: int, ctime_ns: int) -> int:
    """Return within how many ns of its times a file may change without a trace."""
    if mtime_ns % _SECOND or ctime_ns % _SECOND:
        return FINE_TICK
    return _COARSE_TICK


def lag_of(path: str, began_ns: int) -> int:
    """Return by how many ns the clock of a file system is behind this machine's.

    Where a server stamps the times, what it calls old may be young.

    Args:
        path: Of a file that was written just now.
        began_ns: The time before it was written.

    Raises:
        OSError: it is gone.
    """
    behind = began_ns - os.stat(path).st_mtime_ns
    return behind if behind > FINE_TICK else 0
