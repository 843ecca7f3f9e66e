"""An item as it is stored: bytes, parsed only when somebody asks for the item."""

from statordb.model.values import Item
from statordb.store import codec


class Image:
    """An immutable item: its stored body, its size by DynamoDB's rules, and the parsed item on demand.

    Whoever asks for `item` must not change it: it is shared.
    """

    __slots__ = ("_item", "body")

    def __init__(self, body: bytes, item: Item | None = None) -> None:
        self.body = body
        self._item = item

    @classmethod
    def of(cls, item: Item, size: int) -> "Image":
        return cls(codec.encode(item, size), item)

    @property
    def size(self) -> int:
        return codec.size(self.body)

    @property
    def text(self) -> bytes:
        return codec.text(self.body)

    @property
    def item(self) -> Item:
        item = self._item
        if item is None:
            item = self._item = codec.decode(self.body)
        return item
