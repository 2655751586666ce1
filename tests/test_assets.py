"""The words of an Assetfile: what they accept, refuse and record."""

from __future__ import annotations

import functools
import inspect
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from unittest import mock

import pyarrow as pa
import pytest

from assetmake import assets
from assetmake.assetfile.load import load
from assetmake.assets import (
    NO_DEFAULT,
    Input,
    Parameter,
    Registry,
    Resolved,
    Source,
    asset,
    collecting,
    include,
    resolve,
    source,
)
from assetmake.code.parts import Place
from assetmake.errors import DefinitionError
from assetmake.words.functions import parameters_of


@pytest.fixture
def registry():
    """A registry that collects during the test."""
    with collecting(Registry(Path(__file__).parent, load=lambda _path: None)) as found:
        yield found


def test_decorated_function_is_returned_itself(registry):
    """Tests and notebooks call it as what it is."""

    def double(frame):
        return frame * 2

    assert asset(double) is double
    assert asset(name="other")(double) is double
    assert double(3) == 6
    assert [item.name for item in registry.assets] == ["double", "other"]


def test_nothing_is_recorded_outside_of_a_load():
    """An import in a notebook or a test leaves no trace."""
    registry = Registry(Path(), load=lambda _path: None)

    @asset
    def alone(): ...

    source("raw", path="raw.csv")

    assert (registry.assets, registry.sources) == ([], [])


def test_record_holds_what_the_function_says(registry):
    """Name, description, parameters and annotations come from the function."""

    @asset
    def highs(raw: int, limit: float = 1.5, *, plain=None) -> str:
        """The highs.

        More of them.
        """

    (record,) = registry.assets
    line = highs.__code__.co_firstlineno + 1
    assert (record.name, record.description, record.retries) == (
        "highs",
        "The highs.",
        0,
    )
    assert record.function is highs
    assert record.plain is highs
    assert record.place == Place(__file__, line)
    assert record.parameters == (
        Parameter("raw", "int", NO_DEFAULT),
        Parameter("limit", "float", 1.5),
        Parameter("plain", None, None),
    )
    assert record.returns is str


def test_options_are_kept_in_one_form(registry):
    """Lists become tuples, versions text, and dtypes names."""

    @asset(
        name="weather/highs",
        upstream={"raw": "ingest.raw"},
        columns={"day": None, "high": float, "low": "Float64"},
        schema=(schema := SimpleNamespace(validate=lambda frame: frame)),
        format="csv",
        store=Path("elsewhere"),
        reads=["a.json", Path("conf/*.toml")],
        env=["TZ"],
        packages=("scikit-learn",),
        version=2,
        group="daily",
        description="Of each day.",
        owner="weather",
        retries=3,
    )
    def highs(raw):
        """Not this."""

    (record,) = registry.assets
    assert record.name == "weather/highs"
    assert record.upstream == {"raw": "ingest.raw"}
    assert list(record.columns.items()) == [
        ("day", None),
        ("high", "float"),
        ("low", "Float64"),
    ]
    assert record.schema is schema
    assert (record.format, record.store, record.version) == ("csv", "elsewhere", "2")
    assert record.reads == ("a.json", "conf/*.toml")
    assert (record.env, record.packages) == (("TZ",), ("scikit-learn",))
    assert (record.group, record.owner, record.retries) == ("daily", "weather", 3)
    assert record.description == "Of each day."


def test_none_means_that_an_option_is_not_given(registry):
    """A user's own wrapper can hand on what it was not given."""
    asset(name=None, columns=None, version=None)(lambda_with_name)

    (record,) = registry.assets
    assert (record.name, record.columns, record.version) == (
        "lambda_with_name",
        None,
        None,
    )


def lambda_with_name(raw): ...


def test_partials_and_wrappers_of_asset_work(registry):
    """`daily` with and without parentheses, and a function around `asset`."""
    daily = functools.partial(asset, group="daily")

    def mine(function):
        return asset(function, owner="me")

    @daily
    def one(): ...

    @daily(name="second")
    def two(): ...

    @mine
    def three(): ...

    assert [(a.name, a.group, a.owner) for a in registry.assets] == [
        ("one", "daily", ""),
        ("second", "daily", ""),
        ("three", "", "me"),
    ]


