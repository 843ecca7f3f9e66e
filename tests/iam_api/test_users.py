"""Users, their access keys and groups, as boto3 sees them."""

from urllib.parse import quote

import pytest
from tests.iam_api.iam_kit import ACCOUNT, ALLOW_ALL, IamKit, refusal

from statordb.iam_api import documents
from statordb.model import identity_limits as limits


def test_a_user_is_made_shown_listed_renamed_and_deleted(kit: IamKit) -> None:
    made = kit.iam.create_user(UserName="Alice", Path="/team/", Tags=[{"Key": "team", "Value": "red"}])["User"]
    assert made["Arn"] == f"arn:aws:iam::{ACCOUNT}:user/team/Alice"
    assert made["UserId"].startswith("AIDA")
    assert len(made["UserId"]) == 21
    found = kit.iam.get_user(UserName="alice")["User"]
    assert found == made
    assert found["Tags"] == [{"Key": "team", "Value": "red"}]
    kit.iam.create_user(UserName="bob")
    assert [user["UserName"] for user in kit.iam.list_users()["Users"]] == ["Alice", "bob"]
    assert [user["UserName"] for user in kit.iam.list_users(PathPrefix="/team/")["Users"]] == ["Alice"]
    assert refusal(kit.iam.update_user, UserName="Alice", NewUserName="BOB")[0] == "EntityAlreadyExists"
    kit.iam.update_user(UserName="Alice", NewUserName="ALICE", NewPath="/")
    kit.iam.update_user(UserName="alice", NewUserName="carol")
    assert refusal(kit.iam.get_user, UserName="alice") == (
        "NoSuchEntity", "The user with name alice cannot be found.", 404
    )  # fmt: skip
    renamed = kit.iam.get_user(UserName="carol")["User"]
    assert (renamed["UserId"], renamed["Arn"]) == (made["UserId"], f"arn:aws:iam::{ACCOUNT}:user/carol")
    kit.iam.delete_user(UserName="carol")
    assert [user["UserName"] for user in kit.iam.list_users()["Users"]] == ["bob"]
    assert kit.iam.get_account_summary()["SummaryMap"]["Users"] == 1


def test_names_differ_in_more_than_case(kit: IamKit) -> None:
    kit.iam.create_user(UserName="alice")
    assert refusal(kit.iam.create_user, UserName="ALICE") == (
        "EntityAlreadyExists", "User with name ALICE already exists.", 409
    )  # fmt: skip


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("a b", "The specified value for userName is invalid. It must contain only alphanumeric characters and/or"),
        ("a" * 65, "1 validation error detected: Value 'aaa"),
    ],
)
def test_a_bad_name_is_told_as_aws_does(kit: IamKit, name: str, told: str) -> None:
    code, text, status = refusal(kit.iam.create_user, UserName=name)
    assert (code, status) == ("ValidationError", 400)
    assert text.startswith(told)


def test_lists_come_in_pages(kit: IamKit) -> None:
    names = [f"user{number}" for number in range(5)]
    for name in names:
        kit.iam.create_user(UserName=name)
    pages = list(kit.iam.get_paginator("list_users").paginate(PaginationConfig={"PageSize": 2}))
    assert [user["UserName"] for page in pages for user in page["Users"]] == names
    assert len(pages) == 3
    assert refusal(kit.iam.list_users, Marker="?")[0] == "ValidationError"


def test_a_user_has_two_access_keys_at_most(kit: IamKit) -> None:
    kit.iam.create_user(UserName="alice")
    made = [kit.iam.create_access_key(UserName="alice")["AccessKey"] for _ in range(limits.ACCESS_KEYS_MAX)]
    assert refusal(kit.iam.create_access_key, UserName="alice") == (
        "LimitExceeded", "Cannot exceed quota for AccessKeysPerUser: 2", 409
    )  # fmt: skip
    listed = kit.iam.list_access_keys(UserName="alice")["AccessKeyMetadata"]
    assert [key["AccessKeyId"] for key in listed] == [key["AccessKeyId"] for key in made]
    assert refusal(kit.iam.delete_user, UserName="alice") == (
        "DeleteConflict", "Cannot delete entity, must delete access keys first.", 409
    )  # fmt: skip
    id = made[0]["AccessKeyId"]
    kit.iam.update_access_key(UserName="alice", AccessKeyId=id, Status="Inactive")
    assert kit.run(kit.credentials.lookup(id)) is None
    kit.iam.update_access_key(UserName="alice", AccessKeyId=id, Status="Active")
    assert kit.run(kit.credentials.lookup(id)) is not None
    for key in made:
        kit.iam.delete_access_key(UserName="alice", AccessKeyId=key["AccessKeyId"])
    assert kit.run(kit.credentials.lookup(id)) is None
    assert kit.iam.list_access_keys(UserName="alice")["AccessKeyMetadata"] == []
    assert refusal(kit.iam.delete_access_key, UserName="alice", AccessKeyId=id) == (
        "NoSuchEntity", f"The Access Key with id {id} cannot be found.", 404
    )  # fmt: skip
    kit.iam.delete_user(UserName="alice")


