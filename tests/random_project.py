"""A random project under random actions, and what has to hold after each.

The project is real: an Assetfile and a helper module on disk, built by
`Project` into a real store. Beside it stands a model that knows every value,
so that what the tool says can be compared with what is true. Assets return
text and some are lossy (their value is taken modulo 3), because early cutoff
would never happen otherwise.
"""

from __future__ import annotations

import json
import os
import shutil
import sys
from collections.abc import Callable
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

from assetmake import fileindex
from assetmake.errors import AssetmakeError
from assetmake.project import Project, open_project
from assetmake.status import State

HELPERS = """\
from pathlib import Path

def combine(asset, code, values, modulus):
    log = Path(__file__).with_name("calls.log")
    with log.open("a") as file:
        file.write(asset + "\\n")
    if (Path(__file__).parent / "fail" / asset).exists():
        raise RuntimeError("told to fail")
    number = code + HELPER
    for value in values:
        number = (number * 31 + int(value)) % 1_000_003
    return str(number % modulus)

"""
LOSSLESS, LOSSY = 1_000_003, 3


class SimulatedCrash(BaseException):
    """The process is dead: nothing after it may touch the disk."""


@dataclass
class Spec:
    """An asset of the model: its code, what it reads, whether it is lossy."""

    code: int
    reads: list[str]
    modulus: int = LOSSLESS
    comment: int = 0
    old_codes: list[int] = field(default_factory=list)


class Disk:
    """Kills "the process" at a chosen write, by an audit hook."""

    WRITES = frozenset(
        {
            "os.rename",
            "os.mkdir",
            "os.rmdir",
            "os.remove",
            "os.link",
            "os.truncate",
            "shutil.rmtree",
        }
    )

    def __init__(self) -> None:
        self.left: int | None = None
        self.dead = False
        self.root = ""
        sys.addaudithook(self._hook)

    def _hook(self, event: str, arguments: tuple) -> None:
        if self.left is None:
            return
        if event == "open":
            path, _, flags = arguments
            if not isinstance(flags, int) or not flags & (os.O_WRONLY | os.O_RDWR):
                return
        elif event in self.WRITES:
            path = arguments[0]
        else:
            return
        if self.root not in os.fspath(path if path is not None else "").__str__():
            return
        if self.dead:
            raise SimulatedCrash
        self.left -= 1
        if self.left < 0:
            self.dead = True
            raise SimulatedCrash

    @contextmanager
    def killed_at(self, root: Path, write: int):
        self.left, self.dead, self.root = write, False, str(root)
        try:
            yield
        finally:
            self.left = None


DISK = Disk()


