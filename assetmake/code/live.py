"""Write down the values that a generated function closes over.

An asset made in a loop or by a factory differs from its siblings by these
values alone. They are looked at, never called; what has no value that is the
same in every process is refused, and the statement that made it counts.
"""

from __future__ import annotations

import dataclasses
import datetime as dt
import decimal
import enum
import fractions
import functools
import re
import types
import uuid
from collections.abc import Callable
from pathlib import PurePath
from typing import Any, NamedTuple

from assetmake.fingerprint import digest
from assetmake.system.masks import masked

#: Values that `repr` shows in full.
_SHOWN = (
    dt.date,
    dt.datetime,
    dt.time,
    dt.timedelta,
    dt.timezone,
    decimal.Decimal,
    fractions.Fraction,
    range,
    slice,
    uuid.UUID,
)

#: Larger or deeper values are not looked through.
_MOST = 10_000
_DEEPEST = 20

#: Longer texts of values are cut, in characters.
_LONGEST = 500

_ADDRESS = re.compile(r" at 0x[0-9a-fA-F]+")

#: Adds a function, class or module of the project, and returns True; returns
#: False for what is not the project's.
Refer = Callable[[Any], bool]


class Site(NamedTuple):
    """Where a function is defined.

    Attributes:
        path: Of the file, absolute.
        unit: Number of the unit that holds it.
        nested: Which function of `Unit.nested` it is; -1 for none of them.
        direct: Whether it is the unit itself: a ``def`` at module level.
    """

    path: str
    unit: int
    nested: int = -1
    direct: bool = False


class Referred(NamedTuple):
    """A function, class or module of the project that a value refers to.

    Attributes:
        kind: ``function``, ``class`` or ``module``.
        module: Name of its module.
        file: Of its module as imported; empty if that has none.
        name: Of a class.
        site: Of a function.
    """

    kind: str
    module: str
    file: str
    name: str
    site: Site | None


class Told(NamedTuple):
    """What is told of one live value.

    Attributes:
        name: Under which a function closes over it.
        digest: Empty if it has no value that is the same in every process.
        text: As a reader would write it.
        referred: What of the project it refers to, in order.
    """

    name: str
    digest: str
    text: str
    referred: tuple[Referred, ...]


class Live(NamedTuple):
    """What a function tells of itself, and its source alone does not.

    Attributes:
        where: Statement during which it became an asset.
        site: Where what its author wrote is defined, beneath wrappers.
        own: Whether `where` is that very ``def``.
        around: What wraps it; None if nothing does, or nothing asks.
        values: What it closes over, if that is asked.
    """

    where: Site | None
    site: Site | None
    own: bool
    around: Told | None = None
    values: tuple[Told, ...] = ()


class NoPlainValueError(Exception):
    """A value cannot be told apart from others in another process."""


def closed_over(function: types.FunctionType) -> list[tuple[str, Any]]:
    """Return the values that a function was made with, by name.

    These are the variables of the functions around it and its default values;
    global names are no part of it.
    """
    names = function.__code__.co_freevars
    found: list[tuple[str, Any]] = []
    for name, cell in sorted(zip(names, function.__closure__ or (), strict=True)):
        try:
            found.append((name, cell.cell_contents))
        except ValueError:  # deleted, or not assigned yet
            continue
    defaults = function.__defaults__ or ()
    code = function.__code__
    positional = code.co_varnames[: code.co_argcount]
    found += zip(positional[len(positional) - len(defaults) :], defaults, strict=True)
    found += sorted((function.__kwdefaults__ or {}).items())
    return found


def describe(value: Any, root: str, refer: Refer) -> str:
    """Return a digest of a value that is the same in every process.

    Args:
        value: Any value; functions and classes of the project go by `refer`.
        root: The project's directory, which is left out of texts and paths.
        refer: See `Refer`.

    Raises:
        NoPlainValueError: it has none.
    """
    try:
        return _Describer(root, refer).describe(value, 0)
    except NoPlainValueError:
        raise
    except Exception as error:  # a value's own methods may do anything
        raise NoPlainValueError from error


