"""Good requests, what AWS drops and converts, and the fast way against the precise one."""

import json
import sys
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from statordb.api.shape_overrides import DYNAMODB
from statordb.model.errors import ClientError
from statordb.model.service import load_service
from statordb.shapes.json import Shapes
from statordb.shapes.nodes import Node, Nodes
from statordb.shapes.overrides import Overrides

MODEL = load_service()
SHAPES = Shapes(DYNAMODB, MODEL)
NODES = Nodes(MODEL, DYNAMODB)


def test_a_good_request_is_handed_on_as_it_is() -> None:
    request = {"TableName": "cart", "Key": {"p": {"S": "a"}, "n": {"N": "1"}}, "ConsistentRead": True}
    assert SHAPES.check("GetItem", request) is request


def test_every_type_of_value_passes() -> None:
    item = {
        "s": {"S": ""},
        "n": {"N": "not judged here"},
        "b": {"B": "YWJj"},
        "yes": {"BOOL": True},
        "no": {"NULL": False},
        "l": {"L": [{"S": "a"}, {"L": []}, {"M": {}}]},
        "m": {"M": {"x": {"M": {"y": {"BS": ["YQ=="]}}}}},
        "ss": {"SS": ["a", "a"]},
        "ns": {"NS": ["1"]},
        "bs": {"BS": ["", "YWI="]},
    }
    request = {"TableName": "cart", "Item": item}
    assert SHAPES.check("PutItem", request) is request


def test_content_of_values_is_left_to_the_values() -> None:
    # None or several types in one value, empty sets: structure is right, so they pass.
    request = {"TableName": "cart", "Item": {"a": {}, "b": {"S": "x", "N": "1"}, "c": {"SS": []}}}
    assert SHAPES.check("PutItem", request) is request


def test_a_table_may_be_named_by_its_arn() -> None:
    arn = "arn:aws:dynamodb:eu-west-1:123456789012:table/cart"
    for request in ({"TableName": arn, "Key": {}}, {"TableName": "arn:" + "x" * 1020, "Key": {}}):
        assert SHAPES.check("GetItem", request) is request
    described = {"TableName": arn}
    assert SHAPES.check("DescribeTable", described) is described


def test_unknown_members_and_nulls_are_dropped_from_a_copy() -> None:
    request = {"TableName": "cart", "Key": {"p": {"S": "a", "N": None, "X": 1}}, "Limit": 1, "ConsistentRead": None}
    before = json.dumps(request)
    assert SHAPES.check("GetItem", request) == {"TableName": "cart", "Key": {"p": {"S": "a"}}}
    assert json.dumps(request) == before


def test_an_unknown_member_is_not_looked_into() -> None:
    deep: Any = []
    for _ in range(5_000):
        deep = [deep]
    assert SHAPES.check("ListTables", {"Depth": deep}) == {}


@pytest.mark.parametrize(("word", "taken"), [("true", True), ("YES", True), ("1", True), ("no", False), ("0", False)])
def test_words_for_booleans(word: str, taken: bool) -> None:
    """AWS's parser takes words for a boolean, whichever way they are written."""
    checked = SHAPES.check("PutItem", {"TableName": "cart", "Item": {"a": {"BOOL": word}}})
    assert checked["Item"] == {"a": {"BOOL": taken}}


@pytest.mark.parametrize(("number", "taken"), [(5.9, 5), (5.0, 5), (2**31, 2**31 - 1), (1e30, 2**31 - 1)])
def test_whole_numbers_are_cut_and_bounded(number: float, taken: int) -> None:
    checked = SHAPES.check("Query", {"TableName": "cart", "Limit": number})
    assert checked["Limit"] == taken
    assert type(checked["Limit"]) is int


def test_long_numbers_are_bounded_to_64_bits() -> None:
    throughput = {"ReadCapacityUnits": 1e30, "WriteCapacityUnits": float("inf")}
    checked = SHAPES.check("UpdateTable", {"TableName": "cart", "ProvisionedThroughput": throughput})
    assert checked["ProvisionedThroughput"] == {"ReadCapacityUnits": 2**63 - 1, "WriteCapacityUnits": 2**63 - 1}


def test_every_operation_compiles() -> None:
    """Of the whole model: what is not built yet is checked by it too, as soon as it is."""
    shapes = Shapes(DYNAMODB, MODEL)
    assert shapes.operations == MODEL.operations.keys()
    for operation in shapes.operations:
        assert type(outcome(shapes.check, operation, {})) in (dict, tuple)


@pytest.mark.parametrize(("name", "version"), [("kms", "2014-11-01"), ("application-autoscaling", "2016-02-06")])
def test_other_services_compile_too(name: str, version: str) -> None:
    """Their models have no union that holds itself, blobs at the top, and other patterns of Java's."""
    shapes = Shapes(Overrides(), load_service(name, version))
    for operation in shapes.operations:
        for document in ({}, {"Plaintext": "YQ=="}, {"KeyId": "k", "Plaintext": "YQ", "PolicyName": "\U0001f600" * 9}):
            fast = outcome(shapes.check, operation, document)
            assert fast == outcome(shapes.check_precisely, operation, document)


def test_a_blob_is_recognised() -> None:
    shapes = Shapes(Overrides(), load_service("kms", "2014-11-01"))
    request = {"KeyId": "k", "Plaintext": "YQ=="}
    assert shapes.check("Encrypt", request) is request


