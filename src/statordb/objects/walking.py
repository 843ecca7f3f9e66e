"""The objects of a directory in the order of their names, in bounded memory.

A folder stands in that order as its name with a `/`, as all names below it begin so: `a-b`, `a.c`, `a/b`, `a0`.
"""

import heapq
import os
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from statordb.objects.contract import Entry
from statordb.objects.names import UNFINISHED

BATCH = 1000  # names of one folder that are kept at a time; a larger folder is read again for the next


def objects_of(bucket: Path, prefix: str, after: str) -> Iterator[Entry]:
    """Those whose names begin with `prefix` and are above `after`. Links, and what else is no file, are left out.

    Raises FileNotFoundError where the bucket is not there, OSError.
    """
    start = prefix[: prefix.rfind("/") + 1]
    if start:
        root = os.path.realpath(bucket)
        wanted = os.path.join(root, start[:-1])
        if os.path.realpath(wanted) != wanted or not os.path.isdir(wanted):
            os.stat(bucket)
            return
    yield from _below(bucket, start, prefix, after)


def _below(bucket: Path, folder: str, prefix: str, after: str) -> Iterator[Entry]:
    """`folder`: empty, or with a `/` behind it."""
    last = ""
    while True:
        batch = heapq.nsmallest(BATCH, _names(bucket, folder, prefix, after, last))
        for name in batch:
            if name.endswith("/"):
                with suppress(FileNotFoundError):  # removed meanwhile, as it was empty
                    yield from _below(bucket, name, prefix, after)
            else:
                with suppress(FileNotFoundError):
                    facts = os.stat(bucket / name, follow_symlinks=False)
                    yield Entry(name, facts.st_size, facts.st_mtime)
        if len(batch) < BATCH:
            return
        last = batch[-1]


def _names(bucket: Path, folder: str, prefix: str, after: str, last: str) -> Iterator[str]:
    """What is in a folder and above `last`, in no order: objects, and folders that may have some."""
    with os.scandir(bucket / folder) as found:
        for entry in found:
            if entry.name.startswith(UNFINISHED) or not _is_text(entry.name):
                continue
            if entry.is_dir(follow_symlinks=False):
                name = f"{folder}{entry.name}/"
                is_wanted = (name > after or after.startswith(name)) and (
                    name.startswith(prefix) or prefix.startswith(name)
                )
            else:
                name = folder + entry.name
                is_wanted = name > after and name.startswith(prefix) and entry.is_file(follow_symlinks=False)
            if is_wanted and name > last:
                yield name


def _is_text(name: str) -> bool:
    """Whether a file's name is UTF-8."""
    try:
        name.encode()
    except UnicodeEncodeError:
        return False
    return True
