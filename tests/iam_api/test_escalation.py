"""Ways to become more than one is, each of which is closed."""

import json
from typing import Any

import pytest
from tests.iam_api.iam_kit import ACCOUNT, ALLOW_ALL, TRUST, IamKit, refusal
from tests.iam_api.test_permissions import allow, document

from statordb.access.authority import Authority, root_of
from statordb.access.decision import Wanted, decide, principal_arn
from statordb.access.document import Kind, compile_policy
from statordb.iam_api.facts import of_request
from statordb.model.credential import Credential
from statordb.model.request import Origin, Principal
from statordb.model.rest import RestReply, RestRequest
from statordb.store.identities.identities import POLICY, named

ARN = f"arn:aws:iam::{ACCOUNT}"
OF_ROLES = "Must specify userName when calling with non-User credentials"


def role_client(kit: IamKit, policy: str) -> Any:
    """A client of IAM's with a session of a role that has a policy."""
    kit.iam.create_role(RoleName="r", AssumeRolePolicyDocument=TRUST)
    kit.iam.put_role_policy(RoleName="r", PolicyName="p", PolicyDocument=policy)
    told = kit.sts.assume_role(RoleArn=f"{ARN}:role/r", RoleSessionName="work")
    return kit.client_of("iam", told["Credentials"])


def test_a_role_s_session_does_not_pass_for_the_root(kit: IamKit) -> None:
    """It has no user's name, as the root has none."""
    session = role_client(kit, ALLOW_ALL)
    id = kit.root.access_key_id
    for call, members in (
        (session.create_access_key, {}),
        (session.list_access_keys, {}),
        (session.get_user, {}),
        (session.update_access_key, {"AccessKeyId": id, "Status": "Inactive"}),
        (session.delete_access_key, {"AccessKeyId": id}),
    ):
        assert refusal(call, **members) == ("ValidationError", OF_ROLES, 400)
    assert kit.run(kit.credentials.lookup(id)) is not None


def test_a_user_of_the_root_s_name_is_not_the_root(kit: IamKit) -> None:
    root = kit.user_client("iam", "root")
    assert kit.client("sts", _key(kit, root)).get_caller_identity()["Arn"] == f"{ARN}:user/root"
    assert refusal(root.list_users)[0] == "AccessDenied"
    user = kit.user_client("iam", "alice")
    kit.iam.delete_access_key(UserName="root", AccessKeyId=root._key)
    kit.iam.delete_user(UserName="root")
    kit.iam.update_user(UserName="alice", NewUserName="root")
    assert refusal(user.list_users)[0] == "AccessDenied"


def test_who_may_change_a_user_s_keys_may_not_change_the_root_s(kit: IamKit) -> None:
    alice = kit.user_client("iam", "alice", document(allow("iam:*AccessKey*", f"{ARN}:user/root")))
    kit.iam.create_user(UserName="root")
    id = kit.root.access_key_id
    assert refusal(alice.delete_access_key, UserName="root", AccessKeyId=id)[0] == "NoSuchEntity"
    assert alice.list_access_keys(UserName="root")["AccessKeyMetadata"] == []


@pytest.mark.parametrize("body", [b"Action=GetSessionToken", b"Action=GetFederationToken&Name=someone"])
def test_a_key_that_is_deleted_meanwhile_is_not_the_root_s(kit: IamKit, body: bytes) -> None:
    """Behind the signature it is looked up again, for whose it is."""
    alice = kit.user_client("sts", "alice", ALLOW_ALL)
    known = kit.run(kit.credentials.lookup(alice._key))
    assert known is not None
    principal = Principal(ACCOUNT, known.access_key_id, "us-east-1", known.arn, known.authority)
    kit.iam.delete_access_key(UserName="alice", AccessKeyId=known.access_key_id)

    async def ask() -> RestReply:
        return await kit.service("sts").handle(RestRequest("POST", "/", "", {}, body, principal, "some-id"))

    assert kit.run(ask()).error == "InvalidClientTokenId"


