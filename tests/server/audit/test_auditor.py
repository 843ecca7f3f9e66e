"""What is refused for the audit log's sake is told in the form of the API that was asked."""

import json
from types import SimpleNamespace
from typing import Any

import pytest

from statordb.iam_api.service import QueryService, load_sts
from statordb.model.request import NOWHERE, Principal, Reply
from statordb.model.rest import RestRequest
from statordb.server.audit.auditor import Auditor, audited, audited_bare, audited_forms, audited_rest
from statordb.server.audit.parameters import KEPT_BYTES_MAX
from statordb.wire.exchange import Exchange, received

ROOT = Principal("111111111111", "AKIAEXAMPLE", "eu-west-1", "arn:aws:iam::111111111111:root")


def auditor(is_lost: bool) -> Auditor:
    """One whose trail takes nothing, or everything."""
    trail: Any = SimpleNamespace(is_lost=is_lost, wake=lambda: None, put=lambda make, is_strange: None)
    return Auditor(trail, lambda: 0.0, has_data=False, is_required=True)


def asked(operation: str, body: bytes = b"{}") -> Exchange:
    exchange = received(b"POST", b"/", {}, body, None, "id", 0.0, None, NOWHERE)
    exchange.operation, exchange.principal = operation, ROOT
    return exchange


def called(service: str) -> RestRequest:
    return RestRequest("POST", "/", "", {}, b"Action=A&Version=1", ROOT, "some-id")


def query_service(name: str) -> QueryService:
    nothing: Any = None
    return QueryService(name, nothing, nothing, nothing, nothing, load_sts)


@pytest.mark.parametrize(
    ("make", "type"),
    [(audited, "com.amazonaws.dynamodb.v20120810#InternalServerError"), (audited_bare, "InternalServerError")],
    ids=["dynamodb", "kms"],
)
def test_a_log_that_is_required_and_lost_stops_json_apis_in_their_forms(make: Any, type: str) -> None:
    reply = make(None, auditor(is_lost=True)).handle(asked("CreateKey"))
    assert (reply.status, json.loads(reply.body)["__type"]) == (500, type)


@pytest.mark.parametrize("name", ["iam", "sts"])
def test_it_stops_iam_and_sts_in_xml(name: str) -> None:
    reply = audited_forms(query_service(name), auditor(is_lost=True), name).handle(called(name))
    assert (reply.status, reply.content_type, reply.error) == (500, "text/xml", "InternalFailure")
    assert b"<Code>InternalFailure</Code>" in reply.body
    assert b"https://%s.amazonaws.com/doc/" % name.encode() in reply.body
    assert b"some-id" in reply.body


def test_it_stops_lambda_in_its_form() -> None:
    reply = audited_rest(object(), auditor(is_lost=True)).handle(called("lambda"))
    assert (reply.status, dict(reply.headers)) == (500, {"x-amzn-ErrorType": "ServiceException"})


@pytest.mark.parametrize("make", [audited, audited_bare], ids=["dynamodb", "kms"])
def test_what_is_too_large_to_be_told_of_is_refused_in_the_apis_form(make: Any) -> None:
    reply = make(None, auditor(is_lost=False)).handle(asked("CreateKey", b" " * (KEPT_BYTES_MAX + 1)))
    type = json.loads(reply.body)["__type"]
    assert reply.status == 413
    assert ("#" in type) == (make is audited)


@pytest.mark.parametrize(
    ("operation", "reply", "wanted"),
    [
        ("Decrypt", Reply(200, b'{"KeyId":"arn:aws:kms:r:1:key/k","Plaintext":"planted"}'), None),
        ("GenerateRandom", Reply(200, b'{"Plaintext":"planted"}'), None),
        ("DescribeKey", Reply(200, b'{"KeyMetadata":{"Description":"planted"}}'), None),
        ("ScheduleKeyDeletion", Reply(200, b'{"KeyId":"k","KeyState":"PendingDeletion"}'), "PendingDeletion"),
    ],
)
def test_of_an_answer_only_what_became_of_a_change_is_kept(operation: str, reply: Reply, wanted: str | None) -> None:
    """What a key has opened does not even wait to be written."""
    kept: list[Any] = []
    trail: Any = SimpleNamespace(is_lost=False, wake=lambda: None, put=lambda make, is_strange: kept.append(make))
    service: Any = SimpleNamespace(handle=lambda request: reply)
    auditor = Auditor(trail, lambda: 0.0, has_data=False, is_required=False)
    assert audited_bare(service, auditor).handle(asked(operation)) is reply
    (make,) = kept
    assert b"planted" not in make.args[0].answer
    record = make()
    assert (record["responseElements"] or {}).get("keyState") == wanted
    if operation == "Decrypt":
        assert b"key/k" in make.args[0].answer, "which key it was is told"
