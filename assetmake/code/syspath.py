"""Follow the ways in which a module extends ``sys.path``; it is never run.

A path that code computes is kept as an expression of nested tuples, free of
absolute paths: ("text", s), ("file",) for ``__file__``, ("cwd",), ("up", e)
for the directory above, ("join", e, ...), and ("name", n) for a global name.
"""

from __future__ import annotations

import ast
import os
from collections.abc import Mapping
from pathlib import PurePath

from assetmake.code.records import PathExpression
from assetmake.code.walker import Walker

_SAME = frozenset(
    {
        "abspath",
        "realpath",
        "normpath",
        "expanduser",
        "fspath",
        "resolve",
        "absolute",
        "as_posix",
        "str",
        "Path",
        "PurePath",
    }
)


def extensions(node: ast.stmt, walker: Walker) -> list[tuple[PathExpression, int]]:
    """Return what a statement adds to ``sys.path``: (path, 1 if at the front)."""
    found: list[tuple[PathExpression, int]] = []
    for child in ast.walk(node):
        if isinstance(child, ast.Call) and isinstance(child.func, ast.Attribute):
            name = walker.dotted(child.func, walker.root)
            if name in ("sys.path.append", "site.addsitedir"):
                found += [(path_expression(arg), 0) for arg in child.args[:1]]
            elif name == "sys.path.insert":
                found += [(path_expression(arg), 1) for arg in child.args[1:2]]
            elif name == "sys.path.extend":
                found += [(item, 0) for arg in child.args for item in _items(arg)]
        elif isinstance(child, (ast.Assign, ast.AugAssign)):
            targets = child.targets if isinstance(child, ast.Assign) else [child.target]
            if any(_is_sys_path(target, walker) for target in targets):
                front = int(isinstance(child, ast.Assign))
                found += [(item, front) for item in _items(child.value)]
    return [(path, front) for path, front in found if path]


def path_expression(node: ast.AST) -> PathExpression:
    """Return a path that code computes; empty if it is none that is understood."""
    if isinstance(node, ast.Constant):
        return ("text", node.value) if isinstance(node.value, str) else ()
    if isinstance(node, ast.Name):
        return ("file",) if node.id == "__file__" else ("name", node.id)
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Div):
        return _joined(node.left, node.right)
    if isinstance(node, ast.Attribute) and node.attr == "parent":
        inner = path_expression(node.value)
        return ("up", inner) if inner else ()
    if isinstance(node, ast.Subscript):
        return _parents(node)
    if isinstance(node, ast.Call):
        return _call(node)
    return ()


def evaluate(
    path: PathExpression, file: str, root: str, names: Mapping[str, PathExpression]
) -> str | None:
    """Return the path that an expression gives; None if it cannot be told.

    Args:
        path: The expression.
        file: The module that it stands in, for ``__file__``.
        root: The working directory that the module would run in.
        names: What the module's global names are assigned.
    """
    found = _evaluate(path, file, root, names, 0)
    return os.path.normpath(os.path.join(root, found)) if found else None


def _evaluate(
    path: object, file: str, root: str, names: Mapping[str, PathExpression], depth: int
) -> str | None:
    if not isinstance(path, tuple) or not path or depth > 20:
        return None
    kind = path[0]
    if kind == "text":
        return str(path[1])
    if kind == "file":
        return file
    if kind == "cwd":
        return root
    if kind == "name":
        return _evaluate(names.get(path[1]), file, root, names, depth + 1)
    parts = [_evaluate(item, file, root, names, depth + 1) for item in path[1:]]
    known = [part for part in parts if part is not None]
    if len(known) != len(parts):
        return None
    return os.path.dirname(known[0]) if kind == "up" else os.path.join(*known)


def _call(node: ast.Call) -> PathExpression:
    func = node.func
    name = getattr(func, "attr", None) or getattr(func, "id", "")
    if name in ("cwd", "getcwd"):
        return ("cwd",)
    if name == "dirname" and node.args:
        inner = path_expression(node.args[0])
        return ("up", inner) if inner else ()
    if name in ("join", "joinpath"):
        whole = isinstance(func, ast.Attribute) and name == "joinpath"
        first = [func.value] if whole and isinstance(func, ast.Attribute) else []
        return _joined(*first, *node.args)
    if name in _SAME:
        if len(node.args) > 1:
            return _joined(*node.args)
        if node.args:
            return path_expression(node.args[0])
        if isinstance(func, ast.Attribute):
            return path_expression(func.value)
    return ()


def _joined(*nodes: ast.AST) -> PathExpression:
    parts = [path_expression(node) for node in nodes]
    return ("join", *parts) if parts and all(parts) else ()


def _parents(node: ast.Subscript) -> PathExpression:
    """Return ``path.parents[1]`` as steps upward."""
    value, index = node.value, node.slice
    if not (isinstance(value, ast.Attribute) and value.attr == "parents"):
        return ()
    if not (isinstance(index, ast.Constant) and isinstance(index.value, int)):
        return ()
    found = path_expression(value.value)
    for _ in range(min(index.value, 20) + 1):
        found = ("up", found) if found else ()
    return found


def _items(node: ast.AST) -> list[PathExpression]:
    """Return the paths in ``[a, b] + sys.path`` and the like."""
    found = []
    for child in ast.walk(node):
        if isinstance(child, (ast.List, ast.Tuple)):
            found += [path_expression(item) for item in child.elts]
    return found


def _is_sys_path(node: ast.AST, walker: Walker) -> bool:
    value = node.value if isinstance(node, ast.Subscript) else node
    return walker.dotted(value, walker.root) == "sys.path"


def is_within(path: str, root: str) -> bool:
    """Return whether a path is a directory or what lies below it."""
    return PurePath(path).is_relative_to(root)
