"""Declared columns against actual ones."""

from __future__ import annotations

import pytest

from assetmake.frames.base import Column
from assetmake.frames.columns import Declared, allows, check_columns, is_dtype

ACTUAL = [Column("day", "date32[day]"), Column("high", "double")]


@pytest.mark.parametrize(
    ("declared", "problems"),
    [
        ({"day": "date", "high": "float64"}, []),
        ({"high": "double", "day": None}, []),
        (["high", "day"], []),
        (("day", "high"), []),
        (["day"], ["has extra column high"]),
        (["day", "high", "low"], ["lacks column low"]),
        (
            {"day": "str", "low": "int"},
            [
                "lacks column low",
                "has extra column high",
                "column day is date32[day], declared str",
            ],
        ),
    ],
)
def test_each_difference_is_told(declared, problems):
    """What lacks, what is too much, what has another dtype; order does not count."""
    assert check_columns(declared, ACTUAL) == problems


@pytest.mark.parametrize(
    ("declared", "problems"),
    [
        (Declared({"day": None}), ["has extra column high"]),
        (Declared({"day": None}, is_open=True), []),
        (Declared({"low": None}, is_open=True), ["lacks column low"]),
        (Declared({"low": None}, frozenset({"low"}), is_open=True), []),
        (
            Declared({"high": "int"}, frozenset({"high"}), is_open=True),
            ["column high is double, declared int"],
        ),
    ],
)
def test_columns_may_be_optional_and_others_let_pass(declared, problems):
    """What is there has its dtype all the same."""
    assert check_columns(declared, ACTUAL) == problems


SPELLINGS = {
    "int8": "int8 Int8 tinyint byte int8[pyarrow]",
    "int16": "int16 Int16 smallint short",
    "int32": "int32 Int32 int integer",
    "int64": "int64 Int64 int bigint long int64[pyarrow] object category",
    "uint8": "uint8 UInt8",
    "float": "float32 Float32 float real float16",
    "double": "float64 Float64 float double DOUBLE double[pyarrow] float64[pyarrow]",
    "bool": "bool boolean Boolean bool[pyarrow]",
    "string": "str string String Utf8 object large_string string[pyarrow] "
    "string[python] VARCHAR varchar(10)",
    "binary": "bytes binary Binary object",
    "date32[day]": "date Date date32 date32[day] date32[day][pyarrow] object",
    "time64[us]": "time Time time64[us] time64[ns]",
    "timestamp[us]": "datetime64[ns] datetime64[s] Datetime timestamp timestamp_ntz "
    "timestamp[ns] timestamp(6) datetime Datetime('us') datetime64",
    "duration[us]": "timedelta64[ns] Duration duration[s] timedelta interval",
    "decimal128(10, 2)": "decimal(10,2) decimal decimal128(10,\u00a02) Decimal numeric "
    "decimal(10)",
    "list<item: int64>": "list array<bigint> List(Int64) list<item:int64> object",
    "fixed_size_list<item: int8>[2]": "list Array(Int8,2)",
    "struct<a: int64>": "struct struct<a:bigint> Struct({'a':Int64})",
    "map<string, int64>": "map map<string,bigint>",
    "dictionary<values=string, indices=int32, ordered=0>": "category Categorical Enum",
    "null": "null void object",
    "extension<pandas.period>": "period[M] object",
    "extension<pandas.interval>": "interval",
    "extension<arrow.uuid>": "uuid",
    "timestamp[us, tz=UTC]": "timestamp timestamp_ltz datetime64 Datetime",
}


@pytest.mark.parametrize(
    ("dtype", "declared"),
    [(dtype, word) for dtype, words in SPELLINGS.items() for word in words.split(" ")],
)
def test_all_libraries_spellings_are_known(dtype, declared):
    """Each names the dtype that Arrow calls otherwise."""
    assert allows(declared, dtype)
    assert is_dtype(declared)


@pytest.mark.parametrize(
    ("declared", "dtype"),
    [
        ("LongType()", "int64"),
        ("LongType", "int64"),
        ("TimestampNTZType()", "timestamp[us]"),
        ("DecimalType(10,2)", "decimal128(10, 2)"),
        ("ArrayType(StringType(), True)", "list<item: string>"),
        ("char(3)", "string"),
        ("interval day to second", "duration[us]"),
        ("Int64Dtype", "int64"),
        ("CategoricalDtype", "string"),
        ("DatetimeTZDtype", "timestamp[us, tz=UTC]"),
        ("str_", "string"),
        ("<M8[ns]", "timestamp[us]"),
        ("<i8", "int64"),
        ("str | None", "string"),
        ("list[int]", "list<item: int64>"),
        ("dict", "struct<a: int64>"),
        ("TIMESTAMP WITH TIME ZONE", "timestamp[us, tz=UTC]"),
        ("TIMESTAMP_NS", "timestamp[ns]"),
        ("UTINYINT", "uint8"),
        ("INTEGER[]", "list<item: int32>"),
        ("INTEGER[2]", "fixed_size_list<item: int32>[2]"),
        ("fixed_size_binary[16]", "binary"),
    ],
)
def test_dtypes_are_named_by_class_and_in_sql_too(declared, dtype):
    """As `str()` or `__name__` of what people pass gives them."""
    assert allows(declared, dtype)
    assert is_dtype(declared)


