"""The three protocols that SDKs speak to CloudWatch: Query and XML, JSON 1.0, and RPC v2 in CBOR.

They differ in bytes alone: an operation is given the same members, and comes to the same.
"""

import math
from collections.abc import Mapping
from typing import Any, Protocol

import orjson

from statordb.cloudwatch_api import errors
from statordb.cloudwatch_api.errors import CloudWatchError
from statordb.model.rest import RestReply, RestRequest
from statordb.model.service import load_service
from statordb.shapes import cbor, constraints, xml
from statordb.shapes.nodes import Node, Nodes
from statordb.shapes.overrides import Overrides
from statordb.shapes.query import NotAForm, QueryShapes, parse_form
from statordb.shapes.rest import Unreadable, read, violations

SERVICE, VERSION = "cloudwatch", "2010-08-01"
NAMESPACE = "http://monitoring.amazonaws.com/doc/2010-08-01/"
QUERY, JSON, CBOR = "query", "json", "cbor"
_JSON_1_0 = "application/x-amz-json-1.0"
_SMITHY = ("smithy-protocol", "rpc-v2-cbor")
_SECONDS_MIN, _SECONDS_MAX = -62_135_596_800.0, 253_402_300_799.0  # the years that a date can have
_OVERRIDES = Overrides()

Members = dict[str, Any]


class Form(Protocol):
    """One of the protocols."""

    def call(self, request: RestRequest) -> tuple[str, Any]:
        """The operation that a request asks for, which may be none, and its document. Raises CloudWatchError."""
        ...

    def members(self, operation: str, document: Any) -> Members:
        """The members of a request. Raises Unreadable, NotAForm."""
        ...

    def answer(self, operation: str, outcome: Members, request_id: str) -> RestReply: ...


class Protocols:
    """What is loaded with the first request. Raises ServiceModelMissing."""

    def __init__(self) -> None:
        model = load_service(SERVICE, VERSION)
        self.operations = model.operations
        self._nodes = Nodes(model, _OVERRIDES)
        self._forms: Mapping[str, Form] = {
            QUERY: _Query(QueryShapes(model, _OVERRIDES)),
            JSON: _Json(self),
            CBOR: _Cbor(self),
        }

    def form(self, name: str) -> Form:
        return self._forms[name]

    def input(self, operation: str) -> Node | None:
        shape = self.operations[operation].input
        return self._nodes.node(shape) if shape else None

    def output(self, operation: str) -> Node | None:
        shape = self.operations[operation].output
        return None if shape is None else self._nodes.node(shape)

    def checked(self, form: Form, operation: str, document: Any) -> Members:
        """The members of a request, as the service model wants them. Raises SerializationException, MissingParameter,
        ValidationError."""
        try:
            given = form.members(operation, document)
        except (NotAForm, Unreadable) as fault:
            raise errors.malformed(str(fault.args[0])) from None
        node = self.input(operation)
        if node is None:
            return given
        for member in node.members.values():
            if member.required and given.get(member.name) is None:
                raise errors.missing(f"The parameter {member.name} is required.")
        _must_be_finite(given)
        found = violations(node, given)
        if found:
            raise errors.validation(constraints.collected([fault.text for fault in found]))
        return given


class _Query:
    def __init__(self, shapes: QueryShapes) -> None:
        self._shapes = shapes

    def call(self, request: RestRequest) -> tuple[str, Any]:
        try:
            form = parse_form(request.body)
        except NotAForm as fault:
            raise errors.malformed(str(fault.args[0])) from None
        action, version = form.get("Action", ""), form.get("Version", VERSION)
        if not action:
            raise errors.missing_action()
        if version != VERSION:
            raise errors.invalid_action(action[:128])
        return action, form

    def members(self, operation: str, document: Any) -> Members:
        return self._shapes.members(operation, document)

    def answer(self, operation: str, outcome: Members, request_id: str) -> RestReply:
        return RestReply(200, self._shapes.answer(operation, outcome, request_id), (), xml.CONTENT_TYPE)


class _Json:
    def __init__(self, protocols: Protocols) -> None:
        self._protocols = protocols

    def call(self, request: RestRequest) -> tuple[str, Any]:
        target = request.headers.get(b"x-amz-target", b"").decode("latin-1")
        try:
            return target.partition(".")[2].strip(), orjson.loads(request.body or b"{}")
        except orjson.JSONDecodeError:
            raise errors.malformed("The body is not JSON.") from None

    def members(self, operation: str, document: Any) -> Members:
        return _read(self._protocols.input(operation), document)

    def answer(self, operation: str, outcome: Members, request_id: str) -> RestReply:
        shown = {name: value for name, value in outcome.items() if value is not None}
        return RestReply(200, orjson.dumps(shown), (), _JSON_1_0)


class _Cbor:
    def __init__(self, protocols: Protocols) -> None:
        self._protocols = protocols

    def call(self, request: RestRequest) -> tuple[str, Any]:
        try:
            return request.path.rpartition("/")[2], cbor.parse(request.body)
        except Unreadable as fault:
            raise errors.malformed(str(fault.args[0])) from None

    def members(self, operation: str, document: Any) -> Members:
        return _read(self._protocols.input(operation), document)

    def answer(self, operation: str, outcome: Members, request_id: str) -> RestReply:
        body = cbor.answer(self._protocols.output(operation), outcome)
        return RestReply(200, body, (_SMITHY,), cbor.CONTENT_TYPE)


def refusal(form: str, fault: CloudWatchError, request_id: str) -> RestReply:
    """The reply that tells a client of its error: the one place where errors become bytes."""
    if form == QUERY:
        body = xml.error(fault.code, fault.message, fault.is_sender, NAMESPACE, request_id)
        return RestReply(fault.status, body, (), xml.CONTENT_TYPE, fault.code)
    # By this an SDK that knows the service from the Query protocol tells the same code in all of them.
    told = (("x-amzn-query-error", f"{fault.code};{'Sender' if fault.is_sender else 'Receiver'}"),)
    type = f"com.amazonaws.cloudwatch#{fault.shape}"
    if form == CBOR:
        return RestReply(fault.status, cbor.error(type, fault.message), (*told, _SMITHY), cbor.CONTENT_TYPE, fault.code)
    return RestReply(
        fault.status, orjson.dumps({"__type": type, "message": fault.message}), told, _JSON_1_0, fault.code
    )


def _read(node: Node | None, document: Any) -> Members:
    if node is None:
        return {}
    found: Members = read(node, document)
    return found


def _must_be_finite(value: Any) -> None:
    """Raises ValidationError for a number that is none, or a date that can't be."""
    if isinstance(value, float):
        if not math.isfinite(value):
            raise errors.validation("A number of the request is not finite.")
    elif isinstance(value, dict):
        for each in value.values():
            _must_be_finite(each)
    elif isinstance(value, list):
        for each in value:
            _must_be_finite(each)


def must_be_a_date(name: str, seconds: float) -> float:
    """Raises InvalidParameterValue for a timestamp that is no date of the calendar."""
    if not _SECONDS_MIN <= seconds <= _SECONDS_MAX:
        raise errors.invalid_value(f"The parameter {name} is not a valid timestamp.")
    return seconds
