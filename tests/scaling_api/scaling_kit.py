"""Application Auto Scaling's API in process, spoken by boto3, on the store of DynamoDB's API."""

import io
from pathlib import Path
from typing import Any

import boto3
import orjson
import pytest
from botocore.awsrequest import AWSPreparedRequest, AWSResponse
from botocore.config import Config
from botocore.exceptions import ClientError
from tests.in_process import PRINCIPAL, Api
from urllib3.response import HTTPResponse

from statordb.commands.policies import Policies
from statordb.model.request import Principal, Reply, Request
from statordb.scaling_api.service import ScalingService

ACCOUNT, REGION = PRINCIPAL.account, PRINCIPAL.region
READS, WRITES = "dynamodb:table:ReadCapacityUnits", "dynamodb:table:WriteCapacityUnits"
METRICS = {READS: "DynamoDBReadCapacityUtilization", WRITES: "DynamoDBWriteCapacityUtilization"}


def scope(resource: str = "table/orders", dimension: str = WRITES) -> dict[str, str]:
    return {"ServiceNamespace": "dynamodb", "ResourceId": resource, "ScalableDimension": dimension}


class Scaling:
    """The service on a store of its own; `client` is boto3's, `ask` sends what boto3 would not, `api` is DynamoDB's."""

    def __init__(self, directory: Path, table_delay_seconds: float = 0.0) -> None:
        self.api = Api(directory, table_delay_seconds)
        self.clock = self.api.clock
        self.open()
        self.client = self.connect()

    def open(self) -> None:
        store = self.api.store
        self.service = ScalingService(store, lambda request, fault: self.api.faults.append(fault), Policies(store))

    def connect(self, principal: Principal = PRINCIPAL) -> Any:
        """A client of boto3's that neither checks parameters itself, nor tries again."""
        client = boto3.client(
            "application-autoscaling",
            endpoint_url="http://localhost",
            region_name=principal.region,
            aws_access_key_id="local",
            aws_secret_access_key="secret",
            config=Config(parameter_validation=False, retries={"total_max_attempts": 1}),
        )

        def answer(request: AWSPreparedRequest, **_: Any) -> AWSResponse:
            prefix, _, operation = request.headers["X-Amz-Target"].decode().partition(".")
            assert prefix == "AnyScaleFrontendService"
            body = request.body
            reply = self.ask(operation, body.encode() if isinstance(body, str) else bytes(body), principal)
            raw = HTTPResponse(io.BytesIO(reply.body), preload_content=False)
            return AWSResponse(request.url, reply.status, {"Content-Type": "application/x-amz-json-1.1"}, raw)

        client.meta.events.register("before-send.application-auto-scaling", answer)
        return client

    def ask(self, operation: str, body: bytes, principal: Principal = PRINCIPAL) -> Reply:
        """The reply to a request as the wire hands it over. A failure that the service reports is raised."""

        async def handle() -> Reply:
            answer = self.service.handle(Request(operation, body, principal, "id"))
            return answer if isinstance(answer, Reply) else await answer

        reply: Reply = self.api.run(handle())
        if self.api.faults:
            raise self.api.faults.pop()
        return reply

    def table(self, name: str = "orders", reads: int = 5, writes: int = 5, **more: Any) -> None:
        """A provisioned table."""
        units = {"ReadCapacityUnits": reads, "WriteCapacityUnits": writes}
        self.api(
            "CreateTable",
            TableName=name,
            KeySchema=[{"AttributeName": "p", "KeyType": "HASH"}],
            AttributeDefinitions=[{"AttributeName": "p", "AttributeType": "S"}],
            **{"ProvisionedThroughput": units, **more},
        )

    def units(self, name: str = "orders") -> tuple[int, int]:
        """What a table has of reads and writes."""
        figures = self.api("DescribeTable", TableName=name)["Table"]["ProvisionedThroughput"]
        return figures["ReadCapacityUnits"], figures["WriteCapacityUnits"]

    def register(self, low: int = 1, high: int = 10, **more: Any) -> str:
        """The ARN of a target of the table orders, for its writes where nothing else is said."""
        given = {**scope(), "MinCapacity": low, "MaxCapacity": high, **more}
        return str(self.client.register_scalable_target(**given)["ScalableTargetARN"])

    def track(self, percent: float = 50, **more: Any) -> dict[str, Any]:
        """A policy of that target."""
        where = {**scope(), **{key: more.pop(key) for key in tuple(scope()) if key in more}}
        metric = {"PredefinedMetricType": METRICS.get(where["ScalableDimension"], METRICS[WRITES])}
        put = {"PolicyName": more.pop("PolicyName", "p"), "PolicyType": "TargetTrackingScaling", **where}
        told = {"TargetValue": percent, "PredefinedMetricSpecification": metric, **more}
        answer: dict[str, Any] = self.client.put_scaling_policy(**put, TargetTrackingScalingPolicyConfiguration=told)
        return answer

    def activities(self, **more: Any) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self.client.describe_scaling_activities(ServiceNamespace="dynamodb", **more)[
            "ScalingActivities"
        ]
        return found

    def restart(self) -> None:
        self.api.run(self.service.close())
        self.api.restart()
        self.open()

    def close(self) -> None:
        self.api.run(self.service.close())
        self.api.close()
        self.api.loop.close()


def refused(call: Any, **given: Any) -> tuple[str, str]:
    """Code and text of the error that a call gets."""
    with pytest.raises(ClientError) as caught:
        call(**given)
    error = caught.value.response["Error"]
    return error["Code"], error["Message"]


def code(reply: Reply) -> str:
    return str(orjson.loads(reply.body)["__type"])
