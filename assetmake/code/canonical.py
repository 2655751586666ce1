"""Write code as bytes that differ only where its meaning can differ.

Positions, comments, formatting, docstrings and annotations that nothing
evaluates are left out; the rest is written in full, with lengths and types, so
that two trees give equal bytes only if they are equal. The bytes of one source
text are the same under every supported Python. What a name refers to is not
looked at here: see `scopes` and `resolve`.
"""

from __future__ import annotations

import ast
import warnings
from collections.abc import Iterable
from functools import lru_cache
from typing import NamedTuple

from assetmake.fingerprint import digest_bytes, encode

_FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)

Definition = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef

#: Not part of the meaning, or written by a rule of its own.
_IGNORED = frozenset({"ctx", "kind", "type_comment", "type_ignores", "simple"})

#: Fields of each class of node in a fixed order, with the bytes before each.
_FIELDS: dict[type[ast.AST], tuple[tuple[str, bytes], ...]] = {}


class Form(NamedTuple):
    """Digests of one piece of code.

    Attributes:
        code: Of all that runs.
        docs: Of its docstrings; empty without any.
        notes: Of the annotations that `code` leaves out; empty without any.
    """

    code: str
    docs: str
    notes: str


def parse(data: bytes | str) -> ast.Module:
    """Return the syntax tree of a source file, its declared encoding honoured.

    Raises:
        SyntaxError: it is no Python of the running version.
        ValueError: it holds null bytes.
        RecursionError: it is nested more deeply than Python can compile.
        MemoryError: the same, seen by another part of the compiler.
    """
    with warnings.catch_warnings():
        # Invalid escapes warn; the import itself has told the user of them.
        warnings.simplefilter("ignore")
        try:
            return ast.parse(data)
        except RecursionError:
            return _parse_afresh(data)


def _parse_afresh(data: bytes | str) -> ast.Module:
    """Parse with an empty stack, as much of which is left as an import has."""
    from concurrent.futures import ThreadPoolExecutor

    with ThreadPoolExecutor(1) as pool:
        return pool.submit(ast.parse, data).result()


def canonical(*nodes: ast.AST, notes: bool = False) -> Form:
    """Return the digests of nodes, written one after the other.

    Args:
        nodes: Statements, expressions, or other nodes.
        notes: Whether annotations of functions at the top count: those of a
            decorated function always do, as a decorator may evaluate them.
    """
    writer = _Writer()
    for node in nodes:
        writer.write(node, notes=notes)
    return writer.form()


def canonical_body(node: Definition) -> Form:
    """Return the digests of a function or class without its decorators.

    Of a function, default values and annotations are left out, too: their
    digests are wanted one by one. Which parameters there are stays in.
    """
    writer = _Writer()
    writer.write_bare(node)
    return writer.form()


def annotation_form(node: ast.expr) -> str:
    """Return the digest of an annotation; a quoted one equals the bare one."""
    return canonical(unquoted(node)).code


