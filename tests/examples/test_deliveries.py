"""The proof that every change reached the function: it must find one that did not."""

from typing import Any

from deliveries import Deliveries, delivered, differences, implied_counts, reached
from ledger import Stored


class Scans:
    """Stands in for the boto3 client: a scan of these items."""

    def __init__(self, *items: dict[str, Any]) -> None:
        self.items = list(items)

    def get_paginator(self, operation: str) -> "Scans":
        assert operation == "scan"
        return self

    def paginate(self, **request: Any) -> list[dict[str, Any]]:
        return [{"Items": [item]} for item in self.items]


def note(at: float, **versions: list[int]) -> dict[str, Any]:
    held = {user: {"NS": [str(version) for version in made]} for user, made in versions.items()}
    return {"at": {"N": str(at)}, "versions": {"M": held}}


def test_a_change_given_twice_counts_from_the_first_time() -> None:
    noted = delivered(Scans(note(12.5, ada=[1, 2]), note(12.0, ada=[2], eve=[1])), "progress")
    assert noted == Deliveries({("ada", 1): 12.5, ("ada", 2): 12.0, ("eve", 1): 12.0}, batches=2, again=1)


def test_a_change_that_did_not_arrive_is_found() -> None:
    found = reached({("ada", 1): 10.0, ("ada", 2): 11.0}, Deliveries({("ada", 1): 10.25, ("eve", 1): 1.0}))
    assert (found.acknowledged, found.missing, found.lags) == (2, [("ada", 2)], [0.25])


def test_a_wrong_count_is_found_on_either_side() -> None:
    carts = {"ada": Stored(1, {"tea": 1, "soap": 2}), "eve": Stored(1, {"tea": 1})}
    right = {("tea", "soap"): 1, ("soap", "tea"): 1}
    assert implied_counts(carts) == right
    assert not differences(right, right)
    assert len(differences(right, {("tea", "soap"): 2, ("soap", "tea"): 1, ("lamp", "tea"): 1})) == 2
