"""Kill builds at random moments, and look at what they leave.

    python tests/crash_random.py [--kills N] [--seed N]

A build of two workers is ended by SIGKILL (the whole process, or a worker of it),
SIGTERM, SIGHUP, SIGINT or SIGINT twice; one in ten of the builds that follow is
killed, too. Then all has to hold that `crash_matrix.py` checks, and no process of
the build may be left. The exit status is 1 if something did not hold.
"""

from __future__ import annotations

import argparse
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from contextlib import suppress
from pathlib import Path

import crash_matrix as matrix

#: How a build is ended, by the name of the signal; how often is how likely.
WAYS = ("KILL", "KILL", "KILL", "worker", "TERM", "HUP", "INT", "INT twice")


def children(pid: int) -> list[int]:
    """Return all processes below one, nearest first."""
    found: list[int] = []
    todo = [pid]
    while todo:
        parent = todo.pop(0)
        for task in Path(f"/proc/{parent}/task").glob("*/children"):
            with suppress(OSError):
                inner = [int(word) for word in task.read_text().split()]
                found += inner
                todo += inner
    return found


def is_alive(pid: int) -> bool:
    """Whether a process runs: one that ended and is not waited for does not."""
    try:
        return (
            Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
        )
    except OSError:
        return False


def end(process: subprocess.Popen[bytes], way: str) -> list[int]:
    """End a build in a way; return the processes that were below it."""
    below = children(process.pid)
    with suppress(ProcessLookupError):
        if way == "worker":
            if below:
                os.kill(below[-1], signal.SIGKILL)
        elif way == "INT twice":
            process.send_signal(signal.SIGINT)
            time.sleep(0.01)
            process.send_signal(signal.SIGINT)
        else:
            process.send_signal(signal.Signals[f"SIG{way}"])
    try:
        process.wait(60)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
        raise matrix.FindingError(f"it did not end by {way}") from None
    return below


def check_gone(below: list[int]) -> None:
    """Check that no process is left, a few seconds later."""
    for _ in range(100):
        left = [pid for pid in below if is_alive(pid)]
        if not left:
            return
        time.sleep(0.05)
    for pid in left:
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    raise matrix.FindingError(f"processes are left: {len(left)}")


def start(root: Path) -> subprocess.Popen[bytes]:
    """Start a build of two workers."""
    with Path(f"{root}.log").open("wb") as log:
        return subprocess.Popen(
            [sys.executable, "-m", "assetmake", "-j", "2"],
            cwd=root,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            # Who runs this in the background may ignore some, as `nohup` does.
            preexec_fn=_heed,  # noqa: PLW1509 - a few calls
        )


def _heed() -> None:
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_DFL)


def trial(bench: matrix.Bench, chance: random.Random, seconds: float) -> str:
    """End one build; return in which way.

    Raises:
        FindingError: something does not hold.
    """
    names = ("first", "again", "by-hand", "failed")
    scenario = chance.choice([s for s in matrix.SCENARIOS if s.name in names])
    root = bench.copy(scenario)
    before = matrix.tables(root)
    way = chance.choice(WAYS)
    rounds = 2 if chance.random() < 0.1 else 1
    for _ in range(rounds):
        process = start(root)
        time.sleep(chance.uniform(0, seconds * 1.2))
        check_gone(end(process, way))
    told = Path(f"{root}.log").read_text()
    # Python itself shows where it was when it had not yet come to the command.
    is_ours = "Traceback" in told and f"{os.sep}assetmake{os.sep}" in told
    matrix.holds(not is_ours or way == "INT twice", f"{way}: {told}")
    matrix.check_tables(before, root, gaps=False, prunes=False)
    matrix.check_mine(before, root)
    matrix.check_status(root)
    scenario.mend(root)
    matrix.check_built(root)
    matrix.check_mine(before, root)
    matrix.check_leftovers(root, doubts=False)
    return f"{scenario.name}, {way}"


def duration(bench: matrix.Bench) -> float:
    """Return the seconds that an undisturbed build takes here."""
    root = bench.copy(matrix.SCENARIOS[0])
    began = time.monotonic()
    start(root).wait()
    return time.monotonic() - began


def main() -> int:
    """Run the campaign and print its figures; return the exit status."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", 1)[0])
    parser.add_argument("--kills", type=int, default=200)
    parser.add_argument("--seed", type=int, default=1)
    asked = parser.parse_args()
    if not Path("/proc/self/task").is_dir():
        print("skipped: processes are found by /proc")
        return 0
    base = "/dev/shm" if os.path.isdir("/dev/shm") else None
    folder = Path(tempfile.mkdtemp(prefix="assetmake-crash-", dir=base))
    chance, findings = random.Random(asked.seed), []
    try:
        bench = matrix.Bench(folder)
        seconds = duration(bench)
        for number in range(asked.kills):
            try:
                trial(bench, chance, seconds)
            except matrix.FindingError as finding:
                findings.append(f"kill {number}: {finding}")
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    print(f"{asked.kills} kills, {len(findings)} findings")
    for finding in findings[:10]:
        print(f"  {finding}")
    return 1 if findings else 0


if __name__ == "__main__":
    sys.exit(main())
