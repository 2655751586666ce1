"""Modules of the project run from the bytes that are fingerprinted."""

from __future__ import annotations

import importlib
import importlib.resources
import importlib.util
import inspect
import os
import pickle
import pkgutil
import py_compile
import subprocess
import sys
import textwrap
import traceback
import zipfile
from importlib.machinery import SourceFileLoader
from pathlib import Path

import pytest

from assetmake.code.imports import Bounds, Session


def write(root, files):
    """Write a project: text by path."""
    for path, text in files.items():
        file = root / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(textwrap.dedent(text), encoding="utf-8")
    return root


@pytest.fixture(autouse=True)
def same_modules():
    """Sessions leave modules behind on purpose; a test takes them away."""
    before = dict(sys.modules)
    yield
    for name in sys.modules.keys() - before.keys():
        del sys.modules[name]
    sys.modules.update(before)


def edit_within_the_second(file, text):
    """Let the file's cache look current: CPython compares second and size."""
    py_compile.compile(str(file), doraise=True)
    old = file.stat()
    file.write_text(text)
    assert file.stat().st_size == old.st_size
    os.utime(file, ns=(old.st_atime_ns, old.st_mtime_ns))


@pytest.mark.parametrize(
    ("path", "expression"),
    [
        ("utils.py", "__import__('utils').K"),
        ("pkg/__init__.py", "__import__('pkg').K"),
        ("pkg/sub.py", "__import__('pkg.sub').sub.K"),
        ("depot/deep/sub.py", "__import__('depot.deep.sub').deep.sub.K"),
        ("by_path.py", "by_path('by_path.py').K"),
    ],
)
def test_stale_cache_is_not_run(tmp_path, expression, path):
    """By whichever way a module is imported, today's bytes are what runs."""
    write(tmp_path, {"pkg/__init__.py": "K = 1\n", path: "K = 1\n"})
    edit_within_the_second(tmp_path / path, "K = 2\n")

    def by_path(name):
        spec = importlib.util.spec_from_file_location("loaded_by_path", tmp_path / name)
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        return module

    session = Session(tmp_path)
    with session.active():
        found = eval(expression, {"by_path": by_path})

    assert found == 2
    assert session.files[tmp_path / path] == b"K = 2\n"


def test_python_itself_runs_the_stale_cache(tmp_path):
    """The test above can fail: without a session the old code runs."""
    write(tmp_path, {"utils.py": "K = 1\n"})
    edit_within_the_second(tmp_path / "utils.py", "K = 2\n")

    code = "import utils; print(utils.K)"
    shown = subprocess.check_output([sys.executable, "-c", code], cwd=tmp_path)

    assert shown == b"1\n"


def test_no_cache_is_written(tmp_path, monkeypatch):
    """Not even where Python is told to write them."""
    monkeypatch.setattr(sys, "dont_write_bytecode", False)
    write(tmp_path, {"utils.py": "", "pkg/__init__.py": "", "pkg/sub.py": ""})

    with Session(tmp_path).active():
        importlib.import_module("utils")
        importlib.import_module("pkg.sub")

    assert not list(tmp_path.rglob("__pycache__"))


def test_each_file_is_read_once(tmp_path):
    """A reload and a second name run the bytes that were fingerprinted."""
    write(tmp_path, {"utils.py": "K = 1\n"})
    session = Session(tmp_path)

    with session.active():
        utils = importlib.import_module("utils")
        (tmp_path / "utils.py").write_text("K = 2\n")
        importlib.reload(utils)

    assert utils.K == 1
    assert session.files == {tmp_path / "utils.py": b"K = 1\n"}


def test_given_bytes_are_run_instead_of_the_file(tmp_path):
    """What was fingerprinted before the load is what the load runs."""
    write(tmp_path, {"utils.py": "K = 2\n"})

    session = Session(tmp_path, {tmp_path / "utils.py": b"K = 1\n"})
    with session.active():
        utils = importlib.import_module("utils")

    assert utils.K == 1


