"""Fingerprints of code: what of the project an asset refers to, and how it changes.

`Code` reads the project's sources and gives each asset a `Closure`;
`explain_change` compares the parts of two. Importing and watching code are for
`imports` and `audit`.
"""

from __future__ import annotations

from assetmake.code.closure import SCHEME, Code
from assetmake.code.explain import explain_change
from assetmake.code.parts import Change, Closure, Note, Part, Place

__all__ = [
    "SCHEME",
    "Change",
    "Closure",
    "Code",
    "Note",
    "Part",
    "Place",
    "explain_change",
]
