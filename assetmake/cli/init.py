"""Write a working example for `assetmake --init`; it never overwrites a file."""

from __future__ import annotations

from pathlib import Path

from assetmake.errors import AssetmakeError

_ASSETFILE = '''\
"""Two tables from the temperatures of two stations, in degrees Celsius.

`assetmake` builds what is not fresh; `assetmake --status` shows what is.
"""

import pandas as pd

from assetmake import asset, source

temperatures = source("temperatures", path="data/temperatures.csv")


@asset
def daily_highs(temperatures: pd.DataFrame) -> pd.DataFrame:
    """The highest temperature of each day at each station."""
    day = temperatures["time"].str[:10].rename("day")
    highs = temperatures.groupby(["station", day])["celsius"].max()
    return highs.rename("high").reset_index()


@asset
def hottest_days(daily_highs: pd.DataFrame, count: int = 3) -> pd.DataFrame:
    """The `count` hottest days of all stations, hottest first."""
    return daily_highs.nlargest(count, "high").reset_index(drop=True)
'''

#: Highs at noon of seven days, made up; nights are five degrees colder.
_NOONS = {
    "harbour": (17.4, 18.1, 18.8, 17.9, 19.6, 20.2, 19.1),
    "hill": (15.2, 16.9, 18.3, 18.9, 20.8, 21.5, 18.2),
}


def _csv() -> str:
    lines = ["station,time,celsius"]
    for station, noons in _NOONS.items():
        for day, noon in enumerate(noons, 1):
            lines += [
                f"{station},2026-06-{day:02}T00:00,{noon - 5:.1f}",
                f"{station},2026-06-{day:02}T12:00,{noon:.1f}",
            ]
    return "\n".join(lines) + "\n"


def write_example(directory: Path) -> list[Path]:
    """Write an Assetfile and a small CSV, and return their paths.

    Args:
        directory: Where to; it exists.

    Raises:
        AssetmakeError: one of the files is there already, and then none is
            written; or the directory cannot be written to.
    """
    files = {
        directory / "Assetfile.py": _ASSETFILE,
        directory / "data" / "temperatures.csv": _csv(),
    }
    for file in files:
        if file.exists() or file.is_symlink():
            msg = f"{file} is there already, and nothing was written"
            hint = "go to another directory: mkdir weather && assetmake -C weather"
            raise AssetmakeError(msg, hints=f"{hint} --init")
    try:
        for file, text in files.items():
            if file.parent != directory:
                file.parent.mkdir(exist_ok=True)
            with file.open("x", encoding="utf-8", newline="\n") as stream:
                stream.write(text)
    except OSError as error:
        msg = f"cannot write {error.filename}: {error.strerror}"
        raise AssetmakeError(msg, hints="choose a directory of your own") from error
    return list(files)
