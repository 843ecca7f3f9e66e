"""`statordb credentials`: access keys of a store, whether a server is running on it or not."""

import asyncio
import json
import os
import re
import time
from argparse import Namespace
from datetime import UTC, datetime

from statordb.crypto.file_keys import KeyFileUnusable
from statordb.model.identity_limits import ACCESS_KEYS_MAX
from statordb.server import directory, logs
from statordb.server.audit import directory as audit
from statordb.server.composition import CASSANDRA, credentials_of, open_store
from statordb.server.settings import ENVIRONMENT_PREFIX, EXIT_BAD_START, BadStart, Settings, load
from statordb.store.access_keys import ROOT, CredentialRecord
from statordb.store.credentials import TOO_MANY_KEYS, Credentials
from statordb.store.terms import Refused

EXIT_NOT_FOUND = 1
STORE_SETTINGS = (
    "audit_directory", "config", "data", "key_directory", "account", "engine", "cassandra", "datacenter", "keyspace",
    "cassandra_username", "cassandra_password", "cassandra_ca", "cassandra_certificate", "cassandra_key",
    "root_key", "root_key_command", "vault_address", "vault_mount", "vault_keys", "vault_token_file", "vault_namespace",
    "vault_ca", "root_kms_keys", "root_kms_region", "root_kms_endpoint",
)  # fmt: skip
ENVIRONMENT = [ENVIRONMENT_PREFIX + name.upper() for name in STORE_SETTINGS]  # what else is set is the server's
USER_NAME = r"[A-Za-z0-9_+=,.@-]{1,64}"  # IAM API reference, CreateUser


def run(arguments: Namespace) -> int:
    """Run a command; the exit code. Raises BadStart."""
    logs.configure("auto", "warning")
    settings = load(vars(arguments), {name: os.environ[name] for name in ENVIRONMENT if name in os.environ})
    if arguments.action == "create":
        if not re.fullmatch(USER_NAME, arguments.owner):
            raise BadStart(f"The value {arguments.owner!r} of --user is not a user name: {USER_NAME}.")
    if arguments.action == "create" or settings.engine == CASSANDRA:
        directory.prepare(settings.data)
    else:
        directory.must_have_store(settings.data)
    audit.prepare(settings)
    code = EXIT_BAD_START
    try:
        code = asyncio.run(_run(arguments, settings))
    except KeyFileUnusable as error:
        raise BadStart(str(error.args[0])) from None
    finally:
        audit.record_command(settings.audit_directory, time.time(), *_asked(arguments, settings), code)
    return code


def _asked(arguments: Namespace, settings: Settings) -> tuple[str, dict[str, str]]:
    """The command and what it was asked, for the audit log."""
    asked = {"account": settings.account}
    for name, member in (("owner", "userName"), ("access_key_id", "accessKeyId")):
        if name in arguments:
            asked[member] = getattr(arguments, name)
    return f"credentials {arguments.action}", asked


async def _run(arguments: Namespace, settings: Settings) -> int:
    store = await open_store(settings.data, settings)
    try:
        credentials = credentials_of(store)
        account = settings.account if "account" in arguments else None
        if arguments.action == "create":
            return await _create(credentials, settings.account, arguments)
        if arguments.action == "list":
            return _show(await credentials.list(account), arguments.json)
        return await _delete(credentials, account, arguments)
    finally:
        await store.close()


async def _create(credentials: Credentials, account: str, arguments: Namespace) -> int:
    user = arguments.owner
    made = await (credentials.create(account) if user == ROOT else credentials.create_for(account, user))
    if isinstance(made, Refused):
        if made.reason == TOO_MANY_KEYS:
            raise BadStart(f"User {user} of account {account} has {ACCESS_KEYS_MAX} access keys already.")
        raise BadStart(f"There is no user {user} in account {account}: make it by IAM's CreateUser with a key of root.")
    if arguments.json:
        _print_json(
            {
                "AccessKeyId": made.access_key_id,
                "SecretAccessKey": made.secret,
                "Account": made.account,
                "UserName": arguments.owner,
                "Arn": made.arn,
            }
        )
        return 0
    print(f"An access key of account {made.account}, user {arguments.owner}. Its secret is shown this once:\n")
    print(f"  aws configure set aws_access_key_id {made.access_key_id}")
    print(f"  aws configure set aws_secret_access_key {made.secret}")
    return 0


def _show(records: list[CredentialRecord], as_json: bool) -> int:
    if as_json:
        _print_json([_described(record) for record in records])
        return 0
    if not records:
        print("There are no access keys.")
    for record in records:
        print(f"{record.access_key_id}  {record.account}  {_date(record)}  {record.user}")
    return 0


async def _delete(credentials: Credentials, account: str | None, arguments: Namespace) -> int:
    deleted = await credentials.delete(arguments.access_key_id, account)
    if arguments.json:
        _print_json({"AccessKeyId": arguments.access_key_id, "Deleted": deleted})
    elif deleted:
        print(f"Deleted {arguments.access_key_id}.")
    else:
        raise BadStart(f"There is no access key {arguments.access_key_id}.")
    return 0 if deleted else EXIT_NOT_FOUND


def _described(record: CredentialRecord) -> dict[str, str]:
    return {
        "AccessKeyId": record.access_key_id,
        "Account": record.account,
        "UserName": record.user,
        "Arn": f"arn:aws:iam::{record.account}:{ROOT if record.is_root else f'user/{record.user}'}",
        "Status": "Active" if record.active else "Inactive",
        "CreateDate": _date(record),
    }


def _date(record: CredentialRecord) -> str:
    return datetime.fromtimestamp(record.created_at, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _print_json(document: object) -> None:
    print(json.dumps(document, indent=2))
