"""polars in the store."""

# ruff: noqa: DTZ001 - moments without zone are what tables hold, too

from __future__ import annotations

import datetime as dt
from decimal import Decimal

import pandas as pd
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from polars.testing import assert_frame_equal
from trips import save, source

from assetmake.errors import FrameError
from assetmake.frames import Frames
from assetmake.frames.base import Shape
from assetmake.frames.content import fingerprint_stored

DAY = dt.datetime(2020, 2, 29, 1, 2, 3)

FLAT = {
    "integers": pl.Series([1, None, 3]),
    "UInt8": pl.Series([1, None, 255], dtype=pl.UInt8),
    "Float32": pl.Series([0.1, None, float("nan")], dtype=pl.Float32),
    "truth": pl.Series([True, None, False]),
    "text": pl.Series(["001", None, ""]),
    "days": pl.Series([DAY.date(), None, dt.date(1, 1, 1)]),
    "moments": pl.Series([DAY, None, DAY]),
    "nanoseconds": pl.Series([1, None, 2]).cast(pl.Datetime("ns")),
    "whole nanoseconds": pl.Series([DAY, None, DAY], dtype=pl.Datetime("ns")),
    "milliseconds": pl.Series([DAY, None, DAY], dtype=pl.Datetime("ms")),
    "zone": pl.Series([DAY, None, DAY], dtype=pl.Datetime("us", "Asia/Tokyo")),
    "spans": pl.Series([dt.timedelta(1), None, dt.timedelta(seconds=-1)]),
    "times": pl.Series([dt.time(1, 2, 3), None, dt.time(0)]),
    "decimals": pl.Series([Decimal("1.50"), None, Decimal(-3)]),
    "nothing": pl.Series([None, None, None]),
    "Categorical": pl.Series(["x", None, "y"], dtype=pl.Categorical),
    "Enum": pl.Series(["x", None, "y"], dtype=pl.Enum(["z", "y", "x"])),
}
DEEP = {
    "bytes": pl.Series([b"x", None, b""]),
    "lists": pl.Series([[1, None], None, []]),
    "arrays": pl.Series([[1, 2], None, [3, 4]], dtype=pl.Array(pl.Int8, 2)),
    "structs": pl.Series(
        [{"a": 1, "b": "x"}, {"a": None, "b": None}, {"a": 2, "b": ""}]
    ),
    "lists of categories": pl.Series([["x"], None, []], dtype=pl.List(pl.Categorical)),
    "lists of spans": pl.Series([[dt.timedelta(1)], None, []]),
    "lists of moments": pl.Series([[DAY], None, []], dtype=pl.List(pl.Datetime("ms"))),
}


@pytest.mark.parametrize("name", [*FLAT, *DEEP])
def test_parquet_gives_back_what_was_saved(tmp_path, name):
    """Eager or lazy, saved or loaded."""
    frame = pl.DataFrame({"x": (FLAT | DEEP)[name], "y": [1, 2, 3]})

    eager = save(frame, tmp_path / "eager")
    lazy = save(frame.lazy(), tmp_path / "lazy")

    assert_frame_equal(eager.load(pl.DataFrame), frame)
    assert_frame_equal(lazy.load(pl.LazyFrame).collect(), frame)
    assert eager.written == lazy.written == fingerprint_stored(eager.stored)


@pytest.mark.parametrize("name", FLAT)
def test_csv_gives_back_what_was_saved(tmp_path, name):
    """With the types of the manifest."""
    frame = pl.DataFrame({"x": FLAT[name], "y": [1, 2, 3]})

    saved = save(frame, tmp_path / "csv", "csv")

    assert_frame_equal(saved.load(pl.DataFrame), frame)
    assert_frame_equal(saved.load(pl.LazyFrame).collect(), frame)
    parquet = save(frame, tmp_path / "parquet").written
    assert saved.written.fingerprint == parquet.fingerprint


def test_one_content_has_one_fingerprint_in_all_libraries(tmp_path):
    """An asset that moves from pandas to polars spares what reads it."""
    columns = {"i": [1, 2, None], "f": [1.5, None, 2.5], "s": ["a", None, ""]}
    values = {
        "polars": pl.DataFrame(columns),
        "lazy": pl.LazyFrame(columns),
        "arrow": pa.table(columns),
        "pandas": pd.DataFrame(columns).astype({"i": "Int64"}),
    }

    prints = {
        save(value, tmp_path / name).written.fingerprint
        for name, value in values.items()
    }

    assert len(prints) == 1