class Trial:
    """One random project; `act` does one action and checks every invariant."""

    def __init__(self, folder: Path, shape: int) -> None:
        self.folder = folder
        self.sources = {"s0": shape % 7, "s1": 5}
        self.helper = 0
        self.specs: dict[str, Spec] = {}
        self.counter = 0
        self.boot = 1
        self.broken_sources: set[str] = set()
        for position in range(3 + shape % 3):
            known = [*self.sources, *self.specs]
            first = known[(shape >> position) % len(known)]
            second = known[(shape >> (position + 3)) % len(known)]
            lossy = LOSSY if (shape >> position) % 2 else LOSSLESS
            self.specs[f"a{position}"] = Spec(
                position, list(dict.fromkeys([first, second])), lossy
            )
        (folder / "fail").mkdir()
        self.write_sources()
        self.write_code()

    # The project on disk -------------------------------------------------------

    def write_code(self) -> None:
        (self.folder / "helpers.py").write_text(HELPERS + f"HELPER = {self.helper}\n")
        lines = ["from assetmake import asset, source", "from helpers import combine"]
        lines += [f'{s} = source("{s}", path="in/{s}.txt")' for s in self.sources]
        for name, spec in self.specs.items():
            reads = ", ".join(f"{read}: str" for read in spec.reads)
            lines += [
                "@asset",
                f"def {name}({reads}) -> str:",
                *["    # a comment"] * spec.comment,
                f"    values = [{', '.join(spec.reads)}]",
                f"    return combine({name!r}, {spec.code}, values, {spec.modulus})",
            ]
        (self.folder / "Assetfile.py").write_text("\n".join(lines) + "\n")

    def write_sources(self) -> None:
        (self.folder / "in").mkdir(exist_ok=True)
        for name, value in self.sources.items():
            file = self.folder / "in" / f"{name}.txt"
            text = f"{value:06d}"
            if not file.exists() or file.read_text() != text:
                file.write_text(text)

    def project(self) -> Project:
        return open_project(self.folder)

    @property
    def data(self) -> Path:
        return self.folder / "data"

    def stored(self, name: str) -> str | None:
        files = [
            file
            for file in (self.data / name).glob("*")
            if not file.name.startswith(("_", "."))
        ]
        return files[0].read_text() if len(files) == 1 else None

    def failing(self, name: str) -> bool:
        return (self.folder / "fail" / name).exists()

    def truth(self) -> dict[str, str]:
        """What building everything from nothing gives."""
        values: dict[str, str] = {n: f"{v:06d}" for n, v in self.sources.items()}
        for name, spec in self.specs.items():
            number = spec.code + self.helper
            for read in spec.reads:
                number = (number * 31 + int(values[read])) % 1_000_003
            values[name] = str(number % spec.modulus)
        return values

    # Invariants ----------------------------------------------------------------

    def check_status(self) -> None:
        """Status never raises, changes nothing, and calls nothing fresh wrongly."""
        before = self.picture()
        project = self.project()
        rows = {row.name: row for row in project.status()}
        assert self.picture() == before, "status changed something"
        truth = self.truth()
        for name in self.specs:
            row = rows[name]
            if row.state is State.FRESH:
                assert self.stored(name) == truth[name], f"{name} is not fresh"
                assert not row.reasons
            else:
                assert row.reasons, f"{name} is {row.state} without a reason"
        stale = {name for name in self.specs if rows[name].is_stale}
        planned = {step.name for step in project.plan().steps}
        assert planned == stale, "status and plan disagree"
        stored = {
            path.parent.name
            for path in self.data.glob("*/_manifest.json")
            if path.parent.name != ".assetmake"
        }
        orphans = {n for n, row in rows.items() if row.state is State.ORPHANED}
        assert orphans == stored - self.specs.keys()

    def picture(self) -> dict[str, tuple]:
        """Every file but the disposable index, with its bytes and stat."""
        found = {}
        for path in sorted(self.folder.rglob("*")):
            private = ".assetmake" in path.parts
            if path.is_file() and not private and path.name != "calls.log":
                stat = path.stat()
                found[str(path)] = (path.read_bytes(), stat.st_mtime_ns, stat.st_ino)
        return found

    def calls(self) -> list[str]:
        log = self.folder / "calls.log"
        names = log.read_text().split() if log.exists() else []
        log.unlink(missing_ok=True)
        return names

    def build(self, names: list[str] | None = None) -> None:
        """Build; what must run runs, once, and what comes out is right."""
        self.calls()
        unmanaged = self.unmanaged(names)
        before = {name: self.stored(name) for name in self.specs}
        must = self.must_run(names) if not unmanaged else set()
        try:
            result = self.project().build(names or (), keep_going=True)
        except AssetmakeError:
            assert unmanaged, "a build refused to begin"
            assert self.calls() == []
            for name in unmanaged:
                shutil.rmtree(self.data / name)
            return
        assert not unmanaged, "an unmanaged table was overwritten"
        ran = self.calls()
        assert len(ran) == len(set(ran)), "an asset ran twice"
        assert set(ran) == must, "not exactly what must run ran"
        truth = self.truth()
        bad = self.blocked()
        rows = {row.name: row for row in self.project().status()}
        for name in self.needed(names):
            if name in bad:
                assert rows[name].is_stale, "a failed asset counts as fresh"
                assert self.stored(name) == before[name], "the old table is gone"
            else:
                assert self.stored(name) == truth[name], "not as from nothing"
                assert rows[name].state is State.FRESH, rows[name]
        assert result.ok == (not (bad & self.needed(names)))
        self.check_quiet(names, bad)

    def check_quiet(self, names: list[str] | None, bad: set[str]) -> None:
        """A second build runs nothing but what failed, and writes no byte."""
        before = self.picture()
        self.project().build(names or (), keep_going=True)
        failing = {name for name in bad if self.failing(name)}
        assert set(self.calls()) <= failing, "a second build ran something"
        if not (bad & self.needed(names)):
            assert self.picture() == before, "a second build wrote something"

    def needed(self, names: list[str] | None) -> set[str]:
        todo, found = list(names or self.specs), set()
        while todo:
            name = todo.pop()
            if name in self.specs and name not in found:
                found.add(name)
                todo += self.specs[name].reads
        return found

    def blocked(self) -> set[str]:
        """Assets that fail if they run, or need one that does, and are stale."""
        rows = {row.name: row for row in self.project().status()}
        bad: set[str] = set()
        for name, spec in self.specs.items():
            if rows[name].is_stale and (
                self.failing(name) or any(read in bad for read in spec.reads)
            ):
                bad.add(name)
        return bad

    def must_run(self, names: list[str] | None) -> set[str]:
        """The exact set: certain ones, and those whose inputs' data changed.

        A stale asset is certain unless all its reasons are upstream; then the
        model knows whether the data above it comes out other than it read.
        """
        rows = {row.name: row for row in self.project().status()}
        truth = self.truth()
        needed = self.needed(names)
        must: set[str] = set()
        bad: set[str] = set()
        for name, spec in self.specs.items():
            row = rows[name]
            if name not in needed or not row.is_stale:
                continue
            if any(read in bad for read in spec.reads):
                bad.add(name)
                continue
            changed = row.is_certain or any(
                read in self.specs and self.was_read(row, read) != truth[read]
                for read in spec.reads
            )
            if changed:
                must.add(name)
                if self.failing(name):
                    bad.add(name)
        return must

    def was_read(self, row, read: str) -> str | None:
        """The value of `read` when the stored table was built, as logged."""
        from assetmake.fingerprint import digest_bytes

        recorded = {i.fingerprint for i in row.manifest.inputs if i.name == read}
        truth = self.truth()[read]
        store = self.project().store
        manifest = store.record(read).manifest
        for value in (truth, *map(str, range(3))):
            digest = digest_bytes(value.encode())
            if any(digest in text for text in recorded):
                return value
        # A lossless value of the past: all that counts is whether it is today's.
        if manifest and manifest.output.fingerprint in recorded:
            return self.stored(read)
        return None

    def unmanaged(self, names: list[str] | None) -> list[str]:
        found = []
        rows = {row.name: row for row in self.project().status()}
        for name in sorted(self.needed(names)):
            codes = {reason.code for reason in rows[name].reasons}
            if "manifest-missing" in codes:
                found.append(name)
        return found

    # Actions -------------------------------------------------------------------

    def act(self, action: str, number: int) -> None:
        """Do one action, then check what has to hold."""
        ACTIONS[action](self, number)
        fileindex.boot_id = lambda: f"boot-{self.boot}"
        self.check_status()

    def asset(self, number: int) -> str:
        names = list(self.specs)
        return names[number % len(names)]

    def built(self, number: int) -> Path | None:
        tables = sorted(path.parent for path in self.data.glob("*/_manifest.json"))
        return tables[number % len(tables)] if tables else None

    def data_file(self, number: int) -> Path | None:
        table = self.built(number)
        files = sorted(
            file
            for file in (table.iterdir() if table else ())
            if not file.name.startswith(("_", "."))
        )
        return files[0] if files else None


