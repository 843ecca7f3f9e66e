"""Aliases, grants, and requests that are no good."""

from typing import Any

import pytest
from tests.kms_api.kms_kit import ACCOUNT, OTHER, Kms, refused

from statordb.kms_api.operations import OPERATIONS
from statordb.kms_api.service import VERSION
from statordb.model.service import load_service

ARN = f"arn:aws:kms:us-east-1:{ACCOUNT}:alias/"
RETIRING = "arn:aws:iam::000000000000:user/ada"


def test_an_alias_means_a_key_until_it_means_another(kms: Kms) -> None:
    first, second = kms.key(), kms.key()
    kms.client.create_alias(AliasName="alias/a", TargetKeyId=first["Arn"])
    assert kms.client.describe_key(KeyId="alias/a")["KeyMetadata"]["Arn"] == first["Arn"]
    assert refused(kms.client.create_alias, AliasName="alias/a", TargetKeyId=second["KeyId"]) == (
        "AlreadyExistsException", f"An alias with the name {ARN}a already exists",
    )  # fmt: skip
    kms.client.update_alias(AliasName="alias/a", TargetKeyId=second["KeyId"])
    kms.restart()
    assert kms.client.describe_key(KeyId=f"{ARN}a")["KeyMetadata"]["Arn"] == second["Arn"]
    assert kms.client.list_aliases(KeyId=first["KeyId"])["Aliases"] == []
    listed = kms.client.list_aliases(KeyId=second["KeyId"])["Aliases"][0]
    assert (listed["AliasName"], listed["AliasArn"], listed["TargetKeyId"]) == (
        "alias/a", f"{ARN}a", second["KeyId"],
    )  # fmt: skip
    kms.client.delete_alias(AliasName="alias/a")
    gone = ("NotFoundException", f"Alias {ARN}a is not found.")
    assert refused(kms.client.describe_key, KeyId="alias/a") == gone
    assert refused(kms.client.delete_alias, AliasName="alias/a") == gone
    assert refused(kms.client.update_alias, AliasName="alias/a", TargetKeyId=first["KeyId"]) == gone


@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("a", "ValidationException"),
        ("alias/", "ValidationException"),
        ("alias/a b", "ValidationException"),
        ("alias/a:b", "ValidationException"),
        ("alias/" + "a" * 251, "ValidationException"),
        ("alias/aws/dynamodb", "NotAuthorizedException"),
        ("alias/aws/a", "NotAuthorizedException"),
    ],
)
def test_names_that_no_alias_has(kms: Kms, name: str, code: str) -> None:
    id = kms.key()["KeyId"]
    assert refused(kms.client.create_alias, AliasName=name, TargetKeyId=id)[0] == code
    assert refused(kms.client.delete_alias, AliasName=name)[0] == code


def test_an_alias_does_not_mean_an_alias(kms: Kms) -> None:
    kms.client.create_alias(AliasName="alias/a", TargetKeyId=kms.key()["KeyId"])
    assert refused(kms.client.create_alias, AliasName="alias/b", TargetKeyId="alias/a") == (
        "ValidationException", "Aliases must refer to keys. Not aliases",
    )  # fmt: skip
    missing = "12345678-1234-4234-8234-123456789012"
    assert refused(kms.client.create_alias, AliasName="alias/b", TargetKeyId=missing)[0] == "NotFoundException"


def test_a_key_has_fifty_aliases(kms: Kms) -> None:
    id = kms.key()["KeyId"]
    for number in range(50):
        kms.client.create_alias(AliasName=f"alias/{number:02}", TargetKeyId=id)
    assert refused(kms.client.create_alias, AliasName="alias/x", TargetKeyId=id)[0] == "LimitExceededException"
    kms.client.update_alias(AliasName="alias/07", TargetKeyId=id)
    pages = list(kms.client.get_paginator("list_aliases").paginate(PaginationConfig={"PageSize": 30}))
    of_key = list(kms.client.get_paginator("list_aliases").paginate(KeyId=id, PaginationConfig={"PageSize": 30}))
    assert [len(page["Aliases"]) for page in pages] == [len(page["Aliases"]) for page in of_key] == [30, 20]


