"""How many carts hold two products together, counted from the changes of carts: each change once, however often it
comes.

A stream gives every change at least once, and those of one cart in order. So each cart has a row that says up to which
change it has been counted. One transaction moves that row on and adds what came and went to the counts, on condition
that the row has not moved past those changes. A change that comes again finds its row moved, and is left out.

A transaction has at most 100 actions. The changes of many carts share one; what they do to the same pair of products is
added up first. A change that is itself too large (a product joins a cart of more than 49 others) goes in parts, cut the
same way each time, and the row says which part was the last.
"""

import random
import time
from collections import Counter, deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from itertools import islice
from typing import Any, NamedTuple

from botocore.exceptions import ClientError

ACTIONS_MAX = 100  # of one TransactWriteItems
ATTEMPTS_MAX = 12
BACKOFF_SECONDS_MAX = 0.5
SEQUENCE_DIGITS_MAX = 40  # padded to this, sequence numbers sort as text
CART_SECONDS_KEPT = 3 * 24 * 3600  # a change can come again for a day, the life of a stream's record
DELIVERY_SECONDS_KEPT = 3600

Pair = tuple[str, str]


class Step(NamedTuple):
    """What a change of a cart, or a part of it, does to the counts. `position` orders the steps of a cart, as text."""

    cart: str
    position: str
    changes: Mapping[Pair, int]


def products(image: Mapping[str, Any] | None) -> frozenset[str]:
    """The products in a cart, from its item as the stream shows it; none where there was no cart."""
    return frozenset(image["lines"]["M"]) if image and "lines" in image else frozenset()


def pair_changes(old: AbstractSet[str], new: AbstractSet[str]) -> dict[Pair, int]:
    """+1 for each pair that came, -1 for each that went. A pair is there both ways round: it is read from either side.

    Looks at what changed only: a product that joins a cart of many costs as many pairs as the cart has products, not
    their square.
    """
    changes: dict[Pair, int] = {}
    for change, moved, held in ((1, new - old, new), (-1, old - new, old)):
        for product in moved:
            for other in held:
                if other != product:
                    changes[product, other] = changes[other, product] = change
    return changes


def steps(record: Mapping[str, Any]) -> Iterator[Step]:
    """The steps of one record of the carts' stream. Most changes alter quantities only, and have none."""
    told = record["dynamodb"]
    changes = pair_changes(products(told.get("OldImage")), products(told.get("NewImage")))
    pairs = iter(sorted(changes))
    part = 0
    while some := list(islice(pairs, ACTIONS_MAX - 1)):  # and one action for the cart's row
        position = f"{told['SequenceNumber']:0>{SEQUENCE_DIGITS_MAX}}.{part:04}"
        yield Step(told["Keys"]["user"]["S"], position, {pair: changes[pair] for pair in some})
        part += 1


def take(waiting: deque[Step]) -> list[Step]:
    """The first of the waiting steps, as many as one transaction holds."""
    taken: list[Step] = []
    touched: set[object] = set()
    while waiting:
        more = {waiting[0].cart, *waiting[0].changes}
        if len(touched | more) > ACTIONS_MAX:
            break
        touched |= more
        taken.append(waiting.popleft())
    return taken


class Counts:
    """The counts in one table, and in another what has been counted and when. `client` is boto3's of DynamoDB."""

    def __init__(self, client: Any, table: str, progress: str) -> None:
        self.client = client
        self.table = table
        self.progress = progress

    def add(self, records: Iterable[Mapping[str, Any]]) -> None:
        """Count a batch of the stream's records; returns when all of it is counted, now or earlier."""
        waiting = deque(step for record in records for step in steps(record))
        attempt = 0
        while waiting:
            taken = take(waiting)
            counted = self._write(taken)
            if counted is None:
                attempt = 0
                continue
            # Nothing was written. What was counted before is left out; the rest goes again, in its order.
            waiting.extendleft(step for step in reversed(taken) if step.position > counted.get(step.cart, ""))
            attempt += 1
            if attempt == ATTEMPTS_MAX:
                raise TimeoutError(f"the counts were being changed by others {ATTEMPTS_MAX} times in a row")
            if not counted:
                time.sleep(random.uniform(0, min(BACKOFF_SECONDS_MAX, 0.005 * 2**attempt)))

    def _write(self, taken: Sequence[Step]) -> dict[str, str] | None:
        """Write steps in one transaction. None: done. Otherwise nothing was written, and the answer is how far the
        carts are counted that are further than the steps; empty if another transaction was in the way."""
        first: dict[str, str] = {}
        last: dict[str, str] = {}
        pairs: Counter[Pair] = Counter()
        for step in taken:
            first.setdefault(step.cart, step.position)
            last[step.cart] = step.position
            pairs.update(step.changes)
        expires_at = int(time.time()) + CART_SECONDS_KEPT
        carts = list(first)
        actions = [self._move(cart, first[cart], last[cart], expires_at) for cart in carts]
        actions += [self._count(pair, change) for pair, change in sorted(pairs.items()) if change]
        try:
            self.client.transact_write_items(TransactItems=actions)
        except ClientError as refusal:
            code = refusal.response["Error"]["Code"]
            if code not in ("TransactionCanceledException", "TransactionInProgressException"):
                raise
            reasons = refusal.response.get("CancellationReasons", [])
            return {
                cart: reason["Item"]["position"]["S"]
                for cart, reason in zip(carts, reasons, strict=False)
                if reason["Code"] == "ConditionalCheckFailed"
            }
        return None

    def _move(self, cart: str, first: str, last: str, expires_at: int) -> dict[str, Any]:
        """Say that a cart is counted up to `last`, on condition that it is not up to `first`."""
        return {
            "Update": {
                "TableName": self.progress,
                "Key": {"id": {"S": f"cart/{cart}"}},
                "UpdateExpression": "SET #position = :last, expires_at = :expires_at",
                "ConditionExpression": "attribute_not_exists(#position) OR #position < :first",
                "ExpressionAttributeNames": {"#position": "position"},
                "ExpressionAttributeValues": {
                    ":first": {"S": first},
                    ":last": {"S": last},
                    ":expires_at": {"N": str(expires_at)},
                },
                "ReturnValuesOnConditionCheckFailure": "ALL_OLD",
            }
        }

    def _count(self, pair: Pair, change: int) -> dict[str, Any]:
        return {
            "Update": {
                "TableName": self.table,
                "Key": {"product": {"S": pair[0]}, "other": {"S": pair[1]}},
                "UpdateExpression": "ADD carts :change",
                "ExpressionAttributeValues": {":change": {"N": str(change)}},
            }
        }

    def note(self, records: Iterable[Mapping[str, Any]], delivery: str) -> None:
        """Keep for a while which versions of which carts came, and that they are counted as of now."""
        versions: dict[str, list[str]] = {}
        for record in records:
            told = record["dynamodb"]
            if "version" in told.get("NewImage", {}):
                versions.setdefault(told["Keys"]["user"]["S"], []).append(told["NewImage"]["version"]["N"])
        now = time.time()
        self.client.put_item(
            TableName=self.progress,
            Item={
                "id": {"S": f"delivery/{delivery}"},
                "at": {"N": f"{now:.6f}"},
                "versions": {"M": {cart: {"NS": sorted(set(made))} for cart, made in versions.items()}},
                "expires_at": {"N": str(int(now) + DELIVERY_SECONDS_KEPT)},
            },
        )
