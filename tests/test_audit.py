"""A watch sees the files that are read and the project's code that runs."""

from __future__ import annotations

import contextlib
import contextvars
import glob
import importlib
import json
import linecache
import multiprocessing
import os
import pickle
import pkgutil
import sqlite3
import subprocess
import sys
import threading
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from pathlib import Path

import pytest

from assetmake.assetfile.load import importing, load
from assetmake.code import audit
from assetmake.code.audit import unwatched, watch
from assetmake.code.imports import Session

SEES_CALLS = sys.version_info >= (3, 12)


@pytest.fixture
def root(tmp_path):
    """A project with some files, and a directory outside of it."""
    for path, text in {
        "cfg.json": "{}",
        "sub/a.txt": "a",
        "sub/b.txt": "b",
        "store/t/part-00000.csv": "x",
        ".git/HEAD": "x",
        ".venv/lib/python3.12/site-packages/lib.json": "{}",
        "tool.py": "print(1)",
    }.items():
        file = tmp_path / "project" / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
    (tmp_path / "outside.txt").write_text("x")
    return tmp_path / "project"


@pytest.fixture(autouse=True)
def same_modules():
    """Sessions leave modules behind on purpose; a test takes them away."""
    before = dict(sys.modules)
    yield
    for name in sys.modules.keys() - before.keys():
        del sys.modules[name]
    sys.modules.update(before)


def relative(root, paths):
    """Return paths as text, relative to the project."""
    return {path.relative_to(root).as_posix() for path in paths}


def by_pandas(path):
    import pandas as pd

    return pd.read_csv(path, header=None)


def by_descriptor(path):
    os.close(os.open(path, os.O_RDONLY))


@pytest.mark.parametrize(
    "read",
    [
        lambda path: path.read_text(),
        lambda path: open(str(path)).close(),
        lambda path: open(os.fsencode(path), "rb").close(),
        lambda path: open(path, "r+").close(),
        lambda path: json.load(path.open()) if path.suffix == ".json" else None,
        by_descriptor,
        by_pandas,
    ],
)
@pytest.mark.filterwarnings("ignore::ResourceWarning")
def test_read_file_is_seen(root, read):
    """By whatever call of Python it is opened."""
    with watch(root) as seen:
        read(root / "cfg.json")

    assert relative(root, seen.files) == {"cfg.json"}


def test_relative_paths_are_those_of_the_moment(root, monkeypatch):
    """A program may change its directory."""
    with watch(root) as seen:
        monkeypatch.chdir(root)
        Path("cfg.json").read_text()
        monkeypatch.chdir("sub")
        Path("../sub/./a.txt").read_text()

    assert relative(root, seen.files) == {"cfg.json", "sub/a.txt"}


def test_links_to_the_project_are_the_project(root, tmp_path, monkeypatch):
    """A temporary directory of macOS is such a link; the root is as given."""
    link = tmp_path / "link"
    link.symlink_to(root)

    with watch(link) as seen:
        monkeypatch.chdir(link)
        open("cfg.json").close()  # the working directory has no links in it
        (link / "sub/a.txt").read_text()

    assert relative(link, seen.files) == {"cfg.json", "sub/a.txt"}


@pytest.mark.parametrize(
    "path",
    [
        "../outside.txt",
        ".git/HEAD",
        ".venv/lib/python3.12/site-packages/lib.json",
        "store/t/part-00000.csv",
        "sub/a.txt",
    ],
)
def test_what_is_outside_or_known_is_not_seen(root, path):
    """Ignored are the store, declared files, and what is no input anywhere."""
    with watch(root, ignore=[root / "store", root / "sub/a.txt"]) as seen:
        (root / path).read_text()

    assert seen.files == set()


def test_what_is_only_written_is_no_input(root):
    """Nor is what the asset reads again of its own."""
    with watch(root) as seen:
        (root / "new.txt").write_text("x")
        (root / "new.txt").read_text()
        with open(root / "log.txt", "a"), open(root / "cfg.json", "w+"):
            pass
        (root / "part").write_text("x")
        (root / "part").rename(root / "moved")
        (root / "moved").read_text()

    assert seen.files == set()
    assert seen.absent == set()


