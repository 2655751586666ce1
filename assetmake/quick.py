"""Where the command begins: the answer "nothing changed", before anything else.

Most runs in a prompt, a hook or an editor find a valid snapshot. Those whose
answer needs no more than that are answered here, without click and without a
look at the user's code; every other command line, and every doubt, goes to
`cli`. What is printed is, to the letter, what `cli` would print.
"""

from __future__ import annotations

import os
import sys
import time

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from typing import NoReturn

    from assetmake.saved.snapshot import Recalled

_STARTED = time.perf_counter()

#: Options that choose or change what is asked, by their spellings.
_MODES = {
    "-s": "silent",
    "--silent": "silent",
    "-q": "question",
    "--question": "question",
    "--check": "check",
    "--status": "status",
}
#: What is answered here: which of those may be given together.
_ASKED = {
    frozenset[str](): "build",
    frozenset({"silent"}): "silent",
    frozenset({"question"}): "question",
    frozenset({"check"}): "check",
    frozenset({"status", "silent"}): "status",
}
#: What has to be asked before the process ends, if anything here imported it.
_AT_END = frozenset({"atexit", "threading"})
#: What may build, and so goes by a look that loaded the Assetfile.
_BUILDS = ("build", "silent")
_COLORS = ("auto", "always", "never")
#: Narrower than any terminal that a line is fitted to; see `cli.terminal`.
_LEAST = 40


def main() -> None:
    """Carry out the command line of this process, and exit."""
    try:
        status = _answer(sys.argv[1:])
        if status is None:
            from assetmake.cli.main import main as run
    except KeyboardInterrupt:
        _die_of_interrupt()
    if status is None:
        run()
        return
    if not _AT_END.isdisjoint(sys.modules):
        sys.exit(status)
    # All is written: to take the interpreter down piece by piece helps nobody.
    os._exit(status)


def _die_of_interrupt() -> NoReturn:
    """End by Ctrl-C as `cli` does, which is not there yet."""
    import signal

    sys.stderr.write("assetmake: interrupted\n")
    sys.stderr.flush()
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    os.kill(os.getpid(), signal.SIGINT)
    sys.exit(130)  # reached only where the signal is blocked


def _answer(words: Sequence[str]) -> int | None:
    """Answer a command line and return its exit status; None if `cli` has to."""
    parsed = _parse(words)
    if parsed is None or sys.stdout is None or sys.stderr is None:
        return None
    if "ASSETMAKE_INDEX" in os.environ or "_ASSETMAKE_COMPLETE" in os.environ:
        return None
    asked, directory, environment = parsed
    root = _project(directory)
    builds = asked in _BUILDS
    found = _recalled(root, environment, builds=builds) if root is not None else None
    if root is None or found is None:
        return None
    told = _told(asked, found, root)
    if told is None:
        return None
    status, out, err = told
    try:
        if out:
            sys.stdout.reconfigure(errors="backslashreplace")  # type: ignore[union-attr]
            sys.stdout.write(out)
            sys.stdout.flush()
        if err:
            sys.stderr.write(err)
            sys.stderr.flush()
    except (OSError, ValueError):
        return None  # it fails there as well, and is told
    return status


def _parse(words: Sequence[str]) -> tuple[str, str, str] | None:
    """Return what is asked, where, and in which environment; None if unsure."""
    given: set[str] = set()
    directory, environment = "", os.environ.get("ASSETMAKE_ENV", "")
    rest = iter(words)
    for word in rest:
        if word in _MODES:
            given.add(_MODES[word])
        elif word == "-C":
            directory = next(rest, "")
            if not os.path.isdir(directory):
                return None
        elif word == "--color":
            if next(rest, "") not in _COLORS:
                return None
        elif word == "--env":
            environment = next(rest, "")
            if not environment:
                return None
        else:
            return None
    asked = _ASKED.get(frozenset(given))
    return None if asked is None else (asked, directory, environment)


def _project(directory: str) -> str | None:
    """Return the directory of the Assetfile, from another one upward."""
    try:
        directory = os.path.abspath(directory)
    except OSError:
        return None
    while not os.path.isfile(os.path.join(directory, "Assetfile.py")):
        above = os.path.dirname(directory)
        if above == directory:
            return None
        directory = above
    return directory


def _recalled(root: str, environment: str, *, builds: bool) -> Recalled | None:
    """Return the snapshot of a project, if it holds.

    Where the store is, only the configuration says, whose parser costs more
    than all this. So it is guessed: a snapshot names the configuration and the
    store that it was made with, and a wrong guess finds none.
    """
    from assetmake.saved.snapshot import FILE_NAME, PRIVATE, UNLOADED, key_of, recall

    config = _bytes(os.path.join(root, "pyproject.toml"))
    for store in _stores(config):
        place = os.path.abspath(os.path.join(root, store))
        for name in (FILE_NAME,) if builds else (FILE_NAME, UNLOADED):
            file = os.path.join(place, PRIVATE, name)
            if os.path.exists(file):
                key = key_of("Assetfile.py", environment, config, store, root)
                found = recall(file, key, root, alone=True)
                if found is not None:
                    return found
    return None


def _stores(config: bytes) -> Iterator[str]:
    """Yield where the store could be, as the configuration would name it."""
    yield "data"
    if b"assetmake" not in config:
        return
    for line in config.decode("utf-8", "replace").splitlines():
        key, _, value = line.partition("=")
        if key.strip() == "root":
            text = value.strip()
            yield text[1:].partition(text[:1])[0]


def _bytes(path: str) -> bytes:
    try:
        with open(path, "rb", buffering=0) as file:
            return file.read()
    except OSError:
        return b""


def _told(asked: str, found: Recalled, root: str) -> tuple[int, str, str] | None:
    """Return the exit status and what goes to each stream; None if unsure."""
    if asked == "question":
        return (1 if found.named else 0), "", ""
    if asked == "check":
        return _checked(found, root)
    if found.named or (not found.fresh and asked != "status"):
        return None
    if asked != "build":
        return 0, "", ""
    spent = time.perf_counter() - _STARTED
    fresh = _count(found.fresh, "asset")
    line = f"assetmake: nothing to do, {fresh} fresh ({spent:.1f}s)"
    return (0, "", line + "\n") if _fits(line) else None


def _checked(found: Recalled, root: str) -> tuple[int, str, str] | None:
    tables = _count(found.total, "table")
    if not found.named:
        return 0, "", f"{tables}, all fresh\n"
    lines = []
    for file, line, text in found.named:
        if not text:
            return None
        path = os.path.join(root, file)
        shown = os.path.relpath(path) if os.path.lexists(path) else file
        if not shown.isprintable():
            return None
        lines.append(f"{shown}:{line}: {text}\n")
    number = len(lines)
    are = "is" if number == 1 else "are"
    closing = f"{number:,} of {tables} {are} not fresh: run assetmake, "
    return 1, "".join(lines), f"{closing}or assetmake --why\n"


def _fits(line: str) -> bool:
    """Whether a line needs not be broken on standard error."""
    if len(line) <= _LEAST:
        return True
    told = os.environ.get("COLUMNS", "")
    if told.isdecimal() and int(told):
        return len(line) <= int(told)
    if not sys.stderr.isatty():
        return True
    try:
        return len(line) <= (os.get_terminal_size(2).columns or len(line))
    except OSError:
        return False


def _count(number: int, noun: str) -> str:
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"