def shown(value: Any, root: str) -> str:
    """Return a value as a reader would write it; for messages only."""
    if isinstance(value, (types.FunctionType, type)):
        return value.__name__
    text = masked(_ADDRESS.sub("", repr(value)).replace(root, "<project>"))
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}..."


class _Describer:
    def __init__(self, root: str, refer: Refer) -> None:
        self.root = root
        self.refer = refer
        self.count = 0
        self._seen: dict[int, int] = {}

    def describe(self, value: Any, depth: int) -> str:
        """Return the digest of one value."""
        self.count += 1
        if self.count > _MOST or depth > _DEEPEST:
            raise NoPlainValueError
        kind = type(value)
        if kind is str:
            return digest("str", value.replace(self.root, "<project>"))
        if value is None or kind in (bool, int, float, complex, bytes):
            return digest(kind.__name__, value)
        if isinstance(value, (list, tuple, dict, set, frozenset)):
            return self._container(value, depth)
        if isinstance(value, (types.FunctionType, type, types.ModuleType)):
            return self._definition(value, depth)
        return self._other(value, depth)

    def _container(self, value: Any, depth: int) -> str:
        kind = type(value)
        if kind not in (list, tuple, dict, set, frozenset):
            if not (issubclass(kind, tuple) and hasattr(kind, "_fields")):
                raise NoPlainValueError
            name = self._definition(kind, depth)
        else:
            name = kind.__name__
        if kind is dict:
            parts = [part for pair in value.items() for part in pair]
        else:
            parts = list(value)
        inner = [self.describe(part, depth + 1) for part in parts]
        if kind in (set, frozenset):
            inner.sort()
        return digest(name, *inner)

    def _definition(self, value: Any, depth: int) -> str:
        """Describe a function, class or module: by its code, or by its name."""
        if not self.refer(value):
            module = getattr(value, "__module__", "") or ""
            name = getattr(value, "__qualname__", "") or value.__name__
            return digest("outside", str(module), str(name))
        if isinstance(value, types.FunctionType):
            if id(value) in self._seen:
                return digest("again", self._seen[id(value)])
            self._seen[id(value)] = len(self._seen)
            inner = [
                (name, self.describe(part, depth + 1))
                for name, part in closed_over(value)
            ]
            return digest("function", value.__name__, *inner)
        return digest("project", value.__name__)

    def _other(self, value: Any, depth: int) -> str:
        kind = type(value)
        if isinstance(value, enum.Enum):
            return digest("enum", self._definition(kind, depth), value.name)
        if kind in _SHOWN:
            return digest(kind.__name__, repr(value))
        if isinstance(value, re.Pattern):
            inner = self.describe(value.pattern, depth + 1)
            return digest("pattern", inner, value.flags)
        if isinstance(value, PurePath):
            return digest("path", value.as_posix().replace(self.root, "<project>"))
        if isinstance(value, functools.partial):
            parts: tuple[Any, ...] = (value.func, value.args, value.keywords)
            return digest("partial", *(self.describe(p, depth + 1) for p in parts))
        if isinstance(value, types.MethodType):
            parts = (value.__func__, value.__self__)
            return digest("method", *(self.describe(p, depth + 1) for p in parts))
        if isinstance(value, types.BuiltinFunctionType):
            return digest("builtin", str(value.__module__), value.__qualname__)
        if dataclasses.is_dataclass(value):
            fields = [
                (field.name, self.describe(getattr(value, field.name), depth + 1))
                for field in dataclasses.fields(value)
            ]
            return digest("dataclass", self._definition(kind, depth), *fields)
        if kind.__module__ == "numpy" and hasattr(value, "item") and not value.shape:
            inner = self.describe(value.item(), depth + 1)
            return digest("numpy", str(value.dtype), inner)
        raise NoPlainValueError
