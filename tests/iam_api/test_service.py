"""What is told of requests that no operation gets."""

import asyncio
import re

import pytest
from botocore import xform_name
from tests.iam_api.iam_kit import IamKit, least, refusal

from statordb.iam_api.service import LOADERS
from statordb.model import errors
from statordb.model.credential import Credential
from statordb.model.errors import ClientError
from statordb.model.unanswered import Unanswered


def told(kit: IamKit, body: bytes, service: str = "iam") -> tuple[int, str]:
    reply = kit.answer(service, kit.root.access_key_id, body)
    found = re.search(rb"<Code>(\w+)</Code>", b"".join(reply.raw.stream()))
    return reply.status_code, "" if found is None else found[1].decode()


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        (b"", 400, "MissingAction"),
        (b"Version=2010-05-08", 400, "MissingAction"),
        (b"Action=NoSuch&Version=2010-05-08", 400, "InvalidAction"),
        (b"Action=ListUsers&Version=2011-06-15", 400, "InvalidAction"),
        (b"Action=AssumeRole&Version=2010-05-08", 400, "InvalidAction"),
        (b"Action=%ff", 400, "MalformedInput"),
        (b"Action=ListUsers&MaxItems=many", 400, "MalformedInput"),
        (b"Action=ListUsers&MaxItems=0", 400, "ValidationError"),
        (b"Action=CreateUser", 400, "ValidationError"),
        (b"Action=CreateLoginProfile&UserName=a&Password=b", 501, "NotImplemented"),
    ],
)
def test_what_is_wrong_with_a_request(kit: IamKit, body: bytes, status: int, code: str) -> None:
    assert told(kit, body) == (status, code)


@pytest.mark.parametrize(
    ("error", "status", "code"),
    [
        (errors.unrecognized_client(), 403, "InvalidClientTokenId"),
        (errors.invalid_signature("x"), 403, "SignatureDoesNotMatch"),
        (errors.missing_authentication_token(), 403, "MissingAuthenticationToken"),
        (errors.expired_token(), 403, "ExpiredToken"),
        (errors.request_expired("x"), 400, "RequestExpired"),
        (errors.incomplete_signature("x"), 400, "IncompleteSignature"),
        (errors.throttling("x"), 400, "Throttling"),
        (errors.request_too_large(), 413, "RequestEntityTooLarge"),
        (errors.internal(), 500, "InternalFailure"),
        (errors.unavailable(), 503, "ServiceUnavailable"),
    ],
)
def test_errors_of_the_wire_have_these_apis_names(kit: IamKit, error: ClientError, status: int, code: str) -> None:
    reply = kit.service("sts").refusal(error, "some-id")
    assert (reply.status, reply.error) == (status, code)
    assert b"<RequestId>some-id</RequestId>" in reply.body


@pytest.mark.parametrize(
    "body",
    [
        b"Action=GetSessionToken&Action=AssumeRoleWithWebIdentity&Version=2011-06-15",
        b"Action=GetFederationToken&Name=bob&X=&Action=AssumeRoleWithWebIdentity",
        b"%41ction=GetCallerIdentity&Action=AssumeRoleWithWebIdentity",
        b"%41ction=AssumeRole&RoleArn=arn:aws:iam::123456789012:role/r&RoleSessionName=ab&Action=AssumeRoleWithWebIdentity",
    ],
)
def test_no_other_operation_passes_for_the_one_that_nobody_signs(kit: IamKit, body: bytes) -> None:
    """Of two fields of one name the first counts: who asks for two operations must not choose which is checked."""
    assert kit.service("sts").is_unsigned(body)
    assert told(kit, body, "sts") == (403, "MissingAuthenticationToken")


def test_only_a_field_of_its_own_makes_a_form_unsigned(kit: IamKit) -> None:
    assert kit.service("sts").is_unsigned(b"Version=1&Action=AssumeRoleWithWebIdentity")
    assert not kit.service("sts").is_unsigned(b"Action=GetSessionToken&X=Action=AssumeRoleWithWebIdentity&")
    assert not kit.service("iam").is_unsigned(b"Action=AssumeRoleWithWebIdentity")


def test_a_fault_of_an_operation_is_told_and_reported(kit: IamKit, monkeypatch: pytest.MonkeyPatch) -> None:
    async def broken(*_: object) -> None:
        raise RuntimeError("broken")

    monkeypatch.setattr(kit.store.identities, "page", broken)
    assert told(kit, b"Action=ListUsers") == (500, "InternalFailure")
    assert [type(fault) for fault in kit.faults] == [RuntimeError]
    kit.faults.clear()


def test_every_operation_stands_in_the_model(kit: IamKit) -> None:
    for load in LOADERS.values():
        api = load(b"")
        for name in api.operations:
            assert api.requests.operation(f"Action={name}".encode())[0] == name


def test_no_operation_is_for_who_may_nothing(kit: IamKit) -> None:
    """But for those that AWS lets everybody have."""
    client = kit.user_client("iam", "alice")
    names = sorted(LOADERS["iam"](b"").operations)
    for name in names:
        assert told_of(kit, client, name) == "AccessDenied", name


def told_of(kit: IamKit, client: object, operation: str) -> str:
    """The code of the error of an operation with the least that its model wants."""
    members = least(operation)
    return refusal(getattr(client, xform_name(operation)), **members)[0]


def test_a_service_that_closes_ends_what_runs(kit: IamKit) -> None:
    async def close() -> None:
        await asyncio.gather(*(kit.service(name).close() for name in LOADERS))

    kit.run(close())


@pytest.mark.parametrize("service", ["iam", "sts"])
def test_a_store_that_does_not_answer_is_an_error_that_sdks_try_again(
    kit: IamKit, service: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    credential = kit.run(kit.credentials.lookup(kit.root.access_key_id))

    async def known(key: str) -> Credential | None:
        return credential

    async def away(*_: object, **__: object) -> None:
        raise Unanswered("nodes are away")

    monkeypatch.setattr(kit.credentials, "lookup", known)
    for call in ("get", "read", "range", "update"):
        monkeypatch.setattr(kit.engine, call, away)
    client = getattr(kit, service)
    code, _, status = refusal(client.list_users if service == "iam" else client.get_session_token)
    assert (code, status) == ("ServiceUnavailable", 503)
    assert {str(fault) for fault in kit.faults} == {"nodes are away"}, "boto3 has tried again"
    kit.faults.clear()
