"""What announcements name, together and in the store."""

import pytest

from statordb.engine.cassandra.cluster import announcements
from statordb.engine.cassandra.cluster.announcements import (
    NAMES_BYTES_MAX,
    NEWS_MAX,
    Announced,
    names_of,
    telling,
    together,
    told,
)


@pytest.mark.parametrize(
    ("one", "other", "both"),
    [
        (False, False, False),
        (False, ("a",), ("a",)),
        (("a",), (), ("a",)),
        (["a", "b"], ("b", "c"), ("a", "b", "c")),
        (("a",), True, True),
        (True, False, True),
    ],
)
def test_two_announcements_are_one_of_what_both_name(one: Announced, other: Announced, both: Announced) -> None:
    assert together(one, other) == both


def test_what_names_too_much_is_about_anything() -> None:
    assert names_of(["x" * NAMES_BYTES_MAX]) is None
    assert names_of(True) is None
    assert names_of(("a", "b")) == ("a", "b")


def test_the_store_keeps_the_names_of_the_last_announcements() -> None:
    text = telling({}, 5, ("a",))
    text = telling(told(text), 6, True)
    text = telling(told(text), 9, ["b", "c"])
    assert told(text) == {5: ["a"], 6: None, 9: ["b", "c"]}
    for epoch in range(10, 10 + NEWS_MAX):
        text = telling(told(text), epoch, ("d",))
    assert list(told(text)) == list(range(10, 10 + NEWS_MAX))


@pytest.mark.parametrize("text", [None, "", "no JSON", '{"form": 7}', "7", "[7]"])
def test_nothing_is_known_of_what_another_release_keeps(text: str | None) -> None:
    assert announcements.told(text) == {}
