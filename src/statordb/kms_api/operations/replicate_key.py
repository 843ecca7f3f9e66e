"""ReplicateKey: there are no multi-Region keys, and others have no replicas."""

from statordb.kms_api import errors
from statordb.kms_api.context import Answer, Context, Request


async def replicate_key(context: Context, request: Request) -> Answer:
    await context.own_key("ReplicateKey", request["KeyId"], {"kms:replicaregion": (request["ReplicaRegion"],)})
    raise errors.operation_unsupported()
