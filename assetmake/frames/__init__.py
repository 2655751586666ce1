"""Which handler saves and loads a value, by its type, importing no library for it.

A type of another package plugs in through the entry point group
``assetmake.frames``: the name is that of the class, as people import it, and the
value a handler of it (see `assetmake.frames.base.Handler`), a class that is
called without arguments::

    [project.entry-points."assetmake.frames"]
    "geopandas.GeoDataFrame" = "mypackage.frames:GeoHandler"

A class is known by its name and its package (``GeoDataFrame`` in ``geopandas``
or below), and what inherits from it is handled likewise, the nearest base
first: a GeoDataFrame is no DataFrame of pandas, although that is its base. Entry
points are looked up only for classes that are not built in themselves.
"""

from __future__ import annotations

import builtins
import importlib
import threading
from collections.abc import Iterable, Mapping, Sequence
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any, Literal, overload

from assetmake.errors import ExtraError, FrameError, did_you_mean
from assetmake.frames.annotations import alternatives
from assetmake.frames.base import Handler

if TYPE_CHECKING:
    from importlib.metadata import EntryPoint

GROUP = "assetmake.frames"

#: Handlers of the known types, as module and class below this package.
_BUILT_IN: Mapping[str, str] = {
    "pandas.DataFrame": "pandas:PandasHandler",
    "pandas.Series": "pandas:SeriesHandler",
    "pyspark.sql.DataFrame": "spark:SparkHandler",
    "polars.DataFrame": "polars:PolarsHandler",
    "polars.LazyFrame": "polars:LazyHandler",
    "pyarrow.Table": "arrow:ArrowHandler",
    "pyarrow.RecordBatchReader": "arrow:ReaderHandler",
    "duckdb.DuckDBPyRelation": "duckdb:DuckDBHandler",
    "_duckdb.DuckDBPyRelation": "duckdb:DuckDBHandler",
    "builtins.str": "objects:TextHandler",
    "builtins.bytes": "objects:BytesHandler",
    "pathlib.Path": "objects:PathHandler",
    "pathlib.PosixPath": "objects:PathHandler",
    "pathlib.WindowsPath": "objects:PathHandler",
}
_DEFAULT = "pandas:DefaultHandler"
_OBJECT = "objects:ObjectHandler"

#: What text may say in short: names of libraries, and how people import them.
_SHORT: Mapping[str, str] = {
    "pandas": "pandas.DataFrame",
    "polars": "polars.DataFrame",
    "pyarrow": "pyarrow.Table",
    "arrow": "pyarrow.Table",
    "duckdb": "duckdb.DuckDBPyRelation",
    "pyspark": "pyspark.sql.DataFrame",
    "spark": "pyspark.sql.DataFrame",
    "LazyFrame": "polars.LazyFrame",
    "DuckDBPyRelation": "duckdb.DuckDBPyRelation",
    "RecordBatchReader": "pyarrow.RecordBatchReader",
    "Path": "pathlib.Path",
    "str": "builtins.str",
    "bytes": "builtins.bytes",
}
_IMPORTED_AS = {"pd": "pandas", "pl": "polars", "pa": "pyarrow"}

#: Libraries of extras, by the name that is imported.
_EXTRAS = {"polars": "polars", "duckdb": "duckdb", "pyspark": "spark"}


#: Formats of tables by the module of their handler, which would import a library.
_FORMATS: Mapping[str, tuple[str, ...]] = {
    "arrow": ("parquet", "csv"),
    "duckdb": ("parquet", "csv"),
    "pandas": ("parquet", "csv", "pickle"),
    "polars": ("parquet", "csv"),
    "spark": ("parquet", "csv"),
}
#: How close to one of these a format is that is taken for a slip of the pen, where
#: no annotation says that it is none: `tsv` may well be that of a report.
_SLIP = 0.8


def is_open(annotation: Any) -> bool:
    """Return whether a return annotation leaves open that a value is pickled.

    It does if it allows a type that no handler keeps as a table or report, or
    says nothing. No library is imported to tell.
    """
    allowed = alternatives(annotation)
    return not allowed or not all(map(_is_kept_plainly, allowed))


def _is_kept_plainly(kind: type | str) -> bool:
    if isinstance(kind, str):
        return _built_in(kind) is not None
    return any(_match(base, _BUILT_IN) for base in kind.__mro__[:-1])