def test_what_is_read_before_it_is_written_is_an_input(root):
    """A file that is edited in place, for one."""
    with watch(root) as seen:
        text = (root / "cfg.json").read_text()
        (root / "cfg.json").write_text(text)

    assert relative(root, seen.files) == {"cfg.json"}


def test_file_that_is_not_there_is_told_apart(root):
    """If it appears, the result may be another; what was made meanwhile is not."""
    with watch(root) as seen:
        for name in ("local.json", "cache.json"):
            with contextlib.suppress(FileNotFoundError):
                (root / name).read_text()
        (root / "cache.json").write_text("{}")

    assert relative(root, seen.absent) == {"local.json"}
    assert seen.files == set()


@pytest.mark.parametrize(
    "look",
    [
        os.listdir,
        lambda path: list(os.scandir(path)),
        lambda path: glob.glob(f"{path}/*.txt"),
        lambda path: list(path.glob("*.txt")),
        lambda path: list(os.walk(path)),
        lambda path: list(pkgutil.iter_modules([str(path)])),
    ],
)
def test_listed_directory_is_seen(root, look):
    """A file that appears there may change the result."""
    with watch(root) as seen:
        look(root / "sub")

    assert relative(root, seen.directories) == {"sub"}


def test_looking_for_modules_is_no_listing(root):
    """Each import lists the directories of the import path."""
    (root / "utils.py").touch()

    with Session(root).active(), watch(root) as seen:
        importlib.import_module("utils")
        importlib.import_module("importlib.metadata").version("pytest")

    assert seen.directories == set()


def test_database_file_is_seen(root):
    """SQLite opens it by itself."""
    sqlite3.connect(root / "base.db").close()

    with watch(root) as seen:
        sqlite3.connect(root / "base.db").close()
        sqlite3.connect(":memory:").close()

    assert relative(root, seen.files) == {"base.db"}


@pytest.mark.parametrize(
    ("uri", "file"),
    [
        ("file:base.db?mode=ro", "base.db"),
        ("file:my%20base.db#x", "my base.db"),
        ("file://{root}/base.db?immutable=1", "base.db"),
        ("file:base.db?mode=memory", None),
        ("file::memory:?cache=shared", None),
    ],
)
def test_database_that_a_uri_names_is_seen(root, monkeypatch, uri, file):
    monkeypatch.chdir(root)
    for name in ("base.db", "my base.db"):
        (root / name).touch()

    with watch(root) as seen:
        sqlite3.connect(uri.format(root=root), uri=True).close()

    assert relative(root, seen.files) == ({file} if file else set())
    assert relative(root, seen.absent) == ({f"{file}-wal"} if file else set())


def test_last_changes_of_a_database_are_seen(root):
    """They are in a file beside it, as long as somebody has it open."""
    with contextlib.closing(sqlite3.connect(root / "base.db")) as writer:
        writer.execute("pragma journal_mode=wal")
        writer.execute("create table t as select 1 as a")
        with watch(root) as seen:
            sqlite3.connect(root / "base.db").close()

    assert relative(root, seen.files) == {"base.db", "base.db-wal"}


@pytest.mark.parametrize("option", ["--in=", "if=", "-i="])
def test_file_in_an_option_of_a_program_is_seen(root, option):
    """Not the one that it writes."""
    code = [sys.executable, "-c", "pass"]
    with watch(root) as seen:
        subprocess.run([*code, f"{option}{root / 'cfg.json'}"], check=True)
        subprocess.run([*code, f"--out={root / 'tool.py'}"], check=True)
        subprocess.run([*code, f"of={root / 'tool.py'}"], check=True)

    assert relative(root, seen.files) == {"cfg.json"}


def run_list(root):
    subprocess.run([sys.executable, str(root / "tool.py")], check=True)


def run_relative(root):
    subprocess.run([sys.executable, "tool.py"], cwd=root, check=True)


def run_shell(root):
    subprocess.run(f"{sys.executable} '{root}/tool.py'", shell=True, check=True)


