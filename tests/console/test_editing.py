"""An item in a form comes back as it was, and what is written of it is what somebody changed."""

import pytest

from statordb.console.calls import Fault
from statordb.console.editing import Item, change_of, parse_item
from statordb.console.showing import document

DIGITS = "12345678901234567890123456789012345678"


def test_an_item_comes_back_exactly() -> None:
    item: Item = {
        "p": {"S": "a\u202e\x00\r\n<b>"},
        "n": {"N": DIGITS},
        "b": {"B": b"\x00\xff"},
        "s": {"BS": [b"a", b"b"]},
        "l": {"L": [{"NULL": True}, {"M": {"": {"B": b""}}}]},
    }
    assert parse_item(document(item, 2)) == item


@pytest.mark.parametrize(
    "text",
    ["", "[]", '{"p": 1}', '{"p": {"N": 1.5}}', '{"p": {"B": "?"}}', '{"p": {"S": "a"}, "p": {"S": "b"}}',
     '{"p": {"S": "a", "N": "1"}}', "[" * 100_000],
)  # fmt: skip
def test_what_is_no_item_is_told(text: str) -> None:
    with pytest.raises(Fault, match="ParamValidationError"):
        parse_item(text)


def test_only_what_differs_is_written_and_only_where_it_is_as_it_was() -> None:
    before: Item = {"p": {"S": "a"}, "same": {"N": "1"}, "old": {"N": "2"}, "gone": {"S": "x"}}
    after: Item = {"p": {"S": "a"}, "same": {"N": "1"}, "old": {"N": "3"}, "new": {"S": "y"}}
    told = change_of(before, after, ["p"])
    assert told == {
        "Key": {"p": {"S": "a"}},
        "UpdateExpression": "SET #a0 = :a0, #a2 = :a2 REMOVE #a1",
        "ConditionExpression": "attribute_exists(#key) AND #a0 = :b0 AND #a1 = :b1 AND attribute_not_exists(#a2)",
        "ExpressionAttributeNames": {"#key": "p", "#a0": "old", "#a1": "gone", "#a2": "new"},
        "ExpressionAttributeValues": {":b0": {"N": "2"}, ":a0": {"N": "3"}, ":b1": {"S": "x"}, ":a2": {"S": "y"}},
    }
    assert change_of(before, dict(before), ["p"]) is None
    with pytest.raises(Fault, match="can't change"):
        change_of(before, {**before, "p": {"S": "b"}}, ["p"])
