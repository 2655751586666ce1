"""What several test modules share."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from assetmake.frames.spark import SparkHandler


#: More would wait for the one that runs what needs Spark.
_MOST_PROCESSES = 4


@pytest.hookimpl(tryfirst=True)
def pytest_cmdline_main(config: pytest.Config) -> None:
    """Run the suite in several processes, and what is named in this one."""
    if hasattr(config, "workerinput"):
        return  # it is one of them
    options = config.option
    is_whole = config.args_source is not pytest.Config.ArgsSource.ARGS
    can = config.pluginmanager.hasplugin("xdist") and not options.usepdb
    if is_whole and can and options.numprocesses is None and options.dist == "no":
        options.numprocesses = min(os.cpu_count() or 1, _MOST_PROCESSES)
        options.dist = "load" if "not spark" in options.markexpr else "loadgroup"


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(
    config: pytest.Config, items: list[pytest.Item]
) -> None:
    """Let one process run all that needs Spark: each would start a session.

    And all of a file, whose fixtures it may share.
    """
    if config.pluginmanager.hasplugin("xdist"):
        for item in items:
            needs_spark = item.get_closest_marker("spark") is not None
            group = "spark" if needs_spark else item.path.stem
            item.add_marker(pytest.mark.xdist_group(group))


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
