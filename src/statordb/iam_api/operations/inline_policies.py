"""PutUserPolicy, GetUserPolicy, ListUserPolicies, DeleteUserPolicy, and the same of groups and roles."""

from dataclasses import replace
from functools import partial
from typing import Any

from statordb.iam_api import documents, errors, paging
from statordb.iam_api.context import Answer, Context, Operation, Request
from statordb.iam_api.holders import HOLDERS, Holder, find, present


async def put(holder: Holder, context: Context, request: Request) -> Answer:
    name, policy, document = request[holder.member], request["PolicyName"], request["PolicyDocument"]
    await find(context, holder, name)
    too_large = errors.limit_exceeded(
        f"Maximum policy size of {holder.inline_max} bytes exceeded for {holder.sort} {name}"
    )
    if documents.characters(document) > holder.inline_max:
        raise too_large
    documents.check(document)

    def change(found: list[Any]) -> list[Any]:
        record = present(found[0], holder, name)
        inline = {**record.inline, policy: document}
        if sum(map(documents.characters, inline.values())) > holder.inline_max:
            raise too_large
        return [replace(record, inline=inline)]

    await context.change((holder.row(name),), change)
    return {}


async def get(holder: Holder, context: Context, request: Request) -> Answer:
    name, policy = request[holder.member], request["PolicyName"]
    record = await find(context, holder, name)
    if policy not in record.inline:
        raise _no_such(holder, policy)
    return {holder.member: record.name, "PolicyName": policy, "PolicyDocument": documents.shown(record.inline[policy])}


async def listed(holder: Holder, context: Context, request: Request) -> Answer:
    record = await find(context, holder, request[holder.member])
    page, more = paging.cut(sorted(record.inline), request)
    return {"PolicyNames": page, **more}


async def delete(holder: Holder, context: Context, request: Request) -> Answer:
    name, policy = request[holder.member], request["PolicyName"]
    await find(context, holder, name)

    def change(found: list[Any]) -> list[Any]:
        record = present(found[0], holder, name)
        if policy not in record.inline:
            raise _no_such(holder, policy)
        return [replace(record, inline={key: text for key, text in record.inline.items() if key != policy})]

    await context.change((holder.row(name),), change)
    return {}


def _no_such(holder: Holder, policy: str) -> errors.IamError:
    return errors.no_such_entity(f"The {holder.sort} policy with name {policy} cannot be found.")


OPERATIONS: dict[str, Operation] = {
    name.format(holder.title): partial(operation, holder)
    for holder in HOLDERS
    for name, operation in (
        ("Put{}Policy", put),
        ("Get{}Policy", get),
        ("List{}Policies", listed),
        ("Delete{}Policy", delete),
    )
}
