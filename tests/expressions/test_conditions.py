"""Condition and filter expressions: what they find, and AWS's message for each fault."""

import pytest

from statordb.expressions.placeholders import Placeholders


@pytest.fixture
def stored(item):
    return item(
        a=1,
        b="hello",
        n=None,
        t=True,
        bin=b"\x01\x80",
        list=[1, "x", [2], {"k": 1}],
        map={"k": {"z": 1}, "set": {1, 2}},
        words={"a", "b"},
        five=5,
        blank="",
        accents="é😀",
    )


def condition(text, values=None, names=None):
    placeholders = Placeholders(names, values)
    bound = placeholders.condition("ConditionExpression", text)
    placeholders.finish()
    return bound


HOLDS = [
    ("a = :v", {":v": 1}),
    ("a <> :v", {":v": "1"}),
    ("absent <> :v", {":v": 1}),  # a missing attribute is unequal to anything,
    ("absent <> gone", {}),  # even to another one
    ("NOT absent = gone", {}),
    ("words = :v", {":v": {"b", "a"}}),
    ("a < :v AND a <= :v AND five > :v AND five >= :v", {":v": 2}),
    ("bin > :v", {":v": b"\x01\x7f"}),  # binaries are unsigned
    ("NOT a < :v", {":v": "x"}),  # of different types: neither less nor greater
    ("NOT a >= :v", {":v": "x"}),
    ("five BETWEEN a AND :v", {":v": 5}),
    ("NOT b BETWEEN a AND :v", {":v": "z"}),
    ("a IN (absent, :v, five)", {":v": 1}),
    ("NOT absent IN (gone)", {}),
    ("attribute_exists(#map.k.z) AND attribute_not_exists(#map.k.y)", {}),
    ("attribute_not_exists(#list[9]) AND attribute_not_exists(#list.k) AND attribute_not_exists(a.k)", {}),
    ("attribute_type(n, :v)", {":v": "NULL"}),
    ("attribute_type(:v, :v)", {":v": "S"}),
    ("begins_with(b, :v)", {":v": "hel"}),
    ("begins_with(:v, b)", {":v": "hello!"}),
    ("begins_with(bin, :v)", {":v": b"\x01"}),
    ("begins_with(b, blank)", {}),
    ("contains(b, :v)", {":v": "ell"}),
    ("contains(bin, :v)", {":v": b"\x80"}),
    ("contains(words, :v)", {":v": "a"}),
    ("contains(#map.#set, a)", {}),
    ("contains(#list, :v)", {":v": [2]}),
    ("contains(#list, :v)", {":v": {"k": 1}}),
    ("NOT contains(a, :v)", {":v": 1}),
    ("size(b) = five AND size(bin) = :v AND size(#map) = :v AND size(words) = :v", {":v": 2}),
    ("size(accents) = :v", {":v": 3}),  # UTF-16 units
    ("size(#list) BETWEEN :v AND five", {":v": 4}),
    ("NOT size(a) = :v AND size(a) <> :v", {":v": 1}),  # a number has no size
    ("#list[3].k = a AND #list[2][0] > a", {}),
    ("((a = :v) AND b = :w) OR NOT (a = :v)", {":v": 1, ":w": "hello"}),
    ("a = :w OR a = :v AND NOT a = :w", {":v": 1, ":w": 2}),  # NOT before AND before OR
    ("not a = :w And NOT NOT a=:v", {":v": 1, ":w": 2}),
    ("(a) = (:v)", {":v": 1}),
    (" a\t=\r\n:v ", {":v": 1}),
    (":v = :v", {":v": 1}),
]


@pytest.mark.parametrize(("text", "values"), HOLDS)
def test_condition_holds(text, values, stored, wire):
    names = {"#list": "list", "#map": "map", "#set": "set"}
    used = {key: name for key, name in names.items() if key in text} or None
    bound = condition(text, {key: wire(value) for key, value in values.items()} or None, used)
    assert bound(stored) is True
    assert (
        condition(f"NOT ({text})", {key: wire(value) for key, value in values.items()} or None, used)(stored) is False
    )


