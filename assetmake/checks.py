"""The word `check` of an Assetfile, its record, and which assets it is of.

Nothing here runs a check, or says what its result means.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import FunctionType
from typing import Any, TypeVar

from assetmake.assets import (
    Asset,
    Input,
    Registry,
    Resolved,
    Source,
    checked_options,
    current,
)
from assetmake.code.parts import Place
from assetmake.errors import DefinitionError, did_you_mean
from assetmake.messages.excerpts import source_line
from assetmake.words.callers import call_error, caller, line_number, module_level_place
from assetmake.words.functions import (
    NO_DEFAULT,
    Parameter,
    evaluated,
    first_line_of,
    parameters_of,
    place_of,
    plain_function,
    refuse_kind,
    refuse_name,
)
from assetmake.words.options import CHECK_OPTIONS, name_problem

_Function = TypeVar("_Function", bound=Callable[..., Any])

_HINT = "write `@check(daily_highs)`, with the asset that it looks at"


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Check:
    """A function that looks at the new table of an asset before it is published.

    Attributes:
        name: Among the checks of an asset.
        function: What `check` was given, decorated as it is.
        plain: The function beneath decorators that kept ``__wrapped__``.
        place: Of the ``def`` of `plain`.
        registered: A line of the module-level statement during which `check`
            was called.
        parameters: All of them, in order; the first one gets the table.
        targets: Of which assets it is, each by its name or by its function.
        severity: ``error`` or ``warn``.
        description: As declared, else the first line of the docstring.
    """

    name: str
    function: Callable[..., Any]
    plain: FunctionType
    place: Place
    registered: Place
    parameters: tuple[Parameter, ...]
    targets: tuple[Any, ...]
    severity: str = "error"
    description: str = ""


@dataclass(frozen=True, slots=True)
class BoundCheck:
    """A check of one asset.

    Attributes:
        check: The check.
        table: The first parameter; its name is that of the asset.
        inputs: Further parameters that get what the asset reads.
        settings: Default of each parameter that is a setting.
    """

    check: Check
    table: Input
    inputs: tuple[Input, ...] = ()
    settings: Mapping[str, Any] = field(default_factory=dict)


def check(*assets: Any, **options: Any) -> Callable[[_Function], _Function]:
    """Declare that a function checks the new table of an asset.

    It runs before the table is published, with the table as its first
    parameter. It passes if it returns None, True, or a frame or list that is
    empty; it fails if it returns False, a frame (the rows that are wrong), or
    a list of messages, or if it raises. The function itself is returned as it
    is; outside of a load nothing else is done.

    Args:
        assets: Of which assets: their functions, or their names.
        **options: ``name`` (else the function's), ``severity`` (``"error"``,
            so that a failure keeps the last good table, or ``"warn"``, so that
            it is only told), ``description``.

    Raises:
        DefinitionError: an option or the function cannot be used.
    """
    registry = current()
    root = registry.root if registry else None
    values = checked_options("check", options, CHECK_OPTIONS)
    if not assets:
        raise call_error("`check` is called without an asset", _HINT, root=root)
    for target in assets:
        _refuse_target(target, root)
    frame = caller()
    called = Place(frame.f_code.co_filename, line_number(frame))
    if registry:
        registry.unused_checks.append(called)

    def declare(function: _Function) -> _Function:
        record = _make_check(function, assets, dict(values), root)
        now = current()
        if now is not None:
            now.checks.append(record)
        if registry and called in registry.unused_checks:
            registry.unused_checks.remove(called)
        return function

    return declare


def _refuse_target(target: Any, root: Path | None) -> None:
    if isinstance(target, Source):
        msg = f"`check` takes an asset, and `{target.name}` is a source"
        raise call_error(msg, "check an asset that reads it", root=root)
    if isinstance(target, str):
        problem = name_problem(target)
        if problem is not None:
            raise call_error(f"`check`: {problem[0]}", problem[1], root=root)
    elif not callable(target) or isinstance(target, type):
        msg = f"`check` takes assets, not {target!r}"
        raise call_error(msg, _HINT, root=root)


def _make_check(
    function: Any, targets: tuple[Any, ...], options: dict[str, Any], root: Path | None
) -> Check:
    plain = plain_function(function, root, word="check")
    place = place_of(plain)
    name = options.pop("name", plain.__name__)
    refuse_name(plain, name, place, root, word="check")
    refuse_kind(plain, name, place, root, word="check")
    parameters = parameters_of(function, name, place, root, word="check")
    if not parameters:
        where = source_line(place, plain.__name__, root)
        msg = f"check `{name}` has no parameter that the table could be given to"
        raise DefinitionError(f"{msg}\n{where}", hints="take the table as the first")
    return Check(
        name=name,
        function=function,
        plain=plain,
        place=place,
        registered=module_level_place(),
        parameters=parameters,
        targets=targets,
        **{"description": first_line_of(plain), **options},
    )


# Which assets they are of ------------------------------------------------------


def refuse_unused(registry: Registry) -> None:
    """Raise if `check` was called and never given a function.

    Raises:
        DefinitionError: as with ``@check``, which takes the function for the asset.
    """
    for place in registry.unused_checks:
        where = source_line(place, "check", registry.root)
        msg = f"`check` is not given a function to check with\n{where}"
        raise DefinitionError(msg, hints=_HINT)


def checks_by_asset(
    checks: Iterable[Check],
    assets: Mapping[str, Asset],
    known: Collection[str],
    root: Path,
) -> dict[str, tuple[Check, ...]]:
    """Return the checks of each asset that has any, in the order of definition.

    Args:
        checks: As they were registered; one of a module that was imported under
            two names counts once.
        assets: By name.
        known: Names of all assets and sources.
        root: The project's directory, for messages.

    Raises:
        DefinitionError: a check is of what is no asset, or an asset has two
            checks of one name.
    """
    found: dict[str, dict[str, Check]] = {}
    targets: _Targets | None = None
    for item in checks:
        if targets is None:
            targets = _Targets(assets, known, root)
        for target in item.targets:
            for name in targets.named(item, target):
                first = found.setdefault(name, {}).setdefault(item.name, item)
                if first is not item and not _is_same(first, item):
                    raise _same_name(first, item, name, root)
    return {name: tuple(of.values()) for name, of in found.items()}


def _same_name(one: Check, other: Check, asset: str, root: Path) -> DefinitionError:
    places = {one.place: one, other.place: other}
    if len(places) == 1:  # made in a loop: the statements that call it tell more
        places = {one.registered: one, other.registered: other}
    lines = [source_line(place, "", root) for place in places]
    msg = f"`{asset}` has two checks that are named `{one.name}`"
    hint = "rename one of them, or give it a name: `check(..., name=...)`"
    return DefinitionError("\n".join([msg, *lines]), hints=hint)


class _Targets:
    """Finds the assets that checks are of."""

    def __init__(
        self, assets: Mapping[str, Asset], known: Collection[str], root: Path
    ) -> None:
        self._assets = assets
        self._known = known
        self._root = root
        self._by_function: dict[int, list[str]] = {}
        for name, asset in assets.items():
            for function in {id(asset.function), id(asset.plain)}:
                self._by_function.setdefault(function, []).append(name)

    def named(self, item: Check, target: Any) -> Sequence[str]:
        """Return the assets that a target of a check stands for."""
        hint = ""
        if isinstance(target, str):
            if target in self._assets:
                return [target]
            close = did_you_mean(target, self._assets)
            hint = f"a similar asset exists: '{close}'" if close else ""
            what = f"`{target}`, which nothing defines"
            if target in self._known:
                what = f"`{target}`, which is a source"
                hint = "check an asset that reads it"
        else:
            names = self._by_function.get(id(target)) or _elsewhere(
                target, self._assets
            )
            if names:
                return names
            what = f"`{getattr(target, '__name__', target)}`, which is no asset"
            hint = "put `@asset` over that function"
        where = source_line(item.registered, "", self._root)
        msg = f"check `{item.name}` is of {what}\n{where}"
        raise DefinitionError(msg, hints=hint or "`assetmake --list` shows the names")


def _elsewhere(target: Any, assets: Mapping[str, Asset]) -> list[str]:
    """Return the assets of a function whose module was imported under two names."""
    try:
        plain = inspect.unwrap(target)
    except ValueError:  # wrappers in a circle
        return []
    if not isinstance(plain, FunctionType):
        return []
    return [
        name
        for name, asset in assets.items()
        if plain is asset.plain or _runs_twice(plain, asset.plain)
    ]


def _runs_twice(one: FunctionType, other: FunctionType) -> bool:
    """Whether two functions are one ``def`` of a file imported under two names."""
    return (
        one.__module__ != other.__module__
        and one.__qualname__ == other.__qualname__
        and one.__code__.co_filename == other.__code__.co_filename
        and one.__code__.co_firstlineno == other.__code__.co_firstlineno
    )


def _is_same(one: Check, other: Check) -> bool:
    return one.function is other.function or _runs_twice(one.plain, other.plain)


def bind(
    item: Check,
    name: str,
    resolved: Resolved,
    known: Collection[str],
    root: Path,
) -> BoundCheck:
    """Return what the parameters of a check mean for one of its assets.

    A check may read the table, and what the asset itself reads: that is there,
    and a change of it makes the asset stale.

    Args:
        item: The check.
        name: Of the asset.
        resolved: What the asset reads.
        known: Names of all assets and sources.
        root: The project's directory, for messages.

    Raises:
        DefinitionError: a parameter names something else.
    """
    first, *others = item.parameters
    own = {getattr(target, "__name__", target) for target in item.targets}
    if first.name in known and first.name not in {name, *own}:
        problem = (
            f"check `{item.name}` gets the table of `{name}` as `{first.name}`, "
            "the name of another one"
        )
        hint = f"name its first parameter `{name.replace('.', '/').split('/')[-1]}`"
        raise _parameter_error(item, first, problem, hint, root)
    read = {found.name for found in resolved.inputs}
    inputs, settings = [], {}
    for parameter in others:
        if parameter.name in read:
            annotation = evaluated(parameter.annotation, item.plain)
            inputs.append(Input(parameter.name, parameter.name, annotation))
        elif parameter.name in known:
            problem = (
                f"check `{item.name}` reads `{parameter.name}`, "
                f"which `{name}` itself does not read"
            )
            hint = f"let `{name}` read it, or check an asset that reads both"
            raise _parameter_error(item, parameter, problem, hint, root)
        elif parameter.default is NO_DEFAULT:
            problem = (
                f"check `{item.name}` reads `{parameter.name}`, which nothing defines"
            )
            hint = "give the parameter a default, to make it a setting"
            raise _parameter_error(item, parameter, problem, hint, root)
        else:
            settings[parameter.name] = parameter.default
    table = Input(first.name, name, evaluated(first.annotation, item.plain))
    return BoundCheck(item, table, tuple(inputs), settings)


def _parameter_error(
    item: Check, parameter: Parameter, problem: str, hint: str, root: Path
) -> DefinitionError:
    where = source_line(item.place, parameter.name, root)
    return DefinitionError(f"{problem}\n{where}", hints=hint)
