"""Draw where a command of assetmake spends its time: a flame graph as SVG.

    python benchmarks/flame.py OUT.svg [--runs 50] [-C PROJECT] [WORD]...

Each run is a process of its own whose stack is looked at every 200 µs, from the
first import of assetmake on. Wide is slow; a box stands on its caller; boxes are
sorted by name, not by time. (Brendan Gregg, "The Flame Graph", ACM Queue 14(2).)
"""

from __future__ import annotations

import argparse
import html
import os
import subprocess
import sys
import tempfile
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

#: Runs in the measured process: samples its own stack, and counts the stacks.
_SAMPLER = """\
import atexit, signal, sys
stacks = {}
def take(number, frame):
    names = []
    while frame is not None:
        code = frame.f_code
        file = code.co_filename
        if not file.startswith(("<frozen importlib", "<string>")):
            name = "import" if code.co_name == "<module>" else code.co_name
            names.append(name + " " + file.rpartition("/")[2])
        frame = frame.f_back
    key = ";".join(reversed(names))
    stacks[key] = stacks.get(key, 0) + 1
def end():
    signal.setitimer(signal.ITIMER_REAL, 0)
    with open(OUT, "a") as file:
        for key, number in stacks.items():
            file.write(f"{key} {number}\\n")
atexit.register(end)
signal.signal(signal.SIGALRM, take)
signal.setitimer(signal.ITIMER_REAL, 0.0002, 0.0002)
sys.argv[0] = "assetmake"
from assetmake.quick import main
main()
"""
_ROW, _WIDTH, _CHAR = 17, 1200, 6.6


@dataclass
class Box:
    """A function as called from one stack: its samples, and what it calls."""

    samples: int = 0
    calls: dict[str, Box] = field(default_factory=dict)


def sample(words: list[str], project: Path, runs: int) -> Counter[str]:
    """Return how often each stack was seen, frames from the outside joined by ;."""
    found: Counter[str] = Counter()
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder, "stacks")
        program = _SAMPLER.replace("OUT", repr(str(out)))
        command = [sys.executable, "-c", program, *words]
        for _ in range(runs):
            subprocess.run(
                command,
                cwd=project,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                check=False,
            )
        if not out.exists():
            sys.exit("no samples: the command ends without Python's exit handlers")
        for line in out.read_text().splitlines():
            stack, _, number = line.rpartition(" ")
            found[stack] += int(number)
    return found


def grown(stacks: Counter[str]) -> Box:
    """Return the tree of calls that stacks are paths in."""
    root = Box()
    for stack, number in stacks.items():
        box = root
        box.samples += number
        for name in stack.split(";") if stack else ():
            box = box.calls.setdefault(name, Box())
            box.samples += number
    return root


def draw(root: Box, title: str) -> str:
    """Return an SVG document; a box tells its share when pointed at."""
    rows: list[str] = []
    deepest = 0
    todo = [("all", root, 0.0, 0)]
    while todo:
        name, box, left, depth = todo.pop()
        deepest = max(deepest, depth)
        width = box.samples / root.samples * _WIDTH
        if width < 0.5:
            continue
        rows.append(_drawn(name, left, width, depth, box.samples / root.samples))
        for inner in sorted(box.calls):
            todo.append((inner, box.calls[inner], left, depth + 1))
            left += box.calls[inner].samples / root.samples * _WIDTH
    height = (deepest + 3) * _ROW
    head = (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{_WIDTH}" height="{height}" '
        'font-family="monospace" font-size="11"><rect width="100%" height="100%" '
        f'fill="#fff"/><text x="4" y="13">{html.escape(title)}</text>'
    )
    foot = height - 2 * _ROW
    return f'{head}<g transform="translate(0 {foot})">{"".join(rows)}</g></svg>\n'


def _drawn(name: str, left: float, width: float, depth: int, share: float) -> str:
    hue = sum(map(ord, name)) % 50
    label = html.escape(name[: max(int(width / _CHAR) - 1, 0)])
    return (
        f"<g><title>{html.escape(name)}: {share:.1%}</title>"
        f'<rect x="{left:.1f}" y="{-depth * _ROW}" width="{width:.1f}" '
        f'height="{_ROW - 1}" fill="hsl({hue},80%,70%)"/>'
        f'<text x="{left + 2:.1f}" y="{12 - depth * _ROW}">{label}</text></g>'
    )


def main() -> None:
    """Sample the command and write the picture."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("out", type=Path)
    parser.add_argument("--runs", type=int, default=50)
    parser.add_argument("-C", dest="project", type=Path, default=Path.cwd())
    chosen, words = parser.parse_known_args()
    stacks = sample(words, chosen.project, chosen.runs)
    title = f"assetmake {' '.join(words)}: {stacks.total()} samples of 200 µs"
    title += f" in {chosen.runs} runs, Python {sys.version.split()[0]}"
    chosen.out.write_text(draw(grown(stacks), title))
    print(f"{os.fspath(chosen.out)}: {stacks.total()} samples")


if __name__ == "__main__":
    main()
