"""Notice files that libraries open by themselves, where Python sees no `open`.

pyarrow, polars, DuckDB and Spark read in C++, Rust or Java. What is noticed is
what their functions are called with: paths, globs, and names in quotes, as SQL
has them. Each function stays what it was for all who look at it: its module,
name and signature, its place in tracebacks, and the variables that it finds in
the frame of its caller.
"""

from __future__ import annotations

import fnmatch
import functools
import glob
import importlib.machinery
import inspect
import os
import re
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import chain, islice
from types import CodeType, FrameType, ModuleType
from typing import Any

_SPARK_READER = tuple(
    f"DataFrameReader.{name}"
    for name in ("load", "csv", "json", "orc", "parquet", "text", "xml")
)
_DUCKDB = (
    "connect",
    *(
        f"{owner}{name}"
        for owner in ("", "DuckDBPyConnection.")
        for name in (
            "execute",
            "executemany",
            "from_csv_auto",
            "from_parquet",
            "from_query",
            "query",
            "query_df",
            "read_csv",
            "read_json",
            "read_parquet",
            "sql",
            "table_function",
        )
    ),
    "DuckDBPyRelation.query",
)
_POLARS = ("read_*", "scan_*")

#: Functions, and methods of classes, that open files; by the module to take
#: them from. What a version of a library does not have is passed over.
READERS: Mapping[str, tuple[str, ...]] = {
    "deltalake": ("DeltaTable.__init__",),
    "duckdb": _DUCKDB,
    "h5py": ("File.__init__",),
    "lxml.etree": ("parse", "iterparse"),
    "polars": (*_POLARS, "sql", "SQLContext.execute"),
    "polars.io": _POLARS,
    "polars.io.avro": _POLARS,
    "polars.io.csv": _POLARS,
    "polars.io.delta": _POLARS,
    "polars.io.iceberg": _POLARS,
    "polars.io.ipc": _POLARS,
    "polars.io.json": _POLARS,
    "polars.io.ndjson": _POLARS,
    "polars.io.parquet": _POLARS,
    "polars.io.pyarrow_dataset": _POLARS,
    "polars.io.spreadsheet": _POLARS,
    "pyarrow": ("input_stream", "memory_map"),
    "pyarrow.csv": ("open_csv", "read_csv"),
    "pyarrow.dataset": ("dataset", "parquet_dataset"),
    "pyarrow.feather": ("read_feather", "read_table"),
    "pyarrow.ipc": (
        "RecordBatchFileReader.__init__",
        "RecordBatchStreamReader.__init__",
    ),
    "pyarrow.json": ("open_json", "read_json"),
    "pyarrow.orc": ("ORCFile.__init__", "read_table"),
    "pyarrow.parquet": (
        "ParquetDataset.__init__",
        "ParquetFile.__init__",
        "read_metadata",
        "read_pandas",
        "read_schema",
        "read_table",
    ),
    "pyspark.core.context": (
        "SparkContext.binaryFiles",
        "SparkContext.textFile",
        "SparkContext.wholeTextFiles",
    ),
    "pyspark.sql.connect.readwriter": _SPARK_READER,
    "pyspark.sql.connect.session": ("SparkSession.sql",),
    "pyspark.sql.readwriter": _SPARK_READER,
    "pyspark.sql.session": ("SparkSession.sql",),
    "tables": ("open_file",),
}

#: Functions that write the file that they are given first.
WRITERS: Mapping[str, tuple[str, ...]] = {
    "duckdb": (
        "DuckDBPyRelation.to_csv",
        "DuckDBPyRelation.to_parquet",
        "DuckDBPyRelation.write_csv",
        "DuckDBPyRelation.write_parquet",
    ),
    "pandas": ("DataFrame.to_orc", "DataFrame.to_parquet"),
    "polars": ("DataFrame.write_*", "LazyFrame.sink_*"),
    "pyarrow.csv": ("write_csv",),
    "pyarrow.feather": ("write_feather",),
    "pyarrow.orc": ("write_table",),
    "pyarrow.parquet": ("ParquetWriter.__init__", "write_table"),
}

#: What opens a file to read it or to change it.
_CHANGING = frozenset({"DeltaTable.__init__", "File.__init__", "connect", "open_file"})

#: A statement that changes no file.
_ASKS = re.compile(r"\s*(describe|from|pivot|select|summarize|with)\b", re.IGNORECASE)

#: Libraries that look for variables in the very frame that calls them.
_LOOKING = frozenset({"duckdb"})

#: Parameters that are a path, so that one that is not there was looked for.
_PATHS = frozenset(
    {
        "database",
        "file",
        "filename",
        "path",
        "path_or_paths",
        "paths",
        "source",
        "where",
    }
)

#: What is given a statement first, or nothing of files.
_STATEMENTS = frozenset(
    {
        "execute",
        "executemany",
        "from_query",
        "query",
        "query_df",
        "read_clipboard",
        "read_database",
        "read_database_uri",
        "sql",
        "table_function",
    }
)

