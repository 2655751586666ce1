"""The command `assetmake`: how it begins, and how it ends.

Only this module and those of modes print, and only this one exits.
"""

from __future__ import annotations

import errno
import os
import sys
from collections.abc import Callable, Sequence
from typing import Any, NoReturn

from click.exceptions import Exit

from assetmake.cli.looks import LOOKS
from assetmake.cli.options import Command
from assetmake.cli.parse import completes, parse
from assetmake.cli.session import (
    InterruptedBuildError,
    Session,
    show_error,
    tell_about_loads,
)
from assetmake.cli.terminal import ClosedError, Stream, silence
from assetmake.errors import AssetmakeError, hint_of, told


def run(command: Command, words: Sequence[str]) -> int:
    """Carry out a command line and return its exit status.

    Ctrl-C, what else tells a build to end, and a reader that has gone end the
    process by their signals.
    """
    try:
        return _run(command, words)
    except (ClosedError, BrokenPipeError):
        silence()
        _die("SIGPIPE")


def _run(command: Command, words: Sequence[str]) -> int:
    err = Stream(sys.stderr, os.environ, "auto", may_fail=True)
    full_trace = "--full-trace" in words
    try:
        options = parse(command, words)
        out = Stream(sys.stdout, os.environ, options.color)
        err = Stream(sys.stderr, os.environ, options.color, may_fail=True)
        session = Session(options, out, err)
        status = _mode(options.mode)(session)
        tell_about_loads(session)
        return status  # noqa: TRY300 - what is told may fail, too
    except Exit as shown:  # the help or the version
        return shown.exit_code
    except AssetmakeError as error:
        show_error(error, err, full_trace=full_trace)
        return error.exit_code
    except InterruptedBuildError as ended:
        _die(ended.signal)
    except KeyboardInterrupt as ended:
        # A terminal shows ^C: it is written over.
        err.line(("\r\x1b[K" if err.can_live() else "") + "assetmake: interrupted")
        _die(getattr(ended, "signal", "SIGINT"))
    except (ClosedError, BrokenPipeError):
        raise
    except OSError as error:
        show_error(_refused(error), err, full_trace=full_trace)
        return 2
    except Exception as error:  # noqa: BLE001 - whatever it is, 1 would mean "not fresh"
        from assetmake.messages.tracebacks import full_traceback

        if (refused := _unopened(error)) is not None:
            show_error(_refused(refused), err, full_trace=full_trace)
            return 2
        err.line(full_traceback(error))
        err.line("error: this is a bug in assetmake, please report the lines above")
        return 2


def _mode(name: str) -> Callable[[Session], int]:
    """Return what carries out a mode; most runs look, and change nothing."""
    if name in LOOKS:
        return LOOKS[name]
    from assetmake.cli.changes import CHANGES

    return CHANGES[name]


def _unopened(error: Exception) -> OSError | None:
    """Return why the operating system opened no compiled module, if that is it.

    Its linker tells in words alone: "FILE: cannot open shared object file: WHY".
    """
    if not isinstance(error, ImportError) or not error.path:
        return None
    for number in (errno.EMFILE, errno.ENFILE, errno.ENOMEM):
        if str(error).endswith(os.strerror(number)):
            return OSError(number, os.strerror(number), error.path)
    return None


def _refused(error: OSError) -> AssetmakeError:
    """Return how to tell of a file that the operating system refused."""
    raised = AssetmakeError(told(error), hints=hint_of(error))
    raised.__cause__ = error
    return raised


def _die(name: str) -> NoReturn:
    """End the process by a signal, so that a shell or a script sees which."""
    import signal

    number = signal.Signals[name]
    signal.signal(number, signal.SIG_DFL)
    os.kill(os.getpid(), number)
    # Reached only where the signal is blocked.
    sys.exit(128 + number)


class _Main(Command):
    """The command as the console script and ``python -m`` call it."""

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Run with the words given, or those of the command line, and exit."""
        if completes():
            return super().__call__(*args, prog_name="assetmake", **kwargs)
        words = args[0] if args else sys.argv[1:]
        sys.exit(run(self, words))


main = _Main()
