"""What a closure holds, and when it stays the same."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest

from assetmake.code.closure import Code
from assetmake.code.kept import Summaries
from assetmake.code.parts import Note, Place
from assetmake.errors import LoadError

ASSETFILE = """\
import pandas as pd
from assetmake import asset
from lib.clean import clean

LIMIT = 3

@asset
def hot(raw: pd.DataFrame, k=LIMIT) -> pd.DataFrame:
    '''The hottest.'''
    return clean(raw)  # at last
"""

CLEAN = """\
import numpy as np
from .units import to_celsius as convert

def clean(x):
    return np.abs(convert(x))
"""

UNITS = (
    "K = 273\n\ndef to_celsius(x):\n    return x - K\n\ndef unused(x):\n    return x\n"
)

FILES = {
    "Assetfile.py": ASSETFILE,
    "lib/__init__.py": "",
    "lib/clean.py": CLEAN,
    "lib/units.py": UNITS,
}


def project(root, files=FILES):
    """Write the files of a project."""
    for file, text in files.items():
        path = root / file
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return root


def function_at(path, name="hot"):
    """Return a function whose code object stands where a file defines it."""
    text = path.read_bytes()
    lines = text.decode("utf-8", "replace").splitlines()
    row = next(i for i, line in enumerate(lines) if f"def {name}(" in line)
    while row and lines[row - 1].startswith("@"):
        row -= 1
    names = {"asset": lambda f: f}
    code = "\n" * row + f"@asset\ndef {name}(raw): return raw"
    exec(compile(code, str(path), "exec"), names)
    return names[name], (str(path), row + 1)


def closure_of(root, name="hot", code=None, **options):
    """Return the closure of the asset `hot` of a project."""
    entry = root / "Assetfile.py"
    code = code or Code(root, entry, search_path=[])
    return code.closure(*function_at(entry, name), **options)


def test_closure_lists_what_an_asset_refers_to(tmp_path):
    """Parts nearest first; files, packages by their import names."""
    closure = closure_of(project(tmp_path), settings=["k"])

    assert [(p.name, p.kind, str(p.place), p.via) for p in closure.parts] == [
        ("hot", "asset", "Assetfile.py:8", ""),
        ("k", "setting", "Assetfile.py:8", "hot"),
        ("clean", "helper", "lib/clean.py:4", "hot"),
        ("LIMIT", "value", "Assetfile.py:5", "k"),
        ("to_celsius", "helper", "lib/units.py:3", "clean"),
        ("K", "value", "lib/units.py:1", "to_celsius"),
    ]
    assert set(closure.files) == {"Assetfile.py", "lib/clean.py", "lib/units.py"}
    assert closure.packages == ("numpy", "pandas")
    assert closure.notes == ()
    assert closure.fingerprint.startswith("code-1:")


def test_parts_show_their_source(tmp_path):
    """Without docstring and comment; a setting shows its default."""
    parts = closure_of(project(tmp_path), settings=["k"]).parts

    assert parts[0].source.splitlines()[0] == "@asset"
    assert parts[0].source.splitlines()[-1] == "    return clean(raw)"
    assert "hottest" not in parts[0].source
    assert parts[1].source == "LIMIT"


@pytest.mark.slow
def test_fingerprint_is_the_same_elsewhere(tmp_path):
    """Neither the directory, nor the process, its hash seed, or order counts."""
    here = closure_of(project(tmp_path / "here"))
    there = tmp_path / "there" / "deeper"
    shutil.copytree(tmp_path / "here", there)

    assert closure_of(there) == here
    script = (
        "import sys; sys.path[:0] = sys.argv[1:3]\n"
        "from pathlib import Path\n"
        "from test_code_closure import closure_of\n"
        "print(closure_of(Path(sys.argv[3])).fingerprint)"
    )
    paths = [str(Path(__file__).parents[1]), str(Path(__file__).parent)]
    for seed in ("1", "2"):
        done = subprocess.run(
            [sys.executable, "-c", script, *paths, str(there)],
            env={**os.environ, "PYTHONHASHSEED": seed},
            cwd=tmp_path,
            capture_output=True,
            text=True,
            check=True,
        )
        assert done.stdout.strip() == here.fingerprint


def test_fingerprint_of_an_example_is_known(tmp_path):
    """It is recorded in manifests: a change of the scheme has to be meant."""
    closure = closure_of(project(tmp_path), settings=["k"])

    assert closure.fingerprint == "code-1:cd6dbdfeb5e6778fd2dd997745f41d6c"


@pytest.mark.parametrize(
    "text",
    [
        b"\xef\xbb\xbf" + UNITS.encode(),
        UNITS.replace("\n", "\r\n").encode(),
        UNITS.replace("\n", "\r").encode(),
        b"# -*- coding: latin-1 -*-\n# caf\xe9\n" + UNITS.encode(),
        b"#!/usr/bin/env python\n# vim: set fileencoding=utf-8 :\n" + UNITS.encode(),
        ("\f\n" + UNITS).encode(),
    ],
    ids=["bom", "crlf", "cr", "latin-1", "cookie in line 2", "form feed"],
)
def test_encoding_of_a_file_does_not_count(tmp_path, text):
    """What it says does: as Python decodes it."""
    before = closure_of(project(tmp_path / "before"))

    after = closure_of(project(tmp_path / "after", {**FILES, "lib/units.py": text}))

    assert after.fingerprint == before.fingerprint


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        (
            "K = 273\ndef to_celsius(x:\n    return x\n",
            "lib/units.py:2: '(' was never closed\n  def to_celsius(x:",
        ),
        (b"K = '\0'\n", "lib/units.py:"),
        (b"K = '\xe9'\n", "lib/units.py:1: (unicode error) 'utf-8' codec can't"),
    ],
    ids=["syntax", "null byte", "not utf-8"],
)
def test_file_that_is_no_python_is_an_error_where_it_is_reached(
    tmp_path, text, problem
):
    """The error names the file, the line and its text."""
    root = project(tmp_path, {**FILES, "lib/units.py": text})

    with pytest.raises(LoadError) as raised:
        closure_of(root)

    assert str(raised.value).startswith(problem)
    assert raised.value.hints


def test_file_that_is_no_python_is_nothing_where_it_is_not_reached(tmp_path):
    """Others are judged without it, even if something imports it lazily."""
    more = "\ndef lazy():\n    import broken\n    return broken\n"
    root = project(
        tmp_path, {**FILES, "lib/units.py": UNITS + more, "broken.py": "def f(:\n"}
    )

    assert (
        closure_of(root).fingerprint == closure_of(project(tmp_path / "a")).fingerprint
    )


def test_nesting_beyond_python_is_an_error(tmp_path):
    """No crash: it could not be imported either."""
    deep = "K = " + "(" * 500 + ")" * 500 + "\n" + UNITS
    root = project(tmp_path, {**FILES, "lib/units.py": deep})

    with pytest.raises(LoadError, match=r"lib/units\.py:1: "):
        closure_of(root)


def test_given_bytes_count_instead_of_files(tmp_path):
    """What was loaded is what is fingerprinted, whatever the file holds now."""
    root = project(tmp_path)
    before = closure_of(root)
    loaded = {root / "lib" / "units.py": UNITS.encode()}
    (root / "lib" / "units.py").write_text(UNITS.replace("273", "0"))

    code = Code(root, root / "Assetfile.py", loaded, search_path=[])

    assert closure_of(root, code=code) == before
    assert not code.is_current()


def test_modules_that_a_load_imported_count_by_their_effects(tmp_path):
    """Although nothing in the text tells that they are imported."""
    text = "import pandas as pd\npd.set_option('a', 1)\n"
    root = project(tmp_path, {**FILES, "plugin.py": text})
    unseen = closure_of(root)

    loaded = {root / "plugin.py": text.encode()}
    code = Code(root, root / "Assetfile.py", loaded, search_path=[])

    closure = closure_of(root, code=code)
    assert closure.fingerprint != unseen.fingerprint
    assert "pd.set_option(...)" in [part.name for part in closure.parts]


def test_code_is_current_until_something_it_saw_changes(tmp_path):
    """Files that appear where they were looked for count, too."""
    root = project(tmp_path)
    code = Code(root, root / "Assetfile.py", search_path=[])
    closure_of(root, code=code)

    assert code.is_current()
    assert str(root / "lib" / "units.py") in code.files
    assert str(root / "lib" / "units") in code.looked_for
    (root / "unrelated.txt").write_text("")
    assert code.is_current()
    (root / "pandas.py").write_text("")
    assert not code.is_current()
    (root / "pandas.py").unlink()
    assert code.is_current()
    (root / "lib" / "units.py").write_text(UNITS + "\n")
    assert not code.is_current()


def test_summaries_are_used_again(tmp_path):
    """A file of known bytes is not parsed: its summary is plain data."""
    root = project(tmp_path)
    known = Summaries("")
    first = closure_of(root, code=Code(root, root / "Assetfile.py", summaries=known))

    second = closure_of(root, code=Code(root, root / "Assetfile.py", summaries=known))

    assert second == first
    assert len(known) == len(set(FILES.values()))


def test_asset_of_another_module_is_found_by_its_file(tmp_path):
    """Also if the model cannot see how it was loaded."""
    root = project(tmp_path, {**FILES, "more/assets.py": ASSETFILE})
    code = Code(root, root / "Assetfile.py", search_path=[])

    moved = code.closure(*function_at(root / "more" / "assets.py"))

    assert moved.parts[0].place == Place("more/assets.py", 8)
    assert moved.fingerprint == closure_of(root, code=code).fingerprint


def test_function_from_outside_counts_by_its_registration(tmp_path):
    """Of a library's function nothing is known but its name."""
    text = "from assetmake import asset\nimport os\nasset(name='hot')(os.fspath)\n"
    root = project(tmp_path, {"Assetfile.py": text})
    code = Code(root, root / "Assetfile.py", search_path=[])

    closure = code.closure(os.fspath, (str(root / "Assetfile.py"), 3))

    assert [part.kind for part in closure.parts] == ["asset"]
    assert closure.parts[0].place == Place("Assetfile.py", 3)


