"""How a write makes the new item out of the old one, by itself and in transactions alike."""

from collections.abc import Collection

from statordb.commands.keys import index_fault, refuse_index_misfits, refuse_nested_keys
from statordb.expressions.bound import Condition, UpdateExpression
from statordb.model import errors
from statordb.model.budget import Budget
from statordb.model.equality import SCALARS
from statordb.model.limits import ITEM_BYTES_MAX, NESTING_DEPTH_MAX
from statordb.model.values import Item, depth_of, item_size
from statordb.model.values import size as size_of
from statordb.store.image import Image
from statordb.store.table import Apply, Table
from statordb.store.terms import Refused


def refuse_key_updates(table: Table, update: UpdateExpression | None) -> None:
    """Raise ValidationException if an update names an attribute of the primary key."""
    if update is None:
        return
    for name in table.key_names:
        if name in update.attributes:
            raise errors.invalid_parameters(f"Cannot update attribute {name}. This attribute is part of the key")
    refuse_index_misfits(table, update)
    refuse_nested_keys(table, update.nested_attributes)


def meets(table: Table, condition: Condition | None, old: Image | None, budget: Budget) -> bool:
    """Whether the item that stands there meets the condition of a write; None stands for no item, and no condition.

    It is weighed before anybody parses it, for the condition or for what is derived from it. Raises what `Budget.weigh`
    raises, and then nothing has been done.
    """
    if old is None:
        return condition is None or condition({})
    if condition is not None:
        budget.weigh(old.body)
        return condition(old.item)
    if table.looks_back:
        budget.weigh(old.body)
    return True


def replacer(table: Table, new: Image | None, condition: Condition | None, budget: Budget) -> Apply:
    """The pure function behind a put, or a delete (`new` is None). Else as `updater`."""

    def apply(old: Image | None) -> Image | Refused | None:
        return new if meets(table, condition, old, budget) else Refused(old)

    return apply


def checker(table: Table, condition: Condition | None, budget: Budget) -> Apply:
    """The pure function behind a look at an item. Else as `updater`."""

    def apply(old: Image | None) -> Image | Refused | None:
        return old if meets(table, condition, old, budget) else Refused(old)

    return apply


def updater(
    table: Table,
    item_key: Item,
    update: UpdateExpression | None,
    condition: Condition | None,
    budget: Budget,
    overhead: int = 0,
) -> Apply:
    """The pure function behind an update. A refusal's reason is the item as it was; raises ValidationException, and
    what `Budget.spend` raises. `overhead`: see `Update`.
    """

    def apply(old: Image | None) -> Image | Refused | None:
        if not meets(table, condition, old, budget):
            return Refused(old)
        if update is None:
            return old if old is not None else Image.of(item_key, item_size(item_key))
        if old is None:
            item = update(item_key, exists=False)
            if item == item_key:  # nothing but removals: they don't make an item
                return None
            return Image.of(item, checked_size(table, None, item, update, budget, overhead))
        if condition is None and not table.looks_back:
            budget.weigh(old.body)
        item = update(old.item)
        return Image.of(item, checked_size(table, old, item, update, budget, overhead))

    return apply


def checked_size(
    table: Table, old: Image | None, item: Item, update: UpdateExpression, budget: Budget, overhead: int
) -> int:
    """Size of an updated item; raises ValidationException if it breaks a limit or an index key's type.

    Of an item that was there before, only the attributes that the update writes are measured.
    """
    for name in update.attributes:
        value = item.get(name)
        if value is not None and SCALARS.isdisjoint(value):
            budget.walk(value)
            if depth_of(value) >= NESTING_DEPTH_MAX:
                raise errors.nested_too_deeply()
    size = item_size(item) if old is None else old.size + _growth(old.item, item, update.attributes)
    if size + overhead > ITEM_BYTES_MAX and max(size, size - _key_size(table, item) + overhead) > ITEM_BYTES_MAX:
        raise errors.update_too_large()
    if table.indexes:
        fault = index_fault(table, item, update)
        if fault is not None:
            raise fault
    return size


def _key_size(table: Table, item: Item) -> int:
    return sum(len(name.encode()) + size_of(item[name]) for name in table.key_names)


def _growth(old: Item, new: Item, names: Collection[str]) -> int:
    """How many bytes an item has more than before, that differs in some attributes only."""
    growth = 0
    for name in names:
        before, after = old.get(name), new.get(name)
        if before is not None:
            growth -= size_of(before)
            if after is None:
                growth -= len(name.encode())
        if after is not None:
            growth += size_of(after)
            if before is None:
                growth += len(name.encode())
    return growth
