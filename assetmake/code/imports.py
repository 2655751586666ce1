"""Import the project's modules from the very bytes that are fingerprinted.

CPython takes a module's ``__pycache__`` for its source when second and size
agree, so it can run older code than the file holds. While a session is active,
modules of the project are compiled from bytes that are read once and kept;
their caches are neither read nor written. Installed packages are imported as
ever. What the code means is not looked at here.
"""

from __future__ import annotations

import functools
import importlib
import io
import linecache
import os
import sys
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from importlib.machinery import SourceFileLoader
from importlib.util import decode_source
from pathlib import Path
from types import CodeType, ModuleType
from typing import Any

_INSTALLED = frozenset({"site-packages", "dist-packages"})
STDLIB = os.path.dirname(os.__file__)
_ASSETMAKE = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
#: Both have functions that choose modules to pickle with their code.
_PICKLERS = ("cloudpickle", "pyspark.cloudpickle")
_BY_VALUE = "register_pickle_by_value"


class Bounds:
    """Which files are the project's code: its own, and editable installs.

    That is what lies under the project's directory, and elsewhere outside of
    the standard library, of ``site-packages`` and of a Spark distribution.
    assetmake itself never is, wherever it lies.
    """

    def __init__(self, root: Path) -> None:
        self.root = root
        self._spark = os.environ.get("SPARK_HOME")
        self._known: dict[str, bool] = {}

    def owns(self, file: str) -> bool:
        """Whether a file, given by an absolute path, is the project's code."""
        found = self._known.get(file)
        if found is None:
            found = self._owns_directory(os.path.dirname(file))
            self._known[file] = found
        return found

    def _owns_directory(self, directory: str) -> bool:
        if not os.path.isabs(directory):  # "<string>", "<frozen os>", zip members
            return False
        directory = os.path.normpath(directory)
        if is_below(directory, _ASSETMAKE):
            return False
        root = str(self.root)
        if is_below(directory, root):
            inner = os.path.relpath(directory, root).split(os.sep)
            return _INSTALLED.isdisjoint(inner) and not (
                is_below(directory, STDLIB) and not is_below(root, STDLIB)
            )
        return not is_installed(directory) and not (
            self._spark and is_below(directory, self._spark)
        )


def is_installed(path: str) -> bool:
    """Whether a normalised absolute path lies where Python or pip install."""
    return is_below(path, STDLIB) or not _INSTALLED.isdisjoint(path.split(os.sep))


def is_below(path: str, top: str) -> bool:
    """Whether a normalised absolute path is a directory, or lies in it."""
    return path == top or path.startswith(top.rstrip(os.sep) + os.sep)


