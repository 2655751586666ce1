"""What worker processes are told, and what is known of one that died; plain values."""

from __future__ import annotations

import signal
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from assetmake.assets import Asset, Resolved
from assetmake.builds.run import Failed, Reading, Task
from assetmake.checks import BoundCheck
from assetmake.frames.base import Stored


@dataclass(frozen=True, slots=True)
class Origin:
    """What a worker needs to load the project just as its parent did.

    Attributes:
        assetfile: Its path.
        root: The project's directory.
        files: Bytes of the project's modules, by path.
        settings: Of the handlers.
        imports: Modules of installed packages that the project imports.
        table_format: In which format tables are kept by default.
        private: Directories whose reading is no news to the audit.
        echo: Whether what assets print is shown at once, too.
    """

    assetfile: Path
    root: Path
    files: Mapping[Path, bytes]
    settings: Mapping[str, Any]
    imports: Sequence[str] = ()
    table_format: str = "parquet"
    private: tuple[Path, ...] = ()
    echo: bool = False


@dataclass(frozen=True, slots=True)
class Order:
    """One run of one asset, in plain values that cross processes.

    Attributes:
        name: The asset's.
        stored: What it reads, in the order of its inputs.
        staged: An empty directory to save into.
        table: What is stored of the asset, if just its checks are to run.
    """

    name: str
    stored: tuple[Stored, ...]
    staged: Path
    table: Stored | None = None


@dataclass(frozen=True, slots=True)
class Died:
    """A worker process ended before its asset did.

    Attributes:
        status: Its exit status; of a signal, minus the number.
        was_alone: Whether nothing else ran at that time.
    """

    status: int
    was_alone: bool

    @property
    def may_be_memory(self) -> bool:
        """Whether the system may have killed it because others took the memory."""
        return self.status == -signal.SIGKILL and not self.was_alone

    @property
    def failed(self) -> Failed:
        """How its asset failed, then."""
        if self.status >= 0:
            message = f"its worker process ended with exit status {self.status}"
            hint = "raise an exception where it fails, instead of ending the process"
        else:
            known = {int(number): number.name for number in signal.Signals}
            name = known.get(-self.status, f"signal {-self.status}")
            message = f"its worker process was ended by {name}"
            hint = "look for a library in C that crashes"
            if self.status == -signal.SIGKILL:
                message += ", as a system does that is out of memory"
                hint = "let it take less memory at once, or run it where there is more"
        return Failed("WorkerError", message, hints=(hint,))


def task_of(
    order: Order,
    asset: Asset,
    resolved: Resolved,
    origin: Origin,
    *,
    checks: Sequence[BoundCheck] = (),
    uses_spark: bool = False,
) -> Task:
    """Return the task that an order stands for, in a process with its project."""
    readings = tuple(
        Reading(item.parameter, item.annotation, stored)
        for item, stored in zip(resolved.inputs, order.stored, strict=True)
    )
    ignored = [order.staged, *origin.private]
    for stored in order.stored:
        ignored += stored.files if stored.is_source else [stored.directory]
    return Task(
        asset,
        readings,
        order.staged,
        origin.table_format,
        origin.root,
        ignored,
        uses_spark,
        checks,
        order.table,
    )
