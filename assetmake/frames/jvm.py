"""The Java process behind a Spark session: its start, its words and its end.

What it prints arrives, line by line, at the logger ``assetmake.spark``, but for
lines that come with every start. Nothing here knows of a session's settings.
"""

from __future__ import annotations

import logging
import os
import re
import subprocess
import threading
from collections import deque
from collections.abc import Mapping
from contextlib import suppress
from typing import Any

from assetmake.errors import JavaError
from assetmake.frames.java import find_java

LOG = logging.getLogger("assetmake.spark")

#: What pyspark says at each conversion with pandas 3.
PANDAS_WARNING = "PySpark does not yet fully support pandas"

#: Lines of the JVM, and of pandas in Spark's Python workers, that come with
#: every start, before logging is configured, and tell a user nothing.
_NOISE = (
    "WARNING: Using incubator modules: jdk.incubator.vector",
    "WARNING: package sun.security.action not in java.base",
    PANDAS_WARNING,
)


#: In a line of the JVM, that it is the one to quote; stacks are not.
_TELLING = re.compile(r"^(?!\s+at ).*(?:error|exception|invalid|killed)", re.IGNORECASE)


class JavaProcess:
    """The Java process behind a session, and what it prints."""

    def __init__(self, output: int) -> None:
        self._gateway: Any = None
        self._lock = threading.Lock()
        self._lines: deque[str] = deque(maxlen=200)
        self._is_up = False
        self._reader = threading.Thread(
            target=self._read, args=(output,), name="assetmake-spark", daemon=True
        )
        self._reader.start()

    @classmethod
    def launch(cls, settings: Mapping[str, str]) -> JavaProcess | None:
        """Start the process that the next SparkContext is going to use.

        None when there is one already: that of a session of the user's, which
        was stopped. Sets JAVA_HOME in the environment.

        Raises:
            JavaError: there is no Java runtime, or it refuses to start.
        """
        from pyspark import SparkConf, SparkContext
        from pyspark.java_gateway import launch_gateway

        if SparkContext._gateway is not None:  # noqa: SLF001
            return None
        os.environ["JAVA_HOME"] = str(find_java().home)
        conf = SparkConf(loadDefaults=False).setAll(
            [(key, value) for key, value in settings.items() if key != "spark.remote"]
        )
        output, inlet = os.pipe()
        process = cls(output)
        try:
            process._gateway = launch_gateway(
                conf, popen_kwargs={"stdout": inlet, "stderr": inlet}
            )
        except Exception as error:
            os.close(inlet)
            raise start_error(process._reason(0)) from error
        os.close(inlet)
        process._tell()
        SparkContext._ensure_initialized(gateway=process._gateway)  # noqa: SLF001
        return process

    def last_words(self, patience: float) -> str | None:
        """Return the line that says why the process ended; None while it runs."""
        try:
            self._gateway.proc.wait(timeout=patience)
        except subprocess.TimeoutExpired:
            return None
        return self._reason(-1)

    def end(self) -> None:
        """End the process; pyspark may then start another."""
        from pyspark import SparkContext
        from pyspark.sql import SparkSession

        if SparkContext._gateway is self._gateway:  # noqa: SLF001
            # What stop() does not clear when the process is dead already.
            SparkContext._gateway = SparkContext._jvm = None  # noqa: SLF001
            SparkContext._active_spark_context = None  # noqa: SLF001
            SparkSession._instantiatedSession = None  # noqa: SLF001
        with suppress(Exception):
            self._gateway.shutdown()
        # It ends by itself when nobody holds the other end of its stdin.
        process = self._gateway.proc
        process.stdin.close()
        try:
            process.wait(timeout=10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()

    def _reason(self, which: int) -> str:
        """Return the first (0) or last (-1) line that tells of an error."""
        # Spark's Python workers may hold the pipe open after the JVM is gone.
        self._reader.join(timeout=1)
        telling = [line for line in self._lines if _TELLING.search(line)]
        lines = telling or [*self._lines] or ["it said nothing"]
        return lines[which].strip()

    def _tell(self) -> None:
        """Pass on what was printed so far: it was no failure to start."""
        with self._lock:
            self._is_up = True
            for line in self._lines:
                LOG.warning("%s", line)

    def _read(self, output: int) -> None:
        with os.fdopen(output, encoding="utf-8", errors="replace") as lines:
            for text in lines:
                line = text.rstrip()
                if line and not any(noise in line for noise in _NOISE):
                    with self._lock:
                        self._lines.append(line)
                        if self._is_up:
                            LOG.warning("%s", line)


def start_error(text: str) -> JavaError:
    """Return the error for a session that does not come up, for that reason."""
    return JavaError(
        f"Spark does not start: {text}",
        hints="look at `[tool.assetmake.spark]` in `pyproject.toml`",
    )
