"""A table is read whole although builds put others in its place meanwhile."""

from __future__ import annotations

import pytest
from space import TEXTS, TestSpace

from assetmake.errors import StoreError
from assetmake.frames import Frames
from assetmake.project import open_project
from assetmake.stores.reading import READS, read_whole


@pytest.fixture
def space(tmp_path):
    space = TestSpace(tmp_path)
    space.write({"Assetfile.py": TEXTS, "raw.txt": "some words\n"})
    space.built()
    return space


@pytest.fixture
def changing(space, monkeypatch):
    """Build `upper` anew behind each of the first reads of it, as often as told."""
    todo = []
    chosen = Frames.for_annotation

    class Slow:
        def __init__(self, handler):
            self.handler = handler

        def load(self, stored, annotation):
            value = self.handler.load(stored, annotation)
            if todo:
                text, error = todo.pop()
                space.write({"raw.txt": text})
                space.built()
                if error is not None:
                    raise error
            return value

    def slow(self, *args, reading=False):
        handler = chosen(self, *args, reading=reading)
        # Builds ask by the same way, in this process.
        return Slow(handler) if reading and todo else handler

    monkeypatch.setattr(Frames, "for_annotation", slow)
    return todo


READERS = {
    "load": lambda project: project.load("upper"),
    "inputs": lambda project: project.inputs("length")["upper"],
}


@pytest.mark.parametrize("error", [None, FileNotFoundError("part-00001.parquet")])
@pytest.mark.parametrize("reader", READERS)
def test_it_is_read_again(space, changing, reader, error):
    project = open_project(space.root)
    changing.append(("other words\n", error))

    assert READERS[reader](project) == "OTHER WORDS\n"


def test_a_failure_of_a_table_that_stayed_is_told_at_once(space):
    project, reads = open_project(space.root), []

    def read(name):
        reads.append(name)
        raise FileNotFoundError(name)

    with pytest.raises(FileNotFoundError):
        read_whole(project.store, "upper", read)

    assert reads == ["upper"]


@pytest.mark.slow
def test_there_is_an_end_to_it(space):
    """Nothing is read by the name of a build that is never done."""
    project, reads = open_project(space.root), []

    def read(name):
        reads.append(name)
        space.write({"raw.txt": f"{len(reads)}\n"})
        space.built()

    with pytest.raises(StoreError, match="built anew each of 10 times"):
        read_whole(project.store, "upper", read)

    assert len(reads) == READS
