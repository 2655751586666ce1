"""What `--accept` takes and refuses; nothing that a hand made is lost by it."""

from __future__ import annotations

import json
import os
import pickle
import shutil

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from space import TEXTS, Ran, TestSpace
from test_manifest import MANIFEST, cut

import assetmake
from assetmake.errors import StoreError
from assetmake.stores.manifest import dump_manifest, parse_manifest

KINDS = """
from pathlib import Path
import pandas as pd
import pyarrow as pa
from assetmake import asset

class Model: pass

@asset{options}
def made(){returns}:
    return {value}
"""
FRAME = pd.DataFrame({"x": [1.5, 2.5]})
RAN = "ran by the check"


class Trap:
    """Leaves a trace where it is unpickled."""

    def __init__(self, place):
        self.place = str(place)

    def __reduce__(self):
        return (open, (self.place, "w"))


@pytest.fixture
def space(tmp_path):
    return TestSpace(tmp_path)


@pytest.fixture
def texts(space):
    space.write({"Assetfile.py": TEXTS, "raw.txt": "a text"})
    space.built()
    return space


def kind(space, returns="", options="", value="None"):
    returns = f" -> {returns}" if returns else ""
    options = f"({options})" if options else ""
    text = KINDS.format(returns=returns, options=options, value=value)
    space.write({"Assetfile.py": text})
    place = space.root / "data/made"
    place.mkdir(parents=True, exist_ok=True)
    return place


def put(place, *names):
    """Put files of some kinds into an asset's place."""
    for name in names:
        file = place / name
        match file.suffix.rpartition("-")[0] or file.suffix:
            case ".parquet" | ".pq":
                FRAME.to_parquet(file)
            case ".csv":
                FRAME.to_csv(file, index=False)
            case ".pickle" | ".joblib":
                file.write_bytes(pickle.dumps(Trap(place / "unpickled"), protocol=5))
            case ".old":
                file.write_bytes(pickle.dumps({"a": 1}, protocol=0))
            case ".png":
                file.write_bytes(b"\x89PNG\r\n\x1a\n\0\xff")
            case ".empty":
                file.touch()
            case _:
                file.write_text("Grüße, hello.\n", encoding="utf-8")


def manifest_of(space, name="made"):
    return parse_manifest((space.root / "data" / name / "_manifest.json").read_bytes())


def everything(space):
    """Return the bytes of all in the store that is not disposable."""
    return {
        str(file.relative_to(space.root)): file.read_bytes()
        for file in sorted((space.root / "data").rglob("*"))
        if file.is_file() and ".assetmake" not in file.parts
    }


def kept(space):
    """Return the files of each copy that a build kept."""
    found = sorted((space.root / "data/.assetmake/kept").glob("*"))
    return [
        {f.name: f.read_bytes() for f in copy.iterdir() if f.name[0] != "_"}
        for copy in found
    ]


# What an asset's type can be ------------------------------------------------------


