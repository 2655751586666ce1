"""pandas in the store: what comes back as it was, and what is refused."""

# ruff: noqa: DTZ001, DTZ901 - moments without zone are what tables hold, too

from __future__ import annotations

import datetime as dt
import subprocess
import sys
from decimal import Decimal
from uuid import UUID

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from pandas.testing import assert_frame_equal, assert_series_equal
from trips import save

from assetmake.errors import FrameError
from assetmake.frames.base import Column, Shape, Stored
from assetmake.frames.content import fingerprint_stored
from assetmake.frames.pandas import DefaultHandler, PandasHandler, SeriesHandler

NAN = float("nan")
DAYS = ["2020-01-01", "2020-07-01", None]
UTC = dt.UTC


def objects(*values):
    return pd.Series(values, dtype=object)


def moments(unit, zone=None):
    found = pd.Series(pd.to_datetime(DAYS)).dt.as_unit(unit)
    return found.dt.tz_localize(zone) if zone else found


def arrow(kind, *values):
    return pd.Series(values, dtype=pd.ArrowDtype(kind))


def category(*values, **options):
    return pd.Series(pd.Categorical(values, **options))


#: Columns that every format keeps.
FLAT = {
    "int8": pd.Series([-128, 0, 127], dtype="int8"),
    "int64": pd.Series([-(2**63), 0, 2**63 - 1]),
    "uint64": pd.Series([0, 1, 2**64 - 1], dtype="uint64"),
    "Int64": pd.Series([2**53 + 1, None, 3], dtype="Int64"),
    "Int64 without nulls": pd.Series([1, 2, 3], dtype="Int64"),
    "UInt8": pd.Series([1, None, 3], dtype="UInt8"),
    "bool": pd.Series([True, False, True]),
    "boolean": pd.Series([True, None, False], dtype="boolean"),
    "boolean without nulls": pd.Series([True, False, False], dtype="boolean"),
    "float64": pd.Series([0.1, NAN, -0.0]),
    "extreme floats": pd.Series([5e-324, 1.7976931348623157e308, 1e16]),
    "infinities": pd.Series([np.inf, -np.inf, 1.0]),
    "float32": pd.Series([0.1, NAN, 3e38], dtype="float32"),
    "float16": pd.Series([0.1, NAN, 3], dtype="float16"),
    "Float64": pd.Series([1.5, None, 3], dtype="Float64"),
    "str": pd.Series(["001", None, ""], dtype="str"),
    "difficult text": pd.Series([' ", \r\n', "NA", "déjà\tvu 😀"], dtype="str"),
    "string": pd.Series(["a", None, ""], dtype="string"),
    "string[python]": pd.Series(["a", None, ""], dtype="string[python]"),
    "objects of text": objects("a", None, ""),
    "objects of text and NaN": objects("a", NAN, ""),
    "objects of integers": objects(1, None, 3),
    "objects of truth": objects(True, None, False),
    "objects of floats": objects(1.5, None, 2.5),
    "objects of nothing": objects(None, None, None),
    "objects of NaN": objects(NAN, NAN, NAN),
    "decimals": objects(Decimal("1.25"), None, Decimal(-300)),
    "small decimals": objects(Decimal("0.0000000001"), None, Decimal(1)),
    "dates": objects(dt.date(2020, 2, 29), None, dt.date(1, 1, 1)),
    "times": objects(dt.time(1, 2, 3), None, dt.time(23, 59, 59, 999999)),
    "seconds": moments("s"),
    "milliseconds": moments("ms"),
    "microseconds": moments("us"),
    "whole nanoseconds": moments("ns"),
    "nanoseconds": pd.Series(pd.to_datetime([1, 2, 3])),
    "moments in UTC": moments("us", "UTC"),
    "moments in Berlin": moments("ns", "Europe/Berlin"),
    "moments at an offset": pd.Series(
        [dt.datetime(2020, 1, 1, tzinfo=dt.timezone(dt.timedelta(hours=5.5)))] * 3
    ),
    "objects of moments": objects(dt.datetime(2020, 1, 1, 1), None, dt.datetime.max),
    "spans": pd.Series(pd.to_timedelta([1, None, -3], unit="ns")),
    "spans in seconds": pd.Series(np.array([1, 2, 3], dtype="timedelta64[s]")),
    "objects of spans": objects(dt.timedelta(1), None, dt.timedelta(seconds=1)),
    "category": category("b", None, "a", categories=["z", "b", "a"]),
    "ordered category": category("b", None, "a", categories=["b", "a"], ordered=True),
    "category of integers": category(3, 1, None, categories=[7, 3, 1]),
    "category of floats": category(1.5, 2.5, None),
    "category of moments": category(*pd.to_datetime(["2020", "2021", None])),
    "category of truth": category(True, False, True),
    "category of dates": category(dt.date(2020, 1, 1), None, dt.date(2019, 1, 1)),
    "category of intervals": pd.Series(pd.cut([1.0, 50, 70], [0, 50, 60, 100])),
    "category in chunks": category(
        "b", None, "a", categories=pd.Index(["a"]).append(pd.Index(["b"]))
    ),
    "category of nothing": category(None, None, None),
    "Arrow's integers": arrow(pa.int64(), 1, None, 3),
    "Arrow's text": arrow(pa.string(), "a", None, ""),
    "Arrow's large text": arrow(pa.large_string(), "a", None, ""),
    "Arrow's days": arrow(pa.date32(), dt.date(2020, 1, 1), None, None),
    "Arrow's other days": arrow(pa.date64(), dt.date(2020, 1, 1), None, None),
    "Arrow's moments": arrow(pa.timestamp("ns", "UTC"), *pd.to_datetime(DAYS)),
    "Arrow's decimals": arrow(pa.decimal128(5, 2), Decimal("1.50"), None, None),
    "Arrow's times": arrow(pa.time64("ns"), dt.time(1), None, None),
    "Arrow's spans": arrow(pa.duration("s"), dt.timedelta(1), None, None),
    "Arrow's dictionary": arrow(pa.dictionary(pa.int32(), pa.string()), "a", None, "b"),
}

