"""The words of an Assetfile, `asset`, `source` and `include`, and their records.

Each word checks what it is given at once and hands a record to the registry
that is collecting, if one is; nothing here imports, loads or runs user code.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import FunctionType
from typing import TYPE_CHECKING, Any, Never, TypeVar, overload

from assetmake.code.parts import Place
from assetmake.errors import DefinitionError, did_you_mean
from assetmake.messages.excerpts import shown_path, source_line
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
from assetmake.words.options import (
    ASSET_OPTIONS,
    SOURCE_OPTIONS,
    OptionError,
    Rule,
)

if TYPE_CHECKING:
    from assetmake.checks import Check

_Function = TypeVar("_Function", bound=Callable[..., Any])


@dataclass(frozen=True, slots=True)
class Input:
    """One upstream of an asset, by which parameter it comes, and as which type.

    `annotation` is the object that the parameter's annotation evaluates to,
    its text if it does not evaluate, None if there is none.
    """

    parameter: str
    name: str
    annotation: Any = None


@dataclass(frozen=True, slots=True)
class Resolved:
    """What an asset's parameters mean, once all names are known.

    Attributes:
        inputs: In the order of the parameters.
        settings: Default of each parameter that is a setting, in that order.
    """

    inputs: tuple[Input, ...]
    settings: Mapping[str, Any]


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Asset:
    """A data product that a function of the project computes.

    Attributes:
        name: Identifiers joined by ``/`` or ``.``.
        function: What `asset` was given and a build calls, decorated as it is.
        plain: The function beneath decorators that kept ``__wrapped__``.
        place: Of the ``def`` of `plain`; the file as its code object has it.
        registered: A line of the module-level statement during which `asset`
            was called: the ``def`` itself, or a loop, a call of a factory.
        parameters: All of them, in order.
        upstream: Name of the asset or source for each renamed parameter.
        columns: Declared dtype, or None, of each declared column, in order;
            None if no columns are declared.
        schema: An object with ``validate(frame)``, or None.
        format: Of the stored data; empty for the default.
        store: A name, a URL or a store; None for the default.
        reads: Paths and globs, as declared.
        env: Names of environment variables.
        packages: Names of distributions.
        version: As text; None if there is none.
        group: Empty if there is none.
        description: As declared, else the first line of the docstring.
        owner: Empty if there is none.
        retries: How often a failed run is tried again.
    """

    name: str
    function: Callable[..., Any]
    plain: FunctionType
    place: Place
    registered: Place
    parameters: tuple[Parameter, ...] = ()
    upstream: Mapping[str, str] = field(default_factory=dict)
    columns: Mapping[str, str | None] | None = None
    schema: Any = None
    format: str = ""
    store: Any = None
    reads: tuple[str, ...] = ()
    env: tuple[str, ...] = ()
    packages: tuple[str, ...] = ()
    version: str | None = None
    group: str = ""
    description: str = ""
    owner: str = ""
    retries: int = 0

    @property
    def returns(self) -> Any:
        """The return annotation, evaluated as an `Input`'s; None if there is none."""
        return evaluated(self.plain.__annotations__.get("return"), self.plain)


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """A table or file made outside of assetmake.

    Two sources are equal if they say the same of the same name, wherever.

    Attributes:
        name: As an asset's.
        path: A file, glob, directory or URL, relative to the project.
        table: ``schema.name`` in a configured database.
        project: Directory of another project whose asset `name` is read.
        format: Empty if the name of the files tells.
        version: As text; None if there is none.
        options: For the reader of its format.
        description: For display.
        place: Of the call of `source`.
    """

    name: str
    path: str | None = None
    table: str | None = None
    project: str | None = None
    format: str = ""
    version: str | None = None
    options: Mapping[str, Any] = field(default_factory=dict, hash=False)
    description: str = ""
    place: Place = field(compare=False)


class Registry:
    """What an Assetfile defines while it is loaded, in the order of definition."""

    def __init__(self, root: Path, load: Callable[[Path], None]) -> None:
        """Start with nothing.

        Args:
            root: The project's directory, for messages.
            load: Loads a file that `include` names, if it is not loaded yet.
        """
        self.root = root
        self.load = load
        self.assets: list[Asset] = []
        self.sources: list[Source] = []
        self.checks: list[Check] = []
        #: Where `check` was called, and was not yet given a function.
        self.unused_checks: list[Place] = []


#: The registries that are collecting, innermost last; empty but during a load.
_collecting: list[Registry] = []


