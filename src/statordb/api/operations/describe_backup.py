"""DescribeBackup. The ARN is told as it was asked for, whatever region it names."""

from statordb.api import backups
from statordb.api.context import Answer, Context, Request


async def describe_backup(context: Context, request: Request) -> Answer:
    record, named = await backups.find(context, "dynamodb:DescribeBackup", request["BackupArn"])
    return {"BackupDescription": backups.description(record, named.arn, record.status)}
