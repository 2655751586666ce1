"""How the report of `Assetfile.py` looks: HTML around two charts in SVG.

assetmake follows `spring_report` to the functions and constants that it uses:
an edit below rebuilds that report and nothing else.
"""

from collections.abc import Iterable, Mapping
from datetime import date

import pandas as pd

BLUE, ORANGE, GRID, INK = "#4f7cac", "#d9622b", "#e3e6ea", "#30363d"

CSS = f"""
body {{ max-width: 920px; margin: 40px auto; padding: 0 20px; color: {INK};
       font: 16px/1.5 system-ui, "Helvetica Neue", Arial, sans-serif }}
h1 {{ font-size: 28px; line-height: 1.25; margin: 0 0 8px }}
h2 {{ font-size: 15px; margin: 28px 0 4px }}
svg {{ display: block; width: 100%; font-size: 12px; fill: {INK} }}
ol {{ columns: 5 150px; margin: 8px 0; padding-left: 28px }}
.note {{ color: #68707a; font-size: 13px; margin-top: 28px }}
"""


def page(title: str, days: pd.DataFrame, hottest: pd.DataFrame, rmse: float) -> str:
    """Return a page that needs no other file.

    Args:
        title: What the page says, in one line.
        days: One row a day, in the order of time: valid_date; max_tmpf and
            trend_tmpf in degrees F; change_tmpf from the day before, in degrees
            F; is_hottest.
        hottest: The days to be listed, in the order of the list: valid_date,
            max_tmpf.
        rmse: Of the highs about the trend, in degrees F.
    """
    dates = "".join(
        f"<li>{day:%B} {day.day}: {high:.1f}</li>"
        for day, high in hottest.itertuples(index=False)
    )
    return f"""<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>{title}</title>
<style>{CSS}</style>
<h1>{title}</h1>
<p>Daily highs at San Francisco International Airport from April to June, with the
line that fits them best. They lie {rmse:.1f}&nbsp;°F off it (root mean square).</p>
<h2>Highest temperature of the day, °F</h2>
{highs_chart(days)}
<h2>Change from the day before, °F</h2>
{changes_chart(days)}
<h2 style="color: {ORANGE}">The {len(hottest)} hottest dates, °F</h2>
<ol>{dates}</ol>
<p class="note">Source: NOAA, hourly temperatures of San Francisco in vega_datasets
0.9.0. They are dated 2010, but are averages of thirty years, hence so smooth. Of
equally warm dates the earlier are listed. The scale of the upper chart does not
begin at zero.</p>
</html>
"""


def highs_chart(days: pd.DataFrame) -> str:
    """Return an SVG with a dot for each day, the hottest in orange, and the trend."""
    chart = Chart(days["valid_date"], height=320, low=60, high=71)
    chart.grid({str(degrees): degrees for degrees in range(60, 72, 2)})
    (x1, y1), (x2, y2) = (
        (chart.x(day.valid_date), chart.y(day.trend_tmpf))
        for day in (days.iloc[0], days.iloc[-1])
    )
    chart.add(f'<path d="M{x1:.1f} {y1:.1f}L{x2:.1f} {y2:.1f}" stroke="{INK}"/>')
    for day in days.itertuples():
        chart.add(
            f'<circle cx="{chart.x(day.valid_date):.1f}" r="3.5"'
            f' cy="{chart.y(day.max_tmpf):.1f}"'
            f' fill="{ORANGE if day.is_hottest else BLUE}">'
            f"<title>{day.valid_date}: {day.max_tmpf:.1f} °F</title></circle>"
        )
    return chart.svg()


def changes_chart(days: pd.DataFrame) -> str:
    """Return an SVG with a bar for each day that has a day before it."""
    chart = Chart(days["valid_date"], height=120, low=-0.3, high=0.5)
    chart.grid({"-0.2": -0.2, "0": 0, "+0.2": 0.2, "+0.4": 0.4})
    for day in days.dropna(subset="change_tmpf").itertuples():
        top, zero = chart.y(max(day.change_tmpf, 0)), chart.y(0)
        chart.add(
            f'<rect x="{chart.x(day.valid_date) - 3:.1f}" y="{top:.1f}" width="6"'
            f' height="{abs(zero - chart.y(day.change_tmpf)):.1f}" fill="{BLUE}">'
            f"<title>{day.valid_date}: {day.change_tmpf:+.1f} °F</title></rect>"
        )
    return chart.svg()


class Chart:
    """A plot over days: months along the bottom, degrees F up the side."""

    width, left, bottom = 900, 40, 24  # pixels

    def __init__(
        self, dates: Iterable[date], height: int, low: float, high: float
    ) -> None:
        self.dates = list(dates)
        self.height, self.low, self.high = height, low, high
        self.parts: list[str] = []

    def x(self, day: date) -> float:
        """Return pixels from the left to the middle of a day."""
        share = ((day - self.dates[0]).days + 0.5) / len(self.dates)
        return self.left + share * (self.width - self.left)

    def y(self, degrees: float) -> float:
        """Return pixels from the top."""
        share = (self.high - degrees) / (self.high - self.low)
        return share * (self.height - self.bottom)

    def grid(self, degrees: Mapping[str, float]) -> None:
        """Draw a line for each label's degrees, and for the start of each month."""
        for label, value in degrees.items():
            y = self.y(value)
            self.add(
                f'<path d="M{self.left} {y:.1f}H{self.width}" stroke="{GRID}"/>'
                f'<text x="{self.left - 8}" y="{y + 4:.1f}" text-anchor="end">'
                f"{label}</text>"
            )
        for day in self.dates:
            if day.day == 1:
                x, floor = self.x(day) - 4.5, self.height - self.bottom
                self.add(
                    f'<path d="M{x:.1f} 0V{floor + 6}" stroke="{GRID}"/>'
                    f'<text x="{x + 4:.1f}" y="{floor + 16}">{day:%B}</text>'
                )

    def add(self, part: str) -> None:
        """Draw one more part, over those before."""
        self.parts.append(part)

    def svg(self) -> str:
        """Return the drawing."""
        box = f"0 0 {self.width} {self.height}"
        return f'<svg viewBox="{box}" role="img">{"".join(self.parts)}</svg>'
