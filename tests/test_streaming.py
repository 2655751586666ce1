"""Tables larger than memory: what a run takes does not grow with the table."""

from __future__ import annotations

import json
import sys

import pytest
from space import TestSpace

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(sys.platform != "linux", reason="elsewhere peaks never fall"),
]

PROJECT = """
    import os

    import duckdb
    import numpy as np
    import polars as pl
    import pyarrow as pa

    from assetmake import asset, source

    ROWS = 1 << 18
    SCHEMA = pa.schema([(name, pa.int64()) for name in "abcd"])


    @asset
    def made() -> pa.RecordBatchReader:
        column = pa.array(np.arange(ROWS) % 100)
        batch = pa.record_batch([column] * 4, schema=SCHEMA)
        count = int(os.environ["BATCHES"])
        return pa.RecordBatchReader.from_batches(SCHEMA, (batch for _ in range(count)))


    @asset
    def by_arrow(made: pa.RecordBatchReader) -> pa.RecordBatchReader:
        return made


    @asset
    def by_polars(made: pl.LazyFrame) -> pl.LazyFrame:
        return made.with_columns(pl.col("b") + 1)


    @asset
    def by_duckdb(made: duckdb.DuckDBPyRelation) -> duckdb.DuckDBPyRelation:
        return made.project("a, b + 1 AS b, c, d")


    @asset(format="csv")
    def as_text(made: pl.LazyFrame) -> pl.LazyFrame:
        return made.select("a", "b")


    @asset
    def whole(made: pa.Table) -> str:
        return str(made.num_rows)
"""
#: Of both builds, and by how many bytes the table of the second is larger.
BATCHES = (8, 56)
GROWTH = (BATCHES[1] - BATCHES[0]) * (1 << 18) * 4 * 8


def test_a_stream_takes_as_much_memory_for_a_larger_table(tmp_path):
    """Read, computed, hashed and written piece by piece; a whole table is not."""
    space = TestSpace(tmp_path)
    space.write({"Assetfile.py": PROJECT})
    peaks: dict[str, list[int]] = {}
    for count in BATCHES:
        ran = space.shell("-B", BATCHES=str(count))
        assert ran.status == 0, ran.err
        for file in (tmp_path / "data").glob("*/_manifest.json"):
            tree = json.loads(file.read_text())
            peaks.setdefault(tree["asset"], []).append(tree["built"]["peak_memory"])

    grown = {name: after - before for name, (before, after) in peaks.items()}
    assert grown.pop("whole") > 0.8 * GROWTH
    assert len(grown) == 5
    # polars and DuckDB fill what their threads may hold before they stop growing.
    assert {name: size for name, size in grown.items() if size > GROWTH / 2} == {}
