"""Kill the command, or refuse it something, at each system call that writes.

    python tests/crash_strace.py [--step N] [SYSCALL[:ERROR] ...]

What audit events do not tell of: the exchange of two directories, writes through
Arrow, fsync. Without ERROR the process is killed at the call, with one the call
fails. It needs strace; without it nothing is tried. The exit status is 1 if
something did not hold.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import crash_matrix as matrix

CALLS = (
    "rename,renameat,renameat2",
    "mkdir,mkdirat",
    "unlink,unlinkat,rmdir",
    "link,linkat",
    "write,pwrite64",
    "fsync,ftruncate",
)
WHAT = (
    *CALLS,
    *(f"{calls}:{name}" for calls in CALLS for name in ("ENOSPC", "EIO", "EROFS")),
    "rename,renameat,renameat2:EXDEV",
    "openat:EMFILE",
)
#: An end that strace brings about shows as this in a shell.
_KILLED = (-9, 137)


def is_there() -> bool:
    """Whether strace is there and may trace."""
    if shutil.which("strace") is None:
        return False
    ran = subprocess.run(["strace", "-f", "true"], check=False, capture_output=True)
    return ran.returncode == 0


def inject(root: Path, what: str, at: int) -> subprocess.CompletedProcess[str]:
    """Run a build in which the call number `at` of some system calls is refused."""
    calls, _, error = what.partition(":")
    how = f"error={error}" if error else "signal=SIGKILL"
    return subprocess.run(
        [
            *("strace", "-f", "-qq", "-o", f"{root}.trace"),
            *("-e", f"trace={calls}", "-e", f"inject={calls}:{how}:when={at}"),
            *(sys.executable, "-m", "assetmake"),
        ],
        cwd=root,
        check=False,
        capture_output=True,
        text=True,
        timeout=300,
        env={**os.environ, "PYTHONDONTWRITEBYTECODE": "1"},
    )


def campaign(bench: matrix.Bench, what: str, step: int) -> tuple[int, list[str]]:
    """Try one kind of call at every `step`th; return the points and findings."""
    (scenario,) = (s for s in matrix.SCENARIOS if s.name == "by-hand")
    points, findings = 0, []
    at = 1
    while True:
        root = bench.copy(scenario)
        before = matrix.tables(root)
        ran = inject(root, what, at)
        if "INJECTED" not in Path(f"{root}.trace").read_text() and (
            ran.returncode not in _KILLED
        ):
            return points, findings
        points += 1
        try:
            check(before, root, ran, scenario)
        except matrix.FindingError as finding:
            findings.append(f"{what}, call {at}: {finding}")
        at += step


def check(
    before: matrix.Picture,
    root: Path,
    ran: subprocess.CompletedProcess[str],
    scenario: matrix.Scenario,
) -> None:
    """Check all that has to hold.

    Raises:
        FindingError: something does not.
    """
    if ran.returncode not in _KILLED:
        matrix.holds(ran.returncode in (0, 1, 2), f"it ended with {ran}")
        matrix.holds("bug in assetmake" not in ran.stderr, ran.stderr)
    matrix.check_tables(before, root, gaps=False, prunes=False)
    matrix.check_mine(before, root)
    matrix.check_status(root)
    scenario.mend(root)
    matrix.check_built(root)
    matrix.check_mine(before, root)
    matrix.check_leftovers(root, doubts=True)


def main() -> int:
    """Run the campaigns and print a line for each; return the exit status."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", 1)[0])
    parser.add_argument("what", nargs="*", metavar="SYSCALL[:ERROR]")
    parser.add_argument("--step", type=int, default=1, help="every Nth call")
    asked = parser.parse_args()
    if not is_there():
        print("skipped: strace is not there, or may not trace")
        return 0
    status = 0
    folder = Path(tempfile.mkdtemp(prefix="assetmake-crash-"))
    try:
        bench = matrix.Bench(folder)
        for what in asked.what or WHAT:
            points, findings = campaign(bench, what, asked.step)
            print(f"{what}: {points} points, {len(findings)} findings", flush=True)
            for finding in findings[:10]:
                print(f"  {finding}")
            status |= bool(findings)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    return status


if __name__ == "__main__":
    sys.exit(main())
