"""What tests ask of a real server with several workers: its clock, snapshots, seeds, faults, requests."""

import json
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError
from tests.pace import HANGS_SECONDS, PATIENT
from tests.process import ServerProcess

from statordb.testing.controls import Refused, StatorDB

pytestmark = pytest.mark.slow  # real servers

SONGS = {"key": {"artist": "S"}, "items": [{"artist": "Nina", "plays": 1}]}


@pytest.fixture(scope="module")
def endpoint() -> Iterator[str]:
    with ServerProcess("--memory", "--workers", "2", "--throttle", "on", "--test-controls") as server:
        yield server.url


@pytest.fixture
def kit(endpoint: str) -> Iterator[StatorDB]:
    kit = StatorDB(endpoint)
    yield kit
    kit.close()


def client(kit: StatorDB, service: str = "dynamodb", **options: Any) -> Any:
    config = Config(**{**PATIENT, "retries": {"total_max_attempts": 1}, **options})
    return boto3.client(service, config=config, **kit.client_arguments)


def names(kit: StatorDB) -> list[str]:
    found: list[str] = client(kit).list_tables()["TableNames"]
    return found


def _put_often(db: Any, item: Any) -> None:
    for _ in range(10):
        db.put_item(TableName="songs", Item=item)


def test_items_expire_when_the_clock_is_moved(kit: StatorDB) -> None:
    kit.seed({"songs": {**SONGS, "items": [{"artist": "Nina", "ends": int(time.time()) + 3600}]}})
    db = client(kit)
    db.update_time_to_live(TableName="songs", TimeToLiveSpecification={"Enabled": True, "AttributeName": "ends"})
    kit.clock.advance()  # the index of expiry is made
    assert db.scan(TableName="songs")["Count"] == 1
    kit.clock.advance(hours=2)
    assert db.scan(TableName="songs")["Count"] == 0


def test_units_come_back_when_the_clock_is_moved(kit: StatorDB) -> None:
    units = {"ReadCapacityUnits": 1, "WriteCapacityUnits": 1}
    kit.seed({"songs": {**SONGS, "create": {"BillingMode": "PROVISIONED", "ProvisionedThroughput": units}}})
    db, item = client(kit), {"artist": {"S": "Nina"}, "text": {"S": "x" * 200_000}}
    with pytest.raises(db.exceptions.ProvisionedThroughputExceededException):
        _put_often(db, item)
    kit.clock.advance(minutes=30)
    db.put_item(TableName="songs", Item=item)


def test_scheduled_actions_are_done_when_the_clock_is_moved(kit: StatorDB) -> None:
    units = {"ReadCapacityUnits": 5, "WriteCapacityUnits": 5}
    kit.seed({"songs": {**SONGS, "create": {"BillingMode": "PROVISIONED", "ProvisionedThroughput": units}}})
    scaling = client(kit, "application-autoscaling")
    target = {
        "ServiceNamespace": "dynamodb",
        "ResourceId": "table/songs",
        "ScalableDimension": "dynamodb:table:ReadCapacityUnits",
    }
    scaling.register_scalable_target(MinCapacity=5, MaxCapacity=50, **target)
    at = time.strftime("at(%Y-%m-%dT%H:%M:%S)", time.gmtime(kit.clock.now() + 3600))
    scaling.put_scheduled_action(
        ScheduledActionName="more", Schedule=at, ScalableTargetAction={"MinCapacity": 20}, **target
    )
    kit.clock.advance(hours=2)
    table = client(kit).describe_table(TableName="songs")["Table"]
    assert table["ProvisionedThroughput"]["ReadCapacityUnits"] == 20


def test_a_snapshot_is_gone_back_to_in_all_workers(kit: StatorDB) -> None:
    kit.seed({"songs": SONGS, "gone": SONGS})
    snapshot = kit.snapshot()
    for _ in range(2):
        db = client(kit)
        db.delete_table(TableName="gone")
        kit.seed({"more": SONGS, "songs": {"items": [{"artist": "Nina", "plays": 2}, {"artist": "Miles"}]}})
        assert sorted(names(kit)) == ["more", "songs"]
        kit.restore(snapshot)
        for db in (client(kit) for _ in range(8)):  # connections of either worker
            assert sorted(db.list_tables()["TableNames"]) == ["gone", "songs"]
            assert db.scan(TableName="songs")["Items"] == [{"artist": {"S": "Nina"}, "plays": {"N": "1"}}]
            assert db.scan(TableName="gone")["Count"] == 1
    kit.forget(snapshot)
    with pytest.raises(Refused, match="no snapshot"):
        kit.restore(snapshot)


