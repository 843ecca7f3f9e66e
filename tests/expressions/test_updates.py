"""Update expressions: the new item, AWS's message for each fault, and what UPDATED_OLD and UPDATED_NEW show."""

import copy

import pytest

from statordb.expressions.placeholders import Placeholders


def update(text, values=None, names=None):
    placeholders = Placeholders(names, values)
    bound = placeholders.update(text)
    placeholders.finish()
    return bound


@pytest.fixture
def stored(item):
    return item(
        a=1, b="hello", l=[1, 2, 3], m={"k": {"z": 1}, "s": {1, 2}}, ss={"a", "b"}, e=[], d={"k": [{"x": 1}, {"x": 2}]}
    )


EFFECTS = [
    ("SET a = :v, fresh = :w", {":v": 2, ":w": "n"}, {"a": 2, "fresh": "n"}),
    ("set a = b Remove l, absent add c :v delete ss :w", {":v": 1, ":w": {"a"}},
     {"a": "hello", "l": ..., "c": 1, "ss": {"b"}}),
    ("SET a = b, b = a", {}, {"a": "hello", "b": 1}),  # all from the old item
    ("REMOVE a SET fresh = a", {}, {"a": ..., "fresh": 1}),
    ("SET a = a + :v", {":v": 2}, {"a": 3}),
    ("SET a = (:v - a)", {":v": 5}, {"a": 4}),
    ("SET a = (a) - (:v)", {":v": 5}, {"a": -4}),
    ("SET a = if_not_exists(a, :v) + :v", {":v": 5}, {"a": 6}),
    ("SET c = if_not_exists(c, :v) + :v", {":v": 5}, {"c": 10}),
    ("SET c = if_not_exists(c, if_not_exists(l[9], if_not_exists(m.k.z, :v)))", {":v": 5}, {"c": 1}),
    ("SET l = list_append(l, l)", {}, {"l": [1, 2, 3, 1, 2, 3]}),
    ("SET c = list_append(if_not_exists(c, :v), :w)", {":v": [], ":w": [1]}, {"c": [1]}),
    ("SET m.k.z = :v, m.fresh = m.k", {":v": 2}, {"m": {"k": {"z": 2}, "s": {1, 2}, "fresh": {"z": 1}}}),
    ("SET l[9] = :v, l[7] = :w, l[0] = :v", {":v": 8, ":w": 9}, {"l": [8, 2, 3, 9, 8]}),  # behind the end: in order
    ("SET l[0] = l[1], l[1] = l[0]", {}, {"l": [2, 1, 3]}),
    ("SET e[5] = :v", {":v": 1}, {"e": [1]}),
    ("REMOVE l[0], l[2], l[7]", {}, {"l": [2]}),
    ("REMOVE l[0] SET l[1] = :v, l[5] = :v", {":v": 9}, {"l": [9, 3, 9]}),  # old positions
    ("SET d.k[0].x = :v, d.k[1].y = :v, d.k[7] = :v REMOVE d.k[1].x", {":v": 9}, {"d": {"k": [{"x": 9}, {"y": 9}, 9]}}),
    ("REMOVE d.k[0] SET d.k[1].x = :v", {":v": 3}, {"d": {"k": [{"x": 3}]}}),
    ("REMOVE m.k.z, m.absent", {}, {"m": {"k": {}, "s": {1, 2}}}),
    ("ADD a :v, c :v, m.k.z :v, m.k.y :v, l[0] :v, l[9] :v", {":v": 2},
     {"a": 3, "c": 2, "m": {"k": {"z": 3, "y": 2}, "s": {1, 2}}, "l": [3, 2, 3, 2]}),
    ("ADD ss :v, c :v", {":v": {"b", "c"}}, {"ss": {"a", "b", "c"}, "c": {"b", "c"}}),
    ("DELETE ss :v, c :v", {":v": {"b", "c"}}, {"ss": {"a"}}),
    ("DELETE ss :v, m.s :w", {":v": {"a", "b"}, ":w": {1, 2}}, {"ss": ..., "m": {"k": {"z": 1}}}),  # an empty set goes
    ("DELETE m.s :v SET l[3] = m.s", {":v": {1, 2}}, {"m": {"k": {"z": 1}}, "l": [1, 2, 3, {1, 2}]}),
]  # fmt: skip


def without_order(value):
    """Sets compare regardless of order."""
    if isinstance(value, dict):
        return {key: sorted(each) if key in ("SS", "NS") else without_order(each) for key, each in value.items()}
    return [without_order(each) for each in value] if isinstance(value, list) else value


@pytest.mark.parametrize(("text", "values", "changed"), EFFECTS)
def test_effect(text, values, changed, stored, wire):
    before = copy.deepcopy(stored)
    expected = {name: value for name, value in before.items() if name not in changed}
    expected |= {name: wire(value) for name, value in changed.items() if value is not ...}
    bound = update(text, {key: wire(value) for key, value in values.items()} or None)
    assert without_order(bound(stored)) == without_order(expected)
    assert without_order(bound(stored)) == without_order(expected)  # a write may be planned twice
    assert stored == before


