"""Build assets again from what is stored, and compare; nothing is published.

An asset is deterministic if it gives the same data from the same inputs. What
the comparison finds is told; nothing is decided from it, and no check runs.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING

from assetmake.assetfile.defined import needed_load
from assetmake.assetfile.load import importing
from assetmake.builds.checking import staged_table
from assetmake.builds.run import Failed, Ran
from assetmake.builds.world import ProjectWorld
from assetmake.code.audit import unwatched
from assetmake.errors import AssetmakeError
from assetmake.frames.base import ROWS_SCHEME

if TYPE_CHECKING:
    from assetmake.code.parts import Place
    from assetmake.frames.compare import Deviation
    from assetmake.look.view import View
    from assetmake.project import Project
    from assetmake.stores.manifest import Manifest


class Verdict(StrEnum):
    """What became of an asset that was built again."""

    DETERMINISTIC = "deterministic"  # the same fingerprint
    REORDERED = "reordered"  # the same rows, in another order
    DIFFERS = "differs"  # other data
    UNKNOWN = "unknown"  # other bytes, which may stand for the same
    FAILED = "failed"  # it raised, or could not be saved
    NOT_FRESH = "not fresh"  # not run: what is stored is of other code or inputs


@dataclass(frozen=True, slots=True)
class Verified:
    """One asset that was built again, or why it was not.

    Attributes:
        name: The asset's.
        verdict: What came of it.
        place: Of its function.
        seconds: Wall time of the run.
        deviations: In what the data differs.
        problem: Why nothing can be said; empty if something can.
        failed: How it failed.
        printed: What it wrote to stdout and stderr.
    """

    name: str
    verdict: Verdict
    place: Place
    seconds: float = 0.0
    deviations: tuple[Deviation, ...] = ()
    problem: str = ""
    failed: Failed | None = None
    printed: str = ""

    @property
    def ok(self) -> bool:
        """Whether the asset is known to be deterministic."""
        return self.verdict is Verdict.DETERMINISTIC


def verify(
    project: Project,
    view: View,
    names: Iterable[str],
    told: Callable[[Verified], None],
) -> list[Verified]:
    """Build assets again, one after the other, and compare each with its table.

    Args:
        project: Its store is locked by the caller.
        view: A look at it, at data too.
        names: Of assets.
        told: Is given each result as soon as it is there.
    """
    found = []
    with importing(needed_load(view.defined)), unwatched():
        verifier = _Verifier(project, view)
        try:
            for name in names:
                found.append(verifier.of(name))
                told(found[-1])
        finally:
            verifier.close()
    return found


class _Verifier:
    """Runs assets into staging, and looks at what comes out."""

    def __init__(self, project: Project, view: View) -> None:
        self._store = project.store
        self._view = view
        self._world = ProjectWorld(project, view, checks=False)

    def close(self) -> None:
        """Give back what handlers hold, and remove what was staged."""
        self._world.close()
        self._store.clean()

    def of(self, name: str) -> Verified:
        """Return what comes of one asset."""
        status, place = self._view.statuses[name], self._view.definitions[name].place
        manifest = status.manifest
        if status.is_stale or manifest is None:
            why = "; ".join(reason.text for reason in status.reasons)
            return Verified(name, Verdict.NOT_FRESH, place, problem=why)
        staged = self._store.stage(name)
        try:
            ran = self._world.run(name, staged)
            found = Verified(name, Verdict.DETERMINISTIC, place, ran.seconds)
            if ran.failed is not None or ran.written is None:
                failed = ran.failed or Failed("RuntimeError", "it left nothing")
                return replace(
                    found, verdict=Verdict.FAILED, failed=failed, printed=ran.printed
                )
            if ran.written.fingerprint == manifest.output.fingerprint:
                return found
            return self._compared(found, manifest, ran, staged)
        except (OSError, AssetmakeError) as error:
            hints = tuple(getattr(error, "hints", ()))
            failed = Failed(type(error).__name__, str(error), hints=hints)
            return Verified(name, Verdict.FAILED, place, failed=failed)
        finally:
            shutil.rmtree(staged, ignore_errors=True)

    def _compared(
        self, found: Verified, manifest: Manifest, ran: Ran, staged: Path
    ) -> Verified:
        """Return a result with what differs."""
        from assetmake.frames.compare import Deviation, compare_files, compare_tables

        written, output = ran.written, manifest.output
        for item in manifest.inputs:
            source = item.name in self._view.sources
            if source and self._world.source_now(item.name) != item.fingerprint:
                problem = f"source `{item.name}` changed meanwhile"
                return replace(found, verdict=Verdict.UNKNOWN, problem=problem)
        if written is None:
            raise AssertionError(found.name)
        if ran.format == output.format == "pickle":
            problem = "its pickle has other bytes, which may stand for the same value"
            return replace(found, verdict=Verdict.UNKNOWN, problem=problem)
        deviations: tuple[Deviation, ...] = ()
        if ran.type != output.type:
            deviations = (Deviation("type", stored=output.type, again=ran.type),)
        stored = self._store.stored(manifest)
        again = staged_table(found.name, staged, ran.format, written)
        if output.rows is not None and written.rows is not None:
            schemes = (output.fingerprint, written.fingerprint)
            ordered = not any(text.startswith(f"{ROWS_SCHEME}:") for text in schemes)
            rows = (output.rows, written.rows)
            deviations += compare_tables(stored, again, rows, ordered=ordered)
        elif not deviations:
            for one, other in zip(stored.files, again.files, strict=True):
                deviations += compare_files(one, other)
        verdict = Verdict.DIFFERS if deviations else Verdict.REORDERED
        return replace(found, verdict=verdict, deviations=deviations)
