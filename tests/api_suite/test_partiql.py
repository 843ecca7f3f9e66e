"""PartiQL as clients see it: statements, pages, batches and transactions cost and do what the native operations do."""

import uuid
from typing import Any

from tests.api_suite.conftest import Client
from tests.api_suite.refusal import invalid, refused

KIB = 1024
Item = dict[str, Any]


def _execute(client: Client, statement: str, *parameters: Any, **more: Any) -> Any:
    given = {"Parameters": list(parameters)} if parameters else {}
    return client.execute_statement(Statement=statement, **given, **more)


def _items(client: Client, statement: str, *parameters: Any, **more: Any) -> list[Item]:
    """All pages of a SELECT."""
    found: list[Item] = []
    token: dict[str, str] = {}
    while True:
        page = _execute(client, statement, *parameters, **more, **token)
        found += page["Items"]
        if "NextToken" not in page:
            return found
        token = {"NextToken": page["NextToken"]}


def _insert(client: Client, table: str, item: Item, **more: Any) -> Any:
    """INSERT with a parameter for each value."""
    members = ", ".join(f"'{name}': ?" for name in item)
    return _execute(client, f'INSERT INTO "{table}" VALUE {{{members}}}', *item.values(), **more)


def _fill(client: Client, table: str, partition: str, count: int) -> list[Item]:
    """Items of one partition, as they were put by INSERT."""
    items = [{"p": {"S": partition}, "c": {"N": str(n)}, "v": {"S": f"v{n % 3}"}} for n in range(count)]
    for item in items:
        assert _insert(client, table, item)["Items"] == []
    return items


def test_selects_find_what_queries_find(client: Client, sort_table: str, unique: str) -> None:
    items = _fill(client, sort_table, unique, 6)
    pk = {"S": unique}
    where = f'FROM "{sort_table}" WHERE p = ?'
    assert _items(client, f"SELECT * {where}", pk) == items
    assert _items(client, f"SELECT * {where} ORDER BY c DESC", pk) == items[::-1]
    assert _items(client, f"SELECT * {where} AND c = 3", pk) == [items[3]]
    assert _items(client, f"SELECT c {where} AND c BETWEEN 1 AND 2", pk) == [{"c": {"N": "1"}}, {"c": {"N": "2"}}]
    assert _items(client, f"SELECT * {where} AND v = 'v1'", pk) == [items[1], items[4]]
    assert _items(client, f"SELECT * {where} AND NOT (c > 1 OR v IS MISSING)", pk) == items[:2]


def test_a_scan_finds_all_that_its_filter_wants(client: Client, sort_table: str, unique: str) -> None:
    """The table is shared with other tests."""
    items = _fill(client, sort_table, unique, 4)
    found = _items(client, f'SELECT * FROM "{sort_table}" WHERE begins_with(p, ?) AND c >= 2', {"S": unique})
    assert sorted(found, key=lambda item: str(item["c"]["N"])) == items[2:]


def test_pages_of_one_item_are_the_whole(client: Client, sort_table: str, unique: str) -> None:
    names = [f"{unique}-{letter}" for letter in "cab"]
    items = [item for name in names for item in _fill(client, sort_table, name, 3)]
    parameters = [{"S": name} for name in names]
    statement = f'SELECT * FROM "{sort_table}" WHERE p IN [?, ?, ?]'
    for limit in (1, 2, 5):
        assert _items(client, statement, *parameters, Limit=limit) == items
    ordered = _items(client, statement + " ORDER BY p DESC", *parameters, Limit=2)
    assert ordered == items[:3] + items[6:] + items[3:6]
    scanned = _items(client, f'SELECT * FROM "{sort_table}" WHERE begins_with(p, ?)', {"S": unique}, Limit=3)
    assert sorted(map(str, scanned)) == sorted(map(str, items))


