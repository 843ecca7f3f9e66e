"""Keys: made, found, disabled, deleted, rotated."""

import json
from typing import Any

import pytest
from botocore.exceptions import ClientError
from tests.kms_api.kms_kit import ACCOUNT, DAY, OTHER, REGION, Kms, refused

from statordb.engine.contract import PageBudget
from statordb.model.unanswered import Unanswered
from statordb.store.keyspace import Space
from statordb.store.kms import keys
from statordb.store.kms.records import KeyName
from statordb.store.rows import all_rows
from statordb.store.store import Store

MISSING = "12345678-1234-4234-8234-123456789012"


def test_a_new_key_is_described_as_on_aws(kms: Kms) -> None:
    made = kms.key(Description="orders", Tags=[{"TagKey": "team", "TagValue": "red"}])
    arn = f"arn:aws:kms:us-east-1:{ACCOUNT}:key/{made['KeyId']}"
    assert made.pop("CreationDate").timestamp() == pytest.approx(kms.clock.now(), abs=0.001)
    assert len(made.pop("CurrentKeyMaterialId")) == 64
    assert made == {
        "AWSAccountId": ACCOUNT,
        "KeyId": made["KeyId"],
        "Arn": arn,
        "Enabled": True,
        "Description": "orders",
        "KeyUsage": "ENCRYPT_DECRYPT",
        "KeyState": "Enabled",
        "Origin": "AWS_KMS",
        "KeyManager": "CUSTOMER",
        "CustomerMasterKeySpec": "SYMMETRIC_DEFAULT",
        "KeySpec": "SYMMETRIC_DEFAULT",
        "EncryptionAlgorithms": ["SYMMETRIC_DEFAULT"],
        "MultiRegion": False,
    }
    kms.restart()
    for name in (made["KeyId"], arn):
        assert kms.client.describe_key(KeyId=name)["KeyMetadata"]["Arn"] == arn


@pytest.mark.parametrize(
    ("given", "code"),
    [
        ({"KeySpec": "RSA_2048"}, "ValidationException"),
        ({"KeySpec": "ECC_NIST_P256", "KeyUsage": "ENCRYPT_DECRYPT"}, "ValidationException"),
        ({"KeySpec": "ECC_NIST_P256", "KeyUsage": "KEY_AGREEMENT"}, "UnsupportedOperationException"),
        ({"KeySpec": "ECC_NIST_P256", "KeyUsage": "GENERATE_VERIFY_MAC"}, "ValidationException"),
        ({"KeySpec": "SM2", "KeyUsage": "SIGN_VERIFY"}, "UnsupportedOperationException"),
        ({"KeySpec": "HMAC_256"}, "ValidationException"),
        ({"KeySpec": "HMAC_256", "KeyUsage": "ENCRYPT_DECRYPT"}, "ValidationException"),
        ({"KeyUsage": "GENERATE_VERIFY_MAC"}, "ValidationException"),
        ({"CustomerMasterKeySpec": "ECC_NIST_P256"}, "ValidationException"),
        ({"Origin": "AWS_CLOUDHSM"}, "UnsupportedOperationException"),
        ({"MultiRegion": True}, "UnsupportedOperationException"),
        ({"CustomKeyStoreId": "cks-1"}, "UnsupportedOperationException"),
        ({"KeyUsage": "SIGN_VERIFY"}, "ValidationException"),
        ({"KeySpec": "SYMMETRIC_DEFAULT", "CustomerMasterKeySpec": "SYMMETRIC_DEFAULT"}, "ValidationException"),
        ({"KeySpec": "ROT13"}, "ValidationException"),
        ({"Policy": "{"}, "MalformedPolicyDocumentException"),
        ({"Policy": "[]"}, "MalformedPolicyDocumentException"),
        ({"Policy": '{"Statement": [{"Effect": "Allow"}]}'}, "MalformedPolicyDocumentException"),
        ({"Policy": '{"Statement": 1}'}, "MalformedPolicyDocumentException"),
        ({"Policy": "x" * 32769}, "LimitExceededException"),
        ({"Tags": [{"TagKey": "aws:a", "TagValue": ""}]}, "TagException"),
        ({"Tags": [{"TagKey": "a", "TagValue": ""}, {"TagKey": "a", "TagValue": ""}]}, "TagException"),
        ({"Tags": [{"TagKey": str(n), "TagValue": ""} for n in range(51)]}, "LimitExceededException"),
        ({"Description": "x" * 8193}, "ValidationException"),
    ],
)
def test_what_a_key_can_not_be_is_refused(kms: Kms, given: dict[str, Any], code: str) -> None:
    assert refused(kms.client.create_key, **given)[0] == code
    assert kms.client.list_keys()["Keys"] == []


