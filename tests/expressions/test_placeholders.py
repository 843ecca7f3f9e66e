"""Names and values of a request: their own faults, what was left unused, and how often a text is parsed."""

import pytest

from statordb.expressions import plans
from statordb.expressions.placeholders import Placeholders

ONE = {"N": "1"}


FAULTS = [
    ({}, None, "ExpressionAttributeNames must not be empty"),
    ({"a": "a"}, None, 'ExpressionAttributeNames contains invalid key: Syntax error; key: "a"'),
    ({"#a-b": "a"}, None, 'ExpressionAttributeNames contains invalid key: Syntax error; key: "#a-b"'),
    ({"#a\n": "a"}, None, 'ExpressionAttributeNames contains invalid key: Syntax error; key: "#a\n"'),
    (
        {"#" + "n" * 255: "a"},
        None,
        "ExpressionAttributeNames contains invalid key: "
        "The expression attribute map contains a key that is too long; size of key: 256",
    ),
    ({"#a": ""}, None, "ExpressionAttributeNames contains invalid value: Empty attribute name for key #a"),
    (
        {"#a": "é" * 32768},
        None,
        "ExpressionAttributeNames contains invalid value: "
        "Attribute name is too large, must be less than 65536 bytes for key #a",
    ),
    (None, {}, "ExpressionAttributeValues must not be empty"),
    (None, {"v": ONE}, 'ExpressionAttributeValues contains invalid key: Syntax error; key: "v"'),
    (
        None,
        {":" + "v" * 255: ONE},
        "ExpressionAttributeValues contains invalid key: The expression attribute map contains a key that is too long;",
    ),
]


@pytest.mark.parametrize(("names", "values", "message"), FAULTS)
def test_fault(names, values, message, refusal):
    """AWS's texts to the letter, as in all faults of expressions."""
    assert refusal(lambda: Placeholders(names, values)) == message


def test_longest_names_are_allowed():
    Placeholders({"#" + "n" * 254: "é" * 32767}, {":" + "v" * 254: ONE})


def test_unused_placeholders_are_refused(refusal):
    placeholders = Placeholders({"#a": "a", "#b": "b", "#c": "c"}, {":v": ONE, ":w": ONE})
    placeholders.condition("ConditionExpression", "#a = :v")
    assert (
        refusal(placeholders.finish)
        == "Value provided in ExpressionAttributeNames unused in expressions: keys: {#b, #c}"
    )
    placeholders.update("SET #b = #c")
    assert (
        refusal(placeholders.finish) == "Value provided in ExpressionAttributeValues unused in expressions: keys: {:w}"
    )
    placeholders.condition("FilterExpression", "x = :w")
    placeholders.finish()


def test_no_expression_at_all_uses_nothing(refusal):
    Placeholders(None, None).finish()
    assert "keys: {#a}" in refusal(Placeholders({"#a": "a"}, None).finish)


def test_a_text_is_parsed_once_whatever_its_placeholders_stand_for():
    text = "SET #parsed_once = if_not_exists(#parsed_once, :z) + :one"
    before = plans.UPDATES.parses
    for round_ in range(3):
        for name in ("a", "b"):
            placeholders = Placeholders({"#parsed_once": name}, {":z": {"N": str(round_)}, ":one": ONE})
            update = placeholders.update(text)
            placeholders.finish()
            assert update({}) == {name: {"N": str(round_ + 1)}}
    assert plans.UPDATES.parses == before + 1


def test_each_form_of_expression_is_parsed_once():
    for form, bind in [
        (plans.CONDITIONS, lambda p: p.condition("FilterExpression", "only_once = b")),
        (plans.KEY_CONDITIONS, lambda p: p.key_condition("only_once = b")),
        (plans.PROJECTIONS, lambda p: p.projection("only_once, b")),
        (plans.UPDATES, lambda p: p.update("REMOVE only_once")),
    ]:
        before = form.parses
        for _ in range(2):
            bind(Placeholders(None, None))
        assert form.parses == before + 1


def test_the_cache_forgets_the_oldest_texts(monkeypatch):
    """Bounded in entries and in characters, so that no client can fill the memory with texts."""
    form = plans.Form(
        plans._parse_projection, plans._check_projection, plans._projection_plan, plans._no_values, shows_size=False
    )
    monkeypatch.setattr(plans, "EXPRESSION_CACHE_ENTRIES_MAX", 2)
    for text in ("a", "b", "c", "b", "a"):
        form.plan(text, {}, {})
    assert form.parses == 4
    monkeypatch.setattr(plans, "EXPRESSION_CACHE_CHARACTERS_MAX", 10)
    form.plan("d" * 11, {}, {})
    form.plan("a", {}, {})
    assert form.parses == 6


def test_meanings_of_one_text_are_bounded(monkeypatch):
    monkeypatch.setattr(plans, "EXPRESSION_PLANS_PER_TEXT_MAX", 2)
    for name in ("a", "b", "c", "a"):
        placeholders = Placeholders({"#bounded": name}, None)
        assert placeholders.projection("#bounded")({"a": ONE, "b": ONE, "c": ONE}) == {name: ONE}