#: Columns that CSV has no text for.
DEEP = {
    "bytes": objects(b"a", None, b""),
    "lists": objects([1, None], None, []),
    "lists of lists": objects([[1], []], None, [None]),
    "lists of texts": objects(["a", None], None, []),
    "arrays": objects(np.array([1.5, NAN]), None, np.array([])),
    "dicts": objects({"a": 1, "b": ["x"]}, None, {"b": None, "a": 2}),
    "uuids": objects(UUID(int=1), None, UUID(int=2)),
    "periods": pd.Series(pd.period_range("2020-01", periods=3, freq="M")),
    "intervals": pd.Series(pd.interval_range(0, 3)),
    "Arrow's lists": arrow(pa.list_(pa.int64()), [1], None, [2, 3]),
    "Arrow's structs": arrow(pa.struct([("a", pa.int64())]), {"a": 1}, None, {"a": 2}),
}


@pytest.mark.parametrize("name", [*FLAT, *DEEP])
def test_parquet_gives_back_what_was_saved(tmp_path, name):
    """Values, dtypes, and which kind of null it was; and so does its description."""
    frame = pd.DataFrame({"x": (FLAT | DEEP)[name], "y": [1, 2, 3]})

    saved = save(frame, tmp_path)

    back = saved.load(pd.DataFrame)
    assert_frame_equal(back, frame)
    assert [type(v) for v in back["x"]] == [type(v) for v in frame["x"]]
    assert fingerprint_stored(saved.stored) == saved.written
    assert saved.written.rows == 3


@pytest.mark.parametrize("name", FLAT)
def test_csv_gives_back_what_was_saved(tmp_path, name):
    """CSV has no types: they come from the manifest, and the fingerprint is one."""
    frame = pd.DataFrame({"x": FLAT[name], "y": [1, 2, 3]})

    saved = save(frame, tmp_path / "csv", "csv")

    assert_frame_equal(saved.load(pd.DataFrame), frame)
    assert fingerprint_stored(saved.stored) == saved.written
    parquet = save(frame, tmp_path / "parquet").written
    assert saved.written.fingerprint == parquet.fingerprint
    assert saved.written.columns == parquet.columns


@pytest.mark.parametrize("name", DEEP)
def test_csv_refuses_what_it_has_no_text_for(tmp_path, name):
    """Nested values and bytes are not written as their repr."""
    frame = pd.DataFrame({"x": DEEP[name], "y": [1, 2, 3]})

    with pytest.raises(FrameError, match="as CSV: column `x` is") as refused:
        save(frame, tmp_path, "csv")

    assert 'format="parquet"' in refused.value.hints[0]


