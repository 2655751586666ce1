"""Start, share and stop the one Spark session of a build.

A session that is already active is used as it is, and never stopped. Nothing
here reads or writes a table; the Java process is that of `jvm`.
"""

from __future__ import annotations

import atexit
import os
import shutil
import signal
import sys
import tempfile
import threading
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from assetmake.errors import ExtraError
from assetmake.frames.jvm import LOG, PANDAS_WARNING, JavaProcess, start_error
from assetmake.frames.spark_errors import explain

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
    # Not by the number of cores: the same plan, and so the same order of
    # float additions, on every machine.
    "spark.sql.shuffle.partitions": "4",
    "spark.ui.enabled": "false",
}

#: Files without a .crc beside each, but `SparkContext.textFile` fails with it.
_WITHOUT_CHECKSUMS = {
    "spark.hadoop.fs.file.impl": "org.apache.hadoop.fs.RawLocalFileSystem"
}


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
        self._process: JavaProcess | None = None
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

    def last_words(self, patience: float) -> str | None:
        """Return why the Java process that was started here ended.

        None if it still runs after `patience` seconds, or was not started here.
        """
        return self._process.last_words(patience) if self._process else None

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
                LOG.warning(
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
        if remote and self._scratch is not None:
            settings |= _WITHOUT_CHECKSUMS  # its Java process takes no calls
        settings |= self._settings
        try:
            with _environment(settings, self._scratch), _signal_handler_kept():
                # A server elsewhere needs no Java here.
                if not master.startswith("sc://"):
                    self._process = JavaProcess.launch(settings)
                session = _build_session(settings)
        except Exception:
            self._forget()
            raise
        if self._scratch is not None and not is_connect(session):
            _leave_checksums_out(session)
        self._is_ours = True
        return session


def silence_pyspark() -> None:
    """Turn off what pyspark says beside its exceptions; may be called again."""
    # pandas 3 is tested here; otherwise each conversion says that it is not.
    warnings.filterwarnings("ignore", message=PANDAS_WARNING, category=FutureWarning)
    with suppress(ImportError):
        from pyspark.logger import PySparkLogger

        # They write each AnalysisException to stderr, as a line of JSON.
        for name in ("DataFrameQueryContextLogger", "SQLQueryContextLogger"):
            PySparkLogger.getLogger(name).disabled = True


def is_connect(value: Any) -> bool:
    """Return whether a session, a frame or a column is one of Spark Connect."""
    return type(value).__module__.startswith("pyspark.sql.connect")


def _leave_checksums_out(session: Any) -> None:
    """Let local files be read and written as they are, without a .crc beside each.

    It would stay when something else writes the file, and then Spark does not read
    that. `SparkContext.hadoopFile` casts the local file system to the very class
    that checks, so that no other can be put in its place; there is one a process.
    """
    configuration = session._jsc.hadoopConfiguration()  # noqa: SLF001
    files = session._jvm.org.apache.hadoop.fs.FileSystem.getLocal(configuration)  # noqa: SLF001
    files.setWriteChecksum(False)
    files.setVerifyChecksum(False)


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
    with suppress(AttributeError):
        twin = type(session)._get_j_spark_session_class(session._jvm)  # noqa: SLF001
        twin.setActiveSession(session._jsparkSession)  # noqa: SLF001


def _build_session(settings: Mapping[str, str]) -> Any:
    from pyspark.sql import SparkSession

    # A builder of its own: the class's keeps what other code told it.
    builder = SparkSession.Builder().config(map=dict(settings))
    try:
        with warnings.catch_warnings():
            # A Connect session warns of each setting that is the server's.
            warnings.filterwarnings("ignore", message="Failed to set spark")
            return builder.getOrCreate()
    except Exception as error:
        raise start_error(explain(error)) from error


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
        # Here, `python3` of the user's profile may be another Python than this.
        is_python = scratch is not None and name.startswith("PYSPARK")
        if is_python or name not in os.environ:
            os.environ[name] = value
    try:
        yield
    finally:
        for name, old in before.items():
            if old is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = old


@contextmanager
def _signal_handler_kept() -> Iterator[None]:
    """Undo that a SparkContext takes over Ctrl-C in the main thread."""
    before = signal.getsignal(signal.SIGINT)
    try:
        yield
    finally:
        # Only the main thread may set one, and so only there one was set.
        in_main = threading.current_thread() is threading.main_thread()
        if in_main and before is not None:
            signal.signal(signal.SIGINT, before)
