"""Keys as ordered bytes: the formats are frozen, and bounds mean what conditions say."""

from base64 import b64encode
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from statordb.engine.cassandra.cql.keys import OWN_SPACES
from statordb.model.numbers import normalize
from statordb.model.schema import KeyAttribute, KeySchema
from statordb.model.values import compare
from statordb.store import keyspace
from statordb.store.access import PrimaryPath
from statordb.store.indexes.secondary import SecondaryIndex
from statordb.store.keyspace import Space, delimit
from statordb.store.records import IndexRecord

Value = dict[str, str]

# Bytes that are mostly zeros, in runs around 126, where their code changes.
zeros = st.one_of(st.integers(0, 3), st.sampled_from([125, 126, 127, 128, 252, 253]))
ragged = st.lists(st.one_of(zeros.map(bytes), st.binary(min_size=1, max_size=2)), max_size=4).map(b"".join)


def test_every_space_has_a_table_on_a_cluster() -> None:
    assert {space.value for space in Space} <= set(OWN_SPACES)


def test_the_numbers_of_spaces_are_frozen() -> None:
    """They are in every store: only ever add to this list."""
    assert {space.name: space.value for space in Space} == {
        "CATALOG": 1,
        "CREDENTIALS": 2,
        "TOKENS": 3,
        "LEASES": 4,
        "STREAMS": 5,
        "FUNCTIONS": 6,
        "FUNCTION_CODE": 7,
        "MAPPINGS": 8,
        "CHECKPOINTS": 9,
        "INVOCATIONS": 10,
        "SEAL": 11,
        "FORMATS": 12,
        "CONDEMNED": 13,
        "LOGS": 14,
        "HOLDS": 15,
        "IDENTITIES": 16,
        "KMS": 17,
        "LEDGER": 18,
        "LEDGER_SUBJECTS": 19,
        "LEDGER_CAPACITY": 20,
        "BACKUPS": 21,
        "ARCHIVE": 22,
        "ALARMS": 24,
        "ALARM_HISTORY": 25,
        "SCALING": 26,
        "SCALING_ACTIVITIES": 27,
        "SHARES": 28,
        "INSIGHTS": 29,
        "JOBS": 30,
    }


@pytest.mark.parametrize(
    ("value", "coded"),
    [
        (b"", "0000"),
        (b"a", "610000"),
        (b"\0", "0001"),
        (b"\0\0", "0002"),
        (b"a\0", "610001"),
        (b"a\0b", "6100fe620000"),
        (b"a\0\0b\0", "6100fd620001"),
        (bytes(126), "007e"),
        (bytes(127), "007f0001"),
        (bytes(126) + b"a", "0081610000"),
        (bytes(127) + b"a", "007f00fe610000"),
        (b"\xff", "ff0000"),
    ],
)
def test_the_format_of_delimited_values_is_frozen(value: bytes, coded: str) -> None:
    """Never change this test: these bytes are the keys of every index."""
    assert delimit(value).hex() == coded


def test_the_format_of_index_digests_is_frozen() -> None:
    assert keyspace.digest(b"partition", b"sort").hex() == "fb5898358c2801dc16ffcc2352d7925a"
    assert keyspace.digest(b"ab", b"c") != keyspace.digest(b"a", b"bc")


@pytest.mark.slow
@settings(max_examples=500, deadline=None)
@given(ragged, ragged)
def test_delimited_values_keep_their_order_and_none_begins_another(a: bytes, b: bytes) -> None:
    first, second = delimit(a), delimit(b)
    assert (first > second) - (first < second) == (a > b) - (a < b)
    if a != b:
        assert not first.startswith(second)
    assert len(first) <= 1.5 * len(a) + 2


@pytest.mark.slow
@settings(max_examples=300, deadline=None)
@given(ragged, ragged)
def test_prefix_end_is_behind_all_that_begins_so(prefix: bytes, rest: bytes) -> None:
    end = keyspace.prefix_end(prefix)
    if end is not None:
        assert prefix + rest < end
        assert not end.startswith(prefix)
    else:
        assert not prefix.strip(b"\xff")


CONTENTS: dict[str, st.SearchStrategy[str]] = {
    "S": st.text("\0\x01aé\U0010ffff", min_size=1, max_size=3),
    "N": st.one_of(
        st.integers(-12, 12).map(str), st.sampled_from(["0.5", "-0.5", "1.05", "10.5", "1e-130", "-1e125", "99"])
    ).map(normalize),
    "B": st.lists(st.sampled_from([b"\0", b"\x01", b"a", b"\xff"]), min_size=1, max_size=3).map(
        lambda parts: b64encode(b"".join(parts)).decode()
    ),
}
OPERATORS = ["EQ", "LT", "LE", "GT", "GE", "BETWEEN", "BEGINS_WITH"]


def values_of(type: str) -> st.SearchStrategy[Value]:
    return CONTENTS[type].map(lambda content: {type: content})


def holds(operator: str, value: Value, operands: list[Value]) -> bool:
    """What a condition says, without any bytes of keys."""
    if operator == "BEGINS_WITH":
        encode = keyspace.encoder(next(iter(value)))
        return encode(*value.values()).startswith(encode(*operands[0].values()))
    sides = [compare(value, operand) for operand in operands]
    meanings: dict[str, Callable[[], bool]] = {
        "EQ": lambda: sides[0] == 0,
        "LT": lambda: sides[0] < 0,
        "LE": lambda: sides[0] <= 0,
        "GT": lambda: sides[0] > 0,
        "GE": lambda: sides[0] >= 0,
        "BETWEEN": lambda: sides[0] >= 0 and sides[1] <= 0,
    }
    return meanings[operator]()