def test_writes_that_are_under_way_do_not_spoil_what_is_put_back(kit: StatorDB) -> None:
    """Each item of two tables, of one transaction, is in both or in none."""
    kit.seed({"one": {"key": {"id": "S"}}, "two": {"key": {"id": "S"}}})
    snapshot = kit.snapshot()
    db = client(kit)

    def write(number: int) -> None:
        puts = [{"Put": {"TableName": name, "Item": {"id": {"S": str(number)}}}} for name in ("one", "two")]
        db.transact_write_items(TransactItems=puts)

    with ThreadPoolExecutor(8) as pool:
        writing = [pool.submit(write, number) for number in range(200)]
        for _ in range(5):
            kit.restore(snapshot)
        for each in writing:
            each.result()
    one, two = (db.scan(TableName=name)["Items"] for name in ("one", "two"))
    assert sorted(each["id"]["S"] for each in one) == sorted(each["id"]["S"] for each in two)
    kit.forget(snapshot)


def test_streams_go_on_behind_what_was_put_back(kit: StatorDB) -> None:
    viewed = {"StreamSpecification": {"StreamEnabled": True, "StreamViewType": "NEW_IMAGE"}}
    kit.seed({"songs": {**SONGS, "create": viewed}})
    snapshot = kit.snapshot()
    kit.seed({"songs": {"items": [{"artist": "gone"}]}})
    kit.restore(snapshot)
    kit.seed({"songs": {"items": [{"artist": "Miles"}]}})
    streams = client(kit, "dynamodbstreams")
    (stream,) = streams.list_streams(TableName="songs")["Streams"]
    (shard,) = streams.describe_stream(StreamArn=stream["StreamArn"])["StreamDescription"]["Shards"]
    told = {"StreamArn": stream["StreamArn"], "ShardId": shard["ShardId"], "ShardIteratorType": "TRIM_HORIZON"}
    records = streams.get_records(ShardIterator=streams.get_shard_iterator(**told)["ShardIterator"])["Records"]
    assert [each["dynamodb"]["Keys"]["artist"]["S"] for each in records] == ["Nina", "Miles"]
    kit.forget(snapshot)


def test_a_fault_meets_as_many_requests_as_it_says_of_whichever_worker(kit: StatorDB) -> None:
    kit.seed({"songs": SONGS})
    kit.faults.throttle("GetItem", "songs", count=3)
    codes = []
    for db in (client(kit) for _ in range(6)):
        try:
            db.get_item(TableName="songs", Key={"artist": {"S": "Nina"}})
            codes.append("")
        except ClientError as fault:
            codes.append(fault.response["Error"]["Code"])
    assert codes == ["ProvisionedThroughputExceededException"] * 3 + [""] * 3
    assert [each["fault"] for each in kit.requests.of("GetItem")] == ["throttle"] * 3 + [None] * 3


def test_an_sdk_tries_again(kit: StatorDB) -> None:
    kit.seed({"songs": SONGS})
    kit.faults.error("PutItem", count=1)
    client(kit, retries={"total_max_attempts": 3}).put_item(TableName="songs", Item={"artist": {"S": "Miles"}})
    assert [each["fault"] for each in kit.requests.of("PutItem", "songs")] == ["error", None]


def test_a_transaction_conflicts_and_a_delay_delays(kit: StatorDB) -> None:
    kit.seed({"songs": SONGS})
    db, put = client(kit), {"Put": {"TableName": "songs", "Item": {"artist": {"S": "Miles"}}}}
    with kit.faults.during("conflict"), pytest.raises(db.exceptions.TransactionCanceledException):
        db.transact_write_items(TransactItems=[put])
    kit.faults.delay(0.3, "TransactWriteItems", count=1)
    began = time.monotonic()
    db.transact_write_items(TransactItems=[put])
    assert time.monotonic() - began >= 0.3


def test_accounts_do_not_see_each_other(kit: StatorDB, endpoint: str) -> None:
    other = StatorDB(endpoint)
    kit.seed({"songs": SONGS})
    kit.faults.error()
    assert names(other) == []
    assert len(other.requests) == 1
    assert list(other.faults) == []
    other.close()


