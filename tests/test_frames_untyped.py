"""CSV and JSON sources, whose types are inferred."""

from __future__ import annotations

import gc
import gzip

import pandas as pd
import pyarrow as pa
import pytest
from pandas.testing import assert_frame_equal
from trips import Saved, source

from assetmake.errors import FrameError
from assetmake.frames import Frames
from assetmake.frames.base import Stored
from assetmake.frames.content import fingerprint_stored
from assetmake.frames.untyped import read

TEXT = "station,valid,tmpf\nSFO,2010-04-01 00:00,51.5\nSFO,2010-04-01 01:00,\n"


def load(stored, annotation=None):
    return Frames({}).for_annotation(annotation, reading=True).load(stored, annotation)


def test_a_csv_source_is_what_pandas_makes_of_it(tmp_path):
    """Nobody wrote down its types."""
    stored = source(tmp_path, "csv", a_csv=TEXT)

    loaded = load(stored)

    assert_frame_equal(loaded, pd.read_csv(tmp_path / "a.csv"))
    assert loaded["tmpf"].dtype == "float64"


def test_parts_are_one_table(tmp_path):
    """In their order, with one header; dtypes are those of all rows together."""
    stored = source(
        tmp_path,
        "csv",
        b_csv='"a","b\n1"\n1,x\n',
        a_csv='"a","b\n1"\n2.5,y',
        c_csv='"a","b\n1"\n',
        d_csv='a,"b\n1"\n4,z\n',
    )

    loaded = load(stored)

    assert loaded.to_dict("list") == {"a": [1.0, 2.5, 4.0], "b\n1": ["x", "y", "z"]}


def test_a_column_of_two_kinds_is_text_as_a_whole(tmp_path):
    """Not numbers in one part and text in the other."""
    stored = source(tmp_path, "csv", a_csv="a\n1\n2\n", b_csv="a\nx\n")

    assert load(stored)["a"].to_list() == ["1", "2", "x"]
    assert load(stored, pa.Table).to_pydict() == {"a": ["1", "2", "x"]}


def test_long_columns_are_not_inferred_in_pieces(tmp_path):
    """As pandas does by default, and warns that dtypes are mixed."""
    rows = "".join(f"{i},x\n" for i in range(300_000))
    stored = source(tmp_path, "csv", a_csv="a,b\n" + rows + "y,x\n")

    loaded = load(stored)

    assert loaded["a"].iloc[0] == "0"


def test_headers_that_differ_are_refused(tmp_path):
    """The message names both."""
    stored = source(tmp_path, "csv", a_csv="a,b\n1,2\n", b_csv="b,a\n1,2\n")

    with pytest.raises(FrameError) as refused:
        load(stored)

    assert str(refused.value) == ("`raw`: b.csv has columns b, a, and a.csv has a, b")


def test_options_are_those_of_read_csv(tmp_path):
    """Separators, decimals, encodings, dtypes: whatever the file needs."""
    options = {"sep": ";", "decimal": ",", "encoding": "latin-1", "dtype": {"k": str}}
    text = "k;name;value\n001;Zürich;1,5\n"
    stored = source(tmp_path, "csv", a_csv=text.encode("latin-1"))
    stored = type(stored)(
        stored.name, stored.directory, stored.files, "csv", None, options, True
    )

    assert load(stored).to_dict("list") == {
        "k": ["001"],
        "name": ["Zürich"],
        "value": [1.5],
    }


