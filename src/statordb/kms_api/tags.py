"""Tags of keys."""

from collections.abc import Mapping, Sequence

from statordb.kms_api import errors
from statordb.model.kms_limits import TAGS_PER_KEY_MAX


def parse(tags: Sequence[Mapping[str, str]] | None) -> dict[str, str]:
    """Tags by their keys. Raises TagException."""
    parsed: dict[str, str] = {}
    for tag in tags or ():
        key = tag["TagKey"]
        check_key(key)
        if key in parsed:
            raise errors.tag(f"Duplicate tag key: {key}")
        parsed[key] = tag["TagValue"]
    check_count(parsed)
    return parsed


def check_key(key: str) -> None:
    if key.lower().startswith("aws:"):
        raise errors.tag("Tag keys that begin with aws: are reserved.")


def check_count(tags: Mapping[str, str]) -> None:
    if len(tags) > TAGS_PER_KEY_MAX:
        raise errors.limit_exceeded(f"A key has at most {TAGS_PER_KEY_MAX} tags")
