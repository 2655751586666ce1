"""Watch what runs and which files are read while an asset is built or loaded.

It sees what no reading of the sources can: files opened, and project code that
ran although nothing names it. Processes that the asset forks are seen, too. It
judges nothing, and it does not see what other programs open by themselves, nor
libraries in C++ that `readers` does not know; ``os.stat``; the environment; clocks.
"""

from __future__ import annotations

import glob
import os
import re
import shlex
import sys
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from pathlib import Path
from types import CodeType, FrameType
from typing import Any

from assetmake.code import imports, readers
from assetmake.code.imports import STDLIB
from assetmake.code.watcher import Seen, Watcher

__all__ = ["Seen", "unwatched", "watch"]


@contextmanager
def watch(root: Path, *, ignore: Iterable[str | Path] = ()) -> Iterator[Seen]:
    """Watch this thread, and those that nobody else claims, until the end.

    Threads are told apart by context variables. What happens in a thread that
    has none, such as one that the asset started, counts for every watch that
    is active. Watches nest: an outer one sees what an inner one sees.

    Args:
        root: The project's directory; what lies outside of it is not seen.
        ignore: Files, and directories with all that is in them, that are
            known anyhow: the store, declared files.

    Yields:
        What is seen, filled in when the watch ends.
    """
    seen = Seen()
    watcher = Watcher(root, ignore)
    outer = [other for other in _current.get() or () if not other.is_over]
    token = _current.set((*outer, watcher))
    _begin(watcher)
    try:
        yield seen
    finally:
        _end(watcher)
        _current.reset(token)
        watcher.report(seen)


@contextmanager
def unwatched() -> Iterator[None]:
    """Keep what this thread does meanwhile out of the watches of other threads.

    For the machinery of a build, which reads files of the project itself.
    """
    token = _current.set(())
    try:
        yield
    finally:
        _current.reset(token)


#: The watches of this thread or task, innermost last. None where nobody said.
_current: ContextVar[tuple[Watcher, ...] | None] = ContextVar(
    "assetmake_watch", default=None
)
#: Every active watch; replaced as a whole, as other threads go through it.
_active: tuple[Watcher, ...] = ()
_lock = threading.Lock()
_is_hooked = False


def _watchers() -> Iterable[Watcher]:
    mine = _current.get()
    # A thread that outlives the watch it was started in works for others now.
    return _active if mine is None or any(w.is_over for w in mine) else mine


def prepare() -> None:
    """Make ready to watch, before anything of the project is imported.

    A name that the project takes out of a library is then one that tells.
    """
    global _is_hooked  # noqa: PLW0603 - there is one hook a process
    with _lock:
        if not _is_hooked:
            sys.addaudithook(_hook)
            readers.install(_on_path, lambda: bool(_active and _watchers()))
            os.register_at_fork(before=_before_fork, after_in_child=_after_fork)
            _is_hooked = True


def _begin(watcher: Watcher) -> None:
    global _active  # noqa: PLW0603 - as above
    prepare()
    with _lock:
        _active = (*_active, watcher)
        watcher.sees_calls = _see_calls()


def _end(watcher: Watcher) -> None:
    global _active  # noqa: PLW0603 - as above
    with _lock:
        watcher.is_over = True
        _active = tuple(other for other in _active if other is not watcher)
        if not _active:
            _see_no_calls()


# Calls ------------------------------------------------------------------------

if sys.version_info >= (3, 12):
    _monitoring = sys.monitoring
    _START = _monitoring.events.PY_START
    #: Those that no well-known tool has: 0 to 2 and 5 are spoken for.
    _TOOL_IDS = (4, 3)
    _tool: int | None = None
    #: Calls of what only some of several watches have seen, and how many are
    #: worth their cost (about 1 µs each); then it counts for all of them.
    _repeats: dict[tuple[str, str, int], int] = {}
    _MOST_REPEATS = 10_000

    def _see_calls() -> bool:
        """See each function's first call from now on; False if that cannot be."""
        global _tool  # noqa: PLW0603 - the interpreter's own registry is global
        if _tool is None:
            for number in _TOOL_IDS:
                if _monitoring.get_tool(number) is None:
                    _tool = number
                    _monitoring.use_tool_id(number, "assetmake")
                    _monitoring.register_callback(number, _START, _on_start)
                    _monitoring.set_events(number, _START)
                    break
        if _tool is not None:
            # What an earlier or parallel watch has seen, this one has not.
            _monitoring.restart_events()
        return _tool is not None

    def _see_no_calls() -> None:
        global _tool  # noqa: PLW0603 - as above
        if _tool is not None:
            _monitoring.set_events(_tool, 0)
            _monitoring.register_callback(_tool, _START, None)
            _monitoring.free_tool_id(_tool)
            _tool = None
            _repeats.clear()

    def _on_start(code: CodeType, _offset: int) -> object:
        file = code.co_filename
        item = (file, code.co_qualname, code.co_firstlineno)
        for watcher in _watchers():
            if watcher.bounds.owns(file):
                watcher.code.add(item)
        others = [w for w in _active if item not in w.code and w.bounds.owns(file)]
        if others:
            # A call in another thread may be the first one there.
            _repeats[item] = _repeats.get(item, 0) + 1
            if _repeats[item] < _MOST_REPEATS:
                return None
            for watcher in others:
                watcher.code.add(item)
        return _monitoring.DISABLE

