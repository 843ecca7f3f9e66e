"""What hypothesis makes up: any JSON, any text for an expression, any value. A failure is shrunk to its least form.

The seed of a failure is printed; `--hypothesis-seed` repeats it.
"""

import base64
import json
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.fuzz.requests import MAKERS, TABLE, definition
from tests.process import ServerProcess
from tests.raw import Connection

EXAMPLES = settings(
    max_examples=400, deadline=None, print_blob=True, suppress_health_check=list(HealthCheck), database=None
)

TEXT = st.text(max_size=20)
SCALARS = st.none() | st.booleans() | st.integers() | st.floats() | TEXT
ANY_JSON = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXT, inner, max_size=4),
    max_leaves=12,
)
WORDS = "p c a m.k l[0] #n :v :w ( ) , = <> < AND OR NOT BETWEEN IN SET REMOVE ADD DELETE + - [ ] . # : name"
CALLS = "size(a) contains( attribute_exists( if_not_exists( list_append("
TOKENS = st.sampled_from(f"{WORDS} {CALLS}".split(" "))
NEARLY_EXPRESSION = st.lists(TOKENS, max_size=14).map(" ".join) | st.text(max_size=60)

DIGITS = st.text("0123456789", min_size=1, max_size=38)
# The exponent of a zero is looked at as it is written, so that 0.0E-130 would be one too small.
NUMBER = st.builds("{}{}.{}E{}".format, st.sampled_from(("", "-", "+")), DIGITS, st.just("0"), st.integers(-129, 88))
BINARY = st.binary(max_size=30).map(lambda raw: base64.b64encode(raw).decode())
WELL_FORMED = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
LEAVES = st.one_of(
    st.builds(lambda text: {"S": text}, WELL_FORMED),
    st.builds(lambda number: {"N": number}, NUMBER),
    st.builds(lambda raw: {"B": raw}, BINARY),
    st.builds(lambda flag: {"BOOL": flag}, st.booleans()),
    st.just({"NULL": True}),
    st.builds(lambda texts: {"SS": texts}, st.lists(WELL_FORMED, min_size=1, max_size=5, unique=True)),
    st.builds(lambda raws: {"BS": raws}, st.lists(BINARY, min_size=1, max_size=5, unique=True)),
)
VALUE = st.recursive(
    LEAVES,
    lambda inner: (
        st.builds(lambda items: {"L": items}, st.lists(inner, max_size=4))
        | st.builds(lambda items: {"M": items}, st.dictionaries(WELL_FORMED.filter(bool), inner, max_size=4))
    ),
    max_leaves=10,
)


@pytest.fixture(scope="module")
def connection() -> Iterator[Connection]:
    """A server of this module's own, with one table."""
    with ServerProcess("--memory", "--workers", "1") as server:
        opened = Connection(server.url)
        opened.ask("CreateTable", definition(TABLE))
        yield opened
        opened.close()
        assert "Traceback" not in server.logged(), server.logged()[-5000:]


def _send(connection: Connection, operation: str, body: Any) -> tuple[int, Any]:
    """Status and reply; lone surrogates go out as they are, which is no UTF-8."""
    text = json.dumps(body, ensure_ascii=False).encode("utf-8", "surrogatepass")
    status, reply = connection.send(operation, text)
    return status, json.loads(reply)


@EXAMPLES
@given(operation=st.sampled_from(sorted(MAKERS)), body=ANY_JSON)
def test_any_json_is_answered(connection: Connection, operation: str, body: Any) -> None:
    status, _ = _send(connection, operation, body)
    assert status in (200, 400)


@EXAMPLES
@given(operation=st.sampled_from(sorted(MAKERS)), data=st.data())
def test_any_member_may_be_anything(connection: Connection, operation: str, data: st.DataObject) -> None:
    # A good request with one member replaced: further in than a body of chance gets.
    random = data.draw(st.randoms(use_true_random=False))
    body = MAKERS[operation][0](random)
    if body:
        body[data.draw(st.sampled_from(sorted(body)))] = data.draw(ANY_JSON)
    status, _ = _send(connection, operation, body)
    assert status in (200, 400)


@EXAMPLES
@given(
    text=NEARLY_EXPRESSION,
    kind=st.sampled_from(("UpdateExpression", "ConditionExpression", "ProjectionExpression", "KeyConditionExpression")),
)
def test_any_text_as_an_expression(connection: Connection, text: str, kind: str) -> None:
    operation = {"ProjectionExpression": "GetItem", "KeyConditionExpression": "Query"}.get(kind, "UpdateItem")
    body: dict[str, Any] = {"TableName": TABLE, kind: text}
    if operation != "Query":
        body["Key"] = {"p": {"S": "x"}, "c": {"N": "1"}}
    names = {"#n": "name"} if "#n" in text else {}
    values = {name: value for name, value in ((":v", {"N": "1"}), (":w", {"SS": ["x"]})) if name in text}
    if names:
        body["ExpressionAttributeNames"] = names
    if values:
        body["ExpressionAttributeValues"] = values
    status, _ = _send(connection, operation, body)
    assert status in (200, 400)


@EXAMPLES
@given(value=VALUE)
def test_any_good_value_comes_back_in_one_form(connection: Connection, value: dict[str, Any]) -> None:
    # What comes back is a good value too, and comes back as itself.
    key = {"p": {"S": "value"}, "c": {"N": "1"}}
    seen = value
    for _ in range(2):
        status, reply = _send(connection, "PutItem", {"TableName": TABLE, "Item": {**key, "v": seen}})
        assert status == 200, reply
        status, reply = _send(connection, "GetItem", {"TableName": TABLE, "Key": key, "ConsistentRead": True})
        assert status == 200
        previous, seen = seen, reply["Item"]["v"]
    assert seen == previous
