"""Tell which environment variables code asks for by name; for what `--why` notes.

A hint, never a judgement: nothing is stale or fresh because of it.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping
from pathlib import Path

from assetmake.code.parts import Note, Place

#: What of `os` gives all variables, and what gives one.
_ALL = frozenset({"environ", "environb"})
_ONE = frozenset({"getenv", "getenvb"})
#: Methods of a mapping that take the name of one variable.
_BY_NAME = frozenset({"__contains__", "__getitem__", "get", "pop", "setdefault"})


def without_declared(
    notes: list[Note], declared: Mapping[str, str | None], root: Path
) -> Iterator[Note]:
    """Yield notes without those of variables that ``env=`` names.

    Args:
        notes: Of an asset's code.
        declared: The variables that it declares.
        root: The project's directory.
    """
    trees: dict[str, ast.Module | None] = {}
    for note in notes:
        if not note.text.startswith(("`os.environ", "`os.getenv")):
            yield note
            continue
        file = note.place.file
        if file not in trees:
            trees[file] = _parsed(root / file)
        word = note.text.split("`")[1]
        names = _asked(trees[file], note.place, word)
        if names is None:
            yield note
        elif missing := sorted(names - declared.keys()):
            told = ", ".join(repr(name) for name in missing)
            text = f"`{word}` is read: declare it with `env=[{told}]`"
            yield Note(note.place, text)


def _parsed(file: Path) -> ast.Module | None:
    try:
        return ast.parse(file.read_bytes())
    except (OSError, SyntaxError, ValueError, RecursionError):
        return None


def _asked(tree: ast.Module | None, place: Place, word: str) -> set[str] | None:
    """Return the variables that the statement at a place asks for in one way.

    None if it may ask for others: for all, or for one whose name is computed. One note
    stands for all that a statement asks in that way, so all of it is looked at.

    Args:
        tree: Of the file; None if it cannot be read.
        place: Of the note.
        word: The way, as in ``os.environ.get``.
    """
    if tree is None:
        return None
    names: set[str] = set()
    bound = _bound(tree)
    for statement in tree.body:
        last = statement.end_lineno or statement.lineno
        if not statement.lineno <= place.line <= last:
            continue
        parents = {
            child: node
            for node in ast.walk(statement)
            for child in ast.iter_child_nodes(node)
        }
        for node in ast.walk(statement):
            what = _what(node, bound)
            if not what:
                continue
            above = parents.get(node)
            if what in _ALL and isinstance(above, ast.Attribute):
                what, node = f"{what}.{above.attr}", above  # noqa: PLW2901
            if f"os.{what}" != word:
                continue
            name = _named(node, what, parents.get(node))
            if name is None:
                return None
            names.add(name)
    return names or None


def _bound(tree: ast.Module) -> dict[str, str]:
    """Return which names stand for what `os` has, by ``from os import ...``."""
    return {
        alias.asname or alias.name: alias.name
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom) and node.module == "os"
        for alias in node.names
    }


def _what(node: ast.AST, bound: Mapping[str, str]) -> str:
    """Return which member of `os` a node stands for, if it gives variables."""
    word = ""
    if isinstance(node, ast.Attribute):
        word = node.attr
    elif isinstance(node, ast.Name):
        word = bound.get(node.id, "")
    return word if word in _ALL or word in _ONE else ""


def _named(node: ast.AST, what: str, above: ast.AST | None) -> str | None:
    """Return the variable that is asked for, if its name is written there."""
    given: ast.AST | None = None
    by_name = what in _ONE or what.rpartition(".")[2] in _BY_NAME
    if what in _ALL:
        if isinstance(above, ast.Subscript) and above.value is node:
            given = above.slice
        elif isinstance(above, ast.Compare) and above.comparators == [node]:
            given = above.left if isinstance(above.ops[0], ast.In | ast.NotIn) else None
    elif by_name and isinstance(above, ast.Call) and above.func is node:
        keys = [word.value for word in above.keywords if word.arg == "key"]
        given = next(iter((*above.args[:1], *keys)), None)
    if not isinstance(given, ast.Constant):
        return None
    value = given.value
    if isinstance(value, bytes):
        value = value.decode("utf-8", "surrogateescape")
    return value if isinstance(value, str) else None
