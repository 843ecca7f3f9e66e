"""CreateUser, GetUser, ListUsers, UpdateUser, DeleteUser."""

from statordb.iam_api import boundaries, description, errors, facts, life, paging, tagging
from statordb.iam_api.context import Answer, Context, Request
from statordb.iam_api.holders import USERS, asking_user, demand_target, find
from statordb.iam_api.managed import spelled
from statordb.store.identities.identities import USER, access_key
from statordb.store.identities.ids import USER_ID, new_id
from statordb.store.identities.records import UserRecord


async def create_user(context: Context, request: Request) -> Answer:
    name, path = request["UserName"], request.get("Path", "/")
    tags = tagging.with_tags({}, tagging.given(request.get("Tags", ())))
    boundary = await spelled(context, request.get("PermissionsBoundary", ""))
    id = new_id(USER_ID, context.random)
    made = UserRecord(context.account, name, id, path, context.now(), tags=tags, boundary=boundary)
    await context.demand(made.arn, {**facts.of_tags(tags), **facts.of_boundary(boundary)})
    await tagging.demand_of(context, "User", made.arn, tags)
    await boundaries.must_be_there(context, boundary)
    await life.begin(context, USERS, made)
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
    await life.rename(context, USERS, name, known, new, request.get("NewPath"), [*map(access_key, known.keys)])
    return {}


async def delete_user(context: Context, request: Request) -> Answer:
    name = request["UserName"]
    await life.end(context, USERS, name, await find(context, USERS, name), _must_be_free)
    return {}


def _must_be_free(user: UserRecord) -> None:
    if user.keys:
        raise errors.delete_conflict("Cannot delete entity, must delete access keys first.")
    if user.groups:
        raise errors.delete_conflict("Cannot delete entity, must remove users from group first.")
