"""Carts in a DynamoDB table: one item per user, changed by conditional writes.

Each item carries a version. A change reads the cart, works out the new lines and writes them on condition that the
version is still the one it read; if another browser was quicker it starts over from that browser's cart. So no change
is ever written over another.
"""

import random
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

ATTEMPTS_MAX = 50
BACKOFF_SECONDS_MAX = 0.1
REQUEST_SECONDS_MAX = 60
CONNECTIONS_MAX = 64
QUANTITY_MAX = 999
PRODUCT_LENGTH_MAX = 64
USER_LENGTH_MAX = 128
LINES_MAX = 200  # keeps the item far below DynamoDB's 400 KB

# Refusals that mean "not now": nothing was written, so asking again is safe.
BUSY = {
    "ProvisionedThroughputExceededException",
    "RequestLimitExceeded",
    "ThrottlingException",
    "TransactionConflictException",
}


class CartRefused(Exception):
    """The change is not possible; nothing was written. `status` is the HTTP status that says so."""

    def __init__(self, status: int, reason: str) -> None:
        super().__init__(reason)
        self.status = status


class OutcomeUnknown(Exception):
    """The database did not answer a write: it may have been made or not."""


@dataclass(frozen=True)
class Cart:
    """A user's cart. Version 0 is a cart that was never written."""

    user: str
    version: int = 0
    lines: dict[str, int] = field(default_factory=dict)


@dataclass(frozen=True)
class Change:
    """A change that was made: the cart after it, the product's quantity before and after, the attempts it took, and
    when the database acknowledged it (seconds since the epoch)."""

    cart: Cart
    product: str
    before: int
    after: int
    attempts: int
    acknowledged_at: float


