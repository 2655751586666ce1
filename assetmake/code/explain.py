"""Tell which parts of an asset's code changed between two closures.

A pure comparison of recorded parts; no source is read. A part's fingerprint
holds digests of its own text, of outside names, and of what it leads to (see
`closure.fingerprint_of`), so a part is not blamed for what it refers to.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import zip_longest

from assetmake.code.parts import Change, Part

#: Lengths of the digests in a part's fingerprint, in hex digits.
_TEXT, _LEAVES = 32, 16

_Pair = tuple[Part | None, Part | None]


def explain_change(before: Sequence[Part], after: Sequence[Part]) -> list[Change]:
    """Return how the parts of one asset's code differ; empty if they do not.

    Args:
        before: As recorded when it was built, the asset's own first.
        after: As they are now.

    Returns:
        Changes in the order of `after`, then what is gone. Where two closures
        differ there is at least one, and each is true.
    """
    pairs = _paired(before, after)
    found = list(_changed(pairs))
    explained = {change.via for change in found} | {change.name for change in found}
    found += [
        _change(old, new, "now refers to other code")
        for old, new in pairs
        if old is not None
        and new is not None
        and _text(old) == _text(new)
        and _leaves(old) != _leaves(new)
        and new.name not in explained
    ]
    return found or list(_rewired(pairs))


def _paired(before: Sequence[Part], after: Sequence[Part]) -> list[_Pair]:
    """Return each part with its former self; those of one name by their text.

    The asset's own part is one, whatever it is called.
    """
    both = 1 if before and after else 0
    pairs: list[_Pair] = list(zip(before[:both], after[:both], strict=True))
    old = _by_name(before[both:])
    new = _by_name(after[both:])
    for key, parts in new.items():
        pairs += _matched(old.pop(key, []), parts)
    for parts in old.values():
        pairs += [(part, None) for part in parts]
    return pairs


def _by_name(parts: Sequence[Part]) -> dict[tuple[str, bool], list[Part]]:
    found: dict[tuple[str, bool], list[Part]] = {}
    for part in parts:
        found.setdefault((part.name, part.kind == "setting"), []).append(part)
    return found


def _matched(old: list[Part], new: list[Part]) -> list[_Pair]:
    """Pair parts of one name: those of equal text first, then in order."""
    left = list(old)
    pairs: list[_Pair] = []
    rest: list[Part] = []
    for part in new:
        same = next((item for item in left if _text(item) == _text(part)), None)
        if same is None:
            rest.append(part)
        else:
            left.remove(same)
            pairs.append((same, part))
    return pairs + list(zip_longest(left, rest))


def _changed(pairs: list[_Pair]) -> Iterator[Change]:
    """Yield parts whose own text changed, that are new, or that are gone."""
    for old, new in pairs:
        if old is None or new is None:
            what = "is new" if old is None else "is no longer used"
            yield _change(old, new, what)
        elif _text(old) != _text(new):
            moved = old.place.file != new.place.file and new.kind != "asset"
            what = f"now resolves to {new.place.file}" if moved else "changed"
            yield _change(old, new, what)


def _rewired(pairs: list[_Pair]) -> Iterator[Change]:
    """Yield parts of equal text whose names lead elsewhere, the innermost ones."""
    differing = [
        (old, new)
        for old, new in pairs
        if old is not None and new is not None and old.fingerprint != new.fingerprint
    ]
    passing = {new.via for _, new in differing}
    inner = [pair for pair in differing if pair[1].name not in passing]
    for old, new in inner or differing:
        yield _change(old, new, "now refers to other code")


def _change(old: Part | None, new: Part | None, what: str) -> Change:
    part = new or old
    assert part is not None
    kind = {"asset": "code", "setting": "setting"}.get(part.kind, "helper")
    return Change(
        kind,
        part.name,
        what,
        part.place,
        part.via,
        old.source if old else None,
        new.source if new else None,
    )


def _digests(part: Part) -> str:
    return part.fingerprint.partition(":")[2]


def _text(part: Part) -> str:
    scheme = part.fingerprint.partition(":")[0]
    return f"{scheme}:{_digests(part)[:_TEXT]}"


def _leaves(part: Part) -> str:
    return _digests(part)[_TEXT : _TEXT + _LEAVES]
