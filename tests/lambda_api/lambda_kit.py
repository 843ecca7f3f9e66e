"""Lambda's API in process, spoken by boto3: what botocore would send is handed to the service, and what that answers to
botocore. Functions are run by an invoker that tests tell what to do."""

import asyncio
import io
import zipfile
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import boto3
from botocore.awsrequest import AWSPreparedRequest, AWSResponse
from botocore.config import Config
from urllib3.response import HTTPResponse

from statordb.commands.policies import Policies
from statordb.engine.lmdb.engine import LmdbEngine
from statordb.lambda_api.service import FunctionService
from statordb.model.clock import ManualClock
from statordb.model.invocation import Outcome
from statordb.model.request import Principal
from statordb.model.rest import RestReply, RestRequest
from statordb.outbound.destinations import Destinations
from statordb.store.functions.catalog import FunctionRecord
from statordb.store.store import Store

ACCOUNT, REGION = "000000000000", "us-east-1"
ROLE = f"arn:aws:iam::{ACCOUNT}:role/functions"
PRINCIPAL = Principal(ACCOUNT, "local", REGION, f"arn:aws:iam::{ACCOUNT}:root")
SQS = "http://sqs.localhost"  # which nothing here reaches for; there is no SNS
REQUEST_ID = "00000000-0000-4000-8000-000000000000"


def package(
    name: str = "main.py", text: str = "def handler(event, context):\n    return event\n", **more: str
) -> bytes:
    """A zip file with the given files."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for each, content in {name: text, **more}.items():
            archive.writestr(each, content)
    return buffer.getvalue()


class ScriptedInvoker:
    """Echoes, or does what `outcomes` has: answers with an Outcome, raises an exception. Keeps the calls."""

    def __init__(self) -> None:
        self.calls: list[tuple[FunctionRecord, bytes, str | None, str]] = []
        self.outcomes: list[Outcome | BaseException] = []

    async def invoke(
        self, function: FunctionRecord, payload: bytes, *, client_context: str | None = None, request_id: str = ""
    ) -> Outcome:
        self.calls.append((function, payload, client_context, request_id))
        outcome = self.outcomes.pop(0) if self.outcomes else Outcome(payload, None, b"printed\n", request_id)
        if isinstance(outcome, BaseException):
            raise outcome
        return outcome


class Lambda:
    """The service on a store of its own; `client` is boto3's, `ask` sends what boto3 would not."""

    def __init__(self, directory: Path) -> None:
        self.loop = asyncio.new_event_loop()
        self.clock = ManualClock()
        self.directory = directory
        self.invoker = ScriptedInvoker()
        self.failures: list[BaseException] = []
        self.open()
        self.client = self.connect()

    def open(self) -> None:
        self.store = Store(LmdbEngine.open(self.directory, durable=False), self.clock)
        self.service = FunctionService(
            self.store,
            self.invoker,
            lambda request, fault: self.failures.append(fault),
            Destinations(SQS).check,
            Policies(self.store),
        )

    def run(self, work: Any) -> Any:
        return self.loop.run_until_complete(work)

    def connect(self, principal: Principal = PRINCIPAL) -> Any:
        """A client of boto3's that neither checks parameters itself, nor tries again."""
        client = boto3.client(
            "lambda",
            endpoint_url="http://localhost",
            region_name=principal.region,
            aws_access_key_id="local",
            aws_secret_access_key="secret",
            config=Config(parameter_validation=False, retries={"total_max_attempts": 1}),
        )

        def answer(request: AWSPreparedRequest, **_: Any) -> AWSResponse:
            body = request.body or b""
            reply = self.ask(
                request.method,
                request.url.removeprefix("http://localhost"),
                body.encode() if isinstance(body, str) else bytes(body),
                {
                    str(name): value if isinstance(value, str) else value.decode()
                    for name, value in request.headers.items()
                },
                principal,
            )
            headers = {"Content-Type": reply.content_type, **dict(reply.headers)}
            raw = HTTPResponse(io.BytesIO(reply.body), preload_content=False)
            return AWSResponse(request.url, reply.status, headers, raw)

        client.meta.events.register("before-send.lambda", answer)
        return client

    def ask(
        self,
        method: str,
        url: str,
        body: bytes = b"",
        headers: dict[str, str] | None = None,
        principal: Principal = PRINCIPAL,
    ) -> RestReply:
        """The reply to a request as the wire hands it over. A failure that the service reports is raised."""
        parts = urlsplit(url)
        given = {name.lower().encode(): value.encode("latin-1") for name, value in (headers or {}).items()}
        request = RestRequest(method, parts.path, parts.query, given, body, principal, REQUEST_ID)

        async def handle() -> RestReply:
            return await self.service.handle(request)

        reply: RestReply = self.run(handle())
        if self.failures:
            raise self.failures.pop()
        return reply

    def create(self, name: str = "f", **more: Any) -> Any:
        given = {"Runtime": "python3.11", "Role": ROLE, "Handler": "main.handler", "Code": {"ZipFile": package()}}
        return self.client.create_function(FunctionName=name, **{**given, **more})

    def restart(self) -> None:
        """Open the store anew."""
        self.run(self.store.close())
        self.open()

    def close(self) -> None:
        self.run(self.service.close())
        self.run(self.store.close())
        self.loop.close()