@pytest.mark.parametrize(
    ("body", "note"),
    [
        ("exec(raw)", "`exec` or `eval` of a computed text: all project files count"),
        (
            "importlib.import_module(raw)",
            "an import is computed: all project files count",
        ),
        (
            "importlib.import_module(f'lib.{raw}')",
            "an import is computed: all of `lib` counts",
        ),
        (
            "list(map(importlib.import_module, raw))",
            "`importlib.import_module` cannot be followed: all project files count",
        ),
        ("[lib.clean]", "`lib.clean` is used as a value: all of it counts"),
        (
            "os.environ['HOME']",
            "`os.environ` is read: declare the variable with `env=[...]`",
        ),
        (
            "datetime.date.today()",
            "`datetime.date.today` differs from run to run, and makes nothing stale",
        ),
        ("os.path.join('a')", None),
    ],
)
def test_what_cannot_be_followed_is_said(tmp_path, body, note):
    """With the line where it stands."""
    text = (
        "import importlib, os, datetime, lib.clean\nfrom assetmake import asset\n"
        f"@asset\ndef hot(raw):\n    return {body}\n"
    )
    root = project(tmp_path, {**FILES, "Assetfile.py": text})

    notes = closure_of(root).notes

    own = [item for item in notes if item.place.file == "Assetfile.py"]
    assert own == ([Note(Place("Assetfile.py", 5), note)] if note else [])


