"""What a random trial bends: the disk, the clock of its files, boots, workers."""

from __future__ import annotations

import json
import os
import random
import signal
import sys
import tempfile
import time
import traceback
from array import array
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import cache
from importlib.machinery import SourceFileLoader
from pathlib import Path
from types import CodeType

from assetmake.assetfile import defined
from assetmake.builds import world
from assetmake.builds.orders import Died
from assetmake.builds.run import Ran
from assetmake.cli.main import main as command
from assetmake.code.closure import Code
from assetmake.code.kept import Summaries
from assetmake.code.records import Summary
from assetmake.code.summary import summarise
from assetmake.errors import AssetmakeError
from assetmake.saved import boot, clocks, fileindex, snapshot
from assetmake.stores import kept, local, staging, swap

#: Where trials lie: on a file system in memory where there is one.
FOLDER = "/dev/shm" if Path("/dev/shm").is_dir() else None
_HERE = Path(__file__).resolve().parent
#: Exit statuses of a child: all went well, an error with a message, a kill.
DONE, REFUSED, FOUND, KILLED = 0, 1, 3, 9
#: Stamps of a coarse clock are multiples of this, in ns: as of Linux before 6.13.
_COARSE = 8_000_000
#: Code objects, by file and bytes, of one trial.
_COMPILED: dict[tuple[str, bytes], CodeType] = {}

_stat, _exchange = os.stat, swap._exchange
_compile = SourceFileLoader.source_to_code


class ByBytes(Summaries):
    """Summaries of whole files by their bytes alone, whatever was there before."""

    def summary(self, path: str, digest: str, data: bytes) -> Summary:  # noqa: ARG002
        """Return the summary of a file, each parsed once for all trials."""
        found = self.get(digest)
        if found is None:
            found = self[digest] = summarise(data)
        return found


_SUMMARIES = ByBytes("")


class Disk:
    """Kills this process at a chosen write below a directory, by an audit hook."""

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
        self.root = ""
        self.exchanges = True
        self.signals: list[int] = []
        self.counts_reads = False

    def begin(self, root: Path, left: int, signals: Sequence[int] = ()) -> None:
        """Kill this process, a fork, before one of its writes.

        Only there is the hook added: it costs at each of the many events, and
        cannot be taken away.

        Args:
            root: Below which directory.
            left: How many of its writes come before.
            signals: What to send to it instead, before one of its reads or
                writes; each but the first soon after the one before.
        """
        self.root, self.left = str(root), left
        self.signals, self.counts_reads = [*signals], bool(signals)
        sys.addaudithook(self._hook)

    def _hook(self, event: str, arguments: tuple) -> None:
        if self.left is None:
            return
        if event == "open":
            path, _, flags = arguments
            writes = isinstance(flags, int) and flags & (os.O_WRONLY | os.O_RDWR)
            if not writes and not self.counts_reads:
                return
        elif event in self.WRITES:
            path = arguments[0]
        else:
            return
        if isinstance(path, str | Path) and self.root in str(path):
            self.point()

    def point(self) -> None:
        """Count one write; the last one kills."""
        if self.left is None:
            return
        self.left -= 1
        if self.left >= 0:
            return
        if not self.counts_reads:
            os._exit(KILLED)
        number = self.signals.pop(0)
        self.left = 2 if self.signals else None
        os.kill(os.getpid(), number)

    def exchange(self, one: Path, other: Path) -> bool:
        """Exchange two directories, where the file system of the trial can."""
        self.point()
        done = self.exchanges and _exchange(one, other)
        self.point()
        return done


DISK = Disk()


def in_child(folder: Path, work: Callable[[], object], *, kill_at: int = -1) -> int:
    """Do something in a forked process, and return its exit status.

    Args:
        folder: The project's.
        work: What to do.
        kill_at: Before which write below the folder to die; never if negative.

    Raises:
        AssertionError: it ended by an exception that is no AssetmakeError.
    """
    child = begin_child(folder, work, kill_at=kill_at)
    return end_child(folder, child)


