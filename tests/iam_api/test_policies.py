"""Policies: inline, managed and their versions, attachments and boundaries, as boto3 sees them."""

import json

import pytest
from tests.iam_api.iam_kit import ACCOUNT, ALLOW_ALL, TRUST, IamKit, refusal

from statordb.access.document import compile_policy
from statordb.model import identity_limits as limits
from statordb.store.identities import aws_policies

ADMIN = "arn:aws:iam::aws:policy/AdministratorAccess"
HOLDERS = ("user", "group", "role")


def make(kit: IamKit, holder: str, name: str = "someone") -> dict[str, str]:
    """A user, group or role, and the member that names it."""
    trust = {"AssumeRolePolicyDocument": TRUST} if holder == "role" else {}
    member = {f"{holder.title()}Name": name}
    getattr(kit.iam, f"create_{holder}")(**member, **trust)
    return member


@pytest.mark.parametrize("holder", HOLDERS)
def test_inline_policies(kit: IamKit, holder: str) -> None:
    who = make(kit, holder)
    put, get = getattr(kit.iam, f"put_{holder}_policy"), getattr(kit.iam, f"get_{holder}_policy")
    put(**who, PolicyName="first", PolicyDocument=ALLOW_ALL)
    put(**who, PolicyName="second", PolicyDocument=ALLOW_ALL)
    assert get(**who, PolicyName="first")["PolicyDocument"] == json.loads(ALLOW_ALL)
    assert getattr(kit.iam, f"list_{holder}_policies")(**who)["PolicyNames"] == ["first", "second"]
    assert refusal(put, **who, PolicyName="bad", PolicyDocument="{}")[:2] == (
        "MalformedPolicyDocument", "Syntax errors in policy.",
    )  # fmt: skip
    maximum = {"user": 2048, "group": 5120, "role": 10_240}[holder]
    large = json.loads(ALLOW_ALL)
    large["Statement"][0]["Sid"] = "x" * maximum
    assert refusal(put, **who, PolicyName="large", PolicyDocument=json.dumps(large)) == (
        "LimitExceeded", f"Maximum policy size of {maximum} bytes exceeded for {holder} someone", 409,
    )  # fmt: skip
    code, text, _ = refusal(getattr(kit.iam, f"delete_{holder}"), **who)
    assert (code, text) == ("DeleteConflict", "Cannot delete entity, must delete policies first.")
    for name in ("first", "second"):
        getattr(kit.iam, f"delete_{holder}_policy")(**who, PolicyName=name)
    assert refusal(get, **who, PolicyName="first") == (
        "NoSuchEntity", f"The {holder} policy with name first cannot be found.", 404,
    )  # fmt: skip
    getattr(kit.iam, f"delete_{holder}")(**who)


@pytest.mark.parametrize("holder", HOLDERS)
def test_managed_policies_are_attached_counted_and_detached(kit: IamKit, holder: str) -> None:
    who = make(kit, holder)
    own = kit.iam.create_policy(PolicyName="own", Path="/x/", PolicyDocument=ALLOW_ALL)["Policy"]["Arn"]
    attach, detach = getattr(kit.iam, f"attach_{holder}_policy"), getattr(kit.iam, f"detach_{holder}_policy")
    for arn in (own, ADMIN, own):
        attach(**who, PolicyArn=arn)
    listed = getattr(kit.iam, f"list_attached_{holder}_policies")
    assert listed(**who)["AttachedPolicies"] == [
        {"PolicyName": "own", "PolicyArn": own},
        {"PolicyName": "AdministratorAccess", "PolicyArn": ADMIN},
    ]
    assert [each["PolicyName"] for each in listed(**who, PathPrefix="/x/")["AttachedPolicies"]] == ["own"]
    for arn in (own, ADMIN):
        assert kit.iam.get_policy(PolicyArn=arn)["Policy"]["AttachmentCount"] == 1
    entities = kit.iam.list_entities_for_policy(PolicyArn=own)
    assert [each[f"{holder.title()}Name"] for each in entities[f"Policy{holder.title()}s"]] == ["someone"]
    assert refusal(kit.iam.delete_policy, PolicyArn=own)[:2] == (
        "DeleteConflict", "Cannot delete a policy attached to entities.",
    )  # fmt: skip
    assert refusal(getattr(kit.iam, f"delete_{holder}"), **who)[1] == (
        "Cannot delete entity, must detach all policies first."
    )
    missing = f"arn:aws:iam::{ACCOUNT}:policy/none"
    assert refusal(attach, **who, PolicyArn=missing) == (
        "NoSuchEntity", f"Policy {missing} does not exist or is not attachable.", 404,
    )  # fmt: skip
    for arn in (own, ADMIN):
        detach(**who, PolicyArn=arn)
    assert refusal(detach, **who, PolicyArn=own) == ("NoSuchEntity", f"Policy {own} was not found.", 404)
    kit.iam.delete_policy(PolicyArn=own)
    getattr(kit.iam, f"delete_{holder}")(**who)
    summary = kit.iam.get_account_summary()["SummaryMap"]
    assert [summary[name] for name in ("Users", "Groups", "Roles", "Policies")] == [0, 0, 0, 0]


