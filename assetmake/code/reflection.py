"""See through calls that reach names by way of texts or tables of names.

``getattr(utils, "clean")``, ``import_module("utils").clean`` and
``vars(utils)["clean"]`` all mean ``utils.clean``. Where the text is computed,
the answer is the whole module, or all modules that it may be.
"""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING, NamedTuple

from assetmake.code.canonical import parse
from assetmake.code.records import (
    REBINDS,
    Act,
    Ref,
    trimmed,
)

if TYPE_CHECKING:  # both import this module
    from assetmake.code.namer import Namer
    from assetmake.code.scopes import Scope
    from assetmake.code.walker import Walker

#: Keywords of `assetmake.asset` that are part of its code.
COUNTED = frozenset({"columns", "schema", "upstream", "version"})

#: Keywords that are judged elsewhere, or not at all.
UNCOUNTED = frozenset(
    {
        "description",
        "env",
        "format",
        "group",
        "name",
        "owner",
        "packages",
        "reads",
        "retries",
        "store",
    }
)

#: Methods that change what they are called on, even where the result is used.
MUTATORS = frozenset(
    {
        "add",
        "append",
        "appendleft",
        "clear",
        "discard",
        "extend",
        "extendleft",
        "insert",
        "merge",
        "move_to_end",
        "pop",
        "popitem",
        "popleft",
        "push",
        "put",
        "register",
        "remove",
        "reverse",
        "rotate",
        "seed",
        "setdefault",
        "sort",
        "subtract",
        "update",
        "difference_update",
        "intersection_update",
        "symmetric_difference_update",
        "__setitem__",
        "__delitem__",
        "__setattr__",
    }
)

_ACTING_BUILTINS = frozenset({"delattr", "eval", "exec", "setattr"})

_UNKNOWN: Ref = ("unknown", "", ())
_SELF: Ref = ("self", "", ())
_IMPORTS = frozenset(
    {"importlib.import_module", "importlib.__import__", "builtins.__import__"}
)
_RUNS = frozenset(
    {
        "importlib.machinery.SourceFileLoader",
        "importlib.util.spec_from_file_location",
        "runpy.run_module",
        "runpy.run_path",
    }
)
_GETTERS = frozenset({"builtins.getattr", "builtins.hasattr"})
_TABLES = frozenset({"builtins.globals", "builtins.locals", "builtins.vars"})
_REFLECTIVE = _IMPORTS | _RUNS | _GETTERS | _TABLES

#: Last parts of all those names, so that most calls are passed over quickly.
_LAST = frozenset(name.rpartition(".")[2] for name in _REFLECTIVE)

#: What nothing can follow, where it is used otherwise than seen through here.
OPAQUE = _IMPORTS | _RUNS | {"sys.modules"}


class Reflection(NamedTuple):
    """What an expression means, and what in it is still to be walked."""

    refs: tuple[Ref, ...]
    rest: tuple[ast.AST, ...]


def reflect(walker: Namer, node: ast.AST, scope: Scope) -> Reflection | None:
    """Return what a call or item means by way of texts; None if nothing else."""
    if isinstance(node, ast.Subscript):
        return _reflect_item(walker, node, scope)
    if not isinstance(node, ast.Call):
        return None
    func = node.func
    last = _last(func)
    if last not in _LAST and last not in walker.module.imports:
        return None
    name = walker.dotted(func, scope)
    if name in _GETTERS:
        return _reflect_getter(walker, node, scope)
    if name in _TABLES:
        return _reflect_table(walker, name, node, scope)
    if name in _IMPORTS:
        return _reflect_import(name, node)
    if name in _RUNS:
        return _reflect_run(name, node)
    return None


def note_call(walker: Walker, node: ast.Call, scope: Scope, *, bare: bool) -> None:
    """Record what a call may change."""
    last = _last(node.func)
    if last in _ACTING_BUILTINS and _note_builtin(walker, node, scope):
        return
    if not scope.later and any(word.arg in COUNTED for word in node.keywords):
        walker.trace.registrations.append(node)
    named = isinstance(node.func, ast.Name)
    if named and scope.later and last not in walker.module and not scope.find(last):
        return  # no other builtin function changes what it is given
    method = "" if named else last
    args = tuple(_arguments(walker, node, scope))
    acting = bare or method in MUTATORS
    if scope.later and not args and not acting:
        return
    callee = walker.chain(node.func, scope)
    if method in MUTATORS and _note_table(walker, node, callee.refs, scope):
        return
    refs = callee.refs or ((_UNKNOWN,) if bare and args else ())
    for ref in refs:
        if acting or not scope.later or ref[0] != "param":
            act = Act("call", scope.owner, trimmed(ref), method, bare)
            walker.trace.acts.append(
                act._replace(depth=callee.calls + 1, args=args, line=node.lineno)
            )


