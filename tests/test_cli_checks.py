"""Checks of assets from end to end: what is published, told, and run again."""

from __future__ import annotations

import json
import pickle

import pytest
from space import TestSpace
from test_cli import lines

import assetmake
from assetmake import MemoryStore
from assetmake.status.rows import State

ASSETFILE = """
    from assetmake import asset, check, source

    raw = source("raw", path="raw.txt", format="text")
    LONGEST = 10


    @asset
    def upper(raw: str) -> str:
        open_log(f"upper {raw.strip()}")
        return raw.upper()


    @asset
    def length(upper: str) -> str:
        return str(len(upper))


    @check(upper)
    def short(upper: str, raw: str, more=0):
        open_log("short")
        assert len(raw) == len(upper)
        assert len(upper) <= LONGEST + more, f"{len(upper)} characters"


    def open_log(text):
        from pathlib import Path
        with Path("/LOG").open("a") as stream:
            stream.write(text + chr(10))
"""
#: A table with a check that shows rows.
TABLE = """
    import pandas as pd
    from assetmake import asset, check

    BAD = [3]


    @asset
    def highs() -> pd.DataFrame:
        return pd.DataFrame({"day": ["a", "b", "c", "d"], "tmpf": [1, 2, 3, 4]})


    @asset
    def top(highs: pd.DataFrame) -> pd.DataFrame:
        return highs.tail(1)


    @check(highs, severity="warn")
    def plausible(highs: pd.DataFrame):
        return highs[highs.tmpf.isin(BAD)]
"""


class Space(TestSpace):
    """A project that logs which functions run."""

    def ran(self):
        """Return what ran since the last call."""
        log = self.root.parent / "log"
        found = log.read_text().splitlines() if log.exists() else []
        log.unlink(missing_ok=True)
        return found

    def manifest(self, name):
        return json.loads((self.root / "data" / name / "_manifest.json").read_bytes())

    def states(self):
        rows = json.loads(self.run("--status", "--json").out)["tables"]
        return {
            row["name"]: [reason["code"] for reason in row["reasons"]]
            for row in rows
            if row["state"] != "source"
        }


@pytest.fixture
def space(tmp_path):
    space = Space(tmp_path / "project")
    text = ASSETFILE.replace("/LOG", str(tmp_path / "log"))
    space.write({"Assetfile.py": text, "raw.txt": "words\n"})
    return space


@pytest.fixture
def table(tmp_path):
    space = Space(tmp_path / "project")
    space.write({"Assetfile.py": TABLE})
    return space


def error_only(text):
    """Return the Assetfile's text with a check that fails the asset."""
    return text.replace(', severity="warn"', "")


# What runs ------------------------------------------------------------------------


def test_a_check_runs_on_the_new_table_and_stands_in_the_manifest(space):
    space.built()

    assert space.ran() == ["upper words", "short"]
    (record,) = space.manifest("upper")["checks"]
    assert (record["name"], record["severity"]) == ("short", "error")
    assert (record["passed"], record["message"]) == (True, "")
    assert record["place"][0] == "Assetfile.py"
    names = [part["name"] for part in record["parts"]]
    assert names[0] == "short"
    assert {*names} == {"short", "more", "LONGEST", "open_log"}
    assert space.manifest("length")["checks"] == []
    assert space.run().err.startswith("assetmake: nothing to do")
    assert space.ran() == []


def test_the_code_of_a_check_is_not_that_of_its_asset(space):
    space.built()
    before = space.manifest("upper")["code"]
    space.edit("Assetfile.py", "more=0", "more=1")

    assert space.states() == {
        "upper": ["check-changed"],
        "length": ["upstream-outdated"],
    }
    space.built()
    assert space.manifest("upper")["code"] == before