@pytest.mark.parametrize(
    ("name", "error"),
    [
        (MISSING, ("NotFoundException", f"Key 'arn:aws:kms:us-east-1:{ACCOUNT}:key/{MISSING}' does not exist")),
        (
            f"arn:aws:kms:us-east-1:{ACCOUNT}:key/{MISSING}",
            ("NotFoundException", f"Key 'arn:aws:kms:us-east-1:{ACCOUNT}:key/{MISSING}' does not exist"),
        ),
        ("alias/a", ("NotFoundException", f"Alias arn:aws:kms:us-east-1:{ACCOUNT}:alias/a is not found.")),
        ("alias/" + "a" * 2000, ("NotFoundException", None)),
        ("nonsense", ("NotFoundException", "Invalid keyId 'nonsense'")),
        ("arn:nonsense", ("InvalidArnException", "Invalid arn arn:nonsense")),
        (f"arn:aws:kms:us-east-1:111111111111:key/{MISSING}", ("AccessDeniedException", None)),
        ("arn:aws:kms:us-east-1:111111111111:alias/a", ("AccessDeniedException", None)),
        (f"arn:aws:kms:eu-west-1:{ACCOUNT}:key/{MISSING}", ("NotFoundException", None)),
        (
            "",
            (
                "ValidationException",
                "1 validation error detected: Value '' at 'keyId' failed to satisfy constraint: "
                "Member must have length greater than or equal to 1",
            ),
        ),
    ],
)
def test_a_key_that_is_not_there(kms: Kms, name: str, error: tuple[str, str | None]) -> None:
    code, text = refused(kms.client.describe_key, KeyId=name)
    assert (code, error[1] and text) == error


def test_a_key_of_another_account_or_region_is_not_to_be_had(kms: Kms) -> None:
    made = kms.key()
    others = kms.connect(OTHER)
    code, text = refused(others.describe_key, KeyId=made["Arn"])
    assert code == "AccessDeniedException"
    assert text == (
        f"User: {OTHER.arn} is not authorized to perform: kms:DescribeKey on resource: {made['Arn']} because no "
        "resource-based policy allows the kms:DescribeKey action"
    )
    assert refused(others.describe_key, KeyId=made["KeyId"])[0] == "NotFoundException"
    assert others.list_keys()["Keys"] == []
    elsewhere = kms.connect(OTHER._replace(account=ACCOUNT, region="eu-west-1"))
    assert refused(elsewhere.describe_key, KeyId=made["Arn"])[0] == "NotFoundException"


def test_a_disabled_key_does_nothing_until_it_is_enabled(kms: Kms) -> None:
    key = kms.key()
    blob = kms.client.encrypt(KeyId=key["KeyId"], Plaintext=b"a")["CiphertextBlob"]
    kms.client.disable_key(KeyId=key["KeyId"])
    assert kms.client.describe_key(KeyId=key["KeyId"])["KeyMetadata"]["KeyState"] == "Disabled"
    error = ("DisabledException", f"{key['Arn']} is disabled.")
    assert refused(kms.client.encrypt, KeyId=key["KeyId"], Plaintext=b"a") == error
    assert refused(kms.client.decrypt, CiphertextBlob=blob) == error
    assert refused(kms.client.generate_data_key, KeyId=key["KeyId"], KeySpec="AES_256") == error
    assert refused(kms.client.re_encrypt, CiphertextBlob=blob, DestinationKeyId=key["KeyId"]) == error
    assert refused(kms.client.enable_key_rotation, KeyId=key["KeyId"]) == error
    assert refused(kms.client.rotate_key_on_demand, KeyId=key["KeyId"]) == error
    kms.client.enable_key(KeyId=key["KeyId"])
    assert kms.client.decrypt(CiphertextBlob=blob)["Plaintext"] == b"a"