def _note_table(
    walker: Walker, node: ast.Call, refs: tuple[Ref, ...], scope: Scope
) -> bool:
    """Record what ``globals().update(...)`` binds; return whether it is such a call."""
    owners = [
        (kind, base, attrs[:-2])
        for kind, base, attrs in refs
        if attrs[-2:-1] == ("__dict__",)
    ]
    if not owners:
        return False
    names = [word.arg or "*" for word in node.keywords]
    for value in node.args:
        keys = value.keys if isinstance(value, ast.Dict) else [None]
        names += [_literal(key) or "*" if key else "*" for key in keys]
    for owner in owners:
        for name in names:
            walker.act("set", owner, node, scope, name)
        if "*" in names and owner[0] == "self" and not scope.later:
            walker.trace.flags |= REBINDS
    return True


def _note_builtin(walker: Walker, node: ast.Call, scope: Scope) -> bool:
    """Record what a builtin function changes; return whether it is one that does."""
    name = walker.dotted(node.func, scope)
    if name in ("builtins.exec", "builtins.eval"):
        _note_exec(walker, name, node, scope)
        return True
    if name not in ("builtins.setattr", "builtins.delattr") or len(node.args) < 2:
        return False
    attribute = _literal(node.args[1]) or "*"
    for ref in walker.chain(node.args[0], scope).refs:
        walker.act("set", ref, node, scope, attribute)
    return True


def note_decorator(
    walker: Walker,
    decorator: ast.expr,
    node: ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef,
    scope: Scope,
) -> None:
    """Record what calling a decorator may change."""
    found = walker.chain(decorator, scope)
    func = decorator.func if isinstance(decorator, ast.Call) else decorator
    args: tuple[tuple[str, Ref], ...] = ()
    if scope.kind == "module":
        args = (("0", ("name", node.name, ())),)
    for ref in found.refs:
        walker.trace.acts.append(
            Act(
                "decorate",
                scope.owner,
                trimmed(ref),
                func.attr if isinstance(func, ast.Attribute) else "@",
                bare=True,
                depth=found.calls + 1,
                args=args,
                line=decorator.lineno,
            )
        )


def _arguments(walker: Namer, node: ast.Call, scope: Scope) -> list[tuple[str, Ref]]:
    """Return what a call is given, by position or keyword."""
    given = [
        ("*" if isinstance(value, ast.Starred) else str(position), value)
        for position, value in enumerate(node.args)
    ]
    given += [(word.arg or "*", word.value) for word in node.keywords]
    return [
        (key, trimmed(ref))
        for key, value in given
        for ref in walker.values(value, scope)
        # What a call returns is taken to be nobody else's.
        if ref[2][-1:] != ("()",)
    ]


def _note_exec(walker: Walker, name: str, node: ast.Call, scope: Scope) -> None:
    """Record that a text is run: its names if it is a literal, else anything."""
    given = len(node.args) > 1 and not _is_own_table(walker, node.args[1], scope)
    if name == "builtins.exec":
        if given:
            for ref in walker.values(node.args[1], scope):
                walker.act("set", ref, node, scope)
        elif not scope.later:
            walker.trace.flags |= REBINDS
    text = _literal(node.args[0]) if node.args else None
    if text is not None:
        try:
            tree = parse(text.strip())
        except (SyntaxError, ValueError, RecursionError, MemoryError):
            return
        walker.kept.append(tree)
        walker.push(tree.body, scope)
    else:
        walker.refer(("exec", "", ()), node, scope)


def _is_own_table(walker: Namer, node: ast.AST, scope: Scope) -> bool:
    return (
        isinstance(node, ast.Call)
        and walker.dotted(node.func, scope) in _TABLES
        and not node.args
    )


