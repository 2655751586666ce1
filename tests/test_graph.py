"""Order, circles and selection."""

from __future__ import annotations

import pytest

from assetmake.errors import UnknownNameError
from assetmake.graph import downstream_of, find_circle, order, select, upstream_of

GRAPH = {
    "highs": ["sample"],
    "hottest": ["highs"],
    "diffs": ["highs"],
    "report": ["hottest", "diffs"],
    "alone": [],
}
GROUPS = {"hottest": "weather", "diffs": "weather", "alone": "other"}


def test_order_is_as_defined_where_nothing_else_is_needed():
    assert order(GRAPH) == ["highs", "hottest", "diffs", "report", "alone"]
    assert order({"a": ["b"], "b": []}) == ["b", "a"]


def test_a_chain_may_be_longer_than_the_stack_of_python():
    chain = {f"a{i}": [f"a{i - 1}"] if i else [] for i in range(20_000, -1, -1)}

    assert order(chain) == [f"a{i}" for i in range(20_001)]
    assert find_circle(chain) == []


@pytest.mark.parametrize(
    ("graph", "circle"),
    [
        ({"a": ["a"]}, ["a"]),
        ({"a": ["b"], "b": ["a"]}, ["a", "b"]),
        ({"x": ["a"], "a": ["b"], "b": ["c"], "c": ["a"]}, ["a", "b", "c"]),
        ({"a": ["c", "b"], "b": ["c"], "c": []}, []),
    ],
)
def test_a_circle_is_found_whole(graph, circle):
    assert find_circle(graph) == circle
    if circle:
        with pytest.raises(ValueError, match="circle"):
            order(graph)


def test_upstream_and_downstream_include_the_names_themselves():
    assert upstream_of(GRAPH, ["hottest"]) == {"hottest", "highs", "sample"}
    assert downstream_of(GRAPH, ["hottest"]) == {"hottest", "report"}
    assert downstream_of(GRAPH, ["sample"]) == {
        "sample",
        "highs",
        "hottest",
        "diffs",
        "report",
    }


@pytest.mark.parametrize(
    ("words", "names"),
    [
        ([], ["highs", "hottest", "diffs", "report", "alone"]),
        (["report", "highs"], ["highs", "report"]),
        (["h*"], ["highs", "hottest"]),
        (["group:weather"], ["hottest", "diffs"]),
        (["group:*"], ["hottest", "diffs", "alone"]),
        (["hottest+"], ["hottest", "report"]),
        (["sample+"], ["highs", "hottest", "diffs", "report", "sample"]),
        (["group:weather+"], ["hottest", "diffs", "report"]),
        (["sample"], ["sample"]),
    ],
)
def test_words_select(words, names):
    assert select(words, GRAPH, ["sample"], GROUPS) == names


@pytest.mark.parametrize(
    ("word", "message"),
    [
        ("hotest", "no asset is named 'hotest'. Did you mean 'hottest'?"),
        ("zzz", "no asset is named 'zzz'"),
        ("z*", "no asset matches 'z*'"),
        ("group:wether", "no group is named 'wether'. Did you mean 'weather'?"),
        ("", "no asset is named ''"),
    ],
)
def test_a_word_that_matches_nothing_is_an_error(word, message):
    with pytest.raises(UnknownNameError) as caught:
        select(["highs", word], GRAPH, ["sample"], GROUPS)

    assert str(caught.value) == message
