"""Users, groups and roles, as far as they are alike: they have policies, and all but groups tags and boundaries."""

from dataclasses import replace
from typing import Any, NamedTuple

from statordb.access import authority
from statordb.iam_api import errors, facts
from statordb.iam_api.context import Context
from statordb.iam_api.facts import Facts
from statordb.model import identity_limits as limits
from statordb.store.identities.identities import GROUP, ROLE, USER, Row, named

_NO_FACTS: Facts = {}


class Holder(NamedTuple):
    """One of the three. `sort`: of rows, and the noun in messages; `title`: the noun in names of operations and
    members; `many`: of counts; `count_max`: of an account; `inline_max`: characters of all inline policies together."""

    sort: str
    title: str
    many: str
    count_max: int
    inline_max: int

    @property
    def member(self) -> str:
        return f"{self.title}Name"

    def row(self, name: str) -> Row:
        return named(self.sort, name)

    def arn(self, account: str, name: str) -> str:
        """Of one that is not there."""
        return f"arn:aws:iam::{account}:{self.sort}/{name}"


USERS = Holder(USER, "User", "users", limits.USERS_MAX, limits.USER_INLINE_CHARACTERS_MAX)
GROUPS = Holder(GROUP, "Group", "groups", limits.GROUPS_MAX, limits.GROUP_INLINE_CHARACTERS_MAX)
ROLES = Holder(ROLE, "Role", "roles", limits.ROLES_MAX, limits.ROLE_INLINE_CHARACTERS_MAX)
HOLDERS = (USERS, GROUPS, ROLES)


def asking_user(context: Context) -> str | None:
    """The name of the user who asks; None for the account's root. Raises ValidationError: a role's session is no user,
    and must not pass for the root."""
    who = context.authority
    if who.name:
        return who.name
    if who.kind != authority.ROOT:
        raise errors.validation("Must specify userName when calling with non-User credentials")
    return None


async def find(context: Context, holder: Holder, name: str, more: Facts = _NO_FACTS) -> Any:
    """The record of a user, group or role whom the request is about. `more`: condition keys of what is to be done.
    Raises AccessDenied, NoSuchEntity."""
    record = await context.store.identities.one(context.account, holder.row(name))
    if record is None:
        await context.demand(holder.arn(context.account, name), more)
    else:
        await context.demand(record.arn, {**facts.of_resource(record.tags, record.boundary), **more})
    return present(record, holder, name)


async def demand_target(context: Context, record: Any, name: str, path: str | None) -> None:
    """What is renamed, or moved, must be allowed of the place where it goes as well."""
    target = replace(record, name=name, path=record.path if path is None else path)
    if target.arn != record.arn:
        await context.demand(target.arn, facts.of_resource(record.tags, record.boundary))


def present(record: Any, holder: Holder, name: str) -> Any:
    if record is None:
        raise errors.no_such(holder.sort, name)
    return record
