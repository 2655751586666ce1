"""What a user is told when an Assetfile cannot be loaded."""

from __future__ import annotations

import subprocess
import sys
import textwrap

import pytest

from assetmake.assetfile.load import load
from assetmake.errors import LoadError


@pytest.fixture(autouse=True)
def same_modules():
    """A load that failed takes its modules away; installed ones may be new."""
    before = dict(sys.modules)
    yield
    for name in sys.modules.keys() - before.keys():
        del sys.modules[name]


def failure(root, text, **others):
    """Return the error of a load; keywords are modules beside the Assetfile."""
    for name, code in {"Assetfile": text, **others}.items():
        data = code if isinstance(code, bytes) else textwrap.dedent(code).encode()
        file = root / f"{name}.py"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(data)
    with pytest.raises(LoadError) as caught:
        load(root / "Assetfile.py", root)
    return caught.value


def test_error_shows_the_line_and_how_it_was_reached(tmp_path):
    """The innermost line of the project, then the outer ones."""
    error = failure(
        tmp_path,
        "from utils import f\nX = f(2)\n",
        utils="def f(a):\n    return g(a) + 1\n\ndef g(a):\n    return 1 / (a - 2)\n",
    )

    assert str(error) == (
        "Assetfile.py cannot be loaded: ZeroDivisionError: division by zero\n"
        " --> utils.py:5\n"
        "  |\n"
        "5 |     return 1 / (a - 2)\n"
        "  |            ^^^^^^^^^^^\n"
        "  reached from utils.py:2: return g(a) + 1\n"
        "  reached from Assetfile.py:2: X = f(2)"
    )
    assert isinstance(error.__cause__, ZeroDivisionError)
    assert error.hints == ()


def test_frames_of_libraries_are_counted_only(tmp_path):
    """`--full-trace` shows them."""
    error = failure(tmp_path, "import json\nX = json.loads('')\n")

    assert str(error) == (
        "Assetfile.py cannot be loaded: "
        "json.decoder.JSONDecodeError: Expecting value: line 1 column 1 (char 0)\n"
        " --> Assetfile.py:2\n"
        "  |\n"
        "2 | X = json.loads('')\n"
        "  |     ^^^^^^^^^^^^^^\n"
        "  ... 3 frames in json (--full-trace shows them)"
    )


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("x = (1,\n", ["1 | x = (1,", "  |     ^^^"]),
        ("def f(:\n    pass\n", ["1 | def f(:", "  |       ^"]),
        ("x = 1 +\n", ["1 | x = 1 +", "  |        ^"]),
        ("a = 1\nb = 'x\n", ["2 | b = 'x", "  |     ^^"]),
    ],
)
def test_syntax_error_is_shown_where_it_is(tmp_path, text, shown):
    """Even in a module that the Assetfile imports."""
    error = failure(tmp_path, "import broken\n", broken=text)

    lines = str(error).splitlines()
    assert lines[0].startswith("Assetfile.py cannot be loaded: SyntaxError: ")
    assert lines[1].startswith(" --> broken.py:")
    assert lines[3:5] == shown
    assert lines[5:] == ["  reached from Assetfile.py:1: import broken"]


def test_text_that_is_no_utf8_is_a_syntax_error_with_a_way_out(tmp_path):
    """What can be read of the line is shown."""
    error = failure(tmp_path, b"x = '\xe9'\n")

    assert "(unicode error)" in str(error)
    assert "1 | x = '\ufffd'" in str(error)
    assert error.hints == (
        "save the file as UTF-8, or name its encoding in its first line",
    )


def test_text_run_by_exec_is_shown_by_the_line_that_runs_it(tmp_path):
    """It has no file."""
    error = failure(tmp_path, "exec('x = (')\n")

    assert str(error).splitlines()[1:4] == [
        " --> Assetfile.py:1",
        "  |",
        "1 | exec('x = (')",
    ]


@pytest.mark.parametrize(
    ("text", "others", "hint"),
    [
        ("import pandsa\n", {}, "write `pandas`, if that is what is meant"),
        ("import uitls\n", {"utils": ""}, "write `utils`, if that is what is meant"),
        ("import zzqq\n", {}, "`pip install zzqq`, if it is a package"),
        ("import zzqq.inner\n", {}, "`pip install zzqq`, if it is a package"),
        ("import json.zzqq\n", {}, "look for `zzqq` in `json`"),
        (
            "import helpers\n",
            {"src/helpers": ""},
            "import it from where it is: src/helpers.py",
        ),
        (
            "from utils import cleen\n",
            {"utils": "def clean(): ...\n"},
            "write `clean`, which `utils` has",
        ),
        (
            "import one\n",
            {"one": "from two import b\na = 1\n", "two": "from one import a\nb = 2\n"},
            "import `one` inside of the function that uses it",
        ),
        (
            "import sys\nsys.exit('no')\n",
            {},
            'take the exit out, or put it under `if __name__ == "__main__":`',
        ),
    ],
)
def test_hint_says_what_to_do(tmp_path, text, others, hint):
    """The first one is the likeliest."""
    error = failure(tmp_path, text, **others)

    assert error.hints[0] == hint