FAULTS = [
    # Syntax: the first token that can't stand there, with its neighbours
    ("", {}, "The expression can not be empty;"),
    (" ", {}, 'Syntax error; token: "<EOF>", near: " "'),
    ("a", {}, 'Syntax error; token: "<EOF>", near: "a"'),
    ("a = :v extra", {}, 'Syntax error; token: "extra", near: ":v extra"'),
    ("  a  =  ", {}, 'Syntax error; token: "<EOF>", near: "=  "'),
    ("a = = b", {}, 'Syntax error; token: "=", near: "= = b"'),
    ("a != :v", {}, 'Syntax error; token: "!", near: "a !="'),
    ("_a = :v", {}, 'Syntax error; token: "_", near: "_a"'),
    ('a = "x"', {}, 'Syntax error; token: """, near: "= "x"'),
    ("a = 12 b", {}, 'Syntax error; token: "12", near: "= 12 b"'),
    ("a = :vé", {}, 'Syntax error; token: "é", near: ":vé"'),
    ("# = :v", {}, 'Syntax error; token: "#", near: "# ="'),
    ("(a = :v", {}, 'Syntax error; token: "<EOF>", near: ":v"'),
    ("a = :v)", {}, 'Syntax error; token: ")", near: ":v)"'),
    ("(NOT a) = b", {}, 'Syntax error; token: ")", near: "a) ="'),
    ("(a = b) = c", {}, 'Syntax error; token: "=", near: ") = c"'),
    ("a = (b = c)", {}, 'Syntax error; token: "=", near: "b = c"'),
    ("a AND b", {}, 'Syntax error; token: "AND", near: "a AND b"'),
    ("and = b", {}, 'Syntax error; token: "and", near: "and ="'),
    ("set = b", {}, 'Syntax error; token: "set", near: "set ="'),
    ("a BETWEEN b OR c", {}, 'Syntax error; token: "OR", near: "b OR c"'),
    ("a IN b", {}, 'Syntax error; token: "b", near: "IN b"'),
    ("a IN ()", {}, 'Syntax error; token: ")", near: "()"'),
    ("attribute_exists()", {}, 'Syntax error; token: ")", near: "()"'),
    ("a[-1] = :v", {}, 'Syntax error; token: "-", near: "[-1"'),
    ("a[00] = :v", {}, 'Syntax error; token: "0", near: "00]"'),
    ("a..b = :v", {}, 'Syntax error; token: ".", near: "..b"'),
    ("(a).b = :v", {}, 'Syntax error; token: ".", near: ").b"'),
    ("#f(a)", {}, 'Syntax error; token: "(", near: "#f(a"'),
    ("a = b + :v", {}, 'Syntax error; token: "+", near: "b + :v"'),
    # What the text alone shows, in this order
    ("name = a AND ((a = b))", {}, "The expression has redundant parentheses;"),
    ("((a)) = b", {}, "The expression has redundant parentheses;"),
    ("f(((a)))", {}, "The expression has redundant parentheses;"),
    ("size(a) AND foo(b)", {}, "The function is not allowed to be used this way in an expression; function: size"),
    ("foo(b) AND size(a)", {}, "Invalid function name; function: foo"),
    ("BEGINS_WITH(a, b)", {}, "Invalid function name; function: BEGINS_WITH"),
    ("list_append(a, b) = c", {}, "The function is not allowed in a condition expression; function: list_append"),
    (
        "attribute_exists(a) = b",
        {},
        "The function is not allowed to be used this way in an expression; function: attribute_exists",
    ),
    ("Select = :v", {}, "Attribute name is a reserved keyword; reserved keyword: Select"),
    ("a.size = #n AND foo(b)", {}, "Attribute name is a reserved keyword; reserved keyword: size"),
    ("a[2147483648] = b", {}, "List index is not within the allowable range; index: [2147483648]"),
    # What names and values show, in order of appearance
    (
        "#n = :q",
        {},
        "An expression attribute name used in the document path is not defined; attribute name: #n",
    ),
    (":q = #n", {}, "An expression attribute value used in expression is not defined; attribute value: :q"),
    (
        "attribute_exists(a, b) AND #n = a",
        {},
        "Incorrect number of operands for operator or function; operator or function: attribute_exists, "
        "number of operands: 2",
    ),
    (
        "begins_with(a)",
        {},
        "Incorrect number of operands for operator or function; operator or function: begins_with, "
        "number of operands: 1",
    ),
    (
        "attribute_exists(:v)",
        {":v": 1},
        "Operator or function requires a document path; operator or function: attribute_exists",
    ),
    (
        "a.b[1] = a.b[1]",
        {},
        "The first operand must be distinct from the remaining operands for this operator or function; "
        "operator: =, first operand: [a, b, [1]]",
    ),
    (
        "a IN (:v, a)",
        {":v": 1},
        "The first operand must be distinct from the remaining operands for this operator or function; "
        "operator: IN, first operand: [a]",
    ),
    (
        "contains(a, a)",
        {},
        "The first operand must be distinct from the remaining operands for this operator or function; "
        "operator: contains, first operand: [a]",
    ),
    (
        "a < :v",
        {":v": [1]},
        "Incorrect operand type for operator or function; operator or function: <, operand type: L",
    ),
    (
        "begins_with(a, :v)",
        {":v": 1},
        "Incorrect operand type for operator or function; operator or function: begins_with, operand type: N",
    ),
    (
        "begins_with(a, size(b))",
        {},
        "Incorrect operand type for operator or function; operator or function: begins_with, operand type: N",
    ),
    (
        "size(size(a)) > b",
        {},
        "Incorrect operand type for operator or function; operator or function: size, operand type: N",
    ),
    (
        "size(:v) > b",
        {":v": None},
        "Incorrect operand type for operator or function; operator or function: size, operand type: NULL",
    ),
    (
        "attribute_type(a, b)",
        {},
        "Incorrect operand type for operator or function; operator or function: attribute_type, "
        "operand type: {NS,SS,L,BS,N,M,B,BOOL,NULL,S}",
    ),
    (
        "attribute_type(a, :v)",
        {":v": "DOG"},
        "Invalid attribute type name found; type: DOG, valid types: {B,NULL,SS,BOOL,L,BS,N,NS,S,M}",
    ),
    (
        "a BETWEEN :v AND :w",
        {":v": "b", ":w": "a"},
        "The BETWEEN operator requires upper bound to be greater than or equal to lower bound; "
        "lower bound operand: AttributeValue: {S:b}, upper bound operand: AttributeValue: {S:a}",
    ),
    (
        "a BETWEEN :v AND :w",
        {":v": 1, ":w": "a"},
        "The BETWEEN operator requires same data type for lower and upper bounds; "
        "lower bound operand: AttributeValue: {N:1}, upper bound operand: AttributeValue: {S:a}",
    ),
    # Limits
    ("a = :v" + " " * 4091, {}, "Expression size has exceeded the maximum allowed size; expression size: 4097"),
    (" OR ".join(["a = b"] * 151), {}, "The expression contains too many operators; operator count: 301"),
    ("NOT " * 300 + "a = b", {}, "The expression contains too many operators; operator count: 301"),
    (
        f"a IN ({', '.join(['b'] * 101)})",
        {},
        "The IN operator is provided with too many operands; number of operands: 101",
    ),
    ("a" + ".b" * 32 + " = c", {}, "The document path has too many nesting levels; nesting levels: 33"),
]


