"""What commands name of items, as DynamoDB's condition keys have it: keys, attributes, what is selected.

Source: developer guide, "Using IAM policy conditions for fine-grained access control"; what is not known, such as the
partition that another operator than = names, is left out.
"""

from collections.abc import Callable, Iterable, Sequence
from typing import Any

from statordb.commands.demands import Demand, WritesDemand
from statordb.commands.getting import Get, Part, Wanted
from statordb.commands.reading import Range, Scan
from statordb.commands.statement_reads import SelectItems, SelectOne
from statordb.commands.statement_writes import CheckByKey, DeleteByKey, InsertItem, UpdateByKey
from statordb.commands.writing import Check, Delete, Put, Update
from statordb.expressions.bound import Condition, Projection
from statordb.model import numbers
from statordb.model.errors import ClientError
from statordb.model.schema import KeySchema
from statordb.model.values import Item, Value
from statordb.store.table import Table

_NONE: Value = {}
_ByStatement = SelectItems | SelectOne | UpdateByKey | DeleteByKey | CheckByKey

ALL, PROJECTED, SPECIFIC = "ALL_ATTRIBUTES", "ALL_PROJECTED_ATTRIBUTES", "SPECIFIC_ATTRIBUTES"


def partition_values(demand: Demand, table: Table, position: int) -> tuple[str, ...] | None:
    """The values that a request names of the attribute at a position of the partition key; None if it names none."""
    find = _KEYS.get(demand.__class__)
    path = table.path(demand.index_name)
    if find is None or path is None or position >= len(path.schema.partition):
        return None
    name = path.schema.partition[position].name
    keys = find(demand, path.schema)
    if len(keys) == 1 and "S" in (value := keys[0].get(name, _NONE)):
        return (value["S"],)
    values = [_text(key[name]) for key in keys if name in key]
    return tuple(dict.fromkeys(value for value in values if value is not None)) or None


def _text(value: Value) -> str | None:
    """A key attribute's value; None for what can't be one, which is told where the key is looked at."""
    for tag, content in value.items():
        if tag in ("S", "B") and isinstance(content, str):
            return content
        if tag == "N":
            try:
                return numbers.normalize(content)
            except ClientError:
                return None
    return None


def attributes(demand: Demand) -> tuple[str, ...] | None:
    """The top-level attributes that a request names."""
    find = _ATTRIBUTES.get(demand.__class__)
    return None if find is None else tuple(dict.fromkeys(name for part in find(demand) for name in part))


def selected(demand: Demand) -> str | None:
    """Select, also where it is not given."""
    if isinstance(demand, Range | Scan) and demand.choice.select is not None:
        return demand.choice.select
    projection: Projection | None
    if isinstance(demand, Get | Wanted | Part):
        projection = demand.projection
    elif isinstance(demand, Range | Scan):
        projection = demand.choice.projection
    elif isinstance(demand, SelectItems | SelectOne):
        projection = demand.statement.projection
    else:
        return None
    return SPECIFIC if projection is not None else ALL if demand.index_name is None else PROJECTED


def full_scan(demand: Demand, table: Table) -> bool | None:
    """Whether a SELECT reads all of a table or an index; None for all else."""
    if not isinstance(demand, SelectItems | SelectOne):
        return None
    path = table.path(demand.index_name)
    return None if path is None else demand.scans(path.schema)


def returned(demand: Demand, asked: str | None) -> str | None:
    """ReturnValues, also where it is not given; `asked` is the request's."""
    if isinstance(demand, UpdateByKey | DeleteByKey):
        returning = getattr(demand.statement.node, "returning", None)
        return "NONE" if returning is None else returning.replace(" ", "_")
    if isinstance(demand, Put | Update | Delete | Check | InsertItem | CheckByKey):
        return asked or "NONE"
    return None


def is_of_items(demand: Demand) -> bool:
    return demand.__class__ in _ATTRIBUTES


def _of_key(demand: Any, schema: KeySchema) -> Sequence[Item]:
    return (demand.key,)


def _of_item(demand: Any, schema: KeySchema) -> Sequence[Item]:
    return (demand.item,)


def _of_keys(demand: Wanted, schema: KeySchema) -> Sequence[Item]:
    return demand.keys


def _of_writes(demand: WritesDemand, schema: KeySchema) -> Sequence[Item]:
    return [_written(write) for write in demand.writes]


def _written(write: Any) -> Item:
    item: Item = write.item if isinstance(write, Put) else write.key
    return item


def _of_range(demand: Range, schema: KeySchema) -> Sequence[Item]:
    return [{name: operands[0] for name, operator, operands in demand.conditions if operator == "EQ"}]


def _of_statement(demand: _ByStatement, schema: KeySchema) -> Sequence[Item]:
    """Each value by itself: of several attributes there may be more combinations than can be counted."""
    keyed = demand.statement.keyed(schema)
    if keyed is None:
        return ()
    return [{name: value} for name, value in keyed.given(demand.values) if name in keyed.partitions]


_KEYS: dict[type, Callable[[Any, KeySchema], Sequence[Item]]] = {
    **dict.fromkeys((Get, Part, Update, Delete, Check), _of_key),
    **dict.fromkeys((Put, InsertItem), _of_item),
    **dict.fromkeys((SelectItems, SelectOne, UpdateByKey, DeleteByKey, CheckByKey), _of_statement),
    Wanted: _of_keys,
    WritesDemand: _of_writes,
    Range: _of_range,
}


def _named(part: Condition | Projection | None) -> Iterable[str]:
    return () if part is None else part.attributes


def _in_get(demand: Get | Part) -> Iterable[Iterable[str]]:
    return demand.key, _named(demand.projection)


def _in_wanted(demand: Wanted) -> Iterable[Iterable[str]]:
    return *demand.keys, _named(demand.projection)


def _in_put(demand: Put) -> Iterable[Iterable[str]]:
    return demand.item, _named(demand.condition)


def _in_keyed_write(demand: Delete | Check) -> Iterable[Iterable[str]]:
    return demand.key, _named(demand.condition)


def _in_update(demand: Update) -> Iterable[Iterable[str]]:
    update = demand.update
    return demand.key, () if update is None else sorted(update.mentioned), _named(demand.condition)


def _in_writes(demand: WritesDemand) -> Iterable[Iterable[str]]:
    return [_written(write) for write in demand.writes]


def _in_range(demand: Range) -> Iterable[Iterable[str]]:
    keys = [name for name, _, _ in demand.conditions]
    return keys, _named(demand.choice.condition), _named(demand.choice.projection)


def _in_scan(demand: Scan) -> Iterable[Iterable[str]]:
    return _named(demand.choice.condition), _named(demand.choice.projection)


def _in_statement(demand: _ByStatement) -> Iterable[Iterable[str]]:
    return (sorted(demand.statement.mentioned),)


def _in_insert(demand: InsertItem) -> Iterable[Iterable[str]]:
    return (demand.item,)


_ATTRIBUTES: dict[type, Callable[[Any], Iterable[Iterable[str]]]] = {
    **dict.fromkeys((Get, Part), _in_get),
    **dict.fromkeys((Delete, Check), _in_keyed_write),
    **dict.fromkeys((SelectItems, SelectOne, UpdateByKey, DeleteByKey, CheckByKey), _in_statement),
    Wanted: _in_wanted,
    Put: _in_put,
    Update: _in_update,
    WritesDemand: _in_writes,
    Range: _in_range,
    Scan: _in_scan,
    InsertItem: _in_insert,
}
