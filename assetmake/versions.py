"""Versions of what an asset was built with; recorded, and by itself no reason."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from functools import cache

#: Also the one of `importlib.metadata`; a test compares it with pyproject.toml.
VERSION = "0.1.0"


def versions_of(imports: Iterable[str]) -> dict[str, str]:
    """Return versions of Python, assetmake and packages by their import name.

    A package whose version cannot be told is left out.
    """
    major, minor, micro = sys.version_info[:3]
    found = {"python": f"{major}.{minor}.{micro}", "assetmake": VERSION}
    for name in imports:
        version = _version_of(name)
        if version and name not in found:
            found[name] = version
    return found


@cache
def _version_of(name: str) -> str:
    # `importlib.metadata.packages_distributions` would know every name, but
    # reads all that is installed: 0.45 s. The module itself mostly tells.
    module = sys.modules.get(name)
    version = getattr(module, "__version__", None)
    if isinstance(version, str):
        return version
    from importlib import metadata

    try:
        return metadata.version(name)
    except (metadata.PackageNotFoundError, ValueError):
        return ""