def command_in_child(
    folder: Path, words: list[str], signals: Sequence[int], *, after: int
) -> tuple[int, str]:
    """Run a command line in a forked process; return how it ended and what it said.

    Args:
        folder: The project's.
        words: Of the command line.
        signals: What tells it to end.
        after: How many of its reads and writes come before.
    """
    log = folder / "child.log"
    child = os.fork()
    if child == 0:
        status = FOUND
        try:
            said = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
            os.dup2(said, 1)
            os.dup2(said, 2)
            sys.stdout = os.fdopen(1, "w", closefd=False)
            sys.stderr = os.fdopen(2, "w", buffering=1, closefd=False)
            for number in signals:
                signal.signal(number, signal.SIG_DFL)
            DISK.begin(folder, after, signals)
            command(words)
        except SystemExit as ended:
            status = ended.code if isinstance(ended.code, int) else FOUND
        except BaseException:  # noqa: BLE001 - it is told to the parent
            log.write_text(traceback.format_exc())
        finally:
            os._exit(status)
    status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    said = log.read_text()
    log.unlink()
    return status, said


def begin_child(folder: Path, work: Callable[[], object], *, kill_at: int = -1) -> int:
    """Start what `in_child` does; return the process."""
    child = os.fork()
    if child == 0:
        try:
            if kill_at >= 0:
                DISK.begin(folder / "data", kill_at)
            work()
        except AssetmakeError:
            os._exit(REFUSED)
        except BaseException:  # noqa: BLE001 - it is told to the parent
            DISK.left = None
            (folder / "child.log").write_text(traceback.format_exc())
            os._exit(FOUND)
        os._exit(DONE)
    return child


def end_child(folder: Path, child: int) -> int:
    """Wait for the end of what `begin_child` started; see `in_child`."""
    status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    log = folder / "child.log"
    assert status in (DONE, REFUSED, KILLED), log.read_text() if log.exists() else ""
    return status


class Workers:
    """Stand-ins for worker processes: which ends first, and which die, is chosen."""

    def __init__(self) -> None:
        self.random = random.Random(0)
        self.guilty = ""
        self.were_used = False
        self._waiting: dict[str, Callable[[], Ran]] = {}
        self._tried: set[str] = set()

    def begin(self, seed: int, guilty: str) -> None:
        """Choose for the next build.

        Args:
            seed: Of the order in which tasks end.
            guilty: The asset that kills its worker; empty for none.
        """
        self.random, self.guilty = random.Random(seed), guilty
        self.were_used = False
        self._waiting.clear()
        self._tried.clear()

    def submit(
        self,
        its_world: world.ProjectWorld,
        name: str,
        staged: Path,
        *,
        checks_only: bool = False,
    ) -> None:
        """Take a task; it runs when somebody waits for it."""
        self.were_used = True
        its_world._started_ns[name] = time.time_ns()
        task = its_world._task(its_world._order(name, staged, checks_only=checks_only))
        self._waiting[name] = lambda: its_world._run(task)

    def finished(self) -> list[tuple[str, Ran | Died]]:
        """Let some of the tasks end; the guilty one dies, and dies again alone."""
        ended: list[tuple[str, Ran | Died]] = []
        for _ in range(1 + self.random.randrange(2)):
            if not self._waiting:
                break
            name = self.random.choice([*self._waiting])
            run = self._waiting.pop(name)
            if name != self.guilty:
                ended.append((name, run()))
                continue
            alone = name in self._tried or not self._waiting
            self._tried.add(name)
            ended.append((name, Died(-signal.SIGKILL, was_alone=alone)))
        return ended


WORKERS = Workers()


def _coarse_stat(*arguments: object, **options: object) -> os.stat_result:
    """Return what a file system says whose clock ticks slowly."""
    found = _stat(*arguments, **options)
    atime = found.st_atime_ns // _COARSE * _COARSE
    mtime = found.st_mtime_ns // _COARSE * _COARSE
    ctime = found.st_ctime_ns // _COARSE * _COARSE
    more = {
        "st_atime_ns": atime,
        "st_mtime_ns": mtime,
        "st_ctime_ns": ctime,
        "st_atime": atime / 1e9,
        "st_mtime": mtime / 1e9,
        "st_ctime": ctime / 1e9,
        "st_blksize": found.st_blksize,
        "st_blocks": found.st_blocks,
        "st_rdev": found.st_rdev,
    }
    return os.stat_result(found[:10], more)


class Machine:
    """The machine of one trial; see `machine`."""

    def __init__(self) -> None:
        self.boot = 1
        #: How long a stamp may stay the same, in ns.
        self.tick = clocks.FINE_TICK

    def boot_id(self) -> str:
        """Return what names its boot."""
        return f"boot-{self.boot}"


