"""Time runs of assetmake in which nothing has to be done; see README.md here."""

from __future__ import annotations

import argparse
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path

from projects import SOURCE_CSV, Project, layered

WIDTH = 50
#: From here on assets are texts: as many tables would take an hour to build.
MOST_TABLES = 10_000

#: The least that a Python program with a command line could do: start, import click,
#: read one index, ask for the stat of each asset, compare.
FLOOR = """\
import json, os
import click
with open("floor.json", "rb") as file:
    known = json.loads(file.read())
stat, stale = os.stat, 0
for path, (mtime, size) in known.items():
    now = stat(path)
    stale += now.st_mtime_ns != mtime or now.st_size != size
print(stale, "stale")
"""


@dataclass
class Figures:
    """What the runs of one command took.

    Attributes:
        cpu: User and system time of each run with its children, in ms.
        peak: The most memory that a process of it had, in bytes; not below
            what this script has itself.
    """

    cpu: list[float] = field(default_factory=list)
    peak: int = 0

    @property
    def middle(self) -> float:
        """The median of the times, in ms."""
        return statistics.median(self.cpu)


def graph(size: int) -> dict[str, list[str]]:
    """Return a layered graph: each asset reads two or three of the layer above."""
    return layered([f"a_{number:05}" for number in range(size)], WIDTH)


def write_project(folder: Path, reads: Mapping[str, Sequence[str]], kind: str) -> None:
    """Write the Assetfile and its source; assets are tables or texts."""
    lines = ["from assetmake import asset, source"]
    if kind == "tables":
        lines += ["import pandas as pd", 'src = source("src", path="src.csv")']
    else:
        lines.append('src = source("src", path="src.csv", format="text")')
    project = Project("layered", reads, {}, {})
    for name, upstream in reads.items():
        if kind == "texts":
            given = ", ".join(f"{other}: str" for other in upstream)
            lines += ["", "", "@asset", f"def {name}({given}) -> str:"]
            lines.append(f"    return str(sum(map(len, [{', '.join(upstream)}])))")
            continue
        lines += ["", "", "@asset", f"def {name}({', '.join(upstream)}):"]
        lines += [f"    {line}" for line in (*project.body(name), "return out")]
    (folder / "Assetfile.py").write_text("\n".join(lines) + "\n")
    (folder / "src.csv").write_text(SOURCE_CSV)


def write_peers(
    folder: Path, reads: Mapping[str, Sequence[str]], kind: str
) -> dict[str, str]:
    """Write the same graph for others, over the files that assetmake left.

    Returns:
        The file of each asset.
    """
    file = "{}.txt" if kind == "texts" else "part-00000.parquet"
    stored = {name: f"data/{name}/{file.format(name)}" for name in reads}
    found = {"src": "src.csv", **stored}
    make, ninja = ["all:"], ["rule keep\n  command = :"]
    for name, upstream in reads.items():
        needed = " ".join(found[other] for other in upstream)
        make.append(f"{stored[name]}: {needed}\n\t:")
        ninja.append(f"build {stored[name]}: keep {needed}")
    make[0] += " " + " ".join(stored.values())
    (folder / "Makefile").write_text("\n".join(make) + "\n")
    (folder / "build.ninja").write_text("\n".join(ninja) + "\n")
    return stored


def write_floor(folder: Path, files: Sequence[str]) -> None:
    """Write what the floor reads."""
    import json

    known = {}
    for path in files:
        stat = (folder / path).stat()
        known[path] = [stat.st_mtime_ns, stat.st_size]
    (folder / "floor.json").write_text(json.dumps(known))
    (folder / "floor.py").write_text(FLOOR)


def run(command: Sequence[str], folder: Path, figures: Figures) -> None:
    """Run a command to its end, and add what it took."""
    # Compiled modules are what is installed; without, each run would compile.
    environ = {
        key: value
        for key, value in os.environ.items()
        if key not in ("PYTHONDONTWRITEBYTECODE", "ASSETMAKE_INDEX")
    }
    with subprocess.Popen(
        command,
        cwd=folder,
        env=environ,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    ) as process:
        _, status, used = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise subprocess.CalledProcessError(process.returncode, command)
    figures.cpu.append((used.ru_utime + used.ru_stime) * 1000)
    unit = 1 if sys.platform == "darwin" else 1024
    figures.peak = max(figures.peak, used.ru_maxrss * unit)


