"""Counting what is bought together, over a stand-in for DynamoDB's transactions: all of one is done, or nothing."""

from collections import Counter, deque
from collections.abc import Iterable, Mapping
from itertools import permutations
from typing import Any

import pytest
from botocore.exceptions import ClientError
from counts import ACTIONS_MAX, Counts, pair_changes, steps, take
from hypothesis import given
from hypothesis import strategies as st

PRODUCTS = ("apples", "bread", "coffee", "lamp")


def image(version: int, products: Iterable[str]) -> dict[str, Any]:
    lines = {product: {"M": {"quantity": {"N": "1"}}} for product in products}
    return {"user": {"S": "any"}, "version": {"N": str(version)}, "lines": {"M": lines}}


def record(
    cart: str, sequence: int, old: Iterable[str] | None, new: Iterable[str] | None, version: int = 1
) -> dict[str, Any]:
    told: dict[str, Any] = {"Keys": {"user": {"S": cart}}, "SequenceNumber": str(10**20 + sequence)}
    if old is not None:
        told["OldImage"] = image(version - 1, old)
    if new is not None:
        told["NewImage"] = image(version, new)
    return {"dynamodb": told}


class Transactions:
    """Stands in for the boto3 client, for the updates that Counts makes. `busy` transactions fail before one is made;
    `dies_after` of them are made, and the next is the end of the process."""

    def __init__(self) -> None:
        self.positions: dict[str, str] = {}
        self.pairs: Counter[tuple[str, str]] = Counter()
        self.puts: list[dict[str, Any]] = []
        self.sizes: list[int] = []
        self.busy = 0
        self.dies_after = -1

    def transact_write_items(self, TransactItems: list[dict[str, Any]]) -> dict[str, Any]:
        if self.dies_after == 0:
            raise KeyboardInterrupt
        self.dies_after -= 1
        updates = [action["Update"] for action in TransactItems]
        assert len({(update["TableName"], str(update["Key"])) for update in updates}) == len(updates) <= ACTIONS_MAX
        reasons = [self._reason(update) for update in updates]
        if self.busy:
            self.busy -= 1
            reasons[-1] = {"Code": "TransactionConflict"}
        if any(reason["Code"] != "None" for reason in reasons):
            answer: Any = {"Error": {"Code": "TransactionCanceledException"}, "CancellationReasons": reasons}
            raise ClientError(answer, "TransactWriteItems")
        for update in updates:
            self._apply(update)
        self.sizes.append(len(updates))
        return {}

    def _reason(self, update: Mapping[str, Any]) -> dict[str, Any]:
        stored = self.positions.get(update["Key"].get("id", {}).get("S", ""))
        if stored is None or stored < update["ExpressionAttributeValues"][":first"]["S"]:
            return {"Code": "None"}
        return {"Code": "ConditionalCheckFailed", "Item": {"position": {"S": stored}}}

    def _apply(self, update: Mapping[str, Any]) -> None:
        key, values = update["Key"], update["ExpressionAttributeValues"]
        if "id" in key:
            self.positions[key["id"]["S"]] = values[":last"]["S"]
        else:
            self.pairs[key["product"]["S"], key["other"]["S"]] += int(values[":change"]["N"])

    def put_item(self, **request: Any) -> dict[str, Any]:
        self.puts.append(request)
        return {}

    @property
    def counts(self) -> dict[tuple[str, str], int]:
        return {pair: count for pair, count in self.pairs.items() if count}


def implied(carts: Iterable[Iterable[str]]) -> dict[tuple[str, str], int]:
    return Counter(pair for products in carts for pair in permutations(products, 2))


@given(old=st.sets(st.sampled_from(PRODUCTS)), new=st.sets(st.sampled_from(PRODUCTS)))
def test_pair_changes_are_what_the_sets_of_pairs_differ_by(old: set[str], new: set[str]) -> None:
    before, after = set(permutations(old, 2)), set(permutations(new, 2))
    assert pair_changes(old, new) == dict.fromkeys(after - before, 1) | dict.fromkeys(before - after, -1)


def test_a_change_of_quantity_is_no_step() -> None:
    assert not list(steps(record("ada", 1, ["tea", "soap"], ["soap", "tea"], 2)))


def test_a_deleted_cart_takes_its_pairs_with_it() -> None:
    client = Transactions()
    counts = Counts(client, "counts", "progress")
    counts.add([record("ada", 1, None, ["tea", "soap"]), record("ada", 2, ["tea", "soap"], None)])
    assert client.counts == {}


def test_a_cart_that_is_made_anew_is_counted_again() -> None:
    # Its versions begin anew as well: only the stream's sequence numbers go on.
    client = Transactions()
    counts = Counts(client, "counts", "progress")
    for sequence, old, new in ((1, None, ["tea", "soap"]), (2, ["tea", "soap"], None), (3, None, ["tea", "soap"])):
        counts.add([record("ada", sequence, old, new)])
    assert client.counts == {("tea", "soap"): 1, ("soap", "tea"): 1}


