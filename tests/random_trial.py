"""A random project on disk, what is done to it, and what has to hold after each.

Beside the real project stands a `Model` that knows every value. After each
action the rows of a status have to be the model's, reason by reason, with and
without what only saves work; a build has to run exactly what the model says.
"""

from __future__ import annotations

import importlib
import os
import shutil
import sys
import time
from collections import Counter
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

from random_disk import DISK, KILLED, WORKERS, Machine, begin_child, end_child, in_child
from random_frames import declared_of, other_columns, written
from random_model import (
    EXTRAS,
    HOMES,
    LOSSY,
    PACKAGE,
    PRIME,
    Check,
    Model,
    Read,
    Recipe,
    Row,
    Simulated,
    Spec,
    Table,
)

from assetmake.assetfile.defined import Defined
from assetmake.builds.listen import Listener, Result
from assetmake.errors import AssetmakeError
from assetmake.look.remember import Remembered, remembered
from assetmake.project import Project, _plan, open_project
from assetmake.saved.fileindex import FileIndex
from assetmake.status.rows import Reason, State, Status
from assetmake.stores.fields import ManifestError
from assetmake.stores.local import LocalStore
from assetmake.stores.manifest import Manifest, parse_manifest

MANIFEST = "_manifest.json"
#: What only saves work, relative to the store; it may be written by a look.
DISPOSABLE = (
    "snapshot",
    "snapshot-unloaded",
    "records",
    "index",
    "load",
    "code",
    "told",
)
_DISPOSABLE = tuple(f"/.assetmake/{name}" for name in DISPOSABLE)
#: How often what happened, over all trials of this process.
EVENTS: Counter[str] = Counter()


class Waits(Listener):
    """Notes that a build waited for another one."""

    def waiting(self, owner: str) -> None:
        EVENTS["build: waited for another"] += 1
        assert owner


class Asked(NamedTuple):
    """What a build is asked for.

    Attributes:
        names: Of assets.
        words: That stand for them on a command line; None for the names.
        always: Whether they run although they are fresh.
        pretend: Names taken as if their data had changed.
        keep_going: Whether a failure does not end it.
        jobs: How many at once.
        guilty: The asset that kills its worker.
    """

    names: list[str]
    words: list[str] | None = None
    always: bool = False
    pretend: tuple[str, ...] = ()
    keep_going: bool = True
    jobs: int = 1
    guilty: str = ""


