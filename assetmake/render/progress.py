"""Tell how a build goes on: a line for each asset, and one that lives."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

from assetmake.builds.listen import Listener, Outcome
from assetmake.builds.plan import Plan
from assetmake.messages.cells import cells
from assetmake.render.layout import (
    Look,
    count,
    cut,
    cut_middle,
    pad,
    safe,
    seconds,
    size,
)

#: What a line begins with, and its style.
_WORDS = {
    "built": ("built", "green"),
    "checked": ("checked", "green"),
    "failed": ("FAILED", "failed"),
    "skipped": ("skipped", "yellow"),
}
#: Seconds between two looks at the clock: with a live line, and without.
_TICK, _SLOW_TICK = 0.2, 1.0
#: Seconds after which a log is told that an asset is still being built.
_STILL = 60
#: Columns of time, rows and size.
_NUMBERS = 8 + 14 + 9
#: Columns of names, so that lines of builds look alike; and where there is no room.
_NAME, _LEAST_NAME = 30, 8
#: Names on the live line.
_MOST_RUNNING = 3


class Progress(Listener):
    """A listener of a build that writes to one stream.

    It may be told things from several threads.
    """

    def __init__(
        self,
        write: Callable[[str], None],
        look: Callable[[], Look],
        *,
        live: bool = False,
        keep_going: bool = False,
        path: Callable[[str], str] = str,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Begin with nothing.

        Args:
            write: Takes text, newlines included, and shows it at once.
            look: Of the stream; asked again and again, since windows change.
            live: Whether one line may be overwritten while assets run.
            keep_going: Whether what needs a failed asset is skipped, and the rest run.
            path: Returns a path as the reader is to see it.
            clock: In seconds.
        """
        self._write = write
        self._look = look
        self._live = live
        self._path = path
        self._clock = clock
        self._lock = threading.RLock()
        self._stop = threading.Event()
        self._ticker: threading.Thread | None = None
        self._keep_going = keep_going
        #: Names of what has a line, or is sure to get one.
        self._counted: set[str] = set()
        self._readers: dict[str, list[str]] = {}
        self._done = 0
        self._counter_width = self._name_width = 0
        self._began = 0.0
        self._running: dict[str, float] = {}
        self._told: dict[str, int] = {}
        self._drawn = False
        self.plan: Plan | None = None

    # What the build tells ----------------------------------------------------

    def planned(self, plan: Plan) -> None:
        """Say how much there is to do."""
        self.plan = plan
        self._began = self._clock()
        self._counted = {step.name for step in plan.certain}
        for step in plan.possible:
            for reason in step.reasons:
                if reason.code == "upstream-outdated":
                    self._readers.setdefault(reason.subject, []).append(step.name)
        self._counter_width = 2 * len(str(len(plan.steps))) + 3
        self._name_width = max(
            [_NAME, *(cells(safe(step.name)) + 1 for step in plan.steps)]
        )
        if plan.steps:
            self._write(render_planned(plan) + "\n")
            self._ticker = threading.Thread(target=self._tick_on, daemon=True)
            self._ticker.start()

    def waiting(self, owner: str) -> None:
        """Say that another build holds the store."""
        self._write(f"assetmake: waiting for another build ({safe(owner)})\n")

    def started(self, name: str) -> None:
        """Note that an asset is being looked at; most often it is built."""
        with self._lock:
            self._running[name] = self._clock()

    def finished(self, outcome: Outcome) -> None:
        """Write the line of an asset that was built, failed or was skipped."""
        with self._lock:
            self._running.pop(outcome.name, None)
            if outcome.kind not in _WORDS:
                if outcome.kind == "fresh":  # the data is what it was before that
                    self._counted.discard(outcome.name)
                return
            self._done += 1
            self._counted.add(outcome.name)
            if self._makes_sure(outcome):
                self._counted.update(self._readers.get(outcome.name, ()))
            counter = f"[{self._done}/{len(self._counted)}]"
            counter = pad(counter, self._counter_width)
            line = render_outcome(outcome, counter, self._name_width, self._look())
            self._clear()
            self._write(line + "\n")
            if outcome.kept:
                kept = safe(self._path(outcome.kept))
                self._write(f"      it was not as a build leaves it: kept in {kept}\n")
            self._draw()

    def _makes_sure(self, outcome: Outcome) -> bool:
        """Whether what reads an asset is sure to be built, or to be skipped."""
        if outcome.kind == "built":
            return not outcome.same_data
        return self._keep_going and outcome.kind in ("failed", "skipped")

    def close(self) -> None:
        """Take the live line away; nothing is written afterwards."""
        self._stop.set()
        if self._ticker is not None:
            self._ticker.join()
        with self._lock:
            self._clear()

    # The line that lives -----------------------------------------------------

    def _tick_on(self) -> None:
        while not self._stop.wait(_TICK if self._live else _SLOW_TICK):
            try:
                self.tick()
            except Exception:  # noqa: BLE001 - nobody reads: the next line finds out
                return

    def tick(self) -> None:
        """Draw the live line again, or tell a log what takes long."""
        with self._lock:
            if self._live:
                self._clear()
                self._draw()
                return
            for name, began in self._running.items():
                minutes = int((self._clock() - began) // _STILL)
                if minutes > self._told.get(name, 0):
                    self._told[name] = minutes
                    spent = minutes * _STILL
                    self._write(f"still building {safe(name)} ({spent}s)\n")

    def _draw(self) -> None:
        if not self._live or not self._running or self._stop.is_set():
            return
        look, now = self._look(), self._clock()
        running = sorted(self._running.items(), key=lambda item: item[1])
        names = [f"{safe(name)} {int(now - began)}s" for name, began in running]
        more = f" +{len(names) - _MOST_RUNNING}" if len(names) > _MOST_RUNNING else ""
        line = (
            f"[{self._done}/{len(self._counted)}] {seconds(now - self._began, 1)}  "
            f"{', '.join(names[:_MOST_RUNNING])}{more}"
        )
        # The last column stays free: some terminals break the line there.
        self._write(look.paint(cut(line, look.width - 1, look), "dim"))
        self._drawn = True

    def _clear(self) -> None:
        if self._drawn:
            self._write("\r\x1b[K")
            self._drawn = False


def render_planned(plan: Plan) -> str:
    """Return the first line of a build: how much there is to do."""
    certain, possible = len(plan.certain), len(plan.possible)
    total = count(len(plan.steps) + len(plan.fresh), "asset")
    line = f"assetmake: {certain:,} of {total} to build"
    if possible:
        its = "its" if certain == 1 else "their"
        line += f", {possible:,} more if {its} data changes"
    return line


def render_outcome(outcome: Outcome, counter: str, name_width: int, look: Look) -> str:
    """Return the line of one asset: what became of it, time, rows and size.

    Args:
        outcome: ``built``, ``checked``, ``failed`` or ``skipped``.
        counter: What the line begins with.
        name_width: Columns for the name, if there is room.
        look: Of the stream.
    """
    word, style = _WORDS[outcome.kind]
    head = f"{counter} {look.paint(pad(word, 9), style)}  "
    numbers = pad(seconds(outcome.seconds), 8, right=True)
    if outcome.kind in ("built", "checked"):
        rows = "" if outcome.rows is None else f"  {count(outcome.rows, 'row')}"
        numbers += pad(rows, 14, right=True) + pad(size(outcome.bytes), 9, right=True)
    room = look.width - len(counter) - 12
    name_width = max(min(name_width, room - max(len(numbers), _NUMBERS)), _LEAST_NAME)
    name = pad(cut_middle(safe(outcome.name), name_width, look), name_width)
    if outcome.kind == "skipped":
        needs = f"   needs {safe(outcome.needs)}"
        return head + name + cut(needs, room - name_width, look)
    return head + name + numbers
