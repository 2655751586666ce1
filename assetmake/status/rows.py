"""The rows of a look, and what they are compared of: states, reasons, plain values.

What makes a row stale is decided in `compare`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, NamedTuple

from assetmake.code.parts import Change, Part, Place

if TYPE_CHECKING:
    from assetmake.frames.columns import Declared
    from assetmake.status.verdicts import CheckDefinition
    from assetmake.stores.manifest import Manifest


#: Stands in what is said of another project's table that is not as it was built.
CHANGED_BY_HAND = "changed by hand"


class State(StrEnum):
    """Where one row stands, comparing the Assetfile with the store."""

    FRESH = "fresh"  # stored, and made by today's code from today's inputs
    MISSING = "missing"  # defined, but not stored
    MODIFIED = "modified"  # the stored data is not what assetmake wrote
    DRIFTED = "drifted"  # the stored table's columns are not the declared ones
    OUTDATED = "outdated"  # stored, but a build could give something else
    SOURCE = "source"  # made elsewhere, only read
    ORPHANED = "orphaned"  # stored by assetmake, but no longer defined


class Condition(StrEnum):
    """What stands in an asset's place in the store."""

    INTACT = "intact"  # the files that the manifest names, byte for byte
    ABSENT = "absent"  # nothing
    LOST = "lost"  # a manifest, and none of its files
    MODIFIED = "modified"  # other files, or other bytes, than the manifest names
    UNMANAGED = "unmanaged"  # files without a manifest


@dataclass(frozen=True, slots=True)
class Read:
    """One upstream of an asset: by which parameter, and which name."""

    parameter: str
    name: str


@dataclass(frozen=True, slots=True)
class Definition:
    """What an asset is today, in plain values.

    Attributes:
        name: The asset's.
        place: Of its function.
        code: Fingerprint of its code.
        parts: Of the code, the asset's own first.
        inputs: What it reads, in the order of its parameters.
        reads: Fingerprint of each declared file, by path; None if not there.
        variables: Fingerprint of each declared variable; None if not set.
        packages: Version of each declared distribution; None if not there.
        format: What ``format=`` asks for; empty for the project's default.
        table_format: In which format tables are kept by default.
        project: Name of its project; empty if that has none.
        assetfile: File name of the Assetfile that was loaded.
        is_open: Whether its annotation leaves open that the result is pickled, or
            its ``format=`` says so.
        columns: Declared names, with dtypes or None; None if not declared.
        schema: Columns that a ``schema=`` declares; None if it tells none.
        group: For selection and display.
        description: For display.
        owner: For display.
        checks: Of its new table, in the order of their definition.
        loading: What loading the Assetfile looks at, as in `Manifest.observed`.
    """

    name: str
    place: Place
    code: str
    parts: tuple[Part, ...] = ()
    inputs: tuple[Read, ...] = ()
    reads: Mapping[str, str | None] = field(default_factory=dict)
    variables: Mapping[str, str | None] = field(default_factory=dict)
    packages: Mapping[str, str | None] = field(default_factory=dict)
    format: str = ""
    table_format: str = "parquet"
    project: str = ""
    assetfile: str = ""
    is_open: bool = True
    columns: Mapping[str, str | None] | None = None
    schema: Declared | None = None
    group: str = ""
    description: str = ""
    owner: str = ""
    checks: tuple[CheckDefinition, ...] = ()
    loading: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class SourceData:
    """A source today: its data's fingerprint, or why there is none.

    For `read_as` see `InputRecord`.
    """

    name: str
    place: Place
    fingerprint: str | None
    problem: str = ""
    rows: int | None = None
    description: str = ""
    read_as: Mapping[str, str] = field(default_factory=dict)


class Owner(NamedTuple):
    """Whose the tables in a store are.

    Attributes:
        project: Name of the project that looks; empty if it has none.
        is_alone: Whether the store lies in that project's directory, so that others
            hardly use it.
        assetfile: File name of the Assetfile that was loaded.
    """

    project: str = ""
    is_alone: bool = True
    assetfile: str = ""

    def problem(self, manifest: Manifest | None) -> str:
        """Return why a table may be another project's; empty if it is this one's."""
        project = manifest.project if manifest else self.project
        if project == self.project or (not project and self.is_alone):
            return ""
        return f"of the project `{project}`" if project else "of an unnamed project"

    def beside(self, manifest: Manifest | None) -> str:
        """Return which other Assetfile of this project a manifest names; or empty."""
        if manifest is None or self.problem(manifest):
            return ""
        return manifest.assetfile if manifest.assetfile != self.assetfile else ""