def unquoted(node: ast.expr) -> ast.expr:
    """Return the expression in an annotation that is a string, or `node`."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        try:
            tree = ast.parse(node.value.strip(), mode="eval")
        except (SyntaxError, ValueError, RecursionError, MemoryError):
            return node
        # A name within needs the line of the whole for messages.
        for child in ast.walk(tree.body):
            if isinstance(child, ast.expr):
                child.lineno, child.end_lineno = node.lineno, node.end_lineno
        return tree.body
    return node


def is_void(node: ast.stmt) -> bool:
    """Return whether a statement does nothing: ``pass``, ``...``, a docstring."""
    if type(node) is ast.Expr:
        return type(node.value) is ast.Constant
    return type(node) is ast.Pass


def docstring_of(body: list[ast.stmt]) -> str | None:
    """Return the docstring that a body begins with, as it is written."""
    if body and type(body[0]) is ast.Expr:
        value = body[0].value
        if type(value) is ast.Constant and isinstance(value.value, str):
            return value.value
    return None


def bound_by_import(node: ast.Import | ast.ImportFrom) -> list[str]:
    """Return the names that an import binds, in order; ``*`` stands for itself."""
    whole = isinstance(node, ast.ImportFrom)
    return [
        alias.asname or (alias.name if whole else alias.name.partition(".")[0])
        for alias in node.names
    ]


@lru_cache(maxsize=65536)
def _text(value: str) -> bytes:
    return encode(value)


def _fields(cls: type[ast.AST]) -> tuple[tuple[str, bytes], ...]:
    found = _FIELDS.get(cls)
    if found is None:
        found = tuple(
            (name, b" %s=" % name.encode())
            for name in reversed(cls._fields)
            if name not in _IGNORED
        )
        _FIELDS[cls] = found
    return found


#: Marks on the stack: the statements that follow stand in a class body or not.
_ENTER_CLASS, _ENTER_FUNCTION, _LEAVE = object(), object(), object()


class _Writer:
    """Three streams of bytes, filled by a walk that needs no recursion."""

    def __init__(self) -> None:
        self.code: list[bytes] = []
        self.docs: list[bytes] = []
        self.notes: list[bytes] = []
        self._in_class = [False]
        self._todo: list[object] = []

    def form(self) -> Form:
        """Return the digests of what was written."""
        return Form(
            digest_bytes(b"".join(self.code)),
            digest_bytes(b"".join(self.docs)) if self.docs else "",
            digest_bytes(b"".join(self.notes)) if self.notes else "",
        )

    def write(self, node: ast.AST, *, notes: bool = False) -> None:
        """Write one node; with `notes`, a function's own annotations count."""
        if notes and isinstance(node, _FUNCTIONS):
            self._function(node, notes=True)
        else:
            self._todo.append(node)
        self._drain()

    def write_bare(self, node: Definition) -> None:
        """Write a definition without decorators, defaults and annotations."""
        if isinstance(node, ast.ClassDef):
            self._class(node, bare=True)
        else:
            self._function(node, notes=False, bare=True)
        self._drain()

    def _drain(self) -> None:
        """Write all that is on the stack.

        Names, attributes and literals are most of a tree, so they come first.
        """
        todo, code = self._todo, self.code
        while todo:
            item = todo.pop()
            kind = type(item)
            if kind is bytes:
                code.append(item)  # type: ignore[arg-type]
            elif kind is ast.Name:
                code.append(b"N" + _text(item.id))  # type: ignore[attr-defined]
            elif kind is ast.Attribute:
                code.append(b"A" + _text(item.attr))  # type: ignore[attr-defined]
                todo.append(item.value)  # type: ignore[attr-defined]
            elif kind is ast.Constant:
                code.append(_constant(item.value))  # type: ignore[attr-defined]
            elif isinstance(item, ast.AST):
                rule = _RULES.get(kind)
                if rule is not None:
                    rule(self, item)
                else:
                    self._generic(item)
            elif item is _LEAVE:
                self._in_class.pop()
            else:
                self._in_class.append(item is _ENTER_CLASS)

    def _generic(self, node: ast.AST, skip: Iterable[str] = ()) -> None:
        """Push a node's fields, so that the first is written first."""
        kind = type(node)
        todo = self._todo
        todo.append(b">")
        for name, label in _fields(kind):
            value = getattr(node, name, None)
            if value is None or value == [] or name in skip:
                continue
            self._push(value)
            todo.append(label)
        todo.append(b"<" + kind.__name__.encode())

    def _push(self, value: object) -> None:
        if isinstance(value, list):
            self._todo.append(b"]")
            self._todo.extend(
                item if isinstance(item, ast.AST) else _constant(item)
                for item in reversed(value)
                if not (isinstance(item, ast.stmt) and is_void(item))
            )
            self._todo.append(b"[")
        else:
            self._todo.append(value if isinstance(value, ast.AST) else _constant(value))

    def _function(
        self, node: ast.AST, *, notes: bool = False, bare: bool = False
    ) -> None:
        """Push a function; its annotations count under a decorator only."""
        assert isinstance(node, _FUNCTIONS)
        self._document(node)
        keep = notes or (bool(node.decorator_list) and not bare)
        skip = {"args", "returns"} | ({"decorator_list"} if bare else set())
        self._todo.extend((_LEAVE, b">"))
        if keep and node.returns is not None:
            self._todo.extend((unquoted(node.returns), b" returns="))
        if not keep and not bare:
            self._note(node)
        self._arguments(node.args, notes=keep, defaults=not bare)
        self._todo.append(b" args=")
        self._generic(node, skip)
        self._todo.append(_ENTER_FUNCTION)

    def _arguments(self, node: ast.arguments, *, notes: bool, defaults: bool) -> None:
        """Push the parameters of a function."""
        groups: list[tuple[bytes, list[ast.arg]]] = [
            (b"/", node.posonlyargs),
            (b"-", node.args),
            (b"*", [node.vararg] if node.vararg else []),
            (b"k", node.kwonlyargs),
            (b"**", [node.kwarg] if node.kwarg else []),
        ]
        todo = self._todo
        todo.append(b")")
        if defaults:
            for value in (*reversed(node.kw_defaults), *reversed(node.defaults)):
                todo.append(b"-" if value is None else value)
                todo.append(b"=")
        for label, items in reversed(groups):
            for item in reversed(items):
                if notes and item.annotation is not None:
                    todo.extend((unquoted(item.annotation), b":"))
                todo.append(label + _text(item.arg))
        todo.append(b"(")

    def _note(self, node: ast.FunctionDef | ast.AsyncFunctionDef) -> None:
        """Write annotations that do not count to a stream of their own."""
        for name, value in annotations_of(node):
            self.notes.append(_text(name) + annotation_form(value).encode())

    def _document(self, node: ast.AST) -> None:
        """Write a docstring to a stream of its own."""
        assert isinstance(node, (*_FUNCTIONS, ast.ClassDef))
        text = docstring_of(node.body)
        if text is not None:
            self.docs.append(_text(node.name) + encode(text))

    def _class(self, node: ast.AST, *, bare: bool = False) -> None:
        self._document(node)
        self._todo.append(_LEAVE)
        self._generic(node, {"decorator_list"} if bare else ())
        self._todo.append(_ENTER_CLASS)

    def _lambda(self, node: ast.AST) -> None:
        assert isinstance(node, ast.Lambda)
        self._todo.extend((b">", node.body))
        self._arguments(node.args, notes=False, defaults=True)
        self._todo.append(b"<Lambda")

    def _annotated(self, node: ast.AST) -> None:
        """Push an annotated assignment: in a class in full, else as a plain one."""
        assert isinstance(node, ast.AnnAssign)
        if self._in_class[-1]:
            self._todo.append(b">")
            if node.value is not None:
                self._todo.append(node.value)
            self._todo.extend((unquoted(node.annotation), node.target, b"<Field"))
            return
        self.notes.append(annotation_form(node.annotation).encode())
        if node.value is not None:
            self._generic(ast.Assign(targets=[node.target], value=node.value))

    def _import(self, node: ast.AST) -> None:
        """Write the names that an import binds; from where, their edges tell."""
        assert isinstance(node, (ast.Import, ast.ImportFrom))
        names = b"".join(map(_text, bound_by_import(node)))
        self.code.append(b"<Import" + names + b">")

    def _joined(self, node: ast.AST) -> None:
        """Push an f-string; neighbouring texts are one, whichever Python parsed."""
        assert isinstance(node, ast.JoinedStr)
        parts: list[ast.expr | str] = []
        for value in node.values:
            if isinstance(value, ast.Constant):
                if not value.value:
                    continue
                if parts and isinstance(parts[-1], str):
                    parts[-1] += str(value.value)
                else:
                    parts.append(str(value.value))
            else:
                parts.append(value)
        self._todo.append(b">")
        self._todo.extend(
            _text(part) if isinstance(part, str) else part for part in reversed(parts)
        )
        self._todo.append(b"<JoinedStr")


