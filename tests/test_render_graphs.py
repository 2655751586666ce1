"""The lineage as a tree, Mermaid, Graphviz and SVG."""

from __future__ import annotations

import re
from xml.etree import ElementTree as ET

import pytest

from assetmake.messages.cells import cells
from assetmake.render.graphs import render_dot, render_mermaid, render_tree
from assetmake.render.layout import Look
from assetmake.render.svg import render_svg

GRAPH = {
    "raw": (),
    "other": (),
    "highs": ("raw",),
    "hot": ("highs",),
    "diffs": ("highs",),
    "report": ("highs", "hot", "diffs"),
    "mix": ("other", "report"),
    "alone": (),
}
SOURCES = {"raw", "other"}


def test_a_tree_has_each_name_once_below_the_last_that_it_reads():
    assert render_tree(GRAPH, SOURCES, Look()).splitlines() == [
        "raw (source)",
        "└── highs",
        "    ├── hot",
        "    └── diffs",
        "        └── report (also reads highs and hot)",
        "            └── mix (also reads other)",
        "other (source)",
        "alone",
    ]


def test_a_tree_is_drawn_in_ascii_where_nothing_else_shows():
    text = render_tree(GRAPH, SOURCES, Look(unicode=False))

    assert text.isascii()
    assert "    |-- hot\n    `-- diffs" in text


@pytest.mark.parametrize("width", [40, 80])
def test_a_deep_or_wide_tree_fits_its_screen(width):
    """Of what does not fit, the stem goes first; names stay whole."""
    chain = {f"asset_{n}": (f"asset_{n - 1}",) if n else () for n in range(3000)}
    wide = {**chain, "last": tuple(chain)}

    text = render_tree(wide, (), Look(width))

    lines = text.splitlines()
    assert max(map(cells, lines)) <= width
    assert all(name in line for name, line in zip(wide, lines, strict=True))


def test_mermaid_numbers_its_nodes():
    """`end` is a word of Mermaid, and cannot be a node."""
    text = render_mermaid({"raw": (), "end": ("raw",)}, {"raw"})

    assert text.splitlines() == [
        "flowchart LR",
        '  n0[("raw")]',
        '  n1["end"]',
        "  n0 --> n1",
    ]


def test_dot_quotes_its_names():
    text = render_dot({"raw": (), 'a"b/c.d': ("raw",)}, {"raw"})

    assert text.splitlines() == [
        "digraph assetmake {",
        "  rankdir=LR;",
        "  node [shape=box];",
        '  "raw" [shape=cylinder];',
        '  "a\\"b/c.d";',
        '  "raw" -> "a\\"b/c.d";',
        "}",
    ]


SVG = "{http://www.w3.org/2000/svg}"


def boxes(text):
    """Return left, top, right and bottom of each box, by its label."""
    found = {}
    for group in ET.fromstring(text).iter(f"{SVG}g"):
        rect, label = group.find(f"{SVG}rect"), group.find(f"{SVG}text")
        x, y, width, height = (
            float(rect.get(key)) for key in ("x", "y", "width", "height")
        )
        found[label.text] = (x, y, x + width, y + height)
    return found


def test_svg_draws_every_name_and_every_line():
    text = render_svg(GRAPH, SOURCES)

    assert list(boxes(text)) == list(GRAPH)
    assert text.count("<path ") == sum(map(len, GRAPH.values()))
    assert text.count('class="source"') == len(SOURCES)


def test_svg_goes_from_left_to_right():
    drawn = boxes(render_svg(GRAPH, SOURCES))

    for name, upstream in GRAPH.items():
        for other in upstream:
            assert drawn[other][2] < drawn[name][0]


def along(path):
    """Yield points of a line, its curves followed in small steps."""
    pieces = re.findall(r"([MCL])([^MCL]*)", path.get("d"))
    at = (0.0, 0.0)
    for letter, text in pieces:
        ends = [tuple(map(float, pair.split(","))) for pair in text.split()]
        if letter == "C":
            for step in range(1, 20):
                t = step / 20
                weights = ((1 - t) ** 3, 3 * t * (1 - t) ** 2, 3 * t**2 * (1 - t), t**3)
                yield tuple(
                    sum(w * p[axis] for w, p in zip(weights, (at, *ends), strict=True))
                    for axis in (0, 1)
                )
        elif letter == "L":
            yield ((at[0] + ends[0][0]) / 2, at[1])
        at = ends[-1]


def test_no_line_of_the_svg_runs_behind_a_box():
    """It would look as if it ended there."""
    text = render_svg(GRAPH, SOURCES)

    for path in ET.fromstring(text).iter(f"{SVG}path"):
        for x, y in along(path):
            for left, top, right, bottom in boxes(text).values():
                assert not (left < x < right and top < y < bottom)


def test_svg_keeps_together_what_is_joined():
    """In the order of their definition, the two lines would cross."""
    drawn = boxes(render_svg({"a": (), "b": (), "c": ("b",), "d": ("a",)}, ()))

    assert drawn["a"][1] < drawn["b"][1]
    assert drawn["d"][1] < drawn["c"][1]


def test_boxes_of_the_svg_do_not_overlap():
    drawn = list(boxes(render_svg(GRAPH, SOURCES)).values())

    for number, (left, top, right, bottom) in enumerate(drawn):
        for other in drawn[number + 1 :]:
            beside = right < other[0] or other[2] < left
            assert beside or bottom < other[1] or other[3] < top


def test_svg_escapes_its_labels():
    assert list(boxes(render_svg({"a<b&c": ()}, ()))) == ["a<b&c"]