def test_a_key_follows_its_users_new_name(kit: IamKit) -> None:
    kit.iam.create_user(UserName="alice")
    id = kit.iam.create_access_key(UserName="alice")["AccessKey"]["AccessKeyId"]
    kit.iam.update_user(UserName="alice", NewUserName="bob")
    found = kit.run(kit.credentials.lookup(id))
    assert found is not None
    assert found.arn == f"arn:aws:iam::{ACCOUNT}:user/bob"
    assert kit.iam.list_access_keys(UserName="bob")["AccessKeyMetadata"][0]["UserName"] == "bob"
    assert kit.iam.get_access_key_last_used(AccessKeyId=id)["UserName"] == "bob"


def test_when_a_key_was_used_last_is_told_to_the_minute(kit: IamKit) -> None:
    kit.iam.create_user(UserName="alice")
    id = kit.iam.create_access_key(UserName="alice")["AccessKey"]["AccessKeyId"]
    never = {"ServiceName": "N/A", "Region": "N/A"}
    assert kit.iam.get_access_key_last_used(AccessKeyId=id)["AccessKeyLastUsed"] == never
    at = kit.clock.now()

    async def note() -> None:
        kit.store.key_uses.note(id, "dynamodb", "eu-west-1", at)
        await kit.store.key_uses.settle()

    kit.run(note())
    told = kit.iam.get_access_key_last_used(AccessKeyId=id)["AccessKeyLastUsed"]
    assert (told["ServiceName"], told["Region"]) == ("dynamodb", "eu-west-1")
    assert 0 <= at - told["LastUsedDate"].timestamp() < 60
    kit.iam.delete_access_key(UserName="alice", AccessKeyId=id)
    assert kit.run(kit.store.key_uses.last(id)) is None


def test_without_a_name_the_one_who_asks_is_meant(kit: IamKit) -> None:
    shown = kit.iam.get_user()["User"]
    assert (shown["Arn"], shown["UserId"]) == (f"arn:aws:iam::{ACCOUNT}:root", ACCOUNT)
    (key,) = kit.iam.list_access_keys()["AccessKeyMetadata"]
    assert key["AccessKeyId"] == kit.root.access_key_id
    kit.iam.create_access_key()
    assert refusal(kit.iam.create_access_key)[0] == "LimitExceeded"
    kit.iam.delete_access_key(AccessKeyId=kit.root.access_key_id)
    assert kit.run(kit.credentials.lookup(kit.root.access_key_id)) is None


def test_every_change_is_announced(kit: IamKit) -> None:
    """Other processes know keys until the epoch differs, and with them what they may do."""
    kit.iam.create_user(UserName="alice")
    policy = kit.iam.create_policy(PolicyName="all", PolicyDocument=ALLOW_ALL)["Policy"]["Arn"]
    kit.iam.create_group(GroupName="team")
    changes = [
        lambda: kit.iam.put_user_policy(UserName="alice", PolicyName="p", PolicyDocument=ALLOW_ALL),
        lambda: kit.iam.attach_user_policy(UserName="alice", PolicyArn=policy),
        lambda: kit.iam.add_user_to_group(UserName="alice", GroupName="team"),
        lambda: kit.iam.put_group_policy(GroupName="team", PolicyName="p", PolicyDocument=ALLOW_ALL),
        lambda: kit.iam.create_policy_version(PolicyArn=policy, PolicyDocument=ALLOW_ALL, SetAsDefault=True),
        lambda: kit.iam.put_user_permissions_boundary(UserName="alice", PermissionsBoundary=policy),
        lambda: kit.iam.tag_user(UserName="alice", Tags=[{"Key": "a", "Value": "b"}]),
        lambda: kit.iam.create_access_key(UserName="alice"),
    ]
    for change in changes:
        before = kit.engine.epoch()
        change()
        assert kit.engine.epoch() != before


