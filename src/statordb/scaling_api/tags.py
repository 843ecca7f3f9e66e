"""Tags of scalable targets."""

from collections.abc import Mapping

from statordb.model.scaling_limits import TAGS_PER_TARGET_MAX
from statordb.scaling_api import errors


def check(tags: Mapping[str, str]) -> None:
    """Raises ValidationException for tags that are AWS's own."""
    for key in tags:
        if key.lower().startswith("aws:"):
            raise errors.validation(f"Tag keys that begin with aws: are reserved: {key}")


def check_count(tags: Mapping[str, str]) -> None:
    """Raises TooManyTagsException."""
    if len(tags) > TAGS_PER_TARGET_MAX:
        raise errors.too_many_tags(TAGS_PER_TARGET_MAX)