def test_the_code_of_an_asset_is_not_that_of_its_check(space):
    space.built()
    space.ran()
    before = space.manifest("upper")["checks"]
    space.edit("Assetfile.py", "return raw.upper()", "return raw.upper() + ''")

    assert space.states()["upper"] == ["code-changed"]
    space.built()
    assert space.ran() == ["upper words", "short"]
    assert space.manifest("upper")["checks"] == before


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ("LONGEST = 10", "LONGEST = 11", "helper `LONGEST` changed"),
        ("more=0", "more=1", "setting `more` changed"),
        ('f"{len(upper)} characters"', "'long'", "check `short` changed"),
        ("@check(upper)", "@check(upper, name='brief')", "check `brief` is new"),
        ("@check(upper)", "@check(upper, severity='warn')", "of severity warn now"),
    ],
)  # fmt: skip
def test_a_changed_check_runs_on_the_stored_table_and_undoing_it_is_fresh(
    space, old, new, told
):
    space.built()
    space.ran()
    data = space.root / "data" / "upper" / "upper.txt"
    stamp = data.stat().st_mtime_ns, data.stat().st_ino
    space.edit("Assetfile.py", old, new)

    assert space.states()["upper"] == ["check-changed"]
    assert told in space.run("--why", "upper").out
    space.edit("Assetfile.py", new, old)
    assert space.run("--check").status == 0
    space.edit("Assetfile.py", old, new)
    ran = space.built()

    assert space.ran() == ["short"]
    assert lines(ran.err) == [
        "assetmake: 1 of 2 assets to build, 1 more if its data changes",
        "[1/1] checked    upper                            #s                    6 B",
        "assetmake: 1 checked, 1 still fresh in #s",
    ]
    assert (data.stat().st_mtime_ns, data.stat().st_ino) == stamp
    assert space.run("--check").status == 0
    assert "nothing to do" in space.run().err


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("@check(upper)\n", "@check('upper')\n"),
        ("@check(upper)\n", "@check(upper, description='x')\n"),
        ("def short(", "# a comment\ndef short("),
        ('    open_log("short")', "    '''Says so.'''\n    open_log(\"short\")"),
    ],
)  # fmt: skip
def test_what_changes_nothing_in_a_check_is_no_reason(space, old, new):
    space.built()
    space.edit("Assetfile.py", old, new)

    assert space.run("--check").status == 0


def test_a_check_that_is_gone_is_no_reason_and_its_result_goes_with_a_build(space):
    space.built()
    space.edit("Assetfile.py", "@check(upper)\n", "")

    assert space.run("--check").status == 0
    assert len(space.manifest("upper")["checks"]) == 1
    assert space.run("-B", "upper").status == 0
    assert space.manifest("upper")["checks"] == []


def test_a_file_that_a_check_opens_counts_for_the_check_alone(space):
    reads = "from pathlib import Path; Path(__file__).with_name('limit').read_text()"
    space.edit("Assetfile.py", "assert len(raw)", f"{reads}\n    assert len(raw)")
    space.write({"limit": "5"})
    space.built()
    space.ran()
    space.write({"limit": "6"})

    assert space.states()["upper"] == ["check-changed"]
    assert "file `limit` changed, which check `short` reads" in space.run("--why").out
    space.built()
    assert space.ran() == ["short"]
    assert space.run("--check").status == 0


def test_a_check_runs_after_new_data_and_not_after_a_spared_asset(space):
    space.built()
    space.ran()
    space.write({"raw.txt": "WORDS\n"})  # upper comes out the same

    ran = space.built()

    assert space.ran() == ["upper WORDS", "short"]
    assert "1 built (same data as before), 1 still fresh" in ran.err


# What fails -------------------------------------------------------------------------


def test_a_failed_check_keeps_the_table_and_holds_up_what_is_downstream(space):
    space.built()
    space.ran()
    before = space.manifest("upper")
    space.write({"raw.txt": "many more words\n"})

    ran = space.run()

    assert ran.status == 1
    # Which part of an assertion is marked depends on Python's version.
    told = [line for line in lines(ran.err) if set(line) != {" ", "^"}]
    assert told == [
        "assetmake: 1 of 2 assets to build, 1 more if its data changes",
        "[1/1] FAILED     upper                            #s",
        "",
        "error: upper failed a check; its stored table is as before",
        "  check short (Assetfile.py:19): 16 characters",
        '    File "Assetfile.py", line 22, in short',
        '      assert len(upper) <= LONGEST + more, f"{len(upper)} characters"',
        "  hint: assetmake --pdb upper opens a debugger there",
        "",
        "assetmake: 1 failed, 1 not started in #s; -k goes on with the rest",
    ]
    assert space.manifest("upper") == before
    assert (space.root / "data/upper/upper.txt").read_text() == "WORDS\n"
    assert space.ran() == ["upper many more words", "short"]
    assert space.states() == {
        "upper": ["last-build-failed", "source-changed"],
        "length": ["upstream-outdated"],
    }
    assert (
        "its last build failed: check `short`: 16 characters" in space.run("--why").out
    )
    space.write({"raw.txt": "words\n"})
    assert space.run("--check").status == 0


