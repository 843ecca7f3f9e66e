"""SSESpecification: the keys that it can name, and what becomes of a table whose key can't be used."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import orjson
import pytest
from tests.api.kms_calls import kms, new_key
from tests.in_process import PRINCIPAL, SHAPES, Api, Fault

from statordb.access.authority import USER, Authority
from statordb.access.document import compile_policy
from statordb.api.dispatch import Dispatcher
from statordb.model.errors import ClientError
from statordb.model.request import Principal, Reply, Request
from statordb.store.kms import signing

INVALID = "One or more parameter values were invalid: "
OTHER = Principal("111111111111", "other", "us-east-1", "arn:aws:iam::111111111111:root")
KEY = {"p": {"S": "a"}}
MISSING = "arn:aws:kms:us-east-1:000000000000:key/12345678-1234-4234-8234-123456789012"
OF_KMS = "(Service: AWSKMS; Status Code: 400; Error Code: {}; Request ID: null; Proxy: null)"
DAY = 86_400.0


def create(api: Api, key: str | None = None, **more: Any) -> Any:
    wanted: dict[str, Any] = {} if key is None else {"SSESpecification": sse(key)}
    return api(
        "CreateTable",
        TableName="abc",
        KeySchema=[{"AttributeName": "p", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "p", "AttributeType": "S"}],
        BillingMode="PAY_PER_REQUEST",
        **wanted,
        **more,
    )["TableDescription"]


def sse(key: str) -> dict[str, Any]:
    return {"Enabled": True, "SSEType": "KMS", "KMSMasterKeyId": key}


def described(api: Api) -> Any:
    return api("DescribeTable", TableName="abc")["Table"]


@pytest.fixture
def key(api: Api) -> str:
    """The ARN of the key of a table with an item."""
    made = new_key(api)
    create(api, made)
    api("PutItem", TableName="abc", Item=KEY)
    return made


@pytest.fixture
def api(api: Api) -> Iterator[Api]:
    """All that fails unexpectedly is told."""
    yield api
    assert not api.faults


def test_a_key_is_named_in_four_ways(api: Api) -> None:
    arn = new_key(api)
    kms(api, "CreateAlias", AliasName="alias/mine", TargetKeyId=arn)
    alias = "arn:aws:kms:us-east-1:000000000000:alias/mine"
    for name in (arn, arn.rpartition("/")[2], "alias/mine", alias):
        made = create(api, name)
        assert made["SSEDescription"] == {"Status": "ENABLED", "SSEType": "KMS", "KMSMasterKeyArn": arn}
        api.restart()
        assert described(api)["SSEDescription"] == made["SSEDescription"]
        api("DeleteTable", TableName="abc")


@pytest.mark.parametrize(("spec", "usage"), [("HMAC_256", "GENERATE_VERIFY_MAC"), ("RSA_2048", "ENCRYPT_DECRYPT")])
def test_a_key_that_seals_no_data_keys_is_refused(
    api: Api, spec: str, usage: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(signing, "generate", lambda spec: b"a key pair")
    arn = kms(api, "CreateKey", KeySpec=spec, KeyUsage=usage)["KeyMetadata"]["Arn"]
    with pytest.raises(Fault) as caught:
        create(api, arn)
    assert caught.value.code == "ValidationException"
    assert "InvalidKeyUsageException" in caught.value.message


def test_the_key_that_aws_manages_is_that_of_kms(api: Api) -> None:
    made = create(api, SSESpecification={"Enabled": True})["SSEDescription"]["KMSMasterKeyArn"]
    found = kms(api, "DescribeKey", KeyId="alias/aws/dynamodb")["KeyMetadata"]
    assert (found["Arn"], found["KeyManager"]) == (made, "AWS")
    api("UpdateTable", TableName="abc", SSESpecification=sse("alias/aws/dynamodb"))
    assert described(api)["SSEDescription"]["KMSMasterKeyArn"] == made


@pytest.mark.parametrize("specification", [None, {}, {"Enabled": False}])
def test_a_key_of_aws_is_not_told_of(api: Api, specification: dict[str, Any] | None) -> None:
    create(api, SSESpecification=specification)
    assert "SSEDescription" not in described(api)
    assert kms(api, "ListKeys")["Keys"] == []


@pytest.mark.parametrize(
    ("name", "error"),
    [
        (MISSING, f"NotFoundException: Key '{MISSING}' does not exist"),
        (MISSING.rpartition("/")[2], f"NotFoundException: Key '{MISSING}' does not exist"),
        (MISSING.replace("us-east-1", "eu-west-1"), "NotFoundException: "),
        ("alias/none", "NotFoundException: Alias arn:aws:kms:us-east-1:000000000000:alias/none is not found."),
        ("nonsense", "NotFoundException: Invalid keyId 'nonsense'"),
        ("arn:nonsense", "InvalidArnException: Invalid arn arn:nonsense"),
    ],
)
def test_a_key_that_is_not_there(api: Api, name: str, error: str) -> None:
    with pytest.raises(Fault) as caught:
        create(api, name)
    assert caught.value.code == "ValidationException"
    assert caught.value.message.startswith(f"KMS validation error: com.amazonaws.services.kms.model.{error}")
    assert caught.value.message.endswith(OF_KMS.format(error.partition(":")[0]))
    assert api("ListTables")["TableNames"] == []


def test_a_key_that_can_not_be_used_is_refused(api: Api) -> None:
    arn = new_key(api)
    create(api)
    kms(api, "DisableKey", KeyId=arn)
    fault = api.refused("UpdateTable", TableName="abc", SSESpecification=sse(arn))
    assert (fault.code, fault.message) == (
        "ValidationException",
        "KMS validation error: com.amazonaws.services.kms.model.DisabledException: "
        f"{arn} is disabled. {OF_KMS.format('DisabledException')}",
    )
    kms(api, "ScheduleKeyDeletion", KeyId=arn)
    fault = api.refused("UpdateTable", TableName="abc", SSESpecification=sse(arn))
    assert "KMSInvalidStateException" in fault.message
    assert "SSEDescription" not in described(api)


def test_a_key_of_another_account_is_refused(api: Api) -> None:
    arn = new_key(api, OTHER)
    for name in (arn, "arn:aws:kms:us-east-1:111111111111:alias/mine"):
        with pytest.raises(Fault) as caught:
            create(api, name)
        assert caught.value.code == "AccessDeniedException"
        assert caught.value.message == (
            "KMS key access denied error: com.amazonaws.services.kms.model.AWSKMSException: "
            f"User: {PRINCIPAL.arn} is not authorized to perform: kms:CreateGrant on resource: {name} because no "
            f"resource-based policy allows the kms:CreateGrant action {OF_KMS.format('AccessDeniedException')}"
        )


def test_who_may_not_use_a_key_can_not_give_it_to_a_table(api: Api) -> None:
    """A key's policy may allow that through DynamoDB alone."""
    arn = new_key(api)
    ada = "arn:aws:iam::000000000000:user/ada"
    tables = '{"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Action": "dynamodb:*", "Resource": "*"}}'
    authority = Authority(USER, ada, "000000000000", "AIDAX", "ada", (compile_policy(tables),))
    principal = PRINCIPAL._replace(arn=ada, authority=authority)
    root = {"AWS": "arn:aws:iam::000000000000:root"}
    whole = {"Effect": "Allow", "Principal": root, "Action": "kms:*", "Resource": "*"}
    through = {
        "Effect": "Allow",
        "Principal": {"AWS": ada},
        "Action": ["kms:CreateGrant", "kms:DescribeKey"],
        "Resource": "*",
        "Condition": {"StringEquals": {"kms:ViaService": "dynamodb.us-east-1.amazonaws.com"}},
    }
    create(api)
    wanted = {"TableName": "abc", "SSESpecification": sse(arn)}
    with pytest.raises(Fault) as caught:
        api("UpdateTable", principal, **wanted)
    assert caught.value.code == "AccessDeniedException"
    assert caught.value.message.startswith("KMS key access denied error: com.amazonaws.services.kms.model.AWSKMSExc")
    document = {"Version": "2012-10-17", "Statement": [whole, through]}
    kms(api, "PutKeyPolicy", KeyId=arn, Policy=orjson.dumps(document).decode())
    api("UpdateTable", principal, **wanted)
    assert described(api)["SSEDescription"]["KMSMasterKeyArn"] == arn
    with pytest.raises(Fault):
        kms(api, "DescribeKey", principal, KeyId=arn)


