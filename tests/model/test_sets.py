"""The order of sets' members."""

from base64 import b64encode
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from statordb.model import numbers
from statordb.model.sets import in_order
from statordb.model.values import check


@pytest.mark.parametrize(
    ("tag", "members"),
    [
        ("SS", ["", "B", "a", "é", "日", "\U0001f600"]),
        ("NS", ["-10", "-9", "0", "2", "10", "10000000000000000000000000000000000001"]),
        ("NS", ["-1.5", "-1", "0", "0.0001", "0.5", "2", "10"]),
        ("BS", ["", "AA==", "AAA=", "AQ==", "/w=="]),  # Base64's own order is another
    ],
)
def test_members_stand_in_order(tag: str, members: list[str]) -> None:
    value: dict[str, Any] = {tag: members[::-1]}
    check(value)
    assert value == {tag: members}


@given(st.sets(st.text()))
def test_strings_go_by_their_bytes(texts: set[str]) -> None:
    assert in_order("SS", list(texts)) == sorted(texts, key=lambda text: text.encode("utf-8", "surrogatepass"))


@given(st.sets(st.decimals(-(10**20), 10**20, places=5).map(lambda number: numbers.normalize(str(number)))))
def test_numbers_go_by_value(texts: set[str]) -> None:
    assert [Decimal(text) for text in in_order("NS", list(texts))] == sorted(map(Decimal, texts))


@given(st.sets(st.binary()))
def test_binaries_go_by_their_bytes(contents: set[bytes]) -> None:
    encoded = [b64encode(content).decode() for content in contents]
    assert in_order("BS", encoded) == [b64encode(content).decode() for content in sorted(contents)]
