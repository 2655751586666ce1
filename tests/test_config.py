"""`[tool.assetmake]`: what it may say, and what it is told when it says else."""

from __future__ import annotations

import pytest

from assetmake.config import Config, load_config, store_directory
from assetmake.errors import ConfigError
from assetmake.project import open_project

ALL = """
[tool.other]
x = 1
[tool.assetmake]
root = "tables"
format = "csv"
jobs = 2
memory = "8G"
packages = ["tidy"]
[tool.assetmake.spark]
"spark.ui.enabled" = false
spark.sql.shuffle.partitions = 4
[tool.assetmake.env.prod]
root = "/srv/tables"
jobs = "auto"
spark.master = "local[2]"
"""


def write(folder, text):
    (folder / "pyproject.toml").write_text(text)
    return folder


def test_no_file_and_no_table_give_the_defaults(tmp_path):
    assert load_config(tmp_path) == Config()
    assert load_config(write(tmp_path, "[project]\nname = 'x'\n")) == Config()


def test_every_setting_is_read(tmp_path):
    assert load_config(write(tmp_path, ALL)) == Config(
        root="tables",
        format="csv",
        jobs=2,
        memory="8G",
        packages=("tidy",),
        spark={"spark.ui.enabled": "false", "spark.sql.shuffle.partitions": "4"},
    )


def test_an_environment_changes_what_it_names_and_adds_to_spark(tmp_path):
    assert load_config(write(tmp_path, ALL), "prod") == Config(
        root="/srv/tables",
        format="csv",
        jobs=0,
        memory="8G",
        packages=("tidy",),
        spark={
            "spark.ui.enabled": "false",
            "spark.sql.shuffle.partitions": "4",
            "spark.master": "local[2]",
        },
        environment="prod",
        project=tmp_path.name,
    )


@pytest.mark.parametrize(
    ("text", "message", "hint"),
    [
        ("[tool.assetmake]\nformt = 'csv'", "no setting `formt`", "`format`"),
        ("[tool.assetmake]\nzzz = 1", "no setting `zzz`", "known settings: root"),
        ("[tool.assetmake]\nformat = 'xls'", "format` is 'xls'", '"parquet" or "csv"'),
        ("[tool.assetmake]\njobs = 0", "jobs` is 0", '"auto"'),
        ("[tool.assetmake]\njobs = true", "jobs` is True", '"auto"'),
        ("[tool.assetmake]\nmemory = 8", "memory` is 8", '"8G"'),
        ("[tool.assetmake]\nmemory = 'much'", "memory` is 'much'", '"50%"'),
        ("[tool.assetmake]\nroot = ''", "root` is ''", "directory"),
        ("[tool.assetmake]\npackages = 'tidy'", "packages` is 'tidy'", "a list"),
        (
            "[tool.assetmake]\npackages = ['tidy>=2']",
            "packages` is ['tidy>=2']",
            "a list of distribution names, without versions",
        ),
        ("[tool.assetmake]\nspark = 1", "spark` is 1", "a table"),
        ("[tool.assetmake.spark]\nx = [1]", "spark.x` is [1]", "text"),
        ("[tool]\nassetmake = 1", "is not a table", "[tool.assetmake]"),
        ("[tool.assetmake]\nenv = 1", "is not a table", "[tool.assetmake.env.NAME]"),
        ("[tool.assetmake.env]\nprod = 1", "env.prod` is not a table", "env.prod]"),
        ("[tool.assetmake.env.prod]\nrot = 'x'", "no setting `rot`", "`root`"),
        ("[tool.assetmake\n", "pyproject.toml: ", "mend the TOML"),
    ],
)
def test_what_cannot_be_used_is_told_with_a_way_out(tmp_path, text, message, hint):
    with pytest.raises(ConfigError) as caught:
        load_config(write(tmp_path, text))

    assert message in str(caught.value)
    assert hint in caught.value.hints[0]


@pytest.mark.parametrize(
    ("name", "hint"),
    [("prd", "did you mean `prod`?"), ("zzz", "choose one of `prod`")],
)
def test_an_unknown_environment_is_an_error(tmp_path, name, hint):
    with pytest.raises(ConfigError) as caught:
        load_config(write(tmp_path, ALL), name)

    assert str(caught.value) == f"no environment is named `{name}` in pyproject.toml"
    assert caught.value.hints == (hint,)


def test_an_environment_without_any_tells_how_to_add_it(tmp_path):
    with pytest.raises(ConfigError) as caught:
        load_config(tmp_path, "prod")

    assert "[tool.assetmake.env.prod]" in caught.value.hints[0]


@pytest.mark.parametrize(
    ("root", "says"),
    [
        ("notes", "/notes, which is a file"),
        ("notes/tables", "/notes/tables: that leads through a file"),
        ("/", " /, the top of the file system"),
        ("//", " //, the top of the file system"),
    ],
)
@pytest.mark.parametrize("environment", ["", "prod"])
def test_a_root_that_is_no_place_for_a_store_is_told_at_once(
    tmp_path, root, says, environment
):
    """`-n` looked fine, a build gave a wrong hint, and `/` was walked as a whole."""
    table = f"tool.assetmake.env.{environment}" if environment else "tool.assetmake"
    (tmp_path / "notes").write_text("mine")
    (tmp_path / "Assetfile.py").touch()
    (tmp_path / "pyproject.toml").write_text(f'[{table}]\nroot = "{root}"\n')

    with pytest.raises(ConfigError) as raised:
        open_project(tmp_path, environment=environment)

    assert str(raised.value).endswith(says)
    (hint,) = raised.value.hints
    assert hint.startswith("name a directory of its own as `root` of `tool.assetmake`")
    assert f"`{table}`" in hint


def test_a_file_in_the_place_of_the_default_root_is_told(tmp_path):
    (tmp_path / "data").write_text("mine")
    (tmp_path / "Assetfile.py").touch()

    with pytest.raises(ConfigError, match="/data, which is a file"):
        open_project(tmp_path)


@pytest.mark.parametrize("root", ["data", "new", "a/b/c", "../elsewhere", "."])
def test_a_root_need_not_be_there(tmp_path, root):
    config = Config(root=root)

    assert store_directory(tmp_path, config) == tmp_path / root