@pytest.mark.parametrize(
    ("format_", "option", "hint"),
    [
        ("csv", "dtyp", "write `dtype` in the `options=` of the source"),
        ("csv", "qqxzw", "take it out of the `options=` of the source"),
        ("json", "encodin", "write `encoding` in the `options=` of the source"),
    ],
)
def test_an_option_that_the_reader_does_not_take_is_named(
    tmp_path, format_, option, hint
):
    """It was told to mend the file."""
    file = tmp_path / f"t.{format_}"
    file.write_text("[]")
    stored = Stored("t", tmp_path, (file,), format_, None, {option: 1}, is_source=True)

    with pytest.raises(FrameError) as refused:
        read(stored, {option: 1})

    assert str(refused.value) == (
        f"`t` cannot be read: pandas.read_{format_} takes no option `{option}`"
    )
    assert refused.value.hints == (hint,)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("files", "options", "text"),
    [
        ({"a_csv": b"a\n\xff\n"}, {}, "codec can't decode"),
        ({"a_csv": ""}, {}, "No columns to parse"),
        ({"a_csv": "a,b\n1,2\n1,2,3,4\n"}, {}, "Expected 2 fields"),
        ({"a_csv": TEXT}, {"chunksize": 1}, "pieces"),
        ({"a_csv": TEXT}, {"encoding": "no-such"}, "no-such"),
    ],
    ids=["encoding", "empty", "ragged", "pieces", "unknown encoding"],
)
@pytest.mark.filterwarnings("ignore:unclosed file:ResourceWarning")  # pandas' own
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_what_cannot_be_read_is_told(tmp_path, files, options, text):
    """With the file, the reason, and where options go."""
    stored = source(tmp_path, "csv", **files)
    stored = type(stored)(
        stored.name, stored.directory, stored.files, "csv", None, options, True
    )

    with pytest.raises(FrameError, match=text) as refused:
        load(stored)

    assert "`raw` cannot be read as csv (a.csv)" in str(refused.value)
    assert "`options=`" in refused.value.hints[0]
    del refused
    gc.collect()  # what pandas left open is closed, and warned of, here


def test_packed_parts_are_unpacked(tmp_path):
    """By the suffix of their names, as pandas does for one file."""
    stored = source(
        tmp_path,
        "csv",
        **{"a_csv.gz": gzip.compress(b"a\n1\n"), "b_csv.gz": gzip.compress(b"a\n2\n")},
    )

    assert load(stored)["a"].to_list() == [1, 2]


RECORDS = '[{"a": "001", "date": "2020-01-01", "n": 1}, {"a": null, "n": 2}]'
LINES = '{"a": "001", "date": "2020-01-01", "n": 1}\n{"a": null, "n": 2}\n'


@pytest.mark.parametrize("text", [RECORDS, "\n " + RECORDS, LINES])
def test_json_keeps_its_types(tmp_path, text):
    """A list of records or a record a line; text that looks like a number is text."""
    stored = source(tmp_path, "json", a_json=text)

    loaded = load(stored)

    assert loaded["a"].iloc[0] == "001"
    assert loaded["date"].iloc[0] == "2020-01-01"
    assert loaded["n"].to_list() == [1, 2]
    assert load(stored, pa.Table).schema.field("n").type == pa.int64()


def test_json_in_parts_is_one_table(tmp_path):
    """In their order."""
    stored = source(tmp_path, "json", b_json=LINES, a_json=RECORDS)

    assert load(stored)["n"].to_list() == [1, 2, 1, 2]


def test_broken_json_is_told(tmp_path):
    """As the source's problem."""
    stored = source(tmp_path, "json", a_json="[1, ")

    with pytest.raises(FrameError, match="cannot be read as json"):
        load(stored)


def test_other_engines_get_the_same_columns(tmp_path):
    """A column is not text here and a number there."""
    stored = source(tmp_path, "csv", a_csv="k,v,t\n001,1.5,x\n2,,y\n")

    schemas = {
        name: Frames({}).for_annotation(name, reading=True).load(stored, None)
        for name in ("pandas", "pyarrow", "polars", "duckdb")
    }

    assert [str(d) for d in schemas["pandas"].dtypes] == ["int64", "float64", "str"]
    assert [str(t) for t in schemas["pyarrow"].schema.types] == [
        *("int64", "double", "large_string")
    ]
    assert [str(t) for t in schemas["polars"].dtypes] == ["Int64", "Float64", "String"]
    assert [str(t) for t in schemas["duckdb"].types] == ["BIGINT", "DOUBLE", "VARCHAR"]


def test_an_adopted_csv_is_read_as_it_was(tmp_path):
    """Its inferred columns stand in the manifest, and are inferred again."""
    stored = source(tmp_path, "csv", a_csv="a,b\nNA,1\nx,2\n")
    before = load(stored)

    written = fingerprint_stored(stored)

    adopted = type(stored)(
        "t", tmp_path, stored.files, "csv", written.columns, written.extra
    )
    assert [c.dtype for c in written.columns] == ["string", "int64"]
    assert_frame_equal(Saved(written, adopted).load(pd.DataFrame), before)
    assert fingerprint_stored(adopted) == written


def test_a_source_without_files_is_told(tmp_path):
    """Rather than an empty table."""
    stored = source(tmp_path, "csv")

    with pytest.raises(FrameError, match="no data files"):
        load(stored)
