"""CreateGroup, GetGroup, ListGroups, UpdateGroup, DeleteGroup."""

from statordb.iam_api import description, errors, life, paging
from statordb.iam_api.context import Answer, Context, Request
from statordb.iam_api.holders import GROUPS, demand_target, find
from statordb.store.identities.identities import GROUP
from statordb.store.identities.ids import GROUP_ID, new_id
from statordb.store.identities.records import GroupRecord


async def create_group(context: Context, request: Request) -> Answer:
    name = request["GroupName"]
    id = new_id(GROUP_ID, context.random)
    made = GroupRecord(context.account, name, id, request.get("Path", "/"), context.now())
    await context.demand(made.arn)
    await life.begin(context, GROUPS, made)
    return {"Group": description.group(made)}


async def get_group(context: Context, request: Request) -> Answer:
    found = await find(context, GROUPS, request["GroupName"])
    users = sorted(await context.store.identities.members(context.account, found.id), key=lambda user: user.name)
    page, more = paging.cut(users, request)
    return {
        "Group": description.group(found),
        "Users": [description.user(user, whole=False) for user in page],
        **more,
    }


async def list_groups(context: Context, request: Request) -> Answer:
    await context.demand(f"arn:aws:iam::{context.account}:group{request.get('PathPrefix', '/')}")
    found, more = await paging.entities(context, GROUP, request)
    return {"Groups": [description.group(record) for record in found], **more}


async def update_group(context: Context, request: Request) -> Answer:
    name = request["GroupName"]
    new = str(request.get("NewGroupName", name))
    known = await find(context, GROUPS, name)
    await demand_target(context, known, new, request.get("NewPath"))
    await life.rename(context, GROUPS, name, known, new, request.get("NewPath"))
    return {}


async def delete_group(context: Context, request: Request) -> Answer:
    name = request["GroupName"]
    await life.end(context, GROUPS, name, await find(context, GROUPS, name), _must_be_free)
    return {}


def _must_be_free(group: GroupRecord) -> None:
    if group.members:
        raise errors.delete_conflict("Cannot delete entity, must remove users from group first.")