def test_groups_have_members(kit: IamKit) -> None:
    made = kit.iam.create_group(GroupName="team", Path="/x/")["Group"]
    assert (made["GroupId"][:4], made["Arn"]) == ("AGPA", f"arn:aws:iam::{ACCOUNT}:group/x/team")
    kit.iam.create_user(UserName="alice")
    assert refusal(kit.iam.add_user_to_group, UserName="alice", GroupName="none")[0] == "NoSuchEntity"
    assert refusal(kit.iam.add_user_to_group, UserName="none", GroupName="team")[0] == "NoSuchEntity"
    for _ in range(2):
        kit.iam.add_user_to_group(UserName="alice", GroupName="team")
    kit.iam.update_group(GroupName="team", NewGroupName="crew")
    kit.iam.update_user(UserName="alice", NewUserName="bob")
    assert [user["UserName"] for user in kit.iam.get_group(GroupName="crew")["Users"]] == ["bob"]
    assert [group["GroupName"] for group in kit.iam.list_groups_for_user(UserName="bob")["Groups"]] == ["crew"]
    for call, name in ((kit.iam.delete_group, "GroupName"), (kit.iam.delete_user, "UserName")):
        code, text, _ = refusal(call, **{name: "crew" if name == "GroupName" else "bob"})
        assert (code, text) == ("DeleteConflict", "Cannot delete entity, must remove users from group first.")
    for _ in range(2):
        kit.iam.remove_user_from_group(UserName="bob", GroupName="crew")
    assert kit.iam.get_group(GroupName="crew")["Users"] == []
    kit.iam.delete_group(GroupName="crew")
    kit.iam.delete_user(UserName="bob")
    assert kit.iam.list_groups()["Groups"] == []


def test_a_user_is_in_ten_groups_at_most(kit: IamKit, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("statordb.iam_api.operations.group_members.USER_GROUPS_MAX", 1)
    kit.iam.create_user(UserName="alice")
    for name in ("a", "b"):
        kit.iam.create_group(GroupName=name)
    kit.iam.add_user_to_group(UserName="alice", GroupName="a")
    assert refusal(kit.iam.add_user_to_group, UserName="alice", GroupName="b") == (
        "LimitExceeded", "Cannot exceed quota for GroupsPerUser: 1", 409
    )  # fmt: skip


def test_tags_are_put_and_taken_whatever_their_case(kit: IamKit) -> None:
    kit.iam.create_user(UserName="alice", Tags=[{"Key": "Team", "Value": "red"}])
    kit.iam.tag_user(UserName="alice", Tags=[{"Key": "team", "Value": "blue"}, {"Key": "x", "Value": ""}])
    assert kit.iam.list_user_tags(UserName="alice")["Tags"] == [
        {"Key": "team", "Value": "blue"},
        {"Key": "x", "Value": ""},
    ]
    kit.iam.untag_user(UserName="alice", TagKeys=["TEAM"])
    assert kit.iam.list_user_tags(UserName="alice")["Tags"] == [{"Key": "x", "Value": ""}]
    twice = [{"Key": "a", "Value": "1"}, {"Key": "A", "Value": "2"}]
    assert refusal(kit.iam.tag_user, UserName="alice", Tags=twice)[0] == "InvalidInput"
    many = [{"Key": str(number), "Value": ""} for number in range(limits.IDENTITY_TAGS_MAX)]
    assert refusal(kit.iam.tag_user, UserName="alice", Tags=many)[0] == "LimitExceeded"


def test_whoever_deletes_a_user_finds_nothing_to_sign_in_with(kit: IamKit) -> None:
    """As Terraform asks for it all before."""
    kit.iam.create_user(UserName="alice")
    for operation, list in (
        ("list_mfa_devices", "MFADevices"),
        ("list_ssh_public_keys", "SSHPublicKeys"),
        ("list_signing_certificates", "Certificates"),
        ("list_service_specific_credentials", "ServiceSpecificCredentials"),
    ):
        assert getattr(kit.iam, operation)(UserName="alice")[list] == []
        assert getattr(kit.iam, operation)()[list] == []
        assert refusal(getattr(kit.iam, operation), UserName="none")[0] == "NoSuchEntity"
    assert kit.iam.list_virtual_mfa_devices()["VirtualMFADevices"] == []
    told = refusal(kit.iam.get_login_profile, UserName="alice")
    assert told == ("NoSuchEntity", "Login Profile for User alice cannot be found.", 404)
    assert refusal(kit.iam.get_login_profile)[0] == "NoSuchEntity"


@pytest.mark.parametrize("text", ["{%\x00\x7f \n~-_.}" + "".join(map(chr, range(32, 127))), "\u00e9%20\u20ac", ""])
def test_documents_are_shown_percent_encoded(text: str) -> None:
    assert documents.shown(text) == quote(text, safe="-_.~")
