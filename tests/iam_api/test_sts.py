"""Sessions, as boto3 sees them, and what they stand for."""

import re
from typing import Any

import pytest
from tests.iam_api.iam_kit import ACCOUNT, ALLOW_ALL, TRUST, IamKit, refusal

from statordb.access.authority import Authority
from statordb.model.request import Principal
from statordb.model.rest import RestReply, RestRequest
from statordb.store.identities import session_counts

ROOT_ARN = f"arn:aws:iam::{ACCOUNT}:root"


def standing(kit: IamKit, keys: dict[str, Any]) -> Authority:
    found = kit.run(kit.credentials.lookup(keys["AccessKeyId"]))
    assert found is not None
    assert found.session_token == keys.get("SessionToken")
    assert isinstance(found.authority, Authority)
    return found.authority


def test_everybody_may_ask_who_they_are(kit: IamKit) -> None:
    assert {**kit.sts.get_caller_identity(), "ResponseMetadata": None} == {
        "UserId": ACCOUNT, "Account": ACCOUNT, "Arn": ROOT_ARN, "ResponseMetadata": None,
    }  # fmt: skip
    alice = kit.user_client("sts", "alice")
    id = kit.iam.get_user(UserName="alice")["User"]["UserId"]
    told = alice.get_caller_identity()
    assert (told["UserId"], told["Arn"]) == (id, f"arn:aws:iam::{ACCOUNT}:user/alice")


def test_a_users_session_may_what_the_user_may(kit: IamKit) -> None:
    alice = kit.user_client("sts", "alice", ALLOW_ALL)
    told = alice.get_session_token(DurationSeconds=900)["Credentials"]
    assert told["Expiration"].timestamp() == kit.clock.now() + 900
    session = standing(kit, told)
    assert (session.kind, session.name, session.arn) == ("user", "alice", f"arn:aws:iam::{ACCOUNT}:user/alice")
    assert [policy.text for policy in session.policies] == [ALLOW_ALL]
    assert "aws:TokenIssueTime" in session.facts
    assert session.facts["aws:MultiFactorAuthPresent"] == "false"  # as AWS tells of all temporary keys without MFA
    kit.iam.delete_user_policy(UserName="alice", PolicyName="own")
    assert standing(kit, told).policies == ()
    again = kit.client_of("sts", told)
    assert refusal(again.get_session_token) == (
        "AccessDenied", "Cannot call GetSessionToken with session credentials", 403,
    )  # fmt: skip


def test_a_session_ends_with_its_user(kit: IamKit) -> None:
    alice = kit.user_client("sts", "alice")
    told = alice.get_session_token()["Credentials"]
    for key in kit.iam.list_access_keys(UserName="alice")["AccessKeyMetadata"]:
        kit.iam.delete_access_key(UserName="alice", AccessKeyId=key["AccessKeyId"])
    kit.iam.delete_user(UserName="alice")
    kit.iam.create_user(UserName="alice")  # another one of that name
    assert kit.run(kit.credentials.lookup(told["AccessKeyId"])) is None


