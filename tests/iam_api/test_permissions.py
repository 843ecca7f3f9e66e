"""What policies say decides who may call IAM's operations, and what simulations tell of it."""

import json
from typing import Any

from tests.iam_api.iam_kit import ACCOUNT, ALLOW_ALL, IamKit, refusal

USER = f"arn:aws:iam::{ACCOUNT}:user"


def document(*statements: dict[str, Any]) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": list(statements)})


def allow(action: Any, resource: Any = "*", **more: Any) -> dict[str, Any]:
    return {"Effect": "Allow", "Action": action, "Resource": resource, **more}


def test_a_user_may_look_after_itself_alone(kit: IamKit) -> None:
    own = allow(["iam:GetUser", "iam:*AccessKey*"], USER + "/${aws:username}")
    alice = kit.user_client("iam", "alice", document(own))
    kit.iam.create_user(UserName="bob")
    assert alice.get_user()["User"]["UserName"] == "alice"
    alice.create_access_key()
    assert len(alice.list_access_keys()["AccessKeyMetadata"]) == 2
    assert refusal(alice.get_user, UserName="bob") == (
        "AccessDenied",
        f"User: {USER}/alice is not authorized to perform: iam:GetUser on resource: {USER}/bob because no "
        "identity-based policy allows the iam:GetUser action",
        403,
    )
    assert refusal(alice.create_access_key, UserName="bob")[0] == "AccessDenied"
    assert refusal(alice.get_user, UserName="none")[0] == "AccessDenied"  # who may not ask is not told that either


def test_a_denied_action_is_told_as_such(kit: IamKit) -> None:
    deny = {"Effect": "Deny", "Action": "iam:DeleteUser", "Resource": "*"}
    alice = kit.user_client("iam", "alice", document(allow("iam:*"), deny))
    assert refusal(alice.delete_user, UserName="alice")[1] == (
        f"User: {USER}/alice is not authorized to perform: iam:DeleteUser on resource: {USER}/alice with an explicit "
        "deny in an identity-based policy"
    )


def test_who_makes_users_can_be_held_to_a_boundary(kit: IamKit) -> None:
    """The delegation that boundaries are for; IAM user guide, "Delegating responsibility to others"."""
    boundary = kit.iam.create_policy(PolicyName="b", PolicyDocument=ALLOW_ALL)["Policy"]["Arn"]
    only = {"StringEquals": {"iam:PermissionsBoundary": boundary}}
    alice = kit.user_client("iam", "alice", document(allow(["iam:CreateUser", "iam:PutUserPolicy"], Condition=only)))
    assert refusal(alice.create_user, UserName="x")[0] == "AccessDenied"
    alice.create_user(UserName="x", PermissionsBoundary=boundary)
    alice.put_user_policy(UserName="x", PolicyName="p", PolicyDocument=ALLOW_ALL)
    assert refusal(alice.put_user_policy, UserName="alice", PolicyName="p", PolicyDocument=ALLOW_ALL)[0] == (
        "AccessDenied"
    )


def test_a_boundary_holds_for_who_has_it(kit: IamKit) -> None:
    none = kit.iam.create_policy(PolicyName="b", PolicyDocument=document(allow("dynamodb:*")))["Policy"]["Arn"]
    alice = kit.user_client("iam", "alice", ALLOW_ALL)
    alice.list_users()
    kit.iam.put_user_permissions_boundary(UserName="alice", PermissionsBoundary=none)
    assert refusal(alice.list_users)[1].endswith("because no permissions boundary allows the iam:ListUsers action")


def test_which_policies_may_be_attached_can_be_said(kit: IamKit) -> None:
    read = "arn:aws:iam::aws:policy/AmazonDynamoDBReadOnlyAccess"
    only = {"ArnEquals": {"iam:PolicyARN": read}}
    alice = kit.user_client("iam", "alice", document(allow("iam:AttachUserPolicy", Condition=only)))
    alice.attach_user_policy(UserName="alice", PolicyArn=read)
    admin = "arn:aws:iam::aws:policy/AdministratorAccess"
    assert refusal(alice.attach_user_policy, UserName="alice", PolicyArn=admin)[0] == "AccessDenied"


def test_a_group_s_policies_are_its_members(kit: IamKit) -> None:
    alice = kit.user_client("iam", "alice")
    assert refusal(alice.list_users)[0] == "AccessDenied"
    kit.iam.create_group(GroupName="g")
    kit.iam.put_group_policy(GroupName="g", PolicyName="p", PolicyDocument=document(allow("iam:List*")))
    kit.iam.add_user_to_group(UserName="alice", GroupName="g")
    assert len(alice.list_users()["Users"]) == 1
    kit.iam.remove_user_from_group(UserName="alice", GroupName="g")
    assert refusal(alice.list_users)[0] == "AccessDenied"


def results(answer: dict[str, Any]) -> list[tuple[str, str]]:
    return [(each["EvalActionName"], each["EvalDecision"]) for each in answer["EvaluationResults"]]


