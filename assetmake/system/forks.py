"""Processes that are forked from one that has paid for the imports already.

A server, a fresh interpreter, imports what its children need, and forks one for
each request: a fork of the calling process itself would copy locks that its
threads hold. Each child gets one end of a connection; what goes over it, and
what a child does, is the caller's. Whoever ends, however, takes what is below
along: when the caller is gone, the server kills its children and what they
started, and ends.
"""

from __future__ import annotations

import contextlib
import gc
import importlib
import os
import selectors
import signal
import socket
import subprocess
import sys
import threading
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from multiprocessing.connection import Connection
from typing import Any, NoReturn

#: Seconds that children get to end by themselves.
_PATIENCE = 10


@dataclass(frozen=True, slots=True)
class Start:
    """What a server is told once, and every child is given.

    Attributes:
        preload: Modules to import before the first fork; what cannot be
            imported is left to the children.
        extra: More of them, which may turn out to be unfit for a fork.
        target: A function of a module, as ``module:name``; a child calls it
            with its connection and `payload`.
        payload: Is pickled once.
    """

    preload: Sequence[str]
    extra: Sequence[str]
    target: str
    payload: Any


class Server:
    """The caller's side of a server.

    Attributes:
        control: Is readable when there is something for `news`.
    """

    def __init__(self, start: Start) -> None:
        """Start a server; it is not waited for."""
        ours, theirs = socket.socketpair()
        flags = subprocess._args_from_interpreter_flags()  # type: ignore[attr-defined] # noqa: SLF001
        code = (
            f"import sys; sys.path[:] = {sys.path!r}; sys.argv[:] = {sys.argv!r}; "
            f"from {__name__} import serve; serve({theirs.fileno()})"
        )
        with theirs:
            self._process = subprocess.Popen(  # noqa: S603 - this very Python
                [sys.executable, *flags, "-P", "-c", code],
                stdin=subprocess.DEVNULL,
                pass_fds=[theirs.fileno()],
            )
        self._socket = ours
        self.control = Connection(os.dup(ours.fileno()))
        self._number = 0
        self._is_ready = False
        self._send(start)

    def fork(self) -> tuple[int, Connection, socket.socket]:
        """Ask for a child; it is not waited for.

        Returns:
            Its number, the connection to it, and its own end, to be held open
            until it has said something: some systems drop what is on its way.
        """
        self._number += 1
        ours, theirs = socket.socketpair()
        self._send(("fork", self._number))
        with contextlib.suppress(OSError):  # it ended; `news` tells
            socket.send_fds(self._socket, [b"F"], [theirs.fileno()])
        return self._number, Connection(ours.detach()), theirs

    def news(self) -> tuple[str, int, int] | None:
        """Return what the server says; None if it has ended itself.

        ``("died", number, status)``: a child ended, by a signal if `status` is
        negative. ``("ready", 0, 0)``: the imports are done. ``("unfit", 0, 0)``:
        they left threads behind, so that it ends without a fork.
        """
        try:
            told: tuple[str, int, int] = self.control.recv()
        except (EOFError, OSError):
            return None
        self._is_ready = True
        return told

    def close(self, *, kill: bool = False) -> None:
        """End the server and its children, at once or as they come to an end."""
        if not self._is_ready and not self.control.poll():
            self._process.kill()  # it imports, and has no children yet
        elif not kill:
            self._send(("close", 0))
        self.control.close()
        self._socket.close()
        try:
            self._process.wait(timeout=None if kill else 2 * _PATIENCE)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    def _send(self, message: Any) -> None:
        with contextlib.suppress(OSError):  # it ended; `news` tells
            self.control.send(message)


def serve(descriptor: int) -> NoReturn:
    """Be the server; called in its process, and never returns."""
    # Ctrl-C reaches all that a terminal runs; the caller decides what ends.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    # Ends `python -c`, and leaves out what the interpreter does at its end.
    os._exit(_Serving(socket.socket(fileno=descriptor)).run())