def run_system(root):
    assert os.system(f"{sys.executable} {root}/tool.py") == 0


@pytest.mark.parametrize("run", [run_list, run_relative, run_shell, run_system])
def test_script_run_as_a_program_is_seen(root, run):
    """What it reads is not."""
    with watch(root) as seen:
        run(root)

    assert relative(root, seen.files) == {"tool.py"}


def test_link_to_what_is_not_there_was_looked_for(root):
    (root / "later.json").symlink_to("target.json")
    with watch(root) as seen, contextlib.suppress(OSError):
        (root / "later.json").read_text()

    assert relative(root, seen.absent) == {"later.json"}


def by_fork(root):
    """What a child reads, lists and looks for before it ends at once."""
    child = os.fork()
    if not child:
        (root / "cfg.json").read_text()
        os.listdir(root / "sub")
        with contextlib.suppress(OSError):
            (root / "nix").read_text()
        os._exit(0)
    os.waitpid(child, 0)


def by_pool(root):
    context = multiprocessing.get_context("fork")
    with ProcessPoolExecutor(2, mp_context=context) as pool:
        texts = pool.map(Path.read_text, [root / "cfg.json", root / "sub/a.txt"])
        assert list(texts) == ["{}", "a"]


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system does not fork")
@pytest.mark.filterwarnings("ignore:.*use of fork:DeprecationWarning")
def test_forked_processes_are_seen(root):
    """Each watch hears of what happened in it, and of nothing else."""
    with watch(root) as first:
        by_fork(root)
        with watch(root) as inner:
            by_pool(root)
    with watch(root) as later:
        pass

    assert relative(root, inner.files) == {"cfg.json", "sub/a.txt"}
    assert relative(root, first.files) == {"cfg.json", "sub/a.txt"}
    assert relative(root, first.absent) == {"nix"}
    assert relative(root, first.directories) == {"sub"}
    assert not later.files


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system does not fork")
@pytest.mark.filterwarnings("ignore:.*use of fork:DeprecationWarning")
def test_forks_leave_no_file_open(root):
    before = set(os.listdir("/dev/fd"))
    with watch(root):
        by_fork(root)

    assert set(os.listdir("/dev/fd")) == before


def test_reading_code_to_run_or_show_it_is_no_reading_of_a_file(root):
    """Code has fingerprints of its own."""
    (root / "utils.py").write_text("K = 1\n")
    (root / "shown.py").write_text("K = 1\n")

    with Session(root).active(), watch(root) as seen:
        importlib.import_module("utils")
        linecache.getlines(str(root / "shown.py"))

    assert seen.files == set()


def test_code_that_is_read_as_data_is_seen(root):
    """As by `exec` of what a file holds; and so are data files of packages."""
    package = root / "pkg"
    package.mkdir()
    (package / "__init__.py").touch()
    (package / "data.py").write_text("[]")
    (package / "data.json").write_text("{}")

    with Session(root).active(), watch(root) as seen:
        exec((root / "tool.py").read_text(), {})
        pkgutil.get_data("pkg", "data.json")

    assert relative(root, seen.files) == {"tool.py", "pkg/data.json"}


CODE = """
def top():
    return inner()

def inner():
    return [each for each in map(lambda k: k, range(2))]

def not_called():
    pass

class Box:
    @property
    def value(self):
        yield 1
"""


def test_code_that_runs_is_seen(root):
    """Each function and module of the project, by place and qualified name."""
    (root / "utils.py").write_text(CODE)
    with Session(root).active():
        utils = importlib.import_module("utils")
        (root / "lazy.py").write_text("K = 1\n")

        with watch(root) as seen:
            utils.top()
            list(utils.Box().value)
            importlib.import_module("lazy")
            json.dumps([1])

    found = {(Path(file).name, name, line) for file, name, line in seen.code}
    functions = {
        ("utils.py", "top", 2),
        ("utils.py", "inner", 5),
        ("utils.py", "inner.<locals>.<lambda>", 6),
        ("utils.py", "Box.value", 12),
    }
    # A comprehension is a function of its own up to Python 3.11.
    assert found == {("lazy.py", "<module>", 1), *(functions if SEES_CALLS else ())}


