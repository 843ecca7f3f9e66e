"""From what a key stands for to what it may do: the same, with its policies compiled."""

from statordb.access.authority import ROOT, Authority, root_of
from statordb.access.document import compile_policy
from statordb.store.identities.standing import Standing


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
