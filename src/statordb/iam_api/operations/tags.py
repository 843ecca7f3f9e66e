"""TagUser, UntagUser, ListUserTags, and the same of roles and managed policies."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial
from typing import Any

from statordb.iam_api import description, errors, facts, paging, tagging
from statordb.iam_api.context import Answer, Context, Operation, Request
from statordb.iam_api.facts import Facts
from statordb.iam_api.holders import ROLES, USERS, Holder, find
from statordb.iam_api.managed import own_policy, policy_of
from statordb.store.identities.identities import POLICY, Row, named

Tags = Mapping[str, str]


async def tag(holder: Holder | None, context: Context, request: Request) -> Answer:
    more = tagging.given(request["Tags"])
    known = facts.of_tags(more)
    return await _change(holder, context, request, known, lambda tags: tagging.with_tags(tags, more))


async def untag(holder: Holder | None, context: Context, request: Request) -> Answer:
    keys = request["TagKeys"]
    known = {"aws:tagkeys": tuple(keys)}
    return await _change(holder, context, request, known, lambda tags: tagging.without_tags(tags, keys))


async def listed(holder: Holder | None, context: Context, request: Request) -> Answer:
    if holder is None:
        tags = (await policy_of(context, request["PolicyArn"])).tags
    else:
        tags = (await find(context, holder, request[holder.member])).tags
    page, more = paging.cut(description.tags(tags), request)
    return {"Tags": page, **more}


async def _change(
    holder: Holder | None,
    context: Context,
    request: Request,
    more: Facts,
    change: Callable[[Tags], dict[str, str]],
) -> Answer:
    row: Row
    if holder is None:
        known: Any = await own_policy(context, request["PolicyArn"], more)
        row = named(POLICY, known.name)
    else:
        known = await find(context, holder, request[holder.member], more)
        row = holder.row(known.name)

    def change_row(found: list[Any]) -> list[Any]:
        if found[0] is None or found[0].id != known.id:
            raise errors.no_such_entity(f"{known.arn} was not found.")
        return [replace(found[0], tags=change(found[0].tags))]

    await context.change((row,), change_row)
    return {}


OPERATIONS: dict[str, Operation] = {
    name.format(title): partial(operation, holder)
    for title, holder in (("User", USERS), ("Role", ROLES), ("Policy", None))
    for name, operation in (("Tag{}", tag), ("Untag{}", untag), ("List{}Tags", listed))
}
