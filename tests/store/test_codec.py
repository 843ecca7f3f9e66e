"""The stored body of an item."""

from typing import Any

import orjson
import pytest

from statordb.store import codec
from statordb.store.image import Image

ITEM: dict[str, Any] = {"p": {"S": "é"}, "n": {"N": "1.5"}, "l": {"L": [{"M": {"b": {"B": "YQ=="}}}]}}


def test_the_format_of_stored_items_is_frozen() -> None:
    """Never change this test: a new format gets a number of its own, and old stores stay readable."""
    body = bytes.fromhex("0100000102") + '{"p":{"S":"é"},"n":{"N":"1.5"},"l":{"L":[{"M":{"b":{"B":"YQ=="}}}]}}'.encode()
    assert codec.encode(ITEM, 258) == body
    assert codec.size(body) == 258
    assert codec.decode(body) == ITEM


def test_an_items_text_is_what_a_client_gets() -> None:
    assert codec.text(codec.encode(ITEM, 1)) == orjson.dumps(ITEM)


@pytest.mark.parametrize("answer", [{}, {"a": 1}, {"a": 1, "b": {"c": []}}])
def test_a_spliced_answer_is_the_whole_answer(answer: dict[str, Any]) -> None:
    spliced = codec.splice(answer, "Item", orjson.dumps(ITEM))
    assert orjson.loads(spliced) == {"Item": ITEM, **answer}


def test_an_image_parses_its_item_once_and_when_asked() -> None:
    image = Image(codec.encode(ITEM, 258))
    assert image.size == 258
    assert image.item == ITEM
    assert image.item is image.item
    assert Image.of(ITEM, 258).item is ITEM
    assert Image.of(ITEM, 258).body == image.body
