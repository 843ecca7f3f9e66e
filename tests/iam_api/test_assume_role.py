"""AssumeRole: whom trust policies let in, what goes on into the session, and how long it lasts."""

import json
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from tests.iam_api.iam_kit import ACCOUNT, ALLOW_ALL, TRUST, IamKit, refusal
from tests.iam_api.test_sts import standing

from statordb.access.authority import Authority
from statordb.crypto.sealer import Unsealable
from statordb.model.rest import RestRequest
from statordb.store.identities.identities import access_key

ROLE = f"arn:aws:iam::{ACCOUNT}:role/r"
ALICE = f"arn:aws:iam::{ACCOUNT}:user/alice"
ASSUME = json.dumps({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "sts:*", "Resource": ROLE}]})


def trust(principal: Any, action: Any = "sts:AssumeRole", **more: Any) -> str:
    statement = {"Effect": "Allow", "Principal": principal, "Action": action, **more}
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})


def make(kit: IamKit, document: str = TRUST, **more: Any) -> Any:
    return kit.iam.create_role(RoleName="r", AssumeRolePolicyDocument=document, **more)["Role"]


def assume(client: Any, **more: Any) -> Any:
    return client.assume_role(**{"RoleArn": ROLE, "RoleSessionName": "work", **more})


def refused(client: Any, **more: Any) -> str:
    return refusal(assume, client=client, **more)[0]


def test_a_session_of_a_role_may_what_the_role_may(kit: IamKit) -> None:
    role = make(kit, Tags=[{"Key": "team", "Value": "red"}])
    kit.iam.put_role_policy(RoleName="r", PolicyName="p", PolicyDocument=ALLOW_ALL)
    told = assume(kit.user_client("sts", "alice", ASSUME))
    assert told["AssumedRoleUser"] == {
        "AssumedRoleId": f"{role['RoleId']}:work", "Arn": f"arn:aws:sts::{ACCOUNT}:assumed-role/r/work",
    }  # fmt: skip
    assert told["Credentials"]["Expiration"].timestamp() == kit.clock.now() + 3600
    session = standing(kit, told["Credentials"])
    assert (session.kind, session.user_id) == ("role", f"{role['RoleId']}:work")
    assert [policy.text for policy in session.policies] == [ALLOW_ALL]
    assert session.facts["aws:PrincipalArn"] == ROLE
    assert session.facts["aws:PrincipalTag/team"] == "red"
    who = kit.client_of("sts", told["Credentials"]).get_caller_identity()
    assert who["Arn"] == f"arn:aws:sts::{ACCOUNT}:assumed-role/r/work"
    kit.iam.delete_role_policy(RoleName="r", PolicyName="p")
    assert standing(kit, told["Credentials"]).policies == ()
    kit.iam.delete_role(RoleName="r")
    assert kit.run(kit.credentials.lookup(told["Credentials"]["AccessKeyId"])) is None


@pytest.mark.parametrize(
    ("principal", "policy", "allowed"),
    [
        ({"AWS": ACCOUNT}, ASSUME, True),  # the account says who in it may
        ({"AWS": ACCOUNT}, None, False),
        ({"AWS": ALICE}, None, True),  # named itself, it needs no more
        ({"AWS": f"arn:aws:iam::{ACCOUNT}:user/bob"}, ASSUME, False),
        ({"AWS": "210987654321"}, ASSUME, False),
        ({"Service": "lambda.amazonaws.com"}, ALLOW_ALL, False),
        ({"AWS": ALICE}, ALLOW_ALL.replace("Allow", "Deny"), False),
    ],
)
def test_trust_and_policies_decide_who_may(kit: IamKit, principal: Any, policy: str | None, allowed: bool) -> None:
    alice = kit.user_client("sts", "alice", policy)
    kit.iam.create_user(UserName="bob")
    make(kit, trust(principal))
    if allowed:
        assume(alice)
        return
    assert refusal(assume, client=alice) == (
        "AccessDenied", f"User: {ALICE} is not authorized to perform: sts:AssumeRole on resource: {ROLE}", 403,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("principal", "told"),
    [
        ({"AWS": ALICE}, f'"AWS":"{ALICE}"'),
        ({"AWS": [ACCOUNT, ROLE]}, f'"AWS":"{ROLE}"'),
        ({"AWS": f"arn:aws:iam::{ACCOUNT}:user/path/bob"}, f'"AWS":"arn:aws:iam::{ACCOUNT}:user/path/bob"'),
        ({"AWS": f"arn:aws:iam::{ACCOUNT}:user/*"}, f'"AWS":"arn:aws:iam::{ACCOUNT}:user/*"'),
        ({"AWS": f"arn:aws:iam::{ACCOUNT}:group/bob"}, f'"AWS":"arn:aws:iam::{ACCOUNT}:group/bob"'),
        ({"AWS": "AIDAEXAMPLE"}, '"AWS":"AIDAEXAMPLE"'),
        ({"AWS": ACCOUNT, "Service": "lambda"}, '"SERVICE":"lambda"'),
    ],
)
def test_whom_nobody_knows_no_role_trusts(kit: IamKit, principal: Any, told: str) -> None:
    """Bob is there, and not where he is looked for."""
    kit.iam.create_user(UserName="bob")
    refusal_told = ("MalformedPolicyDocument", f"Invalid principal in policy: {told}", 400)
    assert refusal(make, kit=kit, document=trust(principal)) == refusal_told
    make(kit)
    assert kit.iam.get_role(RoleName="r")["Role"]["AssumeRolePolicyDocument"] == json.loads(TRUST)
    if principal["AWS"] != [ACCOUNT, ROLE]:
        changed = trust(principal)
        assert refusal(kit.iam.update_assume_role_policy, RoleName="r", PolicyDocument=changed) == refusal_told


