"""Tell whether what is new in a module is sure to be executed as it says.

In any doubt it is not, and a load has to tell.
"""

from __future__ import annotations

from collections.abc import Collection

from assetmake.code.closure import Model
from assetmake.code.modules import Module
from assetmake.code.outline import Outliner, Step
from assetmake.look.literal import Undecided, compiles
from assetmake.look.pairs import Pair, text_of

#: Kinds of references that executing an expression follows at most by name.
_FOLLOWED = frozenset({"name", "mention", "dotted", "script"})


def check_executed(outliner: Outliner, pair: Pair) -> None:
    """Raise unless what is new in a module is sure to be executed as it says.

    Raises:
        Undecided: it is not.
    """
    if pair.before.digest != pair.after.digest:
        _compiles(outliner, pair)
    for step in pair.fresh:
        if step.kind == "source":
            _calls(outliner, pair, step)
        elif step.kind in ("def", "asset", "check"):
            before = pair.named.get(step.name)
            around = before.around if before else ""
            if step.kind == "def" and step.around != around:
                raise Undecided(f"{pair.shown(step)} has other decorators")
            _evaluates(outliner, pair, step)


def _compiles(outliner: Outliner, pair: Pair) -> None:
    """Raise unless a file that changed is sure to be compiled."""
    module = pair.module
    data = outliner.model.sources.read(module.path)
    if b"overload" in data:  # what such functions evaluate is not outlined
        raise Undecided(f"{module.file} may have overloads")
    tested = any(step.key.startswith("test ") for step in pair.after.steps)
    if tested or b"__future__" in data or b"global" in data:
        compiles(data)
        return
    known = {(step.name, step.code, step.docs) for step in pair.before.steps}
    for step in pair.after.steps:
        if step.unit >= 0 and (step.name, step.code, step.docs) not in known:
            compiles(text_of(outliner.model, module, step.unit))


def _evaluates(outliner: Outliner, pair: Pair, step: Step) -> None:
    """Raise unless annotations and default values are sure to be evaluated."""
    module = pair.module
    _calls(outliner, pair, step)
    unit = module.summary.units[step.unit]
    for piece in outliner.pieces(module, unit):
        if piece.literal:
            continue
        names = [ref[1] for ref, _ in piece.refs if ref[0] == "name"]
        others = any(ref[0] not in _FOLLOWED for ref, _ in piece.refs)
        known = outliner.expression(module, piece) in pair.before.evaluated
        bound = all(
            _is_bound(outliner.model, module, name, step.unit) for name in names
        )
        if others or not bound or not (known or piece.bare):
            raise Undecided(f"{pair.shown(step)} evaluates other code")


def _calls(outliner: Outliner, pair: Pair, step: Step) -> None:
    """Raise unless what a statement calls is bound before it."""
    unit = pair.module.summary.units[step.unit]
    around = [ref for call in unit.decorators for ref, _ in call.refs]
    refs = around if unit.kind == "def" else [ref for ref, _ in unit.now]
    names = [ref[1] for ref in refs if ref[0] == "name"]
    if not all(
        _is_bound(outliner.model, pair.module, name, step.unit) for name in names
    ):
        raise Undecided(f"{pair.shown(step)} calls what is not there yet")


def check_imported(model: Model, pairs: Collection[Pair]) -> None:
    """Raise if something may be imported by name that is no longer there.

    Raises:
        Undecided: it may.
    """
    lost = {
        pair.module.index for pair in pairs if not pair.before.names <= pair.after.names
    }
    if not lost:
        return
    for pair in pairs:
        for found in pair.module.summary.bindings.values():
            for binding in found:
                if binding.unit < 0 and ":" in binding.source:
                    ref = ("import", binding.source, ())
                    targets = model.resolver.resolve(pair.module, ref)
                    if any(t.name.startswith("missing:") for t in targets):
                        raise Undecided(f"{binding.source} is not there")
        if pair.module.index in lost and pair.module.summary.exports is not None:
            raise Undecided(f"{pair.module.file} binds other names")


def _is_bound(model: Model, module: Module, name: str, index: int) -> bool:
    """Return whether a name has a value before a statement is executed."""
    found = module.summary.bindings.get(name, ())
    if not found:
        targets = model.resolver.resolve(module, ("name", name, ()))
        return all(target.name.startswith("builtin:") for target in targets)
    imported: set[str] = set()
    for kind, base, unit in module.summary.events:
        if kind == "unit" and unit == index:
            break
        if kind == "load":
            # `import a.b` loads `a.b`, and binds `a`.
            imported |= {str(base), str(base).partition(".")[0]}
    return any(
        not one.guards
        and (one.unit < index if one.unit >= 0 else one.source in imported)
        for one in found
    )