#: What a word has that may be a path, and was not given as one.
_LOOKS_LIKE = re.compile(r"/|\w\.\w|\*\.\w")

#: A name in quotes within a statement: DuckDB's, standard SQL's, Spark's; or a
#: comment, whose apostrophes are none.
_QUOTED = re.compile(
    r"""'([^'\n]+)'|"([^"\n]+)"|`([^`\n]+)`|/\*.*?\*/|--[^\n]*""", re.DOTALL
)

#: What ends such a name, and begins the next.
_QUOTE = re.compile(r"""['"`]""")

_LONGEST = 4096
#: Texts that are looked at of all that lists hold in lists: rows to insert, maybe.
_MOST_INNER = 1000
_DEEPEST = 4

#: Is told of each path: as it was given, whether it is surely meant as one, and
#: whether it is opened to ``read``, to ``write``, or may ``change``.
Notice = Callable[[str, bool, str], None]
IsHeard = Callable[[], bool]


def install(notice: Notice, is_heard: IsHeard) -> None:
    """Tell of files from now on; also for libraries that are imported later.

    Args:
        notice: Is told, before the library opens anything.
        is_heard: Whether anybody wants to know at this moment.
    """
    finder = _Finder(notice, is_heard)
    sys.meta_path.insert(0, finder)
    for name in READERS.keys() | WRITERS.keys():
        module = sys.modules.get(name)
        if isinstance(module, ModuleType):
            finder.change(module)


class _Finder:
    """Finds modules as ever, and changes those of `READERS` when they are run."""

    def __init__(self, notice: Notice, is_heard: IsHeard) -> None:
        self._notice = notice
        self._is_heard = is_heard
        # One function may have several names, and stays one.
        self._changed: dict[int, tuple[object, Callable[..., Any]]] = {}

    def find_spec(
        self,
        name: str,
        path: Sequence[str] | None = None,
        target: ModuleType | None = None,
    ) -> importlib.machinery.ModuleSpec | None:
        """Return a spec whose loader changes the module; None for all others."""
        if name not in READERS and name not in WRITERS:
            return None
        spec = importlib.machinery.PathFinder.find_spec(name, path, target)
        if spec is None or spec.loader is None:
            return None
        loader: Any = spec.loader
        execute = loader.exec_module

        def exec_module(module: ModuleType) -> None:
            execute(module)
            self.change(module)

        loader.exec_module = exec_module
        return spec

    def change(self, module: ModuleType) -> None:
        """Let the readers of a module tell what they are called with."""
        for pattern in READERS.get(module.__name__, ()):
            use = "change" if pattern in _CHANGING else "read"
            self._change_all(pattern, module, use)
        for pattern in WRITERS.get(module.__name__, ()):
            self._change_all(pattern, module, "write")

    def _change_all(self, pattern: str, module: ModuleType, use: str) -> None:
        owner, _, last = pattern.rpartition(".")
        holder = vars(module).get(owner) if owner else module
        for name in fnmatch.filter(list(vars(holder)) if holder else (), last):
            self._change(holder, name, module, use)

    def _change(self, owner: Any, name: str, module: ModuleType, use: str) -> None:
        function = vars(owner).get(name)
        if not callable(function) or hasattr(function, _MARK):
            return
        if id(function) not in self._changed:
            notice = functools.partial(self._tell, use)
            told = _telling(function, name, module, notice)
            self._changed[id(function)] = (function, told)
        _, changed = self._changed[id(function)]
        setattr(owner, name, changed)
        # Where it is defined, it is the same one still: pickles ask for that.
        home = sys.modules.get(getattr(function, "__module__", None) or "")
        known_as = getattr(function, "__name__", name)
        if home is not None and vars(home).get(known_as) is function:
            setattr(home, known_as, changed)

    def _tell(
        self, use: str, name: str, args: tuple[Any, ...], options: Mapping[str, Any]
    ) -> None:
        """Tell of what a function was called with."""
        if not self._is_heard():
            return
        is_statement = name in _STATEMENTS
        if is_statement and name != "table_function" and not _asks(args, options):
            use = "change"  # `copy t to 'f.csv'`, `attach 'f.db'`
        for text, is_path in paths_in(args, options, is_statement=is_statement):
            if is_path or use != "write":
                self._notice(text, is_path, use)


_MARK = "__assetmake_tells__"


def _asks(args: Iterable[Any], options: Mapping[str, Any]) -> bool:
    """Return whether the statement, the first text, changes no file."""
    texts = (v for v in (*args, *options.values()) if isinstance(v, str))
    return _ASKS.match(next(texts, "")) is not None