def refuses_format(annotation: Any, wanted: str) -> tuple[str, str] | None:
    """Return why a result cannot be kept in a format, and a hint; None if it may.

    No library is imported to tell, so that nothing is known of types of other
    packages. Where the type is open, only what looks misspelt is refused.

    Args:
        annotation: Of what is returned.
        wanted: What `format=` says.
    """
    allowed = alternatives(annotation)
    if not allowed:
        close = get_close_matches(wanted.lower(), _FORMATS["pandas"], n=1, cutoff=_SLIP)
        if not close or wanted in _FORMATS["pandas"]:
            return None
        return f"there is no format `{wanted}`", f'write `format="{close[0]}"`'
    refused: dict[str, tuple[str, ...]] = {}
    for kind in allowed:
        known = _known(kind)
        if known is None:
            return None
        module, _, name = _BUILT_IN[known].partition(":")
        if module in _FORMATS:
            formats = _FORMATS[module]
            if wanted in formats:
                return None
            refused[known.removeprefix("_")] = formats
            continue
        handler = getattr(importlib.import_module(f"{__name__}.{module}"), name)()
        if _keeps(handler, wanted):
            return None
        refused[handler.name] = handler.formats
    formats = tuple(dict.fromkeys(word for some in refused.values() for word in some))
    return _not_kept(" or ".join(refused), wanted, formats)


def _known(kind: type | str) -> str | None:
    """Return the public name of a built-in type; None for another's."""
    if isinstance(kind, str):
        return _built_in(kind)
    for base in kind.__mro__[:-1]:
        known = _match(base, _BUILT_IN)
        if known is not None:
            # An entry point may have it, if it is not that type itself.
            return known if base is kind else None
    return None


def _keeps(handler: Handler, wanted: str) -> bool:
    accepts = getattr(handler, "accepts", None)
    return wanted in handler.formats or (accepts is not None and accepts(wanted))


def _not_kept(kind: str, wanted: str, formats: Sequence[str]) -> tuple[str, str]:
    """Return what is wrong with a format, and a hint."""
    listed = " or ".join(f'"{format}"' for format in formats)
    close = did_you_mean(wanted.lower(), formats)
    hint = f'write `format="{close}"`' if close else f"choose {listed}"
    return f"a {kind} cannot be kept in format `{wanted}`", hint