@st.composite
def conditions(draw: st.DrawFn, type: str) -> tuple[str, list[Value]]:
    operator = draw(st.sampled_from(OPERATORS[:-1] if type == "N" else OPERATORS))
    operands = [draw(values_of(type)) for _ in range(2 if operator == "BETWEEN" else 1)]
    if len(operands) == 2 and compare(*operands) > 0:
        operands.reverse()
    return operator, operands


@pytest.mark.slow
@settings(max_examples=400, deadline=None)
@given(st.data(), st.sampled_from("SNB"))
def test_bounds_of_a_table_are_those_of_the_condition(data: st.DataObject, type: str) -> None:
    path = PrimaryPath(1000, KeySchema((KeyAttribute("p", "S"),), (KeyAttribute("c", type),)))
    operator, operands = data.draw(conditions(type))
    lower, upper = path.bounds([("c", operator, operands)])
    for value in data.draw(st.lists(values_of(type), min_size=1, max_size=8)) + operands:
        sort = path.sort({"c": value})
        assert (lower <= sort and (upper is None or sort < upper)) is holds(operator, value, operands)


def index_of(types: str) -> SecondaryIndex:
    """An index with a sort key of attributes a, b, c ... of these types."""
    names = "abcd"[: len(types)]
    definitions = [{"AttributeName": n, "AttributeType": t} for n, t in zip("p" + names, "S" + types, strict=True)]
    key_schema = [{"AttributeName": "p", "KeyType": "HASH"}]
    key_schema += [{"AttributeName": name, "KeyType": "RANGE"} for name in names]
    base = PrimaryPath(1000, KeySchema((KeyAttribute("p", "S"),), ()))
    return SecondaryIndex(IndexRecord("i", False, 1001, key_schema, {"ProjectionType": "ALL"}), definitions, base)


@pytest.mark.slow
@settings(max_examples=200, deadline=None)
@given(st.data(), st.text("SNB", min_size=1, max_size=3))
def test_bounds_of_an_index_are_those_of_the_conditions(data: st.DataObject, types: str) -> None:
    """Equality on any number of attributes from the left, then perhaps any operator on the next one."""
    index = index_of(types)
    names = "abcd"[: len(types)]
    equal = data.draw(st.integers(0, len(types)))
    given: list[tuple[str, str, list[Value]]] = [
        (name, "EQ", [data.draw(values_of(type))]) for name, type in list(zip(names, types, strict=True))[:equal]
    ]
    if equal < len(types) and data.draw(st.booleans()):
        given.append((names[equal], *data.draw(conditions(types[equal]))))
    lower, upper = index.bounds(given)
    for _ in range(8):
        item: dict[str, Any] = {"p": {"S": data.draw(st.sampled_from("xyz"))}}
        for position, (name, type) in enumerate(zip(names, types, strict=True)):
            operands = given[position][2] if position < len(given) else []
            near = [st.sampled_from(operands)] if operands else []
            item[name] = data.draw(st.one_of(*near, values_of(type)))
        sort = index.position(item)[1]
        expected = all(holds(operator, item[name], operands) for name, operator, operands in given)
        assert (lower <= sort and (upper is None or sort < upper)) is expected


@pytest.mark.slow
@settings(max_examples=300, deadline=None)
@given(st.data(), st.text("SNB", min_size=1, max_size=3))
def test_entries_of_an_index_are_in_the_order_of_its_sort_key(data: st.DataObject, types: str) -> None:
    index = index_of(types)
    items = []
    for number in range(2):
        item: dict[str, Any] = {"p": {"S": str(number)}}
        item.update((name, data.draw(values_of(type))) for name, type in zip("abcd", types, strict=False))
        items.append(item)
    order = next((side for name in "abcd"[: len(types)] if (side := compare(items[0][name], items[1][name]))), 0)
    first, second = (index.position(item)[1] for item in items)
    if order:
        assert (first > second) - (first < second) == order
    else:
        assert first != second  # items of equal index keys are told apart by their primary keys


@pytest.mark.slow
@settings(max_examples=300, deadline=None)
@given(st.lists(ragged, min_size=2, max_size=3), st.lists(ragged, min_size=2, max_size=3))
def test_partitions_of_several_attributes_are_never_mixed_up(a: list[bytes], b: list[bytes]) -> None:
    def partition(parts: list[bytes]) -> bytes:
        item = {str(n): {"B": b64encode(part).decode()} for n, part in enumerate(parts)}
        return keyspace.partition_bytes([KeyAttribute(name, "B") for name in item], item)

    if len(a) == len(b):
        assert (partition(a) == partition(b)) is (a == b)


def test_a_partition_of_one_attribute_is_its_plain_bytes() -> None:
    """Frozen, too: it is how tables are stored."""
    attributes = {type: KeyAttribute("k", type) for type in "SNB"}
    assert keyspace.partition_bytes([attributes["S"]], {"k": {"S": "é\0"}}) == b"\xc3\xa9\0"
    assert keyspace.partition_bytes([attributes["B"]], {"k": {"B": "AAE="}}) == b"\0\x01"
    assert keyspace.partition_bytes([attributes["N"]], {"k": {"N": "1"}}).hex() == "c0820b00"
    both = keyspace.partition_bytes([attributes["S"], attributes["N"]], {"k": {"S": "a", "N": "1"}})
    assert both.hex() == "610000" + "c0820b00"
