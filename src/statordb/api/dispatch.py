"""From a complete request to its reply: find the operation, parse, check the shape, run it.

An operation is a coroutine. It is driven by hand: where it never waits (reads on an embedded engine) the reply is
there at once, else a future of it; no Task per request.
"""

import asyncio
from collections.abc import Callable, Coroutine
from itertools import islice
from typing import Any

import orjson

from statordb.api.context import Answer, Context
from statordb.api.operations import OPERATIONS, SHORTCUTS
from statordb.commands.gate import Gate
from statordb.commands.policies import Policies
from statordb.commands.turns import Turns
from statordb.model import errors
from statordb.model import request as wire
from statordb.model.budget import UNBOUNDED, Budget, Heavy, InlineBudget, LaneBudget
from statordb.model.errors import ClientError
from statordb.model.limits import INLINE_UNITS_MAX, KIB, UNWEIGHED_BYTES_MAX
from statordb.model.pending import Pending
from statordb.model.request import NOWHERE, Lane, Principal, Reply, error_reply
from statordb.shapes.json import Shapes
from statordb.store.store import Store
from statordb.store.terms import Conflict, Overloaded

# Of a body. What has more may take some milliseconds, which nobody knows before: it waits where others just did so.
LIGHT_BYTES_MAX = 2 * KIB
ASKED_BYTES_MAX = 4 * KIB  # of a body whose document is kept until its request is answered
OUTLINED_MAX = 100  # tables, or parts, of a larger one
USUAL_UNITS_MAX = INLINE_UNITS_MAX // 5  # that the weight of a body takes: a long text of few members has less
_new = tuple.__new__  # makes a named tuple in half the time of calling its class

_NO_MEMBERS: dict[str, Any] = {}

Report = Callable[[wire.Request, BaseException], None]
"""Told of every unexpected exception, for the log."""

# All else that is raised is answered: where what an operation awaits is cancelled, its client must not wait for ever.
_SHUTDOWN = (KeyboardInterrupt, SystemExit)


class Dispatcher:
    """The service behind the wire (`model.request.Service`).

    `lane` takes the requests that are too much for one go here. Without one nobody is held up here, and a request may
    do all that one may do at all. `gate` says who may do what, `turns` who goes on next with what is done in slices.
    """

    def __init__(
        self,
        store: Store,
        shapes: Shapes,
        report: Report,
        endpoint: str = "localhost:8000",
        *,
        lane: Lane | None = None,
        gate: Gate | None = None,
        turns: Turns | None = None,
    ) -> None:
        self._check = shapes.check
        self._shapes = shapes
        self._report = report
        self._lane = lane
        self._new_budget: Callable[[], Budget] = LaneBudget if lane is None else InlineBudget
        # What is the same for all, with what changes from request to request behind it. Clients repeat themselves, and
        # the wire knows them by the same object: the last one's is kept.
        self._turns = turns or Turns()
        self._parts = (store, endpoint, gate or Policies(store), self._turns, self._new_budget)
        self._last = Context(*self._parts, Principal("", "", "", ""), NOWHERE, None, UNBOUNDED, _NO_MEMBERS)

    def handle(self, request: wire.Request, is_turn: bool = False) -> Reply | Pending[Reply]:
        """`is_turn`: it has waited for others, or need not."""
        request.asked = _NO_MEMBERS
        if request.coding:
            return self.passed_on(request)
        body = request.body
        if len(body) > LIGHT_BYTES_MAX and not is_turn:
            return self._in_turn(request)
        budget: Budget | None = None
        try:
            if len(body) > UNWEIGHED_BYTES_MAX:
                budget = self._new_budget()
                budget.weigh(body)
            document = orjson.loads(body)
        except orjson.JSONDecodeError:
            return error_reply(errors.serialization(None))
        except Heavy:
            return self.passed_on(request)
        except ClientError as fault:
            return error_reply(fault)
        request.asked = document if len(body) <= ASKED_BYTES_MAX else _outline(document)
        try:
            context = self._last
            if context.principal is not request.principal or context.origin is not request.origin:
                sender = request.principal, request.origin
                context = self._last = _new(Context, (*self._parts, *sender, None, UNBOUNDED, _NO_MEMBERS))
            # What weighs much is not usual: the rest of its budget counts.
            is_light = budget is None or budget.spent <= USUAL_UNITS_MAX
            shortcut = SHORTCUTS.get(request.operation) if is_light else None
            usual = None if shortcut is None else shortcut(context, document, request.source)
            if usual.__class__ is bytes:
                return _new(Reply, (200, usual, None))
            coroutine: Any = usual
            if usual is None:
                operation = OPERATIONS.get(request.operation)
                if operation is None:
                    raise self._unknown(request.operation)
                members = self._check(request.operation, document)
                context = context.of(request.source, budget or self._new_budget(), members)
                coroutine = operation(context, members)
            waited = coroutine.send(None)
        except StopIteration as done:
            return self.answered(request, done.value)
        except Heavy:
            return self.passed_on(request)
        except _SHUTDOWN:
            raise
        except BaseException as fault:
            return self.failed(request, fault)
        return Resumption(self, request, coroutine, waited)

    def _in_turn(self, request: wire.Request) -> Reply | Pending[Reply]:
        """The reply to a request that may be a slice by itself."""
        turns = self._turns
        if turns.is_free():  # as in the slice in which the rest of it came
            began = turns.clock()
            reply = self.handle(request, True)
            turns.use(turns.clock() - began)
            return reply
        turn = turns.wait(request.source)
        answer: Pending[Reply] = Pending(turn.get_loop())
        turn.add_done_callback(lambda _: self.follow(request, answer, self.handle(request, True)))
        return answer

    def follow(self, request: wire.Request, answer: Pending[Reply], reply: Reply | Pending[Reply]) -> None:
        """Have `answer` be what `reply` is, or will be."""
        if isinstance(reply, Pending):
            reply.add_done_callback(lambda _: answer.set_result(self._reply_of(request, reply)))
        else:
            answer.set_result(reply)

    def _reply_of(self, request: wire.Request, reply: Pending[Reply]) -> Reply:
        try:
            return reply.result()
        except BaseException as fault:
            return self.failed(request, fault)

    def answered(self, request: wire.Request, answer: Answer) -> Reply:
        """The reply of an operation that is done."""
        if answer.__class__ is not dict:
            return _new(Reply, (200, answer, None))
        try:
            return _new(Reply, (200, orjson.dumps(answer), None))
        except Exception as fault:
            return self.failed(request, fault)

    def passed_on(self, request: wire.Request) -> Reply | Pending[Reply]:
        """The reply to a request that begins again in the lane."""
        try:
            if self._lane is None:
                raise RuntimeError("a request is too heavy, and nowhere to go")
            return self._lane.submit(request)
        except Exception as fault:
            return self.failed(request, fault)

    def failed(self, request: wire.Request, fault: BaseException) -> Reply:
        """The reply to a request that raised. A conflict that gets here is that of a write of one item."""
        if isinstance(fault, Conflict):
            fault = errors.transaction_conflict()
        elif isinstance(fault, Overloaded):
            fault = errors.overloaded()
        if isinstance(fault, ClientError):
            return error_reply(fault)
        self._report(request, fault)
        return error_reply(errors.internal())

    def precheck(self, target: str, body: bytes) -> ClientError | None:
        if body:
            try:
                orjson.loads(body)
            except orjson.JSONDecodeError:
                return errors.serialization(None)
        operation = target.rpartition(".")[2]
        return None if operation in OPERATIONS else self._unknown(operation)

    def _unknown(self, operation: str) -> ClientError:
        """It is named where it is one of DynamoDB's, so that whoever misses it is told what is missing."""
        return errors.unknown_operation(operation if operation in self._shapes.operations else None)


