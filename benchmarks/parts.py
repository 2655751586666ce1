"""Time the parts of a build in this process; see README.md here.

Each function named below is wrapped; the CPU time in it, but for that in other
wrapped ones, counts for its part. The wrappers themselves cost some µs an asset.
"""

from __future__ import annotations

import argparse
import functools
import importlib
import os
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from build import below, edited
from noop import graph, write_project

#: What belongs to each part: module and function or method.
PARTS = {
    "load the Assetfile, pandas being there": ["assetfile.load:load"],
    "parse and summarise the code": ["code.kept:Summaries.summary"],
    "follow the code of each asset": [
        *(
            "code.closure:Code.observe",
            "code.closure:Code.trace",
            "assetfile.defined:define",
        ),
    ],
    "keep what was told": [
        *(
            "look.loads:Loads.keep",
            "look.loads:Loads._record",
            "code.kept:Summaries.save",
        ),
    ],
    "look at stored tables, judge": [
        *("look.view:look", "look.view:_definition", "stores.tables:Tables.record"),
        *(
            "status.compare:compare",
            "builds.steps:begin_step",
            "builds.steps:BuildState.refresh",
        ),
    ],
    "snapshot": ["look.looks:Looks.snap", "stores.local:LocalStore.save"],
    "the assets' functions": ["builds.run:_attempt"],
    "frames of what they read": ["frames.pandas:_load"],
    "Arrow of what they return": ["frames.pandas:PandasHandler.to_form"],
    "Parquet of it, in memory": ["frames.tables:_write_rows"],
    "write and hash the file": ["frames.writing:write_hashed"],
    "content, types, columns": ["builds.run:save_result", "frames.tables:save"],
    "tables kept in memory": [
        "builds.held:Held.keep",
        "builds.held:Held.done",
        "builds.held:Held.lend",
    ],
    "prints, memory, audit of a run": [
        *(
            "builds.run:run_asset",
            "system.memory:Peak.__init__",
            "system.memory:Peak.read",
        ),
        *("code.watcher:Watcher.__init__", "code.watcher:Watcher.report"),
        *("builds.world:ProjectWorld.run", "builds.world:ProjectWorld.observed"),
    ],
    "manifest": ["builds.steps:_manifest", "stores.local:_dumped"],
    "stage, publish, clear away": [
        *("stores.local:LocalStore.stage", "stores.local:LocalStore.files"),
        *("stores.local:LocalStore.publish", "stores.local:LocalStore.log"),
        *("stores.tables:Tables.is_ours", "stores.local:LocalStore.clean"),
    ],
}


class Clock:
    """CPU seconds by part, each without the parts within."""

    def __init__(self) -> None:
        self.spent: dict[str, float] = {}
        self._inner: list[float] = []

    @contextmanager
    def part(self, name: str) -> Iterator[None]:
        """Count what is spent meanwhile."""
        self._inner.append(0.0)
        began = time.process_time()
        try:
            yield
        finally:
            whole = time.process_time() - began
            own = whole - self._inner.pop()
            self.spent[name] = self.spent.get(name, 0.0) + own
            if self._inner:
                self._inner[-1] += whole

    def wrap(self, place: str, part: str) -> None:
        """Let a function count for a part, under each name that modules have for it."""
        module, _, path = place.partition(":")
        owner: Any = importlib.import_module(f"assetmake.{module}")
        *classes, name = path.split(".")
        for inner in classes:
            owner = getattr(owner, inner)
        function: Callable[..., Any] = getattr(owner, name)

        @functools.wraps(function)
        def timed(*args: Any, **rest: Any) -> Any:
            with self.part(part):
                return function(*args, **rest)

        setattr(owner, name, timed)
        for known in [m for n, m in sys.modules.items() if n.startswith("assetmake")]:
            if vars(known).get(name) is function:
                setattr(known, name, timed)


def build(size: int) -> dict[str, dict[str, float]]:
    """Build a project of `size` assets, then edit one; return CPU seconds by part."""
    from assetmake.project import open_project

    clock = Clock()
    for part, places in PARTS.items():
        for place in places:
            clock.wrap(place, part)
    reads = graph(size)
    middle = edited(reads)
    figures: dict[str, dict[str, float]] = {}
    write_project(Path(), reads, "tables")
    for title in ("first build", f"edit of one, {1 + len(below(reads, middle))} built"):
        with clock.part("the rest"):
            open_project().build()
        figures[title], clock.spent = clock.spent, {}
        text = Path("Assetfile.py").read_text()
        start = text.index("+ 1", text.index(f"def {middle}("))
        Path("Assetfile.py").write_text(text[:start] + "+ 12" + text[start + 3 :])
    return figures


def main() -> None:
    """Print microseconds an asset of a first build, milliseconds of an edit."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--size", type=int, default=1000)
    size = parser.parse_args().size
    shared = "/dev/shm" if os.path.isdir("/dev/shm") else None  # noqa: S108 - private
    with tempfile.TemporaryDirectory(dir=shared) as place:
        os.chdir(place)
        (_, first), (title, edit) = build(size).items()
        os.chdir("/")
    print(f"| {size:,} assets | first build, µs an asset | {title}: ms |")
    print("|---|---|---|")
    for part in (*PARTS, "the rest"):
        one, other = first.get(part, 0), edit.get(part, 0)
        print(f"| {part} | {one / size * 1e6:,.0f} | {other * 1e3:,.0f} |")
    one, other = sum(first.values()), sum(edit.values())
    print(f"| in all | {one / size * 1e6:,.0f} | {other * 1e3:,.0f} |")


if __name__ == "__main__":
    main()
