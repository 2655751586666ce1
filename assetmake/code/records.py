"""The plain records that the summary of one source file consists of.

All of it is strings, numbers and tuples, so that summaries can be kept on disk;
nothing here knows of other files, or of what a name there refers to.

A *reference* is a tuple (kind, base, attributes):

| kind | base | refers to |
|---|---|---|
| name | ``clean`` | a global name of the same module |
| import | ``..pkg.units:clean`` | a module, or a name in one; dots as in Python |
| self | | the module itself, as ``globals()`` gives it |
| load | ``pkg.units`` | a module that is imported here, for what that does |
| computed | ``plugins.`` | modules whose names begin so, or any if empty |
| mention | ``LIMIT`` | a global name in a text, as in ``"a > @LIMIT"``, if any |
| dotted | ``utils.clean`` | a name of the project in a text, if it is one |
| script | ``tool.py`` | a file of the project in a text, if it is one |
| exec | | whatever a computed text says that is run here |
| param | ``frame`` | a parameter of the enclosing function; in acts only |
"""

from __future__ import annotations

from typing import NamedTuple

from assetmake.code.bound import Packed

Ref = tuple[str, str, tuple[str, ...]]

#: A path that code computes, as nested tuples; see `syspath`.
PathExpression = tuple[object, ...]

#: A reference with the line where it first stands.
Located = tuple[Ref, int]

#: What a unit reads about definitions, beyond calling them.
READS_DOCS = 1
READS_NOTES = 2
QUERIES = 4
READS_SUBCLASSES = 8

#: What a unit does to other definitions.
REBINDS = 16  # exec() at module level into the module's own names
HOOKS = 32  # a class that acts on its subclasses

#: Of a function at module level, that its own body yields.
YIELDS = 64

#: Of a node of the graph, that it may declare an asset or source.
DECLARES = 128


def is_inexact(ref: Ref) -> bool:
    """Return whether a reference is to what some item or call gives.

    Its attributes then end in ``[]`` or ``()``.
    """
    return ref[2][-1:] in (("[]",), ("()",))


def trimmed(ref: Ref) -> Ref:
    """Return a reference without the mark of an item or call at its end."""
    kind, base, attrs = ref
    return (kind, base, attrs[:-1]) if is_inexact(ref) else ref


class Piece(NamedTuple):
    """A part of a statement that is judged by itself.

    Attributes:
        name: Of the parameter or keyword that it belongs to.
        code: Its digest.
        refs: What it refers to, in order.
        literal: Whether it is a literal, so that its text is its value.
        bare: Whether it is nothing but a name.
        at: (line, column, end line, end column); lines from 1, columns in
            bytes of UTF-8.
    """

    name: str
    code: str
    refs: tuple[Located, ...]
    literal: bool
    bare: bool
    at: tuple[int, int, int, int]


class Call(NamedTuple):
    """A decorator, or a call that may register an asset.

    Attributes:
        callee: What is called, if it is a name.
        code: Digest of all of it.
        refs: What all of it refers to, in order.
        keywords: Its keyword arguments.
        others: Digest of its positional arguments; empty without any.
        other_refs: What those refer to.
    """

    callee: Ref | None
    code: str
    refs: tuple[Located, ...]
    keywords: tuple[Piece, ...]
    others: str
    other_refs: tuple[Located, ...]


class Act(NamedTuple):
    """Something that may change what another statement defined.

    Attributes:
        kind: ``set`` (an attribute or item is assigned or deleted), ``global``
            (a global name is), ``call``, or ``decorate``.
        owner: Qualified name of the function that does it; empty for what
            runs when the module is imported.
        ref: What is changed or called.
        name: The attribute that is set; empty for an item.
        bare: Of a call, whether its result is dropped, so that it is there
            for its effect.
        depth: Of a call, how often the result is called: 2 for ``f()()``.
        args: Of a call, what it is given: (position or keyword, reference).
        line: Where.
    """

    kind: str
    owner: str
    ref: Ref
    name: str = ""
    bare: bool = False
    depth: int = 0
    args: tuple[tuple[str, Ref], ...] = ()
    line: int = 0