def test_a_policy_s_arn_in_another_case_is_the_same_policy(kit: IamKit) -> None:
    """Else what is denied of Admin would be allowed of admin."""
    admin = kit.iam.create_policy(PolicyName="Admin", PolicyDocument=ALLOW_ALL)["Policy"]["Arn"]
    other = admin.replace("Admin", "admin")
    kit.iam.create_user(UserName="bob")
    deny = [
        {"Effect": "Deny", "Action": "*", "Resource": admin},
        {"Effect": "Deny", "Action": "*", "Resource": "*", "Condition": {"ArnEquals": {"iam:PolicyARN": admin}}},
        {"Effect": "Deny", "Action": "*", "Resource": "*",
         "Condition": {"StringEquals": {"iam:PermissionsBoundary": admin}}},
    ]  # fmt: skip
    alice = kit.user_client("iam", "alice", document(allow("*"), *deny))
    for arn in (admin, other):
        for call, members in (
            (alice.attach_user_policy, {"UserName": "alice", "PolicyArn": arn}),
            (alice.detach_user_policy, {"UserName": "alice", "PolicyArn": arn}),
            (alice.create_policy_version, {"PolicyArn": arn, "PolicyDocument": ALLOW_ALL}),
            (alice.set_default_policy_version, {"PolicyArn": arn, "VersionId": "v1"}),
            (alice.list_entities_for_policy, {"PolicyArn": arn}),
            (alice.create_user, {"UserName": "x", "PermissionsBoundary": arn}),
            (alice.put_user_permissions_boundary, {"UserName": "bob", "PermissionsBoundary": arn}),
        ):
            assert refusal(call, **members)[0] == "AccessDenied"


def test_who_renames_must_be_allowed_the_new_name(kit: IamKit) -> None:
    """Policies on ${aws:username} and on paths are about names."""
    own = document(allow(["iam:UpdateUser", "iam:UpdateGroup"], [f"{ARN}:user/alice", f"{ARN}:group/team"]))
    alice = kit.user_client("iam", "alice", own)
    kit.iam.create_group(GroupName="team")
    assert refusal(alice.update_user, UserName="alice", NewUserName="bob")[0] == "AccessDenied"
    assert refusal(alice.update_user, UserName="alice", NewPath="/admins/")[0] == "AccessDenied"
    assert refusal(alice.update_group, GroupName="team", NewGroupName="admins")[0] == "AccessDenied"


def test_tags_of_a_federated_user_have_to_be_allowed(kit: IamKit) -> None:
    alice = kit.user_client("sts", "alice", document(allow("sts:GetFederationToken")))
    alice.get_federation_token(Name="someone")
    tags = [{"Key": "team", "Value": "admins"}]
    assert "sts:TagSession" in refusal(alice.get_federation_token, Name="someone", Tags=tags)[1]


@pytest.mark.parametrize(
    "arn",
    [f"{ARN}:role/mine/r", "arn:aws:iam::210987654321:role/r", f"arn:aws-cn:iam::{ACCOUNT}:role/r", f"{ARN}:role/r/"],
)
def test_a_function_is_given_the_role_that_was_asked_for(kit: IamKit, arn: str) -> None:
    """By its whole ARN, as iam:PassRole was: not any role of that name."""
    kit.iam.create_role(RoleName="r", AssumeRolePolicyDocument=TRUST)
    kit.iam.put_role_policy(RoleName="r", PolicyName="p", PolicyDocument=ALLOW_ALL)
    made = kit.run(kit.credentials.create_session(ACCOUNT, arn, "f", 900))
    assert refusal(kit.client("iam", made).list_users)[0] == "AccessDenied"


@pytest.mark.parametrize("kind", ["Service", "Federated", "CanonicalUser"])
def test_who_trusts_all_services_trusts_nobody_else(kit: IamKit, kind: str) -> None:
    trust = {"Effect": "Allow", "Principal": {kind: "*"}, "Action": "sts:AssumeRole"}
    kit.iam.create_role(RoleName="r", AssumeRolePolicyDocument=json.dumps({"Statement": trust}))
    alice = kit.user_client("sts", "alice", ALLOW_ALL)
    assert refusal(alice.assume_role, RoleArn=f"{ARN}:role/r", RoleSessionName="work")[0] == "AccessDenied"


