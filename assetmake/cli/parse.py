"""Turn the words of a command line into `Options`, or say why they make no sense.

Nothing here opens a project or prints.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import NamedTuple

import click
from click.core import ParameterSource

from assetmake.cli.complete import VARIABLE
from assetmake.cli.options import BUILD, MODES, Option
from assetmake.errors import AssetmakeError, did_you_mean


class UsageError(AssetmakeError):
    """Words that the command cannot make sense of."""


class Options(NamedTuple):
    """A parsed command line.

    Attributes:
        mode: One of `MODES`, or `BUILD`.
        names: ASSETs as typed.
        dry_run: Whether nothing may be changed; also with ``prune``.
        env_by: The variable that names the environment; empty for none.
        jobs: None for what is configured; 0 for one a core.
    """

    mode: str
    names: tuple[str, ...] = ()
    dry_run: bool = False
    allow: tuple[str, ...] = ()
    always_make: bool = False
    color: str = "auto"
    directory: str | None = None
    env: str = ""
    env_by: str = ""
    file: str | None = None
    format: str = "tree"
    full_trace: bool = False
    jobs: int | None = None
    json: bool = False
    keep_going: bool = False
    memory: str | None = None
    no_data: bool = False
    only: bool = False
    pdb: bool = False
    predict: bool = False
    silent: bool = False
    verbose: bool = False
    what_if: tuple[str, ...] = ()
    yes: bool = False


def parse(command: click.Command, words: Sequence[str]) -> Options:
    """Return what a command line asks for.

    Args:
        command: See `Command`.
        words: Behind the command's name.

    Raises:
        UsageError: it makes no sense.
        click.exceptions.Exit: the help or the version was asked for and shown.
    """
    try:
        with command.make_context("assetmake", list(words)) as ctx:
            return _options(ctx)
    except click.UsageError as error:
        raise _usage_error(error) from error


def _options(ctx: click.Context) -> Options:
    chosen = [mode for mode in MODES if ctx.params[mode.replace("-", "_")]]
    if chosen == ["dry-run", "prune"]:  # lists what would be removed
        chosen = ["prune"]
    if len(chosen) > 1:
        msg = f"--{chosen[0]} and --{chosen[1]} exclude each other"
        raise UsageError(msg, hints="leave one of them out")
    mode = chosen[0] if chosen else BUILD
    for param in ctx.command.params:
        if isinstance(param, Option) and param.modes and mode not in param.modes:
            source = ctx.get_parameter_source(param.name or "")
            if source is ParameterSource.COMMANDLINE:
                raise _misplaced(param, mode)
    values = {key: ctx.params[key] for key in Options._fields if key in ctx.params}
    if ctx.get_parameter_source("env") is ParameterSource.ENVIRONMENT:
        values["env_by"] = "ASSETMAKE_ENV"
    options = Options(mode, **values)
    _check_together(options, ctx)
    return options


def _misplaced(option: Option, mode: str) -> UsageError:
    goes = [f"--{name}" if name != BUILD else "a build" for name in option.modes]
    here = "a build" if mode == BUILD else f"--{mode}"
    msg = f"{option.long} does not go with {here}"
    return UsageError(msg, hints=f"use it with {', '.join(goes)}")


def _check_together(options: Options, ctx: click.Context) -> None:
    """Raise for what fits a mode, and not what else was asked for."""
    if options.mode == "accept" and not options.names:
        msg = "--accept needs the names of the assets"
        raise UsageError(msg, hints="type them behind it, or '*' for all")
    if options.mode == "init" and options.names:
        raise UsageError("--init takes no names")
    if options.mode == "init" and options.file:
        raise UsageError("--init writes Assetfile.py: leave out -f")
    given = ctx.get_parameter_source("format") is ParameterSource.COMMANDLINE
    if options.json and given and options.format != "json":
        msg = f"--json and --format {options.format} exclude each other"
        raise UsageError(msg, hints="leave one of them out")
    if options.verbose and options.silent:
        msg = "--verbose and --silent exclude each other"
        raise UsageError(msg, hints="leave one of them out")
    if options.pdb and options.jobs not in (None, 1):
        msg = "--pdb and --jobs exclude each other: a debugger follows one asset"
        raise UsageError(msg, hints="leave one of them out")


def _usage_error(error: click.UsageError) -> UsageError:
    """Return an error of click's in our words."""
    if isinstance(error, click.NoSuchOption):
        known = [
            spelling
            for param in (error.ctx.command.params if error.ctx else ())
            for spelling in (*param.opts, "--help")
        ]
        close = did_you_mean(error.option_name, known)
        msg = f"no such option: {error.option_name}"
        hint = f"did you mean {close}?" if close else "`assetmake --help` shows them"
        return UsageError(msg, hints=hint)
    text = error.format_message().rstrip(".")
    return UsageError(
        text[:1].lower() + text[1:], hints="`assetmake --help` shows what there is"
    )


def completes() -> bool:
    """Whether a shell asks what could be typed next, instead of running it."""
    return VARIABLE in os.environ