ACTIONS: dict[str, Callable[[Trial, int], None]] = {}


def action(function: Callable[[Trial, int], None]) -> Callable[[Trial, int], None]:
    ACTIONS[function.__name__] = function
    return function


@action
def build_all(trial: Trial, number: int) -> None:
    trial.build()


@action
def build_some(trial: Trial, number: int) -> None:
    trial.build([trial.asset(number)])


@action
def edit_code(trial: Trial, number: int) -> None:
    spec = trial.specs[trial.asset(number)]
    spec.old_codes.append(spec.code)
    spec.code = number % 50
    trial.write_code()


@action
def revert_code(trial: Trial, number: int) -> None:
    spec = trial.specs[trial.asset(number)]
    if spec.old_codes:
        spec.code = spec.old_codes.pop()
        trial.write_code()


@action
def edit_helper(trial: Trial, number: int) -> None:
    trial.helper = number % 4
    trial.write_code()


@action
def edit_comment(trial: Trial, number: int) -> None:
    trial.specs[trial.asset(number)].comment = number % 3
    trial.write_code()


@action
def make_lossy(trial: Trial, number: int) -> None:
    spec = trial.specs[trial.asset(number)]
    spec.modulus = LOSSY if spec.modulus == LOSSLESS else LOSSLESS
    trial.write_code()


