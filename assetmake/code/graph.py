"""Join units by what they refer to, and fingerprint what each one leads to.

A node's fingerprint covers its own code and, by their fingerprints, all nodes
that it refers to. No name of a file or module goes into it, so code can move.
Nodes that refer to each other in circles are told apart by refinement: each
round adds what lies one step further, until no more nodes become different.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from assetmake.code.loading import Loading
from assetmake.code.modules import Module
from assetmake.code.nodes import Node, NodeBuilder, NodeKey
from assetmake.code.resolve import Resolver
from assetmake.fingerprint import digest_bytes


class Graph:
    """Nodes by number, each built and fingerprinted when first asked for.

    Attributes:
        docs: Whether docstrings count.
        notes: Whether annotations count that nothing evaluates.
    """

    def __init__(
        self, resolver: Resolver, loading: Loading, *, docs: bool, notes: bool
    ) -> None:
        self.docs = docs
        self.notes = notes
        self.builder = NodeBuilder(resolver, loading, self, docs=docs, notes=notes)
        self._numbers: dict[NodeKey, int] = {}
        self._keys: list[NodeKey] = []
        self._nodes: list[Node | None] = []
        self._deep: dict[int, bytes] = {}
        self._flags: dict[int, int] = {}

    def number(self, key: NodeKey) -> int:
        """Return the number of a node; it need not be built yet."""
        found = self._numbers.get(key)
        if found is None:
            found = self._numbers[key] = len(self._keys)
            self._keys.append(key)
            self._nodes.append(None)
        return found

    def node(self, number: int) -> Node:
        """Return a node, built."""
        found = self._nodes[number]
        if found is None:
            found = self._nodes[number] = self.builder.build(self._keys[number])
        return found

    def module(self, number: int) -> Module | None:
        """Return the module that a node stands in."""
        return self.builder.module(self._keys[number])

    def deep(self, number: int) -> bytes:
        """Return the fingerprint of a node with all that it leads to."""
        if number not in self._deep:
            self._settle(number)
        return self._deep[number]

    def flags(self, number: int) -> int:
        """Return the flags of a node and all that it leads to, as bits."""
        self.deep(number)
        return self._flags[number]

    def reach(self, starts: Iterable[int]) -> Iterator[tuple[int, int]]:
        """Yield every node reached with the one it was first reached from.

        Nearest first; the starts are not yielded for themselves, and have -1.
        """
        seen = set()
        line = []
        for start in starts:
            if start not in seen:
                seen.add(start)
                line.append((start, -1))
        for number, via in line:  # grows as it is read
            yield number, via
            for inner in self.node(number).inner:
                if inner not in seen:
                    seen.add(inner)
                    line.append((inner, number))

    def _settle(self, start: int) -> None:
        """Fingerprint a node and all that it leads to (Tarjan's algorithm)."""
        order: dict[int, int] = {}
        low: dict[int, int] = {}
        path: list[int] = []
        on_path: set[int] = set()
        work: list[tuple[int, Iterator[int]]] = []

        def enter(number: int) -> None:
            order[number] = low[number] = len(order)
            path.append(number)
            on_path.add(number)
            work.append((number, iter(self.node(number).inner)))

        enter(start)
        while work:
            number, inner = work[-1]
            for step in inner:
                if step in self._deep:
                    continue
                if step not in order:
                    enter(step)
                    break
                if step in on_path:
                    low[number] = min(low[number], order[step])
            else:
                work.pop()
                if work:
                    above = work[-1][0]
                    low[above] = min(low[above], low[number])
                if low[number] == order[number]:
                    circle: list[int] = []
                    while not circle or circle[-1] != number:
                        circle.append(path.pop())
                        on_path.remove(circle[-1])
                    self._finish(circle)

    def _finish(self, circle: list[int]) -> None:
        """Fingerprint nodes that all lead to each other, or a single node."""
        members = set(circle)
        flags = 0
        for number in circle:
            node = self.node(number)
            flags |= node.flags
            for step in node.inner:
                if step not in members:
                    flags |= self._flags[step]
        colours = self._refined(circle)
        if len(circle) > 1:
            whole = digest_bytes(b"".join(sorted(colours.values()))).encode()
            colours = {
                number: digest_bytes(whole + colour).encode()
                for number, colour in colours.items()
            }
        for number, colour in colours.items():
            self._deep[number] = colour
            self._flags[number] = flags

    def _refined(self, circle: list[int]) -> dict[int, bytes]:
        colours = dict.fromkeys(circle, b"?")
        known = 0
        while True:
            table = self._deep
            colours = {
                number: digest_bytes(
                    b"".join(
                        step
                        if isinstance(step, bytes)
                        else table[step]
                        if step in table
                        else colours[step]
                        for step in self.node(number).recipe
                    )
                ).encode()
                for number in circle
            }
            kinds = len(set(colours.values()))
            if len(circle) == 1 or kinds == known:
                return colours
            known = kinds
