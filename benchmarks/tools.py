"""How each tool is told of a project: its files, and the commands that run it.

Every asset appends its name to ``ran.log`` when it runs, so that what a tool
executed is counted and not believed.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import textwrap
from pathlib import Path

from projects import SOURCE, SOURCE_CSV, Project

LOG = "ran.log"
_LOG_LINE = 'with open("ran.log", "a") as file: file.write("{name}\\n")'
_HELPERS = """\
import pandas as pd


def load(name):
    return pd.read_csv(f"data/{name}.csv")


def save(name, frame):
    frame.to_csv(f"data/{name}.csv", index=False)
    with open("ran.log", "a") as file:
        file.write(name + "\\n")
"""


class Tool:
    """A tool; a subclass says how it is used.

    Attributes:
        name: As tables show it.
        program: What is looked for among the installed.
        step: How an asset is built: what its figures of a build mean.
        most: More assets than this are not tried.
        state: What a clean start removes beside the data.
    """

    name = ""
    program = ""
    step = "pandas, in process"
    most = 100_000
    state: tuple[str, ...] = ()

    def __init__(self, program: str) -> None:
        self.path = program

    def write(self, project: Project, root: Path) -> None:
        """Write every file that defines the project."""
        raise NotImplementedError

    def rewrite(self, project: Project, name: str, root: Path) -> None:
        """Write what holds the code of one asset."""
        del name
        self.write(project, root)

    def build(self) -> list[str]:
        """Return the command that brings everything up to date."""
        raise NotImplementedError

    def status(self) -> list[str] | None:
        """Return the command that tells what is stale; None if there is none."""
        return None

    def environ(self, root: Path) -> dict[str, str]:
        """Return the environment of its commands."""
        path = os.pathsep.join([str(Path(self.path).parent), os.defpath, "/usr/bin"])
        return {"PATH": path, "HOME": str(root / "home"), "LANG": "C.UTF-8"}

    def begin(self, project: Project, root: Path) -> None:
        """Write a project of which nothing is built."""
        shutil.rmtree(root, ignore_errors=True)
        (root / "data").mkdir(parents=True)
        (root / "home").mkdir()
        (root / "data" / f"{SOURCE}.csv").write_text(SOURCE_CSV)
        self.write(project, root)


class Assetmake(Tool):
    """This tool, one Assetfile."""

    name = program = "assetmake"

    def write(self, project: Project, root: Path) -> None:
        lines = ["from assetmake import asset, source"]
        lines.append(f'{SOURCE} = source("{SOURCE}", path="data/{SOURCE}.csv")')
        lines += ["def log(name):", '    file = open("ran.log", "a")']
        lines += ['    file.write(name + "\\n")']
        for name, reads in project.reads.items():
            lines += ["", "", "@asset", f"def {name}({', '.join(reads)}):"]
            lines += [f"    {line}" for line in project.body(name)]
            lines += [f'    log("{name}")', "    return out"]
        (root / "Assetfile.py").write_text("\n".join(lines) + "\n")
        if not (root / "pyproject.toml").exists():
            (root / "pyproject.toml").write_text('[tool.assetmake]\nroot = "store"\n')

    def build(self) -> list[str]:
        return [self.path]

    def status(self) -> list[str]:
        return [self.path, "--status"]

    def environ(self, root: Path) -> dict[str, str]:
        found = super().environ(root)
        if "PYTHONPATH" in os.environ:  # a checkout that is not installed
            found["PYTHONPATH"] = os.environ["PYTHONPATH"]
        return found


class Shell(Tool):
    """Tools for which an asset is a command over files, two small processes."""

    step = "shell, 2 processes"

    def write(self, project: Project, root: Path) -> None:
        (root / "code").mkdir(exist_ok=True)
        for name in project.reads:
            self.rewrite(project, name, root)

    def rewrite(self, project: Project, name: str, root: Path) -> None:
        text = "\n".join([*project.comments(name), f"{project.constant(name)} {name}"])
        (root / "code" / name).write_text(text + "\n")

    def inputs(self, project: Project, name: str) -> str:
        """Return the files that an asset reads, its code first."""
        reads = project.reads[name]
        return " ".join([f"code/{name}", *(f"data/{read}.csv" for read in reads)])


class Make(Shell):
    """GNU make."""

    name = program = "make"

    def write(self, project: Project, root: Path) -> None:
        super().write(project, root)
        outputs = " ".join(f"data/{name}.csv" for name in project.reads)
        lines = ["MAKEFLAGS += -rR", ".SUFFIXES:", f"all: {outputs}"]
        for name in project.reads:
            lines.append(f"data/{name}.csv: {self.inputs(project, name)}")
            lines.append(f"\t@cat $^ | cksum > $@; echo {name} >> {LOG}")
        (root / "Makefile").write_text("\n".join(lines) + "\n")

    def build(self) -> list[str]:
        return [self.path, "-s"]

    def status(self) -> list[str]:
        return [self.path, "-q"]


class Ninja(Shell):
    """ninja."""

    name = program = "ninja"
    state = (".ninja_log", ".ninja_deps")

    def write(self, project: Project, root: Path) -> None:
        super().write(project, root)
        lines = ["rule step"]
        lines.append(f"  command = cat $in | cksum > $out; echo $name >> {LOG}")
        for name in project.reads:
            lines.append(f"build data/{name}.csv: step {self.inputs(project, name)}")
            lines.append(f"  name = {name}")
        (root / "build.ninja").write_text("\n".join(lines) + "\n")

    def build(self) -> list[str]:
        return [self.path, "-j1", "--quiet"]

    def status(self) -> list[str]:
        return [self.path, "-n", "--quiet"]


class Modules(Tool):
    """Tools for which the code of an asset is a module of its own."""

    place = "assets/{}.py"

    def write(self, project: Project, root: Path) -> None:
        (root / "assets").mkdir(exist_ok=True)
        (root / "helpers.py").write_text(_HELPERS)
        for name in project.reads:
            self.rewrite(project, name, root)

    def rewrite(self, project: Project, name: str, root: Path) -> None:
        (root / self.place.format(name)).write_text(self.module(project, name))

    def module(self, project: Project, name: str) -> str:
        """Return the module of one asset."""
        head = f"def step({', '.join(project.reads[name])}):"
        return "\n".join([head, _indented([*project.body(name), "return out"])]) + "\n"


class Doit(Modules):
    """doit, with JSON for its database: its default is slow without gdbm."""

    name = program = "doit"
    most = 10_000
    state = (".doit.json",)

    def write(self, project: Project, root: Path) -> None:
        super().write(project, root)
        lines = [
            "import importlib",
            'DOIT_CONFIG = {"backend": "json", "dep_file": ".doit.json"}',
            "def run(name, reads):",
            "    from helpers import load, save",
            '    step = importlib.import_module("assets." + name).step',
            "    save(name, step(*map(load, reads)))",
        ]
        for name, reads in project.reads.items():
            files = [self.place.format(name), *(f"data/{read}.csv" for read in reads)]
            lines += [
                f"def task_{name}():",
                f'    return {{"actions": [(run, ["{name}", {list(reads)!r}])],',
                f'            "file_dep": {files!r}, "targets": ["data/{name}.csv"]}}',
            ]
        (root / "dodo.py").write_text("\n".join(lines) + "\n")

    def build(self) -> list[str]:
        return [self.path]

    def status(self) -> list[str]:
        return [self.path, "list", "--all", "--status"]


class Pytask(Modules):
    """pytask; its fingerprint of code is the module."""

    name = program = "pytask"
    most = 1000
    place = "assets/task_{}.py"
    state = (".pytask", "pytask.lock")

    def write(self, project: Project, root: Path) -> None:
        super().write(project, root)
        text = '[tool.pytask.ini_options]\npaths = ["assets"]\n'
        (root / "pyproject.toml").write_text(text)

    def module(self, project: Project, name: str) -> str:
        reads = project.reads[name]
        params = [f'{read}=Path("../data/{read}.csv")' for read in reads]
        params.append(f'produces=Path("../data/{name}.csv")')
        body = [
            *(f"{read} = pd.read_csv({read})" for read in reads),
            *project.body(name),
            "out.to_csv(produces, index=False)",
            _LOG_LINE.format(name=name),
        ]
        head = ["from pathlib import Path", "import pandas as pd"]
        head.append(f"def task_{name}({', '.join(params)}):")
        return "\n".join([*head, _indented(body)]) + "\n"

    def build(self) -> list[str]:
        return [self.path, "build"]

    def status(self) -> list[str]:
        return [self.path, "build", "--dry-run"]


class Dvc(Modules):
    """DVC, as its users have it: a Python process for each asset."""

    name = program = "dvc"
    step = "python and pandas, a process"
    most = 100
    state = ("dvc.lock", ".dvc/cache", ".dvc/tmp", "site-cache")

    def module(self, project: Project, name: str) -> str:
        main = ["import sys", 'sys.path.insert(0, ".")']
        main += ["from helpers import load, save"]
        main += ["save(sys.argv[1], step(*map(load, sys.argv[2:])))"]
        return super().module(project, name) + "\n".join(main) + "\n"

    def write(self, project: Project, root: Path) -> None:
        super().write(project, root)
        lines = ["stages:"]
        for name, reads in project.reads.items():
            files = [self.place.format(name), *(f"data/{read}.csv" for read in reads)]
            command = f"python {self.place.format(name)} {name} {' '.join(reads)}"
            lines += [f"  {name}:", f"    cmd: {command}", "    deps:"]
            lines += [f"    - {file}" for file in files]
            lines += ["    outs:", f"    - data/{name}.csv"]
        (root / "dvc.yaml").write_text("\n".join(lines) + "\n")

    def begin(self, project: Project, root: Path) -> None:
        super().begin(project, root)
        for words in (
            ["init", "-q", "--no-scm"],
            ["config", "core.analytics", "false"],
        ):
            command = [self.path, *words]
            subprocess.run(command, cwd=root, env=self.environ(root), check=True)

    def environ(self, root: Path) -> dict[str, str]:
        own = {"DVC_NO_ANALYTICS": "1", "DVC_SITE_CACHE_DIR": str(root / "site-cache")}
        return super().environ(root) | own

    def build(self) -> list[str]:
        return [self.path, "repro", "-q"]

    def status(self) -> list[str]:
        return [self.path, "status", "-q"]


class Snakemake(Modules):
    """Snakemake with a script a rule: a Python process for each asset."""

    name = program = "snakemake"
    step = "python and pandas, a process"
    most = 100
    state = (".snakemake",)

    def module(self, project: Project, name: str) -> str:
        main = ["import sys", 'sys.path.insert(0, ".")', "import pandas as pd"]
        main += ["from helpers import save"]
        main += [f'save("{name}", step(*map(pd.read_csv, snakemake.input)))']
        return super().module(project, name) + "\n".join(main) + "\n"

    def write(self, project: Project, root: Path) -> None:
        super().write(project, root)
        outputs = [f"data/{name}.csv" for name in project.reads]
        lines = ["rule all:", f"    input: {outputs!r}"]
        for name, reads in project.reads.items():
            files = [f"data/{read}.csv" for read in reads]
            lines += [f"rule {name}:", f"    input: {files!r}"]
            lines += [f'    output: "data/{name}.csv"']
            lines += [f'    script: "{self.place.format(name)}"']
        (root / "Snakefile").write_text("\n".join(lines) + "\n")

    def build(self) -> list[str]:
        return [self.path, "--cores", "1", "--scheduler", "greedy", "-q", "all"]

    def status(self) -> list[str]:
        return [self.path, "-n", "-q"]


TOOLS: tuple[type[Tool], ...] = (
    Assetmake,
    Ninja,
    Make,
    Doit,
    Pytask,
    Dvc,
    Snakemake,
)


def installed(places: list[str]) -> list[Tool]:
    """Return the tools that are found: beside this Python, in `places`, on PATH."""
    search = [str(Path(sys.executable).parent), *places, os.environ.get("PATH", "")]
    found = []
    for kind in TOOLS:
        program = shutil.which(kind.program, path=os.pathsep.join(search))
        if program is not None:
            found.append(kind(os.path.abspath(program)))
    return found


def _indented(lines: list[str]) -> str:
    return textwrap.indent("\n".join(lines), "    ")
