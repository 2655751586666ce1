"""Which handler is chosen, and what is imported for it."""

from __future__ import annotations

import inspect
import json
import pathlib
import subprocess
import sys
import textwrap
import typing
from typing import Annotated, Any, NewType, Optional, TypeVar, Union

import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

from assetmake.errors import ExtraError, FrameError
from assetmake.frames import Frames, refuses_format
from assetmake.frames.annotations import alternatives
from assetmake.frames.base import Stored
from assetmake.frames.handler import check_version

DEFAULT = "DefaultHandler"


class Child(pd.DataFrame):
    """A frame of somebody's own."""


class Model:
    """Anything."""

    def __str__(self):
        return "model"


class Generic(pd.DataFrame, typing.Generic[TypeVar("T")]):
    """As pandera's typed frames are."""


ANNOTATIONS = [
    (pd.DataFrame, "PandasHandler"),
    (pd.Series, "SeriesHandler"),
    (Child, "PandasHandler"),
    (Generic[Model], "PandasHandler"),
    (pl.DataFrame, "PolarsHandler"),
    (pl.LazyFrame, "LazyHandler"),
    (pa.Table, "ArrowHandler"),
    (pa.RecordBatchReader, "ReaderHandler"),
    (str, "TextHandler"),
    (bytes, "BytesHandler"),
    (pathlib.Path, "PathHandler"),
    (pathlib.PosixPath, "PathHandler"),
    (dict, "ObjectHandler"),
    (dict[str, int], "ObjectHandler"),
    (Model, "ObjectHandler"),
    (None, DEFAULT),
    (inspect.Parameter.empty, DEFAULT),
    (Any, DEFAULT),
    (5, DEFAULT),
    (object, DEFAULT),
    ("object", DEFAULT),
    (pl.DataFrame | None, "PolarsHandler"),
    (
        Optional[pl.DataFrame],  # noqa: UP045 - as older code spells it
        "PolarsHandler",
    ),
    (
        Union[None, pa.Table],  # noqa: UP007 - as above
        "ArrowHandler",
    ),
    (Annotated[pa.Table, "of days"], "ArrowHandler"),
    (Annotated[pa.Table | None, "of days"], "ArrowHandler"),
    (NewType("Days", pa.Table), "ArrowHandler"),
    (Optional["pl.LazyFrame"], "LazyHandler"),
    ("pd.DataFrame", "PandasHandler"),
    ("pandas.core.frame.DataFrame", "PandasHandler"),
    ("pandas.Series", "SeriesHandler"),
    ("'pl.DataFrame'", "PolarsHandler"),
    ("pl.DataFrame | None", "PolarsHandler"),
    ("Optional[pl.LazyFrame]", "LazyHandler"),
    ("typing.Annotated[pa.Table, 'of days']", "ArrowHandler"),
    ("pyarrow.lib.Table", "ArrowHandler"),
    ("duckdb.DuckDBPyRelation", "DuckDBHandler"),
    ("LazyFrame", "LazyHandler"),
    ("pandas", "PandasHandler"),
    ("polars", "PolarsHandler"),
    ("pyarrow", "ArrowHandler"),
    ("duckdb", "DuckDBHandler"),
    ("str", "TextHandler"),
    ("Path", "PathHandler"),
    ("dict[str, int]", "ObjectHandler"),
]


@pytest.mark.parametrize(("annotation", "name"), ANNOTATIONS, ids=str)
def test_a_parameter_gets_what_its_annotation_says(annotation, name):
    """Classes, what inherits from them, aliases, unions and text."""
    handler = Frames({}).for_annotation(annotation, reading=True)

    assert type(handler).__name__ == name


@pytest.mark.parametrize(
    "text", ["DataFrame", "SparkDF", "my.Model", "no type at all", "DataFrame[Schema]"]
)
def test_text_that_names_no_known_type_is_refused(text):
    """Unlike a guess, it can be mended."""
    with pytest.raises(FrameError, match="names no type that is known") as refused:
        Frames({}).for_annotation(text, reading=True)

    assert refused.value.hints


@pytest.mark.parametrize(
    ("annotation", "name"),
    [
        (None, None),
        (inspect.Signature.empty, None),
        (Any, None),
        ("SparkDF", None),
        (pd.DataFrame | pl.DataFrame, None),
        (pd.DataFrame, "pandas.DataFrame"),
        (pd.DataFrame | None, "pandas.DataFrame"),
        ("pl.DataFrame", "polars.DataFrame"),
        (Model, "object"),
        (dict | Model, "object"),
    ],
    ids=str,
)
def test_a_return_annotation_may_leave_the_type_open(annotation, name):
    """Then the value tells."""
    handler = Frames({}).for_annotation(annotation, reading=False)

    assert (handler and handler.name) == name


