"""Make `sfo_q2_weather_sample.csv` anew from the file that it was taken from.

Run it where `vega_datasets` 0.9.0 is installed (`pip install
vega_datasets==0.9.0`); nothing is downloaded, and the same bytes come out
each time. `data/README.md` tells what the numbers are.
"""

from __future__ import annotations

import csv
from importlib.metadata import distribution
from pathlib import Path

STATION = "SFO"
FIRST, LAST = "2010/04/01", "2010/06/30"
SAMPLE = Path(__file__).with_name("sfo_q2_weather_sample.csv")


def main() -> None:
    """Write the hours of the second quarter of 2010, in the order of the file."""
    package = distribution("vega_datasets")
    if package.version != "0.9.0":
        raise SystemExit(f"vega_datasets is {package.version}, not 0.9.0")
    origin = Path(str(package.locate_file("vega_datasets/_data/sf-temps.csv")))
    with origin.open(newline="", encoding="utf-8") as file:
        hours = [
            (STATION, row["date"].replace("/", "-"), row["temp"])
            for row in csv.DictReader(file)
            if FIRST <= row["date"][:10] <= LAST
        ]
    with SAMPLE.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(("station", "valid", "tmpf"))
        writer.writerows(hours)
    print(f"{SAMPLE.name}: {len(hours):,} rows")


if __name__ == "__main__":
    main()
