"""ARNs that more than one API reads."""

import re
from typing import NamedTuple

_TABLE = re.compile(r"arn:(aws[a-z-]*):dynamodb:([^:/]+):([0-9]{12}):table/([a-zA-Z0-9_.-]{3,255})")
_STREAM = re.compile(
    r"arn:(aws[a-z-]*):dynamodb:([^:/|]+):([0-9]{12}):table/([a-zA-Z0-9_.-]{3,255})/stream/([a-zA-Z0-9:_.-]{1,64})",
    re.ASCII,
)
_BACKUP = re.compile(
    r"arn:([^:]*):([^:]*):([^:/]*):([0-9]{12}):table/([a-zA-Z0-9_.-]{3,255})/backup/([0-9]{14}-[0-9a-f]{8})"
)
# What the names of regions outside the partition `aws` begin with (botocore, partitions.json).
_PARTITIONS = {
    "cn-": "aws-cn",
    "eusc-": "aws-eusc",
    "eu-isoe-": "aws-iso-e",
    "us-gov-": "aws-us-gov",
    "us-iso-": "aws-iso",
    "us-isob-": "aws-iso-b",
    "us-isof-": "aws-iso-f",
}

TableName = tuple[str, str, str]
"""Account, region, table name."""

StreamName = tuple[str, str, str, str]
"""Account, region, table name, label."""


class BackupArn(NamedTuple):
    """The parts of a backup's ARN. Whether there are such a partition, service and region is not looked at."""

    partition: str
    service: str
    region: str
    account: str
    table: str
    id: str


def has_region(partition: str, region: str) -> bool:
    """Whether ARNs with that partition may name what is in a region: those that this server writes are all of `aws`;
    where AWS writes another one, that is understood too."""
    return partition == "aws" or any(region.startswith(start) and partition == of for start, of in _PARTITIONS.items())


def parse_table(arn: str) -> TableName | None:
    """What a table's ARN names; None for what is no such ARN."""
    match = _TABLE.fullmatch(arn)
    if match is None:
        return None
    partition, region, account, table = match.groups()
    return (account, region, table) if has_region(partition, region) else None


def parse_stream(arn: str) -> StreamName | None:
    """What a stream's ARN names; None for what is no such ARN."""
    match = _STREAM.fullmatch(arn)
    if match is None:
        return None
    partition, region, account, table, label = match.groups()
    return (account, region, table, label) if has_region(partition, region) else None


def parse_backup(arn: str) -> BackupArn | None:
    """The parts of a backup's ARN; None for what is none."""
    match = _BACKUP.fullmatch(arn)
    return None if match is None else BackupArn(*match.groups())


def backup_arn(account: str, region: str, table: str, id: str) -> str:
    """That of a backup, as this server writes it."""
    return f"arn:aws:dynamodb:{region}:{account}:table/{table}/backup/{id}"
