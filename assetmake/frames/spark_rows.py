"""The fingerprint `rows-1`: of a Spark table, whatever order its rows have.

Spark gives rows in no order that a fingerprint could rely on, so each row is
hashed by itself, to 64 bits, and the hashes are added up; count and sum are
collected while the table is written, without another job. Nothing here writes.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import reduce
from itertools import count
from typing import Any

from assetmake.errors import FrameError
from assetmake.fingerprint import digest
from assetmake.frames.base import ROWS_SCHEME
from assetmake.frames.session import is_connect
from assetmake.frames.spark_types import type_tree

_SCHEME = ROWS_SCHEME

#: Name of the column of hashes, while a frame is written.
_HASH = "_row_hash_{}"

#: Seconds to wait for the metrics of a write that has succeeded.
_PATIENCE = 60

#: Files up to this many are read one by one: each is a task at least.
_IN_ORDER = 16


@dataclass(frozen=True, slots=True)
class Observed:
    """What went into the files.

    Attributes:
        fingerprint: Of the rows, with its scheme.
        rows: How many there are.
        nulls: How many of them are null in the first column.
    """

    fingerprint: str
    rows: int
    nulls: int


def observe_rows(frame: Any) -> tuple[Any, Callable[[], Observed]]:
    """Return the frame to write, and what tells of it afterwards.

    The fingerprint stands for the names, order and types of the columns and for
    the rows, each as often as it occurs; it is equal for classic and Connect
    frames, any partitions and any order of rows. Null, NaN, zero, -0.0 and
    empty values all differ.

    Args:
        frame: Of at least one column.

    Returns:
        A frame equal to `frame`, and a function to be called once that was
        written. It raises a FrameError if Spark does not tell of it in a minute:
        because it was stopped meanwhile, or because the write failed.
    """
    from pyspark.sql import functions as F  # noqa: N812 - as everybody names it

    parts = [
        part
        for field in frame.schema
        for part in _encoded(F.col(quoted(field.name)), field.dataType)
    ]
    taken = {name.lower() for name in frame.columns}
    row = next(name for name in map(_HASH.format, count()) if name not in taken)
    observation = _observation(frame)
    # A column of its own: an expression below a sum is computed three times.
    observed = frame.withColumn(row, F.xxhash64(*parts)).observe(
        observation,
        F.count(F.lit(1)).alias("rows"),
        F.count_if(F.col(quoted(frame.columns[0])).isNull()).alias("nulls"),
        # A decimal, because a sum of longs overflows.
        F.sum(F.col(row).cast("decimal(20,0)")).alias("sum"),
    )

    def result() -> Observed:
        facts = _get(observation)
        # The sum over no rows is null.
        total = int(facts["sum"] or 0)
        fingerprint = digest(type_tree(frame.schema), facts["rows"], total)
        return Observed(f"{_SCHEME}:{fingerprint}", facts["rows"], facts["nulls"])

    return observed.drop(row), result


def in_order(read: Callable[[list[str]], Any], paths: Sequence[str]) -> Any:
    """Return one frame of several files, their rows in the order of the files.

    Spark reads the files of one frame largest first, and packs small ones
    together; above 16 files it is left to do so.
    """
    if len(paths) > _IN_ORDER:
        return read(list(paths))
    return reduce(lambda one, other: one.union(other), (read([p]) for p in paths))


def quoted(name: str) -> str:
    """Return a column's name as an expression: dots and backticks are its own."""
    return "`" + name.replace("`", "``") + "`"


def _observation(frame: Any) -> Any:
    # pyspark's own choice goes by the environment; a frame knows what it is.
    if is_connect(frame):
        from pyspark.sql.connect.observation import Observation
    else:
        from pyspark.sql import Observation
    return Observation()


def _get(observation: Any) -> Mapping[str, Any]:
    """Return the metrics; they come by an event, which may have been lost."""
    answers: list[Mapping[str, Any] | Exception] = []

    def ask() -> None:
        try:
            answers.append(observation.get)
        except Exception as error:  # noqa: BLE001 - raised again below
            answers.append(error)

    # Spark's own wait has no end.
    thread = threading.Thread(target=ask, name="assetmake-observation", daemon=True)
    thread.start()
    thread.join(_PATIENCE)
    if not answers:
        raise FrameError(
            f"Spark has not told in {_PATIENCE} seconds what it wrote",
            hints="build the asset again, without stopping the session in it",
        )
    if isinstance(answers[0], Exception):
        raise answers[0]
    return answers[0]


def _encoded(value: Any, dtype: Any) -> Iterator[Any]:
    """Yield columns whose hash stands for `value` and for no other value.

    xxhash64 goes over null without a trace, at the top and inside arrays and
    structs, so that (1, null), (null, 1) and (1) would be one: each value is
    preceded by a flag, and each list by its length.
    """
    from pyspark.sql import functions as F  # noqa: N812

    def item(inner: Any, kind: Any) -> Any:
        return F.xxhash64(*_encoded(inner, kind))

    kind = dtype.typeName()
    if kind in {"double", "float"}:
        # To xxhash64 the two zeros are one; all NaNs may be.
        is_negative_zero = (value == 0) & (value.cast("string") == "-0.0")
        yield F.when(value.isNull(), 1).when(is_negative_zero, 2).otherwise(0)
        yield value
        return
    yield value.isNull()
    if kind == "array":
        yield F.size(value)
        yield F.transform(value, lambda one: item(one, dtype.elementType))
    elif kind == "map":
        # xxhash64 refuses maps; their entries have no order.
        yield F.size(value)
        entries = F.transform(
            F.map_entries(value),
            lambda one: F.xxhash64(
                *_encoded(one["key"], dtype.keyType),
                *_encoded(one["value"], dtype.valueType),
            ),
        )
        yield F.array_sort(entries)
    elif kind == "struct":
        for field in dtype:
            yield from _encoded(value.getField(field.name), field.dataType)
    else:
        yield value
