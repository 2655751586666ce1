"""Draw the lineage of a project as SVG: layers from left to right, no library.

Sugiyama's method: a name stands one layer behind the last that it reads; a line
over several layers has a bend in each between, so that it goes around boxes;
within a layer, what is joined to each other stands near each other.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

from assetmake.messages.cells import cells
from assetmake.render.layout import safe

#: Pixels: of a character of the 12-pixel monospaced font, of boxes and bends, of gaps.
_CHAR, _PAD, _BOX, _BEND = 7.3, 10, 28, 8
_GAP_X, _GAP_Y, _MARGIN = 60, 14, 16
#: Walks over the layers that bring joined ones near each other.
_SWEEPS = 8
#: More bends than this are left out: nobody follows single lines then.
_MOST_BENDS = 20_000

_STYLE = (
    "text{font:12px ui-monospace,Menlo,Consolas,monospace;fill:#1f2328}"
    "rect{fill:#fff;stroke:#57606a}"
    ".source rect{fill:#eaf2ff;stroke:#3b6fb6}"
    "path{fill:none;stroke:#8c959f;stroke-width:1.3}"
)


@dataclass(slots=True)
class _Drawing:
    """Boxes and bends by number, the boxes first, in the order of `names`."""

    names: list[str]
    layers: list[list[int]]
    routes: list[list[int]]


@dataclass(frozen=True, slots=True)
class _Point:
    """Where a box or a bend begins and ends, and its middle line."""

    left: float
    right: float
    y: float


def render_svg(graph: Mapping[str, Sequence[str]], sources: Collection[str]) -> str:
    """Return an SVG document of boxes and curves, on white.

    Args:
        graph: What each name reads; upstream before downstream.
        sources: Names that are sources; their boxes are blue and round.
    """
    drawing = _spread(graph)
    _sort(drawing)
    points, width, height = _place(drawing)
    size = f'width="{width:.0f}" height="{height:.0f}"'
    box = f'viewBox="0 0 {width:.0f} {height:.0f}" role="img" aria-label="lineage"'
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" {size} {box}>',
        f"<style>{_STYLE}</style>",
        f'<rect {size} style="stroke:none"/>',
    ]
    parts += [_curve([points[n] for n in route]) for route in drawing.routes]
    parts += [
        _box(name, point, is_source=name in sources)
        for name, point in zip(graph, points, strict=False)
    ]
    return "\n".join([*parts, "</svg>"])


def _spread(graph: Mapping[str, Sequence[str]]) -> _Drawing:
    """Return boxes in layers, and the bends between them."""
    names = list(graph)
    number = {name: n for n, name in enumerate(names)}
    depth: list[int] = []
    for name in names:
        depth.append(max((depth[number[o]] + 1 for o in graph[name]), default=0))
    layers: list[list[int]] = [[] for _ in range(max(depth, default=0) + 1)]
    for n, layer in enumerate(depth):
        layers[layer].append(n)
    routes, end = [], len(names)
    for name in names:
        for other in graph[name]:
            start, stop = depth[number[other]] + 1, depth[number[name]]
            route = [number[other]]
            if end - len(names) < _MOST_BENDS:
                for layer in range(start, stop):
                    layers[layer].append(end)
                    route.append(end)
                    end += 1
            routes.append([*route, number[name]])
    return _Drawing(names, layers, routes)


def _sort(drawing: _Drawing) -> None:
    """Order each layer by the mean place of what its members are joined to."""
    before: dict[int, list[int]] = {}
    behind: dict[int, list[int]] = {}
    for route in drawing.routes:
        for first, second in pairwise(route):
            behind.setdefault(first, []).append(second)
            before.setdefault(second, []).append(first)
    place = {
        n: (position + 0.5) / len(layer)
        for layer in drawing.layers
        for position, n in enumerate(layer)
    }
    for sweep in range(_SWEEPS):
        joined = behind if sweep % 2 else before
        for layer in reversed(drawing.layers) if sweep % 2 else drawing.layers:
            means = {
                n: sum(place[other] for other in joined[n]) / len(joined[n])
                if n in joined
                else place[n]
                for n in layer
            }
            layer.sort(key=means.__getitem__)  # stable: ties stay as defined
            for position, n in enumerate(layer):
                place[n] = (position + 0.5) / len(layer)


def _place(drawing: _Drawing) -> tuple[list[_Point], float, float]:
    """Return where boxes and bends stand, by number, and the drawing's size."""
    boxes = len(drawing.names)
    tall = [
        sum((_BOX if n < boxes else _BEND) + _GAP_Y for n in layer) - _GAP_Y
        for layer in drawing.layers
    ]
    points: dict[int, _Point] = {}
    left: float = _MARGIN
    for layer, own in zip(drawing.layers, tall, strict=True):
        longest = max(cells(safe(drawing.names[n])) for n in layer if n < boxes)
        right = left + longest * _CHAR + 2 * _PAD
        top = _MARGIN + (max(tall) - own) / 2
        for n in layer:
            height = _BOX if n < boxes else _BEND
            points[n] = _Point(left, right, top + height / 2)
            top += height + _GAP_Y
        left = right + _GAP_X
    size = left - _GAP_X + _MARGIN, max(tall) + 2 * _MARGIN
    return [points[n] for n in range(len(points))], *size


def _curve(route: Sequence[_Point]) -> str:
    path = f"M{route[0].right:.1f},{route[0].y:.1f}"
    for start, end in pairwise(route):
        middle = (start.right + end.left) / 2
        path += (
            f" C{middle:.1f},{start.y:.1f} {middle:.1f},{end.y:.1f}"
            f" {end.left:.1f},{end.y:.1f}"
        )
        if end is not route[-1]:
            path += f" L{end.right:.1f},{end.y:.1f}"
    return f'<path d="{path}"/>'


def _box(name: str, point: _Point, *, is_source: bool) -> str:
    kind = ' class="source"' if is_source else ""
    radius = _BOX // 2 if is_source else 4
    label = safe(name).replace("&", "&amp;").replace("<", "&lt;")
    return (
        f'<g{kind}><rect x="{point.left:.1f}" y="{point.y - _BOX / 2:.1f}" '
        f'width="{point.right - point.left:.1f}" height="{_BOX}" rx="{radius}"/>'
        f'<text x="{(point.left + point.right) / 2:.1f}" y="{point.y + 4:.1f}" '
        f'text-anchor="middle">{label}</text></g>'
    )
