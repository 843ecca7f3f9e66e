"""The calls that Terraform's provider makes for what people declare, in its order: each has to be answered as AWS does,
or an apply ends with a difference, and a destroy half way."""

import json
from typing import Any
from urllib.parse import unquote

import pytest
from tests.iam_api.iam_kit import ACCOUNT, ALLOW_ALL, TRUST, IamKit, refusal

READ = "arn:aws:iam::aws:policy/ReadOnlyAccess"


def document(text: str | dict[str, Any]) -> Any:
    """Documents come percent-encoded; boto3 decodes them."""
    return json.loads(unquote(text)) if isinstance(text, str) else text


def test_a_role_with_its_policies_is_made_read_and_destroyed(kit: IamKit) -> None:
    iam, role = kit.iam, {"RoleName": "worker"}
    made = iam.create_role(
        **role, Path="/service/", AssumeRolePolicyDocument=TRUST, MaxSessionDuration=3600,
        Tags=[{"Key": "env", "Value": "test"}],
    )["Role"]  # fmt: skip
    assert made["Arn"] == f"arn:aws:iam::{ACCOUNT}:role/service/worker"
    iam.get_waiter("role_exists").wait(**role)
    found = iam.get_role(**role)["Role"]
    assert (document(found["AssumeRolePolicyDocument"]), found["Tags"]) == (
        json.loads(TRUST), [{"Key": "env", "Value": "test"}],
    )  # fmt: skip
    assert iam.list_role_policies(**role)["PolicyNames"] == []
    assert iam.list_attached_role_policies(**role)["AttachedPolicies"] == []
    iam.put_role_policy(**role, PolicyName="inline", PolicyDocument=ALLOW_ALL)
    assert document(iam.get_role_policy(**role, PolicyName="inline")["PolicyDocument"]) == json.loads(ALLOW_ALL)
    policy = iam.create_policy(
        PolicyName="own",
        Path="/service/",
        PolicyDocument=ALLOW_ALL,
        Description="ours",
        Tags=[{"Key": "a", "Value": "b"}],
    )["Policy"]["Arn"]
    iam.get_waiter("policy_exists").wait(PolicyArn=policy)
    assert iam.get_policy(PolicyArn=policy)["Policy"]["AttachmentCount"] == 0
    for arn in (policy, READ):
        iam.attach_role_policy(**role, PolicyArn=arn)
        iam.attach_role_policy(**role, PolicyArn=arn)  # again, as a second apply does
    attached = iam.list_attached_role_policies(**role)["AttachedPolicies"]
    assert {each["PolicyArn"] for each in attached} == {policy, READ}
    iam.tag_role(**role, Tags=[{"Key": "env", "Value": "other"}])
    iam.untag_role(**role, TagKeys=["none"])
    assert iam.list_role_tags(**role)["Tags"] == [{"Key": "env", "Value": "other"}]
    iam.update_assume_role_policy(**role, PolicyDocument=TRUST)
    iam.update_role(**role, MaxSessionDuration=7200, Description="works")
    iam.put_role_permissions_boundary(**role, PermissionsBoundary=policy)
    assert iam.get_role(**role)["Role"]["PermissionsBoundary"]["PermissionsBoundaryArn"] == policy

    # What is still in use is not deleted, and why is told.
    assert refusal(iam.delete_policy, PolicyArn=policy) == (
        "DeleteConflict", "Cannot delete a policy attached to entities.", 409,
    )  # fmt: skip
    assert refusal(iam.delete_role, **role) == (
        "DeleteConflict", "Cannot delete entity, must detach all policies first.", 409,
    )  # fmt: skip
    for arn in (policy, READ):
        iam.detach_role_policy(**role, PolicyArn=arn)
    assert refusal(iam.detach_role_policy, **role, PolicyArn=policy)[0] == "NoSuchEntity"
    assert refusal(iam.delete_role, **role) == (
        "DeleteConflict", "Cannot delete entity, must delete policies first.", 409,
    )  # fmt: skip
    iam.delete_role_policy(**role, PolicyName="inline")
    iam.delete_role_permissions_boundary(**role)
    assert iam.list_instance_profiles_for_role(**role)["InstanceProfiles"] == []
    iam.delete_role(**role)
    assert refusal(iam.get_role, **role)[0] == "NoSuchEntity"
    iam.delete_policy(PolicyArn=policy)
    assert refusal(iam.get_policy, PolicyArn=policy)[0] == "NoSuchEntity"