else:

    def _see_calls() -> bool:
        """See no calls: `sys.setprofile` would cost on each of them."""
        return False

    def _see_no_calls() -> None:
        """Do nothing, as there is nothing to undo."""


# Files ------------------------------------------------------------------------


def _hook(event: str, args: tuple[Any, ...]) -> None:
    """Take an audit event; https://docs.python.org/3/library/audit_events.html."""
    if not _active:
        return
    handler = _HANDLERS.get(event)
    if handler is not None:
        handler(args, sys._getframe(1))  # noqa: SLF001 - the one that acts


def _absolute(path: Any) -> str | None:
    """Return the absolute path of what was opened; None for no path at all."""
    try:
        return os.path.abspath(os.fsdecode(path))
    except (TypeError, ValueError, OSError):  # a descriptor, or no directory
        return None


def _note_relative(path: Any) -> None:
    """Take it that what was opened hangs on the working directory, if it does."""
    if not os.path.isabs(os.fsdecode(path)):
        for watcher in _watchers():
            watcher.is_relative = True


def _on_open(args: tuple[Any, ...], frame: FrameType) -> None:
    path = _absolute(args[0])
    if path is None or _reads_code(path, frame):
        return
    _note_relative(args[0])
    flags = args[2] if len(args) > 2 and isinstance(args[2], int) else 0
    writes = flags & (os.O_WRONLY | os.O_RDWR)
    for watcher in _watchers():
        if writes == os.O_WRONLY or (writes and flags & os.O_TRUNC):
            watcher.note_written(path)
        else:
            watcher.note_read(path, may_change=bool(writes))


#: Readers of source text: importing and showing code is no reading of data.
_CODE_READERS = (
    imports.__file__,
    "<frozen importlib._bootstrap_external>",
    sys.modules["linecache"].__file__,
)


def _reads_code(path: str, frame: FrameType) -> bool:
    readers: list[FrameType | None] = [frame, frame.f_back]  # tokenize.open between
    files = [reader.f_code.co_filename for reader in readers if reader is not None]
    if files[0] == imports.__file__:
        return True
    return path.endswith((".py", ".pyc")) and any(
        file in _CODE_READERS for file in files
    )


#: Looking for modules and installed packages is no reading of a directory.
_LOOKERS = ("<frozen importlib", os.path.join(STDLIB, "importlib"))


def _on_list(args: tuple[Any, ...], frame: FrameType) -> None:
    if frame.f_code.co_filename.startswith(_LOOKERS):
        return
    given = args[0] if args[0] is not None else "."
    path = _absolute(given)
    if path is not None:
        _note_relative(given)
        for watcher in _watchers():
            watcher.note_listed(path)


def _on_rename(args: tuple[Any, ...], _frame: FrameType) -> None:
    path = _absolute(args[1])
    if path is not None:
        for watcher in _watchers():
            watcher.note_written(path)


def _on_path(given: str, is_path: bool, use: str) -> None:
    """Take it that a library opens a path: a file, a directory, or a glob.

    Args:
        given: The path, which may also be some other word.
        is_path: Whether it is one, be it there or not.
        use: See `readers.Notice`.
    """
    path = _absolute(os.path.expanduser(given))
    if path is None:
        return
    for watcher in _watchers():
        if use == "write":
            watcher.note_written(path)
        elif use == "change":
            watcher.note_changing(path)
    found = _found(path, is_path=is_path) if use != "write" else []
    for file in found:
        for watcher in _watchers():
            watcher.note_read(file, may_change=use == "change")
    if found or (is_path and glob.has_magic(path)):
        _note_relative(given)


