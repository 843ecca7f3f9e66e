"""Optimistic retries, against a stand-in for the boto3 client that says what a test wants said.

The whole against a real server is test_cart.py.
"""

from typing import Any

import pytest
from botocore.exceptions import ClientError, ReadTimeoutError

from cart_store import CartRefused, CartStore, OutcomeUnknown


def stored(version: int, **lines: int) -> dict[str, Any]:
    held = {product: {"M": {"quantity": {"N": str(quantity)}}} for product, quantity in lines.items()}
    return {"user": {"S": "ada"}, "version": {"N": str(version)}, "lines": {"M": held}}


def refusal(code: str, status: int = 400, item: dict[str, Any] | None = None) -> ClientError:
    answer: dict[str, Any] = {"Error": {"Code": code}, "ResponseMetadata": {"HTTPStatusCode": status}}
    return ClientError(answer | ({"Item": item} if item else {}), "UpdateItem")


class Client:
    """Answers reads with `item`, and writes with `answers` in turn (an exception is raised); keeps what was written."""

    def __init__(self, item: dict[str, Any] | None, *answers: Exception | None) -> None:
        self.item = item
        self.answers = list(answers)
        self.writes: list[dict[str, Any]] = []

    def get_item(self, **request: Any) -> dict[str, Any]:
        assert request["ConsistentRead"] is True
        return {"Item": self.item} if self.item else {}

    def update_item(self, **request: Any) -> dict[str, Any]:
        self.writes.append(request)
        answer = self.answers.pop(0)
        if answer is not None:
            raise answer
        return {}


def test_the_first_change_asks_that_there_be_no_cart() -> None:
    client = Client(None, None)
    made = CartStore("carts", client).add("ada", "tea", 2)
    assert client.writes[0]["ConditionExpression"] == "attribute_not_exists(version)"
    assert (made.cart.version, made.cart.lines, made.before, made.after) == (1, {"tea": 2}, 0, 2)


def test_a_change_starts_over_from_the_newer_cart() -> None:
    newer = refusal("ConditionalCheckFailedException", item=stored(8, tea=3, soap=1))
    client = Client(stored(7, tea=1), newer, None)
    made = CartStore("carts", client).add("ada", "tea", 2)
    assert (made.cart.version, made.cart.lines, made.before, made.after, made.attempts) == (
        9,
        {"tea": 5, "soap": 1},
        3,
        5,
        2,
    )
    assert client.writes[1]["ExpressionAttributeValues"][":old"] == {"N": "8"}


def test_what_the_other_browser_removed_cannot_be_changed() -> None:
    newer = refusal("ConditionalCheckFailedException", item=stored(8))
    client = Client(stored(7, tea=1), newer)
    with pytest.raises(CartRefused) as refused:
        CartStore("carts", client).change("ada", "tea", 5)
    assert refused.value.status == 404


def test_a_busy_database_is_asked_again() -> None:
    client = Client(stored(7, tea=1), refusal("ThrottlingException"), None)
    assert CartStore("carts", client).remove("ada", "tea").cart.lines == {}


@pytest.mark.parametrize(
    "fault", [ReadTimeoutError(endpoint_url="http://x"), refusal("InternalServerError", 500)], ids=["no answer", "500"]
)
def test_a_write_without_an_answer_is_never_repeated(fault: Exception) -> None:
    client = Client(stored(7, tea=1), fault)
    with pytest.raises(OutcomeUnknown):
        CartStore("carts", client).add("ada", "tea", 1)
    assert len(client.writes) == 1


@pytest.mark.parametrize(
    ("user", "product", "quantity"), [("", "tea", 1), ("a/b", "tea", 1), ("a", "", 1), ("a", "tea", 0)]
)
def test_what_cannot_be_right_is_refused_before_anything_is_read(user: str, product: str, quantity: int) -> None:
    with pytest.raises(CartRefused) as refused:
        CartStore("carts", Client(None)).add(user, product, quantity)
    assert refused.value.status == 422


def test_a_line_is_bounded() -> None:
    with pytest.raises(CartRefused):
        CartStore("carts", Client(stored(1, tea=999))).add("ada", "tea", 1)
