"""The tables that the crash test writes, and what each index must hold for a given table."""

from typing import Any, NamedTuple

from tests.raw import Connection

Item = dict[str, Any]

LEDGER = "ledger"  # items of one client each, under every kind of index
PAIRS = "pairs"  # two items a pair, always written together, by all clients
COUNTERS = "counters"  # counts of transactions that also wrote a ledger item


class Index(NamedTuple):
    """Name, key attributes, and what of an item it projects: None is all."""

    name: str
    keys: tuple[str, ...]
    projected: frozenset[str] | None


TABLE_KEYS = ("p", "c")
LOCAL = (Index("by_rank", ("p", "rank"), None), Index("by_note", ("p", "note"), frozenset()))
GLOBAL = (
    Index("by_color", ("color",), frozenset()),
    Index("by_color_rank", ("color", "rank"), frozenset({"v"})),
    Index("by_note_color", ("note", "color"), None),
)
LATE = Index("late", ("color", "c"), None)  # added and deleted while the load runs
TYPES = {"p": "S", "c": "N", "rank": "N", "note": "S", "color": "S"}


def _key_schema(keys: tuple[str, ...]) -> list[Item]:
    return [{"AttributeName": name, "KeyType": kind} for name, kind in zip(keys, ("HASH", "RANGE"), strict=False)]


def _definitions(names: set[str]) -> list[Item]:
    return [{"AttributeName": name, "AttributeType": TYPES[name]} for name in sorted(names)]


def _description(index: Index) -> Item:
    if index.projected is None:
        projection: Item = {"ProjectionType": "ALL"}
    elif index.projected:
        projection = {"ProjectionType": "INCLUDE", "NonKeyAttributes": sorted(index.projected)}
    else:
        projection = {"ProjectionType": "KEYS_ONLY"}
    return {"IndexName": index.name, "KeySchema": _key_schema(index.keys), "Projection": projection}


def create_tables(connection: Connection) -> None:
    """The three tables, empty."""
    simple = {"KeySchema": _key_schema(("p",)), "AttributeDefinitions": _definitions({"p"})}
    for table in (PAIRS, COUNTERS):
        connection.ask("CreateTable", {"TableName": table, "BillingMode": "PAY_PER_REQUEST", **simple})
    connection.ask(
        "CreateTable",
        {
            "TableName": LEDGER,
            "BillingMode": "PAY_PER_REQUEST",
            "KeySchema": _key_schema(TABLE_KEYS),
            "AttributeDefinitions": _definitions(set(TYPES)),
            "LocalSecondaryIndexes": [_description(index) for index in LOCAL],
            "GlobalSecondaryIndexes": [_description(index) for index in GLOBAL],
        },
    )


def add_late_index(connection: Connection) -> None:
    """Ask for one more index, which the server fills by itself."""
    change = {
        "TableName": LEDGER,
        "AttributeDefinitions": _definitions(set(TYPES)),
        "GlobalSecondaryIndexUpdates": [{"Create": _description(LATE)}],
    }
    connection.ask("UpdateTable", change)


def delete_late_index(connection: Connection) -> None:
    change = {"TableName": LEDGER, "GlobalSecondaryIndexUpdates": [{"Delete": {"IndexName": LATE.name}}]}
    connection.ask("UpdateTable", change)


def index_status(connection: Connection, index: Index) -> str:
    """ACTIVE, CREATING, DELETING, or '' where there is none."""
    table = connection.ask("DescribeTable", {"TableName": LEDGER})["Table"]
    found = [each for each in table["GlobalSecondaryIndexes"] if each["IndexName"] == index.name]
    return found[0]["IndexStatus"] if found else ""


def entries(items: list[Item], index: Index) -> list[Item]:
    """What the index must hold over these items: those with all of its key attributes, projected."""
    inside = [item for item in items if all(name in item for name in index.keys)]
    if index.projected is None:
        return inside
    kept = {*TABLE_KEYS, *index.keys, *index.projected}
    return [{name: value for name, value in item.items() if name in kept} for item in inside]


def scan(connection: Connection, table: str, index: Index | None = None) -> list[Item]:
    """All items of a table, or all entries of one of its indexes."""
    request: Item = {"TableName": table, "IndexName": index.name} if index else {"TableName": table}
    if index is None:
        request["ConsistentRead"] = True
    found: list[Item] = []
    while True:
        page = connection.ask("Scan", request)
        found += page["Items"]
        if "LastEvaluatedKey" not in page:
            return found
        request["ExclusiveStartKey"] = page["LastEvaluatedKey"]
