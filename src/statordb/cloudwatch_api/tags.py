"""Tags of alarms. API reference, "TagResource"."""

import re
from collections.abc import Iterable, Mapping
from typing import Any

from statordb.cloudwatch_api import errors
from statordb.cloudwatch_api.context import Context
from statordb.store.alarms.records import AlarmName

TAGS_MAX = 50  # of an alarm
_ARN = re.compile(r"arn:aws[a-z-]*:cloudwatch:([A-Za-z0-9-]{1,64}):([0-9]{12}):alarm:(.{1,255})", re.DOTALL)
_RESERVED = "aws:"


def tags_of(given: Iterable[Mapping[str, str]]) -> dict[str, str]:
    """Tags of a request. Raises InvalidParameterValue."""
    tags: dict[str, str] = {}
    for tag in given:
        key = tag["Key"]
        if key.lower().startswith(_RESERVED):
            raise errors.invalid_value(f"Tag keys starting with {_RESERVED} are reserved for system use.")
        if key in tags:
            raise errors.invalid_value("Duplicate tag keys found.")
        tags[key] = tag["Value"]
    must_be_few(tags)
    return tags


def must_be_few(tags: Mapping[str, str]) -> None:
    if len(tags) > TAGS_MAX:
        raise errors.invalid_value(f"An alarm can have at most {TAGS_MAX} tags.")


def alarm_named(context: Context, arn: str) -> AlarmName:
    """The alarm of an ARN. Raises InvalidParameterValue."""
    match = _ARN.fullmatch(arn)
    if match is None:
        raise errors.invalid_value(f"The value {arn[:256]} for parameter ResourceARN is not the ARN of an alarm.")
    return AlarmName(match[2], match[1], match[3])


def must_own(context: Context, name: AlarmName) -> None:
    """Raises ResourceNotFoundException for an alarm of elsewhere."""
    if (name.account, name.region) != (context.principal.account, context.principal.region):
        raise not_there(name)


def not_there(name: AlarmName) -> errors.CloudWatchError:
    return errors.not_found("alarm", name.arn)


def shown(tags: Mapping[str, str]) -> list[dict[str, Any]]:
    return [{"Key": key, "Value": value} for key, value in tags.items()]
