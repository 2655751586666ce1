"""The command from end to end: what it prints where, and how it exits."""

from __future__ import annotations

import json
import os
import pty
import re
import select
import shutil
import signal
import subprocess
import sys
import time

import pytest
from space import TEXTS, TestSpace

from assetmake.cli import main as cli
from assetmake.errors import AssetmakeError

slow = pytest.mark.slow


@pytest.fixture
def space(tmp_path):
    """A project of two assets of text, nothing built."""
    space = TestSpace(tmp_path / "project")
    space.write({"Assetfile.py": TEXTS, "raw.txt": "words\n"})
    return space


FAILING = """
    from assetmake import asset


    @asset
    def good() -> str:
        return "good"


    @asset
    def bad() -> str:
        print("so far so good")
        return {}["nothing"]


    @asset
    def below(bad: str) -> str:
        return bad
"""


def lines(text):
    """Return lines, times and sizes of builds made equal."""
    text = re.sub(r"\b\d+\.\d+s", "#s", text)
    return text.splitlines()


# Building ---------------------------------------------------------------------


def test_a_first_build_has_a_line_an_asset(space):
    ran = space.shell()

    assert (ran.status, ran.out) == (0, "")
    assert lines(ran.err) == [
        "assetmake: 2 of 2 assets to build",
        "[1/2] built      upper                            #s                    6 B",
        "[2/2] built      length                           #s                    1 B",
        "assetmake: 2 built in #s",
    ]


def test_a_second_build_does_nothing_and_says_so(space):
    space.built()

    ran = space.run()

    assert (ran.status, ran.out) == (0, "")
    assert lines(ran.err) == ["assetmake: nothing to do, 2 assets fresh (#s)"]


def test_data_that_came_out_the_same_spares_what_is_below(space):
    space.built()
    space.edit("Assetfile.py", "raw.upper()", 'raw.upper() + ""')

    ran = space.run()

    assert lines(ran.err)[0] == (
        "assetmake: 1 of 2 assets to build, 1 more if its data changes"
    )
    assert lines(ran.err)[-1] == (
        "assetmake: 1 built (same data as before), 1 still fresh in #s"
    )


def test_a_build_names_only_what_was_asked_for(space):
    ran = space.run("upper")

    assert lines(ran.err)[-1] == "assetmake: 1 built in #s"
    assert not (space.root / "data" / "length").exists()


def test_a_failure_stops_the_build_and_is_explained(space):
    space.write({"Assetfile.py": FAILING})

    ran = space.run("-C", str(space.root), cwd="..")

    assert (ran.status, ran.out) == (1, "")
    assert lines(ran.err)[2:] == [
        "[2/3] FAILED     bad                              #s",
        "",
        "error: bad failed: KeyError: 'nothing'",
        '  File "Assetfile.py", line 12, in bad',
        '    return {}["nothing"]',
        "           ^^^^^^^^^^^^^",
        "  it printed:",
        "  | so far so good",
        "  hint: assetmake --pdb bad opens a debugger there",
        "",
        "assetmake: 1 built, 1 failed, 1 not started in #s; -k goes on with the rest",
    ]


def test_keep_going_skips_just_what_needs_the_failed(space):
    space.write({"Assetfile.py": FAILING})

    ran = space.run("-k")

    assert ran.status == 1
    assert "[3/3] skipped    below                            needs bad" in ran.err
    assert lines(ran.err)[-1] == "assetmake: 1 built, 1 failed, 1 skipped in #s"


def test_a_full_trace_is_shown_when_asked_for(space):
    space.write({"Assetfile.py": FAILING})

    ran = space.run("bad", "--full-trace")

    assert "  Traceback (most recent call last):" in ran.err
    assert "run.py" in ran.err


def test_what_assets_print_is_shown_when_asked_for(space):
    space.write({"Assetfile.py": FAILING})

    ran = space.run("bad", "-v")

    assert lines(ran.err)[1] == "so far so good"
    assert "it printed" not in ran.err


def test_silent_shows_errors_alone(space):
    assert space.run("-s").err == ""

    space.write({"Assetfile.py": FAILING})
    ran = space.run("-s")

    assert ran.status == 1
    assert ran.err.startswith("\nerror: bad failed")
    assert "assetmake: " not in ran.err


