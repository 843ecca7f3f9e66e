"""CreatePolicyVersion, GetPolicyVersion, ListPolicyVersions, SetDefaultPolicyVersion, DeletePolicyVersion."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from statordb.iam_api import description, documents, errors, paging
from statordb.iam_api.context import Answer, Context, Request
from statordb.iam_api.managed import must_fit, own_policy, policy_of
from statordb.model.identity_limits import POLICY_VERSIONS_MAX
from statordb.store.identities.identities import POLICY, named
from statordb.store.identities.records import PolicyRecord, VersionRecord


async def create_policy_version(context: Context, request: Request) -> Answer:
    policy = await own_policy(context, request["PolicyArn"])
    document, now = request["PolicyDocument"], context.now()
    must_fit(document)
    documents.check(document)

    def change(known: PolicyRecord) -> PolicyRecord:
        if len(known.versions) >= POLICY_VERSIONS_MAX:
            raise errors.limit_exceeded(
                f"A managed policy can have up to {POLICY_VERSIONS_MAX} versions. Before you create a new version, you "
                "must delete an existing version."
            )
        version = VersionRecord(f"v{known.made + 1}", document, now)
        default = version.id if request.get("SetAsDefault") else known.default
        versions = [*known.versions, version]
        return replace(known, versions=versions, default=default, made=known.made + 1, updated_at=now)

    changed = await _change(context, policy, change)
    return {"PolicyVersion": description.version(changed, changed.versions[-1], whole=False)}


async def get_policy_version(context: Context, request: Request) -> Answer:
    policy = await policy_of(context, request["PolicyArn"])
    return {"PolicyVersion": description.version(policy, _version(policy, request["VersionId"]))}


async def list_policy_versions(context: Context, request: Request) -> Answer:
    policy = await policy_of(context, request["PolicyArn"])
    page, more = paging.cut(policy.versions[::-1], request)
    return {"Versions": [description.version(policy, version, whole=False) for version in page], **more}


async def set_default_policy_version(context: Context, request: Request) -> Answer:
    policy, now = await own_policy(context, request["PolicyArn"]), context.now()

    def change(known: PolicyRecord) -> PolicyRecord:
        return replace(known, default=_version(known, request["VersionId"]).id, updated_at=now)

    await _change(context, policy, change)
    return {}


async def delete_policy_version(context: Context, request: Request) -> Answer:
    policy, now = await own_policy(context, request["PolicyArn"]), context.now()

    def change(known: PolicyRecord) -> PolicyRecord:
        gone = _version(known, request["VersionId"])
        if gone.id == known.default:
            raise errors.delete_conflict("Cannot delete the default version of a policy.")
        versions = [version for version in known.versions if version is not gone]
        return replace(known, versions=versions, updated_at=now)

    await _change(context, policy, change)
    return {}


async def _change(
    context: Context, policy: PolicyRecord, change: Callable[[PolicyRecord], PolicyRecord]
) -> PolicyRecord:
    def change_row(found: list[Any]) -> list[Any]:
        if found[0] is None or found[0].id != policy.id:
            raise errors.no_such_entity(f"Policy {policy.arn} was not found.")
        return [change(found[0])]

    (changed,) = await context.change((named(POLICY, policy.name),), change_row)
    record: PolicyRecord = changed
    return record


def _version(policy: PolicyRecord, id: str) -> VersionRecord:
    for version in policy.versions:
        if version.id == id:
            return version
    raise errors.no_such_entity(f"Policy {policy.arn} version {id} does not exist or is not attachable.")
