"""What went wrong in the tools that came before; each is held here, end to end."""

from __future__ import annotations

import time

import pandas as pd
import pytest
from space import TestSpace

from assetmake.project import open_project
from assetmake.status.rows import State

PANDAS = """
    import pandas as pd
    from assetmake import asset, source

    raw = source("raw", path="raw.csv")


    @asset
    def mid(raw: pd.DataFrame) -> pd.DataFrame:
        return raw.assign(b=raw.a * 10)


    @asset
    def top(mid: pd.DataFrame) -> pd.DataFrame:
        return mid[["b"]]
"""


@pytest.fixture
def space(tmp_path):
    space = TestSpace(tmp_path)
    space.write({"Assetfile.py": PANDAS, "raw.csv": "a\n1\n2\n3\n"})
    return space


def states(space):
    return {row.name: str(row.state) for row in open_project(space.root).status()}


def built(space, **options):
    result = open_project(space.root).build(**options)
    assert result.ok, result
    return [outcome.name for outcome in result.outcomes if outcome.kind == "built"]


def parts(space, name):
    return sorted(p.name for p in (space.root / "data" / name).glob("part-*"))


@pytest.mark.spark
@pytest.mark.parametrize("format", ["parquet", "csv"])
def test_rewriting_a_table_of_spark_from_pandas_does_not_double_its_rows(space, format):
    """The parts that Spark left beside the new one were read as well."""
    spark = PANDAS.replace(
        "def mid(raw: pd.DataFrame) -> pd.DataFrame:\n"
        "        return raw.assign(b=raw.a * 10)",
        "def mid(raw: DataFrame) -> DataFrame:\n"
        "        return raw.withColumn('b', raw.a * 10).repartition(3)",
    ).replace(
        "import pandas as pd\n",
        "import pandas as pd\n    from pyspark.sql import DataFrame\n",
    )
    space.write({"pyproject.toml": f'[tool.assetmake]\nformat = "{format}"\n'})
    space.write({"Assetfile.py": spark})
    built(space)
    assert sorted(open_project(space.root).load("top", "pandas").b) == [10, 20, 30]

    space.write({"Assetfile.py": PANDAS})
    built(space)

    assert parts(space, "mid") == [f"part-00000.{format}"]
    assert len(open_project(space.root).load("mid")) == 3
    assert sorted(open_project(space.root).load("top").b) == [10, 20, 30]


def test_parts_are_read_in_the_order_of_their_names(space):
    """It was the order of the directory, which is any."""
    for number in (10, 2, 0, 1):
        file = space.root / "many" / f"part-{number:05}.csv"
        file.parent.mkdir(exist_ok=True)
        file.write_text(f"a\n{number}\n")
    space.edit("Assetfile.py", 'path="raw.csv"', 'path="many"')

    built(space)

    assert list(open_project(space.root).load("mid").a) == [0, 1, 2, 10]


def test_the_marker_is_never_there_before_the_data(space, monkeypatch):
    """Whoever waits for `_SUCCESS` read a table that was still being written."""
    from assetmake.stores import swap

    seen = []
    original = swap.swap

    def look(staged, place, root):
        before = {p.name for p in place.iterdir()} if place.exists() else set()
        original(staged, place, root)
        seen.append((before, {p.name for p in place.iterdir()}))

    monkeypatch.setattr(swap, "swap", look)
    built(space)

    whole = {"part-00000.parquet", "_SUCCESS", "_manifest.json"}
    assert seen == [(set(), whole), (set(), whole)]


def test_the_index_does_not_leak_as_a_column(space):
    """`Unnamed: 0` came back from CSV when rows had been filtered or sorted."""
    space.write({"pyproject.toml": '[tool.assetmake]\nformat = "csv"\n'})
    space.edit(
        "Assetfile.py", "raw.assign(b=raw.a * 10)", "raw.assign(b=1).sort_values('a')"
    )

    built(space)

    assert list(open_project(space.root).load("mid").columns) == ["a", "b"]
    assert (space.root / "data/mid/part-00000.csv").read_text().startswith("a,b\n")


