"""What is bounded in the names, values and legacy conditions of a request, before there is an item."""

import pytest

from statordb.api import conditions
from statordb.model.errors import ClientError
from statordb.model.limits import ERROR_TEXT_CHARACTERS_MAX, QUOTED_CHARACTERS_MAX
from statordb.model.values import check_item

MIB = 1024 * 1024


class Counted(dict):
    """A wire value that knows how many of its kind were looked at."""

    looked_at = 0

    def items(self):
        Counted.looked_at += 1
        return super().items()


@pytest.fixture(autouse=True)
def _none_looked_at():
    Counted.looked_at = 0


def bind(request, reads):
    bound = conditions.placeholders(request)
    for read in reads:
        read(request, bound)
    bound.finish()


def refusal(request, *reads):
    with pytest.raises(ClientError) as refused:
        bind(request, reads)
    assert refused.value.code == "ValidationException"
    return refused.value.message


def scan_filter(request, bound):
    return conditions.row_filter(request, bound, "ScanFilter")


def test_more_names_than_texts_can_use_are_too_many():
    names = {f"#{number}": "a" for number in range(4097)}
    assert refusal({"ExpressionAttributeNames": names}) == "ExpressionAttributeNames exceeds max size"
    values = {f":{number}": {"N": "x"} for number in range(4097)}
    assert refusal({"ExpressionAttributeValues": values}) == "ExpressionAttributeValues exceeds max size"


def test_names_and_values_have_two_megabytes_together():
    names = {f"#{number}": "a" * 10_000 for number in range(105)}
    long = {":v": {"S": "x" * (MIB + 100_000)}}
    both = {"ExpressionAttributeNames": names, "ExpressionAttributeValues": long}
    assert refusal(both) == "Combined size of ExpressionAttributeNames and ExpressionAttributeValues exceeds max size"
    assert refusal({"ExpressionAttributeNames": {f"#{n}": "a" * 10_000 for n in range(211)}}) == (
        "ExpressionAttributeNames exceeds max size"
    )
    conditions.placeholders({"ExpressionAttributeValues": long})


@pytest.mark.slow
def test_values_are_not_looked_at_beyond_the_bound():
    members = [Counted(N="1") for _ in range(MIB)]
    request = {"ExpressionAttributeValues": {":v": {"L": members}, ":w": {"N": "x"}}}
    assert refusal(request) == "ExpressionAttributeValues exceeds max size"
    assert Counted.looked_at <= 2 * MIB // 3


@pytest.mark.slow
def test_an_item_is_not_looked_at_beyond_its_bound():
    """A list of 1.6 million numbers in a body of 15 MB held others up for nine seconds."""
    item = {"a": {"L": [{"L": [Counted(N="1") for _ in range(1000)]} for _ in range(500)]}, "b": {"N": "no number"}}
    assert check_item(item) > 400 * 1024
    assert Counted.looked_at <= 400 * 1024 // 3 + 1


@pytest.mark.parametrize("tag", ["SS", "NS", "BS"])
def test_a_set_of_more_members_than_an_item_has_bytes_is_not_looked_at(tag):
    assert check_item({"a": {tag: ["same"] * 500_000}}) > 400 * 1024


def test_the_last_byte_is_still_in():
    item = {"a": {"L": [{"S": "x" * 100_000}, {"S": "y" * (400 * 1024 - 100_000 - 1 - 3 - 2 - 2)}, {"N": "01"}]}}
    assert check_item(item) == 400 * 1024 + 1
    item["a"]["L"][0]["S"] = "x" * 99_999
    item["a"]["L"][2]["N"] = "01"
    assert check_item(item) == 400 * 1024
    assert item["a"]["L"][2] == {"N": "1"}


def legacy(count):
    return {f"a{number}": {"ComparisonOperator": "NOT_NULL"} for number in range(count)}


@pytest.mark.parametrize(
    ("parameter", "read"),
    [
        ("ScanFilter", scan_filter),
        ("Expected", conditions.condition),
        ("AttributeUpdates", conditions.update),
        ("KeyConditions", conditions.key_condition),
    ],
)
def test_legacy_conditions_are_as_many_as_operators(parameter, read):
    assert refusal({parameter: legacy(301)}, read) == (
        "One or more parameter values were invalid: The request contains too many conditions; condition count: 301"
    )


def test_three_hundred_legacy_conditions_hold():
    request = {"ScanFilter": legacy(300)}
    test = scan_filter(request, conditions.placeholders(request))
    assert not test({})
    assert test({f"a{number}": {"N": "1"} for number in range(300)})


def test_values_of_legacy_conditions_have_a_bound():
    values = [{"S": f"{number}" + "x" * 1_100_000} for number in range(3)]
    request = {"ScanFilter": {"a": {"ComparisonOperator": "IN", "AttributeValueList": values}}}
    assert refusal(request, scan_filter) == "ScanFilter exceeds max size"


def test_attributes_to_get_are_counted_before_they_are_read():
    assert refusal({"AttributesToGet": ["a"] * 1_400_000}, conditions.projection) == (
        "One or more parameter values were invalid: "
        "AttributesToGet contains too many attribute names; attribute name count: 1400000"
    )


LONG = "x" * 60_000


@pytest.mark.parametrize(
    "request_",
    [
        {"ExpressionAttributeNames": {"#" + LONG + "-": "a"}},
        {"ExpressionAttributeValues": {":a": {"SS": ["a" * 100_000, "a" * 100_000]}}},
        {"ExpressionAttributeValues": {":a": {"SS": ["a"] * 100_000}}},
        {"ExpressionAttributeValues": {":a": {"BS": ["AAAA"] * 100_000}}},
        {"ExpressionAttributeValues": {":a": {"N": LONG}}},
        {"ExpressionAttributeNames": {f"#{number}{'x' * 200}": "a" for number in range(4000)}},
        {"Expected": {LONG: {}}},
        {"AttributesToGet": [LONG, LONG]},
        {
            "ConditionExpression": "a BETWEEN :l AND :h",
            "ExpressionAttributeValues": {":l": {"S": "y" * 100_000}, ":h": {"S": "x" * 100_000}},
        },
        {"ConditionExpression": "attribute_type(a, :t)", "ExpressionAttributeValues": {":t": {"S": LONG}}},
        {"ProjectionExpression": "#a, #a", "ExpressionAttributeNames": {"#a": LONG}},
    ],
    ids=lambda request: next(iter(request)),
)
def test_what_an_error_quotes_is_cut(request_):
    """A set of 14 MB with duplicates gave an answer of 11.7 MB."""
    message = refusal(request_, conditions.condition, conditions.projection)
    assert QUOTED_CHARACTERS_MAX < len(message) < 2 * QUOTED_CHARACTERS_MAX + 500
    assert "..." in message


def test_what_is_short_is_quoted_as_it_is():
    many = {"ExpressionAttributeValues": {":a": {"SS": ["a", "b"] * 100}}}
    assert ", ".join(["a", "b"] * 100) in refusal(many)


def test_no_text_of_an_error_is_longer_than_its_bound():
    message = ClientError("x", "m" * 1_000_000).message
    assert len(message) <= ERROR_TEXT_CHARACTERS_MAX + 3