def test_a_table_changed_by_hand_is_kept_and_told(space):
    space.built()
    part = next((space.root / "data" / "upper").glob("[!_]*"))
    part.write_text("MINE")

    ran = space.run()

    kept = re.search(r"it was not as a build leaves it: kept in (\S+)", ran.err)
    assert ran.status == 0
    assert (space.root / kept[1] / part.name).read_text() == "MINE"


def test_always_make_builds_what_is_fresh(space):
    space.built()

    ran = space.run("-B", "upper")

    assert lines(ran.err)[0] == "assetmake: 1 of 1 asset to build"


def test_only_refuses_when_upstream_is_not_fresh(space):
    ran = space.run("--only", "length")

    assert ran.status == 2
    assert ran.err.startswith("error: --only leaves out what is not fresh upstream")


def test_a_project_without_assets_is_no_error(space):
    space.write({"Assetfile.py": "x = 1\n"})

    assert (
        space.run().err == "assetmake: nothing to do: Assetfile.py defines no asset\n"
    )
    assert space.run("--status").err == "Assetfile.py defines no asset\n"


def test_a_source_alone_is_nothing_to_build(space):
    ran = space.run("raw")

    assert ran.status == 0
    assert ran.err == "assetmake: nothing to do: a source is made elsewhere\n"


# Looking ----------------------------------------------------------------------


def test_status_is_a_table_on_stdout_and_counts_on_stderr(space):
    space.built()
    space.edit("Assetfile.py", "raw.upper()", "raw.lower()")

    ran = space.run("--status")

    assert ran.status == 0
    assert ran.out.splitlines() == [
        "ASSET   STATE     BUILT     ROWS  WHY",
        "raw     source    -            -",
        "upper   outdated  just now     -  code changed",
        "length  outdated  just now     -  upstream upper is outdated",
    ]
    assert ran.err.splitlines() == [
        "",
        "3 tables: 1 source, 2 outdated.",
        "assetmake --why NAME explains; assetmake builds.",
    ]


def test_check_prints_a_line_for_editors_and_fails(space):
    space.built()
    space.edit("Assetfile.py", "raw.upper()", "raw.lower()")

    ran = space.run("--check")

    assert ran.status == 1
    assert ran.out.splitlines() == [
        "Assetfile.py:7: upper: outdated: code changed",
        "Assetfile.py:13: length: outdated: upstream `upper` is outdated",
    ]
    assert ran.err == (
        "2 of 3 tables are not fresh: run assetmake, or assetmake --why\n"
    )


def test_check_names_files_from_where_it_was_called(space):
    (space.root / "deep").mkdir()

    ran = space.run("--check", cwd="deep")

    assert ran.out.splitlines()[0] == "../Assetfile.py:7: upper: missing: never built"


def test_check_of_a_fresh_project_succeeds(space):
    space.built()

    ran = space.run("--check")

    assert (ran.status, ran.out, ran.err) == (0, "", "3 tables, all fresh\n")


def test_question_is_a_check_without_output(space):
    assert space.run("-q") == space.run("--question")
    assert space.run("-q").status == 1

    space.built()
    ran = space.run("-q")

    assert (ran.status, ran.out, ran.err) == (0, "", "")


def test_check_tolerates_what_is_allowed(space):
    ran = space.run("--check", "--allow", "missing")

    assert (ran.status, ran.out) == (0, "")


def test_check_reports_orphans_by_their_manifest(space):
    space.built()
    space.edit("Assetfile.py", "def length(", "def size(")

    ran = space.run("--check")

    assert ran.out.splitlines() == [
        "Assetfile.py:13: size: missing: never built",
        "data/length/_manifest.json:1: length: orphaned: no longer defined",
    ]


def test_without_data_the_manifests_decide(space):
    space.built()
    (space.root / "raw.txt").unlink()
    for part in space.root.glob("data/[!.]*/[!_]*"):
        part.unlink()

    assert space.run("--check").status == 1
    assert space.run("--check", "--no-data").status == 0
    assert space.run("-q", "--no-data").status == 0


def test_a_dry_run_lists_what_a_build_would_do_and_does_nothing(space):
    space.built()
    space.edit("Assetfile.py", "raw.upper()", "raw.lower()")
    before = visible(space.root)

    ran = space.run("-n")

    assert ran.status == 0
    assert ran.out.splitlines() == [
        "would build, in this order:",
        "  1  upper    code changed",
        "would follow only if the data above comes out different:",
        "  2  length   upstream upper is outdated",
    ]
    assert ran.err == "would leave 0 fresh\n"
    assert visible(space.root) == before


