"""An Assetfile is found, run in a fresh module, and its assets collected."""

from __future__ import annotations

import os
import pickle
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from assetmake.assetfile.find import find_assetfile
from assetmake.assetfile.load import importing, load
from assetmake.assets import resolve
from assetmake.errors import DefinitionError, LoadError

HEAD = "from assetmake import asset, include, source\n"


def write(root, files):
    """Write a project: text by path."""
    for path, text in files.items():
        file = root / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(textwrap.dedent(text), encoding="utf-8")
    return root


def load_text(root, text, **others):
    """Write and load an Assetfile; keywords are modules beside it."""
    files = {f"{name}.py": code for name, code in others.items()}
    write(root, {"Assetfile.py": HEAD + textwrap.dedent(text), **files})
    return load(root / "Assetfile.py", root)


@pytest.fixture(autouse=True)
def same_modules():
    """A load leaves modules behind on purpose; a test takes them away."""
    before = dict(sys.modules)
    yield
    for name in sys.modules.keys() - before.keys():
        del sys.modules[name]
    sys.modules.update(before)


def test_assetfile_is_found_from_below(tmp_path):
    """The nearest one counts."""
    write(tmp_path, {"Assetfile.py": "", "a/Assetfile.py": "", "a/b/c/x.txt": ""})

    assert find_assetfile(tmp_path / "a/b/c") == tmp_path / "a/Assetfile.py"
    assert find_assetfile(tmp_path) == tmp_path / "Assetfile.py"


def test_assetfile_can_have_any_name(tmp_path):
    """`-f` is relative to where the search would begin."""
    write(tmp_path, {"other/build.txt": ""})

    found = find_assetfile(tmp_path / "other", "build.txt")

    assert found == tmp_path / "other/build.txt"
    assert find_assetfile(tmp_path, found) == found


def test_missing_assetfile_is_an_error_that_says_where_it_looked(tmp_path):
    """With the option that writes one."""
    with pytest.raises(LoadError) as caught:
        find_assetfile(tmp_path)
    with pytest.raises(LoadError, match=r"there is no file .*nothing"):
        find_assetfile(tmp_path, "nothing")

    assert str(caught.value) == (
        f"no Assetfile.py in {tmp_path}, nor in a directory above it"
    )
    assert caught.value.hints == ("`assetmake --init` writes one to start from",)


def test_what_is_defined_comes_in_order(tmp_path):
    """Assets of imported modules, loops and factories are all found."""
    loaded = load_text(
        tmp_path,
        """
        raw = source("raw", path="raw.csv")
        from daily import highs, raw as again

        @asset
        def report(highs): ...

        def make(region, k):
            def f(raw):
                return raw * k
            return f

        for region, k in [("eu", 1), ("us", 2)]:
            asset(name=region)(make(region, k))
        """,
        daily=HEAD
        + 'raw = source("raw", path="raw.csv")\n@asset\ndef highs(raw): ...\n',
    )

    assert [item.name for item in loaded.assets] == ["highs", "report", "eu", "us"]
    assert [item.name for item in loaded.sources] == ["raw"]
    assert loaded.assets[3].function(raw=5) == 10
    assert loaded.assets[0].registered.file == str(tmp_path / "daily.py")


def test_bytes_and_modules_of_the_project_are_told(tmp_path):
    """Those of installed packages are not."""
    loaded = load_text(tmp_path, "import json, utils\n", utils="K = 1\n")

    assert set(loaded.files) == {tmp_path / "Assetfile.py", tmp_path / "utils.py"}
    assert loaded.files[tmp_path / "utils.py"] == b"K = 1\n"
    assert set(loaded.modules) == {"Assetfile", "utils"}


def test_module_is_called_assetfile_whatever_its_file(tmp_path):
    """Its file is absolute, and it is not the main module."""
    write(
        tmp_path,
        {
            "build.assets": """\
                from assetmake import asset
                HERE = (__name__, __file__)
                assert __name__ != "__main__"
                @asset
                def one(): ...
            """
        },
    )

    loaded = load(tmp_path / "build.assets", tmp_path)

    module = loaded.modules["Assetfile"]
    assert tuple(module.HERE) == ("Assetfile", str(tmp_path / "build.assets"))
    assert [item.name for item in loaded.assets] == ["one"]


def test_assetfile_that_defines_nothing_is_loaded(tmp_path):
    """Whether that is an error is for others to say."""
    loaded = load_text(tmp_path, "")

    assert (loaded.assets, loaded.sources) == ((), ())


