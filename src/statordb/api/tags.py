"""Tags of tables: the rules of keys and values, and the ARNs that name resources."""

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
                raise errors.invalid_parameters(f"The tag {member} '{text}' contains characters that are not allowed")
        if key.lower().startswith("aws:"):
            raise errors.invalid_parameters("Tag keys that begin with aws: are reserved")
        if key in parsed:
            raise errors.invalid_parameters(f"Duplicate tag key: {key}")
        parsed[key] = value
    check_count(parsed)
    return parsed


def check_count(tags: dict[str, str]) -> None:
    if len(tags) > TAGS_PER_RESOURCE_MAX:
        raise errors.validation(
            f"One or more parameter values were invalid: Too many tags: at most {TAGS_PER_RESOURCE_MAX} are allowed"
        )


async def tagged_table(context: Context, demand: TableDemand) -> Table:
    """The table that a ResourceArn names, which is what is demanded.

    Raises ValidationException for what is no ARN of a table, AccessDeniedException, ResourceNotFoundException.
    """
    arn = demand.table
    if not arn.startswith("arn:"):
        raise errors.validation(
            f"Invalid TableArn: Invalid ResourceArn provided as input {arn}: ARNs must start with 'arn:'"
        )
    table = await context.store.catalog.reload(*context.scope(demand))
    if table is None:
        raise errors.resource_not_found(f"Requested resource not found: ResourcArn: {arn} not found")
    return table