@contextmanager
def machine(*, is_coarse: bool, exchanges: bool) -> Iterator[Machine]:
    """Bend what a trial bends, until it ends.

    Args:
        is_coarse: Whether stamps of files are those of a clock that ticks slowly.
        exchanges: Whether two directories can be exchanged at once.
    """
    found = Machine()
    DISK.exchanges = exchanges
    patches = [
        (boot, "boot_id", found.boot_id),
        (fileindex, "boot_id", found.boot_id),
        (kept, "boot_id", found.boot_id),
        (staging, "token_of_boot", found.boot_id),
        (swap, "_exchange", DISK.exchange),
        (world.ProjectWorld, "submit", _submit),
        (world.ProjectWorld, "finished", _finished),
        (defined, "Code", _code),
        (SourceFileLoader, "source_to_code", _compiled),
    ]
    _COMPILED.clear()
    if is_coarse:
        patches.append((os, "stat", _coarse_stat))
    else:
        found.tick = _tick()
        patches += [(module, name, found.tick) for module, name in _TICKS]
    before = [(where, name, getattr(where, name)) for where, name, _ in patches]
    environment, path = dict(os.environ), [*sys.path]
    # Who edits a test meanwhile changes where modules are looked for.
    sys.path[:] = [entry for entry in path if Path(entry).resolve() != _HERE]
    os.environ.pop("RANDOM_REGION", None)
    os.environ.pop("ASSETMAKE_INDEX", None)
    for where, name, value in patches:
        setattr(where, name, value)
    try:
        yield found
    finally:
        for where, name, value in before:
            setattr(where, name, value)
        sys.path[:] = path
        os.environ.clear()
        os.environ.update(environment)


#: Constants of the engine that say how coarse a clock may be.
_TICKS = tuple((module, "FINE_TICK") for module in (clocks, fileindex, local))


@cache
def _tick() -> int:
    """Return how long a stamp may stay the same here, in ns.

    Where a change of a file is never without a trace, as on Linux from 6.13 on,
    trials need not wait for files to grow old.
    """
    with tempfile.NamedTemporaryFile(dir=FOLDER) as file:
        stamps = []
        for number in range(200):
            os.pwrite(file.fileno(), b"%d" % number, 0)
            stamps.append(_stat(file.name).st_ctime_ns)
    is_fine = len({*stamps}) == len(stamps)
    return 1_000_000 if is_fine else clocks.FINE_TICK


def _submit(
    self: world.ProjectWorld, name: str, staged: Path, *, checks_only: bool = False
) -> None:
    WORKERS.submit(self, name, staged, checks_only=checks_only)


def _finished(_: world.ProjectWorld) -> list[tuple[str, Ran | Died]]:
    return WORKERS.finished()


def _code(*arguments: object, **options: object) -> Code:
    if os.environ.get("ASSETMAKE_INDEX") == "0":
        options["summaries"] = _SUMMARIES
    return Code(*arguments, **options)


def _compiled(self: SourceFileLoader, data: bytes, path: str) -> CodeType:
    found = _COMPILED.get((path, data))
    if found is None:
        found = _COMPILED[path, data] = _compile(self, data, path)
    return found


def forge_stamps(folder: Path, files: list[Path]) -> int:
    """Let index and snapshot say that files are as they were; return how many.

    So it is after a power loss: stamps reached the disk, bytes did not.
    """
    return _forge_index(folder, files) + _forge_snapshot(folder, files)


def _forge_index(folder: Path, files: list[Path]) -> int:
    index = folder / "data/.assetmake/index"
    try:
        tree = json.loads(index.read_bytes())
    except (OSError, ValueError):
        return 0
    forged = 0
    for file in files:
        record = tree["files"].get(file.relative_to(folder).as_posix())
        if record:
            record[:4] = fileindex._stamp(os.stat(file))
            forged += 1
    index.write_text(json.dumps(tree))
    return forged


def _forge_snapshot(folder: Path, files: list[Path]) -> int:
    kept = folder / "data/.assetmake/snapshot"
    try:
        fields, numbers, paths, rows = snapshot._read(str(kept), rows=True)
    except (OSError, ValueError):
        return 0
    forged = 0
    wanted = {file.relative_to(folder / "data").as_posix(): file for file in files}
    table = numbers.cast("Q").tolist()
    for place, path in enumerate(paths):
        file = wanted.get(path.decode())
        if file:
            stat = os.stat(file)
            stamps = (stat.st_size, stat.st_ctime_ns, stat.st_ino)
            table[place :: len(paths)] = stamps
            forged += 1
    blobs = (b"\0".join(fields), array("Q", table).tobytes(), b"\0".join(paths))
    kept.write_bytes(snapshot.assemble(blobs, rows))
    return forged
