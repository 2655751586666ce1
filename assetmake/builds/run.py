"""Run one asset's function: load what it reads, call it, save what it returns.

It knows one asset and a directory to write into, nothing of the store, of
manifests or of staleness; so it runs in this process, a thread or another one.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from assetmake import errors
from assetmake.assets import Asset
from assetmake.builds.checking import Checking, CheckRan, run_checks, staged_table
from assetmake.builds.printed import captured, spark_log
from assetmake.checks import BoundCheck
from assetmake.code.audit import Seen, unwatched, watch
from assetmake.code.imports import forget_cached
from assetmake.errors import (
    AssetmakeError,
    FrameError,
    StoreError,
    did_you_mean,
    hint_of,
    told,
)
from assetmake.frames import Frames
from assetmake.frames.base import Column, Planning, Stored, Written
from assetmake.frames.schemas import (
    check_declared,
    declarations,
    is_plain,
    validated,
)
from assetmake.messages.excerpts import shown_path
from assetmake.messages.tracebacks import cut_traceback, full_traceback, text_of
from assetmake.system.masks import masked
from assetmake.system.memory import Peak


@dataclass(frozen=True, slots=True)
class Reading:
    """One parameter of an asset and the stored value that it gets."""

    parameter: str
    annotation: Any
    stored: Stored


@dataclass(frozen=True, slots=True)
class Task:
    """One run of one asset.

    Attributes:
        asset: What to run.
        readings: What it reads, in the order of its parameters.
        staged: An empty directory to save into.
        table_format: In which format tables are kept by default.
        project: The project's directory, for messages and the audit.
        ignored: Files and directories whose reading is no news to the audit.
        uses_spark: Whether the asset's code or types name pyspark.
        checks: Run on what it saved.
        table: What is stored of the asset, if just the checks are to run.
        loaded: Is told that all that the asset reads is loaded.
        keep: Takes what was written, at once.
    """

    asset: Asset
    readings: Sequence[Reading]
    staged: Path
    table_format: str
    project: Path
    ignored: Sequence[Path] = ()
    uses_spark: bool = False
    checks: Sequence[BoundCheck] = ()
    table: Stored | None = None
    loaded: Callable[[], None] | None = None
    keep: Callable[[Written], None] | None = None


#: `Failed.kind` where the checks of an asset found its table wrong.
CHECK_FAILED = "CheckFailed"


@dataclass(frozen=True, slots=True)
class Failed:
    """How a run failed, as text, so that it can cross processes.

    Attributes:
        kind: Name of the exception's class, or `CHECK_FAILED`.
        message: Its text.
        trace: Lines of the traceback, cut to the project's frames.
        full_trace: The whole traceback.
        inputs: A line each: name, rows and columns of what the asset read.
        hints: What to do.
    """

    kind: str
    message: str
    trace: str = ""
    full_trace: str = ""
    inputs: tuple[str, ...] = ()
    hints: tuple[str, ...] = ()

    @property
    def is_ours(self) -> bool:
        """Whether it is a problem that assetmake tells, and its text says all."""
        return hasattr(errors, self.kind) and not self.trace

    @property
    def summary(self) -> str:
        """The first line of its text, with the exception's class if that is news."""
        first = self.message.strip().partition("\n")[0]
        if self.kind == CHECK_FAILED or (self.is_ours and first):
            return first
        return f"{self.kind}: {first}" if first else self.kind


@dataclass(frozen=True, slots=True)
class Ran:
    """What a run left.

    Attributes:
        seconds: Wall time, loading and saving included.
        peak_memory: Largest resident set of the process during the run, in
            bytes; None if that is not known, or is not the asset's alone.
        printed: What the function wrote to stdout and stderr.
        type: Name of the handler that saved the result.
        format: In which it was saved.
        written: What it left in the staged directory; None if it failed.
        seen: Files and code that the audit saw.
        failed: None if it did not fail.
        checks: What each check said, also of one that failed by it.
        from_memory: Names of what it had from memory, as this build made it, and
            not from files.
    """

    seconds: float
    peak_memory: int | None
    printed: str
    type: str = ""
    format: str = ""
    written: Written | None = None
    seen: Seen | None = None
    failed: Failed | None = None
    from_memory: frozenset[str] = frozenset()

    checks: tuple[CheckRan, ...] = ()