@pytest.mark.parametrize(
    ("column", "dtype"),
    [
        (pl.Series([object()]), "Object"),
        (pl.Series([1], dtype=pl.Int128), "Int128"),
        (pl.Series([[1]], dtype=pl.List(pl.Int128)), "Int128"),
    ],
    ids=["Object", "Int128", "lists"],
)
def test_what_arrow_has_not_got_is_refused(tmp_path, column, dtype):
    """Its export would export the addresses of objects as bytes."""
    with pytest.raises(FrameError, match=f"column `x` is .*{dtype}"):
        save(pl.DataFrame({"x": column}), tmp_path)


def test_a_wide_decimal_is_not_loaded(tmp_path):
    """Its export would panic."""
    saved = save(pa.table({"a": pa.array([1], pa.decimal256(50, 2))}), tmp_path)

    with pytest.raises(FrameError, match="more than 38 digits"):
        saved.load(pl.DataFrame)


def test_a_lazy_frame_scans_the_files(tmp_path):
    """Nothing is read before it is collected."""
    frame = pd.DataFrame(
        {"t": pd.to_datetime(["2020"]).as_unit("ns"), "c": pd.Categorical(["x"])}
    )
    saved = save(frame, tmp_path)

    lazy = saved.load(pl.LazyFrame)

    assert "Parquet SCAN" in lazy.explain()
    assert lazy.collect_schema() == saved.load(pl.DataFrame).schema
    assert lazy.collect_schema()["t"] == pl.Datetime("ns")


def test_ordered_categories_of_pandas_are_an_enum(tmp_path):
    """Their order is what makes them one; others are Categorical."""
    ordered = pd.CategoricalDtype(["low", "high"], ordered=True)
    frame = pd.DataFrame({"o": ["high", None]}).astype(ordered)
    frame["c"] = pd.Categorical(["x", None])

    saved = save(frame, tmp_path)

    for loaded in (saved.load(pl.DataFrame), saved.load(pl.LazyFrame).collect()):
        assert loaded.schema["o"] == pl.Enum(["low", "high"])
        assert loaded.schema["c"] == pl.Categorical
        assert loaded["o"].to_list() == ["high", None]


def test_an_enum_is_an_ordered_category_in_pandas(tmp_path):
    """Unused categories and their order included."""
    saved = save(pl.DataFrame({"e": FLAT["Enum"]}), tmp_path)

    dtype = saved.load(pd.DataFrame)["e"].dtype

    assert dtype == pd.CategoricalDtype(["z", "y", "x"], ordered=True)


def test_a_long_lazy_frame_is_written_in_pieces(tmp_path):
    """In order, and never held as a whole."""
    frame = pl.LazyFrame({"a": range(600_000)}).with_columns(b=pl.col("a") * 2)

    saved = save(frame, tmp_path)

    assert pq.read_metadata(saved.stored.files[0]).num_row_groups > 1
    assert_frame_equal(saved.load(pl.DataFrame), frame.collect())
    assert saved.written == save(frame.collect(), tmp_path / "eager").written


def test_an_empty_lazy_frame_has_columns(tmp_path):
    """It yields no batch, and is a table all the same."""
    frame = pl.LazyFrame({"a": [1], "e": ["x"]}).filter(pl.col("a") > 1)

    saved = save(frame, tmp_path)

    assert saved.written.rows == 0
    assert_frame_equal(saved.load(pl.DataFrame), frame.collect())


def test_an_error_of_the_query_is_the_users(tmp_path):
    """What fails when it is collected fails as it does in polars."""
    frame = pl.LazyFrame({"a": ["x"]}).with_columns(pl.col("a").cast(pl.Int64))

    with pytest.raises(pl.exceptions.InvalidOperationError):
        save(frame, tmp_path)


def test_a_csv_source_has_the_columns_that_pandas_infers(tmp_path):
    """A column is not text in one engine and a number in another."""
    stored = source(tmp_path, "csv", a_csv="i,f,s,b\n1,1.5,x,True\n2,,y,False\n")
    frames = Frames({})

    for kind in (pl.DataFrame, pl.LazyFrame):
        loaded = frames.for_annotation(kind, reading=True).load(stored, kind)
        assert dict(loaded.lazy().collect_schema()) == {
            "i": pl.Int64,
            "f": pl.Float64,
            "s": pl.String,
            "b": pl.Boolean,
        }


def test_the_shape_of_a_lazy_frame_has_no_rows():
    """They are known only when it has been collected."""
    frames = Frames({})
    frame = pl.DataFrame({"a": [1, 2]})

    assert frames.for_value(frame).shape(frame) == Shape(2, ("a",))
    lazy = frame.lazy()
    assert frames.for_value(lazy).shape(lazy) == Shape(None, ("a",))