@pytest.mark.parametrize("name", [*FLAT, *DEEP])
def test_a_file_of_ours_is_read_by_pandas_itself(tmp_path, name):
    """Users open part files, too: `read_parquet` gets the same rows."""
    frame = pd.DataFrame({"x": (FLAT | DEEP)[name], "y": [1, 2, 3]}).set_index("y")

    saved = save(frame, tmp_path)

    read = pd.read_parquet(saved.stored.files[0])
    assert read.index.names == ["y"]
    assert list(read["x"].isna()) == list(frame["x"].isna())


REFUSED = {
    "complex": (pd.Series([1 + 2j] * 3), "complex128", "two columns"),
    "mixed": (objects(1, "a", None), "mixes int and str", "astype"),
    "integers and floats": (objects(1, 2.5, None), "mixes int and float", "astype"),
    "truth and integers": (objects(True, 1, None), "mixes bool and int", "astype"),
    "tuples": (objects((1, 2), None, (3,)), r"row 0 holds \(1, 2\)", "use lists"),
    "sets": (objects({1, 2}, None, {3}), "row 0 holds {1, 2}", "use lists"),
    "dicts of other keys": (objects({"a": 1}, {"b": 2}), "'b': None", "one set"),
    "dates and moments": (
        objects(dt.date(2020, 1, 1), dt.datetime(2020, 1, 1, 3)),
        "row 1 holds",
        "to_datetime",
    ),
    "moments of two zones": (
        objects(pd.Timestamp("2020", tz="UTC"), pd.Timestamp("2020", tz="Asia/Tokyo")),
        "row 1 holds",
        "to_datetime",
    ),
    "huge integers": (objects(2**70, 1, 2), "64 bits", "text"),
    "objects": (objects(object(), None), "type object", "convert"),
    "lone surrogates": (objects("\ud800", None), "surrogates", "convert"),
    "sparse": (pd.Series(pd.arrays.SparseArray([0, 1])), "sparse", "to_dense"),
}


@pytest.mark.parametrize(("column", "text", "hint"), REFUSED.values(), ids=REFUSED)
def test_what_would_not_come_back_is_refused(tmp_path, column, text, hint):
    """The message names asset, column and evidence, and a way out of it."""
    with pytest.raises(FrameError, match=text) as refused:
        save(pd.DataFrame({"x": column}), tmp_path)

    assert "`weather/t`" in str(refused.value)
    assert "`x`" in str(refused.value)
    assert hint in refused.value.hints[0]
    assert 'format="pickle"' in refused.value.hints[-1]


PAIRS = pd.MultiIndex.from_tuples([("a", 1), ("b", 2)], names=["k", "n"])

FRAMES = {
    "plain": pd.DataFrame({"a": [1, 2]}),
    "no rows": pd.DataFrame({"a": pd.Series([], dtype="float64"), "b": []}),
    "nothing": pd.DataFrame(),
    "a named index": pd.DataFrame({"a": [1, 2]}, index=pd.Index(["x", "y"], name="k")),
    "an index alone": pd.DataFrame(index=pd.Index([1, 2], name="k")),
    "a named range": pd.DataFrame({"a": [1, 2]}, index=pd.RangeIndex(2, name="k")),
    "two levels": pd.DataFrame({"a": [1, 2]}, index=PAIRS),
    "days": pd.DataFrame(
        {"a": [1, 2]}, index=pd.date_range("2020", periods=2, name="day")
    ),
    "hours in a zone": pd.DataFrame(
        {"a": [1, 2]},
        index=pd.date_range("2020", periods=2, freq="h", tz="Asia/Tokyo", name="at"),
    ),
    "an index of categories": pd.DataFrame(
        {"a": [1, 2]},
        index=pd.CategoricalIndex(["x", "y"], categories=["y", "x"], name="k"),
    ),
    "an index of dates": pd.DataFrame(
        {"a": [1, 2]},
        index=pd.Index([dt.date(2020, 1, 1), dt.date(2019, 1, 1)], name="k"),
    ),
    "an index with NA": pd.DataFrame(
        {"a": [1, 2]}, index=pd.Index([1, None], dtype="Int64", name="k")
    ),
    "a named axis": pd.DataFrame({"a": [1, 2]}).rename_axis(columns="what"),
    "strange names": pd.DataFrame({"": [1], " a,b": [2], 'q"\n': [3], "é": [4]}),
}


