"""CloudWatch's API behind the wire (`model.rest.FormService`), once for each of its protocols.

The service model, and the operations, are loaded with the first request: a server that nobody watches by CloudWatch
starts no slower, and needs no more memory.
"""

import asyncio
from collections.abc import Callable, Mapping
from functools import partial
from typing import TYPE_CHECKING, NamedTuple

from statordb.cloudwatch_api import errors
from statordb.cloudwatch_api.context import Context, Operation
from statordb.cloudwatch_api.errors import CloudWatchError
from statordb.commands.calls import Calls
from statordb.commands.gate import Gate
from statordb.commands.turns import Turns
from statordb.model.errors import ClientError
from statordb.model.rest import RestReply, RestRequest
from statordb.store.store import Store
from statordb.store.terms import Conflict, Overloaded

if TYPE_CHECKING:
    from statordb.cloudwatch_api.protocols import Protocols

CLAIMED = "monitoring"  # the name that signatures have of the service
TARGET_PREFIX = "GraniteServiceVersion20100801"
REQUEST_BYTES_MAX = 256 * 1024  # of a body: 500 queries of GetMetricData, each with names of some 200 characters
READ_HERE_BYTES_MAX = 32 * 1024  # larger ones are read in a thread
# Their answers may be of megabytes, and are written in a thread.
LISTING = frozenset(
    ("DescribeAlarmHistory", "DescribeAlarms", "DescribeAlarmsForMetric", "GetMetricData", "GetMetricStatistics",
     "ListMetrics")
)  # fmt: skip
QUERY, JSON, CBOR = "query", "json", "cbor"

Report = Callable[[RestRequest, BaseException], None]
"""Told of every unexpected exception, for the log."""


class Api(NamedTuple):
    """What is loaded with the first request."""

    protocols: "Protocols"
    operations: Mapping[str, Operation]


def load_api() -> Api:
    """Raises ServiceModelMissing."""
    from statordb.cloudwatch_api.operations import OPERATIONS
    from statordb.cloudwatch_api.protocols import Protocols

    return Api(Protocols(), OPERATIONS)


class CloudWatch:
    """What the protocols share."""

    def __init__(self, store: Store, gate: Gate, report: Report, turns: Turns | None = None) -> None:
        self.store = store
        self.gate = gate
        self.report = report
        self.calls = Calls(load_api, turns)

    def speaking(self, form: str) -> "CloudWatchService":
        """The service, in one of its protocols."""
        return CloudWatchService(self, form)

    async def close(self) -> None:
        """Cancel what still runs, and await its end."""
        await self.calls.close()


class CloudWatchService:
    """Answers requests in one protocol, each by a task of its own."""

    def __init__(self, shared: CloudWatch, form: str) -> None:
        self._shared = shared
        self._form = form

    def is_unsigned(self, body: bytes) -> bool:
        return False

    def refusal(self, error: ClientError, request_id: str) -> RestReply:
        return self._told(errors.of_client_error(error), request_id)

    def handle(self, request: RestRequest) -> asyncio.Task[RestReply]:
        return self._shared.calls.begin(self._answer(request), request.source, partial(self._failed, request))

    async def _answer(self, request: RestRequest) -> RestReply:
        try:
            return await self._run(request)
        except CloudWatchError as fault:
            return self._told(fault, request.request_id)
        except ClientError as fault:
            return self.refusal(fault, request.request_id)
        except (Overloaded, Conflict):
            return self._told(errors.throttling(), request.request_id)

    def _failed(self, request: RestRequest, error: BaseException) -> RestReply:
        self._shared.report(request, error)
        return self._told(errors.internal(), request.request_id)

    async def _run(self, request: RestRequest) -> RestReply:
        api = await self._shared.calls.api()
        form = api.protocols.form(self._form)
        is_large = len(request.body) > READ_HERE_BYTES_MAX
        name, document = await asyncio.to_thread(form.call, request) if is_large else form.call(request)
        if name not in api.protocols.operations:
            raise errors.invalid_action(name[:128])
        request.operation = name
        operation = api.operations.get(name)
        if operation is None:
            raise errors.not_implemented(name)
        read = partial(api.protocols.checked, form, name, document)
        given = await asyncio.to_thread(read) if is_large else read()
        request.given = given
        context = Context(self._shared.store, self._shared.gate, request.principal, request.origin, name)
        outcome = await operation(context, given)
        if name in LISTING:
            return await asyncio.to_thread(form.answer, name, outcome, request.request_id)
        return form.answer(name, outcome, request.request_id)

    def _told(self, fault: CloudWatchError, request_id: str) -> RestReply:
        from statordb.cloudwatch_api.protocols import refusal  # with the first error, not at the start

        return refusal(self._form, fault, request_id)
