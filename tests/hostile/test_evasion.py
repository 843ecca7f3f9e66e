"""Ways to have somebody else's item by a policy that lets a user have the items under the user's own name.

Each names the other's key by words of another spelling, or beside the own one. What comes out, and what is there
afterwards, is judged: the other's item never leaves, and stays as it is.
"""

import inspect
import json
from typing import Any

import orjson
import pytest
from tests.access.kit import policy
from tests.api.test_gate import CREATE
from tests.api.with_policies import ANNS, BOBS, OWN, TABLE, allowing, ann
from tests.in_process import Api

from statordb.model.request import Principal, Request

HIDDEN = b"hidden"
NO_SCANS = {
    "Effect": "Deny", "Action": "dynamodb:PartiQLSelect", "Condition": {"Bool": {"dynamodb:FullTableScan": "true"}},
}  # fmt: skip
USER = ann(policy({"Condition": OWN, "NotAction": "dynamodb:Scan"}, NO_SCANS))


class Prey:
    """A table with an item of ann's, and one of bob's."""

    def __init__(self, api: Api, type: str = "S", key: Any = BOBS["p"]) -> None:
        self.api = api
        definitions = [{"AttributeName": "p", "AttributeType": type}]
        api("CreateTable", TableName="abc", **{**CREATE, "AttributeDefinitions": definitions})
        self.item = {"p": key, "s": {"S": HIDDEN.decode()}}
        api("PutItem", TableName="abc", Item=self.item)

    def ask(self, operation: str, body: bytes, who: Principal = USER) -> int:
        """The status of the answer, which gives nothing away."""

        async def handle() -> Any:
            reply = self.api.dispatcher.handle(Request(operation, body, who, "id"))
            return await reply if inspect.isawaitable(reply) else reply

        reply = self.api.run(handle())
        assert not self.api.faults
        assert HIDDEN not in bytes(reply.body), (operation, body)
        assert self.api("GetItem", TableName="abc", Key={"p": self.item["p"]}).get("Item") == self.item, (
            operation,
            body,
        )
        return int(reply.status)


@pytest.fixture
def prey(api: Api) -> Prey:
    return Prey(api)


@pytest.mark.parametrize("operation", ["GetItem", "DeleteItem"])
@pytest.mark.parametrize(
    "key",
    [
        b'"Key":{"p":{"S":"ann"}},"Key":{"p":{"S":"bob"}}',
        b'"Key":{"p":{"S":"ann"},"p":{"S":"bob"}}',
        b'"Key":{"p":{"S":"ann","S":"bob"}}',
        b'"Key":{"p":{"S":"ann"}},"K\\u0065y":{"p":{"S":"bob"}}',
        b'"Key":{"p":{"S":"ann"},"\\u0070":{"S":"bob"}}',
        b'"Key":{"p":{"S":"\\u0062ob"}}',
        b'"Key":{"p":{"N":"1","S":"bob"}}',
        b'"Key":{"p":{"N":null,"S":"bob"}}',
        b'"Key":{"p":{"S":"bob","B":null}}',
        b'"Key":{"p":{"s":"bob"}}',
        b'"key":{"p":{"S":"ann"}},"Key":{"p":{"S":"bob"}}',
        b'"Key":{"p":{"S":"bob"},"q":null}',
        b'"Key":{"p":{"S":"bob"},"q":{"S":"ann"}}',
    ],
)
def test_members_that_are_said_twice_or_otherwise(prey: Prey, operation: str, key: bytes) -> None:
    assert prey.ask(operation, b'{"TableName":"abc",%b}' % key) == 400


