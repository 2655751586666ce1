"""The word `check`: what it takes, which assets it is of, and what it may read."""

from __future__ import annotations

from functools import wraps
from pathlib import Path

import pytest

from assetmake import asset, check, source
from assetmake.assets import Registry, collecting, resolve
from assetmake.checks import bind, checks_by_asset, refuse_unused
from assetmake.errors import DefinitionError

ROOT = Path(__file__).parent


@pytest.fixture
def registry():
    with collecting(Registry(ROOT, load=print)) as found:
        yield found


def by_asset(registry):
    """Return the names of the checks of each asset."""
    assets = {item.name: item for item in registry.assets}
    known = {*assets, *(item.name for item in registry.sources)}
    found = checks_by_asset(registry.checks, assets, known, ROOT)
    return {name: [item.name for item in items] for name, items in found.items()}


def bound(registry, name):
    """Return the only check of an asset, bound to it."""
    assets = {item.name: item for item in registry.assets}
    known = {*assets, *(item.name for item in registry.sources)}
    (item,) = checks_by_asset(registry.checks, assets, known, ROOT)[name]
    return bind(item, name, resolve(assets[name], known), known, ROOT)


@asset
def highs(hours, factor=2):
    return hours


def test_a_checked_function_and_a_check_stay_plain_functions():
    def positive(table):
        return table > 0

    assert check(highs)(positive) is positive
    assert check("highs", severity="warn")(positive) is positive
    assert positive(3)


def test_a_check_is_of_the_asset_of_a_function_or_of_a_name(registry):
    asset(highs)
    asset(name="weather/lows")(lambda hours: hours)

    @check(highs)
    def one(highs):
        """The first."""

    @check("weather/lows", highs, severity="warn", name="other", description="all")
    def two(table):
        pass

    assert by_asset(registry) == {
        "highs": ["one", "other"],
        "weather/lows": ["other"],
    }
    first, second = registry.checks
    assert (first.severity, first.description) == ("error", "The first.")
    assert (second.severity, second.description) == ("warn", "all")
    assert first.place.line == one.__code__.co_firstlineno + 1


def test_a_decorated_asset_is_found_by_its_function(registry):
    def logged(function):
        @wraps(function)
        def wrapper(hours, factor=2):
            return function(hours, factor)

        return wrapper

    decorated = asset(logged(highs))

    @check(decorated)
    def one(table):
        pass

    @check(highs)  # beneath the decorator
    def two(table):
        pass

    assert by_asset(registry) == {"highs": ["one", "two"]}


def test_every_asset_of_one_function_is_checked(registry):
    asset(name="a")(highs)
    asset(name="b")(highs)
    check(highs)(bool_of)

    assert by_asset(registry) == {"a": ["bool_of"], "b": ["bool_of"]}


def bool_of(table):
    return bool(table)


def test_a_check_that_is_registered_twice_counts_once(registry):
    asset(highs)
    check(highs, "highs")(bool_of)
    check("highs")(bool_of)

    assert by_asset(registry) == {"highs": ["bool_of"]}


def test_two_checks_of_one_name_are_shown(registry):
    asset(highs)
    check("highs")(bool_of)
    check("highs", name="bool_of")(test_a_check_that_is_registered_twice_counts_once)

    with pytest.raises(
        DefinitionError, match="two checks that are named `bool_of`"
    ) as e:
        by_asset(registry)

    assert str(e.value).count("test_checks.py:") == 2


def test_checks_of_a_loop_show_the_loop(registry):
    asset(highs)
    for number in (1, 2):
        check("highs", name="same")(lambda table, number=number: number)

    with pytest.raises(DefinitionError, match="`highs` has two checks"):
        by_asset(registry)


@pytest.mark.parametrize(
    ("target", "problem", "hint"),
    [
        ("hihgs", "which nothing defines", "a similar asset exists: 'highs'"),
        ("zzz", "which nothing defines", "`assetmake --list` shows the names"),
        ("hours", "`hours`, which is a source", "check an asset that reads it"),
        (bool_of, "`bool_of`, which is no asset", "put `@asset` over that function"),
        (len, "`len`, which is no asset", "put `@asset` over that function"),
    ],
)
def test_a_check_of_what_is_no_asset_is_refused(registry, target, problem, hint):
    source("hours", path="hours.csv")
    asset(highs)
    check(target)(bool_of)

    with pytest.raises(DefinitionError, match=problem) as error:
        by_asset(registry)

    assert error.value.hints == (hint,)
    assert "\n --> " in str(error.value)


