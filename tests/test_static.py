"""What is told without executing the Assetfile is what executing it tells."""

from __future__ import annotations

import time
from unittest import mock

import pytest
from space import TEXTS, TestSpace
from test_code_cases import CASES, files_of

from assetmake.assetfile.defined import define, told
from assetmake.assetfile.load import load
from assetmake.errors import AssetmakeError
from assetmake.look.facts import dump, parse
from assetmake.look.recorded import record_of
from assetmake.look.static import Undecided, define_unloaded


def write(root, files):
    """Write a project, and remove what is not among its files."""
    for file, text in files.items():
        path = root / file
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8", errors="surrogatepass")
    for path in root.rglob("*.py"):
        if path.relative_to(root).as_posix() not in files:
            path.unlink()


def recorded(root):
    """Load a project and return its record, as it comes from the disk."""
    later = time.time_ns() + 10**9  # whatever was just written may be believed
    found = record_of(define(root / "Assetfile.py", root), root, later)
    parsed = parse(dump(found, "key"), "key")
    assert parsed == found
    return found


def unloaded(root, record):
    """Return what is told without a load: digests by name, or why it is not."""
    try:
        found = define_unloaded(root / "Assetfile.py", root, record)
    except Undecided as reason:
        return str(reason)
    return list(told(found).items())


def loaded(root):
    """Return what a load tells; the text of the error if it fails."""
    try:
        return list(told(define(root / "Assetfile.py", root)).items())
    except AssetmakeError as error:
        return f"error: {error}"


@pytest.mark.slow
@pytest.mark.parametrize("text", [text for _, text in CASES.values()], ids=CASES)
def test_it_is_what_a_load_tells_or_nothing(tmp_path, text):
    """Before an edit, after it, and after it is undone."""
    before, after = files_of(text, 0), files_of(text, 1)
    write(tmp_path, before)
    record = recorded(tmp_path)
    assert unloaded(tmp_path, record) in (loaded(tmp_path), *record.doubts)

    write(tmp_path, after)

    told_now = unloaded(tmp_path, record)
    assert isinstance(told_now, str) or told_now == loaded(tmp_path)
    write(tmp_path, before)
    assert isinstance(told_now, str) or unloaded(tmp_path, record) == loaded(tmp_path)


def test_what_a_load_read_makes_another_load(tmp_path):
    """What a factory closed over may come from there."""
    text = """\
from pathlib import Path
from assetmake import asset

TITLE = Path(__file__).with_name("title.txt").read_text()


def make(title):
    @asset(name="report")
    def made() -> str:
        return title


make(TITLE)
"""
    write(tmp_path, {"Assetfile.py": text, "title.txt": "one"})
    record = recorded(tmp_path)
    assert unloaded(tmp_path, record) == loaded(tmp_path)

    (tmp_path / "title.txt").write_text("other")

    assert "title.txt changed" in unloaded(tmp_path, record)


# What edits do, in a project of the usual kind ------------------------------------

USUAL = {
    "Assetfile.py": """\
import functools
from pathlib import Path

import helpers
from assetmake import asset, check, source
from helpers import clean
from more import later

LEVEL = "warn"
LIMIT = 120
REGIONS = ["north", "south"]
raw = source("raw", path="raw.csv", format="text")


@functools.lru_cache
def cached(x: int = 3):
    return x


def summed(raw, factor):
    return clean(raw) * factor


@asset
def total(raw: str, *, limit=LIMIT) -> str:
    '''The total.

    Of all.
    '''
    return summed(raw, limit)


@asset(group="daily", reads=["notes/*.md"], upstream={"above": "total"})
def report(above: str) -> str:
    return above + str(cached())


@asset
def final(total: str) -> str:
    return total[:9]


def sized(table):
    return table


def made(region):
    @asset(name=f"of_{region}")
    def inner(total: str) -> str:
        return helpers.tidy(total) + region

    return inner


for name in REGIONS:
    made(name)


@check(total, "final", severity="warn")
def filled(total: str, *, least=1):
    '''Whether there is anything.'''
    return len(total) >= least


@check(later)
def later_filled(later):
    return clean(later)


@check("total", severity=LEVEL)
def levelled(total, raw):
    return raw == total


def ruled(function, level):
    @check(function, severity=level)
    def short(table, most=9):
        return len(table) < most


ruled(final, "warn")
for name in REGIONS:
    check(f"of_{name}", name="long")(sized)


class Table:
    size = 3

    def rows(self):
        return 1
""",
    "helpers.py": """\
K = 2

def clean(x):
    return x.strip()

def unused():
    return K

def tidy(x):
    return x
""",
    "more.py": """\
from assetmake import asset


@asset(version=1)
def later(total: str) -> str:
    return total


if True:
    UNTESTED = 1
""",
}

