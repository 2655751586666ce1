"""Look at what assets depend on beside code and tables: the effects of a status.

Sources, files, environment variables and installed packages are turned into
fingerprints here; what they mean for an asset is decided in `status`.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from assetmake.assets import Source
from assetmake.code.parts import Place
from assetmake.config import load_config
from assetmake.errors import SourceError, did_you_mean
from assetmake.fingerprint import Encodable, digest
from assetmake.frames.base import Stored
from assetmake.names import alike
from assetmake.saved.fileindex import FileIndex
from assetmake.saved.surroundings import salted
from assetmake.status.rows import CHANGED_BY_HAND, Condition, Record, SourceData
from assetmake.stores.local import LocalStore
from assetmake.stores.manifest import FILE_NAME as MANIFEST
from assetmake.stores.manifest import Manifest
from assetmake.system.globs import find, is_glob

_FORMAT_OF = {
    ".csv": "csv",
    ".parquet": "parquet",
    ".pq": "parquet",
    ".json": "json",
    ".jsonl": "json",
    ".ndjson": "json",
    ".txt": "text",
    ".md": "text",
    ".sql": "text",
    ".html": "text",
}


class Observer:
    """Fingerprints of what lies around a project; each thing is looked at once."""

    def __init__(self, project: Path, index: FileIndex) -> None:
        self._project = project
        self._index = index
        self._files: dict[str, str | None] = {}

    def source(self, source: Source, place: Place) -> SourceData:
        """Return a source with its fingerprint, or with why it has none."""
        try:
            fingerprint = self._source_fingerprint(source)
        except SourceError as error:
            return SourceData(
                source.name, place, None, str(error), description=source.description
            )
        return SourceData(
            source.name,
            place,
            fingerprint,
            description=source.description,
            read_as=read_as(source),
        )

    def _source_fingerprint(self, source: Source) -> str:
        if source.project is not None:
            _, manifest = neighbour(source, self._project)
            return manifest.output.fingerprint
        files = _found_files(source, self._project)
        # The name of a single file says nothing of its content; those of
        # several give the order of the rows.
        names = _relative(files, source, self._project) if len(files) > 1 else [""]
        try:
            digests = self._index.digests(files)
        except OSError as error:
            msg = f"{os.path.basename(error.filename)} cannot be read: {error.strerror}"
            raise SourceError(msg) from error
        parts: list[Encodable] = list(zip(names, digests, strict=True))
        meaning = (_format(source, files[0]), _options(source.options))
        return "bytes-1:" + digest(source.version, meaning, tuple(parts))

    def file(self, path: str) -> str | None:
        """Return the fingerprint of one file of the project; None if not there."""
        if path not in self._files:
            self._files[path] = self._file_fingerprint(path)
        return self._files[path]

    def _file_fingerprint(self, path: str) -> str | None:
        absolute = self._project / path
        try:
            return "bytes-1:" + self._index.digest(absolute)
        except OSError:
            return None

    def seen(self, path: str) -> str:
        """Return the fingerprint of what a run was seen to look at.

        Args:
            path: Of a file, or of a directory with ``/`` behind it, which
                stands for the names in it; relative to the project.
        """
        if not path.endswith("/"):
            return self.file(path) or "absent:"
        try:
            names = os.listdir(self._project / path)
        except OSError:
            return "absent:"
        # Tables that builds publish come and go; what else is there counts.
        shown = sorted(
            name
            for name in names
            if not name.startswith((".", "_"))
            and not os.path.exists(self._project / path / name / MANIFEST)
        )
        return "names-1:" + digest(tuple(shown))

    def reads(self, patterns: Iterable[str]) -> dict[str, str | None]:
        """Return the fingerprint of each file that paths and globs name."""
        found: dict[str, str | None] = {}
        for pattern in patterns:
            for path in self._expand(pattern):
                found[path] = self.file(path)
        return found

    def _expand(self, pattern: str) -> list[str]:
        found = find(pattern, self._project)
        if not found.looked_at:
            return [pattern]
        prefix = str(self._project) + os.sep
        # What cannot be listed has no fingerprint, as what is not there.
        paths = (*found.files, *found.unreadable)
        return sorted(Path(path.removeprefix(prefix)).as_posix() for path in paths)


def neighbour(source: Source, project: Path) -> tuple[LocalStore, Manifest]:
    """Return the store and the manifest of another project's asset.

    Its table is read through its manifest, and only while it is what that
    project's build left; whether it is fresh there is for that project to say.

    Raises:
        SourceError: there is no such project or table, or it was changed.
        ConfigError: the other project's settings cannot be used.
    """
    other = (project / (source.project or "")).resolve()
    if not os.path.isdir(other):
        msg = f"no directory {source.project}"
        raise SourceError(msg)
    store = LocalStore((other / load_config(other).root).absolute(), other)
    record = store.record(source.name)
    place = f"{source.project}/{store.place(source.name)}"
    if record.manifest is None:
        raise SourceError(_without_manifest(source.name, place, store, record))
    if record.condition is Condition.MODIFIED:
        detail = record.detail
        is_hidden = "cannot be read" in detail
        how = detail if is_hidden else f"{CHANGED_BY_HAND}: {detail}"
        raise SourceError(f"{place}: {how}")
    if record.condition is not Condition.INTACT:
        raise SourceError(f"{place}: its data is missing")
    return store, record.manifest


def _without_manifest(name: str, place: str, store: LocalStore, record: Record) -> str:
    """Say why another project's table cannot be taken for one."""
    if record.problem:
        return f"{place}: its manifest is {record.problem}"
    if record.condition is Condition.UNMANAGED:
        return f"{place}: no build wrote it, as it has no manifest"
    close = did_you_mean(name, store.names())
    beside = f"; a similar table is stored there: '{close}'" if close else ""
    return f"{place}: never built, or no asset any more{beside}"