def _telling(
    function: Callable[..., Any],
    name: str,
    module: ModuleType,
    tell: Callable[[str, tuple[Any, ...], Mapping[str, Any]], None],
) -> Callable[..., Any]:
    """Return a function that tells of its arguments, and then does the same."""
    is_looking = module.__name__ in _LOOKING

    def telling(*args: Any, **options: Any) -> Any:
        tell(name, args, options)
        if is_looking:
            return _called_there(sys._getframe(1), function, args, options)  # noqa: SLF001
        return function(*args, **options)

    functools.update_wrapper(telling, function)
    setattr(telling, _MARK, True)
    # Warnings and errors are shown at the innermost frame outside of the library.
    code = getattr(inspect.unwrap(function), "__code__", None)
    file, line = module.__file__ or "", 1
    if isinstance(code, CodeType):
        file, line = code.co_filename, code.co_firstlineno
    telling.__code__ = telling.__code__.replace(
        co_filename=file, co_firstlineno=line, co_name=telling.__name__
    )
    return telling


_CALL = compile(
    "__assetmake_call__[0](*__assetmake_call__[1], **__assetmake_call__[2])",
    "<assetmake>",
    "eval",
)


def _called_there(
    frame: FrameType,
    function: Callable[..., Any],
    args: tuple[Any, ...],
    options: dict[str, Any],
) -> Any:
    """Call a function from a frame with the variables that another one has.

    DuckDB takes the tables of a statement from the variables of the innermost
    frame: there, the caller's must be.
    """
    there = {**frame.f_locals, "__assetmake_call__": (function, args, options)}
    return eval(_CALL, frame.f_globals, there)  # noqa: S307 - the constant above


def paths_in(
    args: Iterable[Any], options: Mapping[str, Any], *, is_statement: bool = False
) -> Iterator[tuple[str, bool]]:
    """Yield what may be paths among the arguments of a reader.

    Args:
        args: Those by position.
        options: Those by name.
        is_statement: Whether the first argument is one, and not a path.

    Yields:
        A path or glob of the local file system, as it was given, and whether it
        is surely meant as one, as the first text among the arguments is.

    >>> list(paths_in(["a.csv"], {"separator": ";", "columns": ["data"]}))
    [('a.csv', True)]
    >>> list(paths_in(["select * from 'a.csv'"], {}, is_statement=True))
    [('a.csv', False)]
    """
    is_path = not is_statement
    for value in args:
        found = list(_texts(value))
        for text in found:
            yield from _split(text, is_path=is_path and not isinstance(value, dict))
        is_path = is_path and not found
    for name, value in options.items():
        for text in _texts(value):
            yield from _split(text, is_path=name in _PATHS)


def _texts(value: Any) -> Iterator[str]:
    """Yield the texts and paths that an argument is, or is a list of.

    Parameters of a statement may be a dictionary, and lists in lists.
    """
    items = value if isinstance(value, list | tuple | set) else (value,)
    for item in items:
        yield from _text(item)
    yield from islice(chain.from_iterable(map(_inner, items)), _MOST_INNER)


def _text(item: Any) -> Iterator[str]:
    if isinstance(item, str | os.PathLike):
        text = os.fspath(item)
        if isinstance(text, str):
            yield text


def _inner(item: Any, depth: int = 0) -> Iterator[str]:
    """Yield the texts in what is a list or a dictionary itself."""
    values = item.values() if isinstance(item, dict) else item
    if isinstance(item, list | tuple | set | dict) and depth < _DEEPEST:
        for value in values:
            yield from _text(value)
            yield from _inner(value, depth + 1)


def _split(text: str, *, is_path: bool) -> Iterator[tuple[str, bool]]:
    """Yield a path, and those in a statement or a list between commas."""
    pieces = list(_between_quotes(text))
    if len(text) <= _LONGEST and "\n" not in text:
        if is_path:
            yield from _local(text, is_path=True)
        is_list = "," in text or not is_path  # Hadoop's "a,b", a second one of Spark
        if is_list and not pieces and " " not in text:
            pieces = text.split(",")
    for piece in pieces:
        if _LOOKS_LIKE.search(piece):
            yield from _local(piece.strip(), is_path=False)


def _between_quotes(text: str) -> Iterator[str]:
    """Yield what stands in quotes, and all else between two of them that may."""
    found = dict.fromkeys("".join(groups) for groups in _QUOTED.findall(text))
    yield from filter(None, found)
    for piece in _QUOTE.split(text)[1:-1]:
        # What stands between two names is no glob to look for.
        is_other = glob.has_magic(piece) and " " in piece
        if piece not in found and "\n" not in piece and not is_other:
            yield piece


def _local(text: str, *, is_path: bool) -> Iterator[tuple[str, bool]]:
    """Yield a path without ``file:``; nothing for what lies elsewhere."""
    text = without_scheme(text)
    if text and "://" not in text and "\0" not in text and text[0] != ":":
        yield text, is_path


def without_scheme(text: str) -> str:
    """Return the path in a URI of the local file system; other texts as they are.

    >>> without_scheme("file:///d/a.csv"), without_scheme("d/a.csv")
    ('/d/a.csv', 'd/a.csv')
    """
    return re.sub(r"^file:(//(localhost)?(?=/))?", "", text)
