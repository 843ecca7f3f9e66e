"""Tells the audit log of requests: services around those of the APIs, and an observer of what none of them saw.

What a service came to is told when it has come to it, not when the answer is written: a client that does not wait for
the answer to its DeleteTable is told of all the same.
"""

import asyncio
import re
from collections.abc import Callable
from functools import partial
from typing import Any

from statordb.model import errors
from statordb.model.errors import ClientError
from statordb.model.pending import Pending
from statordb.model.request import Principal, Reply, Request, Service, bare_error_reply, error_reply
from statordb.model.rest import JSON, FormService, RestReply, RestRequest, RestService
from statordb.server.audit.entries import DATA_OPERATIONS, KEY_USES, Asked, entry, is_read
from statordb.server.audit.parameters import KEPT_BYTES_MAX, without_secrets
from statordb.server.audit.trail import Trail
from statordb.wire.context import Observer
from statordb.wire.exchange import Exchange
from statordb.wire.forms import REFUSED_ACTION
from statordb.wire.rest import INTERNAL

UNKNOWN = "-"  # the operation of what no service saw
NOT_FOUND = 404
_KEY_IDS = re.compile(rb'"((?:Source)?KeyId|(?:Source|Destination)?KeyMaterialId)":"([A-Za-z0-9:/-]{1,200})"')
FAILED = Reply(500, b"", "InternalServerError")  # of a request whose service raised


class Auditor:
    """What the services of a process share.

    `now`: seconds since the epoch. `has_data`: what reads and changes items is told of too. `is_required`: what would
    be told of is refused while nothing can be.
    """

    def __init__(self, trail: Trail, now: Callable[[], float], has_data: bool, is_required: bool) -> None:
        self._trail = trail
        self.now = now
        self._is_required = is_required
        self.skipped: frozenset[str] = frozenset() if has_data else DATA_OPERATIONS

    def is_stopped(self) -> bool:
        """Whether nothing may be done, since it could not be told of. Has the disk be tried again."""
        if self._is_required and self._trail.is_lost:
            self._trail.wake()
            return True
        return False

    def tell(self, asked: Asked) -> None:
        self._trail.put(partial(entry, asked), asked.principal is None)

    def asked(self, exchange: Exchange, operation: str, principal: Principal | None, body: bytes) -> Asked:
        """What is known of a request before its answer is."""
        headers = exchange.headers
        return Asked(
            self.now(),
            operation,
            exchange.request_id,
            principal,
            exchange.origin,
            headers.get(b"user-agent", b""),
            headers.get(b"authorization", b"") or exchange.url,
            b"/",
            body,
            host=headers.get(b"host", b""),
        )

    def observe(self, exchange: Exchange, reply: Reply) -> None:
        """Tell of what was refused before any service saw it, such as a signature that is wrong."""
        if exchange.operation != UNKNOWN or reply.error is None or reply.status == NOT_FOUND:
            return  # told of by its service; or no call of an API: health, a browser's question
        operation = _claimed_operation(exchange)
        asked = self.asked(exchange, operation, None, b"")
        path = exchange.url.partition(b"?")[0]
        self.tell(asked._replace(status=reply.status, error=reply.error, path=path))

    def observer(self, observe: Observer) -> Observer:
        def observed(exchange: Exchange, reply: Reply, seconds: float) -> None:
            observe(exchange, reply, seconds)
            if exchange.operation == UNKNOWN:
                self.observe(exchange, reply)

        return observed


class AuditedService:
    """A service of an API whose requests name their operation. `form`: how it tells of an error."""

    def __init__(self, service: Service, auditor: Auditor, form: Callable[[ClientError], Reply] = error_reply) -> None:
        self._service = service
        self._auditor = auditor
        self._form = form
        self._skipped = auditor.skipped

    def handle(self, request: Request) -> Any:
        if request.operation in self._skipped:
            return self._service.handle(request)
        auditor = self._auditor
        if auditor.is_stopped():
            return self._form(errors.internal())
        assert isinstance(request, Exchange)
        is_kept = not request.coding and len(request.body) <= KEPT_BYTES_MAX
        body = bytes(request.body) if is_kept else b""
        asked = auditor.asked(request, request.operation, request.principal, body)
        if not is_kept and request.operation not in DATA_OPERATIONS:  # nothing in it is as large: it hides what it asks
            refused = self._form(errors.request_too_large())
            _tell(auditor, asked, refused)
            return refused
        return _told(self._service.handle(request), lambda reply: _tell(auditor, asked, reply))

    def precheck(self, target: str, body: bytes) -> ClientError | None:
        return self._service.precheck(target, body)