#: What is edited, and whether that can be told without a load.
EDITS = {
    "body": (True, "Assetfile.py", "clean(raw) * factor", "clean(raw) + factor"),
    "body of a helper": (True, "helpers.py", "x.strip()", "x.lstrip()"),
    "body of a helper that a factory's function calls": (
        False,
        "helpers.py",
        "    return x\n",
        "    return x + x\n",
    ),
    "body of an asset": (True, "more.py", "return total", "return total + total"),
    "comment": (True, "Assetfile.py", "LIMIT = 120", "\n# Much.\nLIMIT = 120"),
    "constant": (True, "Assetfile.py", "LIMIT = 120\n", "LIMIT = 12\n"),
    "another constant": (True, "helpers.py", "K = 2", "K = [2]"),
    "constant that a loop reads": (False, "Assetfile.py", '"north"', '"west"'),
    "constant that fails": (False, "helpers.py", "K = 2", "K = {[1]: 2}"),
    "constant that is computed": (False, "helpers.py", "K = 2", "K = 1 / 0"),
    "first line of a docstring": (True, "Assetfile.py", "The total.", "A total."),
    "rest of a docstring": (True, "Assetfile.py", "Of all.", "Of some."),
    "description": (
        True,
        "Assetfile.py",
        'group="daily"',
        'group="daily", description="A report."',
    ),
    "option": (True, "more.py", "version=1", "version=2, retries=3"),
    "name by an option": (True, "Assetfile.py", '"daily"', '"daily", name="latest"'),
    "option that is refused": (False, "more.py", "version=1", "version=1.5"),
    "option that is unknown": (False, "more.py", "version=1", "versions=1"),
    "option that is computed": (False, "more.py", "version=1", "version=len('a')"),
    "format": (False, "more.py", "version=1", "format='html'"),
    "format that is no format": (False, "more.py", "version=1", "format='parquet'"),
    "name that is refused": (False, "more.py", "def later", "def _later"),
    "name that is taken": (False, "more.py", "version=1", "name='total'"),
    "place that is taken": (False, "more.py", "version=1", "name='Total'"),
    "place within another": (False, "more.py", "version=1", "name='total/part'"),
    "name of a source": (False, "more.py", "version=1", "name='raw'"),
    "upstream that is no parameter": (False, "Assetfile.py", '"above":', '"abve":'),
    "parameter": (True, "Assetfile.py", "(above: str)", "(above: str, later: str)"),
    "parameter that nothing defines": (False, "more.py", "total: str", "totl: str"),
    "parameter in a circle": (False, "Assetfile.py", "(raw: str, *", "(later: str, *"),
    "parameter becomes a setting": (True, "more.py", "total: str", "rate: str = 'x'"),
    "positional parameter": (False, "more.py", "total: str", "total: str, /"),
    "any parameters": (False, "more.py", "total: str", "*total: str"),
    "asynchronous": (False, "more.py", "def later", "async def later"),
    "generator": (False, "more.py", "return total", "yield total"),
    "generator within": (
        True,
        "more.py",
        "return total",
        "return ''.join((lambda: (yield))() or (t for t in total))",
    ),
    "annotation seen before": (True, "Assetfile.py", "(above: str)", "(above)"),
    "annotation of a name": (True, "more.py", "total: str)", "total: bytes)"),
    "return annotation that is new": (False, "more.py", "-> str", "-> bytes"),
    "no return annotation": (True, "more.py", " -> str", ""),
    "annotation that fails": (False, "more.py", "total: str)", "total: strr)"),
    "default that is computed": (False, "Assetfile.py", "limit=LIMIT", "limit=LIMIT+1"),
    "default by another name": (True, "Assetfile.py", "limit=LIMIT", "limit=REGIONS"),
    "default bound later": (False, "Assetfile.py", "limit=LIMIT", "limit=report"),
    "default bound never": (False, "Assetfile.py", "limit=LIMIT", "limit=LIMITS"),
    "new asset": (
        True,
        "more.py",
        "if True",
        "@asset(owner='me')\ndef newest(later: str) -> str:\n    '''New.'''\n\nif True",
    ),
    "new asset above": (
        True,
        "Assetfile.py",
        "def summed",
        "@asset\ndef first(raw: str): return raw\n\ndef summed",
    ),
    "new asset before its import": (
        False,
        "more.py",
        "from assetmake import asset\n",
        "@asset\ndef first(raw): return raw\nfrom assetmake import asset\n",
    ),
    "renamed asset": (True, "Assetfile.py", "def report", "def summary"),
    "renamed asset that is imported": (False, "more.py", "def later", "def sooner"),
    "removed asset": (
        True,
        "Assetfile.py",
        "@asset(group"
        + USUAL["Assetfile.py"].split("@asset(group")[1].split("@asset\n")[0],
        "",
    ),
    "removed asset that is read": (
        False,
        "Assetfile.py",
        "@asset\ndef total",
        "def total",
    ),
    "removed helper": (True, "helpers.py", "def unused():\n    return K\n", ""),
    "removed helper that is imported": (
        False,
        "helpers.py",
        "def clean",
        "def cleaned",
    ),
    "new helper": (
        True,
        "helpers.py",
        "def unused",
        "def used(a, b=1): return a\n\ndef unused",
    ),
    "new helper with a default": (
        False,
        "helpers.py",
        "def unused",
        "def used(a=1/0): return a\n\ndef unused",
    ),
    "new helper for an asset": (
        True,
        "Assetfile.py",
        "summed(raw, factor):\n    return clean",
        "washed(x): return clean(x)\n\ndef summed(raw, factor):\n    return washed",
    ),
    "moved": (
        False,
        "helpers.py",
        "K = 2\n\ndef clean(x):\n    return x.strip()\n",
        "def clean(x):\n    return x.strip()\n\nK = 2\n",
    ),
    "source": (True, "Assetfile.py", 'path="raw.csv"', 'path="new.csv", version=2'),
    "new source": (
        True,
        "Assetfile.py",
        "def summed",
        "source('other',\n    path='o.csv')\n\ndef summed",
    ),
    "source that is refused": (False, "Assetfile.py", 'path="raw.csv"', 'path=""'),
    "source of another name": (False, "Assetfile.py", 'source("raw"', 'source("rawer"'),
    "removed source": (
        False,
        "Assetfile.py",
        'raw = source("raw", path="raw.csv", format="text")\n',
        "",
    ),
    "factory": (False, "Assetfile.py", "helpers.tidy(total) + region", "region"),
    "comment in a factory": (
        True,
        "Assetfile.py",
        "    return inner",
        "    # all\n    return inner",
    ),
    "comment above in a factory": (
        True,
        "Assetfile.py",
        "    @asset(name=f",
        "    # all\n    @asset(name=f",
    ),
    "layout of a factory": (
        True,
        "Assetfile.py",
        "    return inner\n",
        "    return (\n        inner\n    )\n",
    ),
    "import": (False, "helpers.py", "K = 2", "import json\nK = 2"),
    "import that fails": (False, "helpers.py", "K = 2", "import no_such_module\nK = 2"),
    "decorator": (
        False,
        "Assetfile.py",
        "@functools.lru_cache\n",
        "@functools.cache\n",
    ),
    "body below a decorator": (
        True,
        "Assetfile.py",
        "    return x\n",
        "    return x + 1\n",
    ),
    "body of a check": (True, "Assetfile.py", "len(total) >=", "len(total) >"),
    "body that a check calls": (True, "helpers.py", "x.strip()", "x.rstrip()"),
    "body of a check in a factory": (False, "Assetfile.py", "len(table) <", "9 <"),
    "comment above a check": (
        True,
        "Assetfile.py",
        "@check(later)",
        "#\n@check(later)",
    ),
    "docstring of a check": (True, "Assetfile.py", "Whether there", "If there"),
    "description of a check": (
        True,
        "Assetfile.py",
        'severity="warn"',
        'description="Of it."',
    ),
    "setting of a check": (True, "Assetfile.py", "least=1", "most=1"),
    "default of a check": (True, "Assetfile.py", "least=1", "least=2"),
    "input of a check": (True, "Assetfile.py", "(later):", "(later, total):"),
    "input that is not read": (False, "Assetfile.py", "(later):", "(later, raw):"),
    "input that nothing defines": (False, "Assetfile.py", "(later):", "(later, rw):"),
    "table of another name": (False, "Assetfile.py", "(later):", "(total):"),
    "check without a table": (False, "Assetfile.py", "filled(later):", "filled():"),
    "check that yields": (False, "Assetfile.py", "return clean(later)", "yield later"),
    "severity": (True, "Assetfile.py", 'severity="warn"', 'severity="error"'),
    "severity left out": (True, "Assetfile.py", ', severity="warn"', ""),
    "severity that is refused": (False, "Assetfile.py", '="warn")', '="warning")'),
    "severity that a constant gives": (
        False,
        "Assetfile.py",
        'LEVEL = "warn"',
        'LEVEL = "error"',
    ),
    "option of a check that is unknown": (False, "Assetfile.py", 'severity="', 'sev="'),
    "name of a check": (True, "Assetfile.py", 'severity="warn"', 'name="full"'),
    "name of a check that is taken": (
        False,
        "Assetfile.py",
        'severity="warn"',
        'name="levelled"',
    ),
    "renamed check": (True, "Assetfile.py", "def filled", "def full"),
    "removed check": (
        True,
        "Assetfile.py",
        '@check(total, "final", severity="warn")\ndef filled(total: str, *, least=1):',
        "def filled(total: str, *, least=1):",
    ),
    "removed check and its function": (
        True,
        "Assetfile.py",
        "@check(later)\ndef later_filled(later):\n    return clean(later)\n",
        "",
    ),
    "new check": (
        True,
        "Assetfile.py",
        "class Table",
        "@check(report, 'total')\ndef long(x):\n    return clean(x)\n\nclass Table",
    ),
    "new check above others": (
        True,
        "Assetfile.py",
        '@check(total, "final"',
        '@check(total)\ndef full(total):\n    return total\n\n\n@check(total, "final"',
    ),
    "new check of a source": (
        False,
        "Assetfile.py",
        "class Table",
        "@check('raw')\ndef long(raw):\n    return raw\n\nclass Table",
    ),
    "new check of a helper": (
        False,
        "Assetfile.py",
        "class Table",
        "@check(summed)\ndef long(raw):\n    return raw\n\nclass Table",
    ),
    "new check before its asset": (
        False,
        "Assetfile.py",
        "@asset\ndef total",
        "@check(total)\ndef long(total):\n    return total\n\n@asset\ndef total",
    ),
    "new check without an asset": (
        False,
        "Assetfile.py",
        "class Table",
        "@check\ndef long(report):\n    return report\n\nclass Table",
    ),
    "check of another asset": (
        True,
        "Assetfile.py",
        "@check(later)\ndef later_filled(later)",
        "@check(report)\ndef later_filled(report)",
    ),
    "check of one more asset": (
        True,
        "Assetfile.py",
        '"final", s',
        '"final", "later", s',
    ),
    "check of one asset less": (True, "Assetfile.py", '"final", s', "s"),
    "check of an unknown asset": (False, "Assetfile.py", '"final", s', '"fnal", s'),
    "checked asset is renamed": (False, "Assetfile.py", "def final", "def last"),
    "checked asset is renamed by an option": (
        True,
        "more.py",
        "version=1",
        "name='latest'",
    ),
    "checked asset is no asset": (False, "more.py", "@asset(version=1)\n", ""),
    "class": (False, "Assetfile.py", "return 1", "return 2"),
    "call": (False, "helpers.py", "K = 2", "K = 2\nprint(K)"),
    "syntax": (False, "helpers.py", "K = 2", "K = = 2"),
    "syntax that only a compiler refuses": (
        False,
        "helpers.py",
        "return K",
        "continue",
    ),
    "syntax of a name": (False, "helpers.py", "def clean(x)", "def clean(x, x)"),
    "late import of the future": (
        False,
        "helpers.py",
        "def unused",
        "from __future__ import annotations\ndef unused",
    ),
}