def _reflect_getter(walker: Namer, node: ast.Call, scope: Scope) -> Reflection | None:
    name = _literal(node.args[1]) if len(node.args) > 1 else None
    if name is None:
        return None
    found = walker.chain(node.args[0], scope)
    if not found.refs or not found.exact:
        return None
    more = tuple(name.split("."))
    refs = tuple((kind, base, attrs + more) for kind, base, attrs in found.refs)
    return Reflection(refs, (*found.rest, *node.args[2:]))


def _reflect_table(
    walker: Namer, name: str, node: ast.Call, scope: Scope
) -> Reflection | None:
    if node.args:
        found = walker.chain(node.args[0], scope)
        if not found.refs or not found.exact:
            return None
        refs = tuple((k, base, (*attrs, "__dict__")) for k, base, attrs in found.refs)
        return Reflection(refs, found.rest)
    if name != "builtins.globals" and (scope.later or scope.kind == "class"):
        return None  # the names of the function or class itself
    return Reflection((("self", "", ("__dict__",)),), ())


def _reflect_import(name: str, node: ast.Call) -> Reflection | None:
    if not node.args:
        return None
    text = _literal(node.args[0])
    rest = (*node.args[1:], *node.keywords)
    if text is None:
        prefix = _prefix(node.args[0])
        return Reflection((("computed", prefix, ()),), (node.args[0], *rest))
    if name == "importlib.import_module":
        package = _literal(node.args[1]) if len(node.args) > 1 else None
        if package is not None and text.startswith("."):
            stem = text.lstrip(".")
            above = package.split(".")
            above = above[: len(above) - (len(text) - len(stem)) + 1]
            text = ".".join([*above, stem])
        return Reflection((("import", text, ()),), rest)
    # __import__("a.b") gives `a`, unless names of `a.b` are asked for.
    asked = len(node.args) > 3 or any(word.arg == "fromlist" for word in node.keywords)
    base = text if asked else text.partition(".")[0]
    return Reflection((("import", base, ()), ("load", text, ())), rest)


def _reflect_run(name: str, node: ast.Call) -> Reflection | None:
    """Return what a script that is run by its name or path refers to."""
    rest = (*node.args, *node.keywords)
    if name == "runpy.run_module" and node.args:
        text = _literal(node.args[0])
        if text is not None:
            return Reflection((("script", f"-m {text}", ()),), rest)
    for argument in rest:
        for child in ast.walk(argument):
            if isinstance(child, ast.Constant) and str(child.value).endswith(".py"):
                return None  # the text itself is the reference
    return Reflection((("computed", "", ()),), rest)


def _reflect_item(
    walker: Namer, node: ast.Subscript, scope: Scope
) -> Reflection | None:
    """Return what an item of a table of names means: ``sys.modules["utils"]``."""
    key = node.slice
    text = _literal(key)
    own_name = isinstance(key, ast.Name) and key.id == "__name__"
    if text is None and not own_name:
        return None
    value = node.value
    if isinstance(value, (ast.Attribute, ast.Name)):
        last = _last(value)
        if last == "modules" and walker.dotted(value, scope) == "sys.modules":
            ref = _SELF if text is None else ("import", text, ())
            return Reflection((ref,), ())
        if last != "__dict__":
            return None
    elif not isinstance(value, ast.Call):
        return None
    if text is None:
        return None
    found = walker.chain(value, scope)
    if not found.exact or not found.refs:
        return None
    if any(attrs[-1:] != ("__dict__",) for _, _, attrs in found.refs):
        return None
    refs = tuple((kind, base, (*attrs[:-1], text)) for kind, base, attrs in found.refs)
    return Reflection(refs, found.rest)


def _last(node: ast.AST) -> str:
    if isinstance(node, ast.Name):
        return node.id
    return node.attr if isinstance(node, ast.Attribute) else ""


def _literal(node: ast.AST) -> str | None:
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return node.value
    return None


def _prefix(node: ast.AST) -> str:
    """Return how a computed text begins: ``"plugins."`` for ``"plugins." + x``."""
    while True:
        if isinstance(node, ast.BinOp):
            node = node.left
        elif isinstance(node, ast.JoinedStr) and node.values:
            node = node.values[0]
        elif isinstance(node, ast.Call) and _last(node.func) == "format":
            node = node.func.value if isinstance(node.func, ast.Attribute) else node
            break
        else:
            break
    text = _literal(node) or ""
    text = text.partition("{")[0].partition("%")[0]
    # Only whole packages are told apart: `plug` may begin any name.
    return text[: text.rfind(".") + 1]
