"""Key policies as requests give them."""

from statordb.access.document import Kind, compile_policy
from statordb.access.facts import Values
from statordb.access.formats import MalformedPolicy
from statordb.commands.key_permission import keeps_in
from statordb.kms_api import errors
from statordb.kms_api.context import Context, Request
from statordb.model.kms_limits import POLICY_BYTES_MAX
from statordb.store.kms.records import KeyName

DEFAULT = "default"  # the only policy that a key has
_LOCKED_OUT = "The new key policy will not allow you to update the key policy in the future."


def facts_of(request: Request) -> dict[str, Values]:
    """Condition keys of a request that gives a policy."""
    return {"kms:bypasspolicylockoutsafetycheck": (str(bool(request.get("BypassPolicyLockoutSafetyCheck"))).lower(),)}


def check_name(name: str | None) -> None:
    """Raises NotFoundException."""
    if name not in (None, DEFAULT):
        raise errors.of("NotFoundException", "No such policy exists")


async def check(context: Context, text: str, key: KeyName, bypass: bool | None) -> None:
    """A policy that a key is to have. `bypass`: it may shut out who gives it.

    Raises MalformedPolicyDocumentException, LimitExceededException.
    """
    if len(text.encode()) > POLICY_BYTES_MAX:
        raise errors.limit_exceeded(f"Policy size exceeds the limit of {POLICY_BYTES_MAX} bytes")
    try:
        compile_policy(text, Kind.RESOURCE)
    except MalformedPolicy as fault:
        raise errors.malformed_policy(str(fault.args[0])) from None
    if not bypass and not await keeps_in(context.asker, text, key):
        raise errors.malformed_policy(_LOCKED_OUT)