@pytest.mark.slow
@pytest.mark.parametrize(("is_told", "file", "old", "new"), EDITS.values(), ids=EDITS)
def test_an_edit_of_the_usual_kind(tmp_path, is_told, file, old, new):
    """Edits of what is not executed at import need no load; nothing else is told."""
    write(tmp_path, USUAL)
    record = recorded(tmp_path)
    assert unloaded(tmp_path, record) == loaded(tmp_path)
    assert USUAL[file].count(old) == 1
    write(tmp_path, {**USUAL, file: USUAL[file].replace(old, new)})

    told_now = unloaded(tmp_path, record)

    assert isinstance(told_now, list) == is_told, told_now
    if is_told:
        assert told_now == loaded(tmp_path)


#: A module that declares an asset, and projects that come to import it, or cease
#: to, though each statement that was executed is as it was.
DECLARES = """\
from assetmake import asset


@asset
def found() -> str:
    return "x"
"""
IMPORTS = """\
from assetmake import asset

try:
    {}
except ImportError:
    pass


@asset
def one() -> str:
    return "x"
"""


@pytest.mark.parametrize(
    ("line", "before", "after"),
    [
        ("from pkg import extra", {}, {"pkg/extra.py": DECLARES}),
        ("from pkg import extra", {"pkg/extra.py": DECLARES}, {}),
        (
            "from pkg import extra",
            {"pkg/extra.py": DECLARES},
            {"pkg/extra.py": DECLARES, "pkg/__init__.py": "extra = 1\n"},
        ),
        (
            "from pkg import extra",
            {"pkg/extra.py": DECLARES},
            {"pkg/extra.py": DECLARES, "pkg/__init__.py": "def extra(): pass\n"},
        ),
        (
            "from pkg import extra",
            {"pkg/extra.py": DECLARES, "pkg/__init__.py": "extra = 1\n"},
            {"pkg/extra.py": DECLARES},
        ),
        ("import more", {"more.py": ""}, {"more.py": "", "more/__init__.py": DECLARES}),
        ("import colorsys", {}, {"colorsys.py": DECLARES}),
        (
            "import space.part",
            {"space/part.py": ""},
            {"space/part.py": "", "space/__init__.py": DECLARES},
        ),
    ],
)
def test_another_module_that_is_imported_makes_another_load(
    tmp_path, line, before, after
):
    """By a file that comes or goes, or by a name that hides a module."""
    top = {"Assetfile.py": IMPORTS.format(line), "pkg/__init__.py": ""}
    write(tmp_path, {**top, **before})
    record = recorded(tmp_path)
    assert unloaded(tmp_path, record) == loaded(tmp_path)

    write(tmp_path, {**top, **after})

    assert isinstance(unloaded(tmp_path, record), str)


