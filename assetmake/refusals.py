"""Say, before anything is built, what a build could not begin with."""

from __future__ import annotations

from assetmake.errors import SourceError, StoreError
from assetmake.graph import upstream_of
from assetmake.plan import Plan
from assetmake.status import Condition
from assetmake.stores.base import Store
from assetmake.view import View


def refuse(view: View, plan: Plan, store: Store) -> None:
    """Raise if a plan cannot begin.

    Raises:
        SourceError: a source that is needed is not there.
        StoreError: a table that assetmake did not write is in an asset's place.
    """
    needed = upstream_of(view.defined.graph, [step.name for step in plan.steps])
    for name, source in view.sources.items():
        if name in needed and source.fingerprint is None:
            readers = [
                f"`{step.name}` ({view.definitions[step.name].place})"
                for step in plan.steps
                if name in view.defined.graph[step.name]
            ]
            if readers:
                msg = (
                    f"source `{name}` has no data: {source.problem}"
                    f"\n  needed by {', '.join(readers)}"
                )
                option = view.defined.sources[name].project
                hint = (
                    f"put it there, or change `path=` at {source.place}"
                    if option is None
                    else f"run `assetmake -C {option}` first"
                )
                raise SourceError(msg, hints=hint)
    for step in plan.steps:
        record = view.records.get(step.name)
        if record and record.condition is Condition.UNMANAGED:
            place = store.place(step.name)
            msg = (
                f"{place} was not written by assetmake, and "
                f"`{step.name}` would overwrite it"
            )
            hint = (
                f"`assetmake --accept {step.name}` adopts it; else move it away by hand"
            )
            raise StoreError(msg, hints=hint)