@pytest.mark.spark
def test_numbers_in_csv_come_to_spark_as_numbers(space):
    """They came as text, and 9 was larger than 10."""
    space.write({"pyproject.toml": '[tool.assetmake]\nformat = "csv"\n'})
    built(space)

    project = open_project(space.root)
    for name in ("raw", "mid"):
        frame = project.load(name, "spark")
        assert dict(frame.dtypes)["a"] == "bigint"
        assert frame.agg({"a": "max"}).first()[0] == 3


def test_a_changed_input_changes_nothing_for_the_next_asset(space):
    """Both were given the same frame, and the first added a column to it."""
    space.edit(
        "Assetfile.py",
        "return raw.assign(b=raw.a * 10)",
        "raw['b'] = raw.a * 10; return raw",
    )
    space.write(
        {
            "Assetfile.py": (space.root / "Assetfile.py").read_text()
            + "\n\n@asset\ndef other(raw: pd.DataFrame) -> pd.DataFrame:\n"
            + "    return raw\n"
            + "\n\n@asset\ndef third(mid: pd.DataFrame) -> pd.DataFrame:\n"
            + "    mid.loc[:, 'a'] = 0; return mid\n"
            + "\n\n@asset\ndef fourth(mid: pd.DataFrame) -> pd.DataFrame:\n"
            + "    return mid\n"
        }
    )

    built(space)

    project = open_project(space.root)
    assert list(project.load("other").columns) == ["a"]
    assert list(project.load("fourth").a) == [1, 2, 3]


def test_a_renamed_column_is_other_data(space):
    """The fingerprint was of the values alone, and readers were spared."""
    space.edit("Assetfile.py", 'return mid[["b"]]', "return mid.iloc[:, [1]]")
    built(space)
    space.edit("Assetfile.py", "raw.assign(b=raw.a * 10)", "raw.assign(c=raw.a * 10)")

    assert built(space) == ["mid", "top"]
    assert list(open_project(space.root).load("top").columns) == ["c"]


def test_a_removed_asset_stays_in_the_status(space):
    """It vanished from the status, and its table stayed for everybody to read."""
    built(space)
    text = (space.root / "Assetfile.py").read_text()
    (space.root / "Assetfile.py").write_text(text[: text.rindex("@asset")])

    assert states(space)["top"] == State.ORPHANED
    assert open_project(space.root).prune() == ["data/top"]
    assert "top" not in states(space)


def delete(table):
    for part in table.glob("part-*"):
        part.unlink()


def overwrite(table):
    pd.DataFrame({"a": [7], "b": [8]}).to_parquet(table / "part-00000.parquet")


@pytest.mark.parametrize(
    ("change", "state"), [(delete, "missing"), (overwrite, "modified")]
)
def test_a_deleted_or_overwritten_table_is_not_fresh(space, change, state):
    """Only the code was compared."""
    built(space)
    change(space.root / "data" / "mid")

    assert states(space)["mid"] == state
    assert "mid" in built(space)
    assert set(states(space).values()) == {"source", "fresh"}


def test_one_edit_settles_in_one_build(space):
    """Several runs were needed, one a level of the graph."""
    built(space)
    space.edit("Assetfile.py", "raw.a * 10", "raw.a * 20")

    assert built(space) == ["mid", "top"]
    assert built(space) == []


def test_a_middle_table_edited_by_hand_feeds_nobody(space):
    """What was downstream took it in without a word."""
    built(space)
    overwrite(space.root / "data" / "mid")

    rows = {row.name: row for row in open_project(space.root).status()}
    assert rows["mid"].state is State.MODIFIED
    assert [reason.code for reason in rows["top"].reasons] == ["upstream-outdated"]
    assert built(space) == ["mid"]
    kept = list((space.root / "data/.assetmake/kept").iterdir())
    assert [path.name.rpartition("-")[0].partition("-")[0] for path in kept] == ["mid"]
    assert list(pd.read_parquet(kept[0] / "part-00000.parquet").a) == [7]
    assert list(open_project(space.root).load("top").b) == [10, 20, 30]


