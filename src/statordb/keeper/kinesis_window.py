"""The changes of a shard that were read and not yet taken by Kinesis, with a bound for each item.

A change of an item that has its full share is passed over, and so is everything later of that item; others are read on
behind it. Of what was passed over only the sequence numbers are kept, by which it is read again once the item has room.
"""

from collections import deque
from collections.abc import Sequence

from statordb.keeper.kinesis_records import Encoder, Entry
from statordb.model.limits import KINESIS_CALL_BYTES_MAX, KINESIS_CALL_RECORDS_MAX, KINESIS_RECORD_BYTES_MAX
from statordb.store.terms import Change

WINDOW_RECORDS_MAX = 1000  # both are looked at before a read, so one read may come on top
WINDOW_BYTES_MAX = 8 << 20
ITEM_RECORDS_MAX = 10  # of the window; more would only wait: a call takes one
ITEM_BYTES_MAX = 1 << 20  # looked at before a change is added, so an item's share always has room for one
LOOK_AHEAD_RECORDS_MAX = 50_000  # behind the oldest change that was not taken; it bounds what is passed over as well


class Passed:
    """What of an item was passed over: sequence numbers, in order. `moment` is that of its last change before."""

    __slots__ = ("moment", "sequences")

    def __init__(self, sequence: int, moment: int) -> None:
        self.sequences = deque((sequence,))
        self.moment = moment


class SendWindow:
    """What is to be sent next, item by item. Every change is in it once, and an item's changes are in order.

    `read`: sequence number up to which the shard was read. `earlier`: windows of shards before it. An item that one of
    them has changes of waits for these.
    """

    def __init__(self, encoder: Encoder, read: int = 0, earlier: Sequence["SendWindow"] = ()) -> None:
        self._encoder = encoder
        self._earlier = earlier
        self._queues: dict[str, deque[Entry]] = {}  # by partition key, in the order in which they are to be sent
        self._records = self._bytes = 0
        self._passed: dict[str, Passed] = {}  # by partition key
        self._ahead: deque[tuple[int, int]] = deque()  # of each read: its last sequence number, its count of changes
        self._ahead_records = 0
        self.read = read

    def __len__(self) -> int:
        return self._records

    @property
    def idle(self) -> bool:
        """Nothing of what was read is still to be sent."""
        return not self._queues and not self._passed

    @property
    def has_room(self) -> bool:
        return self._records < WINDOW_RECORDS_MAX and self._bytes < WINDOW_BYTES_MAX

    def may_look_ahead(self) -> bool:
        """Whether to read on behind `read`."""
        if self._ahead_records >= LOOK_AHEAD_RECORDS_MAX:
            done = self.done()
            while self._ahead and self._ahead[0][0] <= done:
                self._ahead_records -= self._ahead.popleft()[1]
        return self.has_room and self._ahead_records < LOOK_AHEAD_RECORDS_MAX

    def done(self) -> int:
        """The sequence number up to which nothing has to be sent."""
        unsent = [queue[0].sequence for queue in self._queues.values()]
        unsent += [passed.sequences[0] for passed in self._passed.values()]
        return min(unsent, default=self.read + 1) - 1

    def is_unsent(self, change: Change) -> bool:
        if change.sequence > self.read:
            return True
        key = self._encoder.partition_key(change)
        passed = self._passed.get(key)
        if passed is not None and change.sequence >= passed.sequences[0]:
            return True
        return any(entry.sequence == change.sequence for entry in self._queues.get(key, ()))

    def look_ahead(self, found: Sequence[Change], precision: str) -> int:
        """Add what follows `read`. Returns how many changes are too large to be sent."""
        too_large = 0
        for change in found:
            key = self._encoder.partition_key(change)
            passed = self._passed.get(key)
            if passed is not None:
                passed.sequences.append(change.sequence)
                continue
            if self._is_full(key):
                self._passed[key] = Passed(change.sequence, self._queues[key][-1].moment)
                continue
            if self._waits(key):
                latest = max(window._encoder.latest for window in self._earlier)
                self._passed[key] = Passed(change.sequence, latest)
                continue
            too_large += not self._add(self._encoder.encode(change, key, precision))
        self.read = found[-1].sequence
        self._ahead.append((self.read, len(found)))
        self._ahead_records += len(found)
        return too_large

    def exhausted(self) -> list[str]:
        """Partition keys of items that have nothing left but what was passed over, and wait for nothing."""
        return [key for key in self._passed if key not in self._queues and not self._waits(key)]

    def next_passed(self, key: str) -> int | None:
        """The sequence number of what is to be recalled next of an item; None for nothing, or for want of room."""
        passed = self._passed.get(key)
        if passed is None or not self.has_room or self._is_full(key) or self._waits(key):
            return None
        return passed.sequences[0]

    def recall(self, key: str, change: Change, precision: str) -> bool:
        """Add the change that is `next_passed`. Returns whether it is too large to be sent."""
        passed = self._passed[key]
        assert change.sequence == passed.sequences[0]
        entry = self._encoder.encode(change, key, precision, passed.moment)
        passed.moment = entry.moment
        self._drop_passed(key, change.sequence)
        return not self._add(entry)

    def next_call(self) -> list[Entry]:
        """What the next PutRecords is to have: of each item the earliest change that was not taken yet."""
        call: list[Entry] = []
        size = 0
        for queue in self._queues.values():
            size += queue[0].size
            if size > KINESIS_CALL_BYTES_MAX:
                break
            call.append(queue[0])
            if len(call) == KINESIS_CALL_RECORDS_MAX:
                break
        return call

    def settle(self, call: Sequence[Entry], taken: Sequence[bool]) -> None:
        """Forget what was taken of a call. Its items are behind all others then, whether they were taken or not."""
        for entry, is_taken in zip(call, taken, strict=True):
            queue = self._queues.pop(entry.partition_key)
            if is_taken:
                self._remove_first(queue)
            if queue:
                self._queues[entry.partition_key] = queue

    def forget(self, upto: int) -> None:
        """Give up all changes up to a sequence number."""
        for key, queue in list(self._queues.items()):
            while queue and queue[0].sequence <= upto:
                self._remove_first(queue)
            if not queue:
                del self._queues[key]
        for key in list(self._passed):
            self._drop_passed(key, upto)
        self.read = max(self.read, upto)

    def _waits(self, key: str) -> bool:
        return any(key in window._queues or key in window._passed for window in self._earlier)

    def _is_full(self, key: str) -> bool:
        queue = self._queues.get(key)
        return queue is not None and (
            len(queue) >= ITEM_RECORDS_MAX or sum([entry.size for entry in queue]) >= ITEM_BYTES_MAX
        )

    def _add(self, entry: Entry) -> bool:
        """False for a record that is too large; AWS leaves them out as well."""
        if entry.size > KINESIS_RECORD_BYTES_MAX:
            return False
        self._queues.setdefault(entry.partition_key, deque()).append(entry)
        self._records += 1
        self._bytes += entry.size
        return True

    def _remove_first(self, queue: deque[Entry]) -> None:
        entry = queue.popleft()
        self._records -= 1
        self._bytes -= entry.size

    def _drop_passed(self, key: str, upto: int) -> None:
        sequences = self._passed[key].sequences
        while sequences and sequences[0] <= upto:
            sequences.popleft()
        if not sequences:
            del self._passed[key]
