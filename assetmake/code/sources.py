"""Read source files and directories, each once, and remember what was seen.

What was read, listed, and looked for in vain is what an analysis holds for:
`Sources.is_current` tells whether all of it is still so.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from assetmake.code.kept import Summaries
from assetmake.code.records import Summary
from assetmake.fingerprint import digest_bytes

#: Directories that never hold the project's modules.
_PASSED_OVER = frozenset({"__pycache__", "node_modules", "site-packages"})

#: Files that tell a directory of data, or of another interpreter.
_NOT_CODE = frozenset({"_SUCCESS", "_manifest.json", "pyvenv.cfg"})


class BrokenSource(Exception):  # noqa: N818 - a fact about a file, not yet an error
    """A file that is not Python: its problem, line, and the text of that line."""

    def __init__(self, problem: str, line: int, text: str) -> None:
        super().__init__(problem)
        self.problem = problem
        self.line = line
        self.text = text


class Sources:
    """The bytes, summaries and directories of one project, each read once.

    Attributes:
        digests: Digest of each file read, by absolute path.
        looked_for: Absolute paths that were looked for and not there.
        texts: Bytes of each file read, by absolute path.
    """

    def __init__(
        self,
        given: Mapping[Path, bytes] | None = None,
        summaries: Summaries | None = None,
    ) -> None:
        """Read nothing yet.

        Args:
            given: Bytes that count instead of what files hold; may grow.
            summaries: Those already known; new ones are added.
        """
        self.digests: dict[str, str] = {}
        self.looked_for: set[str] = set()
        self._given = given if given is not None else {}
        self._summaries = Summaries("") if summaries is None else summaries
        self._listed: dict[str, frozenset[str]] = {}
        self.texts: dict[str, bytes] = {}
        self._python: dict[str, tuple[str, ...]] = {}

    def read(self, path: str) -> bytes:
        """Return the bytes of a file, as they were when first asked for.

        Raises:
            OSError: it cannot be read.
        """
        data = self.texts.get(path)
        if data is None:
            data = self._given.get(Path(path))
            if data is None:
                with open(path, "rb") as file:
                    data = file.read()
            self.texts[path] = data
            self.digests[path] = digest_bytes(data)
        return data

    def summary(self, path: str) -> Summary:
        """Return the summary of a source file.

        Raises:
            BrokenSource: it is not Python.
            OSError: it cannot be read.
        """
        data = self.read(path)
        try:
            return self._summaries.summary(path, self.digests[path], data)
        except SyntaxError as error:
            line = error.lineno or 1
            problem = error.msg
        except ValueError as error:  # null bytes, on Python 3.11
            line, problem = 1, str(error)
        except (RecursionError, MemoryError) as error:
            line, problem = 1, "nested more deeply than Python can compile"
            raise BrokenSource(problem, line, "") from error
        lines = data.decode("utf-8", "replace").splitlines()
        text = lines[line - 1].strip() if 0 < line <= len(lines) else ""
        raise BrokenSource(problem, line, text)

    def names(self, directory: str) -> frozenset[str]:
        """Return the names in a directory; none if it cannot be listed."""
        found = self._listed.get(directory)
        if found is None:
            try:
                found = frozenset(os.listdir(directory))
            except OSError:
                found = frozenset()
            self._listed[directory] = found
        return found

    def has(self, directory: str, name: str) -> bool:
        """Return whether a directory holds a name, and remember if it does not."""
        if name in self.names(directory):
            return True
        self.looked_for.add(os.path.join(directory, name))
        return False

    def python_files(self, top: str) -> tuple[str, ...]:
        """Return every Python file below a directory, sorted.

        Hidden directories, virtual environments and stored tables are passed
        over.
        """
        found = self._python.get(top)
        if found is None:
            found = self._python[top] = tuple(sorted(_python_below(top)))
        return found

    @property
    def listed(self) -> tuple[str, ...]:
        """Directories of which every Python file was asked for."""
        return tuple(self._python)

    def is_current(self) -> bool:
        """Return whether all that was read, listed or missed is still so."""
        for path, digest in self.digests.items():
            try:
                with open(path, "rb") as file:
                    if digest_bytes(file.read()) != digest:
                        return False
            except OSError:
                return False
        if any(os.path.lexists(path) for path in self.looked_for):
            return False
        return all(
            tuple(sorted(_python_below(top))) == found
            for top, found in self._python.items()
        )


def _python_below(top: str) -> list[str]:
    found: list[str] = []
    for directory, inner, files in os.walk(top):
        if not _NOT_CODE.isdisjoint(files):
            inner.clear()
            continue
        inner[:] = [
            name
            for name in inner
            if not name.startswith(".") and name not in _PASSED_OVER
        ]
        found += [os.path.join(directory, n) for n in files if n.endswith(".py")]
    return found
