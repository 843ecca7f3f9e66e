"""PutUserPermissionsBoundary, DeleteUserPermissionsBoundary, and the same of roles."""

from typing import Any

from statordb.iam_api import boundaries, errors, facts
from statordb.iam_api.context import Answer, Context, Request
from statordb.iam_api.holders import ROLES, USERS, Holder, find, present
from statordb.iam_api.managed import spelled


async def put_user_permissions_boundary(context: Context, request: Request) -> Answer:
    return await _set(context, USERS, request["UserName"], request["PermissionsBoundary"])


async def put_role_permissions_boundary(context: Context, request: Request) -> Answer:
    return await _set(context, ROLES, request["RoleName"], request["PermissionsBoundary"])


async def delete_user_permissions_boundary(context: Context, request: Request) -> Answer:
    return await _set(context, USERS, request["UserName"], "")


async def delete_role_permissions_boundary(context: Context, request: Request) -> Answer:
    return await _set(context, ROLES, request["RoleName"], "")


async def _set(context: Context, holder: Holder, name: str, arn: str) -> Answer:
    """`arn`: "" for none."""
    arn = await spelled(context, arn)
    known = await find(context, holder, name, facts.of_boundary(arn))  # one that is put says what it will be
    await boundaries.must_be_there(context, arn)
    before = known.boundary
    if not arn and not before:
        raise errors.no_such_entity(f"There is no permissions boundary for {holder.sort} {name}.")
    if arn == before:
        return {}

    def change(found: list[Any]) -> list[Any]:
        record, *used = found
        if present(record, holder, name).boundary != before:
            raise errors.being_changed(holder.sort, name)
        gone = boundaries.counted(used[: 1 if before else 0], -1)
        come = boundaries.counted(used[len(gone) :], 1)
        return [boundaries.with_boundary(record, arn), *gone, *come]

    await context.change((holder.row(name), *boundaries.uses(before), *boundaries.uses(arn)), change)
    return {}