VALUES = [
    (pd.DataFrame(), "pandas.DataFrame"),
    (Child(), "pandas.DataFrame"),
    (pd.Series(dtype=float), "pandas.Series"),
    (pl.DataFrame(), "polars.DataFrame"),
    (pl.LazyFrame(), "polars.LazyFrame"),
    (pa.table({}), "pyarrow.Table"),
    ("x", "str"),
    (b"x", "bytes"),
    (pathlib.Path("x"), "pathlib.Path"),
    (Model(), "object"),
    ({"a": 1}, "object"),
    (1.5, "object"),
]


@pytest.mark.parametrize(("value", "name"), VALUES, ids=lambda value: str(type(value)))
def test_a_value_is_handled_by_its_class(value, name):
    """Each handler can be had by its own name, too: manifests hold it."""
    frames = Frames({})

    handler = frames.for_value(value)

    assert handler.name == name
    again = frames.for_annotation(name, reading=True)
    assert again is handler or name == "object"


def test_none_is_no_value():
    """Most likely the function has no `return`."""
    with pytest.raises(FrameError, match="None cannot be stored"):
        Frames({}).for_value(None)


@pytest.mark.parametrize(
    ("value", "wanted", "format"),
    [
        (pd.DataFrame(), None, "parquet"),
        (pd.DataFrame(), "csv", "csv"),
        (pd.DataFrame(), "pickle", "pickle"),
        ("x", None, "text"),
        ("x", "html", "html"),
        (b"x", "png", "png"),
        (Model(), None, "pickle"),
        (pathlib.Path("x"), None, "file"),
    ],
    ids=str,
)
def test_the_format_is_the_default_or_what_is_wanted(value, wanted, format):
    """The default of the type where nothing is said."""
    frames = Frames({})

    assert frames.format_of(frames.for_value(value), wanted, "t") == format


@pytest.mark.parametrize(
    ("value", "wanted", "hint"),
    [
        (pd.DataFrame(), "parqet", 'write `format="parquet"`'),
        (pd.DataFrame(), "html", 'choose "parquet" or "csv" or "pickle"'),
        (pl.DataFrame(), "pickle", 'choose "parquet" or "csv"'),
        ("x", "parquet", 'choose "text"'),
        ("x", "csv", 'choose "text"'),
        ("x", "../x", 'choose "text"'),
        (Model(), "json", 'choose "pickle"'),
    ],
    ids=str,
)
def test_a_format_that_the_type_has_not_got_is_refused(value, wanted, hint):
    """With those that it has."""
    frames = Frames({})

    with pytest.raises(FrameError, match="cannot be kept in format") as refused:
        frames.format_of(frames.for_value(value), wanted, "t")

    assert refused.value.hints == (hint,)


TABLES = {
    "pandas.DataFrame": {"parquet", "csv", "pickle"},
    "pandas.Series": {"parquet", "csv", "pickle"},
    "polars.DataFrame": {"parquet", "csv"},
    "polars.LazyFrame": {"parquet", "csv"},
    "pyarrow.Table": {"parquet", "csv"},
    "pyarrow.RecordBatchReader": {"parquet", "csv"},
    "duckdb.DuckDBPyRelation": {"parquet", "csv"},
    "pyspark.sql.DataFrame": {"parquet", "csv"},
    "str": {"text", "html"},
    "bytes": {"bytes", "html"},
    "pathlib.Path": {"file"},
}


@pytest.mark.parametrize("annotation", TABLES)
def test_formats_are_told_from_an_annotation_as_their_handlers_tell_them(annotation):
    """A handler imports a library; an annotation is looked at by each load."""
    frames = Frames({})
    handler = frames.for_annotation(annotation, reading=False)
    words = ["parquet", "csv", "pickle", "text", "bytes", "file", "html", "parqet"]

    for wanted in words:
        try:
            frames.format_of(handler, wanted, "t")
        except FrameError as error:
            told = (str(error).removeprefix("`t`: "), *error.hints)
            assert refuses_format(annotation, wanted) == told
        else:
            assert refuses_format(annotation, wanted) is None
    assert {word for word in words if not refuses_format(annotation, word)} >= (
        TABLES[annotation]
    )


