"""What the options of an Assetfile's words may be, and their usual form; pure.

It knows values only: where a word was called is for `assets` to say.
"""

from __future__ import annotations

import os
import re
import unicodedata
from collections.abc import Callable, Collection, Iterable, Mapping
from keyword import iskeyword
from typing import Any

from assetmake.errors import did_you_mean
from assetmake.names import is_distribution, is_name

#: Bytes in UTF-8 that a part of a name may have: file systems allow 255, and a
#: store needs a few for itself.
_LONGEST_PART = 200
#: And a whole name: the directory of the store comes on top, to 4096 (macOS: 1024).
_LONGEST = 800

Rule = Callable[[Any], Any]


class OptionError(ValueError):
    """The value of an option cannot be used; raised and caught inside a word."""

    def __init__(self, problem: str, hint: str) -> None:
        super().__init__(problem)
        self.problem = problem
        self.hint = hint


def name_problem(name: str) -> tuple[str, str] | None:
    """Return why a text can name no asset, with a hint; None if it can.

    >>> name_problem("weather/daily")
    >>> name_problem("weather/_daily")[0]
    '`weather/_daily` has a part that begins with `_`, which Spark and Arrow skip'
    """
    parts = name.replace(".", "/").split("/")
    for part in parts:
        if part.startswith("_"):
            return (
                f"`{name}` has a part that begins with `_`, which Spark and Arrow skip",
                f'choose another name, such as `name="{part.strip("_") or "table"}"`',
            )
        if iskeyword(part):
            return f"`{part}` is a word of Python", "choose another name"
        if len(part.encode("utf-8", "replace")) > _LONGEST_PART:
            return (
                f"`{part[:40]}...` is too long to name a directory",
                f"choose a name of at most {_LONGEST_PART} bytes",
            )
    if len(name.encode("utf-8", "replace")) > _LONGEST:
        return (
            f"`{name[:40]}...` is too long to name a path",
            f"choose a name of at most {_LONGEST} bytes",
        )
    # Python reads identifiers in this form: no parameter could have another.
    usual = unicodedata.normalize("NFKC", name)
    if is_name(name) and usual == name:
        return None
    if is_name(usual):
        return f"{name!a} is not in Unicode's form NFKC", f"write {usual!a}"
    return (
        f"{name!r} is no name",
        "use letters, digits and `_`, with `/` or `.` between parts",
    )


def _name(value: Any) -> str:
    if not isinstance(value, str):
        raise _wrong(value, "text", 'write `name="daily_highs"`')
    problem = name_problem(value)
    if problem is not None:
        raise OptionError(f"cannot be used: {problem[0]}", problem[1])
    return value


def _text(hint: str) -> Rule:
    def rule(value: Any) -> str:
        if not isinstance(value, str):
            raise _wrong(value, "text", hint)
        if not value.strip():
            raise OptionError("is empty", hint)
        return value

    return rule


def _description(value: Any) -> str:
    if not isinstance(value, str):
        raise _wrong(value, "text", 'write `description="..."`')
    return value


def _version(value: Any) -> str:
    if isinstance(value, bool) or not isinstance(value, str | int):
        # 1.10 would be 1.1.
        raise _wrong(value, "text or a whole number", f'write `version="{value}"`')
    return str(value)


