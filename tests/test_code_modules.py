"""How modules are found: as Python would import them, without importing."""

from __future__ import annotations

import sys
from types import SimpleNamespace

import pytest

from assetmake.code.modules import Leaf, Module, Modules
from assetmake.code.sources import Sources


def modules(root, files=(), search_path=()):
    """Return the modules of a project that has some files, each holding its path."""
    for file in files:
        path = root / file
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"WHERE = {file!r}\n")
    entry = root / "Assetfile.py"
    return Modules(Sources(), str(root), str(entry), [str(p) for p in search_path])


def found(modules, name):
    """Return the file of a module, or the leaf."""
    result = modules.find(name)
    return str(result) if isinstance(result, Leaf) else result.file


@pytest.mark.parametrize(
    ("files", "name", "expected"),
    [
        (["m.py"], "m", "m.py"),
        (["m.py", "m/__init__.py"], "m", "m/__init__.py"),
        (["m.py", "m/n.py"], "m", "m.py"),
        (["m/n.py"], "m.n", "m/n.py"),
        (["m/n.py"], "m", "m"),
        (["m/__init__.py", "m/n/__init__.py", "m/n/o.py"], "m.n.o", "m/n/o.py"),
        (["m/__init__.py"], "m.n", "missing:n"),
        (["m.py"], "m.n", "missing:n"),
        ([], "pandas.core", "ext:pandas.core"),
        ([], "nowhere.to.be.found", "ext:nowhere.to.be.found"),
        (["json.py"], "json", "json.py"),
        (["sys.py"], "sys", "ext:sys"),
        (["assetmake.py"], "assetmake", "ext:assetmake"),
        (["pytest/data.py"], "pytest", "ext:pytest"),
        (["deep/down/one.py"], "one", "deep/down/one.py"),
        (["deep/one.py", "deeper/one.py"], "one", "ext:one"),
        (["deep/pytest.py"], "pytest", "ext:pytest"),
        ([".venv/one.py", "node_modules/one.py"], "one", "ext:one"),
        (["env/pyvenv.cfg", "env/lib/one.py"], "one", "ext:one"),
        (["data/t/_SUCCESS", "data/t/one.py"], "one", "ext:one"),
    ],
)
def test_names_lead_to_files(tmp_path, files, name, expected):
    """Packages before modules, the project before what is installed."""
    assert found(modules(tmp_path, files), name) == expected


@pytest.mark.parametrize(
    ("base", "expected"),
    [
        (".:n", ("a.b", "n")),
        (".n:f", ("a.b.n", "f")),
        ("..:n", ("a", "n")),
        ("..n:f", ("a.n", "f")),
        ("...:n", ("", "n")),
        ("x.y:f", ("x.y", "f")),
        ("x.y", ("x.y", "")),
    ],
)
def test_relative_names_begin_at_the_package(tmp_path, base, expected):
    """One dot is the module's own package; above the top there is nothing."""
    known = modules(tmp_path, ["a/__init__.py", "a/b/__init__.py", "a/b/c.py"])

    assert known.absolute(known.find("a.b.c"), base) == expected


def test_code_outside_of_the_project_is_code_unless_installed(tmp_path):
    """A path install counts; what lies in site-packages does not."""
    root, outside = tmp_path / "project", tmp_path / "other"
    installed = tmp_path / "lib" / "site-packages"
    for directory in (outside, installed):
        (directory / "pkg").mkdir(parents=True)
        (directory / "pkg" / "__init__.py").write_text("")
        (directory / "pkg" / "m.py").write_text("")
    root.mkdir()

    assert found(modules(root, search_path=[outside]), "pkg.m") == "pkg/m.py"
    assert found(modules(root, search_path=[installed]), "pkg.m") == "ext:pkg.m"


def test_an_editable_install_is_found_through_its_finder(tmp_path, monkeypatch):
    """Build backends put a finder of their own on `sys.meta_path`."""
    origin = tmp_path / "elsewhere" / "lib" / "__init__.py"
    origin.parent.mkdir(parents=True)
    origin.write_text("")
    spec = SimpleNamespace(origin=str(origin))
    finder = SimpleNamespace(
        find_spec=lambda name, _path: spec if name == "lib" else None
    )
    monkeypatch.setattr(sys, "meta_path", [*sys.meta_path, finder])
    (tmp_path / "project").mkdir()

    assert found(modules(tmp_path / "project"), "lib") == "lib/__init__.py"


def test_a_finder_that_fails_is_passed_over(tmp_path, monkeypatch):
    """Any library may hook imports, and its hooks may raise."""

    def fail(*_args):
        raise RuntimeError

    finder = SimpleNamespace(find_spec=fail)
    monkeypatch.setattr(sys, "meta_path", [*sys.meta_path, finder])

    assert found(modules(tmp_path), "nowhere") == "ext:nowhere"


def test_what_is_looked_for_in_vain_is_remembered(tmp_path):
    """A file that appears there would shadow what is used now."""
    known = modules(tmp_path, ["m.py"])

    known.find("m")
    known.find("pandas")

    missed = {str(tmp_path / name) for name in ("m", "pandas", "pandas.py")}
    assert missed <= known.sources.looked_for
    assert known.sources.is_current()
    (tmp_path / "pandas.py").write_text("")
    assert not known.sources.is_current()


def test_a_binary_module_goes_by_its_bytes(tmp_path):
    """What cannot be read as source is told apart by its digest."""
    one, other = modules(tmp_path / "a"), modules(tmp_path / "b")
    for top, data in (("a", b"1"), ("b", b"2")):
        (tmp_path / top).mkdir()
        (tmp_path / top / "fast.cpython-311-x86_64-linux-gnu.so").write_bytes(data)

    leaves = {str(item.find("fast")) for item in (one, other)}

    assert len(leaves) == 2
    assert all(leaf.startswith("binary:fast:") for leaf in leaves)


def test_a_path_is_found_under_the_name_it_is_imported_by(tmp_path):
    """A function tells its file; relative imports need the module's name."""
    known = modules(tmp_path, ["a/__init__.py", "a/m.py", "loose dir/n.py"])

    by_path = known.at(str(tmp_path / "a" / "m.py"))

    assert isinstance(by_path, Module)
    assert by_path.name == "a.m"
    assert known.find("a.m") is by_path
    assert known.at(str(tmp_path / "a" / "__init__.py")).name == "a"
    assert known.at(str(tmp_path / "nowhere.py")) is None
    assert known.at("<string>") is None
