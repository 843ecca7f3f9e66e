"""Tags of tables: the rules of keys and values, and the ARNs that name resources. Texts were measured on AWS
(aws-controllers-k8s, API quirks of October 2026, TABLE-442)."""

import re
from collections.abc import Iterable

from statordb.api.context import Context
from statordb.commands.demands import TableDemand
from statordb.model import errors
from statordb.model.limits import TAGS_PER_RESOURCE_MAX
from statordb.store.table import Table

_ALLOWED = re.compile(r"[\w\s+\-=._:/@]*")  # API reference, Tag: letters, white space, numbers, and + - = . _ : /


def parse_tags(tags: Iterable[dict[str, str]]) -> dict[str, str]:
    """Tags as a dict; raises ValidationException for bad keys or values, or too many."""
    parsed: dict[str, str] = {}
    for tag in tags:
        key, value = tag["Key"], tag["Value"]
        for text, member in ((key, "Key"), (value, "Value")):
            if not _ALLOWED.fullmatch(text):
                raise errors.validation(f"The Tag {member} provided is invalid, {member}: {text}")
        if key.lower().startswith("aws:"):
            raise errors.validation(f"Tag Key cannot be prefixed with aws:, Key: {key}")
        if key in parsed:
            raise errors.validation(f"Duplicate Tag Keys provided as input: Duplicate Tag Key found {key}")
        parsed[key] = value
    check_count(parsed)
    return parsed


def check_count(tags: dict[str, str]) -> None:
    if len(tags) > TAGS_PER_RESOURCE_MAX:
        raise errors.validation("Number of Tags exceed the current limit for the provided ResourceArn")


async def tagged_table(context: Context, demand: TableDemand) -> Table:
    """The table that a ResourceArn names, which is what is demanded.

    Raises ValidationException for what is no ARN of a table, AccessDeniedException, ResourceNotFoundException.
    """
    arn = demand.table
    if not arn.startswith("arn:"):
        raise errors.invalid_parameters(f"ARNs must start with 'arn:': {arn}")
    table = await context.store.catalog.reload(*context.scope(demand))
    if table is None:
        raise errors.resource_not_found(f"Requested resource not found: ResourcArn: {arn} not found")
    return table
