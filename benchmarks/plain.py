"""Compute the assets of a benchmark's Assetfile in a plain loop, and no more.

What pandas, Arrow and the functions themselves cost, for `build.py` to take away
from what a build costs. Run in the project's directory::

    python plain.py files NAME...    # each asset reads its inputs' files
    python plain.py memory NAME...   # and here it has them

Names are those of the assets to compute; none stands for all. Those that are not
named are read from where assetmake keeps them.
"""

from __future__ import annotations

import inspect
import sys
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq


def read(file: Path) -> pd.DataFrame:
    """Read a frame, with as little work as pyarrow lets one."""
    data = pa.BufferReader(file.read_bytes())
    return pq.ParquetFile(data).read(use_threads=False).to_pandas()


def write(frame: pd.DataFrame, file: Path) -> None:
    """Write a frame in one call."""
    table, sink = pa.Table.from_pandas(frame), pa.BufferOutputStream()
    with pq.ParquetWriter(sink, table.schema) as writer:
        writer.write_table(table)
    file.write_bytes(sink.getvalue())


def main() -> None:
    """Import the Assetfile, and compute what was asked for."""
    kind, *names = sys.argv[1:]
    sys.path.insert(0, "")
    import Assetfile

    own = Path("plain")
    own.mkdir(exist_ok=True)
    functions = {
        name: value
        for name, value in vars(Assetfile).items()
        if name.startswith("a_") and callable(value)
    }
    places = {name: Path("data", name, "part-00000.parquet") for name in functions}
    made: dict[str, pd.DataFrame] = {}
    for name in names or functions:
        values = []
        for reads in inspect.signature(functions[name]).parameters:
            if reads == "src":
                values.append(pd.read_csv("src.csv"))
            elif kind == "memory" and reads in made:
                values.append(made[reads].copy(deep=False))
            else:
                values.append(read(places[reads]))
        made[name] = functions[name](*values)
        if kind == "files":
            values.clear()
        places[name] = own / f"{name}.parquet"
        write(made[name], places[name])


if __name__ == "__main__":
    main()