@pytest.mark.parametrize(("text", "values", "message"), FAULTS)
def test_fault(text, values, message, wire, refusal):
    """AWS's texts to the letter: clients, and the tests of other projects, look for parts of them."""
    given = {key: wire(value) for key, value in values.items()} or None
    for parameter in ("ConditionExpression", "FilterExpression"):
        placeholders = Placeholders(None, given)
        assert refusal(lambda p=placeholders, q=parameter: p.condition(q, text)) == f"Invalid {parameter}: {message}"


def test_faults_of_values_are_found_in_a_known_text_too(wire, refusal):
    """A text seen before takes a short way through the checks; its values must not."""
    text = "begins_with(a, :v) AND b < :w AND c BETWEEN :x AND :y AND attribute_type(d, :z)"
    good = {":v": wire("a"), ":w": wire(1), ":x": wire(1), ":y": wire(2), ":z": wire("S")}
    condition(text, good)
    for key, bad, part in [
        (":v", wire(1), "begins_with, operand type: N"),
        (":w", wire(True), "<, operand type: BOOL"),
        (":y", wire(0), "requires upper bound to be greater"),
        (":z", wire("DOG"), "type: DOG"),
    ]:
        assert part in refusal(lambda k=key, b=bad: condition(text, {**good, k: b}))
    assert ":z" in refusal(lambda: condition(text, {key: value for key, value in good.items() if key != ":z"}))
    between = "c BETWEEN :x AND :y AND size(d) > :w"
    condition(between, {":x": wire(1), ":y": wire(1), ":w": wire(1)})
    for low, high, part in [
        (2, 1, "upper bound to be greater"),
        (1, "a", "same data type"),
        (True, True, "type: BOOL"),
    ]:
        given = {":x": wire(low), ":y": wire(high), ":w": wire(1)}
        assert part in refusal(lambda g=given: condition(between, g))
    assert "type: M" in refusal(lambda: condition(between, {":x": wire(1), ":y": wire(1), ":w": wire({})}))
    condition("size(:v) = :w", {":v": wire("a"), ":w": wire(1)})
    assert "size, operand type: N" in refusal(lambda: condition("size(:v) = :w", {":v": wire(1), ":w": wire(1)}))
    simple = {":v": wire("a")}
    condition("begins_with(a, :v)", simple)
    assert "operand type: N" in refusal(lambda: condition("begins_with(a, :v)", {":v": wire(1)}))
    assert "not defined; attribute value: :v" in refusal(lambda: condition("begins_with(a, :v)"))


