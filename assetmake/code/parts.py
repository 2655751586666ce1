"""What a fingerprint of code is made of, as plain records; nothing else.

These records stand in manifests and in messages. They are light to import, so
that what only compares them need not load what computes them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Place:
    """Where something is defined; for messages only, never fingerprinted.

    `file` is relative to the project's directory, with ``/``; for code outside
    of it, relative to where it is imported from (``"mylib/__init__.py"``).
    """

    file: str
    line: int

    def __str__(self) -> str:
        return f"{self.file}:{self.line}"


@dataclass(frozen=True, slots=True)
class Part:
    """One definition that an asset's code fingerprint covers.

    Attributes:
        name: What a reader would call it: ``clean``, ``P.run``, ``LIMIT``.
        kind: ``asset`` (the asset's own function, or what makes it),
            ``setting`` (the default of one of its parameters), ``helper`` (a
            function or class) or ``value`` (any other statement).
        place: Where it stands.
        fingerprint: Of this part alone, and of what its names resolve to.
        source: Its normalised source text, for a diff.
        via: Name of the part through which it was first reached.
    """

    name: str
    kind: str
    place: Place
    fingerprint: str
    source: str
    via: str = ""


@dataclass(frozen=True, slots=True)
class Note:
    """What cannot be followed in an asset's code, or a hint about it."""

    place: Place
    text: str


@dataclass(frozen=True, slots=True)
class Closure:
    """Everything of the project that one asset's code refers to.

    Attributes:
        fingerprint: Of all parts and how they refer to each other.
        parts: In order of first visit, the asset's own first.
        files: Digest of the bytes of each project file reached.
        packages: Top-level import names of other distributions, sorted.
        notes: What could not be followed.
    """

    fingerprint: str
    parts: tuple[Part, ...]
    files: Mapping[str, str] = field(default_factory=dict)
    packages: tuple[str, ...] = ()
    notes: tuple[Note, ...] = ()


@dataclass(frozen=True, slots=True)
class Change:
    """How one part of an asset's code differs from when it was built.

    Attributes:
        kind: ``code``, ``helper`` or ``setting``.
        name: Of the part.
        what: ``changed``, ``is new``, ``is no longer used`` or ``now resolves
            to FILE``.
        place: Where it stands now; where it stood, if it is gone.
        via: Name of the part through which it is reached.
        before: Its normalised source as built; None if it is new.
        after: Its normalised source now; None if it is gone.
    """

    kind: str
    name: str
    what: str
    place: Place
    via: str
    before: str | None
    after: str | None
