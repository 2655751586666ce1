"""Name statements as a reader would; the names are for messages only."""

from __future__ import annotations

import ast
from collections.abc import Callable
from typing import Any


def label(node: ast.AST) -> str:
    """Return a short name of a statement or expression.

    It stays the same when only the values in the statement change:

    >>> [label(node) for node in ast.parse("A, b = 1, 2; CFG['k'] = 3").body]
    ['A, b', "CFG['k']"]
    """
    rule = _RULES.get(type(node))
    try:
        return rule(node) if rule else type(node).__name__.lower()
    except RecursionError:  # an expression of a thousand parts
        return "..."


def _listed(nodes: list[ast.expr]) -> str:
    return ", ".join(map(label, nodes))


def _assigned(node: ast.Assign) -> str:
    return " = ".join(map(label, node.targets))


def _item(node: ast.Subscript) -> str:
    key = node.slice
    inner = repr(key.value) if isinstance(key, ast.Constant) else label(key)
    return f"{label(node.value)}[{inner}]"


def _with(node: ast.With | ast.AsyncWith) -> str:
    return "with " + _listed([item.context_expr for item in node.items])


def _called(node: ast.Call) -> str:
    return f"{label(node.func)}(...)"


def _if(node: ast.If) -> str:
    return f"if {label(node.test)}"


def _compared(node: ast.Compare) -> str:
    sides = [node.left, *node.comparators]
    return _listed([side for side in sides if not isinstance(side, ast.Constant)])


_RULES: dict[type[ast.AST], Callable[[Any], str]] = {
    ast.FunctionDef: lambda node: node.name,
    ast.AsyncFunctionDef: lambda node: node.name,
    ast.ClassDef: lambda node: node.name,
    ast.Assign: _assigned,
    ast.AnnAssign: lambda node: label(node.target),
    ast.AugAssign: lambda node: label(node.target),
    ast.Delete: lambda node: "del " + _listed(node.targets),
    ast.Expr: lambda node: label(node.value),
    ast.For: lambda node: "for " + label(node.target),
    ast.AsyncFor: lambda node: "for " + label(node.target),
    ast.With: _with,
    ast.AsyncWith: _with,
    ast.If: _if,
    ast.Name: lambda node: node.id,
    ast.Attribute: lambda node: f"{label(node.value)}.{node.attr}",
    ast.Subscript: _item,
    ast.Call: _called,
    ast.Tuple: lambda node: _listed(node.elts),
    ast.List: lambda node: _listed(node.elts),
    ast.Starred: lambda node: label(node.value),
    ast.Constant: lambda node: repr(node.value)[:20],
    ast.Compare: _compared,
    ast.UnaryOp: lambda node: label(node.operand),
    ast.BoolOp: lambda node: _listed(node.values),
    ast.BinOp: lambda node: f"{label(node.left)} ...",
    ast.NamedExpr: lambda node: label(node.target),
}
if hasattr(ast, "TypeAlias"):  # Python 3.12 and later
    _RULES[getattr(ast, "TypeAlias")] = lambda node: node.name.id  # noqa: B009