@contextmanager
def collecting(registry: Registry) -> Iterator[Registry]:
    """Hand what is defined meanwhile, in whichever thread, to a registry."""
    _collecting.append(registry)
    try:
        yield registry
    finally:
        _collecting.remove(registry)


def current() -> Registry | None:
    """Return the registry that is collecting, if one is."""
    return _collecting[-1] if _collecting else None


def _root() -> Path | None:
    """Return the directory of the project that is being loaded, if one is."""
    return _collecting[-1].root if _collecting else None


@overload
def asset(function: _Function, /, **options: Any) -> _Function: ...


@overload
def asset(
    function: None = None,
    /,
    *,
    name: str | None = None,
    upstream: Mapping[str, str] | None = None,
    columns: Mapping[str, Any] | Collection[str] | None = None,
    schema: Any = None,
    format: str | None = None,
    store: Any = None,
    reads: Collection[str | os.PathLike[str]] = (),
    env: Collection[str] = (),
    packages: Collection[str] = (),
    version: str | int | None = None,
    group: str | None = None,
    description: str | None = None,
    owner: str | None = None,
    retries: int = 0,
) -> Callable[[_Function], _Function]: ...


def asset(function: Any = None, /, **options: Any) -> Any:
    """Declare that a function computes an asset; return the function itself.

    Each parameter names an asset or source that the function reads; one with
    a default whose name matches none is a setting. Used as ``@asset`` or as
    ``@asset(...)``; outside of a load it only checks what it is given.

    Args:
        function: A plain function with parameters that have names.
        **options: ``name`` (else the function's), ``upstream`` (the asset or
            source for a parameter of another name), ``columns`` (names, or
            names with dtypes), ``schema`` (an object with ``validate``),
            ``format``, ``store``, ``reads`` (paths and globs, relative to the
            project), ``env`` (variables), ``packages`` (distributions),
            ``version``, ``group``, ``description``, ``owner``, ``retries``.
            None means not given.

    Raises:
        DefinitionError: an option or the function cannot be used.
    """
    values = checked_options("asset", options, ASSET_OPTIONS)
    if function is None:
        return lambda decorated: asset(decorated, **options)
    record = _make_asset(function, values)
    if _collecting:
        _collecting[-1].assets.append(record)
    return function


def source(  # noqa: D417 - **unknown is there for the message only
    name: str,
    *,
    path: str | os.PathLike[str] | None = None,
    table: str | None = None,
    project: str | os.PathLike[str] | None = None,
    format: str | None = None,
    version: str | int | None = None,
    options: Mapping[str, Any] | None = None,
    description: str | None = None,
    **unknown: Never,
) -> Source:
    """Declare a table or file made outside of assetmake, which is only read.

    Args:
        name: What assets call it.
        path: A file, a glob, a directory, or a URL of a supported store;
            relative to the project's directory.
        table: ``schema.name`` in a configured database.
        project: Directory of another project, whose asset `name` this is.
        format: Where the file's name does not tell.
        version: Counts as its content does: change it to rebuild.
        options: For the reader of its format.
        description: For display.

    Raises:
        DefinitionError: an option is unknown, or cannot be used.
    """
    given: dict[str, Any] = {
        "name": name,
        "path": path,
        "table": table,
        "project": project,
        "format": format,
        "version": version,
        "options": options,
        "description": description,
        **unknown,
    }
    values = checked_options("source", given, SOURCE_OPTIONS)
    kinds = [kind for kind in ("path", "table", "project") if kind in values]
    if len(kinds) > 1:
        both = " and ".join(f"`{kind}=`" for kind in kinds)
        raise call_error(
            f"source `{name}` is given {both}", "give one of them", root=_root()
        )
    if "name" not in values:
        raise call_error(
            "`source` is called without a name", _SOURCE_HINT, root=_root()
        )
    frame = caller()
    record = Source(**values, place=Place(frame.f_code.co_filename, line_number(frame)))
    if _collecting:
        _collecting[-1].sources.append(record)
    return record


_SOURCE_HINT = 'name it, as in `source("raw", path="raw.csv")`'


