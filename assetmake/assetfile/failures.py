"""Turn what an Assetfile raised into an error that shows the user's own lines.

Only failures of a load; those of an asset's run are told elsewhere.
"""

from __future__ import annotations

import os
import re
import sys
import traceback
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from importlib.machinery import PathFinder
from pathlib import Path
from types import ModuleType, TracebackType

from assetmake.code.imports import Bounds, Session
from assetmake.errors import LoadError, did_you_mean
from assetmake.messages.excerpts import call_span, excerpt, line_of, shown_path
from assetmake.system.masks import masked

#: Distributions whose import name is another; pip knows the others by name.
_DISTRIBUTIONS = {
    "PIL": "pillow",
    "bs4": "beautifulsoup4",
    "cv2": "opencv-python",
    "dateutil": "python-dateutil",
    "dotenv": "python-dotenv",
    "git": "GitPython",
    "skimage": "scikit-image",
    "sklearn": "scikit-learn",
    "yaml": "PyYAML",
    "pyspark": '"assetmake[spark]"',
    "polars": '"assetmake[polars]"',
    "duckdb": '"assetmake[duckdb]"',
}
#: Outer lines of the project that a message shows at most.
_MOST_CALLERS = 5


@dataclass(frozen=True, slots=True)
class _Frame:
    file: str
    line: int
    span: tuple[int, int] | None
    function: str
    module: str


def load_error(
    error: Exception | SystemExit, path: Path, session: Session
) -> LoadError:
    """Return an error that says where and why an Assetfile cannot be loaded.

    Args:
        error: What it raised, with its traceback.
        path: Of the Assetfile.
        session: Of the load, its modules being still there.
    """
    root = session.bounds.root
    frames = list(_frames(error.__traceback__))
    ours = [index for index, f in enumerate(frames) if session.bounds.owns(f.file)]
    inner = frames[ours[-1] + 1 :] if ours else []
    shown = [frames[index] for index in reversed(ours)]
    if isinstance(error, SyntaxError) and session.bounds.owns(error.filename or ""):
        shown.insert(0, _syntax_frame(error))
        inner = []
    why = masked(_summary(error).replace(f"{root}{os.sep}", ""))
    lines = [f"{shown_path(str(path), root)} cannot be loaded: {why}"]
    if shown:
        first = shown[0]
        text = line_of(first.file, first.line)
        where = shown_path(first.file, root)
        lines.append(excerpt(where, first.line, text, first.span))
    lines += _callers(shown[1:], root)
    packages = [f.module for f in inner if not f.file.startswith("<frozen ")]
    if packages:
        count = f"{len(packages)} frame{'s' if len(packages) > 1 else ''}"
        lines.append(f"  ... {count} in {packages[0]} (--full-trace shows them)")
    return LoadError("\n".join(lines), hints=_hints(error, session))


def _frames(trace: TracebackType | None) -> Iterator[_Frame]:
    while trace is not None:
        code = trace.tb_frame.f_code
        line, span = call_span(code, trace.tb_lasti) or (trace.tb_lineno, None)
        module = str(trace.tb_frame.f_globals.get("__name__", "")).partition(".")[0]
        yield _Frame(
            code.co_filename, line or trace.tb_lineno, span, code.co_name, module
        )
        trace = trace.tb_next


def _syntax_frame(error: SyntaxError) -> _Frame:
    file, line = str(error.filename), error.lineno or 1
    span = None
    if error.offset:
        start = error.offset - 1
        same_line = error.end_lineno in (None, line)
        end = (error.end_offset or 0) - 1 if same_line else -1
        text = line_of(file, line).rstrip()
        span = (start, end if end > start else max(len(text), start + 1))
    return _Frame(file, line, span, "<module>", "")


def _summary(error: BaseException) -> str:
    """Return the class and text of an exception, as Python prints them last."""
    if isinstance(error, SystemExit):
        return f"it ended the process: SystemExit({error.code!r})"
    if isinstance(error, SyntaxError):
        return f"{type(error).__name__}: {error.msg}"
    told = traceback.TracebackException(type(error), error, None)
    text = "".join(told.format_exception_only()).rstrip()
    if isinstance(error, ImportError) or isinstance(_owner(error), ModuleType):
        # From Python 3.12 on, and often a module that is none of the public names.
        text = re.sub(r"\. Did you mean: '\w+'\?$", "", text)
    return "\n  ".join(text.split("\n"))


def _owner(error: BaseException) -> object:
    """Return what has no attribute of a name, if that is what is wrong."""
    return error.obj if isinstance(error, AttributeError) else None