@pytest.mark.parametrize("key", ["aws:ResourceTag/level", "iam:ResourceTag/level"])
def test_tags_of_a_role_count_where_it_is_assumed(kit: IamKit, key: str) -> None:
    kit.iam.create_role(RoleName="r", AssumeRolePolicyDocument=TRUST, Tags=[{"Key": "level", "Value": "admin"}])
    deny = {"Effect": "Deny", "Action": "*", "Resource": "*", "Condition": {"StringEquals": {key: "admin"}}}
    alice = kit.user_client("sts", "alice", document(allow("*"), deny))
    assert refusal(alice.assume_role, RoleArn=f"{ARN}:role/r", RoleSessionName="work")[0] == "AccessDenied"


def test_a_boundary_that_is_gone_allows_nothing(kit: IamKit) -> None:
    boundary = kit.iam.create_policy(PolicyName="b", PolicyDocument=ALLOW_ALL)["Policy"]["Arn"]
    alice = kit.user_client("iam", "alice", ALLOW_ALL)
    kit.iam.put_user_permissions_boundary(UserName="alice", PermissionsBoundary=boundary)
    alice.list_users()
    _forget(kit, boundary)
    assert refusal(alice.list_users)[0] == "AccessDenied"


def _forget(kit: IamKit, arn: str) -> None:
    name = named(POLICY, arn.rpartition("/")[2])
    kit.run(kit.store.identities.change(ACCOUNT, [name], lambda found: [None]))


def _key(kit: IamKit, client: Any) -> Any:
    found = kit.run(kit.credentials.lookup(client._key))
    assert found is not None
    return found


def test_what_is_denied_outside_the_account_is_not_within(kit: IamKit) -> None:
    """The fence that AWS's pages on data perimeters put around identities."""
    fence = {"StringNotEquals": {"aws:ResourceAccount": ACCOUNT}}
    deny = {"Effect": "Deny", "Action": "*", "Resource": "*", "Condition": fence}
    kit.iam.create_role(RoleName="r", AssumeRolePolicyDocument=TRUST)
    iam = kit.user_client("iam", "alice", document(allow("*"), deny))
    iam.list_users()
    kit.client("sts", _key(kit, iam)).assume_role(RoleArn=f"{ARN}:role/r", RoleSessionName="work")


def test_an_address_within_an_endpoint_is_not_one_outside() -> None:
    who = root_of(ACCOUNT)
    principal = Principal(ACCOUNT, "", "us-east-1", who.arn)
    outside = of_request(principal, who, Origin(address="10.0.0.1"), 0.0)
    within = of_request(principal, who, Origin(address="10.0.0.1", endpoint="vpce-1"), 0.0)
    assert (outside.get("aws:sourceip"), outside.get("aws:vpcsourceip")) == (("10.0.0.1",), None)
    assert (within.get("aws:sourceip"), within.get("aws:vpcsourceip")) == (None, ("10.0.0.1",))


@pytest.mark.parametrize("who", ["root", "alice"])
def test_temporary_keys_of_oneself_make_no_lasting_ones(kit: IamKit, who: str) -> None:
    """Whoever finds a session of an hour would else have a key for ever."""
    sts = kit.sts if who == "root" else kit.user_client("sts", who, ALLOW_ALL)
    kit.iam.create_role(RoleName="r", AssumeRolePolicyDocument=TRUST)
    told = sts.get_session_token()["Credentials"]
    iam = kit.client_of("iam", told)
    for call in (iam.create_access_key, iam.list_users, iam.get_user):
        assert refusal(call) == ("InvalidClientTokenId", "The security token included in the request is invalid.", 403)
    again = kit.client_of("sts", told)
    assert refusal(again.get_federation_token, Name="bob")[0] == "AccessDenied"
    assert refusal(again.get_access_key_info, AccessKeyId=told["AccessKeyId"])[0] == "AccessDenied"
    assert again.get_caller_identity()["Account"] == ACCOUNT
    again.assume_role(RoleArn=f"{ARN}:role/r", RoleSessionName="work")


