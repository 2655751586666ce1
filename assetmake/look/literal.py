"""Read off the text of a plain definition what executing it would declare.

The rules are those of `assets` and `options`; what they would refuse is not
told here, nor what is no literal: a load says it in its own words.
"""

from __future__ import annotations

import ast
import inspect
import warnings
from collections.abc import Mapping
from typing import Any, NamedTuple

from assetmake.words.options import (
    ASSET_OPTIONS,
    CHECK_OPTIONS,
    SOURCE_OPTIONS,
    OptionError,
    Rule,
    name_problem,
)


class Undecided(Exception):  # noqa: N818 - no error: a load decides
    """Only a load can tell what is defined; the text says why, for ``-v``."""


class AssetSaid(NamedTuple):
    """What the text of a decorated function says.

    Attributes:
        name: Of the asset.
        options: Those given, checked and in their usual form; empty if they
            were not asked for.
        given: Names of the options that are given.
        description: First line of the docstring.
    """

    name: str
    options: dict[str, Any]
    given: frozenset[str]
    description: str


class CheckSaid(NamedTuple):
    """What the text of a function under ``@check(...)`` says.

    Attributes:
        name: Of the check.
        targets: Of which assets it is: a text, or the parts of a dotted name.
        severity: ``error`` or ``warn``.
        description: As given, else the first line of the docstring.
    """

    name: str
    targets: tuple[str | tuple[str, ...], ...]
    severity: str
    description: str


def compiles(text: str | bytes) -> None:
    """Raise unless Python compiles a text.

    Raises:
        Undecided: it does not.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            compile(text, "<assetmake>", "exec", dont_inherit=True)
        except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
            raise Undecided(f"it may not compile: {error}") from error


def asset_said(text: str, *, options_wanted: bool) -> AssetSaid:
    """Return what ``@asset`` and the function below it say.

    Raises:
        Undecided: it is not plain, or would be refused.
    """
    node, call = _decorated(text, "an asset")
    keywords = call.keywords if isinstance(call, ast.Call) else []
    if isinstance(call, ast.Call) and call.args:
        raise Undecided(f"`{node.name}` gives `asset` more than options")
    options = _values(keywords, ASSET_OPTIONS) if options_wanted else {}
    name = options.pop("name", node.name)
    if options_wanted and (name_problem(name) or {"schema", "store"} & set(options)):
        raise Undecided(f"`{name}` is declared in a way that only a load judges")
    given = frozenset(word.arg or "**" for word in keywords)
    return AssetSaid(name, options, given, _first_line(node))


def check_said(text: str) -> CheckSaid:
    """Return what ``@check(...)`` and the function below it say.

    Raises:
        Undecided: it is not plain, or would be refused.
    """
    node, call = _decorated(text, "a check")
    if not isinstance(call, ast.Call) or not call.args:
        raise Undecided(f"`{node.name}` is a check of no asset")
    options = _values(call.keywords, CHECK_OPTIONS)
    name = options.get("name", node.name)
    if name_problem(name):
        raise Undecided(f"`{name}` is declared in a way that only a load judges")
    return CheckSaid(
        name,
        tuple(_target(value) for value in call.args),
        options.get("severity", "error"),
        options.get("description", _first_line(node)),
    )


def _decorated(text: str, what: str) -> tuple[ast.FunctionDef, ast.expr]:
    """Return a plain function, and the one decorator above it."""
    node = _statement(text)
    if not isinstance(node, ast.FunctionDef) or len(node.decorator_list) != 1:
        raise Undecided(f"{what} is declared by more than a plain function")
    return node, node.decorator_list[0]


def _target(value: ast.expr) -> str | tuple[str, ...]:
    """Return which asset an argument of ``check`` names."""
    if isinstance(value, ast.Constant) and isinstance(value.value, str):
        return value.value
    parts: list[str] = []
    while isinstance(value, ast.Attribute):
        parts.append(value.attr)
        value = value.value
    if not isinstance(value, ast.Name):
        raise Undecided("a check is of what only a load can tell")
    return (value.id, *reversed(parts))


def _first_line(node: ast.FunctionDef) -> str:
    """Return the first line of a docstring, as `functions.first_line_of` does."""
    docstring = ast.get_docstring(node, clean=False)
    return inspect.cleandoc(docstring or "").partition("\n")[0]


def source_said(text: str) -> tuple[int, dict[str, Any]]:
    """Return line, from 1, and options of a plain call of ``source``.

    Raises:
        Undecided: it is not plain, or would be refused.
    """
    node = _statement(text)
    call = getattr(node, "value", None)
    targets = node.targets if isinstance(node, ast.Assign) else []
    if (
        not isinstance(node, ast.Assign | ast.Expr)
        or not isinstance(call, ast.Call)
        or not all(isinstance(target, ast.Name) for target in targets)
        or len(call.args) > 1
    ):
        raise Undecided("a source is declared by more than a plain call")
    given = [ast.keyword("name", value) for value in call.args]
    values = _values([*given, *call.keywords], SOURCE_OPTIONS)
    kinds = {"path", "table", "project"} & set(values)
    if len(kinds) > 1 or "name" not in values:
        raise Undecided("a source is declared in a way that a load refuses")
    return call.lineno, values


def line_said(text: str, name: str) -> int:
    """Return the line, from 1, of the one function of a name within a text.

    Raises:
        Undecided: there is not exactly one.
    """
    found = [
        node.lineno
        for node in ast.walk(_statement(text))
        if isinstance(node, ast.FunctionDef) and node.name == name
    ]
    if len(found) != 1:
        raise Undecided(f"it holds {len(found)} functions called `{name}`")
    return found[0]


def parameters_said(head: str) -> tuple[tuple[str, bool], ...]:
    """Return the parameters of an asset: names, and whether they have defaults.

    Args:
        head: See `bound.head`.

    Raises:
        Undecided: they are none that names can be read from.
    """
    words = head.split()
    if words[:1] == ["async"] or any(
        word == "/" or (word[0] == "*" and word != "*") for word in words
    ):
        raise Undecided("an asset has parameters that a load refuses")
    return tuple((word.rstrip("="), word[-1] == "=") for word in words if word != "*")


def _statement(text: str) -> ast.stmt:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            (node,) = ast.parse(text).body
        except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
            raise Undecided(f"it cannot be read: {error}") from error
    return node


def _values(keywords: list[ast.keyword], rules: Mapping[str, Rule]) -> dict[str, Any]:
    """Return options as `assets` would take them."""
    found: dict[str, Any] = {}
    for word in keywords:
        rule = rules.get(word.arg or "")
        if rule is None or word.arg is None or word.arg in found:
            raise Undecided("an option is unknown, or given twice")
        try:
            value = ast.literal_eval(word.value)
            if value is not None:
                found[word.arg] = rule(value)
        except (OptionError, ValueError, TypeError, SyntaxError, RecursionError) as e:
            raise Undecided(f"`{word.arg}=` is for a load to judge") from e
    return found
