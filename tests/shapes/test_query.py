"""AWS's Query protocol, with botocore's own serializer and parser as the outside judges."""

import string
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlencode

import pytest
from botocore.loaders import Loader
from botocore.model import ServiceModel as BotoModel
from botocore.parsers import QueryParser
from botocore.serialize import QuerySerializer
from hypothesis import given, settings
from hypothesis import strategies as st

from statordb.model.service import load_service
from statordb.shapes import xml
from statordb.shapes.overrides import Overrides
from statordb.shapes.query import DEPTH_MAX, FIELDS_MAX, NotAForm, QueryShapes, parse_form
from statordb.shapes.rest import Unreadable

VERSIONS = {"iam": "2010-05-08", "sts": "2011-06-15"}
LOADER = Loader()
NOTHING: Any = object()
THEIRS = {name: BotoModel(LOADER.load_service_model(name, "service-2"), name) for name in VERSIONS}
OURS = {name: QueryShapes(load_service(name, version), Overrides()) for name, version in VERSIONS.items()}
TEXTS = st.text(st.characters(codec="utf-8", exclude_categories=["Cs"]), max_size=8)
TELLABLE = st.text(st.sampled_from(string.printable.replace("\x0b", "").replace("\x0c", "") + "é€🙂&<>\"'"), max_size=8)


def values(shape: Any, texts: st.SearchStrategy[str], depth: int = 4) -> st.SearchStrategy[Any]:
    """Values of a shape of botocore's, of which none nests for ever."""
    kind = shape.type_name
    if kind == "structure":
        members = {name: values(member, texts, depth - 1) for name, member in shape.members.items()} if depth else {}
        return st.fixed_dictionaries({}, optional=members)
    if kind == "list":
        return st.lists(values(shape.member, texts, depth - 1), max_size=3 if depth else 0)
    if kind == "map":
        return st.dictionaries(texts, values(shape.value, texts, depth - 1), max_size=3)
    if kind in ("integer", "long"):
        return st.integers(-(2**31), 2**31 - 1)
    if kind == "boolean":
        return st.booleans()
    if kind == "timestamp":
        return st.integers(0, 2**32)
    assert kind == "string", kind
    return texts


def serialized(service: str, operation: str, request: dict[str, Any]) -> bytes:
    """A form as an SDK sends it."""
    made = QuerySerializer().serialize_to_request(request, THEIRS[service].operation_model(operation))
    return urlencode(made["body"]).encode()


INPUTS = ["CreateRole", "SimulateCustomPolicy", "ListPolicies", "GetAccountAuthorizationDetails", "TagUser"]


@pytest.mark.parametrize("operation", [f"iam.{name}" for name in INPUTS] + ["sts.AssumeRole", "sts.GetFederationToken"])
def test_what_an_sdk_sends_is_read_as_it_was_given(operation: str) -> None:
    service, name = operation.split(".")
    shape = THEIRS[service].operation_model(name).input_shape

    @settings(max_examples=30)
    @given(values(shape, TEXTS))
    def check(request: dict[str, Any]) -> None:
        form = parse_form(serialized(service, name, request))
        assert form["Action"] == name
        assert form["Version"] == OURS[service].version
        assert OURS[service].members(name, form) == (told if (told := _told(request)) is not NOTHING else {})

    check()


def _told(value: Any) -> Any:
    """What of a value the protocol can say: what has nothing in it leaves no trace, but for a list that is empty."""
    if isinstance(value, dict):
        told = {name: _told(each) for name, each in value.items()}
        return {name: each for name, each in told.items() if each is not NOTHING} or NOTHING
    if isinstance(value, list):
        elements = [each for each in map(_told, value) if each is not NOTHING]
        return elements if elements or not value else NOTHING
    return value


OUTPUTS = ["GetUser", "GetAccountAuthorizationDetails", "GetAccountSummary", "SimulateCustomPolicy", "ListUsers"]


@pytest.mark.parametrize("operation", [f"iam.{name}" for name in OUTPUTS] + ["sts.AssumeRole"])
def test_what_is_answered_is_what_an_sdk_reads(operation: str) -> None:
    service, name = operation.split(".")
    shape = THEIRS[service].operation_model(name).output_shape

    @settings(max_examples=30)
    @given(values(shape, TELLABLE))
    def check(outcome: dict[str, Any]) -> None:
        body = OURS[service].answer(name, outcome, "some-id")
        parsed = QueryParser().parse({"status_code": 200, "headers": {}, "body": body}, shape)
        assert parsed.pop("ResponseMetadata")["RequestId"] == "some-id"
        assert _comparable(parsed) == _comparable(outcome)

    check()