@dataclass(frozen=True, slots=True)
class Failure:
    """A build of an asset that failed: with which recipe, and how.

    `checks_only` says that the stored table was checked, not built anew.
    """

    recipe: str
    message: str
    checks_only: bool = False


@dataclass(frozen=True, slots=True)
class Record:
    """What the store knows of one asset.

    Attributes:
        condition: Of the data.
        manifest: None if there is none, or it cannot be read.
        problem: Why the manifest cannot be read; empty if it can.
        detail: Which file differs, for a modified table.
        observed: Today's fingerprint of each file in `manifest.observed`, and
            of those that its checks were seen to open.
        failure: Of the last build; None if it did not fail.
        place: Of the manifest, relative to the project, for orphans.
    """

    condition: Condition
    manifest: Manifest | None = None
    problem: str = ""
    detail: str = ""
    observed: Mapping[str, str | None] = field(default_factory=dict)
    failure: Failure | None = None
    place: str = ""


ABSENT = Record(Condition.ABSENT)

#: The format of any object; to load one is to execute what it says.
PICKLE = "pickle"


@dataclass(frozen=True, slots=True)
class Reason:
    """Why a row is not fresh: a stable code, and a text for people.

    Attributes:
        code: One of `REASONS`.
        text: A clause such as ``helper `clean` changed (weather.py:12)``.
        subject: The upstream, part, file, variable, package or column.
        change: Of the code, where that is the reason; it holds the diff.
    """

    code: str
    text: str
    subject: str = ""
    change: Change | None = None


#: Every reason code, in the order in which reasons are given.
REASONS = (
    "never-built",
    "data-missing",
    "manifest-missing",
    "data-modified",
    "columns-differ",
    "manifest-unreadable",
    "last-build-failed",
    "code-changed",
    "helper-changed",
    "setting-changed",
    "input-added",
    "input-removed",
    "input-reordered",
    "source-missing",
    "source-changed",
    "upstream-changed",
    "upstream-outdated",
    "file-read-changed",
    "variable-changed",
    "package-changed",
    "format-changed",
    "check-changed",
    "undefined",
    "other-project",
)

#: What a reason makes of a row; outdated, if it is not here.
STATE_OF = {
    "never-built": State.MISSING,
    "data-missing": State.MISSING,
    "manifest-missing": State.MISSING,
    "data-modified": State.MODIFIED,
    "columns-differ": State.DRIFTED,
}
#: Which state a row of several reasons has: the first of these.
PRECEDENCE = (State.MISSING, State.MODIFIED, State.DRIFTED, State.OUTDATED)


@dataclass(frozen=True, slots=True)
class Status:
    """One row: a name, its state, and the reasons for it.

    Attributes:
        name: Of an asset, a source or a stored table.
        state: Where it stands.
        place: Of its function or `source`; of its manifest, if it is orphaned.
        reasons: Why it is not fresh.
        manifest: Of its last build; None without one, and where nobody asked.
        description: For display.
        rows: Of the stored table.
        warnings: What checks found, or did not look for, in the stored table;
            they make nothing stale.
        built_at: As in the manifest; None without one.
    """

    name: str
    state: State
    place: Place | None = None
    reasons: tuple[Reason, ...] = ()
    manifest: Manifest | None = field(default=None, repr=False)  # pages of it
    description: str = ""
    rows: int | None = None
    warnings: tuple[str, ...] = ()
    built_at: str | None = None

    @property
    def clause(self) -> str:
        """The row as a check tells it, behind its place."""
        why = "; ".join(reason.text for reason in self.reasons)
        return f"{self.name}: {self.state}: {why}"

    @property
    def is_stale(self) -> bool:
        """Whether a build has to look at this asset."""
        return self.state in PRECEDENCE

    @property
    def is_removable(self) -> bool:
        """Whether it is an orphan of this project, as far as anybody can tell."""
        is_other = any(reason.code == "other-project" for reason in self.reasons)
        return self.state is State.ORPHANED and not is_other

    @property
    def is_certain(self) -> bool:
        """Whether a build runs it, whatever comes out above it."""
        return any(reason.code != "upstream-outdated" for reason in self.reasons)
