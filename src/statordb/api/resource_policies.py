"""Policies of tables and streams: their checks, their normal form, and how records keep them.

What AWS refuses and what it gives back was measured there (aws-controllers-k8s, API quirks of October 2026, TABLE-206
to -212 and -351 to -356).
"""

import json
from dataclasses import replace
from typing import Any

from statordb.access.document import FIRST, Kind, compile_policy
from statordb.access.formats import MalformedPolicy
from statordb.api import resource_arns
from statordb.api.context import Context
from statordb.api.resource_arns import Resource
from statordb.commands.demands import StreamDemand, TableDemand
from statordb.model import errors
from statordb.model.errors import ClientError
from statordb.store.records import PolicyRecord, TableRecord

POLICY_BYTES_MAX = 20_480  # white space counts
NO_POLICY = "NO_POLICY"  # as the revision that is expected: there must be none

_ORDER = (
    "Sid", "Effect", "Principal", "NotPrincipal", "Action", "NotAction", "Resource", "NotResource", "Condition",
)  # fmt: skip
_ACCOUNT_DIGITS = 12


def normal(text: str) -> str:
    """A policy as AWS gives it back. Raises ValidationException."""
    if len(text.encode(errors="replace")) > POLICY_BYTES_MAX:
        raise errors.invalid_parameters(
            f"Policy exceeds the maximum size of {POLICY_BYTES_MAX} bytes, white space included"
        )
    _refuse_shapeless(text)
    try:
        policy = compile_policy(text, Kind.RESOURCE)
    except MalformedPolicy as fault:
        raise _invalid(str(fault).rstrip(".")) from None
    for statement, rule in zip(policy.statements, policy.rules, strict=True):
        everyone = "*" in (rule.principals or ()) or statement.not_principals
        if statement.allows and everyone and not statement.conditions:
            raise _invalid("The policy allows unbounded access: an Allow to everyone needs a condition")
    return json.dumps(_normalized(json.loads(text)), separators=(",", ":"), ensure_ascii=False)


def _refuse_shapeless(text: str) -> None:
    """What AWS tells of texts that have not even the shape of a policy."""
    try:
        document = json.loads(text)
    except (ValueError, RecursionError):
        raise _invalid("This policy contains invalid Json") from None
    if document is None:
        raise _invalid("This text appears not to be a policy")
    if not isinstance(document, dict):
        raise _invalid("This policy contains invalid Json")
    if not document:
        raise _invalid("Syntax error at position (1,3)")
    if document.get("Statement") == []:
        raise _invalid("Could not parse the policy: Statement is empty!")
    statements = document.get("Statement")
    for statement in statements if isinstance(statements, list) else [statements]:
        if isinstance(statement, dict) and "Effect" not in statement:
            raise _invalid("Missing required field Effect")


def _invalid(detail: str) -> ClientError:
    return errors.invalid_parameters(f"Invalid policy document: {detail}")


def _normalized(document: dict[str, Any]) -> dict[str, Any]:
    statements = document["Statement"]
    listed = statements if isinstance(statements, list) else [statements]
    head = {"Version": document.get("Version", FIRST)}
    if "Id" in document:
        head["Id"] = document["Id"]
    return {**head, "Statement": [_statement(each) for each in listed]}


def _statement(statement: dict[str, Any]) -> dict[str, Any]:
    made: dict[str, Any] = {}
    for element in _ORDER:
        if element not in statement:
            continue
        value = statement[element]
        if element.endswith("Principal") and isinstance(value, dict):
            value = {kind: _single(_principals(kind, names)) for kind, names in value.items()}
        elif element == "Condition":
            value = {
                operator: {key: _single(values) for key, values in block.items()} for operator, block in value.items()
            }
        made[element] = _single(value)
    return made


def _single(value: Any) -> Any:
    """A list of one as that one."""
    return value[0] if isinstance(value, list) and len(value) == 1 else value


def _principals(kind: str, names: Any) -> Any:
    if isinstance(names, list):
        return [_principals(kind, name) for name in names]
    if kind == "AWS" and len(names) == _ACCOUNT_DIGITS and names.isascii() and names.isdigit():
        return f"arn:aws:iam::{names}:root"
    return names


def same(one: str, other: str) -> bool:
    """Whether two normal forms say the same; the order of conditions means nothing."""
    return one == other or bool(one and other and json.loads(one) == json.loads(other))


def found(record: TableRecord, label: str | None) -> PolicyRecord | None:
    """What is kept of the policy of a table, or of its stream with a label; also of one that was deleted."""
    return next((policy for policy in record.policies if policy.label == (label or "")), None)


def revised(record: TableRecord, label: str | None, text: str, now: float) -> tuple[TableRecord, PolicyRecord]:
    """The record with another policy of a table or a stream ("": it is deleted). A revision is never given twice."""
    old = found(record, label)
    revision = max(int(now * 1000), 0 if old is None else int(old.revision) + 1)
    made = PolicyRecord(label or "", text, str(revision))
    others = [policy for policy in record.policies if policy is not old]
    return replace(record, policies=[*others, made]), made


def must_be_expected(arn: str, expected: str | None, current: PolicyRecord | None) -> None:
    """Raises PolicyNotFoundException unless the policy is the one that the request expects."""
    if expected is None:
        return
    there = current is not None and bool(current.text)
    revision = current.revision if current is not None and there else NO_POLICY
    if expected != revision:
        raise errors.policy_not_found(arn)


async def resource(context: Context, arn: str) -> Resource:
    """What a ResourceArn names, in the caller's account and region. Raises ValidationException."""
    named = resource_arns.parse(context, arn)
    if not named.is_here:
        raise errors.invalid_parameters(f"Invalid resource Arn: {arn}")
    if named.account != context.principal.account:
        raise errors.validation(
            "This action is only supported by accounts that match the resource owner\u2019s account."
        )
    return named


def demand_of(action: str, arn: str, named: Resource) -> TableDemand | StreamDemand:
    return TableDemand(action, arn) if named.label is None else StreamDemand(action, arn)


async def record_of(context: Context, action: str, arn: str) -> tuple[Resource, TableRecord]:
    """What a ResourceArn names, and the record of its table. Raises ValidationException, AccessDeniedException,
    ResourceNotFoundException."""
    named = await resource(context, arn)
    account, region, table, label, _ = named
    await context.admit(demand_of(action, arn, named))
    if label is None:
        found = (await context.current(account, region, table)).record
        if found.restore is not None:
            raise errors.table_not_found(table)
        return named, found
    record = await context.store.catalog.stored(account, region, table)
    if record is None or await context.store.streams.find(account, region, table, label) is None:
        raise errors.resource_not_found(f"Requested resource not found: Stream: {label} not found for Table: {table}")
    return named, record
