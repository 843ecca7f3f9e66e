"""Properties over random trees, items and texts.

The model is a second evaluator, as plain as can be, over Python values; trees are printed with random spaces and
parentheses, so that the lexer, the parser and the closures are all on the way.
"""

import copy
import string

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from statordb.expressions.placeholders import Placeholders
from statordb.model.budget import UNBOUNDED, LaneBudget
from statordb.model.errors import ClientError

NAMES = ["a", "b", "c", "#x", "#y"]
MEANINGS = {"#x": "x.x", "#y": "name"}
scalars = st.one_of(st.integers(-3, 3), st.sampled_from(["", "a", "ab", "b"]), st.booleans(), st.none())
documents = st.recursive(
    scalars,
    lambda inner: st.one_of(
        st.lists(inner, max_size=3), st.dictionaries(st.sampled_from(["a", "b", "x.x"]), inner, max_size=3)
    ),
    max_leaves=6,
)
items = st.dictionaries(st.sampled_from(["a", "b", "c", "x.x", "name"]), documents, max_size=5)
parts = st.one_of(st.sampled_from(NAMES), st.integers(0, 2))
paths = st.tuples(st.sampled_from(NAMES), st.lists(parts, max_size=2)).map(lambda found: (found[0], *found[1]))
operands = st.one_of(paths.map(lambda path: ("path", path)), scalars.map(lambda value: ("value", value)))
ABSENT = object()


def comparisons(draw_operand):
    return st.one_of(
        st.tuples(st.sampled_from(["=", "<>", "<", "<=", ">", ">="]), draw_operand, draw_operand),
        st.tuples(st.just("BETWEEN"), draw_operand, draw_operand, draw_operand),
        st.tuples(st.just("IN"), draw_operand, st.lists(draw_operand, min_size=1, max_size=3)),
        st.tuples(st.sampled_from(["attribute_exists", "attribute_not_exists"]), paths),
        st.tuples(st.sampled_from(["begins_with", "contains"]), draw_operand, draw_operand),
    )


trees = st.recursive(
    comparisons(operands),
    lambda inner: st.one_of(
        st.tuples(st.just("NOT"), inner),
        st.tuples(st.sampled_from(["AND", "OR"]), st.lists(inner, min_size=2, max_size=4)),
    ),
    max_leaves=8,
)


class Printer:
    """A tree as text; its values become :v0, :v1 ..., equal ones the same."""

    def __init__(self, wire):
        self.values = {}
        self._wire = wire

    def path(self, path):
        return path[0] + "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in path[1:])

    def operand(self, operand):
        kind, content = operand
        if kind == "path":
            return self.path(content)
        value = self._wire(content)
        key = next((known for known, given in self.values.items() if given == value), f":v{len(self.values)}")
        self.values[key] = value
        return f"({key})" if len(self.values) % 3 == 0 else key

    def tree(self, tree):
        head = tree[0]
        if head == "NOT":
            return f"nOt ({self.tree(tree[1])})"
        if head in ("AND", "OR"):
            rank = {"AND": ("OR",), "OR": ()}[head]
            return f" {head}\n".join(f"({self.tree(x)})" if x[0] in rank else self.tree(x) for x in tree[1])
        if head == "BETWEEN":
            return f"{self.operand(tree[1])} between {self.operand(tree[2])} and {self.operand(tree[3])}"
        if head == "IN":
            return f"{self.operand(tree[1])} IN ({','.join(self.operand(x) for x in tree[2])})"
        if head.startswith("attribute"):
            return f"{head}({self.path(tree[1])})"
        left, right = self.operand(tree[1]), self.operand(tree[2])
        return f"{head}( {left},{right} )" if head in ("begins_with", "contains") else f"{left}{head}{right}"


def read(operand, item):
    kind, content = operand
    if kind == "value":
        return content
    value = item
    for part in content:
        part = MEANINGS.get(part, part) if isinstance(part, str) else part
        if isinstance(value, dict) and isinstance(part, str):
            value = value.get(part, ABSENT)
        elif isinstance(value, list) and isinstance(part, int):
            value = value[part] if part < len(value) else ABSENT
        else:
            return ABSENT
    return value


def same(one, two):
    """Equality where True is not 1."""
    if one is ABSENT or two is ABSENT or type(one) is not type(two):
        return False
    if isinstance(one, list):
        return len(one) == len(two) and all(map(same, one, two))
    if isinstance(one, dict):
        return one.keys() == two.keys() and all(same(one[name], two[name]) for name in one)
    return one == two


