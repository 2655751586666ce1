"""make for data: rebuild just the tables whose code or inputs changed.

An `Assetfile.py` says what there is (`asset`, `source`, `check`, `include`);
the command `assetmake` builds it; `open` gives the same to Python. Nothing heavy
is imported here: not pandas, not Spark, and what `open` needs only when it is
called.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from pathlib import Path
    from typing import Any

    from assetmake.assets import Asset, Source, asset, include, source
    from assetmake.checks import check
    from assetmake.errors import AssetmakeError
    from assetmake.project import Project
    from assetmake.stores.base import Store
    from assetmake.stores.memory import MemoryStore

__all__ = [
    "Asset",
    "AssetmakeError",
    "MemoryStore",
    "Project",
    "Source",
    "Store",
    "asset",
    "check",
    "include",
    "open",
    "source",
]

#: Where each public name is defined; imported when it is first asked for, as
#: the command starts in less time than all of them take.
_LAZY = {
    "Asset": "assetmake.assets",
    "AssetmakeError": "assetmake.errors",
    "MemoryStore": "assetmake.stores.memory",
    "Project": "assetmake.project",
    "Source": "assetmake.assets",
    "Store": "assetmake.stores.base",
    "asset": "assetmake.assets",
    "check": "assetmake.checks",
    "include": "assetmake.assets",
    "source": "assetmake.assets",
}


def open(  # noqa: A001 - `assetmake.open()` reads as what it does
    start: str | Path | None = None,
    *,
    file: str | Path | None = None,
    env: str = "",
    store: Store | None = None,
) -> Project:
    """Return the project that a directory belongs to.

    Args:
        start: Where to look for an Assetfile, upward from; the working
            directory if None.
        file: The Assetfile itself, whatever its name.
        env: One of ``[tool.assetmake.env]``; empty for none.
        store: Use this one instead of the configured one.

    Raises:
        LoadError: there is no Assetfile.
        ConfigError: the settings cannot be used.
    """
    from assetmake.project import open_project

    return open_project(start, file=file, environment=env, store=store)


def __dir__() -> list[str]:
    """Return the public names: completion and Python's hints go by them."""
    return [*__all__, "__version__"]


def __getattr__(name: str) -> Any:
    if name == "__version__":
        from assetmake.versions import VERSION

        return VERSION
    if name in _LAZY:
        from importlib import import_module

        found = globals()[name] = getattr(import_module(_LAZY[name]), name)
        return found
    import sys

    msg = f"module 'assetmake' has no attribute {name!r}"
    raise AttributeError(msg, name=name, obj=sys.modules[__name__])
