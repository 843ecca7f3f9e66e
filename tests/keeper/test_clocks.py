"""Duties are leased by the clocks of several machines."""

from statordb.engine.cassandra.cluster.clocks import SET_SECONDS_MAX, SKEW_SECONDS_MAX
from statordb.keeper.tenure import LEASE_SECONDS, VALID_SECONDS


def test_servers_may_not_go_on_with_clocks_that_leases_do_not_bear() -> None:
    """Each is that far from a node, at most, and may be set by a little more before it is looked at again: two may be
    twice as far from each other. One that is ahead takes a lease that much too soon, and for as long two would do what
    one must."""
    assert 2 * (SKEW_SECONDS_MAX + SET_SECONDS_MAX) < LEASE_SECONDS - VALID_SECONDS
