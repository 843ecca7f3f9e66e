"""Every change reaches a real Kinesis server, in order per item, whoever is down or dies meanwhile."""

import json
import random
import time
from collections import Counter, defaultdict
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest
from tests.kinesis.endpoint import Gate, KinesisServer, client
from tests.kinesis.writer import TABLE, Site, Told, Writer
from tests.pace import HANGS_SECONDS, until
from tests.process import ServerProcess

WRITERS = 4
EXPIRED = [f"expired-{number}" for number in range(5)]
CHANGES_EACH = 40  # between two faults: fewer would make this test prove nothing


def _server(directory: Path, gate: Gate) -> ServerProcess:
    configuration = directory / "statordb.toml"
    configuration.write_text(f'kinesis_endpoint = "{gate.url}"\n')
    return ServerProcess("--data", str(directory / "data"), "--workers", "2", "--config", str(configuration))


def _await_status(dynamodb: Any, status: str) -> None:
    def told() -> str:
        (found,) = dynamodb.describe_kinesis_streaming_destination(TableName=TABLE)["KinesisDataStreamDestinations"]
        return str(found["DestinationStatus"])

    until(lambda: told() == status, f"the destination is {status}")


def _set_up(dynamodb: Any, stream_arn: str) -> None:
    dynamodb.create_table(
        TableName=TABLE,
        KeySchema=[{"AttributeName": "p", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "p", "AttributeType": "S"}],
        BillingMode="PAY_PER_REQUEST",
    )
    dynamodb.get_waiter("table_exists").wait(TableName=TABLE)
    dynamodb.update_time_to_live(TableName=TABLE, TimeToLiveSpecification={"AttributeName": "expires", "Enabled": True})
    dynamodb.enable_kinesis_streaming_destination(TableName=TABLE, StreamArn=stream_arn)
    _await_status(dynamodb, "ACTIVE")


def _told(records: Iterable[tuple[str, bytes]]) -> dict[str, list[dict[str, Any]]]:
    """Events of each item in the order of their arrival, each once; the same event always says the same."""
    known: dict[str, bytes] = {}
    partition_keys: dict[str, set[str]] = defaultdict(set)
    events: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for partition_key, data in records:
        event = json.loads(data)
        name = event["dynamodb"]["Keys"]["p"]["S"]
        partition_keys[name].add(partition_key)
        if known.setdefault(event["eventID"], data) is data:
            events[name].append(event)
        assert known[event["eventID"]] == data
    assert all(len(found) == 1 for found in partition_keys.values())
    return events


def _short(events: list[dict[str, Any]]) -> list[Told]:
    return [
        (event["eventName"], event["dynamodb"]["NewImage"]["v"]["S"] if "NewImage" in event["dynamodb"] else None)
        for event in events
    ]


def _collect(earlier: list[tuple[str, bytes]], server: KinesisServer, count: int) -> list[tuple[str, bytes]]:
    """All that arrived before and arrives now, once there are so many different events, or time is up."""
    deadline = time.monotonic() + HANGS_SECONDS
    while True:
        records = earlier + server.records()
        if len({json.loads(data)["eventID"] for _, data in records}) >= count or time.monotonic() > deadline:
            return records
        time.sleep(0.1)