class Session:
    """The modules, import path and source bytes of one load of a project.

    Attributes:
        bounds: Which files are the project's code.
        files: The bytes of each module file, by absolute path, as they were
            read for the first time; grows with every import.
        modules: The project's modules while the session is not active.
    """

    def __init__(self, root: Path, files: Mapping[Path, bytes] | None = None) -> None:
        """Prepare a session; nothing is read or imported.

        Args:
            root: The project's directory, absolute; first on the import path.
            files: Bytes that were read already; those files are not read again.
        """
        self.bounds = Bounds(root)
        self.files: dict[Path, bytes] = dict(files or {})
        self.modules: dict[str, ModuleType] = {}
        self._path: list[str] = [str(root)]
        self._compiled: set[str] = set()
        self._picklers: list[ModuleType] = []
        #: By how many modules and names it was found: what to empty, and where.
        self._cached: _Cached = (-1, [], -1, [])

    def read(self, file: str) -> bytes:
        """Return the bytes of a module file, as they were when first asked for.

        Raises:
            OSError: it cannot be read.
        """
        path = Path(os.path.abspath(file))
        data = self.files.get(path)
        if data is None:
            with open(path, "rb") as stream:
                data = self.files[path] = stream.read()
        return data

    def compile(self, loader: SourceFileLoader, fullname: str) -> CodeType:
        """Return the code of a module of the project, from the bytes kept.

        Raises:
            OSError: its file cannot be read.
            SyntaxError: its text is not Python, or cannot be decoded.
        """
        file = loader.get_filename(fullname)
        data = self.read(file)
        _show_lines(file, data)
        if b"\0" in data:  # Python 3.11 raises ValueError, without a place
            line = data.count(b"\n", 0, data.index(b"\0")) + 1
            msg = "source code cannot contain null bytes"
            raise SyntaxError(msg, (file, line, None, None))
        code: CodeType = loader.source_to_code(data, file)
        self._compiled.add(file)
        module = sys.modules.get(fullname)  # made before its code is asked for
        if module is not None and getattr(module.__spec__, "loader", None) is loader:
            _set_by_value(module, by_value=True)
        return code

    def made(self) -> dict[str, ModuleType]:
        """Return this session's modules; only while it is the innermost one."""
        return self._of_files(self._compiled.__contains__)

    def _of_files(self, is_one: Callable[[str], bool]) -> dict[str, ModuleType]:
        """Return modules of such files, and the project's packages without a file."""
        found = {}
        for name, module, held in _imported(self.bounds):
            file = held.get("__file__")
            if is_one(file) if isinstance(file, str) else self._is_namespace(held):
                found[name] = module
        return found

    def _is_namespace(self, held: Mapping[str, Any]) -> bool:
        """Whether a package is nothing but directories of the project.

        Args:
            held: What its module holds.
        """
        if held.get("__file__") is not None or "__path__" not in held:
            return False
        try:
            entries = [str(entry) for entry in held["__path__"]]
        except KeyError:  # its parent is not imported any more
            return False
        root = str(self.bounds.root)
        return any(is_below(e, root) and self.bounds.owns(e + os.sep) for e in entries)

    @contextmanager
    def active(self) -> Iterator[None]:
        """Import as this session does, its modules being the imported ones.

        Modules that another session, or the surrounding program, imported
        from the project's directory are set aside, and are back afterwards;
        an editable install that was imported before stays as it is. This
        session's modules stay importable afterwards where nothing else has
        their name, so that objects of their classes can be pickled. Sessions
        nest; two at once in two threads see each other's modules.
        """
        if _sessions and _sessions[-1] is self:
            yield
            return
        path = sys.path[:]
        with _lock:
            aside = self._begin(path)
        try:
            yield
        finally:
            with _lock:
                self._end(path, aside)

    def _begin(self, path: list[str]) -> dict[str, ModuleType]:
        """Put this session's modules in place; return what is to come back."""
        if _sessions:
            _sessions[-1].modules = _sessions[-1].made()
        for session in _left:
            _take_away(session.modules)
        aside = self._displaced()
        _take_away(aside)
        sys.modules.update(self.modules)
        sys.path[:] = [*self._path, *(e for e in path if e not in self._path)]
        importlib.invalidate_caches()
        _sessions.append(self)
        SourceFileLoader.get_code = _get_code  # type: ignore[assignment, method-assign]
        self._picklers = _ready_picklers()
        self._send_by_value(self.modules)
        return aside

    def _end(self, path: list[str], aside: Mapping[str, ModuleType]) -> None:
        """Undo `_begin`, keeping what was imported meanwhile."""
        self.modules = self.made()
        self._path = sys.path[:]
        sys.path[:] = path
        for module in self.modules.values():
            _set_by_value(module, by_value=False)
        _sessions.remove(self)
        if _sessions:
            _take_away(self.modules)
        else:
            del SourceFileLoader.get_code
            # A package and its submodules come from the same import, or none.
            names = {_top(name) for name in aside}
            _take_away({n: m for n, m in self.modules.items() if _top(n) in names})
        sys.modules.update(aside)
        _left[:] = [] if _sessions else [self]

    def discard(self) -> None:
        """Forget the modules, after a load that failed."""
        _take_away(self.modules)
        self.modules = {}

    def forget_cached(self) -> None:
        """Empty the caches of `functools` around the project's functions.

        Else just the first asset of a build would be seen to read the file of which
        a helper keeps the content.
        """
        size = len(sys.modules)
        if size != self._cached[0]:
            self._cached = (size, list(self.made().values()), -1, [])
        modules = self._cached[1]
        names = sum(map(len, map(vars, modules)))
        if names != self._cached[2]:
            found = [clear for module in modules for clear in _clearers(module)]
            self._cached = (size, modules, names, found)
        for clear in self._cached[3]:
            clear()

    def pickle_by_value(self) -> None:
        """Make cloudpickle and Spark send the project's functions with their code.

        A Spark worker cannot import the Assetfile, and must not import other
        bytes of a module than those that were loaded. Modules that are
        imported later are included.
        """
        self._picklers = _ready_picklers()
        if self._picklers:
            self._send_by_value(self.made())

    def _send_by_value(self, modules: Mapping[str, ModuleType]) -> None:
        if self._picklers:
            for module in modules.values():
                _set_by_value(module, by_value=True)

    def notice_picklers(self) -> None:
        """Do the same for a pickler that was imported while the session is active."""
        if len(_ready_picklers()) != len(self._picklers):
            self.pickle_by_value()

    def _displaced(self) -> dict[str, ModuleType]:
        """Return the modules that must not be seen while this session is active."""
        found = self._of_files(self._is_source)
        for name, module in (_sessions[-1].modules if _sessions else {}).items():
            if sys.modules.get(name) is module:
                found[name] = module
        return {n: m for n, m in found.items() if n not in ("__main__", "__mp_main__")}

    def _is_source(self, file: str) -> bool:
        """Whether a file in the project's directory is its code, in Python."""
        return (
            file.endswith(".py")  # an extension can often not be imported twice
            and is_below(file, str(self.bounds.root))
            and self.bounds.owns(file)
        )


