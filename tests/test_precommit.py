"""The pre-commit hooks, by really running pre-commit in a git repository."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not shutil.which("git"), reason="needs git"),
]

ASSETFILE = """\
import json
from assetmake import asset, source

numbers = source("numbers", path="numbers.json", format="text")

@asset
def total(numbers: str) -> str:
    return str(sum(json.loads(numbers)))
"""

IGNORED = """\
data/**
!data/**/
!data/**/_manifest.json
__pycache__/
"""


class Repository:
    """A git repository with an Assetfile and one of the hooks."""

    def __init__(self, root: Path, hook: str) -> None:
        self.root = root
        self.env = {
            **os.environ,
            "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
            "PRE_COMMIT_HOME": str(root.parent / "pre-commit"),
            "GIT_CONFIG_GLOBAL": os.devnull,
            "GIT_CONFIG_NOSYSTEM": "1",
            "GIT_AUTHOR_NAME": "Ada",
            "GIT_AUTHOR_EMAIL": "ada@example.org",
            "GIT_COMMITTER_NAME": "Ada",
            "GIT_COMMITTER_EMAIL": "ada@example.org",
        }
        hooks = root.parent / "hooks"
        hooks.mkdir()
        shutil.copy(ROOT / ".pre-commit-hooks.yaml", hooks)
        self.run("git", "init", "-q", str(hooks))
        self.run("git", "-C", str(hooks), "add", ".")
        self.run("git", "-C", str(hooks), "commit", "-qm", "hooks")
        head = self.run("git", "-C", str(hooks), "rev-parse", "HEAD").stdout.strip()
        self.run("git", "init", "-q", str(root))
        self.write(
            ".pre-commit-config.yaml",
            f"repos:\n- repo: {hooks}\n  rev: {head}\n  hooks:\n  - id: {hook}\n",
        )
        self.write(".gitignore", IGNORED)
        self.write("Assetfile.py", ASSETFILE)
        self.write("numbers.json", "[1, 2, 3]")
        self.run("pre-commit", "install", cwd=root)

    def write(self, name: str, text: str) -> None:
        """Write a file."""
        (self.root / name).write_text(text)

    def run(self, *command, cwd=None, ok=True):
        """Run a command."""
        done = subprocess.run(
            command,
            cwd=cwd or self.root.parent,
            env=self.env,
            capture_output=True,
            check=False,
            text=True,
            timeout=120,
        )
        assert not ok or done.returncode == 0, done.stdout + done.stderr
        return done

    def build(self) -> None:
        """Build what is not fresh."""
        self.run("assetmake", cwd=self.root)

    def commit(self):
        """Add everything and try to commit it; return what git printed."""
        self.run("git", "add", "-A", cwd=self.root)
        return self.run("git", "commit", "-m", "change", cwd=self.root, ok=False)


@pytest.fixture
def make_repository(tmp_path):
    """Return a function that makes a repository with one hook."""
    root = tmp_path / "project"
    root.mkdir()
    return lambda hook: Repository(root, hook)


HOOKS = pytest.mark.parametrize(
    "hook", ["assetmake-check", "assetmake-check-manifests"]
)


@HOOKS
def test_stale_commit_is_blocked_and_fresh_one_passes(make_repository, hook):
    """The hook names the asset; after a build the same commit goes through."""
    repository = make_repository(hook)

    stale = repository.commit()
    repository.build()
    fresh = repository.commit()

    assert stale.returncode == 1
    assert "Assetfile.py:7: total: missing: never built" in stale.stderr
    assert fresh.returncode == 0, fresh.stderr

    repository.write("Assetfile.py", ASSETFILE.replace("sum(", "max("))
    edited = repository.commit()
    repository.build()
    rebuilt = repository.commit()

    assert edited.returncode == 1
    assert "Assetfile.py:7: total: outdated: code changed" in edited.stderr
    assert rebuilt.returncode == 0, rebuilt.stderr


@HOOKS
def test_times_of_change_do_not_matter(make_repository, hook):
    """pre-commit stashes what is not staged, which writes files anew."""
    repository = make_repository(hook)
    repository.build()
    repository.run("git", "add", "-A", cwd=repository.root)
    repository.run("git", "commit", "-qm", "first", cwd=repository.root)

    repository.write("notes.txt", "staged")
    repository.run("git", "add", "notes.txt", cwd=repository.root)
    for file in repository.root.rglob("*.*"):
        if ".git" not in file.parts:
            os.utime(file, (1e9, 1e9))
    # Not staged, so not part of the commit: stashed while the hook runs.
    repository.write("Assetfile.py", ASSETFILE.replace("sum(", "max("))
    done = repository.run("git", "commit", "-m", "notes", cwd=repository.root, ok=False)

    assert done.returncode == 0, done.stderr
    assert "Stashing unstaged files" in done.stdout + done.stderr


def test_manifests_are_enough_where_the_data_is_not(make_repository):
    """A clone has the manifests and no data: fresh by code and manifests alone."""
    repository = make_repository("assetmake-check-manifests")
    repository.build()
    repository.commit()
    clone = repository.root.parent / "clone"
    repository.run("git", "clone", "-q", str(repository.root), str(clone))

    with_data = repository.run("assetmake", "--check", cwd=clone, ok=False)
    without = repository.run("assetmake", "--check", "--no-data", cwd=clone, ok=False)

    assert sorted(file.name for file in (clone / "data" / "total").iterdir()) == [
        "_manifest.json"
    ]
    assert with_data.returncode == 1
    assert "total: missing: data missing" in with_data.stdout
    assert (without.returncode, without.stdout) == (0, "")
