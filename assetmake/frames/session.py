"""Start, share and stop the one Spark session of a build.

A session that is already active is used as it is, and never stopped. Nothing
here reads or writes a table. What Spark's Java process prints arrives, line by
line, at the logger ``assetmake.spark``.
"""

from __future__ import annotations

import atexit
import logging
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import warnings
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from assetmake.errors import ExtraError, JavaError
from assetmake.frames.java import find_java

_LOG = logging.getLogger("assetmake.spark")

#: Python can hold one SparkContext, whichever project asks for it.
_LOCK = threading.RLock()

#: C1 and the serial collector: half the CPU seconds to a session, at the price of
#: throughput that small data do not notice. The user's own options come behind.
_JAVA_OPTIONS = ("-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC")

#: What holds for every session that is started here.
_SETTINGS = {
    "spark.app.name": "assetmake",
    "spark.sql.execution.arrow.pyspark.enabled": "true",
    "spark.sql.parquet.outputTimestampType": "TIMESTAMP_MICROS",
    "spark.sql.session.timeZone": "UTC",
    "spark.ui.showConsoleProgress": "false",
}

#: What makes a local session quick to start, and small jobs quick to run.
_LOCAL_SETTINGS = {
    "spark.driver.bindAddress": "127.0.0.1",
    "spark.driver.host": "127.0.0.1",
    # The checksumming file system leaves a .crc beside each part.
    "spark.hadoop.fs.file.impl": "org.apache.hadoop.fs.RawLocalFileSystem",
    # Not by the number of cores: the same plan, and so the same order of
    # float additions, on every machine.
    "spark.sql.shuffle.partitions": "4",
    "spark.ui.enabled": "false",
}

_PANDAS_WARNING = "PySpark does not yet fully support pandas"

#: Lines of the JVM, and of pandas in Spark's Python workers, that come with
#: every start, before logging is configured, and tell a user nothing.
_NOISE = (
    "WARNING: Using incubator modules: jdk.incubator.vector",
    "WARNING: package sun.security.action not in java.base",
    _PANDAS_WARNING,
)


class LazySession:
    """The session of one build, found or started when it is first asked for.

    Args:
        settings: Spark's own names and values (``spark.sql.ansi.enabled``),
            which win over assetmake's; booleans and numbers are written as
            Spark spells them. ``spark.remote`` asks for a Connect session.
    """

    def __init__(self, settings: Mapping[str, Any]) -> None:
        self._settings = {key: _spelled(value) for key, value in settings.items()}
        self._session: Any = None
        self._is_ours = False
        self._process: _JavaProcess | None = None
        self._scratch: Path | None = None

    def get(self) -> Any:
        """Return the session: the active one, or else a new one.

        From then on it is the active one of the calling thread, too. Safe to
        call from several threads; a new session takes 3 to 15 seconds. One
        that was stopped, or whose Java process ended, is replaced.

        Raises:
            ExtraError: pyspark is not installed.
            JavaError: there is no Java runtime, or Spark does not start on it.
        """
        with _LOCK:
            silence_pyspark()
            if self._session is None or not _is_alive(self._session):
                self.close()
                self._session = self._find() or self._start()
            _activate(self._session)
            return self._session

    def close(self) -> None:
        """Stop the session and its Java process, if they were started here."""
        with _LOCK:
            if self._is_ours:
                # It may be dead already, which pyspark tells in several ways.
                with suppress(Exception), warnings.catch_warnings(action="ignore"):
                    self._session.stop()
            self._forget()

    def last_words(self) -> Sequence[str] | None:
        """Return the last lines of the Java process started here, if it ended.

        None while it runs, and when none was started here.
        """
        return self._process.last_words() if self._process else None

    def _forget(self) -> None:
        self._session, self._is_ours = None, False
        if self._process is not None:
            self._process.end()
            self._process = None
        if self._scratch is not None:
            shutil.rmtree(self._scratch, ignore_errors=True)
            self._scratch = None

    def _find(self) -> Any:
        """Return the user's own session, with a word on what differs."""
        session = _active_session()
        if session is not None:
            zone = session.conf.get("spark.sql.session.timeZone")
            if zone not in {"UTC", "Etc/UTC", "Z", "GMT"}:
                _LOG.warning(
                    "the active Spark session has the time zone %s, not UTC: what "
                    "assets make of timestamps depends on who builds them",
                    zone,
                )
        return session

    def _start(self) -> Any:
        remote = self._settings.get("spark.remote") or os.environ.get("SPARK_REMOTE")
        master = remote or self._settings.get("spark.master", "local[*]")
        settings = _SETTINGS | {"spark.remote" if remote else "spark.master": master}
        if master.startswith("local"):
            self._scratch = Path(tempfile.mkdtemp(prefix="assetmake-spark-"))
            atexit.register(shutil.rmtree, self._scratch, ignore_errors=True)
            settings |= _LOCAL_SETTINGS | _own_places(self._scratch)
        settings |= self._settings
        try:
            with _environment(settings, self._scratch), _signal_handler_kept():
                # A server elsewhere needs no Java here.
                if not master.startswith("sc://"):
                    self._process = _JavaProcess.launch(settings)
                session = _build_session(settings)
        except Exception:
            self._forget()
            raise
        self._is_ours = True
        return session


def silence_pyspark() -> None:
    """Turn off what pyspark says beside its exceptions; may be called again."""
    # pandas 3 is tested here; otherwise each conversion says that it is not.
    warnings.filterwarnings("ignore", message=_PANDAS_WARNING, category=FutureWarning)
    with suppress(ImportError):
        from pyspark.logger import PySparkLogger

        # They write each AnalysisException to stderr, as a line of JSON.
        for name in ("DataFrameQueryContextLogger", "SQLQueryContextLogger"):
            PySparkLogger.getLogger(name).disabled = True


