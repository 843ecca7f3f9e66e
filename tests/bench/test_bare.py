"""The bare driver on a real cluster: what it is asked to measure must be what it does."""

import pytest

from bare import Bare
from load import LoadFailed


@pytest.mark.slow
def test_it_reads_and_writes_on_cassandra_and_leaves_nothing(cassandra_hosts: tuple[str, ...]) -> None:
    for _ in range(2):  # the second time finds nothing of the first
        with Bare(cassandra_hosts, "dc1", "bench_of_the_bare_driver", rows=32) as bare:
            assert sum(bare._versions) == 32
            written = bare.update(0.2)
            assert (written.errors, written.rate > 0) == (0, True)
            assert sum(bare._versions) > 32
            read = bare.select(0.2)
            assert (read.errors, read.rate > written.rate) == (0, True)


@pytest.mark.slow
def test_a_datacenter_that_cassandra_does_not_have_is_said(cassandra_hosts: tuple[str, ...]) -> None:
    with pytest.raises(LoadFailed), Bare(cassandra_hosts, "nowhere", "bench_of_the_bare_driver"):
        pass