def test_the_key_is_changed_four_times_a_day(api: Api) -> None:
    keys = [new_key(api) for _ in range(6)]
    create(api, keys[0])
    for arn in keys[1:5]:
        api("UpdateTable", TableName="abc", SSESpecification=sse(arn))
    api.clock.advance(6 * 3600 - 1)
    last = {"TableName": "abc", "SSESpecification": sse(keys[5])}
    assert api.refused("UpdateTable", **last).code == "LimitExceededException"
    api.clock.advance(1)
    api("UpdateTable", **last)
    last["SSESpecification"] = {"Enabled": False}
    assert api.refused("UpdateTable", **last).code == "LimitExceededException"
    api.clock.advance(DAY)
    api("UpdateTable", **last)
    api.keep()
    assert "SSEDescription" not in described(api)


AT = {"TableName": "abc"}
VALUES = {"ExpressionAttributeValues": {":p": {"S": "a"}}}
ITEMS: dict[str, dict[str, Any]] = {
    "GetItem": {**AT, "Key": KEY},
    "PutItem": {**AT, "Item": KEY},
    "UpdateItem": {**AT, "Key": KEY, "UpdateExpression": "SET n = :p", **VALUES},
    "DeleteItem": {**AT, "Key": KEY},
    "Query": {**AT, "KeyConditionExpression": "p = :p", **VALUES},
    "Scan": AT,
    "BatchGetItem": {"RequestItems": {"abc": {"Keys": [KEY]}}},
    "BatchWriteItem": {"RequestItems": {"abc": [{"PutRequest": {"Item": KEY}}]}},
    "TransactGetItems": {"TransactItems": [{"Get": {**AT, "Key": KEY}}]},
    "TransactWriteItems": {"TransactItems": [{"Put": {**AT, "Item": KEY}}]},
    "ExecuteStatement": {"Statement": "SELECT * FROM abc WHERE p = 'a'"},
    "ExecuteTransaction": {"TransactStatements": [{"Statement": "DELETE FROM abc WHERE p = 'a'"}]},
}


