"""CreateGroup, GetGroup, ListGroups, UpdateGroup, DeleteGroup."""

from dataclasses import replace
from typing import Any

from statordb.iam_api import boundaries, description, errors, paging
from statordb.iam_api.context import Answer, Context, Request
from statordb.iam_api.holders import GROUPS, demand_target, find, present
from statordb.model.identity_limits import GROUPS_MAX
from statordb.store.identities.identities import GROUP, SUMMARY, named, owner
from statordb.store.identities.ids import GROUP_ID, new_id
from statordb.store.identities.records import GroupRecord, NameRecord, SummaryRecord


async def create_group(context: Context, request: Request) -> Answer:
    name = request["GroupName"]
    id = new_id(GROUP_ID, context.random)
    made = GroupRecord(context.account, name, id, request.get("Path", "/"), context.now())
    await context.demand(made.arn)

    def change(found: list[Any]) -> list[Any]:
        group, _, summary = found
        if group is not None:
            raise errors.exists("Group", name)
        summary = summary or SummaryRecord()
        if summary.groups >= GROUPS_MAX:
            raise errors.quota("GroupsPerAccount", GROUPS_MAX)
        return [made, NameRecord(GROUP, name), replace(summary, groups=summary.groups + 1)]

    await context.change((named(GROUP, name), owner(id), SUMMARY), change)
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

    def change(found: list[Any]) -> list[Any]:
        group, name_row, *target = found
        if present(group, GROUPS, name).id != known.id:
            raise errors.being_changed("group", name)
        changed = replace(group, name=new, path=request.get("NewPath", group.path))
        if not target:
            return [changed, replace(name_row, name=new)]
        if target[0] is not None:
            raise errors.exists("Group", new)
        return [None, replace(name_row, name=new), changed]

    rows = [named(GROUP, name), owner(known.id)]
    if named(GROUP, new) != rows[0]:
        rows.append(named(GROUP, new))
    await context.change(rows, change)
    return {}


async def delete_group(context: Context, request: Request) -> Answer:
    name = request["GroupName"]
    known = await find(context, GROUPS, name)

    def change(found: list[Any]) -> list[Any]:
        group, _, summary = found
        if present(group, GROUPS, name).id != known.id:
            raise errors.being_changed("group", name)
        if group.members:
            raise errors.delete_conflict("Cannot delete entity, must remove users from group first.")
        boundaries.must_have_no_policies(group)
        return [None, None, replace(summary, groups=summary.groups - 1)]

    await context.change((named(GROUP, name), owner(known.id), SUMMARY), change)
    return {}