NESTED = {
    "list<item: int64>": "list List(Int64) array<bigint> list[int] LIST(BIGINT) "
    "BIGINT[] list<int64> ArrayType(LongType(),True) list[unknown]",
    "fixed_size_list<item: int8>[2]": "Array(Int8,shape=(2,)) list<int8> TINYINT[2]",
    "list<item: struct<a: list<item: string>, b: timestamp[us, tz=UTC]>>": "list "
    "array<struct<a:array<string>,b:timestamp>> "
    "List(Struct({'a':List(String),'b':Datetime(time_unit='us',time_zone='UTC')}))",
    "map<string, double>": "map map<string,double> MAP(VARCHAR,DOUBLE) "
    "MapType(StringType(),DoubleType(),True)",
    "struct<a: int64, b: decimal128(10, 2)>": "struct dict dict[str,int] "
    "struct<b:decimal(10,2),a:bigint> Struct({'a':Int64,'b':Decimal}) "
    "StructType([StructField('x',LongType(),True)])",
}


@pytest.mark.parametrize(
    ("dtype", "declared"),
    [(dtype, word) for dtype, words in NESTED.items() for word in words.split(" ")],
)
def test_what_lists_and_structs_hold_may_be_declared(dtype, declared):
    """In the words of each library; what they do not tell is let pass."""
    assert allows(declared, dtype)


@pytest.mark.parametrize(
    ("declared", "dtype"),
    [
        ("List(Int64)", "list<item: int32>"),
        ("array<string>", "list<item: int64>"),
        ("BIGINT[]", "list<item: string>"),
        ("Array(Int8, shape=(2,))", "fixed_size_list<item: int16>[2]"),
        ("map<string,bigint>", "map<string, string>"),
        ("MAP(INTEGER, VARCHAR)", "map<string, string>"),
        ("struct<a:bigint>", "struct<a: int64, b: int64>"),
        ("struct<a:bigint,b:bigint>", "struct<a: int64>"),
        ("struct<a:bigint>", "struct<a: string>"),
        ("STRUCT(a INTEGER)", "struct<a: int64>"),
        ("list<item: struct<a: int64>>", "list<item: struct<a: int64, b: int8>>"),
    ],
)
def test_what_lists_and_structs_hold_has_to_be_what_is_declared(declared, dtype):
    """Fields, keys, values and items."""
    assert not allows(declared, dtype)
    assert is_dtype(declared)


@pytest.mark.parametrize("text", ["flaot64", "", "pandas", "LongTyp()", "int7"])
def test_a_misspelled_dtype_is_none(text):
    """So that it is told before anything is built."""
    assert not is_dtype(text)


@pytest.mark.parametrize(
    ("declared", "dtype"),
    [
        ("datetime64[ns, UTC]", "timestamp[us, tz=UTC]"),
        ("datetime64[ns, UTC]", "timestamp[us, tz=Etc/UTC]"),
        ("datetime64[us, Europe/Berlin]", "timestamp[us, tz=Europe/Berlin]"),
        ("datetime64[us, UTC+05:30]", "timestamp[us, tz=+05:30]"),
        ("timestamp[ns, tz=UTC][pyarrow]", "timestamp[us, tz=UTC]"),
        ("Datetime(time_unit='us', time_zone='UTC')", "timestamp[us, tz=UTC]"),
        ("Datetime(time_unit='us', time_zone=None)", "timestamp[us]"),
        ("Decimal(precision=10, scale=2)", "decimal128(10, 2)"),
    ],
)
def test_zones_and_digits_may_be_declared(declared, dtype):
    """In the words of each library."""
    assert allows(declared, dtype)


@pytest.mark.parametrize(
    ("declared", "dtype"),
    [
        ("int64", "int32"),
        ("int", "int16"),
        ("int64", "uint64"),
        ("int64", "double"),
        ("float64", "float"),
        ("float", "int64"),
        ("str", "int64"),
        ("str", "binary"),
        ("str", "dictionary<values=string, indices=int32, ordered=0>"),
        ("date", "timestamp[us]"),
        ("datetime64[ns]", "date32[day]"),
        ("datetime64[ns]", "timestamp[us, tz=UTC]"),
        ("datetime64[ns, UTC]", "timestamp[us]"),
        ("datetime64[ns, UTC]", "timestamp[us, tz=Asia/Tokyo]"),
        ("timestamp_ntz", "timestamp[us, tz=UTC]"),
        ("timestamp_ltz", "timestamp[us]"),
        ("Datetime(time_unit='us', time_zone=None)", "timestamp[us, tz=UTC]"),
        ("decimal(10,2)", "decimal128(10, 3)"),
        ("decimal(10,2)", "double"),
        ("list", "struct<a: int64>"),
        ("interval", "int64"),
        ("INTEGER[]", "int32"),
        ("TIMESTAMP WITH TIME ZONE", "timestamp[us]"),
        ("nonsense", "int64"),
        ("", "int64"),
    ],
)
def test_other_dtypes_are_not_allowed(declared, dtype):
    """Width, sign, zone and kind all count."""
    assert not allows(declared, dtype)
