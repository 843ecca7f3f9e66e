"""A function that always fails on one record: its batch is bisected and retried, the record is sent to the failure
destination, and the shard goes on."""

import json
from pathlib import Path

import pytest
from tests.pace import until
from tests.process import ServerProcess
from tests.triggers.deployment import client, create_table, deploy

# Notes what it is invoked with, in the order of invocations.
CODE = """
import os

def handler(event, context):
    names = [record["dynamodb"]["Keys"]["p"]["S"] for record in event["Records"]]
    with open({log!r}, "a") as log:
        log.write(",".join(names) + "\\n")
    if "poison" in names:
        {fail}
"""
FAILURES = {"raises": 'raise ValueError("poison")', "exits": "os._exit(1)"}


@pytest.mark.slow
@pytest.mark.parametrize("fail", FAILURES)
def test_a_poison_item_is_isolated_and_given_up(fail: str, tmp_path: Path) -> None:
    log, failed = tmp_path / "log", tmp_path / "failed"
    items = ["a", "b", "c", "poison", "d", "e", "f"]
    with ServerProcess("--memory", "--workers", "1") as server:
        stream = create_table(server.url, "abc", stream=True)
        for name in items:
            client("dynamodb", server.url).put_item(TableName="abc", Item={"p": {"S": name}})
        uuid = deploy(
            server.url,
            CODE.format(log=str(log), fail=FAILURES[fail]),
            stream,
            BisectBatchOnFunctionError=True,
            MaximumRetryAttempts=2,
            DestinationConfig={"OnFailure": {"Destination": failed.as_uri()}},
        )
        [record] = until(lambda: list(failed.glob("*.json")), server.logged())
        client("dynamodb", server.url).put_item(TableName="abc", Item={"p": {"S": "later"}})
        until(lambda: log.read_text().endswith("later\n"), "the shard does not go on")
        functions = client("lambda", server.url)
        until(lambda: functions.get_event_source_mapping(UUID=uuid)["LastProcessingResult"] == "OK", "it is not OK")

    invoked = [line.split(",") for line in log.read_text().splitlines()]
    assert invoked[0] == items
    assert invoked.count(["poison"]) == 3  # once, and two retries; the splits before used up none
    succeeded = [name for names in invoked if "poison" not in names for name in names]
    assert succeeded == ["a", "b", "c", "d", "e", "f", "later"]  # each once, in order
    told = json.loads(record.read_text())
    assert told["requestContext"]["condition"] == "RetryAttemptsExhausted"
    assert told["requestContext"]["functionArn"] == "arn:aws:lambda:us-east-1:000000000000:function:work"
    assert told["responseContext"]["functionError"] == "Unhandled"
    assert told["DDBStreamBatchInfo"]["batchSize"] == 1
    assert told["DDBStreamBatchInfo"]["streamArn"] == stream
