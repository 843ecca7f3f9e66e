"""AddUserToGroup, RemoveUserFromGroup, ListGroupsForUser."""

from dataclasses import replace
from typing import Any

from statordb.iam_api import description, errors, paging
from statordb.iam_api.context import Answer, Context, Request
from statordb.iam_api.holders import GROUPS, USERS, find, present
from statordb.model.identity_limits import USER_GROUPS_MAX
from statordb.store.identities.identities import member
from statordb.store.identities.records import MemberRecord


async def add_user_to_group(context: Context, request: Request) -> Answer:
    return await _move(context, request, is_added=True)


async def remove_user_from_group(context: Context, request: Request) -> Answer:
    return await _move(context, request, is_added=False)


async def list_groups_for_user(context: Context, request: Request) -> Answer:
    user = await find(context, USERS, request["UserName"])
    groups = await context.store.identities.by_ids(context.account, user.groups)
    page, more = paging.cut(sorted(groups, key=lambda group: str(group.name)), request)
    return {"Groups": [description.group(group) for group in page], **more}


async def _move(context: Context, request: Request, is_added: bool) -> Answer:
    user_name, group_name = request["UserName"], request["GroupName"]
    group = await find(context, GROUPS, group_name)
    user = present(await context.store.identities.one(context.account, USERS.row(user_name)), USERS, user_name)

    def change(found: list[Any]) -> list[Any]:
        now_user, now_group, note = found
        if present(now_user, USERS, user_name).id != user.id:
            raise errors.no_such("user", user_name)
        if present(now_group, GROUPS, group_name).id != group.id:
            raise errors.no_such("group", group_name)
        if (note is not None) is is_added:
            return found
        if not is_added:
            groups = [id for id in now_user.groups if id != group.id]
            return [replace(now_user, groups=groups), replace(now_group, members=now_group.members - 1), None]
        if len(now_user.groups) >= USER_GROUPS_MAX:
            raise errors.quota("GroupsPerUser", USER_GROUPS_MAX)
        return [
            replace(now_user, groups=[*now_user.groups, group.id]),
            replace(now_group, members=now_group.members + 1),
            MemberRecord(group.id, user.id),
        ]

    await context.change((USERS.row(user_name), GROUPS.row(group_name), member(group.id, user.id)), change)
    return {}
