"""KMS's API in process, spoken by boto3: what botocore would send is handed to the service, and what that answers to
botocore."""

import asyncio
import io
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.awsrequest import AWSPreparedRequest, AWSResponse
from botocore.config import Config
from botocore.exceptions import ClientError
from urllib3.response import HTTPResponse

from statordb.crypto.file_keys import FileKeys
from statordb.crypto.sealer import Sealer
from statordb.engine.lmdb.engine import LmdbEngine
from statordb.keeper.kms import KmsKeys
from statordb.kms_api.service import KmsService
from statordb.model.clock import ManualClock
from statordb.model.request import Principal, Reply, Request
from statordb.store.store import Store

ACCOUNT, REGION = "000000000000", "us-east-1"
PRINCIPAL = Principal(ACCOUNT, "local", REGION, f"arn:aws:iam::{ACCOUNT}:root")
OTHER = Principal("111111111111", "other", REGION, "arn:aws:iam::111111111111:root")
DAY = 86_400.0


class Kms:
    """The service on a store of its own; `client` is boto3's, `ask` sends what boto3 would not."""

    def __init__(self, directory: Path) -> None:
        self.loop = asyncio.new_event_loop()
        self.clock = ManualClock()
        self.directory = directory
        self.failures: list[BaseException] = []
        self.open()
        self.client = self.connect()

    def open(self) -> None:
        self.engine = LmdbEngine.open(self.directory, durable=False)
        self.store = Store(self.engine, self.clock, sealer=Sealer(FileKeys(self.directory)))
        self.service = KmsService(self.store, lambda request, fault: self.failures.append(fault))

    def run(self, work: Any) -> Any:
        return self.loop.run_until_complete(work)

    def connect(self, principal: Principal = PRINCIPAL) -> Any:
        """A client of boto3's that neither checks parameters itself, nor tries again."""
        client = boto3.client(
            "kms",
            endpoint_url="http://localhost",
            region_name=principal.region,
            aws_access_key_id="local",
            aws_secret_access_key="secret",
            config=Config(parameter_validation=False, retries={"total_max_attempts": 1}),
        )

        def answer(request: AWSPreparedRequest, **_: Any) -> AWSResponse:
            prefix, _, operation = request.headers["X-Amz-Target"].decode().partition(".")
            assert prefix == "TrentService"
            body = request.body
            reply = self.ask(operation, body.encode() if isinstance(body, str) else bytes(body), principal)
            raw = HTTPResponse(io.BytesIO(reply.body), preload_content=False)
            return AWSResponse(request.url, reply.status, {"Content-Type": "application/x-amz-json-1.1"}, raw)

        client.meta.events.register("before-send.kms", answer)
        return client

    def ask(self, operation: str, body: bytes, principal: Principal = PRINCIPAL) -> Reply:
        """The reply to a request as the wire hands it over. A failure that the service reports is raised."""

        async def handle() -> Reply:
            answer = self.service.handle(Request(operation, body, principal, "id"))
            return answer if isinstance(answer, Reply) else await answer

        reply: Reply = self.run(handle())
        if self.failures:
            raise self.failures.pop()
        return reply

    def key(self, **given: Any) -> Any:
        """The metadata of a new key."""
        return self.client.create_key(**given)["KeyMetadata"]

    def keep(self) -> None:
        """Let the keeper do what is due."""
        duty = KmsKeys(self.store)
        while self.run(duty.run_once()):
            pass

    def restart(self) -> None:
        """Open the store anew."""
        self.run(self.store.close())
        self.open()

    def close(self) -> None:
        self.run(self.service.close())
        self.run(self.store.close())
        self.loop.close()


def refused(call: Any, **given: Any) -> tuple[str, str]:
    """Code and text of the error that a call gets."""
    with pytest.raises(ClientError) as caught:
        call(**given)
    error = caught.value.response["Error"]
    return error["Code"], error["Message"]
