"""What ends a build from outside: SIGINT, SIGTERM and SIGHUP, the last with a terminal.

The first one is raised where the main thread is, as Ctrl-C is, so that what
runs is stopped and a summary is told. A second one ends the process at once.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import NoReturn

#: What a process manager, a terminal that is closed, and a user send.
_NAMES = ("SIGINT", "SIGTERM", "SIGHUP")


class ToldToEnd(KeyboardInterrupt):
    """A signal told the process to end; `signal` is its name."""

    def __init__(self, name: str) -> None:
        super().__init__()
        self.signal = name


class Endings:
    """Which signal told the process to end; empty for none."""

    def __init__(self) -> None:
        self.signal = ""


@contextmanager
def endings() -> Iterator[Endings]:
    """Raise `ToldToEnd` at the first signal that is to end the process.

    What the process was started to ignore, as by ``nohup``, it goes on to.
    """
    found = Endings()
    owner = os.getpid()
    before = {
        number: signal.getsignal(number)
        for number in (getattr(signal, name) for name in _NAMES)
    }
    wanted = [
        number
        for number, handler in before.items()
        if handler in (signal.SIG_DFL, signal.default_int_handler)
    ]

    def end(number: int, _frame: FrameType | None) -> NoReturn:
        for other in wanted:
            signal.signal(other, signal.SIG_DFL)
        if os.getpid() != owner:  # a process that an asset forked
            os.kill(os.getpid(), number)
        found.signal = signal.Signals(number).name
        raise ToldToEnd(found.signal)

    try:
        for number in wanted:
            signal.signal(number, end)
    except ValueError:  # not the main thread, which alone may set them
        wanted = []
    try:
        yield found
    finally:
        if not found.signal:
            for number in wanted:
                signal.signal(number, before[number])