@pytest.mark.parametrize(
    ("declared", "names", "type_", "format_"),
    [
        ("pd.DataFrame; ", ["hand.parquet"], "pandas.DataFrame", "parquet"),
        ("pd.DataFrame; ", ["any-name.pq"], "pandas.DataFrame", "parquet"),
        ("pd.DataFrame | None; ", ["a.parquet"], "pandas.DataFrame", "parquet"),
        ("'pyspark.sql.DataFrame'; ", ["_SUCCESS", ".part-0.parquet.crc",
         "part-00000-1c.snappy.parquet", "part-00001-1c.snappy.parquet"],
         "pyspark.sql.DataFrame", "parquet"),
        ("'polars.LazyFrame'; ", ["hand.parquet"], "polars.LazyFrame", "parquet"),
        ("'duckdb.DuckDBPyRelation'; ", ["a.parquet"],
         "duckdb.DuckDBPyRelation", "parquet"),
        ("pd.Series; ", ["hand.parquet"], "pandas.Series", "parquet"),
        ("pd.DataFrame; format='csv'", ["a.csv", "b.csv"], "pandas.DataFrame", "csv"),
        ("'pyspark.sql.DataFrame'; format='csv'", ["_SUCCESS", "part-0-c000.csv"],
         "pyspark.sql.DataFrame", "csv"),
        ("pd.DataFrame; format='pickle'", ["a.pickle"], "pandas.DataFrame", "pickle"),
        ("str; ", ["hand.txt"], "str", "text"),
        ("str; ", ["table.csv"], "str", "text"),
        ("str; ", ["nothing.empty"], "str", "text"),
        ("str; format='json'", ["hand.json"], "str", "json"),
        ("bytes; ", ["logo.png"], "bytes", "bytes"),
        ("bytes; format='png'", ["logo.png"], "bytes", "png"),
        ("Path; ", ["logo.png"], "pathlib.Path", "file"),
        ("Model; ", ["m.pickle"], "object", "pickle"),
        ("dict; ", ["m.old"], "object", "pickle"),
        ("; ", ["hand.parquet"], "pandas.DataFrame", "parquet"),
        ("; ", ["m.pickle"], "object", "pickle"),
        ("; ", ["notes.txt"], "str", "text"),
        ("; format='csv'", ["hand.csv"], "pandas.DataFrame", "csv"),
        ("; format='html'", ["page.html"], "str", "html"),
        ("; ", ["logo.png"], "pathlib.Path", "file"),
    ],
)  # fmt: skip
def test_what_is_of_the_assets_kind_is_accepted(space, declared, names, type_, format_):
    """And fresh, as what it is; its bytes stay, and nothing of it is executed."""
    if declared.startswith("'"):
        pytest.importorskip(declared.strip("'").partition(".")[0])
    returns, _, options = declared.partition("; ")
    place = kind(space, returns, options)
    put(place, *names)
    before = everything(space)

    ran = space.run("--accept", "made")

    assert (ran.status, ran.out, ran.err) == (0, "accepted made\n", "")
    assert space.run("--check").status == 0
    output = manifest_of(space).output
    assert (output.type, output.format) == (type_, format_)
    after = everything(space)
    assert {name: after[name] for name in before} == before
    assert not (place / "unpickled").exists()


@pytest.mark.parametrize(
    ("declared", "names", "found", "wanted"),
    [
        ("pd.DataFrame; ", ["notes.txt"], "notes.txt, which is text",
         "a pandas.DataFrame is kept as Parquet files"),
        ("pd.DataFrame; ", ["a.parquet", "notes.txt"], "notes.txt, which is text",
         "a pandas.DataFrame is kept as Parquet files"),
        ("'pyspark.sql.DataFrame'; ", ["logo.png"], "logo.png, which is binary data",
         "a pyspark.sql.DataFrame is kept as Parquet files"),
        ("pa.Table; ", ["a.pickle"], "a.pickle, which is a pickle",
         "a pyarrow.Table is kept as Parquet files"),
        ("pd.DataFrame; ", ["a.csv"], "a.csv, which is CSV",
         "a pandas.DataFrame is kept as Parquet files"),
        ("pd.DataFrame; format='csv'", ["a.parquet"], "a.parquet, which is Parquet",
         "a pandas.DataFrame is kept as CSV files, `*.csv`"),
        ("pd.DataFrame; format='csv'", ["notes.txt"], "notes.txt, which is text",
         "a pandas.DataFrame is kept as CSV files, `*.csv`"),
        ("str; ", ["logo.png"], "logo.png, which is binary data",
         "a str is kept as one file of text in UTF-8"),
        ("str; ", ["a.parquet"], "a.parquet, which is Parquet",
         "a str is kept as one file of text in UTF-8"),
        ("str; format='html'", ["logo.png"], "logo.png, which is binary data",
         "a str is kept as one file of text in UTF-8"),
        ("str; ", ["a.txt", "b.txt"], "2 files (a.txt, b.txt)",
         "a str is kept as one file of text in UTF-8"),
        ("bytes; ", ["1.png", "2.png", "3.png", "4.png"],
         "4 files (1.png, 2.png, 3.png and 1 more)", "a bytes is kept as one file"),
        ("Model; ", ["notes.txt"], "notes.txt, which is text",
         "an object is kept as one pickle"),
        ("Model; ", ["m.parquet"], "m.parquet, which is Parquet",
         "an object is kept as one pickle"),
        ("; ", ["a.txt", "b.parquet"], "2 files (a.txt, b.parquet)",
         "`made` is kept as one file"),
        ("; format='parquet'", ["a.txt"], "a.txt, which is text",
         "`made` is kept as Parquet files"),
    ],
)  # fmt: skip
def test_what_is_of_another_kind_is_refused(space, declared, names, found, wanted):
    """A directory of any files was recorded; what read it failed, with a wrong hint."""
    if "pyspark" in declared:
        pytest.importorskip("pyspark")
    returns, _, options = declared.partition("; ")
    place = kind(space, returns, options)
    put(place, *names)
    before = everything(space)

    ran = space.run("--accept", "made")

    assert (ran.status, ran.out) == (2, "")
    assert ran.err.splitlines()[0] == (
        f"error: data/made cannot be accepted as `made`: it holds {found}, and {wanted}"
    )
    assert "put the data of `made` there; or move data/made away by hand" in ran.err
    assert everything(space) == before
    assert not (place / "unpickled").exists()


