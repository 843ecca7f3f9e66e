"""Heavy requests: each is permitted, or refused, and none may be felt by the others.

They are what `isolation.py` has two connections repeat beside light ones, and what `tests/hostile` asks of one event
loop. All of them speak of the tables of `TABLES`, filled with `items`.
"""

import gzip
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any

TABLES = ("small", "wide", "many", "big", "indexed", "expiring")
INDEXES, INDEXED_ITEMS = 5, 100
SMALL_ITEMS, WIDE_ITEMS, MANY_ITEMS, BIG_ITEMS = 500, 2000, 12_000, 30
LIST_MEMBERS = 15_000  # in each of the two lists of an item of `big`, which has some 390 KB of JSON then
PIPELINED = 64
SPREAD_BATCHES = 4 * PIPELINED  # of different rows: each of them lies in a page of its own
TAGGING = "TagResource of the others' table"
SMALL_ARN = "arn:aws:dynamodb:us-east-1:000000000000:table/small"

SCHEMA: dict[str, Any] = {
    "KeySchema": [{"AttributeName": "pk", "KeyType": "HASH"}],
    "AttributeDefinitions": [{"AttributeName": "pk", "AttributeType": "S"}],
    "BillingMode": "PAY_PER_REQUEST",
}


def schema(table: str) -> dict[str, Any]:
    """What CreateTable is told of a table of `TABLES`."""
    if table != "indexed":
        return {"TableName": table} | SCHEMA
    names = [f"index{number}" for number in range(INDEXES)]
    definitions = SCHEMA["AttributeDefinitions"] + [{"AttributeName": name, "AttributeType": "N"} for name in names]
    indexes = [
        {
            "IndexName": name,
            "KeySchema": [{"AttributeName": name, "KeyType": "HASH"}],
            "Projection": {"ProjectionType": "ALL"},
        }
        for name in names
    ]
    return {"TableName": table} | SCHEMA | {"AttributeDefinitions": definitions, "GlobalSecondaryIndexes": indexes}


@dataclass(frozen=True)
class Heavy:
    """One kind of heavy request. `make`: its body; `coding`: of the body, as it is; `accept`: of the answer;
    `pipelined`: how many are sent before the first answer is read; `signed` False: by somebody without a key; `others`:
    bodies that are sent in turn with the first, where it is pipelined."""

    name: str
    operation: str
    make: Callable[[], bytes]
    coding: str = ""
    accept: str = ""
    pipelined: int = 0
    signed: bool = True
    others: tuple[bytes, ...] = ()

    @cached_property
    def body(self) -> bytes:
        """Made when it is asked for: all of them are 84 MB, and take seconds."""
        return self.make()


def items(share: float = 1.0) -> Iterator[tuple[str, dict[str, Any]]]:
    """(table, item) of all that the tables hold; of those with many items only a share, where filling takes long."""
    for number in range(SMALL_ITEMS):
        yield "small", {"pk": {"S": f"k{number}"}, "d": {"S": "x" * 300}}
    for number in range(int(share * WIDE_ITEMS)):
        yield "wide", {"pk": {"S": str(number)}} | {f"a{place}": {"S": "x" * 20} for place in range(40)}
    for number in range(int(share * MANY_ITEMS)):
        yield "many", {"pk": {"S": str(number)}, "n": {"N": str(number)}, "d": {"S": "x" * 60}}
    for number in range(BIG_ITEMS):
        yield "big", {"pk": {"S": f"b{number}"}, "a": _numbers(1), "b": _numbers(2)}
    for number in range(INDEXED_ITEMS):
        yield "indexed", {"pk": {"S": f"i{number}"}} | {f"index{place}": {"N": "1"} for place in range(INDEXES)}
    yield "expiring", _key("e")


def _numbers(last: int) -> dict[str, Any]:
    return {"L": [{"N": "7"}] * (LIST_MEMBERS - 1) + [{"N": str(last)}]}


def _case(name: str, operation: str, body: dict[str, Any], **more: Any) -> Heavy:
    return Heavy(name, operation, lambda: json.dumps(body).encode(), **more)


def _key(name: str) -> dict[str, Any]:
    return {"pk": {"S": name}}


def _values(**values: dict[str, Any]) -> dict[str, Any]:
    return {"ExpressionAttributeValues": {f":{name}": value for name, value in values.items()}}


