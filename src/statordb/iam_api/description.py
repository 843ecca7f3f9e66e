"""How answers show identities and policies."""

from collections.abc import Mapping
from typing import Any

from statordb.iam_api.documents import shown
from statordb.store.identities.records import (
    GroupRecord,
    KeyUseRecord,
    PolicyRecord,
    RoleRecord,
    UseRecord,
    UserRecord,
    VersionRecord,
)

Shown = dict[str, Any]
MINUTE_SECONDS = 60.0  # to which AWS tells uses


def user(record: UserRecord, whole: bool = True) -> Shown:
    """`whole`: with what lists leave out."""
    return {
        "Path": record.path,
        "UserName": record.name,
        "UserId": record.id,
        "Arn": record.arn,
        "CreateDate": record.created_at,
        **(_further(record) if whole else {}),
    }


def group(record: GroupRecord) -> Shown:
    return {
        "Path": record.path,
        "GroupName": record.name,
        "GroupId": record.id,
        "Arn": record.arn,
        "CreateDate": record.created_at,
    }


def role(record: RoleRecord, whole: bool = True, used: KeyUseRecord | None = None) -> Shown:
    """`whole`: with what lists leave out; `used`: its last use, as far as that is told."""
    return {
        "Path": record.path,
        "RoleName": record.name,
        "RoleId": record.id,
        "Arn": record.arn,
        "CreateDate": record.created_at,
        "AssumeRolePolicyDocument": shown(record.trust),
        "Description": record.description or None,
        "MaxSessionDuration": record.session_seconds_max,
        **({**_further(record), "RoleLastUsed": _last_use(used)} if whole else {}),
    }


def _last_use(used: KeyUseRecord | None) -> Shown:
    return {} if used is None else {"LastUsedDate": used.at // MINUTE_SECONDS * MINUTE_SECONDS, "Region": used.region}


def policy(record: PolicyRecord, used: UseRecord | None, whole: bool = True) -> Shown:
    """`whole`: with what lists leave out."""
    used = used or UseRecord()
    described: Shown = {
        "PolicyName": record.name,
        "PolicyId": record.id,
        "Arn": record.arn,
        "Path": record.path,
        "DefaultVersionId": record.default,
        "AttachmentCount": used.attached,
        "PermissionsBoundaryUsageCount": used.boundaries,
        "IsAttachable": True,
        "CreateDate": record.created_at,
        "UpdateDate": record.updated_at,
    }
    if whole:
        described |= {"Description": record.description or None, "Tags": tags(record.tags)}
    return described


def version(record: PolicyRecord, of: VersionRecord, whole: bool = True) -> Shown:
    """`whole`: with the document."""
    return {
        "Document": shown(of.document) if whole else None,
        "VersionId": of.id,
        "IsDefaultVersion": of.id == record.default,
        "CreateDate": of.created_at,
    }


def inline(policies: Mapping[str, str]) -> list[Shown]:
    return [{"PolicyName": name, "PolicyDocument": shown(text)} for name, text in sorted(policies.items())]


def attached(arns: list[str]) -> list[Shown]:
    return [{"PolicyName": arn.rpartition("/")[2], "PolicyArn": arn} for arn in arns]


def tags(given: Mapping[str, str]) -> list[Shown]:
    return [{"Key": key, "Value": value} for key, value in given.items()]


def boundary(arn: str) -> Shown | None:
    return {"PermissionsBoundaryType": "Policy", "PermissionsBoundaryArn": arn} if arn else None


def _further(record: UserRecord | RoleRecord) -> Shown:
    return {"PermissionsBoundary": boundary(record.boundary), "Tags": tags(record.tags) or None}
