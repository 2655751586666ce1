"""Which options there are, and which go together."""

from __future__ import annotations

import click
import pytest

from assetmake.cli.options import BUILD, MODES, Command, Option
from assetmake.cli.parse import Options, UsageError, parse

COMMAND = Command()


def problem(*words):
    """Return what is wrong with a command line, and the first hint."""
    with pytest.raises(UsageError) as caught:
        parse(COMMAND, words)
    assert caught.value.exit_code == 2
    return str(caught.value), caught.value.hints[0] if caught.value.hints else ""


@pytest.mark.parametrize(
    ("words", "options"),
    [
        ([], Options(BUILD)),
        (["a", "b+"], Options(BUILD, ("a", "b+"))),
        (["-n", "-j4", "a"], Options("dry-run", ("a",), dry_run=True, jobs=4)),
        (["-j", "auto"], Options(BUILD, jobs=0)),
        (["--memory", "50%"], Options(BUILD, memory="50%")),
        (["--prune", "-n"], Options("prune", dry_run=True)),
        (["-kB", "-W", "a", "-W", "b"], Options(BUILD, keep_going=True,
            always_make=True, what_if=("a", "b"))),
        (["-q", "--allow", "missing", "--no-data"], Options("question",
            allow=("missing",), no_data=True)),
        (["-C", "x", "-f", "y.py", "--env", "prod", "--list"], Options("list",
            directory="x", file="y.py", env="prod")),
        (["--graph", "--json", "--format", "json"], Options("graph", json=True,
            format="json")),
        (["--", "-a"], Options(BUILD, ("-a",))),
    ],
)  # fmt: skip
def test_words_become_options(words, options):
    assert parse(COMMAND, words) == options


def test_environment_is_that_of_the_variable_unless_said(monkeypatch):
    monkeypatch.setenv("ASSETMAKE_ENV", "prod")

    assert parse(COMMAND, []).env == "prod"
    assert parse(COMMAND, ["--env", "test"]).env == "test"


@pytest.mark.parametrize("first", MODES)
@pytest.mark.parametrize("second", MODES)
def test_two_modes_exclude_each_other(first, second):
    """Naming both; but --prune -n lists what would go."""
    if first == second or {first, second} == {"prune", "dry-run"}:
        return

    message, _ = problem(f"--{first}", f"--{second}", "name")

    assert f"--{first}" in message
    assert f"--{second}" in message
    assert "exclude each other" in message


def options():
    """Return the options that belong to certain modes only."""
    return [p for p in COMMAND.params if isinstance(p, Option) and p.modes]


@pytest.mark.parametrize("option", options(), ids=lambda option: option.long)
@pytest.mark.parametrize("mode", [BUILD, *MODES])
def test_an_option_goes_with_its_modes_only(option, mode):
    """Elsewhere it would do nothing, and its user would believe it did."""
    values = {"--jobs": ["2"], "--memory": ["8G"], "--what-if": ["a"],
              "--allow": ["missing"], "--format": ["dot"]}  # fmt: skip
    given = values.get(option.long, [])
    words = [option.long, *given, *([] if mode == BUILD else [f"--{mode}"])]
    names = ["a"] if mode == "accept" else []

    if mode in option.modes:
        assert parse(COMMAND, [*words, *names]).mode == mode
    else:
        message, hint = problem(*words, *names)
        assert message.startswith(f"{option.long} does not go with ")
        assert hint.startswith("use it with ")


@pytest.mark.parametrize(
    ("words", "message", "hint"),
    [
        (["--statsu"], "no such option: --statsu", "did you mean --status?"),
        (["--qwertz"], "no such option: --qwertz", "`assetmake --help` shows them"),
        (["-j"], "option '-j' requires an argument", "`assetmake --help` shows"),
        (["--memory", "x"], "invalid value for '--memory': 'x' is neither a size", ""),
        (["-j", "0"], "invalid value for '-j' / '--jobs': '0' is not", ""),
        (["-j", "-1"], "invalid value for '-j' / '--jobs': '-1' is not", ""),
        (["-j", "²"], "invalid value for '-j' / '--jobs': '²' is not", ""),
        (["-j", "name"], "invalid value for '-j' / '--jobs': 'name' is not", ""),
        (["--check", "--allow", "fresh"], "invalid value for '--allow'", ""),
        (["--accept"], "--accept needs the names", "type them behind it"),
        (["--init", "a"], "--init takes no names", ""),
        (["--init", "-f", "x"], "--init writes Assetfile.py", ""),
        (["-vs"], "--verbose and --silent exclude each other", ""),
        (["--pdb", "-j", "auto"], "--pdb and --jobs exclude each other", ""),
        (["--graph", "--json", "--format", "dot"], "--json and --format dot", ""),
    ],
)
def test_what_makes_no_sense_is_said(words, message, hint):
    found, told = problem(*words)

    assert found.startswith(message)
    assert told.startswith(hint)
    assert not found.endswith(".")


def test_every_option_has_a_section_and_help():
    for param in COMMAND.get_params(click.Context(COMMAND)):
        if isinstance(param, Option):
            assert param.section
            assert param.help


def test_help_fits_80_columns_and_has_every_option(capsys):
    with pytest.raises(click.exceptions.Exit) as caught:
        parse(COMMAND, ["--help"])

    text = capsys.readouterr().out
    assert caught.value.exit_code == 0
    assert max(map(len, text.splitlines())) <= 80
    for param in COMMAND.params:
        if isinstance(param, Option):
            assert param.long in text
