"""What a write does with the item that stands there: its size after an update, and its weight before it is parsed."""

from types import SimpleNamespace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from statordb.commands.applying import meets, updater
from statordb.expressions.placeholders import Placeholders
from statordb.model.budget import UNBOUNDED, Budget, Heavy, InlineBudget
from statordb.model.errors import ClientError
from statordb.model.limits import ITEM_BYTES_MAX
from statordb.model.values import item_size
from statordb.store.image import Image

PLAIN = SimpleNamespace(indexes=[], looks_back=False, key_names=("p",))
INDEXED = SimpleNamespace(indexes=[], looks_back=True)
KEY = {"p": {"S": "a"}}
TOO_LARGE = "Item size to update has exceeded the maximum allowed size"


def update(text, values=None):
    return Placeholders(None, values).update(text)


def image(**attributes):
    item = KEY | attributes
    return Image(Image.of(item, item_size(item)).body)


scalars = st.one_of(st.text("aé", max_size=5).map(lambda text: {"S": text}), st.integers().map(lambda n: {"N": str(n)}))
values = st.recursive(
    scalars,
    lambda inner: st.one_of(
        st.lists(inner, max_size=4).map(lambda members: {"L": members}),
        st.dictionaries(st.text("xy", min_size=1, max_size=3), inner, max_size=4).map(lambda members: {"M": members}),
    ),
    max_leaves=8,
)
TEXTS = ["SET a = :v", "SET a = b, b = :v", "REMOVE a, c", "SET a.x = :v", "SET b[0] = :v REMOVE a[0]",
         "SET c = if_not_exists(a, :v) REMOVE b", "SET a = list_append(b, b), d = :v"]  # fmt: skip


@pytest.mark.slow
@given(st.dictionaries(st.sampled_from("abc"), values), st.sampled_from(TEXTS), values, st.booleans())
def test_an_updated_item_is_as_large_as_if_it_were_measured_whole(attributes, text, value, exists):
    apply = updater(PLAIN, KEY, update(text, {":v": value} if ":v" in text else None), None, UNBOUNDED)
    try:
        new = apply(image(**attributes) if exists else None)
    except ClientError:
        return
    assert new is None or new.size == item_size(new.item)


def test_the_last_byte_of_an_item_is_still_in_and_the_next_is_not():
    old = image(b={"S": "x" * 1000})
    room = ITEM_BYTES_MAX - old.size - 1
    grown = updater(PLAIN, KEY, update("SET v = :v", {":v": {"S": "y" * room}}), None, UNBOUNDED)(old)
    assert grown.size == ITEM_BYTES_MAX
    with pytest.raises(ClientError) as refused:
        updater(PLAIN, KEY, update("SET v = :v", {":v": {"S": "y" * (room + 1)}}), None, UNBOUNDED)(old)
    assert refused.value.message == TOO_LARGE


@pytest.mark.parametrize(
    ("text", "overhead"),
    [
        ("SET b = :v", 22),
        ("SET b = :v, c = :v", 41),
        ("SET b = :v REMOVE r", 24),
        ("SET b = :v DELETE t :s", 24),
        ("SET b = :v ADD n :n", 41),
        ("SET b = :v, m.f = :v", 41),
        ("SET b = :v, l[0] = :v", 42),
        ("SET b = :v, n = n + :n", 91),
        ("REMOVE r", 5),
        ("REMOVE r, s", 7),
    ],
)
def test_an_update_by_itself_counts_its_actions_and_not_the_key(text, overhead):
    """The figures were measured on AWS by the authors of dynoxide."""
    values = {":v": {"S": "x"}, ":s": {"SS": ["a"]}, ":n": {"N": "1"}}
    assert update(text, {name: value for name, value in values.items() if name in text} or None).overhead == overhead


@pytest.mark.parametrize("key", ["a", "a" * 21, "a" * 22, "a" * 1000])
def test_the_last_byte_of_an_update_by_itself(key):
    """Its actions may count for more than the key, and the item itself has to fit as well."""
    item_key = {"p": {"S": key}}
    made = update("SET v = :v", {":v": {"S": ""}})
    keyed = item_size(item_key)
    room = ITEM_BYTES_MAX - keyed - len("v") - max(0, made.overhead - keyed)

    def grown(bytes_):
        wanted = update("SET v = :v", {":v": {"S": "y" * bytes_}})
        return updater(PLAIN, item_key, wanted, None, UNBOUNDED, made.overhead)

    assert grown(room)(None).size <= ITEM_BYTES_MAX
    with pytest.raises(ClientError, match=TOO_LARGE):
        grown(room + 1)(None)


def test_only_what_an_update_writes_is_measured():
    """A counter in an item of many attributes is no more work than in one of two."""

    class Tally(Budget):
        def spend(self, units):
            self.left += units

    budget = Tally(0)
    old = image(n={"N": "1"}, l={"L": [{"N": "1"}] * 1000})
    updater(PLAIN, KEY, update("SET n = n + :v", {":v": {"N": "1"}}), None, budget)(old)
    assert budget.left == 0
    updater(PLAIN, KEY, update("SET l[0] = :v", {":v": {"N": "1"}}), None, budget)(old)
    assert budget.left >= 1000


def test_a_list_that_is_set_many_times_is_walked_within_the_budget():
    """It is shared and not copied, but each place of it counts for the item's size, and has to be measured."""
    text = "SET " + ", ".join(f"x{number} = l" for number in range(100))
    with pytest.raises(Heavy):
        updater(PLAIN, KEY, update(text), None, InlineBudget(10_000))(image(l={"L": [{"N": "1"}] * 1000}))


HEAVY = {"l": {"L": [{"N": "1"}] * 20_000}}


def test_a_heavy_item_is_weighed_before_it_is_parsed():
    condition = Placeholders(None, None).condition("ConditionExpression", "attribute_exists(p)")
    for apply in (
        lambda old: meets(PLAIN, condition, old, InlineBudget()),
        lambda old: meets(INDEXED, None, old, InlineBudget()),
        updater(PLAIN, KEY, update("SET n = :v", {":v": {"N": "1"}}), None, InlineBudget()),
        updater(INDEXED, KEY, None, condition, InlineBudget()),
    ):
        old = image(**HEAVY)
        with pytest.raises(Heavy):
            apply(old)
        assert old._item is None


def test_what_nobody_looks_at_is_not_weighed():
    assert meets(PLAIN, None, image(**HEAVY), InlineBudget(0))
    assert meets(INDEXED, None, None, InlineBudget(0))
