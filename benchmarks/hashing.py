"""Time the digest of a file against xxh3-128 over the mapped file; see README.md."""

from __future__ import annotations

import argparse
import mmap
import os
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from xxhash import xxh3_128

from assetmake.fingerprint import digest_file


def bare(file: Path) -> str:
    """Return the digest with nothing around it: one map, one call."""
    with file.open("rb") as stream, mmap.mmap(stream.fileno(), 0, prot=1) as data:
        return xxh3_128(data).hexdigest()


def seconds(function: Callable[[Path], str], file: Path) -> float:
    """Return the CPU seconds of one call."""
    began = time.process_time()
    function(file)
    return time.process_time() - began


def main() -> None:
    """Print both rates and their ratio; the ways take turns."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--mb", type=int, nargs="*", default=[2, 64, 1024])
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--folder", help="where to put the file")
    chosen = parser.parse_args()
    print(f"{'MB':>6}{'xxh3 GB/s':>12}{'ours GB/s':>12}{'ratio':>8}")
    with tempfile.TemporaryDirectory(dir=chosen.folder) as folder:
        for size in chosen.mb:
            file = Path(folder, "data")
            file.write_bytes(os.urandom(size * 1_000_000))
            assert bare(file) in digest_file(file)
            pairs = [
                (seconds(bare, file), seconds(digest_file, file))
                for _ in range(chosen.rounds)
            ]
            least, ours = (
                size / 1000 / min(times) for times in zip(*pairs, strict=True)
            )
            ratio = statistics.median(one / other for one, other in pairs)
            print(f"{size:6}{least:12.1f}{ours:12.1f}{ratio:8.2f}")


if __name__ == "__main__":
    main()
