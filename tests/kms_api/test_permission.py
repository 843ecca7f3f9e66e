"""Who may do what with a key: by the key's own policy, by policies of identities, by grants."""

import json
from typing import Any

import pytest
from tests.kms_api.kms_kit import ACCOUNT, REGION, Kms, refused

from statordb.access.authority import ROLE, USER, Authority
from statordb.access.document import compile_policy
from statordb.kms_api.operations import OPERATIONS
from statordb.model.request import Principal

MISSING = "12345678-1234-4234-8234-123456789012"
ADA = f"arn:aws:iam::{ACCOUNT}:user/ada"
BOB = "arn:aws:iam::111111111111:user/bob"


def policy(*statements: dict[str, Any]) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": list(statements)})


def statement(action: str, principal: str | None = None, effect: str = "Allow", **more: Any) -> dict[str, Any]:
    named = {} if principal is None else {"Principal": {"AWS": principal}}
    return {"Effect": effect, "Action": action, "Resource": "*", **named, **more}


def user(*statements: dict[str, Any], arn: str = ADA) -> Principal:
    """A user with one policy; without statements with none."""
    account, name = arn.split(":")[4], arn.rpartition("/")[2]
    policies = (compile_policy(policy(*statements)),) if statements else ()
    return Principal(account, "AKIAX", REGION, arn, Authority(USER, arn, account, "AIDAX", name, policies))


ROOT = statement("kms:*", f"arn:aws:iam::{ACCOUNT}:root")
BODIES: dict[str, dict[str, Any]] = {
    "CreateAlias": {"AliasName": "alias/a", "TargetKeyId": MISSING},
    "UpdateAlias": {"AliasName": "alias/a", "TargetKeyId": MISSING},
    "DeleteAlias": {"AliasName": "alias/a"},
    "Encrypt": {"KeyId": MISSING, "Plaintext": "YQ=="},
    "GenerateDataKey": {"KeyId": MISSING, "KeySpec": "AES_256"},
    "GenerateDataKeyWithoutPlaintext": {"KeyId": MISSING, "KeySpec": "AES_256"},
    "GenerateDataKeyPair": {"KeyId": MISSING, "KeyPairSpec": "ECC_NIST_P256"},
    "GenerateDataKeyPairWithoutPlaintext": {"KeyId": MISSING, "KeyPairSpec": "ECC_NIST_P256"},
    "ReEncrypt": {"CiphertextBlob": "YQ==", "SourceKeyId": MISSING, "DestinationKeyId": MISSING},
    "Decrypt": {"CiphertextBlob": "YQ==", "KeyId": MISSING},
    "GenerateMac": {"KeyId": MISSING, "Message": "YQ==", "MacAlgorithm": "HMAC_SHA_256"},
    "GenerateRandom": {"NumberOfBytes": 1},
    "Sign": {"KeyId": MISSING, "Message": "YQ==", "SigningAlgorithm": "ECDSA_SHA_256"},
    "Verify": {"KeyId": MISSING, "Message": "YQ==", "SigningAlgorithm": "ECDSA_SHA_256", "Signature": "YQ=="},
    "VerifyMac": {"KeyId": MISSING, "Message": "YQ==", "MacAlgorithm": "HMAC_SHA_256", "Mac": "YQ=="},
    "PutKeyPolicy": {"KeyId": MISSING, "Policy": policy(ROOT)},
    "CreateGrant": {"KeyId": MISSING, "GranteePrincipal": ADA, "Operations": ["Decrypt"]},
    "RevokeGrant": {"KeyId": MISSING, "GrantId": "0" * 64},
    "RetireGrant": {"KeyId": MISSING, "GrantId": "0" * 64},
    "ListRetirableGrants": {"RetiringPrincipal": ADA},
    "TagResource": {"KeyId": MISSING, "Tags": []},
    "UntagResource": {"KeyId": MISSING, "TagKeys": []},
    "UpdateKeyDescription": {"KeyId": MISSING, "Description": ""},
    "GetParametersForImport": {
        "KeyId": MISSING, "WrappingAlgorithm": "RSAES_OAEP_SHA_256", "WrappingKeySpec": "RSA_2048",
    },
    "ImportKeyMaterial": {
        "KeyId": MISSING, "ImportToken": "YQ==", "EncryptedKeyMaterial": "YQ==",
        "ExpirationModel": "KEY_MATERIAL_DOES_NOT_EXPIRE",
    },
    "ReplicateKey": {"KeyId": MISSING, "ReplicaRegion": "eu-west-1"},
    "UpdatePrimaryRegion": {"KeyId": MISSING, "PrimaryRegion": "eu-west-1"},
    "CreateKey": {},
    "ListKeys": {},
    "ListAliases": {},
}  # fmt: skip