def test_decorators_below_are_seen_through(registry):
    """`wraps` tells name and parameters; what is called is the wrapper."""

    def twice(function):
        @functools.wraps(function)
        def inner(*args, **kwargs):
            return function(*args, **kwargs) * 2

        return inner

    @asset
    @twice
    def doubled(raw: int, by: int = 1) -> int:
        return raw * by

    (record,) = registry.assets
    assert record.name == "doubled"
    assert [parameter.name for parameter in record.parameters] == ["raw", "by"]
    assert record.plain is doubled.__wrapped__
    assert record.function(raw=2) == 4
    assert record.returns is int


def in_class():
    class Box:
        @asset
        def method(self): ...


def as_static():
    class Box:
        @asset
        @staticmethod
        def method(): ...


def as_class():
    @asset
    class Box: ...


def as_coroutine():
    @asset
    async def later(): ...


def as_generator():
    @asset
    def rows():
        yield 1


def as_partial():
    asset(name="scaled")(functools.partial(len, []))


def as_text():
    asset("highs")


def as_lambda():
    asset(lambda raw: raw)


def with_any_values():
    @asset
    def many(*tables): ...


def with_any_keywords():
    @asset
    def many(**tables): ...


def positional_only():
    @asset
    def first(raw, /): ...


@pytest.mark.parametrize(
    ("define", "problem", "hint"),
    [
        (in_class, "asset `method` is a method of", "move it out of the class"),
        (as_static, "takes a function, not a method", "move it out of the class"),
        (as_class, "not the class `as_class.<locals>.Box`", "decorate a plain"),
        (as_coroutine, "asset `later` is an `async def`", "make it a plain `def`"),
        (as_generator, "asset `rows` is a generator", "`return` one table"),
        (as_partial, "not a functools.partial", "define a function that calls it"),
        (as_text, "takes a function, not 'highs'", "`@asset(name='highs')`"),
        (as_lambda, "a lambda has no name", 'name the asset: `asset(name="...")`'),
        (with_any_values, "`tables` of asset `many` takes any", "name what `many`"),
        (with_any_keywords, "`tables` of asset `many` takes any", "name what `many`"),
        (positional_only, "`raw` of asset `first` is positional-only", "take the `/`"),
    ],
)
def test_what_cannot_be_an_asset_is_refused(define, problem, hint):
    """The error says why, where, and what to do."""
    with pytest.raises(DefinitionError) as caught:
        define()

    assert problem in str(caught.value)
    assert "test_assets.py:" in str(caught.value)
    assert hint in caught.value.hints[0]