def test_prune_offers_nothing_that_was_not_written_here(space):
    """Every file without a definition was offered."""
    built(space)
    (space.root / "data" / "mine").mkdir()
    (space.root / "data" / "mine" / "part-00000.parquet").write_text("mine")
    (space.root / "data" / "notes.txt").write_text("mine")
    text = (space.root / "Assetfile.py").read_text()
    (space.root / "Assetfile.py").write_text(text[: text.rindex("@asset")])
    (space.root / "data" / "top" / "notes.txt").write_text("mine")

    project = open_project(space.root)
    assert [row.name for row in project.orphans()] == ["top"]
    with pytest.raises(Exception, match="cannot prove"):
        project.prune()
    (space.root / "data" / "top" / "notes.txt").unlink()
    project.prune()

    assert (space.root / "data" / "mine" / "part-00000.parquet").read_text() == "mine"
    assert (space.root / "data" / "notes.txt").read_text() == "mine"
    assert not (space.root / "data" / "top").exists()


def test_a_source_edited_while_it_is_read_is_not_taken_for_read(space, monkeypatch):
    """The new content was recorded for a table that was made of the old."""
    space.edit(
        "Assetfile.py",
        "return raw.assign(b=raw.a * 10)",
        "__import__('pathlib').Path('raw.csv').write_text('a\\n9\\n'); "
        "return raw.assign(b=raw.a * 10)",
    )
    monkeypatch.chdir(space.root)

    open_project(space.root).build()
    rows = {row.name: row for row in open_project(space.root).status()}

    assert [reason.code for reason in rows["mid"].reasons] == ["source-changed"]


@pytest.mark.slow
def test_a_second_build_waits_for_the_first_and_has_nothing_to_do(space):
    """Two at once wrote the same table over each other."""
    space.edit(
        "Assetfile.py",
        "return raw.assign(b=raw.a * 10)",
        "import time; time.sleep(1); return raw.assign(b=raw.a * 10)",
    )
    first = space.popen()
    time.sleep(0.7)
    second = space.popen()
    _, one = first.communicate(timeout=60)
    _, other = second.communicate(timeout=60)

    assert (first.returncode, second.returncode) == (0, 0)
    built_by = [text.count("] built ") for text in (one, other)]
    assert sorted(built_by) == [0, 2]
    # Unless the first was done before the second had looked.
    later = other if built_by[0] else one
    assert "waiting" in later or "nothing to do" in later


@pytest.mark.parametrize("manifest", ["{", None])
def test_a_rebuild_keeps_what_a_build_did_not_write(space, manifest):
    """Foreign files went with the table that they had been put into."""
    built(space)
    table = space.root / "data" / "mid"
    (table / "_notes.txt").write_text("precious")
    if manifest is not None:
        (table / "_manifest.json").write_text(manifest)
    space.edit("Assetfile.py", "raw.a * 10", "raw.a * 20")

    built(space)

    (kept,) = (space.root / "data/.assetmake/kept").iterdir()
    assert (kept / "_notes.txt").read_text() == "precious"
    assert open_project(space.root).status()[1].state is State.FRESH


@pytest.mark.slow
def test_another_assetfile_is_not_answered_by_the_snapshot_of_the_first(space):
    """`-f` was told the rows of `Assetfile.py`, and left its own behind."""
    assert space.shell().status == 0
    space.write({"Other.py": "from assetmake import asset\n"})

    other = space.shell("-f", "Other.py", "--list")
    again = space.shell("--check")

    assert (other.status, other.out) == (0, "")
    assert (again.status, again.out) == (0, "")


@pytest.mark.slow
def test_tables_that_come_do_not_count_as_a_listing_that_changed(space):
    """An Assetfile that looks for sources in `data/` was stale after each build."""
    (space.root / "data").mkdir()
    (space.root / "raw.csv").rename(space.root / "data" / "raw.csv")
    space.edit(
        "Assetfile.py",
        'raw = source("raw", path="raw.csv")',
        "import glob\nfor path in glob.glob('data/*.csv'):\n"
        "    source(path[5:-4], path=path)",
    )
    assert space.shell().status == 0

    assert space.shell("--check").out == ""
    (space.root / "data" / "more.csv").write_text("a\n1\n")
    assert "files in `data/` came or went" in space.shell("--check").out