def test_a_federated_user_calls_neither_iam_nor_sts(kit: IamKit) -> None:
    """Not whatever its policies are: it would become a user, or a role's session, that nothing bounds."""
    kit.iam.create_role(RoleName="r", AssumeRolePolicyDocument=TRUST)
    told = kit.sts.get_federation_token(Name="bob", Policy=ALLOW_ALL)["Credentials"]
    assert refusal(kit.client_of("iam", told).create_user, UserName="x")[0] == "InvalidClientTokenId"
    sts = kit.client_of("sts", told)
    assert refusal(sts.assume_role, RoleArn=f"{ARN}:role/r", RoleSessionName="work")[0] == "AccessDenied"
    assert sts.get_caller_identity()["Arn"].endswith(":federated-user/bob")


def test_a_function_has_a_role_only_while_that_trusts_functions(kit: IamKit) -> None:
    """Not one that came to be later, under the name that it was given before, and trusts people."""
    people = json.loads(TRUST)
    functions = {**people, "Statement": {**_only(people), "Principal": {"Service": "lambda.amazonaws.com"}}}
    made = kit.run(kit.credentials.create_session(ACCOUNT, f"{ARN}:role/r", "f", 900))
    kit.iam.create_role(RoleName="r", AssumeRolePolicyDocument=json.dumps(people))
    kit.iam.put_role_policy(RoleName="r", PolicyName="p", PolicyDocument=ALLOW_ALL)
    for trust, may in ((people, False), (functions, True), (people, False)):
        kit.iam.update_assume_role_policy(RoleName="r", PolicyDocument=json.dumps(trust))
        assert _may(kit, made, Wanted("iam:ListUsers", "*", ACCOUNT)) is may


@pytest.mark.parametrize("role", [f"{ARN}:role/partner", "arn:aws:iam::210987654321:role/partner"])
def test_a_function_whose_role_is_not_there_is_nobody_that_a_table_lets_in(kit: IamKit, role: str) -> None:
    """Else who may make functions would be the role of another account that the table is shared with."""
    made = kit.run(kit.credentials.create_session(ACCOUNT, role, "f", 900))
    table = f"arn:aws:dynamodb:us-east-1:{ACCOUNT}:table/t"
    for name in (role, "*", f"arn:aws:sts::{ACCOUNT}:assumed-role/partner/f"):
        statement = {"Effect": "Allow", "Principal": {"AWS": name}, "Action": "*", "Resource": table}
        policy = compile_policy(json.dumps({"Version": "2012-10-17", "Statement": statement}), Kind.RESOURCE)
        assert not _may(kit, made, Wanted("dynamodb:GetItem", table, ACCOUNT, policy))


def _only(trust: dict[str, Any]) -> dict[str, Any]:
    statement = trust["Statement"]
    return dict(statement[0] if isinstance(statement, list) else statement)


def _may(kit: IamKit, made: Credential, wanted: Wanted) -> bool:
    """Whether a session may do that, as things are now."""
    known = kit.run(kit.credentials.lookup(made.access_key_id))
    assert known is not None
    who = known.authority
    assert isinstance(who, Authority)
    return decide(who, wanted, {"aws:principalarn": (principal_arn(who),)}).allowed


def test_who_may_make_identities_may_not_give_them_tags(kit: IamKit) -> None:
    """Policies on aws:PrincipalTag would let in whoever makes a user with such a tag."""
    alice = kit.user_client("iam", "alice", document(allow("iam:Create*")))
    tags = [{"Key": "team", "Value": "admins"}]
    for call, members, action in (
        (alice.create_user, {"UserName": "u"}, "iam:TagUser"),
        (alice.create_role, {"RoleName": "r", "AssumeRolePolicyDocument": TRUST}, "iam:TagRole"),
        (alice.create_policy, {"PolicyName": "p", "PolicyDocument": ALLOW_ALL}, "iam:TagPolicy"),
    ):
        code, told, _ = refusal(call, **members, Tags=tags)
        assert (code, action in told) == ("AccessDenied", True)
        call(**members)
