"""Projection expressions."""

import pytest

from statordb.expressions.placeholders import Placeholders


def projection(text, names=None):
    placeholders = Placeholders(names, None)
    bound = placeholders.projection(text)
    placeholders.finish()
    return bound


@pytest.fixture
def stored(item):
    return item(a={"b": [2, 4, {"x": "hi", "y": "yo"}], "c": 5}, b="hello", l=[1, 2, 3, [4, 5]])


CUTS = [
    ("b, absent", {"b": "hello"}),
    ("a.b[2].y", {"a": {"b": [{"y": "yo"}]}}),
    ("a.c, b, a.b[0]", {"a": {"c": 5, "b": [2]}, "b": "hello"}),
    ("l[3][1], l[0]", {"l": [1, [5]]}),  # in the list's order
    ("a.x.y, a.b[3].x, a.c[0], b.x, l[0][0], x", {}),  # no empty documents
    (" a . c ", {"a": {"c": 5}}),
]


@pytest.mark.parametrize(("text", "expected"), CUTS)
def test_cut(text, expected, stored, wire):
    """What is cut out of nested lists and maps keeps its place in them, but for gaps in lists, which close."""
    assert projection(text)(stored) == {name: wire(value) for name, value in expected.items()}


def test_a_dot_in_a_placeholder_is_part_of_the_name(item):
    stored = item(**{"a.b": 1}, a={"b": 2})
    assert projection("#n", {"#n": "a.b"})(stored) == item(**{"a.b": 1})


def test_a_cut_item_can_be_changed_without_changing_the_stored_one(stored):
    cut = projection("a.b[0], b")(stored)
    cut["a"]["M"].clear()
    del cut["b"]
    assert stored["a"]["M"]
    assert "b" in stored


def test_properties():
    bound = projection("a, #n", {"#n": "x"})
    assert (bound.attributes, bound.nested_attributes, bound.whole) == ({"a", "x"}, frozenset(), True)
    bound = projection("a[0], b")
    assert (bound.attributes, bound.nested_attributes, bound.whole) == ({"a", "b"}, {"a"}, False)


FAULTS = [
    ("", "The expression can not be empty;"),
    ("a,", 'Syntax error; token: "<EOF>", near: ","'),
    ("a,,b", 'Syntax error; token: ",", near: ",,b"'),
    ("a, :v", 'Syntax error; token: ":v", near: ", :v"'),
    ("(a)", 'Syntax error; token: "(", near: "(a"'),
    ("a.Name, #n", "Attribute name is a reserved keyword; reserved keyword: Name"),
    ("a, #n", "An expression attribute name used in the document path is not defined; attribute name: #n"),
    (
        "a[1].b, a[1]",
        "Two document paths overlap with each other; must remove or rewrite one of these paths; "
        "path one: [a, [1], b], path two: [a, [1]]",
    ),
    (
        "a.b, a[1]",
        "Two document paths conflict with each other; must remove or rewrite one of these paths; "
        "path one: [a, b], path two: [a, [1]]",
    ),
    ("a" + ".b" * 32, "The document path has too many nesting levels; nesting levels: 33"),
]


@pytest.mark.parametrize(("text", "message"), FAULTS)
def test_fault(text, message, refusal):
    """AWS's texts to the letter, as in all faults of expressions."""
    assert refusal(lambda: projection(text)) == f"Invalid ProjectionExpression: {message}"