@pytest.mark.parametrize("operation", sorted(OPERATIONS))
def test_who_may_nothing_gets_nothing_from_any_operation(kms: Kms, operation: str) -> None:
    """Not even whether a key is there."""
    body = json.dumps(BODIES.get(operation, {"KeyId": MISSING})).encode()
    assert kms.ask(operation, body, user()).error == "AccessDeniedException"
    if MISSING in body.decode():
        there = body.decode().replace(MISSING, kms.key()["KeyId"]).encode()
        if operation not in ("RetireGrant",):  # whose grant is looked for first
            assert kms.ask(operation, there, user()).error == "AccessDeniedException"


def test_an_identity_may_what_its_policy_says_where_the_key_leaves_it_to_the_account(kms: Kms) -> None:
    key = kms.key()
    ada = kms.connect(user(statement("kms:Encrypt")))
    assert ada.encrypt(KeyId=key["KeyId"], Plaintext=b"a")
    assert refused(ada.describe_key, KeyId=key["KeyId"]) == (
        "AccessDeniedException",
        f"User: {ADA} is not authorized to perform: kms:DescribeKey on resource: {key['Arn']} because no "
        "identity-based policy allows the kms:DescribeKey action",
    )


def test_a_key_that_does_not_name_the_account_is_not_opened_by_policies_of_identities(kms: Kms) -> None:
    named = statement("kms:Encrypt", ADA)
    key = kms.key(Policy=policy(named), BypassPolicyLockoutSafetyCheck=True)
    for statements in ((), (statement("kms:*"),)):
        ada = kms.connect(user(*statements))
        assert ada.encrypt(KeyId=key["KeyId"], Plaintext=b"a")
        code, text = refused(ada.describe_key, KeyId=key["KeyId"])
        assert (code, text.partition("because ")[2]) == (
            "AccessDeniedException",
            "no resource-based policy allows the kms:DescribeKey action",
        )
    assert refused(kms.client.describe_key, KeyId=key["KeyId"])[0] == "AccessDeniedException", "nor by being the root"


def test_what_is_denied_is_denied(kms: Kms) -> None:
    key = kms.key(Policy=policy(ROOT, statement("kms:Decrypt", "*", "Deny")))
    blob = kms.client.encrypt(KeyId=key["KeyId"], Plaintext=b"a")["CiphertextBlob"]
    kms.client.create_grant(KeyId=key["KeyId"], GranteePrincipal=ADA, Operations=["Decrypt"])
    for client in (kms.client, kms.connect(user(statement("kms:*")))):
        assert refused(client.decrypt, CiphertextBlob=blob)[1].endswith("explicit deny in a resource-based policy")


def test_a_policy_may_ask_for_the_encryption_context_and_the_alias(kms: Kms) -> None:
    asks = {"StringEquals": {"kms:EncryptionContext:table": "orders", "kms:RequestAlias": "alias/a"}}
    key = kms.key()
    kms.client.create_alias(AliasName="alias/a", TargetKeyId=key["KeyId"])
    ada = kms.connect(user(statement("kms:Encrypt", Condition=asks)))
    given: dict[str, Any] = {"KeyId": "alias/a", "Plaintext": b"a", "EncryptionContext": {"table": "orders"}}
    assert ada.encrypt(**given)
    assert refused(ada.encrypt, **{**given, "KeyId": key["KeyId"]})[0] == "AccessDeniedException"
    assert refused(ada.encrypt, **{**given, "EncryptionContext": {"table": "others"}})[0] == "AccessDeniedException"


def test_a_grant_lets_in_whom_it_names_until_it_is_revoked(kms: Kms) -> None:
    key = kms.key()
    given = {"KeyId": key["KeyId"], "Plaintext": b"a", "EncryptionContext": {"a": "1", "b": "2"}}
    blob = kms.client.encrypt(**given)["CiphertextBlob"]
    made = kms.client.create_grant(
        KeyId=key["KeyId"],
        GranteePrincipal=BOB,
        Operations=["Decrypt"],
        Constraints={"EncryptionContextSubset": {"a": "1"}},
    )
    bob = kms.connect(user(arn=BOB))
    opened = bob.decrypt(CiphertextBlob=blob, EncryptionContext=given["EncryptionContext"])
    assert opened["Plaintext"] == b"a"
    assert refused(bob.encrypt, KeyId=key["Arn"], Plaintext=b"a")[0] == "AccessDeniedException"
    other = kms.client.encrypt(KeyId=key["KeyId"], Plaintext=b"a")["CiphertextBlob"]
    assert refused(bob.decrypt, CiphertextBlob=other)[0] == "AccessDeniedException"
    kms.client.revoke_grant(KeyId=key["KeyId"], GrantId=made["GrantId"])
    code, _ = refused(bob.decrypt, CiphertextBlob=blob, EncryptionContext=given["EncryptionContext"])
    assert code == "AccessDeniedException"


