"""Time runs of assetmake in which nothing has to be done; see README.md here."""

from __future__ import annotations

import argparse
import os
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

WIDTH = 50


def graph(size: int) -> dict[str, list[str]]:
    """Return a layered graph: each asset reads two or three of the layer above."""
    names = [f"a_{number:05}" for number in range(size)]
    found = {}
    for number, name in enumerate(names):
        layer, column = divmod(number, WIDTH)
        if not layer:
            found[name] = ["src"]
            continue
        above = (layer - 1) * WIDTH
        steps = (0, 1) if column % 2 else (0, 1, 7)
        found[name] = [names[above + (column + step) % WIDTH] for step in steps]
    return found


def write_project(folder: Path, reads: dict[str, list[str]]) -> None:
    """Write the Assetfile and its source."""
    lines = ["import pandas as pd", "from assetmake import asset, source"]
    lines.append('src = source("src", path="src.csv")')
    for name, upstream in reads.items():
        first, *others = upstream
        lines += ["", "", "@asset", f"def {name}({', '.join(upstream)}):"]
        lines.append(f"    out = {first}.copy()")
        lines += [f'    out["v"] = out["v"] + {other}["v"]' for other in others]
        lines += ['    out["v"] = (out["v"] + 1) % 1000003', "    return out"]
    (folder / "Assetfile.py").write_text("\n".join(lines) + "\n")
    rows = "".join(f"{number},{number * 7}\n" for number in range(10))
    (folder / "src.csv").write_text("id,v\n" + rows)


def write_peers(folder: Path, reads: dict[str, list[str]]) -> None:
    """Write the same graph for make and ninja, over the files that assetmake left."""
    stored = {"src": "src.csv"}
    stored.update({name: f"data/{name}/part-00000.parquet" for name in reads})
    make, ninja = ["all:"], ["rule touch\n  command = touch $out"]
    for name, upstream in reads.items():
        needed = " ".join(stored[other] for other in upstream)
        make.append(f"{stored[name]}: {needed}\n\ttouch $@")
        ninja.append(f"build {stored[name]}: touch {needed}")
    make[0] += " " + " ".join(stored[name] for name in reads)
    (folder / "Makefile").write_text("\n".join(make) + "\n")
    (folder / "build.ninja").write_text("\n".join(ninja) + "\n")


def cpu_ms(command: list[str], folder: Path) -> float:
    """Return user and system time of one run, with its children, in ms."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run(command, cwd=folder, check=True, capture_output=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    spent = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return spent * 1000


def commands() -> dict[str, list[str]]:
    """Return what is timed; tools that are not installed are left out."""
    ours = str(Path(sys.executable).with_name("assetmake"))
    found = {
        "python -c pass": [sys.executable, "-c", "pass"],
        "assetmake": [ours],
        "assetmake --check": [ours, "--check"],
        "assetmake --status": [ours, "--status"],
        "assetmake, no index": ["env", "ASSETMAKE_INDEX=0", ours],
        "make": ["make", "-s"],
        "ninja": ["ninja", "--quiet"],
    }
    return {
        name: command
        for name, command in found.items()
        if shutil.which(command[0]) is not None
    }


def measure(size: int, rounds: int) -> None:
    """Build a project of `size` assets and print the table of its no-ops."""
    shared = "/dev/shm" if os.path.isdir("/dev/shm") else None  # noqa: S108 - private
    with tempfile.TemporaryDirectory(dir=shared) as place:
        folder = Path(place)
        reads = graph(size)
        write_project(folder, reads)
        timed = commands()
        cold = cpu_ms(timed["assetmake"], folder)
        write_peers(folder, reads)
        for name in ("make", "ninja"):  # let them believe what is there
            if name in timed:
                subprocess.run(
                    [*timed[name], "-t"] if name == "make" else timed[name],
                    cwd=folder,
                    check=True,
                    capture_output=True,
                )
        cpu_ms(timed["assetmake"], folder)
        figures: dict[str, list[float]] = {name: [] for name in timed}
        for _ in range(rounds):
            for name, command in timed.items():
                figures[name].append(cpu_ms(command, folder))
    base = statistics.median(figures["python -c pass"])
    print(f"\n{size:,} assets; first build {cold / 1000:.1f} s CPU")
    print(f"{'':24}{'min ms':>9}{'median':>9}{'x python':>10}{'x ninja':>9}")
    ninja = statistics.median(figures["ninja"]) if "ninja" in figures else None
    for name, found in figures.items():
        middle = statistics.median(found)
        ratio = f"{middle / ninja:9.2f}" if ninja else f"{'-':>9}"
        print(f"{name:24}{min(found):9.1f}{middle:9.1f}{middle / base:10.2f}{ratio}")


def main() -> None:
    """Measure each size."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sizes", default="100,1000")
    parser.add_argument("--rounds", type=int, default=9)
    chosen = parser.parse_args()
    for size in chosen.sizes.split(","):
        measure(int(size), chosen.rounds)


if __name__ == "__main__":
    main()
