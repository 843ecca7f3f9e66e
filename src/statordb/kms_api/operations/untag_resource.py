"""UntagResource."""

from dataclasses import replace

from statordb.kms_api import tags
from statordb.kms_api.context import Answer, Context, Request
from statordb.kms_api.keys import change
from statordb.store.kms.records import KeyRecord


async def untag_resource(context: Context, request: Request) -> Answer:
    gone = frozenset(request["TagKeys"])
    for key in gone:
        tags.check_key(key)
    record = await context.own_key("UntagResource", request["KeyId"], {"aws:tagkeys": tuple(request["TagKeys"])})

    def untag(current: KeyRecord) -> KeyRecord:
        return replace(current, tags={key: value for key, value in current.tags.items() if key not in gone})

    await change(context, record, untag)
    return None
