"""What all processes of a server count is in the ledger together: workers, lanes, the keeper."""

import asyncio
from collections import defaultdict
from pathlib import Path
from typing import Any

import boto3
import pytest
from tests.process import ServerProcess

from statordb.metering.series import READ_UNITS, TABLE, WRITE_UNITS, Figures, Subject
from statordb.server.composition import open_store
from statordb.server.settings import Settings

pytestmark = pytest.mark.slow  # real processes

LARGE = 300 * 1024


class Told:
    """Units that answers told of."""

    def __init__(self, url: str) -> None:
        self.client = boto3.client("dynamodb", endpoint_url=url)
        self.units: dict[str, float] = defaultdict(float)

    def __call__(self, metric: str, operation: str, **request: Any) -> None:
        answer = getattr(self.client, operation)(**request, ReturnConsumedCapacity="TOTAL")
        reports = answer["ConsumedCapacity"]
        for report in reports if isinstance(reports, list) else [reports]:
            self.units[metric] += report["CapacityUnits"]


def in_ledger(directory: Path, id: str) -> dict[str, float]:
    async def read() -> Figures:
        store = await open_store(directory, Settings())
        try:
            return await store.ledger.total(Subject("000000000000", "us-east-1", TABLE, "things", id))
        finally:
            await store.close()

    found: dict[str, float] = defaultdict(float)
    for series, statistic in asyncio.run(read()).items():
        if series.metric in (READ_UNITS, WRITE_UNITS):
            found[series.metric] += statistic.sum
    return found


def test_all_processes_count_together(directory: Path) -> None:
    with ServerProcess("--data", str(directory), "--workers", "2") as server:
        told = Told(server.url)
        described = told.client.create_table(
            TableName="things", BillingMode="PAY_PER_REQUEST",
            AttributeDefinitions=[{"AttributeName": "p", "AttributeType": "S"}],
            KeySchema=[{"AttributeName": "p", "KeyType": "HASH"}],
        )["TableDescription"]  # fmt: skip
        for number in range(6):
            item = {"p": {"S": f"p{number}"}, "v": {"S": "x" * LARGE}}
            told(WRITE_UNITS, "put_item", TableName="things", Item=item)
            another = Told(server.url)  # another connection, which another worker may have
            another(READ_UNITS, "get_item", TableName="things", Key={"p": item["p"]})
            told.units[READ_UNITS] += another.units[READ_UNITS]
        puts = [{"PutRequest": {"Item": {"p": {"S": f"b{n}"}, "v": {"S": "x" * LARGE}}}} for n in range(12)]
        told(WRITE_UNITS, "batch_write_item", RequestItems={"things": puts})  # so large that a lane answers it
        asks = {"things": {"Keys": [{"p": {"S": f"b{number}"}} for number in range(12)]}}
        told(READ_UNITS, "batch_get_item", RequestItems=asks)
        told(READ_UNITS, "scan", TableName="things")
    assert in_ledger(directory, described["TableId"]) == told.units