def test_a_table_in_another_format_is_told_what_to_write(space):
    """It was accepted, was not fresh, and the next build replaced it."""
    put(kind(space, "pd.DataFrame"), "hand.csv")

    ran = space.run("--accept", "made")

    assert 'hint: to keep it so, write `@asset(format="csv")`\n' in ran.err
    kind(space, "pd.DataFrame", 'format="csv"')
    assert space.run("--accept", "made").status == 0
    assert space.run("--check").status == 0


@pytest.mark.parametrize("reads", ["pd.DataFrame", "'polars.LazyFrame'", "pa.Table"])
def test_what_others_read_as_a_table_is_one(space, reads):
    """Where the asset's own annotation does not say."""
    if "polars" in reads:
        pytest.importorskip("polars")
    place = kind(space)
    put(place, "notes.txt")
    text = (space.root / "Assetfile.py").read_text()
    reader = f"@asset\ndef down(made: {reads}) -> str:\n    return 'x'\n"
    space.write({"Assetfile.py": f"{text}\n{reader}"})

    ran = space.run("--accept", "made")

    assert ran.status == 2
    assert "it holds notes.txt, and `down` reads `made` as a p" in ran.err
    (place / "notes.txt").unlink()
    put(place, "hand.parquet")
    assert space.run("--accept", "made").status == 0


@pytest.mark.parametrize(
    ("returns", "name", "data", "found"),
    [
        ("pd.DataFrame", "a.parquet", b"PAR1 cut off", "damaged Parquet"),
        ("str", "a.txt", "Grüße".encode("latin-1"), "binary data"),
        ("str", "a.txt", b"a" * 5000 + b"\xff", "not in UTF-8"),
        ("Model", "a.pickle", pickle.dumps({"a": [1, 2]})[:-3], "no whole pickle"),
        ("Model", "a.joblib", b"\x80\x04}\xff raw numbers.", "no whole pickle"),
        ("dict", "a.txt", b"hello.", "text"),
        ("dict", "a.empty", b"", "empty"),
    ],
)
def test_what_is_damaged_is_refused(space, returns, name, data, found):
    (kind(space, returns) / name).write_bytes(data)

    ran = space.run("--accept", "made")

    assert ran.status == 2
    assert f"it holds {name}, which is {found}, and " in ran.err


def test_parts_of_two_tables_are_refused(space):
    place = kind(space, "pd.DataFrame")
    put(place, "a.parquet")
    pq.write_table(pa.table({"y": ["text"]}), place / "b.parquet")

    ran = space.run("--accept", "made")

    assert ran.status == 2
    assert "b.parquet has columns y (string), and a.parquet has x (double)" in ran.err


def test_a_table_of_two_columns_is_no_series(space):
    pq.write_table(pa.table({"a": [1], "b": [2]}), kind(space, "pd.Series") / "a.pq")

    ran = space.run("--accept", "made")

    assert ran.status == 2
    assert "cannot be accepted as `made`: `made` is no Series" in ran.err


