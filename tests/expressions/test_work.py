"""The work of an expression is bounded: counted in units and comparisons, never by the clock."""

import orjson
import pytest

from statordb.expressions import predicates
from statordb.expressions.paths import DistinctPaths
from statordb.expressions.placeholders import Placeholders
from statordb.model.budget import Budget, Heavy, InlineBudget, LaneBudget
from statordb.model.errors import ClientError
from statordb.model.limits import EXPRESSION_PATH_ELEMENTS_MAX, INLINE_UNITS_MAX

LENGTH = 15_000


class Tally(Budget):
    """Counts units, and refuses none."""

    def __init__(self):
        super().__init__(0)
        self.counted = 0

    def spend(self, units):
        self.counted += units


def counted_anew(budget):
    """Without what its texts cost, which depends on which were seen before."""
    if isinstance(budget, Tally):
        budget.counted = 0


def numbers(last):
    """A list of numbers, of which no member is the same object as in another: as two parsed items have it."""
    return orjson.loads(orjson.dumps({"L": [{"N": "1"}] * (LENGTH - 1) + [{"N": str(last)}]}))


@pytest.fixture
def item():
    return {"a": numbers(1), "b": numbers(2)}


@pytest.fixture
def comparisons(monkeypatch):
    """The pairs that were compared as documents."""
    made = []

    def equal(one, two, budget):
        made.append((one, two))
        return predicates_equal(one, two, budget)

    predicates_equal = predicates.equal
    monkeypatch.setattr(predicates, "equal", equal)
    return made


def condition(text, budget, values=None, names=None):
    bound = Placeholders(names, values, budget).condition("FilterExpression", text)
    counted_anew(budget)
    return bound


@pytest.mark.parametrize(
    "text",
    [
        f"a IN ({', '.join(['b'] * 100)})",
        " OR ".join(["a = b"] * 100),
        " AND ".join(["a = b"] * 100),
        " OR ".join([f"a IN ({', '.join(['b'] * 100)})"] * 7),
        "a IN (b, b) AND NOT (a = b OR b = a)",
        "(a = b AND attribute_exists(c)) OR (a = b AND attribute_exists(d)) OR NOT b <> a",
        "(a IN (b, c) AND attribute_exists(c)) OR (a IN (b, d) OR b IN (a, c))",
        "a = b OR #a = b OR a = #b",
    ],
)
def test_equal_documents_are_compared_once(item, comparisons, text):
    names = {"#a": "a", "#b": "b"} if "#" in text else None
    condition(text, Tally(), names=names)(item)
    assert len(comparisons) == 1


def test_each_item_is_compared_anew(item, comparisons):
    test = condition("(a = b AND attribute_exists(a)) OR (b = a AND attribute_exists(b))", Tally())
    assert not test(item)
    assert test({**item, "b": numbers(1)})
    assert not test(item)
    assert len(comparisons) == 3


def test_lists_of_numbers_are_compared_by_the_interpreter(item):
    tally = Tally()
    assert not condition("a = b", tally)(item)
    assert LENGTH <= tally.counted <= 2 * LENGTH


def test_lists_of_different_lengths_are_told_apart_at_once(item):
    tally = Tally()
    item["b"]["L"].append({"N": "1"})
    assert not condition("a = b", tally)(item)
    assert tally.counted == 0


def test_what_lies_deep_is_counted_too():
    """A document of one member may hold as much as any."""
    tally = Tally()
    wrapped = {name: {"L": [{"M": {"m": numbers(last)}}]} for name, last in (("a", 1), ("b", 2))}
    assert not condition("a = b", tally)(wrapped)
    assert tally.counted >= LENGTH


def test_plain_attributes_cost_nothing():
    tally = Tally()
    text = "a = :s AND b > :n AND a IN (:s, :t) AND contains(a, :s) AND begins_with(a, :s) AND b BETWEEN :n AND :m"
    values = {":s": {"S": "x"}, ":t": {"S": "y"}, ":n": {"N": "1"}, ":m": {"N": "3"}}
    assert condition(text, tally, values)({"a": {"S": "x"}, "b": {"N": "2"}})
    assert tally.counted == 0


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("contains(a, :v)", {":v": {"N": "7"}}),
        ("contains(a, :v)", {":v": {"SS": ["x"]}}),
        ("contains(a, :v)", {":v": {"L": [{"SS": ["x"]}]}}),
        ("contains(s, :v)", {":v": {"S": "7"}}),
        ("contains(t, :v)", {":v": {"S": "b"}}),
        ("s = r", None),
        ("x < y", None),
        ("x > y", None),
        ("begins_with(x, y)", None),
        ("contains(x, y)", None),
        ("a IN (:v, b)", {":v": {"N": "1"}}),
    ],
)
def test_what_walks_documents_or_long_texts_spends(item, text, values):
    members = [f"{number:x}" for number in range(LENGTH)]
    item |= {"s": {"SS": members}, "r": {"SS": members[::-1]}, "t": {"S": "a" * 400_000}}
    item |= {"x": {"B": "AAAA" * 100_000}, "y": {"B": "AAAA" * 99_999}}
    tally = Tally()
    condition(text, tally, values)(item)
    assert tally.counted >= LENGTH