class Unit(NamedTuple):
    """One top-level statement of a module: what is fingerprinted as a whole.

    Attributes:
        name: What a reader would call it.
        kind: ``def``, ``class``, ``assign``, ``guard`` (the test of an ``if``)
            or ``other``.
        at: Where it stands, decorators included; see `Piece.at`.
        line: Where the reader looks for it: at ``def``, below decorators.
        code: Digest of it all, but for what the pieces hold.
        docs: Digest of its docstrings; empty without any.
        notes: Digest of annotations that nothing evaluates; empty without any.
        guards: The ``if`` right around it, if any: (unit, branch). That unit
            has its own.
        main: Whether it stands under ``if __name__ == "__main__"``.
        flags: What it reads and does, as bits.
        now: References that are followed when the module is imported.
        later: References within functions, followed when those are called.
        deep: Those of them that stand only in functions within functions.
        note_refs: References within the annotations behind `notes`.
        decorators: Of a function or class, from the top.
        defaults: Default values of a function's parameters.
        annotations: Annotations of a function's parameters and result.
        params: Names of a function's parameters, in order.
        bases: Of a class.
        aliases: What an assigned or iterated value may be the same object as:
            (reference, function through whose call it goes).
        acts: What it may change.
        partial: The call of ``functools.partial`` that it assigns, if any.
        registrations: Calls with keywords that may be those of an asset.
        nested: Functions defined at module level within this statement.
        silent: Line ranges of its docstrings, first to last.
        head: Of a function, how it is called; see `bound.head`.
        literal: Whether it binds names to a literal, and does nothing else.
        mark: Equal for statements that differ in their lines, guards and main
            alone; empty if that is not known. See `marks`.
    """

    name: str
    kind: str
    at: tuple[int, int, int, int]
    line: int
    code: str
    docs: str = ""
    notes: str = ""
    guards: tuple[tuple[int, int], ...] = ()
    main: bool = False
    flags: int = 0
    now: tuple[Located, ...] = ()
    later: tuple[Located, ...] = ()
    deep: tuple[Ref, ...] = ()
    note_refs: tuple[Located, ...] = ()
    decorators: tuple[Call, ...] = ()
    defaults: tuple[Piece, ...] = ()
    annotations: tuple[Piece, ...] = ()
    params: tuple[str, ...] = ()
    bases: tuple[Ref, ...] = ()
    aliases: tuple[tuple[Ref, Ref | None], ...] = ()
    acts: tuple[Act, ...] = ()
    partial: Call | None = None
    registrations: tuple[Call, ...] = ()
    nested: tuple[Unit, ...] = ()
    silent: tuple[tuple[int, int], ...] = ()
    head: str = ""
    literal: bool = False
    mark: str = ""


class Binding(NamedTuple):
    """One way in which a global name gets its value.

    Attributes:
        unit: Index of the statement that binds it, or -1 for an import.
        source: Of an import, the base of its reference; ``utils:*`` for a
            star import.
        guards: The ``if`` right around it, if any; see `Unit.guards`.
        order: Where it stands among all bindings of the module.
    """

    unit: int
    source: str = ""
    guards: tuple[tuple[int, int], ...] = ()
    order: int = 0


class Summary(NamedTuple):
    """What one source file says, without regard to any other file.

    Attributes:
        units: Its statements, in order.
        bindings: For each global name the ways it is bound, in order.
        stars: Star imports, in order.
        exports: ``__all__``; None if it is not given, and ``*`` alone if it is
            computed.
        events: What importing the module does, in order: ("unit", "", index),
            ("load", base, 0), ("path", expression, 1 for the front), or
            ("test", "", 0) for a test whose outcome is known.
        doc: Docstring of the module.
        paths: Path expressions that global names are assigned; see `syspath`.
        bound: What it binds, wherever in it; see `bound`.
        alone: Of each unit that is a statement right in the file and binds
            nothing but names: which statement it is, and those names.
        size: How many statements stand right in it.
    """

    units: tuple[Unit, ...]
    bindings: dict[str, tuple[Binding, ...]]
    stars: tuple[Binding, ...]
    exports: tuple[str, ...] | None
    events: tuple[tuple[str, str | PathExpression, int], ...]
    doc: str
    paths: dict[str, PathExpression]
    bound: Packed
    alone: dict[int, tuple[int, tuple[str, ...]]]
    size: int