def test_a_page_ends_at_a_megabyte(client: Client, sort_table: str, unique: str) -> None:
    text = "x" * (300 * KIB)
    for number in range(5):
        _execute(client, f"INSERT INTO \"{sort_table}\" VALUE {{'p': ?, 'c': ?, 'v': ?}}", *(
            {"S": unique}, {"N": str(number)}, {"S": text}
        ))  # fmt: skip
    statement = f'SELECT c FROM "{sort_table}" WHERE p = ?'
    page = _execute(client, statement, {"S": unique})
    assert len(page["Items"]) == 4
    assert page["LastEvaluatedKey"] == {"p": {"S": unique}, "c": {"N": "3"}}
    rest = _execute(client, statement, {"S": unique}, NextToken=page["NextToken"])
    assert rest["Items"] == [{"c": {"N": "4"}}]
    with invalid("NextToken does not match request"):
        _execute(client, statement, {"S": unique + "x"}, NextToken=page["NextToken"])
    with invalid("Invalid NextToken"):
        _execute(client, statement, {"S": unique}, NextToken=page["NextToken"][:-4])


def test_writes(client: Client, sort_table: str, unique: str) -> None:
    key = {"p": {"S": unique}, "c": {"N": "1"}}
    insert = f"INSERT INTO \"{sort_table}\" VALUE {{'p': ?, 'c': 1, 'n': 1, 'tags': <<'a'>>}}"
    _execute(client, insert, key["p"])
    with refused("DuplicateItemException", "Duplicate primary key exists in table"):
        _execute(client, insert, key["p"])
    where = "WHERE p = ? AND c = 1"
    changed = _execute(
        client,
        f'UPDATE "{sort_table}" SET n = n + 1 SET tags = set_add(tags, ?) REMOVE gone {where} RETURNING MODIFIED NEW *',
        {"SS": ["b"]},
        key["p"],
    )
    assert changed["Items"] == [{"n": {"N": "2"}, "tags": {"SS": ["a", "b"]}}]
    with refused("ConditionalCheckFailedException") as refusal:
        _execute(
            client,
            f'UPDATE "{sort_table}" SET n = 9 {where} AND n = 7',
            key["p"],
            ReturnValuesOnConditionCheckFailure="ALL_OLD",
        )
    assert refusal.response["Item"]["n"] == {"N": "2"}
    with refused("ConditionalCheckFailedException"):
        _execute(client, f'UPDATE "{sort_table}" SET n = 9 WHERE p = ? AND c = 99', key["p"])
    deleted = _execute(client, f'DELETE FROM "{sort_table}" {where} RETURNING ALL OLD *', key["p"])
    assert [item["n"] for item in deleted["Items"]] == [{"N": "2"}]
    assert _execute(client, f'DELETE FROM "{sort_table}" {where} RETURNING ALL OLD *', key["p"])["Items"] == []
    assert "Item" not in client.get_item(TableName=sort_table, Key=key)


def test_indexes_see_what_statements_write(client: Client, indexed_table: str, unique: str) -> None:
    item = {"p": {"S": unique}, "c": {"S": "1"}, "l": {"N": "5"}, "g": {"S": unique}, "x": {"S": "y"}}
    _insert(client, indexed_table, item)
    by_g = f'SELECT l FROM "{indexed_table}"."global_keys" WHERE g = ?'
    assert _items(client, by_g, item["g"]) == [{"l": {"N": "5"}}]
    _execute(client, f"UPDATE \"{indexed_table}\" SET l = 6 WHERE p = ? AND c = '1'", item["p"])
    assert _items(client, by_g + " AND l > 5", item["g"]) == [{"l": {"N": "6"}}]
    local = f'SELECT x FROM "{indexed_table}"."local_keys" WHERE p = ? AND l = 6'
    assert _items(client, local, item["p"], ConsistentRead=True) == [{"x": {"S": "y"}}]
    with invalid(r"Global secondary index global_keys does not project \[x\]"):
        _execute(client, f'SELECT x FROM "{indexed_table}"."global_keys" WHERE g = ?', item["g"])
    _execute(client, f"DELETE FROM \"{indexed_table}\" WHERE p = ? AND c = '1'", item["p"])
    assert _items(client, by_g, item["g"]) == []