def test_a_directory_in_the_place_of_files_is_named(space):
    (kind(space, "pd.DataFrame") / "year=2010").mkdir()

    ran = space.run("--accept", "made")

    assert ran.status == 2
    assert "error: `year=2010` in made/ is no file\n" in ran.err


@pytest.mark.slow
def test_a_type_of_another_package_says_what_it_can_load(space):
    """Only its handler can tell; a pickle it is not asked about."""
    space.write(
        {
            "plugged.py": """
                from pathlib import Path

                class Sheet: pass

                class Handler:
                    name, formats = "plugged.Sheet", ("sheet", "pickle")

                    def load(self, stored, annotation):
                        text = stored.files[0].read_text()
                        Path(__file__).with_name("asked").touch()
                        if not text.startswith("SHEET"):
                            raise RuntimeError("that is no sheet")
                        return Sheet()

                    def shape(self, value): return None
                    def close(self): pass
            """,
            "plugged-1.dist-info/METADATA": "Name: plugged\nVersion: 1\n",
            "plugged-1.dist-info/entry_points.txt": (
                "[assetmake.frames]\nplugged.Sheet = plugged:Handler\n"
            ),
        }
    )
    place = kind(space, "__import__('plugged').Sheet")
    (place / "a.sheet").write_text("no")
    path = str(space.root)

    refused = space.shell("--accept", "made", PYTHONPATH=_path(path))
    (place / "a.sheet").write_text("SHEET")
    taken = space.shell("--accept", "made", PYTHONPATH=_path(path))

    assert refused.status == 2
    assert "cannot be accepted as `made`: that is no sheet\n" in refused.err
    assert (taken.status, taken.out) == (0, "accepted made\n")
    assert manifest_of(space).output.type == "plugged.Sheet"
    shutil.rmtree(place)
    (space.root / "asked").unlink()
    put(kind(space, "__import__('plugged').Sheet", "format='pickle'"), "a.pickle")
    assert space.shell("--accept", "made", PYTHONPATH=_path(path)).status == 0
    assert not (space.root / "asked").exists()


def _path(first):
    return os.pathsep.join([first, os.environ.get("PYTHONPATH", "")])


def test_a_text_that_was_adopted_loads_as_text(space):
    """Its manifest said that it was a frame of pandas."""
    put(kind(space, "str"), "hand.txt")
    project = assetmake.open(space.root)
    project.accept("made")

    assert project["made"] == "Grüße, hello.\n"


def test_what_a_build_left_is_not_accepted_as_another_kind(texts):
    """Its manifest would say so, and what reads it would fail."""
    texts.edit("Assetfile.py", "def upper(raw: str) -> str", "def upper(raw: str) -> T")
    texts.edit("Assetfile.py", "    from" if False else "from assetmake",
               "import pandas\nT = pandas.DataFrame\nfrom assetmake")  # fmt: skip
    before = everything(texts)

    ran = texts.run("--accept", "upper")

    assert ran.status == 2
    assert ran.err == (
        "error: `upper` cannot be accepted: it is stored as text, and a "
        "pandas.DataFrame is kept as parquet\nhint: run `assetmake upper`\n"
    )
    assert everything(texts) == before


# What stays stale all the same ------------------------------------------------------


def test_other_columns_than_declared_are_refused(space):
    """`accepted` was printed, the table was not fresh, and a build replaced it."""
    put(kind(space, "pd.DataFrame", "columns={'x': 'int64'}"), "hand.parquet")
    before = everything(space)

    ran = space.run("--accept", "made")

    assert (ran.status, ran.out) == (2, "")
    assert ran.err == (
        "error: data/made cannot be accepted as `made`: "
        "column x is double, declared int64\n"
        "hint: change what Assetfile.py:9 says to what is stored, or the data; or move "
        "data/made away by hand and run `assetmake made`\n"
    )
    assert everything(space) == before
    assert space.run().status == 2
    assert everything(space) == before


def test_what_has_no_columns_is_refused_where_they_are_declared(space):
    put(kind(space, "Model", "columns={'x': 'int64'}"), "m.pickle")

    ran = space.run("--accept", "made")

    assert ran.status == 2
    assert "declares columns: it is kept as pickle, which has none" in ran.err


