"""Kill the command at every file operation, and look at what it leaves.

    python tests/crash_matrix.py                 every campaign, at every point
    python tests/crash_matrix.py --list          what there is
    python tests/crash_matrix.py NAME ... [--step N]   some, at every Nth point

A trial copies a small project, runs the command on it in a forked process that
ends in the middle (or whose file operations fail), and then checks what has to
hold: no table is half there, the last good one stays byte for byte, `--status`
says what is true, the next build succeeds, one more is silent, and nothing is
left behind. The exit status is 1 if something did not hold.
"""

from __future__ import annotations

import argparse
import contextlib
import errno
import io
import itertools
import json
import os
import shutil
import signal
import sys
import tempfile
import textwrap
import time
import traceback
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from assetmake.cli.main import main
from assetmake.saved import boot, fileindex
from assetmake.stores import staging, swap
from assetmake.stores.local import LocalStore
from assetmake.stores.manifest import parse_manifest

ASSETFILE = """\
from assetmake import asset, source

raw = source("raw", path="raw.txt", format="text")


@asset
def upper(raw: str) -> str:
    return raw.upper()


@asset(name="deep/length")
def length(upper: str) -> str:
    return str(len(upper))


@asset(upstream={"length": "deep/length"})
def both(upper: str, length: str) -> str:
    return upper + length


@asset
def picky(raw: str) -> str:
    if "bad" in raw:
        raise ValueError("told to fail")
    return raw[::-1]
"""
OTHER = ASSETFILE.replace("raw.upper()", "str.upper(raw)")
SHORTER = ASSETFILE[: ASSETFILE.index("@asset\ndef picky")]
#: Of an edit by hand, and of a table that assetmake did not write.
MINE = "edited by hand"
#: What may lie in ``.assetmake/`` when no build runs.
PRIVATE = {
    ".gitignore",
    "code",
    "failures",
    "index",
    "kept",
    "load",
    "lock",
    "logs",
    "records",
    "snapshot",
    "snapshot-unloaded",
    "told",
}


def truth(root: Path) -> dict[str, str]:
    """Return what building everything from nothing gives, by asset."""
    raw = (root / "raw.txt").read_text()
    upper, length = raw.upper(), str(len(raw))
    values = {"upper": upper, "deep/length": length, "both": upper + length}
    if "picky" in (root / "Assetfile.py").read_text():
        values["picky"] = raw[::-1]
    return values


class FindingError(AssertionError):
    """Something that has to hold does not."""


def holds(fact: object, otherwise: str) -> None:
    """Raise unless a fact is true."""
    if not fact:
        raise FindingError(otherwise)


# Processes -----------------------------------------------------------------------


@dataclass(frozen=True)
class Ended:
    """How a forked process ended: exit status or minus signal, and its output."""

    status: int
    out: str
    err: str


def forked(root: Path, do: Callable[[], None]) -> Ended:
    """Call a function in a forked process in a directory; it may exit by itself."""
    sys.stdout.flush()
    pid = os.fork()
    if pid == 0:
        status = 70
        try:
            os.chdir(root)
            for number, name in ((1, "out"), (2, "err")):
                file = os.open(f"{root}.{name}", os.O_CREAT | os.O_TRUNC | os.O_WRONLY)
                os.dup2(file, number)
            do()
            status = 0
        except SystemExit as ended:
            status = int(ended.code or 0)
        except BaseException:  # noqa: BLE001 - nothing may leave this process
            traceback.print_exc()
        finally:
            with suppress(OSError, ValueError):
                sys.stdout.flush()
                sys.stderr.flush()
            os._exit(status)
    _, code = os.waitpid(pid, 0)
    out, err = (Path(f"{root}.{name}").read_text() for name in ("out", "err"))
    return Ended(os.waitstatus_to_exitcode(code), out, err)


def command(root: Path, *words: str) -> Ended:
    """Run the command to its end, undisturbed."""
    return forked(root, lambda: main(list(words)))


# What is done to a process -------------------------------------------------------

_WRITES = frozenset(
    (
        "os.chmod",
        "os.link",
        "os.mkdir",
        "os.remove",
        "os.rename",
        "os.rmdir",
        "os.symlink",
        "os.truncate",
        "os.utime",
    )
)


