"""KMS's API on the store of an in-process DynamoDB API."""

from typing import Any

import orjson
from tests.in_process import PRINCIPAL, Api, Fault

from statordb.kms_api.service import KmsService
from statordb.model.request import Principal, Reply, Request


def kms(api: Api, operation: str, principal: Principal = PRINCIPAL, **request: Any) -> dict[str, Any]:
    """The answer of an operation of KMS's; raises Fault."""
    service = KmsService(api.store, lambda request, fault: api.faults.append(fault))

    async def handle() -> Reply:
        reply = service.handle(Request(operation, orjson.dumps(request), principal, "id"))
        return reply if isinstance(reply, Reply) else await reply

    reply: Reply = api.run(handle())
    if api.faults:
        raise api.faults.pop()
    answer: dict[str, Any] = orjson.loads(reply.body or b"{}")
    if reply.status != 200:
        raise Fault(str(reply.error), answer)
    return answer


def new_key(api: Api, principal: Principal = PRINCIPAL) -> str:
    """The ARN of a new key."""
    arn: str = kms(api, "CreateKey", principal)["KeyMetadata"]["Arn"]
    return arn
