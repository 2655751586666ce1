"""Tests of the tests: each seeded bug of the engine has to be caught.

    python tests/seeded_bugs.py             every bug
    python tests/seeded_bugs.py NAME ...    just these
    python tests/seeded_bugs.py --save      keep the trials that notice

For each bug a copy of the package is patched, and the tests that stand guard
over the engine run against the copy: the one that is expected to notice, then
the others, random trials last. A bug that no test notices is a hole in the
tests, and the exit status is 1. A patch that no longer applies is an error,
too: the engine changed, and the bug has to be seeded anew.

Of a bug that only a random trial notices, the trial is kept, made small, in
`tests/seeded_trials/`: it is run first.

Guards run in forks of this process, which has imported the libraries but not
assetmake; as many at once as there are cores.
"""

from __future__ import annotations

import io
import json
import os
import resource
import shutil
import signal
import sys
import tempfile
import time
import traceback
from collections.abc import Callable, Sequence
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass
from pathlib import Path

import pyarrow.parquet  # noqa: F401 - for the forks
import pytest
from seeds import BUGS, Bug

ROOT = Path(__file__).resolve().parent.parent
TRIALS = Path(__file__).parent / "seeded_trials"
#: The campaign that is searched where no trial is kept.
SEED, MOST_TRIALS = 1, 150
#: What notices nearly all bugs that no expected guard noticed, cheap ones first.
OTHERS = (
    "test_fingerprint.py test_status.py test_plan.py",
    "test_manifest.py test_fileindex.py test_stores.py",
    "random",
)
#: A trial of more seconds of CPU hangs, which is a finding. A guard of more
#: seconds has noticed nothing.
MOST_CPU, MOST_SECONDS = 30, 900

CAUGHT, HELD, BROKEN = 1, 0, 2


@dataclass
class Guarding:
    """A guard that runs: against which bug, in which process."""

    bug: Bug
    folder: Path
    guards: list[str]
    save: bool = False
    process: int = 0
    began: float = 0.0

    @property
    def output(self) -> Path:
        """Where it says what it noticed."""
        return self.folder / "output"

    @property
    def temporary(self) -> Path:
        """Where its tests make their files; outside of the copied package."""
        return self.folder.with_name(f"{self.folder.name}-t")


def seed(bug: Bug, folder: Path, *, save: bool) -> Guarding:
    """Make a copy of the package with a bug in it.

    Raises:
        LookupError: what it replaces is not there.
    """
    shutil.copytree(ROOT / "assetmake", folder / "assetmake", copy_function=_link)
    file = folder / "assetmake" / bug.file
    text = file.read_text()
    if text.count(bug.right) != 1:
        raise LookupError(f"its right line stands {text.count(bug.right)} times")
    file.unlink()  # the link, not what it leads to
    file.write_text(text.replace(bug.right, bug.wrong))
    os.symlink(ROOT / "tests", folder / "tests")
    shutil.copy(ROOT / "pyproject.toml", folder)
    others = [guard for guard in OTHERS if guard.split()[0] != bug.guard.split()[0]]
    return Guarding(bug, folder, [bug.guard, *others], save=save)


def _link(source: str, target: str) -> None:
    """Link a file, or copy it where the temporary folder is on another file system."""
    try:
        os.link(source, target)
    except OSError:
        shutil.copy2(source, target)


def begin(guarding: Guarding) -> None:
    """Start the next guard in a fork."""
    guard = guarding.guards.pop(0)
    guarding.began = time.monotonic()
    guarding.process = os.fork()
    if guarding.process:
        return
    status = BROKEN
    try:
        signal.alarm(MOST_SECONDS)
        signal.signal(signal.SIGPROF, _hangs)
        os.chdir(guarding.folder)
        os.environ["PYTHONPATH"] = str(guarding.folder)
        os.environ["PYTHONDONTWRITEBYTECODE"] = "1"
        sys.dont_write_bytecode = True
        sys.path[:0] = [str(guarding.folder), str(guarding.folder / "tests")]
        said = io.StringIO()
        with redirect_stdout(said), redirect_stderr(said):
            status = _guard(guard, guarding)
        guarding.output.write_text(f"{guard}\n{said.getvalue()}")
    except BaseException:  # noqa: BLE001 - a fork must not go on as its parent
        guarding.output.write_text(f"{guard}\n{traceback.format_exc()}")
    finally:
        os._exit(status)


def _hangs(*_: object) -> None:
    raise AssertionError("it hangs")


