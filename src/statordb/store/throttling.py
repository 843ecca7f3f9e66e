"""The throttles of tables, as their records say, where throughput is limited."""

from collections.abc import Callable

from statordb.metering.limits import Cause, IndexFacts, bounds_of
from statordb.metering.series import Series
from statordb.metering.shared_buckets import ProcessBuckets
from statordb.metering.tap import Tap
from statordb.metering.throttles import TableThrottle, Throttles
from statordb.store.records import TableRecord

PAY_PER_REQUEST = "PAY_PER_REQUEST"
THROTTLED_REQUESTS = "ThrottledRequests"


class Throttling:
    """Those of a process."""

    def __init__(self, buckets: ProcessBuckets) -> None:
        self._throttles = Throttles(buckets)

    def of(self, record: TableRecord, version: int, tap: Tap) -> TableThrottle:
        """That of a table whose record has that version. What it refuses `tap` counts, by CloudWatch's names."""
        facts = [
            IndexFacts("", record.throughput, record.options.get("OnDemandThroughput")),
            *(
                IndexFacts(index.name, index.throughput, index.options.get("OnDemandThroughput"))
                for index in record.indexes
                if not index.local
            ),
        ]
        bounds = bounds_of(record.billing_mode == PAY_PER_REQUEST, facts)
        return self._throttles.of(record.id, record.arn, bounds, version, _counter(tap))


def _counter(tap: Tap) -> Callable[[str, str, Cause], Callable[[str], None]]:
    def note(operation: str) -> None:
        tap.add(Series(THROTTLED_REQUESTS, operation=operation), 1)

    def told(index: str, way: str, cause: Cause) -> Callable[[str], None]:
        tap.add(Series(f"{way}ThrottleEvents", index), 1)
        tap.add(Series(f"{way}{cause}ThrottleEvents", index), 1)
        return note

    return told
