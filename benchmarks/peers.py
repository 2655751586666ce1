"""Time assetmake beside other tools on the same graph; see README.md here."""

from __future__ import annotations

import argparse
import os
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
from dataclasses import dataclass, field, replace
from pathlib import Path

from projects import SHAPES, Project, make_project
from tools import LOG, Tool, installed

SCENARIOS = ("cold", "no-op", "status", "edit one", "comment")


@dataclass
class Figures:
    """What runs of one tool in one scenario took.

    Attributes:
        cpu: User and system time with children, in ms, a run each.
        ran: Assets that the last run executed.
    """

    cpu: list[float] = field(default_factory=list)
    ran: int = 0

    @property
    def middle(self) -> float:
        """The median."""
        return statistics.median(self.cpu)


def run(command: list[str], root: Path, environ: dict[str, str], most: float) -> float:
    """Run a command to its end and return its CPU time in ms.

    Raises:
        subprocess.SubprocessError: it failed, or took more than `most` seconds.
    """
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    with open(root / "out.log", "wb") as out:
        process = subprocess.Popen(
            command, cwd=root, env=environ, stdout=out, stderr=out
        )
        try:
            process.wait(most)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
            raise
    if process.returncode not in (0, 1):
        raise subprocess.CalledProcessError(process.returncode, command)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    user, system = after.ru_utime - before.ru_utime, after.ru_stime - before.ru_stime
    return (user + system) * 1000


class Bench:
    """One tool on one project."""

    def __init__(self, tool: Tool, project: Project, root: Path, most: float) -> None:
        self.tool = tool
        self.project = project
        self.root = root
        self.most = most
        self.figures: dict[str, Figures] = {}
        self.stopped = ""

    def measure(self, scenario: str) -> None:
        """Take one figure; a tool that failed or is too slow is left out then."""
        if self.stopped:
            return
        try:
            self._measure(scenario)
        except subprocess.SubprocessError as error:
            self.stopped = f"{scenario}: {type(error).__name__}"

    def _measure(self, scenario: str) -> None:
        command = self.tool.build()
        if scenario == "cold":
            self.tool.begin(self.project, self.root)
        elif scenario == "status":
            status = self.tool.status()
            if status is None:
                return
            command = status
        elif scenario in ("edit one", "comment"):
            self._edit(scenario)
        log = self.root / LOG
        log.unlink(missing_ok=True)
        spent = run(command, self.root, self.tool.environ(self.root), self.most)
        found = self.figures.setdefault(scenario, Figures())
        found.cpu.append(spent)
        found.ran = len(log.read_text().splitlines()) if log.exists() else 0

    def _edit(self, scenario: str) -> None:
        name = self.project.middle
        if scenario == "edit one":
            edits = dict(self.project.edits)
            edits[name] = edits.get(name, 0) + 1
            self.project = replace(self.project, edits=edits)
        else:
            notes = dict(self.project.notes)
            notes[name] = notes.get(name, 0) + 1
            self.project = replace(self.project, notes=notes)
        self.tool.rewrite(self.project, name, self.root)


def compare(
    tools: list[Tool], project: Project, folder: Path, *, rounds: int, most: float
) -> None:
    """Run every tool on one project, in turn, and print a table."""
    size = len(project.reads)
    benches = [
        Bench(tool, project, folder / tool.name, most)
        for tool in tools
        if size <= tool.most
    ]
    empty = Figures()
    for bench in benches:
        bench.measure("cold")
        bench.measure("no-op")  # some tools settle only in a second run
        bench.figures.pop("no-op", None)
    for _ in range(rounds):
        python = [sys.executable, "-c", "pass"]
        empty.cpu.append(run(python, folder, dict(os.environ), most))
        for scenario in SCENARIOS[1:]:
            for bench in benches:
                bench.measure(scenario)
    show(project, benches, empty)
    for bench in benches:
        shutil.rmtree(bench.root, ignore_errors=True)


def show(project: Project, benches: list[Bench], empty: Figures) -> None:
    """Print CPU times of each scenario, with ratios and executed assets."""
    size, below = len(project.reads), len(project.downstream(project.middle))
    print(f"\n{size:,} assets, {project.shape}; {below} read what is edited")
    print(f"`python -c pass`: {empty.middle:.0f} ms CPU; medians, ms CPU:\n")
    print(f"| {'tool':10}|" + "".join(f" {name:>15} |" for name in SCENARIOS))
    print("|---|" + "---|" * len(SCENARIOS))
    for bench in benches:
        cells = []
        for scenario in SCENARIOS:
            found = bench.figures.get(scenario)
            if found is None:
                cells.append("-")
                continue
            ran = "" if scenario in ("no-op", "status") else f" ({found.ran})"
            cells.append(f"{found.middle:,.0f}{ran}")
        print(f"| {bench.tool.name:10}|" + "".join(f" {cell:>15} |" for cell in cells))
    for bench in benches:
        if bench.stopped:
            print(f"{bench.tool.name} was left out at {bench.stopped}")
    quiet = {b.tool.name: b.figures["no-op"].middle for b in benches if not b.stopped}
    if "assetmake" in quiet:
        ours = quiet["assetmake"]
        ratios = [f"{ours / empty.middle:.2f} x python"]
        ratios += [
            f"{ours / other:.2f} x {name}"
            for name, other in quiet.items()
            if name != "assetmake"
        ]
        print("no-op of assetmake: " + ", ".join(ratios))
        slope = (ours - empty.middle) / size * 1000
        print(f"slope above Python's start: {slope:.1f} µs an asset")


def main() -> None:
    """Compare what is installed, at each size and shape."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sizes", default="100,1000")
    parser.add_argument("--shapes", default="layered", help=", ".join(SHAPES))
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--tools", default="", help="just these, by name")
    parser.add_argument("--bin", action="append", default=[], metavar="DIR")
    parser.add_argument(
        "--most", type=float, default=300, help="seconds of a run; slower: left out"
    )
    chosen = parser.parse_args()
    tools = installed(chosen.bin)
    if chosen.tools:
        wanted = chosen.tools.split(",")
        tools = [tool for tool in tools if tool.name in wanted]
    print("\n".join(f"{tool.name}: {tool.step}" for tool in tools))
    shared = "/dev/shm" if os.path.isdir("/dev/shm") else None  # noqa: S108 - private
    with tempfile.TemporaryDirectory(dir=shared) as place:
        for shape in chosen.shapes.split(","):
            for size in map(int, chosen.sizes.split(",")):
                compare(
                    tools,
                    make_project(shape, size),
                    Path(place),
                    rounds=chosen.rounds,
                    most=chosen.most,
                )


if __name__ == "__main__":
    main()
