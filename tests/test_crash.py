"""Crashes, failing disks and lost power; `crash_matrix.py` is what tries them.

Each campaign runs in a process of its own, because it forks, and here at every
Nth operation; the command without `--step` tries each.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

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
