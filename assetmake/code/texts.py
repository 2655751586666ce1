"""Find what the names and texts in code hint at; whether it exists is for others.

Pandas looks up ``@limit`` in a query, and DuckDB a table, among the caller's
variables; other libraries take ``"module.name"``, or run ``"tool.py"``.
"""

from __future__ import annotations

import re
from functools import lru_cache

from assetmake.code.records import (
    QUERIES,
    READS_DOCS,
    READS_NOTES,
    READS_SUBCLASSES,
    Ref,
)

#: Names that read definitions themselves; as names, attributes or whole texts.
_FLAGS = {
    "__doc__": READS_DOCS,
    "getdoc": READS_DOCS,
    "getsource": READS_DOCS | READS_NOTES,
    "__annotations__": READS_NOTES,
    "get_annotations": READS_NOTES,
    "get_type_hints": READS_NOTES,
    "getfullargspec": READS_NOTES,
    "signature": READS_NOTES,
    "query": QUERIES,
    "eval": QUERIES,
    "__subclasses__": READS_SUBCLASSES,
}

#: Attributes that lead to the global names of some module.
NAMESPACES = frozenset({"__globals__", "f_back", "f_globals", "_getframe"})

_MENTION = re.compile(r"(?<!\w)@([^\W\d]\w*)")
_TABLE = re.compile(r"\b(?:from|join)\s+([^\W\d]\w*)", re.IGNORECASE)
_DOTTED = re.compile(r"[^\W\d]\w*(?:[.:][^\W\d]\w*)+")
_SCRIPT = re.compile(r"[\w./ \\-]+\.pyw?")

#: No query or name is longer; what is longer is data.
_LONGEST = 20_000


def flags_of_name(name: str) -> int:
    """Return what using a name or attribute means, as bits of `records`."""
    return _FLAGS.get(name, 0)


@lru_cache(maxsize=4096)
def refs_in_text(text: str) -> tuple[Ref, ...]:
    """Return what a literal text may refer to, in order, each once."""
    if len(text) > _LONGEST:
        return ()
    found: dict[Ref, None] = {}
    if "@" in text:
        for match in _MENTION.finditer(text):
            found["mention", match[1], ()] = None
    if " " in text or "\n" in text:
        for match in _TABLE.finditer(text):
            found["mention", match[1], ()] = None
    if "." in text or ":" in text:
        if _SCRIPT.fullmatch(text):
            found["script", text.replace("\\", "/"), ()] = None
        elif _DOTTED.fullmatch(text):
            found["dotted", text.replace(":", "."), ()] = None
    return tuple(found)