def commands(size: int) -> dict[str, list[str]]:
    """Return what is timed; tools that are not installed are left out."""
    ours = str(Path(sys.executable).with_name("assetmake"))
    found = {
        "python -c pass": [sys.executable, "-c", "pass"],
        "Python floor": [sys.executable, "floor.py"],
        "make": ["make", "-s"],
        "ninja": ["ninja", "--quiet"],
        "assetmake": [ours],
        "assetmake -q": [ours, "-q"],
        "assetmake --check": [ours, "--check"],
        "assetmake --status -s": [ours, "--status", "-s"],
        "assetmake --status": [ours, "--status"],
        "assetmake -n": [ours, "-n"],
        "assetmake --list": [ours, "--list"],
        "assetmake, no index": ["env", "ASSETMAKE_INDEX=0", ours],
    }
    if size > MOST_TABLES:
        del found["assetmake, no index"]
    return {name: cmd for name, cmd in found.items() if shutil.which(cmd[0])}


def measure(size: int, rounds: int) -> dict[str, Figures]:
    """Build a project of `size` assets and print the table of its no-ops."""
    kind = "tables" if size <= MOST_TABLES else "texts"
    shared = "/dev/shm" if os.path.isdir("/dev/shm") else None  # noqa: S108 - private
    with tempfile.TemporaryDirectory(dir=shared) as place:
        folder = Path(place)
        reads = graph(size)
        write_project(folder, reads, kind)
        timed = commands(size)
        cold = Figures()
        run([*timed["assetmake"], "-s"], folder, cold)
        write_floor(folder, list(write_peers(folder, reads, kind).values()))
        for name in ("make", "ninja", "assetmake"):  # once, to believe what is there
            if name in timed:
                run(timed[name], folder, Figures())
        figures = {name: Figures() for name in timed}
        for _ in range(rounds):
            for name, command in timed.items():
                run(command, folder, figures[name])
    print(f"\n{size:,} {kind}; first build {cold.cpu[0] / 1000:.1f} s CPU, "
          f"{cold.peak / 1e6:,.0f} MB")  # fmt: skip
    show(figures)
    return figures


#: What ratios are to.
BASES = ("python -c pass", "Python floor", "ninja")


def show(figures: Mapping[str, Figures]) -> None:
    """Print the times of each command, and how they compare."""
    heading = "".join(f"{'x ' + base.split()[-1]:>9}" for base in BASES)
    print(f"{'':24}{'min ms':>9}{'median':>9}{heading}{'peak MB':>9}")
    for name, found in figures.items():
        ratios = "".join(
            f"{found.middle / figures[base].middle:9.2f}"
            if base in figures
            else " " * 9
            for base in BASES
        )
        times = f"{min(found.cpu):9.1f}{found.middle:9.1f}"
        print(f"{name:24}{times}{ratios}{found.peak / 1e6:9.1f}")


def show_slopes(by_size: Mapping[int, Mapping[str, Figures]]) -> None:
    """Print what an asset more costs, between one size and the next."""
    sizes = sorted(by_size)
    steps = list(pairwise(sizes))
    if not steps:
        return
    print("\nmicroseconds an asset")
    heading = "".join(f"{f'{few:,} to {many:,}':>20}" for few, many in steps)
    print(f"{'':24}{heading}")
    for name in by_size[sizes[0]]:
        cells = []
        for few, many in steps:
            both = by_size[few].get(name), by_size[many].get(name)
            if both[0] is None or both[1] is None:
                cells.append(f"{'-':>20}")
                continue
            spent = min(both[1].cpu) - min(both[0].cpu)
            cells.append(f"{spent * 1000 / (many - few):20.2f}")
        print(f"{name:24}{''.join(cells)}")


def main() -> None:
    """Measure each size."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sizes", default="100,1000")
    parser.add_argument("--rounds", type=int, default=9)
    chosen = parser.parse_args()
    sizes = [int(size) for size in chosen.sizes.split(",")]
    show_slopes({size: measure(size, chosen.rounds) for size in sizes})


if __name__ == "__main__":
    main()
