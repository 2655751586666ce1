"""Whether a second load of an Assetfile would define the same assets.

Assets that plain top-level statements define hang on the bytes of the source
files alone. A loop, a condition or a factory may ask something else: a clock,
the environment, a server. What it could ask is read off its code; anything
that is not known to be harmless is a doubt, and costs no more than a real load.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable
from os.path import abspath

from assetmake.code.closure import Code
from assetmake.code.nodes import ASSET
from assetmake.code.records import Unit

_SOURCE = frozenset({"ext:assetmake.source", "ext:assetmake.assets.source"})
_INCLUDE = frozenset({"ext:assetmake.include", "ext:assetmake.assets.include"})

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


def doubts(code: Code, registered: Iterable[tuple[str, int]]) -> set[str]:
    """Return what could make another load define other assets; mostly nothing.

    Args:
        code: The model of the project.
        registered: Absolute file and line of the statement during which each
            asset was declared, and of each call of `source`.
    """
    model = code.model()
    graph = model.graph(0)
    found: set[str] = set()
    lines: dict[str, set[int]] = {}
    for file, line in registered:
        lines.setdefault(abspath(file), set()).add(line)
    for file, wanted in lines.items():
        module = model.modules.at(file)
        if module is None:
            found.add(f"{file} is not code of the project")
            continue
        starts = []
        for index, unit in enumerate(module.summary.units):
            first, _, last, _ = unit.at
            if wanted.isdisjoint(range(first, last + 1)):
                continue
            number = graph.number(("unit", module.index, index))
            if unit.guards or not _is_plain(unit, graph.node(number).leaves):
                starts.append(number)
                starts += [
                    graph.number(("unit", module.index, guard))
                    for guard, _ in unit.guards
                ]
        for number, _ in graph.reach(starts):
            node = graph.node(number)
            found.update(text for _, text in node.notes)
            found.update(filter(_asks, node.leaves))
    return found


def _is_plain(unit: Unit, leaves: Iterable[str]) -> bool:
    """Whether a statement declares the same whenever it runs."""
    if unit.kind == "def":
        return all(
            call.callee is not None and call.callee[0] == "import"
            for call in unit.decorators
        ) and all(
            f"ext:{call.callee[1].replace(':', '.')}" in ASSET
            or f"ext:{call.callee[1].replace(':', '.')}.asset" in ASSET
            for call in unit.decorators
            if call.callee is not None
        )
    return set(leaves) <= _SOURCE | _INCLUDE and not unit.later


def _asks(leaf: str) -> bool:
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
