"""What a stream can show, and writing to one that is closed or full."""

from __future__ import annotations

import io
import os

import pytest

from assetmake.cli.terminal import ClosedError, Stream, wants_color
from assetmake.errors import AssetmakeError


class Terminal(io.StringIO):
    """A stream that says it is a terminal."""

    encoding = "utf-8"

    def isatty(self):
        """Return what a terminal does."""
        return True


@pytest.mark.parametrize(
    ("when", "environ", "is_terminal", "expected"),
    [
        ("auto", {}, True, True),
        ("auto", {}, False, False),
        ("auto", {"NO_COLOR": "1"}, True, False),
        ("auto", {"NO_COLOR": ""}, True, True),
        ("auto", {"FORCE_COLOR": "1"}, False, True),
        ("auto", {"FORCE_COLOR": "1", "NO_COLOR": "1"}, True, False),
        ("auto", {"TERM": "dumb"}, True, False),
        ("auto", {"TERM": "dumb", "FORCE_COLOR": "1"}, True, True),
        ("always", {"NO_COLOR": "1"}, False, True),
        ("never", {"FORCE_COLOR": "1"}, True, False),
    ],
)
def test_colours_follow_option_then_variables_then_stream(
    when, environ, is_terminal, expected
):
    assert wants_color(when, environ, is_terminal=is_terminal) is expected


@pytest.mark.parametrize(
    ("stream", "environ", "expected"),
    [
        (Terminal(), {}, True),
        (Terminal(), {"CI": "true"}, False),
        (Terminal(), {"PRE_COMMIT": "1"}, False),
        (Terminal(), {"TERM": "dumb"}, False),
        (Terminal(), {"NO_COLOR": "1"}, True),
        (io.StringIO(), {}, False),
    ],
)
def test_a_line_lives_only_where_a_person_watches(stream, environ, expected):
    assert Stream(stream, environ, "auto").can_live() is expected


@pytest.mark.parametrize(
    ("environ", "width"),
    [
        ({}, 80),
        ({"COLUMNS": "120"}, 120),
        ({"COLUMNS": "0"}, 80),
        ({"COLUMNS": "5"}, 40),
    ],
)
def test_width_is_that_of_the_variable_or_80(environ, width):
    assert Stream(io.StringIO(), environ, "auto").look().width == width


def test_a_terminal_of_no_columns_has_80(monkeypatch):
    """pre-commit gives its hooks such a one."""
    monkeypatch.setattr(os, "get_terminal_size", lambda _: os.terminal_size((0, 0)))
    stream = Terminal()
    stream.fileno = lambda: 1

    assert Stream(stream, {}, "auto").look().width == 80


def test_an_ascii_stream_shows_other_characters_escaped():
    raw = io.BytesIO()
    stream = Stream(io.TextIOWrapper(raw, encoding="ascii"), {}, "auto")

    stream.line("Zürich")

    assert raw.getvalue() == b"Z\\xfcrich\n"
    assert not stream.look().unicode


def drain(file):
    """Let what is left in a buffer go nowhere, so that the file can be closed."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, file.fileno())
    os.close(nowhere)


def test_a_reader_that_is_gone_is_told_apart():
    reading, writing = os.pipe()
    os.close(reading)
    with open(writing, "w") as file:
        with pytest.raises(ClosedError):
            Stream(file, {}, "auto").line("x")
        drain(file)


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="needs /dev/full")
def test_a_full_disk_is_no_matter_where_errors_are_told():
    with open("/dev/full", "w") as file:
        Stream(file, {}, "auto", may_fail=True).line("x")
        drain(file)


def test_a_stream_that_was_closed_takes_everything():
    Stream(None, {}, "auto").line("x")


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="needs /dev/full")
def test_a_full_disk_is_an_error_with_a_reason():
    with open("/dev/full", "w") as file:
        with pytest.raises(AssetmakeError, match="No space left on device"):
            Stream(file, {}, "auto").line("x")
        drain(file)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain text, Zürich 表\t\n", "plain text, Zürich 表\t\n"),
        ("a\x1b[2Jb", r"a\x1b[2Jb"),
        ("a\x1b]0;title\x07", r"a\x1b]0;title\x07"),
        ("a\x9b31m\x7f\r\x00", r"a\x9b31m\x7f\r\x00"),
        ("a\u202eb\u200bc\u2066\ufeff", r"a\u202eb\u200bc\u2066\ufeff"),
        ("\x1b[31mred\x1b[0m", "\x1b[31mred\x1b[0m"),
        ("\x1b[31mr\x1b[8med\x1b[0m", "\x1b[31mr\\x1b[8med\x1b[0m"),
        ("\r\x1b[Ka\r\x1b[K\n", "\r\x1b[Ka\\r\\x1b[K\n"),
    ],
)
def test_nothing_reaches_a_terminal_that_it_would_obey(text, shown):
    """But for colours, and for the live line that a text begins with."""
    stream = Terminal()

    Stream(stream, {}, "always").write(text)

    assert stream.getvalue() == shown


def test_without_colours_nobody_else_gives_any():
    stream = io.StringIO()

    Stream(stream, {}, "never").write("\x1b[31mred\x1b[0m")

    assert stream.getvalue() == r"\x1b[31mred\x1b[0m"