def test_who_is_to_retire_a_grant_may(kms: Kms) -> None:
    key = kms.key()
    given = {"KeyId": key["KeyId"], "GranteePrincipal": BOB, "Operations": ["Decrypt"]}
    made = kms.client.create_grant(**given, RetiringPrincipal=ADA)
    bob, ada = kms.connect(user(arn=BOB)), kms.connect(user())
    assert refused(bob.retire_grant, GrantToken=made["GrantToken"])[0] == "AccessDeniedException"
    ada.retire_grant(KeyId=key["Arn"], GrantId=made["GrantId"])
    assert kms.client.list_grants(KeyId=key["KeyId"])["Grants"] == []


def test_another_account_needs_the_key_and_its_own_policy(kms: Kms) -> None:
    """Of a key of another account: its policy must name the account, and the identity's policy must allow as well."""
    there = statement("kms:Encrypt", "arn:aws:iam::111111111111:root")
    key = kms.key(Policy=policy(ROOT, there))
    assert kms.connect(user(statement("kms:Encrypt"), arn=BOB)).encrypt(KeyId=key["Arn"], Plaintext=b"a")
    assert refused(kms.connect(user(arn=BOB)).encrypt, KeyId=key["Arn"], Plaintext=b"a")[0] == "AccessDeniedException"
    kms.client.put_key_policy(KeyId=key["KeyId"], Policy=policy(ROOT))
    bob = kms.connect(user(statement("kms:*"), arn=BOB))
    assert refused(bob.encrypt, KeyId=key["Arn"], Plaintext=b"a")[0] == "AccessDeniedException"


def test_who_gives_a_policy_may_not_shut_themselves_out(kms: Kms) -> None:
    key = kms.key()
    ada = kms.connect(user(statement("kms:*")))
    code, _ = refused(ada.put_key_policy, KeyId=key["KeyId"], Policy=policy(statement("kms:*", BOB)))
    assert code == "MalformedPolicyDocumentException"
    ada.put_key_policy(KeyId=key["KeyId"], Policy=policy(statement("kms:*", ADA)))
    assert ada.describe_key(KeyId=key["KeyId"])


def test_who_may_make_grants_by_a_grant_makes_no_wider_ones(kms: Kms) -> None:
    """Else whoever was let make one could let themselves do everything."""
    key = kms.key()
    equal = {"EncryptionContextEquals": {"a": "1", "b": "2"}}
    subset = {"EncryptionContextSubset": {"a": "1"}}
    given = {"KeyId": key["KeyId"], "GranteePrincipal": ADA, "Operations": ["CreateGrant", "Encrypt"]}
    ada = kms.connect(user())
    made = kms.client.create_grant(**given)
    assert refused(ada.create_grant, **{**given, "Operations": ["Decrypt"]})[0] == "AccessDeniedException"
    ada.create_grant(KeyId=key["KeyId"], GranteePrincipal=BOB, Operations=["Encrypt"])
    kms.client.revoke_grant(KeyId=key["KeyId"], GrantId=made["GrantId"])
    kms.client.create_grant(**given, Constraints=subset)
    other = {"EncryptionContextSubset": {"b": "2"}}
    _makes(ada, key, ({}, False), (equal, True), (subset, True), (other, False))


def test_a_grant_for_one_resource_makes_none_for_all(kms: Kms) -> None:
    """Nothing may be done by such a grant here; nor may one be made of it by which it may."""
    key = kms.key()
    source = {"SourceArn": f"arn:aws:dynamodb:{REGION}:{ACCOUNT}:table/t"}
    given = {"GranteePrincipal": ADA, "Operations": ["CreateGrant", "Encrypt"], "Constraints": source}
    kms.client.create_grant(KeyId=key["KeyId"], **given)
    _makes(kms.connect(user()), key, ({}, False), (source, True), ({"SourceArn": f"{source['SourceArn']}2"}, False))


def _makes(ada: Any, key: dict[str, Any], *cases: tuple[dict[str, Any], bool]) -> None:
    """Which constraints of a grant may be, and which not, whose maker has one for that."""
    for constraints, allowed in cases:
        call = {"KeyId": key["KeyId"], "GranteePrincipal": BOB, "Operations": ["Encrypt"], "Constraints": constraints}
        if allowed:
            ada.create_grant(**call)
        else:
            assert refused(ada.create_grant, **call)[0] == "AccessDeniedException"