def _retries(value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or value < 0:
        raise _wrong(value, "a whole number, 0 or more", "write `retries=2`")
    return value


def _severity(value: Any) -> str:
    hint = 'write `severity="warn"`, or leave it out'
    if value not in ("error", "warn"):
        raise _wrong(value, '"error" or "warn"', hint)
    return str(value)


def _texts(option: str, what: str, example: str) -> Rule:
    def rule(value: Any) -> tuple[str, ...]:
        hint = f"write `{option}=[{example!r}]`"
        if isinstance(value, str | bytes | os.PathLike | Mapping):
            raise _wrong(value, f"a list of {what}", hint)
        if not isinstance(value, Iterable):
            raise _wrong(value, f"a list of {what}", hint)
        items = tuple(
            os.fspath(item) if isinstance(item, os.PathLike) else item for item in value
        )
        for item in items:
            if not isinstance(item, str) or not item.strip() or "\0" in item:
                raise OptionError(f"holds {item!r}, which is none of {what}", hint)
        return items

    return rule


def _env(value: Any) -> tuple[str, ...]:
    names: tuple[str, ...] = _texts("env", "variable names", "TZ")(value)
    for name in names:
        if "=" in name:
            raise OptionError(
                f"holds {name!r}, a variable with its value",
                f"name the variable: `env=[{name.partition('=')[0]!r}]`",
            )
        if len(words := name.split()) > 1 or words != [name]:
            raise OptionError(
                f"holds {name!r}, which is the name of no variable",
                f"write `env={words!r}`",
            )
    return names


def _packages(value: Any) -> tuple[str, ...]:
    names: tuple[str, ...]
    names = _texts("packages", "distributions", "scikit-learn")(value)
    for name in names:
        if not is_distribution(name):
            word = re.match(r"\s*([\w.-]*\w)", name, re.ASCII)
            raise OptionError(
                f"holds {name!r}, which is the name of no distribution",
                f"write `packages=[{word[1] if word else 'scikit-learn'!r}]`",
            )
    return names


def _upstream(value: Any) -> dict[str, str]:
    hint = 'write `upstream={"parameter": "asset name"}`'
    if not isinstance(value, Mapping):
        raise _wrong(value, "a mapping of parameters to names", hint)
    for parameter, name in value.items():
        if not isinstance(parameter, str) or not isinstance(name, str):
            pair = f"{parameter!r}: {name!r}"
            raise OptionError(f"holds {pair}, which is not text to text", hint)
    return dict(value)


def _columns(value: Any) -> dict[str, str | None]:
    hint = 'write `columns={"day": "date32", "high": "float64"}`'
    if hasattr(value, "validate") or _is_plain_schema(value):
        raise _wrong(value, "names with dtypes", "give a schema as `schema=`")
    if isinstance(value, str | bytes) or not isinstance(value, Collection):
        raise _wrong(value, "a list of names, or a mapping of names to dtypes", hint)
    pairs = (
        list(value.items())
        if isinstance(value, Mapping)
        else [(name, None) for name in value]
    )
    columns: dict[str, str | None] = {}
    for name, dtype in pairs:
        if not isinstance(name, str):
            raise OptionError(f"names a column {name!r}, which is not text", hint)
        if name in columns:
            raise OptionError(f"names the column `{name}` twice", "take one away")
        columns[name] = _dtype(name, dtype)
    return columns


def _dtype(name: str, value: Any) -> str | None:
    if value is None:
        return None
    # Only Assetfiles that declare dtypes pay for the table of them.
    from assetmake.frames.columns import is_dtype, known_words

    # `list[int]` is a type and an alias: its name would be "list".
    is_class = isinstance(value, type) and not hasattr(value, "__origin__")
    text = value.__name__ if is_class else str(value)
    if not is_dtype(text):
        close = did_you_mean(text.lower(), known_words())
        other = "write None for a column of any dtype"
        raise OptionError(
            f"declares column `{name}` as {text!r}, which is no dtype",
            f'write "{close}", or None for any dtype' if close else other,
        )
    return text


def _schema(value: Any) -> Any:
    if not callable(getattr(value, "validate", None)) and not _is_plain_schema(value):
        hint = (
            "give a schema of pandera, pyarrow, polars or Spark, or an object with "
            "`validate(frame)`"
        )
        if isinstance(value, Mapping):
            hint = "names with dtypes go to `columns=`"
        raise _wrong(value, "a schema", hint)
    return value


def _is_plain_schema(value: Any) -> bool:
    if type(value).__module__ == "builtins":
        return False
    from assetmake.frames.schemas import is_plain

    return is_plain(value)


def _store(value: Any) -> Any:
    hint = "give a name or URL, or a store"
    if isinstance(value, os.PathLike):
        return os.fspath(value)
    if isinstance(value, str):
        return _text(hint)(value)
    if type(value).__module__ == "builtins":
        raise _wrong(value, "a name, a URL or a store", hint)
    return value


def _path(option: str, example: str) -> Rule:
    def rule(value: Any) -> str:
        hint = f'write `{option}="{example}"`'
        if isinstance(value, os.PathLike):
            value = os.fspath(value)
        if not isinstance(value, str):
            raise _wrong(value, "a path", hint)
        if not value.strip() or "\0" in value:
            raise OptionError(f"is {value!r}, which is no path", hint)
        return value

    return rule


def _reader_options(value: Any) -> dict[str, Any]:
    hint = 'write `options={"sep": ";"}`'
    if not isinstance(value, Mapping) or not all(isinstance(k, str) for k in value):
        raise _wrong(value, "a mapping of names to values", hint)
    return dict(value)


def _wrong(value: Any, wanted: str, hint: str) -> OptionError:
    shown = repr(value)
    shown = shown if len(shown) <= 60 else shown[:57] + "..."
    return OptionError(f"takes {wanted}, not {shown}", hint)


#: What `@asset(...)` takes, with the rule that each value is put through.
ASSET_OPTIONS: Mapping[str, Rule] = {
    "name": _name,
    "upstream": _upstream,
    "columns": _columns,
    "schema": _schema,
    "format": _text('write `format="csv"`'),
    "store": _store,
    "reads": _texts("reads", "paths and globs", "config/*.json"),
    "env": _env,
    "packages": _packages,
    "version": _version,
    "group": _text('write `group="daily"`'),
    "description": _description,
    "owner": _text('write `owner="weather team"`'),
    "retries": _retries,
}

#: What `check(...)` takes beside the assets.
CHECK_OPTIONS: Mapping[str, Rule] = {
    "name": _name,
    "severity": _severity,
    "description": _description,
}

#: What `source(...)` takes.
SOURCE_OPTIONS: Mapping[str, Rule] = {
    "name": _name,
    "path": _path("path", "data/raw.csv"),
    "table": _text('write `table="schema.name"`'),
    "project": _path("project", "../ingest"),
    "format": _text('write `format="csv"`'),
    "version": _version,
    "options": _reader_options,
    "description": _description,
}