@pytest.mark.parametrize("operation", ITEMS)
def test_a_disabled_key_closes_a_table_and_an_enabled_one_opens_it(api: Api, key: str, operation: str) -> None:
    api(operation, **ITEMS[operation])
    for _ in range(2):
        kms(api, "DisableKey", KeyId=key)
        for _ in range(2):
            fault = api.refused(operation, **ITEMS[operation])
            assert (fault.code, fault.message) == (
                "ValidationException",
                "KMS key disabled error: com.amazonaws.services.kms.model.DisabledException: "
                f"{key} is disabled. {OF_KMS.format('DisabledException')}",
            )
        kms(api, "EnableKey", KeyId=key)
        api(operation, **ITEMS[operation])


def test_a_statement_of_a_batch_is_refused_by_itself(api: Api, key: str) -> None:
    kms(api, "DisableKey", KeyId=key)
    told = api("BatchExecuteStatement", Statements=[{"Statement": "SELECT * FROM abc WHERE p = 'a'"}])
    assert told["Responses"][0]["Error"]["Message"].startswith("KMS key disabled error: ")


def test_a_closed_table_says_since_when(api: Api, key: str) -> None:
    api.clock.advance(10)
    at = api.clock.now()
    kms(api, "DisableKey", KeyId=key)
    api.clock.advance(10)
    kms(api, "ScheduleKeyDeletion", KeyId=key, PendingWindowInDays=7)
    table = described(api)
    assert table["TableStatus"] == "INACCESSIBLE_ENCRYPTION_CREDENTIALS"
    assert table["SSEDescription"] == {
        "Status": "ENABLED",
        "SSEType": "KMS",
        "KMSMasterKeyArn": key,
        "InaccessibleEncryptionDateTime": pytest.approx(at, abs=0.001),
    }
    assert "KMSInvalidStateException" in api.refused("GetItem", **ITEMS["GetItem"]).message
    kms(api, "CancelKeyDeletion", KeyId=key)
    kms(api, "EnableKey", KeyId=key)
    table = described(api)
    assert (table["TableStatus"], len(table["SSEDescription"])) == ("ACTIVE", 3)