def _outline(document: Any) -> Any:
    """What names the tables of a large request, which may have to wait for the answers to others without its body."""
    if document.__class__ is not dict:
        return _NO_MEMBERS
    batch, transaction = document.get("RequestItems"), document.get("TransactItems")
    told: dict[str, Any] = {"TableName": document.get("TableName")}
    if batch.__class__ is dict:
        told["RequestItems"] = dict.fromkeys(islice(batch, OUTLINED_MAX))
    if transaction.__class__ is list:
        told["TransactItems"] = [
            {
                kind: {"TableName": part.get("TableName")}
                for kind, part in islice(item.items(), 1)
                if isinstance(part, dict)
            }
            for item in transaction[:OUTLINED_MAX]
            if isinstance(item, dict)
        ]
    return told


class Resumption(Pending[Reply]):
    """The reply of an operation that waits, driven on by the callbacks of what it waits for."""

    __slots__ = ("_coroutine", "_dispatcher", "_request")

    def __init__(
        self, dispatcher: Dispatcher, request: wire.Request, coroutine: Coroutine[Any, None, Answer], waited: Any
    ) -> None:
        super().__init__(asyncio.get_running_loop() if waited is None else waited.get_loop())
        self._dispatcher = dispatcher
        self._request = request
        self._coroutine = coroutine
        self._wait(waited)

    def _wait(self, waited: Any) -> None:
        if waited is None:  # a bare yield: let others run
            self._loop.call_soon(self._resume, None)
            return
        waited._asyncio_future_blocking = False
        waited.add_done_callback(self._resume)

    def _resume(self, _: Any) -> None:
        try:
            waited = self._coroutine.send(None)
        except StopIteration as done:
            self.set_result(self._dispatcher.answered(self._request, done.value))
        except Heavy:
            self._dispatcher.follow(self._request, self, self._dispatcher.passed_on(self._request))
        except _SHUTDOWN:
            raise
        except BaseException as fault:
            self.set_result(self._dispatcher.failed(self._request, fault))
        else:
            self._wait(waited)
