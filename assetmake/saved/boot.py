"""What names this boot of the machine, as stat records lie after a power loss."""

from __future__ import annotations

import os


def boot_id() -> str:
    """Return what names this boot of the machine; empty where nothing does."""
    try:
        with open("/proc/sys/kernel/random/boot_id", "rb", buffering=0) as file:
            return file.read().decode("ascii").strip()
    except (OSError, ValueError):
        return _boot_session()


def _boot_session() -> str:
    """Return macOS's name of a boot, ``kern.bootsessionuuid``."""
    if os.uname().sysname != "Darwin":
        return ""
    import ctypes

    buffer = ctypes.create_string_buffer(64)
    size = ctypes.c_size_t(len(buffer))
    libc = ctypes.CDLL(None, use_errno=True)
    name = b"kern.bootsessionuuid"
    if libc.sysctlbyname(name, buffer, ctypes.byref(size), None, 0):
        return ""
    return buffer.value.decode("ascii", "replace")