def test_next_session_runs_todays_bytes(tmp_path):
    """Modules of an earlier session are not taken over."""
    write(tmp_path, {"utils.py": "K = 1\n", "lazy.py": "import utils\n"})
    with Session(tmp_path).active():
        first = importlib.import_module("utils")
    (tmp_path / "utils.py").write_text("K = 2\n")

    with Session(tmp_path).active():
        second = importlib.import_module("utils")

    assert (first.K, second.K) == (1, 2)


def test_session_can_be_taken_up_again(tmp_path):
    """A build imports lazily what the load did not, beside what it did."""
    write(
        tmp_path,
        {
            "utils.py": "import sys\nsys.path.insert(0, 'lib')\nK = []\n",
            "lazy.py": "from utils import K\n",
        },
    )
    session = Session(tmp_path)
    with session.active():
        utils = importlib.import_module("utils")
    before = sys.path[:]

    with session.active():
        lazy = importlib.import_module("lazy")
        inside = sys.path[:]

    assert lazy.K is utils.K
    assert set(session.modules) >= {"utils", "lazy"}
    assert inside[:2] == ["lib", str(tmp_path)]
    assert sys.path == before


def test_module_that_was_just_written_is_found(tmp_path):
    """Python remembers what is in a directory until its time stamp changes."""
    before = tmp_path.stat()
    with pytest.raises(ModuleNotFoundError), Session(tmp_path).active():
        importlib.import_module("late")
    (tmp_path / "late.py").touch()
    os.utime(tmp_path, ns=(before.st_atime_ns, before.st_mtime_ns))

    with Session(tmp_path).active():
        importlib.import_module("late")


def test_nothing_is_left_of_the_machinery(tmp_path):
    """Import path and loaders are as before, also after an error."""
    write(tmp_path, {"broken.py": "1 / 0\n"})
    before = (sys.path[:], sys.meta_path[:], sys.path_hooks[:])

    with pytest.raises(ZeroDivisionError), Session(tmp_path).active():
        importlib.import_module("broken")

    assert (sys.path, sys.meta_path, sys.path_hooks) == before
    assert "get_code" not in vars(SourceFileLoader)
    assert "broken" not in sys.modules


def test_modules_of_the_surrounding_program_come_back(tmp_path, monkeypatch):
    """A notebook that imported a module keeps the one it has."""
    write(tmp_path, {"utils.py": "K = 1\n", "other/deep.py": ""})
    monkeypatch.syspath_prepend(tmp_path)
    mine = importlib.import_module("utils")
    namespace = importlib.import_module("other")

    with Session(tmp_path).active():
        theirs = importlib.import_module("utils")
        deep = importlib.import_module("other.deep")

    assert theirs is not mine
    assert sys.modules["utils"] is mine
    assert sys.modules["other"] is namespace
    assert sys.modules.get("other.deep") is not deep


def test_two_projects_do_not_mix(tmp_path):
    """Each finds its own modules, one after the other and one in the other."""
    for name in "ab":
        write(
            tmp_path / name,
            {
                "utils.py": f"NAME = {name!r}\n",
                "depot/deep.py": f"NAME = {name!r}\n",
                "later.py": "import depot.deep, utils\n",
            },
        )
    one, two = Session(tmp_path / "a"), Session(tmp_path / "b")

    with one.active():
        found = [importlib.import_module("utils").NAME]
        with two.active():
            found.append(importlib.import_module("utils").NAME)
            found.append(importlib.import_module("depot.deep").NAME)
        found.append(sys.modules["utils"].NAME)
        found.append(importlib.import_module("later").depot.deep.NAME)
    with two.active():
        found.append(importlib.import_module("later").utils.NAME)

    assert found == ["a", "b", "b", "a", "a", "b"]