def visible(root):
    """Return all that is there but the disposable index."""
    return sorted(p for p in root.rglob("*") if ".assetmake" not in p.parts)


def test_a_dry_run_tells_what_forces_a_step(space):
    space.built()

    assert "  1  length   because of --what-if" in space.run("-n", "-W", "upper").out
    assert "  1  upper   because of --always-make" in space.run("-nB", "upper").out


def test_why_shows_the_change_of_the_code(space):
    space.built()
    space.edit("Assetfile.py", "raw.upper()", "raw.lower()")

    ran = space.run("--why", "length")

    assert ran.status == 0
    assert ran.out.splitlines()[1:3] == [
        "  1. upstream `upper` is outdated",
        "       because its code changed (Assetfile.py:7)",
    ]

    ran = space.run("--why")

    assert "     -    return raw.upper()" in ran.out.splitlines()
    assert "     +    return raw.lower()" in ran.out.splitlines()


def test_why_of_a_fresh_project_has_nothing_to_tell(space):
    space.built()

    ran = space.run("--why")

    assert (ran.status, ran.out) == (0, "")
    assert ran.err == "nothing to explain: 2 assets fresh\n"


def test_list_prints_names_in_build_order(space):
    assert space.run("--list").out == "upper\nlength\n"
    assert space.run("--list", "l*").out == "length\n"


@pytest.mark.parametrize(
    ("format_", "beginning"),
    [
        ("tree", "raw (source)\n└── upper\n    └── length\n"),
        ("mermaid", "flowchart LR\n"),
        ("dot", "digraph assetmake {\n"),
        ("svg", "<svg "),
    ],
)
def test_graph_draws_the_lineage(space, format_, beginning):
    ran = space.run("--graph", "--format", format_)

    assert ran.status == 0
    assert ran.out.startswith(beginning)


def test_graph_of_names_has_what_they_need(space):
    assert space.run("--graph", "upper").out == "raw (source)\n└── upper\n"


@pytest.mark.parametrize(
    ("words", "mode"),
    [
        (["--status"], "status"),
        (["--check"], "check"),
        (["--why"], "why"),
        (["-n"], "dry-run"),
        (["--list"], "list"),
        (["--graph"], "graph"),
        ([], "build"),
    ],
)
def test_every_mode_has_json_on_stdout(space, words, mode):
    found = json.loads(space.run(*words, "--json").out)

    assert (found["version"], found["mode"]) == (1, mode)
    assert found["project"] == str(space.root)


def test_json_of_a_failed_build_has_its_error(space):
    space.write({"Assetfile.py": FAILING})

    ran = space.run("--json")

    found = json.loads(ran.out)
    assert ran.status == 1
    assert [item["outcome"] for item in found["outcomes"]] == [
        "built", "failed", "not started"
    ]  # fmt: skip
    assert found["outcomes"][1]["error"]["kind"] == "KeyError"


# Changing the store -----------------------------------------------------------


@pytest.fixture
def orphaned(space):
    """The project with one orphaned table."""
    space.built()
    space.edit("Assetfile.py", "def length(", "def size(")
    space.built()
    return space


def test_prune_without_an_answer_removes_nothing(orphaned):
    ran = orphaned.run("--prune")

    assert ran.status == 2
    assert ran.err.splitlines() == [
        "error: --prune asks before it removes, and nobody is there to answer",
        "hint: add -y, or -n to look first",
    ]
    assert (orphaned.root / "data" / "length").exists()


def test_prune_lists_and_removes(orphaned):
    assert orphaned.run("--prune", "-n").out == "would remove data/length\n"
    assert (orphaned.root / "data" / "length").exists()

    ran = orphaned.run("--prune", "-y")

    assert (ran.status, ran.out) == (0, "removed data/length\n")
    assert not (orphaned.root / "data" / "length").exists()
    assert orphaned.run("--prune", "-y").err == "no orphaned tables\n"


def test_prune_of_a_name_leaves_the_others(orphaned):
    assert orphaned.run("--prune", "-y", "lenght").err.splitlines() == [
        "error: no orphaned table is named 'lenght'",
        "hint: did you mean `length`?",
    ]

    assert orphaned.run("--prune", "-y", "length").out == "removed data/length\n"


