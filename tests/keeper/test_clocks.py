"""Duties are leased by the clocks of several machines."""

from statordb.engine.cassandra.cluster.clocks import SKEW_SECONDS_MAX
from statordb.keeper.tenure import LEASE_SECONDS, VALID_SECONDS


def test_servers_may_not_start_with_clocks_that_leases_do_not_bear() -> None:
    """Each is that far from a node, at most: two may be twice as far from each other. One that is ahead takes a lease
    that much too soon, and for as long two would do what one must."""
    assert 2 * SKEW_SECONDS_MAX < LEASE_SECONDS - VALID_SECONDS
