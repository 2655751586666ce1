"""Find what statements refer to and act on, by Python's rules of scope.

The outcome is references to global names with their attributes, to imported
modules, and acts that may change other definitions; see `records`. What they
resolve to is decided in `resolve`, which knows the other files.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterable, Sequence
from itertools import pairwise

from assetmake.code.bound import Bound, bound_by, import_bases, parameters
from assetmake.code.canonical import annotations_of, defaults_of, unquoted
from assetmake.code.namer import Namer
from assetmake.code.records import YIELDS, Act, Ref, is_inexact, trimmed
from assetmake.code.reflection import note_call, note_decorator, reflect
from assetmake.code.scopes import Scope, Trace
from assetmake.code.texts import NAMESPACES, flags_of_name, refs_in_text

#: A local name is followed to so many others; in larger functions than any
#: that sets up a module, they would be very many.
_MOST = 16


class Walker(Namer):
    """Walks expressions and statements of one file; needs no recursion."""

    def __init__(self, module: Bound, *, walrus: bool) -> None:
        super().__init__(module)
        self.walrus = walrus
        self.root = Scope("module", None, module)
        self.trace = Trace()
        #: Trees made meanwhile: nodes go by their ids, which must stay theirs.
        self.kept: list[ast.AST] = []
        self._todo: list[tuple[ast.AST, Scope]] = []
        self._bare: set[int] = set()
        self._notes = 0

    def walk(self, nodes: Sequence[ast.AST], scope: Scope) -> None:
        """Add all that nodes refer to and do to `trace`."""
        todo = self._todo
        base = len(todo)
        self.push(nodes, scope)
        while len(todo) > base:
            node, inner = todo.pop()
            kind = type(node)
            rule = _RULES.get(kind)
            if rule is not None:
                rule(self, node, inner)
            elif kind not in _LEAVES:
                self.push(ast.iter_child_nodes(node), inner)

    def forget(self) -> None:
        """Drop what is known of the nodes of the last statement."""
        self._chains.clear()
        self._bare.clear()

    def push(self, nodes: Iterable[ast.AST | None], scope: Scope) -> None:
        """Put nodes on the stack, so that the first is walked first."""
        items = [(node, scope) for node in nodes if node is not None]
        items.reverse()
        self._todo.extend(items)

    def refer(self, ref: Ref, node: ast.AST, scope: Scope) -> None:
        """Record a reference."""
        trace = self.trace
        if self._notes:
            trace.notes.setdefault(ref, getattr(node, "lineno", 0))
        elif scope.level:
            trace.later.setdefault(ref, getattr(node, "lineno", 0))
            if scope.level == 1:
                trace.direct.add(ref)
        else:
            trace.now.setdefault(ref, getattr(node, "lineno", 0))

    # Expressions -------------------------------------------------------------

    def _name(self, node: ast.AST, scope: Scope) -> None:
        assert isinstance(node, ast.Name)
        self.trace.flags |= flags_of_name(node.id)
        if isinstance(node.ctx, ast.Load):
            for ref in self.lookup(node.id, scope):
                self.refer(ref, node, scope)
        else:
            self._bind(node.id, node, scope)

    def _bind(self, name: str, node: ast.AST, scope: Scope) -> None:
        """Note that a name gets a value: in a class from here on, or globally."""
        if scope.kind == "class":
            scope.seen.add(name)
        elif scope.later and name in scope.bound.outer:
            self.act("global", ("name", name, ()), node, scope)

    def _chained(self, node: ast.AST, scope: Scope) -> None:
        """Walk an attribute or an item, to be read or to be set."""
        assert isinstance(node, (ast.Attribute, ast.Subscript))
        if not isinstance(node.ctx, ast.Load):
            self._set(node, scope)
        attrs: list[str] = []
        base: ast.AST = node
        found = reflect(self, base, scope)
        while found is None and isinstance(base, ast.Attribute):
            attrs.append(base.attr)
            self._attribute(base, scope)
            base = base.value
            found = reflect(self, base, scope)
        tail = tuple(reversed(attrs))
        if found is not None:
            for kind, name, before in found.refs:
                if kind != "param":
                    self.refer((kind, name, before + tail), node, scope)
            self.push(found.rest, scope)
        elif isinstance(base, ast.Name):
            self.trace.flags |= flags_of_name(base.id)
            for kind, name, _ in self.lookup(base.id, scope):
                self.refer((kind, name, tail), node, scope)
        elif isinstance(base, ast.Subscript):
            self.push((base.value, base.slice), scope)
        else:
            self.push((base,), scope)

    def _attribute(self, node: ast.Attribute, scope: Scope) -> None:
        """Note what an attribute of any object tells."""
        self.trace.flags |= flags_of_name(node.attr)
        if node.attr in NAMESPACES:
            self.refer(("self", "", ("__dict__",)), node, scope)

    def _display(self, node: ast.AST, scope: Scope) -> None:
        """Walk a list or tuple; ``["-m", "tool"]`` runs a module of the project."""
        assert isinstance(node, (ast.List, ast.Tuple))
        texts = [
            item.value if isinstance(item, ast.Constant) else "" for item in node.elts
        ]
        for before, text in pairwise(texts):
            if before == "-m" and isinstance(text, str) and text:
                self.refer(("script", f"-m {text}", ()), node, scope)
        self.push(node.elts, scope)

    def _call(self, node: ast.AST, scope: Scope) -> None:
        assert isinstance(node, ast.Call)
        note_call(self, node, scope, bare=id(node) in self._bare)
        if id(node) in self._bare:
            # In `a().b()` the first call stands for its effect, too.
            inner = node.func
            while isinstance(inner, (ast.Attribute, ast.Subscript)):
                inner = inner.value
            self._bare.add(id(inner))
        found = reflect(self, node, scope)
        if found is not None:
            for ref in found.refs:
                if ref[0] != "param":
                    self.refer(ref, node, scope)
            self.push(found.rest, scope)
            return
        self.push((node.func, *node.args, *node.keywords), scope)

    def _constant(self, node: ast.AST, scope: Scope) -> None:
        assert isinstance(node, ast.Constant)
        if isinstance(node.value, str):
            self.trace.flags |= flags_of_name(node.value)
            for ref in refs_in_text(node.value):
                if ref[0] != "mention" or scope.find(ref[1]) is None:
                    self.refer(ref, node, scope)

    def _comprehension(self, node: ast.AST, scope: Scope) -> None:
        """Walk a comprehension: a scope of its own but for its first iterable."""
        generators: list[ast.comprehension] = node.generators  # type: ignore[attr-defined]
        bound = bound_by([item.target for item in generators], walrus=False)
        inner = Scope("comprehension", scope, bound)
        for item in generators:
            for name in bound.names:
                inner.aliases[name] = self.values(item.iter, scope)[:_MOST]
        results = (
            (node.key, node.value) if isinstance(node, ast.DictComp) else (node.elt,)  # type: ignore[attr-defined]
        )
        self.push(results, inner)
        for item in reversed(generators[1:]):
            self.push((item.iter, item.target, *item.ifs), inner)
        self.push((generators[0].target, *generators[0].ifs), inner)
        self.push((generators[0].iter,), scope)

    def _lambda(self, node: ast.AST, scope: Scope) -> None:
        assert isinstance(node, ast.Lambda)
        bound = bound_by([node.body], walrus=self.walrus)
        inner = Scope("function", scope, bound, "<lambda>", parameters(node.args))
        self.push((*node.args.defaults, *node.args.kw_defaults), scope)
        self.push((node.body,), inner)

    # Statements --------------------------------------------------------------

    def _function(self, node: ast.AST, scope: Scope) -> None:
        assert isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef))
        self._bind(node.name, node, scope)
        self.decorate(node, scope)
        self.push([value for _, value in defaults_of(node)], scope)
        values = [unquoted(value) for _, value in annotations_of(node)]
        outside = self.type_scope(node, scope)
        if node.decorator_list:
            self.push(values, outside)
        else:
            self.annotate(values, outside)
        inner = self.function_scope(node, scope)
        self.push((*getattr(node, "type_params", ()), *node.body), inner)

    def type_scope(self, node: ast.AST, scope: Scope) -> Scope:
        """Return the scope of annotations and bases: with type parameters."""
        types = {item.name for item in getattr(node, "type_params", ())}
        return Scope("comprehension", scope, Bound(names=types)) if types else scope

    def function_scope(
        self, node: ast.FunctionDef | ast.AsyncFunctionDef, scope: Scope
    ) -> Scope:
        """Return a new scope for the inside of a function."""
        bound = bound_by(node.body, walrus=self.walrus)
        names = parameters(node.args)
        types = [item.name for item in getattr(node, "type_params", ())]
        bound.names.update(types)
        return Scope("function", scope, bound, node.name, names)

    def decorate(
        self, node: ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef, scope: Scope
    ) -> None:
        """Walk decorators, each of which is a call for its effect."""
        for decorator in node.decorator_list:
            note_decorator(self, decorator, node, scope)
        self.push(node.decorator_list, scope)

    def annotate(self, nodes: Sequence[ast.AST], scope: Scope) -> None:
        """Walk annotations that nothing evaluates."""
        if nodes:
            self._notes += 1
            self.walk(nodes, scope)
            self._notes -= 1

    def _class(self, node: ast.AST, scope: Scope) -> None:
        assert isinstance(node, ast.ClassDef)
        self._bind(node.name, node, scope)
        self.decorate(node, scope)
        outside = self.type_scope(node, scope)
        self.push((*node.bases, *node.keywords), outside)
        self.push(node.body, self.class_scope(node, outside))

    def class_scope(self, node: ast.ClassDef, scope: Scope) -> Scope:
        """Return a new scope for the body of a class."""
        return Scope("class", scope, bound_by(node.body, walrus=self.walrus), node.name)

    def _import(self, node: ast.AST, scope: Scope) -> None:
        assert isinstance(node, (ast.Import, ast.ImportFrom))
        for name, _, loaded in import_bases(node):
            self.refer(("load", loaded, ()), node, scope)
            self._bind(name, node, scope)

    def _assign(self, node: ast.AST, scope: Scope) -> None:
        """Walk the value before the targets, and remember local aliases."""
        assert isinstance(node, (ast.Assign, ast.AnnAssign, ast.NamedExpr))
        targets = node.targets if isinstance(node, ast.Assign) else [node.target]
        if isinstance(node, ast.AnnAssign):
            if scope.kind == "class":
                self._field(node, scope)
            else:
                self.annotate([unquoted(node.annotation)], scope)
        if node.value is None:
            return
        self.alias(targets, node.value, scope)
        self.push((node.value, *targets), scope)

    def _field(self, node: ast.AnnAssign, scope: Scope) -> None:
        """Walk the annotation of a field; texts within it may be names."""
        self.push((unquoted(node.annotation),), scope)
        for child in ast.walk(node.annotation):
            text = child.value if isinstance(child, ast.Constant) else None
            if isinstance(text, str) and text.isidentifier():
                self.refer(("mention", text, ()), child, scope)

    def _augment(self, node: ast.AST, scope: Scope) -> None:
        assert isinstance(node, ast.AugAssign)
        if isinstance(node.target, ast.Name):
            # `x += [1]` changes the object, and reads it.
            for ref in self.origins(node.target.id, scope):
                self.act("set", ref, node, scope)
            for ref in self.lookup(node.target.id, scope):
                self.refer(ref, node, scope)
        self.push((node.value, node.target), scope)

    def _for(self, node: ast.AST, scope: Scope) -> None:
        assert isinstance(node, (ast.For, ast.AsyncFor))
        self.alias([node.target], node.iter, scope)
        self.push((node.iter, node.target, *node.body, *node.orelse), scope)

    def _with(self, node: ast.AST, scope: Scope) -> None:
        assert isinstance(node, (ast.With, ast.AsyncWith))
        for item in node.items:
            self._bare.add(id(item.context_expr))
            if item.optional_vars is not None:
                self.alias([item.optional_vars], item.context_expr, scope)
        parts = [
            part
            for item in node.items
            for part in (item.context_expr, item.optional_vars)
        ]
        self.push((*parts, *node.body), scope)

    def _expression(self, node: ast.AST, scope: Scope) -> None:
        assert isinstance(node, ast.Expr)
        value = node.value
        if isinstance(value, ast.Constant):
            return  # a docstring
        while isinstance(value, (ast.Await, ast.Yield, ast.YieldFrom)):
            self._note_yield(value, scope)
            if value.value is None:
                return
            value = value.value
        self._bare.add(id(value))
        self.push((value,), scope)

    def _note_yield(self, node: ast.AST, scope: Scope) -> None:
        if scope.level == 1 and not isinstance(node, ast.Await):
            self.trace.flags |= YIELDS

    def _yield(self, node: ast.AST, scope: Scope) -> None:
        self._note_yield(node, scope)
        self.push(ast.iter_child_nodes(node), scope)

    def alias(self, targets: Sequence[ast.AST], value: ast.AST, scope: Scope) -> None:
        """Remember what local names may be the same object as."""
        if not scope.later:
            return
        refs = dict.fromkeys(self.values(value, scope))
        if not refs:
            return
        for name in bound_by(targets, walrus=False).names:
            owner = scope.find(name)
            if owner is not None:
                known = owner.aliases.setdefault(name, [])
                known += [ref for ref in refs if ref not in known][: _MOST - len(known)]

    # Acts --------------------------------------------------------------------

    def act(
        self, kind: str, ref: Ref, node: ast.AST, scope: Scope, name: str = ""
    ) -> None:
        """Record that something is set."""
        if is_inexact(ref):
            ref, name = trimmed(ref), ""
        line = getattr(node, "lineno", 0)
        self.trace.acts.append(Act(kind, scope.owner, ref, name, line=line))

    def _set(self, node: ast.Attribute | ast.Subscript, scope: Scope) -> None:
        """Record what an assignment to an attribute or item changes."""
        found = self.chain(node.value, scope)
        if found.calls:
            self._set_given(node.value, scope)
        if isinstance(node, ast.Attribute):
            name = node.attr
        else:
            name = ""
            key = node.slice
            if isinstance(key, ast.Constant) and isinstance(key.value, str):
                name = key.value
        for ref in found.refs:
            kind, base, attrs = ref
            if isinstance(node, ast.Subscript):
                if attrs[-1:] == ("__dict__",):
                    owner = (kind, base, attrs[:-1])
                    self.act("set", owner, node, scope, name or "*")
                else:
                    self.act("set", ref, node, scope)
            else:
                self.act("set", ref, node, scope, name)

    def _set_given(self, node: ast.expr, scope: Scope) -> None:
        """Record that ``f(x)[key] = value`` may change ``x``, which f may return."""
        inner: ast.AST = node
        while isinstance(inner, (ast.Attribute, ast.Call, ast.Subscript)):
            if isinstance(inner, ast.Call):
                for value in inner.args:
                    for ref in self.values(value, scope):
                        self.act("set", ref, node, scope)
                inner = inner.func
            else:
                inner = inner.value


_LEAVES = frozenset(
    {ast.Load, ast.Store, ast.Del, ast.Pass, ast.Break, ast.Continue, ast.Global}
)

Rule = Callable[[Walker, ast.AST, Scope], None]

_RULES: dict[type[ast.AST], Rule] = {
    ast.Name: Walker._name,  # noqa: SLF001
    ast.Attribute: Walker._chained,  # noqa: SLF001
    ast.Subscript: Walker._chained,  # noqa: SLF001
    ast.Call: Walker._call,  # noqa: SLF001
    ast.Constant: Walker._constant,  # noqa: SLF001
    ast.ListComp: Walker._comprehension,  # noqa: SLF001
    ast.SetComp: Walker._comprehension,  # noqa: SLF001
    ast.DictComp: Walker._comprehension,  # noqa: SLF001
    ast.GeneratorExp: Walker._comprehension,  # noqa: SLF001
    ast.Lambda: Walker._lambda,  # noqa: SLF001
    ast.List: Walker._display,  # noqa: SLF001
    ast.Tuple: Walker._display,  # noqa: SLF001
    ast.FunctionDef: Walker._function,  # noqa: SLF001
    ast.AsyncFunctionDef: Walker._function,  # noqa: SLF001
    ast.ClassDef: Walker._class,  # noqa: SLF001
    ast.Import: Walker._import,  # noqa: SLF001
    ast.ImportFrom: Walker._import,  # noqa: SLF001
    ast.Assign: Walker._assign,  # noqa: SLF001
    ast.AnnAssign: Walker._assign,  # noqa: SLF001
    ast.NamedExpr: Walker._assign,  # noqa: SLF001
    ast.AugAssign: Walker._augment,  # noqa: SLF001
    ast.For: Walker._for,  # noqa: SLF001
    ast.AsyncFor: Walker._for,  # noqa: SLF001
    ast.With: Walker._with,  # noqa: SLF001
    ast.AsyncWith: Walker._with,  # noqa: SLF001
    ast.Expr: Walker._expression,  # noqa: SLF001
    ast.Yield: Walker._yield,  # noqa: SLF001
    ast.YieldFrom: Walker._yield,  # noqa: SLF001
}
