"""An account as large as it may be: no request about it holds up others. The loop is timed in every test, see
tests/stalls.py."""

import json
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.iam_api.iam_kit import ACCOUNT, IamKit

from statordb.model import identity_limits as limits
from statordb.store.identities.identities import GROUP, POLICY, ROLE, USER, Row, member, named, owner
from statordb.store.identities.records import (
    GroupRecord,
    MemberRecord,
    NameRecord,
    PolicyRecord,
    RoleRecord,
    UserRecord,
    VersionRecord,
)

AT_ONCE = 100  # rows of an update
GROUP_ID = "AGPAALL"
LARGE_POLICIES = 300  # of 1,500 that there may be, each with five versions: a page shows four of them
TAGS = {f"k{number}": "v" * 200 for number in range(limits.IDENTITY_TAGS_MAX)}

pytestmark = pytest.mark.slow  # some ten thousand rows


def document(characters: int) -> str:
    """A policy of so many characters, with many statements."""
    statement = {"Effect": "Allow", "Action": "dynamodb:GetItem", "Resource": "*"}
    count = (characters - 50) // len(json.dumps(statement, separators=(",", ":")) + ",")
    return json.dumps({"Version": "2012-10-17", "Statement": [statement] * count}, separators=(",", ":"))


def identities() -> Iterator[tuple[Row, Any]]:
    own = {"own": document(limits.USER_INLINE_CHARACTERS_MAX)}
    yield named(GROUP, "all"), GroupRecord(ACCOUNT, "all", GROUP_ID, "/", 0.0, members=limits.USERS_MAX)
    yield owner(GROUP_ID), NameRecord(GROUP, "all")
    for number in range(limits.USERS_MAX):
        name, id = f"u{number:04}", f"AIDA{number:04}"
        yield named(USER, name), UserRecord(ACCOUNT, name, id, "/", 0.0, own, tags=TAGS, groups=[GROUP_ID])
        yield owner(id), NameRecord(USER, name)
        yield member(GROUP_ID, id), MemberRecord(GROUP_ID, id)
    trust = document(limits.TRUST_CHARACTERS_MAX)
    for number in range(limits.ROLES_MAX // 4):
        name = f"r{number:04}"
        yield named(ROLE, name), RoleRecord(ACCOUNT, name, f"AROA{number}", "/", 0.0, tags=TAGS, trust=trust)
    text = document(limits.POLICY_CHARACTERS_MAX)
    versions = [VersionRecord(f"v{number}", text, 0.0) for number in range(1, limits.POLICY_VERSIONS_MAX + 1)]
    for number in range(LARGE_POLICIES):
        name = f"p{number:04}"
        made = PolicyRecord(ACCOUNT, name, f"ANPA{number}", "/", 0.0, 0.0, "", versions, "v1", 5)
        yield named(POLICY, name), made


@pytest.fixture(scope="module")
def large() -> Iterator[IamKit]:
    parent = "/dev/shm" if Path("/dev/shm").is_dir() else None
    with tempfile.TemporaryDirectory(dir=parent) as directory, tempfile.TemporaryDirectory() as keys:
        kit = IamKit(Path(directory), Path(keys))
        rows = list(identities())
        for start in range(0, len(rows), AT_ONCE):
            some = rows[start : start + AT_ONCE]
            records = [record for _, record in some]
            kit.run(kit.store.identities.change(ACCOUNT, [row for row, _ in some], lambda _, made=records: made))  # type: ignore[misc]
        kit.iam.get_account_summary()  # loads what answers
        yield kit
        assert not kit.faults
        kit.close()


LISTS: dict[str, dict[str, Any]] = {
    "get_account_authorization_details": {"MaxItems": 1000},
    "list_users": {"MaxItems": 1000},
    "list_roles": {"MaxItems": 1000},
    "list_policies": {"MaxItems": 1000, "Scope": "Local"},
    "get_group": {"GroupName": "all", "MaxItems": 1000},
    "list_groups": {},
    "list_policy_versions": {"PolicyArn": f"arn:aws:iam::{ACCOUNT}:policy/p0001"},
    "list_entities_for_policy": {"PolicyArn": f"arn:aws:iam::{ACCOUNT}:policy/p0001"},
    "get_account_summary": {},
}


@pytest.mark.parametrize("name", LISTS)
def test_a_list_of_a_large_account(large: IamKit, name: str) -> None:
    assert getattr(large.iam, name)(**LISTS[name])["ResponseMetadata"]["HTTPStatusCode"] == 200


def test_a_list_goes_on_behind_a_page_that_is_full_of_documents(large: IamKit) -> None:
    asked: dict[str, Any] = {"Filter": ["LocalManagedPolicy"], "MaxItems": 1000}
    first = large.iam.get_account_authorization_details(**asked)
    second = large.iam.get_account_authorization_details(**asked, Marker=first["Marker"])
    assert first["Policies"][-1]["PolicyName"] < second["Policies"][0]["PolicyName"]


def test_a_simulation_as_large_as_it_may_be(large: IamKit) -> None:
    names = [f"dynamodb:A{number}" for number in range(100)]
    resources = [f"arn:aws:dynamodb:us-east-1:{ACCOUNT}:table/{number}" for number in range(100)]
    large.iam.put_role_policy(RoleName="r0001", PolicyName="own", PolicyDocument=document(10_000))
    told = large.iam.simulate_principal_policy(
        PolicySourceArn=f"arn:aws:iam::{ACCOUNT}:role/r0001", ActionNames=names, ResourceArns=resources, MaxItems=100
    )
    assert len(told["EvaluationResults"]) == 100