def nested(depth: int) -> Any:
    value: Any = {"S": "x"}
    for level in range(depth):
        value = {"L": [value]} if level % 2 else {"M": {"a": value}}
    return value


def test_nesting_that_values_judge_passes() -> None:
    request = {"TableName": "cart", "Item": {"a": nested(34)}}
    assert SHAPES.check("PutItem", request) is request


@pytest.mark.parametrize("depth", [60, 200, 5_000])
def test_nesting_beyond_all_limits_is_the_clients_error(depth: int) -> None:
    with pytest.raises(ClientError, match="Nesting Levels have exceeded supported limits"):
        SHAPES.check("PutItem", {"TableName": "cart", "Item": {"a": nested(depth)}})


def test_the_precise_way_keeps_clear_of_the_recursion_limit() -> None:
    # A client must not be able to reach it, so the deepest request that passes has to do with a small part of it.
    request = {"TableName": "cart", "Item": {"a": nested(39)}}
    limit = sys.getrecursionlimit()
    depth, frame = 0, sys._getframe()
    while frame is not None:
        depth, frame = depth + 1, frame.f_back  # type: ignore[assignment]
    sys.setrecursionlimit(depth + limit // 2)
    try:
        assert SHAPES.check_precisely("PutItem", request) is request
    finally:
        sys.setrecursionlimit(limit)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=5,
)


def strings(node: Node) -> st.SearchStrategy[str]:
    if node.enum:
        return st.sampled_from(sorted(node.enum)) | st.text(max_size=3)
    likely = st.sampled_from(
        ["cart", "ab", "x" * 300, "arn:aws:dynamodb:us-east-1:1:table/cart", "a b", "0123456789abcdef"]
    )
    return likely | st.text(max_size=5)


def documents(node: Node, depth: int = 0) -> st.SearchStrategy[Any]:
    """Documents that mostly fit a shape, and miss it here and there."""
    fitting: st.SearchStrategy[Any]
    if node.kind == "structure":
        fitting = structures(node, depth)
    elif node.kind == "list":
        fitting = st.lists(st.deferred(lambda: documents(node.element, depth + 1)), max_size=3)
    elif node.kind == "map":
        fitting = st.dictionaries(
            strings(node.key), st.deferred(lambda: documents(node.element, depth + 1)), max_size=3
        )
    elif node.kind == "string":
        fitting = strings(node)
    elif node.kind == "boolean":
        fitting = st.booleans()
    elif node.kind == "blob":
        fitting = st.sampled_from(["YWJj", "YQ==", "YR==", "YQ", "!bad", "é==="])
    else:
        fitting = st.integers(-2, 200) | st.floats()
    return st.integers(0, 15).flatmap(lambda die: JSON if die == 0 else fitting)


def elements(node: Node, depth: int) -> st.SearchStrategy[Any]:
    return st.deferred(lambda: documents(node.element, depth + 1))


def structures(node: Node, depth: int) -> st.SearchStrategy[Any]:
    required = {name: member for name, member in node.members.items() if member.required}
    optional = {name: member for name, member in node.members.items() if not member.required}
    if depth > 8:
        optional = {
            name: member for name, member in optional.items() if member.node.kind not in ("list", "map", "structure")
        }

    def chosen(names: list[str]) -> st.SearchStrategy[Any]:
        return st.fixed_dictionaries({name: documents(node.members[name].node, depth + 1) for name in names})

    few = st.lists(st.sampled_from(sorted(optional)), max_size=3, unique=True) if optional else st.just([])
    return few.map(lambda names: [*required, *names]).flatmap(chosen)


def outcome(check: Any, operation: str, document: Any) -> Any:
    try:
        return check(operation, document)
    except ClientError as error:
        return error.type, error.message


@given(st.data())
@settings(max_examples=400, deadline=None)
def test_the_fast_way_is_the_precise_way(data: st.DataObject) -> None:
    operation = data.draw(st.sampled_from(sorted(SHAPES.operations)))
    document = data.draw(documents(NODES.node(MODEL.operations[operation].input)))
    fast = outcome(SHAPES.check, operation, document)
    precise = outcome(SHAPES.check_precisely, operation, document)
    assert repr(fast) == repr(precise)  # by text, since NaN is unequal to itself
    assert (fast is document) == (precise is document)


@pytest.mark.slow
@given(st.data())
@settings(max_examples=200, deadline=None)
def test_what_was_checked_is_right_when_checked_again(data: st.DataObject) -> None:
    operation = data.draw(
        st.sampled_from(["PutItem", "UpdateItem", "Query", "BatchWriteItem", "CreateTable", "UpdateTable"])
    )
    document = data.draw(documents(NODES.node(MODEL.operations[operation].input)))
    first = outcome(SHAPES.check, operation, document)
    if type(first) is dict:
        assert SHAPES.check(operation, first) is first


@pytest.mark.slow
@given(st.sampled_from(sorted(SHAPES.operations)), JSON)
@settings(max_examples=200, deadline=None)
def test_any_json_gives_a_request_or_a_client_error(operation: str, document: Any) -> None:
    assert type(outcome(SHAPES.check, operation, document)) in (dict, tuple)
