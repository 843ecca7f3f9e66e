"""CreateAccessKey, ListAccessKeys, UpdateAccessKey, DeleteAccessKey, GetAccessKeyLastUsed."""

from statordb.iam_api import errors, paging
from statordb.iam_api.context import Answer, Context, Request
from statordb.iam_api.holders import USERS, asking_user, find
from statordb.model.identity_limits import ACCESS_KEYS_MAX
from statordb.store.access_keys import ROOT, CredentialRecord, KeyRecord, without_secret
from statordb.store.credentials import TOO_MANY_KEYS
from statordb.store.identities.records import UserRecord
from statordb.store.terms import Refused

MINUTE_SECONDS = 60


async def create_access_key(context: Context, request: Request) -> Answer:
    user = await _owner(context, request)
    if user is None:
        owned = [key for key in await context.credentials.list(context.account) if key.is_root]
        if len(owned) >= ACCESS_KEYS_MAX:
            raise errors.quota("AccessKeysPerUser", ACCESS_KEYS_MAX)
        made = await context.credentials.create(context.account)
    else:
        outcome = await context.credentials.create_for(context.account, user.name)
        if isinstance(outcome, Refused):
            if outcome.reason == TOO_MANY_KEYS:
                raise errors.quota("AccessKeysPerUser", ACCESS_KEYS_MAX)
            raise errors.no_such("user", user.name)
        made = outcome
    return {
        "AccessKey": {
            "UserName": ROOT if user is None else user.name,
            "AccessKeyId": made.access_key_id,
            "Status": "Active",
            "SecretAccessKey": made.secret,
            "CreateDate": context.now(),
        }
    }


async def list_access_keys(context: Context, request: Request) -> Answer:
    user = await _owner(context, request)
    if user is None:
        keys = [key for key in await context.credentials.list(context.account) if key.is_root]
    else:
        found = [(id, await context.credentials.find(id)) for id in user.keys]
        keys = [without_secret(id, key) for id, key in found if key is not None]
    page, more = paging.cut(keys, request)
    return {"AccessKeyMetadata": [_shown(key) for key in page], **more}


async def update_access_key(context: Context, request: Request) -> Answer:
    id = request["AccessKeyId"]
    await _owned(context, request, id)
    if not await context.credentials.switch(id, context.account, request["Status"] == "Active"):
        raise _no_such_key(id)
    return {}


async def delete_access_key(context: Context, request: Request) -> Answer:
    id = request["AccessKeyId"]
    await _owned(context, request, id)
    if not await context.credentials.delete(id, context.account):
        raise _no_such_key(id)
    return {}


async def get_access_key_last_used(context: Context, request: Request) -> Answer:
    """To five minutes, and to the minute of that, as AWS tells it."""
    key = await context.credentials.find(request["AccessKeyId"])
    await context.demand("*")
    if key is None or key.account != context.account or key.session is not None:
        raise errors.access_denied("User is not authorized to perform this operation on this access key.")
    used = await context.store.key_uses.last(request["AccessKeyId"])
    if used is None:
        return {"UserName": key.user, "AccessKeyLastUsed": {"ServiceName": "N/A", "Region": "N/A"}}
    at = used.at // MINUTE_SECONDS * MINUTE_SECONDS
    told = {"LastUsedDate": at, "ServiceName": used.service, "Region": used.region}
    return {"UserName": key.user, "AccessKeyLastUsed": told}


async def _owner(context: Context, request: Request) -> UserRecord | None:
    """The user whose keys are meant, None for the account's root: without a name, whoever asks."""
    name = request.get("UserName") or asking_user(context)
    if name is None:
        await context.demand(context.principal.arn)
        return None
    user: UserRecord = await find(context, USERS, name)
    return user


async def _owned(context: Context, request: Request, id: str) -> KeyRecord:
    """The long-term key of an id, which is one of the user that is meant. Raises NoSuchEntity."""
    user = await _owner(context, request)
    key = await context.credentials.find(id)
    if key is None or key.account != context.account or key.session is not None:
        raise _no_such_key(id)
    if not key.is_root if user is None else key.owner != user.id:
        raise _no_such_key(id)
    return key


def _no_such_key(id: str) -> errors.IamError:
    return errors.no_such_entity(f"The Access Key with id {id} cannot be found.")


def _shown(key: CredentialRecord) -> Answer:
    return {
        "UserName": key.user,
        "AccessKeyId": key.access_key_id,
        "Status": "Active" if key.active else "Inactive",
        "CreateDate": key.created_at,
    }
