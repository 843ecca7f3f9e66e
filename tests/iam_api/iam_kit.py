"""boto3's own clients of IAM and STS, whose requests are answered in this process: no sockets, no signatures."""

from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import boto3
from botocore.awsrequest import AWSResponse
from botocore.exceptions import ClientError
from tests.store.kit import Kit

from statordb.crypto.file_keys import FileKeys
from statordb.crypto.sealer import Sealer
from statordb.iam_api.service import LOADERS, QueryService
from statordb.model.credential import Credential
from statordb.model.request import NOWHERE, Principal
from statordb.model.rest import RestRequest
from statordb.store.credentials import Credentials

ACCOUNT = "123456789012"
ALLOW_ALL = '{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"*","Resource":"*"}]}'
TRUST = (
    '{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"AWS":"123456789012"},'
    '"Action":"sts:AssumeRole"}]}'
)
_CACHED = {name: cache(load) for name, load in LOADERS.items()}  # a model is read once
NOBODY = Principal("", "", "us-east-1", "")


class _Body:
    """The raw body of an answer as urllib3 has it."""

    def __init__(self, body: bytes) -> None:
        self._body = body

    def stream(self, **options: Any) -> list[bytes]:
        return [self._body]


class Caller:
    """A client of a service that signs with a key. Beneath there is one for all: to make one takes long."""

    asking: "Caller | None" = None

    def __init__(self, kit: "IamKit", service: str, credential: Credential) -> None:
        self._kit, self._service, self._key = kit, service, credential.access_key_id

    def __getattr__(self, name: str) -> Any:
        method = getattr(_client(self._service), name)

        def call(*arguments: Any, **members: Any) -> Any:
            Caller.asking = self
            return method(*arguments, **members)

        return call

    def answer(self, body: bytes) -> AWSResponse:
        return self._kit.answer(self._service, self._key, body)


@cache
def _client(service: str) -> Any:
    made = boto3.client(  # type: ignore[call-overload]
        service, region_name="us-east-1", endpoint_url="http://localhost:1"
    )

    def answer(request: Any, **_: Any) -> AWSResponse:
        assert Caller.asking is not None
        return Caller.asking.answer(request.body if isinstance(request.body, bytes) else request.body.encode())

    made.meta.events.register("before-send", answer)
    return made


class IamKit(Kit):
    """An account with a root key, on a store of its own. `faults`: what was raised unexpectedly."""

    def __init__(self, directory: Path, keys: Path, providers: bytes = b"") -> None:
        super().__init__(directory)
        self.credentials = Credentials(self.engine, Sealer(FileKeys(keys)), self.clock)
        self.root = self.run(self.credentials.create(ACCOUNT))
        self.faults: list[BaseException] = []
        self._services = {
            name: QueryService(name, self.store, self.credentials, self._report, _counted(), _CACHED[name], providers)
            for name in LOADERS
        }
        self.iam = self.client("iam", self.root)
        self.sts = self.client("sts", self.root)

    def client(self, service: str, credential: Credential) -> Any:
        return Caller(self, service, credential)

    def client_of(self, service: str, keys: dict[str, Any]) -> Any:
        """A client with the keys that an answer told."""
        token = keys.get("SessionToken")
        return self.client(service, Credential(keys["AccessKeyId"], keys["SecretAccessKey"], "", "", token))

    def user_client(self, service: str, name: str, document: str | None = None) -> Any:
        """A client of a new user, who has an inline policy if one is given."""
        self.iam.create_user(UserName=name)
        if document is not None:
            self.iam.put_user_policy(UserName=name, PolicyName="own", PolicyDocument=document)
        return self.client_of(service, self.iam.create_access_key(UserName=name)["AccessKey"])

    origin = NOWHERE  # where requests come from

    def service(self, name: str) -> QueryService:
        return self._services[name]

    def answer(self, service: str, key: str, body: bytes) -> AWSResponse:
        principal = NOBODY if self._services[service].is_unsigned(body) else self.principal(key)
        asked = RestRequest("POST", "/", "", {}, body, principal, "some-id", self.origin)

        async def ask() -> Any:
            return await self._services[service].handle(asked)

        reply = self.run(ask())
        headers = {"content-type": reply.content_type, "x-amzn-requestid": "some-id"}
        return AWSResponse("http://localhost:1", reply.status, headers, _Body(reply.body))

    def principal(self, key: str = "") -> Principal:
        """Who signs with a key, root's if none is named."""
        credential = self.run(self.credentials.lookup(key or self.root.access_key_id))
        assert credential is not None, "the key may be used"
        return Principal(
            credential.account, credential.access_key_id, "us-east-1", credential.arn, credential.authority
        )

    def _report(self, request: RestRequest, fault: BaseException) -> None:
        self.faults.append(fault)


def _counted() -> Callable[[int], bytes]:
    """Bytes that differ with each call."""
    calls = 0

    def random(length: int) -> bytes:
        nonlocal calls
        calls += 1
        return b"".join(bytes((calls >> (5 * place) & 31,)) for place in range(length))

    return random


def refusal(call: Callable[..., Any], **members: Any) -> tuple[str, str, int]:
    """The code, the text and the HTTP status of the error that a call ends with."""
    try:
        call(**members)
    except ClientError as fault:
        error, meta = fault.response["Error"], fault.response["ResponseMetadata"]
        return error["Code"], error["Message"], meta["HTTPStatusCode"]
    raise AssertionError("it was allowed")


def least(operation: str) -> dict[str, Any]:
    """The members of IAM's that an operation must have, with values that its model allows."""
    texts = {
        "arnType": f"arn:aws:iam::{ACCOUNT}:policy/some", "policyDocumentType": ALLOW_ALL, "statusType": "Active",
        "accessKeyIdType": "AKIAAAAAAAAAAAAAAAAA", "policyVersionIdType": "v1",
    }  # fmt: skip

    def value(shape: Any) -> Any:
        if shape.type_name == "structure":
            return {name: value(shape.members[name]) for name in shape.required_members}
        if shape.type_name == "list":
            return [value(shape.member)]
        return texts.get(shape.name, "some")

    shape = _client("iam").meta.service_model.operation_model(operation).input_shape
    members: dict[str, Any] = {} if shape is None else value(shape)
    if "AssumeRolePolicyDocument" in members:
        members["AssumeRolePolicyDocument"] = TRUST
    return members