@pytest.mark.skipif(not SEES_CALLS, reason="calls are seen from Python 3.12 on")
def test_each_watch_sees_code_that_ran_before(root):
    """What one watch has seen is news to the next."""
    (root / "utils.py").write_text(CODE)
    with Session(root).active():
        utils = importlib.import_module("utils")
        names = []
        for _ in range(3):
            with watch(root) as seen:
                utils.inner()
            names.append({name for _, name, _ in seen.code})

    assert names == [{"inner", "inner.<locals>.<lambda>"}] * 3


def test_nested_watch_is_seen_by_the_outer_one(root):
    """An asset that builds another project counts as having read it."""
    with watch(root) as outer:
        (root / "cfg.json").read_text()
        with watch(root) as inner:
            (root / "sub/a.txt").read_text()
        (root / "sub/b.txt").read_text()

    assert relative(root, inner.files) == {"sub/a.txt"}
    assert relative(root, outer.files) == {"cfg.json", "sub/a.txt", "sub/b.txt"}


def test_threads_are_told_apart(root):
    """Two assets that run at once do not see each other's files and code."""
    (root / "utils.py").write_text("def one(): pass\ndef two(): pass\n")
    barrier = threading.Barrier(2, timeout=10)

    def run(file, function):
        with watch(root) as seen:
            barrier.wait()
            (root / file).read_text()
            function()
            barrier.wait()
        names = {name for file, name, _ in seen.code if file.endswith("utils.py")}
        return relative(root, seen.files), names

    with Session(root).active(), ThreadPoolExecutor(2) as pool:
        utils = importlib.import_module("utils")
        runs = [
            pool.submit(run, "sub/a.txt", utils.one),
            pool.submit(run, "sub/b.txt", utils.two),
        ]
        found = [run.result() for run in runs]

    assert found == [
        ({"sub/a.txt"}, {"one"} if SEES_CALLS else set()),
        ({"sub/b.txt"}, {"two"} if SEES_CALLS else set()),
    ]


def test_thread_that_nobody_claims_counts_for_every_watch(root):
    """An asset's own threads carry no sign of whose they are."""
    with watch(root) as one, ThreadPoolExecutor(1) as pool:
        pool.submit((root / "cfg.json").read_text).result()

    assert relative(root, one.files) == {"cfg.json"}


def test_thread_that_outlives_its_watch_counts_for_those_that_are_active(root):
    """A pool of a library may have been started by another asset."""
    begin, over = threading.Event(), threading.Event()

    def read_later():
        with watch(root):
            pass
        begin.wait(10)
        (root / "cfg.json").read_text()
        over.set()

    with watch(root):
        context = contextvars.copy_context()
    thread = threading.Thread(target=context.run, args=(read_later,))
    thread.start()
    with watch(root) as seen:
        begin.set()
        assert over.wait(10)
    thread.join()

    assert relative(root, seen.files) == {"cfg.json"}


def test_machinery_can_keep_out(root):
    """The build itself reads sources while assets run in other threads."""
    done = threading.Event()

    def engine():
        with unwatched():
            (root / "cfg.json").read_text()
        done.set()

    with watch(root) as seen:
        thread = threading.Thread(target=engine)
        thread.start()
        assert done.wait(10)
        thread.join()
        with unwatched():
            (root / "sub/a.txt").read_text()

    assert seen.files == set()


def test_nothing_is_seen_when_no_watch_is_active(root):
    """And no tool of `sys.monitoring` is left behind."""
    with watch(root) as seen:
        pass
    (root / "cfg.json").read_text()

    assert seen.files == set()
    if SEES_CALLS:
        assert [sys.monitoring.get_tool(number) for number in (3, 4)] == [None, None]


