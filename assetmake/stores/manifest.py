"""The record beside a stored asset: what it was built from and what came out.

Pure: a `Manifest` and its JSON, nothing else. Paths in it are relative to the
project (sources' code, files read) or to the table's directory (its parts);
it holds no host name, no value of an environment variable and no live object.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from assetmake.code.parts import Part, Place
from assetmake.fingerprint import digest_bytes
from assetmake.frames.base import Column, FileRecord
from assetmake.stores.fields import MOST, ManifestError, Reader, is_plain

#: Version of the JSON; a higher one is not read, see `ManifestError`.
FORMAT = 1
#: Of the fingerprint that a manifest has of itself, see `_is_as_written`.
SCHEME = "manifest-1"
#: Its name in the table's directory; readers of tables skip what begins with _.
FILE_NAME = "_manifest.json"
#: Types within types of a column at most.
_DEEPEST = 64


@dataclass(frozen=True, slots=True)
class InputRecord:
    """An upstream as it was read: by which parameter, and which data.

    `read_as` has a hash of each option of a source, and of its format and version
    where it declares one: what the fingerprint covers beside the files.
    """

    parameter: str
    name: str
    fingerprint: str
    read_as: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class CheckRecord:
    """What a check said of the table; the rows it found are not kept.

    Attributes:
        name: The check's.
        place: Of its function, when it ran.
        severity: ``error`` or ``warn``.
        passed: None if it did not run, because `--accept` recorded it.
        fingerprint: Of its code.
        failing: Number of rows that are wrong; None where it is not known.
        message: What it said, in one line; empty if it passed.
        parts: Of its code, its own function first.
        observed: Fingerprint of each project file that it was seen to open.
    """

    name: str
    place: Place
    severity: str
    passed: bool | None
    fingerprint: str
    failing: int | None = None
    message: str = ""
    parts: tuple[Part, ...] = ()
    observed: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Output:
    """What came out.

    Attributes:
        type: The handler's name, such as ``pandas.DataFrame``.
        format: In which format it is kept.
        asked: The format that the asset's ``format=`` named; empty for none.
        fingerprint: Of the content, with its scheme.
        files: By name in the table's directory, in the order of their rows.
        rows: None for what is no table.
        columns: None for what is no table.
        extra: What readers need beside that; see `frames.base.Written`.
    """

    type: str
    format: str
    asked: str
    fingerprint: str
    files: Mapping[str, FileRecord]
    rows: int | None = None
    columns: tuple[Column, ...] | None = None
    extra: Mapping[str, Any] = field(default_factory=dict)

    @property
    def bytes(self) -> int:
        """Size of all files together, in bytes."""
        return sum(record.bytes for record in self.files.values())


@dataclass(frozen=True, slots=True)
class Manifest:
    """What one build of one asset recorded.

    Attributes:
        name: The asset's.
        code: Fingerprint of its code.
        parts: Of the code, the asset's own first.
        code_files: Digest of the bytes of each source file that was reached.
        inputs: In the order of the parameters.
        reads: Fingerprint of each file that ``reads=`` named, by path.
        observed: Fingerprint of each project file that the run was seen to
            open, by path; counts like ``reads``.
        variables: Fingerprint of each variable that ``env=`` named.
        packages: Version of each distribution that ``packages=`` named.
        output: What came out.
        built_at: ISO 8601, in UTC.
        seconds: Wall time of the asset's function, loads and saves included.
        peak_memory: Of the process, in bytes; None where it is not known.
        why: Codes of the reasons for which it was built.
        versions: Of Python, assetmake and the packages that the code uses.
        accepted: Whether `--accept` recorded it, not a build.
        adopted: Whether nothing proves that a build wrote the data: somebody put it
            there, or changed it, and `--accept` took it.
        checks: What each check said of the table that is stored.
        project: Name of the project whose asset it is; empty if that has none.
        assetfile: File name of the Assetfile that was loaded for it; empty if that is
            not known.
    """

    name: str
    code: str
    parts: Sequence[Part]
    code_files: Mapping[str, str]
    inputs: tuple[InputRecord, ...]
    reads: Mapping[str, str]
    observed: Mapping[str, str]
    variables: Mapping[str, str]
    packages: Mapping[str, str]
    output: Output
    built_at: str
    seconds: float
    peak_memory: int | None = None
    why: tuple[str, ...] = ()
    versions: Mapping[str, str] = field(default_factory=dict)
    accepted: bool = False
    adopted: bool = False
    checks: tuple[CheckRecord, ...] = ()
    project: str = ""
    assetfile: str = ""


def present(found: Mapping[str, str | None]) -> dict[str, str]:
    """Return what is there, of all that was looked for; no manifest names the rest."""
    return {key: value for key, value in found.items() if value is not None}


def dump_manifest(manifest: Manifest) -> bytes:
    """Return the JSON of a manifest: sorted, indented, with a last newline.

    Among its fields is a fingerprint of all the others, so that a flipped bit or
    a line of another manifest is seen where nothing else would tell.
    """
    output = manifest.output
    data: dict[str, Any] = {
        "format": FORMAT,
        "asset": manifest.name,
        "assetfile": manifest.assetfile,
        "built": {
            "accepted": manifest.accepted,
            "adopted": manifest.adopted,
            "at": manifest.built_at,
            "peak_memory": manifest.peak_memory,
            "seconds": manifest.seconds,
            "versions": dict(manifest.versions),
            "why": list(manifest.why),
        },
        "checks": [_check_to_json(record) for record in manifest.checks],
        "code": {
            "files": dict(manifest.code_files),
            "fingerprint": manifest.code,
            "parts": [_part_to_json(part) for part in manifest.parts],
        },
        "inputs": [
            {
                "fingerprint": record.fingerprint,
                "name": record.name,
                "parameter": record.parameter,
                "read_as": dict(record.read_as),
            }
            for record in manifest.inputs
        ],
        "observed": dict(manifest.observed),
        "output": {
            "asked": output.asked,
            "bytes": output.bytes,
            "columns": None
            if output.columns is None
            else [[column.name, column.dtype] for column in output.columns],
            "extra": dict(output.extra),
            "files": [
                [name, record.bytes, record.digest]
                for name, record in output.files.items()
            ],
            "fingerprint": output.fingerprint,
            "format": output.format,
            "rows": output.rows,
            "type": output.type,
        },
        "packages": dict(manifest.packages),
        "project": manifest.project,
        "reads": dict(manifest.reads),
        "variables": dict(manifest.variables),
    }
    text = _encode(data)
    # No other line begins so: what is in an object in it is indented further, and
    # a newline in a string is escaped.
    head, following, tail = text.partition(b'\n "format": ')
    return head + _line(_fingerprint(text)) + following + tail


def _encode(data: Mapping[str, Any]) -> bytes:
    import json

    text = json.dumps(data, indent=1, sort_keys=True, ensure_ascii=False)
    # A lone surrogate in a literal of the user's code must not stop a build.
    return (text + "\n").encode("utf-8", "surrogatepass")


def _fingerprint(text: bytes) -> str:
    return f"{SCHEME}:{digest_bytes(text)}"


def _line(fingerprint: str) -> bytes:
    return f'\n "fingerprint": "{fingerprint}",'.encode("utf-8", "surrogatepass")


def _is_as_written(data: bytes, tree: Mapping[str, Any]) -> bool:
    """Return whether a manifest has the fingerprint that it was written with.

    It is that of its bytes without the line. Where git or a formatter laid them
    out anew, it is that of what `dump_manifest` would write.
    """
    fingerprint: str = tree["fingerprint"]
    head, _, tail = data.partition(_line(fingerprint))
    if _fingerprint(head + tail) == fingerprint:
        return True
    rest = {key: value for key, value in tree.items() if key != "fingerprint"}
    try:
        return _fingerprint(_encode(rest)) == fingerprint
    except RecursionError:  # `_encode` goes less deep than what reads it
        return False


def _check_to_json(record: CheckRecord) -> dict[str, Any]:
    return {
        "failing": record.failing,
        "fingerprint": record.fingerprint,
        "message": record.message,
        "name": record.name,
        "observed": dict(record.observed),
        "parts": [_part_to_json(part) for part in record.parts],
        "passed": record.passed,
        "place": [record.place.file, record.place.line],
        "severity": record.severity,
    }


def _part_to_json(part: Part) -> dict[str, Any]:
    return {
        "fingerprint": part.fingerprint,
        "kind": part.kind,
        "name": part.name,
        "place": [part.place.file, part.place.line],
        "source": part.source,
        "via": part.via,
    }


def parse_manifest(data: bytes) -> Manifest:
    """Return the manifest that `data` holds.

    Raises:
        ManifestError: it is no JSON, of a newer version, lacks something, or is
            not as it was written.
    """
    import json

    try:
        text = data.decode("utf-8", "surrogatepass")
        tree = json.loads(text, parse_constant=_refuse)
    except (ValueError, RecursionError) as error:
        reason = "empty" if not data.strip() else "no valid JSON"
        raise ManifestError(reason) from error
    reader = Reader(tree, "manifest")
    version = reader.get("format", int)
    if version != FORMAT:
        msg = f"of format {version}, and this assetmake reads {FORMAT}"
        raise ManifestError(msg)
    manifest = _manifest(reader)
    # Manifests of before there was one, and those made by hand, have none.
    if reader.has("fingerprint"):
        reader.get("fingerprint", str)
        if not _is_as_written(data, tree):
            msg = "not as it was written: a bit flipped, or somebody edited it"
            raise ManifestError(msg)
    return manifest


def _manifest(reader: Reader) -> Manifest:
    built, code = reader.at("built"), reader.at("code")
    return Manifest(
        name=reader.get("asset", str),
        code=code.get("fingerprint", str),
        parts=tuple(_part(part) for part in code.items("parts")),
        code_files=code.texts("files"),
        inputs=tuple(
            InputRecord(
                item.get("parameter", str),
                item.get("name", str),
                item.get("fingerprint", str),
                # Manifests of before there was such a record have none.
                item.texts("read_as") if item.has("read_as") else {},
            )
            for item in reader.items("inputs")
        ),
        reads=reader.texts("reads"),
        observed=reader.paths("observed"),
        variables=reader.texts("variables"),
        packages=reader.texts("packages"),
        output=_output(reader.at("output")),
        built_at=built.get("at", str),
        seconds=float(built.get("seconds", (int, float))),
        peak_memory=built.get("peak_memory", (int, type(None))),
        why=tuple(built.list_of("why", str)),
        versions=built.texts("versions"),
        accepted=built.get("accepted", bool),
        # Those of before do not tell whether a build wrote what was accepted.
        adopted=built.get("adopted" if built.has("adopted") else "accepted", bool),
        # Manifests of builds that knew no checks have none.
        checks=tuple(_check(item) for item in reader.items("checks"))
        if reader.has("checks")
        else (),
        # As have those of builds that knew of one project only.
        project=reader.get("project", str) if reader.has("project") else "",
        assetfile=reader.get("assetfile", str) if reader.has("assetfile") else "",
    )


def _refuse(word: str) -> None:
    """Take no NaN and no Infinity, which JSON does not have."""
    raise ValueError(word)


def _check(reader: Reader) -> CheckRecord:
    file, line = reader.pair("place")
    return CheckRecord(
        name=reader.get("name", str),
        place=Place(file, line),
        severity=reader.get("severity", str),
        passed=reader.get("passed", (bool, type(None))),
        fingerprint=reader.get("fingerprint", str),
        failing=reader.get("failing", (int, type(None))),
        message=reader.get("message", str),
        parts=tuple(_part(part) for part in reader.items("parts")),
        observed=reader.paths("observed"),
    )


def _part(reader: Reader) -> Part:
    file, line = reader.pair("place")
    return Part(
        name=reader.get("name", str),
        kind=reader.get("kind", str),
        place=Place(file, line),
        fingerprint=reader.get("fingerprint", str),
        source=reader.get("source", str),
        via=reader.get("via", str),
    )


def _output(reader: Reader) -> Output:
    files = {}
    for item in reader.list_of("files", list):
        match item:
            case [str(name), int(size), str(digest)] if (
                is_plain(name) and 0 <= size < MOST
            ):
                files[name] = FileRecord(size, digest)
            case _:
                raise ManifestError("without a usable list of files")
    columns = None
    if reader.get("columns", (list, type(None))) is not None:
        columns = tuple(_column(item) for item in reader.list_of("columns", list))
    return Output(
        type=reader.get("type", str),
        format=reader.get("format", str),
        asked=reader.get("asked", str),
        fingerprint=reader.get("fingerprint", str),
        files=files,
        rows=reader.get("rows", (int, type(None))),
        columns=columns,
        extra=reader.get("extra", dict),
    )


def _column(item: list[Any]) -> Column:
    match item:
        case [str(name), str(dtype)] if dtype.count("<") <= _DEEPEST:
            return Column(name, dtype)
    raise ManifestError("without usable columns")
