"""Keep what an asset prints apart from what others print, and from results."""

from __future__ import annotations

import io
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any


@contextmanager
def captured(*, echo: bool) -> Iterator[io.StringIO]:
    """Keep what this thread prints meanwhile; `echo` shows it on stderr, too."""
    printed = io.StringIO()
    with _routing:
        token = _printed.set((printed, echo))
        try:
            yield printed
        finally:
            _printed.reset(token)


#: Where what the current asset prints is kept, and whether it is shown as well.
_printed: ContextVar[tuple[io.StringIO, bool] | None] = ContextVar(
    "printed", default=None
)


class _Router:
    """Stands for stdout and stderr while assets run, maybe several at once."""

    def __init__(self, stream: Any) -> None:
        self._stream = stream

    def write(self, text: str) -> int:
        found = _printed.get()
        if found is None:
            return int(self._stream.write(text))
        printed, echo = found
        printed.write(text)
        if echo:
            self._stream.write(text)
        return len(text)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)


class _Routing:
    """Puts the routers in place for as long as any asset runs."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._depth = 0
        self._streams: tuple[Any, Any] = (None, None)

    def __enter__(self) -> None:
        with self._lock:
            self._depth += 1
            if self._depth == 1:
                self._streams = (sys.stdout, sys.stderr)
                # stdout is for results: prints of a thread that the asset
                # started, which cannot be told apart, go to stderr.
                sys.stdout = sys.stderr = _Router(sys.stderr)

    def __exit__(self, *args: object) -> None:
        with self._lock:
            self._depth -= 1
            if self._depth == 0:
                sys.stdout, sys.stderr = self._streams


_routing = _Routing()


@contextmanager
def spark_log(printed: io.StringIO) -> Iterator[None]:
    """Keep what the JVM and Python workers of Spark say with the asset's prints."""
    import logging

    handler = logging.StreamHandler(printed)
    logger = logging.getLogger("assetmake.spark")
    logger.addHandler(handler)
    try:
        yield
    finally:
        logger.removeHandler(handler)