def run_asset(
    task: Task,
    frames: Frames,
    *,
    save: Callable[[Any, Task, Frames], dict[str, Any]] | None = None,
    echo: bool = False,
    debug: bool = False,
) -> Ran:
    """Run one asset and save its result; an exception becomes `Ran.failed`.

    Args:
        task: What to run.
        frames: Handlers of the build.
        save: What to do with the result; `save_result` if None.
        echo: Whether what the function prints is shown at once, too.
        debug: Whether a debugger opens where it fails.
    """
    started = time.perf_counter()
    # Spark's memory is the Java process', and threads share that of this one.
    peak = None if task.uses_spark else Peak()
    values: dict[str, Any] = {}
    # What handlers read is no news; the function itself is watched below.
    with (
        captured(echo=echo or debug) as printed,
        unwatched(),
        spark_log(printed) if task.uses_spark else contextlib.nullcontext(),
    ):
        try:
            if task.uses_spark:
                # Also for one that reads no Spark frame and asks pyspark itself.
                _spark(frames).prepare()
            outcome = {}
            if task.table is None:
                outcome = _attempt(task, frames, values, save or save_result)
            if task.checks:
                values.clear()
                outcome |= _checked(task, frames, outcome, debug=debug)
        except (Exception, SystemExit) as error:  # noqa: BLE001 - the user's own
            outcome = _failed(error, task, frames, values)
            if debug:
                _debug(error)
    seconds = time.perf_counter() - started
    taken = peak.read() if peak else None
    return Ran(seconds, taken, masked(printed.getvalue()), **outcome)


def _attempt(
    task: Task,
    frames: Frames,
    values: dict[str, Any],
    save: Callable[[Any, Task, Frames], dict[str, Any]],
) -> dict[str, Any]:
    """Run with retries; `values` is filled with what the function gets."""
    for left in range(task.asset.retries, -1, -1):
        values.clear()
        try:
            for reading in task.readings:
                handler = frames.for_annotation(reading.annotation, reading=True)
                values[reading.parameter] = handler.load(
                    reading.stored, reading.annotation
                )
            from_memory = _from_memory(task.readings)
            if task.loaded is not None:
                task.loaded()
            forget_cached()
            with _same_place(), watch(task.project, ignore=task.ignored) as seen:
                result = task.asset.function(**values)
                saved = save(result, task, frames)
        except AssetmakeError:
            raise  # the same again, however often
        except Exception:
            if not left:
                raise
            _empty(task.staged)
        else:
            return {**saved, "seen": seen, "from_memory": from_memory}
    raise AssertionError


@contextlib.contextmanager
def _same_place() -> Iterator[None]:
    """Come back to the working directory: the next asset begins where this one did."""
    before = None
    with contextlib.suppress(OSError):  # it may have been removed
        before = os.getcwd()
    try:
        yield
    finally:
        if before is not None:
            with contextlib.suppress(OSError):
                os.chdir(before)


def _checked(
    task: Task, frames: Frames, saved: Mapping[str, Any], *, debug: bool
) -> dict[str, Any]:
    """Run the checks on what was saved, or on what is stored."""
    table = task.table or staged_table(
        task.asset.name, task.staged, saved["format"], saved["written"]
    )
    checking = Checking(
        frames,
        task.project,
        task.ignored,
        lambda error: _message(error, task, frames),
        _debug if debug else None,
    )
    inputs = {reading.stored.name: reading.stored for reading in task.readings}
    checks = run_checks(task.checks, table, inputs, checking)
    wrong = [check for check in checks if check.is_wrong]
    # What the checks read of the inputs, they read from files.
    outcome = {"checks": checks, "from_memory": frozenset[str]()}
    if not wrong:
        return outcome
    first = wrong[0]
    others = "1 more check" if len(wrong) == 2 else f"{len(wrong) - 1} more checks"
    more = f" (and {others})" if len(wrong) > 1 else ""
    message = f"check `{first.name}`: {first.summary}{more}"
    return {**outcome, "failed": Failed(CHECK_FAILED, message)}


def _debug(error: BaseException) -> None:
    import pdb  # noqa: T100 - asked for by --pdb

    pdb.post_mortem(error.__traceback__)


def _from_memory(readings: Sequence[Reading]) -> frozenset[str]:
    """Return names of what was taken from memory, each time that it was read."""
    taken = {True: set[str](), False: set[str]()}
    for stored in (reading.stored for reading in readings):
        taken[stored.lent is not None and stored.lent.was_taken].add(stored.name)
    return frozenset(taken[True] - taken[False])


def _spark(frames: Frames) -> Any:
    """Return the handler of Spark frames, which can do more than the others."""
    return frames.for_annotation("pyspark.sql.DataFrame", reading=True)


