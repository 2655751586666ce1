"""Which functions can be an asset or a check, and what their signatures say; pure.

A function is looked at, never called.
"""

from __future__ import annotations

import inspect
import re
import sys
from dataclasses import dataclass
from pathlib import Path
from types import FunctionType, MethodType
from typing import Any

from assetmake.code.parts import Place
from assetmake.errors import DefinitionError
from assetmake.messages.excerpts import line_of, source_line
from assetmake.words.callers import call_error
from assetmake.words.options import name_problem

#: Marks a parameter without a default.
NO_DEFAULT = inspect.Parameter.empty


@dataclass(frozen=True, slots=True)
class Parameter:
    """One parameter of an asset's function.

    `annotation` is as the signature has it, which may be text, or None if
    there is none; `default` is `NO_DEFAULT` if there is none.
    """

    name: str
    annotation: Any = None
    default: Any = NO_DEFAULT


def plain_function(
    function: Any, root: Path | None, *, word: str = "asset"
) -> FunctionType:
    """Return the function beneath the decorators, or refuse what is none."""
    kind, hint = "", "decorate a plain function"
    if isinstance(function, str):
        kind, hint = repr(function), f"give the name as `@{word}(name={function!r})`"
    elif isinstance(function, type):
        kind = f"the class `{function.__qualname__}`"
    elif isinstance(function, MethodType | staticmethod | classmethod | property):
        kind, hint = "a method", "move it out of the class"
    else:
        try:
            plain = inspect.unwrap(function)
        except ValueError:  # wrappers in a circle
            plain = None
        if isinstance(plain, FunctionType):
            return plain
        kind = f"a {type(function).__module__}.{type(function).__qualname__}"
        hint = "define a function that calls it, and decorate that"
    raise call_error(f"`{word}` takes a function, not {kind}", hint, root=root)


_NAME_IT = {
    "asset": 'name the asset: `asset(name="...")`',
    "check": 'name it: `check(..., name="...")`',
}


def refuse_name(
    plain: FunctionType,
    name: str,
    place: Place,
    root: Path | None,
    *,
    word: str = "asset",
) -> None:
    """Refuse names that no asset or check can have."""
    problem, hint = name_problem(name) or ("", "")
    if name == "<lambda>":
        problem, hint = "a lambda has no name", _NAME_IT[word]
    if problem:
        where = source_line(place, plain.__name__, root)
        raise DefinitionError(f"{problem}\n{where}", hints=hint)


def refuse_kind(
    plain: FunctionType,
    name: str,
    place: Place,
    root: Path | None,
    *,
    word: str = "asset",
) -> None:
    """Refuse functions that do not return what counts when they are called."""
    outer = plain.__qualname__.rpartition(".")[0]
    flags = plain.__code__.co_flags
    if flags & inspect.CO_COROUTINE:
        problem = f"{word} `{name}` is an `async def`"
        hint = "make it a plain `def`, and use `asyncio.run(...)` in it"
    elif flags & (inspect.CO_GENERATOR | inspect.CO_ASYNC_GENERATOR):
        problem = f"{word} `{name}` is a generator"
        what = "one table" if word == "asset" else "a list of messages"
        hint = f"`return` {what} instead of `yield`"
    elif outer and not outer.endswith("<locals>"):
        problem = f"{word} `{name}` is a method of `{outer}`"
        hint = "move it out of the class"
    else:
        return
    where = source_line(place, plain.__name__, root)
    raise DefinitionError(f"{problem}\n{where}", hints=hint)


_KINDS_REFUSED: dict[Any, str] = {
    inspect.Parameter.POSITIONAL_ONLY: "is positional-only",
    inspect.Parameter.VAR_POSITIONAL: "takes any number of values",
    inspect.Parameter.VAR_KEYWORD: "takes any number of keywords",
}


def parameters_of(
    function: Any,
    name: str,
    place: Place,
    root: Path | None,
    *,
    word: str = "asset",
) -> tuple[Parameter, ...]:
    """Return the parameters, or refuse those that no name can be read from."""
    plain = _plain_parameters(function)
    if plain is not None:
        return plain
    signature = inspect.signature(function)
    for parameter in signature.parameters.values():
        problem = _KINDS_REFUSED.get(parameter.kind)
        if problem is None:
            continue
        hints = [f"name what `{name}` reads, one parameter each"]
        if parameter.kind is inspect.Parameter.POSITIONAL_ONLY:
            hints = ["take the `/` out of the signature"]
        else:
            hints.append("if a decorator made it, put `functools.wraps` on its wrapper")
        msg = f"parameter `{parameter.name}` of {word} `{name}` {problem}"
        where = source_line(place, parameter.name, root)
        raise DefinitionError(f"{msg}\n{where}", hints=hints)
    return tuple(
        Parameter(
            parameter.name,
            None if parameter.annotation is NO_DEFAULT else parameter.annotation,
            parameter.default,
        )
        for parameter in signature.parameters.values()
    )


def first_line_of(plain: FunctionType) -> str:
    """Return the first line of a docstring; empty without one."""
    doc = plain.__doc__
    return inspect.cleandoc(doc).partition("\n")[0] if isinstance(doc, str) else ""


def _plain_parameters(function: Any) -> tuple[Parameter, ...] | None:
    """Return the parameters of a function as written; None if `inspect` has to tell."""
    if type(function) is not FunctionType or function.__dict__:
        return None  # something may wrap it, or say what its signature is
    code, given = function.__code__, function.__defaults__ or ()
    count = code.co_argcount
    many = inspect.CO_VARARGS | inspect.CO_VARKEYWORDS
    if code.co_flags & many or code.co_posonlyargcount or len(given) > count:
        return None
    names = code.co_varnames[: count + code.co_kwonlyargcount]
    defaults = dict(zip(names[count - len(given) : count], given, strict=True))
    defaults.update(function.__kwdefaults__ or {})
    notes = function.__annotations__
    return tuple(
        Parameter(name, notes.get(name), defaults.get(name, NO_DEFAULT))
        for name in names
    )


_DEF = re.compile(r"\s*(?:async\s+)?def\s+(\w+)")


def place_of(plain: FunctionType) -> Place:
    """Return where the ``def`` stands; the code begins with its decorators."""
    code = plain.__code__
    file, first = code.co_filename, code.co_firstlineno
    line = first if code.co_name.isidentifier() else sys.maxsize  # a lambda
    while text := line_of(file, line):
        match = _DEF.match(text)
        if match and match[1] == code.co_name:
            return Place(file, line)
        line += 1
    return Place(file, first)


def evaluated(annotation: Any, function: FunctionType) -> Any:
    """Return what an annotation stands for; its text if that cannot be said."""
    try:
        # Twice: quoted, in a module with `from __future__ import annotations`.
        for _ in range(2):
            if isinstance(annotation, str):
                annotation = eval(annotation, function.__globals__)  # noqa: S307
    except Exception:  # noqa: BLE001 - it may name what only a type checker imports
        return annotation
    return annotation
