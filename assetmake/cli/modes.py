"""The modes of the command: each calls one method of `Project` and prints.

Results go to standard output; progress, errors and the closing line to
standard error.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any

from assetmake.cli.options import BUILD
from assetmake.cli.parse import Options
from assetmake.cli.terminal import Stream
from assetmake.code.parts import Place
from assetmake.errors import AssetmakeError, StoreError, UnknownNameError, did_you_mean
from assetmake.render.layout import count, safe, safe_lines

if TYPE_CHECKING:
    from assetmake.builds.listen import Result
    from assetmake.builds.plan import Plan
    from assetmake.project import Project
    from assetmake.render.progress import Progress
    from assetmake.status.compare import Status


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
        _check_directory(options.directory)
        return open_project(
            directory=options.directory, file=options.file, environment=options.env
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


def _check_directory(directory: str | None) -> None:
    """Raise if there is nothing to go to; a search upward would leave it."""
    if directory is not None and not os.path.isdir(directory):
        raise AssetmakeError(f"no directory {directory}", hints="look at -C")


# Modes that look -------------------------------------------------------------


def _status(session: Session) -> int:
    options, project = session.options, session.project
    rows, unmanaged = project.overview(
        options.names, data=not options.no_data, manifests=options.json
    )
    if options.json:
        from assetmake.render.jsons import status_keys

        session.json(status_keys(rows, unmanaged))
        return 0
    from assetmake.render.text import render_counts, render_short, render_status

    if options.silent:
        lines = render_short(rows, session.out.look())
        if lines:
            session.out.line("\n".join(lines))
        return 0
    if not rows:
        return _say_empty(session)
    session.out.line(render_status(rows, time.time(), session.out.look()))
    session.err.line("")
    for line in render_counts(rows, unmanaged, session.err.look()):
        session.err.line(line)
    return 0


def _check(session: Session) -> int:
    from assetmake.render.text import check_line, not_fresh, render_check_closing

    options = session.options
    rows = session.project.status(
        options.names, data=not options.no_data, manifests=options.json
    )
    reported = not_fresh(rows, options.allow)
    if options.json:
        from assetmake.render.jsons import check_keys

        session.json(check_keys(reported))
    elif options.mode == "check":
        for row in reported:
            session.out.line(check_line(row, session.place))
        session.err.line(render_check_closing(len(reported), rows))
    return 1 if reported else 0


def _why(session: Session) -> int:
    options = session.options
    found = session.project.why(options.names, predict=options.predict)
    if options.json:
        from assetmake.render.jsons import why_keys

        session.json(why_keys(found))
        return 0
    from assetmake.render.why import render_why

    if not found:
        session.err.line(f"nothing to explain: {_all_fresh(session)}")
        return 0
    if options.names:  # what is upstream may be the cause
        statuses = {row.name: row for row in session.project.status()}
    else:
        statuses = {why.status.name: why.status for why in found}
    now, look = time.time(), session.out.look()
    session.out.line("\n\n".join(render_why(why, statuses, now, look) for why in found))
    return 0


def _dry_run(session: Session) -> int:
    options = session.options
    plan = session.project.plan(
        options.names,
        always=options.always_make,
        pretend=options.what_if,
        only=options.only,
    )
    if options.json:
        from assetmake.render.jsons import plan_keys

        session.json(plan_keys(plan))
        return 0
    from assetmake.render.text import render_plan, render_plan_closing

    if plan.steps:
        forced = "--always-make" if options.always_make else "--what-if"
        look = session.out.look()
        session.out.line(render_plan(plan, f"because of {forced}", look))
    session.err.line(render_plan_closing(plan))
    obstacle = session.project.obstacle(plan)
    if obstacle is not None:
        session.err.line("")
        session.err.line("a build could not begin with that:")
        show_error(obstacle, session.err)
    return 0


def _list(session: Session) -> int:
    project, words = session.project, session.options.names
    names = project.select(words) if words else project.names()
    if session.options.json:
        session.json({"names": names})
    elif names:
        session.out.line("\n".join(safe(name) for name in names))
    return 0


def _graph(session: Session) -> int:
    from assetmake.graph import upstream_of

    options, project = session.options, session.project
    graph = project.graph()
    sources = graph.keys() - set(project.names())
    if options.names:
        needed = upstream_of(graph, project.select(options.names))
        graph = {name: upstream for name, upstream in graph.items() if name in needed}
    if options.json or options.format == "json":
        from assetmake.render.jsons import graph_keys

        session.json(graph_keys(graph, sources))
        return 0
    from assetmake.render import graphs

    if not graph:
        return _say_empty(session)
    if options.format == "tree":
        text = graphs.render_tree(graph, sources, session.out.look())
    elif options.format == "svg":
        from assetmake.render.svg import render_svg

        text = render_svg(graph, sources)
    else:
        draw = {"mermaid": graphs.render_mermaid, "dot": graphs.render_dot}
        text = draw[options.format](graph, sources)
    session.out.line(text)
    return 0


def _say_empty(session: Session) -> int:
    session.err.line(f"{session.path(session.project.assetfile.name)} defines no asset")
    return 0


def _all_fresh(session: Session) -> str:
    return f"{count(len(session.project.names()), 'asset')} fresh"


# Modes that change the store -------------------------------------------------


def _prune(session: Session) -> int:
    options, project = session.options, session.project
    orphans = _named_orphans(project.orphans(), options.names)
    if not orphans:
        session.err.line("no orphaned tables")
        return 0
    if options.dry_run:
        for row in orphans:
            session.out.line(f"would remove {_orphan(row, session)}")
        return 0
    if not options.yes and not _agreed(session, orphans):
        session.err.line("nothing was removed")
        return 0
    status, waiter = 0, _waiter(session)
    for row in orphans:
        try:
            removed = project.prune([row.name], listener=waiter)
        except StoreError as error:  # the others can go
            show_error(error, session.err)
            status = error.exit_code
        else:
            for place in removed:
                session.out.line(f"removed {safe(session.path(place))}")
    return status


def _named_orphans(orphans: Sequence[Status], names: Sequence[str]) -> Sequence[Status]:
    known = {row.name: row for row in orphans}
    for name in names:
        if name not in known:
            close = did_you_mean(name, known)
            hint = f"did you mean `{close}`?" if close else "`assetmake --prune -n`"
            msg = f"no orphaned table is named '{name}'"
            raise UnknownNameError(msg, hints=hint)
    return [known[name] for name in names] if names else orphans


def _orphan(row: Status, session: Session) -> str:
    rows = "" if row.rows is None else f" ({count(row.rows, 'row')})"
    place = os.path.dirname(row.place.file) if row.place else row.name
    return safe(f"{session.path(place)}{rows}")


def _agreed(session: Session, orphans: Sequence[Status]) -> bool:
    if sys.stdin is None or not sys.stdin.isatty():
        msg = "--prune asks before it removes, and nobody is there to answer"
        raise AssetmakeError(msg, hints="add -y, or -n to look first")
    for row in orphans:
        session.err.line(f"  {_orphan(row, session)}")
    session.err.write(f"remove {count(len(orphans), 'orphaned table')}? [y/N] ")
    return sys.stdin.readline().strip().lower() in ("y", "yes")


def _accept(session: Session) -> int:
    listener = _waiter(session)
    for name in session.project.accept(session.options.names, listener=listener):
        session.out.line(f"accepted {safe(name)}")
    return 0


def _verify(session: Session) -> int:
    from assetmake.builds.verify import Verified
    from assetmake.render.verify import render_closing, render_failures, render_verified

    options, err = session.options, session.err

    def told(result: Verified) -> None:
        if not options.json:
            session.out.line(render_verified(result, session.out.look()))

    waiting = _waiter(session).waiting
    found = session.project.verify(options.names, told=told, waiting=waiting)
    for text in render_failures(found, err.look(), full_trace=options.full_trace):
        err.line(f"\n{text}")
    err.line("")
    for line in render_closing(found, session.spent(), err.look()):
        err.line(line)
    if options.json:
        from assetmake.render.jsons import verify_keys

        session.json(verify_keys(found))
    return 0 if all(result.ok for result in found) else 1


def _waiter(session: Session) -> Progress:
    """Return a listener that tells for whom there is a wait."""
    from assetmake.render.progress import Progress

    return Progress(session.err.write, session.err.look)


def _init(session: Session) -> int:
    from pathlib import Path
    from shlex import quote

    from assetmake.cli.init import write_example

    _check_directory(session.options.directory)
    directory = Path(session.options.directory or ".")
    for file in write_example(directory):
        session.out.line(f"wrote {safe(os.path.relpath(file))}")
    at = session.options.directory
    command = "assetmake" if at is None else f"assetmake -C {quote(safe(at))}"
    session.err.line(f"now try: {command}, then {command} --status")
    return 0


# Building --------------------------------------------------------------------


def _build(session: Session) -> int:
    from assetmake.system.endings import endings

    with endings() as told:
        result = _built(session)
    if result.interrupted:
        raise InterruptedBuildError(told.signal or "SIGINT")
    return 0 if result.ok else 1


def _built(session: Session) -> Result:
    """Build, and say what came of it."""
    from assetmake.render.progress import Progress

    options, err = session.options, session.err
    progress: Progress | None = None
    if not options.silent:
        live = err.can_live() and not options.verbose and not options.pdb
        progress = Progress(err.write, err.look, live=live, path=session.path)
    try:
        result = session.project.build(
            options.names,
            jobs=1 if options.pdb else options.jobs,
            memory=options.memory,
            keep_going=options.keep_going,
            always=options.always_make,
            pretend=options.what_if,
            only=options.only,
            listener=progress,
            debug=options.pdb,
            echo=options.verbose,
        )
    finally:
        if progress is not None:
            progress.close()
    _report(session, result, progress.plan if progress else None)
    return result


def _report(session: Session, result: Result, plan: Plan | None) -> None:
    """Say what failed, and what was done."""
    from assetmake.render.result import render_failure, render_result

    options, err = session.options, session.err
    look = err.look()
    failures = [outcome for outcome in result.outcomes if outcome.kind == "failed"]
    for outcome in failures:
        text = render_failure(
            outcome,
            look,
            full_trace=options.full_trace,
            debugger=not options.pdb,
            printed=not (options.verbose or options.pdb),  # shown already
        )
        err.line(f"\n{text}")
    warned = [] if options.silent else [*_warnings(session, result)]
    for text in warned:
        err.line(f"\n{text}")
    if not options.silent:
        if failures or warned:
            err.line("")
        for line in _closing(session, result, plan) or render_result(
            result, plan, session.spent(), look
        ):
            err.line(line)
    if options.json:
        from assetmake.render.jsons import build_keys

        session.json(build_keys(result, session.spent()))


def _warnings(session: Session, result: Result) -> Iterator[str]:
    """Yield what checks of severity `warn` found, asset by asset."""
    from assetmake.render.result import render_warnings

    look = session.err.look()
    for outcome in result.outcomes:
        full_trace = session.options.full_trace
        if text := render_warnings(outcome, look, full_trace=full_trace):
            yield text


def _closing(session: Session, result: Result, plan: Plan | None) -> list[str]:
    """Return what to say of a build that no asset took part in, if it is so."""
    if result.outcomes or result.fresh or plan is None:
        return []
    if session.options.names:
        return ["assetmake: nothing to do: a source is made elsewhere"]
    file = session.path(session.project.assetfile.name)
    return [f"assetmake: nothing to do: {safe(file)} defines no asset"]


#: What each mode does; it returns the exit status.
RUN: dict[str, Callable[[Session], int]] = {
    BUILD: _build,
    "status": _status,
    "check": _check,
    "question": _check,
    "dry-run": _dry_run,
    "why": _why,
    "list": _list,
    "graph": _graph,
    "prune": _prune,
    "accept": _accept,
    "verify": _verify,
    "init": _init,
}


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