def test_a_policy_goes_after_its_older_versions(kit: IamKit) -> None:
    iam = kit.iam
    policy = iam.create_policy(PolicyName="own", PolicyDocument=ALLOW_ALL)["Policy"]["Arn"]
    version = iam.create_policy_version(PolicyArn=policy, PolicyDocument=ALLOW_ALL, SetAsDefault=True)
    assert version["PolicyVersion"]["VersionId"] == "v2"
    assert refusal(iam.delete_policy, PolicyArn=policy)[0] == "DeleteConflict"
    for each in iam.list_policy_versions(PolicyArn=policy)["Versions"]:
        if not each["IsDefaultVersion"]:
            iam.delete_policy_version(PolicyArn=policy, VersionId=each["VersionId"])
    iam.delete_policy(PolicyArn=policy)
    assert refusal(iam.get_policy, PolicyArn=policy)[0] == "NoSuchEntity"


def test_a_user_with_keys_and_groups_is_made_and_destroyed(kit: IamKit) -> None:
    """With force_destroy the provider asks for all that a user could have."""
    iam, user = kit.iam, {"UserName": "ada"}
    iam.create_user(**user, Path="/", Tags=[{"Key": "env", "Value": "test"}])
    iam.get_waiter("user_exists").wait(**user)
    iam.create_group(GroupName="readers")
    iam.attach_group_policy(GroupName="readers", PolicyArn=READ)
    iam.add_user_to_group(**user, GroupName="readers")
    key = iam.create_access_key(**user)["AccessKey"]["AccessKeyId"]
    assert iam.get_access_key_last_used(AccessKeyId=key)["UserName"] == "ada"
    assert [each["GroupName"] for each in iam.list_groups_for_user(**user)["Groups"]] == ["readers"]
    assert refusal(iam.delete_user, **user)[0] == "DeleteConflict"
    assert refusal(iam.delete_group, GroupName="readers")[0] == "DeleteConflict"
    for list, member in (
        (iam.list_mfa_devices, "MFADevices"),
        (iam.list_ssh_public_keys, "SSHPublicKeys"),
        (iam.list_signing_certificates, "Certificates"),
        (iam.list_service_specific_credentials, "ServiceSpecificCredentials"),
    ):
        assert list(**user)[member] == []
    assert refusal(iam.get_login_profile, **user)[0] == "NoSuchEntity"
    iam.remove_user_from_group(**user, GroupName="readers")
    assert refusal(iam.delete_user, **user)[0] == "DeleteConflict"
    iam.delete_access_key(**user, AccessKeyId=key)
    iam.delete_user(**user)
    assert refusal(iam.delete_user, **user)[0] == "NoSuchEntity"
    iam.detach_group_policy(GroupName="readers", PolicyArn=READ)
    iam.delete_group(GroupName="readers")


