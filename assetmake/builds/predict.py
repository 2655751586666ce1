"""Predict which columns today's code would give, by trying it on samples.

It runs functions of assets, on request only: on the first rows of their inputs,
in a directory of its own. Nothing is stored, and nothing is decided by it. What
goes wrong is told in the prediction, never raised.
"""

from __future__ import annotations

import re
import shutil
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from assetmake.assetfile.defined import needed_load
from assetmake.assetfile.load import importing
from assetmake.builds.run import Failed, Reading, Task, run_asset
from assetmake.code.audit import unwatched
from assetmake.errors import AssetmakeError, FrameError
from assetmake.frames import Frames
from assetmake.frames.base import Column, Planning, Stored, Written
from assetmake.graph import upstream_of
from assetmake.look.observe import source_stored, unusable
from assetmake.look.whys import Difference, Prediction
from assetmake.status.rows import PICKLE
from assetmake.system.masks import masked

if TYPE_CHECKING:
    from assetmake.look.view import View
    from assetmake.project import Project

#: Rows of each input that are tried.
ROWS = 1000


@dataclass(frozen=True, slots=True)
class _Tried:
    """A prediction, and its sample for what reads the asset; None without one."""

    prediction: Prediction
    sample: Stored | None = None
    is_whole: bool = False


class _Unknown(Exception):  # noqa: N818 - never leaves this module
    """Nothing can be predicted; the text says why."""


def predict(
    project: Project, view: View, names: Iterable[str]
) -> dict[str, Prediction]:
    """Return a prediction for each asset among some names.

    What is stale above them is predicted as well, so that a column that is
    added upstream is there for what reads it.

    Args:
        project: That the view is one of.
        view: A look at it.
        names: Of assets; other names are left out.
    """
    defined = view.defined
    wanted = [name for name in names if name in defined.assets]
    stale = upstream_of(defined.graph, wanted)
    tried: dict[str, _Tried] = {}
    with (
        _scratch() as directory,
        importing(needed_load(defined)),
        unwatched(),
    ):
        trial = _Trial(project, view, directory)
        try:
            for name in defined.graph:  # upstream before downstream
                if name in wanted or (name in stale and view.statuses[name].is_stale):
                    tried[name] = trial.of(name, tried)
        finally:
            trial.close()
    return {name: tried[name].prediction for name in wanted}


@contextmanager
def _scratch() -> Iterator[Path]:
    """Make a directory that is this user's alone, and goes at the end."""
    directory = tempfile.mkdtemp(prefix="assetmake-predict-")
    try:
        yield Path(directory)
    finally:
        shutil.rmtree(directory, ignore_errors=True)


