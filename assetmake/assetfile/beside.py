"""Which other Assetfile in a project's directory seems to define a table.

By its text alone: none is executed. It errs on the side of what is not removed.
"""

from __future__ import annotations

import ast
import os
import re
from collections.abc import Collection, Iterator, Sequence

from assetmake.system.plain import read_plain


def defining(root: str, names: Sequence[str], known: Collection[str]) -> dict[str, str]:
    """Return the file that seems to define each of some names, if one does.

    Args:
        root: The project's directory.
        names: Of stored tables.
        known: Paths of files whose definitions are known.
    """
    found: dict[str, str] = {}
    for file, text in _others(root, known):
        words = _words(text)
        for name in names:
            if not words.isdisjoint({name, re.split(r"[/.]", name)[-1]}):
                found.setdefault(name, file)
    return found


def _others(root: str, known: Collection[str]) -> Iterator[tuple[str, str]]:
    """Yield names and text of the files that could be Assetfiles."""
    try:
        listed = sorted(os.listdir(root))
    except OSError:
        return
    for name in listed:
        path = os.path.join(root, name)
        if not name.endswith(".py") or path in known:
            continue
        try:
            text = read_plain(path).decode(errors="replace")
        except OSError:
            continue
        if re.search(r"\bassetmake\b", text) and re.search(r"\basset\b", text):
            yield name, text


def _words(text: str) -> set[str]:
    """Return what a file could define: names of functions, and what it spells out."""
    try:
        tree = ast.parse(text)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return set(re.findall(r"[\w/.]+", text))  # half edited, maybe
    found: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            found.add(node.name)
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            found.add(node.value)
    return found
