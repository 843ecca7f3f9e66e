"""What is bought together with what is in a cart: reads the counts that the function in `recommendations` keeps."""

from collections import Counter
from collections.abc import Collection
from typing import Any, NamedTuple

INDEX = "most-together"
SHOWN_MAX = 5
PRODUCTS_ASKED_MAX = 10  # of a cart: each is a query of its own


class Recommendation(NamedTuple):
    """A product that is not in the cart, and in how many carts it is together with what is, summed over products."""

    product: str
    carts: int


class RecommendationStore:
    """The counts of one table: how many carts hold `product` and `other`, with an index by that number."""

    def __init__(self, table: str, client: Any) -> None:
        self.table = table
        self.client = client

    def together_with(self, products: Collection[str]) -> list[Recommendation]:
        """What to recommend beside `products`, the best first; nothing before the function has been deployed."""
        counts: Counter[str] = Counter()
        for product in sorted(products)[:PRODUCTS_ASKED_MAX]:
            try:
                found = self.client.query(
                    TableName=self.table,
                    IndexName=INDEX,
                    KeyConditionExpression="product = :product AND carts > :none",
                    ExpressionAttributeValues={":product": {"S": product}, ":none": {"N": "0"}},
                    ScanIndexForward=False,
                    Limit=SHOWN_MAX + len(products),  # enough are left without those in the cart
                )
            except self.client.exceptions.ResourceNotFoundException:
                return []
            counts.update({item["other"]["S"]: int(item["carts"]["N"]) for item in found["Items"]})
        others = [Recommendation(*found) for found in counts.items() if found[0] not in products]
        return sorted(others, key=lambda found: (-found.carts, found.product))[:SHOWN_MAX]
