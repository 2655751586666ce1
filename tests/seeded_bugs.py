"""Tests of the tests: each seeded bug of the engine has to be caught.

    python tests/seeded_bugs.py             every bug
    python tests/seeded_bugs.py NAME ...    just these

For each bug a copy of the package is patched, and the tests that stand guard
over the engine are run against the copy, the random trials among them. A bug
that no test notices is a hole in the tests, and the exit status is 1. A patch
that no longer applies is an error too: the engine changed, and the bug has to
be seeded anew.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
#: The guards, the cheap ones first.
GUARDS = (
    ["tests/test_fingerprint.py", "tests/test_status.py", "tests/test_plan.py"],
    ["tests/test_manifest.py", "tests/test_fileindex.py", "tests/test_stores.py"],
    ["tests/test_random.py"],
)


@dataclass(frozen=True)
class Bug:
    """A wrong line: in which file, what stands there, what stands there instead.

    `guards` are tests that are run before all others.
    """

    name: str
    file: str
    right: str
    wrong: str
    guards: tuple[str, ...] = ()


#: The guards of what checks say.
CHECKS = ("tests/test_verdicts.py", "tests/test_cli_checks.py")

BUGS = [
    Bug(
        "size-only-fingerprint",
        "fileindex.py",
        "if record and record[:4] == _stamp(stat) and _is_settled(stat, record[4]):",
        "if record and record[0] == stat.st_size:",
    ),
    Bug(
        "mtime-decides",
        "fileindex.py",
        "if record and record[:4] == _stamp(stat) and _is_settled(stat, record[4]):",
        "if record and record[:2] == _stamp(stat)[:2]:",
    ),
    Bug(
        "young-files-are-believed",
        "fileindex.py",
        "and _is_settled(stat, record[4])",
        "",
    ),
    Bug(
        "stat-believed-after-power-loss",
        "fileindex.py",
        'or tree["boot"] != self._boot or not self._boot',
        "",
    ),
    Bug(
        "removed-input-ignored",
        "status.py",
        "        if (parameter, name) not in now:\n",
        "        if False:\n",
    ),
    Bug(
        "added-input-ignored",
        "status.py",
        "        if (parameter, name) not in before:\n",
        "        if False:\n",
    ),
    Bug(
        "inputs-compared-as-a-set",
        "status.py",
        "    if now != list(before) and set(now) == set(before):",
        "    if set(now) != set(before):",
    ),
    Bug(
        "first-parameter-of-an-upstream-counts-alone",
        "status.py",
        "elif recorded and recorded != {source.fingerprint}:",
        "elif recorded and source.fingerprint not in recorded:",
    ),
    Bug(
        "code-ignored",
        "status.py",
        "    if manifest.code != definition.code:\n",
        "    if not manifest.code:\n",
    ),
    Bug(
        "upstream-data-ignored",
        "status.py",
        "    elif status.manifest and recorded - {status.manifest.output.fingerprint}:",
        "    elif False:",
    ),
    Bug(
        "stale-upstream-ignored",
        "status.py",
        "    if status.is_stale:\n        # Early",
        "    if False:\n        # Early",
    ),
    Bug(
        "modified-data-is-fresh",
        "status.py",
        "        case Condition.MODIFIED:\n",
        "        case Condition.MODIFIED if False:\n",
    ),
    Bug(
        "lost-data-is-fresh",
        "status.py",
        "        case Condition.LOST:\n",
        "        case Condition.LOST if False:\n",
    ),
    Bug(
        "unreadable-manifest-is-fresh",
        "status.py",
        "    if record.problem:\n",
        "    if False:\n",
    ),
    Bug(
        "failure-is-never-told",
        "status.py",
        "    if failure and failure.recipe == recipe(definition, sources, upstream):",
        "    if False:",
    ),
    Bug(
        "observed-files-ignored",
        "status.py",
        "        *_differences(manifest.observed, record.observed),\n",
        "",
    ),
    Bug(
        "encoder-without-lengths",
        "fingerprint.py",
        'return b"%s%d:%s" % (tag, len(body), body)',
        'return b"%s%s" % (tag, body)',
    ),
    Bug(
        "encoder-without-tags",
        "fingerprint.py",
        'return b"%s%d:%s" % (tag, len(body), body)',
        'return b"%d:%s" % (len(body), body)',
    ),
    Bug(
        "failed-asset-recorded",
        "build.py",
        "    if ran.failed is not None or ran.written is None:\n",
        "    if ran.written is None and ran.failed is None:\n",
    ),
    Bug(
        "failed-upstream-does-not-block",
        "build.py",
        "        if read.name in state.failed:\n",
        "        if False:\n",
    ),
    Bug(
        "no-early-cutoff",
        "build.py",
        "    if not status.is_stale and not step.is_forced:\n",
        "    if False:\n",
    ),
    Bug(
        "row-not-refreshed-before-the-run",
        "build.py",
        "    status = state.refresh(step.name)\n",
        "    status = state.statuses[step.name]\n",
    ),
    Bug(
        "source-not-checked-again",
        "build.py",
        "            same = world.source_now(record.name) == record.fingerprint\n",
        "            same = True\n",
    ),
    Bug(
        "hand-edited-table-not-kept",
        "build.py",
        "    if not store.is_ours(name, before):\n",
        "    if False:\n",
    ),
    Bug(
        "foreign-files-go-with-the-table",
        "stores/local.py",
        "        return {*found} <= {FILE_NAME, SUCCESS, *files}\n",
        "        return True\n",
    ),
    Bug(
        "data-published-without-its-manifest",
        "stores/local.py",
        "        (staged / FILE_NAME).write_bytes(dump_manifest(manifest))\n"
        "        place = self.root / path_of(name)\n",
        "        place = self.root / path_of(name)\n"
        "        if place.exists():\n"
        "            (place / FILE_NAME).write_bytes(dump_manifest(manifest))\n"
        "        (staged / FILE_NAME).write_bytes(dump_manifest(manifest))\n",
    ),
    Bug(
        "manifest-of-another-asset-believed",
        "stores/local.py",
        "    if path_of(manifest.name) != path_of(name):\n",
        "    if False:\n",
    ),
    Bug(
        "added-part-not-seen",
        "stores/local.py",
        "            if name not in recorded and not _is_hidden(name):\n",
        "            if False:\n",
    ),
    Bug(
        "prune-takes-what-was-changed",
        "stores/local.py",
        "if record.manifest is None or record.condition is Condition.MODIFIED:",
        "if record.manifest is None:",
    ),
    Bug(
        "leftovers-stay",
        "stores/local.py",
        "            self._clear_leftovers()\n",
        "",
    ),
    Bug(
        "plan-leaves-out-upstream",
        "plan.py",
        "    needed = upstream_of(graph, selected)\n",
        "    needed = set(selected)\n",
    ),
    Bug(
        "failed-check-publishes",
        "run.py",
        '    return {"checks": checks, "failed": Failed(CHECK_FAILED, message)}\n',
        '    return {"checks": checks}\n',
        CHECKS,
    ),
    Bug(
        "changed-check-ignored",
        "verdicts.py",
        "        if record.fingerprint != now.code:\n",
        "        if False:\n",
        CHECKS,
    ),
    Bug(
        "severity-ignored",
        "verdicts.py",
        "        if record.severity != now.severity:\n",
        "        if False:\n",
        CHECKS,
    ),
    Bug(
        "file-of-a-check-ignored",
        "verdicts.py",
        "            if observed.get(path) != record.observed[path]:\n",
        "            if False:\n",
        CHECKS,
    ),
    Bug(
        "changed-code-is-just-checked",
        "build.py",
        '        {reason.code for reason in status.reasons} == {"check-changed"}\n',
        '        "check-changed" in {reason.code for reason in status.reasons}\n',
        CHECKS,
    ),
]


def catches(bug: Bug, folder: Path) -> str:
    """Return which guard notices a bug; empty if none does."""
    package = folder / "assetmake"
    shutil.copytree(ROOT / "assetmake", package)
    file = package / bug.file
    text = file.read_text()
    if text.count(bug.right) != 1:
        sys.exit(f"{bug.name}: its right line stands {text.count(bug.right)} times")
    file.write_text(text.replace(bug.right, bug.wrong))
    shutil.copytree(ROOT / "tests", folder / "tests")
    shutil.copy(ROOT / "pyproject.toml", folder)
    environment = {**os.environ, "PYTHONPATH": str(folder), "ASSETMAKE_SEEDED": "1"}
    for guards in (bug.guards, *GUARDS) if bug.guards else GUARDS:
        command = [sys.executable, "-m", "pytest", "-qx", "-p", "no:cacheprovider"]
        run = subprocess.run(
            [*command, *guards],
            cwd=folder,
            env=environment,
            capture_output=True,
            text=True,
            check=False,
        )
        if run.returncode == 1:
            lines = [x for x in run.stdout.splitlines() if x.startswith("FAILED")]
            return lines[0].removeprefix("FAILED ")[:70] if lines else "an error"
        if run.returncode:
            sys.exit(f"{bug.name}: the guards did not run\n{run.stdout}{run.stderr}")
    return ""


def main(names: list[str]) -> int:
    """Seed each bug, and return 1 if one of them stays unseen."""
    missed = []
    for bug in BUGS:
        if names and bug.name not in names:
            continue
        with tempfile.TemporaryDirectory() as folder:
            caught = catches(bug, Path(folder))
        print(f"{'caught' if caught else 'MISSED'}  {bug.name:45} {caught}", flush=True)
        if not caught:
            missed.append(bug.name)
    print(f"{len(missed)} of {len(names or BUGS)} seeded bugs were missed")
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