def test_prune_leaves_what_nothing_proves_to_be_assetmake_s(orphaned):
    part = next((orphaned.root / "data" / "length").glob("[!_]*"))
    part.write_text("MINE")

    ran = orphaned.run("--prune", "-y")

    assert (ran.status, ran.out) == (2, "")
    assert ran.err.startswith("error: cannot prove that assetmake wrote data/length")
    assert part.read_text() == "MINE"


def test_accept_makes_fresh_without_a_build(space):
    space.built()
    space.edit("Assetfile.py", "raw.upper()", "raw.lower()")

    ran = space.run("--accept", "upper")

    assert (ran.status, ran.out) == (0, "accepted upper\n")
    assert space.run("--check").status == 0


def test_init_writes_an_example_and_never_overwrites(tmp_path):
    space = TestSpace(tmp_path)

    ran = space.run("--init")
    written = (tmp_path / "Assetfile.py").read_text()
    again = space.run("--init")

    assert ran.status == 0
    assert ran.out.splitlines() == [
        "wrote Assetfile.py",
        "wrote data/temperatures.csv",
    ]
    assert ran.err == "now try: assetmake, then assetmake --status\n"
    assert again.status == 2
    assert again.err.startswith("error: Assetfile.py is there already")
    assert (tmp_path / "Assetfile.py").read_text() == written


def test_init_writes_all_or_nothing(tmp_path):
    space = TestSpace(tmp_path)
    space.write({"data/temperatures.csv": "mine\n"})

    assert space.run("--init").status == 2
    assert not (tmp_path / "Assetfile.py").exists()


@pytest.mark.slow
def test_the_example_builds_and_is_fresh_then(tmp_path):
    space = TestSpace(tmp_path)
    space.run("--init")

    assert lines(space.built().err)[-1] == "assetmake: 2 built in #s"
    assert space.run("--check").status == 0


# Errors -----------------------------------------------------------------------


def test_an_unknown_environment_names_the_variable_that_asks_for_it(space):
    message = "error: no environment is named `prod` in pyproject.toml"
    for words in ([], ["--check"], ["--status"]):
        ran = space.run(*words, ASSETMAKE_ENV="prod")

        assert ran.status == 2
        assert ran.err.startswith(f"{message}, as ASSETMAKE_ENV asks\n")
    typed = space.run("--env", "prod", ASSETMAKE_ENV="test")
    assert typed.err.startswith(f"{message}\n")


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--status", "--check"], "error: --status and --check exclude each other"),
        (["lenght"], "error: no asset is named 'lenght'. Did you mean 'length'?"),
        (["--check", "nix"], "error: no asset is named 'nix'"),
        (["-W", "nix"], "error: no asset is named 'nix'"),
        (["--env", "prod"], "error: no environment is named `prod`"),
        (["-C", "nowhere"], "error: no directory nowhere"),
        (["--init", "-C", "nowhere"], "error: no directory nowhere"),
        (["-f", "nowhere.py"], "error: "),
    ],
)
def test_what_cannot_begin_exits_with_2(space, words, message):
    ran = space.run(*words)

    assert (ran.status, ran.out) == (2, "")
    assert ran.err.startswith(message)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("def broken(:\n", "error: "),
        ("import nothing_of_that_name\n", "error: "),
        ("1 / 0\n", "error: "),
        (
            """
            from assetmake import asset

            @asset
            def one(two: str) -> str: ...

            @asset
            def two(one: str) -> str: ...
            """,
            "error: assets need each other in a circle\n  one needs two needs one\n",
        ),
    ],
)
@pytest.mark.parametrize("words", [[], ["--status"], ["--check"]])
def test_an_assetfile_that_cannot_be_loaded_exits_with_2(space, text, message, words):
    space.write({"Assetfile.py": text})

    ran = space.run(*words)

    assert (ran.status, ran.out) == (2, "")
    assert ran.err.startswith(message)
    assert "Assetfile.py" in ran.err
    assert "Traceback" not in ran.err


def test_a_missing_source_stops_a_build_and_is_a_reason_elsewhere(space):
    space.built()
    (space.root / "raw.txt").unlink()

    assert space.run("-B").status == 2
    assert space.run("--status").status == 0
    checked = space.run("--check")

    assert checked.status == 1
    assert "upper: outdated: source `raw` is missing" in checked.out