def test_objects_of_project_classes_can_be_pickled_afterwards(tmp_path):
    """Their module stays importable until another session takes its place."""
    write(tmp_path, {"models.py": "class Model:\n    k = 1\n"})
    with Session(tmp_path).active():
        model = importlib.import_module("models").Model()

    copy = pickle.loads(pickle.dumps(model))

    assert type(copy) is type(model)


def test_discarded_session_leaves_no_module(tmp_path):
    """After a load that failed, an import begins anew."""
    write(tmp_path, {"utils.py": ""})
    session = Session(tmp_path)
    with session.active():
        importlib.import_module("utils")

    session.discard()

    assert "utils" not in sys.modules
    assert session.modules == {}


def test_source_and_tracebacks_show_what_runs(tmp_path):
    """Not what an editor wrote into the file meanwhile."""
    write(tmp_path, {"utils.py": "def f():\n    return 1 / 0\n"})
    with Session(tmp_path).active():
        utils = importlib.import_module("utils")
    (tmp_path / "utils.py").write_text("# moved\n\n\ndef f():\n    return 2\n")

    with pytest.raises(ZeroDivisionError) as caught:
        utils.f()

    assert inspect.getsource(utils.f) == "def f():\n    return 1 / 0\n"
    shown = "".join(traceback.format_exception(caught.value))
    assert "return 1 / 0" in shown


def test_lines_end_where_python_ends_them(tmp_path):
    """A form feed or a line separator in a text is no end of a line."""
    write(tmp_path, {"utils.py": "A = 'x\u2028y\x0c'\r\n\ndef f():\n    pass\n"})

    with Session(tmp_path).active():
        utils = importlib.import_module("utils")

    assert inspect.getsource(utils.f) == "def f():\n    pass\n"


def test_declared_encoding_is_honoured(tmp_path):
    """PEP 263; the recorded bytes are those of the file."""
    data = b"# -*- coding: latin-1 -*-\nNAME = 'caf\xe9'\n"
    (tmp_path / "utils.py").write_bytes(data)
    session = Session(tmp_path)

    with session.active():
        utils = importlib.import_module("utils")

    assert utils.NAME == "café"
    assert session.files[tmp_path / "utils.py"] == data


def test_packages_resources_and_archives_keep_working(tmp_path):
    """Everything but the bytes of modules is Python's own machinery."""
    write(
        tmp_path,
        {
            "pkg/__init__.py": "from .sub import up\n",
            "pkg/sub.py": "from . import data\nup = 'up'\n",
            "pkg/data/__init__.py": "",
            "pkg/data/cfg.json": "{}",
        },
    )
    with zipfile.ZipFile(tmp_path / "lib.zip", "w") as archive:
        archive.writestr("zipped.py", "K = 3\n")
    session = Session(tmp_path)

    with session.active():
        sys.path.append(str(tmp_path / "lib.zip"))
        pkg = importlib.import_module("pkg")
        zipped = importlib.import_module("zipped")
        text = importlib.resources.files("pkg.data").joinpath("cfg.json").read_text()
        data = pkgutil.get_data("pkg", "data/cfg.json")
        names = [module.name for module in pkgutil.iter_modules(pkg.__path__)]

    assert (pkg.up, zipped.K, text, data) == ("up", 3, "{}", b"{}")
    assert names == ["data", "sub"]
    assert {path.name for path in session.files} == {"__init__.py", "sub.py"}


def test_editable_installs_are_recorded_and_installed_packages_are_not(tmp_path):
    """However the install is found: here by a finder of its own, as PEP 660 does."""
    write(
        tmp_path,
        {
            "project/main.py": "import mine, theirs\n",
            "elsewhere/mine/__init__.py": "from mine import sub\n",
            "elsewhere/mine/sub.py": "",
            "lib/site-packages/theirs.py": "",
        },
    )
    top = tmp_path / "elsewhere" / "mine" / "__init__.py"

    class Finder:
        @staticmethod
        def find_spec(name, _path=None, _of=None):
            if name != "mine":
                return None
            return importlib.util.spec_from_file_location(name, top)

    session = Session(tmp_path / "project")
    sys.meta_path.append(Finder)
    try:
        with session.active():
            sys.path.append(str(tmp_path / "lib" / "site-packages"))
            importlib.import_module("main")
    finally:
        sys.meta_path.remove(Finder)

    assert sorted(path.relative_to(tmp_path).as_posix() for path in session.files) == [
        "elsewhere/mine/__init__.py",
        "elsewhere/mine/sub.py",
        "project/main.py",
    ]


