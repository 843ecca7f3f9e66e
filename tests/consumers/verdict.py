"""What a stream must tell, given what writers tried and what was acknowledged; everything that it tells otherwise."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import pairwise
from math import inf

from tests.consumers.lineage import Record, Shard
from tests.consumers.writers import Attempt, Item, Key, key_of

KINDS = {(False, True): "INSERT", (True, True): "MODIFY", (True, False): "REMOVE"}  # by old and new image


def violations(
    attempts: Mapping[Key, Sequence[Attempt]],
    records: Mapping[str, Sequence[Record]],
    shards: Sequence[Shard],
    stored: Iterable[Item],
) -> list[str]:
    """A sentence for every broken promise. `records` by shard, parents before their children; `stored`: the table."""
    last = {key_of(item): item for item in stored}
    told: dict[Key, list[Record]] = {}
    for shard in records:
        for record in records[shard]:
            told.setdefault(key_of(record["dynamodb"]["Keys"]), []).append(record)
    found = [*_events(records), *_numbers(records, shards)]
    for key in attempts.keys() | told.keys() | last.keys():
        mine = told.get(key, [])
        found += _chain(key, mine, last.get(key))
        found += _history(key, attempts.get(key, ()), [record["dynamodb"].get("NewImage") for record in mine])
    return found


def _events(records: Mapping[str, Sequence[Record]]) -> Iterator[str]:
    """Nothing comes twice."""
    for event, count in Counter(record["eventID"] for shard in records.values() for record in shard).items():
        if count > 1:
            yield f"event {event} came {count} times"


def _numbers(records: Mapping[str, Sequence[Record]], shards: Sequence[Shard]) -> Iterator[str]:
    """Sequence numbers grow in a shard, lie between its own first and last, and those behind its parent's last."""
    ends = {shard.id: shard.end for shard in shards}
    for shard in shards:
        numbers = [int(record["dynamodb"]["SequenceNumber"]) for record in records[shard.id]]
        if any(later <= earlier for earlier, later in pairwise(numbers)):
            yield f"{shard.id}: sequence numbers do not grow"
        end = inf if shard.end is None else shard.end
        if shard.start > end or any(not shard.start <= number <= end for number in numbers):
            yield f"{shard.id}: sequence numbers are not from {shard.start} to {end}"
        before = ends.get(shard.parent or "", -1)
        if before is None or before >= shard.start:
            yield f"{shard.id}: begins at {shard.start}, its parent ended at {before}"


def _chain(key: Key, records: Sequence[Record], stored: Item | None) -> Iterator[str]:
    """Each old image is the new image of the record before; the last new image is what the table holds."""
    image: Item | None = None
    for record in records:
        change = record["dynamodb"]
        old, new = change.get("OldImage"), change.get("NewImage")
        if old != image:
            yield f"{key} at {change['SequenceNumber']}: old image {old} after new image {image}"
        if record["eventName"] != KINDS.get((old is not None, new is not None)):
            yield f"{key} at {change['SequenceNumber']}: {record['eventName']} of {old} to {new}"
        image = new
    if image != stored:
        yield f"{key}: last image {image}, in the table {stored}"


def _history(key: Key, attempts: Sequence[Attempt], images: Sequence[Item | None]) -> Iterator[str]:
    """Exactly the acknowledged attempts in their order; any other may be among them, once, in its place."""
    reached = {0}  # how many of the images the attempts so far may account for
    for attempt in attempts:
        with_it = {count + 1 for count in reached if count < len(images) and images[count] == attempt.image}
        if attempt.acknowledged and not with_it:
            yield f"{key}: after {max(reached)} records, acknowledged {attempt.image} is not the next one"
            return
        reached = with_it if attempt.acknowledged else reached | with_it
    if len(images) not in reached:
        yield f"{key}: nobody wrote {images[max(reached)]}, or not then"