def holds(tree, item):
    head = tree[0]
    if head == "NOT":
        return not holds(tree[1], item)
    if head == "AND":
        return all(holds(each, item) for each in tree[1])
    if head == "OR":
        return any(holds(each, item) for each in tree[1])
    if head.startswith("attribute"):
        return (read(("path", tree[1]), item) is ABSENT) == (head == "attribute_not_exists")
    one = read(tree[1], item)
    if head == "IN":
        return any(same(one, read(each, item)) for each in tree[2])
    two = read(tree[2], item)
    if head == "BETWEEN":
        return ordered(">=", one, two) and ordered("<=", one, read(tree[3], item))
    if head in ("=", "<>"):
        return same(one, two) == (head == "=")
    if head == "begins_with":
        return isinstance(one, str) and isinstance(two, str) and one.startswith(two)
    if head == "contains":
        if isinstance(one, str):
            return isinstance(two, str) and two in one
        return isinstance(one, list) and any(same(each, two) for each in one)
    return ordered(head, one, two)


def ordered(operator, one, two):
    if type(one) is not type(two) or type(one) not in (int, str):
        return False
    return {"<": one < two, "<=": one <= two, ">": one > two, ">=": one >= two}[operator]


def bind(method, text, values, budget=UNBOUNDED):
    used = {key: name for key, name in MEANINGS.items() if key in text}
    placeholders = Placeholders(used or None, values or None, budget)
    bound = getattr(placeholders, method)(*(["FilterExpression"] if method == "condition" else []), text)
    placeholders.finish()
    return bound


def attempt(call):
    """(what the call gives, None), or (None, the refusal's message)."""
    try:
        return call(), None
    except ClientError as fault:
        return None, f"{fault.code}: {fault.message}"


@pytest.mark.slow
@given(trees, items)
@settings(max_examples=400, deadline=None)
def test_a_printed_tree_means_what_the_tree_means(wire, tree, item):
    printer = Printer(wire)
    text = printer.tree(tree)
    condition, message = attempt(lambda: bind("condition", text, printer.values))
    if message is None:
        assert condition({name: wire(value) for name, value in item.items()}) is holds(tree, item), text
    else:  # what AWS forbids although it would have a meaning
        allowed = ("must be distinct", "Incorrect operand type", "The BETWEEN operator requires")
        assert any(part in message for part in allowed), (text, message)


few_operands = st.one_of(
    st.sampled_from(["a", "b", "#x"]).map(lambda name: ("path", (name,))),
    st.sampled_from([[1, "a"], [{1, 2}, {"a": {"x", "y"}}]]).map(lambda value: ("value", value)),
)
few_comparisons = st.one_of(
    st.tuples(st.sampled_from(["=", "<>"]), few_operands, few_operands),
    st.tuples(st.just("IN"), few_operands, st.lists(few_operands, min_size=1, max_size=6)),
    st.tuples(st.just("contains"), few_operands, few_operands),
)
repetitive = st.recursive(
    few_comparisons,
    lambda inner: st.one_of(
        st.tuples(st.just("NOT"), inner),
        st.tuples(st.sampled_from(["AND", "OR"]), st.lists(inner, min_size=2, max_size=4)),
        st.tuples(st.sampled_from(["AND", "OR"]), inner.map(lambda tree: [tree, tree])),
    ),
    max_leaves=12,
)
alike = st.sampled_from(
    [[1, "a"], ["a", 1], [1], [{1, 2}, {"a": {"x", "y"}}], [{2, 1}, {"a": {"y", "x"}}], [{1, 3}, {"a": {"x", "y"}}]]
)


def turned(value):
    """A wire value with its sets the other way round, which is the same to DynamoDB."""
    ((tag, content),) = value.items()
    if tag in ("SS", "NS", "BS"):
        return {tag: content[::-1]}
    if tag == "L":
        return {"L": [turned(each) for each in content]}
    return {"M": {name: turned(each) for name, each in content.items()}} if tag == "M" else value


@pytest.mark.slow
@given(repetitive, st.dictionaries(st.sampled_from(["a", "b", "x.x"]), alike, max_size=3))
@settings(max_examples=400, deadline=None)
def test_what_says_the_same_again_and_what_is_counted_means_what_the_tree_means(wire, tree, item):
    """Comparisons are dropped, remembered and cut short; the model knows nothing of that."""
    printer = Printer(wire)
    text = printer.tree(tree)
    stored = {name: turned(wire(value)) for name, value in item.items()}
    condition, message = attempt(lambda: bind("condition", text, printer.values, LaneBudget()))
    if message is not None:
        assert "must be distinct" in message, (text, message)
        return
    for _ in range(2):  # nothing is remembered from one item to the next
        assert condition(stored) is holds(tree, item), text
        assert condition({}) is holds(tree, {}), text


