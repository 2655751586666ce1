"""What is done to a random project: an action changes the model and the disk."""

from __future__ import annotations

import copy
import os
import shutil
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace

from random_disk import KILLED, forge_stamps, in_child
from random_frames import problems
from random_model import HOMES, LOSSY, PRIME, Check, Read, Recipe
from random_trial import DISPOSABLE, EVENTS, MANIFEST, Trial

from assetmake.errors import AssetmakeError

Action = Callable[[Trial, int], None]
ACTIONS: dict[str, Action] = {}
#: How often each is chosen, where that is not 1. Builds give the others
#: something to break.
WEIGHTS: dict[str, int] = {}


def action(weight: int = 1) -> Callable[[Action], Action]:
    """Register an action under its function's name."""

    def register(function: Action) -> Action:
        ACTIONS[function.__name__] = function
        WEIGHTS[function.__name__] = weight
        return function

    return register


# Building -----------------------------------------------------------------------


@action(14)
def build_all(trial: Trial, number: int) -> None:
    trial.build(keep_going=bool(number % 4))


@action(4)
def build_some(trial: Trial, number: int) -> None:
    trial.build([trial.asset(number)], always=number % 5 == 0)


@action(4)
def build_parallel(trial: Trial, number: int) -> None:
    guilty = trial.asset(number) if number % 4 == 0 else ""
    trial.build(jobs=2 + number % 3, guilty=guilty, keep_going=bool(number % 3))


@action()
def build_group(trial: Trial, number: int) -> None:
    group = "gh"[number % 2]
    names = [n for n, spec in trial.model.specs.items() if spec.group == group]
    if names:
        trial.build(names, words=[f"group:{group}"])


@action()
def build_downstream(trial: Trial, number: int) -> None:
    name = trial.asset(number)
    names = {name}
    for other, spec in trial.model.specs.items():
        if names.intersection(read.name for read in spec.reads):
            names.add(other)
    trial.build(sorted(names), words=[f"{name}+"])


@action()
def build_pretending(trial: Trial, number: int) -> None:
    names = [*trial.model.sources, *trial.model.specs]
    trial.build(pretend=(names[number % len(names)],))


@action()
def build_twice_at_once(trial: Trial, number: int) -> None:
    """The second waits for the first, and then has nothing left to do."""
    if not trial.can_begin():
        return
    trial.clear_moves()
    simulated = trial.model.simulate(trial.tables(), [*trial.model.specs], trial.fails)
    trial.calls()
    trial.build_beside(simulated)


# Code ---------------------------------------------------------------------------


@action(3)
def edit_code(trial: Trial, number: int) -> None:
    spec = trial.model.specs[trial.asset(number)]
    spec.code = number % 50
    trial.write()


@action(2)
def edit_helper(trial: Trial, number: int) -> None:
    trial.model.constants["HELPER"] = number % 4
    trial.write()


@action()
def edit_constant(trial: Trial, number: int) -> None:
    trial.model.constants["TWEAK"] = number % 4
    trial.write()


@action()
def edit_base(trial: Trial, number: int) -> None:
    trial.model.constants["BASE"] = number % 4
    trial.write()


@action(2)
def shadow_module(trial: Trial, number: int) -> None:
    """A module of the same name comes first on the path, or goes away."""
    if trial.model.has_more:
        there = trial.model.shadow is not None
        trial.model.shadow = None if there and number % 2 else number % 4
        trial.write()


@action()
def edit_comment(trial: Trial, number: int) -> None:
    trial.model.specs[trial.asset(number)].comment = number % 3
    trial.write()


@action()
def edit_formatting(trial: Trial, number: int) -> None:
    trial.model.specs[trial.asset(number)].formatting = number % 4
    trial.write()


@action()
def edit_helper_comment(trial: Trial, number: int) -> None:
    trial.model.helper_comment = number % 3
    trial.write()


@action()
def edit_group(trial: Trial, number: int) -> None:
    spec = trial.spec_of_form(number)
    if spec:
        spec.group = ("", "g", "h")[number % 3]
        trial.write()


