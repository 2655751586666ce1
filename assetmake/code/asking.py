"""Which names outside of the project ask the world something: a clock, a server.

What they give may differ from one process to the next, though no code changed.
"""

from __future__ import annotations

import sys

from assetmake.code.draft import Draft
from assetmake.code.graph import Graph

#: Distributions whose functions give the same for the same arguments.
_HARMLESS = frozenset(
    {"assetmake", "duckdb", "numpy", "pandas", "polars", "pyarrow", "pyspark", "scipy"}
)
#: Modules of the standard library that ask the world something. What they read
#: from files of the project is seen by the audit of the load.
_ASKING = frozenset(
    {
        "asyncio",
        "concurrent",
        "ctypes",
        "ftplib",
        "getpass",
        "http",
        "locale",
        "multiprocessing",
        "platform",
        "random",
        "secrets",
        "select",
        "shelve",
        "signal",
        "site",
        "smtplib",
        "socket",
        "sqlite3",
        "ssl",
        "subprocess",
        "sys",
        "sysconfig",
        "telnetlib",
        "tempfile",
        "threading",
        "time",
        "urllib",
        "uuid",
        "webbrowser",
        "xmlrpc",
    }
)
_ASKING_NAMES = (
    "datetime.now",
    "datetime.today",
    "datetime.utcnow",
    "date.today",
    "Timestamp.now",
    "Timestamp.today",
    "Timestamp.utcnow",
    "random",
)


def asks(leaf: str) -> bool:
    """Return whether what a leaf of the graph names may give something else.

    >>> asks("ext:os.environ"), asks("ext:pandas.DataFrame")
    (True, False)
    """
    kind, _, name = leaf.partition(":")
    if kind == "builtin":
        return name in ("input", "id", "hash", "globals", "vars")
    if kind != "ext":
        return kind == "missing"
    top = name.partition(".")[0]
    if top == "os":
        return not name.startswith(("os.path", "os.sep", "os.fspath"))
    if any(f".{asking}" in f".{name}" for asking in _ASKING_NAMES):
        return True
    if top in sys.stdlib_module_names:
        return top in _ASKING
    return top not in _HARMLESS


def asks_anything(graph: Graph, draft: Draft) -> bool:
    """Return whether what a draft refers to, or leads to, asks something."""
    leaves, inner = draft.leads_to()
    return any(map(asks, leaves)) or any(
        asks(leaf)
        for number, _ in graph.reach(inner)
        for leaf in graph.node(number).leaves
    )
