"""Tell which names one scope binds, and how; what names mean is for others.

A function, a class or a module is one scope. Functions and classes within it
are scopes of their own, of which only the names are seen from here.
"""

from __future__ import annotations

import ast
from collections.abc import Iterable
from dataclasses import dataclass, field

_DEFINITIONS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)
_COMPREHENSIONS = (ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp)

#: Nodes that bind nothing within, unless by a walrus.
_EXPRESSIONS = (
    ast.BinOp,
    ast.BoolOp,
    ast.Call,
    ast.Compare,
    ast.Constant,
    ast.Dict,
    ast.IfExp,
    ast.JoinedStr,
    ast.UnaryOp,
)


#: A `Bound` in plain values, its fields in order.
Packed = tuple[
    tuple[str, ...],
    dict[str, tuple[str, ...]],
    tuple[str, ...],
    tuple[str, ...],
    tuple[str, ...],
    tuple[str, ...],
]


@dataclass(slots=True)
class Bound:
    """The names of one scope.

    Attributes:
        names: All that it binds otherwise than by an import.
        imports: What it imports: the bases of references, by name.
        stars: Modules that it imports ``*`` from.
        loads: Bases of all its imports: each loads modules.
        outer: Names that ``global`` declares.
        nonlocals: Names that ``nonlocal`` declares.
    """

    names: set[str] = field(default_factory=set)
    imports: dict[str, list[str]] = field(default_factory=dict)
    stars: list[str] = field(default_factory=list)
    loads: list[str] = field(default_factory=list)
    outer: set[str] = field(default_factory=set)
    nonlocals: set[str] = field(default_factory=set)

    def __contains__(self, name: str) -> bool:
        return name in self.names or name in self.imports

    @property
    def alone(self) -> tuple[str, ...] | None:
        """The names, sorted; None if it does more than to bind them."""
        more = self.imports or self.stars or self.loads or self.outer or self.nonlocals
        return None if more else tuple(sorted(self.names))

    def packed(self) -> Packed:
        """Return it in plain values."""
        return (
            tuple(sorted(self.names)),
            {name: tuple(bases) for name, bases in self.imports.items()},
            tuple(self.stars),
            tuple(self.loads),
            tuple(sorted(self.outer)),
            tuple(sorted(self.nonlocals)),
        )

    @classmethod
    def unpacked(cls, packed: Packed) -> Bound:
        """Return what `packed` was called on."""
        names, imports, stars, loads, outer, nonlocals = packed
        return cls(
            set(names),
            {name: list(bases) for name, bases in imports.items()},
            list(stars),
            list(loads),
            set(outer),
            set(nonlocals),
        )


def bound_by(nodes: Iterable[ast.AST], *, walrus: bool = True) -> Bound:
    """Return the names that statements bind in the scope that they stand in.

    Args:
        nodes: Statements, or targets of assignments.
        walrus: Whether expressions may hold ``:=``; else they are passed over,
            which is most of the work.
    """
    found = Bound()
    todo = list(nodes)
    todo.reverse()
    while todo:
        node = todo.pop()
        kind = type(node)
        if kind is ast.Name:
            if not isinstance(node.ctx, ast.Load):  # type: ignore[attr-defined]
                found.names.add(node.id)  # type: ignore[attr-defined]
        elif kind in _SINGLE:
            _SINGLE[kind](found, node, todo)
        elif kind in _EXPRESSIONS and not walrus:
            continue
        elif isinstance(node, _COMPREHENSIONS):
            if walrus:
                _comprehension(found, node)
        else:
            todo.extend(reversed(list(ast.iter_child_nodes(node))))
    return found


def parameters(node: ast.arguments) -> list[str]:
    """Return the names of a function's parameters, in order."""
    parts = [*node.posonlyargs, *node.args]
    parts += [node.vararg] if node.vararg else []
    parts += node.kwonlyargs
    parts += [node.kwarg] if node.kwarg else []
    return [part.arg for part in parts]


