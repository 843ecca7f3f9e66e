"""What is logged of requests and duties that fail."""

import logging
from typing import Any

import pytest

from statordb.engine.cassandra.cql.session import TimedOut
from statordb.engine.contract import EngineClosed
from statordb.model.request import Principal, Request
from statordb.model.unanswered import Unanswered
from statordb.server.reports import report_duty, report_request

ASKED = Request("GetItem", b"{}", Principal("000000000000", "local", "us-east-1", ""), "the-id")
DROPPED = ExceptionGroup("tables", [Unanswered("a table is not to be seen"), TimedOut("too few answered")])


@pytest.mark.parametrize(
    ("fault", "level", "has_traceback"),
    [
        (Unanswered("a table is not to be seen"), logging.WARNING, False),
        (DROPPED, logging.WARNING, False),
        (ExceptionGroup("tables", [Unanswered("away"), KeyError("ours")]), logging.ERROR, True),
        (KeyError("ours"), logging.ERROR, True),
    ],
)
def test_what_the_store_does_not_answer_is_told_without_a_traceback(
    fault: Exception, level: int, has_traceback: bool, caplog: pytest.LogCaptureFixture
) -> None:
    report_duty("backfill", fault)
    report_request(ASKED, fault)
    duty, request = caplog.records
    assert duty.levelno == request.levelno == level
    assert bool(duty.exc_info) == bool(request.exc_info) == has_traceback
    told: Any = request
    assert (told.operation, told.request_id, duty.__dict__["duty"]) == ("GetItem", "the-id", "backfill")
    if not has_traceback:
        assert duty.__dict__["reason"] in ("a table is not to be seen", "too few answered")


def test_who_asked_when_the_server_ended_is_no_fault(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    report_request(ASKED, EngineClosed())
    assert [record.levelno for record in caplog.records] == [logging.INFO]
