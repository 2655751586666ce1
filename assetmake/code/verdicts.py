"""Judge expressions whose value is plain from their text; nothing is run."""

from __future__ import annotations

import ast
from typing import Any

from assetmake.code.labels import label

#: The oldest Python that is supported: an older branch is dead.
_OLDEST = (3, 11)


def verdict(test: ast.expr) -> str:
    """Return what is known of a test: ``main``, ``always``, ``never`` or nothing."""
    negated = isinstance(test, ast.UnaryOp) and isinstance(test.op, ast.Not)
    if negated:
        inner = verdict(test.operand)  # type: ignore[attr-defined]
        return {"always": "never", "never": "always"}.get(inner, "")
    name = getattr(test, "id", None) or getattr(test, "attr", None)
    if name == "TYPE_CHECKING":
        return "never"
    if isinstance(test, ast.Constant):
        return "always" if test.value else "never"
    if isinstance(test, ast.Compare) and len(test.ops) == 1:
        left, right = test.left, test.comparators[0]
        names = {
            getattr(side, "id", getattr(side, "value", None)) for side in (left, right)
        }
        if isinstance(test.ops[0], ast.Eq) and names == {"__name__", "__main__"}:
            return "main"
        return _version_verdict(label(left), test.ops[0], right)
    return ""


def _version_verdict(left: str, operator: ast.cmpop, right: ast.expr) -> str:
    """Return what a comparison with the version gives under every Python served."""
    oldest: Any = _OLDEST
    if left in ("sys.version_info[0]", "sys.version_info.major"):
        oldest = _OLDEST[0]
    elif left != "sys.version_info":
        return ""
    try:
        other = ast.literal_eval(right)
        is_new = oldest >= other
        is_newer = oldest > other
    except (ValueError, TypeError):
        return ""
    if isinstance(operator, ast.GtE) and is_new:
        return "always"
    if isinstance(operator, ast.Gt) and is_newer:
        return "always"
    if isinstance(operator, ast.Lt) and is_new:
        return "never"
    return "never" if isinstance(operator, ast.LtE) and is_newer else ""


def exports(tree: ast.Module) -> tuple[str, ...] | None:
    """Return ``__all__``; ``*`` stands for names that are computed."""
    found: list[str] | None = None
    for node in tree.body:
        value: ast.AST | None = None
        if isinstance(node, (ast.Assign, ast.AnnAssign, ast.AugAssign)):
            if "__all__" in label(node).split(" = "):
                value = node.value
        elif label(node).startswith("__all__."):
            call = getattr(node, "value", None)
            if isinstance(call, ast.Call) and call.args:
                value = call.args[0]
        if value is None:
            continue
        try:
            names = ast.literal_eval(value)
        except (ValueError, TypeError, SyntaxError, MemoryError, RecursionError):
            return ("*",)
        names = [names] if isinstance(names, str) else list(names)
        found = names if isinstance(node, ast.Assign) else [*(found or []), *names]
    return None if found is None else tuple(map(str, found))


def is_plain(node: ast.expr) -> bool:
    """Return whether an expression is a literal, and one that can be made.

    ``{[1]: 2}`` is none, as a list cannot be a key.
    """
    if not is_literal(node):
        return False
    try:
        ast.literal_eval(node)
    except (ValueError, TypeError, SyntaxError, MemoryError, RecursionError):
        return False
    return True


def is_literal(node: ast.AST) -> bool:
    """Return whether the text of an expression is its value."""
    kinds = (
        ast.Constant,
        ast.Dict,
        ast.List,
        ast.Load,
        ast.Set,
        ast.Tuple,
        ast.UAdd,
        ast.USub,
        ast.UnaryOp,
    )
    return all(isinstance(child, kinds) for child in ast.walk(node))
