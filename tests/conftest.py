"""What several test modules share."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from assetmake.frames.spark import SparkHandler


@pytest.fixture(scope="session")
def spark_handler() -> Iterator[SparkHandler]:
    """The one Spark session of a test run; it starts when it is first used."""
    from assetmake.frames.spark import SparkHandler

    handler = SparkHandler({"spark.master": "local[2]"})
    yield handler
    handler.close()