def _empty(directory: Path) -> None:
    for path in directory.iterdir():
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        else:
            path.unlink()


def save_result(result: Any, task: Task, frames: Frames) -> dict[str, Any]:
    """Check and save what the function returned; see `Ran` for the keys.

    Raises:
        FrameError: it is None, of another type than declared, violates
            `columns=` or `schema=`, or would not survive its format.
    """
    asset = task.asset
    if result is None:
        msg = f"{_place(task)}: asset `{asset.name}` returned None"
        raise FrameError(msg, hints="end the function with `return` and the table")
    if asset.schema is not None:
        result = validated(asset.schema, result, asset.name, frames.for_value)
    handler = frames.for_value(result)
    declared = frames.for_annotation(asset.returns, reading=False)
    if declared is not None and declared.name not in (handler.name, "object"):
        msg = (
            f"{_place(task)}: asset `{asset.name}` returned a "
            f"{type(result).__module__}.{type(result).__qualname__}, "
            f"and its annotation says {declared.name}"
        )
        raise FrameError(msg, hints="return what the annotation says, or change it")
    wanted = asset.format or (task.table_format if "csv" in handler.formats else None)
    format_ = frames.format_of(handler, wanted, asset.name)
    declares = declarations(asset.columns, asset.schema)
    if declares and isinstance(handler, Planning) and handler.is_lazy:
        # Not after an hour, when the columns of a plan are known at once.
        planned = handler.columns(result, asset.name)
        _check_columns(task, declares, planned)
    try:
        written = handler.save(result, task.staged, format=format_, asset=asset.name)
    except OSError as error:
        if not hint_of(error):  # a lazy frame may have met it where it reads
            raise
        msg = f"cannot write `{asset.name}`: {told(error)}"
        raise StoreError(msg, hints=hint_of(error)) from error
    if written.columns is not None:
        _check_columns(task, declares, written.columns)
    elif asset.columns is not None or is_plain(asset.schema):
        msg = (
            f"{_place(task)}: asset `{asset.name}` declares columns, and returned a "
            f"{handler.name} in format {format_}, which has none"
        )
        raise FrameError(msg, hints="return a table, or take the declaration away")
    if task.keep is not None:
        task.keep(written)
    written = replace(written, again=None)  # it would hold on to the rows
    return {"type": handler.name, "format": format_, "written": written}


def _check_columns(task: Task, declares: Any, columns: Sequence[Column]) -> None:
    """Raise FrameError if a table has other columns than its asset declares."""
    if declares:
        check_declared(declares, columns, task.asset.name, _place(task))


def _place(task: Task) -> str:
    """Return where an asset is defined, as messages name it."""
    place = task.asset.place
    return f"{shown_path(place.file, task.project)}:{place.line}"


def _failed(
    error: BaseException, task: Task, frames: Frames, values: Mapping[str, Any]
) -> dict[str, Any]:
    shapes = {}
    for reading in task.readings:
        value = values.get(reading.parameter)
        with contextlib.suppress(Exception):  # a lazy frame may fail here again
            if value is not None:
                handler = frames.for_annotation(reading.annotation, reading=True)
                shapes[reading.stored.name] = handler.shape(value)
    inputs = []
    for name, shape in shapes.items():
        if shape is not None:
            rows = "1 row; " if shape.rows == 1 else ""
            if not rows and shape.rows is not None:
                rows = f"{shape.rows:,} rows; "
            inputs.append(f"{name}: {rows}{', '.join(map(str, shape.columns))}")
    hints = list(getattr(error, "hints", ()))
    if isinstance(error, KeyError) and error.args and isinstance(error.args[0], str):
        columns = [str(c) for shape in shapes.values() if shape for c in shape.columns]
        close = did_you_mean(error.args[0], columns)
        if close:
            hints.append(f"an input has a column with a similar name: '{close}'")
    ours = isinstance(error, AssetmakeError)
    failed = Failed(
        type(error).__name__,
        masked(_message(error, task, frames)),
        "" if ours else masked(cut_traceback(error, task.project)),
        masked(full_traceback(error)),
        tuple(inputs),
        tuple(hints),
    )
    return {"failed": failed}


def _message(error: BaseException, task: Task, frames: Frames) -> str:
    """Return the text of an error; of one of Spark's, the lines that help."""
    home = type(error).__module__.partition(".")[0]
    if task.uses_spark and home in ("pyspark", "py4j"):
        return str(_spark(frames).explain(error))
    return text_of(error)