def test_an_account_begins_only_so_many_sessions_within_an_hour(kit: IamKit, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever may have one could fill the store with them."""
    monkeypatch.setattr(session_counts, "SESSIONS_HOUR_MAX", 3)
    kit.sts.get_session_token()
    kit.sts.get_federation_token(Name="bob")
    kit.iam.create_role(RoleName="r", AssumeRolePolicyDocument=TRUST)
    alice = kit.user_client("sts", "alice", ALLOW_ALL)
    role = {"RoleArn": f"arn:aws:iam::{ACCOUNT}:role/r", "RoleSessionName": "some"}
    alice.assume_role(**role)
    for ask in (kit.sts.get_session_token, lambda: alice.assume_role(**role)):
        assert refusal(ask) == ("Throttling", "Rate exceeded", 400)
    kit.run(kit.credentials.create_session(ACCOUNT, f"arn:aws:iam::{ACCOUNT}:role/r", "f", 900))  # of a function
    kit.clock.advance(3600)
    assert kit.sts.get_session_token()["Credentials"]


def test_a_session_of_root_lasts_an_hour_at_most(kit: IamKit) -> None:
    told = kit.sts.get_session_token(DurationSeconds=36_000)["Credentials"]
    assert told["Expiration"].timestamp() == kit.clock.now() + 3600
    assert standing(kit, told).kind == "root"


def test_a_federated_user_may_what_both_allow(kit: IamKit) -> None:
    told = kit.sts.get_federation_token(
        Name="bob", Policy=ALLOW_ALL, Tags=[{"Key": "team", "Value": "red"}], DurationSeconds=900
    )
    assert told["FederatedUser"] == {
        "FederatedUserId": f"{ACCOUNT}:bob", "Arn": f"arn:aws:sts::{ACCOUNT}:federated-user/bob",
    }  # fmt: skip
    session = standing(kit, told["Credentials"])
    assert (session.kind, session.user_id, session.name) == ("federated", f"{ACCOUNT}:bob", "")
    assert session.facts["aws:PrincipalTag/team"] == "red"
    assert session.session is not None
    assert [policy.text for policy in session.session] == [ALLOW_ALL]
    assert standing(kit, kit.sts.get_federation_token(Name="bob")["Credentials"]).session == ()
    by_arn = kit.sts.get_federation_token(
        Name="bob", PolicyArns=[{"arn": "arn:aws:iam::aws:policy/AmazonDynamoDBReadOnlyAccess"}]
    )
    assert standing(kit, by_arn["Credentials"]).session not in (None, ())


@pytest.mark.parametrize(
    ("members", "code"),
    [
        ({"Policy": "{}"}, "MalformedPolicyDocument"),
        ({"PolicyArns": [{"arn": f"arn:aws:iam::{ACCOUNT}:policy/none"}]}, "MalformedPolicyDocument"),
        ({"DurationSeconds": 129_601}, "ValidationError"),
        ({"Tags": [{"Key": "a", "Value": "1"}, {"Key": "A", "Value": "2"}]}, "InvalidParameterValue"),
        ({"Policy": ALLOW_ALL.replace("{", "{" + " " * 2048, 1)}, "ValidationError"),
    ],
)
def test_what_is_wrong_with_a_federation_is_told(kit: IamKit, members: dict[str, Any], code: str) -> None:
    assert refusal(kit.sts.get_federation_token, Name="bob", **members)[0] == code


def test_who_has_no_permission_is_refused(kit: IamKit) -> None:
    alice, sts = kit.user_client("iam", "alice"), kit.user_client("sts", "bob")
    arn = f"arn:aws:iam::{ACCOUNT}:user/alice"
    assert refusal(alice.create_user, UserName="x") == (
        "AccessDenied",
        f"User: {arn} is not authorized to perform: iam:CreateUser on resource: arn:aws:iam::{ACCOUNT}:user/x because "
        "no identity-based policy allows the iam:CreateUser action",
        403,
    )
    assert refusal(sts.get_federation_token, Name="bob")[0] == "AccessDenied"


def test_where_nobody_is_asked_a_session_is_roots(kit: IamKit) -> None:
    """A key id that somebody makes up may be that of a key of another account."""
    id = kit.iam.create_access_key(UserName=kit.iam.create_user(UserName="a")["User"]["UserName"])["AccessKey"]
    principal = Principal("210987654321", id["AccessKeyId"], "us-east-1", "arn:aws:iam::210987654321:root")
    request = RestRequest("POST", "/", "", {}, b"Action=GetSessionToken", principal, "some-id")

    async def ask() -> RestReply:
        return await kit.service("sts").handle(request)

    reply = kit.run(ask())
    assert reply.status == 200
    found = re.search(rb"<AccessKeyId>(\w+)<", reply.body)
    assert found is not None
    session = kit.run(kit.credentials.lookup(found[1].decode()))
    assert session is not None
    assert session.arn == "arn:aws:iam::210987654321:root"


def test_what_is_deleted_meanwhile_gives_no_session(kit: IamKit, monkeypatch: pytest.MonkeyPatch) -> None:
    alice = kit.user_client("sts", "alice")

    async def gone(*_: object) -> None:
        return None

    keys = kit.run(kit.credentials.lookup(alice._key))
    assert keys is not None
    monkeypatch.setattr("statordb.store.credentials.standing.of_key", gone)
    principal = Principal(ACCOUNT, keys.access_key_id, "us-east-1", keys.arn, keys.authority)
    request = RestRequest("POST", "/", "", {}, b"Action=GetSessionToken", principal, "some-id")

    async def ask() -> RestReply:
        return await kit.service("sts").handle(request)

    assert kit.run(ask()).error == "NoSuchEntity"


def test_the_account_of_a_key_is_told(kit: IamKit) -> None:
    assert kit.sts.get_access_key_info(AccessKeyId=kit.root.access_key_id)["Account"] == ACCOUNT
