"""What is done to tables, to installed packages, and by signals, at random."""

from __future__ import annotations

import os
import signal
from typing import TYPE_CHECKING

from random_actions import action
from random_disk import command_in_child
from random_frames import Columns, declared_of, other_columns, parquet
from random_trial import EVENTS, Trial

if TYPE_CHECKING:
    from random_model import Spec

#: The exit status of a process that a signal ended is its number, negated.
_ENDINGS = (signal.SIGTERM, signal.SIGHUP)


# Columns ------------------------------------------------------------------------


def table_spec(trial: Trial, number: int) -> tuple[Spec, Columns] | None:
    """Choose an asset that returns a table."""
    found = [spec for spec in trial.model.specs.values() if spec.columns]
    if not found:
        return None
    spec = found[number % len(found)]
    return (spec, spec.columns) if spec.columns else None


@action(2)
def edit_columns(trial: Trial, number: int) -> None:
    """Code returns other columns than before, and declares what it declared."""
    found = table_spec(trial, number)
    if found:
        spec, columns = found
        spec.columns = other_columns(columns, number // 8)
        trial.write()


@action(2)
def edit_declared(trial: Trial, number: int) -> None:
    """`columns=` alone: it fits what is returned, or another table."""
    found = table_spec(trial, number)
    if found:
        spec, columns = found
        if number // 8 % 2:
            columns = other_columns(columns, number // 16)
        spec.declared = declared_of(columns, number // 64)
        trial.write()


@action(2)
def edit_columns_and_declared(trial: Trial, number: int) -> None:
    """A column comes, goes or changes, and is declared so."""
    found = table_spec(trial, number)
    if found:
        spec, columns = found
        spec.columns = other_columns(columns, number // 8)
        spec.declared = declared_of(spec.columns, 1 + number // 64 % 3)
        trial.write()


@action(2)
def swap_parquet(trial: Trial, number: int) -> None:
    """Somebody writes other values, or other columns, under the old time."""
    tables = sorted(trial.model.tables())
    name = tables[number % len(tables)] if tables else ""
    for file in trial.files(name) if name else ():
        if not file.endswith(".parquet"):
            continue
        path = trial.data / name / file
        before = os.stat(path)
        columns = trial.model.specs[name].columns or ()
        if number // 8 % 2:
            columns = other_columns(columns, number // 16)
        path.write_bytes(parquet(columns, number % 5))
        os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))


# Packages -----------------------------------------------------------------------


@action(2)
def install(trial: Trial, number: int) -> None:
    """Another version of a distribution, or none."""
    if trial.has_release:
        trial.model.release = (None, "1", "2", "3", "4")[number % 5]
        trial.write()


# Signals ------------------------------------------------------------------------


@action()
def told_to_end(trial: Trial, number: int) -> None:
    """SIGTERM and SIGHUP end a command in good order, a second one at once."""
    if not trial.can_begin():
        return
    trial.clear_moves()
    first = _ENDINGS[number % 2]
    signals = [first, _ENDINGS[number // 2 % 2]] if number % 8 == 7 else [first]
    words = ["-k", "-C", str(trial.folder), "-j", str(1 + number // 8 % 2)]
    ends = {-number for number in signals}

    simulated = trial.model.simulate(trial.tables(), [*trial.model.specs], trial.fails)
    statuses: list[int] = []

    def work() -> bool:
        status, said = command_in_child(
            trial.folder, words, signals, after=number // 16 % 130
        )
        statuses.append(status)
        assert status in {0, 1, *ends}, f"it ended by {status}:\n{said}"
        assert "bug in assetmake" not in said, said
        EVENTS[f"signal: {'ended' if status in ends else 'too late'}"] += 1
        return status in ends

    if not trial.cut_short(work):
        assert statuses == [1 if simulated.failed else 0], "it was told, and went on"
        for name, recipe in simulated.ran.items():
            assert trial.table(name).recipe == recipe, f"{name} was not built"


@action()
def crash_parallel(trial: Trial, number: int) -> None:
    """A build of two at once is killed."""
    trial.crash(number % 50, jobs=2)