def test_a_grant_does_not_give_what_a_boundary_leaves_out(kms: Kms) -> None:
    """Nor to a user whom it names, for whom policies of keys count alone."""
    key = kms.key()
    kms.client.create_grant(KeyId=key["KeyId"], GranteePrincipal=ADA, Operations=["Encrypt"])
    for bound, allowed in (("kms:Encrypt", True), ("s3:*", False)):
        boundary = compile_policy(policy(statement(bound)))
        who = Authority(USER, ADA, ACCOUNT, "AIDAX", "ada", boundary=boundary)
        client = kms.connect(Principal(ACCOUNT, "AKIAX", REGION, ADA, who))
        if allowed:
            client.encrypt(KeyId=key["KeyId"], Plaintext=b"a")
        else:
            assert refused(client.encrypt, KeyId=key["KeyId"], Plaintext=b"a")[0] == "AccessDeniedException"


def test_a_grant_does_not_give_what_a_session_is_kept_from(kms: Kms) -> None:
    key = kms.key()
    role = f"arn:aws:iam::{ACCOUNT}:role/r"
    kms.client.create_grant(KeyId=key["KeyId"], GranteePrincipal=role, Operations=["Encrypt"])
    arn = f"arn:aws:sts::{ACCOUNT}:assumed-role/r/work"
    for session, allowed in (("kms:Encrypt", True), ("kms:Decrypt", False)):
        policies = (compile_policy(policy(statement(session))),)
        who = Authority(ROLE, arn, ACCOUNT, "AROAX:work", session=policies, facts={"aws:PrincipalArn": role})
        client = kms.connect(Principal(ACCOUNT, "ASIAX", REGION, arn, who))
        if allowed:
            client.encrypt(KeyId=key["KeyId"], Plaintext=b"a")
        else:
            assert refused(client.encrypt, KeyId=key["KeyId"], Plaintext=b"a")[0] == "AccessDeniedException"


@pytest.mark.parametrize(
    ("operation", "members", "condition"),
    [
        ("create_grant", {"GranteePrincipal": BOB, "Operations": ["Encrypt", "Decrypt"]},
         {"ForAnyValue:StringEquals": {"kms:GrantOperations": "Decrypt"}}),
        ("create_grant", {"GranteePrincipal": BOB, "Operations": ["Encrypt"]},
         {"StringEquals": {"kms:GranteePrincipal": BOB}}),
        ("create_grant", {"GranteePrincipal": BOB, "Operations": ["Encrypt"]},
         {"Bool": {"kms:GrantIsForAWSResource": "false"}}),
        ("schedule_key_deletion", {"PendingWindowInDays": 7},
         {"NumericLessThan": {"kms:ScheduleKeyDeletionPendingWindowInDays": "30"}}),
        ("enable_key_rotation", {"RotationPeriodInDays": 100},
         {"NumericLessThan": {"kms:RotationPeriodInDays": "365"}}),
        ("put_key_policy", {"Policy": policy(ROOT), "BypassPolicyLockoutSafetyCheck": True},
         {"Bool": {"kms:BypassPolicyLockoutSafetyCheck": "true"}}),
        ("tag_resource", {"Tags": [{"TagKey": "team", "TagValue": "a"}]},
         {"ForAnyValue:StringEquals": {"aws:TagKeys": "team"}}),
        ("tag_resource", {"Tags": [{"TagKey": "team", "TagValue": "a"}]},
         {"StringEquals": {"aws:RequestTag/team": "a"}}),
        ("untag_resource", {"TagKeys": ["team"]}, {"ForAnyValue:StringEquals": {"aws:TagKeys": "team"}}),
        ("encrypt", {"Plaintext": b"a"}, {"StringEquals": {"kms:EncryptionAlgorithm": "SYMMETRIC_DEFAULT"}}),
        ("encrypt", {"Plaintext": b"a", "EncryptionContext": {"t": "1", "T": "2"}},
         {"StringEquals": {"kms:EncryptionContext:t": "1"}}),
    ],
)  # fmt: skip
def test_what_is_denied_on_a_condition_is_denied(
    kms: Kms, operation: str, members: dict[str, Any], condition: dict[str, Any]
) -> None:
    """A key of conditions that nobody knew would let all pass."""
    key = kms.key()
    ada = kms.connect(user(statement("kms:*"), statement("kms:*", effect="Deny", Condition=condition)))
    assert refused(getattr(ada, operation), KeyId=key["KeyId"], **members)[0] == "AccessDeniedException"


def test_a_tag_does_not_hide_another_one_that_differs_in_case(kms: Kms) -> None:
    key = kms.key(Tags=[{"TagKey": "team", "TagValue": "red"}, {"TagKey": "Team", "TagValue": "blue"}])
    ada = kms.connect(user(statement("kms:*", Condition={"StringEquals": {"aws:ResourceTag/team": "blue"}})))
    assert refused(ada.describe_key, KeyId=key["KeyId"])[0] == "AccessDeniedException"
