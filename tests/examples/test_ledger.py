"""The proof itself: it must find a lost update, or it proves nothing."""

from hypothesis import given
from hypothesis import strategies as st

from ledger import Ledger, Stored

USER = "ada"


def three_changes() -> Ledger:
    ledger = Ledger()
    ledger.acknowledge(USER, "tea", before=0, after=2, version=1)
    ledger.acknowledge(USER, "tea", before=2, after=5, version=2)
    ledger.acknowledge(USER, "soap", before=0, after=1, version=3)
    return ledger


def test_carts_that_hold_what_was_acknowledged_pass() -> None:
    verdict = three_changes().check({USER: Stored(3, {"tea": 5, "soap": 1})})
    assert verdict.faults == []
    assert (verdict.acknowledged, verdict.found, verdict.changes) == (6, 6, 3)


def test_a_lost_add_is_found() -> None:
    assert three_changes().check({USER: Stored(3, {"tea": 2, "soap": 1})}).faults


def test_a_missing_cart_is_found() -> None:
    assert three_changes().check({}).faults


def test_losses_that_cancel_out_in_the_sum_are_found() -> None:
    verdict = three_changes().check({USER: Stored(3, {"tea": 4, "soap": 2})})
    assert verdict.found == verdict.acknowledged
    assert len(verdict.faults) == 2


def test_two_changes_of_one_version_are_found() -> None:
    # Both browsers believe that they made version 1: one was written over the other.
    ledger = Ledger()
    ledger.acknowledge(USER, "tea", 0, 1, version=1)
    ledger.acknowledge(USER, "tea", 0, 1, version=1)
    assert any("same version" in fault for fault in ledger.check({USER: Stored(1, {"tea": 2})}).faults)


def test_a_version_that_nobody_made_is_found() -> None:
    assert three_changes().check({USER: Stored(4, {"tea": 5, "soap": 1})}).faults


def test_a_cart_that_nobody_filled_is_found() -> None:
    assert Ledger().check({"eve": Stored(1, {"tea": 1})}).faults


@given(made=st.booleans(), quantity=st.integers(1, 9))
def test_an_unknown_add_fits_whether_made_or_not(made: bool, quantity: int) -> None:
    ledger = three_changes()
    ledger.lose(USER, "tea", "add", quantity)
    stored = Stored(3 + made, {"tea": 5 + made * quantity, "soap": 1})
    verdict = ledger.check({USER: stored})
    assert verdict.faults == []
    assert (verdict.least, verdict.most, verdict.unknown) == (6, 6 + quantity, 1)


def test_an_unknown_removal_fits_whether_made_or_not() -> None:
    for stored in (Stored(3, {"tea": 5, "soap": 1}), Stored(4, {"soap": 1})):
        ledger = three_changes()
        ledger.lose(USER, "tea", "remove", 0)
        assert ledger.check({USER: stored}).faults == []


def test_an_unknown_change_excuses_no_other_line() -> None:
    ledger = three_changes()
    ledger.lose(USER, "tea", "change", 1)
    assert len(ledger.check({USER: Stored(4, {"tea": 1, "soap": 7})}).faults) == 1
