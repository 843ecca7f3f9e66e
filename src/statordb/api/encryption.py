"""SSESpecification: its checks, the key that it means, and the description that it makes.

Rules and texts were measured on AWS (aws-controllers-k8s, API quirks of October 2026).
"""

import uuid
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from statordb.api.context import Context
from statordb.commands.key_permission import BY_SERVICE, Asker, Use, admit_key
from statordb.model import errors
from statordb.model.errors import ClientError, invalid_parameters
from statordb.model.kms_limits import KEY_CHANGES_A_DAY_MAX, KEY_CHANGES_PAUSE_SECONDS
from statordb.store.kms.kms import DYNAMODB_ALIAS
from statordb.store.kms.records import (
    DISABLED,
    ENABLED,
    ENCRYPT_DECRYPT,
    OWNED,
    PENDING_IMPORT,
    SYMMETRIC,
    AliasName,
    KeyName,
    KeyRecord,
    wrapping_key,
    wrapping_of,
)
from statordb.store.kms.references import NoReference, parse
from statordb.store.kms.rotation import DAY_SECONDS
from statordb.store.records import TableRecord
from statordb.store.table import Table

INACCESSIBLE = "INACCESSIBLE_ENCRYPTION_CREDENTIALS"
_NAMES = uuid.UUID("3f0c5a44-94b1-4b0e-9d59-6f3c1b6e6a51")  # of key ids that were made up once: never change it

Specification = Mapping[str, Any]


def check(wanted: Specification | None) -> None:
    """Members that contradict each other."""
    if wanted is None:
        return
    kind, key = wanted.get("SSEType"), wanted.get("KMSMasterKeyId")
    if kind == "AES256":
        raise invalid_parameters("SSEType AES256 is not supported")
    if wanted.get("Enabled") is False:
        for member in ("SSEType", "KMSMasterKeyId"):
            if wanted.get(member) is not None:
                raise invalid_parameters(f"{member} can not be specified if Enabled is false")
    if key is not None and kind is None:
        raise invalid_parameters("SSEType KMS is required if KMSMasterKeyId is specified")


def enabled(specification: Specification | None) -> bool:
    """Whether a key of KMS is asked for: one of AWS's own is not told of."""
    return bool(specification) and specification.get("Enabled", True)  # type: ignore[union-attr]


async def key_of(context: Context, account: str, region: str, wanted: Specification | None) -> KeyRecord | None:
    """The key that is meant, which can be used; None for one of AWS's own.

    The key that AWS manages comes to be when it is first asked for. Raises ValidationException and
    AccessDeniedException, which tell of KMS's error.
    """
    if not enabled(wanted):
        return None
    text = (wanted or {}).get("KMSMasterKeyId") or DYNAMODB_ALIAS
    try:
        reference = parse(text, account, region)
    except NoReference as fault:
        if fault.is_arn:
            raise _refused("InvalidArnException", f"Invalid arn {errors.quoted(text)}") from None
        raise _refused("NotFoundException", f"Invalid keyId '{errors.quoted(text)}'") from None
    name = await _named(context, reference)
    record = None if name is None or name.region != region else await context.store.kms.keys.find(name)
    if record is None:
        raise _missing(context, reference, name)
    asker = Asker(context.principal, BY_SERVICE, context.now(), f"dynamodb.{region}.amazonaws.com")
    try:
        for action in ("kms:CreateGrant", "kms:DescribeKey"):
            await admit_key(context.store.kms.grants, asker, Use(action), record)
    except ClientError as fault:
        raise _denied(fault) from None
    if record.state == DISABLED:
        raise _refused("DisabledException", f"{record.arn} is disabled.")
    if record.state != ENABLED:
        text = "import" if record.state == PENDING_IMPORT else "deletion"
        raise _refused("KMSInvalidStateException", f"{record.arn} is pending {text}.")
    if record.usage != ENCRYPT_DECRYPT:
        raise _refused("InvalidKeyUsageException", f"{record.arn} key usage is {record.usage}, which seals nothing.")
    if record.spec != SYMMETRIC:
        raise _refused("InvalidKeyUsageException", f"{record.arn} is of {record.spec}, which seals no data keys.")
    return record


def begun(record: TableRecord, key: KeyRecord | None) -> TableRecord:
    """A table that is to have a key, None for one of AWS's own, from its first row on."""
    return record if key is None else replace(record, key_arn=key.arn, sealed_by=[wrapping_of(key)])