@pytest.mark.parametrize(
    "name",
    [
        "arn:AWS:dynamodb:us-east-1:000000000000:table/abc", "ARN:aws:dynamodb:us-east-1:000000000000:table/abc",
        "arn:aws:dynamodb:US-EAST-1:000000000000:table/abc", "arn:aws-cn:dynamodb:us-east-1:000000000000:table/abc",
        "arn:aws:dynamodb:us-east-1:000000000000:table/abc/index/x", TABLE, f"{TABLE}/", " abc", "abc\n", "./abc",
        "ABC",
    ],
)  # fmt: skip
def test_names_of_the_table(prey: Prey, name: str) -> None:
    """Nor does a Deny on the table end where it is called otherwise."""
    denied = ann(policy({}, {"Effect": "Deny", "Action": "dynamodb:*", "Resource": TABLE}))
    for who in (USER, denied):
        for operation, body in (
            ("GetItem", {"TableName": name, "Key": BOBS}),
            ("BatchGetItem", {"RequestItems": {name: {"Keys": [BOBS]}, "abc": {"Keys": [ANNS]}}}),
            ("BatchWriteItem", {"RequestItems": {name: [{"DeleteRequest": {"Key": BOBS}}]}}),
            ("TransactGetItems", {"TransactItems": [{"Get": {"TableName": name, "Key": BOBS}}]}),
            ("ExecuteStatement", {"Statement": f"SELECT * FROM \"{name}\" WHERE p = 'bob'"}),
        ):
            assert prey.ask(operation, orjson.dumps(body), who) == 400


@pytest.mark.parametrize(
    "where",
    [
        "p = 'bob'", "'bob' = p", "p IN ('bob')", "p IN ['ann', 'bob']", "p = 'ann' OR p = 'bob'", "p >= 'bob'",
        "NOT p <> 'bob'", "NOT (p <> 'bob')", "p BETWEEN 'bob' AND 'bob'", "(p = 'bob')", "begins_with(p, 'bob')",
        "p = 'ann' AND s = 'x' OR p = 'bob'", "p = 'bob' AND p = 'bob'", "p IS NOT MISSING", "s = 'hidden'",
        "contains(p, 'bob')", "p = 'bob' AND p = 'ann'", "p = 'ann' AND p = 'bob'", "\"p\" = 'bob'", "p = 'bo' || 'b'",
    ],
)  # fmt: skip
def test_statements_that_find_another_key(prey: Prey, where: str) -> None:
    for text in (
        f"SELECT * FROM abc WHERE {where}",
        f"SELECT s FROM abc AS p WHERE {where}",
        f"DELETE FROM abc WHERE {where} RETURNING ALL OLD *",
        f"UPDATE abc SET s = 'x' WHERE {where} RETURNING ALL OLD *",
    ):
        prey.ask("ExecuteStatement", orjson.dumps({"Statement": text}))
        prey.ask("BatchExecuteStatement", orjson.dumps({"Statements": [{"Statement": text}]}))
        prey.ask("ExecuteTransaction", orjson.dumps({"TransactStatements": [{"Statement": text}]}))
    exists = f"EXISTS(SELECT * FROM abc WHERE {where})"
    shown = {"Statement": exists, "ReturnValuesOnConditionCheckFailure": "ALL_OLD"}
    prey.ask("ExecuteTransaction", orjson.dumps({"TransactStatements": [shown]}))


@pytest.mark.parametrize(
    "value",
    [
        '{"S":"bob"}', '{"N":null,"S":"bob"}', '{"S":"bob","M":null}', '{"S":"ann","S":"bob"}', '{"L":[{"S":"bob"}]}',
        '{"SS":["ann","bob"]}',
    ],
)  # fmt: skip
def test_queries_that_name_another_key(prey: Prey, value: str) -> None:
    for expression in ("p = :v", "(p = :v)", ":v = p", "#p = :v", "p IN (:v)", "p >= :v", "begins_with(p, :v)"):
        names = ',"ExpressionAttributeNames":{"#p":"p"}' if "#" in expression else ""
        body = (
            f'{{"TableName":"abc","KeyConditionExpression":"{expression}","ExpressionAttributeValues":{{":v":{value}}}'
        )
        assert prey.ask("Query", f"{body}{names}}}".encode()) == 400
    for operator in ("EQ", "IN", "GE", "BEGINS_WITH", "BETWEEN", "eq", "NOT_NULL"):
        condition = f'{{"p":{{"ComparisonOperator":"{operator}","AttributeValueList":[{value},{value}]}}}}'
        single = condition.replace(f",{value}", "", 1)
        for each in (condition, single):
            assert prey.ask("Query", f'{{"TableName":"abc","KeyConditions":{each}}}'.encode()) == 400