def include(path: str | os.PathLike[str]) -> None:
    """Take in another Assetfile: what it defines belongs to the project.

    Each file is loaded once, however often it is included. Outside of a load
    nothing is done beyond looking whether the file is there.

    Args:
        path: Relative to the file that calls; a directory stands for the
            ``Assetfile.py`` in it.

    Raises:
        DefinitionError: there is no such file.
    """
    if not isinstance(path, str | os.PathLike):
        raise call_error(
            f"`include` takes a path, not {path!r}",
            'give it one, as in `include("other/Assetfile.py")`',
            root=_root(),
        )
    here = os.path.dirname(os.path.abspath(caller().f_code.co_filename))
    found = os.path.normpath(os.path.join(here, os.fspath(path)))
    if os.path.isdir(found):
        found = os.path.join(found, "Assetfile.py")
    if not os.path.isfile(found):
        raise call_error(
            f"`include` finds no file {shown_path(found, _root())}",
            "give a path relative to the file that includes it",
            root=_root(),
        )
    if _collecting:
        _collecting[-1].load(Path(found))


def resolve(
    asset: Asset, known: Collection[str], *, root: Path | None = None
) -> Resolved:
    """Return which parameters of an asset are inputs, and which are settings.

    Args:
        asset: Any.
        known: Names of all assets and sources.
        root: The project's directory, for messages.

    Raises:
        DefinitionError: a parameter without a default, or `asset.upstream`,
            names what nothing defines.
    """
    inputs: list[Input] = []
    settings: dict[str, Any] = {}
    for parameter in asset.parameters:
        name = asset.upstream.get(parameter.name, parameter.name)
        if name in known:
            annotation = evaluated(parameter.annotation, asset.plain)
            inputs.append(Input(parameter.name, name, annotation))
        elif parameter.default is NO_DEFAULT or parameter.name in asset.upstream:
            raise _unknown_upstream(asset, parameter.name, name, known, root)
        else:
            settings[parameter.name] = parameter.default
    return Resolved(tuple(inputs), settings)


def _unknown_upstream(
    asset: Asset, parameter: str, name: str, known: Collection[str], root: Path | None
) -> DefinitionError:
    hints = []
    bound = asset.plain.__globals__.get(parameter)
    below = [full for full in known if re.split(r"[/.]", full)[-1] == name]
    close = did_you_mean(name, known)
    elsewhere = f'for a table made elsewhere: source("{name}", path=...)'
    if isinstance(bound, Source) and bound.table is bound.project is None:
        hints.append(
            f"`{parameter}` is bound to the source `{bound.name}`, but an input goes "
            "by the name of a source"
        )
        path = bound.path or bound.name
        elsewhere = f'call it so: source("{name}", path="{path}")'
    elif below:
        hints.append(
            f"to read it under this name: upstream={{{parameter!r}: {below[0]!r}}}"
        )
    elif close:
        hints.append(f"a similar asset exists: '{close}'")
    hints.append(elsewhere)
    where = source_line(asset.place, parameter, root)
    return DefinitionError(
        f"{asset.name} reads `{name}`, which nothing defines\n{where}", hints=hints
    )


def _make_asset(function: Any, options: dict[str, Any]) -> Asset:
    root = _root()
    plain = plain_function(function, root)
    place = place_of(plain)
    name = options.pop("name", plain.__name__)
    refuse_name(plain, name, place, root)
    refuse_kind(plain, name, place, root)
    parameters = parameters_of(function, name, place, root)
    known = [found.name for found in parameters]
    for parameter in options.get("upstream", {}):
        if parameter not in known:
            close = did_you_mean(parameter, known)
            where = source_line(place, plain.__name__, root)
            msg = f"`upstream=` of `{name}` renames `{parameter}`, no parameter of it"
            hint = f"write `{close}`" if close else "name a parameter of the function"
            raise DefinitionError(f"{msg}\n{where}", hints=hint)
    return Asset(
        name=name,
        function=function,
        plain=plain,
        place=place,
        registered=module_level_place(),
        parameters=parameters,
        **{"description": first_line_of(plain), **options},
    )


def checked_options(
    word: str, given: Mapping[str, Any], rules: Mapping[str, Rule]
) -> dict[str, Any]:
    """Return the options that are given, checked and in their usual form."""
    values = {}
    for option, value in given.items():
        rule = rules.get(option)
        if rule is None:
            close = did_you_mean(option, rules)
            hint = f"write `{close}=`" if close else f"use one of {', '.join(rules)}"
            raise call_error(f"`{word}` has no option `{option}`", hint, root=_root())
        if value is None:
            continue
        try:
            values[option] = rule(value)
        except OptionError as error:
            problem = f"`{option}=` {error.problem}"
            raise call_error(problem, error.hint, root=_root()) from None
    return values