class Saboteur:
    """Counts the file operations of this process below a directory, and strikes.

    An operation is what an audit event tells of before it is done, so the
    first N happened and the next did not. The exchange of two directories,
    which no event tells of, counts as one.
    """

    def __init__(
        self,
        root: Path,
        at: int,
        strike: Callable[[Saboteur], None],
        *,
        reads: bool = False,
        lasting: bool = False,
    ) -> None:
        self.count = 0
        self.last = ""
        self._root = str(root)
        self._at = at
        self._strike = strike
        self._reads = reads
        self._lasting = lasting
        self._is_busy = False

    def begin(self) -> None:
        """Act from now on, for as long as the process lives."""
        exchange = swap._exchange

        def counted(one: Path, other: Path) -> bool:
            self._happens("exchange", str(other))
            return exchange(one, other)

        swap._exchange = counted
        sys.addaudithook(self._hook)

    def _hook(self, event: str, arguments: tuple[object, ...]) -> None:
        if event != "open" and event not in _WRITES:
            return
        path = arguments[0]
        if not isinstance(path, str | bytes | os.PathLike):
            return
        text = os.fsdecode(path)
        if event == "open":
            flags = arguments[2]
            writes = isinstance(flags, int) and flags & (os.O_WRONLY | os.O_RDWR)
            if bool(writes) == self._reads:
                return
        elif self._reads:
            return
        self._happens(event, text)

    def _happens(self, event: str, path: str) -> None:
        if self._is_busy or not os.path.abspath(path).startswith(self._root + os.sep):
            return
        self.count += 1
        if self.count == self._at or (self._lasting and self.count > self._at):
            self._is_busy = True
            try:
                self._strike(self)
            finally:
                self._is_busy = False
        self.last = path if event == "open" else ""


def die(_: Saboteur) -> None:
    """End the process at once, as kill -9 does."""
    os._exit(99)


