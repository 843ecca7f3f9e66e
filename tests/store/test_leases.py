"""Leases: one holder at a time, until it ends, is renewed, or is given back."""

from tests.store.kit import Kit

from statordb.store.leases import Leases


def test_a_lease_has_one_holder_until_it_ends(kit: Kit) -> None:
    leases = Leases(kit.engine)

    def take(holder: str, now: float) -> bool:
        taken: bool = kit.run(leases.take("duty", holder, now, 10.0))
        return taken

    assert take("a", 100.0)
    assert not take("b", 100.0)
    assert not take("b", 109.9)
    assert take("a", 109.0)  # renewed
    assert not take("b", 118.9)
    assert take("b", 119.0)
    assert not take("a", 119.0)


def test_leases_of_several_duties_are_apart(kit: Kit) -> None:
    leases = Leases(kit.engine)
    assert kit.run(leases.take("one", "a", 100.0, 10.0))
    assert kit.run(leases.take("two", "b", 100.0, 10.0))


def test_only_the_holder_can_give_a_lease_back(kit: Kit) -> None:
    leases = Leases(kit.engine)
    kit.run(leases.release("duty", "a"))  # nobody has it: nothing happens
    assert kit.run(leases.take("duty", "a", 100.0, 10.0))
    kit.run(leases.release("duty", "b"))
    assert not kit.run(leases.take("duty", "b", 100.0, 10.0))
    kit.run(leases.release("duty", "a"))
    assert kit.run(leases.take("duty", "b", 100.0, 10.0))
