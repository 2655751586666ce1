"""Text that fits the columns of a terminal."""

from __future__ import annotations

import doctest

import pytest

from assetmake.messages import cells as cells_module
from assetmake.messages.cells import cells
from assetmake.render import layout
from assetmake.render.layout import Look, cut, cut_middle, pad, safe, safe_lines, wrap

ASCII = Look(unicode=False)


@pytest.mark.parametrize("module", [layout, cells_module])
def test_examples_in_docstrings_hold(module):
    failed, tried = doctest.testmod(module)

    assert (failed, tried > 0) == (0, True)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain", "plain"),
        ("Zürich 東京", "Zürich 東京"),
        ("a\x1b[31mb", "a\\x1b[31mb"),
        ("a\rb\x07", "a\\rb\\x07"),
        ("two\nlines", "two\\nlines"),
        ("\x9b2J", "\\x9b2J"),  # CSI as one byte
        ("abc\u202ecba", "abc\\u202ecba"),  # right-to-left override
        ("\ud800", "\\ud800"),
    ],
)
def test_nothing_in_a_text_is_obeyed_by_a_terminal(text, shown):
    """Names and messages are data, and are shown as such."""
    assert safe(text) == shown


def test_a_progress_bar_leaves_its_last_state():
    assert safe_lines("10%\r50%\r100%\ndone\r\nok\r") == ["100%", "done", "ok"]


@pytest.mark.parametrize(
    ("text", "width", "look", "expected"),
    [
        ("daily_highs", 11, Look(), "daily_highs"),
        ("daily_highs", 8, Look(), "daily_h…"),
        ("daily_highs", 8, ASCII, "daily..."),
        ("東京東京", 6, Look(), "東京…"),
    ],
)
def test_cut_keeps_the_beginning(text, width, look, expected):
    assert cut(text, width, look) == expected


@pytest.mark.parametrize(
    ("text", "width", "look", "expected"),
    [
        ("daily_temperature_highs", 23, Look(), "daily_temperature_highs"),
        ("daily_temperature_highs", 11, Look(), "daily…highs"),
        ("daily_temperature_highs", 11, ASCII, "dail...ighs"),
        ("東京a東京b東京", 7, Look(), "東京…京"),
    ],
)
def test_cut_middle_keeps_both_ends(text, width, look, expected):
    assert cut_middle(text, width, look) == expected


@pytest.mark.parametrize("width", range(1, 12))
def test_what_is_cut_fits(width):
    for look in (Look(), ASCII):
        shortest = cells(look.dots)
        assert cells(cut("名abc名def", width, look)) <= max(width, shortest)
        assert cells(cut_middle("名abc名def", width, look)) <= max(width, shortest)


def test_pad_counts_columns_not_characters():
    assert pad("東", 4) == "東  "
    assert pad("12", 4, right=True) == "  12"


def test_wrapped_lines_fit_and_lose_nothing():
    text = "  1. upstream `daily_temperature_highs` is outdated, and so on"

    lines = wrap(text, 30, indent="     ")

    assert lines == [
        "  1. upstream",
        "     `daily_temperature_highs`",
        "     is outdated, and so on",
    ]


def test_a_long_word_is_not_broken():
    assert wrap("see aaaaaaaaaaaaaaaa b", 8, indent="  ") == [
        "see",
        "  aaaaaaaaaaaaaaaa",
        "  b",
    ]


def test_colours_are_used_only_where_they_show():
    assert Look().paint("x", "red") == "x"
    assert Look(color=True).paint("x", "red") == "\x1b[31mx\x1b[0m"