def unusable(name: str, problem: str) -> str:
    """Say that a source cannot be used, and why."""
    is_there = any(word in problem for word in _THERE)
    return f"source `{name}` {'is not read' if is_there else 'has no data'}: {problem}"


#: What is said of data that is there, and cannot be taken for a source.
_THERE = (CHANGED_BY_HAND, "cannot be read", "its manifest is", "it has no manifest")


def source_files(source: Source, project: Path) -> tuple[Path, ...]:
    """Return the files of a source, in the order that their rows have.

    Raises:
        SourceError: there is none.
    """
    return tuple(map(Path, _found_files(source, project)))


def _found_files(source: Source, project: Path) -> list[str]:
    """Return the files of a source as text, which is made and sorted sooner."""
    path = source.path
    if path is None or "://" in path:
        msg = f"source `{source.name}`: this version reads local files only"
        hint = "give `path=` a file, a directory or a glob"
        raise SourceError(msg, hints=hint)
    found = find(path, project)
    for directory, why in found.unreadable.items():
        shown = os.path.relpath(directory, project)
        raise SourceError(f"{shown}/ cannot be read: {why}")
    if not found.files:
        raise SourceError(_nothing_at(path, project))
    return found.files


def _relative(files: Sequence[str], source: Source, project: Path) -> list[str]:
    """Return the names of files below the directory of a source, with ``/``."""
    base = _base(source, project)
    prefix = f"{base}{os.sep}"
    return [
        file[len(prefix) :]
        if file.startswith(prefix)  # `base` is as short as can be; a file may not be
        else Path(file).relative_to(base).as_posix()
        for file in files
    ]


def _nothing_at(path: str, project: Path) -> str:
    absolute = project / path
    if is_glob(path, project):
        return f"no file matches {path}"
    if os.path.isdir(absolute):
        return f"no file in {path.rstrip('/')}/"
    try:
        os.stat(absolute)
    except PermissionError as error:
        return f"{path} cannot be read: {error.strerror}"
    except OSError:
        if os.path.islink(absolute):
            return f"{path} is a link to what is not there"
        twin = _twin(absolute)
        return f"no file {path}" + (f", but {twin!a}" if twin else "")
    return f"{path} is neither a file nor a directory"


def _twin(path: Path) -> str | None:
    """Return the name beside a path that differs in case or accents only.

    macOS takes both for one, and writes accents as characters of their own.
    """
    try:
        names = os.listdir(path.parent)
    except OSError:
        return None
    return next((name for name in names if alike(name, path.name)), None)


def source_stored(source: Source, project: Path) -> Stored:
    """Return what a handler needs to load a source.

    Raises:
        SourceError: it is not there.
    """
    if source.project is not None:
        store, manifest = neighbour(source, project)
        return store.stored(manifest)
    files = source_files(source, project)
    return Stored(
        source.name,
        _base(source, project),
        files,
        source_format(source, files),
        extra=dict(source.options),
        is_source=True,
    )


def source_format(source: Source, files: tuple[Path, ...]) -> str:
    """Return the format that a source declares, or that its name tells."""
    return _format(source, str(files[0]))


def _format(source: Source, file: str) -> str:
    if source.format:
        return source.format
    return _FORMAT_OF.get(Path(file).suffix.lower(), "file")


def _base(source: Source, project: Path) -> Path:
    """Return the directory that names of a source's files are relative to."""
    path = source.path or ""
    absolute = project / path
    if os.path.isdir(absolute):
        return absolute
    if not is_glob(path, project):
        return absolute.parent
    fixed = Path(path)
    while is_glob(str(fixed), project):
        fixed = fixed.parent
    return project / fixed


def read_as(source: Source) -> dict[str, str]:
    """Return a hash of all that a source says of how it is read.

    Options may hold a password.
    """
    said = {f"options.{key}": repr(value) for key, value in source.options.items()}
    said |= {"format": source.format} if source.format else {}
    said |= {"version": source.version} if source.version else {}
    return {key: salted(key, said[key]) for key in sorted(said)}


def _options(options: Mapping[str, object]) -> Encodable:
    return tuple((key, repr(options[key])) for key in sorted(options))