class AuditedRest:
    """A service of an API whose requests are known by their path, or by a form. `name`: the service's."""

    def __init__(self, service: RestService, auditor: Auditor, name: str = "lambda") -> None:
        self._service = service
        self._auditor = auditor
        self._name = name

    def handle(self, request: RestRequest) -> Any:
        auditor = self._auditor
        if auditor.is_stopped():
            return self._stopped(request)
        headers, path = request.headers, request.path.encode("latin-1")
        asked = Asked(
            auditor.now(),
            UNKNOWN,
            request.request_id,
            request.principal if request.principal.account else None,
            request.origin,
            headers.get(b"user-agent", b""),
            headers.get(b"authorization", b"") or request.query.encode("latin-1"),
            path,
            bytes(request.body) if path == b"/" and len(request.body) <= KEPT_BYTES_MAX else b"",
            service=self._name,
            host=headers.get(b"host", b""),
        )

        def tell(reply: Reply | RestReply) -> None:
            if request.operation not in auditor.skipped:  # which is known by now
                given, outcome = without_secrets(request.given), without_secrets(request.outcome)
                known = asked._replace(operation=request.operation, given=given, outcome=outcome, about=request.about)
                _tell(auditor, known, reply)

        return _told(self._service.handle(request), tell)

    def _stopped(self, request: RestRequest) -> RestReply:
        return INTERNAL


class AuditedForms(AuditedRest):
    """The same of one that takes forms, which has a form of its own for what is refused."""

    def __init__(self, service: FormService, auditor: Auditor, name: str) -> None:
        super().__init__(service, auditor, name)
        self.is_unsigned = service.is_unsigned
        self.refusal = service.refusal

    def _stopped(self, request: RestRequest) -> RestReply:
        return self.refusal(errors.internal(), request.request_id)


def audited(service: Any, auditor: Auditor | None) -> Any:
    """A service whose requests are told of, if there is somebody to tell."""
    return service if auditor is None else AuditedService(service, auditor)


def audited_bare(service: Any, auditor: Auditor | None) -> Any:
    """The same of an API that tells errors by their bare names."""
    return service if auditor is None else AuditedService(service, auditor, bare_error_reply)


def audited_rest(service: Any, auditor: Auditor | None) -> Any:
    """The same of a REST API's; None for none."""
    return service if auditor is None or service is None else AuditedRest(service, auditor)


def audited_forms(service: Any, auditor: Auditor | None, name: str) -> Any:
    """The same of an API's that takes forms."""
    return service if auditor is None else AuditedForms(service, auditor, name)


def _claimed_operation(exchange: Exchange) -> str:
    """The operation that a request names which nobody has believed."""
    target = exchange.headers.get(b"x-amz-target")
    if target is not None:
        return target.rpartition(b".")[2].decode("latin-1") or UNKNOWN
    return exchange.headers.get(REFUSED_ACTION, b"").decode("latin-1") or UNKNOWN


def _tell(auditor: Auditor, asked: Asked, reply: Reply | RestReply) -> None:
    answer = b"" if asked.operation in DATA_OPERATIONS else _kept(asked.operation, reply)
    auditor.tell(asked._replace(status=reply.status, error=reply.error, answer=answer))


def _kept(operation: str, reply: Reply | RestReply) -> bytes:
    """What may be told of an answer: what became of a change, what an error says, which key was used. What a key has
    opened, or made, is not kept until the entry is written."""
    body = reply.body
    if len(body) > KEPT_BYTES_MAX or (isinstance(reply, RestReply) and reply.content_type != JSON):
        return b""
    if reply.error is None and is_read(operation):
        found = _KEY_IDS.findall(bytes(body)) if operation.startswith(KEY_USES) else ()
        return b"{%b}" % b",".join(b'"%b":"%b"' % each for each in found) if found else b""
    return bytes(body)


def _told(answer: Any, tell: Callable[[Any], None]) -> Any:
    """The answer, or one that comes later, of which is told."""
    if isinstance(answer, (Reply, RestReply)):
        tell(answer)
        return answer
    relayed: Pending[Any] = Pending(asyncio.get_running_loop())

    def finish(future: Any) -> None:
        try:
            reply = future.result()
        except BaseException as fault:
            tell(FAILED)
            relayed.set_exception(fault)
        else:
            tell(reply)
            relayed.set_result(reply)

    answer.add_done_callback(finish)
    return relayed
