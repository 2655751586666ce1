"""What a random project is and what is true of it, told without assetmake.

The model knows the code, the inputs and the value of every asset that was ever
built, so it can say of each row in which state it has to be and for which
reasons, which assets a build has to run, and what comes out. It imports nothing
of the package that it judges.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import NamedTuple

import random_frames
from random_frames import Columns, Declared, content_of, problems, spelled, total_of

PRIME, LOSSY = 1_000_003, 3
#: A source that changed while it was read: no content is that.
MOVED = None

HELPERS = """\
import os
from pathlib import Path

HERE = Path(__file__).parent


def combine(asset, code, values, modulus, extra=0):
    with open(HERE / "calls.log", "a") as file:
        file.write(asset + "\\n")
    flat = asset.replace("/", ".")
    order = HERE / "during" / flat
    if order.is_symlink():  # which no audit sees
        name, _, value = os.readlink(order).partition("=")
        order.unlink()
        (HERE / "in" / (name + ".txt")).write_text(value)
    if (HERE / "fail" / flat).exists():
        raise RuntimeError("told to fail")
    number = code + HELPER + extra
    for value in values:
        number = (number * 31 + int(value)) % 1_000_003
    return str(number % modulus)


def verify(asset, value, divisor):
    with open(HERE / "calls.log", "a") as file:
        file.write("?" + asset + "\\n")
    return int(value) % divisor != 0


def tweak():
    return TWEAK * 2


def note(name):
    path = HERE / "notes" / (name + ".txt")
    try:
        if name.endswith("1"):
            with open(path) as file:
                return int(file.read())
        import pyarrow  # it opens files in C++

        with pyarrow.input_stream(str(path)) as file:
            return int(file.read())
    except OSError:
        return 0


def region():
    return int(os.environ.get("RANDOM_REGION", "0"))


def release():
    # What is installed, told in a way that no audit sees.
    return int(os.readlink(HERE / "release"))


"""
FACTORIES = """

def make1(name, code, modulus, up):
    @asset(name=name, upstream=up)
    def made1(one: str) -> str:
        return combine(name, code, [one], modulus)

    return made1


def make2(name, code, modulus, up):
    @asset(name=name, upstream=up)
    def made2(one: str, two: str) -> str:
        return combine(name, code, [one, two], modulus)

    return made2

