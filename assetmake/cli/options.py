"""The options of the command as click knows them, and its `--help`.

What goes together, and what they mean, is in `parse`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import click

from assetmake.cli.complete import (
    SHELLS,
    complete_environment,
    complete_name,
    complete_path,
    print_completion,
)
from assetmake.status.rows import State

#: Modes by their long options; without any, the command builds.
MODES = (
    "status",
    "check",
    "question",
    "dry-run",
    "why",
    "list",
    "graph",
    "prune",
    "accept",
    "verify",
    "init",
)
BUILD = "build"
_JSON = (BUILD, "status", "check", "dry-run", "why", "list", "graph", "verify")
_GRAPHS = ("tree", "mermaid", "dot", "svg", "json")
_ALLOWED = (
    State.MISSING,
    State.MODIFIED,
    State.DRIFTED,
    State.OUTDATED,
    State.ORPHANED,
)


class Option(click.Option):
    """An option that knows its section of the help, and its modes."""

    def __init__(
        self, *names: str, section: str, modes: Sequence[str] = (), **rest: Any
    ) -> None:
        if "type" not in rest:
            # Said of flags only: `is_flag=False` would make a value optional.
            rest["is_flag"] = True
        super().__init__(list(names), **rest)
        self.section = section
        self.modes = tuple(modes)

    @property
    def long(self) -> str:
        """The option as messages name it."""
        return max(self.opts, key=len)


def _jobs(_: click.Context, __: click.Parameter, value: str | None) -> int | None:
    """Return the number of jobs; 0 stands for ``auto``."""
    if value is None:
        return None
    if value == "auto":
        return 0
    if value.isascii() and value.isdecimal() and int(value):
        return int(value)
    msg = f"{value!r} is not a whole number from 1, nor `auto`"
    raise click.BadParameter(msg)


def _memory(_: click.Context, __: click.Parameter, value: str | None) -> str | None:
    """Return a size as it was written."""
    if value is None:
        return None
    from assetmake.system.memory import parse_size

    if parse_size(value) is None:
        msg = f"{value!r} is neither a size such as 8G nor a share such as 50%"
        raise click.BadParameter(msg)
    return value


def _version(ctx: click.Context, _: click.Parameter, value: object) -> None:
    if value and not ctx.resilient_parsing:
        from assetmake.versions import VERSION

        click.echo(f"assetmake {VERSION}")
        ctx.exit()


_LOOK, _STORE = "Look, without changing anything", "Other than building"
_BUILDING, _SHOWN, _WHERE = "How to build", "What is shown", "Which project"
_BUILDS = (BUILD, "dry-run")

_PARAMETERS: list[click.Parameter] = [
    click.Argument(
        ["names"], metavar="[ASSET]...", nargs=-1, shell_complete=complete_name
    ),
    Option("--status", section=_LOOK, help="Table of code against store, with why."),
    Option(
        "--check",
        section=_LOOK,
        help="Only what is not fresh, as path:line: asset: state: reason;"
        " exit status 1 if there is any.",
    ),
    Option("-q", "--question", section=_LOOK, help="--check without output."),
    Option("-n", "--dry-run", section=_LOOK, help="What a build would do, and why."),
    Option(
        "--why",
        section=_LOOK,
        help="All reasons of each ASSET, or of each that is not fresh or has warnings:"
        " the change of its code, what was ruled out, what could not be followed.",
    ),
    Option("--list", section=_LOOK, help="Names, one a line."),
    Option("--graph", section=_LOOK, help="Lineage, as a tree or in another format."),
    Option(
        "--prune",
        section=_STORE,
        help="Remove orphaned tables, after a question; with -n only list them.",
    ),
    Option(
        "--accept",
        section=_STORE,
        help="Record the stored data of each ASSET as right for today's code,"
        " or adopt a table made elsewhere.",
    ),
    Option(
        "--verify",
        section=_STORE,
        help="Build each ASSET again from what is stored, and compare: names what"
        " is not deterministic; stores nothing.",
    ),
    Option(
        "--init",
        section=_STORE,
        help="Write an example Assetfile and its data; never overwrites.",
    ),
    Option(
        "-j",
        "--jobs",
        section=_BUILDING,
        modes=_BUILDS,
        type=str,
        metavar="N",
        callback=_jobs,
        help="Build up to N assets at once; auto: one a core.",
    ),
    Option(
        "--memory",
        section=_BUILDING,
        modes=_BUILDS,
        type=str,
        metavar="SIZE",
        callback=_memory,
        help="With -j: what assets may take together by their last peaks, as 8G"
        " or 50%; else most of what is free.",
    ),
    Option(
        "-k",
        "--keep-going",
        section=_BUILDING,
        modes=_BUILDS,
        help="Go on with what does not need a failed asset.",
    ),
    Option(
        "-B",
        "--always-make",
        section=_BUILDING,
        modes=_BUILDS,
        help="Build each ASSET (or all) although it is fresh.",
    ),
    Option(
        "-W",
        "--what-if",
        section=_BUILDING,
        modes=_BUILDS,
        type=str,
        multiple=True,
        metavar="ASSET",
        shell_complete=complete_name,
        help="Pretend that the data of ASSET changed. Repeatable.",
    ),
    Option(
        "--only",
        section=_BUILDING,
        modes=_BUILDS,
        help="Do not build upstream; an error if something there is not fresh.",
    ),
    Option(
        "--pdb",
        section=_BUILDING,
        modes=(BUILD,),
        help="Open a debugger where an asset fails.",
    ),
    Option(
        "-y",
        "--yes",
        section=_STORE,
        modes=("prune",),
        help="With --prune: do not ask.",
    ),
    Option(
        "-v",
        "--verbose",
        section=_SHOWN,
        modes=(*_BUILDS, "status", "check", "why", "list", "graph"),
        help="Show what assets print, and why the Assetfile had to be loaded.",
    ),
    Option(
        "-s",
        "--silent",
        section=_SHOWN,
        modes=(*_BUILDS, "status"),
        help="Show nothing but errors; with --status: state, name and reason of"
        " what is not fresh, and nothing else.",
    ),
    Option("--full-trace", section=_SHOWN, help="Do not cut tracebacks."),
    Option(
        "--no-data",
        section=_SHOWN,
        modes=("status", "check", "question"),
        help="With --status, --check, -q: judge by code and manifests alone, as"
        " in a checkout without data.",
    ),
    Option(
        "--predict",
        section=_SHOWN,
        modes=("why",),
        help="With --why: also which columns the code would give now, compared with"
        " the stored table. Runs each function on the first rows of its inputs;"
        " stores and decides nothing.",
    ),
    Option(
        "--allow",
        section=_SHOWN,
        modes=("check", "question"),
        type=click.Choice([str(state) for state in _ALLOWED]),
        multiple=True,
        metavar="STATE",
        help="With --check, -q: tolerate a state. Repeatable.",
    ),
    Option(
        "--json",
        section=_SHOWN,
        modes=_JSON,
        help="Print JSON, documented and stable.",
    ),
    Option(
        "--format",
        section=_SHOWN,
        modes=("graph",),
        type=click.Choice(_GRAPHS),
        default="tree",
        metavar="F",
        help=f"With --graph: {', '.join(_GRAPHS)}.",
    ),
    Option(
        "--color",
        section=_SHOWN,
        type=click.Choice(["auto", "always", "never"]),
        default="auto",
        metavar="WHEN",
        help="auto, always or never; auto heeds NO_COLOR and FORCE_COLOR.",
    ),
    Option(
        "-C",
        "directory",
        section=_WHERE,
        type=str,
        metavar="DIR",
        shell_complete=complete_path("dir"),
        help="Go to DIR first.",
    ),
    Option(
        "-f",
        "--file",
        section=_WHERE,
        type=str,
        metavar="FILE",
        shell_complete=complete_path("file"),
        help="The Assetfile; else searched from here upward.",
    ),
    Option(
        "--env",
        section=_WHERE,
        type=str,
        default="",
        envvar="ASSETMAKE_ENV",
        metavar="NAME",
        shell_complete=complete_environment,
        help="An environment of pyproject.toml; else $ASSETMAKE_ENV.",
    ),
    Option(
        "--completion",
        section=_WHERE,
        type=click.Choice(SHELLS),
        metavar="SHELL",
        is_eager=True,
        expose_value=False,
        callback=print_completion,
        help="Print what completes names and options in bash, zsh or fish:"
        ' eval "$(assetmake --completion bash)".',
    ),
    Option(
        "--version",
        section=_WHERE,
        is_flag=True,
        is_eager=True,
        expose_value=False,
        callback=_version,
        help="Print the version.",
    ),
]


class Command(click.Command):
    """The command, with its options in sections."""

    def __init__(self) -> None:
        super().__init__(
            "assetmake",
            params=_PARAMETERS,
            context_settings={"help_option_names": ["-h", "--help"]},
            help="""\
            Build what is not fresh, upstream first; or look, with one of the modes.

            ASSET is a name, a glob ('daily_*'), group:NAME, or one of these with
            a + behind it: with everything downstream. None means all. Upstream is
            always included.
            """,
            epilog="""\
            Exit status: 0 done, or all fresh; 1 an asset failed, or --check or
            --verify found something; 2 could not begin.
            """,
        )

    def format_options(
        self, ctx: click.Context, formatter: click.HelpFormatter
    ) -> None:
        """Write the options section by section, as they stand in this file."""
        sections: dict[str, list[tuple[str, str]]] = {}
        for param in self.get_params(ctx):
            record = param.get_help_record(ctx)
            if record is not None and isinstance(param, click.Option):
                section = getattr(param, "section", _WHERE)
                sections.setdefault(section, []).append(record)
        for section, records in sections.items():
            with formatter.section(section):
                formatter.write_dl(records)