def test_a_key_is_deleted_when_its_wait_is_over(kms: Kms) -> None:
    key = kms.key()
    id = key["KeyId"]
    kms.client.create_alias(AliasName="alias/a", TargetKeyId=id)
    kms.client.create_grant(KeyId=id, GranteePrincipal=OTHER.arn, Operations=["Decrypt"])
    blob = kms.client.encrypt(KeyId=id, Plaintext=b"a")["CiphertextBlob"]
    for days in (6, 31):
        assert refused(kms.client.schedule_key_deletion, KeyId=id, PendingWindowInDays=days)[0] == "ValidationException"
    scheduled = kms.client.schedule_key_deletion(KeyId=id, PendingWindowInDays=7)
    assert (scheduled["KeyId"], scheduled["KeyState"], scheduled["PendingWindowInDays"]) == (
        key["Arn"], "PendingDeletion", 7,
    )  # fmt: skip
    assert scheduled["DeletionDate"].timestamp() == pytest.approx(kms.clock.now() + 7 * DAY, abs=0.001)
    shown = kms.client.describe_key(KeyId=id)["KeyMetadata"]
    assert shown["DeletionDate"] == scheduled["DeletionDate"]
    pending = ("KMSInvalidStateException", f"{key['Arn']} is pending deletion.")
    for call, given in (
        (kms.client.encrypt, {"KeyId": id, "Plaintext": b"a"}),
        (kms.client.decrypt, {"CiphertextBlob": blob}),
        (kms.client.enable_key, {"KeyId": id}),
        (kms.client.disable_key, {"KeyId": id}),
        (kms.client.schedule_key_deletion, {"KeyId": id}),
        (kms.client.create_alias, {"AliasName": "alias/b", "TargetKeyId": id}),
        (kms.client.tag_resource, {"KeyId": id, "Tags": []}),
        (kms.client.update_key_description, {"KeyId": id, "Description": ""}),
        (kms.client.create_grant, {"KeyId": id, "GranteePrincipal": OTHER.arn, "Operations": ["Decrypt"]}),
    ):
        assert refused(call, **given) == pending, call
    kms.clock.advance(7 * DAY - 1)
    kms.keep()
    assert kms.client.describe_key(KeyId=id)
    kms.clock.advance(1)
    assert refused(kms.client.describe_key, KeyId=id)[0] == "NotFoundException"  # before the keeper has come
    assert refused(kms.client.cancel_key_deletion, KeyId=id)[0] == "NotFoundException"
    kms.keep()
    assert kms.client.list_keys()["Keys"] == kms.client.list_aliases()["Aliases"] == []
    assert refused(kms.client.decrypt, CiphertextBlob=blob) == (
        "AccessDeniedException",
        "The ciphertext refers to a customer master key that does not exist, does not exist in this region, or you "
        "are not allowed to access.",
    )
    assert kms.run(_rows(kms)) == 0, "nothing is left"


async def _rows(kms: Kms) -> int:
    return len([row async for row in all_rows(kms.engine, Space.KMS)])


def test_a_deletion_can_be_called_off(kms: Kms) -> None:
    key = kms.key()
    assert refused(kms.client.cancel_key_deletion, KeyId=key["KeyId"]) == (
        "KMSInvalidStateException", f"{key['Arn']} is not pending deletion.",
    )  # fmt: skip
    kms.client.schedule_key_deletion(KeyId=key["KeyId"])
    assert kms.client.cancel_key_deletion(KeyId=key["KeyId"])["KeyId"] == key["Arn"]
    assert kms.client.describe_key(KeyId=key["KeyId"])["KeyMetadata"]["KeyState"] == "Disabled"
    kms.clock.advance(40 * DAY)
    kms.keep()
    kms.client.enable_key(KeyId=key["KeyId"])