def test_no_more_than_ten_are_attached(kit: IamKit) -> None:
    who = make(kit, "user")
    arns = list(aws_policies.every())[: limits.ATTACHED_POLICIES_MAX + 1]
    for arn in arns[:-1]:
        kit.iam.attach_user_policy(**who, PolicyArn=arn)
    assert refusal(kit.iam.attach_user_policy, **who, PolicyArn=arns[-1]) == (
        "LimitExceeded", "Cannot exceed quota for PoliciesPerUser: 10", 409,
    )  # fmt: skip


def test_a_managed_policy_has_versions(kit: IamKit) -> None:
    made = kit.iam.create_policy(PolicyName="own", PolicyDocument=ALLOW_ALL, Description="d")["Policy"]
    arn = made["Arn"]
    assert (made["PolicyId"][:4], made["DefaultVersionId"], arn) == (
        "ANPA", "v1", f"arn:aws:iam::{ACCOUNT}:policy/own",
    )  # fmt: skip
    assert refusal(kit.iam.create_policy, PolicyName="OWN", PolicyDocument=ALLOW_ALL) == (
        "EntityAlreadyExists", "A policy called OWN already exists. Duplicate names are not allowed.", 409,
    )  # fmt: skip
    other = ALLOW_ALL.replace("Allow", "Deny")
    second = kit.iam.create_policy_version(PolicyArn=arn, PolicyDocument=other)["PolicyVersion"]
    assert (second["VersionId"], second["IsDefaultVersion"]) == ("v2", False)
    kit.iam.set_default_policy_version(PolicyArn=arn, VersionId="v2")
    shown = kit.iam.get_policy_version(PolicyArn=arn, VersionId="v2")["PolicyVersion"]
    assert (shown["Document"], shown["IsDefaultVersion"]) == (json.loads(other), True)
    for _ in range(limits.POLICY_VERSIONS_MAX - 2):
        kit.iam.create_policy_version(PolicyArn=arn, PolicyDocument=ALLOW_ALL)
    assert refusal(kit.iam.create_policy_version, PolicyArn=arn, PolicyDocument=ALLOW_ALL)[0] == "LimitExceeded"
    assert refusal(kit.iam.delete_policy_version, PolicyArn=arn, VersionId="v2")[:2] == (
        "DeleteConflict", "Cannot delete the default version of a policy.",
    )  # fmt: skip
    assert refusal(kit.iam.delete_policy, PolicyArn=arn)[0] == "DeleteConflict"
    for id in ("v1", "v3", "v4", "v5"):
        kit.iam.delete_policy_version(PolicyArn=arn, VersionId=id)
    assert [each["VersionId"] for each in kit.iam.list_policy_versions(PolicyArn=arn)["Versions"]] == ["v2"]
    sixth = kit.iam.create_policy_version(PolicyArn=arn, PolicyDocument=ALLOW_ALL, SetAsDefault=True)["PolicyVersion"]
    assert (sixth["VersionId"], sixth["IsDefaultVersion"]) == ("v6", True)
    kit.iam.delete_policy_version(PolicyArn=arn, VersionId="v2")
    kit.iam.delete_policy(PolicyArn=arn)
    assert refusal(kit.iam.get_policy, PolicyArn=arn) == ("NoSuchEntity", f"Policy {arn} was not found.", 404)


