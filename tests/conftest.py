"""What several test modules share."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from assetmake.frames.spark import SparkHandler


@pytest.fixture(autouse=True, scope="session")
def _own_cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """What is kept for a user is kept for this test run alone."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CACHE_HOME", str(tmp_path_factory.mktemp("cache")))
        yield


@pytest.fixture(scope="session")
def spark_handler() -> Iterator[SparkHandler]:
    """The one Spark session of a test run; it starts when it is first used."""
    from assetmake.frames.spark import SparkHandler

    handler = SparkHandler({"spark.master": "local[2]"})
    yield handler
    handler.close()
