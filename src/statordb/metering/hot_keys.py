"""Partition keys that take more than a partition gives: found by samples, then counted one by one.

A partition gives 3,000 read and 1,000 write units a second (developer guide, "Designing partition keys to distribute
your workload"). Nothing is kept of keys while a table takes less than a part of that. Each key that samples show to
take enough of it has a bucket that all processes share, and as long as there is one, every request is looked at.
"""

from collections.abc import Callable

from statordb.metering.shared_buckets import Bucket, ProcessBuckets, Terms

WINDOW_SECONDS = 1.0
COUNTED_KEYS_MAX = 256  # of one window: more than can take the part of a limit that makes a key hot
HOT_KEYS_MAX = 64
HOT_SHARE = 2  # of what a process may have of a limit, the part that makes a key hot: 1 / HOT_SHARE


class HotKeys:
    """The hot keys of a table, or of an index, in one direction, as this process sees them.

    `exact`: whether there are any, and each request has to be asked about.
    """

    __slots__ = ("_average", "_began", "_buckets", "_counts", "_home", "_key_of", "_looks", "_spent", "_terms", "exact")  # fmt: skip  # noqa: E501

    def __init__(self, home: ProcessBuckets, key_of: Callable[[bytes], int], units_max: float) -> None:
        """`key_of`: the key of a partition's bucket. `units_max`: what one partition gives a second."""
        self._home = home
        self._key_of = key_of
        self._terms = Terms(units_max, units_max, 1)
        self._counts: dict[bytes, float] = {}
        self._buckets: dict[bytes, Bucket] = {}
        self._began = home.monotonic()
        self._spent = 0.0  # in this window
        self._looks = 0
        self._average = 1.0  # units of a request, in the window before
        self.exact = False

    def take(self, partition: bytes, spent: float) -> bool:
        """Whether a request may ask for a partition. `spent`: units of all keys since the last look."""
        bucket = self._bucket(partition, spent)
        if bucket is None:
            return True
        if bucket.left < self._average and bucket.renew(self._terms.rate) <= 0:
            bucket.refuse(self._average)
            return False
        bucket.left -= self._average
        return True

    def charge(self, partition: bytes, spent: float) -> float:
        """Have a partition pay for a request that has been done; for how many seconds it has nothing left then.
        `spent`: as of `take`."""
        bucket = self._bucket(partition, spent)
        if bucket is None:
            return 0.0
        bucket.left -= self._average
        if bucket.left > 0:
            return 0.0
        level = bucket.renew(self._terms.rate)
        return 0.0 if level > 0 else (self._average - level) / self._terms.rate

    def _bucket(self, partition: bytes, spent: float) -> Bucket | None:
        """Take a sample; the bucket of the partition, if it is hot."""
        now = self._home.monotonic()
        self._sample(partition, spent)
        if now - self._began >= WINDOW_SECONDS:
            self._turn(now)
        return self._buckets.get(partition)

    def miss(self, partition: bytes) -> None:
        """A request for a partition was refused, which `charge` is not told: the partition stays hot by that."""
        self._sample(partition, self._average)

    def _sample(self, partition: bytes, spent: float) -> None:
        self._spent += spent
        self._looks += 1
        self._count(partition, spent)

    def _count(self, partition: bytes, spent: float) -> None:
        counts = self._counts
        if partition in counts:
            counts[partition] += spent
        elif len(counts) < COUNTED_KEYS_MAX:
            counts[partition] = spent
        else:  # as in a space-saving sketch: a new key takes the place, and the count, of the least one
            least = min(counts, key=counts.__getitem__)
            counts[partition] = counts.pop(least) + spent

    def _turn(self, now: float) -> None:
        """Begin a new window with what the last one has shown."""
        elapsed = now - self._began
        enough = self._terms.rate / (HOT_SHARE * self._home.shared.processes) * elapsed
        hot = {}
        if self._spent >= enough:
            found = sorted((key for key, units in self._counts.items() if units >= enough), key=self._counts.get)  # type: ignore[arg-type]
            for key in found[-HOT_KEYS_MAX:]:
                hot[key] = self._buckets.get(key) or self._home.bucket(self._key_of(key), self._terms)
        if self.exact and self._spent:
            self._average = self._spent / self._looks
        for key, bucket in self._buckets.items():
            if key not in hot:
                bucket.renew(0.0)  # what was spent counts
        self._buckets = hot
        self.exact = bool(hot)
        self._counts = {}
        self._began, self._spent, self._looks = now, 0.0, 0