@pytest.mark.parametrize(
    ("options", "problem", "hint"),
    [
        ({"coloumns": ["a"]}, "has no option `coloumns`", "write `columns=`"),
        ({"zzz": 1}, "has no option `zzz`", "use one of name, upstream"),
        ({"name": 3}, "`name=` takes text, not 3", 'write `name="daily_highs"`'),
        ({"name": "../up"}, "'../up' is no name", "use letters"),
        ({"name": "a b"}, "'a b' is no name", "use letters"),
        ({"name": "/a"}, "'/a' is no name", "use letters"),
        ({"name": "a//b"}, "'a//b' is no name", "use letters"),
        ({"name": ""}, "'' is no name", "use letters"),
        ({"name": "_tmp"}, "begins with `_`", 'such as `name="tmp"`'),
        ({"name": "a/_b"}, "begins with `_`", 'such as `name="b"`'),
        ({"name": "class"}, "`class` is a word of Python", "choose another"),
        ({"name": "a" * 201}, "too long to name a directory", "at most 200 bytes"),
        ({"name": "\ufb01sh"}, "'\\ufb01sh' is not in Unicode's", "write 'fish'"),
        ({"upstream": ["raw"]}, "takes a mapping of parameters", "write `upstream="),
        ({"upstream": {"raw": 1}}, "holds 'raw': 1", "write `upstream="),
        ({"upstream": {"rav": "x"}}, "renames `rav`, no parameter", "write `raw`"),
        ({"columns": "a"}, "`columns=` takes a list of names", "write `columns="),
        ({"columns": [1]}, "names a column 1, which is not text", "write `columns="),
        ({"columns": ["a", "a"]}, "names the column `a` twice", "take one away"),
        ({"columns": {"a": "flaot64"}}, "column `a` as 'flaot64', which", '"float64"'),
        ({"columns": {"a": "?!"}}, "column `a` as '?!', which is no", "write None"),
        ({"columns": pa.schema([])}, "takes names with dtypes", "as `schema=`"),
        ({"schema": {}}, "takes a schema, not {}", "go to `columns=`"),
        ({"schema": "strict"}, "takes a schema, not 'strict'", "give a schema of"),
        ({"format": 1}, "`format=` takes text, not 1", 'write `format="csv"`'),
        ({"format": " "}, "`format=` is empty", 'write `format="csv"`'),
        ({"store": 1}, "takes a name, a URL or a store", "give a name or URL"),
        ({"reads": "q.txt"}, "`reads=` takes a list of paths", "write `reads=["),
        ({"reads": [1]}, "holds 1, which is none of paths", "write `reads=["),
        ({"reads": 1}, "`reads=` takes a list of paths", "write `reads=["),
        ({"env": ["A=1"]}, "a variable with its value", "`env=['A']`"),
        ({"env": ["HO ME"]}, "the name of no variable", "`env=['HO', 'ME']`"),
        ({"env": ["HOME "]}, "the name of no variable", "`env=['HOME']`"),
        ({"packages": ["a b"]}, "the name of no distribution", "`packages=['a']`"),
        ({"packages": ["x>=2"]}, "the name of no distribution", "`packages=['x']`"),
        ({"packages": "numpy"}, "takes a list of distributions", "write `packages="),
        ({"version": 1.10}, "takes text or a whole number", 'write `version="1.1"`'),
        ({"version": True}, "takes text or a whole number", "write `version="),
        ({"group": ()}, "`group=` takes text, not ()", 'write `group="daily"`'),
        ({"description": 1}, "`description=` takes text", "write `description="),
        ({"owner": ""}, "`owner=` is empty", "write `owner="),
        ({"retries": -1}, "takes a whole number, 0 or more", "write `retries=2`"),
        ({"retries": True}, "takes a whole number, 0 or more", "write `retries=2`"),
    ],
)
def test_wrong_option_is_refused_where_it_stands(options, problem, hint):
    """The error names the option and the value, and shows the line."""
    with pytest.raises(DefinitionError) as caught:

        @asset(**options)
        def highs(raw): ...

    assert problem in str(caught.value)
    assert "test_assets.py:" in str(caught.value)
    assert hint in caught.value.hints[0]


def test_error_puts_carets_under_the_call(registry):
    """As compilers do; paths are relative to the project."""
    with pytest.raises(DefinitionError) as caught:
        asset(retries="often")
    line = sys._getframe().f_lineno - 1

    space = " " * len(str(line))
    assert str(caught.value) == (
        "`retries=` takes a whole number, 0 or more, not 'often'\n"
        f" --> test_assets.py:{line}\n"
        f"{space} |\n"
        f'{line} |         asset(retries="often")\n'
        f"{space} |         ^^^^^^^^^^^^^^^^^^^^^^"
    )


def test_source_records_what_it_is_given(registry):
    """The record is returned, too, for those who like a variable."""
    record = source("raw", path=Path("data/raw.csv"), version=3, options={"sep": ";"})
    line = sys._getframe().f_lineno - 1

    assert registry.sources == [record]
    assert record == Source(
        name="raw",
        path="data/raw.csv",
        version="3",
        options={"sep": ";"},
        place=Place("elsewhere", 1),  # two that say the same are equal
    )
    assert record.place.file == __file__
    assert record.place.line == line


@pytest.mark.parametrize(
    ("options", "problem"),
    [
        ({"name": "raw", "pth": "a.csv"}, "`source` has no option `pth`"),
        ({"name": "raw", "path": 1}, "`path=` takes a path, not 1"),
        ({"name": "raw", "path": ""}, "`path=` is '', which is no path"),
        ({"name": "raw.", "path": "a"}, "'raw.' is no name"),
        ({"name": None}, "`source` is called without a name"),
        ({"name": "a", "path": "a", "table": "b"}, "given `path=` and `table=`"),
        ({"name": "a", "options": {1: 2}}, "`options=` takes a mapping of names"),
    ],
)
def test_wrong_source_is_refused(options, problem):
    """The error shows the call."""
    with pytest.raises(DefinitionError) as caught:
        source(**options)

    assert problem in str(caught.value)
    assert "| " in str(caught.value)