def test_statements_cost_what_the_native_operations_cost(client: Client, indexed_table: str, unique: str) -> None:
    """Each pair on an item of its own."""
    wide = {"x": {"S": "x" * 5000}, "g": {"S": unique}, "l": {"N": "1"}}
    first, second = ({"p": {"S": unique + end}, "c": {"S": "1"}} for end in "12")
    asked: dict[str, Any] = {"ReturnConsumedCapacity": "INDEXES"}
    native: dict[str, Any] = {"TableName": indexed_table, **asked}
    where = f'"{indexed_table}" WHERE p = ? AND c = ?'
    key = list(second.values())
    pairs = [
        (
            client.put_item(Item={**first, **wide}, **native),
            _insert(client, indexed_table, {**second, **wide}, **asked),
        ),
        (
            client.get_item(Key=first, ConsistentRead=True, **native),
            _execute(client, f"SELECT c FROM {where}", *key, ConsistentRead=True, **asked),
        ),
        (
            client.get_item(Key=first, **native),
            _execute(client, f"SELECT c FROM {where} AND x = 'other'", *key, **asked),
        ),
        (
            client.query(
                IndexName="local_keys",
                KeyConditionExpression="p = :p",
                ExpressionAttributeValues={":p": first["p"]},
                ProjectionExpression="x",
                **native,
            ),
            _execute(client, f'SELECT x FROM "{indexed_table}"."local_keys" WHERE p = ?', second["p"], **asked),
        ),
        (
            client.update_item(
                Key=first, UpdateExpression="SET l = :l", ExpressionAttributeValues={":l": {"N": "2"}}, **native
            ),
            _execute(client, f'UPDATE "{indexed_table}" SET l = 2 WHERE p = ? AND c = ?', *key, **asked),
        ),
        (client.delete_item(Key=first, **native), _execute(client, f"DELETE FROM {where}", *key, **asked)),
    ]
    for one, other in pairs:
        assert one["ConsumedCapacity"] == other["ConsumedCapacity"]


def test_batches(client: Client, sort_table: str, unique: str) -> None:
    insert = f"INSERT INTO \"{sort_table}\" VALUE {{'p': ?, 'c': ?}}"
    rows = [{"Statement": insert, "Parameters": [{"S": unique}, {"N": str(n)}]} for n in range(25)]
    answers = client.batch_execute_statement(Statements=rows)["Responses"]
    assert answers == [{"TableName": sort_table}] * 25
    answers = client.batch_execute_statement(Statements=[rows[0], {"Statement": "none"}])["Responses"]
    assert [answer["Error"]["Code"] for answer in answers] == ["DuplicateItem", "ValidationError"]
    select = f'SELECT c FROM "{sort_table}" WHERE p = ? AND c = ?'
    reads = [{"Statement": select, "Parameters": [{"S": unique}, {"N": str(n)}]} for n in (24, 25, 0)]
    found = client.batch_execute_statement(Statements=reads)["Responses"]
    assert [answer.get("Item") for answer in found] == [{"c": {"N": "24"}}, None, {"c": {"N": "0"}}]


def test_transactions(client: Client, sort_table: str, unique: str) -> None:
    table, token = f'"{sort_table}"', str(uuid.uuid4())
    pk = {"S": unique}
    insert = {"Statement": f"INSERT INTO {table} VALUE {{'p': ?, 'c': 1, 'n': 0}}", "Parameters": [pk]}
    client.execute_transaction(TransactStatements=[insert])
    add = {"Statement": f"UPDATE {table} SET n = n + 1 WHERE p = ? AND c = 1", "Parameters": [pk]}
    there = {
        "Statement": f"EXISTS(SELECT * FROM {table} WHERE p = ? AND c = 2 AND n = 5)",
        "Parameters": [pk],
    }
    with refused("TransactionCanceledException") as refusal:
        client.execute_transaction(TransactStatements=[add, there])
    codes = [reason["Code"] for reason in refusal.response["CancellationReasons"]]
    assert codes == ["None", "ConditionalCheckFailed"]
    other = {"Statement": f"INSERT INTO {table} VALUE {{'p': ?, 'c': 2, 'n': 5}}", "Parameters": [pk]}
    for _ in range(2):
        done = client.execute_transaction(TransactStatements=[add, other], ClientRequestToken=token)
        assert done["Responses"] == []
    select = f"SELECT n FROM {table} WHERE p = ? AND c = ?"
    reads = [{"Statement": select, "Parameters": [pk, {"N": str(n)}]} for n in (1, 2, 3)]
    found = client.execute_transaction(TransactStatements=reads)["Responses"]
    assert found == [{"Item": {"n": {"N": "1"}}}, {"Item": {"n": {"N": "5"}}}, {}]
