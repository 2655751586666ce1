"""Whether a second load of an Assetfile would define the same assets.

Assets that plain top-level statements define hang on the bytes of the source
files alone. A loop, a condition or a factory may ask something else: a clock,
the environment, a server. What it could ask is read off its code; anything
that is not known to be harmless is a doubt, and costs no more than a real load.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import partial
from os.path import abspath

from assetmake.code.asking import asks
from assetmake.code.closure import Code, Model
from assetmake.code.draft import ASSET, Draft, NodeKey
from assetmake.code.hints import hint_about
from assetmake.code.modules import Module
from assetmake.code.records import DECLARES, Unit
from assetmake.code.resolve import Target

#: What a plain statement may call to declare something.
_DECLARES = frozenset(
    f"ext:assetmake.{place}{word}"
    for place in ("", "assets.")
    for word in ("source", "include")
)


def doubts(code: Code, registered: Iterable[tuple[str, int]]) -> set[str]:
    """Return what could make another load define other assets; mostly nothing.

    Args:
        code: The model of the project.
        registered: Absolute file and line of the statement during which each
            asset was declared, and of each call of `source`.
    """
    model = code.model()
    found: set[str] = set()
    wanted = dict.fromkeys(_registering(model, registered, found))
    wanted.update(dict.fromkeys(filter(partial(_declares, model), _executed(model))))
    starts: list[int] = []
    for number, index in wanted:
        module = model.modules.found[number]
        for asked in _asked(model, module, index):
            if isinstance(asked, int):
                starts.append(asked)
            elif asks(asked):
                place = f"{module.file}:{module.summary.units[index].line}"
                found.add(_in_words(asked, place))
    graph = model.graph(0)
    for number, _ in graph.reach(starts):
        node = graph.node(number)
        place = _place(model, node.key)
        hints = set(map(hint_about, node.leaves))  # of what asks, or is harmless
        found.update(f"{place}: {t}" for _, t in node.notes if t not in hints)
        found.update(_in_words(leaf, place) for leaf in filter(asks, node.leaves))
    return found


def _registering(
    model: Model, registered: Iterable[tuple[str, int]], problems: set[str]
) -> Iterator[tuple[int, int]]:
    """Yield the statements that hold lines; what is in none is a problem."""
    lines: dict[str, set[int]] = {}
    for file, line in registered:
        lines.setdefault(abspath(file), set()).add(line)
    for file, numbers in lines.items():
        module = model.modules.at(file)
        if module is None:
            problems.add(f"{file} is not code of the project")
            continue
        for index, unit in enumerate(module.summary.units):
            first, _, last, _ = unit.at
            if not numbers.isdisjoint(range(first, last + 1)):
                yield module.index, index


def _in_words(leaf: str, place: str) -> str:
    kind, _, name = leaf.partition(":")
    if kind == "missing":
        return f"{place}: `{name}` is not defined"
    return f"{place}: `{name}` may give something else in another load"


def _place(model: Model, key: NodeKey) -> str:
    """Return where a node stands, in words."""
    if key[1] < 0:
        return "the project"
    module = model.modules.found[key[1]]
    return (
        f"{module.file}:{module.summary.units[key[2]].line}"
        if key[2] >= 0
        else (module.file)
    )


def _executed(model: Model) -> Iterator[tuple[int, int]]:
    """Yield the statements that loading the Assetfile executes, or may."""
    imported = {module.index for module in model.loading.imported}
    yield from (key for key in model.loading.executed if key[0] in imported)


def _declares(model: Model, key: tuple[int, int]) -> bool:
    """Return whether a statement may declare an asset, though it did not yet."""
    unit = model.resolver.unit(key)
    module = model.modules.found[key[0]]
    if unit.kind == "def":
        if not unit.decorators:
            return False
        if _decorators(model, module, unit) is not None:
            return bool(unit.guards) and not ASSET.isdisjoint(
                map(str, _decorators(model, module, unit) or ())
            )
    graph = model.graph(0)
    return bool(graph.flags(graph.number(("unit", *key))) & DECLARES)


def _asked(model: Model, module: Module, index: int) -> list[int | str]:
    """Return what a statement that declares something hangs on.

    Returns:
        Nodes of the project, with all that they lead to, and names outside of
        it. A plain ``@asset`` function hangs on its decorators and on its
        defaults, a plain ``source`` on nothing; another statement is judged as
        a whole.
    """
    graph = model.graph(0)
    unit = module.summary.units[index]
    guards = [graph.number(("unit", module.index, guard)) for guard, _ in unit.guards]
    own = graph.number(("unit", module.index, index))
    decorators = _decorators(model, module, unit)
    if decorators is not None:
        return [*guards, *decorators, *_defaults(model, module, unit)]
    if set(graph.node(own).leaves) <= _DECLARES:
        return [*guards]
    return [*guards, own]


def _defaults(model: Model, module: Module, unit: Unit) -> Iterator[int | str]:
    """Yield what the defaults of a function refer to: they are values of a load."""
    draft = Draft(model.graph(0).builder, ("default", module.index, -1), module)
    draft.pieces("default", unit.defaults)
    leaves, inner = draft.leads_to()
    yield from leaves
    yield from inner


def _decorators(model: Model, module: Module, unit: Unit) -> list[int | str] | None:
    """Return what assetmake's own decorators of a function refer to, or None."""
    if unit.kind != "def" or not unit.decorators:
        return None
    found: list[int | str] = []
    for call in unit.decorators:
        for ref, _ in call.refs:
            for target in model.resolver.resolve(module, ref, decorating=True):
                if target.kind == "leaf":
                    found.append(target.name)
                elif _is_asset(model, target) and ref != call.callee:
                    continue  # `@check(highs)` asks nothing of what `highs` does
                elif ref == call.callee:
                    return None  # a decorator of the project
                else:
                    key = (target.kind, target.module, target.position)
                    found.append(model.graph(0).number(key))
    return found


def _is_asset(model: Model, target: Target) -> bool:
    """Return whether a name is that of a function under a plain ``@asset``."""
    if target.kind != "unit" or target.rest:
        return False
    unit = model.resolver.unit((target.module, target.position))
    module = model.modules.found[target.module]
    return unit.kind == "def" and any(
        found.kind == "leaf" and found.name in ASSET
        for call in unit.decorators
        if call.callee is not None
        for found in model.resolver.resolve(module, call.callee, decorating=True)
    )
