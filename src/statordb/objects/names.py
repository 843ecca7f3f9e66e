"""Which names objects and buckets may have."""

import re

from statordb.objects.contract import NAME_BYTES_MAX
from statordb.objects.faults import bad_bucket_name, bad_name, too_long_name

UNFINISHED = ".unfinished"  # where a directory has what is still being written
PART_BYTES_MAX = 255  # of a name in a directory: NAME_MAX of Linux
PARTS_MAX = 64

# Amazon S3 User Guide, "General purpose bucket naming rules".
_BUCKET = re.compile(r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]")


def check_bucket(name: str) -> None:
    """Raises BadName."""
    if _BUCKET.fullmatch(name) is None or ".." in name:
        raise bad_bucket_name()


def check_name(name: str) -> None:
    """What holds of every object's name. Raises BadName."""
    try:
        size = len(name.encode())
    except UnicodeEncodeError:
        raise bad_name("is not UTF-8") from None
    if not size:
        raise bad_name("is empty")
    if size > NAME_BYTES_MAX:
        raise too_long_name()
    if "\0" in name or not {".", ".."}.isdisjoint(name.split("/")):
        raise bad_name("has a part that leads elsewhere: . or .., or a zero byte")


def check_path(name: str) -> None:
    """What holds of the names of objects in a directory besides: they are paths below it. Raises BadName."""
    check_name(name)
    parts = name.split("/")
    if len(parts) > PARTS_MAX:
        raise bad_name(f"has more than {PARTS_MAX} parts, which a directory can't have")
    for part in parts:
        if not part or part.startswith(UNFINISHED):
            raise bad_name(f"has a part that a directory can't have: an empty one, or {UNFINISHED}")
        if len(part.encode()) > PART_BYTES_MAX:
            raise bad_name(f"has a part of more than {PART_BYTES_MAX} bytes, which a directory can't have")