@pytest.mark.parametrize(
    ("format", "name"),
    [("parquet", name) for name in FRAMES]
    + [("csv", name) for name in FRAMES if name != "nothing"],
)
def test_index_and_names_come_back(tmp_path, name, format):
    """A named index is stored as columns, and is the index again in pandas."""
    frame = FRAMES[name]

    saved = save(frame, tmp_path, format)

    assert_frame_equal(saved.load(pd.DataFrame), frame, check_column_type=False)
    assert fingerprint_stored(saved.stored) == saved.written


def test_a_named_index_is_the_first_columns_for_others(tmp_path):
    """As `reset_index` would put it, and never as `Unnamed: 0`."""
    frame = pd.DataFrame({"a": [1.5, 2.5]}, index=PAIRS)

    saved = save(frame, tmp_path, "csv")

    assert saved.text == "k,n,a\na,1,1.5\nb,2,2.5\n"
    assert saved.written.columns == (
        Column("k", "string"),
        Column("n", "int64"),
        Column("a", "double"),
    )


BAD_AXES = {
    "unnamed labels": (
        pd.DataFrame({"a": [1, 2]}, index=["x", "y"]),
        r"an unnamed index \(Index of str\)",
    ),
    "unnamed days": (
        pd.DataFrame({"a": [1, 2]}, index=pd.date_range("2020", periods=2)),
        "an unnamed index",
    ),
    "half named levels": (
        pd.DataFrame({"a": [1, 2]}, index=PAIRS.set_names(["k", None])),
        "unnamed index",
    ),
    "number as name": (
        pd.DataFrame({"a": [1, 2]}, index=pd.Index([1, 2], name=7)),
        "an index named 7",
    ),
    "integer names": (pd.DataFrame([[1, 2]]), "must be text, not 0, 1"),
    "duplicate names": (
        pd.DataFrame([[1, 2]], columns=["a", "a"]),
        "more than one column called `a`",
    ),
    "index like a column": (
        pd.DataFrame({"a": [1]}, index=pd.Index([1], name="a")),
        "more than one column called `a`",
    ),
    "levels of names": (
        pd.DataFrame([[1]], columns=pd.MultiIndex.from_tuples([("a", "b")])),
        "MultiIndex",
    ),
    "rows without columns": (pd.DataFrame(index=range(5)), "5 rows and no columns"),
    "a row without columns": (pd.DataFrame(index=range(1)), "1 row and no columns"),
}


@pytest.mark.parametrize(("frame", "text"), BAD_AXES.values(), ids=BAD_AXES)
def test_axes_that_have_no_place_in_a_table_are_refused(tmp_path, frame, text):
    """Never dropped in silence; every message has a hint."""
    with pytest.raises(FrameError, match=text) as refused:
        save(frame, tmp_path)

    assert refused.value.hints


@pytest.mark.parametrize(
    "frame",
    [
        pd.DataFrame({"a": [3, 1, 2]}).sort_values("a"),
        pd.DataFrame({"a": [3, 1, 2, 0]}).query("a > 0").nlargest(2, "a"),
        pd.DataFrame({"a": [3, 1]}).rename(index={0: "y"}),
        pd.DataFrame({"a": [3, 1]}).iloc[:0],
        pd.DataFrame({"a": range(9)}).iloc[3:9:2],
    ],
    ids=["sorted", "filtered", "relabelled", "emptied", "sliced"],
)
def test_what_is_left_of_row_numbers_is_not_kept(tmp_path, frame):
    """Where rows once stood is no data, in any engine."""
    saved = save(frame, tmp_path)

    assert_frame_equal(saved.load(pd.DataFrame), frame.reset_index(drop=True))


def test_pickle_keeps_what_tables_cannot(tmp_path):
    """The way out for frames of one's own, for pandas alone."""
    frame = BAD_AXES["levels of names"][0]

    saved = save(frame, tmp_path, "pickle")

    assert_frame_equal(saved.load(pd.DataFrame), frame)
    assert saved.written.columns is None
    with pytest.raises(FrameError, match=r"not a pandas\.Series"):
        saved.load(pd.Series)


@pytest.mark.parametrize(
    "series",
    [
        pd.Series([1, 2], name="a"),
        pd.Series([1, 2]),
        pd.Series(["x", None], index=pd.Index([1, 2], name="k"), name="a"),
    ],
    ids=["named", "unnamed", "with index"],
)
def test_a_series_comes_back_with_its_name(tmp_path, series):
    """Also where the parameter has no annotation; as a frame if asked for."""
    saved = save(series, tmp_path)

    assert_series_equal(saved.load(pd.Series), series)
    assert_series_equal(saved.load(None), series)
    assert list(saved.load(pd.DataFrame)) == [series.name or "value"]


