"""A scratch project on which tests run the command, as a user would."""

from __future__ import annotations

import contextlib
import io
import os
import signal
import subprocess
import sys
import textwrap
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from types import TracebackType
from unittest import mock

from assetmake.cli.main import main

#: Assets that need no library: text is made of text.
TEXTS = """
    from assetmake import asset, source

    raw = source("raw", path="raw.txt", format="text")


    @asset
    def upper(raw: str) -> str:
        '''The text in capitals.'''
        return raw.upper()


    @asset
    def length(upper: str) -> str:
        return str(len(upper))
"""
#: Variables that change what the command shows, or where it looks.
_UNSET = (
    "ASSETMAKE_ENV", "CI", "COLUMNS", "FORCE_COLOR", "NO_COLOR", "PRE_COMMIT", "TERM",
    "PYTHONUNBUFFERED",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Ran:
    """How a command ended, and what it wrote."""

    status: int
    out: str
    err: str


def _stream() -> io.TextIOWrapper:
    return io.TextIOWrapper(io.BytesIO(), encoding="utf-8", newline="\n")


def _text(stream: io.TextIOWrapper) -> str:
    stream.seek(0)
    return stream.read()


class _Process(subprocess.Popen[str]):
    """A process that does not outlive a test that failed beside it."""

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if kind is not None:
            self.kill()
        super().__exit__(kind, error, trace)


def _in_foreground(ignored: set[int]) -> None:
    """Heed what ends a process, as a shell starts one, whoever runs the tests."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        how = signal.SIG_IGN if number in ignored else signal.SIG_DFL
        signal.signal(number, how)


class TestSpace:
    """A directory with a project in it; commands are run there."""

    __test__ = False  # the name is not for pytest

    def __init__(self, root: Path) -> None:
        self.root = root

    def write(self, files: Mapping[str, str]) -> None:
        """Write files by path, their text without its common indentation."""
        for path, text in files.items():
            file = self.root / path
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(textwrap.dedent(text).lstrip("\n"), encoding="utf-8")

    def edit(self, path: str, old: str, new: str) -> None:
        """Replace a text that stands in a file once."""
        file = self.root / path
        text = file.read_text(encoding="utf-8")
        assert text.count(old) == 1, f"{old!r} stands {text.count(old)} times"
        file.write_text(text.replace(old, new), encoding="utf-8")

    def environ(self, **variables: str) -> dict[str, str]:
        """Return the environment of commands: that of the tests, made neutral."""
        kept = {key: value for key, value in os.environ.items() if key not in _UNSET}
        return {**kept, "TZ": "UTC", "PYTHONDONTWRITEBYTECODE": "1", **variables}

    def popen(
        self, *words: str, cwd: str = ".", ignored: Iterable[int] = (), **variables: str
    ) -> subprocess.Popen[str]:
        """Start the command, its streams as pipes, some signals ignored."""
        return _Process(
            [sys.executable, "-m", "assetmake", *words],
            cwd=self.root / cwd,
            env=self.environ(**variables),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            encoding="utf-8",
            preexec_fn=partial(_in_foreground, {*ignored}),
        )

    def shell(self, *words: str, cwd: str = ".", **variables: str) -> Ran:
        """Run the command to its end, in a process of its own."""
        with self.popen(*words, cwd=cwd, **variables) as process:
            out, err = process.communicate(timeout=120)
        return Ran(process.returncode, out, err)

    def run(self, *words: str, cwd: str = ".", **variables: str) -> Ran:
        """Run the command to its end in this process, which is quicker."""
        out, err = _stream(), _stream()
        with (
            mock.patch.dict(os.environ, self.environ(**variables), clear=True),
            contextlib.chdir(self.root / cwd),
            contextlib.redirect_stdout(out),
            contextlib.redirect_stderr(err),
        ):
            try:
                main(words)
            except SystemExit as ended:
                return Ran(int(ended.code or 0), _text(out), _text(err))
        msg = "the command did not exit"
        raise AssertionError(msg)

    def built(self) -> Ran:
        """Build, and fail the test if that fails."""
        ran = self.run()
        assert ran.status == 0, ran.err
        return ran