ACTIONS = [
    "SET {0} = {1}",
    "SET {0} = :n",
    "SET {0} = {1} + :n",
    "SET {0} = :n - if_not_exists({1}, :n)",
    "SET {0} = list_append({1}, :l)",
    "SET {0} = :n, {1} = :l",
    "SET {0} = :l REMOVE {1}",
    "REMOVE {0}, {1}",
    "ADD {0} :n SET {1} = :l",
    "ADD {0} :s DELETE {1} :s",
]


@pytest.mark.slow
@given(st.sampled_from(ACTIONS), paths, paths, items)
@settings(max_examples=400, deadline=None)
def test_an_update_leaves_the_old_item_alone_and_can_be_repeated(wire, action, one, two, item):
    printer = Printer(wire)
    text = action.format(printer.path(one), printer.path(two))
    values = {":n": wire(1), ":l": wire([1, "x"]), ":s": wire({1, 2})}
    values = {key: value for key, value in values.items() if key in text}
    stored = {name: wire(value) for name, value in item.items()}
    before, given_values = copy.deepcopy(stored), copy.deepcopy(values)
    update, _ = attempt(lambda: bind("update", text, values))
    if update is None:
        return
    first, message = attempt(lambda: update(stored))
    assert stored == before
    if first is None:
        assert message.startswith("ValidationException: ")
        return
    kept = copy.deepcopy(first)
    assert update(stored) == first
    update.touched(first)
    attempt(lambda: update(first))  # the new item need not fit the update again, as after a REMOVE
    assert (stored, first, values) == (before, kept, given_values)


@pytest.mark.slow
@given(st.lists(paths, min_size=1, max_size=3), items)
@settings(max_examples=300, deadline=None)
def test_a_projection_has_just_what_its_paths_find(wire, wanted, item):
    """Every path of one projection gives what it gives alone."""
    printer = Printer(wire)
    stored = {name: wire(value) for name, value in item.items()}
    before = copy.deepcopy(stored)
    found, message = attempt(lambda: bind("projection", ", ".join(map(printer.path, wanted)), None)(stored))
    if found is None:
        assert "Two document paths" in message
        return
    names = {MEANINGS.get(path[0], path[0]) for path in wanted if read(("path", path), item) is not ABSENT}
    assert found.keys() == names
    for path in wanted:
        if all(isinstance(part, str) for part in path):
            alone = bind("projection", printer.path(path), None)(stored)
            assert alone == {} or alone.keys() <= found.keys()
    assert stored == before


WORDS = (
    *NAMES, ":v", "(", ")", ",", ".", "[", "]", "0", "=", "<>", "<", "+", "-", "AND", "OR", "NOT", "BETWEEN", "IN",
    "SET", "REMOVE", "ADD", "DELETE", "size", "contains", "attribute_type", "if_not_exists", "list_append", "name", "é",
)  # fmt: skip
garbage = st.one_of(
    st.text(max_size=60),
    st.text(alphabet=string.printable, max_size=200),
    st.lists(st.sampled_from(WORDS), max_size=25).map(" ".join),
    st.tuples(st.sampled_from(WORDS), st.integers(1, 2000)).map(lambda found: found[0] * found[1]),
    st.tuples(st.sampled_from(["(", "NOT ", "size(", "f(", "a[", "SET a=("]), st.integers(1, 2000), st.text(max_size=9))
    .map(lambda found: found[0] * found[1] + found[2]),
)  # fmt: skip


USES = {
    "condition": lambda placeholders, text, stored: placeholders.condition("ConditionExpression", text)(stored),
    "key_condition": lambda placeholders, text, stored: placeholders.key_condition(text).conditions,
    "projection": lambda placeholders, text, stored: placeholders.projection(text)(stored),
    "update": lambda placeholders, text, stored: placeholders.update(text)(stored),
}


@pytest.mark.slow
@pytest.mark.parametrize("method", USES)
def test_garbage_is_refused_not_crashed_on(method, wire):
    stored = {"a": wire({"b": [1]}), "b": wire("x"), "x.x": wire(1)}

    @given(garbage, scalars)
    @settings(max_examples=300, deadline=None)
    def run(text, value):
        placeholders = Placeholders(dict(MEANINGS), {":v": wire(value)})
        _, message = attempt(lambda: USES[method](placeholders, text, stored))
        assert message is None or message.startswith("ValidationException: ")

    run()