def test_a_table_of_two_columns_is_no_series(tmp_path):
    """Which of the two would it be."""
    saved = save(pd.DataFrame({"a": [1], "b": [2]}), tmp_path)

    with pytest.raises(FrameError, match=r"is no Series"):
        saved.load(pd.Series)


def test_a_series_needs_a_name_that_is_text(tmp_path):
    """A column is called so."""
    with pytest.raises(FrameError, match="its name must be text, not 3"):
        save(pd.Series([1], name=3), tmp_path)


CHANGES = {
    "another name": lambda f: f.rename(columns={"a": "b"}),
    "another value": lambda f: f.replace({1: 5}),
    "another order": lambda f: f.iloc[::-1].reset_index(drop=True),
    "nullable": lambda f: f.astype("Int64"),
    "objects": lambda f: f.astype(object),
    "category": lambda f: f.astype("category"),
    "category, unused": lambda f: f.astype(pd.CategoricalDtype([1, 2, 3])),
    "category, other order": lambda f: f.astype(pd.CategoricalDtype([2, 1])),
    "ordered": lambda f: f.astype(pd.CategoricalDtype([1, 2], ordered=True)),
    "index": lambda f: f.set_index("a"),
    "a named axis": lambda f: f.rename_axis(columns="what"),
    "a Series": lambda f: f["a"],
    "Arrow": lambda f: f.astype("int64[pyarrow]"),
}


def test_what_pandas_tells_apart_has_different_fingerprints(tmp_path):
    """Or a change of dtype would not reach the assets that read it."""
    frame = pd.DataFrame({"a": [1, 2]})
    changed = {"none": frame} | {name: f(frame) for name, f in CHANGES.items()}

    prints = {
        name: save(value, tmp_path / name).written.fingerprint
        for name, value in changed.items()
    }

    assert len(set(prints.values())) == len(prints)


def test_blocks_and_layout_do_not_count(tmp_path):
    """One content, one fingerprint, however pandas holds it."""
    whole = pd.DataFrame({"a": [1.5, 2.5], "b": [3.5, 4.5]})
    apart = pd.concat([whole[["a"]], whole[["b"]]], axis=1)
    strided = pd.DataFrame(np.asfortranarray(whole.to_numpy()), columns=["a", "b"])
    wide = whole.assign(c=0)[["a", "b"]]

    prints = {
        save(frame, tmp_path / str(i)).written.fingerprint
        for i, frame in enumerate([whole, apart, strided, wide])
    }

    assert len(prints) == 1


def test_moments_are_microseconds_wherever_nothing_is_lost(tmp_path):
    """Spark reads no nanoseconds; their dtype comes back all the same."""
    whole, fine = FLAT["whole nanoseconds"], FLAT["nanoseconds"]

    saved = save(pd.DataFrame({"a": whole, "b": fine}), tmp_path)

    assert saved.written.columns == (
        Column("a", "timestamp[us]"),
        Column("b", "timestamp[ns]"),
    )
    kept = pq.read_schema(saved.stored.files[0])
    assert str(kept.field("a").type) == "timestamp[us]"
    assert saved.load(pd.DataFrame).dtypes.to_list() == ["datetime64[ns]"] * 2


@pytest.mark.parametrize(
    ("kind", "values", "dtype"),
    [
        (pa.int64(), [1, 2], "int64"),
        (pa.int64(), [2**53 + 1, None], "Int64"),
        (pa.uint32(), [1, None], "UInt32"),
        (pa.bool_(), [True, None], "boolean"),
        (pa.float64(), [1.5, None], "float64"),
        (pa.string(), ["a", None], "str"),
        (pa.date32(), [dt.date(2020, 1, 1), None], "object"),
        (pa.timestamp("us", "UTC"), [0, None], "datetime64[us, UTC]"),
        (pa.decimal128(5, 2), [Decimal("1.50"), None], "object"),
        (pa.list_(pa.int64()), [[1], None], "object"),
    ],
    ids=str,
)
def test_a_table_of_other_engines_gets_sane_dtypes(tmp_path, kind, values, dtype):
    """No integer becomes a float, no truth value an object, for want of a null."""
    saved = save(pa.table({"a": pa.array(values, kind)}), tmp_path)

    back = saved.load(pd.DataFrame)["a"]

    assert back.dtype == dtype
    if dtype == "Int64":
        assert back[0] == 2**53 + 1


