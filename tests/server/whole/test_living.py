"""A real server that is copied while it is written to, killed, and lost with its directory: what comes back."""

import io
import json
import random
import re
import shutil
import subprocess
import time
import zipfile
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.config import Config
from tests.archive.judge import SOURCE, WRITERS, Notes, begin, end, fill, scan, violations, written
from tests.moto_server import REGION, MotoServer
from tests.pace import HANGS_SECONDS, PATIENT, much, until
from tests.process import STATORDB, ServerProcess
from tests.raw import Connection

ACCOUNT = "000000000000"
STILL = much(3_000, 100_000)
WRITTEN_MIN = 200  # transactions, before, while and after it is copied
KEYS = {"KeySchema": [{"AttributeName": "p", "KeyType": "HASH"}], "BillingMode": "PAY_PER_REQUEST"}
ATTRIBUTES = [{"AttributeName": "p", "AttributeType": "S"}]


def policy(**statement: Any) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", **statement}]})


TRUST = policy(Principal={"Service": "lambda.amazonaws.com"}, Action="sts:AssumeRole")
MAY_READ = policy(Action="dynamodb:GetItem", Resource="*")

pytestmark = pytest.mark.slow  # real servers


def command(*words: object) -> str:
    """What one of the commands prints; it must go well."""
    done = subprocess.run(
        [str(STATORDB), *map(str, words)], capture_output=True, text=True, timeout=HANGS_SECONDS, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def ended(seconds: float, *words: object) -> bool:
    """Begin a command, and kill it after a while; whether it had come to its end."""
    process = subprocess.Popen([str(STATORDB), *map(str, words)], stdout=subprocess.DEVNULL)
    time.sleep(seconds)
    process.kill()
    return process.wait(HANGS_SECONDS) == 0


def lose(server: ServerProcess, data: Path) -> Path:
    """Kill the server and remove its directory but for a copy of the keys."""
    kept = data.with_name("kept.json")
    shutil.copy(data / "keys.json", kept)
    server.kill()
    shutil.rmtree(data)
    return kept


def test_a_copy_of_a_store_under_writers_is_one_moment_of_it(tmp_path: Path) -> None:
    data, place, new = tmp_path / "data", tmp_path / "place", tmp_path / "new"
    notes = [Notes() for _ in range(WRITERS)]
    server = ServerProcess("--data", str(data), "--workers", "2", "--no-functions")
    try:
        fill(Connection(server.url), STILL)
        writers = begin(server.url, notes)
        write_on(notes, writers)
        since = time.time()
        command("backup", place, "--data", data)
        upto = time.time()
        write_on(notes, writers)
        keys = lose(server, data)
        end(writers)
    except BaseException:
        server.kill()
        raise
    assert "can be restored" in verified(place, keys)
    if not ended(random.uniform(0.2, 0.8), "restore", "--from", place, "--keys", keys, "--data", new):
        command("restore", "--from", place, "--keys", keys, "--data", new)
    with ServerProcess("--data", str(new), "--workers", "2", "--no-functions") as again:
        connection = Connection(again.url)
        items, entries = scan(connection, SOURCE), scan(connection, SOURCE, "ggg")
        told = connection.ask("DescribeTable", {"TableName": SOURCE})["Table"]
    assert violations(notes, items, entries, STILL, since, upto) == []
    assert violations(notes, items, entries, STILL, time.time(), time.time()) != []  # what came later is not there
    assert told["ItemCount"] == len(items)
    assert command("verify", "--data", new).endswith("no faults.\n")


def test_a_store_that_is_lost_comes_back_from_its_archive(tmp_path: Path) -> None:
    """All that was acknowledged until the time that is told, whole transactions, and nothing that nobody wrote."""
    data, place, new = tmp_path / "data", tmp_path / "objects", tmp_path / "new"
    settings = tmp_path / "settings.toml"
    settings.write_text(f'objects = "{place}"\narchive_seconds = 1.0\n')
    notes = [Notes() for _ in range(WRITERS)]
    arguments = ("--config", str(settings), "--workers", "2", "--no-functions")
    server = ServerProcess("--data", str(data), *arguments)
    try:
        fill(Connection(server.url), STILL)
        writers = begin(server.url, notes)
        until(lambda: any((place / "_store" / "archive").rglob("bases/*/*")), "there is a base")
        for _ in range(4):
            before = moments(place)
            until(lambda before=before: moments(place) - before, "a moment is kept")  # type: ignore[misc]
        write_on(notes, writers)
        keys = lose(server, data)
        end(writers)
    except BaseException:
        server.kill()
        raise
    killed = time.time()
    told = command("restore", "--from", place, "--keys", keys, "--data", new, "--config", settings)
    through = datetime.fromisoformat(re.findall(r"as of (\S+Z)", told)[0]).timestamp()
    print(f"{killed - through:.1f} s behind")
    with ServerProcess("--data", str(new), *arguments) as again:
        connection = Connection(again.url)
        items, entries = scan(connection, SOURCE), scan(connection, SOURCE, "ggg")
        told_of = connection.ask("DescribeTable", {"TableName": SOURCE})["Table"]
    assert violations(notes, items, entries, STILL, through, killed) == []
    assert violations(notes, items, entries, STILL, time.time(), time.time()) != []  # the last writes are lost
    assert told_of["ItemCount"] == len(items)
    assert command("verify", "--data", new).endswith("no faults.\n")


def moments(place: Path) -> set[str]:
    return {each.name for each in (place / "_store" / "whole" / "moments").glob("*")}


def write_on(notes: list[Notes], writers: list[Any]) -> None:
    before = written(notes)
    until(lambda: written(notes) > before + WRITTEN_MIN or any(each.failure for each in writers), "writers write")


def verified(place: Path, keys: Path) -> str:
    done = subprocess.run(
        [str(STATORDB), "backup", "verify", str(place), "--keys", str(keys)],
        capture_output=True,
        text=True,
        timeout=HANGS_SECONDS,
        check=True,
    )
    return done.stderr


class Everything:
    """A server with a thing of each kind."""

    def __init__(self, url: str, keys: dict[str, str]) -> None:
        self._keys = keys
        self._url = url

    def client(self, service: str, keys: dict[str, str] | None = None) -> Any:
        keys = keys or self._keys
        return boto3.client(
            service,
            endpoint_url=self._url,
            region_name="us-east-1",
            aws_access_key_id=keys["AccessKeyId"],
            aws_secret_access_key=keys["SecretAccessKey"],
            config=Config(retries={"total_max_attempts": 3}, **PATIENT),
        )

    def make(self) -> dict[str, Any]:
        """What is needed to look for it again."""
        iam, kms, db = self.client("iam"), self.client("kms"), self.client("dynamodb")
        iam.create_user(UserName="alice", Tags=[{"Key": "a", "Value": "b"}])
        iam.put_user_policy(UserName="alice", PolicyName="reads", PolicyDocument=MAY_READ)
        alice = iam.create_access_key(UserName="alice")["AccessKey"]
        iam.create_role(RoleName="functions", AssumeRolePolicyDocument=TRUST)
        key = kms.create_key(Description="of a table")["KeyMetadata"]["KeyId"]
        kms.create_alias(AliasName="alias/mine", TargetKeyId=key)
        sealed = kms.encrypt(KeyId="alias/mine", Plaintext=b"secret")["CiphertextBlob"]
        encrypted = {"Enabled": True, "SSEType": "KMS", "KMSMasterKeyId": key}
        db.create_table(TableName="sealed", AttributeDefinitions=ATTRIBUTES, **KEYS, SSESpecification=encrypted)
        db.put_item(TableName="sealed", Item={"p": {"S": "x"}, "v": {"S": "kept"}})
        streamed = {"StreamEnabled": True, "StreamViewType": "NEW_IMAGE"}
        db.create_table(TableName="fed", AttributeDefinitions=ATTRIBUTES, **KEYS, StreamSpecification=streamed)
        table = db.describe_table(TableName="fed")["Table"]
        arn = table["TableArn"]
        shared = policy(Principal={"AWS": "111122223333"}, Action="dynamodb:GetItem", Resource=arn)
        db.put_resource_policy(ResourceArn=arn, Policy=shared)
        db.put_item(TableName="fed", Item={"p": {"S": "old"}})
        functions = self.client("lambda")
        functions.create_function(
            FunctionName="told",
            Runtime="python3.11",
            Role=f"arn:aws:iam::{ACCOUNT}:role/functions",
            Handler="main.handler",
            Code={"ZipFile": package()},
        )
        mapping = functions.create_event_source_mapping(
            EventSourceArn=table["LatestStreamArn"], FunctionName="told", StartingPosition="TRIM_HORIZON"
        )
        self.client("cloudwatch").put_metric_alarm(
            AlarmName="busy", Namespace="AWS/DynamoDB", MetricName="ConsumedReadCapacityUnits", Statistic="Sum",
            Period=60, EvaluationPeriods=1, Threshold=5.0, ComparisonOperator="GreaterThanThreshold",
            Dimensions=[{"Name": "TableName", "Value": "fed"}],
        )  # fmt: skip
        return {
            "alice": alice,
            "sealed": sealed,
            "stream": table["LatestStreamArn"],
            "mapping": mapping["UUID"],
            "policy": db.get_resource_policy(ResourceArn=arn)["Policy"],
        }

    def look(self, made: dict[str, Any]) -> None:
        """That all is there."""
        iam, kms, db = self.client("iam"), self.client("kms"), self.client("dynamodb")
        assert iam.get_user(UserName="alice")["User"]["Tags"] == [{"Key": "a", "Value": "b"}]
        alices = self.client("dynamodb", made["alice"])
        assert alices.get_item(TableName="sealed", Key={"p": {"S": "x"}})["Item"]["v"] == {"S": "kept"}
        with pytest.raises(alices.exceptions.ClientError, match="AccessDenied"):
            alices.put_item(TableName="sealed", Item={"p": {"S": "y"}})
        assert kms.decrypt(CiphertextBlob=made["sealed"])["Plaintext"] == b"secret"
        shown = db.describe_table(TableName="sealed")["Table"]["SSEDescription"]
        assert (shown["Status"], shown["SSEType"]) == ("ENABLED", "KMS")
        table = db.describe_table(TableName="fed")["Table"]
        assert table["LatestStreamArn"] == made["stream"]
        assert db.get_resource_policy(ResourceArn=table["TableArn"])["Policy"] == made["policy"]
        functions = self.client("lambda")
        until(lambda: functions.get_event_source_mapping(UUID=made["mapping"])["State"] == "Enabled", "it goes on")
        assert functions.get_function(FunctionName="told")["Configuration"]["CodeSize"] == len(package())
        assert [each["AlarmName"] for each in self.client("cloudwatch").describe_alarms()["MetricAlarms"]] == ["busy"]


def package() -> bytes:
    """A function that writes what it is told to a file beside its place."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr(zipfile.ZipInfo("main.py"), "def handler(event, context):\n    return {}\n")
    return buffer.getvalue()


def served(data: Path, work: Callable[[Everything], Any], keys: dict[str, str]) -> Any:
    arguments = ("--data", str(data), "--auth", "iam", "--functions", "shared-user", "--workers", "1")
    with ServerProcess(*arguments) as server:
        return work(Everything(server.url, keys))


def test_identities_keys_functions_mappings_policies_and_alarms_come_back(tmp_path: Path) -> None:
    data, place, new = tmp_path / "data", tmp_path / "place", tmp_path / "new"
    root = json.loads(command("credentials", "create", "--data", data, "--json"))
    made = served(data, Everything.make, root)
    told = command("backup", place, "--data", data)
    assert "of 2 tables and all else" in told
    keys = tmp_path / "kept.json"
    shutil.copy(data / "keys.json", keys)
    shutil.rmtree(data)
    command("restore", "--from", place, "--keys", keys, "--data", new)
    served(new, lambda everything: everything.look(made), root)
    assert command("verify", "--data", new).endswith("no faults.\n")


def test_a_copy_in_s3(tmp_path: Path) -> None:
    data, new, credentials = tmp_path / "data", tmp_path / "new", tmp_path / "credentials"
    credentials.write_text("[default]\naws_access_key_id = a\naws_secret_access_key = b\n")
    command("credentials", "create", "--data", data)
    moto = MotoServer()
    try:
        moto.client("s3").create_bucket(Bucket="copies")
        place = f"s3://copies/mine?endpoint={moto.url}&region={REGION}"
        reach = ("--credentials", credentials, "--keys", data / "keys.json")
        command("backup", place, "--data", data, *reach[:2])
        command("backup", "verify", place, *reach)
        command("restore", "--from", place, "--data", new, *reach)
    finally:
        moto.close()
    assert command("credentials", "list", "--data", new) == command("credentials", "list", "--data", data)
