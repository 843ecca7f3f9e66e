"""Who may, by which policies; and how a refusal is told."""

import pytest
from tests.access.kit import ACCOUNT, GET, OTHER, TABLE, ask, may, of_resource, policy, role, user

from statordb.access.authority import Authority, root_of
from statordb.access.decision import ALLOWED, Source, Verdict, Wanted, narrow, principal_arn, refusal
from statordb.access.document import Policy
from statordb.access.facts import Known

ALL = policy({})
NONE = policy({"Action": "iam:GetUser"})
DENY = policy({"Effect": "Deny"})
ANN = f"arn:aws:iam::{ACCOUNT}:user/ann"
ROLE = f"arn:aws:iam::{ACCOUNT}:role/reader"
SESSION = f"arn:aws:sts::{ACCOUNT}:assumed-role/reader/today"


def naming(*names: str, effect: str = "Allow") -> Policy:
    return of_resource({"Effect": effect, "Principal": {"AWS": list(names)}})


def refused(source: Source, explicit: bool = False) -> Verdict:
    return Verdict(source, explicit)


def test_who_has_no_policy_may_nothing() -> None:
    assert ask(user()) == refused(Source.IDENTITY)
    assert ask(user(NONE)) == refused(Source.IDENTITY)
    assert ask(user(NONE, ALL)) == ALLOWED


def test_a_root_may_all_in_its_account_only() -> None:
    assert ask(root_of(ACCOUNT)) == ALLOWED
    assert ask(root_of(OTHER)) == refused(Source.RESOURCE)
    assert ask(root_of(OTHER), by_resource=naming(f"arn:aws:iam::{OTHER}:root")) == ALLOWED
    assert ask(root_of(OTHER), by_resource=naming(OTHER)) == ALLOWED
    assert ask(root_of(ACCOUNT), by_resource=of_resource({"Effect": "Deny"})) == refused(Source.RESOURCE, True)


def test_a_deny_decides_wherever_it_stands() -> None:
    everyone = of_resource({})
    assert ask(user(ALL, DENY), by_resource=naming(ANN)) == refused(Source.IDENTITY, True)
    assert ask(user(ALL), by_resource=naming("*", effect="Deny")) == refused(Source.RESOURCE, True)
    assert ask(user(ALL, boundary=DENY), by_resource=naming(ANN)) == refused(Source.BOUNDARY, True)
    assert ask(role(ALL, session=(ALL, DENY)), by_resource=naming(SESSION)) == refused(Source.SESSION, True)
    denies = of_resource({"Effect": "Deny"}, {})
    assert ask(root_of(ACCOUNT), by_resource=everyone, by_endpoint=denies) == refused(Source.ENDPOINT, True)


def test_boundaries_sessions_and_endpoints_have_to_allow_as_well() -> None:
    assert ask(user(ALL, boundary=NONE)) == refused(Source.BOUNDARY)
    assert ask(user(NONE, boundary=ALL)) == refused(Source.IDENTITY)
    assert ask(role(ALL, session=(NONE,))) == refused(Source.SESSION)
    assert ask(role(ALL, session=())) == refused(Source.SESSION)
    assert ask(role(ALL, boundary=ALL, session=(NONE, ALL))) == ALLOWED
    nothing = of_resource({"Action": "s3:GetObject"})
    assert ask(root_of(ACCOUNT), by_endpoint=nothing) == refused(Source.ENDPOINT)
    assert ask(root_of(ACCOUNT), by_endpoint=of_resource({})) == ALLOWED


def test_in_one_account_the_resource_may_let_in_by_itself() -> None:
    for who, name in ((user(), ANN), (role(), ROLE), (role(), SESSION), (user(), "*"), (user(), "AIDAANN")):
        assert ask(who, by_resource=naming(name)) == ALLOWED
    for who, name in ((user(), ROLE), (role(), ANN), (user(), OTHER), (user(name="bob"), ANN)):
        assert ask(who, by_resource=naming(name)) == refused(Source.IDENTITY)


def test_whom_a_resource_names_itself_is_not_held_up_by_what_is_left_out() -> None:
    """IAM user guide, "Permissions boundaries for IAM entities", "Evaluating effective permissions with boundaries"."""
    assert ask(user(boundary=NONE), by_resource=naming(ANN)) == ALLOWED
    assert ask(role(boundary=NONE, session=(NONE,)), by_resource=naming(SESSION)) == ALLOWED
    assert ask(role(boundary=NONE), by_resource=naming(ROLE)) == refused(Source.BOUNDARY)
    assert ask(role(session=(NONE,)), by_resource=naming(ROLE)) == refused(Source.SESSION)
    assert ask(user(boundary=NONE), by_resource=of_resource({})) == refused(Source.BOUNDARY)


def test_an_account_that_is_named_still_decides_which_of_its_own_may() -> None:
    for name in (ACCOUNT, f"arn:aws:iam::{ACCOUNT}:root"):
        assert ask(user(), by_resource=naming(name)) == refused(Source.IDENTITY)
        assert ask(user(ALL), by_resource=naming(name)) == ALLOWED
        assert ask(user(ALL), by_resource=naming(name, effect="Deny")) == refused(Source.RESOURCE, True)


def test_between_accounts_both_sides_have_to_allow() -> None:
    for name in (ANN, "*", ACCOUNT):
        assert ask(user(ALL), owner=OTHER, by_resource=naming(name)) == ALLOWED
        assert ask(user(), owner=OTHER, by_resource=naming(name)) == refused(Source.IDENTITY)
    assert ask(user(ALL), owner=OTHER) == refused(Source.RESOURCE)
    assert ask(user(ALL), owner=OTHER, by_resource=naming(OTHER)) == refused(Source.RESOURCE)
    assert ask(user(ALL, boundary=NONE), owner=OTHER, by_resource=naming(ANN)) == refused(Source.BOUNDARY)


