"""Settings of a project: `[tool.assetmake]` in `pyproject.toml`; nothing else.

An environment (`[tool.assetmake.env.NAME]`) changes where and how tables are
kept and built, never what a fingerprint of code is.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from stat import S_ISDIR
from typing import Any

from assetmake.errors import ConfigError, did_you_mean

#: In which format tables are kept unless an asset says otherwise.
TABLE_FORMATS = ("parquet", "csv")


@dataclass(frozen=True, slots=True)
class Config:
    """What `[tool.assetmake]` and the chosen environment say.

    Attributes:
        root: Directory of the store, relative to the project.
        format: Of tables whose asset names none: ``parquet`` or ``csv``.
        jobs: How many assets at once; 0 is one a core.
        memory: How much they may take together, such as ``8G`` or ``50%``;
            empty for most of what is free.
        packages: Distributions whose versions count for every asset.
        spark: Settings of the Spark session, by their full names.
        environment: The chosen environment's name; empty for none.
        project: The project's name, by which its tables are known in a store: that in
            `[project]`, or of its directory if the store is not in that. Empty
            if neither holds.
    """

    root: str = "data"
    format: str = "parquet"
    jobs: int = 1
    memory: str = ""
    packages: tuple[str, ...] = ()
    spark: Mapping[str, str] = field(default_factory=dict)
    environment: str = ""
    project: str = ""


_KEYS = ("root", "format", "jobs", "memory", "packages", "spark")


def load_config(project: Path, environment: str = "", named_by: str = "") -> Config:
    """Return the settings of the project in the directory `project`.

    Args:
        project: The directory of the Assetfile; `pyproject.toml` may lack.
        environment: Name of an environment; empty for none.
        named_by: The variable that names it; empty where the caller does.

    Raises:
        ConfigError: the file is no TOML, has an unknown key or a value of a
            wrong type, or does not define the environment.
    """
    text = config_bytes(project)
    if b"assetmake" not in text:  # then not even the parser is imported
        return _choose({}, environment, named_by)
    table, name = _parse(text)
    config = _choose(table, environment, named_by)
    if not name and not is_below(project, config.root):
        name = project.name
    return replace(config, project=name)


def environments(project: Path) -> tuple[str, ...]:
    """Return the names of a project's environments.

    Raises:
        ConfigError: `pyproject.toml` is no TOML.
    """
    table, _ = _parse(config_bytes(project))
    found = table.get("env", {})
    return tuple(found) if isinstance(found, dict) else ()


def is_below(project: Path, root: str) -> bool:
    """Return whether a store lies in its project's directory, by its path."""
    top, place = os.path.abspath(project), os.path.abspath(project / root)
    return os.path.commonpath((top, place)) == top


def store_directory(project: Path, config: Config) -> Path:
    """Return the absolute path of the store's directory, which need not exist.

    Raises:
        ConfigError: it is a file, or lies in one, or is the top of the file system,
            where all that there is would be looked at.
    """
    place = (project / config.root).absolute()
    msg = ""
    try:
        mode = os.stat(place).st_mode
    except NotADirectoryError:
        msg = f"the store cannot be {place}: that leads through a file"
    except OSError:
        return place
    else:
        if not S_ISDIR(mode):
            msg = f"the store cannot be {place}, which is a file"
        elif os.path.dirname(os.path.abspath(place)) == os.path.abspath(place):
            msg = f"the store cannot be {place}, the top of the file system"
    if msg:
        where = "tool.assetmake"
        if config.environment:
            where += f"`, or of `{where}.env.{config.environment}"
        hint = f"name a directory of its own as `root` of `{where}` in pyproject.toml"
        raise ConfigError(msg, hints=hint)
    return place


def config_bytes(project: Path) -> bytes:
    """Return what `pyproject.toml` holds; nothing if there is none.

    Raises:
        ConfigError: it cannot be read.
    """
    try:
        return (project / "pyproject.toml").read_bytes()
    except FileNotFoundError:
        return b""
    except OSError as error:
        msg = f"pyproject.toml: cannot be read: {error.strerror}"
        raise ConfigError(msg) from error


def _parse(text: bytes) -> tuple[Mapping[str, Any], str]:
    """Return `[tool.assetmake]`, and the name in `[project]`, if it has one."""
    import tomllib

    try:
        data = tomllib.loads(text.decode())
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        msg = f"pyproject.toml: {str(error)[:1].lower()}{str(error)[1:]}"
        raise ConfigError(msg, hints="mend the TOML there") from error
    tool = data.get("tool", {})
    table = tool.get("assetmake", {}) if isinstance(tool, dict) else {}
    if not isinstance(table, dict):
        msg = "pyproject.toml: `tool.assetmake` is not a table"
        raise ConfigError(msg, hints="write it as `[tool.assetmake]`")
    project = data.get("project", {})
    name = project.get("name") if isinstance(project, dict) else None
    return table, name if isinstance(name, str) else ""


