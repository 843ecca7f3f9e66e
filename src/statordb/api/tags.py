"""Tags of tables: the rules of keys and values, and the resources that have them. Rules and texts were measured on AWS
(aws-controllers-k8s, API quirks of October 2026, TABLE-105 to -110, -372 and -442); the service model's are not told.
"""

import re
from collections.abc import Iterable, Mapping

from statordb.api import resource_arns
from statordb.api.context import Context
from statordb.commands.demands import TableDemand
from statordb.model import errors
from statordb.model.limits import TAG_KEY_CHARACTERS_MAX, TAG_VALUE_CHARACTERS_MAX, TAGS_PER_RESOURCE_MAX
from statordb.store.table import Table

_ALLOWED = re.compile(r"[\w\s+\-=._:/@]*")  # API reference, Tag: letters, white space, numbers, and + - = . _ : / @


def parse_tags(tags: Iterable[Mapping[str, str]]) -> dict[str, str]:
    """Tags as a dict; raises ValidationException for bad keys or values, or too many."""
    parsed: dict[str, str] = {}
    for tag in tags:
        key, value = tag.get("Key"), tag.get("Value")
        _check_key(key)
        assert key is not None
        if value is None or len(value) > TAG_VALUE_CHARACTERS_MAX or not _ALLOWED.fullmatch(value):
            raise errors.validation(f"The Tag Value provided is invalid, Value: {_shown(value)}")
        _refuse_reserved(key)
        if key in parsed:
            raise errors.validation(f"Duplicate Tag Keys provided as input: Duplicate Tag Key found {key}")
        parsed[key] = value
    check_count(parsed)
    return parsed


def check_keys(keys: Iterable[str]) -> None:
    """Raise ValidationException for keys that no tag may have, though they are only to be taken away."""
    unique = dict.fromkeys(keys)
    for key in unique:
        _check_key(key)
        _refuse_reserved(key)
    check_count(unique)


def _check_key(key: str | None) -> None:
    if not key or len(key) > TAG_KEY_CHARACTERS_MAX or not _ALLOWED.fullmatch(key):
        raise errors.validation(f"The Tag Key provided is invalid, Key: {_shown(key)}")


def _refuse_reserved(key: str) -> None:
    if key.lower().startswith("aws:"):
        raise errors.validation(f"Tag Key cannot be prefixed with aws:, Key: {key}")


def _shown(text: str | None) -> str:
    return "null" if text is None else errors.quoted(text)


def check_count(tags: Mapping[str, object]) -> None:
    """Raise ValidationException for more tags, or keys of them, than a table may have."""
    if len(tags) > TAGS_PER_RESOURCE_MAX:
        raise errors.validation("Number of Tags exceed the current limit for the provided ResourceArn")


async def tagged_table(context: Context, demand: TableDemand) -> Table:
    """The table that a ResourceArn names, which is what is demanded.

    Raises AccessDeniedException, also for ARNs of other services; ValidationException for what is no ARN of a table in
    this region, which other accounts are not told; ResourceNotFoundException, also for a stream: streams have no tags.
    The order of these was measured on AWS (ExtendDB, July 2026).
    """
    arn = demand.table
    if resource_arns.is_of_another_service(arn):
        raise errors.access_denied("Access is denied")
    resource = resource_arns.parse(context, arn)
    is_own = resource.account == context.principal.account
    if is_own and not resource.is_here:
        raise resource_arns.unfit(arn)
    await context.admit(demand)
    if not resource.is_here:
        raise resource_arns.unfit(arn)
    table = None
    if resource.label is None:
        table = await context.store.catalog.reload(resource.account, resource.region, resource.table)
    if table is None or table.record.restore is not None:
        raise errors.resource_not_found(f"Requested resource not found: ResourceArn: {arn} not found")
    return table
