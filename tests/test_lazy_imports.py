"""What `import assetmake` and the quick commands do not import."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

HEAVY = ("pandas", "pyarrow", "numpy", "pyspark", "polars", "duckdb")

ASSETFILE = """
import pandas as pd  # which a look at what did not change does not import
from assetmake import asset

@asset
def greeting() -> str:
    return "hello"

@asset
def loud(greeting: str) -> str:
    return greeting.upper()
"""

#: Runs the command in this process, and prints what it has imported by then.
RUN = """
import json, sys
from assetmake.cli.main import main
try:
    main()
except SystemExit as exit:
    print(json.dumps([exit.code, sorted(sys.modules)]), file=sys.stderr)
"""


def imported(code, *arguments, cwd=None):
    """Return the exit code of a process and the names of its modules."""
    done = subprocess.run(
        [sys.executable, "-c", code, *arguments],
        cwd=cwd,
        capture_output=True,
        check=True,
        text=True,
    )
    status, modules = json.loads(done.stderr.splitlines()[-1])
    return status, set(modules)


def test_import_assetmake_imports_no_library():
    """Neither the libraries of frames nor that of the command line."""
    code = (
        "import json, sys, assetmake;"
        "print(json.dumps([0, sorted(sys.modules)]), file=sys.stderr)"
    )

    _, modules = imported(code)

    assert modules.isdisjoint((*HEAVY, "click"))
    assert "assetmake" in modules


@pytest.mark.slow
@pytest.mark.parametrize(
    "arguments",
    [
        ["--help"],
        ["--version"],
        [],
        ["--status"],
        ["--check"],
        ["-q"],
        ["-n"],
        ["--list"],
    ],
    ids=" ".join,
)
def test_fresh_project_imports_no_library(tmp_path, arguments):
    """Where nothing changed, not even what the Assetfile imports is imported.

    Nor is what would read the code: the rows of the last look are shown.
    """
    (tmp_path / "Assetfile.py").write_text(ASSETFILE)
    built, _ = imported(RUN, cwd=tmp_path)

    status, modules = imported(RUN, *arguments, cwd=tmp_path)

    assert (built, status) == (0, 0)
    assert modules.isdisjoint((*HEAVY, "assetmake.code.closure"))
