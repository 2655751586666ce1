"""Worker processes: what they run, how they die, and that none is left."""

from __future__ import annotations

import os
import signal
import sys
import textwrap
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from assetmake.builds.orders import Died, Order, Origin
from assetmake.builds.run import Ran
from assetmake.builds.workers import Workers
from assetmake.frames.base import Stored
from assetmake.system.forks import Server, Start

ASSETS = """
    import ctypes
    import os
    import signal
    import subprocess
    import sys
    import time
    from pathlib import Path

    from assetmake import asset


    @asset
    def hello() -> str:
        print("said")
        return "hello"


    @asset
    def pid() -> str:
        return str(os.getpid())


    @asset
    def killed() -> str:
        os.kill(os.getpid(), signal.SIGKILL)


    @asset
    def exits() -> str:
        os._exit(3)


    @asset
    def crashes() -> str:
        ctypes.string_at(0)


    @asset
    def large() -> str:
        return str(len(bytearray(300 << 20)))


    @asset
    def sleeps() -> str:
        child = subprocess.Popen(["sleep", "600"])
        Path(os.environ["PIDS"]).write_text(f"{os.getpid()} {child.pid}")
        time.sleep(600)
"""


@pytest.fixture
def origin(tmp_path: Path) -> Origin:
    file = tmp_path / "Assetfile.py"
    file.write_text(textwrap.dedent(ASSETS))
    return Origin(file, tmp_path, {file: file.read_bytes()}, {"spark": {}})


@pytest.fixture
def workers(origin: Origin) -> Iterator[Workers]:
    found = Workers(origin, 2)
    yield found
    found.close(kill=True)


def order(root: Path, name: str, *stored: Stored) -> Order:
    staged = root / "staged" / f"{name}-{time.monotonic_ns()}"
    staged.mkdir(parents=True)
    return Order(name, stored, staged)


def text_in(directory: Path) -> str:
    """Return the text of an asset of text."""
    (file,) = directory.glob("[!_]*")
    return file.read_text()


def collect(workers: Workers, count: int) -> dict[str, Ran | Died]:
    """Return what came of so many orders, by name."""
    found: dict[str, Ran | Died] = {}
    while len(found) < count:
        found.update(workers.finished())
    return found


