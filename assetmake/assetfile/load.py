"""Load an Assetfile: run it, and collect what it defines.

A failure becomes a LoadError that shows the user's own lines. What the assets
mean, and which of them are stale, is not looked at here.
"""

from __future__ import annotations

import contextlib
import importlib
import importlib.util
import os
import re
import sys
import threading
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from importlib.machinery import SourceFileLoader
from pathlib import Path
from types import MappingProxyType, ModuleType

from assetmake.assetfile.collisions import merged
from assetmake.assetfile.failures import load_error
from assetmake.assets import Asset, Registry, Source, collecting
from assetmake.checks import Check, refuse_unused
from assetmake.code import audit
from assetmake.code.imports import Session
from assetmake.errors import AssetmakeError

#: The module that an Assetfile becomes.
MODULE_NAME = "Assetfile"


@dataclass(frozen=True, slots=True)
class Loaded:
    """What one load of an Assetfile gave.

    Attributes:
        path: Of the Assetfile, absolute.
        root: The project's directory, absolute.
        assets: In the order of their definition.
        sources: In the order of their definition.
        session: Modules, import path and source bytes of the load.
        checks: In the order of their definition; of which assets they are is
            not looked at yet.
    """

    path: Path
    root: Path
    assets: tuple[Asset, ...]
    sources: tuple[Source, ...]
    session: Session = field(repr=False)
    checks: tuple[Check, ...] = ()

    @property
    def files(self) -> Mapping[Path, bytes]:
        """Bytes of each module file that was imported, as they were compiled.

        A live view: what a build imports later is added.
        """
        return MappingProxyType(self.session.files)

    @property
    def modules(self) -> Mapping[str, ModuleType]:
        """The project's modules, by name; the Assetfile is ``Assetfile``."""
        return MappingProxyType(self.session.modules)


def load(
    path: Path, root: Path, *, files: Mapping[Path, bytes] | None = None
) -> Loaded:
    """Run an Assetfile in a fresh module, and return what it defines.

    The module is called ``Assetfile``, whatever its file. The project's own
    modules are loaded from today's bytes, even if they were imported before;
    installed packages are not loaded again. The working directory stays as it
    is. What is printed meanwhile goes to stderr.

    Args:
        path: Of the Assetfile.
        root: The project's directory; first on the import path.
        files: Bytes of module files that were read already, by absolute path;
            they are run instead of what the files hold now.

    Raises:
        LoadError: the Assetfile, or what it imports, raised an error.
        DefinitionError: what it defines contradicts itself.
    """
    path, root = Path(os.path.abspath(path)), Path(os.path.abspath(root))
    audit.prepare()
    session = Session(root, files)
    registry = Registry(root, _Includer(session, path))
    try:
        # One at a time: a registry collects from every thread.
        with _lock, session.active(), collecting(registry):
            with contextlib.redirect_stdout(sys.stderr):
                _run(MODULE_NAME, path)
            refuse_unused(registry)
            assets, sources = merged(registry.assets, registry.sources, root)
    except AssetmakeError:
        session.discard()
        raise
    except (Exception, SystemExit) as error:
        raised = load_error(error, path, session)
        session.discard()
        raise raised from error
    except BaseException:  # KeyboardInterrupt is no fault of the Assetfile
        session.discard()
        raise
    checks = tuple(registry.checks)
    return Loaded(path, root, tuple(assets), tuple(sources), session, checks)


@contextlib.contextmanager
def importing(loaded: Loaded) -> Iterator[None]:
    """Import as during the load, while assets are built or objects unpickled.

    Modules that are imported only now come from the project, are compiled
    from bytes that `Loaded.files` then holds, and belong to the load.
    """
    with loaded.session.active():
        yield


_lock = threading.RLock()


def _run(name: str, path: Path) -> None:
    loader = SourceFileLoader(name, str(path))  # whatever the file's suffix
    spec = importlib.util.spec_from_file_location(name, path, loader=loader)
    if spec is None:
        raise AssertionError(path)
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    loader.exec_module(module)


class _Includer:
    """Loads the files that `include` names, each once."""

    def __init__(self, session: Session, first: Path) -> None:
        self._session = session
        self._seen = {os.path.realpath(first)}

    def __call__(self, path: Path) -> None:
        real = os.path.realpath(path)
        if real in self._seen:
            return
        self._seen.add(real)
        directory = str(path.parent)
        if directory not in sys.path:
            # Behind the project's own: what lies beside an Assetfile can be
            # imported there as it could be if it were loaded alone.
            sys.path.insert(1, directory)
        relative = os.path.relpath(path, self._session.bounds.root)
        name = relative.removesuffix(".py").replace(os.sep, ".")
        if _finds(name, path):
            importlib.import_module(name)
        else:
            _run(f"{MODULE_NAME}_" + re.sub(r"\W", "_", relative), path)


def _finds(name: str, path: Path) -> bool:
    """Whether an import of a module would load that file."""
    try:
        spec = importlib.util.find_spec(name)
    except (ImportError, ValueError):
        return False
    return (
        spec is not None
        and spec.origin is not None
        and os.path.isfile(spec.origin)
        and os.path.samefile(spec.origin, path)
    )
