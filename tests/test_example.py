"""The example at the top of the repository, on its real data."""

from __future__ import annotations

import csv
import importlib.util
import os
import re
import shutil
import subprocess
import sys
from datetime import date, timedelta
from pathlib import Path
from xml.etree import ElementTree as ET

import numpy as np
import pandas as pd
import pytest

ROOT = Path(__file__).parents[1]
SAMPLE = ROOT / "data" / "sfo_q2_weather_sample.csv"
FILES = ("Assetfile.py", "spring_page.py", "data/sfo_q2_weather_sample.csv")


@pytest.fixture(scope="module")
def example():
    """Return the Assetfile as a plain module: its assets are plain functions."""
    pytest.importorskip("pyspark")
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(ROOT)
        patch.setattr(sys, "dont_write_bytecode", True)
        spec = importlib.util.spec_from_file_location(
            "example_assetfile", ROOT / "Assetfile.py"
        )
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def sample():
    """Return the sample as an asset gets it."""
    return pd.read_csv(SAMPLE)


@pytest.fixture(scope="module")
def highs(example, sample):
    """Return the daily highs of the sample."""
    return example.daily_temperature_highs(sample)


def test_sample_has_every_hour_of_the_quarter(sample):
    """2,184 rows: 91 days of 24 hours, each once, in order."""
    hours = pd.date_range("2010-04-01", "2010-06-30 23:00", freq="h")

    assert list(sample) == ["station", "valid", "tmpf"]
    assert pd.to_datetime(sample["valid"]).tolist() == hours.tolist()
    assert set(sample["station"]) == {"SFO"}
    assert sample["tmpf"].between(45, 75).all()


def test_sample_is_what_the_script_makes(tmp_path):
    """`data/make_sample.py` makes the same bytes from vega_datasets 0.9.0."""
    pytest.importorskip("vega_datasets")
    script = shutil.copy(ROOT / "data" / "make_sample.py", tmp_path)

    subprocess.run([sys.executable, script], check=True, capture_output=True)

    assert (tmp_path / SAMPLE.name).read_bytes() == SAMPLE.read_bytes()


def test_highs_have_one_row_a_day(highs):
    """91 rows, not one for each of the 2,184 timestamps."""
    days = [date(2010, 4, 1) + timedelta(days=number) for number in range(91)]

    assert list(highs) == ["valid_date", "max_tmpf"]
    assert highs["valid_date"].tolist() == days


def test_highs_are_the_largest_of_each_day(highs):
    """The same as a loop over the file gives."""
    expected: dict[str, float] = {}
    with SAMPLE.open(newline="") as file:
        for row in csv.DictReader(file):
            day, degrees = row["valid"][:10], float(row["tmpf"])
            expected[day] = max(expected.get(day, degrees), degrees)

    found = {str(day): high for day, high in highs.itertuples(index=False)}

    assert found == expected


def test_hottest_dates_are_ten_and_none_comes_twice(example, highs):
    """Hottest first, and no other date is hotter than the last of them."""
    hottest = example.hottest_dates(highs)

    assert list(hottest) == ["valid_date", "max_tmpf"]
    assert len(hottest) == 10
    assert hottest["valid_date"].is_unique
    assert hottest["max_tmpf"].is_monotonic_decreasing
    others = highs[~highs["valid_date"].isin(hottest["valid_date"])]
    assert others["max_tmpf"].max() <= hottest["max_tmpf"].min()


def test_of_dates_alike_the_earlier_comes_first(example):
    """Ties are settled by the date, not by chance."""
    days = [date(2010, 4, day) for day in (1, 2, 3)]
    highs = pd.DataFrame({"valid_date": days, "max_tmpf": [60.0, 61.0, 60.0]})

    hottest = example.hottest_dates(highs, count=2)

    assert hottest["valid_date"].tolist() == [days[1], days[0]]


def test_trend_finds_a_line(example):
    """Points on a line give that line and no error."""
    days = [date(2010, 4, 1) + timedelta(days=number) for number in range(30)]
    line = pd.DataFrame({"valid_date": days, "max_tmpf": 60 + 0.5 * np.arange(30)})

    trend = example.warming_trend(line)

    assert trend.start == days[0]
    assert (trend.high, trend.slope) == pytest.approx((60, 0.5))
    assert trend.rmse == pytest.approx(0, abs=1e-9)
    assert trend.at(date(2010, 5, 1)) == pytest.approx(75)


def test_report_shows_every_day_and_needs_no_other_file(example, highs):
    """A dot for each day, ten of them in the colour of the hottest."""
    diffs = highs[["valid_date"]].assign(change_tmpf=highs["max_tmpf"].diff())
    hottest = example.hottest_dates(highs)

    html = example.spring_report(highs, diffs, hottest, example.warming_trend(highs))

    upper, lower = map(ET.fromstring, re.findall(r"<svg.*?</svg>", html))
    fills = [dot.get("fill") for dot in upper.iter("circle")]
    assert len(fills) == 91
    assert sorted(map(fills.count, set(fills))) == [10, 81]
    assert len(list(lower.iter("rect"))) == 90
    assert html.count("<li>") == 10
    assert "0.67 °F a week" in html
    assert not re.search(r"src=|href=|url\(|@import", html)


@pytest.mark.spark
@pytest.mark.slow
def test_example_builds_and_the_second_build_writes_no_byte(tmp_path):
    """The job of the README: everything once, then nothing."""
    for name in FILES:
        (tmp_path / name).parent.mkdir(exist_ok=True)
        shutil.copy(ROOT / name, tmp_path / name)

    first = assetmake(tmp_path)
    stored = tree(tmp_path)
    second = assetmake(tmp_path)

    assert (first.returncode, second.returncode) == (0, 0), first.stderr
    assert "5 built" in first.stderr
    assert len((second.stdout + second.stderr).splitlines()) == 1
    assert "nothing to do, 5 assets fresh" in second.stdout + second.stderr
    assert tree(tmp_path) == stored
    diffs = pd.read_parquet(tmp_path / "data" / "daily_temperature_high_diffs")
    highs = pd.read_parquet(tmp_path / "data" / "daily_temperature_highs")
    assert diffs["valid_date"].tolist() == highs["valid_date"].tolist()
    assert diffs["change_tmpf"].tolist() == pytest.approx(
        highs["max_tmpf"].diff().round(1).tolist(), nan_ok=True
    )

    page = tmp_path / "spring_page.py"
    page.write_text(page.read_text().replace("#d9622b", "#c0392b"))
    third = assetmake(tmp_path)

    assert "1 built" in third.stderr
    assert "spring_report" in third.stderr
    assert assetmake(tmp_path, "--check").returncode == 0


def assetmake(project, *arguments):
    """Run the command there, as a shell would."""
    return subprocess.run(
        [sys.executable, "-m", "assetmake", *arguments],
        cwd=project,
        env={**os.environ, "PYTHONDONTWRITEBYTECODE": "1"},
        capture_output=True,
        check=False,
        text=True,
        timeout=300,
    )


def tree(directory):
    """Return each file below a directory with its bytes and time of change."""
    return {
        file: (file.read_bytes(), file.stat().st_mtime_ns)
        for file in directory.rglob("*")
        if file.is_file()
    }