class _Trial:
    """Tries functions on samples that lie below one directory."""

    def __init__(self, project: Project, view: View, directory: Path) -> None:
        self._project = project
        self._view = view
        self._directory = directory
        self._frames = Frames({"spark": project.config.spark})
        self._made = 0

    def close(self) -> None:
        """Give back what handlers hold, such as a Spark session."""
        self._frames.close()

    def of(self, name: str, tried: dict[str, _Tried]) -> _Tried:
        """Return the prediction for an asset whose upstream was tried."""
        try:
            return self._of(name, tried)
        except (_Unknown, AssetmakeError) as error:
            return _Tried(Prediction(problem=masked(str(error))))
        except Exception as error:  # noqa: BLE001 - told, whatever it is
            problem = f"{type(error).__name__}: {error}"
            return _Tried(Prediction(problem=masked(problem)))

    def _of(self, name: str, tried: dict[str, _Tried]) -> _Tried:
        defined = self._view.defined
        asset, inputs = defined.assets[name], defined.resolved[name].inputs
        if not inputs:
            raise _Unknown("it reads no table, and to try it would be to build it")
        readings, as_stored, is_whole, is_lazy = [], [], True, True
        for item in inputs:
            handler = self._frames.for_annotation(item.annotation, reading=True)
            is_lazy = is_lazy and getattr(handler, "is_lazy", False)
            small, whole = self._input(item.name, item.annotation, tried)
            readings.append(Reading(item.parameter, item.annotation, small))
            is_whole = is_whole and whole
            above = self._view.statuses[item.name]
            if above.is_stale and not (item.name in tried and tried[item.name].sample):
                as_stored.append(item.name)
        task = Task(
            replace(asset, retries=0),
            readings,
            self._new(),
            self._project.config.format,
            self._project.root,
            uses_spark=defined.uses_spark(name),
        )
        ran = run_asset(task, self._frames, save=_planned)
        if ran.failed is not None or ran.written is None:
            raise _Unknown(_failure(ran.failed))
        columns = ran.written.columns
        prediction = Prediction(
            columns,
            _differences(self._stored_columns(name), columns),
            None if is_whole else ROWS,
            from_plan=is_lazy and not ran.format,
            as_stored=tuple(dict.fromkeys(as_stored)),
        )
        return _Tried(prediction, self._result(name, task, ran), is_whole)

    def _input(
        self, name: str, annotation: Any, tried: dict[str, _Tried]
    ) -> tuple[Stored, bool]:
        """Return a sample of an input, and whether it is the whole of it.

        Raises:
            _Unknown: it is not there.
        """
        known = tried.get(name)
        if known is not None and known.sample is not None:
            return known.sample, known.is_whole
        handler = self._frames.for_annotation(annotation, reading=True)
        stored = self._stored(name)
        if not isinstance(handler, Planning):
            return stored, True  # a path, a text or an object
        from assetmake.frames.heads import head

        return head(stored, self._new(), ROWS)

    def _stored(self, name: str) -> Stored:
        view = self._view
        if name in view.sources:
            problem = view.sources[name].problem
            if view.sources[name].fingerprint is None:
                raise _Unknown(unusable(name, problem))
            return source_stored(view.defined.sources[name], self._project.root)
        status = view.statuses[name]
        lost = any(reason.code == "data-missing" for reason in status.reasons)
        if status.manifest is None or lost:
            raise _Unknown(f"its input `{name}` is not stored, nor predicted")
        output = status.manifest.output
        if output.format == PICKLE and not view.definitions[name].is_open:
            # Not what its code can have left: to load it could run anything.
            raise _Unknown(f"its input `{name}` is stored as a pickle, and is none")
        return self._project.store.stored(status.manifest)

    def _stored_columns(self, name: str) -> tuple[Column, ...] | None:
        manifest = self._view.statuses[name].manifest
        return None if manifest is None else manifest.output.columns

    def _result(self, name: str, task: Task, ran: Any) -> Stored | None:
        """Return what a trial left, as what reads the asset would load it."""
        written, columns = ran.written, ran.written.columns
        if not ran.format:
            from assetmake.frames.heads import empty

            with suppress(ValueError):  # a type that its text does not tell
                return empty(name, columns or (), task.staged)
            return None
        files = tuple(sorted(task.staged.iterdir()))
        return Stored(name, task.staged, files, ran.format, columns, written.extra)

    def _new(self) -> Path:
        self._made += 1
        directory = self._directory / str(self._made)
        directory.mkdir()
        return directory


def _planned(result: Any, task: Task, frames: Frames) -> dict[str, Any]:
    """Keep a result for what reads it; of a plan just the columns, computing no row.

    Returns:
        As `save_result` does; ``format`` is empty for a plan.
    """
    asset = task.asset
    if result is None:
        raise FrameError("it returned None")
    if asset.schema is not None:
        from assetmake.frames.schemas import validated

        # A sample may fail where the whole would not.
        with suppress(Exception):
            result = validated(asset.schema, result, asset.name, frames.for_value)
    handler = frames.for_value(result)
    if isinstance(handler, Planning) and handler.is_lazy:
        written = Written("", columns=handler.columns(result, asset.name))
        return {"type": handler.name, "format": "", "written": written}
    wanted = asset.format or (task.table_format if "csv" in handler.formats else None)
    format_ = frames.format_of(handler, wanted, asset.name)
    written = handler.save(result, task.staged, format=format_, asset=asset.name)
    return {"type": handler.name, "format": format_, "written": written}


def _failure(failed: Failed | None) -> str:
    return "it left nothing" if failed is None else f"it failed: {failed.summary}"


def _differences(
    stored: Sequence[Column] | None, predicted: Sequence[Column] | None
) -> tuple[Difference, ...]:
    """Return how the columns of two tables differ; nothing if one is unknown."""
    if stored is None or predicted is None:
        return ()
    return tuple(_compared(stored, predicted))


def _compared(
    stored: Sequence[Column], predicted: Sequence[Column]
) -> Iterator[Difference]:
    before = {column.name: column.dtype for column in stored}
    after = {column.name: column.dtype for column in predicted}
    for name in dict.fromkeys((*after, *before)):
        was, would = before.get(name), after.get(name)
        if was != would and not _is_unit(was, would):
            yield Difference(name, was, would)


def _is_unit(one: str | None, other: str | None) -> bool:
    """Whether two dtypes differ only in units of time, which hang on all values."""
    return one is not None and other is not None and _unitless(one) == _unitless(other)


def _unitless(dtype: str) -> str:
    return re.sub(r"timestamp\[\w+", "timestamp[", dtype)
