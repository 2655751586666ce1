"""The documentation: what it shows is what happens, and it leaves nothing out."""

from __future__ import annotations

import dataclasses
import importlib.util
import inspect
import re
import shutil
import sys
import tomllib
from pathlib import Path

import click
import pytest

import assetmake
from assetmake import errors
from assetmake.cli.main import main
from assetmake.config import Config
from assetmake.render import jsons
from assetmake.status.rows import REASONS, State
from assetmake.stores.manifest import Manifest, Output
from assetmake.words.options import ASSET_OPTIONS, CHECK_OPTIONS, SOURCE_OPTIONS

ROOT = Path(__file__).parents[1]
DOCS = ROOT / "docs"
PAGES = [ROOT / "README.md", *sorted(DOCS.rglob("*.md"))]
GUIDES = sorted((DOCS / "how-to").glob("*.md"))


def text(page: str) -> str:
    """Return a page below `docs/`."""
    return (DOCS / page).read_text(encoding="utf-8")


def script(name: str):
    """Return a script below `docs/` as a module."""
    spec = importlib.util.spec_from_file_location(name, DOCS / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module  # dataclasses look their module up there
    spec.loader.exec_module(module)
    return module


run_page = script("run_page")


@pytest.fixture(scope="module")
def after_tutorial(tmp_path_factory):
    """Return a project as the tutorial leaves it, and the tutorial as it ran."""
    root = tmp_path_factory.mktemp("tutorial") / "weather"
    return root, run_page.run(DOCS / "tutorial.md", root)


@pytest.mark.slow
def test_tutorial_shows_what_happens(after_tutorial):
    """Every command of the tutorial prints what stands below it."""
    _, (shown, printed) = after_tutorial

    assert printed == shown


@pytest.mark.slow
@pytest.mark.parametrize(
    "page",
    [
        pytest.param(page, marks=pytest.mark.spark if page.stem == "spark" else ())
        for page in GUIDES
    ],
    ids=lambda page: page.stem,
)
def test_guide_shows_what_happens(page, after_tutorial, tmp_path):
    """Every command of a guide prints what stands below it."""
    root = tmp_path / "weather"
    shutil.copytree(after_tutorial[0], root)

    shown, printed = run_page.run(page, root)

    assert printed == shown


@pytest.mark.slow
def test_readme_shows_what_happens(tmp_path):
    """The example of the README prints what stands below it."""
    shown, printed = run_page.run(ROOT / "README.md", tmp_path / "weather")

    assert printed == shown


def test_runner_notices_another_output(tmp_path):
    """What is printed is put in the place of what is shown, if it differs."""
    project = run_page.Project(tmp_path / "weather")
    page = "```console\n$ echo one\n{}\n$ (exit 3)\n$ echo $?\n3\n```\n"

    assert project.run(page.format("one")) == page.format("one")
    assert project.run(page.format("two")) == page.format("one")


def test_runner_notices_an_edit_that_does_not_fit(tmp_path):
    """The lines that a ``diff`` block takes away have to stand in the file."""
    project = run_page.Project(tmp_path / "weather")
    project.run("```python a.py\nx = 1\n```\n")

    with pytest.raises(ValueError, match="stands 0 times"):
        project.run("```diff a.py\n-x = 2\n+x = 3\n```\n")


def anchors(page: Path) -> set[str]:
    """Return the anchors that a page's headings give, as GitHub makes them."""
    headings = re.findall(r"^#+ (.*)$", page.read_text(encoding="utf-8"), re.MULTILINE)
    return {
        re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")
        for heading in headings
    }


@pytest.mark.parametrize(
    "page",
    [*PAGES, ROOT / "CONTRIBUTING.md", ROOT / "data" / "README.md"],
    ids=lambda page: page.relative_to(ROOT).as_posix(),
)
def test_links_lead_somewhere(page):
    """Each relative link names a file, and a heading in it."""
    prose = re.sub(r"```.*?```", "", page.read_text(encoding="utf-8"), flags=re.DOTALL)
    for link in re.findall(r"\]\(([^)\s]+)\)", prose):
        if link.startswith("https://"):
            continue
        name, _, anchor = link.partition("#")
        file = page.parent / name if name else page
        assert file.exists(), link
        assert not anchor or anchor in anchors(file), link


def test_pages_are_reached_from_the_index():
    """No page is written for nobody."""
    linked = set(re.findall(r"\]\(([^)#]+\.md)\)", text("index.md")))

    pages = {page.relative_to(DOCS).as_posix() for page in DOCS.rglob("*.md")}

    assert pages - {"index.md"} == linked


def blocks(language: str):
    """Return the blocks of a language on all pages, with the page's name."""
    return [
        pytest.param(block.text, id=f"{page.stem}:{number}")
        for page in PAGES
        for number, block in enumerate(
            run_page.blocks(page.read_text(encoding="utf-8"))
        )
        if block.language == language
    ]


@pytest.mark.parametrize("code", blocks("python"))
def test_python_blocks_compile(code):
    """Also those that no page runs."""
    compile(code, "block", "exec")


@pytest.mark.parametrize("toml", blocks("toml"))
def test_toml_blocks_parse(toml):
    """Also those that no page uses."""
    assert tomllib.loads(toml)


def test_command_line_reference_is_current():
    """`python docs/make_cli.py` would change nothing."""
    assert text("reference/cli.md") == script("make_cli").page()


def options() -> list[str]:
    """Return every spelling of every option of the command."""
    return [
        spelling
        for option in main.params
        if isinstance(option, click.Option) and not option.hidden
        for spelling in option.opts
    ]


@pytest.mark.parametrize("option", options())
def test_option_is_documented(option):
    """In the reference of the command line, by each of its spellings."""
    assert re.search(rf"(?<![\w-]){re.escape(option)}\b", text("reference/cli.md"))


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_pages_name_options_that_exist(page):
    """In commands and in prose."""
    shown = re.findall(r"assetmake [^`|#\n]*", page.read_text(encoding="utf-8"))
    named = {word for line in shown for word in re.findall(r"(?<=\s)--?[\w-]+", line)}

    assert named <= {*options(), "--help", "-h", "-n", "--no-deps"}


@pytest.mark.parametrize("code", REASONS)
def test_reason_has_an_anchor(code):
    """`reasons.md#code` is where a message may point to."""
    assert code in anchors(DOCS / "reference" / "reasons.md")


def test_no_other_reason_is_documented():
    """A code that was removed is gone from the page as well."""
    assert anchors(DOCS / "reference" / "reasons.md") == {"reasons", *REASONS}


def test_reasons_are_in_the_order_in_which_they_are_given():
    """The page says so."""
    headings = re.findall(r"^## `(.*)`$", text("reference/reasons.md"), re.MULTILINE)

    assert headings == list(REASONS)


@pytest.mark.parametrize("state", State)
def test_state_is_documented(state):
    """In the glossary and on the page of reasons."""
    assert state in text("explanation/glossary.md")
    assert state in text("reference/reasons.md")


def error_classes() -> list[str]:
    """Return the names of all error classes."""
    return [
        name
        for name, value in vars(errors).items()
        if inspect.isclass(value) and issubclass(value, errors.AssetmakeError)
    ]


def test_every_error_class_is_documented_and_no_other():
    """One row of the table for each."""
    rows = re.findall(r"^\| `(\w+)` \|", text("reference/errors.md"), re.MULTILINE)

    assert rows == error_classes()


@pytest.mark.parametrize("name", assetmake.__all__)
def test_public_name_is_documented(name):
    """In the reference of Python or of the Assetfile."""
    pages = text("reference/python.md") + text("reference/assetfile.md")

    assert re.search(rf"`(assetmake\.)?{name}\b", pages)


def members(cls: type) -> list[str]:
    """Return the public methods and properties that a class defines itself."""
    return [name for name in vars(cls) if not name.startswith("_")]


@pytest.mark.parametrize("member", members(assetmake.Project))
def test_member_of_project_is_documented(member):
    """Each method and property has its row."""
    assert re.search(rf"`\.?{member}\b", text("reference/python.md"))


@pytest.mark.parametrize("option", [*ASSET_OPTIONS, *SOURCE_OPTIONS, *CHECK_OPTIONS])
def test_option_of_asset_or_source_is_documented(option):
    """Each has its row."""
    rows = re.findall(r"^\| (`.*`) \|", text("reference/assetfile.md"), re.MULTILINE)
    named = {name for row in rows for name in re.findall(r"`(\w+)`", row)}

    assert option == "name" or option in named


def test_every_setting_is_documented():
    """Each key of `[tool.assetmake]` has its row."""
    page = text("reference/configuration.md").partition("## Variables")[0]
    rows = re.findall(r"^\| `(\w+)` \|", page, re.MULTILINE)
    own = {"environment", "project"}  # is chosen by an option; stands elsewhere
    fields = {field.name for field in dataclasses.fields(Config)} - own

    assert set(rows) == fields | {"env"}


def test_keys_of_json_are_documented(tmp_path):
    """Those of a row and an outcome, of a build that went well, and its reasons."""
    (tmp_path / "Assetfile.py").write_text(
        "from assetmake import asset\n@asset\ndef word() -> str:\n    return 'a'\n"
    )
    project = assetmake.open(tmp_path)
    missing = jsons.status_keys(project.status(), [], [])
    built = jsons.build_keys(project.build(), 0.0)
    planned = jsons.plan_keys(project.plan())
    page = text("reference/json.md")

    named = {*missing, *built, *planned}
    for record in (*missing["tables"], *built["outcomes"]):
        named |= record.keys()
    named |= missing["tables"][0]["reasons"][0].keys()

    assert {name for name in named if f"`{name}`" not in page} == set()
    assert f"`version` is {jsons.VERSION};" in page


def test_every_field_of_a_manifest_is_documented():
    """By the names that the JSON has, read from a real manifest's keys."""
    rows = set(
        re.findall(
            r"^\| `([\w.\[\]]+)` \|", text("reference/manifest.md"), re.MULTILINE
        )
    )

    assert rows == set(manifest_keys())


def manifest_keys() -> list[str]:
    """Return the dotted names of all keys that a manifest's JSON has."""
    import json

    from assetmake.code.parts import Part, Place
    from assetmake.stores.manifest import CheckRecord, InputRecord, dump_manifest

    part = Part("f", "asset", Place("Assetfile.py", 1), "code-1:", "def f(): ...")
    output = Output("str", "text", "", "bytes-1:", {}, extra={})
    manifest = Manifest(
        "f", "code-1:", (part,), {}, (InputRecord("a", "a", ""),), {}, {}, {}, {},
        output, "2026-01-01T00:00:00Z", 0.0,
        checks=(CheckRecord("c", Place("Assetfile.py", 1), "warn", None, "code-1:"),),
    )  # fmt: skip
    tree = json.loads(dump_manifest(manifest))
    named = []
    for key, value in tree.items():
        inner = value if isinstance(value, dict) else {}
        if key in ("inputs", "checks"):
            named += [key, *(f"{key}[].{name}" for name in value[0])]
        elif key == "code":
            named += [f"code.{name}" for name in value]
            named += [f"code.parts[].{name}" for name in value["parts"][0]]
        elif inner:
            named += [f"{key}.{name}" for name in inner]
        else:
            named.append(key)
    return named
