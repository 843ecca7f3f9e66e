"""KMS's API beside DynamoDB's on one port, by boto3: what a database's clients do with keys."""

import uuid
from collections.abc import Iterator
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError
from tests.api_suite.conftest import await_active
from tests.pace import PATIENT

from botocore.config import Config  # isort: skip

Client = Any


@pytest.fixture(scope="module")
def kms(server: str) -> Client:
    config = Config(parameter_validation=False, retries={"total_max_attempts": 1}, **PATIENT)
    return boto3.client("kms", endpoint_url=server, config=config)


@pytest.fixture
def key(kms: Client) -> Iterator[str]:
    """A key of the test's own, which is left to its deletion."""
    made = kms.create_key(Description="suite", Tags=[{"TagKey": "suite", "TagValue": "1"}])["KeyMetadata"]["KeyId"]
    yield made
    if kms.describe_key(KeyId=made)["KeyMetadata"]["KeyState"] != "PendingDeletion":
        kms.schedule_key_deletion(KeyId=made, PendingWindowInDays=7)


def code_of(call: Any, **given: Any) -> str:
    with pytest.raises(ClientError) as caught:
        call(**given)
    assert caught.value.response["ResponseMetadata"]["HTTPStatusCode"] == 400
    return str(caught.value.response["Error"]["Code"])


def test_the_life_of_a_key(kms: Client, key: str) -> None:
    assert kms.describe_key(KeyId=key)["KeyMetadata"]["Enabled"] is True
    pages = kms.get_paginator("list_keys").paginate(PaginationConfig={"PageSize": 2})
    assert key in {each["KeyId"] for page in pages for each in page["Keys"]}
    kms.update_key_description(KeyId=key, Description="new")
    kms.untag_resource(KeyId=key, TagKeys=["suite"])
    assert kms.list_resource_tags(KeyId=key)["Tags"] == []
    kms.disable_key(KeyId=key)
    assert code_of(kms.encrypt, KeyId=key, Plaintext=b"a") == "DisabledException"
    kms.enable_key(KeyId=key)
    kms.encrypt(KeyId=key, Plaintext=b"a")
    kms.schedule_key_deletion(KeyId=key, PendingWindowInDays=7)
    assert code_of(kms.encrypt, KeyId=key, Plaintext=b"a") == "KMSInvalidStateException"
    kms.cancel_key_deletion(KeyId=key)
    assert kms.describe_key(KeyId=key)["KeyMetadata"]["KeyState"] == "Disabled"


def test_an_alias_moves_from_key_to_key(kms: Client, key: str) -> None:
    other = kms.create_key()["KeyMetadata"]["KeyId"]
    alias = f"alias/suite-{uuid.uuid4().hex}"
    kms.create_alias(AliasName=alias, TargetKeyId=key)
    assert code_of(kms.create_alias, AliasName=alias, TargetKeyId=other) == "AlreadyExistsException"
    blob = kms.encrypt(KeyId=alias, Plaintext=b"a", EncryptionContext={"a": "b"})["CiphertextBlob"]
    kms.update_alias(AliasName=alias, TargetKeyId=other)
    sealed = {"CiphertextBlob": blob, "EncryptionContext": {"a": "b"}}
    assert code_of(kms.decrypt, KeyId=alias, **sealed) == "IncorrectKeyException"
    assert code_of(kms.decrypt, CiphertextBlob=blob) == "InvalidCiphertextException"
    assert kms.decrypt(**sealed)["Plaintext"] == b"a"
    kms.delete_alias(AliasName=alias)
    kms.schedule_key_deletion(KeyId=other, PendingWindowInDays=7)


def test_rotation_and_data_keys(kms: Client, key: str) -> None:
    made = kms.generate_data_key(KeyId=key, KeySpec="AES_256")
    kms.enable_key_rotation(KeyId=key)
    kms.rotate_key_on_demand(KeyId=key)
    opened = kms.decrypt(CiphertextBlob=made["CiphertextBlob"])
    assert (opened["Plaintext"], opened["KeyMaterialId"]) == (made["Plaintext"], made["KeyMaterialId"])
    assert (
        kms.generate_data_key_without_plaintext(KeyId=key, KeySpec="AES_256")["KeyMaterialId"] != made["KeyMaterialId"]
    )
    assert len(kms.list_key_rotations(KeyId=key)["Rotations"]) == 1


def test_grants_and_the_policy(kms: Client, key: str) -> None:
    grant = kms.create_grant(KeyId=key, GranteePrincipal="arn:aws:iam::111111111111:root", Operations=["Decrypt"])
    assert [each["GrantId"] for each in kms.list_grants(KeyId=key)["Grants"]] == [grant["GrantId"]]
    kms.revoke_grant(KeyId=key, GrantId=grant["GrantId"])
    assert kms.list_grants(KeyId=key)["Grants"] == []
    policy = kms.get_key_policy(KeyId=key, PolicyName="default")["Policy"]
    kms.put_key_policy(KeyId=key, Policy=policy)
    assert kms.list_key_policies(KeyId=key)["PolicyNames"] == ["default"]


def test_what_is_not_right_is_told_in_the_words_of_the_api(kms: Client) -> None:
    assert code_of(kms.describe_key, KeyId="alias/not-there") == "NotFoundException"
    assert code_of(kms.describe_key, KeyId="") == "ValidationException"
    assert code_of(kms.create_key, KeySpec="SM2", KeyUsage="SIGN_VERIFY") == "UnsupportedOperationException"
    assert code_of(kms.decrypt, CiphertextBlob=b"nonsense") == "InvalidCiphertextException"
    wrapping = {"WrappingAlgorithm": "RSAES_OAEP_SHA_256", "WrappingKeySpec": "RSA_2048"}
    assert code_of(kms.get_parameters_for_import, KeyId="a", **wrapping) == "NotFoundException"
    assert code_of(kms.describe_custom_key_stores) == "UnknownOperationException"


def test_a_disabled_key_closes_its_table(kms: Client, client: Client, key: str) -> None:
    name = f"suite-{uuid.uuid4().hex}"
    made = client.create_table(
        TableName=name,
        KeySchema=[{"AttributeName": "p", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "p", "AttributeType": "S"}],
        BillingMode="PAY_PER_REQUEST",
        SSESpecification={"Enabled": True, "SSEType": "KMS", "KMSMasterKeyId": key},
    )["TableDescription"]
    assert made["SSEDescription"]["KMSMasterKeyArn"].endswith(key)
    await_active(client, name)
    item = {"p": {"S": "a"}}
    client.put_item(TableName=name, Item=item)
    kms.disable_key(KeyId=key)
    assert code_of(client.get_item, TableName=name, Key=item) == "ValidationException"
    assert code_of(client.put_item, TableName=name, Item=item) == "ValidationException"
    table = client.describe_table(TableName=name)["Table"]
    assert table["TableStatus"] == "INACCESSIBLE_ENCRYPTION_CREDENTIALS"
    assert "InaccessibleEncryptionDateTime" in table["SSEDescription"]
    kms.enable_key(KeyId=key)
    assert client.get_item(TableName=name, Key=item)["Item"] == item
    client.delete_table(TableName=name)
