"""Time builds: from nothing, after edits, beside plain loops; see README.md here."""

from __future__ import annotations

import argparse
import os
import re
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
from dataclasses import dataclass, field
from pathlib import Path

from noop import graph, write_project

#: Share of a project that is downstream of the asset that is edited, about.
BELOW = 0.143
PLAIN = str(Path(__file__).with_name("plain.py"))


@dataclass
class Bench:
    """One project, and CPU milliseconds of what was run in it, by name."""

    folder: Path
    reads: dict[str, list[str]]
    figures: dict[str, list[float]] = field(default_factory=dict)
    built: dict[str, int] = field(default_factory=dict)

    def run(self, name: str, *words: str) -> None:
        """Run a command, and note its CPU time and how many assets it built."""
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        ran = subprocess.run(
            words, cwd=self.folder, check=True, capture_output=True, text=True
        )
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        spent = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
        self.figures.setdefault(name, []).append(spent * 1000)
        self.built[name] = len(re.findall(r"^\[.*\] +built ", ran.stderr, re.MULTILINE))

    def median(self, name: str) -> float:
        """Return the median of a figure."""
        return statistics.median(self.figures[name])

    def edit(self, old: str, new: str, name: str) -> None:
        """Replace a text that stands once in the function of an asset."""
        file = self.folder / "Assetfile.py"
        text = file.read_text()
        start = text.index(f"def {name}(")
        place = text.index(old, start)
        file.write_text(text[:place] + new + text[place + len(old) :])


def below(reads: dict[str, list[str]], name: str) -> list[str]:
    """Return the assets that read `name`, directly or not, in order."""
    found = {name}
    for other, upstream in reads.items():
        if not found.isdisjoint(upstream):
            found.add(other)
    return [other for other in reads if other in found and other != name]


def edited(reads: dict[str, list[str]]) -> str:
    """Return the asset that has the share `BELOW` of all downstream, or nearest."""
    names, wanted = list(reads), BELOW * len(reads)
    heads = names[:: max(1, len(names) // 40)]
    return min(heads, key=lambda name: abs(len(below(reads, name)) - wanted))


def measure(size: int, rounds: int) -> None:
    """Build a project of `size` assets in each way, and print what that cost."""
    shared = "/dev/shm" if os.path.isdir("/dev/shm") else None  # noqa: S108 - private
    with tempfile.TemporaryDirectory(dir=shared) as place:
        reads = graph(size)
        bench = Bench(Path(place), reads)
        write_project(bench.folder, reads, "tables")
        for number in range(rounds):
            one_round(bench, number)
        show(bench)


def one_round(bench: Bench, number: int) -> None:
    """Time everything once; what differs from round to round is an addend."""
    python, ours = sys.executable, str(Path(sys.executable).with_name("assetmake"))
    middle = edited(bench.reads)
    chosen = [middle, *below(bench.reads, middle)]
    shutil.rmtree(bench.folder / "data", ignore_errors=True)
    bench.run("import pandas", python, "-c", "import pandas, pyarrow.parquet")
    bench.run("load", python, "-c", "import Assetfile")
    bench.run("first build", ours)
    bench.run("plain loop", python, PLAIN, "files")
    bench.run("plain loop, in memory", python, PLAIN, "memory")
    bench.edit("+ 1", f"+ 1{number}0", middle)
    bench.run("edit one", ours)
    bench.run("plain loop of those", python, PLAIN, "files", *chosen)
    bench.edit("    return out", "    # a note\n    return out", middle)
    bench.run("comment", ours)
    bench.edit("    # a note\n    return out", "    return out.copy()", middle)
    bench.run("edit to the same data", ours)
    bench.edit("return out.copy()", "return out", middle)
    bench.edit(f"+ 1{number}0", "+ 1", middle)


def show(bench: Bench) -> None:
    """Print the table of a project."""
    size, base = len(bench.reads), bench.median("import pandas")
    print(f"\n{size:,} assets of ten rows{'':15}built  median ms   x import pandas")
    for name in bench.figures:
        middle = bench.median(name)
        print(f"{name:34}{bench.built[name]:10,}{middle:11,.0f}{middle / base:12.1f}")
    whole = bench.median("first build")
    for name in ("plain loop", "plain loop, in memory"):
        more = (whole - bench.median(name)) / size
        print(f"first build beyond the {name}: {more:.2f} ms an asset")
    beyond = bench.median("edit one") - bench.median("plain loop of those")
    print(f"edit one beyond the plain loop of those, load included: {beyond:.0f} ms")


def main() -> None:
    """Measure each size."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sizes", default="100,1000")
    parser.add_argument("--rounds", type=int, default=3)
    chosen = parser.parse_args()
    for size in chosen.sizes.split(","):
        measure(int(size), chosen.rounds)


if __name__ == "__main__":
    main()