def test_keep_going_skips_what_needs_a_failed_check(space):
    space.write({"raw.txt": "many more words\n"})

    ran = space.run("-k")

    assert ran.status == 1
    assert "[2/2] skipped    length                           needs upper" in ran.err
    assert "error: upper failed a check; nothing of it is stored" in ran.err
    assert not (space.root / "data/upper").exists()


def test_a_new_check_that_fails_leaves_the_table_and_is_tried_alone_again(space):
    space.built()
    space.ran()
    before = space.manifest("upper")
    space.edit("Assetfile.py", "LONGEST = 10", "LONGEST = 1")

    assert space.run().status == 1
    assert space.ran() == ["short"]
    assert space.manifest("upper") == before
    assert space.states() == {
        "upper": ["last-build-failed", "check-changed"],
        "length": ["upstream-outdated"],
    }
    assert space.run().status == 1
    assert space.ran() == ["short"]
    space.edit("Assetfile.py", "LONGEST = 1", "LONGEST = 10")
    assert space.run("--check").status == 0
    space.edit("Assetfile.py", "LONGEST = 10", "LONGEST = 8")
    assert "1 checked" in space.built().err
    assert space.ran() == ["short"]
    assert space.run("--check").status == 0


def test_forced_assets_are_built_and_not_just_checked(space):
    space.built()
    space.ran()
    space.edit("Assetfile.py", "LONGEST = 10", "LONGEST = 11")

    assert "1 built (same data as before)" in space.run("-B", "upper").err
    assert space.ran() == ["upper words", "short"]


def test_a_check_that_changed_with_its_asset_sees_the_new_table(space):
    space.built()
    space.ran()
    space.edit("Assetfile.py", "LONGEST = 10", "LONGEST = 11")
    space.edit("Assetfile.py", "return raw.upper()", "return raw.swapcase()")

    assert space.states()["upper"] == ["code-changed", "check-changed"]
    assert "1 built (same data as before)" in space.built().err
    assert space.ran() == ["upper words", "short"]


def test_a_failed_build_is_built_again_although_only_a_check_changed(space):
    """What failed was the build: nothing says that the stored table is right."""
    space.built()
    space.edit("Assetfile.py", "    open_log(f", "    raise OSError\n    open_log(f")
    assert space.run().status == 1
    space.edit("Assetfile.py", "    raise OSError\n    open_log(f", "    open_log(f")
    space.edit("Assetfile.py", "LONGEST = 10", "LONGEST = 1")
    space.ran()

    assert space.run().status == 1
    assert space.ran() == ["short"]


def test_rows_are_shown_and_not_stored(table):
    table.edit("Assetfile.py", '"b", "c",', '"b", "rosebud",')
    table.edit("Assetfile.py", ', severity="warn"', "")

    ran = table.run()

    assert ran.status == 1
    assert lines(ran.err)[2:8] == [
        "",
        "error: highs failed a check; nothing of it is stored",
        "  check plausible (Assetfile.py:18): 1 row is wrong",
        "       day      tmpf",
        "    2  rosebud  3",
        "",
    ]
    written = [file for file in table.root.rglob("*") if file.is_file()]
    having = [file.name for file in written if b"rosebud" in file.read_bytes()]
    assert having == ["Assetfile.py"]


def test_a_warning_is_told_and_makes_nothing_stale(table):
    ran = table.built()

    assert lines(ran.err)[3:] == [
        "",
        "warning: highs",
        "  check plausible (Assetfile.py:18): 1 row is wrong",
        "       day  tmpf",
        "    2  c    3",
        "",
        "assetmake: 2 built, 1 warning in #s",
    ]
    (record,) = table.manifest("highs")["checks"]
    assert (record["passed"], record["failing"]) == (False, 1)
    assert record["message"] == "1 row is wrong"
    assert table.run("--check").status == 0
    status = table.run("--status")
    assert "check plausible: 1 row is wrong" in status.out
    assert "1 check to look at: assetmake --why highs" in status.err
    assert lines(table.run("--why", "highs").out)[1:] == [
        "  warning: check `plausible` (Assetfile.py:18): 1 row is wrong",
        "  assetmake -B highs builds it again, and shows what they find",
    ]
    assert "warning" not in table.run("-B", "-s").err


