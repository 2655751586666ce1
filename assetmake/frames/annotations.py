"""What an annotation can mean, as classes and dotted names; it imports no library."""

from __future__ import annotations

import ast
import inspect
import types
import typing
from collections.abc import Iterator
from typing import Any

#: Annotations that say nothing about a type.
_NOTHING = (None, type(None), inspect.Parameter.empty, Any, object, "object")


def alternatives(annotation: Any) -> list[type | str]:
    """Return the types that an annotation allows, None left out.

    Classes stay classes; text, which could not be resolved where it was
    written, gives dotted names. Aliases, `Annotated`, `Optional` and unions are
    opened, and ``list[int]`` is `list`. An annotation that says nothing (none
    at all, `Any`, `object`) gives an empty list.

    >>> alternatives("pd.DataFrame | None"), alternatives(list[int] | None)
    (['pd.DataFrame'], [<class 'list'>])
    """
    return list(dict.fromkeys(_opened(annotation)))


def _opened(annotation: Any) -> Iterator[type | str]:
    if any(annotation is nothing for nothing in _NOTHING):
        return
    if isinstance(annotation, str):
        yield from _named(annotation)
        return
    origin = typing.get_origin(annotation)
    if origin in (typing.Union, types.UnionType):
        for member in typing.get_args(annotation):
            yield from _opened(member)
    elif origin is typing.Annotated:
        yield from _opened(typing.get_args(annotation)[0])
    elif isinstance(origin or annotation, type):
        yield origin or annotation
    else:
        yield from _opened(_stands_for(annotation))


def _stands_for(annotation: Any) -> Any:
    """Return what a name of typing's stands for; None if nothing is known of it."""
    if isinstance(annotation, typing.ForwardRef):
        return annotation.__forward_arg__
    # NewType, TypeVar, and TypeAliasType, which Python 3.11 has not got.
    for attribute in ("__supertype__", "__bound__", "__value__"):
        if hasattr(annotation, attribute):
            return getattr(annotation, attribute)
    return None


def _named(text: str) -> Iterator[type | str]:
    try:
        tree = ast.parse(text.strip(), mode="eval").body
    except SyntaxError:
        yield text
    else:
        yield from _nodes(tree)


def _nodes(node: ast.expr) -> Iterator[type | str]:
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.BitOr):
        yield from _nodes(node.left)
        yield from _nodes(node.right)
    elif isinstance(node, ast.Constant):
        if isinstance(node.value, str):
            yield from _opened(node.value)
    elif isinstance(node, ast.Subscript):
        inner = node.slice
        members = inner.elts if isinstance(inner, ast.Tuple) else [inner]
        kind = ast.unparse(node.value).rpartition(".")[2]
        if kind == "Annotated":
            yield from _nodes(members[0])
        elif kind in ("Optional", "Union"):
            for member in members:
                yield from _nodes(member)
        else:
            yield from _nodes(node.value)
    else:
        name = ast.unparse(node)
        if name.rpartition(".")[2] not in ("Any", "object"):
            yield name