def test_rotation_brings_new_material_and_keeps_the_older(kms: Kms) -> None:
    key = kms.key()
    id = key["KeyId"]
    assert kms.client.get_key_rotation_status(KeyId=id)["KeyRotationEnabled"] is False
    kms.client.enable_key_rotation(KeyId=id, RotationPeriodInDays=90)
    status = kms.client.get_key_rotation_status(KeyId=id)
    assert (status["KeyRotationEnabled"], status["RotationPeriodInDays"]) == (True, 90)
    assert status["NextRotationDate"].timestamp() == pytest.approx(kms.clock.now() + 90 * DAY, abs=0.001)
    blobs = [kms.client.encrypt(KeyId=id, Plaintext=b"a")["CiphertextBlob"]]
    kms.clock.advance(90 * DAY)
    kms.keep()
    blobs.append(kms.client.encrypt(KeyId=id, Plaintext=b"a")["CiphertextBlob"])
    kms.client.rotate_key_on_demand(KeyId=id)
    blobs.append(kms.client.encrypt(KeyId=id, Plaintext=b"a")["CiphertextBlob"])
    kms.restart()
    ids = [kms.client.decrypt(CiphertextBlob=blob)["KeyMaterialId"] for blob in blobs]
    assert len(set(ids)) == 3
    listed = kms.client.list_key_rotations(KeyId=id)["Rotations"]
    assert [each["RotationType"] for each in listed] == ["AUTOMATIC", "ON_DEMAND"]
    whole = kms.client.list_key_rotations(KeyId=id, IncludeKeyMaterial="ALL_KEY_MATERIAL")["Rotations"]
    assert [each["KeyMaterialId"] for each in whole] == ids
    assert [each["KeyMaterialState"] for each in whole] == ["NON_CURRENT", "NON_CURRENT", "CURRENT"]
    kms.client.disable_key_rotation(KeyId=id)
    kms.clock.advance(4000 * DAY)
    kms.keep()
    assert len(kms.client.list_key_rotations(KeyId=id)["Rotations"]) == 2


def test_the_keeper_comes_to_all_keys_of_all_accounts(kms: Kms, monkeypatch: pytest.MonkeyPatch) -> None:
    """In chunks, with grants and aliases between them."""
    monkeypatch.setattr(keys, "_CHUNK", PageBudget(2, 1 << 20))
    ids = []
    for client in (kms.client, kms.connect(OTHER)):
        for number in range(4):
            id = client.create_key()["KeyMetadata"]["KeyId"]
            client.enable_key_rotation(KeyId=id, RotationPeriodInDays=90)
            if number % 2 == 0:
                client.create_alias(AliasName=f"alias/{number}", TargetKeyId=id)
            ids.append((client, id))
    kms.clock.advance(90 * DAY)
    kms.keep()
    assert all(client.list_key_rotations(KeyId=id)["Rotations"] for client, id in ids)


def test_a_disabled_key_rotates_once_it_is_enabled(kms: Kms) -> None:
    id = kms.key()["KeyId"]
    kms.client.enable_key_rotation(KeyId=id)
    kms.client.disable_key(KeyId=id)
    kms.clock.advance(400 * DAY)
    kms.keep()
    assert kms.client.list_key_rotations(KeyId=id)["Rotations"] == []
    kms.client.enable_key(KeyId=id)
    kms.keep()
    assert len(kms.client.list_key_rotations(KeyId=id)["Rotations"]) == 1


def test_rotations_on_demand_are_bounded(kms: Kms) -> None:
    id = kms.key()["KeyId"]
    for _ in range(25):
        kms.client.rotate_key_on_demand(KeyId=id)
    assert refused(kms.client.rotate_key_on_demand, KeyId=id)[0] == "LimitExceededException"


def test_a_key_policy_is_kept_and_may_not_shut_everybody_out(kms: Kms) -> None:
    id = kms.key()["KeyId"]
    first = json.loads(kms.client.get_key_policy(KeyId=id)["Policy"])
    assert first["Statement"][0]["Principal"] == {"AWS": f"arn:aws:iam::{ACCOUNT}:root"}
    assert kms.client.list_key_policies(KeyId=id)["PolicyNames"] == ["default"]
    shut = {
        "Version": "2012-10-17",
        "Statement": {
            "Effect": "Allow",
            "Principal": {"AWS": OTHER.arn},
            "Action": "kms:*",
            "Resource": "*",
        },
    }
    assert refused(kms.client.put_key_policy, KeyId=id, Policy=json.dumps(shut)) == (
        "MalformedPolicyDocumentException",
        "The new key policy will not allow you to update the key policy in the future.",
    )
    kms.client.put_key_policy(KeyId=id, Policy=json.dumps(shut), BypassPolicyLockoutSafetyCheck=True)
    assert refused(kms.client.get_key_policy, KeyId=id)[0] == "AccessDeniedException", "even its account"
    other = kms.key()["KeyId"]
    missing = ("NotFoundException", "No such policy exists")
    assert refused(kms.client.get_key_policy, KeyId=other, PolicyName="x") == missing