FAULTS = [
    ("", {}, "The expression can not be empty;"),
    ("HELLO a = :v", {}, 'Syntax error; token: "HELLO", near: "HELLO a"'),
    ("SET", {}, 'Syntax error; token: "<EOF>", near: "SET"'),
    ("SET a = :v, ", {}, 'Syntax error; token: "<EOF>", near: ", "'),
    ("SET a = :v b = :v", {}, 'Syntax error; token: "b", near: ":v b ="'),
    ("SET set = :v", {}, 'Syntax error; token: "set", near: "SET set ="'),
    ("SET a = :v + :v + :v", {}, 'Syntax error; token: "+", near: ":v + :v"'),
    ("SET a = a + (a + a)", {}, 'Syntax error; token: "+", near: "a + a"'),
    ("SET a = if_not_exists(a, :v + :v)", {}, 'Syntax error; token: "+", near: ":v + :v"'),
    ("SET (a) = :v", {}, 'Syntax error; token: "(", near: "SET (a"'),
    ("SET :a = :v", {}, 'Syntax error; token: ":a", near: "SET :a ="'),
    ("REMOVE a = :v", {}, 'Syntax error; token: "=", near: "a = :v"'),
    ("ADD a b", {}, 'Syntax error; token: "b", near: "a b"'),
    ("SET l[:v] = :v", {}, 'Syntax error; token: ":v", near: "[:v]"'),
    ("SET a = ((b)), name = c", {}, "The expression has redundant parentheses;"),
    ("SET a = ((:v + :v))", {}, "The expression has redundant parentheses;"),
    ("SET a = b SET name = c", {}, "Attribute name is a reserved keyword; reserved keyword: name"),
    ("SET a = b SET #n = c", {}, 'The "SET" section can only be used once in an update expression;'),
    ("SET a = size(b)", {}, "The function is not allowed in an update expression; function: size"),
    ("SET a = LIST_APPEND(a, b)", {}, "Invalid function name; function: LIST_APPEND"),
    (
        "SET a = list_append(list_append(a, b), c)",
        {},
        "The function is not allowed to be used this way in an expression; function: list_append",
    ),
    (
        "SET a = b + list_append(a, b)",
        {},
        "The function is not allowed to be used this way in an expression; function: list_append",
    ),
    ("SET #n = :q", {}, "An expression attribute name used in the document path is not defined; attribute name: #n"),
    ("SET a = :q", {}, "An expression attribute value used in expression is not defined; attribute value: :q"),
    (
        "SET a.b = :v REMOVE a",
        {":v": 1},
        "Two document paths overlap with each other; must remove or rewrite one of these paths; "
        "path one: [a, b], path two: [a]",
    ),
    (
        "SET a.b[0] = :v, a.b.c = :v",
        {":v": 1},
        "Two document paths conflict with each other; must remove or rewrite one of these paths; "
        "path one: [a, b, [0]], path two: [a, b, c]",
    ),
    (
        "SET a = :v, a = #n",
        {":v": 1},
        "Two document paths overlap with each other; must remove or rewrite one of these paths; "
        "path one: [a], path two: [a]",
    ),
    (
        "SET a = if_not_exists(q)",
        {},
        "Incorrect number of operands for operator or function; "
        "operator or function: if_not_exists, number of operands: 1",
    ),
    (
        "SET a = if_not_exists(:v, :v)",
        {":v": 1},
        "Operator or function requires a document path; operator or function: if_not_exists",
    ),
    (
        "SET a = if_not_exists(b.c, b.c)",
        {},
        "The first operand must be distinct from the remaining operands for this operator or function; "
        "operator: if_not_exists, first operand: [b, c]",
    ),
    (
        "SET a = :v + a",
        {":v": "x"},
        "Incorrect operand type for operator or function; operator or function: +, operand type: S",
    ),
    (
        "SET a = list_append(a, :v)",
        {":v": 1},
        "Incorrect operand type for operator or function; operator or function: list_append, operand type: N",
    ),
    (
        "ADD a :v",
        {":v": "x"},
        "Incorrect operand type for operator or function; operator: ADD, operand type: STRING, "
        "typeSet: ALLOWED_FOR_ADD_OPERAND",
    ),
    (
        "DELETE a :v",
        {":v": 1},
        "Incorrect operand type for operator or function; operator: DELETE, operand type: NUMBER, "
        "typeSet: ALLOWED_FOR_DELETE_OPERAND",
    ),
    ("SET a = :v" + " " * 4090, {}, "Expression size has exceeded the maximum allowed size;"),
    (
        "SET " + ",".join(f"x{n}=a-a" for n in range(301)),
        {},
        "The expression contains too many operators; operator count: 301",
    ),
    ("REMOVE a" + "[0]" * 32, {}, "The document path has too many nesting levels; nesting levels: 33"),
]


