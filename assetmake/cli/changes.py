"""The modes that change a store, or run assets: each calls one method of `Project`.

Results go to standard output; progress, errors and the closing line to
standard error.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING

from assetmake.cli.options import BUILD
from assetmake.errors import AssetmakeError, StoreError, UnknownNameError, did_you_mean
from assetmake.render.layout import count, safe

if TYPE_CHECKING:
    from assetmake.builds.accept import Accepted
    from assetmake.builds.listen import Result
    from assetmake.builds.plan import Plan
    from assetmake.render.progress import Progress
    from assetmake.status.rows import Status


from assetmake.cli.session import (
    InterruptedBuildError,
    Session,
    check_directory,
    show_error,
    waiter,
)


def _prune(session: Session) -> int:
    options, project = session.options, session.project
    known = [*project.orphans(), *project.elsewhere()]
    orphans = _chosen_orphans(known, session)
    if not orphans:
        if not known:
            session.err.line("no orphaned tables")
        return 0
    ours, status = _proved(orphans, session)
    if options.dry_run:
        for row in ours:
            session.out.line(f"would remove {_orphan(row, session)}")
        return status
    if ours and not options.yes and not _agreed(session, ours):
        session.err.line("nothing was removed")
        return status
    listener = waiter(session)
    for row in ours:
        try:
            removed = project.prune([row.name], listener=listener)
        except StoreError as error:  # the others can go
            show_error(error, session.err)
            status = error.exit_code
        else:
            for place in removed:
                session.out.line(f"removed {safe(session.path(place))}")
    return status


def _chosen_orphans(orphans: Sequence[Status], session: Session) -> Sequence[Status]:
    names = session.options.names
    known = {row.name: row for row in orphans}
    for name in names:
        if name not in known:
            close = did_you_mean(name, known)
            hint = f"did you mean `{close}`?" if close else "`assetmake --prune -n`"
            msg = f"no orphaned table is named '{name}'"
            raise UnknownNameError(msg, hints=hint)
    if names:
        return [known[name] for name in names]
    for row in orphans:
        if not row.is_removable:
            why = "; ".join(reason.text for reason in row.reasons)
            line = f"{_orphan(row, session)} stays: {why}; remove it by its name"
            session.err.line(line)
    return [row for row in orphans if row.is_removable]


def _proved(
    orphans: Sequence[Status], session: Session
) -> tuple[Sequence[Status], int]:
    """Return those that can be removed, and the exit status; say why others stay."""
    found, status = [], 0
    for row in orphans:
        obstacle = session.project.store.obstacle(row.name)
        if obstacle is None:
            found.append(row)
        else:
            show_error(obstacle, session.err)
            status = obstacle.exit_code
    return found, status


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
    def told(one: Accepted) -> None:
        name = safe(one.name)
        if one.was_fresh:
            session.err.line(f"{name} is fresh already")
            return
        session.out.line(f"accepted {name}")
        if one.status.is_stale:
            why = "; ".join(safe(reason.text) for reason in one.status.reasons)
            session.err.line(f"{name} is still {one.status.state}: {why}")

    listener = waiter(session)
    session.project.accept(session.options.names, told=told, listener=listener)
    return 0


def _verify(session: Session) -> int:
    from assetmake.builds.verify import Verified
    from assetmake.render.verify import render_closing, render_failures, render_verified

    options, err = session.options, session.err

    def told(result: Verified) -> None:
        if not options.json:
            session.out.line(render_verified(result, session.out.look()))

    waiting = waiter(session).waiting
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


def _init(session: Session) -> int:
    from pathlib import Path
    from shlex import quote

    from assetmake.cli.init import write_example

    check_directory(session.options.directory)
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
    # Between two assets of `-j` nothing is stopped, and the build ended all the same.
    if result.interrupted or told.signal:
        raise InterruptedBuildError(told.signal or "SIGINT")
    return 0 if result.ok else 1


def _built(session: Session) -> Result:
    """Build, and say what came of it."""
    from assetmake.render.progress import Progress

    options, err = session.options, session.err
    progress: Progress | None = None
    if not options.silent:
        live = err.can_live() and not options.verbose and not options.pdb
        progress = Progress(
            err.write,
            err.look,
            live=live,
            keep_going=options.keep_going,
            path=session.path,
        )
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
    from assetmake.render.result import render_failure, render_notes, render_result

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
    if result.notes and not options.silent:
        warned.append("\n".join(render_notes(result.notes, look)))
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


#: What each of these modes does; it returns the exit status.
CHANGES: dict[str, Callable[[Session], int]] = {
    BUILD: _build,
    "prune": _prune,
    "accept": _accept,
    "verify": _verify,
    "init": _init,
}