def is_there(pid: int) -> bool:
    """Whether a process is there that does more than wait to be taken away."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return sys.platform != "linux"
    return stat.rpartition(")")[2].split()[0] != "Z"


def wait_until_gone(pids: list[int]) -> None:
    end = time.monotonic() + 20
    while any(map(is_there, pids)):
        assert time.monotonic() < end, f"still there: {pids}"
        time.sleep(0.02)


def read_pids(file: Path) -> list[int]:
    """Wait until an asset has written its pid and that of what it started."""
    end = time.monotonic() + 60
    while not (file.exists() and len(file.read_text().split()) == 2):
        assert time.monotonic() < end
        time.sleep(0.02)
    return [int(text) for text in file.read_text().split()]


@pytest.mark.slow
def test_a_worker_runs_one_order_after_the_other(workers, tmp_path):
    """In the same process, which keeps what it has loaded."""
    first, second = order(tmp_path, "pid"), order(tmp_path, "pid")
    for one in (first, second):
        workers.submit(one)
        ran = collect(workers, 1)["pid"]
        assert isinstance(ran, Ran)
        assert ran.failed is None

    texts = [text_in(one.staged) for one in (first, second)]
    assert texts[0] == texts[1] != str(os.getpid())


@pytest.mark.slow
def test_a_dead_worker_takes_just_its_order_along(workers, tmp_path):
    """What it did is told from a kill that may be for want of memory."""
    for guilty, status in (("exits", 3), ("crashes", -signal.SIGSEGV)):
        workers.submit(order(tmp_path, guilty))
        workers.submit(order(tmp_path, "hello"))
        found = collect(workers, 2)

        assert found[guilty] == Died(status, was_alone=False)
        assert not found[guilty].may_be_memory
        assert found["hello"].printed == "said\n"

    workers.submit(order(tmp_path, "killed"))
    workers.submit(order(tmp_path, "hello"))
    assert collect(workers, 2)["killed"].may_be_memory

    workers.submit(order(tmp_path, "killed"))
    assert not collect(workers, 1)["killed"].may_be_memory


@pytest.mark.slow
def test_a_server_that_is_killed_is_started_again(workers, tmp_path, monkeypatch):
    """What its workers ran counts as killed, and they are gone."""
    monkeypatch.setenv("PIDS", str(tmp_path / "pids"))
    workers.submit(order(tmp_path, "sleeps"))
    worker, _ = read_pids(tmp_path / "pids")

    workers._server._process.kill()

    assert collect(workers, 1) == {"sleeps": Died(-signal.SIGKILL, was_alone=True)}
    wait_until_gone([worker])
    workers.submit(order(tmp_path, "hello"))
    assert collect(workers, 1)["hello"].failed is None


@pytest.mark.slow
def test_imports_that_start_threads_are_left_to_the_workers(
    origin, tmp_path, monkeypatch
):
    """A fork would have their locks, and not them."""
    library = tmp_path / "library"
    library.mkdir()
    (library / "threaded.py").write_text(
        "import threading, time\n"
        "threading.Thread(target=time.sleep, args=(600,), daemon=True).start()\n"
    )
    monkeypatch.syspath_prepend(str(library))
    with_import = Origin(
        origin.assetfile, origin.root, origin.files, origin.settings, ("threaded",)
    )
    workers = Workers(with_import, 2)
    try:
        for name in ("hello", "pid"):
            workers.submit(order(tmp_path, name))

        assert all(ran.failed is None for ran in collect(workers, 2).values())
        assert workers._servers == 2
    finally:
        workers.close()


@pytest.mark.slow
def test_a_project_that_loads_in_the_parent_alone_is_told_of(origin, tmp_path):
    broken = b"raise RuntimeError('only here')"
    elsewhere = Origin(
        origin.assetfile, origin.root, {origin.assetfile: broken}, origin.settings
    )
    workers = Workers(elsewhere, 2)
    try:
        workers.submit(order(tmp_path, "hello"))
        failed = collect(workers, 1)["hello"].failed
    finally:
        workers.close()

    assert failed.kind == "LoadError"
    assert "a worker process cannot load the Assetfile" in failed.message
    assert "only here" in failed.message


@pytest.mark.slow
@pytest.mark.parametrize("is_killed", [False, True])
def test_closing_leaves_nothing_behind(workers, tmp_path, monkeypatch, is_killed):
    """Nor what an asset started, if it had not come to its end."""
    monkeypatch.setenv("PIDS", str(tmp_path / "pids"))
    workers.submit(order(tmp_path, "sleeps"))
    pids = read_pids(tmp_path / "pids")

    workers.close(kill=is_killed)

    wait_until_gone(pids)


@pytest.mark.slow
def test_a_server_that_still_imports_is_not_waited_for(origin):
    workers = Workers(origin, 2)
    pid = workers.start()._process.pid

    workers.close()

    wait_until_gone([pid])


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere peaks never fall")
def test_a_peak_is_not_that_of_an_earlier_order(workers, tmp_path):
    """One worker runs both; the memory of the first is given back."""
    peaks = {}
    for name in ("hello", "large", "hello"):
        workers.submit(order(tmp_path, name))
        peaks.setdefault(name, []).append(collect(workers, 1)[name].peak_memory)

    (large,), (before, after) = peaks["large"], peaks["hello"]
    assert large - before > 250 << 20
    assert abs(after - before) < 50 << 20


def test_what_a_dead_worker_tells_has_a_hint_that_fits():
    assert Died(3, was_alone=True).failed.message.endswith("exit status 3")
    killed = Died(-signal.SIGKILL, was_alone=True).failed
    assert "SIGKILL, as a system does that is out of memory" in killed.message
    assert "memory" in killed.hints[0]
    crashed = Died(-signal.SIGSEGV, was_alone=False).failed
    assert "SIGSEGV" in crashed.message
    assert "crashes" in crashed.hints[0]
    assert crashed.kind == "WorkerError"  # so that nobody is sent to --pdb


def echo(connection, payload):
    """Be a child of `Server`: send back what comes, and what it was given."""
    connection.send((payload, connection.recv(), os.getpgrp() == os.getpid()))


@pytest.mark.slow
def test_a_server_gives_each_child_a_connection_and_the_payload(monkeypatch):
    monkeypatch.syspath_prepend(str(Path(__file__).parent))
    server = Server(Start((), (), f"{Path(__file__).stem}:echo", {"a": 1}))
    children = [server.fork() for _ in range(3)]
    try:
        for number, connection, _ in children:
            connection.send(number)
        told = [connection.recv() for _, connection, _ in children]
    finally:
        for _, connection, end in children:
            connection.close()
            end.close()
        server.close()

    assert told == [({"a": 1}, number, True) for number, _, _ in children]