def test_why_of_everything_tells_what_checks_warn_of(table):
    """It said that there is nothing to explain, where `--status` named a check."""
    table.built()

    why = table.run("--why").out

    assert "highs is fresh" in why
    assert "warning: check `plausible`" in why
    assert "top is" not in why


def test_why_of_a_failed_check_calls_none_passed_by_what_failed(table):
    """`plausible` failed, and passed before: the stored table's result is told so."""
    table.edit("Assetfile.py", ', severity="warn"', "")
    table.edit("Assetfile.py", "[1, 2, 3, 4]", "[1, 2, 2, 4]")
    table.built()
    assert "  checks passed: plausible\n" in table.run("--why", "highs").out
    table.edit("Assetfile.py", "[1, 2, 2, 4]", "[1, 2, 3, 4]")
    assert table.run().status == 1

    why = table.run("--why", "highs").out

    assert "  1. its last build failed: check `plausible`: 1 row is wrong\n" in why
    assert "  checks passed (stored table): plausible\n" in why
    assert "checks" not in why.partition("not the cause:")[2]


def test_why_tells_which_checks_passed_and_what_they_hide(space):
    space.built()
    assert "  checks passed: short\n" in space.run("--why", "upper").out

    space.edit("Assetfile.py", "assert len(raw)", "assert eval(raw and '1')")

    why = space.run("--why", "upper").out
    assert "checks passed" not in why
    assert "  note: `exec` or `eval` of a computed text" in why


def test_a_warning_is_remembered_without_loading_the_assetfile(table):
    """The snapshot has the rows, warnings among them."""
    table.built()
    first = table.run("--status").out
    table.edit("Assetfile.py", "BAD = [3]", "BAD = [3]\nopen('loaded', 'w').close()")
    table.run("--status")
    (table.root / "loaded").unlink()

    again = table.run("--status").out

    assert "check plausible: 1 row is wrong" in again
    assert again.count("\n") == first.count("\n")


def test_json_has_checks_and_warnings(table):
    ran = json.loads(table.run("--json").out)

    (found,) = ran["outcomes"][0]["checks"]
    assert found == {
        "name": "plausible",
        "file": "Assetfile.py",
        "line": 18,
        "severity": "warn",
        "passed": False,
        "failing": 1,
        "message": "1 row is wrong",
        "trace": None,
        "head": {
            "count": 1,
            "columns": ["", "day", "tmpf"],
            "rows": [["2", "c", "3"]],
        },
    }
    row = json.loads(table.run("--status", "--json").out)["tables"][0]
    assert row["warnings"] == ["check `plausible`: 1 row is wrong"]
    del found["trace"], found["head"]
    assert row["checks"] == [found]


def test_a_check_that_breaks_says_how(table):
    table.edit("Assetfile.py", "highs.tmpf.isin", "highs.tmp.isin")

    ran = table.run()

    assert ran.status == 0
    assert (
        "warning: highs\n  check plausible (Assetfile.py:18): AttributeError: "
        in ran.err
    )
    assert '    File "Assetfile.py", line 19, in plausible\n' in ran.err
    assert "site-packages" not in ran.err
    assert "site-packages" in table.run("-B", "--full-trace").err


def test_what_a_check_prints_is_kept(table):
    old = "return highs[highs"
    table.edit("Assetfile.py", old, f"print('looking')\n    {old}")
    table.edit("Assetfile.py", ', severity="warn"', "")

    ran = table.run()

    assert "  it printed:\n  | looking\n" in ran.err
    assert ran.out == ""


def test_values_cannot_speak_to_the_terminal(table):
    table.edit(
        "Assetfile.py", '["a", "b", "c", "d"]', '["a", "b", "\\x1b[2J\\x9b", "d"]'
    )

    ran = table.run()

    assert "    2  \\x1b[2J\\x9b  3" in ran.err
    assert "\x1b" not in ran.err


def test_all_checks_run_also_behind_one_that_fails(table):
    more = "\n\n@check('highs')\ndef second(highs):\n    return ['first', 'then']\n"
    more += "\n\n@check('highs')\ndef third(highs):\n    return False\n"
    text = (table.root / "Assetfile.py").read_text() + more
    (table.root / "Assetfile.py").write_text(text)

    ran = table.run()

    assert "error: highs failed 2 checks; nothing of it is stored\n" in ran.err
    assert "  check second (Assetfile.py:23): first\n    then\n" in ran.err
    assert "  check third (Assetfile.py:28): it returned False\n" in ran.err
    assert "warning: highs\n  check plausible" in ran.err
    assert (
        "failed: check `second`: first; then (and 1 more check)"
        in table.run("--why", "highs").out
    )