def test_batches_and_transactions_that_have_one_of_others(prey: Prey) -> None:
    table = {"TableName": "abc"}
    put, key = {"PutRequest": {"Item": ANNS}}, {"DeleteRequest": {"Key": BOBS}}
    update = {**table, "Key": BOBS, "UpdateExpression": "REMOVE s"}
    check = {**table, "Key": BOBS, "ConditionExpression": "attribute_not_exists(s)",
             "ReturnValuesOnConditionCheckFailure": "ALL_OLD"}  # fmt: skip
    own = {"Put": {**table, "Item": ANNS}}
    for operation, body in (
        ("BatchGetItem", {"RequestItems": {"abc": {"Keys": [ANNS, BOBS]}}}),
        ("BatchGetItem", {"RequestItems": {"abc": {"Keys": [ANNS]}, TABLE: {"Keys": [BOBS]}}}),
        ("BatchWriteItem", {"RequestItems": {"abc": [put, key]}}),
        ("BatchWriteItem", {"RequestItems": {"abc": [put], TABLE: [key]}}),
        ("TransactWriteItems", {"TransactItems": [own, {"Update": update}]}),
        ("TransactWriteItems", {"TransactItems": [own, {"ConditionCheck": check}]}),
        ("TransactWriteItems", {"TransactItems": [own, {"Delete": {**table, "Key": BOBS}}]}),
        ("TransactWriteItems", {"TransactItems": [{**own, "Delete": {**table, "Key": BOBS}}]}),
        ("TransactGetItems", {"TransactItems": [{"Get": {**table, "Key": key}} for key in (ANNS, BOBS)]}),
        ("UpdateItem", {**table, "Key": BOBS, "AttributeUpdates": {"s": {"Action": "DELETE"}}}),
        ("PutItem", {**table, "Item": BOBS, "Expected": {"s": {"Exists": False}}, "ReturnValues": "ALL_OLD"}),
    ):
        assert prey.ask(operation, orjson.dumps(body)) == 400


@pytest.mark.parametrize(
    "text",
    ["7", "7.0", "+7", "07", " 7", "7e0", "70E-1", "0.7e1", "7_0", "\u0667", "\uff17", "7.0000000000000"],
)
def test_a_denied_number_is_denied_however_it_is_written(api: Api, text: str) -> None:
    prey = Prey(api, "N", {"N": "7"})
    denied = {"Effect": "Deny", "Condition": {"ForAnyValue:StringEquals": {"dynamodb:LeadingKeys": "7"}}}
    _refused_each(prey, ann(policy({}, denied)), {"N": text}, text)


@pytest.mark.parametrize("text", ["Yg==", "Yh==", "Yg=", "Yg", "Yg==\n", "Y g==", "Yg==Yg==", "Yg===", "_g=="])
def test_a_denied_binary_is_denied_however_it_is_written(api: Api, text: str) -> None:
    prey = Prey(api, "B", {"B": "Yg=="})
    denied = {"Effect": "Deny", "Condition": {"ForAnyValue:StringEquals": {"dynamodb:LeadingKeys": "Yg=="}}}
    _refused_each(prey, ann(policy({}, denied)), {"B": text}, "?")


def _refused_each(prey: Prey, who: Principal, value: dict[str, str], literal: str) -> None:
    query = {"KeyConditionExpression": "p = :v", "ExpressionAttributeValues": {":v": value}}
    legacy = {"KeyConditions": {"p": {"ComparisonOperator": "EQ", "AttributeValueList": [value]}}}
    for operation, body in (
        ("GetItem", {"TableName": "abc", "Key": {"p": value}}),
        ("DeleteItem", {"TableName": "abc", "Key": {"p": value}}),
        ("Query", {"TableName": "abc", **query}),
        ("Query", {"TableName": "abc", **legacy}),
        ("BatchGetItem", {"RequestItems": {"abc": {"Keys": [{"p": value}]}}}),
        ("ExecuteStatement", {"Statement": "SELECT * FROM abc WHERE p = ?", "Parameters": [value]}),
        ("ExecuteStatement", {"Statement": f"SELECT * FROM abc WHERE p = {literal}"}),
    ):
        assert prey.ask(operation, json.dumps(body).encode(), who) == 400


def test_the_judge_sees_what_comes_out(prey: Prey) -> None:
    with pytest.raises(AssertionError):
        prey.ask("GetItem", orjson.dumps({"TableName": "abc", "Key": BOBS}), allowing())
    with pytest.raises(AssertionError):
        prey.ask("DeleteItem", orjson.dumps({"TableName": "abc", "Key": BOBS}), allowing())
