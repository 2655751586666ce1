"""Run the blocks of a documentation page, top down, in a project of their own.

    python docs/run_page.py docs/tutorial.md           compare, show differences
    python docs/run_page.py --update docs/tutorial.md  write what was printed

What a block does is told by the words behind its opening fence:

- ``python Assetfile.py`` (any file name) writes the block to that file;
- ``diff Assetfile.py`` edits it: the lines marked ``-`` and those unmarked must
  stand there once, and give way to those marked ``+`` and those unmarked;
- ``console`` runs each line behind ``$`` and expects the lines below it, from
  stdout and stderr together; a line ``...`` stands for any lines;
- ``python`` alone is run in the directory of the project;
- anything else is for reading.

Seconds, sizes, times, what other packages' tracebacks have, and runs of spaces are not
compared. A page under
``how-to/`` begins where the tutorial ends.
"""

from __future__ import annotations

import difflib
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

DOCS = Path(__file__).parent
ROOT = DOCS.parent
SAMPLE = "data/sfo_q2_weather_sample.csv"

_FENCE = re.compile(r"^( *)```(\w+) ?(.*)\n((?:.*\n)*?)\1```$", re.MULTILINE)

#: What differs from run to run or from machine to machine, and what stands for it.
_VARIES = (
    (re.compile(r"\b\d+(\.\d+)?s\b"), "#s"),
    (re.compile(r"\b\d+[smhd] ago\b|\bjust now\b"), "# ago"),
    (re.compile(r"\b[\d.]+ (B|kB|MB)(?!\w)"), "# bytes"),
    (re.compile(r"\b\d{4}-\d\d-\d\d \d\d:\d\d(:\d\d)?( UTC)?\b"), "# time"),
    (re.compile(r"[0-9a-f]{32}"), "# digest"),
    (re.compile(r"\b\d+ frames? in\b"), "# frames in"),
    (re.compile(r"^ *[~^]+$", re.MULTILINE), "^"),
    (re.compile(r"[ \t]+"), " "),
)


@dataclass(frozen=True, slots=True)
class Block:
    """A fenced block: its language, what stands behind that, and its text."""

    language: str
    words: str
    text: str
    start: int  # of the text, characters into the page


def blocks(page: str) -> Iterator[Block]:
    """Yield the fenced blocks of a page from top to bottom."""
    for match in _FENCE.finditer(page):
        yield Block(match[2], match[3].strip(), match[4], match.start(4))


def normal(text: str) -> str:
    """Return a command's output without what varies from run to run."""
    for pattern, constant in _VARIES:
        text = pattern.sub(constant, text)
    return "\n".join(line.strip() for line in text.splitlines()).strip()


def agrees(expected: str, printed: str) -> bool:
    """Whether what was printed is what the page shows."""
    pattern = "".join(
        r"(?:.*\n)*?" if line == "..." else re.escape(line) + "\n"
        for line in normal(expected).splitlines()
    )
    return re.fullmatch(pattern, normal(printed) + "\n" if printed else "") is not None


def edited(text: str, diff: str) -> str:
    """Return `text` after the one edit that a ``diff`` block shows."""
    lines = diff.splitlines(keepends=True)
    before = "".join(line[1:] or "\n" for line in lines if line[0] != "+")
    after = "".join(line[1:] or "\n" for line in lines if line[0] != "-")
    if text.count(before) != 1:
        msg = f"stands {text.count(before)} times in the file:\n{before}"
        raise ValueError(msg)
    return text.replace(before, after)


class Project:
    """A directory in which the blocks of pages are run, one after another."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.status = 0  # exit status of the last command
        sample = root / SAMPLE
        if not sample.exists():
            sample.parent.mkdir(parents=True)
            shutil.copy(ROOT / SAMPLE, sample)
        bin_ = Path(sys.executable).parent
        self.env = {
            **{key: os.environ[key] for key in ("HOME", "LANG") if key in os.environ},
            "PATH": f"{bin_}:{os.environ['PATH']}",
            "COLUMNS": "80",
            "PYTHONDONTWRITEBYTECODE": "1",
            "TZ": "UTC",
            # The people whose commits the guides show.
            "GIT_CONFIG_GLOBAL": os.devnull,
            "GIT_AUTHOR_NAME": "Ada",
            "GIT_AUTHOR_EMAIL": "ada@example.org",
            "GIT_COMMITTER_NAME": "Ada",
            "GIT_COMMITTER_EMAIL": "ada@example.org",
        }
        if "JAVA_HOME" in os.environ:
            self.env["JAVA_HOME"] = os.environ["JAVA_HOME"]

    def run(self, page: str) -> str:
        """Carry out every block, and return the page with what was printed."""
        done, end = [], 0
        for block in blocks(page):
            done += [page[end : block.start], self._carry_out(block)]
            end = block.start + len(block.text)
        return "".join([*done, page[end:]])

    def _carry_out(self, block: Block) -> str:
        if block.language == "console":
            return "".join(self._commands(block.text))
        if block.words:
            file = self.root / block.words
            file.parent.mkdir(parents=True, exist_ok=True)
            text = block.text
            if block.language == "diff":
                text = edited(file.read_text(encoding="utf-8"), text)
            file.write_text(text, encoding="utf-8")
        elif block.language == "python":
            self._shell(f"python - <<'PYTHON'\n{block.text}PYTHON\n")
            if self.status:
                msg = f"a block failed:\n{block.text}"
                raise ValueError(msg)
        return block.text

    def _commands(self, text: str) -> Iterator[str]:
        for part in re.split(r"^(?=\$ )", text, flags=re.MULTILINE):
            command, newline, expected = part.partition("\n")
            if not command.startswith("$ "):
                yield part
                continue
            printed = self._shell(command[2:])
            same = agrees(expected, printed)
            yield command + newline + (expected if same else printed)

    def _shell(self, command: str) -> str:
        done = subprocess.run(  # noqa: S603 - the commands of our own pages
            ["bash", "-c", f"(exit {self.status}); {command}"],  # noqa: S607
            cwd=self.root,
            env=self.env,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            check=False,
            encoding="utf-8",
        )
        self.status = done.returncode
        return done.stdout


def run(page: Path, root: Path) -> tuple[str, str]:
    """Return the text of a page, and the same with what was really printed.

    The project is made in `root`, or found there as the tutorial left it.
    """
    if page.parent.name == "how-to" and not root.exists():
        run(DOCS / "tutorial.md", root)
    text = page.read_text(encoding="utf-8")
    return text, Project(root).run(text)


def main(arguments: list[str]) -> int:
    """Compare or update the pages named; return 1 if one differs."""
    update = "--update" in arguments
    status = 0
    for name in (name for name in arguments if name != "--update"):
        with tempfile.TemporaryDirectory() as root:
            text, real = run(Path(name), Path(root, "weather"))
        if text == real:
            continue
        status = 1
        if update:
            Path(name).write_text(real, encoding="utf-8")
        sys.stdout.writelines(
            difflib.unified_diff(
                text.splitlines(keepends=True), real.splitlines(keepends=True), name
            )
        )
    return 0 if update else status


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