def test_a_policy_is_tried_out_with_boundary_context_and_resource_policy(kit: IamKit) -> None:
    def decided(**more: Any) -> str:
        asked = {"ActionNames": ["dynamodb:GetItem"], "ResourceArns": [table], **more}
        return str(kit.iam.simulate_custom_policy(**asked)["EvaluationResults"][0]["EvalDecision"])

    def policy(effect: str, **more: Any) -> str:
        statement = {"Effect": effect, "Action": "dynamodb:*", "Resource": "*", **more}
        return json.dumps({"Version": "2012-10-17", "Statement": [statement]})

    table = f"arn:aws:dynamodb:us-east-1:{ACCOUNT}:table/t"
    own = policy("Allow", Condition={"ForAllValues:StringEquals": {"dynamodb:LeadingKeys": ["ada"]}})
    keys = {"ContextKeyName": "dynamodb:LeadingKeys", "ContextKeyType": "stringList"}
    assert decided(PolicyInputList=[own], ContextEntries=[{**keys, "ContextKeyValues": ["ada"]}]) == "allowed"
    assert decided(PolicyInputList=[own], ContextEntries=[{**keys, "ContextKeyValues": ["ada", "b"]}]) == "implicitDeny"
    everything = [policy("Allow")]
    assert decided(PolicyInputList=everything, PermissionsBoundaryPolicyInputList=[policy("Deny")]) == "explicitDeny"
    narrow = json.dumps(
        {"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Action": "dynamodb:PutItem", "Resource": "*"}}
    )
    assert decided(PolicyInputList=everything, PermissionsBoundaryPolicyInputList=[narrow]) == "implicitDeny"
    who = {"CallerArn": f"arn:aws:iam::{ACCOUNT}:user/ada", "ResourceOwner": f"arn:aws:iam::{ACCOUNT}:root"}
    given = policy("Allow", Principal={"AWS": who["CallerArn"]})
    assert decided(PolicyInputList=[narrow], ResourcePolicy=given, **who) == "allowed"
    assert decided(PolicyInputList=everything, ResourcePolicy=policy("Deny", Principal="*"), **who) == "explicitDeny"


def test_what_a_refusal_says_is_not_encoded(kit: IamKit) -> None:
    """Only EC2's and a few others' are, which are not here."""
    code, _, status = refusal(kit.sts.decode_authorization_message, EncodedMessage="abc")
    assert (code, status) == ("InvalidAuthorizationMessageException", 400)
    nobody = kit.user_client("sts", "nobody")
    assert refusal(nobody.decode_authorization_message, EncodedMessage="abc")[0] == "AccessDenied"


@pytest.mark.parametrize(
    ("name", "action", "allowed"),
    [
        ("ReadOnlyAccess", "dynamodb:Query", True),
        ("ReadOnlyAccess", "dynamodb:PutItem", False),
        ("ReadOnlyAccess", "kms:Decrypt", False),
        ("ReadOnlyAccess", "cloudwatch:GetMetricData", True),
        ("ReadOnlyAccess", "application-autoscaling:PutScalingPolicy", False),
        ("ReadOnlyAccess", "application-autoscaling:ListTagsForResource", True),
        ("SecurityAudit", "cloudwatch:DescribeAlarms", True),
        ("SecurityAudit", "cloudwatch:GetMetricData", False),
        ("SecurityAudit", "application-autoscaling:DescribeScalableTargets", True),
        ("SecurityAudit", "dynamodb:DescribeTable", True),
        ("SecurityAudit", "dynamodb:GetItem", False),
        ("job-function/ViewOnlyAccess", "dynamodb:ListTables", True),
        ("job-function/ViewOnlyAccess", "dynamodb:Scan", False),
        ("job-function/ViewOnlyAccess", "cloudwatch:ListMetrics", True),
        ("job-function/ViewOnlyAccess", "cloudwatch:DescribeAlarms", False),
    ],
)
def test_policies_of_aws_that_let_read(kit: IamKit, name: str, action: str, allowed: bool) -> None:
    kit.iam.create_user(UserName="ada")
    kit.iam.attach_user_policy(UserName="ada", PolicyArn=f"arn:aws:iam::aws:policy/{name}")
    arn = f"arn:aws:iam::{ACCOUNT}:user/ada"
    (found,) = kit.iam.simulate_principal_policy(PolicySourceArn=arn, ActionNames=[action])["EvaluationResults"]
    assert (found["EvalDecision"] == "allowed") is allowed