"""
#: Bodies of the factories, as their code counts.
_MADE = {
    1: "made1(one: str) -> str: combine(name, code, [one], modulus)",
    2: "made2(one: str, two: str) -> str: combine(name, code, [one, two], modulus)",
}
#: Type of a check's parameter, and its value.
_TEXT = ("str", "value")
EXTRAS = ("tweak", "note", "region", "base", "setting")
#: The distribution that "release" hangs on, which is the last of the extras.
PACKAGE = "random-release"
HOMES = ("Assetfile.py", "extra.py", "more/Assetfile.py")


class Check(NamedTuple):
    """A check of one asset: its value must not be a multiple of the divisor."""

    divisor: int
    severity: str

    def passes(self, value: str) -> bool:
        """Whether a build may publish a value."""
        if self.severity == "warn":
            return True
        value = total_of(value) or value
        return is_number(value) and int(value) % self.divisor != 0


class Read(NamedTuple):
    """By which parameter an asset reads which asset or source."""

    parameter: str
    name: str


@dataclass
class Spec:
    """An asset: its code, and what it reads.

    Attributes:
        code: A number in its code.
        reads: In the order of its parameters.
        modulus: What its value is taken modulo; a small one loses much.
        form: ``def``, ``factory`` or ``loop``; the latter two read at most
            two and have no extras.
        home: File that defines it; factories and loops stand in the first.
        extras: What else its value hangs on; see `EXTRAS`.
        setting: Default of its parameter ``k``, if `extras` has "setting".
        declares: Whether ``reads=`` names the file that "note" opens.
        group: For selection.
        comment: How many comments stand in its code.
        formatting: In how many ways its code is laid out otherwise.
        version: What ``version=`` says; 0 for nothing.
        check: Of its new tables; None for none.
        columns: Of the table that it returns; None if it returns a text.
        declared: What ``columns=`` says; None for nothing.
    """

    code: int
    reads: list[Read]
    modulus: int = PRIME
    form: str = "def"
    home: str = HOMES[0]
    extras: tuple[str, ...] = ()
    setting: int = 1
    declares: bool = True
    group: str = ""
    comment: int = 0
    formatting: int = 0
    version: int = 0
    check: Check | None = None
    columns: Columns | None = None
    declared: Declared | None = None


@dataclass(frozen=True)
class Recipe:
    """All that one build of an asset hung on, and what came out.

    Attributes:
        name: Of the asset.
        own: Name of the function, and its code as it counts.
        parts: Code of each helper and setting, by its name and whether it is
            a setting.
        inputs: (parameter, name, content) of each input.
        declared: Content of each file that ``reads=`` names, by path; None if
            it is not there.
        observed: Of each that it opened, and that was not declared or not there.
        variables: As `files`.
        packages: Version of each declared distribution.
        value: What came out.
        accepted: Whether a person said that the value is right.
        adopted: Whether a person wrote the value, too.
        check: That looked at the value, or that a person answered for.
        spec: The asset then.
        world: The constants then.
    """

    name: str
    own: tuple[str, str]
    parts: Mapping[tuple[str, bool], str]
    inputs: tuple[tuple[str, str, str | None], ...]
    declared: Mapping[str, str | None]
    observed: Mapping[str, str | None]
    variables: Mapping[str, str | None]
    packages: Mapping[str, str | None]
    value: str
    accepted: bool = False
    adopted: bool = field(default=False, compare=False)
    check: Check | None = None
    spec: Spec | None = field(default=None, compare=False)
    constants: Mapping[str, int] = field(default_factory=dict, compare=False)

    @property
    def tried(self) -> tuple:
        """What a failure is remembered under."""
        return (
            self.own[1],
            tuple(sorted(self.parts.items())),
            self.inputs,
            tuple(sorted(self.declared.items())),
            tuple(sorted(self.variables.items())),
            tuple(sorted(self.packages.items())),
            self.check,
        )


@dataclass(frozen=True)
class Table:
    """What lies in an asset's place.

    Attributes:
        condition: ``absent``, ``unmanaged``, ``unreadable`` (its manifest),
            ``lost``, ``modified`` or ``intact``.
        recipe: Of the manifest; None if there is none or it tells nothing.
        is_foreign: Whether the manifest can be read and nobody wrote it so.
    """

    condition: str
    recipe: Recipe | None = None
    is_foreign: bool = False

    @property
    def is_adopted(self) -> bool:
        """Whether a person wrote what is intact."""
        return (
            self.condition == "intact"
            and self.recipe is not None
            and self.recipe.adopted
        )


ABSENT = Table("absent")
_WHY_NOT_STORED = {
    "absent": "never-built",
    "unmanaged": "manifest-missing",
    "unreadable": "manifest-unreadable",
    "lost": "data-missing",
    "modified": "data-modified",
}
_STATE = {
    "never-built": "missing",
    "manifest-missing": "missing",
    "data-missing": "missing",
    "data-modified": "modified",
    "columns-differ": "drifted",
}
_PRECEDENCE = ("missing", "modified", "drifted", "outdated")


class Row(NamedTuple):
    """What a status has to say of an asset; `reasons` are (code, subject)."""

    state: str
    reasons: frozenset[tuple[str, str]]
    content: str | None

    @property
    def is_stale(self) -> bool:
        """Whether a build has to look at it."""
        return self.state != "fresh"

    @property
    def is_certain(self) -> bool:
        """Whether a build runs it whatever comes out above."""
        return any(code != "upstream-outdated" for code, _ in self.reasons)


class Failure(NamedTuple):
    """With what an asset was tried that failed; whether just its check ran."""

    tried: tuple
    checks_only: bool


class Simulated(NamedTuple):
    """What a build has to do.

    Attributes:
        kinds: Outcome of each step, in order.
        ran: Recipe of each asset that is stored, or whose check is.
        failed: How each asset that fails was tried.
        calls: What runs: assets, and checks with ``?`` before their asset.
    """

    kinds: dict[str, str]
    ran: dict[str, Recipe]
    failed: dict[str, Failure]
    calls: list[str]


class Model:
    """A project: all that its assets hang on, and the code that says so."""

    def __init__(self) -> None:
        self.sources: dict[str, str | None] = {}
        self.specs: dict[str, Spec] = {}
        self.constants = {"HELPER": 0, "TWEAK": 1, "BASE": 2}
        #: BASE in the module of the same name that comes first, if there is one.
        self.shadow: int | None = None
        self.notes: dict[str, str] = {}
        self.region: str | None = None
        self.failures: dict[str, Failure] = {}
        self.helper_comment = 0
        self.has_more = False
        self.has_tables = False
        #: Version of the distribution that is installed; None for not there.
        self.release: str | None = None

    def tables(self) -> set[str]:
        """Return the assets that return tables."""
        return {name for name, spec in self.specs.items() if spec.columns}

    # Code ----------------------------------------------------------------------

    def helpers(self) -> str:
        """Return the text of ``helpers.py``."""
        constants = [f"{name} = {self.constants[name]}" for name in ("HELPER", "TWEAK")]
        text = HELPERS + "\n".join(constants) + "\n"
        if self.helper_comment:
            comment = f'    """Said in {self.helper_comment} words."""\n\n    # so\n'
            text = text.replace("def combine(", "# moved down\n\n\ndef combine(")
            text = text.replace("extra=0):\n", f"extra=0):\n{comment}")
        if self.has_tables:
            text = "import pandas as pd\n" + text + random_frames.HELPERS
        return text

    def assetfiles(self) -> dict[str, str]:
        """Return the text of each file that defines assets."""
        first = ['include("more/Assetfile.py")'] if self.has_more else []
        first += ["import extra"] if self.of("extra.py") else []
        texts = {}
        for home in HOMES if self.has_more else HOMES[:2]:
            head = ["from assetmake import asset, check, include, source"]
            names = "combine, note, region, release, tweak, verify"
            if self.has_tables:
                head.append("import pandas as pd")
                names += ", table, total"
            head.append(f"from helpers import {names}")
            if home == HOMES[0]:
                head += first
            if self.has_more:
                head.append("from tuned import BASE")
            if home == HOMES[0]:
                head += [
                    f'{name} = source("{name}", path="in/{name}.txt")'
                    for name in self.sources
                ]
                head.append(FACTORIES)
            lines = [*head, *self._definitions(home)]
            if home == HOMES[0]:
                lines += self._checks()
            texts[home] = "\n".join(lines) + "\n"
        return texts

    def of(self, home: str) -> list[str]:
        """Return the assets that a file defines."""
        return [name for name, spec in self.specs.items() if spec.home == home]

    def _definitions(self, home: str) -> Iterable[str]:
        loop = []
        for name in self.of(home):
            spec = self.specs[name]
            if spec.form == "def":
                yield from self._def(name, spec)
                continue
            given = f"{name!r}, {spec.code}, {spec.modulus}, {_made_upstream(spec)}"
            if spec.form == "factory":
                yield from ["# a comment"] * spec.comment
                yield f"make{len(spec.reads)}({given})"
            else:
                loop.append(f"    (make{len(spec.reads)}, {given}),")
        if loop:
            yield "for make, name, code, modulus, up in ["
            yield from loop
            yield "]:\n    make(name, code, modulus, up)"

    def _checks(self) -> Iterable[str]:
        for name, spec in self.specs.items():
            if spec.check is None:
                continue
            yield f"@check({name!r}, severity={spec.check.severity!r})"
            type_, value = ("pd.DataFrame", "total(value)") if spec.columns else _TEXT
            yield f"def {check_name(name)}(value: {type_}) -> bool:"
            yield f"    return verify({name!r}, {value}, {spec.check.divisor})"

    def _def(self, name: str, spec: Spec) -> Iterable[str]:
        options = []
        if name != _function(name):
            options.append(f"name={name!r}")
        options += _counted(spec)
        if "note" in spec.extras and spec.declares:
            options.append(f"reads=['{self.note_path(name)}']")
        if "region" in spec.extras:
            options.append("env=['RANDOM_REGION']")
        if "release" in spec.extras:
            options.append(f"packages=[{PACKAGE!r}]")
        if spec.group:
            options.append(f"group={spec.group!r}")
        yield f"@asset({', '.join(options)})" if options else "@asset"
        tables = self.tables()
        types = {read: "pd.DataFrame" for read in spec.reads if read.name in tables}
        parameters = [f"{r.parameter}: {types.get(r, 'str')}" for r in spec.reads]
        if "setting" in spec.extras:
            parameters.append(f"k: int = {spec.setting}")
        comma = ", " if spec.formatting % 2 else ",\n        "
        returned = "pd.DataFrame" if spec.columns else "str"
        yield f"def {_function(name)}({comma.join(parameters)}) -> {returned}:"
        if spec.comment:
            yield f'    """A docstring of {spec.comment}."""'
        yield from ["    # a comment"] * spec.comment
        body = _body(name, spec, tables)
        yield f"    return {body}" if spec.formatting < 2 else f"    return (\n{body})"

    def note_path(self, name: str) -> str:
        """Return the path of the file that an asset opens."""
        return f"notes/{_note(name)}.txt"

    def base(self) -> int:
        """Return BASE of the module that an import finds."""
        return self.constants["BASE"] if self.shadow is None else self.shadow

    # What an asset hangs on now --------------------------------------------------

    def recipe(
        self, name: str, content: Mapping[str, str | None], *, value: str = ""
    ) -> Recipe:
        """Return what a build of an asset would hang on now.

        Args:
            name: Of the asset.
            content: Of each asset and source that it reads.
            value: What came out.
        """
        spec = self.specs[name]
        own, parts = self._code(name, spec)
        declared: dict[str, str | None] = {}
        observed: dict[str, str | None] = {}
        variables: dict[str, str | None] = {}
        packages: dict[str, str | None] = {}
        for extra in spec.extras:
            match extra:
                case "tweak":
                    parts["tweak", False] = ""
                    parts["TWEAK", False] = str(self.constants["TWEAK"])
                case "base":
                    parts["BASE", False] = str(self.base())
                case "setting":
                    parts["k", True] = str(spec.setting)
                case "region":
                    parts["region", False] = ""
                    variables["RANDOM_REGION"] = self.region
                case "release":
                    parts["release", False] = ""
                    packages[PACKAGE] = self.release
                case "note":
                    parts["note", False] = ""
                    path = self.note_path(name)
                    text = self.notes.get(path)
                    if spec.declares:
                        declared[path] = text
                    if text is None or not spec.declares:
                        observed[path] = text
        return Recipe(
            name,
            own,
            parts,
            tuple((*read, content[read.name]) for read in spec.reads),
            declared,
            observed,
            variables,
            packages,
            value,
            check=spec.check,
            spec=replace(spec, reads=[*spec.reads]),
            constants=dict(self.constants, BASE=self.base()),
        )

    def _code(
        self, name: str, spec: Spec
    ) -> tuple[tuple[str, str], dict[tuple[str, bool], str]]:
        """Return `own` and `parts` of a recipe, without those of extras."""
        parts = {
            ("combine", False): "",
            ("HERE", False): "",
            ("HELPER", False): str(self.constants["HELPER"]),
        }
        if spec.form == "def":
            tables = self.tables()
            own = (_function(name), _own(name, spec, tables))
            if spec.columns:
                parts["table", False] = ""
            if tables.intersection(read.name for read in spec.reads):
                parts["total", False] = ""
        else:
            own = (f"make{len(spec.reads)}", _MADE[len(spec.reads)])
            parts["name", False] = repr(name)
            parts["code", False] = str(spec.code)
            parts["modulus", False] = str(spec.modulus)
        return own, parts

    def compute(self, name: str, content: Mapping[str, str | None]) -> str:
        """Return what an asset gives for what its inputs hold.

        Nothing if one of them is no number, which people wrote there and
        accepted: then it fails.
        """
        spec = self.specs[name]
        number = spec.code + self.constants["HELPER"]
        number += sum(self._extra(name, extra) for extra in spec.extras)
        for read in spec.reads:
            held = content[read.name]
            if held is not None and read.name in self.tables():
                held = total_of(held)
            if held is not None and not is_number(held):
                return ""
            number = (number * 31 + int(held or "0")) % PRIME
        text = str(number % spec.modulus)
        return content_of(spec.columns, text) if spec.columns else text

    def _extra(self, name: str, extra: str) -> int:
        """Return what one of its extras adds to an asset's value."""
        match extra:
            case "tweak":
                return self.constants["TWEAK"] * 2
            case "base":
                return self.base()
            case "setting":
                return self.specs[name].setting
            case "region":
                return int(self.region or "0")
            case "release":
                return int(self.release or "0")
        return int(self.notes.get(self.note_path(name), "0"))

    # What a status has to say ----------------------------------------------------

    def rows(self, tables: Mapping[str, Table]) -> dict[str, Row]:
        """Return what has to be said of each asset, for what is stored."""
        rows: dict[str, Row] = {}
        for name in self.specs:
            rows[name] = self.row(name, tables.get(name, ABSENT), rows)
        return rows

    def row(self, name: str, table: Table, rows: Mapping[str, Row]) -> Row:
        """Return what has to be said of one asset; see `rows`."""
        found: list[tuple[str, str]] = []
        if table.condition in _WHY_NOT_STORED:
            found.append((_WHY_NOT_STORED[table.condition], ""))
        content = self.contents(rows)
        now = self.recipe(name, content)
        is_open = any(item[2] is None for item in now.inputs)
        failure = self.failures.get(name)
        if not is_open and failure is not None and failure.tried == now.tried:
            found.append(("last-build-failed", ""))
        found += [
            ("source-missing", read.name)
            for read in self.specs[name].reads
            if self.sources.get(read.name, "") is None
        ]
        if table.recipe is not None:
            drift = problems(self.specs[name].declared, table.recipe.value)
            found += (("columns-differ", text) for text in drift)
            found += _why_code(table.recipe, now)
            found += self._why_inputs(table.recipe, now, rows)
            found += self._why_surroundings(table.recipe, now)
            if now.check not in (None, table.recipe.check):
                found.append(("check-changed", check_name(name)))
        states = {_STATE.get(code, "outdated") for code, _ in found}
        state = next((s for s in _PRECEDENCE if s in states), "fresh")
        value = table.recipe.value if table.recipe and not found else None
        return Row(state, frozenset(found), value)

    def contents(self, rows: Mapping[str, Row]) -> dict[str, str | None]:
        """Return what each source and each fresh asset holds."""
        return {**self.sources, **{name: row.content for name, row in rows.items()}}

    def _why_inputs(
        self, before: Recipe, now: Recipe, rows: Mapping[str, Row]
    ) -> Iterable[tuple[str, str]]:
        old = [item[:2] for item in before.inputs]
        new = [item[:2] for item in now.inputs]
        yield from (("input-added", read[1]) for read in new if read not in old)
        yield from (("input-removed", read[1]) for read in old if read not in new)
        if old != new and set(old) == set(new):
            yield ("input-reordered", "")
        for name in dict.fromkeys(item[1] for item in now.inputs):
            recorded = {item[2] for item in before.inputs if item[1] == name}
            if name in self.sources:
                content = self.sources[name]
                if content is not None and recorded and recorded != {content}:
                    yield ("source-changed", name)
            elif rows[name].is_stale:
                yield ("upstream-outdated", name)
            elif recorded - {rows[name].content}:
                yield ("upstream-changed", name)

    def _why_surroundings(
        self, before: Recipe, now: Recipe
    ) -> Iterable[tuple[str, str]]:
        for path in before.declared.keys() | now.declared.keys():
            if before.declared.get(path) != now.declared.get(path):
                yield ("file-read-changed", path)
        for path, text in before.observed.items():
            if text != self.notes.get(path):
                yield ("file-read-changed", path)
        for name in before.variables.keys() | now.variables.keys():
            if before.variables.get(name) != now.variables.get(name):
                yield ("variable-changed", name)
        for name in before.packages.keys() | now.packages.keys():
            if before.packages.get(name) != now.packages.get(name):
                yield ("package-changed", name)

    # What a build has to do ------------------------------------------------------

    def simulate(
        self,
        tables: Mapping[str, Table],
        names: Collection[str],
        fails: Callable[[str], bool],
        *,
        forced: Collection[str] = (),
        keep_going: bool = True,
        order: Collection[str] = (),
        moves: Mapping[str, Mapping[str, str]] | None = None,
        guilty: str = "",
    ) -> Simulated:
        """Tell what a build of `names` has to do, one asset after the other.

        Args:
            tables: What is stored.
            names: Assets that are asked for; what they need is built, too.
            fails: Whether an asset fails if it runs.
            forced: Assets that run although they are fresh.
            keep_going: Whether a failure does not end it.
            order: In which the steps are taken; that of definition if empty.
            moves: Sources that change while an asset runs, and to what.
            guilty: The asset that kills its worker, before it does anything.
        """
        done, sources = dict(tables), dict(self.sources)
        failures = self.failures
        self.failures = dict(failures)
        rows = self.rows(done)
        found = Simulated({}, {}, {}, [])
        blocked: set[str] = set()
        for name in order or self.planned(rows, names, forced):
            if blocked.intersection(read.name for read in self.specs[name].reads):
                blocked.add(name)
                found.kinds[name] = "skipped"
                continue
            table = done.get(name, ABSENT)
            rows[name] = self.row(name, table, rows)
            if not rows[name].is_stale and name not in forced:
                found.kinds[name] = "fresh"
                continue
            for read in self.specs[name].reads:
                if read.name in sources:  # looked at again before it is read
                    self.sources[read.name] = sources[read.name]
            content = self.contents(rows)
            # What is above may be stale again, and is read as it is stored.
            stored = {n: t.recipe.value for n, t in done.items() if t.recipe}
            value = self.compute(name, {**content, **stored})
            recipe = self.recipe(name, content, value=value)
            checks_only = name not in forced and self.is_just_check(rows[name], name)
            loads = self.can_load(name, {**content, **stored})
            moved = (moves or {}).get(name, {}) if loads and not checks_only else {}
            sources |= moved
            if checks_only and table.recipe is not None:
                recipe = replace(table.recipe, check=recipe.check, spec=recipe.spec)
            elif name != guilty and loads:
                found.calls.append(name)
            if name == guilty or not self.succeeds(
                found, recipe, name, fails, checks_only=checks_only
            ):
                blocked.add(name)
                found.kinds[name] = "failed"
                found.failed[name] = Failure(
                    self.recipe(name, content).tried, checks_only
                )
                if not keep_going:
                    break
                continue
            inputs = tuple(
                (parameter, read, MOVED if moved.get(read, was) != was else was)
                for parameter, read, was in recipe.inputs
            )
            found.ran[name] = replace(recipe, inputs=inputs)
            found.kinds[name] = "checked" if checks_only else "built"
            done[name] = Table("intact", found.ran[name])
            self.failures.pop(name, None)
            rows[name] = self.row(name, done[name], rows)
        self.sources, self.failures = sources, failures
        return found

    def can_load(self, name: str, content: Mapping[str, str | None]) -> bool:
        """Whether what an asset reads can be loaded; else it is not even called.

        People put tables in the place of texts, accept them, and the other way.
        """
        return not any(
            held.startswith("|") != (read.name in self.tables()) or "\ufffd" in held
            for read in self.specs[name].reads
            if (held := content[read.name]) is not None
        )

    def is_just_check(self, row: Row, name: str) -> bool:
        """Whether just the check of an asset has to run, on what is stored."""
        codes = {code for code, _ in row.reasons}
        failure = self.failures.get(name)
        again = failure is not None and failure.checks_only
        just = codes <= {"check-changed", "last-build-failed"}
        return codes == {"check-changed"} or (again and just)

    def succeeds(
        self,
        found: Simulated,
        recipe: Recipe,
        name: str,
        fails: Callable[[str], bool],
        *,
        checks_only: bool,
    ) -> bool:
        """Return whether an asset and its check succeed; note the check's call."""
        if not checks_only and (not recipe.value or fails(name)):
            return False
        if not checks_only and problems(self.specs[name].declared, recipe.value):
            return False
        if recipe.check is None:
            return True
        found.calls.append(f"?{name}")
        return recipe.check.passes(recipe.value)

    def planned(
        self, rows: Mapping[str, Row], names: Collection[str], forced: Collection[str]
    ) -> list[str]:
        """Return the assets that a build looks at, upstream first."""
        needed = self.needed(names)
        following: set[str] = set(forced)
        for name, spec in self.specs.items():
            if following.intersection(read.name for read in spec.reads):
                following.add(name)
        return [
            name
            for name in self.specs
            if name in needed and (rows[name].is_stale or name in following)
        ]

    def needed(self, names: Collection[str]) -> set[str]:
        """Return assets with all that they read."""
        todo, found = list(names), set()
        while todo:
            name = todo.pop()
            if name in self.specs and name not in found:
                found.add(name)
                todo += [read.name for read in self.specs[name].reads]
        return found

    def readers(self, names: Collection[str]) -> set[str]:
        """Return the assets that read one of some names."""
        return {
            name
            for name, spec in self.specs.items()
            if any(read.name in names for read in spec.reads)
        }