def _choose(table: Mapping[str, Any], environment: str, named_by: str) -> Config:
    environments = table.get("env", {})
    if not isinstance(environments, dict):
        msg = "pyproject.toml: `tool.assetmake.env` is not a table"
        hint = "write environments as `[tool.assetmake.env.NAME]`"
        raise ConfigError(msg, hints=hint)
    top = {key: value for key, value in table.items() if key != "env"}
    config = _apply(Config(), top, "tool.assetmake")
    for name, values in environments.items():  # an error in any is told at once
        chosen = _apply(config, values, f"tool.assetmake.env.{name}")
        if name == environment:
            return replace(chosen, environment=name)
    if environment:
        close = did_you_mean(environment, environments)
        known = ", ".join(f"`{name}`" for name in environments)
        msg = f"no environment is named `{environment}` in pyproject.toml"
        msg += f", as {named_by} asks" if named_by else ""
        raise ConfigError(
            msg,
            hints=f"did you mean `{close}`?"
            if close
            else f"choose one of {known}"
            if known
            else f"add a table `[tool.assetmake.env.{environment}]`",
        )
    return config


def _apply(config: Config, values: Any, where: str) -> Config:
    if not isinstance(values, dict):
        msg = f"pyproject.toml: `{where}` is not a table"
        raise ConfigError(msg, hints=f"write it as `[{where}]`")
    changed: dict[str, Any] = {}
    for key, value in values.items():
        if key not in _KEYS:
            close = did_you_mean(key, _KEYS)
            msg = f"pyproject.toml: `{where}` has no setting `{key}`"
            hint = (
                f"did you mean `{close}`?"
                if close
                else "known settings: " + ", ".join(_KEYS)
            )
            raise ConfigError(msg, hints=hint)
        changed[key] = _checked(key, value, f"{where}.{key}")
    if "spark" in changed:
        changed["spark"] = {**config.spark, **changed["spark"]}
    return replace(config, **changed)


def _checked(key: str, value: Any, where: str) -> Any:
    """Return `value` as `Config` keeps it, or raise with what was expected."""
    if key == "root" and isinstance(value, str) and value.strip():
        return value
    if key == "format" and value in TABLE_FORMATS:
        return value
    if key == "jobs":
        if value == "auto":
            return 0
        if type(value) is int and value >= 1:
            return value
    if key == "memory" and isinstance(value, str):
        from assetmake.system.memory import parse_size

        if parse_size(value) is not None:
            return value
    if key == "packages" and _are_distributions(value):
        return tuple(value)
    if key == "spark" and isinstance(value, dict):
        # Under `spark`, the first word of a setting's full name may be left out.
        return {
            name if name.startswith("spark.") else f"spark.{name}": text
            for name, text in _flat(value, where)
        }
    expected = {
        "root": "a directory, as text",
        "format": " or ".join(f'"{name}"' for name in TABLE_FORMATS),
        "jobs": 'a whole number from 1, or "auto"',
        "memory": 'a size such as "8G", or a share such as "50%"',
        "packages": "a list of distribution names, without versions",
        "spark": "a table of Spark settings",
    }[key]
    msg = f"pyproject.toml: `{where}` is {value!r}"
    raise ConfigError(msg, hints=f"make it {expected}")


def _are_distributions(value: Any) -> bool:
    from assetmake.names import is_distribution

    return isinstance(value, list) and all(
        isinstance(item, str) and is_distribution(item) for item in value
    )


def _flat(
    table: Mapping[str, Any], where: str, prefix: str = ""
) -> Iterator[tuple[str, str]]:
    """Yield dotted names and text; TOML reads ``spark.ui = 1`` as nested tables."""
    for key, value in table.items():
        if isinstance(value, dict):
            yield from _flat(value, where, f"{prefix}{key}.")
        elif isinstance(value, bool):
            yield prefix + key, "true" if value else "false"
        elif isinstance(value, str | int | float):
            yield prefix + key, str(value)
        else:
            msg = f"pyproject.toml: `{where}.{prefix}{key}` is {value!r}"
            raise ConfigError(msg, hints="make it text, a number, true or false")