def test_one_that_is_refused_keeps_the_others_from_being_accepted(texts):
    """It is one command: whoever mends it gives it again."""
    texts.edit("Assetfile.py", "raw.upper()", "raw.lower()")
    texts.edit("Assetfile.py", "len(upper)", "len(upper) + 0")
    (texts.root / "data/length/length.txt").write_bytes(b"\xff")
    before = everything(texts)

    ran = texts.run("--accept", "upper", "length")

    assert (ran.status, ran.out) == (2, "")
    assert everything(texts) == before


def test_what_is_stale_by_its_upstream_is_accepted_and_said_to_be_stale(texts):
    texts.edit("Assetfile.py", "raw.upper()", "raw.lower()")
    texts.edit("Assetfile.py", "len(upper)", "len(upper) + 0")

    ran = texts.run("--accept", "length")

    assert (ran.status, ran.out) == (0, "accepted length\n")
    assert ran.err == "length is still outdated: upstream `upper` is outdated\n"
    assert texts.run("--accept", "upper") == Ran(0, "accepted upper\n", "")
    assert texts.run("--check").status == 0


def test_what_is_fresh_is_left_as_it_is(texts):
    """Its manifest said `accepted` afterwards, as if no build had made it."""
    before = everything(texts)
    ran = texts.run("--accept", "*")

    assert ran == Ran(0, "", "upper is fresh already\nlength is fresh already\n")
    assert everything(texts) == before


def test_what_became_fresh_by_its_upstream_is_not_written(texts):
    texts.edit("Assetfile.py", "raw.upper()", "raw.lower()")
    before = manifest_of(texts, "length")

    ran = texts.run("--accept", "upper+")

    assert ran == Ran(0, "accepted upper\n", "length is fresh already\n")
    assert manifest_of(texts, "length") == before


# What a hand wrote ------------------------------------------------------------------


@pytest.fixture
def by_hand(space):
    """A table that somebody made, accepted; it is that of one float."""
    place = kind(space, "pd.DataFrame", value='pd.DataFrame({"x": [1.0]})')
    put(place, "hand.parquet")
    assert space.run("--accept", "made").status == 0
    return space


def test_a_build_keeps_an_adopted_table_once(by_hand):
    """It was replaced, and nothing was kept; and what builds wrote fills no disk."""
    hand = (by_hand.root / "data/made/hand.parquet").read_bytes()
    by_hand.edit("Assetfile.py", "1.0", "2.0")

    ran = by_hand.run()

    assert "      it was not as a build leaves it: kept in data/.assetmake/" in ran.err
    assert kept(by_hand) == [{"hand.parquet": hand}]
    for value in ("3.0", "4.0"):
        by_hand.edit("Assetfile.py", f"{float(value) - 1}", value)
        assert "kept in" not in by_hand.built().err
    assert kept(by_hand) == [{"hand.parquet": hand}]


@pytest.mark.parametrize("words", [["-B"], ["-B", "-j2"], ["-B", "made"]])
def test_a_forced_build_keeps_an_adopted_table_too(by_hand, words):
    hand = (by_hand.root / "data/made/hand.parquet").read_bytes()

    assert by_hand.run(*words).status == 0

    assert kept(by_hand) == [{"hand.parquet": hand}]


def test_accepting_it_again_does_not_make_it_a_builds(by_hand):
    by_hand.edit("Assetfile.py", "1.0", "2.0")
    assert by_hand.run("--accept", "made").status == 0
    assert manifest_of(by_hand).adopted
    by_hand.edit("Assetfile.py", "2.0", "3.0")
    by_hand.built()

    assert len(kept(by_hand)) == 1
    assert not manifest_of(by_hand).adopted


def test_what_a_build_wrote_stays_a_builds_when_it_is_accepted(texts):
    """A refactor is no reason to keep a copy."""
    texts.edit("Assetfile.py", "raw.upper()", "raw.lower()")
    assert texts.run("--accept", "upper").status == 0
    manifest = manifest_of(texts, "upper")
    assert (manifest.accepted, manifest.adopted) == (True, False)
    texts.edit("Assetfile.py", "raw.lower()", "raw.title()")
    texts.built()

    assert kept(texts) == []


