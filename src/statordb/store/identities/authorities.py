"""From what a key stands for to what it may do: the same, with its policies compiled."""

import asyncio

from statordb.access.authority import ROOT, Authority, root_of
from statordb.access.document import compile_policy
from statordb.store.identities.standing import Standing

COMPILED_AT_ONCE = 8 * 1024  # characters of documents: some 10 ms


async def compile_of(standing: Standing) -> None:
    """Compile all policies that a standing has, a few at a time while others run: an identity may have more than a
    hundred. What was compiled is kept by its text, see `compile_policy`."""
    compiled = 0
    for document in (*(policy.document for policy in standing.policies), *(standing.session or ())):
        compile_policy(document)
        compiled += len(document)
        if compiled > COMPILED_AT_ONCE:
            await asyncio.sleep(0)
            compiled = 0


def authority_of(standing: Standing) -> Authority:
    """Raises MalformedPolicy: who has a policy that can't be read must not pass for one who has none."""
    if standing.kind == ROOT and standing.session is None:
        return root_of(standing.account)._replace(facts=standing.facts)
    return Authority(
        standing.kind,
        standing.arn,
        standing.account,
        standing.user_id,
        standing.name,
        tuple(compile_policy(policy.document) for policy in standing.policies),
        None if standing.boundary is None else compile_policy(standing.boundary),
        None if standing.session is None else tuple(map(compile_policy, standing.session)),
        standing.facts,
    )
