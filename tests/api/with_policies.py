"""Requests of somebody who has policies, and what becomes of them."""

import inspect
from typing import Any

import orjson
import pytest
from tests.access.kit import policy
from tests.in_process import Api, Fault

from statordb.access.authority import Authority
from statordb.access.document import Policy
from statordb.model.request import NOWHERE, Origin, Principal, Request

NUMBER = "000000000000"
ANN = f"arn:aws:iam::{NUMBER}:user/ann"
TABLE = f"arn:aws:dynamodb:us-east-1:{NUMBER}:table/abc"
OWN = {"ForAllValues:StringEquals": {"dynamodb:LeadingKeys": ["${aws:username}"]}}
ANNS, BOBS = {"p": {"S": "ann"}}, {"p": {"S": "bob"}}


def ann(*policies: Policy, **others: Any) -> Principal:
    authority = Authority("user", ANN, NUMBER, "AIDAANN", "ann", policies, **others)
    return Principal(NUMBER, "AKIAANN", "us-east-1", ANN, authority)


def allowing(**condition: Any) -> Principal:
    """Who may do everything on one condition."""
    return ann(policy({"Condition": condition}))


def ask(api: Api, who: Principal, operation: str, origin: Origin = NOWHERE, **body: Any) -> Any:
    async def handle() -> Any:
        reply = api.dispatcher.handle(Request(operation, orjson.dumps(body), who, "id", origin=origin))
        return await reply if inspect.isawaitable(reply) else reply

    reply = api.run(handle())
    if api.faults:
        raise api.faults.pop()
    answer = orjson.loads(reply.body or b"{}")
    if reply.status != 200:
        raise Fault(str(reply.error), answer)
    return answer


def refusal(api: Api, who: Principal, operation: str, origin: Origin = NOWHERE, **body: Any) -> str:
    """The text of AccessDeniedException."""
    with pytest.raises(Fault) as caught:
        ask(api, who, operation, origin, **body)
    assert caught.value.code == "AccessDeniedException"
    assert caught.value.body["__type"] == "com.amazon.coral.service#AccessDeniedException"
    return str(caught.value.body["Message"])


def may(api: Api, who: Principal, operation: str, origin: Origin = NOWHERE, **body: Any) -> bool:
    """Whether it is allowed, whatever else comes of it."""
    try:
        ask(api, who, operation, origin, **body)
    except Fault as fault:
        return fault.code != "AccessDeniedException"
    return True


def text(action: str, resource: str) -> str:
    return (
        f"User: {ANN} is not authorized to perform: dynamodb:{action} on resource: {resource} "
        f"because no identity-based policy allows the dynamodb:{action} action"
    )


def requests(item: dict[str, Any]) -> dict[str, tuple[str, dict[str, Any]]]:
    """Requests of each kind for one item, on the short ways and beside them."""
    at, value = {"TableName": "abc"}, item["p"]["S"]
    where = f"WHERE p = '{value}'"
    values = {":p": {"S": value}}
    update = {**at, "Key": item, "UpdateExpression": "SET n = :n", "ExpressionAttributeValues": {":n": {"S": "1"}}}
    return {
        "get": ("GetItem", {**at, "Key": item}),
        "long get": ("GetItem", {**at, "Key": item, "ReturnConsumedCapacity": "TOTAL"}),
        "put": ("PutItem", {**at, "Item": item}),
        "long put": ("PutItem", {**at, "Item": item, "ReturnValues": "ALL_OLD"}),
        "update": ("UpdateItem", update),
        "long update": ("UpdateItem", {**update, "ReturnConsumedCapacity": "TOTAL"}),
        "delete": ("DeleteItem", {**at, "Key": item}),
        "query": ("Query", {**at, "KeyConditionExpression": "p = :p", "ExpressionAttributeValues": values}),
        "legacy query": (
            "Query",
            {**at, "KeyConditions": {"p": {"ComparisonOperator": "EQ", "AttributeValueList": [item["p"]]}}},
        ),
        "batch get": ("BatchGetItem", {"RequestItems": {"abc": {"Keys": [item]}}}),
        "batch put": ("BatchWriteItem", {"RequestItems": {"abc": [{"PutRequest": {"Item": item}}]}}),
        "batch delete": ("BatchWriteItem", {"RequestItems": {TABLE: [{"DeleteRequest": {"Key": item}}]}}),
        "transact get": ("TransactGetItems", {"TransactItems": [{"Get": {**at, "Key": item}}]}),
        "transact put": ("TransactWriteItems", {"TransactItems": [{"Put": {**at, "Item": item}}]}),
        "transact check": (
            "TransactWriteItems",
            {"TransactItems": [{"ConditionCheck": {**at, "Key": item, "ConditionExpression": "attribute_exists(p)"}}]},
        ),
        "select": ("ExecuteStatement", {"Statement": f"SELECT * FROM abc {where}"}),
        "select with a parameter": (
            "ExecuteStatement",
            {"Statement": "SELECT * FROM abc WHERE p = ?", "Parameters": [item["p"]]},
        ),
        "insert": ("ExecuteStatement", {"Statement": f"INSERT INTO abc VALUE {{'p': '{value}'}}"}),
        "change": ("ExecuteStatement", {"Statement": f"UPDATE abc SET n = 1 {where}"}),
        "erase": ("ExecuteStatement", {"Statement": f"DELETE FROM abc {where}"}),
        "transaction of statements": (
            "ExecuteTransaction",
            {"TransactStatements": [{"Statement": f"UPDATE abc SET n = 1 {where}"}]},
        ),
    }


def only(*names: str) -> Principal:
    return allowing(**{"ForAllValues:StringEquals": {"dynamodb:Attributes": list(names)}})