@action
def add_asset(trial: Trial, number: int) -> None:
    known = [*trial.sources, *trial.specs]
    trial.counter += 1
    trial.specs[f"n{trial.counter}"] = Spec(number % 9, [known[number % len(known)]])
    trial.write_code()


@action
def remove_asset(trial: Trial, number: int) -> None:
    name = trial.asset(number)
    read = {other for spec in trial.specs.values() for other in spec.reads}
    if name not in read and len(trial.specs) > 1:
        del trial.specs[name]
        (trial.folder / "fail" / name).unlink(missing_ok=True)
        trial.write_code()


@action
def add_input(trial: Trial, number: int) -> None:
    name = trial.asset(number)
    before = [*trial.sources]
    for other in trial.specs:
        if other == name:
            break
        before.append(other)
    new = before[(number // 7) % len(before)]
    if new not in trial.specs[name].reads:
        trial.specs[name].reads.append(new)
        trial.write_code()


@action
def remove_input(trial: Trial, number: int) -> None:
    reads = trial.specs[trial.asset(number)].reads
    if len(reads) > 1:
        reads.pop(number % len(reads))
        trial.write_code()


@action
def reorder_inputs(trial: Trial, number: int) -> None:
    trial.specs[trial.asset(number)].reads.reverse()
    trial.write_code()


@action
def edit_source(trial: Trial, number: int) -> None:
    name = list(trial.sources)[number % len(trial.sources)]
    trial.sources[name] = number % 11
    trial.write_sources()


@action
def edit_source_keeping_mtime(trial: Trial, number: int) -> None:
    name = list(trial.sources)[number % len(trial.sources)]
    file = trial.folder / "in" / f"{name}.txt"
    before = file.stat()
    trial.sources[name] = number % 11
    trial.write_sources()
    os.utime(file, ns=(before.st_atime_ns, before.st_mtime_ns))


@action
def touch_source(trial: Trial, number: int) -> None:
    name = list(trial.sources)[number % len(trial.sources)]
    os.utime(trial.folder / "in" / f"{name}.txt", (number % 10**9, number % 10**9))


@action
def delete_data(trial: Trial, number: int) -> None:
    file = trial.data_file(number)
    if file:
        file.unlink()


@action
def delete_table(trial: Trial, number: int) -> None:
    table = trial.built(number)
    if table:
        shutil.rmtree(table)


@action
def delete_manifest(trial: Trial, number: int) -> None:
    table = trial.built(number)
    if table:
        (table / "_manifest.json").unlink()


@action
def edit_data(trial: Trial, number: int) -> None:
    file = trial.data_file(number)
    if file:
        file.write_text(f"{number} by hand")


@action
def edit_data_same_size_and_mtime(trial: Trial, number: int) -> None:
    file = trial.data_file(number)
    if file:
        stat = file.stat()
        file.write_text("9" * stat.st_size)
        os.utime(file, ns=(stat.st_atime_ns, stat.st_mtime_ns))


@action
def swap_tables(trial: Trial, number: int) -> None:
    one, other = trial.built(number), trial.built(number // 3)
    if one and other and one != other:
        aside = trial.folder / "aside"
        one.rename(aside)
        other.rename(one)
        aside.rename(other)


@action
def copy_data_over(trial: Trial, number: int) -> None:
    one, other = trial.data_file(number), trial.data_file(number // 3)
    if one and other:
        one.write_bytes(other.read_bytes())


@action
def copy_manifest_over(trial: Trial, number: int) -> None:
    one, other = trial.built(number), trial.built(number // 3)
    if one and other:
        data = (other / "_manifest.json").read_bytes()
        (one / "_manifest.json").write_bytes(data)


@action
def save_table(trial: Trial, number: int) -> None:
    table = trial.built(number)
    if table:
        backup = trial.folder / "backup" / table.name
        shutil.rmtree(backup, ignore_errors=True)
        shutil.copytree(table, backup)


@action
def restore_table(trial: Trial, number: int) -> None:
    backups = sorted((trial.folder / "backup").glob("*"))
    if backups:
        backup = backups[number % len(backups)]
        shutil.rmtree(trial.data / backup.name, ignore_errors=True)
        shutil.copytree(backup, trial.data / backup.name)


@action
def truncate_manifest(trial: Trial, number: int) -> None:
    table = trial.built(number)
    if table:
        data = (table / "_manifest.json").read_bytes()
        (table / "_manifest.json").write_bytes(data[: number % max(1, len(data))])


@action
def garble_manifest(trial: Trial, number: int) -> None:
    table = trial.built(number)
    if table:
        data = bytearray((table / "_manifest.json").read_bytes())
        if data:
            data[number % len(data)] ^= 1 << (number % 8)
        (table / "_manifest.json").write_bytes(bytes(data))


@action
def fail(trial: Trial, number: int) -> None:
    file = trial.folder / "fail" / trial.asset(number)
    if file.exists():
        file.unlink()
    else:
        file.write_text("")


@action
def crash(trial: Trial, number: int) -> None:
    dead = suppress(SimulatedCrash, AssetmakeError)
    with DISK.killed_at(trial.data, number % 60), dead:
        trial.project().build(keep_going=True)
    trial.calls()


@action
def power_loss(trial: Trial, number: int) -> None:
    """A crash after which files hold zeros where their bytes had not arrived."""
    crash(trial, number)
    trial.boot += 1
    for path in sorted(trial.data.rglob("*")):
        number = (number * 1103515245 + 12345) % 2**31
        if path.is_file() and number % 5 == 0:
            stat = path.stat()
            path.write_bytes(bytes(stat.st_size) if number % 2 else b"")
            os.utime(path, ns=(stat.st_atime_ns, stat.st_mtime_ns))


@action
def delete_index(trial: Trial, number: int) -> None:
    shutil.rmtree(trial.data / ".assetmake", ignore_errors=True)


@action
def prune(trial: Trial, number: int) -> None:
    try:
        trial.project().prune()
    except AssetmakeError:
        return  # it was changed by hand: not to be removed


@action
def reboot(trial: Trial, number: int) -> None:
    trial.boot += 1


def run(folder: Path, shape: int, actions: list[tuple[str, int]]) -> None:
    """Carry out one trial; an assertion or any other error is a finding."""
    original = fileindex.boot_id
    fileindex.boot_id = lambda: "boot-1"
    try:
        trial = Trial(folder, shape)
        for name, number in actions:
            trial.act(name, number)
        trial.build()
    finally:
        fileindex.boot_id = original


def dump(shape: int, actions: list[tuple[str, int]]) -> str:
    return json.dumps({"shape": shape, "actions": actions}, indent=1) + "\n"
