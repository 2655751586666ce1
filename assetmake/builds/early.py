"""Start Spark while other assets are built, as soon as it is sure to be needed.

A session takes seconds of waiting for Java. Nothing here fails a build: an asset
that needs a session and finds none starts one, and tells what went wrong.
"""

from __future__ import annotations

import contextlib
import io
import logging
import threading
from collections.abc import Callable, Mapping, Sequence

#: Where the module `assetmake.frames.jvm` passes on what Java says.
_LOG = logging.getLogger("assetmake.spark")


class EarlySpark:
    """Starts the session of a build, once, in a thread of its own.

    Args:
        prepare: Starts the session, or waits until it is there.
        close: Gives back all that handlers hold.
    """

    def __init__(
        self, prepare: Callable[[], object], close: Callable[[], None]
    ) -> None:
        self._prepare = prepare
        self._close = close
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None
        self._is_over = False
        self._said = io.StringIO()
        self._handler = logging.StreamHandler(self._said)
        self._readers: Mapping[str, Sequence[str]] = {}

    def expect(self, certain: bool, readers: Mapping[str, Sequence[str]]) -> None:
        """Take what is planned.

        Args:
            certain: Whether a step that uses Spark runs in any case.
            readers: Of each name, the other steps that use Spark and read it.
        """
        self._readers = readers
        if certain:
            self.begin()

    def changed(self, name: str) -> None:
        """Take it that an asset's data came out different: what reads it runs."""
        if self._readers.get(name):
            self.begin()

    def begin(self) -> None:
        """Start the session, if nobody has."""
        with self._lock:
            if self._thread is None and not self._is_over:
                _LOG.addHandler(self._handler)
                self._thread = threading.Thread(
                    target=self._run, name="assetmake-spark-start", daemon=True
                )
                self._thread.start()

    def _run(self) -> None:
        with contextlib.suppress(Exception):  # the asset that needs it will tell
            self._prepare()
        with self._lock:
            is_over = self._is_over
        if is_over:
            self._close()

    def words(self) -> str:
        """Return what Java said before the first asset asked for it; once."""
        _LOG.removeHandler(self._handler)
        said = self._said.getvalue()
        self._said = io.StringIO()
        self._handler.setStream(self._said)
        return said

    def close(self) -> None:
        """Give back all that handlers hold; what still starts does so then."""
        self.words()
        with self._lock:
            self._is_over = True
            starts = self._thread is not None and self._thread.is_alive()
        if not starts:
            self._close()
