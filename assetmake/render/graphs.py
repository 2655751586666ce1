"""The lineage of a project as a tree, and in the languages of drawing tools."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

from assetmake.messages.cells import cells
from assetmake.render.layout import Look, cut, listed, safe

#: What each name reads, upstream first; a source reads nothing.
Lineage = Mapping[str, Sequence[str]]


def render_tree(graph: Lineage, sources: Collection[str], look: Look) -> str:
    """Return the lineage as a tree, each name once, below what it reads.

    A name that reads several others stands below the last of them, and tells
    the rest, which stand further up.

    Args:
        graph: Upstream before downstream.
        sources: Names that are sources.
        look: Of the stream.
    """
    position = {name: number for number, name in enumerate(graph)}
    below: dict[str | None, list[str]] = {}
    for name, upstream in graph.items():
        parent = max(upstream, key=position.__getitem__, default=None)
        below.setdefault(parent, []).append(name)
    bar, tee, end = "│   ", "├── ", "└── "
    if not look.unicode:
        bar, tee, end = "|   ", "|-- ", "`-- "
    lines = []
    roots = below.get(None, [])
    # A stack, because a chain may be longer than Python's own.
    stack = [(name, "", "") for name in reversed(roots)]
    while stack:
        name, stem, branch = stack.pop()
        told = " (source)" if name in sources else _others(graph[name], position)
        lines.append(_line(name, stem + branch, told, look))
        # Of a stem that is wider than the stream, only the end is ever shown.
        inner = (stem + {tee: bar, end: "    "}.get(branch, ""))[-2 * look.width :]
        inside = below.get(name, [])
        stack += [
            (child, inner, end if number == len(inside) - 1 else tee)
            for number, child in reversed(list(enumerate(inside)))
        ]
    return "\n".join(lines)


def _others(upstream: Sequence[str], position: Mapping[str, int]) -> str:
    """Return what to say of all but the last of what a name reads."""
    if len(upstream) < 2:
        return ""
    last = max(upstream, key=position.__getitem__)
    return f" (also reads {listed([safe(name) for name in upstream if name != last])})"


def _line(name: str, stem: str, told: str, look: Look) -> str:
    room = max(look.width - cells(safe(name)), 8)
    if len(stem) > room:  # deeper than the stream is wide
        stem = look.dots + stem[len(stem) - room + len(look.dots) :]
    left = look.width - len(stem) - cells(safe(name))
    told = cut(told, left, look) if left > len(look.dots) else ""
    return stem + look.paint(safe(name), "bold") + look.paint(told, "dim")


def render_mermaid(graph: Lineage, sources: Collection[str]) -> str:
    """Return a Mermaid flowchart, as GitHub and GitLab draw it in Markdown.

    Nodes are numbered: a name such as ``end`` would be a word of the language.
    """
    ids = {name: f"n{number}" for number, name in enumerate(graph)}
    lines = ["flowchart LR"]
    for name, node in ids.items():
        label = safe(name).replace('"', "#quot;")
        opening, closing = ("[(", ")]") if name in sources else ("[", "]")
        lines.append(f'  {node}{opening}"{label}"{closing}')
    lines += [
        f"  {ids[other]} --> {ids[name]}"
        for name, upstream in graph.items()
        for other in upstream
    ]
    return "\n".join(lines)


def render_dot(graph: Lineage, sources: Collection[str]) -> str:
    """Return a graph in the language of Graphviz."""
    lines = ["digraph assetmake {", "  rankdir=LR;", "  node [shape=box];"]
    for name in graph:
        shape = " [shape=cylinder]" if name in sources else ""
        lines.append(f"  {_quoted(name)}{shape};")
    lines += [
        f"  {_quoted(other)} -> {_quoted(name)};"
        for name, upstream in graph.items()
        for other in upstream
    ]
    return "\n".join([*lines, "}"])


def _quoted(name: str) -> str:
    escaped = safe(name).replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'