def is_number(text: str) -> bool:
    """Whether a value can be read."""
    try:
        int(text)
    except ValueError:
        return False
    return True


def check_name(name: str) -> str:
    """Return what the check of an asset is called."""
    return f"check_{_function(name)}"


def _function(name: str) -> str:
    return name.replace("/", "_")


def _note(name: str) -> str:
    # Assets share files.
    return f"n{int(name[-1]) % 2}"


def _made_upstream(spec: Spec) -> str:
    names = dict(zip(("one", "two"), (read.name for read in spec.reads), strict=False))
    return repr(names)


def _counted(spec: Spec) -> list[str]:
    """Return the options of an asset that are part of its code."""
    renamed = {r.parameter: r.name for r in spec.reads if r.parameter != r.name}
    options = [f"upstream={renamed!r}"] if renamed else []
    if spec.declared is not None:
        options.append(f"columns={spelled(spec.declared)!r}")
    return [*options, f"version={spec.version}"] if spec.version else options


def _body(name: str, spec: Spec, tables: Collection[str]) -> str:
    words = {
        "tweak": "tweak()",
        "note": f"note({_note(name)!r})",
        "region": "region()",
        "release": "release()",
        "base": "BASE",
        "setting": "k",
    }
    extra = " + ".join(words[word] for word in spec.extras)
    values = ", ".join(
        f"total({read.parameter})" if read.name in tables else read.parameter
        for read in spec.reads
    )
    last = f", {extra}" if extra else ""
    text = f"combine({name!r}, {spec.code}, [{values}], {spec.modulus}{last})"
    return f"table({spelled(spec.columns)!r}, {text})" if spec.columns else text


def _own(name: str, spec: Spec, tables: Collection[str]) -> str:
    parameters = [read.parameter for read in spec.reads]
    if "setting" in spec.extras:
        parameters.append("k=")
    return f"{_counted(spec)} {parameters} {_body(name, spec, tables)}"


def _why_code(before: Recipe, now: Recipe) -> Iterable[tuple[str, str]]:
    if before.own[1] != now.own[1]:
        yield ("code-changed", now.own[0])
    for key in before.parts.keys() | now.parts.keys():
        if before.parts.get(key) != now.parts.get(key):
            name, is_setting = key
            yield ("setting-changed" if is_setting else "helper-changed", name)