def test_links_in_the_store_are_not_gone_round_in(space):
    """A link back up was followed for ever."""
    built(space)
    (space.root / "data" / "loop").symlink_to(space.root)
    (space.root / "elsewhere").mkdir()
    (space.root / "data" / "top").rename(space.root / "elsewhere" / "top")
    (space.root / "data" / "top").symlink_to(space.root / "elsewhere" / "top")

    assert set(states(space).values()) == {"source", "fresh"}


NATIVE = """
    import duckdb
    import pandas as pd
    import polars as pl
    from polars import scan_csv
    from assetmake import asset


    @asset
    def frame() -> pd.DataFrame:
        return pd.read_parquet("raw/t.parquet")


    @asset
    def plan() -> pl.LazyFrame:
        return scan_csv("raw/*.csv")


    @asset
    def query() -> pd.DataFrame:
        plus = pd.DataFrame({"b": [1]})
        return duckdb.sql("select a + b as a from 'raw/t.csv', plus").df()


    @asset
    def other() -> pd.DataFrame:
        return pd.DataFrame({"a": [1]})


    @asset
    def by_path(query) -> pl.DataFrame:
        return pl.read_parquet("data/other/*.parquet")
"""


@pytest.mark.parametrize("jobs", [1, pytest.param(2, marks=pytest.mark.slow)])
def test_files_that_libraries_open_themselves_make_outdated(
    tmp_path, monkeypatch, jobs
):
    """Undeclared, they were fresh whatever became of them."""
    space = TestSpace(tmp_path)
    space.write({"Assetfile.py": NATIVE, "raw/t.csv": "a\n1\n"})
    pd.DataFrame({"a": [1]}).to_parquet(space.root / "raw/t.parquet")
    monkeypatch.chdir(space.root)
    assert open_project(space.root).build(["other"]).ok
    assert open_project(space.root).build(jobs=jobs).ok
    assert set(states(space).values()) == {"fresh"}

    space.write({"raw/t.csv": "a\n2\n"})
    assert [n for n, s in states(space).items() if s != "fresh"] == [
        "plan",
        "query",
        "by_path",
    ]
    assert sorted(built(space)) == ["by_path", "plan", "query"]

    space.write({"raw/u.csv": "a\n3\n"})
    assert built(space) == ["plan"]

    pd.DataFrame({"a": [2]}).to_parquet(space.root / "raw/t.parquet")
    assert built(space) == ["frame"]

    space.edit("Assetfile.py", '{"a": [1]}', '{"a": [5]}')
    open_project(space.root).build(["other"])
    assert built(space) == ["by_path"]


SETTINGS = """
    import datetime
    import os
    import pandas as pd
    from assetmake import asset, check

    LIMIT = int(os.environ.get("LIMIT", "7"))
    BASE = 3


    def decorated(function):
        return function


    @asset
    def direct(n: int = int(os.environ.get("N", "3")), base=BASE) -> pd.DataFrame:
        return pd.DataFrame({"n": [n]})


    @asset
    def through(*, limit=LIMIT) -> pd.DataFrame:
        return pd.DataFrame({"n": [limit]})


    @asset
    @decorated
    def wrapped(year: int = datetime.date.today().year) -> pd.DataFrame:
        return pd.DataFrame({"n": [year]})


    @asset
    def plain(base=BASE * 2) -> pd.DataFrame:
        return pd.DataFrame({"n": [base]})


    @check(plain)
    def few(plain, most=int(os.environ.get("MOST", "9"))):
        return len(plain) < most
"""


def settings_of(*names):
    """Return an Assetfile with the statements that define these."""
    head, *definitions = SETTINGS.split("\n\n\n")
    wanted = [f"def {name}(" for name in names]
    return "\n\n\n".join(
        [head, *(d for d in definitions if any(start in d for start in wanted))]
    )