def test_a_table_of_pandas_itself_is_read_as_pandas_reads_it(tmp_path):
    """A source, or a table in place that is adopted: its own notes hold."""
    frame = pd.DataFrame({"a": [1, None]}, dtype="Int64").set_axis([5, 7])
    frame.to_parquet(tmp_path / "x.parquet")
    plain = pd.DataFrame({"a": [1, 2], "s": ["x", None]})
    plain.to_parquet(tmp_path / "y.parquet")
    mine = save(plain, tmp_path / "mine")
    stored = mine.stored

    theirs = [
        type(stored)("raw", tmp_path, (tmp_path / name,), "parquet")
        for name in ("x.parquet", "y.parquet")
    ]

    handler = PandasHandler()
    assert_frame_equal(handler.load(theirs[0], None), frame)
    assert_frame_equal(handler.load(theirs[1], None), plain)
    assert fingerprint_stored(theirs[1]).fingerprint == mine.written.fingerprint
    assert fingerprint_stored(theirs[0]).rows == 2


def test_an_index_of_pandas_own_files_counts(tmp_path):
    """An unnamed one is a column there, and other engines see it."""
    prints = set()
    for number, labels in enumerate([[5, 7], [5, 8], ["x", "y"]]):
        path = tmp_path / f"{number}.parquet"
        pd.DataFrame({"a": [1, 2]}, index=labels).to_parquet(path)
        described = fingerprint_stored(Stored("t", tmp_path, (path,), "parquet"))
        prints.add(described.fingerprint)

    assert len(prints) == 3


def test_a_file_that_pandas_cannot_read_is_told(tmp_path):
    """Its writer puts dtypes into its notes that nobody can read back."""
    path = tmp_path / "x.parquet"
    pd.DataFrame({"x": DEEP["Arrow's lists"]}).to_parquet(path)
    stored = Stored("raw", tmp_path, (path,), "parquet", is_source=True)

    with pytest.raises(FrameError, match="`raw` cannot be read as pandas") as refused:
        PandasHandler().load(stored, None)

    assert refused.value.hints == ("read it as pyarrow.Table",)


def test_a_loaded_frame_is_ones_own(tmp_path):
    """Regression: a mutated input changed what the next asset saw."""
    saved = save(
        pd.DataFrame({"a": [1, 2], "b": [1.5, 2.5], "s": ["x", "y"]}), tmp_path
    )
    first = saved.load(pd.DataFrame)

    first.loc[0, "a"] = 99
    first["b"] *= 2
    first.iloc[1, 2] = "changed"

    again = saved.load(pd.DataFrame)
    assert again.to_dict("list") == {"a": [1, 2], "b": [1.5, 2.5], "s": ["x", "y"]}
    assert fingerprint_stored(saved.stored) == saved.written


def test_saving_changes_nothing_of_a_frame(tmp_path):
    """Neither its values nor its attributes."""
    frame = pd.DataFrame({"a": [1, 2]}, index=pd.Index([5, 7], name="k"))
    frame.attrs["unit"] = object()
    before = frame.copy()

    save(frame, tmp_path)

    assert_frame_equal(frame, before)
    assert "unit" in frame.attrs


@pytest.mark.slow
def test_periods_come_back_in_a_new_process(tmp_path):
    """Extension types are known only where pandas has registered them."""
    save(pd.DataFrame({"x": DEEP["periods"]}), tmp_path)
    code = f"""
from pathlib import Path
from assetmake.frames import Frames
from assetmake.frames.base import Stored
files = tuple(Path({str(tmp_path)!r}).iterdir())
stored = Stored("x", Path({str(tmp_path)!r}), files, "parquet")
handler = Frames({{}}).for_annotation(None, reading=True)
print(handler.load(stored, None).dtypes["x"])
"""

    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, check=True, text=True
    )

    assert done.stdout == "period[M]\n"


def test_the_shape_tells_rows_and_columns():
    """What the message of a failed asset says of its inputs."""
    frame = pd.DataFrame({"a": [1, 2], 3: [4, 5]})

    for handler in (PandasHandler(), DefaultHandler()):
        assert handler.shape(frame) == Shape(2, ("a", "3"))
    for handler in (SeriesHandler(), DefaultHandler()):
        assert handler.shape(frame["a"]) == Shape(2, ("a",))
        assert handler.shape(pd.Series([1])) == Shape(1, ())
    assert DefaultHandler().shape("a report") is None