def test_an_unexpected_exception_keeps_its_traceback(monkeypatch, capsys):
    """And never looks like the 1 of a check that found something."""

    def broken(session):
        raise RuntimeError("oops")

    monkeypatch.setitem(cli.LOOKS, "status", broken)
    with pytest.raises(SystemExit) as caught:
        cli.main(["--status"])

    told = capsys.readouterr().err
    assert caught.value.code == 2
    assert "RuntimeError: oops" in told
    assert "in broken" in told


def test_an_error_s_traceback_is_shown_on_demand(monkeypatch, capsys):
    def broken(session):
        raise AssetmakeError("a\x1b[2J", hints="b") from ValueError("c")

    monkeypatch.setitem(cli.LOOKS, "status", broken)
    with pytest.raises(SystemExit):
        cli.main(["--status", "--full-trace"])

    told = capsys.readouterr().err
    assert "ValueError: c" in told
    assert told.endswith("error: a\\x1b[2J\nhint: b\n")


def test_a_working_directory_that_is_gone_is_told(space):
    gone = space.root / "gone"
    gone.mkdir()
    command = f"rmdir ../gone; exec {sys.executable} -m assetmake --status"

    done = subprocess.run(
        ["sh", "-c", command], cwd=gone, capture_output=True, text=True, check=False
    )

    assert done.returncode == 2
    assert done.stderr.startswith("error: the working directory is gone\n")


# Streams and signals ----------------------------------------------------------


def test_a_reader_that_has_enough_is_no_error(space):
    """As with any command before ``| head``: quiet, and dead by SIGPIPE."""
    names = [f"{'a' * 90}_{number}" for number in range(1000)]  # no pipe holds them
    text = "".join(f"@asset\ndef {name}() -> str: ...\n" for name in names)
    space.write({"Assetfile.py": f"from assetmake import asset\n{text}"})

    with space.popen("--list") as process:
        assert process.stdout.readline() == f"{names[0]}\n"
        process.stdout.close()
        told = process.stderr.read()

    assert (told, process.wait()) == ("", -signal.SIGPIPE)


SLEEPING = """
    import time
    from assetmake import asset


    @asset
    def quick() -> str:
        return "quick"


    @asset
    def sleeping(quick: str) -> str:
        print("zzz")
        time.sleep(60 if "{}" else 0)
        return quick


    @asset
    def below(sleeping: str) -> str:
        return sleeping
"""


@pytest.mark.slow
@pytest.mark.parametrize(
    "name", ["SIGINT", *(pytest.param(n, marks=slow) for n in ("SIGTERM", "SIGHUP"))]
)
def test_what_ends_a_build_is_told_as_ctrl_c_is(space, name):
    """The process dies by it, and the store goes on."""
    space.write({"Assetfile.py": SLEEPING})
    with space.popen() as process:
        while "quick" not in process.stderr.readline():
            assert process.poll() is None
        time.sleep(0.5)
        process.send_signal(signal.Signals[name])
        out, err = process.communicate(timeout=30)

    assert process.returncode == -signal.Signals[name]
    assert out == ""
    assert lines(err) == [
        "assetmake: interrupted: sleeping stopped, nothing of it is stored",
        "assetmake: 1 built, 1 stopped, 1 not started in #s; run it again to go on",
    ]
    assert (space.root / "data" / "quick").exists()
    assert not (space.root / "data" / "sleeping").exists()
    space.edit("Assetfile.py", "time.sleep(60", "time.sleep(0")
    assert "2 built, 1 fresh" in space.shell().err


STUBBORN = """
    import time

    from assetmake import asset


    @asset
    def stubborn() -> str:
        open("begun", "w")
        try:
            time.sleep(60)
        except KeyboardInterrupt:
            open("told", "w")
            time.sleep(60)
        return ""
"""


@pytest.mark.slow
@pytest.mark.parametrize("second", ["SIGINT", "SIGTERM", "SIGHUP"])
def test_a_second_signal_ends_a_build_at_once(space, second):
    space.write({"Assetfile.py": STUBBORN})
    with space.popen() as process:
        for file, name in (("begun", "SIGTERM"), ("told", second)):
            while not (space.root / file).exists():
                assert process.poll() is None
                time.sleep(0.05)
            time.sleep(0.1)
            process.send_signal(signal.Signals[name])
        _, err = process.communicate(timeout=30)

    assert process.returncode == -signal.Signals[second]
    assert "interrupted" not in err
    assert not (space.root / "data" / "stubborn").exists()