def test_limits_are_inclusive(stored, wire):
    """The most that each limit lets pass: the tables of faults above have one more."""
    one = {":v": wire(1)}
    assert condition(" OR ".join(["a = :v"] * 150), one)(stored)
    assert condition(f"a IN ({', '.join([':v'] * 100)})", one)(stored)
    assert not condition("a" + ".b" * 31 + " = :v", one)(stored)
    assert condition("a = :v" + " " * 4090, one)(stored)


@pytest.mark.parametrize(
    "text",
    ["(" * 4096, "NOT " * 1000 + "a", "(" * 2000 + "a = b", "size(" * 800, "size(" * 600 + "a" + ")" * 600 + " > b"],
    ids=["parentheses", "not", "unclosed", "calls", "nested calls"],
)
def test_deep_nesting_is_refused_not_crashed_on(text, refusal):
    assert refusal(lambda: condition(text)).startswith("Invalid ConditionExpression: ")


def test_deepest_tree_that_is_allowed_runs(stored, wire):
    assert not condition("NOT (" * 299 + "a = :v" + ")" * 299, {":v": wire(1)})(stored)
    assert condition("(a = :v AND " * 149 + "a = :v" + ")" * 149, {":v": wire(1)})(stored)


def test_attributes_are_the_top_level_names_mentioned(wire):
    bound = condition("#p.x[1] = :v OR size(b) > c[0] AND NOT contains(d, :v)", {":v": wire(1)}, {"#p": "a.b"})
    assert bound.attributes == {"a.b", "b", "c", "d"}
    assert bound.nested_attributes == {"a.b", "c"}
