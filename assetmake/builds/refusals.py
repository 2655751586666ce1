"""Say, before anything is built, what a build could not begin with."""

from __future__ import annotations

from shlex import quote

from assetmake.builds.plan import Plan
from assetmake.code.parts import Place
from assetmake.errors import SourceError, StoreError
from assetmake.graph import upstream_of
from assetmake.look.remember import Remembered
from assetmake.status.rows import CHANGED_BY_HAND
from assetmake.stores.base import Store


def refuse(known: Remembered, plan: Plan, store: Store) -> None:
    """Raise if a plan cannot begin.

    Args:
        known: All rows.
        plan: What is to be built.
        store: For names of places; nothing is looked up.

    Raises:
        SourceError: a source that is needed is not there.
        StoreError: what nothing proves to be assetmake's is in an asset's place.
    """
    needed = upstream_of(known.graph, [step.name for step in plan.steps])
    for name in known.sources:
        lacking = [r for r in known.statuses[name].reasons if r.code == _LACKING]
        if name in needed and lacking:
            readers = [
                f"`{step.name}` ({known.statuses[step.name].place})"
                for step in plan.steps
                if name in known.graph[step.name]
            ]
            if readers:
                from assetmake.look.observe import unusable

                problem, at = lacking[0].text, known.statuses[name].place
                by = f"\n  needed by {', '.join(readers)}"
                hint = _remedy(name, problem, known.projects.get(name), at)
                raise SourceError(unusable(name, problem) + by, hints=hint)
    for step in plan.steps:
        reasons = known.statuses[step.name].reasons
        unmanaged = [reason for reason in reasons if reason.code == _UNMANAGED]
        if unmanaged:
            place = store.place(step.name)
            msg = (
                f"{place} has no manifest to prove that assetmake wrote it, and "
                f"`{step.name}` would overwrite it"
            )
            hint = (
                f"`assetmake --accept {step.name}` adopts it; else move it away by hand"
                if "is no directory" not in unmanaged[0].text
                else f"it is no directory: move {place} away by hand"
            )
            raise StoreError(msg, hints=hint)


def _remedy(name: str, problem: str, project: str | None, at: Place | None) -> str:
    """Return what to do about a source that cannot be used."""
    if project is None:
        return f"put it there, or change `path=` at {at}"
    if problem == f"no directory {project}":
        return f"change `project=` at {at}"
    there = f"assetmake -C {quote(project)}"
    if CHANGED_BY_HAND in problem:
        return f"see `{there} --status`; a build there keeps a copy, and builds it anew"
    if problem.endswith("its data is missing"):
        return f"run `{there} {quote(name)}` first"
    if "never built" in problem:
        return (
            f"run `{there} {quote(name)}` first; if there is no such asset any more, "
            f"change the name at {at}"
        )
    return f"see `{there} --status`"


#: Reasons that no build mends.
_LACKING, _UNMANAGED = "source-missing", "manifest-missing"