def test_whoever_is_there_may_be_trusted(kit: IamKit) -> None:
    kit.iam.create_user(UserName="bob", Path="/path/")
    names = [
        ACCOUNT, f"arn:aws:iam::{ACCOUNT}:root", "arn:aws:iam::210987654321:root", "*",
        f"arn:aws:iam::{ACCOUNT}:user/path/bob", f"arn:aws:sts::{ACCOUNT}:assumed-role/some/session",
    ]  # fmt: skip
    make(kit, trust({"AWS": names, "Service": ["lambda.amazonaws.com", "events.amazonaws.com"]}))


def test_a_role_that_is_not_there_is_refused_as_others_are(kit: IamKit) -> None:
    alice = kit.user_client("sts", "alice", ALLOW_ALL)
    assert refused(alice) == "AccessDenied"
    assert refused(alice, RoleArn="arn:aws:iam::1:role/r" + "x" * 9) == "ValidationError"


def test_an_external_id_is_a_condition(kit: IamKit) -> None:
    alice = kit.user_client("sts", "alice")
    make(kit, trust({"AWS": ALICE}, Condition={"StringEquals": {"sts:ExternalId": "secret"}}))
    assert refused(alice) == refused(alice, ExternalId="other") == "AccessDenied"
    assume(alice, ExternalId="secret")


def test_a_session_lasts_no_longer_than_its_role_says(kit: IamKit) -> None:
    make(kit, MaxSessionDuration=7200)
    alice = kit.user_client("sts", "alice", ALLOW_ALL)
    told = assume(alice, DurationSeconds=7200)["Credentials"]
    assert told["Expiration"].timestamp() == kit.clock.now() + 7200
    assert refused(alice, DurationSeconds=7201) == "ValidationError"
    kit.iam.put_role_policy(RoleName="r", PolicyName="p", PolicyDocument=ALLOW_ALL)
    chained = kit.client_of("sts", told)
    assert refused(chained, DurationSeconds=3601) == "ValidationError"
    assume(chained, DurationSeconds=3600)


def test_session_policies_are_kept(kit: IamKit) -> None:
    make(kit)
    told = assume(
        kit.sts, Policy=ALLOW_ALL, PolicyArns=[{"arn": "arn:aws:iam::aws:policy/AmazonDynamoDBReadOnlyAccess"}]
    )
    session = standing(kit, told["Credentials"]).session
    assert session is not None
    assert len(session) == 2
    assert told["PackedPolicySize"] > 0
    assert refused(kit.sts, Policy="{}") == "MalformedPolicyDocument"


def test_transitive_tags_and_sources_go_on(kit: IamKit) -> None:
    every = ["sts:AssumeRole", "sts:TagSession", "sts:SetSourceIdentity"]
    make(kit, trust({"AWS": ACCOUNT}, every))
    kit.iam.put_role_policy(RoleName="r", PolicyName="p", PolicyDocument=ALLOW_ALL)
    tags = [{"Key": "team", "Value": "red"}, {"Key": "job", "Value": "x"}]
    first = assume(kit.sts, Tags=tags, TransitiveTagKeys=["team"], SourceIdentity="ann")
    assert first["SourceIdentity"] == "ann"
    chained = kit.client_of("sts", first["Credentials"])
    second = standing(kit, assume(chained)["Credentials"])
    assert second.facts["aws:PrincipalTag/team"] == "red"
    assert second.facts["aws:SourceIdentity"] == "ann"
    assert "aws:PrincipalTag/job" not in second.facts
    assert refused(chained, Tags=[{"Key": "TEAM", "Value": "blue"}]) == "InvalidParameterValue"
    assert refused(chained, SourceIdentity="bob") == "AccessDenied"
    assert refused(kit.sts, TransitiveTagKeys=["none"]) == "InvalidParameterValue"