def test_working_directory_stays_and_prints_go_to_stderr(tmp_path, monkeypatch, capsys):
    """Stdout is for results."""
    (tmp_path / "sub").mkdir()
    monkeypatch.chdir(tmp_path / "sub")

    load_text(tmp_path, "import os\nprint(os.path.basename(os.getcwd()))\n")

    printed = capsys.readouterr()
    assert (printed.out, printed.err) == ("", "sub\n")


def test_second_load_runs_todays_code(tmp_path):
    """Also of modules that the Assetfile imports."""
    first = load_text(tmp_path, "from utils import K\n", utils="K = 1\n")
    (tmp_path / "utils.py").write_text("K = 2\n")

    second = load(tmp_path / "Assetfile.py", tmp_path)

    assert first.modules["Assetfile"].K == 1
    assert second.modules["Assetfile"].K == 2


def test_given_bytes_are_loaded(tmp_path):
    """The Assetfile itself included."""
    write(tmp_path, {"Assetfile.py": "K = 2\n"})
    path = tmp_path / "Assetfile.py"

    loaded = load(path, tmp_path, files={path: b"K = 1\n"})

    assert loaded.modules["Assetfile"].K == 1


def test_import_during_a_build_belongs_to_the_load(tmp_path):
    """A module that a function imports lazily comes from the same project."""
    loaded = load_text(
        tmp_path,
        """
        @asset
        def one():
            import lazy
            return lazy.K
        """,
        lazy="K = 1\n",
    )
    assert tmp_path / "lazy.py" not in loaded.files

    with importing(loaded):
        value = loaded.assets[0].function()

    assert value == 1
    assert loaded.files[tmp_path / "lazy.py"] == b"K = 1\n"


def test_two_projects_in_one_process_do_not_mix(tmp_path):
    """Their Assetfiles and modules have the same names."""
    code = """
    from utils import NAME
    @asset
    def name():
        import lazy
        return NAME + lazy.NAME
    """
    loads = [
        load_text(
            tmp_path / name,
            code,
            utils=f"NAME = {name!r}\n",
            lazy=f"NAME = {name!r}\n",
        )
        for name in "ab"
    ]

    found = []
    for loaded in (*loads, *loads):
        with importing(loaded):
            found.append(loaded.assets[0].function())

    assert found == ["aa", "bb", "aa", "bb"]


MODEL = """
    from dataclasses import dataclass

    @dataclass
    class Model:
        slope: float

    @asset
    def model() -> Model:
        return Model(0.5)
"""


def test_objects_of_its_classes_cross_processes(tmp_path):
    """By pickle's own means, between processes that load the same project."""
    loaded = load_text(tmp_path, MODEL)
    with importing(loaded):
        data = pickle.dumps(loaded.assets[0].function(), protocol=5)
    code = """if True:
        import pickle, sys
        from pathlib import Path
        from assetmake.assetfile.load import importing, load
        root = Path(sys.argv[1])
        with importing(load(root / "Assetfile.py", root)):
            print(pickle.load(sys.stdin.buffer))
    """

    shown = subprocess.check_output([sys.executable, "-c", code, tmp_path], input=data)

    assert shown == b"Model(slope=0.5)\n"
    assert pickle.loads(data) == loaded.modules["Assetfile"].Model(0.5)


def test_included_assetfiles_are_loaded_once(tmp_path):
    """In a circle, too; each finds the modules beside it."""
    write(
        tmp_path,
        {
            "a/Assetfile.py": HEAD
            + """
include("../b")
include("../Assetfile.py")
import beside

@asset
def of_a(): ...
""",
            "a/beside.py": "",
            "b/Assetfile.py": HEAD + "include('../a')\n@asset\ndef of_b(): ...\n",
        },
    )

    loaded = load_text(
        tmp_path,
        """
        include("a/Assetfile.py")
        from a.Assetfile import of_a

        @asset
        def of_root(of_a): ...
        """,
    )

    assert [item.name for item in loaded.assets] == ["of_b", "of_a", "of_root"]
    assert set(loaded.modules) >= {"a.Assetfile", "b.Assetfile", "beside"}


def test_assetfile_outside_of_the_project_can_be_included(tmp_path):
    """It has no name by which it could be imported, and gets one."""
    write(tmp_path, {"shared/Assetfile.py": HEAD + "@asset\ndef far(): ...\n"})

    loaded = load_text(tmp_path / "project", 'include("../shared")\n' * 2)

    assert [item.name for item in loaded.assets] == ["far"]
    assert "Assetfile____shared_Assetfile_py" in loaded.modules


