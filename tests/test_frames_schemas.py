"""What a `schema=` declares of columns, and what its verdict means."""

from __future__ import annotations

import warnings
from types import SimpleNamespace

import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from pyspark.sql.types import (
    ArrayType,
    DecimalType,
    LongType,
    StructField,
    StructType,
    VariantType,
)

from assetmake.errors import FrameError
from assetmake.frames import Frames
from assetmake.frames.columns import Declared
from assetmake.frames.schemas import declared_by, is_plain, validated

with warnings.catch_warnings():
    # It imports pyspark, which warns of pandas 3.
    warnings.simplefilter("ignore")
    import pandera.pandas as pandera
    import pandera.polars as pandera_polars

# It comes again when pandera validates.
pytestmark = pytest.mark.filterwarnings("ignore:PySpark does not yet:FutureWarning")

FRAME = pd.DataFrame({"day": ["a", "b"], "high": [1, 2]})


def verdict(schema, value=FRAME):
    """Return what a schema lets pass."""
    return validated(schema, value, "highs", Frames({}).for_value)


class Model(pandera.DataFrameModel):
    """A class that is a schema."""

    day: str
    high: float


@pytest.mark.parametrize(
    ("schema", "dtypes"),
    [
        (
            pa.schema([("day", pa.date32()), ("high", pa.float64())]),
            {"day": "date32[day]", "high": "double"},
        ),
        (
            pl.Schema({"day": pl.Datetime("us", "UTC"), "wide": pl.Int128}),
            {"day": "Datetime(time_unit='us', time_zone='UTC')", "wide": None},
        ),
        (
            StructType(
                [
                    StructField("n", LongType()),
                    StructField("d", DecimalType(10, 2)),
                    StructField("a", ArrayType(LongType())),
                    StructField("v", VariantType()),
                ]
            ),
            {"n": "bigint", "d": "decimal(10,2)", "a": "array<bigint>", "v": None},
        ),
    ],
)
def test_plain_schemas_are_names_and_dtypes(schema, dtypes):
    """Just these columns; a dtype that no store keeps allows every one."""
    assert is_plain(schema)
    assert declared_by(schema) == Declared(dtypes)
    assert verdict(schema) is FRAME


@pytest.mark.parametrize(
    ("schema", "declared"),
    [
        (
            pandera.DataFrameSchema(
                {"day": pandera.Column(str), "high": pandera.Column(float)}
            ),
            Declared({"day": "string[pyarrow]", "high": "float64"}, is_open=True),
        ),
        (
            pandera.DataFrameSchema(
                {"a": pandera.Column(int, required=False), "b": pandera.Column()},
                index=pandera.Index(int, name="k"),
                strict=True,
            ),
            Declared({"k": "int64", "a": "int64", "b": None}, frozenset({"a"})),
        ),
        (
            pandera.DataFrameSchema(
                {"a": pandera.Column(int)},
                index=pandera.MultiIndex(
                    [pandera.Index(int, name="k"), pandera.Index(str)]
                ),
                strict="filter",
            ),
            Declared({"k": "int64", "a": "int64"}),
        ),
        (
            pandera.DataFrameSchema({"a": pandera.Column(int)}, strict=True),
            Declared({"a": "int64"}, is_open=True),
        ),
        (
            pandera.DataFrameSchema(
                {"x_.*": pandera.Column(int, regex=True)},
                index=pandera.Index(int),
                strict=True,
            ),
            Declared({}, is_open=True),
        ),
        (Model, Declared({"day": "string[pyarrow]", "high": "float64"}, is_open=True)),
        (
            pandera_polars.DataFrameSchema(
                {"a": pandera_polars.Column(pl.Int64)}, strict=True
            ),
            Declared({"a": "Int64"}),
        ),
    ],
)
def test_a_schema_of_pandera_tells_its_columns(schema, declared):
    """Optional ones and open ends too; an unnamed index is no column."""
    assert declared_by(schema) == declared


@pytest.mark.parametrize(
    "schema",
    [
        SimpleNamespace(validate=print),
        SimpleNamespace(validate=print, columns={"a": 1}),
        type("Broken", (), {"to_schema": lambda: 1 / 0}),
    ],
)
def test_another_object_tells_no_columns(schema):
    """Only its `validate` can say."""
    assert declared_by(schema) is None


@pytest.mark.parametrize(
    ("answer", "passed"),
    [
        (lambda frame: frame.assign(low=0), FRAME.assign(low=0)),
        (lambda _: None, FRAME),
        (lambda _: True, FRAME),
        (lambda _: [], FRAME),
    ],
)
def test_a_verdict_is_the_frame_or_nothing_to_say(answer, passed):
    """True must not be stored in the place of the table."""
    found = verdict(SimpleNamespace(validate=answer))

    pd.testing.assert_frame_equal(found, passed)


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        (lambda _: False, "refuses"),
        (lambda _: ["high is low"], "refuses: high is low"),
        (
            lambda _: SimpleNamespace(
                pandera=SimpleNamespace(errors={"SCHEMA": ["no column low"]})
            ),
            'refuses: {"SCHEMA": ["no column low"]}',
        ),
        (lambda _: {"ok": 1}, "returned a builtins.dict for a pandas"),
    ],
)
def test_a_refusal_without_an_exception_is_one(answer, message):
    """Whatever a library returns for it."""
    with pytest.raises(FrameError, match="asset `highs`") as caught:
        verdict(SimpleNamespace(validate=answer))

    assert message in str(caught.value)


def test_what_a_schema_raises_is_passed_on():
    """Of values, its own words say most."""
    schema = pandera.DataFrameSchema(
        {"high": pandera.Column(int, pandera.Check.le(1, error="too hot"))}
    )

    with pytest.raises(pandera.errors.SchemaError, match="too hot"):
        verdict(schema)


def test_every_wrong_column_is_named():
    """Where pandera alone would stop at the first."""
    schema = pandera.DataFrameSchema(
        {
            "day": pandera.Column(str),
            "high": pandera.Column(float),
            "low": pandera.Column(float),
        }
    )

    with pytest.raises(FrameError) as caught:
        verdict(schema)

    assert str(caught.value) == (
        "asset `highs` returned other columns than its `schema=` says: "
        "lacks column low; column high is int64, declared float64"
    )


def test_a_schema_may_mend_what_it_gets():
    """Coerced columns are those that are stored."""
    schema = pandera.DataFrameSchema({"high": pandera.Column(float)}, coerce=True)

    assert str(verdict(schema)["high"].dtype) == "float64"