@pytest.mark.slow
def test_what_a_build_was_started_to_ignore_does_not_end_it(space):
    """As by `nohup`."""
    space.write({"Assetfile.py": SLEEPING.replace("sleep(60", "sleep(2")})
    with space.popen(ignored=[signal.SIGHUP]) as process:
        while "quick" not in process.stderr.readline():
            assert process.poll() is None
        process.send_signal(signal.SIGHUP)
        _, err = process.communicate(timeout=30)

    assert process.returncode == 0
    assert "3 built" in err


FORKS = """
    import os
    import signal
    import time

    from assetmake import asset


    @asset
    def forks() -> str:
        pid = os.fork()
        if not pid:
            try:
                time.sleep(60)
            finally:
                os._exit(7)
        time.sleep(0.2)
        os.kill(pid, signal.SIGTERM)
        return str(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
"""


def test_a_process_that_an_asset_forks_ends_by_its_signal(space):
    """Pools end their processes so."""
    space.write({"Assetfile.py": FORKS})

    ran = space.shell()

    assert ran.status == 0, ran.err
    assert (space.root / "data" / "forks" / "forks.txt").read_text() == "-15"


def test_ctrl_c_while_loading_is_quiet(space):
    space.write({"Assetfile.py": "import time\nopen('begun', 'w')\ntime.sleep(60)\n"})
    with space.popen("--status") as process:
        while not (space.root / "begun").exists():
            assert process.poll() is None
            time.sleep(0.05)
        time.sleep(0.1)
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=30)

    assert process.returncode == -signal.SIGINT
    assert (out, err) == ("", "assetmake: interrupted\n")


def on_terminal(space, *words, typed="", **variables):
    """Run the command with a terminal as all its streams; return what it showed."""
    ours, theirs = pty.openpty()
    with subprocess.Popen(
        [sys.executable, "-m", "assetmake", *words],
        cwd=space.root,
        env=space.environ(**{"TERM": "xterm", **variables}),
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
    ) as process:
        os.close(theirs)
        os.write(ours, typed.encode())
        shown = b""
        while select.select([ours], [], [], 60)[0]:
            try:
                read = os.read(ours, 65536)
            except OSError:  # Linux: the other end was closed
                break
            if not read:
                break
            shown += read
    os.close(ours)
    return process.returncode, shown.decode().replace("\r\n", "\n")


@pytest.mark.slow
def test_a_terminal_shows_colours_and_a_line_that_lives(space):
    space.write({"Assetfile.py": SLEEPING.replace("60", "0.5")})

    status, shown = on_terminal(space)

    assert status == 0
    assert "\x1b[32mbuilt" in shown
    assert re.search(r"\[1/3\] \d\.\ds  sleeping 0s", shown)
    assert shown.count("\r\x1b[K") > 0
    assert re.search(r"\nassetmake: 3 built in \d\.\ds\n$", shown)


@pytest.mark.slow
@pytest.mark.parametrize("variable", ["CI", "PRE_COMMIT"])
def test_nothing_lives_where_nobody_watches(space, variable):
    space.write({"Assetfile.py": SLEEPING.replace("60", "0.5")})

    _, shown = on_terminal(space, **{variable: "true"})

    assert "\r" not in shown
    assert "\x1b[32mbuilt" in shown


@pytest.mark.parametrize("variables", [{"NO_COLOR": "1"}, {"TERM": "dumb"}])
def test_colours_are_left_out_when_told(space, variables):
    _, shown = on_terminal(space, "--status", **variables)

    assert "\x1b" not in shown
    assert "\x1b[33mmissing" in space.run("--status", FORCE_COLOR="1").out
    assert "\x1b" not in space.run("--status", "--color", "never", FORCE_COLOR="1").out


@pytest.mark.parametrize(("answer", "left"), [("y\n", False), ("\n", True)])
def test_prune_asks_on_a_terminal(orphaned, answer, left):
    status, shown = on_terminal(orphaned, "--prune", typed=answer, NO_COLOR="1")

    assert status == 0
    assert "  data/length\nremove 1 orphaned table? [y/N] " in shown
    assert shown.rstrip().endswith(
        "nothing was removed" if left else "removed data/length"
    )
    assert (orphaned.root / "data" / "length").exists() is left


def test_a_name_that_the_stream_cannot_show_is_escaped(space):
    space.edit("Assetfile.py", "def length(", "def länge(")

    ran = space.shell("--list", PYTHONIOENCODING="ascii")

    assert (ran.status, ran.out) == (0, "upper\nl\\xe4nge\n")