class Frames:
    """The handlers of one build; each is made when it is first needed.

    Args:
        settings: ``spark`` holds those of the Spark session.
    """

    def __init__(self, settings: Mapping[str, Any]) -> None:
        self._settings = settings
        self._handlers: dict[str, Handler] = {}
        self._entries: list[EntryPoint] | None = None
        self._lock = threading.RLock()

    @overload
    def for_annotation(self, annotation: Any, *, reading: Literal[True]) -> Handler: ...

    @overload
    def for_annotation(self, annotation: Any, *, reading: bool) -> Handler | None: ...

    def for_annotation(self, annotation: Any, *, reading: bool) -> Handler | None:
        """Return the handler of a parameter's or a return annotation.

        Args:
            annotation: A class, an alias or union of classes (the first that
                is not None counts for a parameter), text such as
                ``"pd.DataFrame"`` or ``"pandas"``, or nothing.
            reading: Whether it is a parameter's. One without annotation gets
                tables as pandas, and everything else as it was returned.

        Returns:
            None for a return annotation that leaves the type open, or names
            one that is not known here: only the value can tell (`for_value`).

        Raises:
            FrameError: text of a parameter names no known type.
            ExtraError: the library of the type is not installed.
        """
        allowed = alternatives(annotation)
        if reading:
            return self._handler(_DEFAULT) if not allowed else self._of(allowed[0])
        try:
            found = {handler.name: handler for handler in map(self._of, allowed)}
        except FrameError:
            return None
        return next(iter(found.values())) if len(found) == 1 else None

    def for_value(self, value: Any) -> Handler:
        """Return the handler of a value, by its own class.

        Raises:
            FrameError: it is None.
            ExtraError: the library of the handler is not installed.
        """
        if value is None:
            msg = "None cannot be stored"
            raise FrameError(msg, hints="end the function with `return` and the table")
        return self._of(type(value))

    def format_of(self, handler: Handler, wanted: str | None, asset: str) -> str:
        """Return in which format a value is kept.

        Args:
            handler: Of the value.
            wanted: What `format=` or the configuration says; None for the
                default of the type.
            asset: For the message.

        Raises:
            FrameError: the type cannot be kept in that format.
        """
        if wanted is None:
            return handler.formats[0]
        if _keeps(handler, wanted):
            return wanted
        problem, hint = _not_kept(handler.name, wanted, handler.formats)
        raise FrameError(f"`{asset}`: {problem}", hints=hint)

    def for_word(self, word: Any) -> Handler:
        """Return the handler of a type that is asked for by hand, not annotated.

        Raises:
            FrameError: it is text that names no known type.
            ExtraError: the library of the type is not installed.
        """
        try:
            return self.for_annotation(word, reading=True)
        except FrameError as error:
            if not isinstance(word, str):
                raise
            close = did_you_mean(word, [*_SHORT, *_BUILT_IN])
            short = "pandas, polars, pyarrow, duckdb or pyspark"
            hint = f'write "{close}"' if close else f"name a class, or {short}"
            msg = f"no type of tables or objects is called `{word}`"
            raise FrameError(msg, hints=hint) from error

    def close(self) -> None:
        """Give back what the handlers hold, such as a Spark session."""
        with self._lock:
            while self._handlers:
                self._handlers.popitem()[1].close()

    def _of(self, kind: type | str) -> Handler:
        if isinstance(kind, str):
            return self._of_text(kind)
        for base in kind.__mro__[:-1]:
            known = _match(base, _BUILT_IN)
            if known is not None:
                return self._handler(_BUILT_IN[known])
            if base.__module__ == builtins.__name__:
                break
            entries = {entry.name: entry for entry in self._entry_points()}
            plugged = _match(base, entries)
            if plugged is not None:
                return self._plugged(entries[plugged])
        return self._handler(_OBJECT)

    def _of_text(self, text: str) -> Handler:
        known = _built_in(text)
        if known is not None:
            return self._handler(_BUILT_IN[known])
        if isinstance(getattr(builtins, text, None), type):
            return self._handler(_OBJECT)
        package, name = _parted(text)
        for entry in self._entry_points():
            if _matched(package, name, [entry.name]):
                return self._plugged(entry)
        msg = f"the annotation `{text}` names no type that is known"
        hints = (
            "import the class where the annotation stands, not for type checkers only",
            'or spell it out, as in "pandas.DataFrame"',
        )
        raise FrameError(msg, hints=hints)

    def _handler(self, place: str) -> Handler:
        with self._lock:
            handler = self._handlers.get(place)
            if handler is None:
                handler = self._handlers[place] = self._made(place)
            return handler

    def _made(self, place: str) -> Handler:
        module, _, name = place.partition(":")
        try:
            made = getattr(importlib.import_module(f"{__name__}.{module}"), name)
        except ModuleNotFoundError as error:
            library = (error.name or "").partition(".")[0]
            extra = _EXTRAS.get(library)
            if extra is None:
                raise
            msg = f"{library} is not installed, and a type of it is asked for"
            hint = f"pip install 'assetmake[{extra}]'"
            raise ExtraError(msg, hints=hint) from error
        handler: Handler
        handler = made(self._settings.get("spark", {})) if module == "spark" else made()
        return handler

    def _entry_points(self) -> list[EntryPoint]:
        with self._lock:
            if self._entries is None:
                # A slow import, for values of types that are not built in.
                from importlib.metadata import entry_points

                self._entries = list(entry_points(group=GROUP))
            return self._entries

    def _plugged(self, entry: EntryPoint) -> Handler:
        with self._lock:
            key = f"{entry.name}={entry.value}"
            handler = self._handlers.get(key)
            if handler is None:
                try:
                    handler = self._handlers[key] = entry.load()()
                except Exception as error:
                    whose = entry.dist.name if entry.dist else "a package"
                    msg = (
                        f"the handler {entry.value} of {entry.name}, which {whose} "
                        f"registers, cannot be loaded: {error}"
                    )
                    raise FrameError(msg, hints=f"mend or uninstall {whose}") from error
            return handler


def _parted(text: str) -> tuple[str, str]:
    """Return package and name of a class, as annotations spell it."""
    package, _, name = text.rpartition(".")
    first, dot, rest = package.partition(".")
    return _IMPORTED_AS.get(first, first) + dot + rest, name


def _built_in(text: str) -> str | None:
    """Return the public name of a built-in type that text names; None if none."""
    return _SHORT.get(text) or _matched(*_parted(text), _BUILT_IN)


def _match(kind: type, known: Iterable[str]) -> str | None:
    return _matched(kind.__module__, kind.__qualname__, known)


def _matched(package: str, name: str, known: Iterable[str]) -> str | None:
    """Return the public name of a class that is defined in that package or below."""
    for public in known:
        home, _, own = public.rpartition(".")
        if own == name and f"{package}.".startswith(f"{home}."):
            return public
    return None