def test_a_custom_policy_is_simulated(kit: IamKit) -> None:
    table = f"arn:aws:dynamodb:us-east-1:{ACCOUNT}:table/t"
    keys = {"ForAllValues:StringEquals": {"dynamodb:LeadingKeys": "alice"}}
    deny = {"Effect": "Deny", "Action": "dynamodb:DeleteItem", "Resource": "*"}
    given = [document(allow("dynamodb:*Item", table, Condition=keys), deny)]
    actions = ["dynamodb:GetItem", "dynamodb:DeleteItem", "dynamodb:Scan"]
    entry = {"ContextKeyName": "dynamodb:LeadingKeys", "ContextKeyType": "stringList", "ContextKeyValues": ["alice"]}
    told = kit.iam.simulate_custom_policy(
        PolicyInputList=given, ActionNames=actions, ResourceArns=[table], ContextEntries=[entry]
    )
    assert results(told) == [
        ("dynamodb:GetItem", "allowed"), ("dynamodb:DeleteItem", "explicitDeny"), ("dynamodb:Scan", "implicitDeny"),
    ]  # fmt: skip
    assert told["EvaluationResults"][0]["MatchedStatements"] == [
        {"SourcePolicyId": "PolicyInputList.1", "SourcePolicyType": "IAM Policy"}
    ]
    entry["ContextKeyValues"] = ["bob"]
    other = kit.iam.simulate_custom_policy(
        PolicyInputList=given, ActionNames=actions[:1], ResourceArns=[table], ContextEntries=[entry]
    )
    assert results(other) == [("dynamodb:GetItem", "implicitDeny")]
    assert refusal(kit.iam.simulate_custom_policy, PolicyInputList=["{}"], ActionNames=actions)[0] == (
        "MalformedPolicyDocument"
    )


def test_a_key_that_is_missing_is_told(kit: IamKit) -> None:
    given = [document(allow("dynamodb:GetItem", Condition={"StringEquals": {"aws:SourceVpce": "vpce-1"}}))]
    told = kit.iam.simulate_custom_policy(PolicyInputList=given, ActionNames=["dynamodb:GetItem"])
    assert told["EvaluationResults"][0]["MissingContextValues"] == ["aws:sourcevpce"]


def test_the_policies_of_a_user_are_simulated(kit: IamKit) -> None:
    kit.user_client("iam", "alice", document(allow("dynamodb:GetItem")))
    source = f"{USER}/alice"
    told = kit.iam.simulate_principal_policy(PolicySourceArn=source, ActionNames=["dynamodb:GetItem", "dynamodb:Scan"])
    assert results(told) == [("dynamodb:GetItem", "allowed"), ("dynamodb:Scan", "implicitDeny")]
    bound = [document(allow("dynamodb:Scan"))]
    told = kit.iam.simulate_principal_policy(
        PolicySourceArn=source, ActionNames=["dynamodb:GetItem"], PermissionsBoundaryPolicyInputList=bound
    )
    assert results(told) == [("dynamodb:GetItem", "implicitDeny")]
    detail = told["EvaluationResults"][0]["PermissionsBoundaryDecisionDetail"]
    assert detail == {"AllowedByPermissionsBoundary": False}
    missing = refusal(kit.iam.simulate_principal_policy, PolicySourceArn=f"{USER}/none", ActionNames=["a:b"])
    assert missing[0] == "NoSuchEntity"


def test_a_simulation_makes_no_more_than_a_page_of_answers(kit: IamKit) -> None:
    """Of 810,000 pairs of actions and resources the first are looked at, and the policies are bounded."""
    names = {
        "ActionNames": [f"a:{number}" for number in range(900)],
        "ResourceArns": [f"arn:aws:a:::{n}" for n in range(900)],
    }
    told = kit.iam.simulate_custom_policy(PolicyInputList=[ALLOW_ALL], MaxItems=2, **names)
    assert [each["EvalResourceName"] for each in told["EvaluationResults"]] == ["arn:aws:a:::0", "arn:aws:a:::1"]
    told = kit.iam.simulate_custom_policy(PolicyInputList=[ALLOW_ALL], MaxItems=901, Marker=told["Marker"], **names)
    last = told["EvaluationResults"][-1]
    assert (last["EvalActionName"], last["EvalResourceName"]) == ("a:1", "arn:aws:a:::2")
    many = document(allow("*", [f"arn:aws:a:::*?{number}" for number in range(3_000)]))
    long = {"ActionNames": ["a:b"], "ResourceArns": [f"arn:aws:a:::{'x' * 1_000}"]}
    code, text, _ = refusal(kit.iam.simulate_custom_policy, PolicyInputList=[many], **long)
    assert (code, text.split(" that ")[0]) == ("ValidationError", "The policies")


def test_too_many_patterns_are_not_held_against_a_request(kit: IamKit) -> None:
    alice = kit.user_client("iam", "alice")
    for number in range(10):
        text = document(allow("*", [f"arn:aws:a:::*?{number}{n}" for n in range(260)]))
        arn = kit.iam.create_policy(PolicyName=f"p{number}", PolicyDocument=text)["Policy"]["Arn"]
        kit.iam.attach_user_policy(UserName="alice", PolicyArn=arn)
    long = f"/{'x' * 500}/"
    assert refusal(alice.create_user, UserName="bob", Path=long)[0] == "ValidationError"
    assert refusal(alice.list_users)[0] == "AccessDenied"


def test_what_is_too_large_is_not_looked_into(kit: IamKit) -> None:
    """To compile a document takes longer the larger it is."""
    kit.iam.create_user(UserName="alice")
    large = "{" + "x" * 20_000
    assert refusal(kit.iam.create_policy, PolicyName="p", PolicyDocument=large)[0] == "LimitExceeded"
    arn = kit.iam.create_policy(PolicyName="q", PolicyDocument=ALLOW_ALL)["Policy"]["Arn"]
    assert refusal(kit.iam.create_policy_version, PolicyArn=arn, PolicyDocument=large)[0] == "LimitExceeded"
    assert (
        refusal(kit.iam.put_user_policy, UserName="alice", PolicyName="p", PolicyDocument=large)[0] == "LimitExceeded"
    )
    assert refusal(kit.iam.create_role, RoleName="r", AssumeRolePolicyDocument=large)[0] == "LimitExceeded"
