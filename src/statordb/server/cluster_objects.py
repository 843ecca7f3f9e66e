"""Whether the objects of a cluster's servers are in a place that all of them see.

No machine can tell that of itself. So each that looks leaves a mark there, `checks/KEYSPACE/HOST`, and tells whose
marks it has found. Those of machines that have not looked for a month are removed.
"""

import re
import socket
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import suppress
from pathlib import Path
from urllib.parse import urlsplit

from statordb.objects.contract import PAGE_OBJECTS_MAX, Bucket
from statordb.objects.faults import ObjectsFault
from statordb.objects.place import place_of
from statordb.server.cluster_findings import Finding, Grade
from statordb.server.objects import objects_of
from statordb.server.settings import BadStart, Settings, is_loopback

MARK_SECONDS_MAX = 30 * 24 * 3600.0
HOST_CHARACTERS_MAX = 200
TOLD_MAX = 10


async def look(settings: Settings) -> list[Finding]:
    """What there is to say."""
    if not settings.objects:
        return [
            Finding(
                Grade.WARNING,
                "objects is not set: backups would be in the data directory of the server that made them, where no "
                "other finds them. Name a directory that all servers share, or S3.",
            )
        ]
    objects = objects_of(settings, settings.data)
    try:
        others = await _mark(objects.own, f"checks/{settings.keyspace}/", _host())
    except ObjectsFault as fault:
        return [Finding(Grade.PROBLEM, f"The objects in {settings.objects} can't be used ({fault}).")]
    finally:
        await objects.close()
    told = f"Objects in {settings.objects} are written and read"
    if others:
        return [Finding(Grade.OK, f"{told}, also by {', '.join(others[:TOLD_MAX])}.")]
    if _is_shared_by_nature(settings.objects):
        return [Finding(Grade.OK, f"{told}.")]
    return [
        Finding(
            Grade.WARNING,
            f"{told}, but no other machine has left its mark there: all servers must see the same place. Run this on "
            "each of them.",
        )
    ]


async def _mark(bucket: Bucket, prefix: str, host: str) -> Sequence[str]:
    """Leave one, see that it is there, and tell of whom else there are some. Raises ObjectsFault."""
    await bucket.put(prefix + host, _chunks(host.encode()))
    async for _ in bucket.get(prefix + host):
        pass
    others = []
    for entry in await bucket.list(prefix, "", PAGE_OBJECTS_MAX):
        if time.time() - entry.modified > MARK_SECONDS_MAX:
            await bucket.delete(entry.name)
        elif entry.name != prefix + host:
            others.append(entry.name.removeprefix(prefix))
    return others


async def _chunks(content: bytes) -> AsyncIterator[bytes]:
    yield content


def _host() -> str:
    """This machine's name, as part of an object's."""
    return re.sub(r"[^A-Za-z0-9-]", "-", socket.gethostname())[:HOST_CHARACTERS_MAX] or "-"


def _is_shared_by_nature(text: str) -> bool:
    """Whether it is a server that others reach by the same name."""
    place = place_of(text)
    if isinstance(place, Path):
        return False
    with suppress(BadStart):  # without an address it is away, and told as that
        return not place.endpoint or not is_loopback(urlsplit(place.endpoint).hostname or "")
    return True
