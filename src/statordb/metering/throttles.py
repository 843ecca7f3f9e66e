"""Whether a request may be done now, by the units that its table and its indexes have left.

A request is admitted while there is anything left, and may leave a debt. When it is admitted it pays the least that a
request costs, so that those under way at a time are counted too, and the rest when it is done. While there is much left
a process may spend a part of it before it looks again: being admitted is then a subtraction.
"""

from collections.abc import Callable, Iterable
from hashlib import blake2b

from statordb.metering.hot_keys import HotKeys
from statordb.metering.limits import (
    PARTITION_READ_UNITS_MAX,
    PARTITION_WRITE_UNITS_MAX,
    READ,
    WRITE,
    Bounds,
    Cause,
    Limit,
)
from statordb.metering.shared_buckets import Bucket, ProcessBuckets, Terms
from statordb.model.errors import Throttled
from statordb.model.throughput_errors import (
    account_limit_exceeded,
    on_demand_maximum_exceeded,
    on_demand_partition_exceeded,
    provisioned_throughput_exceeded,
)

READ_UNITS_MIN = 0.5  # that a request costs at least
WRITE_UNITS_MIN = 1.0
UNSEEN_UNITS_MAX = 64.0  # that a process spends between two looks
UNSEEN_SECONDS_MAX = 0.25  # of a bucket's rate, in the same way
TABLES_MAX = 4096  # whose throttles a process keeps while nobody uses them
FULL_MAX = 256  # partitions of a table's indexes that are known to have nothing left

_GOLDEN = 0.6180339887  # of a circle: steps of it come to all parts of it alike

Partition = Callable[[], bytes | None]
"""Works out a partition key's bytes; None where it is not of one."""

Told = Callable[[str, str, Cause], Callable[[str], None]]
"""Told of each refusal: the index, or ""; READ or WRITE; why. It gives what is to be told of the operation."""


def _nowhere() -> None:
    return None


class Throttle:
    """One direction of a table ("") or an index. `resource`: its ARN."""

    __slots__ = ("_most", "_phase", "_resource", "_told", "bucket", "cause", "hot", "index", "least", "way")

    def __init__(
        self, bucket: Bucket, cause: Cause, index: str, way: str, resource: str, hot: HotKeys, told: Told
    ) -> None:
        self.bucket = bucket
        self.cause = cause
        self.index = index
        self.way = way
        self.least = READ_UNITS_MIN if way == READ else WRITE_UNITS_MIN
        self._most = max(self.least, min(UNSEEN_UNITS_MAX, bucket.terms.rate * UNSEEN_SECONDS_MAX))
        self._phase = 0.0
        self._resource = resource
        self.hot = hot
        self._told = told

    def admit(self, partition: bytes | None) -> None:
        """Raises Throttled. `partition`: None where it is not of one."""
        bucket = self.bucket
        left = bucket.left - self.least
        if left >= 0.0:
            bucket.left = left
        else:
            self.look(partition)

    def look(self, partition: bytes | None) -> None:
        """The same where what was granted is spent."""
        bucket, hot = self.bucket, self.hot
        spent = bucket.spent()
        if bucket.renew(self._part()) <= 0:
            raise self.refusal(self.cause)
        if partition is not None:
            may = hot.take(partition, spent)
            if hot.exact:
                bucket.renew(0.0)
            if not may:
                raise self.refusal(Cause.PARTITION)
        bucket.left -= self.least

    def look_back(self, partition: bytes | None) -> tuple[bool, float]:
        """What was granted is spent by what has been done, lastly in a partition: whether there is more; and for how
        many seconds that partition has nothing left."""
        bucket, hot = self.bucket, self.hot
        spent = bucket.spent()
        has_more = bucket.renew(self._part()) > 0
        if partition is None:
            return has_more, 0.0
        seconds = hot.charge(partition, spent)
        if hot.exact:
            bucket.renew(0.0)
        return has_more, seconds

    def _part(self) -> float:
        """The most to be spent before the next look. Keys that come in turn must not all be looked at at one of
        them."""
        self._phase = (self._phase + _GOLDEN) % 1.0
        return self._most * (1.0 - 0.5 * self._phase)

    def has_some(self) -> bool:
        """Whether there is anything left; nothing is taken of it."""
        return self.bucket.left > 0 or self.bucket.renew(self._most) > 0

    def refusal(self, cause: Cause) -> Throttled:
        """The error of a refusal, which is counted."""
        self.bucket.refuse(self.least)
        is_index = self.index != ""
        reason = f"{'Index' if is_index else 'Table'}{self.way}{cause}Exceeded"
        arn = self._resource
        if cause is Cause.PROVISIONED or (cause is Cause.PARTITION and self.cause is Cause.PROVISIONED):
            fault = provisioned_throughput_exceeded(reason, arn, is_index)
        elif cause is Cause.PARTITION:
            fault = on_demand_partition_exceeded(reason, arn, is_index)
        elif cause is Cause.MAXIMUM:
            fault = on_demand_maximum_exceeded(reason, arn)
        else:
            fault = account_limit_exceeded(reason, arn)
        fault.note = self._told(self.index, self.way, cause)
        return fault