@pytest.mark.parametrize(
    ("variable", "names", "told"),
    [
        ("N", ["direct"], "direct: outdated: setting `n` changed"),
        ("LIMIT", ["through"], "through: outdated: setting `limit` changed"),
        (
            "MOST",
            ["plain", "few"],
            "plain: outdated: check `few` changed: setting `most` changed",
        ),
    ],
)
def test_settings_from_outside_count_by_their_value(tmp_path, variable, names, told):
    """By their text, `N=4 assetmake` had nothing to do."""
    space = TestSpace(tmp_path)
    space.write({"Assetfile.py": settings_of(*names)})
    assert space.run().status == 0

    assert told in space.run("--check", **{variable: "5"}).out
    assert space.run(**{variable: "5"}).status == 0
    assert space.run("--check", **{variable: "5"}).out == ""
    assert space.run("--check").status == 1


def test_setting_from_a_clock_counts_by_its_value(tmp_path):
    """Also where the function is decorated."""
    space = TestSpace(tmp_path)
    text = settings_of("decorated", "wrapped")
    text = text.replace("datetime.date.today().year", "time.time_ns()")
    space.write({"Assetfile.py": text.replace("import datetime", "import time")})
    assert space.run().status == 0

    ran = space.run("--why", "wrapped")
    assert "setting `year` changed" in ran.out
    assert "+year = 1" in ran.out
    assert "makes nothing stale" not in ran.out


def test_setting_from_the_project_counts_by_its_text_alone(tmp_path):
    """It needs no load: only what asks something does."""
    space = TestSpace(tmp_path)
    space.write({"Assetfile.py": settings_of("plain")})
    assert space.run().status == 0
    space.edit("Assetfile.py", "BASE = 3", "BASE = 3  # changed")

    ran = space.run("--status", "-v")
    assert "each run has to load it" not in ran.err
    space.edit("Assetfile.py", "BASE = 3", "BASE = 4")
    assert "helper `BASE` changed" in space.run("--check").out


LOOP = """
    import json
    from pathlib import Path

    import pandas as pd
    from assetmake import asset

    HERE = Path(__file__).parent
    SETTINGS = json.loads((HERE / "settings.json").read_text())


    def made(path):
        @asset(name=f"out/{path.stem}")
        def out() -> pd.DataFrame:
            return pd.read_csv(path)


    for path in sorted((HERE / "raw").glob("*.csv")):
        made(path)
"""


@pytest.fixture
def loop(tmp_path):
    """A project whose Assetfile looks for files, and was built."""
    space = TestSpace(tmp_path)
    space.write({"Assetfile.py": LOOP, "raw/a.csv": "a\n1\n", "settings.json": "{}"})
    assert space.run().status == 0
    return space


def test_file_that_comes_after_a_look_is_no_bug(loop):
    """The load is compared with what was told without one, of the same files."""
    loop.edit("Assetfile.py", "SETTINGS =", "# more\nSETTINGS =")
    assert loop.run("--check").status == 0
    loop.write({"raw/b.csv": "a\n2\n"})

    ran = loop.run()
    assert "2 built" in ran.err
    assert "bug" not in ran.err


def test_reason_says_that_the_load_read_a_file(loop):
    loop.write({"settings.json": "[]", "raw/b.csv": "a\n2\n"})

    told = loop.run("--why", "out/a").out
    assert "file `settings.json` changed (read when the Assetfile is loaded)" in told
    assert "files in `raw/` came or went (read when the Assetfile is loaded)" in told


