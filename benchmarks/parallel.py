"""Time builds of several assets at once against one at a time; see README.md here."""

from __future__ import annotations

import argparse
import os
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

#: What an asset does, by the kind of project, and how many there are.
KINDS = {
    "Python": (
        16,
        """total = 0
for number in range(WORK):
    total = (total + number * number) % 1000003
return pd.DataFrame({"total": [total]})""",
    ),
    "numpy": (
        16,
        """values = np.random.default_rng(WORK).random(WORK // 4)
for _ in range(12):
    values = np.sort(np.sin(values))
return pd.DataFrame({"total": [values.sum()]})""",
    ),
    "tiny": (500, 'return pd.DataFrame({"n": range(10)})'),
}


def write_project(folder: Path, kind: str, work: int) -> int:
    """Write assets that read nothing, and return how many there are."""
    count, body = KINDS[kind]
    lines = ["import numpy as np", "import pandas as pd", "from assetmake import asset"]
    lines += ["", f"WORK = {work}"]
    for number in range(count):
        lines += ["", "", "@asset", f"def a{number:03}():"]
        lines += [f"    {line}" for line in body.splitlines()]
    (folder / "Assetfile.py").write_text("\n".join(lines) + "\n")
    return count


def run(folder: Path, jobs: int) -> tuple[float, float]:
    """Build all from nothing; return wall and CPU seconds of the whole process."""
    shutil.rmtree(folder / "data", ignore_errors=True)
    command = [str(Path(sys.executable).with_name("assetmake")), "-s", "-j", str(jobs)]
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    began = time.perf_counter()
    subprocess.run(command, cwd=folder, check=True, capture_output=True)
    wall = time.perf_counter() - began
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return wall, cpu


def measure(kind: str, work: int, jobs: int, rounds: int) -> None:
    """Print a line for one kind: both ways in each round, so that ratios hold."""
    shared = "/dev/shm" if os.path.isdir("/dev/shm") else None  # noqa: S108 - private
    with tempfile.TemporaryDirectory(dir=shared) as place:
        folder = Path(place)
        count = write_project(folder, kind, work)
        pairs = [(run(folder, 1), run(folder, jobs)) for _ in range(rounds)]
        write_project(folder, kind, 4)
        alone = min(run(folder, 1)[1] for _ in range(rounds))
    one, many = min(one[0] for one, _ in pairs), min(many[0] for _, many in pairs)
    ratios = [one[0] / many[0] for one, many in pairs]
    cpu_one = min(one[1] for one, _ in pairs)
    cpu_many = min(many[1] for _, many in pairs)
    # If cores were free: what is not the assets' own, and what is more than with
    # one at a time, is taken for serial.
    more = cpu_many - cpu_one
    by_cpu = cpu_one / (alone + more + (cpu_one - alone) / jobs)
    print(
        f"{kind:8}{count:7}{one:10.2f}{many:10.2f}{one / many:8.2f}"
        f"{statistics.median(ratios):8.2f}{cpu_one:10.2f}{cpu_many:10.2f}"
        f"{more / count * 1000:12.2f}{by_cpu:8.2f}"
    )


def main() -> None:
    """Measure each kind."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--work", type=int, default=8_000_000, help="loops an asset")
    parser.add_argument("--kinds", default=",".join(KINDS))
    chosen = parser.parse_args()
    load = os.getloadavg()[0]
    print(f"{os.cpu_count()} cores, load {load:.1f}, {chosen.rounds} rounds")
    print(
        f"{'':8}{'assets':>7}{'-j1 s':>10}{f'-j{chosen.jobs} s':>10}{'ratio':>8}"
        f"{'median':>8}{'-j1 CPU':>10}{f'-j{chosen.jobs} CPU':>10}"
        f"{'ms more':>12}{'by CPU':>8}"
    )
    for kind in chosen.kinds.split(","):
        measure(kind, chosen.work, chosen.jobs, chosen.rounds)


if __name__ == "__main__":
    main()
