"""DescribeKey."""

from statordb.kms_api.context import Answer, Context, Request
from statordb.kms_api.keys import metadata


async def describe_key(context: Context, request: Request) -> Answer:
    return {"KeyMetadata": metadata(await context.key("DescribeKey", request["KeyId"]))}