def test_who_is_spared_by_not_principal_is_named_with_account_and_role() -> None:
    """IAM user guide, "IAM JSON policy elements: NotPrincipal"."""
    spares = [ANN, ROLE, SESSION, f"arn:aws:iam::{ACCOUNT}:root"]

    def denies(*names: str) -> Policy:
        return of_resource({"Effect": "Deny", "NotPrincipal": {"AWS": list(names)}})

    for who in (user(ALL), role(ALL), root_of(ACCOUNT)):
        assert may(who, by_resource=denies(*spares))
    assert not may(user(ALL), by_resource=denies(ANN))
    assert not may(role(ALL), by_resource=denies(SESSION, f"arn:aws:iam::{ACCOUNT}:root"))
    assert not may(user(ALL, name="bob"), by_resource=denies(*spares))
    lets = of_resource({"NotPrincipal": {"AWS": ANN}})
    assert not may(user(), by_resource=lets)
    assert may(user(name="bob"), by_resource=lets)


def test_actions_are_alike_in_any_case_and_resources_are_not() -> None:
    assert may(user(policy({"Action": "DynamoDB:getitem"})))
    assert may(user(policy({"Action": "dynamodb:Get?tem"})))
    assert not may(user(policy({"Action": "dynamodb:Get"})))
    assert not may(user(policy({"Resource": TABLE.lower()})))


def test_negated_elements() -> None:
    who = user(policy({"NotAction": ["dynamodb:Put*", "dynamodb:DeleteTable"], "NotResource": TABLE + "2"}))
    assert may(who)
    assert not may(who, "dynamodb:PutItem")
    assert not may(who, "dynamodb:DeleteTable")
    assert not may(who, resource=TABLE + "2")


def test_variables_in_resources() -> None:
    own = TABLE.replace("Books", "${aws:username}-*")
    for table, name, allowed in (("ann-1", "ann", True), ("bob-1", "ann", False), ("ann-1", "bob", False)):
        at = TABLE.replace("Books", table)
        assert may(user(policy({"Resource": own})), resource=at, facts={"aws:username": (name,)}) is allowed
    assert not may(user(policy({"Resource": own})), resource=TABLE.replace("Books", "-1"))
    excepted = policy({"Action": "*", "NotResource": own})
    assert not may(user(excepted), facts={}), "it is not known what is excepted"
    denied = policy({"Effect": "Deny", "Action": "*", "NotResource": own}, {})
    assert not may(user(denied), facts={})


def test_what_is_known_of_many_requests_is_decided_once() -> None:
    """Only what depends on the rest is left to be asked, and it comes to the same."""

    def narrowed(who: Authority) -> object:
        known = Known({"aws:username": ("ann",)}, lambda key: key.startswith("dynamodb:"))
        return narrow(who, Wanted(GET, TABLE, ACCOUNT), known)

    leading = {"ForAllValues:StringEquals": {"dynamodb:LeadingKeys": "${aws:username}"}}
    assert narrowed(user(ALL)) == ALLOWED
    assert narrowed(user(policy({"Condition": {"StringEquals": {"aws:username": "ann"}}}))) == ALLOWED
    assert narrowed(user(policy({"Condition": {"StringEquals": {"aws:username": "bob"}}}))) == refused(Source.IDENTITY)
    assert narrowed(user(policy({"Action": "dynamodb:PutItem", "Condition": leading}), ALL)) == ALLOWED
    assert narrowed(user(policy({"Effect": "Deny", "Condition": leading}), DENY)) == refused(Source.IDENTITY, True)
    decides = narrowed(user(policy({"Condition": leading})))
    assert callable(decides)
    assert decides({"dynamodb:leadingkeys": ("ann",)}) == ALLOWED
    assert decides({"dynamodb:leadingkeys": ("ann", "bob")}) == refused(Source.IDENTITY)


def test_the_arn_of_a_principal_is_that_of_its_role() -> None:
    assert principal_arn(user()) == ANN
    assert principal_arn(role()) == ROLE
    with_path = ROLE.replace("role/", "role/path/")
    assert principal_arn(role(facts={"aws:PrincipalArn": with_path})) == with_path


HEAD = f"User: {ANN} is not authorized to perform: {GET} on resource: {TABLE}"


@pytest.mark.parametrize(
    ("verdict", "ending"),
    [
        (refused(Source.IDENTITY), f"because no identity-based policy allows the {GET} action"),
        (refused(Source.RESOURCE), f"because no resource-based policy allows the {GET} action"),
        (refused(Source.BOUNDARY), f"because no permissions boundary allows the {GET} action"),
        (refused(Source.SESSION), f"because no session policy allows the {GET} action"),
        (refused(Source.ENDPOINT), f"because no VPC endpoint policy allows the {GET} action"),
        (refused(Source.IDENTITY, True), "with an explicit deny in an identity-based policy"),
        (refused(Source.RESOURCE, True), "with an explicit deny in a resource-based policy"),
        (refused(Source.BOUNDARY, True), "with an explicit deny in a permissions boundary"),
        (refused(Source.SESSION, True), "with an explicit deny in a session policy"),
        (refused(Source.ENDPOINT, True), "with an explicit deny in a VPC endpoint policy"),
    ],
)
def test_a_refusal_says_which_kind_of_policy_it_was(verdict: Verdict, ending: str) -> None:
    assert refusal(verdict, ANN, GET, TABLE) == f"{HEAD} {ending}"