class CartStore:
    """The carts of one table, where boto3 is configured to find it (AWS_ENDPOINT_URL_DYNAMODB, region, credentials)."""

    def __init__(self, table: str, client: Any = None) -> None:
        # One attempt only: boto3 would repeat a write whose answer was lost, and so might add a thing twice.
        config = Config(
            max_pool_connections=CONNECTIONS_MAX,
            read_timeout=REQUEST_SECONDS_MAX,
            connect_timeout=REQUEST_SECONDS_MAX,
            retries={"total_max_attempts": 1},
        )
        self.client = client or boto3.client("dynamodb", config=config)
        self.table = table

    def create_table(self) -> None:
        """Create the table unless it exists, and wait until it can be used."""
        try:
            self.client.create_table(
                TableName=self.table,
                KeySchema=[{"AttributeName": "user", "KeyType": "HASH"}],
                AttributeDefinitions=[{"AttributeName": "user", "AttributeType": "S"}],
                BillingMode="PAY_PER_REQUEST",
                StreamSpecification={"StreamEnabled": True, "StreamViewType": "NEW_AND_OLD_IMAGES"},
            )
        except self.client.exceptions.ResourceInUseException:
            pass  # it exists, or another process of the service is creating it
        self.client.get_waiter("table_exists").wait(TableName=self.table, WaiterConfig={"Delay": 1, "MaxAttempts": 60})

    def show(self, user: str) -> Cart:
        """The user's cart as of now (a consistent read)."""
        found = self.client.get_item(TableName=self.table, Key={"user": {"S": user}}, ConsistentRead=True)
        return _cart(user, found.get("Item"))

    def add(self, user: str, product: str, quantity: int) -> Change:
        """Put `quantity` more of a product into the cart."""
        _check(user, product, quantity)
        return self._change(user, product, lambda held: held + quantity)

    def change(self, user: str, product: str, quantity: int) -> Change:
        """Set the quantity of a product that is in the cart."""
        _check(user, product, quantity)

        def set_to(held: int) -> int:
            _require(held)
            return quantity

        return self._change(user, product, set_to)

    def remove(self, user: str, product: str) -> Change:
        """Take a product out of the cart."""
        _check(user, product, 1)

        def take_all(held: int) -> int:
            _require(held)
            return 0

        return self._change(user, product, take_all)

    def _change(self, user: str, product: str, quantity: Callable[[int], int]) -> Change:
        cart = self.show(user)
        for attempt in range(1, ATTEMPTS_MAX + 1):
            before = cart.lines.get(product, 0)
            after = quantity(before)
            if after > QUANTITY_MAX:
                raise CartRefused(422, f"at most {QUANTITY_MAX} of a product fit in a cart")
            lines = {name: held for name, held in (cart.lines | {product: after}).items() if held}
            if len(lines) > LINES_MAX:
                raise CartRefused(422, f"at most {LINES_MAX} products fit in a cart")
            new = Cart(user, cart.version + 1, lines)
            newer = self._write(new)
            if newer is None:
                return Change(new, product, before, after, attempt, time.time())
            cart = newer
            if attempt > 1:  # the first time somebody was just quicker; after that, make room for each other
                time.sleep(random.uniform(0, min(BACKOFF_SECONDS_MAX, 0.002 * 2**attempt)))
        raise CartRefused(409, "the cart is being changed by too many at once")

    def _write(self, cart: Cart) -> Cart | None:
        """Write `cart` if the stored version is the one before it; else the cart that is stored instead.

        An update, not a put: attributes that others keep on the item stay as they are.
        """
        lines = {product: {"M": {"quantity": {"N": str(held)}}} for product, held in cart.lines.items()}
        values: dict[str, Any] = {":lines": {"M": lines}, ":new": {"N": str(cart.version)}}
        condition = "attribute_not_exists(version)"
        if cart.version > 1:
            condition = "version = :old"
            values[":old"] = {"N": str(cart.version - 1)}
        try:
            self.client.update_item(
                TableName=self.table,
                Key={"user": {"S": cart.user}},
                UpdateExpression="SET #lines = :lines, version = :new",
                ConditionExpression=condition,
                ExpressionAttributeNames={"#lines": "lines"},
                ExpressionAttributeValues=values,
                ReturnValuesOnConditionCheckFailure="ALL_OLD",
            )
        except ClientError as refusal:
            return self._after_refusal(cart.user, refusal)
        except BotoCoreError as fault:
            raise OutcomeUnknown from fault
        return None

    def _after_refusal(self, user: str, refusal: ClientError) -> Cart:
        code = refusal.response["Error"]["Code"]
        if code == "ConditionalCheckFailedException":
            stored = refusal.response.get("Item")
            return _cart(user, stored) if stored else self.show(user)
        if code in BUSY:
            return self.show(user)
        if refusal.response["ResponseMetadata"]["HTTPStatusCode"] >= 500:
            raise OutcomeUnknown from refusal
        raise refusal


def _cart(user: str, item: dict[str, Any] | None) -> Cart:
    if item is None:
        return Cart(user)
    lines = {product: int(line["M"]["quantity"]["N"]) for product, line in item["lines"]["M"].items()}
    return Cart(user, int(item["version"]["N"]), lines)


def check_user(user: str) -> None:
    """CartRefused unless `user` can name a cart; a slash could not be told apart from the path around it."""
    if not 1 <= len(user) <= USER_LENGTH_MAX or "/" in user:
        raise CartRefused(422, f"a user's name has 1 to {USER_LENGTH_MAX} characters and no slash")


def _check(user: str, product: str, quantity: int) -> None:
    check_user(user)
    if not 1 <= len(product) <= PRODUCT_LENGTH_MAX:
        raise CartRefused(422, f"a product's name has 1 to {PRODUCT_LENGTH_MAX} characters")
    if not 1 <= quantity <= QUANTITY_MAX:
        raise CartRefused(422, f"a quantity is from 1 to {QUANTITY_MAX}")


def _require(held: int) -> None:
    if not held:
        raise CartRefused(404, "the product is not in the cart")