def test_circles_are_told_apart_by_all_that_is_in_them(tmp_path):
    """However far from where a circle is entered something changes."""
    names = [f"f{i}" for i in range(30)]
    body = "".join(
        f"def {name}(x): return {names[(i + 1) % 30]}(x)\n"
        for i, name in enumerate(names)
    )
    head = "from assetmake import asset\n"
    tail = "@asset\ndef hot(raw): return f0(raw)\n"
    texts = [head + body + tail]
    texts += [
        texts[0].replace(f"def f{i}(x)", f"def f{i}(x, y=1)") for i in (1, 15, 29)
    ]
    texts += [texts[0].replace("f16(x)\n", "f2(x)\n")]

    found = {
        closure_of(project(tmp_path / str(i), {"Assetfile.py": text})).fingerprint
        for i, text in enumerate(texts)
    }

    assert len(found) == len(texts)


def test_imports_of_a_helper_that_are_swapped_count(tmp_path):
    """No text but that of the import changes, and it refers to the same two."""
    text = (
        "from assetmake import asset\nfrom m import {} as x, {} as y\n"
        "def helper(raw): return x(raw) - y(raw)\n"
        "@asset\ndef hot(raw): return helper(raw)\n"
    )
    both = "def f(v): return v + 1\ndef g(v): return v + 2\n"

    found = {
        closure_of(
            project(
                tmp_path / one, {"Assetfile.py": text.format(one, other), "m.py": both}
            )
        ).fingerprint
        for one, other in ("fg", "gf")
    }

    assert len(found) == 2