def test_beyond_what_may_be_done_in_one_go_it_is_heavy_and_beyond_all_reason_refused(item):
    text = " OR ".join(f"{left}[{index}] = b" for left in "ac" for index in range(40))
    item |= {"c": item["a"], "a": {"L": [item["a"]] * 40}}
    with pytest.raises(Heavy):
        condition(text, InlineBudget())(item)
    condition(text, LaneBudget())(item)
    with pytest.raises(ClientError) as refused:
        condition(text, LaneBudget(20 * LENGTH))(item)
    assert refused.value.code == "ValidationException"


def test_sets_in_another_order_are_walked_and_counted_so():
    members = [{"SS": ["x", str(number)]} for number in range(1000)]
    turned = [{"SS": each["SS"][::-1]} for each in members]
    tally = Tally()
    assert condition("a = b", tally)({"a": {"L": members}, "b": {"L": turned}})
    assert tally.counted >= 5 * len(members)


def update(text, item, budget, values=None):
    bound = Placeholders(None, values, budget).update(text)
    counted_anew(budget)
    return bound(item)


def test_an_update_stops_growing_when_its_item_is_too_large(item):
    """Each list is a pointer's copy of 30,000 members; all of them together would be millions."""
    tally = Tally()
    text = "SET " + ", ".join(f"x{number} = list_append(a, a)" for number in range(150))
    with pytest.raises(ClientError) as refused:
        update(text, item, tally)
    assert refused.value.message == "Item size to update has exceeded the maximum allowed size"
    assert tally.counted <= 500_000


def test_nested_lists_stop_growing_too(item):
    tally = Tally()
    item |= {"m": {"M": {}}, "l": {"L": []}}
    text = "SET " + ", ".join(
        [f"m.x{number} = list_append(a, a), l[{number}] = list_append(a, b)" for number in range(70)]
    )
    with pytest.raises(ClientError) as refused:
        update(text, item, tally)
    assert refused.value.message == "Item size to update has exceeded the maximum allowed size"
    assert tally.counted <= 500_000


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("SET x = list_append(a, a)", None),
        ("SET a[0] = :n", {":n": {"N": "1"}}),
        ("SET m.x = :n", {":n": {"N": "1"}}),
        ("REMOVE a[0]", None),
        ("ADD s :s", {":s": {"SS": ["x"]}}),
        ("DELETE s :s", {":s": {"SS": ["1"]}}),
    ],
)
def test_what_an_update_copies_is_spent(item, text, values):
    item |= {"m": {"M": {str(number): {"N": "1"} for number in range(LENGTH)}}}
    item |= {"s": {"SS": [str(number) for number in range(LENGTH)]}}
    tally = Tally()
    update(text, item, tally, values)
    assert tally.counted >= LENGTH
    with pytest.raises(Heavy):
        update(text, item, InlineBudget(LENGTH - 1), values)


def test_an_update_of_plain_attributes_costs_nothing():
    tally = Tally()
    update("SET n = n + :one, s = :s, t = if_not_exists(t, :s) REMOVE r ADD m :one", {"n": {"N": "1"}}, tally,
           {":one": {"N": "1"}, ":s": {"S": "x"}})  # fmt: skip
    assert tally.counted == 0


def test_an_update_beyond_what_may_be_done_in_one_go_is_heavy(item):
    assert 2 * LENGTH > INLINE_UNITS_MAX
    with pytest.raises(Heavy):
        update("SET x = list_append(a, b)", item, InlineBudget())
    assert "x" not in item


@pytest.mark.parametrize("level", ["(a = :v AND {} OR b = :v)", "NOT ({} AND a = b)", "(a = :v OR NOT ({} AND b = a))"])
def test_what_is_nested_as_deep_as_operators_allow_does_not_exhaust_the_stack(level):
    text = "c = d"
    while text.count("=") + text.count("AND") + text.count("OR") + text.count("NOT") < 290:
        text = level.replace("{}", text)
    assert condition(text, Tally(), {":v": {"N": "1"}} if ":v" in text else None)({}) in (True, False)


def test_texts_cost_when_they_are_new_and_when_their_names_are():
    """A transaction may bring two hundred new texts of 4 KB, each of which takes milliseconds to parse."""
    text = "#new" + "_" * 200 + " = :v OR " + " OR ".join(f"new_{number} = :v" for number in range(100))
    (name, _, _) = text.partition(" ")
    costs = []
    for meaning in ("a", "a", "b", "b"):
        tally = Tally()
        Placeholders({name: meaning}, {":v": {"N": "1"}}, tally).condition("ConditionExpression", text)
        costs.append(tally.counted)
    assert costs == [4 * len(text), 0, 2 * len(text), 0]


def test_what_was_parsed_before_a_request_was_too_heavy_is_kept():
    """So a request of many long texts is answered where it comes in, once it has been sent a few times."""
    texts = [" OR ".join(f"kept_{part}_{number} = :v" for number in range(150)) for part in range(5)]
    rounds = 0
    while True:
        rounds += 1
        bound = Placeholders(None, {":v": {"N": "1"}}, InlineBudget())
        try:
            for text in texts:
                bound.condition("ConditionExpression", text)
        except Heavy:
            continue
        break
    assert 1 < rounds <= len(texts)


def test_a_path_that_is_too_deep_is_not_looked_at_to_its_end():
    """It fits into a text of 4 KB a thousand times, and each of its beginnings is a path."""
    distinct = DistinctPaths()
    distinct.add(("a",) * 2000)
    assert len(distinct._inner) == EXPRESSION_PATH_ELEMENTS_MAX
