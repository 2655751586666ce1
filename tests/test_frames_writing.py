"""Files are hashed as they are written, and the digests are those of the disk."""

from __future__ import annotations

import io
import os

import pandas as pd
import pyarrow as pa
import pytest

from assetmake.fingerprint import digest_bytes, digest_file
from assetmake.frames import Frames
from assetmake.frames.base import FileRecord
from assetmake.frames.writing import HashedFile, write_hashed

ROWS = 70_000  # more than are written in one call
FRAME = pd.DataFrame({"a": range(ROWS), "b": [f"t{i % 97}" for i in range(ROWS)]})


def stream():
    batches = pa.Table.from_pandas(FRAME).to_batches(max_chunksize=9_000)
    return pa.RecordBatchReader.from_batches(batches[0].schema, batches)


@pytest.mark.parametrize(
    ("value", "format"),
    [
        (lambda: FRAME, "parquet"),
        (lambda: FRAME.head(5), "parquet"),
        (lambda: FRAME.head(0), "parquet"),
        (lambda: FRAME, "csv"),
        (lambda: FRAME, "pickle"),
        (lambda: FRAME["a"], "parquet"),
        (lambda: pa.Table.from_pandas(FRAME), "parquet"),
        (stream, "parquet"),
        (stream, "csv"),
        (lambda: "text", "text"),
        (lambda: "", "html"),
        (lambda: b"bytes" * 100_000, "bytes"),
        (lambda: {"a": bytes(300_000)}, "pickle"),
    ],
)
def test_the_digest_of_a_file_is_that_of_the_disk(tmp_path, value, format):
    value = value()

    written = (
        Frames({}).for_value(value).save(value, tmp_path, format=format, asset="a")
    )

    assert written.files == on_disk(tmp_path)


def test_a_copied_file_is_hashed_on_the_way(tmp_path):
    path = tmp_path / "report.bin"
    path.write_bytes(os.urandom(700_000))
    (tmp_path / "staged").mkdir()

    written = (
        Frames({})
        .for_value(path)
        .save(path, tmp_path / "staged", format="file", asset="a")
    )

    assert written.files == on_disk(tmp_path / "staged")
    assert written.files["report.bin"].digest == digest_file(path)


def on_disk(folder):
    return {
        path.name: FileRecord(path.stat().st_size, digest_file(path))
        for path in folder.iterdir()
    }


class Stingy(io.RawIOBase):
    """A file that takes three bytes a call, as a file may."""

    def __init__(self):
        self.data = b""

    def write(self, data):
        self.data += bytes(data[:3])
        return min(len(data), 3)


def test_what_a_call_does_not_take_is_written_by_the_next(tmp_path, monkeypatch):
    file = Stingy()
    monkeypatch.setattr("pathlib.Path.open", lambda *args, **options: file)

    record = write_hashed(tmp_path / "a", b"0123456789")

    assert file.data == b"0123456789"
    assert record == FileRecord(10, digest_bytes(b"0123456789"))


def test_a_hashed_file_tells_what_arrow_asks_of_a_file(tmp_path):
    with (tmp_path / "a").open("wb") as file:
        hashed = HashedFile(file)
        hashed.write(b"01")
        hashed.write(memoryview(b"234"))
        hashed.flush()

        assert (hashed.tell(), hashed.closed) == (5, False)
        assert (tmp_path / "a").read_bytes() == b"01234"
        hashed.close()
        assert hashed.closed
    assert hashed.record == FileRecord(5, digest_bytes(b"01234"))