def test_where_a_circle_is_entered_counts(tmp_path):
    """By the same name, of two functions that call each other."""
    circle = "def f(x): return g(x) if x else 1\ndef g(x): return f(x - 1)\n"
    text = (
        "from assetmake import asset\nfrom m import {} as h\n"
        "@asset\ndef hot(raw): return h(raw)\n"
    )

    found = {
        closure_of(
            project(
                tmp_path / name, {"Assetfile.py": text.format(name), "m.py": circle}
            )
        ).fingerprint
        for name in "fg"
    }

    assert len(found) == 2


ASSET = """\
@asset
def a{0}(b{0}):
    '''Asset {0}.'''
    frame = b{0}.copy()
    frame['x'] = h{1}(frame['x']) + LIMIT + {0}
    if frame.empty:
        return frame
    return frame.assign(y=lambda t: t.x * 2)
"""

HELPER = """\
C{0} = {0}
def h{0}(x, k=C{0}):
    return h{1}(x) + C{0}
"""


def big_project(root, assets):
    """Write a project of so many assets in one file, with shared helpers."""
    head = "from assetmake import asset\nfrom helpers import *\nLIMIT = 3\n"
    body = "\n".join(ASSET.format(i, i % 50) for i in range(assets))
    helpers = "".join(HELPER.format(i, i - 1 if i % 10 else i) for i in range(50))
    return project(root, {"Assetfile.py": head + body, "helpers.py": helpers})


@pytest.mark.slow
def test_time_grows_with_the_number_of_assets_only(tmp_path):
    """Ten times the assets take about ten times as long, in CPU seconds."""
    seconds = []
    for count in (100, 1000):
        root = big_project(tmp_path / str(count), count)
        entry = root / "Assetfile.py"
        functions = {"asset": lambda f: f}
        text = entry.read_text().partition("import *")[2]
        exec(compile("\n" + text, str(entry), "exec"), functions)
        started = time.process_time()
        code = Code(root, entry, search_path=[])
        for i in range(count):
            function = functions[f"a{i}"]
            code.closure(function, (str(entry), function.__code__.co_firstlineno))
        seconds.append(time.process_time() - started)

    assert seconds[1] < 25 * seconds[0] + 0.5
    assert seconds[1] < 10
