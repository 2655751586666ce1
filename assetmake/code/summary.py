"""Summarise one source file: its statements, names and references.

The summary is plain data that depends on the file's bytes alone, so it can be
kept by their digest. How names resolve across files is decided in `resolve`.
"""

from __future__ import annotations

import ast
from collections.abc import Iterable, MutableMapping, Sequence

from assetmake.code.bound import Bound, bound_by, head, import_bases, parameters
from assetmake.code.canonical import (
    Form,
    annotations_of,
    canonical,
    canonical_body,
    defaults_of,
    docstring_of,
    is_void,
    parse,
    unquoted,
)
from assetmake.code.labels import label
from assetmake.code.marks import Marker, moved
from assetmake.code.records import (
    HOOKS,
    Binding,
    Call,
    Located,
    PathExpression,
    Piece,
    Ref,
    Summary,
    Unit,
)
from assetmake.code.reflection import note_decorator
from assetmake.code.scopes import Scope, Trace
from assetmake.code.syspath import extensions, path_expression
from assetmake.code.verdicts import exports, is_plain, verdict
from assetmake.code.walker import Walker

_Function = ast.FunctionDef | ast.AsyncFunctionDef
_FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)
_OVERLOADS = frozenset({"typing.overload", "typing_extensions.overload"})

_Guards = tuple[tuple[int, int], ...]


def summarise(data: bytes, known: MutableMapping[str, Unit] | None = None) -> Summary:
    """Return the summary of a source file.

    Args:
        data: Its bytes.
        known: Statements that were gone through before, by their marks, as if
            each stood in the first line; new ones are added.

    Raises:
        SyntaxError, ValueError, RecursionError, MemoryError: see
            `canonical.parse`.
    """
    tree = parse(data)
    paths, walrus = computes_paths(data), b":=" in data
    bound = bound_by(tree.body, walrus=walrus)
    builder = _Builder(bound, walrus=walrus, paths=paths)
    if known is not None and not paths:  # paths are collected along the way
        builder.reuse(data, known)
    for number, node in enumerate(tree.body):
        builder.statement(number, node)
    return Summary(
        units=tuple(builder.units),
        bindings={name: tuple(found) for name, found in builder.bindings.items()},
        stars=tuple(builder.stars),
        exports=exports(tree),
        events=tuple(builder.events),
        doc=docstring_of(tree.body) or "",
        paths=builder.paths,
        bound=bound.packed(),
        alone=builder.alone,
        size=len(tree.body),
    )


def computes_paths(data: bytes) -> bool:
    """Return whether a file may change where modules are imported from."""
    return (b"sys" in data and b"path" in data) or b"addsitedir" in data


def walked(
    nodes: Iterable[ast.stmt],
    data: bytes,
    bound: Bound,
    known: MutableMapping[str, Unit],
    *,
    walrus: bool,
) -> list[Unit]:
    """Return the units of some statements of a file, each of which is one.

    Args:
        nodes: The statements.
        data: The bytes of the file, which does not compute paths.
        bound: What the file binds.
        known: See `summarise`.
        walrus: Whether ``:=`` stands in it.
    """
    builder = _Builder(bound, walrus=walrus, paths=False)
    builder.reuse(data, known)
    return [builder.unit(node) for node in nodes]