MEANWHILE = """
    import json
    import subprocess
    import sys
    from pathlib import Path

    import polars as pl
    from assetmake import asset

    HERE = Path(__file__).parent
    LOADED = (HERE / "loaded.txt").read_text()
    CODE = "import sys; open(sys.argv[1][1:], 'w').write('2')"


    def looked():
        try:
            return (HERE / "missing.txt").read_text()
        except OSError:
            return 0


    def meanwhile(path):
        # Somebody else writes, once, while the asset runs: no hook sees it.
        try:
            (HERE / "during").rmdir()
        except OSError:
            return
        subprocess.run([sys.executable, "-c", CODE, "_" + path], cwd=HERE, check=True)


    @asset
    def reads() -> str:
        value = VALUE
        meanwhile(FILE)
        return str(value)
"""


@pytest.mark.parametrize(
    ("value", "file"),
    [
        ('json.loads((HERE / "config.json").read_text())', "config.json"),
        ('pl.read_ndjson(HERE / "config.json")["a"][0]', "config.json"),
        ("LOADED", "loaded.txt"),
        ("looked()", "missing.txt"),
    ],
    ids=["by Python", "by a library", "when loaded", "looked for"],
)
def test_file_that_changes_after_it_was_read_is_not_forgotten(tmp_path, value, file):
    """It was taken for the asset's own, and never seen again."""
    space = TestSpace(tmp_path)
    text = MEANWHILE.replace("VALUE", value).replace("FILE", repr(file))
    config = '{"a": 1}' if "ndjson" in value else "1"
    space.write({"Assetfile.py": text, "config.json": config, "loaded.txt": "1"})
    if "ndjson" in value:
        space.edit("Assetfile.py", "'2'", """'{\\"a\\": 2}'""")
    (space.root / "during").mkdir()
    assert space.run().status == 0
    assert not (space.root / "during").exists()

    assert f"file `{file}` changed" in space.run("--check").out
    assert space.run().status == 0
    assert (space.root / "data/reads/reads.txt").read_text() == "2"
    assert space.run("--check").out == ""


CACHED = """
    import functools
    from pathlib import Path

    from assetmake import asset

    HERE = Path(__file__).parent


    @functools.cache
    def known():
        return (HERE / "known.txt").read_text()


    class Config:
        @staticmethod
        @functools.lru_cache(maxsize=None)
        def read():
            return (HERE / "known.txt").read_text()


    @asset
    def first() -> str:
        return known() + Config.read()


    @asset
    def second() -> str:
        return known()


    @asset
    def third() -> str:
        return Config.read()
"""


def test_file_behind_a_cache_counts_for_each_asset(tmp_path):
    """Only the first asset of a build was seen to read it."""
    space = TestSpace(tmp_path)
    space.write({"Assetfile.py": CACHED, "known.txt": "1"})
    assert built(space) == ["first", "second", "third"]

    space.write({"known.txt": "2"})
    assert built(space) == ["first", "second", "third"]
    assert (space.root / "data/third/third.txt").read_text() == "2"


OPENED = """
    from pathlib import Path
    from assetmake import asset

    SQL = Path(__file__).with_name("q.sql").read_text()


    @asset
    def a() -> str:
        return SQL
"""


def test_project_that_stays_open_loads_a_changed_file_again(tmp_path):
    """It ran with what the Assetfile had read, and recorded the file of now."""
    space = TestSpace(tmp_path)
    space.write({"Assetfile.py": OPENED, "q.sql": "1"})
    project = open_project(space.root)
    assert project.build().ok
    space.write({"q.sql": "2"})

    assert project.build().ok
    assert project.load("a") == "2"


MOVES = """
    import os
    from assetmake import asset


    @asset
    def first() -> str:
        os.chdir("sub")
        return open_text()


    @asset
    def second() -> str:
        return open_text()


    def open_text():
        with open("name.txt") as file:
            return file.read()
"""


def test_asset_that_changes_the_directory_moves_no_other(tmp_path, monkeypatch):
    """What came out of the next one hung on whether it ran in the same build."""
    space = TestSpace(tmp_path)
    space.write({"Assetfile.py": MOVES, "name.txt": "top", "sub/name.txt": "sub"})
    monkeypatch.chdir(space.root)
    assert built(space) == ["first", "second"]

    assert (space.root / "data/first/first.txt").read_text() == "sub"
    assert (space.root / "data/second/second.txt").read_text() == "top"
