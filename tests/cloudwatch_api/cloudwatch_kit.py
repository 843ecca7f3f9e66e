"""CloudWatch's API on a store in a directory, without a socket, in each of its protocols.

botocore writes each request and reads each answer: what goes between is what an SDK would send and be sent.
"""

import asyncio
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import botocore.session
import orjson
from botocore.parsers import create_parser
from botocore.serialize import create_serializer

from statordb.access.authority import Authority
from statordb.api.dispatch import Dispatcher
from statordb.api.shape_overrides import DYNAMODB
from statordb.cloudwatch_api.service import CloudWatch
from statordb.commands.policies import Policies
from statordb.engine.lmdb.engine import LmdbEngine
from statordb.model.clock import ManualClock
from statordb.model.request import NOWHERE, Principal, Reply, Request
from statordb.model.rest import RestReply, RestRequest
from statordb.model.service import load_service
from statordb.server.observing import Observing
from statordb.shapes.json import Shapes
from statordb.store.store import Store

ACCOUNT, REGION = "000000000000", "us-east-1"
NOW = 1_700_000_000.0
_MODEL = botocore.session.get_session().get_service_model("cloudwatch")
PROTOCOLS = {"query": "query", "json": "json", "cbor": "smithy-rpc-v2-cbor"}


SHAPES = Shapes(DYNAMODB, load_service(), load_service("dynamodbstreams"))


def principal(authority: Authority | None) -> Principal:
    """Somebody of the account, by default its root."""
    arn = f"arn:aws:iam::{ACCOUNT}:root" if authority is None else authority.arn
    return Principal(ACCOUNT, "AKIA", REGION, arn, authority)


class Refused(Exception):
    """An error answer: its code, message and HTTP status."""

    def __init__(self, code: str, message: str, status: int) -> None:
        super().__init__(code, message)
        self.code = code
        self.message = message
        self.status = status


class Watched:
    """A store and CloudWatch's API on it."""

    def __init__(self, directory: Path) -> None:
        self.loop = asyncio.new_event_loop()
        self.clock = ManualClock(NOW)
        self.store = Store(LmdbEngine.open(directory, durable=False), self.clock)
        self.dynamodb = Dispatcher(self.store, SHAPES, lambda request, fault: self.faults.append(fault), "localhost")
        self.observing = Observing(lambda *_: None, self.store)
        self.faults: list[BaseException] = []
        self.api = CloudWatch(self.store, Policies(self.store), lambda request, fault: self.faults.append(fault))

    def run(self, work: Any) -> Any:
        return self.loop.run_until_complete(work)

    def ask(self, operation: str, **given: Any) -> Any:
        """The answer of DynamoDB's API on the same store."""

        async def answer() -> Any:
            request = Request(operation, orjson.dumps(given), principal(None), "an-id")
            reply = self.dynamodb.handle(request)
            told = reply if isinstance(reply, Reply) else await reply
            self.observing.observe(request, told, 0.001)
            return told

        reply = self.run(answer())
        told = orjson.loads(bytes(reply.body))
        return told if reply.status == 200 else Refused(reply.error, told.get("message", ""), reply.status)

    def flush(self) -> None:
        """Have written what was counted."""
        self.run(self.store.flushing.flush())

    def close(self) -> None:
        self.run(self.api.close())
        self.run(self.store.close())
        self.loop.close()
        assert not self.faults, self.faults

    def call(self, operation: str, authority: Authority | None = None, protocol: str = "json", **given: Any) -> Any:
        """The answer to an operation by its members. Raises Refused."""
        model = _MODEL.operation_model(operation)
        written = create_serializer(PROTOCOLS[protocol]).serialize_to_request(given, model)
        body = written["body"]
        if protocol == "query":
            body = urlencode({**body, "Version": "2010-08-01"}).encode()
        headers = {name.lower().encode(): str(value).encode() for name, value in written["headers"].items()}
        reply = self.send(protocol, headers, body, written["url_path"], authority)
        told = {name.lower(): value for name, value in reply.headers}
        parsed = create_parser(PROTOCOLS[protocol]).parse(
            {"status_code": reply.status, "headers": told, "body": reply.body}, model.output_shape
        )
        if reply.status >= 300:
            error = parsed["Error"]
            assert error["Code"] == reply.error
            raise Refused(error["Code"], error["Message"], reply.status)
        parsed.pop("ResponseMetadata", None)
        return parsed

    def send(
        self,
        protocol: str,
        headers: dict[bytes, bytes],
        body: bytes,
        path: str = "/",
        authority: Authority | None = None,
    ) -> RestReply:
        request = RestRequest("POST", path, "", headers, body, principal(authority), "an-id", NOWHERE)

        async def answer() -> RestReply:
            return await self.api.speaking(protocol).handle(request)

        return self.run(answer())  # type: ignore[no-any-return]

    def refused(self, operation: str, **given: Any) -> Refused:
        try:
            self.call(operation, **given)
        except Refused as refusal:
            return refusal
        raise AssertionError(f"{operation} was not refused")