def test_a_key_that_is_gone_leaves_a_table_closed(api: Api, key: str) -> None:
    kms(api, "ScheduleKeyDeletion", KeyId=key, PendingWindowInDays=7)
    api.clock.advance(7 * DAY)
    api.keep()
    fault = api.refused("GetItem", **ITEMS["GetItem"])
    assert fault.message.startswith(
        f"KMS key not found error: com.amazonaws.services.kms.model.NotFoundException: Key '{key}' does not exist"
    )
    assert described(api)["TableStatus"] == "INACCESSIBLE_ENCRYPTION_CREDENTIALS"
    api("DeleteTable", TableName="abc")
    api.keep()
    assert api("ListTables")["TableNames"] == []


def test_what_goes_on_with_a_closed_table(api: Api, key: str) -> None:
    streamed = {"StreamEnabled": True, "StreamViewType": "NEW_IMAGE"}
    stream = api("UpdateTable", **AT, StreamSpecification=streamed)["TableDescription"]["LatestStreamArn"]
    api("PutItem", **AT, Item={"p": {"S": "b"}})
    kms(api, "DisableKey", KeyId=key)
    shard = api("DescribeStream", StreamArn=stream)["StreamDescription"]["Shards"][0]["ShardId"]
    at = {"StreamArn": stream, "ShardId": shard, "ShardIteratorType": "TRIM_HORIZON"}
    records = api("GetRecords", ShardIterator=api("GetShardIterator", **at)["ShardIterator"])["Records"]
    assert len(records) == 1
    arn = described(api)["TableArn"]
    api("TagResource", ResourceArn=arn, Tags=[{"Key": "a", "Value": "b"}])
    api("UpdateTable", **AT, DeletionProtectionEnabled=True)
    api("UpdateTable", **AT, StreamSpecification={"StreamEnabled": False})
    api("DescribeTimeToLive", **AT)
    assert api("ListTables")["TableNames"] == ["abc"]


def test_what_does_not_go_on_with_a_closed_table(api: Api, key: str) -> None:
    kms(api, "DisableKey", KeyId=key)
    index = {
        "IndexName": "global",
        "KeySchema": [{"AttributeName": "x", "KeyType": "HASH"}],
        "Projection": {"ProjectionType": "ALL"},
    }
    for operation, more in (
        ("UpdateTimeToLive", {"TimeToLiveSpecification": {"AttributeName": "t", "Enabled": True}}),
        ("UpdateTable", {"SSESpecification": {"Enabled": False}}),
        (
            "UpdateTable",
            {
                "GlobalSecondaryIndexUpdates": [{"Create": index}],
                "AttributeDefinitions": [{"AttributeName": "x", "AttributeType": "S"}],
            },
        ),
    ):
        assert api.refused(operation, **AT, **more).message.startswith("KMS key disabled error: ")


