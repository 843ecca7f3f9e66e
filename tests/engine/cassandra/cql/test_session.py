"""How the driver's errors are told."""

import pytest
from acsylla import errors

from statordb.engine.cassandra.cql import session
from statordb.engine.cassandra.cql.session import TimedOut, Unauthorized, Unreachable


@pytest.mark.parametrize(
    ("fault", "kind"),
    [
        (errors.CassErrorServerWriteTimeout, TimedOut),
        (errors.CassErrorServerUnauthorized, Unauthorized),
        (errors.CassErrorServerUnavailable, Unreachable),
        (errors.CassErrorLibRequestTimedOut, Unreachable),  # no node has said anything, so it is not for others' writes
    ],
)
def test_what_can_be_asked_again_is_told_by_its_cause(fault: type[Exception], kind: type[Unreachable]) -> None:
    assert session._unreachable(fault("reason")).__class__ is kind
