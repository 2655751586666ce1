"""The layers of the package: those drawn in the documentation are the real ones."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

import assetmake

PACKAGE = Path(assetmake.__file__).parent
PAGE = Path(__file__).parents[1] / "docs" / "explanation" / "architecture.md"


def drawing(name: str) -> str:
    """Return one of the drawings of the page."""
    found = re.search(rf"```text {name}\n(.*?)```", PAGE.read_text("utf-8"), re.DOTALL)
    assert found
    return found[1]


def drawn() -> dict[str, int]:
    """Return the height of each module or package in the drawing, 0 at the bottom.

    A line of it begins with names, `a, b` or `a/`, and goes on behind two spaces.
    """
    lines = reversed(drawing("layers").splitlines())
    return {
        name.removesuffix("/"): height
        for height, line in enumerate(lines)
        for name in line.partition("  ")[0].split(", ")
    }


def module_name(file: Path) -> str:
    """Return the dotted name of a file below the package, without `assetmake.`."""
    parts = file.relative_to(PACKAGE).with_suffix("").parts
    return ".".join(part for part in parts if part != "__init__")


MODULES = {module_name(file): file for file in sorted(PACKAGE.rglob("*.py"))}


def imported(tree: ast.AST) -> Iterator[str]:
    """Yield what a module imports of the package, wherever the import stands.

    What only a type checker imports is left out: nothing runs by it.
    """
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING":
            continue
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module:
            assert not node.level, "relative imports are not read here"
            full = [f"{node.module}.{alias.name}" for alias in node.names]
            names = [
                name if name.removeprefix("assetmake.") in MODULES else node.module
                for name in full
            ]
        else:
            yield from imported(node)
            continue
        for name in names:
            if name.partition(".")[0] == "assetmake":
                yield name.removeprefix("assetmake").removeprefix(".")


@dataclass
class Facts:
    """What the tests want to know of a module, so that it is parsed once."""

    edges: list[str]
    names: set[str]
    docstrings: list[str]


def facts(module: str) -> Facts:
    tree = ast.parse(MODULES[module].read_bytes())
    names: set[str] = set()
    docstrings = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            names.add(node.module or "")
        elif isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef):
            docstrings.append(ast.get_docstring(node, clean=False) or "")
    return Facts(sorted(set(imported(tree)) - {module}), names, docstrings)


FACTS = {name: facts(name) for name in MODULES}
EDGES = {name: known.edges for name, known in FACTS.items()}


def unit(module: str) -> str:
    """Return the module or the package right below `assetmake` that it is in."""
    return module.partition(".")[0] or "__init__"


def test_everything_is_drawn_and_exists():
    """A new module gets its place in the drawing, one that is gone leaves it."""
    assert drawn().keys() == {unit(name) for name in MODULES}


@pytest.mark.parametrize("module", [name for name in MODULES if name])
def test_imports_go_downwards(module):
    """Never upwards, nor to a neighbour on the same line."""
    heights = drawn()

    wrong = [
        other
        for other in EDGES[module]
        if unit(other) != unit(module) and heights[unit(other)] >= heights[unit(module)]
    ]

    assert wrong == []


#: Modules of packages from left to right; a line that is indented goes on.
INSIDES = {
    package: modules.split(", ")
    for package, modules in (
        line.split("  ", 1)
        for line in re.sub(r"\n +", " ", drawing("packages")).splitlines()
    )
}


@pytest.mark.parametrize("package", INSIDES)
def test_imports_go_rightwards_inside_a_package(package):
    """Each of its modules is drawn, and imports none to its left."""
    places = {f"{package}.{name}": at for at, name in enumerate(INSIDES[package])}

    assert places.keys() == {n for n in MODULES if n.startswith(f"{package}.")}
    assert [
        (module, other)
        for module in places
        for other in EDGES[module]
        if other in places and places[other] <= places[module]
    ] == []


def test_no_module_imports_itself_in_a_circle():
    """Also not inside of a package, and not through an import in a function."""
    graph = {name: edges for name, edges in EDGES.items() if name}

    try:
        order = list(TopologicalSorter(graph).static_order())
    except CycleError as error:
        pytest.fail(" -> ".join(error.args[1]))
    assert set(order) >= set(graph)


def test_imports_are_found_wherever_they_stand():
    """In functions as well; not those of a type checker alone."""
    code = """
import assetmake.builds.plan
def f():
    from assetmake.cli.main import main
if TYPE_CHECKING:
    from assetmake.builds.listen import Result
"""

    found = set(imported(ast.parse(code)))

    assert found == {"builds.plan", "cli.main"}


LIBRARIES = {"duckdb", "numpy", "pandas", "polars", "pyarrow", "pyspark"}


@pytest.mark.parametrize("module", MODULES)
def test_only_frames_import_libraries_of_frames(module):
    """Everything else goes by the protocol of handlers."""
    found = LIBRARIES & {name.partition(".")[0] for name in FACTS[module].names}

    assert not found or unit(module) == "frames"


@pytest.mark.parametrize("module", MODULES)
def test_docstrings_are_text(module):
    """Python 3.13 compiles none that holds half of a surrogate pair."""
    for docstring in FACTS[module].docstrings:
        docstring.encode()