@pytest.mark.parametrize(
    ("annotation", "wanted", "hint"),
    [
        (pd.DataFrame, "parqet", 'write `format="parquet"`'),
        (pd.DataFrame | str, "html", None),
        (pd.DataFrame | str, "../x", 'choose "parquet" or "csv" or "pickle" or "text"'),
        (pl.DataFrame | None, "Parquet", 'write `format="parquet"`'),
        (None, "parqet", 'write `format="parquet"`'),
        (None, "CSV", 'write `format="csv"`'),
        (None, "parquet", None),
        (None, "html", None),
        (None, "tsv", None),
        (Model, "anything", None),
        (Child, "parqet", None),
        ("geopandas.GeoDataFrame", "geojson", None),
    ],
    ids=str,
)
def test_a_format_is_refused_by_an_annotation_that_can_tell(annotation, wanted, hint):
    """Types of other packages may have handlers of their own, with other formats."""
    refused = refuses_format(annotation, wanted)

    assert (refused and refused[1]) == hint


def test_no_library_is_imported_to_judge_a_format():
    code = (
        "import sys; from assetmake.frames import refuses_format as f\n"
        "assert f('pl.DataFrame', 'html') and f('str', 'csv') and f('pd.Series', 'x')\n"
        "assert not {'pandas', 'polars', 'pyarrow'} & set(sys.modules)"
    )

    subprocess.run([sys.executable, "-c", code], check=True)


@pytest.mark.parametrize(
    ("word", "hint"),
    [
        ("polar", 'write "polars"'),
        ("panda", 'write "pandas"'),
        ("polars.Dataframe", 'write "polars.DataFrame"'),
        ("xyz", "name a class, or pandas, polars, pyarrow, duckdb or pyspark"),
    ],
)
def test_a_type_that_is_asked_for_by_hand_is_no_annotation(word, hint):
    """`load(name, as_="polar")` was told of annotations."""
    with pytest.raises(FrameError) as refused:
        Frames({}).for_word(word)

    assert str(refused.value) == f"no type of tables or objects is called `{word}`"
    assert refused.value.hints == (hint,)


def test_aliases_of_newer_pythons_are_opened():
    """`type Table = pa.Table | None`, of Python 3.12."""
    alias = getattr(typing, "TypeAliasType", None)
    if alias is None:
        pytest.skip("Python 3.11 has no such aliases")

    assert alternatives(alias("Table", pa.Table | None)) == [pa.Table]


def run(code, *path):
    """Return what a process prints as JSON, with more directories to import from."""
    before = f"import sys; sys.path[:0] = {[str(p) for p in path]!r}\n"
    done = subprocess.run(
        [sys.executable, "-c", before + textwrap.dedent(code)],
        capture_output=True,
        check=True,
        text=True,
    )
    return json.loads(done.stdout)


def test_no_library_is_imported_before_it_is_needed():
    """Neither to choose handlers of reports, nor to compare columns."""
    imported = run("""
        import json
        from assetmake.frames import Frames
        from assetmake.frames.columns import check_columns
        frames = Frames({"spark": {}})
        frames.for_value("text")
        frames.for_value({"an": "object"})
        check_columns(["a"], [])
        print(json.dumps(sorted(sys.modules)))
    """)

    heavy = {
        "pandas",
        "numpy",
        "pyarrow",
        "polars",
        "duckdb",
        "pyspark",
        "importlib.metadata",
    }
    assert heavy.isdisjoint(imported)


@pytest.mark.parametrize(
    ("library", "annotation"),
    [("polars", "polars"), ("duckdb", "duckdb"), ("polars", "pl.LazyFrame")],
)
def test_a_library_that_is_not_installed_is_named(tmp_path, library, annotation):
    """With the command that installs it."""
    message, hints = run(
        f"""
        import json
        sys.modules[{library!r}] = None
        from assetmake.errors import ExtraError
        from assetmake.frames import Frames
        try:
            Frames({{}}).for_annotation({annotation!r}, reading=True)
        except ExtraError as error:
            print(json.dumps([str(error), error.hints]))
        """
    )

    assert library in message
    assert hints == [f"pip install 'assetmake[{library}]'"]