class _Builder:
    """Goes through the statements of one module, and collects its summary."""

    def __init__(self, bound: Bound, *, walrus: bool, paths: bool) -> None:
        self.walker = Walker(bound, walrus=walrus)
        self.walrus = walrus
        self.has_paths = paths
        self.units: list[Unit] = []
        self.bindings: dict[str, list[Binding]] = {}
        self.stars: list[Binding] = []
        self.events: list[tuple[str, str | PathExpression, int]] = []
        self.paths: dict[str, PathExpression] = {}
        self.alone: dict[int, tuple[int, tuple[str, ...]]] = {}
        self._top: tuple[int, ast.stmt | None] = 0, None
        self._order = 0
        self._marker: Marker | None = None
        self._known: MutableMapping[str, Unit] = {}

    def reuse(self, data: bytes, known: MutableMapping[str, Unit]) -> None:
        """Go through no statement again that is known, and keep the others."""
        self._marker = Marker(data, self.walker.module, walrus=self.walrus)
        self._known = known

    def statement(self, number: int, node: ast.stmt) -> None:
        """Add a statement that stands right in the file."""
        self._top = number, node
        self.block([node], (), main=False)

    def block(self, nodes: Iterable[ast.stmt], guards: _Guards, *, main: bool) -> None:
        """Add statements that stand under the same tests."""
        for node in nodes:
            if isinstance(node, (ast.Import, ast.ImportFrom)):
                if not main:
                    self._import(node, guards)
            elif isinstance(node, ast.If):
                self._if(node, guards, main=main)
            elif not is_void(node) and not self._is_overload(node):
                self._statement(node, guards, main=main)

    def _is_overload(self, node: ast.stmt) -> bool:
        """Return whether a statement is for type checkers alone, or does nothing."""
        if isinstance(node, _FUNCTIONS):
            dotted = {
                self.walker.dotted(d, self.walker.root) for d in node.decorator_list
            }
            return not dotted.isdisjoint(_OVERLOADS)
        return isinstance(node, ast.Global)

    def _import(self, node: ast.Import | ast.ImportFrom, guards: _Guards) -> None:
        for name, base, loaded in import_bases(node):
            self.events.append(("load", loaded, 0))
            self._bind(name, Binding(-1, base, guards))

    def _bind(self, name: str, binding: Binding) -> None:
        binding = binding._replace(order=self._order)
        self._order += 1
        if name == "*":
            self.stars.append(binding)
        else:
            self.bindings.setdefault(name, []).append(binding)

    def _if(self, node: ast.If, guards: _Guards, *, main: bool) -> None:
        """Add what stands under a test; a chain of ``elif`` is gone along."""
        inner: ast.If | None = node
        while inner is not None:
            node, inner = inner, None
            known = verdict(node.test)
            if known:
                self.events.append(("test", "", 0))
            if known == "main":
                self.block(node.body, guards, main=True)
            elif known == "always":
                self.block(node.body, guards, main=main)
                return
            elif known != "never":
                guard = self._guard(node, guards, main=main)
                self.block(node.body, ((guard, 0),), main=main)
                guards = ((guard, 1),)
            if len(node.orelse) == 1 and isinstance(node.orelse[0], ast.If):
                inner = node.orelse[0]
            else:
                self.block(node.orelse, guards, main=main)

    def _guard(self, node: ast.If, guards: _Guards, *, main: bool) -> int:
        """Add a test as a unit, as others stand under it."""
        self.walker.trace = Trace()
        self.walker.walk([node.test], self.walker.root)
        unit = self._unit("guard", node.test, canonical(node.test))
        index = self._add(unit._replace(name=label(node)), (), guards, main=main)
        bound = bound_by([node.test], walrus=self.walrus)
        self._bind_all(bound, index, guards, main=main)
        return index

    def _statement(self, node: ast.stmt, guards: _Guards, *, main: bool) -> None:
        unit = self.unit(node)
        paths = extensions(node, self.walker) if self.has_paths else ()
        index = self._add(unit, paths, guards, main=main)
        bound = bound_by([node], walrus=self.walrus)
        self._bind_all(bound, index, guards, main=main)
        if node is self._top[1] and bound.alone is not None:
            self.alone[index] = self._top[0], bound.alone

    def unit(self, node: ast.stmt) -> Unit:
        """Return the unit of a statement, as it was found before if it is known."""
        at = extent(node)
        mark = self._marker.mark(at) if self._marker is not None else ""
        found = self._known.get(mark) if mark else None
        if found is not None:
            return moved(found, at[0] - 1)
        unit = self._walked(node)._replace(mark=mark)
        if mark:
            self._known[mark] = moved(unit, 1 - at[0])
        return unit

    def _walked(self, node: ast.stmt) -> Unit:
        """Go through a statement."""
        self.walker.forget()
        self.walker.trace = Trace()
        if isinstance(node, _FUNCTIONS):
            return self._function(node)
        if isinstance(node, ast.ClassDef):
            return self._class(node)
        return self._other(node)

    def _bind_all(
        self, bound: Bound, index: int, guards: _Guards, *, main: bool
    ) -> None:
        if main:
            return
        for name, bases in bound.imports.items():
            for base in bases:
                self._bind(name, Binding(-1, base, guards))
        for base in bound.stars:
            self._bind("*", Binding(-1, base, guards))
        for name in sorted(bound.names):
            self._bind(name, Binding(index, "", guards))

    def _add(
        self,
        unit: Unit,
        paths: Iterable[tuple[PathExpression, int]],
        guards: _Guards,
        *,
        main: bool,
    ) -> int:
        index = len(self.units)
        self.units.append(unit._replace(guards=guards, main=main))
        if not main:
            self.events += [("path", path, front) for path, front in paths]
            self.events.append(("unit", "", index))
        return index

    # Kinds of statements -----------------------------------------------------

    def _function(self, node: _Function) -> Unit:
        walker = self.walker
        form = canonical_body(node)
        decorators = self._decorators(node)
        outside = walker.type_scope(node, walker.root)
        annotations = tuple(
            self._piece(name, unquoted(value), outside)
            for name, value in annotations_of(node)
        )
        defaults = tuple(self._piece(name, value) for name, value in defaults_of(node))
        inner = walker.function_scope(node, walker.root)
        walker.walk((*getattr(node, "type_params", ()), *node.body), inner)
        return self._unit(
            "def",
            node,
            form,
            decorators=decorators,
            defaults=defaults,
            annotations=annotations,
            params=tuple(parameters(node.args)),
            head=head(node),
        )

    def _class(self, node: ast.ClassDef) -> Unit:
        walker = self.walker
        form = canonical_body(node)
        decorators = self._decorators(node)
        outside = walker.type_scope(node, walker.root)
        walker.walk((*node.bases, *node.keywords), outside)
        walker.walk(node.body, walker.class_scope(node, outside))
        hooks = any(word.arg == "metaclass" for word in node.keywords) or any(
            isinstance(item, _FUNCTIONS) and item.name == "__init_subclass__"
            for item in node.body
        )
        walker.trace.flags |= HOOKS if hooks else 0
        values = [*node.bases, *(word.value for word in node.keywords)]
        bases = [ref for value in values for ref in walker.values(value, walker.root)]
        return self._unit(
            "class", node, form, decorators=decorators, bases=tuple(bases)
        )

    def _other(self, node: ast.stmt) -> Unit:
        walker = self.walker
        walker.walk([node], walker.root)
        targets = _targets(node)
        assigned = isinstance(node, (ast.Assign, ast.AnnAssign)) and all(
            isinstance(target, ast.Name) for target in targets
        )
        value = getattr(node, "value", None)
        partial = None
        if assigned and isinstance(value, ast.expr):
            partial = self._partial(value)
            path = path_expression(value) if self.has_paths else ()
            if path:
                self.paths.update((label(target), path) for target in targets)
        unit = self._unit(
            "assign" if assigned else "other",
            node,
            canonical(node),
            aliases=tuple(self._flows(node)),
            partial=partial,
            literal=isinstance(node, ast.Assign) and assigned and is_plain(node.value),
            registrations=tuple(
                self._call(call) for call in walker.trace.registrations
            ),
        )
        if isinstance(node, (ast.Expr, ast.Assign, ast.AnnAssign, ast.AugAssign)):
            return unit
        return unit._replace(nested=tuple(self._nested(node)))

    def _unit(
        self, kind: str, node: ast.stmt | ast.expr, form: Form, **more: object
    ) -> Unit:
        trace = self.walker.trace
        return Unit(
            name=label(node),
            kind=kind,
            at=extent(node),
            line=node.lineno,
            code=form.code,
            docs=form.docs,
            notes=form.notes,
            flags=trace.flags,
            now=tuple(trace.now.items()),
            later=tuple(trace.later.items()),
            deep=tuple(ref for ref in trace.later if ref not in trace.direct),
            note_refs=tuple(trace.notes.items()),
            acts=tuple(trace.acts),
            silent=tuple(_docstrings(node)) if form.docs else (),
            **more,  # type: ignore[arg-type]
        )

    def _nested(self, node: ast.stmt) -> Iterable[Unit]:
        """Return the functions that a loop or the like defines at module level."""
        kept = self.walker.trace
        todo: list[ast.AST] = list(ast.iter_child_nodes(node))
        while todo:
            child = todo.pop(0)
            if isinstance(child, _FUNCTIONS):
                self.walker.trace = Trace()
                yield self._function(child)
            elif not isinstance(child, (ast.ClassDef, ast.expr)):
                todo.extend(ast.iter_child_nodes(child))
        self.walker.trace = kept

    # Parts of statements -----------------------------------------------------

    def _refs(
        self, nodes: Sequence[ast.AST], scope: Scope | None = None
    ) -> tuple[Located, ...]:
        """Return what nodes refer to, apart from the statement's own references."""
        walker = self.walker
        kept, walker.trace = walker.trace, Trace()
        walker.walk(nodes, scope or walker.root)
        found, walker.trace = walker.trace, kept
        kept.acts += found.acts
        kept.flags |= found.flags
        return tuple({**found.now, **found.later}.items())

    def _piece(self, name: str, node: ast.expr, scope: Scope | None = None) -> Piece:
        return Piece(
            name,
            canonical(node).code,
            self._refs([node], scope),
            is_plain(node),
            isinstance(node, ast.Name),
            extent(node),
        )

    def _decorators(self, node: _Function | ast.ClassDef) -> tuple[Call, ...]:
        found = []
        for decorator in node.decorator_list:
            note_decorator(self.walker, decorator, node, self.walker.root)
            found.append(self._call(decorator))
        return tuple(found)

    def _call(self, node: ast.expr) -> Call:
        """Return a decorator or call, its keywords told apart."""
        callee, args, keywords = node, [], []
        if isinstance(node, ast.Call):
            callee, args, keywords = node.func, node.args, node.keywords
        return self._record(node, callee, args, keywords)

    def _partial(self, node: ast.expr) -> Call | None:
        """Return what ``functools.partial(f, ...)`` calls, with its arguments."""
        walker = self.walker
        if not (isinstance(node, ast.Call) and node.args):
            return None
        if walker.dotted(node.func, walker.root) != "functools.partial":
            return None
        return self._record(node, node.args[0], node.args[1:], node.keywords)

    def _record(
        self,
        node: ast.expr,
        callee: ast.expr,
        args: Sequence[ast.expr],
        keywords: Sequence[ast.keyword],
    ) -> Call:
        chain = self.walker.chain(callee, self.walker.root)
        refs = self._refs([node])
        kept = len(self.walker.trace.acts)
        record = Call(
            callee=chain.refs[0] if chain.exact and len(chain.refs) == 1 else None,
            code=canonical(node).code,
            refs=refs,
            keywords=tuple(
                self._piece(word.arg or "**", word.value) for word in keywords
            ),
            others=canonical(*args).code if args else "",
            other_refs=self._refs(args),
        )
        del self.walker.trace.acts[kept:]  # walked twice
        return record

    def _flows(self, node: ast.stmt) -> Iterable[tuple[Ref, Ref | None]]:
        """Return what the names that a statement binds may be the same as."""
        walker, root = self.walker, self.walker.root
        values: list[ast.expr] = []
        if isinstance(node, (ast.For, ast.AsyncFor)):
            values = [node.iter]
        elif isinstance(node, (ast.With, ast.AsyncWith)):
            values = [item.context_expr for item in node.items]
        elif isinstance(getattr(node, "value", None), ast.expr):
            values = [node.value]  # type: ignore[attr-defined]
        for value in values:
            yield from ((ref, None) for ref in walker.values(value, root))
            if isinstance(value, ast.Call):
                callees = walker.chain(value.func, root).refs or (None,)
                given = [*value.args, *(word.value for word in value.keywords)]
                for ref in (r for arg in given for r in walker.values(arg, root)):
                    yield from ((ref, callee) for callee in callees)


def _targets(node: ast.stmt) -> list[ast.expr]:
    if isinstance(node, ast.Assign):
        return node.targets
    target = getattr(node, "target", None)
    return [target] if isinstance(target, ast.expr) else []


def extent(node: ast.stmt | ast.expr) -> tuple[int, int, int, int]:
    """Return where a node stands, its decorators included."""
    line, column = node.lineno, node.col_offset
    for decorator in getattr(node, "decorator_list", ()):
        if decorator.lineno < line:
            line, column = decorator.lineno, 0
    return line, column, node.end_lineno or line, node.end_col_offset or 0


def _docstrings(node: ast.AST) -> Iterable[tuple[int, int]]:
    """Return the lines of all docstrings within a statement."""
    todo = [node]
    while todo:
        child = todo.pop()
        if isinstance(child, (*_FUNCTIONS, ast.ClassDef)):
            first = child.body[0]
            if docstring_of(child.body) is not None:
                yield first.lineno, first.end_lineno or first.lineno
        for name in ("body", "orelse", "finalbody", "handlers", "cases"):
            inner = getattr(child, name, ())
            if isinstance(inner, list):
                todo += inner