def cases() -> Iterator[Heavy]:
    """Every kind of heavy request; bodies are made when they are asked for."""
    yield from stored()
    yield from _expressions()
    yield from _statements()
    yield from _refused()
    yield from _packed()


def stored() -> Iterator[Heavy]:
    """Those that a store does most for; what makes the others heavy is done before it is asked, or after."""
    yield from _pages()
    yield from _large_items()
    yield from written()


def written() -> Iterator[Heavy]:
    """Those that others' writes wait for."""
    yield from _large_writes()
    yield from _many_writes()
    yield from _sent_ahead()


def _pages() -> Iterator[Heavy]:
    plain = {"FilterExpression": "contains(a1, :x) AND a2 <> :x"} | _values(x={"S": "q"})
    yield _case("Scan page of 1 MB", "Scan", {"TableName": "wide"})
    yield _case("Scan page of 1 MB, packed", "Scan", {"TableName": "wide"}, accept="gzip")
    yield _case("Scan page, plain filter", "Scan", {"TableName": "wide"} | plain)
    small = {"FilterExpression": "n < :x"} | _values(x={"N": "0"})
    yield _case("Scan page of small items, filter", "Scan", {"TableName": "many"} | small)
    many = " OR ".join(["n > :x"] * 150)
    wide_filter = {"FilterExpression": many} | _values(x={"N": "99999"})
    yield _case("Scan page of small items, 150 operators", "Scan", {"TableName": "many"} | wide_filter)
    yield _case("Scan, COUNT", "Scan", {"TableName": "many", "Select": "COUNT"})
    yield _case("Scan page, projection", "Scan", {"TableName": "wide", "ProjectionExpression": "a1, a39"})
    long = ", ".join(f"a{number}" for number in range(600))
    yield _case("Scan page, 600 names", "Scan", {"TableName": "wide", "ProjectionExpression": long})
    yield _case("Scan page of large items", "Scan", {"TableName": "big"})
    one = {"FilterExpression": "a2 = :x"} | _values(x={"S": "q"})
    yield _case(f"{PIPELINED} pipelined scans", "Scan", {"TableName": "wide"} | one, pipelined=PIPELINED)


def _expressions() -> Iterator[Heavy]:
    one_in = f"a IN ({','.join(['b'] * 100)})"
    yield _case("filter that compares lists", "Scan", {"TableName": "big", "FilterExpression": one_in, "Limit": 1})
    several = " OR ".join([f"a IN ({','.join(['b'] * 99)}, pk)"] * 3)
    yield _case("filter that compares lists again", "Scan", {"TableName": "big", "FilterExpression": several})
    update = {"TableName": "big", "Key": _key("b1"), "UpdateExpression": "SET z = :o"} | _values(o={"N": "1"})
    yield _case("condition that compares lists", "UpdateItem", update | {"ConditionExpression": one_in})
    checks = [
        {"ConditionCheck": {"TableName": "big", "Key": _key(f"b{number}"), "ConditionExpression": one_in}}
        for number in range(10)
    ]
    yield _case("transaction of conditions that compare lists", "TransactWriteItems", {"TransactItems": checks})
    copies = ",".join(f"x{number} = list_append(a, b)" for number in range(100))
    growing = {"TableName": "big", "Key": _key("b2"), "UpdateExpression": f"SET {copies}"}
    yield _case("update that copies lists", "UpdateItem", growing)
    legacy = {f"n{number}": {"ComparisonOperator": "NOT_NULL"} for number in range(1000)}
    yield _case(
        "1,000 legacy conditions", "Scan", {"TableName": "many", "ScanFilter": legacy, "ConditionalOperator": "OR"}
    )
    looked = " OR ".join(["contains(a, :x)"] * 30)
    yield _case(
        "filter that looks through lists",
        "Scan",
        {"TableName": "big", "FilterExpression": looked} | _values(x={"N": "9"}),
    )


