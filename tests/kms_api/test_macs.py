"""Keys that make message authentication codes."""

import hmac
import json
from hashlib import sha256
from typing import Any

import pytest
from tests.kms_api.kms_kit import ACCOUNT, Kms, refused

MAC = {"KeyUsage": "GENERATE_VERIFY_MAC"}


def key(kms: Kms, bits: int = 256, **more: Any) -> str:
    arn: str = kms.key(KeySpec=f"HMAC_{bits}", **MAC, **more)["Arn"]
    return arn


def test_a_key_is_described_as_on_aws(kms: Kms) -> None:
    found = kms.client.describe_key(KeyId=key(kms))["KeyMetadata"]
    assert (found["KeySpec"], found["CustomerMasterKeySpec"], found["KeyUsage"]) == (
        "HMAC_256", "HMAC_256", "GENERATE_VERIFY_MAC",
    )  # fmt: skip
    assert found["MacAlgorithms"] == ["HMAC_SHA_256"]
    assert not {"EncryptionAlgorithms", "CurrentKeyMaterialId"} & set(found)


@pytest.mark.parametrize("bits", [224, 256, 384, 512])
def test_a_code_is_good_for_its_message_and_key_alone(kms: Kms, bits: int) -> None:
    arn, other = key(kms, bits), key(kms, bits)
    algorithm = {"MacAlgorithm": f"HMAC_SHA_{bits}"}
    made = kms.client.generate_mac(KeyId=arn, Message=b"hello", **algorithm)
    assert (len(made["Mac"]) * 8, made["KeyId"], made["MacAlgorithm"]) == (bits, arn, f"HMAC_SHA_{bits}")
    kms.restart()
    assert kms.client.verify_mac(KeyId=arn, Message=b"hello", Mac=made["Mac"], **algorithm)["MacValid"] is True
    for wrong in (
        {"KeyId": other, "Message": b"hello", "Mac": made["Mac"]},
        {"KeyId": arn, "Message": b"hello!", "Mac": made["Mac"]},
        {"KeyId": arn, "Message": b"hello", "Mac": made["Mac"][:-1]},
        {"KeyId": arn, "Message": b"hello", "Mac": hmac.digest(b"", b"hello", sha256)},
    ):
        assert refused(kms.client.verify_mac, **wrong, **algorithm)[0] == "KMSInvalidMacException"


def test_a_key_is_for_what_it_is_for(kms: Kms) -> None:
    arn, sealing = key(kms), kms.key()["Arn"]
    given = {"Message": b"a", "MacAlgorithm": "HMAC_SHA_256"}
    code, text = refused(kms.client.encrypt, KeyId=arn, Plaintext=b"a")
    assert code == "InvalidKeyUsageException"
    assert text == f"{arn} key usage is GENERATE_VERIFY_MAC which is not valid for Encrypt."
    assert refused(kms.client.generate_data_key, KeyId=arn, KeySpec="AES_256")[0] == "InvalidKeyUsageException"
    blob = kms.client.encrypt(KeyId=sealing, Plaintext=b"a")["CiphertextBlob"]
    told = {"CiphertextBlob": blob, "DestinationKeyId": arn}
    assert refused(kms.client.re_encrypt, **told)[0] == "InvalidKeyUsageException"
    assert refused(kms.client.decrypt, CiphertextBlob=blob, KeyId=arn)[0] == "InvalidKeyUsageException"
    assert refused(kms.client.generate_mac, KeyId=sealing, **given)[0] == "InvalidKeyUsageException"
    given["MacAlgorithm"] = "HMAC_SHA_512"
    assert refused(kms.client.generate_mac, KeyId=arn, **given)[0] == "InvalidKeyUsageException"


def test_what_is_disabled_or_too_long_or_only_tried_makes_nothing(kms: Kms) -> None:
    arn = key(kms)
    given = {"KeyId": arn, "MacAlgorithm": "HMAC_SHA_256"}
    assert refused(kms.client.generate_mac, **given, Message=b"a", DryRun=True)[0] == "DryRunOperationException"
    assert refused(kms.client.generate_mac, **given, Message=b"a" * 4097)[0] == "ValidationException"
    kms.client.disable_key(KeyId=arn)
    assert refused(kms.client.generate_mac, **given, Message=b"a")[0] == "DisabledException"
    assert refused(kms.client.verify_mac, **given, Message=b"a", Mac=b"a")[0] == "DisabledException"


def test_an_alias_goes_on_to_keys_of_the_same_usage_alone(kms: Kms) -> None:
    kms.client.create_alias(AliasName="alias/a", TargetKeyId=key(kms))
    wider = key(kms, 512)
    kms.client.update_alias(AliasName="alias/a", TargetKeyId=wider)
    code, _ = refused(kms.client.update_alias, AliasName="alias/a", TargetKeyId=kms.key()["Arn"])
    assert code == "ValidationException"
    assert kms.client.describe_key(KeyId="alias/a")["KeyMetadata"]["Arn"] == wider


def test_its_material_stays(kms: Kms) -> None:
    """A code does not say which material it was made with, so AWS has no rotation of such keys."""
    arn = key(kms)
    for call in (kms.client.enable_key_rotation, kms.client.rotate_key_on_demand):
        assert refused(call, KeyId=arn)[0] == "UnsupportedOperationException"
    assert kms.client.get_key_rotation_status(KeyId=arn)["KeyRotationEnabled"] is False


def test_policies_know_the_kind_of_a_key_and_the_algorithm(kms: Kms) -> None:
    def policy(**condition: str) -> str:
        root = {"AWS": f"arn:aws:iam::{ACCOUNT}:root"}
        others = {"Effect": "Allow", "Principal": root, "NotAction": "kms:GenerateMac", "Resource": "*"}
        some = {"Effect": "Allow", "Principal": root, "Action": "kms:GenerateMac", "Resource": "*"}
        return json.dumps({"Statement": [others, {**some, "Condition": {"StringEquals": condition}}]})

    given = {"Message": b"a", "MacAlgorithm": "HMAC_SHA_256"}
    good = {"kms:KeySpec": "HMAC_256", "kms:KeyUsage": "GENERATE_VERIFY_MAC", "kms:MacAlgorithm": "HMAC_SHA_256"}
    assert kms.client.generate_mac(KeyId=key(kms, Policy=policy(**good)), **given)["Mac"]
    for name in good:
        arn = key(kms, Policy=policy(**{**good, name: "other"}))
        assert refused(kms.client.generate_mac, KeyId=arn, **given)[0] == "AccessDeniedException"
