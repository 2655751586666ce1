"""Tell which definitions get in each other's way; pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

from assetmake.assets import Asset, Source
from assetmake.errors import DefinitionError
from assetmake.messages.excerpts import source_line
from assetmake.names import folded


def merged(
    assets: Iterable[Asset], sources: Iterable[Source], root: Path
) -> tuple[list[Asset], list[Source]]:
    """Return what is defined, without repetitions, in the order of definition.

    A function that is registered twice under one name is one asset, also if
    its module was imported under two names; so are two sources that say the
    same.

    Args:
        assets: As they were registered.
        sources: As they were registered.
        root: The project's directory, for messages.

    Raises:
        DefinitionError: two definitions have one name, or assets would be
            stored in one place, or one inside of the other; all are shown.
    """
    by_name: dict[str, Asset | Source] = {}
    problems: list[str] = []
    loops = False
    definitions: list[Asset | Source] = [*assets, *sources]
    for definition in definitions:
        first = by_name.setdefault(definition.name, definition)
        if first is not definition and not _is_same(first, definition):
            problems.append(_same_name(first, definition, root))
            loops |= first.place == definition.place
    kept = list(by_name.values())
    unique = [item for item in kept if isinstance(item, Asset)]
    problems += _in_one_place(unique, root)
    if problems:
        hint = "rename one of them, or give it a name: `@asset(name=...)`"
        if loops:
            hint = "give each asset of a loop a name: `asset(name=...)(function)`"
        raise DefinitionError("\n".join(problems), hints=hint)
    return unique, [item for item in kept if isinstance(item, Source)]


def _is_same(one: Asset | Source, other: Asset | Source) -> bool:
    if isinstance(one, Asset) and isinstance(other, Asset):
        a, b = one.plain, other.plain
        # A file imported under two names runs twice; a loop runs in one module.
        return one.function is other.function or (
            a.__module__ != b.__module__
            and one.place == other.place
            and a.__qualname__ == b.__qualname__
        )
    return isinstance(one, Source) and isinstance(other, Source) and one == other


def _same_name(one: Asset | Source, other: Asset | Source, root: Path) -> str:
    kinds = {type(one).__name__.lower(), type(other).__name__.lower()}
    what = f"two {kinds.pop()}s" if len(kinds) == 1 else "an asset and a source"
    return _shown(f"{what} are named `{one.name}`", [one, other], root)


def _in_one_place(assets: Sequence[Asset], root: Path) -> list[str]:
    """Return a problem for each two assets whose directories are not apart.

    Names are compared without case, as file systems of macOS do.
    """
    problems = []
    by_path: dict[str, Asset] = {}
    for asset in assets:
        path = folded(asset.name)
        first = by_path.setdefault(path, asset)
        if first is not asset:
            what = f"`{first.name}` and `{asset.name}` would be stored in one place"
            problems.append(_shown(what, [first, asset], root))
    for path, asset in by_path.items():
        parts = path.split("/")
        for depth in range(1, len(parts)):
            outer = by_path.get("/".join(parts[:depth]))
            if outer is not None:
                what = f"`{asset.name}` would be stored inside of `{outer.name}`"
                problems.append(_shown(what, [outer, asset], root))
    return problems


def _shown(what: str, definitions: Sequence[Asset | Source], root: Path) -> str:
    lines = {}
    for definition in definitions:
        place, word = definition.place, ""
        if isinstance(definition, Asset):
            word = definition.plain.__name__
            if len({item.place for item in definitions}) == 1:
                # Made by one factory: the statements that call it tell more.
                place, word = definition.registered, ""
        lines[place] = source_line(place, word, root)
    return "\n".join([what, *lines.values()])
