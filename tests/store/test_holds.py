"""Holds: what readers of a log have done with."""

from tests.store.kit import Kit

from statordb.store.holds import Hold, Holds


def test_a_hold_never_goes_back(kit: Kit) -> None:
    """A process that was paused, and has lost its duty since, tells of what it had read when it wakes."""
    holds = Holds(kit.engine)
    kit.run(holds.keep(1, "reader", "shard", Hold(100, ended=True)))
    kit.run(holds.keep(1, "reader", "shard", Hold(50)))
    assert kit.run(holds.of(1)) == {"reader": {"shard": Hold(100, ended=True)}}
    kit.run(holds.keep(1, "reader", "other", Hold(50)))
    kit.run(holds.keep(1, "reader", "other", Hold(60)))
    assert kit.run(holds.of(1))["reader"]["other"] == Hold(60)
