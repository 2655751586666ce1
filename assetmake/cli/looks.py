"""The modes that look: each calls one method of `Project` and prints.

Results go to standard output, closing lines to standard error. Nothing is changed.
"""

from __future__ import annotations

import time
from collections.abc import Callable

from assetmake.cli.session import Session, show_error
from assetmake.render.layout import count, safe


def _status(session: Session) -> int:
    options, project = session.options, session.project
    rows, unmanaged, elsewhere = project.overview(
        options.names, data=not options.no_data, manifests=options.json
    )
    if options.json:
        from assetmake.render.jsons import status_keys

        session.json(status_keys(rows, unmanaged, elsewhere))
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
    for line in render_counts(rows, unmanaged, elsewhere, session.err.look()):
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


#: What each of these modes does; it returns the exit status.
LOOKS: dict[str, Callable[[Session], int]] = {
    "status": _status,
    "check": _check,
    "question": _check,
    "dry-run": _dry_run,
    "why": _why,
    "list": _list,
    "graph": _graph,
}
