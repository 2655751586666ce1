"""Write a table larger than memory and read it again; see README.md here."""

from __future__ import annotations

import argparse
import os
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

#: Columns of random numbers, which do not compress: on disk they are as in memory.
PROJECT = '''"""A large table and its sums, in bounded memory."""

import numpy as np
import pyarrow as pa

from assetmake import asset

BATCHES = {batches}
ROWS = 1 << 18
SCHEMA = pa.schema([(name, pa.int64()) for name in "abcd"])


def batches():
    for number in range(BATCHES):
        values = np.random.default_rng(number).integers(0, 1 << 62, (4, ROWS))
        yield pa.record_batch(list(values), schema=SCHEMA)


@asset
def large() -> pa.RecordBatchReader:
    return pa.RecordBatchReader.from_batches(SCHEMA, batches())


@asset
def sums(large: pa.RecordBatchReader) -> pa.Table:
    totals = np.zeros(4, dtype="int64")
    rows = 0
    for batch in large:
        totals += [column.to_numpy().sum() for column in batch.columns]
        rows += batch.num_rows
    return pa.table({{"total": totals, "rows": [rows] * 4}})
'''
#: The same with pyarrow alone: what the writing and the reading itself cost.
PLAIN = """
import numpy as np, pyarrow.parquet as pq
from Assetfile import SCHEMA, batches
with pq.ParquetWriter("plain.parquet", SCHEMA) as writer:
    for batch in batches():
        writer.write_batch(batch)
totals = np.zeros(4, dtype="int64")
for batch in pq.ParquetFile("plain.parquet").iter_batches(1 << 18):
    totals += [column.to_numpy().sum() for column in batch.columns]
"""
#: Bytes of a batch in memory.
BATCH = (1 << 18) * 4 * 8
#: How many batches pyarrow alone has at most; a rate needs no more.
ALONE = 500


def run(command: list[str], folder: Path, limit: int) -> str:
    """Run a command in so much address space; return seconds, of CPU too, and peak."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    began = time.perf_counter()
    size = limit >> 10 if limit else "unlimited"
    bounded = ["sh", "-c", f'ulimit -v {size} && exec "$@"', "sh", *command]
    subprocess.run(bounded, cwd=folder, check=True, stdout=subprocess.DEVNULL)
    wall = time.perf_counter() - began
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    unit = 1024 if sys.platform == "linux" else 1
    peak = after.ru_maxrss * unit / 1e6
    return f"{wall:10.1f}{cpu:10.1f}{peak:14.0f}"


def main() -> None:
    """Build, look again, and write and read the same with pyarrow alone."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--gb", type=float, default=2, help="size of the table")
    parser.add_argument("--limit-gb", type=float, default=2.5, help="address space")
    parser.add_argument("--folder", help="where there is as much room, twice")
    chosen = parser.parse_args()
    count, limit = int(chosen.gb * 1e9 / BATCH), int(chosen.limit_gb * 1e9)
    with tempfile.TemporaryDirectory(dir=chosen.folder) as place:
        folder = Path(place)
        (folder / "Assetfile.py").write_text(PROJECT.format(batches=count))
        print(f"{os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}")
        print(f"{'':16}{'s':>10}{'CPU s':>10}{'peak MB':>14}")
        ours = [str(Path(sys.executable).with_name("assetmake")), "-s"]
        print(f"{'first build':16}{run(ours, folder, limit)}", flush=True)
        size = sum(file.stat().st_size for file in folder.rglob("*.parquet"))
        print(f"{'no-op':16}{run(ours, folder, limit)}", flush=True)
        print(
            f"{'--status -s':16}{run([*ours, '--status'], folder, limit)}", flush=True
        )
        print(f"{count * BATCH / 1e9:.1f} GB in memory, {size / 1e9:.1f} GB on disk")
        shutil.rmtree(folder / "data")
        count = min(count, ALONE)
        (folder / "Assetfile.py").write_text(PROJECT.format(batches=count))
        plain = [sys.executable, "-c", PLAIN]
        print(f"{'pyarrow alone':16}{run(plain, folder, 0)}", flush=True)
        print(f"of {count * BATCH / 1e9:.1f} GB, in as much memory as it takes")


if __name__ == "__main__":
    main()