def test_white_space_does_not_count(kit: IamKit) -> None:
    spaced = ALLOW_ALL.replace("{", "{" + " " * limits.POLICY_CHARACTERS_MAX, 1)
    kit.iam.create_policy(PolicyName="spaced", PolicyDocument=spaced)
    document = json.loads(ALLOW_ALL)
    document["Id"] = "x" * limits.POLICY_CHARACTERS_MAX
    assert refusal(kit.iam.create_policy, PolicyName="large", PolicyDocument=json.dumps(document)) == (
        "LimitExceeded", "Cannot exceed quota for PolicySize: 6144", 409,
    )  # fmt: skip


@pytest.mark.parametrize("holder", ["user", "role"])
def test_boundaries_are_set_counted_and_taken_away(kit: IamKit, holder: str) -> None:
    who = make(kit, holder)
    put = getattr(kit.iam, f"put_{holder}_permissions_boundary")
    own = kit.iam.create_policy(PolicyName="own", PolicyDocument=ALLOW_ALL)["Policy"]["Arn"]
    put(**who, PermissionsBoundary=ADMIN)
    put(**who, PermissionsBoundary=own)
    shown = getattr(kit.iam, f"get_{holder}")(**who)[holder.title()]
    assert shown["PermissionsBoundary"] == {"PermissionsBoundaryType": "Policy", "PermissionsBoundaryArn": own}
    counts = [kit.iam.get_policy(PolicyArn=arn)["Policy"]["PermissionsBoundaryUsageCount"] for arn in (ADMIN, own)]
    assert counts == [0, 1]
    assert refusal(kit.iam.delete_policy, PolicyArn=own)[0] == "DeleteConflict"
    getattr(kit.iam, f"delete_{holder}_permissions_boundary")(**who)
    assert refusal(getattr(kit.iam, f"delete_{holder}_permissions_boundary"), **who)[0] == "NoSuchEntity"
    assert refusal(put, **who, PermissionsBoundary=own + "x")[0] == "NoSuchEntity"
    put(**who, PermissionsBoundary=own)
    getattr(kit.iam, f"delete_{holder}")(**who)  # takes its boundary with it
    kit.iam.delete_policy(PolicyArn=own)


def test_aws_policies_are_there_and_can_be_read_only(kit: IamKit) -> None:
    listed = kit.iam.list_policies(Scope="AWS", MaxItems=1000)["Policies"]
    assert [each["Arn"] for each in listed] == list(aws_policies.every())
    kit.iam.create_policy(PolicyName="own", PolicyDocument=ALLOW_ALL)
    assert [each["PolicyName"] for each in kit.iam.list_policies(Scope="Local")["Policies"]] == ["own"]
    assert kit.iam.list_policies(OnlyAttached=True)["Policies"] == []
    version = kit.iam.get_policy(PolicyArn=ADMIN)["Policy"]["DefaultVersionId"]
    found = kit.iam.get_policy_version(PolicyArn=ADMIN, VersionId=version)["PolicyVersion"]
    assert found["Document"]["Statement"][0]["Action"] == "*"
    assert refusal(kit.iam.delete_policy, PolicyArn=ADMIN)[0] == "AccessDenied"


def test_aws_policies_can_all_be_compiled() -> None:
    for policy in aws_policies.every().values():
        assert compile_policy(policy.document).statements


