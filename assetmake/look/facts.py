"""What a load of the Assetfile told, in plain values, and how that is kept as bytes.

Which assets, sources and checks it declared and with which options, what the functions
that loops and factories made close over, and what the load looked at: what only
executing the code can tell. How it is gathered is in `recorded`. It can be deleted at
any time.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, NamedTuple

from assetmake.assetfile.defined import Shape
from assetmake.code.kept import plain
from assetmake.code.live import Live, Referred, Site, Told
from assetmake.code.outline import Outline, Step
from assetmake.code.watcher import Seen
from assetmake.saved.seals import sealed, unsealed

#: Changes with what a record holds or means.
_MAGIC = b"assetmake load 4\n"


class Spot(NamedTuple):
    """A place in the code, in terms of the statement that it stands in.

    Attributes:
        file: As the place names it.
        site: The statement, or the function within it; None outside of the
            project.
        line: The place's own line.
        offset: Lines from the first of the statement to it; -1 where it is the
            line of the ``def`` itself.
        text: Digest of the statement's text, on which the offset hangs.
        name: Of the function within the statement that the place is; or empty.
    """

    file: str
    site: Site | None
    line: int
    offset: int
    text: str
    name: str = ""


class AssetFacts(NamedTuple):
    """What a load told of one asset; see `assets.Asset`."""

    name: str
    place: Spot
    live: Live
    parameters: tuple[tuple[str, bool], ...]
    options: dict[str, Any]
    is_open: bool
    schema: tuple[dict[str, str | None], frozenset[str], bool] | None

    @property
    def shape(self) -> Shape:
        """What is known of its table."""
        from assetmake.frames.columns import Declared

        return Shape(self.is_open, self.schema and Declared(*self.schema))


class SourceFacts(NamedTuple):
    """What a load told of one source; see `assets.Source`."""

    name: str
    place: Spot
    options: dict[str, Any]


class CheckFacts(NamedTuple):
    """What a load told of one check of one asset; see `checks.Check`.

    Attributes:
        asset: Of which it is.
        is_named: Whether it was given the name of that asset, not its function.
        targets: Names of all functions and assets that it was given.
    """

    asset: str
    is_named: bool
    name: str
    place: Spot
    live: Live
    parameters: tuple[tuple[str, bool], ...]
    targets: tuple[str, ...]
    severity: str
    description: str


class Recorded(NamedTuple):
    """What one load told, and what it hung on.

    Attributes:
        doubts: Why another load may tell something else; see `code.doubts`.
        imported: Files that were executed, in order.
        entered: Files in the order in which reading the code finds that they
            are executed, and those of them that no import was found for.
        outlines: What executing each of `imported` did.
        assets: In the order of their declaration.
        sources: Likewise.
        checks: Those of each asset in the order of their declaration.
        ordered: Whether these orders are those of their statements.
        stamps: Of each file and directory that the load looked at, and of the
            places that packages are imported from; empty for what is absent.
        seen: Files, absent paths and directories in `Defined.seen`.
        here: The working directory, if the load looked at files by way of it.
    """

    doubts: tuple[str, ...]
    imported: tuple[str, ...]
    entered: tuple[tuple[str, ...], tuple[str, ...]]
    outlines: tuple[Outline, ...]
    assets: tuple[AssetFacts, ...]
    sources: tuple[SourceFacts, ...]
    checks: tuple[CheckFacts, ...]
    ordered: bool
    stamps: dict[str, str]
    seen: tuple[tuple[str, ...], tuple[str, ...], tuple[str, ...]]
    here: str

    def seen_again(self) -> Seen:
        """Return what the load read, as `Defined.seen`."""
        files, absent, directories = (set(map(Path, paths)) for paths in self.seen)
        return Seen(files, absent, directories, is_relative=bool(self.here))


def dump(recorded: Recorded, key: str) -> bytes:
    """Return a record as bytes; none if it holds what cannot be written down.

    Args:
        recorded: Any.
        key: What has to be the same when it is read again.
    """
    try:
        return sealed(_MAGIC, (key, plain(recorded)))
    except ValueError:
        return b""


def parse(data: bytes, key: str) -> Recorded | None:
    """Return the record in bytes; None if they are none, or were kept otherwise."""
    try:
        found = unsealed(_MAGIC, data)
        if found is None or found[0] != key:
            return None
        _, tree = found
        doubted, imported, entered, outlines, assets, sources, checks, *rest = tree
        return Recorded(
            doubted,
            imported,
            entered,
            tuple(map(_outline, outlines)),
            tuple(map(_asset, assets)),
            tuple(
                SourceFacts(name, _spot(place), options)
                for name, place, options in sources
            ),
            tuple(map(_check, checks)),
            *rest,
        )
    except (ValueError, TypeError, LookupError):
        return None


def _outline(tree: Any) -> Outline:
    path, mark, steps, *rest = tree
    return Outline(path, mark, tuple(Step(*step) for step in steps), *rest)


def _asset(tree: Any) -> AssetFacts:
    name, place, live, *rest = tree
    return AssetFacts(name, _spot(place), _live(live), *rest)


def _check(tree: Any) -> CheckFacts:
    asset, is_named, name, place, live, *rest = tree
    return CheckFacts(asset, is_named, name, _spot(place), _live(live), *rest)


def _spot(tree: Any) -> Spot:
    file, site, *rest = tree
    return Spot(file, _site(site), *rest)


def _site(tree: Any) -> Site | None:
    return None if tree is None else Site(*tree)


def _live(tree: Any) -> Live:
    where, site, own, around, values = tree
    return Live(
        _site(where),
        _site(site),
        own,
        None if around is None else _told(around),
        tuple(map(_told, values)),
    )


def _referred(tree: Any) -> Referred:
    kind, module, file, name, site = tree
    return Referred(kind, module, file, name, _site(site))


def _told(tree: Any) -> Told:
    name, mark, text, referred = tree
    return Told(name, mark, text, tuple(map(_referred, referred)))