def _guard(guard: str, guarding: Guarding) -> int:
    """Run one guard here; return whether it noticed something."""
    word, *favoured = guard.split()
    if word == "random":
        return _random(guarding.bug.name, favoured, save=guarding.save)
    names, _, chosen = guard.partition(" -k ")
    files = [f"tests/{name}" for name in names.split()]
    # A folder of its own: in the common one, runs that end at the same time trip over
    # what each other removes there.
    words = ["-qxp", "no:cacheprovider", f"--basetemp={guarding.temporary}", *files]
    ended = pytest.main([*words, "-k", chosen] if chosen else words)
    return {0: HELD, 1: CAUGHT}.get(int(ended), BROKEN)


def _random(name: str, favoured: list[str], *, save: bool) -> int:
    """Carry out the trial that is kept, then those of a campaign.

    Args:
        name: Of the bug.
        favoured: Actions that are expected to show it.
        save: Whether to keep the trial that does.
    """
    import random_project as trials

    kept = TRIALS / f"{name}.json"
    if kept.exists():
        saved = json.loads(kept.read_text())
        script = saved["shape"], [tuple(action) for action in saved["actions"]]
        signal.setitimer(signal.ITIMER_PROF, MOST_CPU)
        finding, _ = trials.finding_of(script)
        if finding:
            print(f"FAILED its trial: {finding}")
            return CAUGHT
    for position in range(MOST_TRIALS):
        script = trials.trial_of(SEED, position, favoured)
        signal.setitimer(signal.ITIMER_PROF, MOST_CPU)
        finding, _ = trials.finding_of(script)
        if finding:
            print(f"FAILED trial {position}: {finding}")
            if save:
                TRIALS.mkdir(exist_ok=True)
                signal.setitimer(signal.ITIMER_PROF, 0)
                kept.write_text(trials.dump(*trials.shrink(script, finding)))
            return CAUGHT
    return HELD


def end(guarding: Guarding, status: int) -> str | None:
    """Return how a bug was noticed, "" if it was not; None to try another guard."""
    said = guarding.output.read_text() if guarding.output.exists() else "\n"
    if status == -signal.SIGALRM:
        status = HELD
    guard, _, rest = said.partition("\n")
    if status == BROKEN and "ImportError" not in rest:
        sys.exit(f"{guarding.bug.name}: {guard} did not run\n{rest}")
    if status != HELD:
        lines = [line for line in rest.splitlines() if line.startswith("FAILED")]
        first = lines[0].removeprefix("FAILED ") if lines else guard
        return first.replace("tests/", "").partition(" - ")[0]
    return None if guarding.guards else ""


def catch_all(
    bugs: Sequence[Bug], report: Callable[[Bug, str], object], *, save: bool
) -> None:
    """Seed bugs and run guards, as many at once as there are cores."""
    todo = list(bugs)
    running: dict[int, Guarding] = {}
    with tempfile.TemporaryDirectory() as top:
        while todo or running:
            while todo and len(running) < (os.cpu_count() or 1):
                bug = todo.pop(0)
                folder = Path(top, bug.name)
                folder.mkdir()
                try:
                    guarding = seed(bug, folder, save=save)
                except LookupError as error:
                    print(f"{bug.name}: {error}")
                    report(bug, "")
                    continue
                begin(guarding)
                running[guarding.process] = guarding
            if not running:
                continue
            process, status = os.wait()
            guarding = running.pop(process)
            how = end(guarding, os.waitstatus_to_exitcode(status))
            if how is None:
                begin(guarding)
                running[guarding.process] = guarding
                continue
            shutil.rmtree(guarding.folder)
            shutil.rmtree(guarding.temporary, ignore_errors=True)
            report(guarding.bug, how)


def main(names: list[str]) -> int:
    """Seed each bug, and return 1 if one of them stays unseen."""
    save = "--save" in names
    names = [name for name in names if name != "--save"]
    bugs = [bug for bug in BUGS if not names or bug.name in names]
    missed = []

    def report(bug: Bug, how: str) -> None:
        print(f"{'caught' if how else 'MISSED'}  {bug.name:44} {how[:90]}", flush=True)
        if not how:
            missed.append(bug.name)

    catch_all(bugs, report, save=save)
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    seconds = used.ru_utime + used.ru_stime
    print(
        f"{len(missed)} of {len(bugs)} seeded bugs were missed; {seconds:.0f} s of CPU"
    )
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