def test_a_seed_is_as_large_as_one_likes_and_keeps_numbers(kit: StatorDB, tmp_path: Any) -> None:
    file = tmp_path / "seed.json"
    item = '{"artist": "NUMBER", "exact": 0.10000000000000000000000000001, "text": "TEXT"}'.replace("TEXT", "x" * 900)
    items = ",".join(item.replace("NUMBER", str(number)) for number in range(300))
    file.write_text('{"songs": {"key": {"artist": "S"}, "items": [ITEMS]}}'.replace("ITEMS", items))
    kit.seed(file)
    kit.seed({"songs": {"items": [{"artist": "set", "tags": {"a"}, "raw": b"\x01"}]}})
    db = client(kit)
    assert db.scan(TableName="songs", Select="COUNT")["Count"] == 301
    item = db.get_item(TableName="songs", Key={"artist": {"S": "7"}})["Item"]
    assert item["exact"] == {"N": "0.10000000000000000000000000001"}
    assert db.get_item(TableName="songs", Key={"artist": {"S": "set"}})["Item"]["tags"] == {"SS": ["a"]}


@pytest.mark.parametrize("tables", [{"x": SONGS}, {"songs": {"item": []}}, {"songs": {"items": [{}]}}])
def test_a_seed_that_can_not_be_is_told(kit: StatorDB, tables: Any) -> None:
    with pytest.raises(Refused):
        kit.seed(tables)


@pytest.mark.parametrize(
    ("path", "body", "headers", "status"),
    [
        ("/clock", b'{"advance": 60', {}, 400),
        ("/clock", b'{"advance": "nan"}', {}, 400),
        ("/clock", b'{"ahead": -1}', {}, 400),
        ("/clock", b'{"ahead": 1e300}', {}, 400),
        ("/clock", b"[]", {}, 400),
        ("/restore", b'{"snapshot": "../.."}', {}, 400),
        ("/restore", b'{"snapshot": 1}', {}, 400),
        ("/seed", b'{"tables": {"songs": {"key": 1}}}', {}, 400),
        ("/seed", b"[" * 60_000, {}, 400),
        ("/nothing", b"{}", {}, 404),
        ("/seed", b"{}" * 40_000, {}, 400),  # more than a stranger may send
        ("/clock", b"{}", {"Origin": "https://page.example"}, 403),
        ("/clock", b"{}", {"Sec-Fetch-Site": "cross-site"}, 403),
        ("/clock", b"{}", {"Host": "rebound.example"}, 403),
    ],
)
def test_bad_calls_are_refused(endpoint: str, path: str, body: bytes, headers: dict[str, str], status: int) -> None:
    told = {"Content-Type": "application/json", **headers}
    with pytest.raises(urllib.error.HTTPError) as caught:
        urllib.request.urlopen(urllib.request.Request(f"{endpoint}/_statordb{path}", body, told), timeout=HANGS_SECONDS)
    assert caught.value.code == status
    caught.value.close()


def test_without_the_setting_nothing_is_there() -> None:
    with ServerProcess("--memory", "--workers", "1") as server, pytest.raises(Refused):
        StatorDB(server.url).clock.now()


def test_temporary_keys_end_when_the_clock_is_moved_and_signatures_hold(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STATORDB_ROOT_ACCESS_KEY_ID", "ROOTKEY")
    monkeypatch.setenv("STATORDB_ROOT_SECRET_ACCESS_KEY", "root-secret")
    with ServerProcess("--memory", "--workers", "1", "--auth", "iam", "--test-controls") as server:
        kit = StatorDB(server.url, account="ROOTKEY")
        known = {"endpoint_url": server.url, "region_name": "us-east-1", "config": Config(**PATIENT)}
        root = {"aws_access_key_id": "ROOTKEY", "aws_secret_access_key": "root-secret"}
        made = boto3.client("sts", **known, **root).get_session_token(DurationSeconds=3600)["Credentials"]
        temporary = boto3.client(
            "dynamodb",
            aws_access_key_id=made["AccessKeyId"],
            aws_secret_access_key=made["SecretAccessKey"],
            aws_session_token=made["SessionToken"],
            **known,
        )
        temporary.list_tables()
        kit.clock.advance(minutes=30)
        temporary.list_tables()
        kit.clock.advance(minutes=31)
        with pytest.raises(ClientError, match="ExpiredToken"):
            temporary.list_tables()
        boto3.client("dynamodb", **known, **root).list_tables()
        kit.close()


def test_what_was_asked_is_json_for_other_languages(kit: StatorDB, endpoint: str) -> None:
    names(kit)
    with urllib.request.urlopen(f"{endpoint}/_statordb/requests?account={kit.account}", timeout=HANGS_SECONDS) as reply:
        (asked,) = json.load(reply)["requests"]
    assert (asked["operation"], asked["parameters"], asked["region"]) == ("ListTables", {}, "us-east-1")
