"""What somebody asks who may have some attributes of some items, and looks for ways round that."""

import random
from collections.abc import Callable
from typing import Any

from tests.fuzz.requests import TABLE

Body = dict[str, Any]

OWN, OTHER = "own", "other"  # partitions
ARN = f"arn:aws:dynamodb:us-east-1:000000000000:table/{TABLE}"
PROJECTIONS = ("p, c", "a", "l[0]", "n, b", "p", "s", "#h", "m.deep", "a, m.a", "#h.deep", "m")
FILTERS = ("a = :x", "s = :x", "contains(s, :x)", "attribute_exists(m.deep)", "size(s) > size(a)", "#h = :x")
SELECTED = (
    "p", "p, c", "a", "l[0]", "n, b", "*", "s", "m.deep", '"s"', "p, s", "a.b", "COUNT(*)", f"{TABLE}.s", "VALUE a",
)  # fmt: skip
SOURCES = (TABLE, TABLE, f'"{ARN}"', f'"{TABLE}"."local"', f'"{TABLE}"."global"', TABLE.upper())
WHERE = (
    "p = 'own'", "p = 'other'", "p IN ['own']", "p IN ['own', 'other']", "p = 'own' OR p = 'other'", "p = ?",
    "(p = 'own' AND c > 1)", "NOT p <> 'other'", "p BETWEEN 'other' AND 'other'", "p >= 'other'", "'other' = p",
    "begins_with(p, 'o')", "p = 'own' AND p = 'other'", "NOT (p = 'own')", "p IN ['other'] AND p = 'own'",
    "p = 'other' AND c = 3", "p = 'own' AND c = 3", "p IS NOT MISSING", '"p" = \'other\'', "P = 'other'", "p = p",
    "c = 3", f"{TABLE}.p = 'other'", "p = 'own' AND (p = 'other' OR c > 2)", "p = 'own' OR c > 2",
    "NOT NOT p = 'other'", "p = 'other' AND NOT c IN [1]", "contains(p, 'o')",
)  # fmt: skip
AND_ALSO = (" ORDER BY c", " AND s = 'hid'", " AND size(s) > 1", " AND b > 'a'", " AND m.deep IS NOT MISSING")
CHANGES: tuple[Body, ...] = (
    {"UpdateExpression": "SET a = s"},
    {"UpdateExpression": "SET a = if_not_exists(m.deep, a)"},
    {"UpdateExpression": "SET l[0] = n"},
    {"UpdateExpression": "REMOVE s"},
    {"UpdateExpression": "SET a = n", "ConditionExpression": "begins_with(s, b)"},
    {"AttributeUpdates": {"s": {"Action": "DELETE"}}},
    {"AttributeUpdates": {"b": {"Action": "PUT", "Value": {"S": "y"}}}},
    {"AttributeUpdates": {}, "Expected": {"s": {"Exists": False}}},
)
RETURNED = ("NONE", "ALL_OLD", "ALL_NEW", "UPDATED_NEW", "UPDATED_OLD")
SHOWN: tuple[Body, ...] = ({}, {}, {"ReturnValuesOnConditionCheckFailure": "ALL_OLD"})


def _key(chance: random.Random) -> Body:
    return {"p": {"S": chance.choice((OWN, OWN, OTHER))}, "c": {"N": str(chance.randrange(5))}}


def _named(chance: random.Random, body: Body, *texts: str) -> Body:
    """A request with the names that its expressions use."""
    return body | ({"ExpressionAttributeNames": {"#h": chance.choice("sma")}} if "#h" in " ".join(texts) else {})


