"""One run of the command: its options, streams and project, and how it tells of errors.

What each mode does is in `looks` and `changes`.
"""

from __future__ import annotations

import os
import time
from functools import cached_property
from typing import TYPE_CHECKING, Any

from assetmake.cli.parse import Options
from assetmake.cli.terminal import Stream
from assetmake.code.parts import Place
from assetmake.errors import AssetmakeError
from assetmake.render.layout import safe, safe_lines

if TYPE_CHECKING:
    from assetmake.project import Project
    from assetmake.render.progress import Progress


class InterruptedBuildError(Exception):
    """A signal ended the build, and all about it was said; `signal` is its name."""

    def __init__(self, name: str) -> None:
        super().__init__(name)
        self.signal = name


class Session:
    """One run of the command: its options, its streams and its project."""

    def __init__(self, options: Options, out: Stream, err: Stream) -> None:
        self.options = options
        self.out = out
        self.err = err
        self.started = time.perf_counter()

    @cached_property
    def project(self) -> Project:
        """The project that the options name."""
        from assetmake.project import open_project

        options = self.options
        _check_here()
        check_directory(options.directory)
        return open_project(
            directory=options.directory,
            file=options.file,
            environment=options.env,
            named_by=options.env_by,
        )

    def spent(self) -> float:
        """Return the seconds since the command began."""
        return time.perf_counter() - self.started

    def json(self, keys: dict[str, Any]) -> None:
        """Print one document."""
        from assetmake.render.jsons import render_json

        mode = self.options.mode
        self.out.line(render_json(mode, str(self.project.root), keys))

    def path(self, path: str) -> str:
        """Return a path of the project as the reader, standing elsewhere, sees it."""
        absolute = os.path.join(self.project.root, path)
        return os.path.relpath(absolute) if os.path.lexists(absolute) else path

    def place(self, place: Place) -> str:
        """Return a place for editors: a path from here, and a line from 1."""
        return f"{self.path(place.file)}:{place.line or 1}"


def _check_here() -> None:
    """Raise if the working directory was removed meanwhile."""
    try:
        os.getcwd()
    except FileNotFoundError as error:
        msg = "the working directory is gone"
        raise AssetmakeError(msg, hints="change to one that exists") from error


def check_directory(directory: str | None) -> None:
    """Raise if there is nothing to go to; a search upward would leave it."""
    if directory is not None and not os.path.isdir(directory):
        raise AssetmakeError(f"no directory {directory}", hints="look at -C")


def waiter(session: Session) -> Progress:
    """Return a listener that tells for whom there is a wait."""
    from assetmake.render.progress import Progress

    return Progress(session.err.write, session.err.look)


def tell_about_loads(session: Session) -> None:
    """Say why the Assetfile was loaded, if asked, and where that told otherwise."""
    if "project" not in session.__dict__:
        return
    different = session.project.differences
    if different:
        names = ", ".join(f"`{name}`" for name in different[:5])
        more = f" and {len(different) - 5:,} more" if len(different) > 5 else ""
        session.err.line(
            safe(
                f"warning: this is a bug in assetmake, please report it: of {names}"
                f"{more} the last look, which did not load the Assetfile, told "
                "something else; what is told now is right"
            )
        )
    if session.options.verbose:
        for note in session.project.notes():
            session.err.line(safe(f"note: {note}"))


def show_error(error: AssetmakeError, err: Stream, *, full_trace: bool = False) -> None:
    """Print a problem with its hints; the whole traceback only if asked for."""
    look = err.look()
    if full_trace:
        from assetmake.messages.tracebacks import full_traceback

        # What was raised in the user's code, if that is what went wrong.
        err.line(full_traceback(error.__cause__ or error))
    err.line(f"{look.paint('error', 'failed')}: " + "\n".join(safe_lines(str(error))))
    for hint in error.hints:
        err.line(f"{look.paint('hint', 'cyan')}: {safe(hint)}")
