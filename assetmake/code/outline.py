"""Outline what loading the Assetfile executes, so that two states can be compared.

Most statements of a project do nothing at import that another state of it could
do otherwise: a function is defined, a name gets a literal, an asset or source is
declared by literals. They are told apart from those that run code, of which the
outline holds all that they lead to. Nothing is executed for it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import NamedTuple

from assetmake.code.closure import Model
from assetmake.code.draft import CHECK, Draft
from assetmake.code.modules import Module
from assetmake.code.records import (
    READS_DOCS,
    READS_NOTES,
    YIELDS,
    Call,
    Located,
    Piece,
    Unit,
)
from assetmake.code.resolve import Target
from assetmake.fingerprint import digest

#: Decorators that neither call a function nor look into it.
_HARMLESS = frozenset(
    f"ext:{name}"
    for name in (
        "contextlib.contextmanager",
        "functools.cache",
        "functools.lru_cache",
        "functools.wraps",
        "typing.final",
        "typing.no_type_check",
    )
)
_SOURCE = frozenset({"ext:assetmake.source", "ext:assetmake.assets.source"})


class Step(NamedTuple):
    """One thing that importing a module does.

    Attributes:
        kind: ``def``, ``asset``, ``check``, ``value`` or ``source`` for a
            statement that declares and runs nothing; ``run`` for any other.
        key: What it declares; tells it apart from all others of its kind.
        around: Digest of decorators, and of all that they lead to.
        head: Digest of all else that runs when it is executed.
        code: Digest of all of its code.
        docs: Digest of its docstrings.
        unit: Its number in the module; -1 for an import.
    """

    kind: str
    key: str
    around: str
    head: str
    code: str
    docs: str
    unit: int

    @property
    def name(self) -> tuple[str, str]:
        """What tells it apart."""
        return self.kind, self.key


class Outline(NamedTuple):
    """What importing one module does.

    Attributes:
        path: Of its file.
        digest: Of the bytes of it.
        steps: In order.
        names: What it binds.
        evaluated: Digests of the annotations and default values that were
            evaluated, with all that they lead to.
        returned: Whether each return annotation of an asset leaves open that
            its result is pickled, by the digest of the annotation.
    """

    path: str
    digest: str
    steps: tuple[Step, ...]
    names: frozenset[str]
    evaluated: frozenset[str]
    returned: dict[str, bool]


class Outliner:
    """Outlines the modules of one model."""

    def __init__(self, model: Model) -> None:
        self.model = model
        self.graph = model.graph(READS_DOCS | READS_NOTES)
        self._led: dict[tuple[object, ...], str] = {}

    def outline(self, module: Module) -> Outline:
        """Return what importing a module does.

        Raises:
            LoadError: it, or what it refers to, is not Python.
        """
        module.check()
        units = module.summary.units
        steps: list[Step] = []
        for kind, value, index in module.summary.events:
            if kind == "unit":
                steps.append(self._step(module, index, units[index]))
            else:
                text = f"{kind} {value!r} {index}"
                steps.append(Step("run", text, "", "", "", "", -1))
        times = Counter(step.name for step in steps)
        for place, step in enumerate(steps):
            if step.kind != "run" and times[step.name] > 1:
                steps[place] = self._run(module, step.unit, units[step.unit])
        evaluated = {
            self.expression(module, piece)
            for step in steps
            if step.kind in ("def", "asset", "check")
            for piece in self.pieces(module, units[step.unit])
            if not piece.literal
        }
        return Outline(
            module.path,
            self.model.sources.digests[module.path],
            tuple(steps),
            frozenset(module.summary.bindings),
            frozenset(evaluated),
            {},
        )

    def pieces(self, module: Module, unit: Unit) -> Sequence[Piece]:
        """Return what is evaluated when a function is defined, but for decorators."""
        if postponed(module):
            return unit.defaults
        return (*unit.defaults, *unit.annotations)

    def expression(self, module: Module, piece: Piece) -> str:
        """Return the digest of an expression and of all that it leads to."""
        return digest(piece.code, self.led(module, piece.refs))

    def returned(self, module: Module, unit: Unit) -> str:
        """Return the digest of a return annotation; empty without one."""
        for piece in unit.annotations:
            if piece.name == "return":
                return self.expression(module, piece)
        return ""

    def led(
        self, module: Module, refs: Sequence[Located], *, decorating: bool = False
    ) -> str:
        """Return the digest of all that references lead to."""
        if not refs:
            return ""
        key = (module.index, decorating, *(ref for ref, _ in refs))
        found = self._led.get(key)
        if found is None:
            draft = self._draft(module)
            draft.refs(refs, decorating=decorating)
            deep = [
                step if isinstance(step, bytes) else self.graph.deep(step)
                for step in draft.node(0).recipe
            ]
            found = self._led[key] = digest(*deep)
        return found

    def _draft(self, module: Module) -> Draft:
        return Draft(self.graph.builder, ("root", -1, -1), module)

    def _step(self, module: Module, index: int, unit: Unit) -> Step:
        kind = "" if unit.guards else self._kind(module, index, unit)
        if not kind:
            return self._run(module, index, unit)
        if kind in ("value", "source"):
            key = unit.name if kind == "value" else unit.code
            return Step(kind, key, "", unit.code, unit.code, "", index)
        around = [
            (
                call.code,
                self._given(module, call)
                if kind == "check"
                else self.led(module, call.refs, decorating=True),
            )
            for call in unit.decorators
        ]
        evaluated = self.pieces(module, unit)
        if kind != "def":  # what is postponed is evaluated, too
            evaluated = (*unit.defaults, *unit.annotations)
        pieces = [(piece.name, self.expression(module, piece)) for piece in evaluated]
        head = digest(unit.head, unit.flags & YIELDS, *pieces)
        code = digest(unit.code, *around, head)
        if kind == "check":
            head = digest(head, unit.docs)  # of its description
        return Step(
            kind,
            unit.name,
            digest(*around) if around else "",
            head,
            code,
            unit.docs,
            index,
        )

    def _given(self, module: Module, call: Call) -> str:
        """Return the digest of what a decorator is given.

        Of a plain asset, as in ``@check(highs)``, only which one it is: what it
        computes is nothing to who is told of it.
        """
        named: list[str] = []
        others: list[Located] = []
        for located in call.refs:
            targets = self.model.resolver.resolve(module, located[0], decorating=True)
            if len(targets) == 1 and self._is_plain_asset(targets[0]):
                other = self.model.modules.found[targets[0].module]
                named += (other.path, targets[0].name)
            else:
                others.append(located)
        return digest(*named, self.led(module, others, decorating=True))

    def _run(self, module: Module, index: int, unit: Unit) -> Step:
        """Return the step of a statement that may run anything."""
        deep = self.graph.deep(self.graph.number(("unit", module.index, index)))
        # What decorators are given counts, also where the node leaves it out.
        around = digest(
            *(call.code for call in unit.decorators),
            *(self._given(module, call) for call in unit.decorators),
        )
        return Step("run", unit.name, around, deep.decode(), unit.code, "", index)

    def _kind(self, module: Module, index: int, unit: Unit) -> str:
        """Return what a statement declares; empty if it may do more."""
        if unit.name.startswith("__"):
            return ""  # a module's own `__getattr__`, `__all__`
        if unit.kind == "def":
            return self._kind_of_function(module, unit)
        if unit.literal:
            return "value"
        if unit.kind in ("assign", "other") and not unit.nested:
            node = self.graph.node(self.graph.number(("unit", module.index, index)))
            if not node.inner and node.leaves and _SOURCE.issuperset(node.leaves):
                return "source"
        return ""

    def _kind_of_function(self, module: Module, unit: Unit) -> str:
        if not unit.decorators:
            return "def"
        if len(unit.decorators) == 1:
            call = unit.decorators[0]
            if self._draft(module).asset_call(call):
                return "asset"
            if self._is_check(module, call):
                return "check"
        for call in unit.decorators:
            if call.callee is None:
                return ""
            targets = self.model.resolver.resolve(module, call.callee)
            if not all(target.name in _HARMLESS for target in targets):
                return ""
        return "def"

    def _is_check(self, module: Module, call: Call) -> bool:
        """Return whether a decorator is ``check``, of plain assets and literals."""
        for ref, _ in call.refs:
            targets = self.model.resolver.resolve(module, ref, decorating=True)
            if len(targets) != 1:
                return False
            known = self._is_plain_asset(targets[0])
            if ref == call.callee:
                known = targets[0].kind == "leaf" and targets[0].name in CHECK
            if not known:
                return False
        return call.callee is not None

    def _is_plain_asset(self, target: Target) -> bool:
        if target.kind != "unit" or target.rest:
            return False
        module = self.model.modules.found[target.module]
        unit = module.summary.units[target.position]
        return (
            unit.kind == "def"
            and not unit.guards
            and len(unit.decorators) == 1
            and self._draft(module).asset_call(unit.decorators[0])
        )


def postponed(module: Module) -> bool:
    """Return whether annotations in a module are texts, and never evaluated."""
    found = module.summary.bindings.get("annotations", ())
    return any(binding.source == "__future__:annotations" for binding in found)
