"""Save and load `pyspark.sql.DataFrame`, classic and Connect alike.

Spark itself writes and reads the files; what is here names them, checks that
other readers find in them what Spark had, and takes the fingerprint on the way.
"""

from __future__ import annotations

import atexit
import os
import re
import shutil
import tempfile
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from assetmake.errors import FrameError
from assetmake.frames.base import Column, Shape, Stored, Written, is_utf8
from assetmake.frames.session import LazySession
from assetmake.frames.spark_csv import WRITE_OPTIONS, check_columns, typed_csv
from assetmake.frames.spark_errors import explain, is_lost
from assetmake.frames.spark_parquet import parquet, schema_of_columns
from assetmake.frames.spark_rows import observe_rows
from assetmake.frames.spark_types import check_names, columns_of

#: Seconds to wait for a Java process that does not answer to be known as ended.
_PATIENCE = 2

_PARQUET_OPTIONS = {
    # For this write alone: the session may be the user's. Spark's own default,
    # INT96, knows no zone.
    "spark.sql.parquet.outputTimestampType": "TIMESTAMP_MICROS",
}

#: Names of Spark's part files: the task, and the file of that task.
_PART = re.compile(r"part-(\d+)-.*?(?:-c(\d+))?\.[\w.]+")


class SparkHandler:
    """Keeps Spark frames as Parquet or CSV; holds the session of a build.

    All methods may be called from several threads at once.

    Args:
        settings: Spark's own, such as ``{"spark.driver.memory": "2g"}``.
    """

    name = "pyspark.sql.DataFrame"
    formats = ("parquet", "csv")
    is_lazy = True

    def __init__(self, settings: Mapping[str, Any]) -> None:
        self._session = LazySession(settings)
        self._lock = threading.Lock()
        self._copies: dict[object, Stored] = {}
        self._scratch: Path | None = None

    def prepare(self) -> Any:
        """Return the session, which is then the active one of this thread.

        `SparkSession.getActiveSession()` and `SparkSession.builder` give it to
        an asset that reads no Spark frame.

        Raises:
            ExtraError: pyspark is not installed.
            JavaError: Spark does not start.
        """
        return self._session.get()

    def save(self, value: Any, directory: Path, *, format: str, asset: str) -> Written:
        """Write a frame's rows into part files, in the order of its partitions.

        Runs one job, that of the frame. What the frame's own computation
        raises is passed on as it is: `explain` makes it short.

        Raises:
            FrameError: two names are equal but for case, a column has a type
                that the format or other readers do not have, or Spark's
                workers write to another file system.
        """
        columns = columns_of(value.schema, asset)
        if format == "csv":
            check_columns(columns, asset)
        observed, result = observe_rows(value)
        # Spark makes the directory that it writes to.
        staging = directory / "_spark"
        options = WRITE_OPTIONS if format == "csv" else _PARQUET_OPTIONS
        try:
            writer = observed.write.format(format).options(**options)
            writer.mode("error").save(_uri(staging))
            saved = result()
            if format == "csv" and len(columns) == 1 and saved.nulls:
                raise FrameError(
                    f"asset `{asset}` returns a table whose only column "
                    f"`{columns[0].name}` holds nulls, which CSV cannot keep: they "
                    "would be empty lines",
                    hints='keep the asset with `format="parquet"`',
                )
            _move_parts(staging, directory, format)
        finally:
            shutil.rmtree(staging, ignore_errors=True)
        return Written(saved.fingerprint, saved.rows, columns)

    def columns(self, value: Any, asset: str) -> tuple[Column, ...]:
        """Return the columns that a file would have; runs no job."""
        return columns_of(value.schema, asset)

    def load(self, stored: Stored, annotation: Any) -> Any:  # noqa: ARG002 - one type
        """Return a lazy frame over a table's files, rows in the files' order.

        Above 16 files Spark reads in an order of its own. No job is run, but
        for a Parquet source, whose schema Spark infers. A source in CSV or JSON
        is read by pandas as a whole, for its types, and copied to Parquet.

        Raises:
            FrameError: Spark cannot read a column, or it is no table.
        """
        from assetmake.frames.reading import check_table, is_untyped

        check_table(stored, self.name)
        session = self._session.get()
        if is_untyped(stored):
            stored = self._typed(stored)
        if stored.columns is not None:
            names = [column.name for column in stored.columns]
            check_names(names, f"`{stored.name}` is a table")
        if not stored.files:
            return session.createDataFrame([], schema_of_columns(stored.columns or ()))
        paths = [_uri(path, is_pattern=True) for path in stored.files]
        reader = typed_csv if stored.format == "csv" else parquet
        return reader(session, stored, paths)

    def _typed(self, stored: Stored) -> Stored:
        """Return a copy in Parquet of a table whose types nobody wrote down.

        pandas reads it, so that all libraries see the same types; the copy
        lasts as long as the session.
        """
        from assetmake.frames import tables
        from assetmake.frames.reading import load_form

        known = tuple((path, *_stamp(path)) for path in stored.files)
        key = (known, repr(sorted(stored.extra.items())))
        with self._lock:
            if key not in self._copies:
                self._scratch = self._scratch or _scratch_directory()
                place = Path(tempfile.mkdtemp(dir=self._scratch))
                form = load_form(stored, self.name)
                written = tables.save(form, place, format="parquet", asset=stored.name)
                files = tuple(sorted(place.iterdir()))
                self._copies[key] = Stored(
                    stored.name, place, files, "parquet", written.columns
                )
            return self._copies[key]

    def shape(self, value: Any) -> Shape | None:
        """Return the columns; counting the rows of a frame would be a job."""
        return Shape(None, tuple(value.columns))

    def explain(self, error: BaseException) -> str:
        """Return the useful lines of an error of Spark's, as `explain` does."""
        patience = _PATIENCE if is_lost(error) else 0
        return explain(error, self._session.last_words(patience))

    def close(self) -> None:
        """Stop the session, if it was started here, and remove what it read."""
        self._session.close()
        with self._lock:
            self._copies.clear()
            if self._scratch is not None:
                shutil.rmtree(self._scratch, ignore_errors=True)
                self._scratch = None


def _scratch_directory() -> Path:
    path = Path(tempfile.mkdtemp(prefix="assetmake-"))
    atexit.register(shutil.rmtree, path, ignore_errors=True)
    return path


def _stamp(path: Path) -> tuple[int, int, int]:
    status = path.stat()
    return status.st_size, status.st_mtime_ns, status.st_ino


def _uri(path: Path, *, is_pattern: bool = False) -> str:
    """Return a path as Spark takes it: not encoded, as it decodes nothing."""
    if not is_utf8(path):
        msg = f"Spark cannot reach {os.fspath(path)!a}: Java knows paths of text only"
        raise FrameError(msg, hints="rename that directory, in UTF-8")
    text = os.fspath(path.absolute())
    if is_pattern:
        text = re.sub(r"([\\{}\[\]*?])", r"\\\1", text)
    return f"file://{text}"


def _move_parts(source: Path, directory: Path, format: str) -> None:
    """Rename Spark's parts to part-00000 and so on, without gaps, in order."""
    numbered = [
        (int(match[1]), int(match[2] or 0), name)
        for name in (os.listdir(source) if source.is_dir() else ())
        if (match := _PART.fullmatch(name))
    ]
    if not numbered:
        raise FrameError(
            f"Spark wrote no part files to {source.parent.name}",
            hints="let Spark's workers run on this machine, or share this directory",
        )
    for number, (*_, name) in enumerate(sorted(numbered)):
        (source / name).rename(directory / f"part-{number:05d}.{format}")