_Cached = tuple[int, list[ModuleType], int, list[Callable[[], None]]]


def forget_cached() -> None:
    """Do so for the session that is active; see `Session.forget_cached`."""
    if _sessions:
        _sessions[-1].forget_cached()


def _clearers(module: ModuleType) -> Iterator[Callable[[], None]]:
    """Yield what empties each cache that a module, or a class in it, names."""
    for value in list(vars(module).values()):
        is_own = isinstance(value, type) and value.__module__ == module.__name__
        for item in (value, *(list(vars(value).values()) if is_own else ())):
            is_bound = isinstance(item, classmethod | staticmethod)
            cached: Any = item.__func__ if is_bound else item
            if type(cached) is _LRU and cached.__module__ == module.__name__:
                yield cached.cache_clear


_LRU: Any = type(functools.cache(lambda: None))
_lock = threading.RLock()
#: Modules that can be no project's, by name, as long as no project is installed.
_installed: dict[str, ModuleType] = {}
#: The sessions that are active, innermost last.
_sessions: list[Session] = []
#: The session, at most one, whose modules stayed behind in `sys.modules`.
_left: list[Session] = []
_original = SourceFileLoader.get_code


def _get_code(self: SourceFileLoader, fullname: str) -> CodeType | None:
    """Stand in for `SourceFileLoader.get_code` while a session is active.

    The loader itself is extended because that is where all ways meet: path
    entries, namespace packages, editable installs with finders of their own,
    and `importlib.util.spec_from_file_location`, which asks no finder.
    """
    if _sessions:
        session = _sessions[-1]
        if session.bounds.owns(os.path.abspath(self.get_filename(fullname))):
            return session.compile(self, fullname)
        # Whatever is imported after a pickler tells that the pickler is there.
        session.notice_picklers()
    return _original(self, fullname)


def _ready_picklers() -> list[ModuleType]:
    found = [sys.modules.get(name) for name in _PICKLERS]
    return [module for module in found if hasattr(module, _BY_VALUE) and module]


def _show_lines(file: str, data: bytes) -> None:
    """Let tracebacks and `inspect` show the lines that run, not the file's of now."""
    try:
        text = decode_source(data)
    except (SyntaxError, UnicodeDecodeError):  # compiling tells, and shows a line
        text = data.decode("utf-8", "replace")
    # Not splitlines(), which ends lines where Python's grammar does not.
    lines = list(io.StringIO(text, newline=None))
    # Without a modification time, linecache does not look at the file again.
    linecache.cache[file] = (len(data), None, lines, file)


def attributes(module: object) -> dict[str, Any]:
    """Return what a module holds, without waking one that loads on first use."""
    if not isinstance(module, ModuleType):
        return {}
    found: dict[str, Any] = ModuleType.__getattribute__(module, "__dict__")
    return found


def _imported(bounds: Bounds) -> Iterator[tuple[str, ModuleType, dict[str, Any]]]:
    """Yield name, module and what it holds of each that may be the project's.

    There are thousands of others, and each load of a project goes through all.
    """
    passed = {} if is_installed(str(bounds.root)) else _installed
    for name, module in list(sys.modules.items()):
        if passed.get(name) is module:
            continue
        held = attributes(module)
        file = held.get("__file__")
        if passed is _installed and isinstance(file, str) and is_installed(file):
            passed[name] = module
        else:
            yield name, module, held


def _take_away(modules: Mapping[str, ModuleType]) -> None:
    for name, module in modules.items():
        if sys.modules.get(name) is module:
            del sys.modules[name]


def _top(name: str) -> str:
    return name.partition(".")[0]


def _set_by_value(module: ModuleType, *, by_value: bool) -> None:
    for pickler in _ready_picklers():
        known = module.__name__ in pickler.list_registry_pickle_by_value()
        if known and not by_value:
            pickler.unregister_pickle_by_value(module)
        elif by_value and not known and module.__name__ in sys.modules:
            pickler.register_pickle_by_value(module)
