"""Wildcards and variables."""

import fnmatch
import re
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.slowness import slowness

from statordb.access.patterns import Filled, Wild, matcher, template, within


def filled(pattern: str, **facts: str) -> Filled | None:
    return template(pattern, True).fill({name: (value,) for name, value in facts.items()})


def matches(pattern: str, text: str, **facts: str) -> bool:
    found = filled(pattern, **facts)
    return found is not None and matcher(found)(text)


@given(st.text("ab*?", max_size=8), st.text("abc", max_size=8))
def test_wildcards_mean_what_a_regular_expression_says(pattern: str, text: str) -> None:
    assert matches(pattern, text) is bool(re.fullmatch(fnmatch.translate(pattern), text))


def test_time_grows_with_the_text_only() -> None:
    """Patterns that make searches begin again and again: 400 parts in 20,000 characters."""
    began = time.process_time()
    for pattern in ("*a" * 400 + "*b", "*?a" * 400 + "*b", "*" + "a?" * 400 + "b"):
        assert not matches(pattern, "a" * 20_000)
    assert time.process_time() - began < 2.0 * slowness()


@pytest.mark.parametrize(
    ("pattern", "text"),
    [
        ("${*}", "*"), ("${?}", "?"), ("${$}", "$"), ("a${*}*", "a*b"), ("${name}", "ann"), ("x/${Name}/*", "x/ann/1"),
        ("${none, 'all'}", "all"), ("${ name , 'all' }", "ann"), ("${none,''}x", "x"), ("${not closed", "${not closed"),
        ("$", "$"), ("${}", "${}"),
    ],
)  # fmt: skip
def test_variables_stand_for_values(pattern: str, text: str) -> None:
    assert matches(pattern, text, name="ann")
    assert not matches(pattern, text + "!", name="ann") or pattern.endswith("*")


def test_a_wildcard_within_a_value_is_none() -> None:
    assert not matches("${name}", "ann", name="*")
    assert matches("${name}", "*", name="*")


def test_what_has_no_value_matches_nothing() -> None:
    assert filled("${name}") is None
    assert template("${name}", True).fill({"name": ("a", "b")}) is None


def test_the_first_version_has_no_variables() -> None:
    assert matcher(template("${name}", False).fill({}) or ())("${name}")


def test_a_pattern_is_cut_at_its_first_separators() -> None:
    found = filled("a:*:${name}:d:e", name="x:y")
    assert found is not None
    assert within(found, ":", 4) == [("a",), ("", Wild.MANY, ""), ("", "x"), ("y", ":d:e")]