class Trial:
    """A StatorDB whose changes go through a gate to a Kinesis server; either can be ended and begun again."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self.kinesis = KinesisServer()
        self.gate = Gate(self.kinesis.port)
        try:
            self.server = _server(directory, self.gate)
        except BaseException:
            self.kinesis.stop()
            raise
        self.site = Site(self.server.url)
        self.records: list[tuple[str, bytes]] = []  # what Kinesis servers held that are gone

    def kill_server(self) -> None:
        self.site.leave()
        self.server.kill()
        self.server = _server(self._directory, self.gate)
        self.site.arrive(self.server.url)

    def replace_kinesis(self) -> None:
        """As a consumer would have seen it: all that was in the old server was read before it went."""
        self.gate.switch("shut")
        time.sleep(0.3)  # what is being put comes to its end
        self.records += self.kinesis.records()
        self.kinesis.stop()
        self.kinesis = KinesisServer()
        self.gate.target = self.kinesis.port
        self.gate.switch("open")

    def lose_answers(self) -> None:
        lost = self.gate.lost
        self.gate.switch("mute")
        until(lambda: self.gate.lost > lost, "an answer is lost")
        self.gate.switch("shut")  # so that connections without an answer end
        self.gate.switch("open")

    def refuse(self) -> None:
        refused = self.gate.shut_out
        self.gate.switch("shut")
        until(lambda: self.gate.shut_out > refused, "a connection is refused")
        self.gate.switch("open")

    def close(self) -> None:
        self.server.kill()
        self.gate.close()
        self.kinesis.stop()


def _await_changes(writers: list[Writer]) -> None:
    """Until so many more happened, or a writer has failed."""

    def count() -> int:
        return sum(len(told) for writer in writers for told in list(writer.happened.values()))

    wanted = count() + CHANGES_EACH
    until(lambda: count() >= wanted or any(writer.failure for writer in writers), "changes happen")


@pytest.mark.slow
def test_nothing_is_lost_and_all_is_in_order(tmp_path: Path) -> None:
    seed = random.randrange(2**32)
    print(f"seed {seed}")  # shown where the test fails
    trial = Trial(tmp_path)
    try:
        dynamodb = client("dynamodb", trial.server.url)
        _set_up(dynamodb, trial.kinesis.arn)
        writers = [Writer(trial.site, number, seed + number) for number in range(WRITERS)]
        for writer in writers:
            writer.start()
        for name in EXPIRED:
            dynamodb.put_item(TableName=TABLE, Item={"p": {"S": name}, "v": {"S": "1"}, "expires": {"N": _past()}})
        _await_changes(writers)
        trial.lose_answers()
        _await_changes(writers)
        trial.kill_server()
        trial.refuse()
        _await_changes(writers)
        trial.replace_kinesis()
        _await_changes(writers)
        trial.gate.switch("shut")
        _await_changes(writers)
        trial.kill_server()  # with changes that wait
        trial.gate.switch("open")
        _await_changes(writers)
        for writer in writers:
            writer.finish()
        expected = {name: told for writer in writers for name, told in writer.happened.items()}
        count = sum(map(len, expected.values())) + 2 * len(EXPIRED)
        records = _collect(trial.records, trial.kinesis, count)
        events = _told(records)
        for name in EXPIRED:
            born, gone = events.pop(name)
            assert (born["eventName"], born["userIdentity"]) == ("INSERT", None)
            assert gone["userIdentity"] == {"principalId": "dynamodb.amazonaws.com", "type": "Service"}
        assert {name: _short(found) for name, found in events.items()} == expected, f"seed {seed}"
        assert len(records) > count, "no answer was lost, so nothing came twice"
        print(Counter(told[0] for found in expected.values() for told in found), len(records) - count, "twice")
    finally:
        trial.close()


def _past() -> str:
    return str(int(time.time()) - 10)


def test_disabling_sends_the_rest_and_no_more(tmp_path: Path) -> None:
    trial = Trial(tmp_path)
    try:
        dynamodb = client("dynamodb", trial.server.url)
        _set_up(dynamodb, trial.kinesis.arn)
        for number in range(50):
            dynamodb.put_item(TableName=TABLE, Item={"p": {"S": "a"}, "v": {"S": str(number)}})
        dynamodb.disable_kinesis_streaming_destination(TableName=TABLE, StreamArn=trial.kinesis.arn)
        dynamodb.put_item(TableName=TABLE, Item={"p": {"S": "b"}, "v": {"S": ""}})
        _await_status(dynamodb, "DISABLED")
        (events,) = _told(trial.kinesis.records()).values()
        assert [value for _, value in _short(events)] == [str(number) for number in range(50)]
    finally:
        trial.close()


def test_microseconds(tmp_path: Path) -> None:
    """The precision that is asked for reaches the records, and each tells which one it has."""
    trial = Trial(tmp_path)
    try:
        dynamodb = client("dynamodb", trial.server.url)
        _set_up(dynamodb, trial.kinesis.arn)
        dynamodb.update_kinesis_streaming_destination(
            TableName=TABLE,
            StreamArn=trial.kinesis.arn,
            UpdateKinesisStreamingConfiguration={"ApproximateCreationDateTimePrecision": "MICROSECOND"},
        )
        _await_status(dynamodb, "ACTIVE")
        for number in range(10):
            dynamodb.put_item(TableName=TABLE, Item={"p": {"S": "a"}, "v": {"S": str(number)}})
        (events,) = _told(_collect([], trial.kinesis, 10)).values()
        assert {event["dynamodb"]["ApproximateCreationDateTimePrecision"] for event in events} == {"MICROSECOND"}
        times = [event["dynamodb"]["ApproximateCreationDateTime"] for event in events]
        assert times == sorted(set(times))
        assert abs(times[-1] / 1e6 - time.time()) < HANGS_SECONDS
    finally:
        trial.close()