def test_same_file_under_two_names_defines_its_assets_once(tmp_path):
    """A script's directory on the import path makes two modules of one file."""
    loaded = load_text(
        tmp_path,
        """
        import sys
        sys.path.insert(0, __file__.replace("Assetfile.py", "pkg"))
        import pkg.daily
        import daily
        """,
        **{"pkg/daily": HEAD + "@asset\ndef one(): ...\n"},
    )

    assert [item.name for item in loaded.assets] == ["one"]


@pytest.mark.parametrize("error", ["KeyboardInterrupt", "GeneratorExit"])
def test_interrupt_passes(tmp_path, error):
    """It is no fault of the Assetfile; nothing stays behind."""
    kind = {"KeyboardInterrupt": KeyboardInterrupt, "GeneratorExit": GeneratorExit}

    with pytest.raises(kind[error]):
        load_text(tmp_path, f"raise {error}\n")

    assert "Assetfile" not in sys.modules


def test_error_in_a_word_passes_as_it_is(tmp_path):
    """It shows its own place already."""
    with pytest.raises(DefinitionError) as caught:
        load_text(tmp_path, "\n@asset(coloumns=['a'])\ndef one(): ...\n")

    assert str(caught.value).splitlines()[:2] == [
        "`asset` has no option `coloumns`",
        " --> Assetfile.py:3",
    ]


def test_failed_load_leaves_nothing_behind(tmp_path):
    """The next one begins anew."""
    before = (sys.path[:], sys.stdout)
    with pytest.raises(LoadError):
        load_text(tmp_path, "import utils\n1 / 0\n", utils="K = 1\n")
    assert {"Assetfile", "utils"}.isdisjoint(sys.modules)

    loaded = load_text(tmp_path, "import utils\n", utils="K = 2\n")

    assert loaded.modules["utils"].K == 2
    assert (sys.path, sys.stdout) == before


def test_load_is_independent_of_how_the_path_is_written(tmp_path, monkeypatch):
    """Places and files are absolute."""
    monkeypatch.chdir(tmp_path)
    load_text(tmp_path, "@asset\ndef one(): ...\n")

    loaded = load(Path("Assetfile.py"), Path())

    assert loaded.path == tmp_path / "Assetfile.py"
    assert loaded.assets[0].place.file == str(tmp_path / "Assetfile.py")


def test_thousand_assets_in_a_chain_are_resolved(tmp_path):
    """Recording an asset is cheap beside what Python does to define it."""
    chain = "".join(f"@asset\ndef a{i}(a{i - 1}, k={i}): ...\n" for i in range(1, 1000))

    loaded = load_text(tmp_path, "@asset\ndef a0(): ...\n" + chain)
    known = {item.name for item in loaded.assets}
    resolved = [resolve(item, known) for item in loaded.assets]

    assert [len(item.inputs) for item in resolved] == [0, *([1] * 999)]
    assert resolved[-1].settings == {"k": 999}


@pytest.mark.spark
@pytest.mark.slow
def test_spark_workers_run_functions_of_the_assetfile(tmp_path):
    """They cannot import it: the functions travel with their code."""
    pytest.importorskip("pyspark")
    write(
        tmp_path,
        {
            "utils.py": "K = 2\ndef helper(x):\n    return x * K\n",
            "Assetfile.py": HEAD
            + """
import utils
from pyspark.sql.functions import udf
from pyspark.sql.types import LongType

@udf(LongType())
def scaled(x):
    return utils.helper(x) + 1

@asset
def table(spark):
    return [row[0] for row in spark.range(3).select(scaled("id")).collect()]
""",
        },
    )
    code = """if True:
        import os, sys
        from pathlib import Path
        from assetmake.assetfile.load import importing, load
        root = Path(sys.argv[1])
        loaded = load(root / "Assetfile.py", root)
        from pyspark.sql import SparkSession
        os.environ["PYSPARK_PYTHON"] = sys.executable
        with importing(loaded):
            build = SparkSession.builder.master("local[1]")
            spark = build.config("spark.ui.enabled", "false").getOrCreate()
            print("values", loaded.assets[0].function(spark))
    """

    done = subprocess.run(
        [sys.executable, "-c", code, tmp_path],
        cwd="/",
        capture_output=True,
        text=True,
        env={**os.environ, "SPARK_LOCAL_IP": "127.0.0.1"},
        check=False,
    )

    assert "values [1, 3, 5]" in done.stdout, done.stderr