# The command ------------------------------------------------------------------------

LOOKS = (
    ("--status",),
    ("--check",),
    ("-q",),
    ("-n",),
    ("--why",),
    ("--list",),
    ("--graph",),
)


@pytest.fixture
def space(tmp_path):
    space = TestSpace(tmp_path / "project")
    space.write({"Assetfile.py": TEXTS, "raw.txt": "text"})
    space.built()
    return space


@pytest.fixture
def loads():
    """Count how often the Assetfile is executed."""
    with mock.patch("assetmake.assetfile.load.load", side_effect=load) as counted:
        yield counted


def edited(space):
    space.edit("Assetfile.py", "raw.upper()", "raw.lower()")


@pytest.mark.parametrize("words", LOOKS, ids=" ".join)
def test_a_look_after_an_edit_executes_nothing(space, loads, words):
    """And says what it would say if it had loaded the Assetfile."""
    edited(space)

    quick = space.run(*words)

    assert loads.call_count == 0
    whole = space.run(*words, ASSETMAKE_INDEX="0")
    assert loads.call_count == 1
    assert quick == whole
    assert quick.status == (words[0] in ("--check", "-q"))


def test_an_edit_of_a_check_is_told_without_a_load(space, loads):
    """With the reason that a load gives."""
    text = (space.root / "Assetfile.py").read_text(encoding="utf-8")
    declared = "\n\n@check('upper', severity='warn')\ndef long(upper): return %s\n"
    text = text.replace("import asset", "import check, asset", 1)
    space.write({"Assetfile.py": text + declared % "len(upper) > 1"})
    space.built()
    loads.reset_mock()

    space.write({"Assetfile.py": text + declared % "len(upper) > 2"})

    assert "check `long` changed" in space.run("--why", "upper").out
    assert '"check-changed"' in space.run("--status", "--json").out
    said = [space.run(*words) for words in LOOKS]
    assert loads.call_count == 0
    assert said == [space.run(*words, ASSETMAKE_INDEX="0") for words in LOOKS]