def _callers(frames: Sequence[_Frame], root: Path) -> list[str]:
    lines = []
    for frame in frames:
        text = line_of(frame.file, frame.line).strip()
        where = f"{shown_path(frame.file, root)}:{frame.line}"
        lines.append(f"  reached from {where}: {text}".rstrip(": "))
    lines = list(dict.fromkeys(lines))  # a recursion is told once
    left = len(lines) - _MOST_CALLERS
    return [*lines[:_MOST_CALLERS], f"  ... and {left} more"] if left > 0 else lines


def _hints(error: BaseException, session: Session) -> Iterator[str]:
    if isinstance(error, ModuleNotFoundError) and error.name:
        yield from _missing_module(error.name, session.bounds)
    elif isinstance(error, ImportError) and error.name:
        yield from _missing_name(error, session)
    elif isinstance(error, AttributeError) and isinstance(error.obj, ModuleType):
        yield from _instead_of(str(error.name), error.obj)
    elif isinstance(error, SystemExit):
        yield 'take the exit out, or put it under `if __name__ == "__main__":`'
    elif isinstance(error, SyntaxError) and "(unicode error)" in error.msg:
        yield "save the file as UTF-8, or name its encoding in its first line"
    elif "[SESSION_OR_CONTEXT_NOT_EXISTS]" in str(error):
        # pyspark asks the JVM to read a type that is given as text.
        yield "use Spark in the functions of assets: no session runs before them"
        yield "give `udf` its type as an object, such as `@udf(LongType())`"
    if isinstance(error, ImportError | AttributeError | TypeError):
        yield from _hiding(str(error), session)


_STDLIB_NAMES = sys.stdlib_module_names


def _missing_module(name: str, bounds: Bounds) -> Iterator[str]:
    top = name.partition(".")[0]
    if "." in name and top in sys.modules:
        yield f"look for `{name.rpartition('.')[2]}` in `{name.rpartition('.')[0]}`"
        return
    found = _elsewhere(top, bounds)
    if found:
        yield f"import it from where it is: {shown_path(found, bounds.root)}"
        return
    beside = [
        entry.removesuffix(".py")
        for entry in os.listdir(bounds.root)
        if entry.endswith(".py") or os.path.isdir(bounds.root / entry)
    ]
    close = did_you_mean(top, {*beside, *_DISTRIBUTIONS, *_STDLIB_NAMES, *_COMMON})
    if close and close != top:
        yield f"write `{close}`, if that is what is meant"
    yield f"`pip install {_DISTRIBUTIONS.get(top, top)}`, if it is a package"


#: What an Assetfile often imports, for spelling.
_COMMON = ("assetmake", "matplotlib", "numpy", "pandas", "pyarrow", "pyspark", "scipy")


def _elsewhere(name: str, bounds: Bounds) -> str | None:
    """Return a module of that name one directory below the project's, if any."""
    for entry in sorted(os.listdir(bounds.root)):
        for candidate in (f"{name}.py", os.path.join(name, "__init__.py")):
            path = os.path.join(bounds.root, entry, candidate)
            if bounds.owns(path) and os.path.isfile(path):
                return path
    return None


def _missing_name(error: ImportError, session: Session) -> Iterator[str]:
    name = str(error.name)
    module = session.modules.get(name) or sys.modules.get(name)
    # Python 3.11 has no `name_from`.
    wanted = re.match(r"cannot import name '(\w+)'", str(error))
    if "circular import" in str(error):
        yield f"import `{name}` inside of the function that uses it"
    elif module is not None and wanted:
        yield from _instead_of(wanted[1], module)


def _instead_of(name: str, module: ModuleType) -> Iterator[str]:
    close = did_you_mean(name, getattr(module, "__all__", dir(module)))
    if close:
        yield f"write `{close}`, which `{module.__name__}` has"


def _hiding(message: str, session: Session) -> Iterator[str]:
    """Tell of modules beside the Assetfile that have an installed one's name."""
    root = session.bounds.root
    for path in session.files:
        name = path.stem
        if path.parent != root or f"'{name}" not in message:
            continue
        if name in _STDLIB_NAMES:
            yield f"rename {path.name}: it hides the standard library's `{name}`"
            continue
        rest = [entry for entry in sys.path if os.path.abspath(entry) != str(root)]
        spec = PathFinder.find_spec(name, rest)
        if spec is not None and spec.origin:
            yield f"rename {path.name}: it hides the installed package `{name}`"