def test_many_carts_share_a_transaction() -> None:
    client = Transactions()
    records = [record(f"user-{number}", number, ["tea"], ["tea", "soap"]) for number in range(98)]
    Counts(client, "counts", "progress").add(records)
    assert client.sizes == [100]
    assert client.counts == {("tea", "soap"): 98, ("soap", "tea"): 98}


def test_a_change_too_large_for_a_transaction_goes_in_parts_and_on_from_the_last() -> None:
    many = [f"product-{number:03}" for number in range(120)]
    whole = record("ada", 1, many, [*many, "tea"])
    client = Transactions()
    client.dies_after = 1
    counts = Counts(client, "counts", "progress")
    with pytest.raises(KeyboardInterrupt):
        counts.add([whole])
    client.dies_after = -1
    counts.add([whole])
    # 240 pairs in parts of 99, each with the cart's row; none twice.
    assert client.sizes == [100, 100, 43]
    assert client.counts == dict.fromkeys([*((p, "tea") for p in many), *(("tea", p) for p in many)], 1)


def test_a_transaction_in_the_way_is_waited_for() -> None:
    client = Transactions()
    client.busy = 2
    Counts(client, "counts", "progress").add([record("ada", 1, ["tea"], ["tea", "soap"])])
    assert client.counts == {("tea", "soap"): 1, ("soap", "tea"): 1}


def test_it_gives_up_in_the_end_and_leaves_the_batch_to_come_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("counts.time.sleep", lambda seconds: None)
    client = Transactions()
    client.busy = 1000
    with pytest.raises(TimeoutError):
        Counts(client, "counts", "progress").add([record("ada", 1, ["tea"], ["tea", "soap"])])


def test_what_is_no_conflict_is_raised() -> None:
    class Absent(Transactions):
        def transact_write_items(self, TransactItems: list[dict[str, Any]]) -> dict[str, Any]:
            raise ClientError({"Error": {"Code": "ResourceNotFoundException"}}, "TransactWriteItems")

    with pytest.raises(ClientError, match="ResourceNotFound"):
        Counts(Absent(), "counts", "progress").add([record("ada", 1, ["tea"], ["tea", "soap"])])


def test_taken_steps_keep_their_order_and_fit() -> None:
    waiting = deque(step for number in range(300) for step in steps(record(f"u{number}", number, ["a"], ["a", "b"])))
    sizes = []
    while waiting:
        sizes.append(len(take(waiting)))
    assert sizes == [98, 98, 98, 6]


@st.composite
def deliveries(draw: st.DrawFn) -> tuple[list[dict[str, Any]], list[tuple[int, int, int]], list[set[str]]]:
    """A history of three carts as records in order; batches of it (from, to, transactions until death), where each
    begins at or before the end of the one before; and what the carts hold in the end."""
    carts: list[set[str]] = [set(), set(), set()]
    history = []
    for sequence in range(draw(st.integers(1, 25))):
        number = draw(st.integers(0, 2))
        new = draw(st.sets(st.sampled_from(PRODUCTS)))
        history.append(record(f"user-{number}", sequence, carts[number] or None, new))
        carts[number] = new
    batches, done = [], 0
    while done < len(history):
        end = draw(st.integers(done + 1, len(history)))
        batches.append((draw(st.integers(0, done)), end, -1))
        if draw(st.booleans()):
            batches.insert(-1, (done, draw(st.integers(done, len(history))), draw(st.integers(0, 1))))
        done = end
    return history, batches, carts


@pytest.mark.slow
@given(deliveries())
def test_counts_are_exact_however_often_and_in_whatever_batches_changes_come(
    drawn: tuple[list[dict[str, Any]], list[tuple[int, int, int]], list[set[str]]],
) -> None:
    history, batches, carts = drawn
    client = Transactions()
    counts = Counts(client, "counts", "progress")
    for begin, end, dies_after in batches:
        client.dies_after = dies_after
        try:
            counts.add(history[begin:end])
        except KeyboardInterrupt:
            assert dies_after >= 0
    assert client.counts == implied(carts)


def test_a_note_says_which_versions_came() -> None:
    client = Transactions()
    batch = [record("ada", 1, None, ["tea"], 1), record("eve", 2, None, ["tea"], 1), record("ada", 3, ["tea"], [], 2)]
    Counts(client, "counts", "progress").note([*batch, record("ada", 4, [], None)], "request")
    item = client.puts[0]["Item"]
    assert item["id"] == {"S": "delivery/request"}
    assert item["versions"] == {"M": {"ada": {"NS": ["1", "2"]}, "eve": {"NS": ["1"]}}}