@action()
def move_asset(trial: Trial, number: int) -> None:
    """The same code in another file is the same code."""
    spec = trial.spec_of_form(number)
    homes = HOMES if trial.model.has_more else HOMES[:2]
    if spec:
        spec.home = homes[number // 8 % len(homes)]
        trial.write()


@action()
def make_lossy(trial: Trial, number: int) -> None:
    spec = trial.model.specs[trial.asset(number)]
    spec.modulus = LOSSY if spec.modulus == PRIME else PRIME
    trial.write()


@action()
def edit_version(trial: Trial, number: int) -> None:
    spec = trial.spec_of_form(number)
    if spec:
        spec.version = number % 3
        trial.write()


@action(2)
def edit_check(trial: Trial, number: int) -> None:
    spec = trial.model.specs[trial.asset(number)]
    spec.check = None
    if number // 8 % 4:
        severity = ("warn", "error")[number // 64 % 2]
        spec.check = Check(2 + number // 8 % 5, severity)
    trial.write()


@action()
def edit_setting(trial: Trial, number: int) -> None:
    found = [s for s in trial.model.specs.values() if "setting" in s.extras]
    if found:
        found[number % len(found)].setting = number % 5
        trial.write()


@action(2)
def edit_extras(trial: Trial, number: int) -> None:
    spec = trial.spec_of_form(number)
    if spec is None:
        return
    extra = trial.extra(number // 8)
    if extra in spec.extras:
        spec.extras = tuple(e for e in spec.extras if e != extra)
    else:
        spec.extras = (*spec.extras, extra)
    trial.write()


@action()
def declare_reads(trial: Trial, number: int) -> None:
    found = [s for s in trial.model.specs.values() if "note" in s.extras]
    if found:
        spec = found[number % len(found)]
        spec.declares = not spec.declares
        trial.write()


@action()
def change_form(trial: Trial, number: int) -> None:
    """A function becomes one that a factory makes, or a factory is called in a loop."""
    spec = trial.model.specs[trial.asset(number)]
    names = [read.name for read in spec.reads]
    is_text = spec.columns is None and not trial.model.tables().intersection(names)
    if spec.form == "def" and len(names) <= 2 and not spec.extras and is_text:
        spec.form, spec.home, spec.group, spec.version = "factory", HOMES[0], "", 0
    else:
        spec.form = {"factory": "loop", "loop": "def"}.get(spec.form, spec.form)
    spec.reads = []
    for name in names:
        trial.read(spec, name)
    trial.write()


@action()
def add_asset(trial: Trial, number: int) -> None:
    trial.add(number)
    trial.write()


@action(2)
def remove_asset(trial: Trial, number: int) -> None:
    """Most of them are read; then the readers stop to, where they can."""
    name = trial.asset(number)
    specs = trial.model.specs
    readers = [spec for spec in specs.values() if name in {r.name for r in spec.reads}]
    if len(specs) < 2 or any(len({r.name for r in s.reads}) < 2 for s in readers):
        return
    for spec in readers:
        names = [read.name for read in spec.reads if read.name != name]
        spec.reads = []
        for other in names:
            trial.read(spec, other)
    del specs[name]
    trial.model.failures.pop(name, None)
    flat = name.replace("/", ".")
    (trial.folder / "fail" / flat).unlink(missing_ok=True)
    (trial.folder / "during" / flat).unlink(missing_ok=True)
    failure = trial.data / ".assetmake/failures" / f"{flat}.json"
    failure.unlink(missing_ok=True)
    trial.write()


@action(2)
def add_input(trial: Trial, number: int) -> None:
    name = trial.asset(number)
    spec = trial.model.specs[name]
    known = [*trial.model.sources]
    for other in trial.model.specs:
        if other == name:
            break
        known.append(other)
    if len(spec.reads) < (2 if spec.form != "def" else 4):
        trial.read(spec, known[(number // 7) % len(known)])
        trial.write()


@action()
def remove_input(trial: Trial, number: int) -> None:
    spec = trial.model.specs[trial.asset(number)]
    if len(spec.reads) > 1:
        gone = number % len(spec.reads)
        names = [read.name for n, read in enumerate(spec.reads) if n != gone]
        if spec.form == "def":
            del spec.reads[gone]
        else:
            spec.reads = []
            for name in names:
                trial.read(spec, name)
        trial.write()


@action(2)
def reorder_inputs(trial: Trial, number: int) -> None:
    spec = trial.model.specs[trial.asset(number)]
    if spec.form == "def":
        spec.reads.reverse()
    else:  # the same parameters get each other's data
        names = [read.name for read in reversed(spec.reads)]
        spec.reads = []
        for name in names:
            trial.read(spec, name)
    trial.write()


@action()
def rename_input(trial: Trial, number: int) -> None:
    """Another parameter, the same data."""
    spec = trial.spec_of_form(number)
    if spec:
        place = number % len(spec.reads)
        parameter = f"y{number % 3}"
        if parameter not in {read.parameter for read in spec.reads}:
            spec.reads[place] = Read(parameter, spec.reads[place].name)
            trial.write()


# What assets read ---------------------------------------------------------------


@action(3)
def edit_source(trial: Trial, number: int) -> None:
    trial.model.sources[trial.source(number)] = f"{number % 11:06d}"
    trial.write()


@action()
def edit_source_keeping_mtime(trial: Trial, number: int) -> None:
    name = trial.source(number)
    file = trial.folder / "in" / f"{name}.txt"
    if trial.model.sources[name] is not None:
        before = os.stat(file)
        trial.model.sources[name] = f"{number % 11:06d}"
        trial.write()
        os.utime(file, ns=(before.st_atime_ns, before.st_mtime_ns))


@action(2)
def edit_source_twice(trial: Trial, number: int) -> None:
    """Within a tick of the clock, with a look between."""
    name = trial.source(number)
    trial.model.sources[name] = f"{number % 11:06d}"
    trial.write()
    trial.project().status()
    trial.model.sources[name] = f"{number % 7:06d}"
    trial.write()


@action()
def touch_source(trial: Trial, number: int) -> None:
    name = trial.source(number)
    if trial.model.sources[name] is not None:
        stamp = number % 10**9
        os.utime(trial.folder / "in" / f"{name}.txt", (stamp, stamp))


@action()
def remove_source(trial: Trial, number: int) -> None:
    name = trial.source(number)
    gone = trial.model.sources[name] is None
    trial.model.sources[name] = f"{number % 11:06d}" if gone else None
    trial.write()


@action()
def put_sources_back(trial: Trial, number: int) -> None:
    for name, text in trial.model.sources.items():
        if text is None:
            trial.model.sources[name] = f"{number % 11:06d}"
    trial.write()


@action(2)
def edit_source_during_build(trial: Trial, number: int) -> None:
    """What was read is then neither the old data nor the new."""
    name = trial.asset(number)
    found = [r.name for r in trial.model.specs[name].reads] + [*trial.model.sources]
    source = next(s for s in found if s in trial.model.sources)
    flat = name.replace("/", ".")
    order = trial.folder / "during" / flat
    order.unlink(missing_ok=True)
    order.symlink_to(f"{source}={number % 13:06d}")
    if number % 2:
        trial.model.specs[name].code = number % 50
        trial.write()
    trial.build([name])


@action(2)
def edit_note(trial: Trial, number: int) -> None:
    path = f"notes/n{number % 2}.txt"
    if number % 5 == 0:
        trial.model.notes.pop(path, None)
    else:
        trial.model.notes[path] = str(number % 6)
    trial.write()


@action(2)
def edit_variable(trial: Trial, number: int) -> None:
    trial.model.region = (None, "0", "1", "2")[number % 4]
    trial.write()


# What is stored -----------------------------------------------------------------


@action()
def delete_data(trial: Trial, number: int) -> None:
    file = trial.data_file(number)
    if file:
        file.unlink()


@action()
def delete_table(trial: Trial, number: int) -> None:
    table = trial.built(number)
    if table:
        shutil.rmtree(table)


@action()
def delete_manifest(trial: Trial, number: int) -> None:
    """Then it is unmanaged, and no build overwrites it."""
    table = trial.built(number)
    if table:
        (table / MANIFEST).unlink()


@action()
def move_unmanaged(trial: Trial, number: int) -> None:
    for name, table in trial.tables().items():
        if table.condition == "unmanaged":
            shutil.rmtree(trial.data / name)


@action()
def edit_data(trial: Trial, number: int) -> None:
    file = trial.data_file(number)
    if file:
        file.write_text(f"{number} by hand")


@action()
def edit_data_same_size_and_mtime(trial: Trial, number: int) -> None:
    file = trial.data_file(number)
    if file:
        stat = os.stat(file)
        file.write_text("9" * stat.st_size)
        os.utime(file, ns=(stat.st_atime_ns, stat.st_mtime_ns))


@action()
def add_file_to_table(trial: Trial, number: int) -> None:
    table = trial.built(number)
    if table:
        name = ("more.txt", "_hidden.txt", ".hidden")[number % 3]
        (table / name).write_text(f"{number}")


@action()
def swap_tables(trial: Trial, number: int) -> None:
    one, other = trial.built(number), trial.built(number // 3)
    if one and other and one != other:
        aside = trial.folder / "swapped"
        one.rename(aside)
        other.rename(one)
        aside.rename(other)


@action()
def copy_data_over(trial: Trial, number: int) -> None:
    one, other = trial.data_file(number), trial.data_file(number // 3)
    if one and other:
        one.write_bytes(other.read_bytes())


@action()
def copy_manifest_over(trial: Trial, number: int) -> None:
    one, other = trial.built(number), trial.built(number // 3)
    if one and other:
        (one / MANIFEST).write_bytes((other / MANIFEST).read_bytes())


@action()
def save_table(trial: Trial, number: int) -> None:
    table = trial.built(number)
    if table:
        backup = trial.folder / "aside" / table.relative_to(trial.data)
        shutil.rmtree(backup, ignore_errors=True)
        shutil.copytree(table, backup)


@action(2)
def restore_table(trial: Trial, number: int) -> None:
    """An older table with its manifest, as `git checkout` or `cp -p` brings it."""
    aside = trial.folder / "aside"
    backups = sorted(path.parent for path in aside.rglob(MANIFEST))
    if backups:
        backup = backups[number % len(backups)]
        place = trial.data / backup.relative_to(aside)
        shutil.rmtree(place, ignore_errors=True)
        shutil.copytree(backup, place)


@action()
def truncate_manifest(trial: Trial, number: int) -> None:
    table = trial.built(number)
    if table:
        data = (table / MANIFEST).read_bytes()
        (table / MANIFEST).write_bytes(data[: place_in(data, number)])


@action()
def empty_manifest(trial: Trial, number: int) -> None:
    table = trial.built(number)
    if table:
        (table / MANIFEST).write_bytes(b"")


@action()
def garble_manifest(trial: Trial, number: int) -> None:
    table = trial.built(number)
    if table:
        data = bytearray((table / MANIFEST).read_bytes())
        if data:
            data[place_in(data, number)] ^= 1 << (number % 8)
        (table / MANIFEST).write_bytes(bytes(data))


def place_in(data: bytes | bytearray, number: int) -> int:
    """Return a place in a manifest: in which line, and where in it.

    Not just a number of bytes: times and memory in it have more digits in one
    run than in another, and a trial has to be the same in both.
    """
    lines = data.splitlines(keepends=True) or [b"?"]
    line = number % len(lines)
    before = sum(map(len, lines[:line]))
    return before + number // len(lines) % len(lines[line])


# What goes wrong ----------------------------------------------------------------


@action(3)
def fail(trial: Trial, number: int) -> None:
    file = trial.folder / "fail" / trial.asset(number).replace("/", ".")
    if file.exists():
        file.unlink()
    else:
        file.write_text("")


@action()
def mend(trial: Trial, number: int) -> None:
    for file in (trial.folder / "fail").iterdir():
        file.unlink()


@action(3)
def crash(trial: Trial, number: int) -> None:
    trial.crash(number % 60)


@action(2)
def power_loss(trial: Trial, number: int) -> None:
    """A crash after which files hold zeros where their bytes had not arrived."""
    trial.crash(number % 60)
    spoiled = []
    for path in sorted(trial.data.rglob("*")):
        number = (number * 1103515245 + 12345) % 2**31
        if path.is_file() and not path.is_symlink() and number % 5 == 0:
            size = os.stat(path).st_size
            path.write_bytes(bytes(size) if number % 2 else b"")
            spoiled.append(path)
    EVENTS["power loss: files spoiled"] += len(spoiled)
    # Only where the size is right could a stamp be taken for that of the bytes.
    whole = [path for path in spoiled if path.stat().st_size]
    EVENTS["power loss: stamps that lie"] += forge_stamps(trial.folder, whole)
    trial.forget_failures()
    trial.start_again()


@action()
def reboot(trial: Trial, number: int) -> None:
    trial.start_again()


# Housekeeping -------------------------------------------------------------------


@action()
def delete_private(trial: Trial, number: int) -> None:
    shutil.rmtree(trial.data / ".assetmake", ignore_errors=True)
    trial.forget_failures()


@action()
def garble_private(trial: Trial, number: int) -> None:
    for name in DISPOSABLE:
        file = trial.data / ".assetmake" / name
        if file.exists():
            data = bytearray(file.read_bytes())
            if number % 3 == 0:
                del data[number % (len(data) + 1) :]
            elif number % 3 == 1:
                data[:] = b""
            else:
                data[:] = data.replace(b"1", b"{")
            file.write_bytes(bytes(data))


@action()
def look(trial: Trial, number: int) -> None:
    """Every way to look, none of which runs an asset or changes anything."""
    before = trial.picture(whole=False)
    project = trial.project()
    name = trial.asset(number)
    project.why()
    project.why(name)
    project.plan([name])
    project.graph()
    project.status(data=False)
    with suppress(AssetmakeError):
        project.obstacle(project.plan())
    assert trial.picture(whole=False) == before
    assert trial.calls() == []


@action(2)
def prune(trial: Trial, number: int) -> None:
    tables = {name: (trial.table(name), trial.place(name)) for name in trial.stored()}
    orphans = tables.keys() - trial.model.specs.keys()
    bad = {n for n in orphans if tables[n][0].condition not in ("intact", "lost")}
    bad |= {n for n in orphans if tables[n][0].is_adopted}
    try:
        gone = trial.project().prune()
    except AssetmakeError:
        assert bad, "pruning was refused"
        EVENTS["prune: refused"] += 1
    else:
        assert not bad, "what nobody proves to be ours was removed"
        assert len(gone) == len(orphans)
        EVENTS["prune: removed"] += len(gone)
    for name, (_, place) in tables.items():
        left = trial.place(name)
        if name not in orphans or name in bad:
            assert left == place, f"pruning touched {name}"
        elif not bad:
            hidden = {"_SUCCESS", MANIFEST}
            recorded = {n for n in left if n in hidden or not n.startswith(("_", "."))}
            assert not recorded, f"pruning left {recorded} of {name}"


@action()
def crash_while_pruning(trial: Trial, number: int) -> None:
    """What is left of an orphan is still known to be ours, or is nothing."""
    before = {name: trial.place(name) for name in trial.stored()}
    before_prune = {name: trial.table(name) for name in before}
    orphans = before.keys() - trial.model.specs.keys()
    kill_at = number % 5
    ended = in_child(trial.folder, lambda: trial.project().prune(), kill_at=kill_at)
    EVENTS["crash: while pruning"] += ended == KILLED and bool(orphans)
    for name, place in before.items():
        if name not in orphans or before_prune[name].is_adopted:
            assert trial.place(name) == place, f"pruning touched {name}"
        elif trial.table(name).condition == "unmanaged":
            left = f"files of {name} are left, and nobody knows whose"
            assert MANIFEST not in place, left


@action(2)
def accept(trial: Trial, number: int) -> None:
    """What is stored is right, a person says."""
    name = trial.asset(number)
    tables = trial.tables()
    table, files = tables[name], trial.files(name)
    model = trial.model
    reads = {read.name for read in model.specs[name].reads}
    content = dict(model.sources)
    for other in reads - content.keys():
        recipe = tables[other].recipe
        content[other] = recipe.value if recipe else None
    possible = table.condition != "absent" and len(files) == 1
    possible = possible and all(content[read] is not None for read in reads)
    old = table.recipe if table.condition == "intact" else None
    if possible:
        data, is_table = next(iter(files.values())), name in model.tables()
        if not is_table and trial.text(name) == "" != data.decode(errors="replace"):
            return  # text under the name of a table
        value = old.value if old else trial.text(name)
        possible = value.startswith("|") == is_table and "\ufffd" not in value
        possible = possible and not problems(model.specs[name].declared, value)
    unsure = trial.unsure(tables)
    before = trial.place(name)
    was_fresh = not model.rows(tables)[name].is_stale
    refused = ""
    try:
        trial.project().accept([name])
    except AssetmakeError as error:
        refused = str(error)
    if refused:
        assert not possible or unsure, f"accepting {name} was refused: {refused}"
        assert trial.place(name) == before
        EVENTS["accept: refused"] += 1
        return
    if was_fresh and name not in unsure:
        assert trial.place(name) == before, f"{name} was fresh, and is written"
        EVENTS["accept: fresh already"] += 1
        return
    data = (trial.data / name / MANIFEST).read_bytes()
    if name in unsure:
        trial.garbled.add(data)
        return
    assert possible, f"{name} was accepted"
    after = trial.place(name)
    assert {n: after[n] for n in files} == {n: before[n] for n in files}
    recipe = model.recipe(name, content, value=value)
    recipe = replace(recipe, adopted=old.adopted if old else True)
    trial.learn(name, data, recipe, table.recipe)
    EVENTS["accept"] += 1


@action(4)
def undo(trial: Trial, number: int) -> None:
    """What a reason names is undone; then it is fresh again."""
    rows = trial.model.rows(trial.tables())
    stale = [name for name, row in rows.items() if row.is_stale]
    if stale:
        undo_reasons(trial, stale[number % len(stale)])


def undo_reasons(trial: Trial, name: str) -> None:
    """Undo what the reasons of one asset name, and expect it to be fresh."""
    model = trial.model
    tables = trial.tables()
    row = model.rows(tables)[name]
    recipe = tables[name].recipe or trial.last_recipe(name)
    if recipe is None or recipe.spec is None or trial.unsure(tables):
        return
    names = [*model.specs]
    known = {*model.sources, *names[: names.index(name)]}
    if any(seen is None or read not in known for _, read, seen in recipe.inputs):
        return  # it read what is no more, or what no data is like
    trial.restore(recipe)
    undo_code(trial, recipe)
    model.sources |= {n: text for _, n, text in recipe.inputs if n in model.sources}
    trial.write()
    for _, read, seen in recipe.inputs:
        if read not in model.sources and not undo_upstream(trial, read, seen):
            return
    now = model.rows(trial.tables())[name]
    left = {code for code, _ in now.reasons} - {"last-build-failed"}
    assert not left, f"undoing {sorted(row.reasons)} left {sorted(left)}"
    for code, _ in row.reasons:
        EVENTS[f"undone: {code}"] += 1


def undo_code(trial: Trial, recipe: Recipe) -> None:
    """Give an asset the code and the surroundings that it had."""
    model = trial.model
    model.specs[recipe.name] = copy.deepcopy(recipe.spec)
    for constant in ("HELPER", "TWEAK", "BASE"):
        text = recipe.parts.get((constant, False))
        if text is None:
            continue
        if constant == "BASE" and model.shadow is not None:
            model.shadow = int(text)
        else:
            model.constants[constant] = int(text)
    for path, text in {**recipe.declared, **recipe.observed}.items():
        model.notes.pop(path, None)
        if text is not None:
            model.notes[path] = text
    for variable in recipe.variables.values():
        model.region = variable
    for release in recipe.packages.values():
        model.release = release


def undo_upstream(trial: Trial, name: str, value: str | None) -> bool:
    """Bring back a fresh table of a value; return whether there is one."""
    rows = trial.model.rows(trial.tables())
    if rows[name].content == value:
        return True
    for recipe, _, _ in reversed(trial.made.values()):
        if recipe.name == name and recipe.value == value:
            trial.restore(recipe)
            if trial.model.rows(trial.tables())[name].content == value:
                return True
    return False
