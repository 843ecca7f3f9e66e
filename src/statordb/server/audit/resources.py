"""What a request was about, as an entry of the audit log tells it: ARNs, and of what kind each is."""

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

RESOURCES_MAX = 20  # of one entry
_UUID = re.compile(r"(?:mrk-)?[0-9a-fA-F-]{32,36}")
_KINDS = (
    (re.compile(r"arn:aws:dynamodb:[^:]*:\d{12}:table/[^/]+/stream/"), "AWS::DynamoDB::Stream"),
    (re.compile(r"arn:aws:dynamodb:[^:]*:\d{12}:table/"), "AWS::DynamoDB::Table"),
    (re.compile(r"arn:aws:kms:[^:]*:\d{12}:key/"), "AWS::KMS::Key"),
    (re.compile(r"arn:aws:kms:[^:]*:\d{12}:alias/"), "AWS::KMS::Alias"),
    (re.compile(r"arn:aws:lambda:[^:]*:\d{12}:function:"), "AWS::Lambda::Function"),
    (re.compile(r"arn:aws:lambda:[^:]*:\d{12}:event-source-mapping:"), "AWS::Lambda::EventSourceMapping"),
    (re.compile(r"arn:aws:iam::\d{12}:role/"), "AWS::IAM::Role"),
    (re.compile(r"arn:aws:iam::\d{12}:user/"), "AWS::IAM::User"),
    (re.compile(r"arn:aws:iam::\d{12}:group/"), "AWS::IAM::Group"),
    (re.compile(r"arn:aws:iam::(?:\d{12}|aws):policy/"), "AWS::IAM::Policy"),
    (re.compile(r"arn:aws:kinesis:[^:]*:\d{12}:stream/"), "AWS::Kinesis::Stream"),
)  # fmt: skip
_KEYS = ("SourceKeyId", "KeyId", "TargetKeyId", "DestinationKeyId")  # of KMS: an id, an ARN, an alias
_DESCRIBED = ("KeyMetadata", "TableDescription", "User", "Role", "Group", "Policy")  # of an answer, with an ARN each
_NAMED = (
    "ResourceArn", "StreamArn", "EventSourceArn", "FunctionArn", "EventSourceMappingArn", "RoleArn", "PolicyArn",
    "Role", "Arn", "TableArn", "Resource", "PermissionsBoundary", "KMSMasterKeyId", "KMSKeyArn",
)  # fmt: skip


class Place(NamedTuple):
    """Where names are looked up: tables, keys and functions are known by them within an account and a region."""

    service: str
    region: str
    account: str

    def arn(self, rest: str) -> str:
        return f"arn:aws:{self.service}:{self.region}:{self.account}:{rest}"


def resources(
    place: Place, tables: str, *documents: Mapping[str, Any] | None, about: Sequence[str] = ()
) -> list[dict[str, str]]:
    """`tables`: names or ARNs of tables and streams, with commas between them; `documents`: members of the request and
    of the answer; `about`: ARNs that are known besides."""
    found: dict[str, None] = {}
    for name in filter(None, tables.split(",")):
        if name != "...":
            found[_table(place, name)] = None
    for document in documents:
        for arn in _arns(place, document or {}):
            found[arn] = None
    found |= {arn: None for arn in about if not arn.endswith("/")}  # which is a path of many
    told: list[dict[str, str]] = []
    for arn in found:
        kind = next((name for form, name in _KINDS if form.match(arn)), None)
        if kind is not None and len(told) < RESOURCES_MAX:
            account = arn.split(":")[4]
            told.append({"accountId": account if account.isdigit() else place.account, "type": kind, "ARN": arn})
    return told


def _table(place: Place, name: str) -> str:
    if not name.startswith("arn:"):
        return place._replace(service="dynamodb").arn(f"table/{name}")
    return name.partition("/index/")[0]


def _arns(place: Place, document: Mapping[str, Any]) -> Iterator[str]:
    for member in _KEYS:
        key = document.get(member)
        if isinstance(key, str):
            yield place.arn(f"key/{key}") if _UUID.fullmatch(key) else place.arn(key) if key[:6] == "alias/" else key
    alias, function = document.get("AliasName"), document.get("FunctionName")
    if isinstance(alias, str):
        yield place.arn(alias)
    if isinstance(function, str) and place.service == "lambda":
        yield function if function.startswith("arn:") else place.arn(f"function:{function.rpartition('function:')[2]}")
    for member in _NAMED:
        text = document.get(member)
        if isinstance(text, str):
            yield text
    for member in _DESCRIBED:
        described = document.get(member)
        if isinstance(described, Mapping):
            yield from _arns(place, described)
