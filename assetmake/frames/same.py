"""Whether a Python value is the same as what a file would give back for it."""

from __future__ import annotations

import datetime as dt
import math
from typing import Any

import numpy as np


def same(value: Any, back: Any) -> bool:
    """Return whether `back` can stand for `value`: equal, and of like type.

    numpy's scalars may come back as Python's, a subclass of dict as a dict, an
    array of texts as one of objects. All NaNs are the same. A tuple is no list,
    1 is not 1.0, and dicts have the same keys, in any order.

    >>> same({"a": [1, None]}, {"a": [1, None]}), same((1, 2), [1, 2])
    (True, False)
    """
    if isinstance(value, np.ndarray) and isinstance(back, np.ndarray):
        alike = back.dtype in (value.dtype, object)
        return alike and value.shape == back.shape and all(map(same, value, back))
    if isinstance(value, list) and isinstance(back, list):
        return len(value) == len(back) and all(map(same, value, back))
    if isinstance(value, dict) and isinstance(back, dict):
        return value.keys() == back.keys() and all(
            same(inner, back[key]) for key, inner in value.items()
        )
    if isinstance(value, dt.datetime) and isinstance(back, dt.datetime):
        return value == back and value.utcoffset() == back.utcoffset()
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(back, np.generic):
        back = back.item()
    if type(value) is not type(back):
        return False
    if isinstance(value, float):
        return value == back or (math.isnan(value) and math.isnan(back))
    return bool(value == back)
