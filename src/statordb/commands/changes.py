"""How an update makes the new item out of the old one, for UpdateItem and transactions alike."""

from statordb.commands.keys import index_fault, refuse_nested_keys
from statordb.engine.contract import Refused
from statordb.expressions.bound import Condition, Update
from statordb.model import errors
from statordb.model.limits import ITEM_BYTES_MAX, NESTING_DEPTH_MAX
from statordb.model.values import Item, depth_of, item_size, nested_too_deeply
from statordb.store.image import Image
from statordb.store.table import Apply, Table


def refuse_key_updates(table: Table, update: Update | None) -> None:
    """Raise ValidationException if an update names an attribute of the primary key."""
    if update is None:
        return
    for name in table.key_names:
        if name in update.attributes:
            raise errors.invalid_parameters(f"Cannot update attribute {name}. This attribute is part of the key")
    refuse_nested_keys(table, update.nested_attributes)


def updater(table: Table, item_key: Item, update: Update | None, condition: Condition | None) -> Apply:
    """The pure function behind an update. A refusal's reason is the item as it was; raises ValidationException."""

    def apply(old: Image | None) -> Image | Refused | None:
        if condition is not None and not condition(old.item if old is not None else {}):
            return Refused(old)
        if update is None:
            return old if old is not None else Image.of(item_key, item_size(item_key))
        if old is not None:
            item = update(old.item)
        else:
            item = update(item_key, exists=False)
            if item == item_key:  # nothing but removals: they don't make an item
                return None
        return Image.of(item, checked_size(table, item, update))

    return apply


def checked_size(table: Table, item: Item, update: Update) -> int:
    """Size of an updated item; raises ValidationException if it breaks a limit or an index key's type."""
    for name in update.attributes:
        value = item.get(name)
        if value is not None and ("M" in value or "L" in value) and depth_of(value) >= NESTING_DEPTH_MAX:
            raise nested_too_deeply()
    size = item_size(item)
    if size > ITEM_BYTES_MAX:
        raise errors.validation("Item size to update has exceeded the maximum allowed size")
    if table.indexes:
        fault = index_fault(table, item)
        if fault is not None:
            raise fault
    return size