def test_an_edited_table_that_was_accepted_is_kept(texts):
    (texts.root / "data/upper/upper.txt").write_text("BY HAND")
    assert texts.run("--accept", "upper").status == 0
    assert manifest_of(texts, "upper").adopted
    texts.edit("Assetfile.py", "raw.upper()", "raw.title()")
    texts.built()

    assert kept(texts) == [{"upper.txt": b"BY HAND"}]


def test_checks_that_run_on_an_adopted_table_leave_it_so(by_hand):
    """Just its manifest is written anew."""
    by_hand.edit(
        "Assetfile.py", "from assetmake import", "from assetmake import check,"
    )
    text = (by_hand.root / "Assetfile.py").read_text()
    checked = f"{text}\n@check(made)\ndef some(made):\n    return made[made.x < 0]\n"
    by_hand.write({"Assetfile.py": checked})

    assert "checked" in by_hand.built().err
    assert manifest_of(by_hand).adopted


def test_prune_does_not_remove_an_adopted_table(by_hand):
    """No build wrote it: it would be gone."""
    by_hand.edit("Assetfile.py", "def made", "def other")
    before = everything(by_hand)

    looked, removed = by_hand.run("--prune", "-n"), by_hand.run("--prune", "-y")

    assert looked == removed
    assert (removed.status, removed.out) == (2, "")
    assert removed.err.startswith(
        "error: cannot prove that assetmake wrote data/made: --accept took it"
    )
    assert by_hand.run("--prune", "-y", "made").status == 2
    assert everything(by_hand) == before
    (by_hand.root / "data/made/hand.parquet").unlink()
    assert by_hand.run("--prune", "-y").out == "removed data/made\n"


@pytest.mark.parametrize("accepted", [True, False])
def test_a_manifest_that_does_not_tell_is_taken_for_a_hands_if_accepted(accepted):
    """Those of before did not say who wrote the data that was accepted."""
    tree, built, last = cut(dump_manifest(MANIFEST), ("built", "adopted"))
    del built[last]
    built["accepted"] = accepted

    assert parse_manifest(json.dumps(tree).encode()).adopted is accepted


def test_the_api_tells_what_became_of_each(texts):
    texts.edit("Assetfile.py", "raw.upper()", "raw.lower()")
    found = []

    names = assetmake.open(texts.root).accept(["upper", "length"], told=found.append)

    assert names == ["upper", "length"]
    assert [(one.name, one.was_fresh) for one in found] == [
        ("upper", False),
        ("length", True),
    ]


def test_a_place_that_may_not_be_read_is_told(space):
    place = kind(space, "str")
    put(place, "a.txt")
    project = assetmake.open(space.root)
    (place / "a.txt").unlink()
    (place / "a.txt").symlink_to(place / "nowhere")

    with pytest.raises(StoreError):
        project.accept("made")


def test_a_frame_that_is_pickled_on_purpose_is_fresh(space):
    """It was built anew each time, as if its annotation ruled that out."""
    kind(space, "pd.DataFrame", "format='pickle'", 'pd.DataFrame({"x": [1]})').rmdir()
    space.built()

    assert "nothing to do" in space.built().err
    assert space.run("--check").status == 0


def test_files_in_the_place_of_lost_ones_are_accepted(texts):
    """It was said that nothing was there."""
    (texts.root / "data/upper/upper.txt").rename(texts.root / "data/upper/mine.txt")
    (texts.root / "data/length/length.txt").unlink()

    assert texts.run("--accept", "upper") == Ran(0, "accepted upper\n", "")
    assert manifest_of(texts, "upper").adopted
    ran = texts.run("--accept", "length")
    assert (ran.status, ran.err) == (
        2,
        "error: `length` has no stored data to accept\nhint: run `assetmake length`\n",
    )


def test_what_was_edited_need_not_be_moved_away(texts):
    """A build keeps it; only where no manifest is, it would refuse."""
    (texts.root / "data/upper/upper.txt").write_bytes(b"\xff")

    ran = texts.run("--accept", "upper")

    assert ran.err.splitlines()[-1] == (
        "hint: put the data of `upper` there; or run `assetmake upper`"
    )
    assert "kept in" in texts.built().err
