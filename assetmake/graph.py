"""Upstream, downstream, order, circles and selection by name; pure."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from fnmatch import fnmatchcase

from assetmake.errors import UnknownNameError, did_you_mean

#: Names of what each asset reads, by its name; sources are not among the keys.
Graph = Mapping[str, Sequence[str]]


def order(graph: Graph) -> list[str]:
    """Return every asset, upstream before downstream, else as defined.

    The walk keeps its own stack: a chain may be longer than Python's.

    >>> order({"c": ["b"], "a": [], "b": ["a", "s"]})
    ['a', 'b', 'c']

    Raises:
        ValueError: the graph has a circle; see `find_circle`.
    """
    done: dict[str, None] = {}
    for root in graph:
        if root in done:
            continue
        open_: dict[str, None] = {root: None}
        stack = [(root, iter(graph[root]))]
        while stack:
            name, rest = stack[-1]
            for upstream in rest:
                if upstream in open_:
                    msg = f"a circle through {upstream!r}"
                    raise ValueError(msg)
                if upstream in graph and upstream not in done:
                    open_[upstream] = None
                    stack.append((upstream, iter(graph[upstream])))
                    break
            else:
                done[name] = None
                del open_[name]
                stack.pop()
    return list(done)


def find_circle(graph: Graph) -> list[str]:
    """Return the assets of one circle, each reading the next; empty if none.

    >>> find_circle({"a": ["b"], "b": ["c"], "c": ["b"]})
    ['b', 'c']
    """
    done: set[str] = set()
    for root in graph:
        path: dict[str, None] = {}
        stack = [(root, iter(graph[root]))] if root not in done else []
        if stack:
            path[root] = None
        while stack:
            name, rest = stack[-1]
            for upstream in rest:
                if upstream in path:
                    names = list(path)
                    return names[names.index(upstream) :]
                if upstream in graph and upstream not in done:
                    path[upstream] = None
                    stack.append((upstream, iter(graph[upstream])))
                    break
            else:
                done.add(name)
                del path[name]
                stack.pop()
    return []


def upstream_of(graph: Graph, names: Iterable[str]) -> set[str]:
    """Return `names` and every asset and source that they need."""
    found: set[str] = set()
    todo = list(names)
    while todo:
        name = todo.pop()
        if name not in found:
            found.add(name)
            todo.extend(graph.get(name, ()))
    return found


def downstream_of(graph: Graph, names: Iterable[str]) -> set[str]:
    """Return `names` and every asset that needs one of them."""
    readers: dict[str, list[str]] = {}
    for name, upstream in graph.items():
        for other in upstream:
            readers.setdefault(other, []).append(name)
    return upstream_of(readers, names)


def select(
    words: Sequence[str],
    graph: Graph,
    sources: Collection[str],
    groups: Mapping[str, str],
) -> list[str]:
    """Return the assets and sources that words of a command line name.

    A word is a name, a glob, ``group:NAME`` (a glob there too), and each may
    end in ``+`` for everything downstream as well. No word means every asset.

    Args:
        words: As typed.
        graph: Every asset with what it reads.
        sources: Names of all sources.
        groups: Group of each asset that has one.

    Returns:
        Names without repetition: assets in the order of `graph`, then sources.

    Raises:
        UnknownNameError: a word matches nothing.
    """
    known = [*graph, *(name for name in sources if name not in graph)]
    if not words:
        return list(graph)
    chosen: set[str] = set()
    for word in words:
        plain = word.removesuffix("+")
        found = _matches(plain, known, groups)
        if not found:
            raise _unknown(plain, known, groups)
        chosen.update(downstream_of(graph, found) if plain != word else found)
    return [name for name in known if name in chosen]


def _matches(
    word: str, known: Sequence[str], groups: Mapping[str, str]
) -> Collection[str]:
    if word.startswith("group:"):
        pattern = word.removeprefix("group:")
        return [name for name in groups if fnmatchcase(groups[name], pattern)]
    if any(char in word for char in "*?["):
        return [name for name in known if fnmatchcase(name, word)]
    return [word] if word in known else []


def _unknown(
    word: str, known: Sequence[str], groups: Mapping[str, str]
) -> UnknownNameError:
    if word.startswith("group:"):
        name = word.removeprefix("group:")
        close = did_you_mean(name, set(groups.values()))
        message = f"no group is named '{name}'"
    elif any(char in word for char in "*?["):
        return UnknownNameError(
            f"no asset matches '{word}'", hints="`assetmake --list` shows the names"
        )
    else:
        close = did_you_mean(word, known)
        message = f"no asset is named '{word}'"
    if word.startswith("group:") and not close:
        hint = 'an asset is put into a group by `@asset(group="...")`'
        return UnknownNameError(message, hints=hint)
    if close:
        return UnknownNameError(f"{message}. Did you mean '{close}'?")
    return UnknownNameError(message, hints="`assetmake --list` shows the names")
