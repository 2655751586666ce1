"""Hold what is known of scopes while a file is walked: names, chains, findings.

A scope knows which names it binds and, by Python's rules, which scope a name
used in it belongs to. Walking the code is for `walker`.
"""

from __future__ import annotations

import ast
from collections.abc import Iterable
from typing import NamedTuple

from assetmake.code.bound import Bound
from assetmake.code.records import Act, Ref, is_inexact, trimmed


class Scope:
    """One function, class, comprehension or module, while it is walked."""

    __slots__ = (
        "aliases",
        "bound",
        "kind",
        "level",
        "owner",
        "params",
        "parent",
        "path",
        "seen",
    )

    def __init__(
        self,
        kind: str,
        parent: Scope | None,
        bound: Bound,
        name: str = "",
        params: Iterable[str] = (),
    ) -> None:
        self.kind = kind
        self.parent: Scope | None = parent
        self.bound = bound
        self.params = frozenset(params)
        self.seen: set[str] = set()
        self.aliases: dict[str, list[Ref]] = {}
        above = parent.path if parent else ""
        self.path: str = f"{above}.{name}" if above and name else above or name
        self.level: int = parent.level if parent else 0
        self.owner: str = parent.owner if parent else ""
        if kind == "function":
            self.level += 1
            self.owner = self.path

    @property
    def later(self) -> bool:
        """Whether the code runs only when a function is called."""
        return self.level > 0

    def mangled(self, name: str) -> str:
        """Return what a private name such as ``__k`` is called within a class."""
        scope: Scope | None = self
        while scope is not None:
            if scope.kind == "class":
                return f"_{scope.path.rpartition('.')[2].lstrip('_')}{name}"
            scope = scope.parent
        return name

    def find(self, name: str) -> Scope | None:
        """Return the scope that binds a name used here; None for a global."""
        scope: Scope | None = self
        direct = True
        while scope is not None and scope.kind != "module":
            bound = scope.bound
            if name in bound.outer:
                return None
            if scope.kind == "class":
                # Only for code right in the class body, and only once bound.
                if direct and name in scope.seen:
                    return scope
            elif name not in bound.nonlocals and (
                name in bound.names or name in bound.imports or name in scope.params
            ):
                return scope
            direct = False
            scope = scope.parent
        return None


class Chain(NamedTuple):
    """An expression that begins with a name: ``a.b[0].c()``.

    Attributes:
        refs: What its beginning refers to. Attributes end at the first item or
            call, of which ``[]`` or ``()`` is left.
        calls: How many calls follow.
        rest: Expressions in its beginning, still to be walked.
    """

    refs: tuple[Ref, ...]
    calls: int
    rest: tuple[ast.AST, ...]

    @property
    def exact(self) -> bool:
        """Whether there is nothing but attributes behind the name."""
        return bool(self.refs) and not any(is_inexact(ref) for ref in self.refs)

    def then(self, node: ast.AST) -> Chain:
        """Return the chain with one more attribute, item or call."""
        if isinstance(node, ast.Attribute):
            refs = tuple(
                ref if is_inexact(ref) else (*ref[:2], (*ref[2], node.attr))
                for ref in self.refs
            )
            return Chain(refs, self.calls, self.rest)
        called = isinstance(node, ast.Call)
        refs = tuple(
            (kind, base, (*attrs, "()" if called else "[]"))
            for kind, base, attrs in map(trimmed, self.refs)
        )
        if not called:
            # What a call gave stays that, whatever is taken out of it.
            refs = tuple(
                old if old[2][-1:] == ("()",) else new
                for old, new in zip(self.refs, refs, strict=True)
            )
        return Chain(refs, self.calls + called, self.rest)


NO_CHAIN = Chain((), calls=0, rest=())


class Trace:
    """What a walk finds: references in order of their first use, and acts."""

    __slots__ = ("acts", "direct", "flags", "later", "notes", "now", "registrations")

    def __init__(self) -> None:
        self.now: dict[Ref, int] = {}
        self.later: dict[Ref, int] = {}
        self.direct: set[Ref] = set()
        self.notes: dict[Ref, int] = {}
        self.acts: list[Act] = []
        self.flags = 0
        self.registrations: list[ast.Call] = []