# Other ways to build ------------------------------------------------------------------


@pytest.mark.slow
def test_workers_run_checks_too(table):
    table.edit("Assetfile.py", ', severity="warn"', "")
    text = (table.root / "Assetfile.py").read_text()
    (table.root / "Assetfile.py").write_text(
        text + "\n\n@asset\ndef other() -> str:\n    return 'x'\n"
    )

    ran = table.shell("-j2", "-k")

    assert ran.status == 1
    assert "error: highs failed a check; nothing of it is stored\n" in ran.err
    assert "    2  c    3\n" in ran.err
    table.edit("Assetfile.py", "BAD = [3]", "BAD = [7]")
    assert table.shell("-j2").status == 0
    table.edit("Assetfile.py", "BAD = [7]", "BAD = [8]")
    text = (table.root / "Assetfile.py").read_text()
    (table.root / "Assetfile.py").write_text(text.replace("'x'", "'y'"))
    ran = table.shell("-j2")
    assert "1 built, 1 checked, 1 still fresh" in ran.err


def test_accepting_runs_no_check_and_says_so(space):
    space.built()
    space.ran()
    space.edit("Assetfile.py", "LONGEST = 10", "LONGEST = 1")

    assert space.run("--accept", "upper").status == 0

    assert space.ran() == []
    (record,) = space.manifest("upper")["checks"]
    assert (record["passed"], record["message"]) == (None, "")
    assert space.run("--check").status == 0
    assert "check short was not run: accepted" in space.run("--status").out
    assert space.run("-B", "upper").status == 1


def test_accepting_keeps_results_that_stand(space):
    space.built()
    space.edit("Assetfile.py", "return raw.upper()", "return raw.upper() + ''")

    assert space.run("--accept", "upper").status == 0

    assert space.manifest("upper")["checks"][0]["passed"] is True
    (space.root / "data/upper/upper.txt").write_text("OTHER\n")
    assert space.run("--accept", "upper").status == 0
    assert space.manifest("upper")["checks"][0]["passed"] is None


def test_a_table_changed_by_hand_is_built_again(space):
    space.built()
    space.ran()
    (space.root / "data/upper/upper.txt").write_text("HAND\n")
    space.edit("Assetfile.py", "LONGEST = 10", "LONGEST = 11")

    space.built()

    assert space.ran() == ["upper words", "short"]


def test_checks_run_in_memory(space):
    project = assetmake.open(space.root, store=MemoryStore())

    assert project.build().ok
    assert space.ran() == ["upper words", "short"]
    row = project.status("upper")[-1]
    assert row.manifest is not None
    assert row.manifest.checks[0].passed
    (space.root / "raw.txt").write_text("far too many words\n")
    result = assetmake.open(space.root, store=MemoryStore()).build()
    assert not result.ok
    assert result.outcomes[0].checks[0].message == "19 characters"


def test_what_a_check_tells_crosses_processes(table):
    outcome = assetmake.open(table.root, store=MemoryStore()).build("highs").outcomes[0]

    assert pickle.loads(pickle.dumps(outcome)) == outcome


def test_an_included_file_checks_assets_of_another(space):
    space.edit(
        "Assetfile.py", "LONGEST = 10", 'include("more/Assetfile.py")\nLONGEST = 10'
    )
    space.edit("Assetfile.py", "import asset, check,", "import asset, check, include,")
    space.write(
        {
            "more/Assetfile.py": """
                from assetmake import check


                @check("length", "upper")
                def not_empty(table: str):
                    return table != ""
            """
        }
    )

    space.built()

    assert [c["name"] for c in space.manifest("length")["checks"]] == ["not_empty"]
    names = [c["name"] for c in space.manifest("upper")["checks"]]
    assert names == ["not_empty", "short"]


