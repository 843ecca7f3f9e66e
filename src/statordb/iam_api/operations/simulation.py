"""SimulateCustomPolicy, SimulatePrincipalPolicy: what policies would say, decided as requests are."""

import asyncio
import re
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from statordb.access import decision
from statordb.access.authority import USER, Authority
from statordb.access.decision import Wanted
from statordb.access.document import Kind, Policy, compile_policy
from statordb.access.facts import Values
from statordb.iam_api import documents, errors, facts, paging
from statordb.iam_api.context import Answer, Context, Request
from statordb.iam_api.holders import HOLDERS, Holder, find
from statordb.model.tasks import in_slices
from statordb.store.identities import standing
from statordb.store.identities.authorities import authority_of, compile_of

_IDENTITY = re.compile(r"arn:aws:iam::([0-9]{12}):(user|group|role)/(?:[\x21-\x7e]+/)?([\w+=,.@-]{1,128})", re.ASCII)
_ACCOUNT = re.compile(r"[0-9]{12}")
_TYPES = {"user": "user", "group": "group", "role": "role", "policy": "aws-managed"}


class Source(NamedTuple):
    """A policy that is judged, and how a matched statement names it."""

    id: str
    type: str
    policy: Policy


class Noted:
    """Facts that note which keys were asked for and are not there."""

    def __init__(self, known: Mapping[str, Values]) -> None:
        self._known = known
        self.missing: dict[str, None] = {}

    def get(self, key: str, /) -> Values | None:
        found = self._known.get(key)
        if found is None:
            self.missing[key] = None
        return found


async def simulate_custom_policy(context: Context, request: Request) -> Answer:
    await context.demand("*")
    name = f"arn:aws:iam::{context.account}:user/simulated"
    who = Authority(USER, request.get("CallerArn", name), context.account, "")
    return await _simulated(request, await _with_boundary(request, who), await _given(request["PolicyInputList"]))


async def simulate_principal_policy(context: Context, request: Request) -> Answer:
    arn = request["PolicySourceArn"]
    found = _IDENTITY.fullmatch(arn)
    if found is None or found[1] != context.account:
        await context.demand(arn)
        raise errors.invalid_input(f"Invalid Entity Arn: {arn} does not clearly define entity type and name.")
    holder: Holder = next(each for each in HOLDERS if each.sort == found[2])
    identity = await find(context, holder, found[3])
    stands = await standing.of_identity(context.store.identities, identity)
    await compile_of(stands)
    who = authority_of(stands)
    if "CallerArn" in request:
        who = who._replace(arn=request["CallerArn"])
    held = [
        Source(each.name, _TYPES[each.sort], policy) for each, policy in zip(stands.policies, who.policies, strict=True)
    ]
    given = await _given(request.get("PolicyInputList", ()))
    return await _simulated(request, await _with_boundary(request, who), held + given)


async def _given(documents_given: Sequence[str]) -> list[Source]:
    return [
        Source(f"PolicyInputList.{number}", "IAM Policy", await _compiled(text))
        for number, text in enumerate(documents_given, 1)
    ]


async def _compiled(text: str, kind: Kind = Kind.IDENTITY) -> Policy:
    """Policies that are simulated are bounded by nothing but the request: others run meanwhile."""
    return compile_policy(await asyncio.to_thread(documents.check, text, kind), kind)


async def _with_boundary(request: Request, who: Authority) -> Authority:
    given = request.get("PermissionsBoundaryPolicyInputList")
    if not given:
        return who
    if len(given) > 1:
        raise errors.invalid_input("There is one permissions boundary at most.")
    return who._replace(boundary=await _compiled(given[0]))


async def _simulated(request: Request, who: Authority, sources: Sequence[Source]) -> Answer:
    who = who._replace(policies=tuple(source.policy for source in sources))
    known = facts.of_identity(who)
    for entry in request.get("ContextEntries", ()):
        if "ContextKeyName" in entry:
            known[entry["ContextKeyName"].lower()] = tuple(entry.get("ContextKeyValues", ()))
    policy = None
    if "ResourcePolicy" in request:
        policy = await _compiled(request["ResourcePolicy"], Kind.RESOURCE)
    owner = _ACCOUNT.search(request.get("ResourceOwner", ""))
    account = who.account if owner is None else owner[0]
    actions, resources = request["ActionNames"], request.get("ResourceArns") or ("*",)
    page, more = paging.cut(range(len(actions) * len(resources)), request)
    results = []
    for number in page:
        action, resource = divmod(number, len(resources))
        wanted = Wanted(actions[action], resources[resource], account, policy)
        if decision.is_too_much(who, wanted, known):
            raise errors.too_much_work()
        results.append(await _result(who, sources, wanted, known))
        await asyncio.sleep(0)
    return {"EvaluationResults": results, **more}


async def _result(who: Authority, sources: Sequence[Source], wanted: Wanted, known: Mapping[str, Values]) -> Answer:
    noted = Noted(known)
    verdict = await in_slices(decision.deciding(who, wanted, noted))
    answer: Answer = {
        "EvalActionName": wanted.action,
        "EvalResourceName": wanted.resource,
        "EvalDecision": "allowed" if verdict.allowed else "explicitDeny" if verdict.explicit else "implicitDeny",
        "MatchedStatements": await _matched(who, sources, wanted, known, denying=verdict.explicit),
        "MissingContextValues": list(noted.missing),
    }
    if who.boundary is not None:
        bound = who._replace(policies=(who.boundary,), boundary=None, session=None)
        asked = wanted._replace(resource_policy=None)
        allowed = (await in_slices(decision.deciding(bound, asked, known))).allowed
        answer["PermissionsBoundaryDecisionDetail"] = {"AllowedByPermissionsBoundary": allowed}
    return answer


async def _matched(
    who: Authority, sources: Sequence[Source], wanted: Wanted, known: Mapping[str, Values], denying: bool
) -> list[Answer]:
    """The policies with a statement that applies: those that deny, where one does, else those that allow."""
    alone = wanted._replace(resource_policy=None, owner=who.account)
    found = []
    for source in sources:
        judged = who._replace(policies=(source.policy,), boundary=None, session=None)
        verdict = await in_slices(decision.deciding(judged, alone, known))
        if verdict.explicit if denying else verdict.allowed:
            found.append({"SourcePolicyId": source.id, "SourcePolicyType": source.type})
    return found
