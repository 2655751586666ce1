"""Write `docs/reference/cli.md` anew, from what `assetmake --help` prints."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

PAGE = Path(__file__).parent / "reference" / "cli.md"

TEXT = """\
# Command line

What `assetmake --help` prints; `docs/make_cli.py` writes this page.

```text
{help}```

[Errors](errors.md#exit-status) lists the exit statuses, [Python](python.md) the
method behind each mode.
"""


def page() -> str:
    """Return the page for the assetmake of this interpreter."""
    done = subprocess.run(
        [sys.executable, "-m", "assetmake", "--help"],
        env={**os.environ, "COLUMNS": "80", "NO_COLOR": "1"},
        check=True,
        capture_output=True,
        encoding="utf-8",
    )
    return TEXT.format(help=done.stdout)


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