def test_a_check_of_another_module_imports_the_asset(space):
    space.edit("Assetfile.py", "LONGEST = 10", "LONGEST = 10\nimport tests_of_it")
    space.write(
        {
            "tests_of_it.py": """
                from assetmake import check


                def exclaims(text: str) -> bool:
                    return text.endswith("S" + chr(10))


                check("upper")(exclaims)
            """
        }
    )
    space.built()
    assert space.run("--check").status == 0

    space.edit("tests_of_it.py", '"S"', '"DS"')

    assert space.states()["upper"] == ["check-changed"]
    assert "1 checked" in space.built().err


def test_checks_of_a_loop_each_have_their_own_values(tmp_path):
    space = Space(tmp_path)
    space.write(
        {
            "Assetfile.py": """
                from assetmake import asset, check


                def made(number):
                    @asset(name=f"n/of_{number}")
                    def value() -> str:
                        return str(number)

                    @check(value)
                    def digits(text: str):
                        return len(text) <= LIMITS[number]


                LIMITS = {1: 1, 22: 2}
                for number in (1, 22):
                    made(number)
            """
        }
    )
    space.built()
    assert space.run("--check").status == 0

    space.edit("Assetfile.py", "22: 2", "22: 1")

    ran = space.run("-k")
    assert ran.status == 1
    assert "error: n/of_22 failed a check" in ran.err
    assert "n/of_1" not in ran.err.partition("error")[2]


def test_a_check_leaves_its_project_a_snapshot(space):
    """`@check(upper)` asks nothing of what the function does."""
    old = "return raw.upper()"
    space.edit("Assetfile.py", old, f"import time\n\n    time.time()\n    {old}")
    space.built()

    project = assetmake.open(space.root)
    project.status()

    assert project._looks.doubt == ""


def test_a_definition_that_is_wrong_is_an_error_with_its_place(space):
    space.edit(
        "Assetfile.py",
        "def short(upper: str, raw: str",
        "def short(upper: str, length: str",
    )

    ran = space.run()

    assert ran.status == 2
    assert ran.err.splitlines()[:3] == [
        "error: check `short` reads `length`, which `upper` itself does not read",
        " --> Assetfile.py:19",
        "   |",
    ]


def test_a_check_is_judged_by_the_state_of_its_asset(space):
    space.built()
    project = assetmake.open(space.root)

    assert [row.state for row in project.status("upper")] == [State.SOURCE, State.FRESH]


SPARK = """
    from pathlib import Path

    import pandas as pd
    from assetmake import asset, check
    from pyspark.sql import DataFrame

    MODE = Path(__file__).with_name("mode")


    @asset
    def small() -> pd.DataFrame:
        return pd.DataFrame({"n": range(8), "day": list("abcdefgh")})


    @asset
    def large(small: DataFrame) -> DataFrame:
        parts = 1 + (MODE.exists() and "parts" in MODE.read_text())
        more = 1 + (MODE.exists() and "more" in MODE.read_text())
        return small.selectExpr(f"n * {more} as n", "day").repartition(parts, "day")


    @check(small, severity="warn")
    def by_spark(small: DataFrame) -> DataFrame:
        return small.where("n > 1")


    @check(large, severity="warn")
    def by_pandas(large: pd.DataFrame, small: DataFrame):
        assert len(large) == small.count()
        return large[large.n == 3].reset_index(drop=True)


    @check(large, severity="warn")
    def broken(large: DataFrame):
        return large.where("nothing > 1")
"""


@pytest.mark.spark
@pytest.mark.slow
def test_checks_and_verification_go_with_spark(tmp_path):
    """A check takes a table as the type it likes, whoever made it."""
    space = Space(tmp_path)
    space.write({"Assetfile.py": SPARK})

    ran = space.shell()

    assert ran.status == 0, ran.err
    told = ran.err.partition("\nwarning: small")[2]
    assert "  check by_spark (Assetfile.py:23): 6 rows are wrong\n    n  day\n" in told
    assert "    … 1 more row\n" in told
    assert "  check by_pandas (Assetfile.py:28): 1 row is wrong\n" in told
    assert "       n  day\n    0  3  d\n" in told
    assert "  check broken (Assetfile.py:34): AnalysisException: " in told
    assert "JVM" not in told
    assert space.shell("--check").status == 0

    space.write({"mode": "parts"})  # other part files, in another order
    ran = space.shell("--verify", "large")
    assert (ran.status, ran.out[:20]) == (0, "deterministic  large")
    space.write({"mode": "more"})
    ran = space.shell("--verify", "large")
    assert ran.status == 1
    assert lines(ran.out) == ["differs        large  #s", "  column n has other values"]