@pytest.mark.parametrize(
    ("arguments", "options", "problem"),
    [
        ((), {}, "called without an asset"),
        ((3,), {}, "takes assets, not 3"),
        ((int,), {}, "takes assets, not <class 'int'>"),
        (("a b",), {}, "'a b' is no name"),
        ((source("hours", path="x"),), {}, "`hours` is a source"),
        (("highs",), {"severity": "bad"}, '`severity=` takes "error" or "warn"'),
        (("highs",), {"severty": "warn"}, "has no option `severty`"),
        (("highs",), {"name": "a b"}, "is no name"),
        (("highs",), {"description": 1}, "takes text"),
    ],
)
def test_a_wrong_call_is_refused_at_once(arguments, options, problem):
    with pytest.raises(DefinitionError, match=problem):
        check(*arguments, **options)


async def waits(table):
    pass


def yields(table):
    yield


def anything(*tables):
    pass


@pytest.mark.parametrize(
    ("function", "problem"),
    [
        (3, "`check` takes a function, not a builtins.int"),
        (waits, "check `waits` is an `async def`"),
        (yields, "check `yields` is a generator"),
        (anything, "parameter `tables` of check `anything` takes any number"),
        (lambda: None, "a lambda has no name"),
        (test_two_checks_of_one_name_are_shown.__class__, "`check` takes a function"),
    ],
)
def test_a_function_that_cannot_check_is_refused(function, problem):
    with pytest.raises(DefinitionError, match=problem):
        check("highs")(function)


def test_a_check_without_a_parameter_is_refused():
    def nothing():
        pass

    with pytest.raises(DefinitionError, match="no parameter that the table could be"):
        check("highs")(nothing)


def test_a_bare_decorator_is_no_silent_nothing(registry):
    """`@check` takes the function for the asset, and would never run it."""

    @check
    def positive(highs):
        pass

    with pytest.raises(DefinitionError, match="is not given a function") as error:
        refuse_unused(registry)

    assert error.value.hints == (
        "write `@check(daily_highs)`, with the asset that it looks at",
    )


def test_a_check_in_use_is_none_that_lacks_a_function(registry):
    of_highs = check("highs")
    of_highs(bool_of)
    of_highs(bool_of)

    refuse_unused(registry)


# What it may read ---------------------------------------------------------------


def test_parameters_are_the_table_inputs_and_settings(registry):
    source("hours", path="hours.csv")
    asset(highs)

    @check(highs)
    def one(highs: str, hours: int, most=3):
        pass

    found = bound(registry, "highs")
    assert (found.table.parameter, found.table.name) == ("highs", "highs")
    assert [(item.parameter, item.name) for item in found.inputs] == [
        ("hours", "hours")
    ]
    assert found.settings == {"most": 3}


def test_the_table_may_have_any_name_that_is_free(registry):
    source("hours", path="hours.csv")
    asset(highs)

    @check(highs)
    def one(table):
        pass

    assert bound(registry, "highs").table.parameter == "table"


def of_another(hours):
    pass


def of_a_sibling(table, lows):
    pass


def of_nothing(table, lws):
    pass


@pytest.mark.parametrize(
    ("function", "problem"),
    [
        (of_another, "gets the table of `highs` as `hours`, the name of another one"),
        (of_a_sibling, "reads `lows`, which `highs` itself does not read"),
        (of_nothing, "reads `lws`, which nothing defines"),
    ],
)
def test_other_parameters_are_refused(registry, function, problem):
    source("hours", path="hours.csv")
    asset(highs)
    asset(name="lows")(lambda hours: hours)
    check(highs)(function)

    with pytest.raises(DefinitionError, match=problem) as error:
        bound(registry, "highs")

    assert "test_checks.py" in str(error.value)
