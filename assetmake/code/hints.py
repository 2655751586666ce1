"""Tell what code reads that no fingerprint covers; hints, never judgements."""

from __future__ import annotations

import re

_HINTS = (
    (
        re.compile(r"ext:os\.(environ|environb|getenv|getenvb)\b"),
        "`{}` is read: declare the variable with `env=[...]`",
    ),
    (
        re.compile(
            r"ext:(datetime\.(datetime|date)\.(now|today|utcnow)"
            r"|time\.(time|time_ns|localtime|gmtime|strftime)"
            r"|pandas\.Timestamp\.(now|today|utcnow))\b"
        ),
        "`{}` differs from run to run, and makes nothing stale",
    ),
    (
        re.compile(r"ext:(requests|httpx|aiohttp|urllib3|urllib\.request|socket)\b"),
        "`{}` reads what cannot be fingerprinted: `version=` declares a change",
    ),
    (
        re.compile(r"ext:(subprocess|os\.(system|popen))\b"),
        "`{}` runs what cannot be followed: declare files with `reads=[...]`",
    ),
    (
        # Forked processes are seen, but how they start is up to Python and libraries.
        re.compile(
            r"ext:(multiprocessing\.(Pool|Process|get_context)|joblib\.Parallel"
            r"|concurrent\.futures\.ProcessPoolExecutor)\b"
        ),
        "`{}` may start processes unseen: declare what they read with `reads=[...]`",
    ),
    (
        # Those of `readers` are seen; of these, neither is the path an argument of
        # a function in Python that could tell.
        re.compile(
            r"ext:(cv2\.(imread|VideoCapture)|netCDF4|osgeo|pyarrow\.(OSFile|fs)"
            r"|pyogrio|rasterio|xarray\.(load|open)_\w+)\b"
        ),
        "`{}` opens files unseen: declare them with `reads=[...]` or as a `source`",
    ),
)


def hint_about(leaf: str) -> str:
    """Return what to say of a name outside of the project; mostly nothing.

    >>> hint_about("ext:os.getenv")
    '`os.getenv` is read: declare the variable with `env=[...]`'
    """
    for pattern, text in _HINTS:
        if pattern.match(leaf):
            return text.format(leaf.removeprefix("ext:"))
    return ""