@pytest.mark.parametrize(
    ("typed", "found"),
    [
        ("le", ["plain,length"]),
        ("length u", ["plain,upper"]),
        ("-W u", ["plain,upper"]),
        ("--comp", ["plain,--completion"]),
        ("--completion ", ["plain,bash", "plain,zsh", "plain,fish"]),
        ("--env p", ["plain,prod"]),
        ("-C a", ["dir,a"]),
        ("-f A", ["file,A"]),
        ("-C nowhere --env p", []),
        ("-C nowhere le", []),
    ],
)
def test_words_are_completed(space, typed, found):
    space.write({"pyproject.toml": "[tool.assetmake.env.prod]\n[tool.assetmake.env.x]"})
    ran = space.run(
        _ASSETMAKE_COMPLETE="bash_complete",
        COMP_WORDS=f"assetmake {typed}",
        COMP_CWORD=str(len(f"{typed}.".split())),
    )

    assert (ran.out.split(), ran.err) == (found, "")


#: What a shell has to run to complete `assetmake le`, and how to show the result.
SHELLS = {
    "bash": (
        'eval "$(assetmake --completion bash)"; complete -p assetmake > /dev/null;'
        "COMP_WORDS=(assetmake le); COMP_CWORD=1; _assetmake_completion assetmake;"
        'echo "${COMPREPLY[@]}"'
    ),
    "zsh": (
        "autoload -U compinit; compinit -D -u; compadd() { print $completions };"
        'eval "$(assetmake --completion zsh)"; words=(assetmake le); CURRENT=2;'
        "$_comps[assetmake]"
    ),
    "fish": 'assetmake --completion fish | source; complete -C "assetmake le"',
}


@pytest.mark.slow
@pytest.mark.parametrize("shell", SHELLS)
def test_shells_take_what_switches_completion_on(space, tmp_path, shell):
    """What the page tells to put into their settings."""
    program = shutil.which(shell)
    if program is None:
        pytest.skip(f"{shell} is not installed")
    command = tmp_path / "bin" / "assetmake"
    command.parent.mkdir()
    command.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m assetmake "$@"\n')
    command.chmod(0o755)
    own = {"PATH": f"{command.parent}:{os.environ['PATH']}", "HOME": str(tmp_path)}

    done = subprocess.run(
        [program, "-c", SHELLS[shell]],
        cwd=space.root,
        env=space.environ(**own),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )

    assert (done.stdout.split(), done.stderr) == (["length"], "")


def test_completion_is_written_without_a_project(tmp_path):
    ran = TestSpace(tmp_path).run("--completion", "bash")

    assert ran.status == 0
    assert ran.out.rstrip().endswith("_assetmake_completion_setup;")
    assert TestSpace(tmp_path).run("--completion", "tcsh").status == 2


def test_an_input_of_one_row_has_one_row(tmp_path):
    """It had "1 rows"."""
    space = TestSpace(tmp_path)
    space.write(
        {
            "raw.csv": "n\n1\n",
            "Assetfile.py": """
                from assetmake import asset, source

                source("raw", path="raw.csv")


                @asset
                def bad(raw):
                    return raw["m"]
            """,
        }
    )

    assert "  input raw: 1 row; n\n" in space.run().err


def test_options_of_a_source_are_told_as_options(tmp_path):
    """By name; their values, which may be secret, stand in no manifest."""
    space = TestSpace(tmp_path)
    space.write(
        {
            "raw.csv": "n;m\n1;2\n",
            "Assetfile.py": """
                from assetmake import asset, source

                source("raw", path="raw.csv", options={"sep": ";"})


                @asset
                def table(raw):
                    return raw
            """,
        }
    )
    space.built()
    manifest = (tmp_path / "data/table/_manifest.json").read_text()
    more = """options={"sep": ";", "na_values": "qqxzw"}"""
    space.edit("Assetfile.py", """options={"sep": ";"}""", more)

    changed = space.run("--check")
    space.built()

    assert "source `raw` changed: option `na_values` is new\n" in changed.out
    again = (tmp_path / "data/table/_manifest.json").read_text()
    assert '"options.sep"' in manifest
    assert '"options.na_values"' in again
    assert "qqxzw" not in again
    assert space.run("--check").status == 0