def head(node: ast.FunctionDef | ast.AsyncFunctionDef) -> str:
    """Return how a function is called, as text: ``"a b= *c d= **e"``.

    A ``/`` and a lone ``*`` stand where they stand, ``async`` in front.
    """
    given = node.args
    words = ["async"] if isinstance(node, ast.AsyncFunctionDef) else []
    plain = [*given.posonlyargs, *given.args]
    required = len(plain) - len(given.defaults)
    for position, part in enumerate(plain):
        words.append(part.arg if position < required else f"{part.arg}=")
        if position + 1 == len(given.posonlyargs):
            words.append("/")
    if given.vararg or given.kwonlyargs:
        words.append(f"*{given.vararg.arg}" if given.vararg else "*")
    words += [
        part.arg if value is None else f"{part.arg}="
        for part, value in zip(given.kwonlyargs, given.kw_defaults, strict=True)
    ]
    words += [f"**{given.kwarg.arg}"] if given.kwarg else []
    return " ".join(words)


def import_bases(node: ast.Import | ast.ImportFrom) -> list[tuple[str, str, str]]:
    """Return (bound name, base that it stands for, base loaded) of an import."""
    if isinstance(node, ast.ImportFrom):
        module = "." * node.level + (node.module or "")
        bases = [f"{module}:{alias.name}" for alias in node.names]
        names = [alias.asname or alias.name for alias in node.names]
        return list(zip(names, bases, bases, strict=True))
    found = []
    for alias in node.names:
        top = alias.name.partition(".")[0]
        bound = (alias.asname, alias.name) if alias.asname else (top, top)
        found.append((*bound, alias.name))
    return found


def _definition(found: Bound, node: ast.AST, todo: list[ast.AST]) -> None:
    assert isinstance(node, _DEFINITIONS)
    found.names.add(node.name)
    todo.extend(node.decorator_list)


def _import(found: Bound, node: ast.AST, _todo: list[ast.AST]) -> None:
    assert isinstance(node, (ast.Import, ast.ImportFrom))
    for name, base, loaded in import_bases(node):
        found.loads.append(loaded)
        if name == "*":
            found.stars.append(base)
        else:
            found.imports.setdefault(name, []).append(base)


def _handler(found: Bound, node: ast.AST, todo: list[ast.AST]) -> None:
    assert isinstance(node, ast.ExceptHandler)
    if node.name:
        found.names.add(node.name)
    todo.extend(reversed(node.body))


def _capture(found: Bound, node: ast.AST, todo: list[ast.AST]) -> None:
    name = getattr(node, "name", None) or getattr(node, "rest", None)
    if name:
        found.names.add(name)
    todo.extend(ast.iter_child_nodes(node))


def _global(found: Bound, node: ast.AST, _todo: list[ast.AST]) -> None:
    assert isinstance(node, ast.Global)
    found.outer.update(node.names)


def _nonlocal(found: Bound, node: ast.AST, _todo: list[ast.AST]) -> None:
    assert isinstance(node, ast.Nonlocal)
    found.nonlocals.update(node.names)


def _nothing(_found: Bound, _node: ast.AST, _todo: list[ast.AST]) -> None:
    """Pass over a scope of its own."""


def _comprehension(found: Bound, node: ast.AST) -> None:
    """Add what a walrus within binds: the scope around, not that of the loop."""
    for child in ast.walk(node):
        if isinstance(child, ast.NamedExpr) and isinstance(child.target, ast.Name):
            found.names.add(child.target.id)


_SINGLE = {
    ast.FunctionDef: _definition,
    ast.AsyncFunctionDef: _definition,
    ast.ClassDef: _definition,
    ast.Import: _import,
    ast.ImportFrom: _import,
    ast.ExceptHandler: _handler,
    ast.MatchAs: _capture,
    ast.MatchStar: _capture,
    ast.MatchMapping: _capture,
    ast.Global: _global,
    ast.Nonlocal: _nonlocal,
    ast.Lambda: _nothing,
}
