"""Laws of the decision, for whatever policies there are."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.access.kit import ACCOUNT, OTHER, Statement, of_resource, policy, role, user

from statordb.access.authority import Authority
from statordb.access.decision import Verdict, Wanted, decide, narrow
from statordb.access.document import Policy
from statordb.access.facts import Known

ACTIONS = ["dynamodb:GetItem", "dynamodb:PutItem", "dynamodb:Query"]
RESOURCES = [f"arn:aws:dynamodb:us-east-1:{ACCOUNT}:table/{name}" for name in ("a", "b", "a/index/i")]
VALUES = st.none() | st.lists(st.sampled_from(["x", "y"]), max_size=2).map(tuple)
KEYS = ["k:now", "k:later"]
FACTS = st.fixed_dictionaries(dict.fromkeys(KEYS, VALUES))

action_patterns = st.sampled_from([*ACTIONS, "*", "dynamodb:*", "dynamodb:?et*"])
resource_patterns = st.sampled_from(
    [*RESOURCES, "*", "arn:aws:dynamodb:*:*:table/a*", "arn:aws:dynamodb:*:*:table/${k:now}"]
)
operators = st.sampled_from([
    "StringEquals", "StringNotEquals", "StringLikeIfExists", "ForAllValues:StringEquals", "ForAnyValue:StringNotLike",
])  # fmt: skip
conditions = st.dictionaries(
    operators, st.dictionaries(st.sampled_from(KEYS), st.sampled_from(["x", "${k:now}", "${k:later}"]), max_size=2),
    max_size=2,
)  # fmt: skip


@st.composite
def statements(draw: Any, effect: str | None = None, of: bool = False) -> Statement:
    made: Statement = {"Effect": effect or draw(st.sampled_from(["Allow", "Deny"]))}
    made[draw(st.sampled_from(["Action", "NotAction"]))] = draw(st.lists(action_patterns, min_size=1, max_size=2))
    made[draw(st.sampled_from(["Resource", "NotResource"]))] = draw(st.lists(resource_patterns, min_size=1, max_size=2))
    made["Condition"] = draw(conditions)
    if of:
        arns = [f"arn:aws:iam::{ACCOUNT}:{who}" for who in ("user/ann", "root", "role/reader")]
        names = draw(st.lists(st.sampled_from([*arns, "*", OTHER]), min_size=1, max_size=2))
        made[draw(st.sampled_from(["Principal", "Principal", "NotPrincipal"]))] = {"AWS": names}
    return made


some = st.lists(statements(), min_size=1, max_size=3)
of_some = st.lists(statements(of=True), min_size=1, max_size=3)


@st.composite
def situations(draw: Any) -> tuple[Authority, Wanted, dict[str, Any]]:
    policies = [policy(*each) for each in draw(st.lists(some, max_size=3))]
    boundary = draw(st.none() | some)
    session = draw(st.none() | st.lists(some, max_size=2))
    who = draw(st.sampled_from([user, role]))(
        *policies,
        boundary=None if boundary is None else policy(*boundary),
        session=None if session is None else tuple(policy(*each) for each in session),
    )
    by_resource, by_endpoint = (draw(st.none() | of_some) for _ in range(2))
    wanted = Wanted(
        draw(st.sampled_from(ACTIONS)),
        draw(st.sampled_from(RESOURCES)),
        draw(st.sampled_from([ACCOUNT, OTHER])),
        None if by_resource is None else of_resource(*by_resource),
        None if by_endpoint is None else of_resource(*by_endpoint),
    )
    return who, wanted, draw(FACTS)


Situation = tuple[Authority, Wanted, dict[str, Any]]


def more(who: Authority, effect: str, statement: Statement | None = None) -> list[Authority]:
    """The same identity with one more statement, in each place where it may stand."""
    extra = policy(statement or {"Effect": effect})
    grown = [who._replace(policies=(*who.policies, extra))]
    if who.boundary is not None:
        grown.append(who._replace(boundary=joined(who.boundary, extra)))
    if who.session is not None:
        grown.append(who._replace(session=(*who.session, extra)))
    return grown


def joined(*policies: Policy) -> Policy:
    """One policy with the statements of several."""
    return policies[0]._replace(rules=tuple(rule for each in policies for rule in each.rules))


@pytest.mark.slow
@settings(max_examples=60)
@given(situations())
def test_deny_wins(situation: Situation) -> None:
    who, wanted, facts = situation
    for denied in more(who, "Deny"):
        verdict = decide(denied, wanted, facts)
        assert not verdict.allowed
        assert verdict.explicit


@pytest.mark.slow
@settings(max_examples=60)
@given(situations(), statements("Allow"))
def test_one_more_allow_never_refuses(situation: Situation, extra: Statement) -> None:
    who, wanted, facts = situation
    if decide(who, wanted, facts).allowed:
        for grown in more(who, "Allow", extra):
            assert decide(grown, wanted, facts).allowed
        by_resource = of_resource(extra)
        if wanted.resource_policy is not None:
            by_resource = joined(wanted.resource_policy, by_resource)
        assert decide(who, wanted._replace(resource_policy=by_resource), facts).allowed


@pytest.mark.slow
@settings(max_examples=60)
@given(situations(), statements("Deny"))
def test_one_more_deny_never_allows(situation: Situation, extra: Statement) -> None:
    who, wanted, facts = situation
    if not decide(who, wanted, facts).allowed:
        for grown in more(who, "Deny", extra):
            assert not decide(grown, wanted, facts).allowed


@pytest.mark.slow
@settings(max_examples=60)
@given(situations(), st.randoms(use_true_random=False))
def test_order_does_not_matter(situation: Situation, random: Any) -> None:
    """Neither that of statements, nor that of policies, nor how statements are shared out among policies."""

    def shuffled(policies: tuple[Policy, ...]) -> tuple[Policy, ...]:
        mixed = [each._replace(rules=tuple(random.sample(each.rules, len(each.rules)))) for each in policies]
        random.shuffle(mixed)
        return (joined(*mixed),) if mixed and random.random() < 0.5 else tuple(mixed)

    who, wanted, facts = situation
    mixed = who._replace(
        policies=shuffled(who.policies),
        boundary=None if who.boundary is None else shuffled((who.boundary,))[0],
        session=None if who.session is None else shuffled(who.session),
    )
    by_resource = wanted.resource_policy
    other = wanted if by_resource is None else wanted._replace(resource_policy=shuffled((by_resource,))[0])
    assert decide(mixed, other, facts) == decide(who, wanted, facts)


@pytest.mark.slow
@settings(max_examples=60)
@given(situations())
def test_a_policy_that_has_a_say_only_takes_away(situation: Situation) -> None:
    """A boundary, a session's policy or an endpoint's allows nothing that is not allowed without it."""
    who, wanted, facts = situation
    if decide(who, wanted, facts).allowed:
        free = who._replace(boundary=None, session=None)
        assert decide(free, wanted._replace(endpoint_policy=None), facts).allowed


@pytest.mark.slow
@given(situations())
@settings(max_examples=200)
def test_what_is_decided_early_is_decided_alike(situation: Situation) -> None:
    """What is known of many requests, and then the rest, comes to what all facts come to at once."""
    who, wanted, facts = situation
    now = {key: value for key, value in facts.items() if key != "k:later"}
    verdict = narrow(who, wanted, Known(now, lambda key: key == "k:later"))
    assert (verdict if isinstance(verdict, Verdict) else verdict(facts)) == decide(who, wanted, facts)