class _Serving:
    """A server, in its own process."""

    def __init__(self, control: socket.socket) -> None:
        self._socket = control
        self._connection = Connection(os.dup(control.fileno()))
        self._numbers: dict[int, int] = {}
        self._wake, wake = socket.socketpair()
        self._wake.setblocking(False)
        wake.setblocking(False)
        signal.set_wakeup_fd(wake.fileno(), warn_on_full_buffer=False)
        self._waker = wake
        signal.signal(signal.SIGCHLD, _do_nothing)

    def run(self) -> int:
        try:
            start: Start = self._connection.recv()
            if not _imported(start):
                self._tell("unfit", 0, 0)
                return 0
            self._tell("ready", 0, 0)
            with selectors.DefaultSelector() as selector:
                selector.register(self._connection, selectors.EVENT_READ)
                selector.register(self._wake, selectors.EVENT_READ)
                while True:
                    for key, _ in selector.select():
                        if key.fileobj is self._wake:
                            self._reap()
                        elif not self._obey(start):
                            return 0
        except (EOFError, OSError):  # the caller has gone
            return 1
        finally:
            for pid in self._numbers:
                _kill(pid)

    def _obey(self, start: Start) -> bool:
        """Do what the caller asks for; False if that is to end."""
        word, number = self._connection.recv()
        if word == "close":
            self._let_end()
            return False
        _, found, *_ = socket.recv_fds(self._socket, 1, 1)
        child = found[0]
        with warnings.catch_warnings(action="ignore"):  # of threads, such as BLAS'
            pid = os.fork()
        if not pid:
            os._exit(self._be_child(child, start))
        os.close(child)
        with contextlib.suppress(OSError):
            os.setpgid(pid, pid)
        self._numbers[pid] = number
        return True

    def _be_child(self, descriptor: int, start: Start) -> int:
        signal.set_wakeup_fd(-1)
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        # A group of its own: Ctrl-C does not reach it, and it can be ended
        # with all that it starts.
        os.setpgid(0, 0)
        signal.signal(signal.SIGINT, signal.default_int_handler)
        for other in (self._socket, self._connection, self._wake, self._waker):
            other.close()
        return _call(start, Connection(descriptor))

    def _reap(self) -> None:
        with contextlib.suppress(BlockingIOError):
            self._wake.recv(4096)
        while self._numbers:
            try:
                pid, status = os.waitpid(-1, os.WNOHANG)
            except ChildProcessError:
                return
            if not pid:
                return
            number = self._numbers.pop(pid, None)
            if number is not None:
                self._tell("died", number, os.waitstatus_to_exitcode(status))

    def _let_end(self) -> None:
        """Wait for the children, whose connections are closed; not for ever."""
        signal.signal(signal.SIGALRM, _stop_waiting)
        signal.alarm(_PATIENCE)
        with contextlib.suppress(ChildProcessError, TimeoutError):
            while self._numbers:
                self._numbers.pop(os.wait()[0], None)

    def _tell(self, word: str, number: int, status: int) -> None:
        self._connection.send((word, number, status))


def _imported(start: Start) -> bool:
    """Import what children need; False if it cannot be forked now."""
    for name in start.preload:
        with contextlib.suppress(Exception):
            importlib.import_module(name)
    before = _threads()
    for name in start.extra:
        with contextlib.suppress(Exception):
            importlib.import_module(name)
    # What is in memory by now is never collected: a child's collector would
    # copy its pages just by looking.
    gc.collect()
    gc.freeze()
    return threading.active_count() == 1 and _threads() == before


def _threads() -> int:
    """Return how many threads there are, those of libraries in C, too."""
    try:
        return len(os.listdir("/proc/self/task"))
    except OSError:  # not Linux
        return 1


def _call(start: Start, connection: Connection) -> int:
    """Call the target, as a process would that was started for it."""
    import atexit

    atexit._clear()  # noqa: SLF001 - those are the server's
    random = sys.modules.get("numpy.random")
    if random is not None:
        random.seed()  # Python's own seeds itself
    module, _, name = start.target.partition(":")
    status = 1
    try:
        target: Callable[..., object] = getattr(importlib.import_module(module), name)
        target(connection, start.payload)
        status = 0
    except BaseException:  # noqa: BLE001 - shown, and then this process ends
        import traceback

        traceback.print_exc()
    finally:
        with contextlib.suppress(Exception):
            atexit._run_exitfuncs()  # noqa: SLF001 - os._exit() leaves them out
        for stream in (sys.stdout, sys.stderr):
            with contextlib.suppress(Exception):
                stream.flush()
    return status


def _kill(group: int) -> None:
    """Kill a child and what it started."""
    with contextlib.suppress(OSError):
        os.killpg(group, signal.SIGKILL)
    with contextlib.suppress(OSError):  # it may have no group yet
        os.kill(group, signal.SIGKILL)


def _do_nothing(_number: int, _frame: object) -> None:
    """Let a signal wake the selector."""


def _stop_waiting(_number: int, _frame: object) -> NoReturn:
    raise TimeoutError