def test_null_byte_is_a_syntax_error_with_its_place(tmp_path):
    """Python 3.11 raises a ValueError that names neither file nor line."""
    (tmp_path / "utils.py").write_bytes(b"a = 1\nb = '\0'\n")

    with pytest.raises(SyntaxError) as caught, Session(tmp_path).active():
        importlib.import_module("utils")

    assert (caught.value.filename, caught.value.lineno) == (
        str(tmp_path / "utils.py"),
        2,
    )


PACKAGE = Path(importlib.import_module("assetmake").__file__).parent


@pytest.mark.parametrize(
    ("file", "is_ours"),
    [
        ("/srv/project/Assetfile.py", True),
        ("/srv/project/pkg/deep/mod.py", True),
        ("/srv/projects/mod.py", True),  # outside: an editable install
        ("/srv/project/.venv/lib/python3.12/site-packages/x/y.py", False),
        ("/usr/lib/python3/dist-packages/x.py", False),
        (os.__file__, False),
        (inspect.__file__, False),
        (pytest.__file__, False),
        (str(PACKAGE / "assets.py"), False),
        ("/opt/spark/python/pyspark/sql.py", False),
        ("<string>", False),
        ("<frozen importlib._bootstrap>", False),
        ("relative.py", False),
    ],
)
def test_what_is_the_projects_code(monkeypatch, file, is_ours):
    """Its own files and editable installs; never assetmake or what is installed."""
    monkeypatch.setenv("SPARK_HOME", "/opt/spark")

    assert Bounds(Path("/srv/project")).owns(file) is is_ours


@pytest.mark.parametrize("root", ["/", os.path.dirname(os.path.dirname(os.__file__))])
def test_standard_library_below_the_project_is_not_its_code(root):
    """A project in a container's ``/`` does not own Python."""
    assert not Bounds(Path(root)).owns(os.__file__)


@pytest.mark.slow
@pytest.mark.parametrize("imported", ["before", "during"])
@pytest.mark.parametrize("name", ["cloudpickle", "pyspark.cloudpickle"])
def test_cloudpickle_sends_functions_with_their_code(tmp_path, name, imported):
    """A process that cannot import the module runs them all the same."""
    pytest.importorskip(name)
    write(
        tmp_path,
        {
            "utils.py": "K = 2\ndef helper(x):\n    return x * K\n",
            "main.py": """\
                import utils
                from utils import helper
                def f(x):
                    return helper(x) + utils.K
            """,
        },
    )
    send = f"""if True:
        import importlib, sys
        from pathlib import Path
        from assetmake.code.imports import Session
        if {imported == "before"}:
            importlib.import_module({name!r})
        session = Session(Path({str(tmp_path)!r}))
        with session.active():
            f = importlib.import_module("main").f
        with session.active():
            pickler = importlib.import_module({name!r})
            import this_is_imported_after_it
            sys.stdout.buffer.write(pickler.dumps(f))
        assert not pickler.list_registry_pickle_by_value()
    """
    after = write(tmp_path / "lib/site-packages", {"this_is_imported_after_it.py": ""})
    environment = {**os.environ, "PYTHONPATH": str(after)}

    sent = subprocess.check_output([sys.executable, "-c", send], env=environment)
    receive = "import pickle, sys; print(pickle.load(sys.stdin.buffer)(5))"
    shown = subprocess.check_output([sys.executable, "-c", receive], input=sent)

    assert shown == b"12\n"
