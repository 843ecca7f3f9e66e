"""The managed policies of AWS's own that people attach most, each as the AWS managed policy reference guide has it.

`aws_policies.json` holds the version that is the default one there, in 2026; of ReadOnlyAccess, SecurityAudit and
ViewOnlyAccess only what is about services that are here. Others are not known.
"""

from datetime import datetime
from functools import cache
from hashlib import sha256
from pathlib import Path

import orjson

from statordb.store.identities.records import PolicyRecord, VersionRecord

ACCOUNT = "aws"  # in their ARNs
_ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"


def find(arn: str) -> PolicyRecord | None:
    """One of them by its ARN; None for all others."""
    return every().get(arn) if arn.startswith("arn:aws:iam::aws:") else None


@cache
def every() -> dict[str, PolicyRecord]:
    """All of them by their ARNs, in the order of their names. Read with the first call."""
    known = orjson.loads(Path(__file__).with_suffix(".json").read_bytes())
    records = [_record(each) for each in sorted(known, key=lambda each: str(each["name"]).lower())]
    return {record.arn: record for record in records}


def _record(told: dict[str, str]) -> PolicyRecord:
    created, updated = _seconds(told["created"]), _seconds(told["updated"])
    version = VersionRecord(told["version"], orjson.dumps(told["document"]).decode(), updated)
    return PolicyRecord(
        ACCOUNT, told["name"], _id(told["name"]), told["path"], created, updated, "", [version], version.id
    )


def _id(name: str) -> str:
    """AWS's ids of them are not documented: this is one of that form which is the same in every store."""
    return "ANPA" + "".join(_ALPHABET[byte & 31] for byte in sha256(name.encode()).digest()[:17])


def _seconds(text: str) -> float:
    return datetime.fromisoformat(text).timestamp()