def test_everything_of_an_account_is_told_at_once(kit: IamKit) -> None:
    members = {**make(kit, "user", "u"), **make(kit, "group", "g"), **make(kit, "role", "r")}
    kit.iam.add_user_to_group(UserName="u", GroupName="g")
    kit.iam.attach_role_policy(RoleName=members["RoleName"], PolicyArn=ADMIN)
    kit.iam.put_user_policy(UserName="u", PolicyName="p", PolicyDocument=ALLOW_ALL)
    kit.iam.create_policy(PolicyName="own", PolicyDocument=ALLOW_ALL)
    told = kit.iam.get_account_authorization_details()
    (user,), (group,), (role,) = told["UserDetailList"], told["GroupDetailList"], told["RoleDetailList"]
    assert user["GroupList"] == ["g"]
    assert user["UserPolicyList"] == [{"PolicyName": "p", "PolicyDocument": json.loads(ALLOW_ALL)}]
    assert group["GroupName"] == "g"
    assert role["AttachedManagedPolicies"][0]["PolicyArn"] == ADMIN
    assert role["AssumeRolePolicyDocument"] == json.loads(TRUST)
    assert [policy["PolicyName"] for policy in told["Policies"]] == ["own", "AdministratorAccess"]
    pages = kit.iam.get_paginator("get_account_authorization_details").paginate(
        Filter=["User", "Role"], PaginationConfig={"PageSize": 1}
    )
    assert [len(page["UserDetailList"]) + len(page["RoleDetailList"]) for page in pages] == [1, 1]


def test_a_page_shows_no_more_documents_than_are_quoted_in_one_go(kit: IamKit, monkeypatch: pytest.MonkeyPatch) -> None:
    """AWS may give fewer than were asked for, too; SDKs go on."""
    monkeypatch.setattr("statordb.iam_api.paging.PAGE_DOCUMENTS_CHARACTERS_MAX", 2 * len(TRUST))
    names = [make(kit, "role", f"r{number}")["RoleName"] for number in range(5)]
    for operation, member in (("list_roles", "Roles"), ("get_account_authorization_details", "RoleDetailList")):
        pages = list(kit.iam.get_paginator(operation).paginate())
        assert [len(page[member]) for page in pages] == [2, 2, 1]
        assert [role["RoleName"] for page in pages for role in page[member]] == names
    monkeypatch.setattr("statordb.iam_api.paging.PAGE_DOCUMENTS_CHARACTERS_MAX", 1)
    assert len(kit.iam.list_roles()["Roles"]) == 1  # at least one


def test_a_role_is_made_shown_changed_and_deleted(kit: IamKit) -> None:
    made = kit.iam.create_role(
        RoleName="r", Path="/service-role/", AssumeRolePolicyDocument=TRUST, Description="d", MaxSessionDuration=7200,
        Tags=[{"Key": "a", "Value": "b"}],
    )["Role"]  # fmt: skip
    assert (made["Arn"], made["RoleId"][:4]) == (f"arn:aws:iam::{ACCOUNT}:role/service-role/r", "AROA")
    assert made["AssumeRolePolicyDocument"] == json.loads(TRUST)
    assert (made["MaxSessionDuration"], made["Description"]) == (7200, "d")
    assert kit.iam.list_roles(PathPrefix="/service-role/")["Roles"][0]["RoleName"] == "r"
    kit.iam.update_role(RoleName="r", Description="e")
    shown = kit.iam.get_role(RoleName="r")["Role"]
    assert (shown["MaxSessionDuration"], shown["Description"]) == (3600, "e")
    kit.iam.update_role_description(RoleName="r", Description="f")
    other = TRUST.replace(ACCOUNT, "210987654321")
    kit.iam.update_assume_role_policy(RoleName="r", PolicyDocument=other)
    assert kit.iam.get_role(RoleName="r")["Role"]["AssumeRolePolicyDocument"] == json.loads(other)
    for call, member in (
        (kit.iam.create_role, {"RoleName": "x", "AssumeRolePolicyDocument": ALLOW_ALL}),
        (kit.iam.update_assume_role_policy, {"RoleName": "r", "PolicyDocument": ALLOW_ALL}),
    ):
        assert refusal(call, **member)[0] == "MalformedPolicyDocument"
    assert kit.iam.list_instance_profiles_for_role(RoleName="r")["InstanceProfiles"] == []
    kit.iam.delete_role(RoleName="r")
    assert refusal(kit.iam.get_role, RoleName="r") == (
        "NoSuchEntity", "The role with name r cannot be found.", 404,
    )  # fmt: skip