def test_grants_are_made_once_by_name_listed_and_revoked(kms: Kms) -> None:
    key = kms.key()
    given: dict[str, Any] = {
        "KeyId": key["KeyId"],
        "GranteePrincipal": OTHER.arn,
        "RetiringPrincipal": RETIRING,
        "Operations": ["Decrypt", "GenerateDataKey"],
        "Constraints": {"EncryptionContextSubset": {"a": "b"}},
    }
    named = kms.client.create_grant(**given, Name="one")
    again = kms.client.create_grant(**given, Name="one")
    assert (again["GrantId"], again["GrantToken"]) == (named["GrantId"], named["GrantToken"])
    other = kms.client.create_grant(**given)
    assert other["GrantId"] != named["GrantId"]
    listed = kms.client.list_grants(KeyId=key["KeyId"], GrantId=named["GrantId"])["Grants"]
    assert len(listed) == 1
    assert {name: value for name, value in listed[0].items() if name != "CreationDate"} == {
        "KeyId": key["Arn"],
        "GrantId": named["GrantId"],
        "Name": "one",
        "GranteePrincipal": OTHER.arn,
        "RetiringPrincipal": RETIRING,
        "IssuingAccount": f"arn:aws:iam::{ACCOUNT}:root",
        "Operations": ["Decrypt", "GenerateDataKey"],
        "Constraints": {"EncryptionContextSubset": {"a": "b"}},
    }
    kms.restart()
    assert len(kms.client.list_grants(KeyId=key["KeyId"])["Grants"]) == 2
    kms.client.revoke_grant(KeyId=key["KeyId"], GrantId=named["GrantId"])
    kms.client.retire_grant(GrantToken=other["GrantToken"])
    assert kms.client.list_grants(KeyId=key["KeyId"])["Grants"] == []
    assert refused(kms.client.revoke_grant, KeyId=key["KeyId"], GrantId=named["GrantId"])[0] == "NotFoundException"
    assert refused(kms.client.retire_grant, GrantToken=other["GrantToken"])[0] == "InvalidGrantTokenException"
    assert refused(kms.client.retire_grant, GrantToken="a.b")[0] == "InvalidGrantTokenException"
    assert refused(kms.client.retire_grant)[0] == "ValidationException"
    assert refused(kms.client.revoke_grant, KeyId=key["KeyId"], GrantId="x")[0] == "InvalidGrantIdException"


def test_grants_of_all_keys_that_one_may_retire(kms: Kms) -> None:
    given: dict[str, Any] = {"GranteePrincipal": OTHER.arn, "Operations": ["Decrypt"]}
    made = set()
    for _ in range(3):
        id = kms.key()["KeyId"]
        kms.client.create_grant(KeyId=id, **given)
        for _ in range(2):
            made.add(kms.client.create_grant(KeyId=id, RetiringPrincipal=RETIRING, **given)["GrantId"])
    found, marker = [], {}
    while True:
        page = kms.client.list_retirable_grants(RetiringPrincipal=RETIRING, Limit=2, **marker)
        found += [grant["GrantId"] for grant in page["Grants"]]
        if not page["Truncated"]:
            break
        marker = {"Marker": page["NextMarker"]}
    assert len(found) == 6
    assert set(found) == made
    assert refused(kms.client.list_retirable_grants)[0] == "ValidationException"


@pytest.mark.parametrize(
    "given",
    [
        {"Operations": []},
        {"Operations": ["Sign"]},
        {"Operations": ["Decrypt"], "GranteePrincipal": None},
        {"Operations": ["Decrypt"], "GranteePrincipal": "a b"},
    ],
)
def test_grants_that_are_no_good(kms: Kms, given: dict[str, Any]) -> None:
    whole = {"KeyId": kms.key()["KeyId"], "GranteePrincipal": OTHER.arn, **given}
    whole = {name: value for name, value in whole.items() if value is not None}
    assert refused(kms.client.create_grant, **whole)[0] == "ValidationException"


@pytest.mark.parametrize("operation", sorted(load_service("kms", VERSION).operations))
def test_no_operation_takes_nonsense_for_a_request(kms: Kms, operation: str) -> None:
    for body in (b"", b"{", b"[]", b"1", b'{"KeyId": 1}', b'{"KeyId": "x", "Tags": [null], "GrantId": []}'):
        reply = kms.ask(operation, body)
        assert reply.status < 500, body
        if operation not in OPERATIONS:
            assert reply.error == "UnknownOperationException"


def test_an_operation_that_does_not_exist(kms: Kms) -> None:
    assert kms.ask("Nonsense", b"{}").error == "UnknownOperationException"