def test_a_check_of_an_unknown_asset_is_refused_by_a_load(space, loads):
    text = (space.root / "Assetfile.py").read_text(encoding="utf-8")
    declared = "\n\n@check('uper')\ndef long(upper): return upper\n"
    text = text.replace("import asset", "import check, asset", 1)
    space.write({"Assetfile.py": text})
    space.built()
    loads.reset_mock()

    space.write({"Assetfile.py": text + declared})
    ran = space.run("--check")

    assert loads.call_count == 1
    assert "check `long` is of `uper`, which nothing defines" in ran.err


def test_a_look_after_a_look_executes_nothing(space, loads):
    edited(space)
    space.run("--status")
    space.edit("Assetfile.py", "str(len(", "repr(len(")

    assert "2 outdated" in space.run("--status").err
    assert loads.call_count == 0


def test_a_build_loads_even_where_a_look_found_all_fresh(space, loads):
    """What it goes by, it has executed."""
    space.edit("Assetfile.py", "return raw", "# as it is\n    return raw")
    assert space.run("--check").status == 0
    assert space.run("--check").status == 0
    assert loads.call_count == 0

    ran = space.built()

    assert "nothing to do" in ran.err
    assert "bug" not in ran.err
    assert loads.call_count == 1
    space.built()
    assert loads.call_count == 1