def _statements() -> Iterator[Heavy]:
    lists = f"a IN [{','.join(['b'] * 99)}, c]"
    yield _case("statement that compares lists", "ExecuteStatement", {"Statement": f"SELECT pk FROM big WHERE {lists}"})
    keys = ",".join(f"'b{number}'" for number in range(BIG_ITEMS))
    select = {"Statement": f"SELECT a[0], a[700] FROM big WHERE pk IN [{keys}]"}
    yield _case("statement of several large items", "ExecuteStatement", select)
    updates = [
        {"Statement": f"UPDATE big SET z = 1 WHERE pk = 'b{number}' AND {lists}"}
        for number in range(min(25, BIG_ITEMS))
    ]
    yield _case("batch of statements that change large items", "BatchExecuteStatement", {"Statements": updates})
    transaction = {"TransactStatements": updates[:10]}
    yield _case("transaction of statements that compare lists", "ExecuteTransaction", transaction)
    refused = [{"Statement": "SELECT " + "a," * number + "a FROM small WHERE"} for number in range(3000, 3025)]
    yield _case("batch of long statements that are refused", "BatchExecuteStatement", {"Statements": refused})
    short = {"Statement": "SELECT " + "a," * 1900 + "a FROM small WHERE"}
    yield _case("long statement that is refused", "ExecuteStatement", short)
    tuples = ",".join(["{'x':[1,2,3]}"] * 550)
    long = {"Statement": f"INSERT INTO small VALUE {{'pk': 'k1', 'l': [{tuples}]}}"}
    yield _case("long statement that is known", "ExecuteStatement", long)
    members = [{"L": [{"N": "1"}] * 30_000}]
    much = {"Statement": "INSERT INTO small VALUE {'pk': 'k1', 'l': ?}", "Parameters": members}
    yield _case("statement with a large parameter", "ExecuteStatement", much)


def _large_items() -> Iterator[Heavy]:
    projected = {"TableName": "big", "Key": _key("b3"), "ProjectionExpression": "a[1], a[700]"}
    yield _case("GetItem, projection of 390 KB", "GetItem", projected)
    yield _case(
        f"{PIPELINED} pipelined GetItem of 390 KB",
        "GetItem",
        projected | {"ProjectionExpression": "pk"},
        pipelined=PIPELINED,
    )
    keys = [_key(f"b{number}") for number in range(BIG_ITEMS)]
    yield _case("BatchGetItem of 10 MB", "BatchGetItem", {"RequestItems": {"big": {"Keys": keys}}})
    named = {"Keys": keys, "ProjectionExpression": "a[1], b[2]"}
    yield _case("BatchGetItem of 10 MB, projection", "BatchGetItem", {"RequestItems": {"big": named}})
    puts = [{"PutRequest": {"Item": _key(f"w{number}") | {"d": {"S": "x" * 390_000}}}} for number in range(25)]
    yield _case("BatchWriteItem of 25 x 390 KB", "BatchWriteItem", {"RequestItems": {"big": puts}})
    wide = _key("fat") | {f"attribute{number:05d}": {"S": "y"} for number in range(12_000)}
    yield _case("PutItem of 12,000 attributes", "PutItem", {"TableName": "big", "Item": wide})
    gets = [{"Get": {"TableName": "big", "Key": key}} for key in keys]
    yield _case("TransactGetItems of 4 MB", "TransactGetItems", {"TransactItems": gets[:10]})
    yield _case("TransactGetItems of 10 MB", "TransactGetItems", {"TransactItems": gets})


def _large_writes() -> Iterator[Heavy]:
    """What keeps the disk and the write lock, whoever asks for it."""
    puts = [
        {"Put": {"TableName": "big", "Item": _key(f"t{number}") | {"d": {"S": "x" * 40_000}}}} for number in range(100)
    ]
    yield _case("TransactWriteItems of 100 x 40 KB", "TransactWriteItems", {"TransactItems": puts})
    put = {"TableName": "big", "Item": _key("p") | {"d": {"S": "x" * 390_000}}}
    yield _case("PutItem of 390 KB", "PutItem", put)
    less = put | {"Item": _key("p") | {"d": {"S": "x" * 100_000}}}
    yield _case(f"{PIPELINED} pipelined PutItem of 100 KB", "PutItem", less, pipelined=PIPELINED)
    counted = {"TableName": "big", "Key": _key("b4"), "UpdateExpression": "ADD n :o"} | _values(o={"N": "1"})
    yield _case("UpdateItem of one hot item of 390 KB", "UpdateItem", counted)


