"""Crashes, failing disks and lost power; `crash_matrix.py` is what tries them.

Each campaign runs in a process of its own, because it forks, and here at every
Nth operation; the command without `--step` tries each.
"""

from __future__ import annotations

import resource
import subprocess
import sys
from pathlib import Path

import pytest
from space import TestSpace

MATRIX = Path(__file__).with_name("crash_matrix.py")
#: What `crash_matrix.py --list` tells; a test holds that it is all.
CAMPAIGNS = [
    "kill",
    "kill-renames",
    "tear",
    "tear-renames",
    "void",
    "power",
    "power-renames",
    "ENOSPC",
    "EIO",
    "EACCES",
    "EXDEV",
    "EROFS",
    "EDQUOT",
    "EMFILE",
    "ENOSPC-renames",
    "ENOSPC-lasting",
    "EIO-read",
    "EMFILE-read",
    "EACCES-read-lasting",
]


def found(*words: str) -> str:
    """Run campaigns; return what they found, empty for nothing."""
    ran = subprocess.run(
        [sys.executable, MATRIX, *words], check=False, capture_output=True, text=True
    )
    assert "points" in ran.stdout, ran.stdout + ran.stderr
    return ran.stdout + ran.stderr if ran.returncode else ""


@pytest.mark.slow
@pytest.mark.parametrize("name", ["kill", "ENOSPC"])
def test_a_rebuild_may_end_at_any_operation(name):
    assert not found(name, "--only", "again", "--step", "9")


def test_every_campaign_is_tried_here():
    ran = subprocess.run(
        [sys.executable, MATRIX, "--list"], check=True, capture_output=True, text=True
    )

    assert ran.stdout.split() == CAMPAIGNS


@pytest.mark.slow
@pytest.mark.parametrize("name", CAMPAIGNS)
def test_every_command_may_end_at_any_operation(name):
    """Killed, torn, without power, or refused by the disk: nothing good is lost."""
    assert not found(name, "--step", "17")


@pytest.mark.slow
@pytest.mark.parametrize("script", ["crash_random.py", "crash_strace.py"])
def test_a_process_may_end_at_any_moment(script):
    """A few of the kills that the commands try; without strace, its are skipped."""
    words = {"crash_random.py": ["--kills", "8"], "crash_strace.py": ["--step", "9"]}
    ran = subprocess.run(
        [sys.executable, MATRIX.with_name(script), *words[script]],
        check=False,
        capture_output=True,
        text=True,
    )
    if ran.stdout.startswith("skipped: "):
        pytest.skip(ran.stdout.strip())

    assert ran.returncode == 0, ran.stdout + ran.stderr


def test_ctrl_c_before_anything_is_there_ends_without_a_traceback(tmp_path):
    """It was told with one while the first libraries were imported."""
    code = """
import sys

class Interrupting:
    def find_spec(self, name, *rest):
        if name == "click":
            raise KeyboardInterrupt

sys.meta_path.insert(0, Interrupting())
sys.argv = ["assetmake"]
from assetmake.quick import main
main()
"""
    ran = subprocess.run(
        [sys.executable, "-c", code],
        cwd=tmp_path,
        check=False,
        capture_output=True,
        text=True,
    )

    assert (ran.returncode, ran.stderr) == (-2, "assetmake: interrupted\n")


LARGE = """
    from assetmake import asset, source

    raw = source("raw", path="raw.txt", format="text")


    @asset
    def large(raw: str) -> str:
        return raw * 300_000
"""


@pytest.fixture
def small_disk(tmp_path):
    """A project whose store lies on a file system of 1 MB; where one may mount."""
    space = TestSpace(tmp_path)
    space.write({"Assetfile.py": LARGE, "raw.txt": "x"})
    (tmp_path / "data").mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=1m", "none", tmp_path / "data"],
        check=False,
        capture_output=True,
    )
    if mounted.returncode:
        pytest.skip("only root may mount a file system")
    yield space
    subprocess.run(["umount", "-l", tmp_path / "data"], check=True)


def check_refused(space, what, hint):
    """Check that a build says what is wrong, and leaves the last good table."""
    table = space.root / "data/large/large.txt"
    manifest = table.with_name("_manifest.json")
    before = table.read_bytes(), manifest.read_bytes()

    ran = space.shell()

    assert ran.status in (1, 2)
    assert what in ran.err.lower()
    assert hint in ran.err
    assert "Traceback" not in ran.err
    assert (table.read_bytes(), manifest.read_bytes()) == before
    return ran


@pytest.mark.skipif(sys.platform != "linux", reason="mounts a tmpfs")
def test_a_full_disk_keeps_the_last_good_table(small_disk):
    space = small_disk
    assert space.run().status == 0
    space.edit("raw.txt", "x", "yyyy")

    check_refused(space, "no space left on device", "make room on that disk")

    space.edit("raw.txt", "yyyy", "z")
    assert space.run().status == 0
    assert list((space.root / "data/.assetmake/staging").iterdir()) == []


@pytest.mark.skipif(sys.platform != "linux", reason="mounts a tmpfs")
def test_a_store_mounted_for_reading_is_told(small_disk):
    space = small_disk
    assert space.run().status == 0
    remount = ["mount", "-o", "remount,ro", space.root / "data"]
    subprocess.run(remount, check=True)
    space.edit("raw.txt", "x", "y")

    check_refused(space, "read-only file system", "another `root`")

    assert space.run("--status").status == 0


def test_a_limit_of_file_sizes_is_told(tmp_path):
    space = TestSpace(tmp_path)
    space.write({"Assetfile.py": LARGE, "raw.txt": "x"})
    assert space.run().status == 0
    space.edit("raw.txt", "x", "y")
    limit = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, limit[1]))
    try:
        check_refused(space, "file too large", "raise the limit of file sizes")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limit)