def test_time_to_live_and_the_building_of_indexes_wait_for_the_key(api: Api, key: str) -> None:
    api("UpdateTimeToLive", **AT, TimeToLiveSpecification={"AttributeName": "t", "Enabled": True})
    api.keep()
    due = {"p": {"S": "due"}, "t": {"N": str(int(api.clock.now()) + 60)}}
    api("PutItem", **AT, Item=due)
    index = {
        "IndexName": "global",
        "KeySchema": [{"AttributeName": "t", "KeyType": "HASH"}],
        "Projection": {"ProjectionType": "ALL"},
    }
    api(
        "UpdateTable",
        **AT,
        GlobalSecondaryIndexUpdates=[{"Create": index}],
        AttributeDefinitions=[{"AttributeName": "t", "AttributeType": "N"}],
    )
    kms(api, "DisableKey", KeyId=key)
    api.clock.advance(3600)
    api.keep()
    assert described(api)["ItemCount"] == 2
    assert described(api)["GlobalSecondaryIndexes"][0]["IndexStatus"] == "CREATING"
    kms(api, "EnableKey", KeyId=key)
    api.keep()
    assert described(api)["ItemCount"] == 1
    assert described(api)["GlobalSecondaryIndexes"][0]["IndexStatus"] == "ACTIVE"


def test_another_process_hears_of_a_disabled_key_at_once(api: Api, key: str) -> None:
    """One that knows the table, and answers the usual requests in the short way."""
    other = Dispatcher(api.another(), SHAPES, lambda request, fault: api.faults.append(fault))

    def get() -> str | None:
        body = orjson.dumps(ITEMS["GetItem"])

        async def handle() -> Reply:
            reply = other.handle(Request("GetItem", body, PRINCIPAL, "id"))
            return reply if isinstance(reply, Reply) else await reply

        error: str | None = api.run(handle()).error
        return error

    assert [get(), get()] == [None, None]
    kms(api, "DisableKey", KeyId=key)
    assert [get(), get()] == ["ValidationException", "ValidationException"]
    kms(api, "EnableKey", KeyId=key)
    assert [get(), get()] == [None, None]


def test_a_write_that_looks_at_its_table_again_finds_it_closed(api: Api, key: str) -> None:
    """It has an older one, whose record has changed since."""
    table = api.run(api.store.catalog.find("000000000000", "us-east-1", "abc"))
    kms(api, "DisableKey", KeyId=key)
    api("UpdateTable", **AT, DeletionProtectionEnabled=True)
    with pytest.raises(ClientError, match="KMS key disabled error"):
        api.run(table.write(table.primary.key(KEY), lambda old: None))


def test_a_table_of_before_there_were_keys_goes_on(api: Api) -> None:
    """Its key was made up, and so never closes it; a real one takes its place."""
    create(api)

    def older(record: Any) -> Any:
        return replace(record, options={**record.options, "SSESpecification": sse("alias/mine")})

    api.run(api.store.catalog.change("000000000000", "us-east-1", "abc", older))
    shown = described(api)["SSEDescription"]
    assert shown["KMSMasterKeyArn"].startswith("arn:aws:kms:us-east-1:000000000000:key/")
    api("PutItem", **AT, Item=KEY)
    arn = new_key(api)
    told = api("UpdateTable", **AT, SSESpecification=sse(arn))["TableDescription"]
    assert told["SSEDescription"] == {**shown, "Status": "UPDATING"}
    assert described(api)["SSEDescription"] == {"Status": "UPDATING", "SSEType": "KMS", "KMSMasterKeyArn": arn}
    api.keep()
    assert described(api)["SSEDescription"]["Status"] == "ENABLED"
    api("UpdateTable", **AT, SSESpecification={"Enabled": False})
    assert described(api)["SSEDescription"] == {"Status": "UPDATING", "SSEType": "KMS", "KMSMasterKeyArn": arn}
    api.keep()
    assert "SSEDescription" not in described(api)
