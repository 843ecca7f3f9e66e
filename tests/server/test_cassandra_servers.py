"""Several servers on one cluster are one database; and what `statordb cluster` does and tells on a real one."""

import asyncio
import contextlib
import json
import os
import secrets
import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError
from tests.cassandra import patient
from tests.cassandra.cluster import shared
from tests.pace import HANGS_SECONDS, PATIENT, until
from tests.process import ServerProcess
from tests.server.balancer import Balancer
from tests.server.resealed_table import ResealedTable
from tests.server.writers import Writers

from statordb.crypto.file_keys import FILE_NAME
from statordb.engine.contract import Effects, Key, PageBudget
from statordb.keeper.tenure import owner
from statordb.server.composition import open_store
from statordb.server.settings import Settings, load
from statordb.store.keyspace import Space
from statordb.store.leases import KEEPERS, LEASE
from statordb.store.sealed.engine import SealedEngine
from statordb.store.store import Store
from statordb.store.verifying.findings import Fault, Finding
from statordb.store.verifying.verifier import Verifier

KEYSPACE = f"sd_servers_{os.getpid()}"
ENDPOINT = "db.example.com:8000"

pytestmark = pytest.mark.slow  # real servers on a real cluster


@pytest.fixture(scope="module")
def place(cassandra_hosts: tuple[str, ...]) -> list[str]:
    """The options that tell where the store is."""
    hosts = ",".join(cassandra_hosts)
    return ["--engine", "cassandra", "--cassandra", hosts, "--datacenter", "dc1", "--keyspace", KEYSPACE]


def run(*words: str) -> tuple[int, str, str]:
    """A command's exit code and output."""
    done = subprocess.run(
        [*patient.COMMAND, *words], capture_output=True, text=True, timeout=HANGS_SECONDS, check=False
    )
    return done.returncode, done.stdout, done.stderr


Server = Callable[..., ServerProcess]


@pytest.fixture
def server(place: list[str], prepared: Path, tmp_path: Path) -> Iterator[Server]:
    """Starts servers, each with a directory of its own and the key file of the store."""
    started: list[ServerProcess] = []

    def start(*options: str) -> ServerProcess:
        directory = tmp_path / str(len(started))
        directory.mkdir()
        shutil.copy(prepared / FILE_NAME, directory)
        words = ["--data", str(directory), "--workers", "1", "--no-functions", "--admin-port", "0", *place, *options]
        started.append(ServerProcess(*words, command=patient.COMMAND))
        return started[-1]

    yield start
    for process in started:
        if process.process.poll() is None:
            process.stop()


