"""What of a user's passwords, devices and certificates people ask about before they delete the user: there are none."""

from functools import partial

from statordb.iam_api import errors
from statordb.iam_api.context import Answer, Context, Operation, Request
from statordb.iam_api.holders import USERS, asking_user, find

_LISTS = {
    "ListMFADevices": "MFADevices",
    "ListSSHPublicKeys": "SSHPublicKeys",
    "ListServiceSpecificCredentials": "ServiceSpecificCredentials",
    "ListSigningCertificates": "Certificates",
}
_PAGED = frozenset(("ListMFADevices", "ListSSHPublicKeys", "ListSigningCertificates"))


async def _nothing(operation: str, context: Context, request: Request) -> Answer:
    name = request.get("UserName") or asking_user(context)
    if name is None:
        await context.demand(context.principal.arn)
    else:
        await find(context, USERS, name)
    answer: Answer = {_LISTS[operation]: []}
    return {**answer, "IsTruncated": False} if operation in _PAGED else answer


async def list_virtual_mfa_devices(context: Context, request: Request) -> Answer:
    await context.demand("*")
    return {"VirtualMFADevices": [], "IsTruncated": False}


async def get_login_profile(context: Context, request: Request) -> Answer:
    name = request.get("UserName") or asking_user(context)
    if name is None:
        await context.demand(context.principal.arn)
        raise errors.no_such_entity("Login Profile for the account's root cannot be found.")
    user = await find(context, USERS, name)
    raise errors.no_such_entity(f"Login Profile for User {user.name} cannot be found.")


OPERATIONS: dict[str, Operation] = {
    **{name: partial(_nothing, name) for name in _LISTS},
    "GetLoginProfile": get_login_profile,
    "ListVirtualMFADevices": list_virtual_mfa_devices,
}