def _comparable(value: Any) -> Any:
    """Times as numbers; botocore drops white space around texts, and makes None of elements that have nothing."""
    if isinstance(value, datetime):
        return int(value.replace(tzinfo=UTC).timestamp())
    if isinstance(value, dict):
        return {name: _comparable(each) for name, each in value.items()}
    if isinstance(value, list):
        return [_comparable(each) for each in value]
    return value


def test_an_operation_without_output_answers_an_id_alone() -> None:
    body = OURS["iam"].answer("DeleteUser", {}, "some-id")
    assert body == (
        b'<DeleteUserResponse xmlns="https://iam.amazonaws.com/doc/2010-05-08/"><ResponseMetadata>'
        b"<RequestId>some-id</RequestId></ResponseMetadata></DeleteUserResponse>\n"
    )


def test_an_error_is_what_an_sdk_reads() -> None:
    body = xml.error("NoSuchEntity", 'no "<&>" \x00', True, OURS["iam"].namespace, "some-id")
    parsed = QueryParser().parse({"status_code": 404, "headers": {}, "body": body}, None)
    assert parsed["Error"] == {"Type": "Sender", "Code": "NoSuchEntity", "Message": 'no "<&>" \ufffd'}
    assert parsed["ResponseMetadata"]["RequestId"] == "some-id"


def test_lists_go_by_their_numbers() -> None:
    form = {"PolicyInputList.member.10": "c", "PolicyInputList.member.2": "b", "PolicyInputList.member.1": "a"}
    assert OURS["iam"].members("SimulateCustomPolicy", form) == {"PolicyInputList": ["a", "b", "c"]}
    assert OURS["iam"].members("SimulateCustomPolicy", {"PolicyInputList": ""}) == {"PolicyInputList": []}


@pytest.mark.parametrize(
    "form",
    [
        {"MaxItems": "many"},
        {"MaxItems": "99999999999"},
        {"MaxItems.member.1": "1"},
        {"PolicyInputList": "text"},
        {"PolicyInputList.member": "text"},
        {"PolicyInputList.member.x": "text"},
        {"PolicyInputList.member.1.Name": "text"},
        {"PolicyInputList.member.1234567": "text"},
    ],
)
def test_what_is_of_another_type_is_refused(form: dict[str, str]) -> None:
    with pytest.raises(Unreadable):
        OURS["iam"].members("SimulateCustomPolicy", form)


@pytest.mark.parametrize("form", [{"A": "1", "A.b": "2"}, {"A.b": "2", "A": "1"}, {".".join("a" * 100): "1"}])
def test_what_can_stand_nowhere_is_no_form(form: dict[str, str]) -> None:
    with pytest.raises(NotAForm):
        OURS["iam"].members("ListUsers", form)


@pytest.mark.parametrize("body", [b"a=%ff", b"\xff", b"&".join([b"a=1"] * (FIELDS_MAX + 1))])
def test_a_body_that_is_no_form_is_told(body: bytes) -> None:
    with pytest.raises(NotAForm):
        parse_form(body)


@given(st.dictionaries(st.text("PolicyInputLst.member10Nx", max_size=30), st.text(max_size=4), max_size=6))
def test_no_form_raises_anything_else(form: dict[str, str]) -> None:
    try:
        OURS["iam"].members("SimulateCustomPolicy", form)
    except (NotAForm, Unreadable):
        pass


def test_no_input_is_as_deep_as_the_bound() -> None:
    def depth(shape: Any, above: frozenset[str]) -> int:
        if shape is None or shape.name in above:
            return 0
        above |= {shape.name}
        if shape.type_name == "structure":
            return 1 + max((depth(member, above) for member in shape.members.values()), default=0)
        if shape.type_name == "list":
            return 2 + depth(shape.member, above)
        return 2 if shape.type_name == "map" else 0

    for model in THEIRS.values():
        assert max(depth(model.operation_model(name).input_shape, frozenset()) for name in model.operation_names) < (
            DEPTH_MAX
        )
