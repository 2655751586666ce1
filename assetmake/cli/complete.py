"""Complete words of the command line in a shell.

The shell starts the command for it, with what was typed in variables; `click` takes
them apart.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from assetmake.errors import AssetmakeError

#: Those for which there is a script.
SHELLS = ("bash", "zsh", "fish")
#: Which variable tells the command that a shell asks; see `parse.completes`.
VARIABLE = "_ASSETMAKE_COMPLETE"


def complete_name(ctx: click.Context, _: click.Parameter, incomplete: str) -> list[Any]:
    """Return the names that an ASSET may be completed to; nothing if in doubt."""
    from click.shell_completion import CompletionItem

    from assetmake.project import open_project

    try:
        project = open_project(
            directory=ctx.params.get("directory"), file=ctx.params.get("file")
        )
        names = list(project.graph())
    except AssetmakeError:
        return []
    return [CompletionItem(name) for name in names if name.startswith(incomplete)]


def complete_environment(
    ctx: click.Context, _: click.Parameter, incomplete: str
) -> list[Any]:
    """Return the environments that there are; nothing if in doubt."""
    from click.shell_completion import CompletionItem

    from assetmake.assetfile.find import find_assetfile
    from assetmake.config import environments

    try:
        base = Path.cwd() / (ctx.params.get("directory") or "")
        names = environments(find_assetfile(base, ctx.params.get("file")).parent)
    except (AssetmakeError, OSError):
        return []
    return [CompletionItem(name) for name in names if name.startswith(incomplete)]


def complete_path(kind: str) -> Callable[..., list[Any]]:
    """Return what leaves it to the shell: files (``file``) or directories (``dir``)."""

    def complete(_: click.Context, __: click.Parameter, incomplete: str) -> list[Any]:
        from click.shell_completion import CompletionItem

        return [CompletionItem(incomplete, type=kind)]

    return complete


def print_completion(ctx: click.Context, _: click.Parameter, value: str | None) -> None:
    """Print what a shell has to run."""
    if value is None or ctx.resilient_parsing:
        return
    from click.shell_completion import get_completion_class

    kind = get_completion_class(value)
    if kind is not None:
        made = kind(ctx.command, {}, "assetmake", VARIABLE)
        # Not `source()`, which starts bash to ask for its version.
        click.echo(made.source_template % made.source_vars())
    ctx.exit()
