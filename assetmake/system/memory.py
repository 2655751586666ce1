"""How much memory there is, and how much a run takes; it decides nothing.

Linux tells both in `/proc`, and a container's bound in its control group;
elsewhere it is what POSIX and `sysctl` tell, which is less exact.
"""

from __future__ import annotations

import contextlib
import gc
import os
import re
import sys
from collections.abc import Iterator

from assetmake.errors import ConfigError

_SIZE = re.compile(r"(\d+(?:\.\d+)?)\s*(%|(?:([KMGT])(?:i?B)?|B)?)", re.IGNORECASE)
_UNITS = {"": 1, "K": 1 << 10, "M": 1 << 20, "G": 1 << 30, "T": 1 << 40}

#: Most of what is free: the rest is for what else the machine does.
_SHARE = 0.8


def parse_size(text: str) -> float | None:
    """Return bytes; a share of the machine's memory as a negative number.

    >>> parse_size("8G"), parse_size("1.5 MiB"), parse_size("50%"), parse_size("x")
    (8589934592.0, 1572864.0, -0.5, None)
    """
    found = _SIZE.fullmatch(text.strip())
    if found is None:
        return None
    number = float(found[1])
    if found[2] == "%":
        return -number / 100 if 0 < number <= 100 else None
    return number * _UNITS[(found[3] or "").upper()] or None


def bound(size: str = "") -> int | None:
    """Return how many bytes assets may take together; None if nobody can tell.

    Args:
        size: Such as ``8G``, or ``50%`` of the machine's memory; empty for most
            of what is free now.

    Raises:
        ConfigError: it is neither a size nor a share.
    """
    if not size:
        now = free()
        return None if now is None else int(now * _SHARE)
    number = parse_size(size)
    if number is None:
        msg = f"memory {size!r} is neither a size nor a share"
        raise ConfigError(msg, hints='write it as "8G" or "50%"')
    if number > 0:
        return int(number)
    everything = total()
    return None if everything is None else int(everything * -number)


def total() -> int | None:
    """Return the memory of the machine, or of the container if that is less."""
    limits = [limit for limit, _ in _groups()]
    try:
        limits.append(os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE"))
    except (ValueError, OSError):
        if not limits:
            return None
    return min(limits)


def free() -> int | None:
    """Return what can still be taken without swapping; None if nobody can tell."""
    found = [limit - used for limit, used in _groups()]
    machine = _free_on_linux() if sys.platform == "linux" else _free_on_macos()
    if machine is not None:
        found.append(machine)
    return max(min(found), 0) if found else None


def _free_on_linux() -> int | None:
    with contextlib.suppress(OSError, ValueError), open("/proc/meminfo", "rb") as file:
        for line in file:
            if line.startswith(b"MemAvailable:"):
                return int(line.split()[1]) << 10
    return None


def _free_on_macos() -> int | None:
    """Return what `vm_stat` counts as free, or as given back when asked for."""
    import subprocess

    try:
        told = subprocess.run(
            ["/usr/bin/vm_stat"], capture_output=True, text=True, check=True, timeout=5
        ).stdout
    except (OSError, subprocess.SubprocessError):
        return total()
    return pages_of(told)


def pages_of(told: str) -> int | None:
    r"""Return the bytes that a text of `vm_stat` counts as available.

    >>> head = "Mach Virtual Memory Statistics: (page size of 16384 bytes)"
    >>> pages_of(head + "\nPages free: 2.\nPages inactive: 3.\nPages active: 9.")
    81920
    """
    size = re.search(r"page size of (\d+) bytes", told)
    pages = re.findall(r"Pages (?:free|inactive|speculative|purgeable):\s+(\d+)", told)
    return int(size[1]) * sum(map(int, pages)) if size and pages else None


# Control groups ---------------------------------------------------------------

_ROOT = "/sys/fs/cgroup"


def _groups() -> Iterator[tuple[int, int]]:
    """Yield bound and use of each control group of this process that has a bound."""
    try:
        with open("/proc/self/cgroup", encoding="utf-8", errors="replace") as file:
            lines = file.read().splitlines()
    except OSError:
        return
    for line in lines:
        _, controllers, path = line.split(":", 2)
        if not controllers:
            names = ("memory.max", "memory.current", "inactive_file")
            yield from _bounds(_ROOT, path, names)
            yield from _bounds(f"{_ROOT}/unified", path, names)
        elif "memory" in controllers.split(","):
            names = (
                "memory.limit_in_bytes",
                "memory.usage_in_bytes",
                "total_inactive_file",
            )
            yield from _bounds(f"{_ROOT}/memory", path, names)


def _bounds(
    top: str, path: str, names: tuple[str, str, str]
) -> Iterator[tuple[int, int]]:
    """Yield bound and use of a group and of those around it.

    In a container, its own group may be the top of what is to be seen.
    """
    limit_name, used_name, cache_name = names
    parts = [part for part in path.split("/") if part]
    for depth in range(len(parts), -1, -1):
        place = "/".join([top, *parts[:depth]])
        limit, used = _number(f"{place}/{limit_name}"), _number(f"{place}/{used_name}")
        if limit is None or used is None or limit >= 1 << 60:  # v1 has no "max"
            continue
        yield limit, max(used - _cached(f"{place}/memory.stat", cache_name), 0)


def _number(path: str) -> int | None:
    try:
        with open(path, "rb") as file:
            return int(file.read())
    except (OSError, ValueError):  # not there, or "max"
        return None


def _cached(path: str, name: str) -> int:
    """Return the bytes of files in memory that are given back when asked for."""
    with contextlib.suppress(OSError, ValueError), open(path, encoding="utf-8") as file:
        for line in file:
            word, _, number = line.partition(" ")
            if word == name:
                return int(number)
    return 0


# One run ----------------------------------------------------------------------


class Peak:
    """The largest resident set of this process from now on."""

    def __init__(self) -> None:
        self._before = None if _forget_peak() else _largest()

    def read(self) -> int | None:
        """Return bytes; None where only that of the whole process is known.

        That is on systems that cannot forget the last peak, and while this
        process stays below what it once took.
        """
        if self._before is None:
            return _resident("VmHWM:")
        largest = _largest()
        if largest is None or largest <= self._before:
            return None
        return largest


def _forget_peak() -> bool:
    """Let the system count the peak anew: proc_pid_clear_refs(5)."""
    try:
        with open("/proc/self/clear_refs", "wb", buffering=0) as file:
            file.write(b"5")
    except OSError:
        return False
    return True


def _resident(name: str) -> int | None:
    with (
        contextlib.suppress(OSError, ValueError),
        open("/proc/self/status", "rb", buffering=0) as file,
    ):
        _, found, rest = file.read(1 << 16).partition(name.encode())
        return int(rest.split(None, 1)[0]) << 10 if found else None
    return None


def _largest() -> int | None:
    """Return the largest resident set of this process so far, in bytes."""
    try:
        import resource
    except ImportError:  # not a POSIX system
        return None
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    # getrusage(2): kilobytes on Linux, bytes on macOS.
    return peak if sys.platform == "darwin" else peak * 1024


def give_back() -> None:
    """Give memory back to the system that libraries hold and do not use."""
    gc.collect()
    arrow = sys.modules.get("pyarrow")
    if arrow is not None:
        arrow.default_memory_pool().release_unused()
    if sys.platform == "linux":
        import ctypes

        trim = getattr(ctypes.CDLL(None), "malloc_trim", None)  # glibc's
        if trim is not None:
            trim(0)