def test_package_is_hinted_at_by_the_name_that_pip_knows(tmp_path, monkeypatch):
    """The import name often is another."""
    monkeypatch.setitem(sys.modules, "yaml", None)

    error = failure(tmp_path, "import yaml\n")

    assert error.hints == ("`pip install PyYAML`, if it is a package",)


def test_exit_is_told_as_what_it_is(tmp_path):
    """It must not end the command without a word."""
    error = failure(tmp_path, "raise SystemExit(3)\n")

    assert str(error).splitlines()[0] == (
        "Assetfile.py cannot be loaded: it ended the process: SystemExit(3)"
    )


def test_paths_of_the_project_are_relative(tmp_path):
    """Python puts absolute ones into some messages."""
    error = failure(tmp_path, "from utils import zzqq\n", utils="")

    assert str(tmp_path) not in str(error)
    assert "from 'utils' (utils.py)" in str(error)


def test_notes_of_an_exception_are_kept(tmp_path):
    """Below its text, indented."""
    error = failure(
        tmp_path, "e = ValueError('one\\ntwo')\ne.add_note('three')\nraise e\n"
    )

    assert str(error).splitlines()[:4] == [
        "Assetfile.py cannot be loaded: ValueError: one",
        "  two",
        "  three",
        " --> Assetfile.py:3",
    ]


def test_recursion_is_not_told_a_thousand_times(tmp_path):
    """Each line of the project once."""
    error = failure(tmp_path, "def f(n):\n    return f(n + 1)\nf(0)\n")

    assert str(error).splitlines()[4:] == [
        "  |            ^^^^^^^^",
        "  reached from Assetfile.py:2: return f(n + 1)",
        "  reached from Assetfile.py:3: f(0)",
    ]


@pytest.mark.parametrize(
    ("text", "others", "hint"),
    [
        (
            "import wave\nwave.open\n",
            {"wave": ""},
            "rename wave.py: it hides the standard library's `wave`",
        ),
        (
            "from pandas import DataFrame\n",
            {"pandas": "import pandas as pd\npd.DataFrame\n"},
            "rename pandas.py: it hides the installed package `pandas`",
        ),
    ],
)
def test_module_that_hides_an_installed_one_is_named(tmp_path, text, others, hint):
    """A file beside the Assetfile comes first on the import path."""
    for name, code in {"Assetfile": text, **others}.items():
        (tmp_path / f"{name}.py").write_text(code)
    code = """if True:
        import sys
        from pathlib import Path
        from assetmake.errors import LoadError
        from assetmake.assetfile.load import load
        root = Path(sys.argv[1])
        try:
            load(root / "Assetfile.py", root)
        except LoadError as error:
            print(error.hints[-1])
    """

    shown = subprocess.check_output([sys.executable, "-c", code, tmp_path], text=True)

    assert shown == hint + "\n"


def test_spark_at_module_level_is_explained(tmp_path):
    """No session runs while an Assetfile is loaded."""
    error = failure(
        tmp_path, "raise RuntimeError('[SESSION_OR_CONTEXT_NOT_EXISTS] no session')\n"
    )

    assert error.hints == (
        "use Spark in the functions of assets: no session runs before them",
        "give `udf` its type as an object, such as `@udf(LongType())`",
    )


@pytest.mark.parametrize(
    ("line", "meant"),
    [
        ("from assetmake import sources", "source"),
        ("from assetmake import assests", "asset"),
        ("from assetmake import chek", "check"),
        ("from assetmake import store", "Store"),
        ("import assetmake; assetmake.sources", "source"),
        ("from package import sorces", "source"),
    ],
)
def test_a_misspelt_name_is_told_from_what_is_public(tmp_path, line, meant):
    """Not from the modules of a package."""
    package = '__all__ = ["source"]\nfrom package import sources\nsource = 1\n'
    error = failure(
        tmp_path, line, **{"package/__init__": package, "package/sources": ""}
    )

    owner = "package" if "package" in line else "assetmake"
    assert error.hints == (f"write `{meant}`, which `{owner}` has",)
    assert "Did you mean" not in str(error)