async def _named(context: Context, reference: KeyName | AliasName) -> KeyName | None:
    if isinstance(reference, KeyName):
        return reference
    kms = context.store.kms
    if reference.name == DYNAMODB_ALIAS and reference.account == context.principal.account:
        return await kms.managed(reference.account, reference.region)
    return await kms.aliases.resolve(reference)


def _missing(context: Context, reference: KeyName | AliasName, name: KeyName | None) -> ClientError:
    """Of another account's keys nobody is told which there are."""
    if reference.account != context.principal.account:
        return _denied(errors.not_authorized(context.principal.arn, "kms:CreateGrant", reference.arn))
    if name is None:
        return _refused("NotFoundException", f"Alias {reference.arn} is not found.")
    return _refused("NotFoundException", f"Key '{name.arn}' does not exist")


def _refused(type: str, text: str) -> ClientError:
    return errors.validation_as_it_is(f"KMS validation error: {errors.kms_fault(type, text)}")


def _denied(fault: ClientError) -> ClientError:
    told = errors.kms_fault("AccessDeniedException", fault.message or "", shown_as="AWSKMSException")
    return errors.access_denied(f"KMS key access denied error: {told}")


def check_change(record: TableRecord, wanted: Specification) -> None:
    """What of a change is wrong whatever keys there are."""
    current = current_arn(record)
    if not wanted or (not enabled(wanted) and current is None):
        raise invalid_parameters("Table is already encrypted by default")
    if current is not None and wanted.get("KMSMasterKeyId") == current:
        raise invalid_parameters(
            "Table is already encrypted with given KMSMasterKeyId. Use KMSMasterKeyId parameter if you want to change "
            "Master Key"
        )


def changed(record: TableRecord, wanted: Specification, key: KeyRecord | None, now: float) -> TableRecord:
    """The table with another key, None for one of AWS's own. Raises ValidationException, LimitExceededException."""
    check_change(record, wanted)
    recent = [at for at in record.key_changes if at > now - DAY_SECONDS]
    if len(recent) >= KEY_CHANGES_A_DAY_MAX and now - recent[-1] < KEY_CHANGES_PAUSE_SECONDS:
        raise errors.limit_exceeded(
            f"Subscriber limit exceeded: The encryption key of a table can be changed {KEY_CHANGES_A_DAY_MAX} times in "
            "24 hours, and once in 6 hours beyond that."
        )
    options = {member: value for member, value in record.options.items() if member != "SSESpecification"}
    key_arn, name = (None, OWNED) if key is None else (key.arn, wrapping_of(key))
    return replace(record, options=options, key_arn=key_arn, key_changes=[*recent, now]).sealed_anew(name)


def check_open(table: Table) -> None:
    """Raises ValidationException for a table whose key can't be used."""
    if table.closed is not None:
        raise table.closed.error()


def describe(record: TableRecord) -> dict[str, Any] | None:
    """SSEDescription; None where there is none. It is UPDATING as long as rows are sealed under another key."""
    arn = current_arn(record)
    keys = {found and found[0].arn for found in map(wrapping_key, record.sealed_by)}
    changing = len(keys) > 1 or (record.key_arn is not None and keys != {record.key_arn})
    if arn is None and changing:
        arn = next(key.arn for key in reversed(record.needed_keys()))
    if arn is None:
        return None
    return {"Status": "UPDATING" if changing else "ENABLED", "SSEType": "KMS", "KMSMasterKeyArn": arn}


def show_closed(description: dict[str, Any], table: Table) -> None:
    """Let a table's description tell that it is closed, if it is."""
    closed = table.closed
    if closed is None or description["TableStatus"] not in ("ACTIVE", "UPDATING"):
        return
    description["TableStatus"] = INACCESSIBLE
    if closed.since is not None:
        description["SSEDescription"]["InaccessibleEncryptionDateTime"] = round(closed.since, 3)


def current_arn(record: TableRecord) -> str | None:
    """The ARN of a table's key; None for one of AWS's own.

    Tables of before there was KMS's API have what they were given, and no key closes them.
    """
    specification: Specification = record.options.get("SSESpecification") or {}
    if record.key_arn is not None or not enabled(specification):
        return record.key_arn
    key: str = specification.get("KMSMasterKeyId") or DYNAMODB_ALIAS
    if ":key/" in key:
        return key
    alias = key.rpartition(":")[2]
    if alias.startswith("alias/"):
        key = str(uuid.uuid5(_NAMES, f"{record.account}/{record.region}/{alias}"))
    return f"arn:aws:kms:{record.region}:{record.account}:key/{key}"