def _many_writes() -> Iterator[Heavy]:
    """Of few bytes, and of many rows."""
    adding = "ADD " + ", ".join(f"index{number} :o" for number in range(INDEXES))
    updates = [
        {
            "Update": {"TableName": "indexed", "Key": _key(f"i{number}"), "UpdateExpression": adding}
            | _values(o={"N": "1"})
        }
        for number in range(INDEXED_ITEMS)
    ]
    yield _case(
        f"TransactWriteItems of {INDEXED_ITEMS} with {INDEXES} indexes",
        "TransactWriteItems",
        {"TransactItems": updates},
    )
    expected = {f"n{number}": {"ComparisonOperator": "NULL"} for number in range(300)}
    put = {"TableName": "small", "Item": _key("legacy"), "Expected": expected}
    yield _case("PutItem, 300 legacy conditions", "PutItem", put)


def _sent_ahead() -> Iterator[Heavy]:
    """Light requests that a client never stops sending: the loop has something to begin in each of its rounds."""
    many = f"{PIPELINED} pipelined"
    yield _case(f"{many} DescribeTable", "DescribeTable", {"TableName": "small"}, pipelined=PIPELINED)
    tags = [{"Key": f"k{number}", "Value": "v" * 200} for number in range(50)]
    tagged = {"ResourceArn": SMALL_ARN, "Tags": tags}
    yield _case(f"{many} {TAGGING}", "TagResource", tagged, pipelined=PIPELINED)
    expiring = {"TableName": "expiring", "TimeToLiveSpecification": {"Enabled": True, "AttributeName": "at"}}
    yield _case(f"{many} UpdateTimeToLive", "UpdateTimeToLive", expiring, pipelined=PIPELINED)
    yield _case(f"{many} GetItem", "GetItem", {"TableName": "small", "Key": _key("k7")}, pipelined=PIPELINED)
    put = {"TableName": "small", "Item": _key("ahead") | {"d": {"S": "x" * 100}}}
    yield _case(f"{many} PutItem", "PutItem", put, pipelined=PIPELINED)
    yield _case(f"{many} BatchWriteItem", "BatchWriteItem", _batch("a", 100), pipelined=PIPELINED)
    first, *others = (_batch(f"{batch}-", 300) for batch in range(SPREAD_BATCHES))
    bodies = tuple(json.dumps(body).encode() for body in others)
    yield _case(f"{many} BatchWriteItem, spread", "BatchWriteItem", first, pipelined=PIPELINED, others=bodies)


def _batch(name: str, size: int) -> dict[str, Any]:
    puts = [{"PutRequest": {"Item": _key(f"{name}{number}") | {"d": {"S": "x" * size}}}} for number in range(25)]
    return {"RequestItems": {"small": puts}}


def _refused() -> Iterator[Heavy]:
    deep = {"TableName": "small", "Key": _key("k1"), "ProjectionExpression": "a" + ".a" * 2000}
    yield _case("path of 2,000 elements", "GetItem", deep)
    yield Heavy("PutItem of 15 MB", "PutItem", lambda: _large_put("x"))
    yield Heavy("600,000 names", "GetItem", _many_names)
    yield _case("1,000,000 AttributesToGet", "Scan", {"TableName": "small", "AttributesToGet": ["a"] * 1_000_000})
    strings = {"TableName": "small", "Item": _key("x") | {"s": {"SS": ["abcdefgh"] * 1_000_000}}}
    yield _case("set of a million equal strings", "PutItem", strings)
    yield Heavy("15 MB that mean nothing", "ListTables", _nothing)
    yield Heavy("15 MB of a stranger", "ListTables", _nothing, signed=False)


def _large_put(name: str) -> bytes:
    item = _key(name) | {"l": {"L": [{"N": "1"}] * 1_200_000}}
    return json.dumps({"TableName": "big", "Item": item}).encode()


def _many_names() -> bytes:
    names = {f"#n{number}": "a" for number in range(600_000)}
    named = {"TableName": "small", "Key": _key("k1"), "ProjectionExpression": "pk", "ExpressionAttributeNames": names}
    return json.dumps(named).encode()


def _nothing() -> bytes:
    return b'{"x":[' + b"[]," * 4_500_000 + b"[]]}"


def _packed() -> Iterator[Heavy]:
    yield Heavy("gzip of 15 MB", "ListTables", lambda: gzip.compress(_nothing()), "gzip")
    members = gzip.compress(b"") * 20_000 + gzip.compress(b"{}")
    yield Heavy("gzip of 20,000 members", "ListTables", lambda: members, "gzip")
    yield Heavy("gzip of a PutItem of 15 MB", "PutItem", lambda: gzip.compress(_large_put("z")), "gzip")