def test_what_a_look_told_otherwise_is_told_by_the_build(space, loads):
    """The load wins, and the difference is reported as a bug."""
    edited(space)
    with mock.patch("assetmake.look.loads.told", return_value={"upper": "otherwise"}):
        space.run("--status")
    assert loads.call_count == 0

    ran = space.built()

    assert ran.err.count("this is a bug in assetmake, please report it") == 1
    assert "`raw`, `upper`, `length`" in ran.err
    assert "bug" not in space.built().err


def test_prune_loads_before_it_removes(space, loads):
    space.edit("Assetfile.py", "def length", "def size")

    ran = space.run("--prune", "-y")

    assert (ran.status, ran.out) == (0, "removed data/length\n")
    assert loads.call_count == 1


def test_verbose_says_why_the_assetfile_was_loaded(space, loads):
    assert space.run("--status", "-v").err.count("note:") == 0
    space.edit("Assetfile.py", "raw = ", "print(1)\nraw = ")

    ran = space.run("--status", "-v")

    assert loads.call_count == 1
    assert (
        "note: loaded the Assetfile: `print(...)` (Assetfile.py:3) is executed, "
        "and is new or other\n"
    ) in ran.err


def test_verbose_names_each_doubt(space, loads):
    """A clock and a variable may declare other assets in another load."""
    space.write(
        {
            "Assetfile.py": """
            import os
            import time
            from assetmake import asset

            def wanted():
                return os.getenv("WANTED")

            if wanted():
                @asset
                def extra() -> str:
                    return "extra"

            for name in [f"at_{time.time_ns() % 2}"]:
                @asset(name=name)
                def inner() -> str:
                    return "inner"
            """
        }
    )
    space.built()

    ran = space.run("--status", "-v")

    assert [line for line in ran.err.splitlines() if "has to load" in line] == [
        f"note: each run has to load it: {doubt} may give something else in another "
        "load"
        for doubt in ("Assetfile.py:13: `time.time_ns`", "Assetfile.py:5: `os.getenv`")
    ]
    assert "extra" not in ran.out
    assert "\nextra " in space.run("--status", WANTED="1").out


def test_garbled_records_are_passed_over(space, loads):
    """Cut and flipped at many bytes, and of another version."""
    edited(space)
    said = space.run("--status", ASSETMAKE_INDEX="0")
    private = space.root / "data" / ".assetmake"
    kept = {name: (private / name).read_bytes() for name in ("load", "code")}
    for name, data in kept.items():
        step = max(1, len(data) // 12)
        others = [data[:cut] for cut in range(0, len(data), step)]
        others += [
            data[:at] + bytes([data[at] ^ 0x55]) + data[at + 1 :]
            for at in range(0, len(data), step)
        ]
        others.append(data.replace(b" 1\n", b" 2\n", 1))
        for other in others:
            for file, whole in kept.items():
                (private / file).write_bytes(whole)
            (private / name).write_bytes(other)
            (private / "snapshot-unloaded").unlink(missing_ok=True)

            assert space.run("--status") == said


def test_records_do_not_grow(space):
    """Only what the last look used is kept."""
    private = space.root / "data" / ".assetmake"
    edited(space)
    space.run("--status")
    sizes = {path.name: path.stat().st_size for path in private.iterdir()}
    for number in range(5):
        space.edit("Assetfile.py", "raw.lower()", f"raw.lower()[{number}:]")
        space.run("--status")
        space.edit("Assetfile.py", f"raw.lower()[{number}:]", "raw.lower()")
    space.run("--status")

    assert {path.name: path.stat().st_size for path in private.iterdir()} == sizes