def test_include_is_relative_to_the_file_that_calls(tmp_path):
    """A directory stands for the Assetfile in it; files are loaded by the load."""
    loaded = []
    (tmp_path / "inner").mkdir()
    (tmp_path / "inner" / "Assetfile.py").touch()
    caller = tmp_path / "Assetfile.py"
    code = compile("include('inner'); include('inner/Assetfile.py')", caller, "exec")

    with collecting(Registry(tmp_path, load=loaded.append)):
        exec(code, {"include": include})

    assert loaded == [tmp_path / "inner" / "Assetfile.py"] * 2


def test_include_of_what_is_not_there_is_an_error(tmp_path):
    """It names the file as seen from the project."""
    code = compile("include('nothing.py')", tmp_path / "Assetfile.py", "exec")

    with (
        collecting(Registry(tmp_path, load=print)),
        pytest.raises(DefinitionError, match=r"finds no file nothing\.py") as caught,
    ):
        exec(code, {"include": include})

    assert caught.value.hints == ("give a path relative to the file that includes it",)


def test_parameters_are_inputs_or_settings(registry):
    """A default makes a setting only of what is no name of an asset."""

    @asset(upstream={"frame": "weather/daily"})
    def report(frame: list[int], highs=None, *, count: int = 10):
        pass

    resolved = resolve(registry.assets[0], {"weather/daily", "highs"})

    assert resolved == Resolved(
        (
            Input("frame", "weather/daily", list[int]),
            Input("highs", "highs", None),
        ),
        {"count": 10},
    )


def test_annotation_that_does_not_evaluate_stays_text(registry):
    """It may name what only a type checker imports."""

    @asset
    def report(frame: pd.DataFrame, other: "int") -> pd.Series: ...  # noqa: F821, UP037

    (record,) = registry.assets
    resolved = resolve(record, ["frame", "other"])

    assert resolved.inputs == (
        Input("frame", "frame", "pd.DataFrame"),
        Input("other", "other", int),
    )
    assert record.returns == "pd.Series"


def test_unknown_upstream_is_shown_with_carets(registry):
    """The parameter may stand on a line of its own."""

    @asset
    def hottest(
        daily_temprature_highs,
        count=10,
    ): ...

    (record,) = registry.assets
    with pytest.raises(DefinitionError) as caught:
        resolve(record, ["daily_temperature_highs"], root=Path(__file__).parent)

    line = record.place.line + 1
    space = " " * len(str(line))
    assert str(caught.value) == (
        "hottest reads `daily_temprature_highs`, which nothing defines\n"
        f" --> test_assets.py:{line}\n"
        f"{space} |\n"
        f"{line} |         daily_temprature_highs,\n"
        f"{space} |         ^^^^^^^^^^^^^^^^^^^^^^"
    )
    assert caught.value.hints == (
        "a similar asset exists: 'daily_temperature_highs'",
        'for a table made elsewhere: source("daily_temprature_highs", path=...)',
    )


def test_a_source_bound_to_a_variable_of_another_name_hints_at_its_own(registry):
    """An input goes by the name that the source was given, not by the variable."""
    module: dict[str, Any] = {"asset": asset, "source": source, "__name__": "module"}
    code = "sales = source('sales.csv')\n@asset\ndef report(sales): ...\n"
    exec(compile(code, __file__, "exec"), module)
    (record,) = registry.assets

    with pytest.raises(DefinitionError) as caught:
        resolve(record, ["sales.csv"], root=Path(__file__).parent)

    assert " ".join(caught.value.hints) == (
        "`sales` is bound to the source `sales.csv`, but an input goes by the name of "
        'a source call it so: source("sales", path="sales.csv")'
    )


def test_unknown_upstream_below_another_name_hints_at_renaming(registry):
    """No parameter can be called `weather/daily`."""

    @asset
    def report(daily): ...

    with pytest.raises(DefinitionError) as caught:
        resolve(registry.assets[0], ["weather/daily"])

    assert caught.value.hints[0] == (
        "to read it under this name: upstream={'daily': 'weather/daily'}"
    )


