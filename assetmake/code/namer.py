"""Tell what an expression in one file stands for, as references.

Only what the file itself says is known: its imports and scopes. What the
references resolve to is decided in `resolve`.
"""

from __future__ import annotations

import ast

from assetmake.code.bound import Bound
from assetmake.code.records import Ref
from assetmake.code.reflection import reflect
from assetmake.code.scopes import NO_CHAIN, Chain, Scope
from assetmake.code.texts import refs_in_text


class Namer:
    """Looks names and expressions up in the scopes of one file.

    Attributes:
        module: What the module binds.
    """

    def __init__(self, module: Bound) -> None:
        self.module = module
        self._chains: dict[int, Chain] = {}

    def lookup(self, name: str, scope: Scope) -> tuple[Ref, ...]:
        """Return what a name stands for; nothing if it is merely local."""
        owner = scope.find(name)
        if owner is None:
            if name.startswith("__") and not name.endswith("__"):
                name = scope.mangled(name)
            return (("name", name, ()),)
        bases = owner.bound.imports.get(name)
        if bases:
            return tuple(("import", base, ()) for base in bases)
        return ()

    def origins(self, name: str, scope: Scope) -> tuple[Ref, ...]:
        """Return what a name may be the same object as, parameters included."""
        owner = scope.find(name)
        if owner is None or name in owner.bound.imports:
            return self.lookup(name, scope)
        if name in owner.params:
            return (("param", name, ()),)
        return tuple(owner.aliases.get(name, ()))

    def dotted(self, node: ast.AST, scope: Scope) -> str:
        """Return ``importlib.import_module`` for a name that stands for that.

        Only what the file itself imports is known; empty for all else.
        """
        attrs: list[str] = []
        while isinstance(node, ast.Attribute):
            attrs.append(node.attr)
            node = node.value
        if not isinstance(node, ast.Name):
            return ""
        owner = scope.find(node.id)
        bound = self.module if owner is None else owner.bound
        bases = set(bound.imports.get(node.id, ()))
        if len(bases) == 1:
            base = bases.pop().replace(":", ".")
            if base.startswith("."):
                return ""
        elif owner is None and node.id not in bound:
            base = f"builtins.{node.id}"
        else:
            return ""
        return ".".join([base, *reversed(attrs)])

    def chain(self, node: ast.AST, scope: Scope) -> Chain:
        """Take an expression apart; `NO_CHAIN` if it begins with no name."""
        spine: list[ast.AST] = []
        while True:
            found = self._chains.get(id(node))
            if found is not None:
                break
            if isinstance(node, ast.Name):
                found = Chain(self.origins(node.id, scope), 0, ())
                break
            seen = reflect(self, node, scope)
            if seen is not None:
                found = Chain(seen.refs, 0, seen.rest)
                break
            spine.append(node)
            if isinstance(node, (ast.Attribute, ast.Subscript)):
                node = node.value
            elif isinstance(node, ast.Call):
                node = node.func
            else:
                return NO_CHAIN
        for item in reversed(spine):
            found = found.then(item)
            if isinstance(item, ast.Call):
                # Each call of a long chain is asked for on its own.
                self._chains[id(item)] = found
        return found

    def values(self, node: ast.AST, scope: Scope) -> list[Ref]:
        """Return what a value is, or holds if it is a display such as ``[a, b]``."""
        found: list[Ref] = []
        todo = [node]
        while todo:
            item = todo.pop()
            if isinstance(item, (ast.List, ast.Tuple, ast.Set)):
                todo.extend(reversed(item.elts))
            elif isinstance(item, ast.Dict):
                todo.extend(reversed(item.values))
            elif isinstance(item, (ast.Starred, ast.Await, ast.NamedExpr)):
                todo.append(item.value)
            elif isinstance(item, ast.IfExp):
                todo.extend((item.orelse, item.body))
            elif isinstance(item, ast.BoolOp):
                todo.extend(reversed(item.values))
            elif isinstance(item, ast.Constant) and isinstance(item.value, str):
                found.extend(r for r in refs_in_text(item.value) if r[0] == "dotted")
            else:
                found.extend(self.chain(item, scope).refs)
        return found