def _found(path: str, *, is_path: bool) -> list[str]:
    """Return the files that a path names: its own, those below it, or of a glob."""
    if os.path.isdir(path):
        return list(_files_below(path))
    if os.path.exists(path):
        return [path]
    if glob.has_magic(path):  # each directory that it looks at is listed: noted
        return glob.glob(path, recursive=True)
    return [path] if is_path else []


def _files_below(directory: str) -> Iterator[str]:
    """Yield the files of a table; listing directories is noted as it happens."""
    for above, directories, names in os.walk(directory):
        directories[:] = filter(_holds_rows, directories)
        yield from (os.path.join(above, name) for name in filter(_holds_rows, names))


def _holds_rows(name: str) -> bool:
    """Whether what has a name is read with a table; Delta's log says which files."""
    return name[0] not in "._" or name == "_delta_log"


def _on_database(args: tuple[Any, ...], _frame: FrameType) -> None:
    given, is_kept = _database(args[0])
    path = _absolute(given)
    if path is None or given in ("", ":memory:"):
        return
    for watcher in _watchers():
        watcher.note_read(path, may_change=not is_kept)
        # What was written last is in a file of its own until the next checkpoint.
        watcher.note_read(f"{path}-wal", may_change=True)


def _database(given: Any) -> tuple[Any, bool]:
    """Return the path of a database, and whether it is opened to read it only.

    A URI is told as it was given; https://www.sqlite.org/uri.html.
    """
    if not isinstance(given, str) or not given.startswith("file:"):
        return given, False
    if os.path.lexists(given):  # no URI, but a file of that name
        return given, False
    from urllib.parse import parse_qs, unquote

    path, _, query = given.partition("#")[0].partition("?")
    path = readers.without_scheme(path)
    options = parse_qs(query)
    modes = options.get("mode", [])
    if "memory" in modes:
        return "", False
    return unquote(path), "ro" in modes or "immutable" in options


def _on_extension(args: tuple[Any, ...], _frame: FrameType) -> None:
    # Only modules in machine code come with a file name.
    path = _absolute(args[1])
    if path is not None:
        for watcher in _watchers():
            watcher.note_read(path)
        for watcher in _active:
            watcher.note_module(path)


def _on_exec(args: tuple[Any, ...], _frame: FrameType) -> None:
    file = args[0].co_filename
    if os.path.isabs(file):
        # Whichever thread imports it: for the others it is there, too.
        for watcher in _active:
            watcher.note_module(file)


def _before_fork() -> None:
    for watcher in _active:
        with unwatched():
            watcher.before_fork()


def _after_fork() -> None:
    for watcher in _active:
        watcher.is_forked = True


def _on_program(args: tuple[Any, ...], _frame: FrameType) -> None:
    _note_program(args[1], args[2])


def _on_spawn(args: tuple[Any, ...], _frame: FrameType) -> None:
    _note_program(args[-2], None)  # (mode,) path, words, environment


def _on_system(args: tuple[Any, ...], _frame: FrameType) -> None:
    _note_program([args[0]], None)


def _note_program(words: Any, directory: Any) -> None:
    """Count files of the project that a program is started with."""
    if isinstance(words, str | bytes | os.PathLike):
        words = [words]
    try:
        base = os.getcwd() if directory is None else os.fsdecode(directory)
        texts = [os.fsdecode(word) for word in words]
    except (TypeError, OSError):
        return
    paths = [os.path.abspath(os.path.join(base, word)) for word in _split(texts)]
    for watcher in _watchers():
        for path in filter(os.path.isfile, paths):
            watcher.note_read(path)


def _split(texts: Iterable[str]) -> Iterator[str]:
    """Yield each argument, and the words of those that a shell would split.

    Also the values of those such as ``--in=f`` and ``if=f``.
    """
    for text in texts:
        words = [text]
        if " " in text:
            try:
                words += shlex.split(text)
            except ValueError:  # an open quote
                words += text.split()
        for word in words:
            yield word
            option, equals, value = word.partition("=")
            if equals and value and not _OUTPUT.match(option):
                yield value


#: What a program is given the name of a file by that it writes.
_OUTPUT = re.compile(r"-*(o|of|out.*)$")


_HANDLERS: dict[str, Callable[[tuple[Any, ...], FrameType], None]] = {
    "open": _on_open,
    "os.listdir": _on_list,
    "os.scandir": _on_list,
    "os.rename": _on_rename,
    "exec": _on_exec,
    "import": _on_extension,
    "sqlite3.connect": _on_database,
    "subprocess.Popen": _on_program,
    "os.exec": _on_spawn,
    "os.posix_spawn": _on_spawn,
    "os.spawn": _on_spawn,
    "os.system": _on_system,
}