def tear(saboteur: Saboteur) -> None:
    """End the process in the middle of the write that came last."""
    if saboteur.last:
        with suppress(OSError):
            os.truncate(saboteur.last, os.path.getsize(saboteur.last) // 2)
            os._exit(99)
    os._exit(98)  # nothing was being written: as `die` at that point


def void(saboteur: Saboteur) -> None:
    """End the process before the file that was opened last got any bytes."""
    if saboteur.last:
        with suppress(OSError):
            os.truncate(saboteur.last, 0)
            os._exit(99)
    os._exit(98)


class Power:
    """Knows which files are on the disk for good, and can cut the power.

    Names and renames come through in their order, as on a file system with a
    journal. Bytes that nobody asked to be flushed are lost: every such file is
    half there, or empty.
    """

    def __init__(self, root: Path) -> None:
        self._data = root / "data"
        self._safe = {self._stamp(path) for path in self._files()}

    def begin(self) -> None:
        """Note from now on what is flushed."""
        sync, sync_all = swap.sync, staging._sync_file_system

        def noted(path: str | Path) -> None:
            sync(path)
            if os.path.isfile(path):
                self._safe.add(self._stamp(path))

        def all_noted(root: Path) -> bool:
            self._safe.update(map(self._stamp, self._files()))
            return sync_all(root)

        swap.sync = staging.sync = noted
        staging._sync_file_system = all_noted

    def _files(self) -> list[Path]:
        return [path for path in self._data.rglob("*") if path.is_file()]

    def _stamp(self, path: str | Path) -> tuple[int, int, int]:
        found = os.stat(path)
        return found.st_ino, found.st_size, found.st_mtime_ns

    def __call__(self, saboteur: Saboteur) -> None:
        """End the process, and lose what was not flushed."""
        for path in self._files():
            if self._stamp(path) not in self._safe:
                size = path.stat().st_size
                os.truncate(path, size // 2 if saboteur.count % 2 else 0)
        os._exit(99)


def rebooted() -> None:
    """Let this process, and what it forks, believe that the machine was started."""
    staging.boot_id = fileindex.boot_id = boot.boot_id = lambda: "after"
    staging.token_of_boot.cache_clear()


def raising(number: int) -> Callable[[Saboteur], None]:
    """Return a strike that lets the operation fail."""

    def strike(_: Saboteur) -> None:
        raise OSError(number, os.strerror(number))

    return strike


def without_exchange() -> None:
    """Let this process believe that no two directories can be exchanged."""
    swap._exchange = lambda one, other: False


# Scenarios -----------------------------------------------------------------------


@dataclass(frozen=True)
class Scenario:
    """A state of a project, and a command that changes it.

    Attributes:
        name: For messages.
        words: The command line.
        prepare: Brings a new project into the state.
        mend: What is done before the next build can succeed.
        status: How the command ends, undisturbed.
    """

    name: str
    words: tuple[str, ...]
    prepare: Callable[[Path], None]
    mend: Callable[[Path], None] = lambda root: None
    status: int = 0


def _build(root: Path, *words: str, status: int = 0) -> None:
    ended = command(root, *words)
    holds(ended.status == status, f"preparation ended with {ended}")


def _edit(root: Path, text: str = "other words\n") -> None:
    (root / "raw.txt").write_text(text)


def _first(root: Path) -> None:
    (root / "Assetfile.py").write_text(ASSETFILE)
    (root / "raw.txt").write_text("some words\n")


def _built(root: Path) -> None:
    _first(root)
    _build(root)


def _again(root: Path) -> None:
    _built(root)
    _edit(root)


def _by_hand(root: Path) -> None:
    _again(root)
    (root / "data/upper/upper.txt").write_text(MINE)
    (root / "data/both/notes.txt").write_text(MINE)


def _failing(root: Path) -> None:
    _built(root)
    _edit(root, "bad words\n")


def _failed(root: Path) -> None:
    _failing(root)
    _build(root, "-k", status=1)
    _edit(root)


def _refactored(root: Path) -> None:
    _built(root)
    (root / "Assetfile.py").write_text(OTHER)


def _unmanaged(root: Path) -> None:
    _first(root)
    (root / "data/upper").mkdir(parents=True)
    (root / "data/upper/upper.txt").write_text((root / "raw.txt").read_text().upper())


def _accept(root: Path) -> None:
    if not (root / "data/upper/_manifest.json").exists():
        ended = command(root, "--accept", "upper")
        holds(ended.status == 0, f"cannot accept: {ended}")


def _orphaned(root: Path) -> None:
    _built(root)
    (root / "Assetfile.py").write_text(SHORTER)


def _prune(root: Path) -> None:
    ended = command(root, "--prune", "-y")
    holds(ended.status == 0, f"cannot prune: {ended}")
    holds(not (root / "data/picky").exists(), "an orphan is left")


def _unseen(root: Path) -> None:
    _built(root)
    for name in ("index", "snapshot"):
        (root / "data/.assetmake" / name).unlink(missing_ok=True)


def _cut_off(root: Path) -> None:
    _again(root)
    ended = forked(root, lambda: _die_between_renames(root))
    holds(ended.status == 99, f"preparation ended with {ended}")
    holds(not (root / "data/upper").exists(), "no swap was cut off")


def _die_between_renames(root: Path) -> None:
    without_exchange()
    place = str(root / "data/upper")

    def hook(event: str, arguments: tuple[object, ...]) -> None:
        if event == "os.rename" and str(arguments[1]) == place:
            os._exit(99)

    sys.addaudithook(hook)
    main([])


SCENARIOS = (
    Scenario("first", (), _first),
    Scenario("again", (), _again),
    Scenario("by-hand", (), _by_hand),
    Scenario("failing", ("-k",), _failing, _edit, 1),
    Scenario("failed", (), _failed),
    Scenario("accept", ("--accept", "upper"), _refactored),
    Scenario("adopt", ("--accept", "upper"), _unmanaged, _accept),
    Scenario("prune", ("--prune", "-y"), _orphaned, _prune),
    Scenario("status", ("--status",), _unseen),
    Scenario("recover", (), _cut_off),
)


# What has to hold ----------------------------------------------------------------

Picture = dict[str, dict[str, bytes]]


def tables(root: Path) -> Picture:
    """Return the bytes of every file of every place in the store, by place."""
    found: Picture = {}
    for file in (root / "data").rglob("*"):
        place = file.parent.relative_to(root / "data").as_posix()
        if file.is_file() and not place.startswith(".assetmake"):
            found.setdefault(place, {})[file.name] = file.read_bytes()
    return found


def is_whole(files: dict[str, bytes]) -> bool:
    """Whether files are a table with the manifest that it was published with."""
    from assetmake.fingerprint import digest_bytes

    try:
        manifest = parse_manifest(files["_manifest.json"])
    except (KeyError, ValueError):
        return False
    recorded = manifest.output.files
    return {*files} == {"_manifest.json", "_SUCCESS", *recorded} and all(
        digest_bytes(files[name]) == record.digest for name, record in recorded.items()
    )


def check_tables(before: Picture, root: Path, *, gaps: bool, prunes: bool) -> None:
    """Check that each table is the last good one, or wholly a new one.

    Args:
        before: All tables before the command.
        root: Of the project.
        gaps: Whether a table may be away until the next build: no exchange.
        prunes: Whether an orphan may be gone, or going.
    """
    after = tables(root)
    for place, files in before.items():
        now = after.get(place)
        if now == files or (prunes and place == "picky"):
            continue
        if now is None:
            holds(gaps, f"{place} is gone")
            continue
        without = {key: value for key, value in now.items() if key != "_SUCCESS"}
        adopted = "_manifest.json" not in files and without.items() >= files.items()
        holds(is_whole(now) or adopted, f"{place} is neither old nor new: {[*now]}")


def check_mine(before: Picture, root: Path) -> None:
    """Check that each file that was edited by hand is still somewhere."""
    expected = sum(
        data == MINE.encode() for f in before.values() for data in f.values()
    )
    store = root / "data"
    kept = {
        file.name
        for file in store.rglob("*")
        if file.is_file()
        and file.read_bytes() == MINE.encode()
        and "staging" not in file.relative_to(store).parts
    }
    holds(len(kept) >= expected, f"of {expected} edits by hand, {kept} are left")


def check_status(root: Path) -> None:
    """Check that each row says what is true."""
    ended = command(root, "--status", "--json")
    holds(ended.status == 0, f"--status ended with {ended}")
    values, found = truth(root), tables(root)
    for row in json.loads(ended.out)["tables"]:
        name = row["name"]
        if name not in values:
            continue
        files = found.get(name, {})
        data = [v for k, v in files.items() if not k.startswith(("_", "."))]
        right = is_whole(files) and data == [values[name].encode()]
        if row["state"] == "fresh":
            holds(right, f"{name} is called fresh, and is not")
        else:
            holds(row["reasons"], f"{name} is {row['state']} without a reason")
        if not data:
            holds(row["state"] == "missing", f"{name} is away, and {row['state']}")


def check_built(root: Path) -> None:
    """Check that the next build succeeds, and that one more changes nothing."""
    ended = command(root)
    holds(ended.status == 0, f"the next build ended with {ended}")
    holds("Traceback" not in ended.err, ended.err)
    found = tables(root)
    for name, value in truth(root).items():
        data = [v for k, v in found[name].items() if not k.startswith(("_", "."))]
        holds(data == [value.encode()], f"{name} is {data}")
        holds(is_whole(found[name]), f"{name} has another manifest")
    check = command(root, "--check")
    holds(check.status == 0, f"--check after the next build says {check}")
    before = stamps(root)
    again = command(root)
    holds("nothing to do" in again.err, f"one more build said {again}")
    holds(stamps(root) == before, "one more build wrote something")


def stamps(root: Path) -> dict[str, tuple[int, int, int]]:
    """Return what no write to a file leaves as it is, of each but the index."""
    found = {}
    for path in root.rglob("*"):
        if path.is_file() and ".assetmake" not in path.parts:
            stat = path.stat()
            found[str(path)] = (stat.st_ino, stat.st_size, stat.st_ctime_ns)
    return found


def check_leftovers(root: Path, *, doubts: bool) -> None:
    """Check that nothing of a build that died is left.

    Args:
        root: Of the project.
        doubts: Whether a table was not to be read, or lost bytes, so that it
            may be kept.
    """
    private = root / "data/.assetmake"
    if not private.is_dir():
        return
    names = {path.name for path in private.iterdir()} - {"staging"}
    holds(names <= PRIVATE, f"left behind: {sorted(names - PRIVATE)}")
    left = [str(path.relative_to(private)) for path in private.glob("staging/*")]
    left += [str(path.relative_to(private)) for path in private.glob("*/*.new")]
    holds(not left, f"left behind: {left}")
    for kept in () if doubts else (private / "kept").glob("*"):
        files = {file.name: file.read_bytes() for file in kept.iterdir()}
        holds(MINE.encode() in files.values(), f"kept for nothing: {kept.name}")


# Campaigns -----------------------------------------------------------------------


@dataclass
class Report:
    """What a campaign did, and what it found."""

    name: str
    points: int = 0
    findings: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Blow:
    """What is done to one run of the command."""

    strike: Callable[[Saboteur], None] = die
    reads: bool = False
    lasting: bool = False
    exchange: bool = True
    power: bool = False

    @property
    def kills(self) -> bool:
        """Whether the process does not live to say something."""
        return self.strike in (die, tear, void)


class Bench:
    """Prepared projects, each made once; and the directory of one trial."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._made: dict[str, Path] = {}
        self._warm()

    def _warm(self) -> None:
        """Import here, once, what each forked process would import again."""
        root = self._folder / "warm"
        root.mkdir()
        _first(root)
        for words in ((), ("--status", "--json"), ("--check",), ("--prune", "-y")):
            told = io.StringIO()
            with (
                contextlib.chdir(root),
                contextlib.redirect_stderr(told),
                contextlib.redirect_stdout(told),
                suppress(SystemExit),
            ):
                main(list(words))

    def copy(self, scenario: Scenario) -> Path:
        """Return a new copy of a prepared project."""
        template = self._made.get(scenario.name)
        if template is None:
            template = self._folder / f"template-{scenario.name}"
            template.mkdir()
            scenario.prepare(template)
            self._made[scenario.name] = template
        root = self._folder / "trial"
        shutil.rmtree(root, ignore_errors=True)
        shutil.copytree(template, root, symlinks=True)
        return root

    def strike(self, scenario: Scenario, blow: Blow, at: int) -> bool:
        """Run a scenario with a blow at one operation, and check all.

        Returns:
            False if the command ended before the operation came.

        Raises:
            FindingError: something does not hold.
        """
        root = self.copy(scenario)
        before = tables(root)

        def run() -> None:
            if not blow.exchange:
                without_exchange()
            strike = blow.strike
            if blow.power:
                strike = power = Power(root)
                power.begin()
            saboteur = Saboteur(
                root, at, strike, reads=blow.reads, lasting=blow.lasting
            )
            saboteur.begin()
            try:
                main(list(scenario.words))
            finally:
                if saboteur.count < at:
                    os._exit(100 + scenario.status)

        ended = forked(root, run)
        if ended.status == 100 + scenario.status:
            return False
        if blow.power:
            self._lost_power(root, before, scenario)
        if blow.kills:
            holds(ended.status in (98, 99), f"it ended with {ended}")
        else:
            _check_told(ended, scenario)
        gaps = not blow.exchange or scenario.name == "recover"
        if not blow.power:
            check_tables(before, root, gaps=gaps, prunes=scenario.name == "prune")
        check_mine(before, root)
        check_status(root)
        scenario.mend(root)
        check_built(root)
        check_mine(before, root)
        check_leftovers(root, doubts=blow.reads or blow.power)
        return True

    def _lost_power(self, root: Path, before: Picture, scenario: Scenario) -> None:
        """Check what is left after a power loss, and what a lock makes of it."""
        with after_reboot():
            check_status(root)
        ended = forked(root, lambda: _only_lock(root))
        holds(ended.status == 0, f"a lock ended with {ended}")
        # What was edited by hand is kept, not put back.
        good = {place: files for place, files in before.items() if is_whole(files)}
        check_tables(good, root, gaps=False, prunes=scenario.name == "prune")


def _only_lock(root: Path) -> None:
    rebooted()
    with LocalStore(root / "data", root).lock(lambda owner: None):
        pass


@contextlib.contextmanager
def after_reboot() -> Iterator[None]:
    """Let what is forked meanwhile believe that the machine was started anew."""
    before = staging.boot_id, fileindex.boot_id, boot.boot_id
    rebooted()
    try:
        yield
    finally:
        staging.boot_id, fileindex.boot_id, boot.boot_id = before
        staging.token_of_boot.cache_clear()


def _check_told(ended: Ended, scenario: Scenario) -> None:
    """Check how a command says that a file operation failed."""
    holds(ended.status in (0, 1, 2), f"it ended with {ended}")
    holds("Traceback" not in ended.err, ended.err)
    holds("bug in assetmake" not in ended.err, ended.err)
    if ended.status > scenario.status:
        holds("error: " in ended.err, f"it does not say what failed: {ended}")


ERRORS = ("ENOSPC", "EIO", "EACCES", "EXDEV", "EROFS", "EDQUOT", "EMFILE")


def _blows() -> Iterator[tuple[str, Blow]]:
    yield "kill", Blow(die)
    yield "kill-renames", Blow(die, exchange=False)
    yield "tear", Blow(tear)
    yield "tear-renames", Blow(tear, exchange=False)
    yield "void", Blow(void)
    yield "power", Blow(power=True)
    yield "power-renames", Blow(power=True, exchange=False)
    for name in ERRORS:
        yield name, Blow(raising(getattr(errno, name)))
    yield "ENOSPC-renames", Blow(raising(errno.ENOSPC), exchange=False)
    yield "ENOSPC-lasting", Blow(raising(errno.ENOSPC), lasting=True)
    yield "EIO-read", Blow(raising(errno.EIO), reads=True)
    yield "EMFILE-read", Blow(raising(errno.EMFILE), reads=True)
    yield "EACCES-read-lasting", Blow(raising(errno.EACCES), reads=True, lasting=True)


BLOWS = dict(_blows())


def campaign(
    name: str,
    folder: Path,
    *,
    step: int = 1,
    scenarios: Sequence[Scenario] = SCENARIOS,
) -> Report:
    """Strike each scenario at every `step`th operation."""
    report = Report(name)
    bench = Bench(folder)
    for scenario in scenarios:
        for at in itertools.count(1 + len(report.name) % step, step):
            try:
                if not bench.strike(scenario, BLOWS[name], at):
                    break
            except FindingError as finding:
                report.findings.append(f"{scenario.name}, operation {at}: {finding}")
            report.points += 1
    return report


def run(
    names: Sequence[str], step: int, show: int, scenarios: Sequence[Scenario]
) -> int:
    """Run campaigns and print a line for each; return the exit status."""
    status = 0
    base = "/dev/shm" if os.path.isdir("/dev/shm") else None
    for name in names:
        folder = Path(tempfile.mkdtemp(prefix="assetmake-crash-", dir=base))
        began = time.process_time(), os.times()
        try:
            report = campaign(name, folder, step=step, scenarios=scenarios)
        finally:
            shutil.rmtree(folder, ignore_errors=True)
        end = os.times()
        cpu = sum(end[:4]) - sum(began[1][:4])
        print(
            f"{name}: {report.points} points, {len(report.findings)} findings, "
            f"{cpu:.0f} s CPU",
            flush=True,
        )
        for finding in report.findings[:show]:
            print(textwrap.indent(finding, "  "))
        status |= bool(report.findings)
    return status


def arguments() -> argparse.Namespace:
    """Return what the command line asks for."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", 1)[0])
    parser.add_argument("names", nargs="*", metavar="NAME")
    parser.add_argument("--list", action="store_true", help="print all names")
    parser.add_argument("--step", type=int, default=1, help="every Nth operation")
    parser.add_argument(
        "--only", choices=[scenario.name for scenario in SCENARIOS], help="a scenario"
    )
    parser.add_argument("--show", type=int, default=10, help="findings to print")
    return parser.parse_args()


if __name__ == "__main__":
    signal.signal(signal.SIGPIPE, signal.SIG_DFL)
    asked = arguments()
    if asked.list:
        print("\n".join(BLOWS))
        sys.exit(0)
    chosen = [s for s in SCENARIOS if asked.only in (None, s.name)]
    sys.exit(run(asked.names or [*BLOWS], asked.step, asked.show, chosen))