@pytest.mark.parametrize(("text", "values", "message"), FAULTS)
def test_fault(text, values, message, wire, refusal):
    """AWS's texts to the letter, as in all faults of expressions."""
    given = {key: wire(value) for key, value in values.items()} or None
    assert refusal(lambda: update(text, given)) == f"Invalid UpdateExpression: {message}"


MISFITS = [
    ("SET c = absent", {}, "The provided expression refers to an attribute that does not exist in the item"),
    ("SET c = absent + :v", {":v": 1},
     "The provided expression refers to an attribute that does not exist in the item"),
    ("SET c = b + :v", {":v": 1}, "An operand in the update expression has an incorrect data type"),
    ("SET c = :v - b", {":v": 1}, "An operand in the update expression has an incorrect data type"),
    ("SET c = list_append(a, :v)", {":v": []}, "An operand in the update expression has an incorrect data type"),
    ("SET c = if_not_exists(c, :v) + a", {":v": "s"}, "An operand in the update expression has an incorrect data type"),
    ("ADD b :v", {":v": 1}, "An operand in the update expression has an incorrect data type"),
    ("ADD l :v", {":v": {1}}, "An operand in the update expression has an incorrect data type"),
    ("DELETE ss :v", {":v": {1}}, "An operand in the update expression has an incorrect data type"),
    ("SET absent.x = :v", {":v": 1}, "The document path provided in the update expression is invalid for update"),
    ("SET m.absent.x = :v", {":v": 1}, "The document path provided in the update expression is invalid for update"),
    ("SET l.x = :v", {":v": 1}, "The document path provided in the update expression is invalid for update"),
    ("SET m[0] = :v", {":v": 1}, "The document path provided in the update expression is invalid for update"),
    ("SET l[9].x = :v", {":v": 1}, "The document path provided in the update expression is invalid for update"),
    ("REMOVE a.x", {}, "The document path provided in the update expression is invalid for update"),
    ("SET absent.x = absent", {}, "The document path provided in the update expression is invalid for update"),
    ("SET absent.x = :v, c = absent", {":v": 1},
     "The provided expression refers to an attribute that does not exist in the item"),
]  # fmt: skip


@pytest.mark.parametrize(("text", "values", "message"), MISFITS)
def test_update_that_does_not_fit_the_item(text, values, message, stored, wire, refusal):
    before = copy.deepcopy(stored)
    bound = update(text, {key: wire(value) for key, value in values.items()} or None)
    assert refusal(lambda: bound(stored)) == message
    assert stored == before


def test_sums_beyond_the_range_of_numbers_are_refused(stored, wire, refusal):
    big = {":v": {"N": "9" + "0" * 125}}
    assert "Number overflow" in refusal(lambda: update("SET a = :v + :v", big)(stored))
    assert refusal(lambda: update("ADD a :v", {":v": {"N": "1" + "0" * 50}})(stored))


def test_remove_inside_a_missing_item_does_nothing(item, wire, refusal):
    """AWS ignores it, where the same REMOVE from an existing item without that attribute is an error."""
    key = item(p="x")
    assert update("REMOVE q.z, l[0]")(key, exists=False) == key
    assert "invalid for update" in refusal(lambda: update("REMOVE q.z")(key))
    assert "invalid for update" in refusal(lambda: update("SET q.z = p")(key, exists=False))


TOUCHED = [
    ("SET a = :v, l[9] = :v", {"a": 1}),
    ("REMOVE l[0], l[1], absent", {"l": [1, 2]}),
    ("SET m.k.z = :v, m.fresh = :v", {"m": {"k": {"z": 1}}}),
    ("SET d.k[1].x = :v, d.k[0].x = :v", {"d": {"k": [{"x": 1}, {"x": 2}]}}),
    ("SET e[0] = :v", {}),
    ("ADD absent :v DELETE ss :s", {"ss": {"a", "b"}}),
]


@pytest.mark.parametrize(("text", "expected"), TOUCHED)
def test_touched_is_the_item_cut_down_to_the_paths_written(text, expected, stored, wire):
    values = {":v": wire(7), ":s": wire({"q"})}
    bound = update(text, {key: value for key, value in values.items() if key in text} or None)
    assert bound.touched(stored) == {name: wire(value) for name, value in expected.items()}


def test_attributes_are_the_top_level_names_written(wire):
    bound = update("SET a = b, #c.x = :v REMOVE d[0] ADD e :v", {":v": wire(1)}, {"#c": "c.c"})
    assert bound.attributes == {"a", "c.c", "d", "e"}
    assert bound.nested_attributes == {"c.c", "d"}