@pytest.fixture(scope="module")
def prepared(place: list[str], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The data directory of who came first: a command that made an access key. The key is in `key.json` beside it."""
    directory = tmp_path_factory.mktemp("first")
    code, out, err = run("credentials", "create", "--json", "--data", str(directory), *place)
    assert code == 0, err
    (directory / "key.json").write_text(out)
    return directory


def client(server: ServerProcess, prepared: Path) -> Any:
    return connect(server, "dynamodb", json.loads((prepared / "key.json").read_text()))


def connect(server: ServerProcess, service: str, key: dict[str, str]) -> Any:
    return boto3.client(
        service,
        endpoint_url=server.url,
        region_name="us-east-1",
        aws_access_key_id=key["AccessKeyId"],
        aws_secret_access_key=key["SecretAccessKey"],
        config=Config(retries={"total_max_attempts": 1}, **PATIENT),
    )


def make_table(client: Any, name: str, **more: Any) -> None:
    client.create_table(
        TableName=name,
        KeySchema=[{"AttributeName": "p", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "p", "AttributeType": "S"}],
        BillingMode="PAY_PER_REQUEST",
        **more,
    )


def test_a_cluster_is_made_ready_again(place: list[str], prepared: Path) -> None:
    """Whoever came first has done it already."""
    assert run("cluster", "init", *place) == (0, f"The keyspace {KEYSPACE} is ready.\n", "")


def test_a_cluster_is_looked_at(place: list[str], prepared: Path, cassandra_hosts: tuple[str, ...]) -> None:
    def look() -> tuple[int, str] | None:
        code, shown, _ = run("cluster", "check", "--allow-periodic", *place)
        return None if "do not agree on the schema" in shown else (code, shown)

    code, shown = until(look, "the nodes agree")  # tests beside this one make tables
    assert (code, shown.splitlines()[-1]) == (0, "The cluster is as it must be."), shown
    for host in cassandra_hosts:
        assert f"ok       {host} answers: release " in shown


def test_servers_are_one_database(server: Server, prepared: Path) -> None:
    """Also what each keeps in memory of the tables is right at once."""
    one, two = (client(server("--auth", "iam"), prepared) for _ in range(2))
    make_table(one, "shared")
    assert two.list_tables()["TableNames"] == ["shared"]
    two.put_item(TableName="shared", Item={"p": {"S": "a"}, "v": {"N": "1"}})
    assert one.get_item(TableName="shared", Key={"p": {"S": "a"}}, ConsistentRead=True)["Item"]["v"] == {"N": "1"}
    one.delete_table(TableName="shared")
    with pytest.raises(ClientError, match="ResourceNotFoundException"):
        two.get_item(TableName="shared", Key={"p": {"S": "a"}})


def test_what_several_servers_did_is_on_one_bill(server: Server, prepared: Path, place: list[str]) -> None:
    """By the command, with a directory that has the key file, whether they run or not."""
    servers = [server("--auth", "iam") for _ in range(2)]
    one, two = (client(each, prepared) for each in servers)
    make_table(one, "billed")
    for number in range(3):
        one.put_item(TableName="billed", Item={"p": {"S": str(number)}})
        two.get_item(TableName="billed", Key={"p": {"S": str(number)}}, ConsistentRead=True)
    two.put_item(TableName="billed", Item={"p": {"S": "x"}})
    units = {"ReadCapacityUnits": 7, "WriteCapacityUnits": 8}
    two.update_table(TableName="billed", BillingMode="PROVISIONED", ProvisionedThroughput=units)
    one.put_item(TableName="billed", Item={"p": {"S": "provisioned"}})
    one.delete_table(TableName="billed")
    for each in servers:
        each.stop()
    code, out, err = run("bill", "--json", "--data", str(prepared), "--table", "billed", *place)
    assert code == 0, err
    quantities = {line["usage_type"]: line["quantity"] for line in json.loads(out)["lines"]}
    hours = quantities["WriteCapacityUnit-Hrs"] / 8
    assert hours in (1, 2)  # the clock may have come to another hour
    assert 0 < quantities.pop("DataTransfer-Out-Bytes") < 1e-6  # GB of a few answers
    assert quantities == {
        "ReadRequestUnits": 3,
        "WriteRequestUnits": 4,
        "ReadCapacityUnit-Hrs": hours * 7,
        "WriteCapacityUnit-Hrs": hours * 8,
    }


def test_a_server_that_joins_takes_its_share_and_one_that_leaves_costs_nobody_an_answer(
    server: Server, place: list[str], prepared: Path
) -> None:
    """Behind a balancer of connections, with what SDKs do anyway: they ask again, by default up to four times more. The
    duties are shared too."""
    first, second = (server("--auth", "iam") for _ in range(2))
    make_table(client(first, prepared), "joined")
    login = json.loads((prepared / "key.json").read_text())
    with Balancer([first.url, second.url]) as balancer, Writers(balancer.url, login) as writers:
        writers.until_written(20)
        third = server("--auth", "iam")
        balancer.urls.append(third.url)
        until(lambda: balancer.taken[third.url], "the third server has clients")
        settings = load({"data": str(prepared), **_options(place)}, {})
        asyncio.run(asyncio.wait_for(_shared_by(settings, prepared, 3), HANGS_SECONDS))
        written = writers.until_written(20)
        assert first.stop() == 0
        asyncio.run(asyncio.wait_for(_shared_by(settings, prepared, 2), HANGS_SECONDS))
        assert writers.until_written(20) > written
    reader = client(third, prepared)
    found = reader.scan(TableName="joined", ConsistentRead=True, Select="COUNT")["Count"]
    assert found == writers.written


def _options(place: list[str]) -> dict[str, str]:
    return {name.removeprefix("--"): value for name, value in zip(place[::2], place[1::2], strict=True)}


async def _shared_by(settings: Settings, directory: Path, count: int) -> None:
    """Wait until there are so many keepers, and each has the leases that are its share."""
    store = await open_store(directory, settings)
    try:
        while not await _are_shared(store, count):
            await asyncio.sleep(0.2)
    finally:
        await store.close()


async def _are_shared(store: Store, count: int) -> bool:
    now = store.clock.now()
    keepers = await store.leases.keepers(now)
    page = await store.engine.scan(Space.LEASES, 0, 1, PageBudget(1000, 1 << 20), None)
    leases = {row.partition.decode(): LEASE.load(row.body) for row in page.rows if row.partition != KEEPERS}
    duties = {duty for known in keepers.values() for duty in known}
    return len(keepers) == count and all(
        duty in leases and leases[duty].ends > now and leases[duty].holder == owner(duty, keepers) for duty in duties
    )


def test_a_key_that_one_server_disables_closes_its_table_on_the_other_at_once(server: Server, prepared: Path) -> None:
    first, second = (server("--auth", "iam") for _ in range(2))
    one, two = client(first, prepared), client(second, prepared)
    kms = connect(first, "kms", json.loads((prepared / "key.json").read_text()))
    arn = kms.create_key()["KeyMetadata"]["Arn"]
    make_table(one, "closed", SSESpecification={"Enabled": True, "SSEType": "KMS", "KMSMasterKeyId": arn})
    get = {"TableName": "closed", "Key": {"p": {"S": "a"}}}
    for _ in range(2):
        two.get_item(**get)
        kms.disable_key(KeyId=arn)
        with pytest.raises(ClientError, match="KMS key disabled error"):
            two.get_item(**get)
        kms.enable_key(KeyId=arn)
    one.delete_table(TableName="closed")


def test_two_servers_seal_a_table_anew_while_both_write_and_one_is_killed(server: Server, prepared: Path) -> None:
    """Whichever of them has begun with it, the other goes on."""
    doomed, other = server("--auth", "iam"), server("--auth", "iam")
    key = json.loads((prepared / "key.json").read_text())
    table = ResealedTable(lambda service: connect(other, service, key), 100)
    table.create()
    table.write(connect(doomed, "dynamodb", key), range(25))
    table.write(connect(other, "dynamodb", key), range(25, 50))
    table.change()
    written = sum(table.told.values())
    until(lambda: sum(table.told.values()) > written + 20, "writers go on")
    doomed.kill()
    until(lambda: sum(table.told.values()) > written + 40, "writers go on")
    table.rest()
    table.settle()
    table.judge()


def test_a_key_that_is_deleted_is_refused_by_all(server: Server, prepared: Path, place: list[str]) -> None:
    first = server("--auth", "iam")
    code, made, err = run("credentials", "create", "--json", "--data", str(prepared), *place)
    assert code == 0, err
    key = json.loads(made)
    other = boto3.client(
        "dynamodb",
        endpoint_url=first.url,
        region_name="us-east-1",
        aws_access_key_id=key["AccessKeyId"],
        aws_secret_access_key=key["SecretAccessKey"],
    )
    other.list_tables()
    assert run("credentials", "delete", key["AccessKeyId"], "--data", str(prepared), *place)[0] == 0
    with pytest.raises(ClientError, match="UnrecognizedClientException"):
        other.list_tables()


def test_an_identity_that_is_changed_is_known_by_all(server: Server, prepared: Path) -> None:
    """Keys and what they may do are looked up once by each process, until somebody says that they have changed."""
    one, two = server("--auth", "iam"), server("--auth", "iam")
    root = json.loads((prepared / "key.json").read_text())
    iam = connect(one, "iam", root)
    iam.create_user(UserName="alice")
    key = iam.create_access_key(UserName="alice")["AccessKey"]
    other = connect(two, "iam", key)
    with pytest.raises(ClientError, match="AccessDenied"):
        other.get_user()
    allow = {"Effect": "Allow", "Action": "iam:GetUser", "Resource": "*"}
    document = json.dumps({"Version": "2012-10-17", "Statement": [allow]})
    iam.put_user_policy(UserName="alice", PolicyName="p", PolicyDocument=document)
    assert other.get_user()["User"]["UserName"] == "alice"
    iam.delete_user_policy(UserName="alice", PolicyName="p")
    with pytest.raises(ClientError, match="AccessDenied"):
        other.get_user()
    _policies_count_at_once(iam, client(one, prepared), connect(two, "dynamodb", key))
    iam.update_access_key(UserName="alice", AccessKeyId=key["AccessKeyId"], Status="Inactive")
    with pytest.raises(ClientError, match="InvalidClientTokenId"):
        other.get_user()
    iam.update_access_key(UserName="alice", AccessKeyId=key["AccessKeyId"], Status="Active")
    with pytest.raises(ClientError, match="AccessDenied"):
        other.get_user()
    iam.delete_access_key(UserName="alice", AccessKeyId=key["AccessKeyId"])
    with pytest.raises(ClientError, match="InvalidClientTokenId"):
        other.get_user()
    iam.delete_user(UserName="alice")


def _policies_count_at_once(iam: Any, root: Any, alice: Any) -> None:
    """Of the managed policy of a user, who reads through another server, and of the table: none is kept there."""
    make_table(root, "guarded")
    arn = root.describe_table(TableName="guarded")["Table"]["TableArn"]
    get = {"TableName": "guarded", "Key": {"p": {"S": "a"}}}

    def document(effect: str, **more: Any) -> str:
        statement = {"Effect": effect, "Action": "dynamodb:GetItem", "Resource": arn, **more}
        return json.dumps({"Version": "2012-10-17", "Statement": [statement]})

    def is_refused() -> bool:
        try:
            alice.get_item(**get)
        except alice.exceptions.ClientError as refusal:
            return bool(refusal.response["Error"]["Code"] == "AccessDeniedException")
        return False

    assert is_refused()
    policy = iam.create_policy(PolicyName="reads", PolicyDocument=document("Allow"))["Policy"]["Arn"]
    iam.attach_user_policy(UserName="alice", PolicyArn=policy)
    assert not is_refused()
    iam.create_policy_version(PolicyArn=policy, PolicyDocument=document("Deny"), SetAsDefault=True)
    assert is_refused()
    iam.set_default_policy_version(PolicyArn=policy, VersionId="v1")
    assert not is_refused()
    root.put_resource_policy(ResourceArn=arn, Policy=document("Deny", Principal="*"))
    assert is_refused()
    root.delete_resource_policy(ResourceArn=arn)
    assert not is_refused()
    iam.detach_user_policy(UserName="alice", PolicyArn=policy)
    assert is_refused()
    iam.delete_policy_version(PolicyArn=policy, VersionId="v2")
    iam.delete_policy(PolicyArn=policy)
    root.delete_table(TableName="guarded")


def test_nothing_of_an_item_is_in_the_nodes_files_but_its_sort_keys(
    server: Server, prepared: Path, request: pytest.FixtureRequest
) -> None:
    """Commit logs have all that was acknowledged, and tables, hints and what else a node keeps are looked at too."""
    if os.environ.get("STATORDB_TEST_CASSANDRA"):
        pytest.skip("the nodes' files are not at hand")
    one = client(server("--auth", "iam"), prepared)
    secret, sort = f"planted{secrets.token_hex(8)}", f"sorted{secrets.token_hex(8)}"
    one.create_table(
        TableName="planted",
        KeySchema=[{"AttributeName": "p", "KeyType": "HASH"}, {"AttributeName": "s", "KeyType": "RANGE"}],
        AttributeDefinitions=[{"AttributeName": name, "AttributeType": "S"} for name in ("p", "s")],
        BillingMode="PAY_PER_REQUEST",
        StreamSpecification={"StreamEnabled": True, "StreamViewType": "NEW_AND_OLD_IMAGES"},
        Tags=[{"Key": secret, "Value": secret}],
    )
    items = [
        {"p": {"S": f"{secret}-{number}"}, "s": {"S": f"{sort}-{number}"}, f"{secret}-name": {"L": [{"S": secret}]}}
        for number in range(4)
    ]
    one.put_item(TableName="planted", Item=items[0])
    puts = [{"Put": {"TableName": "planted", "Item": item}} for item in items[1:]]
    one.transact_write_items(TransactItems=puts, ClientRequestToken=secret)
    one.delete_item(TableName="planted", Key={name: items[0][name] for name in ("p", "s")})
    assert len(one.scan(TableName="planted", ConsistentRead=True)["Items"]) == 3
    nodes = shared.directory_of(request.getfixturevalue("cassandra"))
    files = [Path(folder) / name for folder, _, names in os.walk(nodes) for name in names]  # some go meanwhile
    assert _with(sort, files), "the judge reads what was written"
    assert _with(secret, files) == []
    one.delete_table(TableName="planted")


def test_rows_are_verified_while_servers_run(server: Server, prepared: Path, place: list[str]) -> None:
    """Nothing is wrong with what they wrote; a row that was put back in the nodes' tables is found."""
    one = client(server("--auth", "iam"), prepared)
    one.create_table(
        TableName="verified",
        KeySchema=[{"AttributeName": "p", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": name, "AttributeType": "S"} for name in ("p", "g")],
        BillingMode="PAY_PER_REQUEST",
        GlobalSecondaryIndexes=[
            {
                "IndexName": "global",
                "KeySchema": [{"AttributeName": "g", "KeyType": "HASH"}],
                "Projection": {"ProjectionType": "ALL"},
            }
        ],
        StreamSpecification={"StreamEnabled": True, "StreamViewType": "NEW_IMAGE"},
    )
    for number in range(5):
        item = {"p": {"S": str(number)}, "g": {"S": "g"}}
        one.put_item(TableName="verified", Item={**item, "v": {"S": "before"}})
        one.put_item(TableName="verified", Item={**item, "v": {"S": "behind"}})
    told = {name.removeprefix("--"): value for name, value in zip(place[::2], place[1::2], strict=True)}
    untouched, touched = asyncio.run(_put_back(load(told, {}), prepared, one))
    assert untouched == []
    assert {finding.fault for finding in touched} == {Fault.ENTRY, Fault.LOG}
    one.delete_table(TableName="verified")


async def _put_back(settings: Settings, directory: Path, client: Any) -> tuple[list[Finding], list[Finding]]:
    """What is found before and after an item stands in the nodes' tables as it was."""
    store = await open_store(directory, settings)
    try:
        untouched = await _found(store)
        engine = store.engine
        assert isinstance(engine, SealedEngine)
        (record,) = [each for each in await store.catalog.all() if each.name == "verified"]
        row = engine.ring.places.key(Key(record.space, b"3", b""))
        before = await engine.under.get(row)
        assert before is not None
        item = {"p": {"S": "3"}, "g": {"S": "g"}, "v": {"S": "newest"}}
        await asyncio.to_thread(client.put_item, TableName="verified", Item=item)
        await engine.under.update((row,), lambda stored: Effects(writes=((row, before.body),)))
        return untouched, await _found(store)
    finally:
        await store.close()


async def _found(store: Store) -> list[Finding]:
    found: list[Finding] = []
    await Verifier(store, found.append, lambda seconds: asyncio.sleep(seconds / 20)).run()
    return found


def _with(text: str, files: list[Path]) -> list[str]:
    """The files that have a text."""
    found = []
    for path in files:
        with contextlib.suppress(FileNotFoundError):  # nodes rewrite theirs
            if text.encode() in path.read_bytes():
                found.append(str(path))
    return found


def test_the_endpoint_that_clients_are_told(server: Server, prepared: Path) -> None:
    told = client(server("--endpoint", f"https://{ENDPOINT}"), prepared).describe_endpoints()["Endpoints"]
    assert [endpoint["Address"] for endpoint in told] == [ENDPOINT]


def test_a_server_with_other_keys_is_refused(place: list[str], prepared: Path, tmp_path: Path) -> None:
    for workers in ("1", "2"):
        words = ("serve", "--port", "0", "--data", str(tmp_path), "--workers", workers, "--no-functions")
        code, out, err = run(*words, *place)
        assert (code, out, err.count("\n")) == (2, "", 1)
        assert "copy that file from a server that runs on the store" in err


def test_a_server_that_is_killed_leaves_the_others_to_work(server: Server, prepared: Path) -> None:
    """A change of tables waits until it is known to be dead: nobody may go on with tables as they were."""
    dying, staying = server(), server()
    client(dying, prepared).list_tables()
    dying.kill()
    other = client(staying, prepared)
    make_table(other, "after")
    other.put_item(TableName="after", Item={"p": {"S": "a"}})
    other.delete_table(TableName="after")
