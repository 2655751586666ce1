"""Spring in San Francisco: from hourly temperatures to a page to look at.

`assetmake` builds what is not fresh and leaves the rest alone. Temperatures
are in degrees Fahrenheit; `data/README.md` tells where they come from.
"""

from dataclasses import dataclass
from datetime import date

import numpy as np
import pandas as pd
from pyspark.sql import DataFrame as SparkDF
from pyspark.sql import Window
from pyspark.sql import functions as fn

from assetmake import asset, source
from spring_page import page

sfo_q2_weather_sample = source(
    "sfo_q2_weather_sample", path="data/sfo_q2_weather_sample.csv"
)


@asset
def daily_temperature_highs(sfo_q2_weather_sample: pd.DataFrame) -> pd.DataFrame:
    """The highest temperature of each day, one row a day: valid_date, max_tmpf."""
    # By date: grouped by the timestamp itself, each hour would be its own group.
    valid_date = pd.to_datetime(sfo_q2_weather_sample["valid"]).dt.date
    by_date = sfo_q2_weather_sample.groupby(valid_date.rename("valid_date"))
    return by_date["tmpf"].max().rename("max_tmpf").reset_index()


@asset
def hottest_dates(
    daily_temperature_highs: pd.DataFrame, count: int = 10
) -> pd.DataFrame:
    """The `count` hottest dates, hottest first; of two alike, the earlier first."""
    hottest = daily_temperature_highs.nlargest(count, "max_tmpf")
    return hottest.reset_index(drop=True)


@asset
def daily_temperature_high_diffs(daily_temperature_highs: SparkDF) -> SparkDF:
    """The change of each day's high from the day before; null on the first day."""
    day_before = fn.lag("max_tmpf").over(Window.orderBy("valid_date"))
    change = fn.round(fn.col("max_tmpf") - day_before, 1)
    return daily_temperature_highs.select("valid_date", change.alias("change_tmpf"))


@dataclass(frozen=True)
class Trend:
    """A straight line through the daily highs."""

    start: date
    high: float  # at `start`, degrees F
    slope: float  # degrees F a day
    rmse: float  # of the daily highs about the line, degrees F

    def at(self, day: date) -> float:
        """Return the high that the line gives for a day, in degrees F."""
        return self.high + self.slope * (day - self.start).days


@asset
def warming_trend(daily_temperature_highs: pd.DataFrame) -> Trend:
    """How fast the daily highs rise: a line fitted by least squares."""
    dates = daily_temperature_highs["valid_date"]
    highs = daily_temperature_highs["max_tmpf"].to_numpy()
    days = [(day - dates[0]).days for day in dates]
    terms = np.column_stack([np.ones(len(days)), days])
    line = np.linalg.lstsq(terms, highs)[0]
    rmse = np.sqrt(np.mean((terms @ line - highs) ** 2))
    return Trend(dates[0], float(line[0]), float(line[1]), float(rmse))


@asset(format="html")
def spring_report(
    daily_temperature_highs: pd.DataFrame,
    daily_temperature_high_diffs: pd.DataFrame,
    hottest_dates: pd.DataFrame,
    warming_trend: Trend,
) -> str:
    """A page with a chart in one file, to be opened in a browser."""
    days = daily_temperature_highs.merge(daily_temperature_high_diffs, on="valid_date")
    days["trend_tmpf"] = [warming_trend.at(day) for day in days["valid_date"]]
    days["is_hottest"] = days["valid_date"].isin(hottest_dates["valid_date"])
    return page(
        title=f"Spring warms San Francisco by {7 * warming_trend.slope:.2f} °F a week",
        days=days,
        hottest=hottest_dates,
        rmse=warming_trend.rmse,
    )