def test_tags_and_the_description_change(kms: Kms) -> None:
    id = kms.key(Tags=[{"TagKey": "a", "TagValue": "1"}])["KeyId"]
    kms.client.tag_resource(KeyId=id, Tags=[{"TagKey": "b", "TagValue": "2"}, {"TagKey": "a", "TagValue": "3"}])
    tags = {tag["TagKey"]: tag["TagValue"] for tag in kms.client.list_resource_tags(KeyId=id)["Tags"]}
    assert tags == {"a": "3", "b": "2"}
    kms.client.untag_resource(KeyId=id, TagKeys=["a", "c"])
    assert [tag["TagKey"] for tag in kms.client.list_resource_tags(KeyId=id)["Tags"]] == ["b"]
    kms.client.update_key_description(KeyId=id, Description="new")
    assert kms.client.describe_key(KeyId=id)["KeyMetadata"]["Description"] == "new"


def test_lists_come_in_pages(kms: Kms) -> None:
    ids = sorted(kms.key()["KeyId"] for _ in range(5))
    pages = list(kms.client.get_paginator("list_keys").paginate(PaginationConfig={"PageSize": 2}))
    assert [[each["KeyId"] for each in page["Keys"]] for page in pages] == [ids[:2], ids[2:4], ids[4:]]
    assert refused(kms.client.list_keys, Marker="?") == ("InvalidMarkerException", "Invalid marker")
    assert refused(kms.client.list_keys, Limit=0)[0] == "ValidationException"


def test_the_key_that_aws_manages_comes_to_be_when_it_is_first_named(kms: Kms) -> None:
    assert kms.client.list_keys()["Keys"] == []
    made = kms.client.describe_key(KeyId="alias/aws/dynamodb")["KeyMetadata"]
    assert (made["KeyManager"], made["KeyState"]) == ("AWS", "Enabled")
    assert kms.client.describe_key(KeyId="alias/aws/dynamodb")["KeyMetadata"]["Arn"] == made["Arn"]
    assert kms.client.list_aliases()["Aliases"][0]["TargetKeyId"] == made["KeyId"]
    assert kms.client.get_key_rotation_status(KeyId=made["KeyId"])["KeyRotationEnabled"] is True
    for call in (kms.client.disable_key, kms.client.schedule_key_deletion, kms.client.enable_key_rotation):
        assert refused(call, KeyId=made["KeyId"])[0] == "AccessDeniedException"


def test_a_change_counts_at_once_in_another_process(kms: Kms) -> None:
    """Whoever keeps keys in memory hears of their changes: here a second store over the same engine."""
    key = kms.key()
    name = KeyName(ACCOUNT, REGION, key["KeyId"])
    other = Store(kms.engine, kms.clock)
    for state, call in (("Enabled", kms.client.disable_key), ("Disabled", kms.client.enable_key)):
        for _ in range(2):
            assert kms.run(other.kms.keys.find(name)).state == state
        call(KeyId=key["KeyId"])
    assert kms.run(other.kms.keys.find(name)).state == "Enabled"


def test_a_store_that_does_not_answer_is_an_error_that_sdks_try_again(
    kms: Kms, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def away(*_: object, **__: object) -> None:
        raise Unanswered("nodes are away")

    key = kms.key()["KeyId"]
    monkeypatch.setattr(kms.store.kms.keys, "find", away)
    told_of: list[BaseException] = []
    monkeypatch.setattr(kms.service, "_report", lambda request, fault: told_of.append(fault))
    with pytest.raises(ClientError) as caught:
        kms.client.describe_key(KeyId=key)
    assert [str(fault) for fault in told_of] == ["nodes are away"]
    response = caught.value.response
    assert response["Error"]["Code"] == "DependencyTimeoutException"
    assert response["ResponseMetadata"]["HTTPStatusCode"] == 503
