"""Tables with streams, for the tests of the Streams API."""

from typing import Any

from tests.in_process import Api

HOUR = 3600.0


def create(api: Api, name: str, view: str | None = "KEYS_ONLY", **caller: Any) -> str:
    """The ARN of the new table's stream, or ''."""
    stream: dict[str, Any] = (
        {} if view is None else {"StreamSpecification": {"StreamEnabled": True, "StreamViewType": view}}
    )
    made = api(
        "CreateTable",
        TableName=name,
        KeySchema=[{"AttributeName": "p", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "p", "AttributeType": "S"}],
        BillingMode="PAY_PER_REQUEST",
        **stream,
        **caller,
    )
    arn: str = made["TableDescription"].get("LatestStreamArn", "")
    return arn


def described(api: Api, arn: str, **request: Any) -> dict[str, Any]:
    description: dict[str, Any] = api("DescribeStream", StreamArn=arn, **request)["StreamDescription"]
    return description


def roll(api: Api, times: int = 1) -> None:
    for _ in range(times):
        api.clock.advance(4 * HOUR)
        api.keep()
