"""Tables of random projects, as the model tells them; it imports nothing of the engine.

The content of a table is a text, `|high:int64:7,1|low:string:8,1`: its columns in
order, with their dtypes in Arrow's words and their two rows.
"""

from __future__ import annotations

import io
from collections.abc import Iterable, Iterator, Mapping

import pyarrow as pa
import pyarrow.parquet as pq

#: Dtypes as code spells them, and in Arrow's words.
DTYPES = {"int64": "int64", "float64": "double", "str": "string"}
NAMES = ("low", "high", "mid", "n")

#: Columns of a frame: name and dtype, as code spells it, in order.
Columns = tuple[tuple[str, str], ...]
#: Declared columns: dtypes may be left open.
Declared = tuple[tuple[str, str | None], ...]

#: What ``helpers.py`` holds besides, where assets are tables.
HELPERS = """

def table(columns, text):
    number = int(text)
    return pd.DataFrame(
        {
            name: pd.Series([number + place, number % 3]).astype(dtype)
            for place, (name, dtype) in enumerate(columns.items())
        }
    )


def total(frame):
    return sum(int(frame[name].iloc[0]) for name in frame)
"""


def content_of(columns: Columns, text: str) -> str:
    """Return the content of what `table` of the helpers returns."""
    number = int(text)
    return "".join(
        f"|{name}:{DTYPES[dtype]}:{number + place},{number % 3}"
        for place, (name, dtype) in enumerate(columns)
    )


def total_of(content: str) -> str:
    """Return what `total` of the helpers returns; nothing if it is no table."""
    if not content.startswith("|"):
        return ""
    rows = [column.split(":")[2] for column in content[1:].split("|")]
    return str(sum(int(row.partition(",")[0]) for row in rows))


def problems(declared: Declared | None, content: str) -> list[str]:
    """Return how the columns of a table differ from those that are declared."""
    if declared is None or not content.startswith("|"):
        return []
    stored = dict(column.split(":")[:2] for column in content[1:].split("|"))
    wanted = dict(declared)
    return [
        *(f"lacks column {name}" for name in wanted if name not in stored),
        *(f"has extra column {name}" for name in stored if name not in wanted),
        *(
            f"column {name} is {stored[name]}, declared {dtype}"
            for name, dtype in wanted.items()
            if dtype and name in stored and DTYPES[dtype] != stored[name]
        ),
    ]


def written(name: str, data: bytes) -> str:
    """Return the content of a file; nothing of a table that cannot be read."""
    if not name.endswith(".parquet"):
        return data.decode(errors="replace")
    try:
        table = pq.read_table(io.BytesIO(data))
    except (pa.ArrowException, OSError):
        return ""
    return "".join(
        f"|{field.name}:{_word(field.type)}:" + ",".join(_texts(column))
        for field, column in zip(table.schema, table.columns, strict=True)
    )


def _word(dtype: pa.DataType) -> str:
    return str(dtype).removeprefix("large_")


def _texts(column: pa.ChunkedArray) -> Iterator[str]:
    return (str(int(value)) for value in column.to_pylist())


def parquet(columns: Columns, number: int) -> bytes:
    """Return a file that somebody else wrote."""
    table = pa.table(
        {
            name: pa.array([number + place, 1]).cast(DTYPES[dtype])
            for place, (name, dtype) in enumerate(columns)
        }
    )
    sink = io.BytesIO()
    pq.write_table(table, sink)
    return sink.getvalue()


def other_columns(columns: Columns, number: int) -> Columns:
    """Return columns one of which is added, gone, renamed, moved or another dtype."""
    kind, number = number % 5, number // 5
    place = number % len(columns)
    name, dtype = columns[place]
    free = [other for other in NAMES if other not in dict(columns)]
    rest = columns[:place] + columns[place + 1 :]
    dtypes = [*DTYPES]
    if kind == 0 and free:
        return (*columns, (free[0], dtypes[number % 3]))
    if kind == 1 and rest:
        return rest
    if kind == 2 and free:
        return (*columns[:place], (free[-1], dtype), *columns[place + 1 :])
    if kind == 3 and rest:
        return (*rest, (name, dtype))
    other = dtypes[(dtypes.index(dtype) + 1 + number % 2) % 3]
    return (*columns[:place], (name, other), *columns[place + 1 :])


def declared_of(columns: Columns, number: int) -> Declared | None:
    """Return what an author declares: nothing, or columns with dtypes or without."""
    if number % 4 == 0:
        return None
    return tuple(
        (name, None if number % 4 == 1 and place else dtype)
        for place, (name, dtype) in enumerate(columns)
    )


def spelled(columns: Iterable[tuple[str, str | None]]) -> Mapping[str, str | None]:
    """Return columns as code spells them, for `repr`."""
    return dict(columns)