@pytest.mark.skipif(not SEES_CALLS, reason="sys.monitoring is of Python 3.12")
def test_taken_monitoring_tools_leave_what_imports_tell(root):
    """Another tool may have both places; then modules must do."""
    (root / "lazy.py").write_text("def f(): pass\nf()\n")
    for number in (3, 4):
        sys.monitoring.use_tool_id(number, "another")
    try:
        with Session(root).active(), watch(root) as seen:
            importlib.import_module("lazy")
    finally:
        for number in (3, 4):
            sys.monitoring.free_tool_id(number)

    assert {name for _, name, _ in seen.code} == {"<module>"}


def test_what_is_seen_can_cross_processes(root):
    """A worker sends it back to the build."""
    with watch(root) as seen:
        (root / "cfg.json").read_text()

    assert pickle.loads(pickle.dumps(seen)) == seen


def test_odd_arguments_break_nothing(root):
    """An error in an audit hook would break what the user's code does."""
    with watch(root) as seen:
        for event, args in {
            "open": (b"\xff\0", None),
            "os.listdir": (None,),
            "os.rename": (1, 2, 3, 4),
            "subprocess.Popen": (None, None, 7, None),
            "os.system": (object(),),
            "sqlite3.connect": (None,),
            "import": ("x", None, None, None, None),
        }.items():
            sys.audit(event, *args)

    assert seen.files == set()


def test_files_read_by_the_load_are_seen(tmp_path):
    """A table of constants that is read when the Assetfile is imported."""
    (tmp_path / "cfg.json").write_text('{"k": 1}')
    (tmp_path / "Assetfile.py").write_text(
        "import json\n"
        "from pathlib import Path\n"
        "CFG = json.loads((Path(__file__).parent / 'cfg.json').read_text())\n"
    )

    with watch(tmp_path) as seen:
        loaded = load(tmp_path / "Assetfile.py", tmp_path)

    assert loaded.modules["Assetfile"].CFG == {"k": 1}
    assert relative(tmp_path, seen.files) == {"cfg.json"}


def test_module_imported_by_an_asset_is_seen(tmp_path):
    """By a name that no reading of the source could tell."""
    (tmp_path / "utils.py").write_text("def clean(x):\n    return x + 1\n")
    (tmp_path / "Assetfile.py").write_text(
        "from importlib import import_module\n"
        "from assetmake import asset\n"
        "@asset\n"
        "def one():\n"
        "    return import_module('ut' + 'ils').clean(0)\n"
    )
    loaded = load(tmp_path / "Assetfile.py", tmp_path)

    with importing(loaded), watch(tmp_path) as seen:
        assert loaded.assets[0].function() == 1

    found = {(Path(file).name, name) for file, name, _ in seen.code}
    calls = {("utils.py", "clean"), ("Assetfile.py", "one")}
    assert found == {("utils.py", "<module>"), *(calls if SEES_CALLS else ())}


@pytest.mark.skipif(not SEES_CALLS, reason="calls are seen from Python 3.12 on")
@pytest.mark.parametrize(("watches", "most"), [(1, 1), (2, 100)])
def test_calls_in_a_tight_loop_cost_nothing(root, monkeypatch, watches, most):
    """The interpreter stops for the first calls of a function, not for the rest."""
    (root / "utils.py").write_text(
        "def add(x): return x + 1\ndef loop(n):\n    for _ in range(n): add(1)\n"
    )
    stops = []
    on_start = audit._on_start

    def counted(code, offset):
        stops.append(code.co_qualname)
        return on_start(code, offset)

    monkeypatch.setattr(audit, "_on_start", counted)
    monkeypatch.setattr(audit, "_MOST_REPEATS", 100)
    begun, over = threading.Barrier(2, timeout=10), threading.Event()

    def watch_elsewhere():
        with watch(root) as seen:
            begun.wait()
            over.wait(10)
        return seen

    with Session(root).active(), ThreadPoolExecutor(1) as pool:
        utils = importlib.import_module("utils")
        if watches == 2:
            other = pool.submit(watch_elsewhere)
            begun.wait()
        with watch(root) as seen:
            utils.loop(1000)
        over.set()
        found = [seen, other.result()] if watches == 2 else [seen]

    assert stops.count("add") == most
    # When that is too many, the function counts for whoever might have called it.
    for each in found:
        assert "add" in {name for _, name, _ in each.code}
