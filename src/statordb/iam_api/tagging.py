"""Tags of identities and policies. Source: IAM user guide, "Tags for IAM resources"."""

from collections.abc import Mapping, Sequence

from statordb.iam_api import errors, facts
from statordb.iam_api.context import Context
from statordb.model.identity_limits import IDENTITY_TAGS_MAX


def given(tags: Sequence[Mapping[str, str]]) -> dict[str, str]:
    """Tags of a request by their keys, which differ in more than case. Raises InvalidInput."""
    found: dict[str, str] = {}
    for tag in tags:
        key = tag["Key"]
        if key.lower() in map(str.lower, found):
            raise errors.invalid_input("Duplicate tag keys found. Please note that Tag keys are case insensitive.")
        if key.lower().startswith("aws:"):
            raise errors.invalid_input("System tags cannot be added or removed with this operation.")
        found[key] = tag["Value"]
    return found


def with_tags(tags: Mapping[str, str], more: Mapping[str, str]) -> dict[str, str]:
    """Tags with others put in, which take the place of those of the same key in any case. Raises LimitExceeded."""
    lower = {key.lower() for key in more}
    merged = {key: value for key, value in tags.items() if key.lower() not in lower} | dict(more)
    if len(merged) > IDENTITY_TAGS_MAX:
        raise errors.quota("TagsPerResource", IDENTITY_TAGS_MAX)
    return merged


def without_tags(tags: Mapping[str, str], keys: Sequence[str]) -> dict[str, str]:
    lower = {key.lower() for key in keys}
    return {key: value for key, value in tags.items() if key.lower() not in lower}


async def demand_of(context: Context, title: str, arn: str, tags: Mapping[str, str]) -> None:
    """Who makes something with tags must be allowed to tag it. Raises AccessDenied."""
    if tags:
        await context._replace(action=f"iam:Tag{title}").demand(arn, facts.of_tags(tags))