class TableThrottle:
    """Those of one table, in one process. They follow its record: `set_bounds`.

    read_bucket, write_bucket  the table's own, for hot paths.
    full                       (index, partition) that has nothing left for writes -> monotonic time until which.
    """

    __slots__ = (
        "_arn", "_home", "_pressed", "_reads", "_table_id", "_told", "_version", "_writes", "full", "read_bucket",
        "write_bucket",
    )  # fmt: skip

    def __init__(
        self, home: ProcessBuckets, table_id: str, arn: str, bounds: Iterable[Bounds], version: int, told: Told
    ) -> None:
        self._home = home
        self._table_id = table_id
        self._arn = arn
        self._told = told
        self._version = -1
        self._reads: dict[str, Throttle] = {}
        self._writes: dict[str, Throttle] = {}
        self.full: dict[tuple[str, bytes], float] = {}
        self.set_bounds(bounds, version)

    def set_bounds(self, bounds: Iterable[Bounds], version: int) -> None:
        """Follow the table's record of that version. Buckets keep their level; what is older than known is nothing."""
        if version <= self._version:
            return
        self._version = version
        known = {each.bucket.key: each.bucket for each in (*self._reads.values(), *self._writes.values())}
        reads, writes = {}, {}
        for name, read, write in bounds:
            reads[name] = self._throttle(name, READ, read, known)
            writes[name] = self._throttle(name, WRITE, write, known)
        self._reads, self._writes = reads, writes
        kept = {each.bucket.key for each in (*reads.values(), *writes.values())}
        for key, bucket in known.items():
            if key not in kept:
                bucket.renew(0.0)
        self._pressed: list[Throttle] = []  # of indexes that had nothing left when they were written to
        self.read_bucket, self.write_bucket = reads[""].bucket, writes[""].bucket

    def _throttle(self, name: str, way: str, limit: Limit, known: dict[int, Bucket]) -> Throttle:
        of = "" if limit.cause is Cause.ACCOUNT else name  # a quota is the table's with all of its indexes
        key = _key(self._table_id, of, way, limit.cause)
        terms = Terms(limit.rate, limit.capacity, self._version)
        bucket = known.get(key)
        if bucket is None:
            bucket = known[key] = self._home.bucket(key, terms)
        bucket.terms = terms
        units_max = PARTITION_READ_UNITS_MAX if way == READ else PARTITION_WRITE_UNITS_MAX
        table_id = self._table_id
        hot = HotKeys(self._home, lambda partition: _key(table_id, name, way, "", partition), units_max)
        arn = f"{self._arn}/index/{name}" if name else self._arn
        return Throttle(bucket, limit.cause, name, way, arn, hot, self._told)

    def admit_read(self, partition: bytes | None) -> None:
        """A read of the table, or of a local index of it. Raises Throttled."""
        bucket = self.read_bucket
        left = bucket.left - READ_UNITS_MIN
        if left >= 0.0:
            bucket.left = left
        else:
            self._reads[""].look(partition)

    def admit_index_read(self, index: str, partition: bytes | None) -> None:
        """A read of any index. Raises Throttled."""
        throttle = self._reads.get(index) or self._reads[""]
        throttle.admit(partition)

    def admit_write(self, partition: bytes | None) -> None:
        """A write of an item. Raises Throttled, also where an index that it may have to be written to has nothing
        left."""
        bucket = self.write_bucket
        left = bucket.left - WRITE_UNITS_MIN
        if left >= 0.0 and not self._pressed:
            bucket.left = left
        else:
            self._look(partition)

    def _look(self, partition: bytes | None) -> None:
        while self._pressed:
            throttle = self._pressed[-1]
            if not throttle.has_some():
                raise throttle.refusal(throttle.cause)
            self._pressed.pop()
        self._writes[""].admit(partition)

    def charge_read(self, units: float, index: str = "") -> None:
        """What a read has used beyond what it paid when it was admitted."""
        throttle = self._reads.get(index) or self._reads[""]
        throttle.bucket.left -= units

    def charge_write(self, units: float) -> None:
        """What a write has used of the table beyond what it paid when it was admitted."""
        self.write_bucket.left -= units

    def charge_index_write(self, index: str, units: float, partition: Partition = _nowhere) -> None:
        """What a write has used of an index: of a local one the table pays. `partition`: where in the index."""
        throttle = self._writes.get(index)
        if throttle is None:
            self.write_bucket.left -= units
            return
        throttle.bucket.left -= units
        if throttle.bucket.left >= 0.0:
            return
        where = partition()
        has_more, full_seconds = throttle.look_back(where)
        if not has_more and throttle not in self._pressed:
            self._pressed.append(throttle)
        if full_seconds and where is not None and len(self.full) < FULL_MAX:
            self.full[index, where] = self._home.monotonic() + full_seconds

    def has_full(self) -> bool:
        """Whether there is an index with a partition that has nothing left for writes."""
        if self.full:
            now = self._home.monotonic()
            self.full = {place: until for place, until in self.full.items() if until > now}
        return bool(self.full)

    def refuse_full(self, index: str, partition: bytes) -> None:
        """Raises Throttled where a partition of an index has nothing left for a write that has been admitted."""
        until, throttle = self.full.get((index, partition)), self._writes.get(index)
        if until is not None and until > self._home.monotonic() and throttle is not None:
            self.write_bucket.left += WRITE_UNITS_MIN
            throttle.hot.miss(partition)
            raise throttle.refusal(Cause.PARTITION)


class Throttles:
    """The throttles of a process's tables."""

    def __init__(self, home: ProcessBuckets) -> None:
        self._home = home
        self._known: dict[str, TableThrottle] = {}

    def of(self, table_id: str, arn: str, bounds: Iterable[Bounds], version: int, told: Told) -> TableThrottle:
        """Those of a table whose record has that version."""
        throttle = self._known.pop(table_id, None)
        if throttle is None:
            throttle = TableThrottle(self._home, table_id, arn, bounds, version, told)
            if len(self._known) >= TABLES_MAX:
                self._known.pop(next(iter(self._known)))
        else:
            throttle.set_bounds(bounds, version)
        self._known[table_id] = throttle
        return throttle


def _key(table_id: str, index: str, way: str, cause: str, partition: bytes = b"") -> int:
    """The key of a bucket, which is the same on every server."""
    name = f"{table_id}/{index}/{way}/{cause}/".encode()
    return int.from_bytes(blake2b(name + partition, digest_size=8).digest(), "big")
