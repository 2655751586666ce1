"""What a store keeps beside its tables: how an asset failed, and what it printed.

It is worth something to people, and nothing hangs on its being there.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

from assetmake.status.rows import Failure
from assetmake.stores.listing import flat
from assetmake.system.plain import read_plain


class Notes:
    """Failures and logs, below the private directory of a store."""

    def __init__(self, private: Path) -> None:
        self._private = private
        self._logged: set[str] | None = None

    def forget_logs(self) -> None:
        """Ask anew which logs there are, as another process may have changed them."""
        self._logged = None

    def failure(self, name: str) -> Failure | None:
        """Return how the last build of an asset failed; None if it did not."""
        file = self._failure_file(name)
        if not os.path.exists(file):
            return None
        import json

        try:
            tree = json.loads(read_plain(file))
            only = tree.get("checks_only") is True
            return Failure(str(tree["recipe"]), str(tree["message"]), only)
        except (OSError, ValueError, KeyError, TypeError, RecursionError):
            return None

    def _failure_file(self, name: str) -> str:
        # Text: each look asks for the file of each asset.
        return f"{self._private}{os.sep}failures{os.sep}{flat(name)}.json"

    def note_failure(
        self, name: str, failure: Failure | None, stage: Callable[[str], Path]
    ) -> None:
        """Keep or forget a failure; where that fails, the next run is not told."""
        file = Path(self._failure_file(name))
        try:
            if failure is None:
                file.unlink(missing_ok=True)
                return
            import json

            file.parent.mkdir(parents=True, exist_ok=True)
            tree = {
                "checks_only": failure.checks_only,
                "message": failure.message,
                "recipe": failure.recipe,
            }
            staged = stage(name) / file.name
            staged.write_text(json.dumps(tree))
            staged.replace(file)
        except OSError:
            return

    def _logs(self) -> set[str]:
        """Return the names of the logs that were there when the lock was taken."""
        if self._logged is None:
            try:
                self._logged = set(os.listdir(self._private / "logs"))
            except OSError:
                self._logged = set()
        return self._logged

    def log(self, name: str, text: str) -> Path | None:
        """Keep what an asset printed in its last run."""
        file_name = f"{flat(name)}.log"
        if not text and file_name.isascii() and file_name not in self._logs():
            return None  # a file system may spell other names otherwise
        file = self._private / "logs" / file_name
        try:
            if not text:
                os.unlink(file)
                return None
            self._logs().add(file_name)
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text, encoding="utf-8", errors="backslashreplace")
        except OSError:
            return None
        return file
