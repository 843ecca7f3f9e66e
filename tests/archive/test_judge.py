"""The judge finds what is wrong with a restored table."""

from typing import Any

import pytest
from tests.archive.judge import Item, Notes, violations


def item(part: str, n: int) -> Item:
    return {"p": {"S": "writer-0"}, "s": {"S": part}, "n": {"N": str(n)}, "g": {"S": "x"}}


NOTES = [Notes(both=[(1.0, 2.0, 1), (5.0, 6.0, 2), (9.0, None, 3)], alone=[(3.0, 4.0, 1), (7.0, 8.0, 2)])]
RIGHT = [item("one", 2), item("other", 2), item("alone", 1)]


def judged(items: list[Item], entries: list[Item] | None = None, since: float = 6.5, until: float = 7.5) -> list[str]:
    return violations(NOTES, items, items if entries is None else entries, 0, since, until)


def test_what_is_right_passes() -> None:
    assert judged(RIGHT) == []
    assert judged([item("one", 2), item("other", 2), item("alone", 2)]) == []  # begun before the end


@pytest.mark.parametrize(
    ("items", "named"),
    [
        ([item("one", 2), item("other", 1), item("alone", 1)], "torn"),
        ([item("one", 1), item("other", 1), item("alone", 2)], "without"),
        ([item("one", 1), item("other", 1), item("alone", 1)], "not 2 to 2"),
        ([item("one", 3), item("other", 3), item("alone", 1)], "not 2 to 2"),
        ([item("one", 2), item("other", 2)], "not 1 to 2"),
        ([*RIGHT, {"p": {"S": "still-1"}, "s": {"S": "x"}, "g": {"S": "x"}}], "nobody wrote"),
    ],
)
def test_what_is_wrong_is_found(items: list[Item], named: str) -> None:
    assert any(named in each for each in judged(items))


@pytest.mark.parametrize("entries", [RIGHT[1:], [*RIGHT, item("more", 1)], [item("one", 1), *RIGHT[1:]]])
def test_an_index_that_is_not_the_table_is_found(entries: list[Any]) -> None:
    assert any("index" in each for each in judged(RIGHT, entries))