def is_connect(value: Any) -> bool:
    """Return whether a session, a frame or a column is one of Spark Connect."""
    return type(value).__module__.startswith("pyspark.sql.connect")


def _spelled(value: object) -> str:
    """Return a setting as Spark spells it.

    >>> _spelled(True), _spelled(8), _spelled("2g")
    ('true', '8', '2g')
    """
    return str(value).lower() if isinstance(value, bool) else str(value)


def _own_places(scratch: Path) -> dict[str, str]:
    """Return settings that keep Spark's own files and notes to itself."""
    options = [*_JAVA_OPTIONS, f'"-Dderby.system.home={scratch}"']
    own = Path(os.environ.get("SPARK_CONF_DIR", os.devnull), "log4j2.properties")
    if not own.exists():
        log = Path(__file__).with_name("log4j2.properties").as_uri()
        options.append(f"-Dlog4j2.configurationFile={log}")
    return {
        "spark.driver.defaultJavaOptions": " ".join(options),
        "spark.sql.warehouse.dir": str(scratch / "warehouse"),
    }


def _active_session() -> Any:
    try:
        from pyspark.sql import SparkSession
    except ImportError as error:
        raise ExtraError(
            "Spark frames need the package `pyspark`, which is not installed",
            hints="run `pip install 'assetmake[spark]'`",
        ) from error
    try:
        session = SparkSession.active()
    except Exception:  # noqa: BLE001 - there is none, or its Java process died
        return None
    return session if _is_alive(session) else None


def _is_alive(session: Any) -> bool:
    """Return whether a session, classic or Connect, still takes work."""
    try:
        if is_connect(session):
            return not session.is_stopped
        # A stopped context has lost its Java twin; a dead JVM does not answer.
        return not session.sparkContext._jsc.sc().isStopped()  # noqa: SLF001
    except Exception:  # noqa: BLE001 - whatever it is, it is no answer
        return False


def _activate(session: Any) -> None:
    """Make it the session that `getActiveSession` gives in this thread."""
    if is_connect(session):
        return
    twin = type(session)._get_j_spark_session_class(session._jvm)  # noqa: SLF001
    twin.setActiveSession(session._jsparkSession)  # noqa: SLF001


def _build_session(settings: Mapping[str, str]) -> Any:
    from pyspark.sql import SparkSession

    try:
        # A builder of its own: the class's keeps what other code told it.
        return SparkSession.Builder().config(map=dict(settings)).getOrCreate()
    except Exception as error:
        raise _start_error(str(error).splitlines()[:1]) from error


def _start_error(lines: Sequence[str]) -> JavaError:
    return JavaError(
        "\n  ".join(["Spark does not start", *lines]),
        hints="look at `[tool.assetmake.spark]` in `pyproject.toml`",
    )


@contextmanager
def _environment(settings: Mapping[str, str], scratch: Path | None) -> Iterator[None]:
    """Set, for the start alone, what Spark reads from the environment."""
    python = settings.get("spark.pyspark.python", sys.executable)
    wanted = {"PYSPARK_PYTHON": python, "PYSPARK_DRIVER_PYTHON": sys.executable}
    if scratch is not None:
        # Else it looks for the host's address, and warns when that is loopback.
        wanted["SPARK_LOCAL_IP"] = settings["spark.driver.host"]
        if "spark.local.dir" not in settings:
            wanted["SPARK_LOCAL_DIRS"] = str(scratch)
    before = {name: os.environ.get(name) for name in (*wanted, "JAVA_HOME")}
    for name, value in wanted.items():
        # `python3` of the user's profile may be another Python; an address is not.
        if name.startswith("PYSPARK") or name not in os.environ:
            os.environ[name] = value
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value


@contextmanager
def _signal_handler_kept() -> Iterator[None]:
    """Undo that a SparkContext takes over Ctrl-C in the main thread."""
    before = signal.getsignal(signal.SIGINT)
    try:
        yield
    finally:
        # Only the main thread may set one, and so only there one was set.
        if threading.current_thread() is threading.main_thread():
            signal.signal(signal.SIGINT, before)


class _JavaProcess:
    """The Java process behind a session, and what it prints."""

    def __init__(self, output: int) -> None:
        self._gateway: Any = None
        self._lines: deque[str] = deque(maxlen=4)
        self._reader = threading.Thread(
            target=self._read, args=(output,), name="assetmake-spark", daemon=True
        )
        self._reader.start()

    @classmethod
    def launch(cls, settings: Mapping[str, str]) -> _JavaProcess | None:
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
            raise _start_error(process._all_lines()) from error
        os.close(inlet)
        SparkContext._ensure_initialized(gateway=process._gateway)  # noqa: SLF001
        return process

    def last_words(self) -> Sequence[str] | None:
        """Return the last lines that the process printed; None while it runs."""
        return None if self._gateway.proc.poll() is None else self._all_lines()

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

    def _all_lines(self) -> Sequence[str]:
        # Spark's Python workers may hold the pipe open after the JVM is gone.
        self._reader.join(timeout=1)
        return tuple(self._lines)

    def _read(self, output: int) -> None:
        with os.fdopen(output, encoding="utf-8", errors="replace") as lines:
            for text in lines:
                line = text.rstrip()
                if line and not any(noise in line for noise in _NOISE):
                    self._lines.append(line)
                    _LOG.warning("%s", line)