def test_tags_and_sources_have_to_be_allowed(kit: IamKit) -> None:
    make(kit)
    assert refused(kit.sts, Tags=[{"Key": "team", "Value": "red"}]) == "AccessDenied"
    assert refused(kit.sts, SourceIdentity="ann") == "AccessDenied"
    document = trust({"AWS": ACCOUNT}, ["sts:AssumeRole", "sts:TagSession"])
    conditions = {"StringEquals": {"aws:RequestTag/team": "red"}}
    kit.iam.update_assume_role_policy(
        RoleName="r", PolicyDocument=document.replace("}]}", f', "Condition": {json.dumps(conditions)}' + "}]}")
    )
    assume(kit.sts, Tags=[{"Key": "team", "Value": "red"}])
    assert refused(kit.sts, Tags=[{"Key": "team", "Value": "blue"}]) == "AccessDenied"


def test_a_session_that_is_altered_in_the_store_does_not_open(kit: IamKit) -> None:
    """Who can write the store still can't have a session do more than it was made for."""
    make(kit)
    id = assume(kit.sts, Policy=ALLOW_ALL)["Credentials"]["AccessKeyId"]

    def change(found: list[Any]) -> list[Any]:
        return [replace(found[0], session=replace(found[0].session, policies=None))]

    kit.run(kit.store.identities.change(ACCOUNT, [access_key(id)], change))
    with pytest.raises(Unsealable):
        kit.run(kit.credentials.lookup(id))


def test_a_function_may_what_its_role_may(kit: IamKit) -> None:
    """A role that is not there may nothing, and counts as soon as it is made."""
    session = kit.run(kit.credentials.create_session(ACCOUNT, ROLE, "f", 900))

    def may() -> list[str]:
        found = kit.run(kit.credentials.lookup(session.access_key_id))
        assert found is not None
        assert isinstance(found.authority, Authority)
        assert (found.arn, found.authority.kind) == (f"arn:aws:sts::{ACCOUNT}:assumed-role/r/f", "role")
        return [policy.text for policy in found.authority.policies]

    (nothing,) = may()
    assert "Deny" in nothing
    make(kit)
    trusted = {"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}
    kit.iam.update_assume_role_policy(RoleName="r", PolicyDocument=json.dumps({"Statement": trusted}))
    kit.iam.put_role_policy(RoleName="r", PolicyName="p", PolicyDocument=ALLOW_ALL)
    assert may() == [ALLOW_ALL]
    kit.iam.delete_role_policy(RoleName="r", PolicyName="p")
    kit.iam.delete_role(RoleName="r")
    assert may() == [nothing]


def test_another_account_may_if_both_say_so(kit: IamKit) -> None:
    """The session is the role's, and so in the role's account."""
    other = "210987654321"
    make(kit, trust({"AWS": other}))
    told = assume(kit.client("sts", kit.run(kit.credentials.create(other))))
    found = kit.run(kit.credentials.lookup(told["Credentials"]["AccessKeyId"]))
    assert found is not None
    assert (found.account, found.arn) == (ACCOUNT, f"arn:aws:sts::{ACCOUNT}:assumed-role/r/work")
    third = kit.client("sts", kit.run(kit.credentials.create("111122223333")))
    assert refused(third) == "AccessDenied"


def test_a_role_tells_when_its_sessions_were_used_last(kit: IamKit) -> None:
    """To the minute; of what it was, only the region. A role of the same name is another one."""
    role = make(kit)
    assert kit.iam.get_role(RoleName="r")["Role"]["RoleLastUsed"] == {}
    told = assume(kit.user_client("sts", "alice", ASSUME))
    credential = kit.run(kit.credentials.lookup(told["Credentials"]["AccessKeyId"]))
    assert credential is not None
    assert credential.used_as == role["RoleId"]

    async def use(at: float) -> None:
        kit.store.key_uses.note(credential.used_as, "dynamodb", "eu-west-1", at)
        await kit.store.key_uses.settle()

    kit.run(use(1_700_000_099.0))
    used = {"LastUsedDate": datetime.fromtimestamp(1_700_000_040, UTC), "Region": "eu-west-1"}
    assert kit.iam.get_role(RoleName="r")["Role"]["RoleLastUsed"] == used
    (shown,) = kit.iam.get_account_authorization_details(Filter=["Role"])["RoleDetailList"]
    assert shown["RoleLastUsed"] == used
    kit.iam.delete_role(RoleName="r")
    assert kit.run(kit.store.key_uses.last(role["RoleId"])) is None


def test_a_request_knows_the_arns_of_what_it_was_about(kit: IamKit) -> None:
    kit.iam.create_user(UserName="ada", Path="/team/")
    asked = RestRequest(
        "POST", "/", "", {}, b"Action=DeleteUser&UserName=ada&Version=2010-05-08", kit.principal(), "id"
    )

    async def ask() -> Any:
        return await kit.service("iam").handle(asked)

    assert kit.run(ask()).status == 200
    assert list(asked.about) == [f"arn:aws:iam::{ACCOUNT}:user/team/ada"]
