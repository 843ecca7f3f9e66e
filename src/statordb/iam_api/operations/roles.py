"""CreateRole, GetRole, ListRoles, UpdateRole, UpdateRoleDescription, UpdateAssumeRolePolicy, DeleteRole, and what of
instance profiles people ask about roles."""

from dataclasses import replace
from typing import Any

from statordb.access.document import Kind
from statordb.iam_api import boundaries, description, documents, errors, facts, life, paging, principals, tagging
from statordb.iam_api.context import Answer, Context, Request
from statordb.iam_api.holders import ROLES, find, present
from statordb.iam_api.managed import spelled
from statordb.model.identity_limits import ROLE_SESSION_SECONDS, TRUST_CHARACTERS_MAX
from statordb.store.identities import key_uses
from statordb.store.identities.identities import ROLE
from statordb.store.identities.ids import ROLE_ID, new_id
from statordb.store.identities.records import RoleRecord


async def create_role(context: Context, request: Request) -> Answer:
    name, boundary = request["RoleName"], await spelled(context, request.get("PermissionsBoundary", ""))
    id = new_id(ROLE_ID, context.random)
    made = RoleRecord(
        context.account,
        name,
        id,
        request.get("Path", "/"),
        context.now(),
        tags=tagging.with_tags({}, tagging.given(request.get("Tags", ()))),
        boundary=boundary,
        description=request.get("Description", ""),
        session_seconds_max=request.get("MaxSessionDuration", ROLE_SESSION_SECONDS),
        trust=request["AssumeRolePolicyDocument"],
    )
    await context.demand(made.arn, {**facts.of_tags(made.tags), **facts.of_boundary(boundary)})
    await tagging.demand_of(context, "Role", made.arn, made.tags)
    await _check_trust(context, made.trust)
    await boundaries.must_be_there(context, boundary)
    await life.begin(context, ROLES, made)
    return {"Role": description.role(made)}


async def get_role(context: Context, request: Request) -> Answer:
    """Its last use is known to five minutes."""
    record = await find(context, ROLES, request["RoleName"])
    return {"Role": description.role(record, used=await context.store.key_uses.last(record.id))}


async def list_roles(context: Context, request: Request) -> Answer:
    await context.demand(f"arn:aws:iam::{context.account}:role{request.get('PathPrefix', '/')}")
    found, more = await paging.entities(context, ROLE, request, lambda role: len(role.trust))
    return {"Roles": [description.role(record, whole=False) for record in found], **more}


async def update_role(context: Context, request: Request) -> Answer:
    """What is not given goes back to what it is without."""
    return await _update(
        context,
        request["RoleName"],
        description=request.get("Description", ""),
        session_seconds_max=request.get("MaxSessionDuration", ROLE_SESSION_SECONDS),
    )


async def update_role_description(context: Context, request: Request) -> Answer:
    changed = await _change(context, request["RoleName"], description=request["Description"])
    return {"Role": description.role(changed)}


async def update_assume_role_policy(context: Context, request: Request) -> Answer:
    await find(context, ROLES, request["RoleName"])
    await _check_trust(context, request["PolicyDocument"])
    return await _update(context, request["RoleName"], trust=request["PolicyDocument"])


async def delete_role(context: Context, request: Request) -> Answer:
    name = request["RoleName"]
    record = await find(context, ROLES, name)
    await life.end(context, ROLES, name, record, lambda role: None)
    await key_uses.forget(context.store.engine, record.id)
    return {}


async def list_instance_profiles_for_role(context: Context, request: Request) -> Answer:
    """There are no machines that could have one."""
    await find(context, ROLES, request["RoleName"])
    return {"InstanceProfiles": [], "IsTruncated": False}


async def _update(context: Context, name: str, **changes: Any) -> Answer:
    await _change(context, name, **changes)
    return {}


async def _change(context: Context, name: str, **changes: Any) -> RoleRecord:
    await find(context, ROLES, name)

    def change(found: list[Any]) -> list[Any]:
        return [replace(present(found[0], ROLES, name), **changes)]

    (changed,) = await context.change((ROLES.row(name),), change)
    role: RoleRecord = changed
    return role


async def _check_trust(context: Context, document: str) -> None:
    if documents.characters(document) > TRUST_CHARACTERS_MAX:
        raise errors.quota("ACLSizePerRole", TRUST_CHARACTERS_MAX)
    await principals.must_be_valid(context, documents.check(document, Kind.TRUST))
