"""What the log says of requests and duties that failed. A store that does not answer is no fault of the server's: that
is told in a sentence, without where it was met."""

import logging

from statordb.engine.contract import EngineClosed, OutcomeUnknown
from statordb.model.request import Request
from statordb.model.rest import RestRequest
from statordb.model.unanswered import Unanswered

log = logging.getLogger(__name__)


def report_duty(duty: str, fault: BaseException) -> None:
    """A duty is tried again."""
    if is_unanswered(fault):
        log.warning("keeper duty put off: the store does not answer", extra={"duty": duty, "reason": reason(fault)})
    else:
        log.error("keeper duty failed", exc_info=fault, extra={"duty": duty})


def report_request(request: Request | RestRequest, fault: BaseException) -> None:
    facts = {"operation": request.operation, "request_id": request.request_id}
    if isinstance(fault, EngineClosed):  # its client had gone, so nobody waited for it when the server ended
        log.info("operation ended with the server", extra=facts)
    elif is_unanswered(fault):  # clients try again
        log.warning("operation failed: the store does not answer", extra={**facts, "reason": reason(fault)})
    else:
        log.error("operation failed unexpectedly", exc_info=fault, extra=facts)


def is_unanswered(fault: BaseException) -> bool:
    """Whether that is all that a fault comes to."""
    if isinstance(fault, BaseExceptionGroup):
        return all(map(is_unanswered, fault.exceptions))
    return isinstance(fault, (Unanswered, OutcomeUnknown))


def reason(fault: BaseException) -> str:
    """What it comes to, in a sentence."""
    while isinstance(fault, BaseExceptionGroup):
        fault = fault.exceptions[0]
    return str(fault)