def annotations_of(
    node: ast.FunctionDef | ast.AsyncFunctionDef,
) -> list[tuple[str, ast.expr]]:
    """Return a function's annotations by parameter, that of the result last."""
    arguments = node.args
    parameters = [
        *arguments.posonlyargs,
        *arguments.args,
        *([arguments.vararg] if arguments.vararg else []),
        *arguments.kwonlyargs,
        *([arguments.kwarg] if arguments.kwarg else []),
    ]
    found = [(arg.arg, arg.annotation) for arg in parameters if arg.annotation]
    if node.returns is not None:
        found.append(("return", node.returns))
    return found


def defaults_of(
    node: ast.FunctionDef | ast.AsyncFunctionDef,
) -> list[tuple[str, ast.expr]]:
    """Return a function's default values by parameter, in order."""
    arguments = node.args
    positional = [*arguments.posonlyargs, *arguments.args]
    paired = zip(
        positional[len(positional) - len(arguments.defaults) :],
        arguments.defaults,
        strict=True,
    )
    named = zip(arguments.kwonlyargs, arguments.kw_defaults, strict=True)
    return [(arg.arg, value) for arg, value in (*paired, *named) if value is not None]


def _constant(value: object) -> bytes:
    if type(value) is str:
        return _text(value) if len(value) < 256 else encode(value)
    if value is Ellipsis:
        return b"..."
    return encode(value)  # type: ignore[arg-type]


_RULES = {
    ast.FunctionDef: _Writer._function,  # noqa: SLF001
    ast.AsyncFunctionDef: _Writer._function,  # noqa: SLF001
    ast.ClassDef: _Writer._class,  # noqa: SLF001
    ast.Lambda: _Writer._lambda,  # noqa: SLF001
    ast.AnnAssign: _Writer._annotated,  # noqa: SLF001
    ast.Import: _Writer._import,  # noqa: SLF001
    ast.ImportFrom: _Writer._import,  # noqa: SLF001
    ast.JoinedStr: _Writer._joined,  # noqa: SLF001
}