def _query(chance: random.Random) -> Body:
    values: Body = {":p": {"S": chance.choice((OWN, OWN, OTHER))}}
    body: Body = {"TableName": chance.choice((TABLE, ARN)), "KeyConditionExpression": "p = :p"}
    if chance.random() < 0.3:
        body["IndexName"] = chance.choice(("local", "global"))
    select = chance.choice((None, None, "SPECIFIC_ATTRIBUTES", "COUNT", "ALL_ATTRIBUTES", "ALL_PROJECTED_ATTRIBUTES"))
    if select is not None:
        body["Select"] = select
    if select in (None, "SPECIFIC_ATTRIBUTES"):
        body["ProjectionExpression"] = chance.choice(PROJECTIONS)
    if chance.random() < 0.4:
        body["FilterExpression"] = chance.choice(FILTERS)
        if ":x" in body["FilterExpression"]:
            values[":x"] = {"S": "hid"}
    if chance.random() < 0.2:
        body["ExclusiveStartKey"] = _key(chance)
    texts = body.get("ProjectionExpression", ""), body.get("FilterExpression", "")
    return _named(chance, body | {"ExpressionAttributeValues": values}, *texts)


def _get(chance: random.Random) -> Body:
    projection = chance.choice(PROJECTIONS)
    return _named(chance, {"TableName": TABLE, "Key": _key(chance), "ProjectionExpression": projection}, projection)


def _batch_get(chance: random.Random) -> Body:
    keys = [{**_key(chance), "c": {"N": str(number)}} for number in range(2)]
    wanted = {"Keys": keys, **({} if chance.random() < 0.1 else {"ProjectionExpression": chance.choice("ps")})}
    return {"RequestItems": {chance.choice((TABLE, ARN)): wanted}}


def _update(chance: random.Random) -> Body:
    returned = {"ReturnValues": chance.choice(RETURNED), **chance.choice(SHOWN)}
    return {"TableName": TABLE, "Key": _key(chance), **returned, **chance.choice(CHANGES)}


def _put(chance: random.Random) -> Body:
    item = _key(chance) | chance.choice(({}, {"a": {"S": "x"}}, {"s": {"S": "x"}}))
    unmet = {"ConditionExpression": chance.choice(("attribute_not_exists(p)", "attribute_not_exists(s)"))}
    return {"TableName": TABLE, "Item": item, **chance.choice(({}, unmet)), **chance.choice(SHOWN)}


def _transact(chance: random.Random) -> Body:
    put, update = _put(chance), _update(chance)
    for extra in ("ReturnValues", "AttributeUpdates", "Expected"):
        update.pop(extra, None)
    check = {"TableName": TABLE, "Key": _key(chance), "ConditionExpression": chance.choice(("c = c", "s = s"))}
    part = chance.choice(({"Put": put}, {"Update": update}, {"ConditionCheck": check | chance.choice(SHOWN)}))
    return {"TransactItems": [part]}


def _statement(chance: random.Random) -> Body:
    where = chance.choice(WHERE)
    if chance.random() < 0.3:
        where += chance.choice((" AND ", " OR ")) + chance.choice(WHERE)
    if chance.random() < 0.3:
        where += chance.choice(AND_ALSO)
    returning = chance.choice(("", " RETURNING ALL OLD *", " RETURNING ALL NEW *", " RETURNING MODIFIED NEW *"))
    text = chance.choice(
        (
            f"SELECT {chance.choice(SELECTED)} FROM {chance.choice(SOURCES)} WHERE {where}",
            f"SELECT {chance.choice(SELECTED)} FROM {chance.choice(SOURCES)} WHERE {where}",
            f"UPDATE {TABLE} SET a = {chance.choice(('s', 'n', 'm.deep'))} WHERE {where}{returning}",
            f"DELETE FROM {TABLE} WHERE {where}{returning}",
        )
    )
    given = [{"S": chance.choice((OWN, OTHER))} for _ in range(text.count("?"))]
    return {"Statement": text, **({"Parameters": given} if given else {})} | chance.choice(SHOWN)


def _statements(chance: random.Random) -> Body:
    return {"Statements": [_statement(chance) for _ in range(3)]}


MAKERS: dict[str, Callable[[random.Random], Body]] = {
    "Query": _query,
    "GetItem": _get,
    "BatchGetItem": _batch_get,
    "UpdateItem": _update,
    "PutItem": _put,
    "TransactWriteItems": _transact,
    "ExecuteStatement": _statement,
    "BatchExecuteStatement": _statements,
}


def any_request(chance: random.Random) -> tuple[str, Body]:
    operation = chance.choice((*MAKERS, "ExecuteStatement", "Query"))
    return operation, MAKERS[operation](chance)
