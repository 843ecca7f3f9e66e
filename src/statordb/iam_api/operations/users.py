"""CreateUser, GetUser, ListUsers, UpdateUser, DeleteUser."""

from dataclasses import replace
from typing import Any

from statordb.iam_api import boundaries, description, errors, facts, paging, tagging
from statordb.iam_api.context import Answer, Context, Request
from statordb.iam_api.holders import USERS, asking_user, demand_target, find, present
from statordb.iam_api.managed import spelled
from statordb.model.identity_limits import USERS_MAX
from statordb.store.identities.identities import SUMMARY, USER, access_key, named, owner
from statordb.store.identities.ids import USER_ID, new_id
from statordb.store.identities.records import NameRecord, SummaryRecord, UserRecord


async def create_user(context: Context, request: Request) -> Answer:
    name, path = request["UserName"], request.get("Path", "/")
    tags = tagging.with_tags({}, tagging.given(request.get("Tags", ())))
    boundary = await spelled(context, request.get("PermissionsBoundary", ""))
    id = new_id(USER_ID, context.random)
    made = UserRecord(context.account, name, id, path, context.now(), tags=tags, boundary=boundary)
    await context.demand(made.arn, {**facts.of_tags(tags), **facts.of_boundary(boundary)})
    await tagging.demand_of(context, "User", made.arn, tags)
    await boundaries.must_be_there(context, boundary)

    def change(found: list[Any]) -> list[Any]:
        user, _, summary, *used = found
        if user is not None:
            raise errors.exists("User", name)
        summary = summary or SummaryRecord()
        if summary.users >= USERS_MAX:
            raise errors.quota("UsersPerAccount", USERS_MAX)
        summary = replace(summary, users=summary.users + 1)
        return [made, NameRecord(USER, name), summary, *boundaries.counted(used, 1)]

    await context.change((named(USER, name), owner(id), SUMMARY, *boundaries.uses(boundary)), change)
    return {"User": description.user(made)}


async def get_user(context: Context, request: Request) -> Answer:
    name = request.get("UserName") or asking_user(context)
    if name is None:
        await context.demand(context.principal.arn)
        who = context.authority
        return {"User": {"Path": "/", "UserId": who.user_id, "Arn": who.arn, "CreateDate": 0.0}}
    return {"User": description.user(await find(context, USERS, name))}


async def list_users(context: Context, request: Request) -> Answer:
    await context.demand(f"arn:aws:iam::{context.account}:user{request.get('PathPrefix', '/')}")
    found, more = await paging.entities(context, USER, request)
    return {"Users": [description.user(record, whole=False) for record in found], **more}


async def update_user(context: Context, request: Request) -> Answer:
    """Its access keys name it, and follow."""
    name = request["UserName"]
    new = str(request.get("NewUserName", name))
    known = await find(context, USERS, name)
    await demand_target(context, known, new, request.get("NewPath"))

    def change(found: list[Any]) -> list[Any]:
        user, name_row, *others = found
        if (present(user, USERS, name).id, user.keys) != (known.id, known.keys):
            raise errors.being_changed("user", name)
        changed = replace(user, name=new, path=request.get("NewPath", user.path))
        keys = [replace(key, user=new) if key is not None else None for key in others[: len(known.keys)]]
        named_so = replace(name_row, name=new)
        if not others[len(known.keys) :]:
            return [changed, named_so, *keys]
        if others[-1] is not None:
            raise errors.exists("User", new)
        return [None, named_so, *keys, changed]

    rows = [named(USER, name), owner(known.id), *map(access_key, known.keys)]
    if named(USER, new) != rows[0]:
        rows.append(named(USER, new))
    await context.change(rows, change)
    return {}


async def delete_user(context: Context, request: Request) -> Answer:
    name = request["UserName"]
    known = await find(context, USERS, name)

    def change(found: list[Any]) -> list[Any]:
        user, _, summary, *used = found
        present(user, USERS, name)
        if (user.id, user.boundary) != (known.id, known.boundary):
            raise errors.being_changed("user", name)
        if user.keys:
            raise errors.delete_conflict("Cannot delete entity, must delete access keys first.")
        if user.groups:
            raise errors.delete_conflict("Cannot delete entity, must remove users from group first.")
        boundaries.must_have_no_policies(user)
        return [None, None, replace(summary, users=summary.users - 1), *boundaries.counted(used, -1)]

    rows = (named(USER, name), owner(known.id), SUMMARY, *boundaries.uses(known.boundary))
    await context.change(rows, change)
    return {}