def test_renamed_upstream_has_to_exist(registry):
    """Even if the parameter has a default."""

    @asset(upstream={"frame": "nothing"})
    def report(frame=None): ...

    with pytest.raises(DefinitionError, match="report reads `nothing`"):
        resolve(registry.assets[0], ["frame"])


@pytest.mark.parametrize("registered_by", ["a decorator", "a loop", "a factory"])
def test_registration_is_placed_at_its_module_level_statement(tmp_path, registered_by):
    """Code fingerprints start there; text run by `exec` is no module."""
    text = {
        "a decorator": "\n@asset(\n    group='x')\ndef a(): ...\n",
        "a loop": "\nfor n in ['a']:\n    asset(name=n)(lambda: 1)\n",
        "a factory": "def make():\n    exec('@asset\\ndef a(): ...')\nmake()\n",
    }[registered_by]
    file = tmp_path / "Assetfile.py"
    file.write_text(text)

    with collecting(Registry(tmp_path, load=print)) as registry:
        exec(compile(text, file, "exec"), {"asset": asset})

    line = {"a decorator": 2, "a loop": 3, "a factory": 3}[registered_by]
    assert registry.assets[0].registered == Place(str(file), line)


def test_place_is_the_def_below_long_decorators(tmp_path):
    """The code object begins with the first decorator."""
    text = "@asset(\n    reads=[\n        'def a(',\n    ],\n)\ndef a(): ...\n"
    file = tmp_path / "Assetfile.py"
    file.write_text(text)

    with collecting(Registry(tmp_path, load=print)) as registry:
        exec(compile(text, file, "exec"), {"asset": asset})

    assert registry.assets[0].place == Place(str(file), 6)


def test_the_place_of_a_declaration_is_the_line_that_runs(tmp_path):
    """In a long module, too, where it is looked up otherwise than by Python."""
    blocks = (
        "@asset\ndef a{0}(): pass\n\n",
        "@asset(\n    group='g',\n)\ndef a{0}(\n    x=1,\n): pass\n",
        "for name in ['a{0}']:\n    asset(\n        name=name\n    )(lambda_)\n",
    )
    body = "".join(blocks[n % 3].format(n) for n in range(600))
    head = "from assetmake import asset\ndef lambda_(): pass\n"
    (tmp_path / "Assetfile.py").write_text(head + body)
    wanted = []
    module_level_place = assets.module_level_place

    def probed():
        frame = sys._getframe(1)
        while frame.f_code.co_name != "<module>":
            frame = frame.f_back
        wanted.append((frame.f_code.co_filename, frame.f_lineno))
        return module_level_place()

    with mock.patch.object(assets, "module_level_place", probed):
        loaded = load(tmp_path / "Assetfile.py", tmp_path)

    found = [(item.registered.file, item.registered.line) for item in loaded.assets]
    assert found == wanted
    assert len(set(found)) == 600


def _one(): ...


def _two(a, b=1, *, c, d: int = 2) -> str: ...


def _three(a: int = 3, /): ...


def _four(*rest): ...


def _five(**rest): ...


def _eight(a, b: int | None = None, c=(), *, d: int = 0, e): ...


@functools.wraps(_two)
def _six(*given, **named): ...


def _seven(x): ...


_seven.__signature__ = inspect.signature(_two)


@pytest.mark.parametrize(
    "function",
    [
        _one,
        _two,
        _three,
        _four,
        _five,
        _six,
        _seven,
        _eight,
        functools.partial(_two, 1),
    ],
)
def test_parameters_are_those_that_inspect_tells(function):
    """They are read off plain functions directly, which is many times as quick."""
    signature = inspect.signature(function)
    refused = {"POSITIONAL_ONLY", "VAR_POSITIONAL", "VAR_KEYWORD"}
    place = Place(__file__, 1)

    if refused.isdisjoint(p.kind.name for p in signature.parameters.values()):
        assert parameters_of(function, "t", place, None) == tuple(
            Parameter(
                p.name, None if p.annotation is p.empty else p.annotation, p.default
            )
            for p in signature.parameters.values()
        )
    else:
        with pytest.raises(DefinitionError, match=r"takes any number|is positional"):
            parameters_of(function, "t", place, None)
