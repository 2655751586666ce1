"""The same graph of trivial assets for every tool: shapes, sizes and edits.

An asset copies its first input (ten rows), adds a column of the others and a
constant. Tools that run commands and no functions sum up their inputs instead.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

#: What the first layer reads.
SOURCE = "src"
SOURCE_CSV = "id,v\n" + "".join(f"{row},{row * 7}\n" for row in range(10))
SHAPES = ("layered", "wide", "chain")


@dataclass(frozen=True)
class Project:
    """A graph, and the state of its code.

    Attributes:
        shape: One of `SHAPES`.
        reads: What each asset reads, upstream before downstream.
        edits: How often the code of an asset was changed, so that its data
            changes, by name.
        notes: How often a comment was added to an asset, by name.
    """

    shape: str
    reads: Mapping[str, Sequence[str]]
    edits: Mapping[str, int]
    notes: Mapping[str, int]

    @property
    def middle(self) -> str:
        """The asset that is edited."""
        names = list(self.reads)
        width = width_of(len(names)) if self.shape == "layered" else 0
        return names[len(names) // 2 + width // 2]

    def downstream(self, name: str) -> set[str]:
        """Return the assets that read `name`, directly or not."""
        found: set[str] = set()
        for other, reads in self.reads.items():
            if name in reads or not found.isdisjoint(reads):
                found.add(other)
        return found

    def constant(self, name: str) -> int:
        """Return what an asset adds: 1, 11, 111, ... as it is edited.

        Each is longer than the last: Python believes a compiled module whose
        source has the same size and the same second.
        """
        return int("1" * (self.edits.get(name, 0) + 1))

    def comments(self, name: str) -> list[str]:
        """Return the comment lines of an asset."""
        return [f"# note {'x' * number}" for number in range(self.notes.get(name, 0))]

    def body(self, name: str) -> list[str]:
        """Return the statements that compute an asset from its inputs' frames."""
        first, *others = self.reads[name]
        return [
            *self.comments(name),
            f"out = {first}.copy()",
            *(f'out["v"] = out["v"] + {other}["v"]' for other in others),
            f'out["v"] = (out["v"] + {self.constant(name)}) % 1000003',
        ]


def width_of(size: int) -> int:
    """Return how many assets a layer has."""
    return max(2, min(200, int(size**0.5)))


def make_project(shape: str, size: int) -> Project:
    """Return a project of `size` assets, none edited."""
    names = [f"a_{number:06}" for number in range(size)]
    if shape == "layered":
        reads = layered(names, width_of(size))
    elif shape == "chain":
        reads = {name: [above] for above, name in pairwise([SOURCE, *names])}
    else:
        reads = {name: [SOURCE] for name in names}
    return Project(shape, reads, {}, {})


def layered(names: Sequence[str], width: int) -> dict[str, list[str]]:
    """Return what assets read: two or three of the layer above, or the source."""
    reads: dict[str, list[str]] = {}
    for number, name in enumerate(names):
        layer, column = divmod(number, width)
        if not layer:
            reads[name] = [SOURCE]
            continue
        above = (layer - 1) * width
        steps = (0, 1) if column % 2 else (0, 1, 7)
        found = [names[above + (column + step) % width] for step in steps]
        reads[name] = list(dict.fromkeys(found))
    return reads