def test_a_library_that_is_too_old_is_refused(monkeypatch):
    """Old versions are known to lose rows."""
    monkeypatch.setattr(pl, "__version__", "1.37.1")

    with pytest.raises(ExtraError, match=r"polars 1\.37\.1 is too old") as refused:
        check_version(pl, "1.38")

    assert refused.value.hints == ("pip install --upgrade 'assetmake[polars]'",)


HANDLER = '''
from assetmake.frames.base import Shape, Written


class Maps:
    """Keeps maps as text."""

    name = "cartography.Map"
    formats = ("wkt",)
    closed = 0

    def save(self, value, directory, *, format, asset):
        (directory / "map.wkt").write_text(value.text)
        return Written("wkt-1:" + value.text)

    def load(self, stored, annotation):
        from cartography import Map
        return Map((stored.files[0]).read_text())

    def shape(self, value):
        return Shape(None, ())

    def close(self):
        Maps.closed += 1
'''

PACKAGE = """
import pandas as pd

class Map:
    def __init__(self, text):
        self.text = text

class Atlas(Map):
    pass

class GeoFrame(pd.DataFrame):
    pass
"""


@pytest.fixture
def plugin(tmp_path):
    """An installed package that brings types and handlers of its own."""
    info = tmp_path / "cartography-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(
        "Metadata-Version: 2.1\nName: cartography\nVersion: 1\n"
    )
    (info / "entry_points.txt").write_text(
        "[assetmake.frames]\n"
        "cartography.Map = cartography_assets:Maps\n"
        "cartography.GeoFrame = cartography_assets:Maps\n"
        "cartography.Broken = cartography_assets:Gone\n"
    )
    inner = tmp_path / "cartography"
    inner.mkdir()
    (inner / "__init__.py").write_text("from cartography.maps import *\n")
    (inner / "maps.py").write_text(PACKAGE + "\nclass Broken:\n    pass\n")
    (tmp_path / "cartography_assets.py").write_text(HANDLER)
    return tmp_path


@pytest.mark.slow
def test_a_type_of_a_package_plugs_in(plugin):
    """It is saved and loaded by the package's handler, and what inherits from it."""
    found = run(
        """
        import json, pathlib, tempfile
        import cartography, pandas as pd
        from assetmake.frames import Frames
        from assetmake.frames.base import Stored
        frames = Frames({})
        directory = pathlib.Path(tempfile.mkdtemp())
        value = cartography.Atlas("POINT (1 2)")
        handler = frames.for_value(value)
        format = frames.format_of(handler, None, "t")
        written = handler.save(value, directory, format=format, asset="t")
        stored = Stored("t", directory, tuple(directory.iterdir()), format)
        back = frames.for_annotation(cartography.Map, reading=True).load(stored, None)
        names = [
            handler.name,
            frames.for_annotation("cartography.Map", reading=True).name,
            frames.for_value(cartography.GeoFrame()).name,
            frames.for_value(pd.DataFrame()).name,
            frames.for_value({}).name,
        ]
        frames.close()
        print(json.dumps([written.fingerprint, back.text, names, type(handler).closed]))
        """,
        plugin,
    )

    maps = "cartography.Map"
    assert found == [
        "wkt-1:POINT (1 2)",
        "POINT (1 2)",
        [maps, maps, maps, "pandas.DataFrame", "object"],
        2,
    ]


@pytest.mark.slow
def test_a_broken_plugin_is_named(plugin):
    """With the package to mend or uninstall."""
    message, hints = run(
        """
        import json
        import cartography
        from assetmake.errors import ExtraError, FrameError
        from assetmake.frames import Frames
        try:
            Frames({}).for_value(cartography.Broken())
        except FrameError as error:
            print(json.dumps([str(error), error.hints]))
        """,
        plugin,
    )

    assert "cartography_assets:Gone of cartography.Broken, which cartography" in message
    assert hints == ["mend or uninstall cartography"]


def test_handlers_are_closed_once_each():
    """And made anew if they are needed again."""
    frames = Frames({})
    handler = frames.for_value("x")

    frames.close()
    frames.close()

    assert frames.for_value("x") is not handler


def test_an_unknown_format_of_a_store_is_refused(tmp_path):
    """A manifest of a plugin that has been uninstalled, say."""
    stored = Stored("t", tmp_path, (), "wkt")

    for wanted in (pd.DataFrame, pl.LazyFrame, dict, None):
        with pytest.raises(FrameError, match="`t` is stored as wkt") as refused:
            Frames({}).for_annotation(wanted, reading=True).load(stored, wanted)

        assert refused.value.hints