class Trial:
    """One random project; `act` does one action and checks every promise."""

    def __init__(self, folder: Path, shape: int, machine: Machine) -> None:
        self.folder = folder
        self.machine = machine
        self.model = Model()
        self.model.sources = {"s0": f"{shape % 7:06d}", "s1": "000005"}
        self.model.has_more = bool(shape & 2048)
        self.has_release = bool(shape & 8192)
        self.model.has_tables = shape & 12288 == 12288
        #: Recipe, manifest and files of every table ever published, by the
        #: bytes of its manifest.
        self.made: dict[bytes, tuple[Recipe, Manifest, dict[str, bytes]]] = {}
        #: Manifests that can be read, and that nobody wrote so.
        self.garbled: set[bytes] = set()
        #: What code defines, by its bytes, of that which was loaded.
        self.loaded: dict[tuple[tuple[str, bytes], ...], Defined] = {}
        self.opened = 0
        self.looked: Counter[str] = Counter()
        #: All files as they were at the last look.
        self.shown: dict[str, tuple] = {}
        #: Manifests that were there when tables were last looked at.
        self.last: dict[str, bytes] = {}
        #: What the last build that was cut short had to do.
        self.cut: Simulated | None = None
        self.counter = 0
        for place in ("in", "fail", "during", "notes", "aside"):
            (folder / place).mkdir()
        if self.model.has_more:
            (folder / "more").mkdir()
        if self.has_release:
            self.site.mkdir()
            sys.path.append(str(self.site))
        for position in range(3 + shape % 3):
            self.add(shape // (position + 1) + position)
        self.write()

    def add(self, number: int) -> str:
        """Add an asset to the model; `number` decides what it is like."""
        model = self.model
        known = [*model.sources, *model.specs]
        names = [known[(number >> shift) % len(known)] for shift in (0, 3)]
        self.counter += 1
        forms = ["def", "def", "def", "factory", "loop"]
        homes = HOMES if model.has_more else HOMES[:2]
        form = forms[(number >> 2) % 5]
        spec = Spec(number % 9, [], LOSSY if number & 16 else PRIME, form)
        if (number >> 1) % 5 == 0:
            spec.check = Check(3 + number % 4, ("warn", "error")[(number >> 3) % 2])
        if form == "def":
            spec.home = homes[(number >> 5) % len(homes)] if number & 64 else homes[0]
            if number % 4:
                both = (self.extra(number >> 4), self.extra(number >> 1))
                spec.extras = tuple(dict.fromkeys(both[: 1 + number % 2]))
                spec.declares = (number // 7) % 3 > 0
            spec.group = ("", "g", "h")[(number >> 5) % 3]
            if model.has_tables and (number + self.counter) % 2:
                spec.columns = other_columns((("low", "int64"),), number // 7)
                spec.declared = declared_of(spec.columns, number)
        name = f"n/a{self.counter}" if number & 256 else f"a{self.counter}"
        for upstream in dict.fromkeys(names):
            self.read(spec, upstream)
        if form == "def" and number & 512:
            self.read(spec, names[0])  # one of them twice
        model.specs[name] = spec
        return name

    def extra(self, number: int) -> str:
        """Return something else that an asset's value can hang on."""
        known = (*EXTRAS, "release") if self.has_release else EXTRAS
        choice = known[number % len(known)]
        return choice if choice != "base" or self.model.has_more else "tweak"

    def read(self, spec: Spec, name: str) -> None:
        """Let an asset read one more; under its own name where that is one."""
        taken = {read.parameter for read in spec.reads}
        parameter = name
        if spec.form != "def":
            if name in self.model.tables():  # a factory's functions read texts
                name = "s0"
            parameter = ("one", "two")[len(spec.reads)]
        elif "/" in name or name in taken:
            parameter = next(
                f"x{number}" for number in range(99) if f"x{number}" not in taken
            )
        spec.reads.append(Read(parameter, name))

    # The project on disk -------------------------------------------------------

    @property
    def site(self) -> Path:
        """Where a distribution may be installed."""
        return self.folder / "site"

    @property
    def data(self) -> Path:
        """The store."""
        return self.folder / "data"

    def write(self) -> None:
        """Write code and data of the model, where they are not as they are."""
        model = self.model
        texts = {"helpers.py": model.helpers(), **model.assetfiles(), **model.notes}
        texts |= {f"in/{name}.txt": text for name, text in model.sources.items()}
        if model.has_more:
            texts["more/tuned.py"] = f"BASE = {model.constants['BASE']}\n"
            shadow = model.shadow
            texts["tuned.py"] = None if shadow is None else f"BASE = {shadow}\n"
        for path in ("notes/n0.txt", "notes/n1.txt"):
            texts.setdefault(path, None)
        for path, text in texts.items():
            file = self.folder / path
            if text is None:
                file.unlink(missing_ok=True)
            elif not file.exists() or file.read_text() != text:
                file.write_text(text)
        if self.has_release:
            self.install()
        if model.region is None:
            os.environ.pop("RANDOM_REGION", None)
        else:
            os.environ["RANDOM_REGION"] = model.region

    def install(self) -> None:
        """Install the version of the model, or none."""
        release = self.model.release
        link, info = self.folder / "release", self.site / "random_release.dist-info"
        if link.is_symlink() and os.readlink(link) == (release or "0"):
            return
        link.unlink(missing_ok=True)
        link.symlink_to(release or "0")
        for old in self.site.iterdir():
            shutil.rmtree(old)
        if release is not None:
            # Some installers name the version, and some write over what is there.
            if int(release) % 2:
                info = self.site / f"random_release-{release}.dist-info"
            info.mkdir()
            text = f"Metadata-Version: 2.1\nName: {PACKAGE}\nVersion: {release}\n"
            (info / "METADATA").write_text(text)

    def project(self) -> Project:
        """Return the project, opened as by a new command.

        Code that is byte for byte what it was when it was last loaded is mostly
        not loaded again: that costs most of a trial, and gives the same.
        """
        if self.has_release:  # a command does not know what another one found
            importlib.invalidate_caches()
        project = open_project(self.folder)
        self.opened += 1
        if self.opened % 8:
            project._looks._defined = self.loaded.get(self.code())
        return project

    def learn_code(self, project: Project, code: tuple) -> None:
        """Take what a project defines, if that was loaded, by the bytes of its code."""
        if (
            project._looks._defined is not None
            and project._looks._defined.loaded is not None
        ):
            self.loaded[code] = project._looks._defined

    def code(self) -> tuple[tuple[str, bytes], ...]:
        """Return all code of the project."""
        places = (self.folder, self.folder / "more")
        files = [file for place in places for file in sorted(place.glob("*.py"))]
        return tuple((str(file), file.read_bytes()) for file in files)

    def fails(self, name: str) -> bool:
        """Whether an asset is told to fail."""
        return (self.folder / "fail" / name.replace("/", ".")).exists()

    def files(self, name: str) -> dict[str, bytes]:
        """Return the data files in an asset's place."""
        place = self.data / name
        if not place.is_dir():
            return {}
        return {
            file.name: file.read_bytes()
            for file in sorted(place.iterdir())
            if not file.name.startswith(("_", ".")) and file.is_file()
        }

    def table(self, name: str) -> Table:
        """Return what lies in an asset's place, in the words of the model."""
        data = self.last[name] = self.manifest(name)
        files = self.files(name)
        if not (self.data / name / MANIFEST).exists():
            return Table("unmanaged" if files else "absent")
        known = self.made.get(data) or self.harmless(data)
        if known is None:
            try:
                manifest = parse_manifest(data)
            except ManifestError:
                return Table("unreadable")
            if manifest.name != name:
                return Table("unreadable")
            self.garbled.add(data)
            return Table("intact", is_foreign=True)
        recipe, _, recorded = known
        if recipe.name != name:
            return Table("unreadable")
        if not recorded.keys() & files.keys():
            return Table("lost", recipe)
        return Table("intact" if files == recorded else "modified", recipe)

    def manifest(self, name: str) -> bytes:
        """Return the manifest in an asset's place; nothing where there is none."""
        try:
            return (self.data / name / MANIFEST).read_bytes()
        except OSError:
            return b""

    def harmless(self, data: bytes) -> tuple | None:
        """Return what is known of a garbled manifest that says what it said."""
        try:
            manifest = parse_manifest(data)
        except ManifestError:
            return None
        for known in self.made.values():
            if _meaning(known[1]) == _meaning(manifest):
                return known
        return None

    def tables(self) -> dict[str, Table]:
        """Return what is stored of each asset."""
        return {name: self.table(name) for name in self.model.specs}

    def stored(self) -> list[str]:
        """Return the names of all places that hold a manifest."""
        return sorted(
            path.parent.relative_to(self.data).as_posix()
            for path in self.data.rglob(MANIFEST)
            if ".assetmake" not in path.parts
        )

    def picture(self, *, whole: bool = True) -> dict[str, tuple]:
        """Return every file and directory with its bytes and its stamps.

        Args:
            whole: Whether what only saves work is shown, too.
        """
        found: dict[str, tuple] = {}
        todo = [str(self.folder)]
        while todo:
            directory = todo.pop()
            with os.scandir(directory) as entries:
                for entry in entries:
                    if entry.is_dir(follow_symlinks=False):
                        if entry.name != "__pycache__":
                            todo.append(entry.path)
                        continue
                    if not whole and entry.path.endswith(_DISPOSABLE):
                        continue
                    stat = entry.stat(follow_symlinks=False)
                    data = b""
                    if not entry.is_symlink():
                        with open(entry.path, "rb", buffering=0) as file:
                            data = file.read()
                    stamps = (stat.st_mtime_ns, stat.st_ctime_ns, stat.st_ino)
                    found[entry.path] = (data, *stamps)
        return found

    # What has to hold after each action ------------------------------------------

    def check(self, *, closely: bool = False) -> dict[str, Row]:
        """Look, compare with the model, and return its rows.

        Args:
            closely: Whether to compare with a look that uses no shortcut.
        """
        before = self.picture(whole=False)
        project = self.project()
        known = project._looks.remember()
        if known is None:
            known = remembered(project._looks.look())
            assert project._looks._defined is not None
            loaded = project._looks._defined.loaded is not None
            how = "loaded" if loaded else "from the sources"
        else:
            how = "from the snapshot"
        EVENTS[f"look: {how}"] += 1
        self.looked[how] += 1
        # The model knows all but the words and the places; those are compared
        # with a real look each time that it was none.
        if closely or how != "loaded" or self.looked[how] % 4 == 1:
            EVENTS["look: compared with a real one"] += 1
            with _looking_closely():
                bare = self.bare(project)
                assert _told(known) == _told(bare._looks.known()), (
                    "a shortcut says otherwise"
                )
            self.learn_code(bare, self.code())
        elif how == "loaded":
            self.learn_code(project, self.code())
        self.shown = self.picture(whole=False)
        assert self.shown == before, "looking changed something"
        rows = known.statuses
        tables = self.tables()
        unsure = self.unsure(tables)
        expected = self.model.rows(tables)
        for name, row in expected.items():
            EVENTS[f"state: {row.state}"] += 1
            for code, _ in row.reasons:
                EVENTS[f"reason: {code}"] += 1
            if name not in unsure:
                self.compare(name, rows[name], row)
            self.check_sound(name, rows[name], tables)
        self.check_plan(rows, _plan(known, (), False, (), False))
        orphans = {n for n, row in rows.items() if row.state is State.ORPHANED}
        assert orphans == {*self.stored()} - self.model.specs.keys(), "orphans"
        EVENTS["orphans"] += len(orphans)
        assert [*rows] == [*dict.fromkeys([*self.model.sources, *rows])]
        return expected

    def bare(self, project: Project) -> Project:
        """Return the project as one that knows nothing of earlier looks."""
        store = LocalStore(self.data, self.folder)
        store.index = FileIndex(None, self.folder)
        bare = open_project(self.folder, store=store)
        known = self.loaded.get(self.code())
        if known is not None:
            bare._looks._defined = known
        elif (
            project._looks._defined is not None
            and project._looks._defined.loaded is not None
        ):
            bare._looks._defined = project._looks._defined
        return bare

    def compare(self, name: str, row: Status, expected: Row) -> None:
        """Compare a row with what has to be said."""
        told = {(reason.code, _subject(reason)) for reason in row.reasons}
        assert told == expected.reasons, (
            f"{name}: reasons {sorted(told)}, not {sorted(expected.reasons)}"
        )
        assert row.state == expected.state, f"{name} is {row.state}: {expected}"
        assert row.is_stale == expected.is_stale
        assert row.is_certain == expected.is_certain
        assert all(reason.text for reason in row.reasons)

    def check_sound(self, name: str, row: Status, tables: dict[str, Table]) -> None:
        """What is fresh is what running it now on what is stored would give."""
        if row.state is not State.FRESH:
            assert row.reasons, f"{name} is {row.state} without a reason"
            return
        assert not row.reasons
        recipe = tables[name].recipe
        if recipe is not None and recipe.accepted:
            return
        content = dict(self.model.sources)
        for read in self.model.specs[name].reads:
            if read.name not in content:
                content[read.name] = self.text(read.name)
        right = self.model.compute(name, content)
        assert self.text(name) == right, f"{name} is not fresh"

    def text(self, name: str) -> str:
        """Return the value that is stored of an asset."""
        ((file, data),) = self.files(name).items()
        return written(file, data)

    def check_plan(self, rows: dict[str, Status], plan) -> None:
        """Status and plan agree, and the plan has an order that can be built."""
        steps = {step.name: step for step in plan.steps}
        stale = {name for name in self.model.specs if rows[name].is_stale}
        assert steps.keys() == stale, "status and plan disagree"
        assert {*plan.fresh} == self.model.specs.keys() - stale
        done: set[str] = {*plan.fresh, *self.model.sources}
        for name, step in steps.items():
            assert step.is_certain == rows[name].is_certain
            assert step.reasons == rows[name].reasons
            assert done.issuperset(r.name for r in self.model.specs[name].reads), name
            done.add(name)

    def unsure(self, tables: dict[str, Table]) -> set[str]:
        """Return assets of which a garbled manifest leaves nothing certain."""
        found: set[str] = set()
        for name, spec in self.model.specs.items():
            above = found.intersection(read.name for read in spec.reads)
            if above or tables[name].is_foreign:
                found.add(name)
        return found

    # Building --------------------------------------------------------------------

    def calls(self) -> list[str]:
        """Return which assets ran since the last time, in order."""
        log = self.folder / "calls.log"
        names = log.read_text().split() if log.exists() else []
        log.unlink(missing_ok=True)
        return names

    def obstacles(self, planned: Collection[str], tables: dict[str, Table]) -> bool:
        """Whether a build cannot begin."""
        if any(tables[name].condition == "unmanaged" for name in planned):
            return True
        gone = {name for name, text in self.model.sources.items() if text is None}
        return any(
            read.name in gone
            for name in planned
            for read in self.model.specs[name].reads
        )

    def moves(self) -> dict[str, dict[str, str]]:
        """Return which sources will change while which asset runs."""
        found = {}
        for order in (self.folder / "during").iterdir():
            name, _, value = os.readlink(order).partition("=")
            found[order.name.replace(".", "/")] = {name: value}
        return found

    def build(self, names: Collection[str] = (), **options: Any) -> None:
        """Build; what must run runs, once, and what comes out is right.

        Args:
            names: Assets; all if there are none.
            **options: See `Asked`.
        """
        asked = Asked([*(names or self.model.specs)], **options)
        if asked.jobs > 1:
            self.clear_moves()
        self.calls()
        tables = self.tables()
        planned = self.planned(asked, tables)
        WORKERS.begin(len(self.made), asked.guilty)
        if self.unsure(tables) & self.model.needed(asked.names):
            self.build_unsure(asked)
        elif self.obstacles(planned, tables):
            self.refused(asked)
        else:
            self.build_surely(asked, tables)

    def planned(self, asked: Asked, tables: dict[str, Table]) -> list[str]:
        """Return what a build has to look at."""
        return self.model.planned(
            self.model.rows(tables), asked.names, self.forced(asked)
        )

    def forced(self, asked: Asked) -> set[str]:
        """Return what runs although it may be fresh."""
        names = asked.names if asked.always else ()
        return {*names, *self.model.readers(asked.pretend)}

    def order(self, asked: Asked, tables: dict[str, Table]) -> list[str]:
        """Return the order of steps where it counts which comes first."""
        if asked.keep_going and not self.moves():
            return []
        plan = self.project().plan(
            asked.names, always=asked.always, pretend=asked.pretend
        )
        order = [step.name for step in plan.steps]
        assert sorted(order) == sorted(self.planned(asked, tables))
        return order

    def simulate(
        self, asked: Asked, tables: dict[str, Table], order: list[str]
    ) -> Simulated:
        """Return what a build has to do."""
        return self.model.simulate(
            tables,
            asked.names,
            self.fails,
            forced=self.forced(asked),
            keep_going=asked.keep_going or asked.jobs > 1,
            order=order,
            moves=self.moves(),
            guilty=asked.guilty,
        )

    def carry_out(self, asked: Asked) -> Result:
        """Build for real."""
        project, code = self.project(), self.code()
        result = project.build(
            asked.names if asked.words is None else asked.words,
            keep_going=asked.keep_going,
            jobs=asked.jobs,
            always=asked.always,
            pretend=asked.pretend,
            listener=Waits(),
        )
        self.learn_code(project, code)
        return result

    def build_unsure(self, asked: Asked) -> None:
        """Build what a garbled manifest leaves uncertain: it ends without a crash."""
        # Which of the assets run is not known, so neither is which source changes.
        self.clear_moves()
        with suppress(AssetmakeError):
            self.carry_out(asked)
        self.calls()
        self.register_unsure()
        EVENTS["build: unsure"] += 1

    def build_surely(self, asked: Asked, tables: dict[str, Table]) -> None:
        """Build, and compare all of it with the model."""
        before = {name: self.place(name) for name in self.model.specs}
        edited, moves = self.edited(tables), self.moves()
        order = self.order(asked, tables)
        simulated = self.simulate(asked, tables, order)
        result = self.carry_out(asked)
        if (
            asked.guilty and not WORKERS.were_used
        ):  # they would have waited for each other
            asked = asked._replace(guilty="")
            simulated = self.simulate(asked, tables, order)
        ran = Counter(self.calls())
        failed = {o.name for o in result.outcomes if o.kind == "failed"}
        assert failed <= simulated.failed.keys(), result
        self.register(simulated, failed=failed)
        self.note(simulated, tables, result)
        is_exact = asked.keep_going or asked.jobs == 1
        self.compare_outcomes(result, simulated, tables, is_exact=is_exact)
        must = Counter(simulated.calls)
        told = f"ran {sorted(ran)}, and had to run {sorted(must)}"
        assert ran == must if is_exact else ran <= must, told
        for name in self.model.specs:
            if name not in simulated.ran:
                assert self.place(name) == before[name], f"{name} was touched"
            elif is_exact:
                lost = edited.get(name, set()) - self.kept()
                assert not lost, f"the edited table of {name} was not kept"
        if must:
            assert not [*(self.data / ".assetmake/staging").iterdir()], "leftovers"
            self.check_complete(asked.names)
        if result.ok:
            rows = self.model.rows(self.tables())
            if not any(rows[name].is_stale for name in self.model.needed(asked.names)):
                self.check_quiet(asked.names)
            else:
                assert moves, "a build that went well left something stale"

    def clear_moves(self) -> None:
        """Let no source change while an asset runs."""
        for order in (self.folder / "during").iterdir():
            order.unlink()

    def place(self, name: str) -> dict[str, tuple]:
        """Return all files in an asset's place, with bytes and stamps."""
        found = {}
        place = self.data / name
        for file in place.iterdir() if place.is_dir() else ():
            if file.is_file():
                stat = file.stat()
                found[file.name] = (file.read_bytes(), stat.st_mtime_ns, stat.st_ino)
        return found

    def edited(self, tables: dict[str, Table]) -> dict[str, set[bytes]]:
        """Return what people wrote into tables, by asset."""
        return {
            name: {*self.files(name).values()}
            for name, table in tables.items()
            if table.condition in ("modified", "unreadable") or table.is_adopted
        }

    def kept(self) -> set[bytes]:
        """Return the bytes of each file that builds moved aside."""
        return {
            file.read_bytes()
            for file in (self.data / ".assetmake/kept").rglob("*")
            if file.is_file()
        }

    def refused(self, asked: Asked) -> None:
        """A build that cannot begin says so, and touches nothing."""
        before = self.picture(whole=False)
        hints: Collection[str] | None = None
        try:
            self.carry_out(asked)
        except AssetmakeError as error:
            hints = error.hints
        assert hints is not None, "a build began that could not"
        assert hints, "a refusal does not say what to do"
        assert self.calls() == [], "a build ran something, then refused"
        after = self.picture(whole=False)
        changed = {
            path
            for path in before.keys() | after.keys()
            if _written(before.get(path)) != _written(after.get(path))
        }
        private = str(self.data / ".assetmake")
        assert all(path.startswith(private) for path in changed), changed
        EVENTS["build: refused"] += 1

    def register(self, simulated: Simulated, *, failed: Collection[str] = ()) -> None:
        """Learn what was published, which has to be what the model computed.

        Args:
            simulated: What the build had to do.
            failed: Assets that are known to have failed.
        """
        for name in self.model.specs:
            data = self.manifest(name)
            if not any(data) or data in (self.last.get(name), *self.made):
                continue
            recipe = simulated.ran.get(name)
            assert recipe is not None, f"{name} was published, and not to be built"
            files = self.files(name)
            assert len(files) == 1, f"{name} holds {files}"
            assert self.text(name) == recipe.value, (
                f"{name} holds {self.text(name)}, not {recipe.value}"
            )
            self.made[data] = (recipe, parse_manifest(data), files)
            self.model.failures.pop(name, None)
        for name in failed:
            self.model.failures[name] = simulated.failed[name]

    def register_unsure(self) -> None:
        """Learn what was published where the model could not tell what to expect."""
        for name in self.model.specs:
            data = self.manifest(name)
            if not any(data) or data in (self.last.get(name), *self.made):
                continue
            reads = {read.name for read in self.model.specs[name].reads}
            above = {n: self.table(n) for n in reads - self.model.sources.keys()}
            if any(table.recipe is None for table in above.values()):
                self.garbled.add(data)
                continue
            content = dict(self.model.sources)
            content |= {n: table.recipe.value for n, table in above.items()}
            recipe = self.model.recipe(name, content, value=self.text(name))
            self.made[data] = (recipe, parse_manifest(data), self.files(name))
        shutil.rmtree(self.data / ".assetmake/failures", ignore_errors=True)
        self.model.failures.clear()

    def note(
        self, simulated: Simulated, tables: dict[str, Table], result: Result
    ) -> None:
        """Count what happened in a build."""
        EVENTS["build"] += 1
        for name, kind in simulated.kinds.items():
            EVENTS[f"step: {kind}"] += 1
            before, after = tables[name].recipe, simulated.ran.get(name)
            if before and after and before.value == after.value:
                EVENTS["step: built to the same data"] += 1
        for outcome in result.outcomes:
            EVENTS["step: edited table kept"] += bool(outcome.kept)
            EVENTS["step: its worker died"] += (
                outcome.failed is not None and outcome.failed.kind == "WorkerDied"
            )

    def compare_outcomes(
        self,
        result: Result,
        simulated: Simulated,
        tables: dict[str, Table],
        *,
        is_exact: bool,
    ) -> None:
        """What a build tells is what it did."""
        told = {outcome.name: outcome for outcome in result.outcomes}
        kinds = {n: o.kind for n, o in told.items() if o.kind != "not started"}
        if is_exact:
            assert kinds == simulated.kinds, f"{kinds}, not {simulated.kinds}"
            assert result.ok == (not simulated.failed)
        else:
            assert kinds.items() <= simulated.kinds.items()
        for name, recipe in simulated.ran.items():
            before = tables[name].recipe
            if name in kinds:
                same = before is not None and before.value == recipe.value
                assert told[name].same_data == same, name

    def check_complete(self, names: list[str]) -> None:
        """A build is as a build from nothing, but for what a person accepted."""
        content = dict(self.model.sources)
        accepted: set[str] = set()
        rows = self.model.rows(self.tables())
        for name, spec in self.model.specs.items():
            content[name] = self.model.compute(name, content)
            recipe = self.table(name).recipe
            if (recipe is not None and recipe.accepted) or accepted.intersection(
                read.name for read in spec.reads
            ):
                accepted.add(name)
            elif name in self.model.needed(names) and not rows[name].is_stale:
                EVENTS["as from nothing"] += 1
                assert self.text(name) == content[name], f"{name}: not as from nothing"

    def check_quiet(self, names: list[str]) -> None:
        """A second build runs nothing and writes no byte.

        What saves work may be written once more, when all is old enough to be
        believed or what an earlier run left is found to be right; then no more.
        Unless somebody installs a package meanwhile, or adds a file where Python
        looks for modules: all that was loaded may then be another module.
        """
        places = import_path(self.folder)
        rest = self.written_again(names)
        private = [self.data / ".assetmake" / path for path in DISPOSABLE]
        assert not rest - {*map(str, private)}, f"a second build wrote {rest}"
        if not rest:
            EVENTS["second build wrote nothing"] += 1
            return
        EVENTS["second build wrote what saves work"] += 1
        time.sleep(self.machine.tick / 1e9)
        self.written_again(names)
        rest = self.written_again(names)
        if rest and import_path(self.folder) != places:
            EVENTS["second build: others changed the import path"] += 1
            return
        assert not rest, f"a fourth build wrote {rest}"

    def written_again(self, names: list[str]) -> set[str]:
        """Build what is fresh, and return which files that wrote."""
        before = self.picture()
        # What was loaded long ago, as in `project`, is not what a command keeps.
        result = open_project(self.folder).build(names, keep_going=True)
        assert not result.outcomes, "a second build has steps"
        assert self.calls() == [], "a second build ran something"
        after = self.picture()
        return {p for p in before.keys() | after if before.get(p) != after.get(p)}

    def build_beside(self, simulated: Simulated) -> None:
        """Build in two processes at once: each asset runs in one of them."""
        before = self.tables()
        child = begin_child(
            self.folder, lambda: self.project().build(keep_going=True, listener=Waits())
        )
        try:
            result = self.project().build(keep_going=True, listener=Waits())
        finally:
            end_child(self.folder, child)
        ran = Counter(self.calls())
        must = Counter(simulated.calls)
        # The second build tries again what failed.
        again = Counter(n for n in must if n.removeprefix("?") in simulated.failed)
        told = f"ran {ran}, and had to run {must}: {result}"
        assert must <= ran <= must + again, told
        self.register(simulated, failed=simulated.failed)
        assert result.ok == (not simulated.failed)
        EVENTS["build: two at once"] += 1
        del before

    def learn(
        self, name: str, data: bytes, recipe: Recipe, before: Recipe | None
    ) -> None:
        """Take a manifest that a person asked for.

        Args:
            name: Of the asset.
            data: The manifest.
            recipe: What it has to say.
            before: What was said there; files that it was seen to open stay.
        """
        paths = before.observed if before else ()
        observed = {path: self.model.notes.get(path) for path in paths}
        recipe = replace(recipe, observed=observed, accepted=True)
        self.made[data] = (recipe, parse_manifest(data), self.files(name))
        self.model.failures.pop(name, None)

    def last_recipe(self, name: str) -> Recipe | None:
        """Return what an asset was last built from."""
        found = [r for r, _, _ in self.made.values() if r.name == name]
        return found[-1] if found else None

    def restore(self, recipe: Recipe) -> None:
        """Bring a table back as it was published."""
        for data, (known, _, files) in self.made.items():
            if known is recipe:
                place = self.data / recipe.name
                shutil.rmtree(place, ignore_errors=True)
                place.mkdir(parents=True)
                for file, content in {**files, MANIFEST: data}.items():
                    (place / file).write_bytes(content)

    # What ends a build before its time ---------------------------------------------

    def can_begin(self) -> bool:
        """Whether a build of all can begin, and the model can tell what it does."""
        tables = self.tables()
        planned = self.model.planned(self.model.rows(tables), [*self.model.specs], ())
        return not self.unsure(tables) and not self.obstacles(planned, tables)

    def crash(self, kill_at: int, *, jobs: int = 1) -> bool:
        """Kill a build before one of its writes; return whether that happened."""
        if not self.can_begin():
            return False
        self.clear_moves()

        def work() -> bool:
            ended = in_child(
                self.folder,
                lambda: self.project().build(keep_going=True, jobs=jobs),
                kill_at=kill_at,
            )
            EVENTS[f"crash: {'killed' if ended == KILLED else 'too late'}"] += 1
            return ended == KILLED

        return self.cut_short(work)

    def cut_short(self, work: Callable[[], bool]) -> bool:
        """Take what a build of all did that may have ended before its time.

        Args:
            work: Does that in a process of its own, and tells whether it did.
        """
        names = [*self.model.specs]
        simulated = self.model.simulate(self.tables(), names, self.fails)
        before, there = self.failures(), {*self.stored()}
        WORKERS.begin(len(self.made), "")
        was_cut = work()
        if not DISK.exchanges:  # two renames, which whoever locks next finishes
            with self.project().store.lock(str):
                pass
        assert there <= {*self.stored()}, "a table is lost"
        ran = self.calls()
        assert {*ran} <= {*simulated.calls}
        failed = {n for n, told in self.failures().items() if told != before.get(n)}
        known = len(self.made)
        self.register(simulated, failed=failed)
        self.cut = simulated
        if was_cut and len(self.made) > known:
            EVENTS["crash: something was published before"] += 1
        self.forget_failures()
        return was_cut

    def start_again(self) -> None:
        """Start the machine; then what a build left in staging is no leftover.

        It may be the only whole table after a power loss, so whoever locks the store
        next puts it in its place if nothing whole is there. Here that is done before
        the next action: a build would find it fresh that a look just called missing.
        """
        self.machine.boot += 1
        staging = self.data / ".assetmake/staging"
        if not staging.is_dir() or not [*staging.iterdir()]:
            return
        self.check()
        before = self.picture(whole=False)
        with self.project().store.lock(str):
            pass
        EVENTS["boot: a table was put back"] += self.picture(whole=False) != before
        if self.cut is not None:
            self.register(self.cut)

    def failures(self) -> dict[str, bytes]:
        """Return what is kept of each failure."""
        folder = self.data / ".assetmake/failures"
        return {
            name: file.read_bytes()
            for name in self.model.specs
            if (file := folder / f"{name.replace('/', '.')}.json").exists()
        }

    def forget_failures(self) -> None:
        """Let the model forget failures whose record is gone or garbled."""
        told = self.failures()
        for name in [*self.model.failures]:
            if not any(told.get(name, b"")):
                del self.model.failures[name]

    # Doing --------------------------------------------------------------------------

    def asset(self, number: int) -> str:
        """Choose an asset."""
        names = list(self.model.specs)
        return names[number % len(names)]

    def source(self, number: int) -> str:
        """Choose a source."""
        return [*self.model.sources][number % len(self.model.sources)]

    def built(self, number: int) -> Path | None:
        """Choose the place of a stored table."""
        stored = self.stored()
        return self.data / stored[number % len(stored)] if stored else None

    def data_file(self, number: int) -> Path | None:
        """Choose a data file of a stored table."""
        table = self.built(number)
        files = self.files(table.relative_to(self.data).as_posix()) if table else {}
        return table / min(files) if table and files else None

    def spec_of_form(self, number: int, form: str = "def") -> Spec | None:
        """Choose an asset of one form."""
        found = [spec for spec in self.model.specs.values() if spec.form == form]
        return found[number % len(found)] if found else None


#: Reasons of which the subject is a detail, or nothing.
_WITHOUT = ("data-modified", "data-missing", "manifest-missing", "never-built")


def import_path(folder: Path) -> list[tuple[str, int]]:
    """Return when directories changed where modules are looked for, outside."""
    return [
        (entry, os.stat(entry).st_ctime_ns)
        for entry in sys.path
        if os.path.isdir(entry) and not Path(entry).is_relative_to(folder)
    ]


def _subject(reason: Reason) -> str:
    if reason.code == "columns-differ":
        return reason.text
    return "" if reason.code in _WITHOUT else reason.subject


@contextmanager
def _looking_closely() -> Iterator[None]:
    os.environ["ASSETMAKE_INDEX"] = "0"
    try:
        yield
    finally:
        del os.environ["ASSETMAKE_INDEX"]


def _written(shown: tuple | None) -> tuple | None:
    """Return what of a file in a picture only a write changes.

    Its ctime changes, too, when a link to it goes away: what a killed build
    began to keep of an edited table is cleared away by the next one.
    """
    return shown and (shown[0], shown[1], shown[3])


def _told(known: Remembered) -> Remembered:
    """Return all that is known but manifests, which a shortcut reads later."""
    rows = {n: replace(row, manifest=None) for n, row in known.statuses.items()}
    return replace(known, statuses=rows)


def _meaning(manifest: Manifest) -> tuple:
    """Return all of a manifest that says something about its asset."""
    parts = [(part.name, part.kind, part.fingerprint) for part in manifest.parts]
    return (
        manifest.name,
        manifest.code,
        parts,
        [*manifest.inputs],
        dict(manifest.reads),
        dict(manifest.observed),
        dict(manifest.variables),
        dict(manifest.packages),
        manifest.output,
        [(item.name, item.severity, item.fingerprint) for item in manifest.checks],
    )
